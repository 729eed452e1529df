import {Button} from "@mantine/core";
import {IconPlus, IconServer2} from "@tabler/icons-react";
import {Link} from "react-router";
import type {Cluster, UsageTotal} from "../api/client";
import {useClusters, useMe, useUsageTotals} from "../api/queries";
import {Acts} from "../parts/acts";
import {Empty, Loaded, PhaseMark, Title, useNow} from "../parts/bits";
import {sentence} from "../pure/draft";
import {soFar} from "../pure/usage";
import {duration, isMoving, nodeWords} from "../pure/words";

function CreateButton() {
  const {may} = useMe();
  if (!may.manageClusters) return null;
  return (
    <Button component={Link} to="/clusters/new" leftSection={<IconPlus size={18} />}>
      Create cluster
    </Button>
  );
}

function ClusterCard({cluster, total}: {cluster: Cluster; total: UsageTotal | undefined}) {
  const moving = isMoving(cluster);
  const now = useNow(moving);
  const for_ = duration(now - Date.parse(cluster.phaseSince));
  return (
    <li>
      <article className="card cluster-card" aria-label={cluster.name}>
        <div className="row apart">
          <Link className="title" to={`/clusters/${cluster.id}`}>
            {cluster.name}
          </Link>
          <PhaseMark phase={cluster.phase} />
        </div>
        <div className="stack tight small dim" style={{flex: 1, alignContent: "start"}}>
          {cluster.problem ? (
            <p className="bad-text">{sentence(cluster.problem.message)}</p>
          ) : (
            <p>
              {moving
                ? `${sentence(cluster.stage).replace(/\.$/, "") || "Working"} · ${for_}`
                : `Head and ${nodeWords(cluster)}`}
            </p>
          )}
          <p>
            {cluster.spec.head.instanceType} · {cluster.spec.resourceGroup}
          </p>
          {total && <p>{soFar(total)}</p>}
        </div>
        <Acts cluster={cluster} few />
      </article>
    </li>
  );
}

export function Clusters() {
  const clusters = useClusters();
  const totals = useUsageTotals().data;
  const {may} = useMe();
  return (
    <>
      <Title>Clusters</Title>
      <div className="page-head">
        <h1>Clusters</h1>
        {clusters.data && clusters.data.length > 0 && (
          <div className="push">
            <CreateButton />
          </div>
        )}
      </div>
      <Loaded of={clusters}>
        {(all) =>
          all.length === 0 ? (
            <Empty
              icon={<IconServer2 size={44} stroke={1.4} aria-hidden />}
              title="No clusters yet"
            >
              <p>
                A cluster is one head, which people sign in to, and as many workers as your jobs
                need.
                {!may.manageClusters && " Ask an administrator for the right to create one."}
              </p>
              <CreateButton />
            </Empty>
          ) : (
            <ul className="cards">
              {all.map((cluster) => (
                <ClusterCard key={cluster.id} cluster={cluster} total={totals?.get(cluster.id)} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}
