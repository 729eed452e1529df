import {Button} from "@mantine/core";
import {IconExternalLink} from "@tabler/icons-react";
import type {Cluster} from "../../api/client";
import {useUsageTotal} from "../../api/queries";
import {CopyLine} from "../../parts/bits";
import {soFar} from "../../pure/usage";
import {nodeWords, when} from "../../pure/words";
import {FirstUser} from "./first_user";
import {Progress} from "./progress";

export function General({cluster}: {cluster: Cluster}) {
  const running = cluster.phase === "running" || cluster.phase === "updating";
  const total = useUsageTotal(cluster.id);
  return (
    <>
      {cluster.phase !== "running" && cluster.phase !== "stopped" && <Progress cluster={cluster} />}
      {cluster.phase === "stopped" && (
        <section className="card">
          <p>
            This cluster is stopped. Its data is kept; select <strong>Start</strong> to bring back
            the head and {nodeWords({...cluster, nodes: []}).replace(/^0 of /, "")}.
          </p>
        </section>
      )}
      <div className="two cards-two">
        <section className="card">
          <h2>Address</h2>
          {cluster.access.url ? (
            <div className="stack">
              <CopyLine value={cluster.access.url} label="Copy the address" />
              {running ? (
                <Button
                  component="a"
                  href={cluster.access.url}
                  target="_blank"
                  rel="noreferrer"
                  style={{justifySelf: "start"}}
                  leftSection={<IconExternalLink size={16} />}
                >
                  Open the cluster
                </Button>
              ) : (
                <p className="dim small">It can be opened while the cluster runs.</p>
              )}
            </div>
          ) : (
            <p className="dim">Known as soon as the head has its address.</p>
          )}
        </section>
        <FirstUser cluster={cluster} />
      </div>
      <section className="card">
        <h2>Overview</h2>
        <dl className="facts">
          <dt>Nodes</dt>
          <dd>Head and {nodeWords(cluster)}</dd>
          <dt>Resource group</dt>
          <dd>{cluster.spec.resourceGroup}</dd>
          <dt>Container</dt>
          <dd>{cluster.container}</dd>
          <dt>Created</dt>
          <dd>{when(cluster.createdAt)}</dd>
          {cluster.startedAt && (
            <>
              <dt>Running since</dt>
              <dd>{when(cluster.startedAt)}</dd>
            </>
          )}
          {total && (
            <>
              <dt>Cost</dt>
              <dd>{soFar(total)}</dd>
            </>
          )}
        </dl>
      </section>
    </>
  );
}
