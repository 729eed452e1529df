import {Button, SegmentedControl, Select, TextInput} from "@mantine/core";
import {IconCircleCheck, IconDownload, IconSearch} from "@tabler/icons-react";
import {useMemo, useState} from "react";
import type {Activity, Cluster} from "../../api/client";
import {useActivity} from "../../api/queries";
import {Loaded} from "../../parts/bits";
import {sentence} from "../../pure/draft";
import {matching, toLines, type Wanted} from "../../pure/activity";
import {when} from "../../pure/words";
import {LogTail} from "./log";
import {nodeTitle, Progress} from "./progress";
import {Resources} from "./resources";

function save(cluster: Cluster, entries: readonly Activity[]) {
  const url = URL.createObjectURL(new Blob([toLines(entries)], {type: "text/plain"}));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${cluster.name}-activity.txt`;
  link.click();
  URL.revokeObjectURL(url);
}

const tones = {info: "", warning: "warn", error: "bad"};

function Entry({entry, node}: {entry: Activity; node: string}) {
  return (
    <li className={tones[entry.severity]}>
      <div className="at">
        <time dateTime={entry.at}>{when(entry.at)}</time>
        {node && ` · ${node}`}
        {entry.actor && ` · ${entry.actor}`}
      </div>
      <div>{sentence(entry.message)}</div>
      {entry.reason && <div className="reason">{sentence(entry.reason)}</div>}
      {entry.error && entry.error.message !== entry.message && (
        <div className="small bad-text">
          {sentence(entry.error.message)} {entry.error.nextAction}
        </div>
      )}
      {entry.cloudRequestId && (
        <div className="reason mono">cloud request {entry.cloudRequestId}</div>
      )}
    </li>
  );
}

export function Console({cluster}: {cluster: Cluster}) {
  const activity = useActivity(cluster.id);
  const [wanted, setWanted] = useState<Wanted>({severity: "all", node: "", text: ""});
  const names = useMemo(
    () => new Map(cluster.nodes.map((node) => [node.id, nodeTitle(node)])),
    [cluster.nodes],
  );
  const fine =
    cluster.phase === "running" && !cluster.problem && cluster.nodes.every((node) => !node.problem);
  return (
    <>
      {fine ? (
        <section className="card row">
          <IconCircleCheck size={22} aria-hidden /> All is well: the head and every worker are
          ready.
        </section>
      ) : (
        <Progress cluster={cluster} more={(node) => <LogTail cluster={cluster.id} node={node} />} />
      )}
      <Resources cluster={cluster} />
      <section className="card stack">
        <div className="row apart">
          <h2>Activity</h2>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconDownload size={16} />}
            onClick={() => save(cluster, matching(activity.data ?? [], wanted))}
          >
            Download
          </Button>
        </div>
        <div className="row">
          <SegmentedControl
            aria-label="Severity"
            value={wanted.severity}
            onChange={(severity) =>
              setWanted({...wanted, severity: severity as Wanted["severity"]})
            }
            data={[
              {value: "all", label: "All"},
              {value: "warning", label: "Warnings"},
              {value: "error", label: "Errors"},
            ]}
          />
          <Select
            aria-label="Node"
            placeholder="Every node"
            clearable
            clearButtonProps={{"aria-label": "Every node"}}
            data={cluster.nodes.map((node) => ({value: node.id, label: nodeTitle(node)}))}
            value={wanted.node || null}
            onChange={(node) => setWanted({...wanted, node: node ?? ""})}
            style={{width: 160}}
          />
          <TextInput
            aria-label="Search the activity"
            placeholder="Search"
            leftSection={<IconSearch size={16} />}
            value={wanted.text}
            onChange={(event) => setWanted({...wanted, text: event.currentTarget.value})}
            style={{flex: "1 1 160px"}}
          />
        </div>
        <Loaded of={activity}>
          {(all) => {
            const shown = matching(all, wanted);
            return shown.length === 0 ? (
              <p className="dim">
                {all.length === 0 ? "Nothing has happened yet." : "Nothing matches."}
              </p>
            ) : (
              <ol className="timeline">
                {shown.map((entry) => (
                  <Entry
                    key={entry.sequence}
                    entry={entry}
                    node={names.get(entry.node) ?? entry.node}
                  />
                ))}
              </ol>
            );
          }}
        </Loaded>
      </section>
    </>
  );
}
