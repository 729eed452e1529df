import {ActionIcon, Menu} from "@mantine/core";
import {
  IconDots,
  IconFileText,
  IconLock,
  IconLockOpen,
  IconPlayerPause,
  IconPlayerPlay,
  IconRotateClockwise,
} from "@tabler/icons-react";
import {useState} from "react";
import {api, done, type Cluster, type ClusterNode} from "../../api/client";
import {useChange, useMe} from "../../api/queries";
import {PhaseMark} from "../../parts/bits";
import {Confirm} from "../../parts/confirm";
import {actionsHeading, Table} from "../../parts/table";
import {memory, nodeActsOf, plural} from "../../pure/words";
import {NodeLog} from "./log";
import {nodeTitle} from "./progress";

type NodeAct = "drain" | "resume" | "restart" | "protect" | "unprotect";

function useNodeAct(id: string) {
  return useChange(({node, act}: {node: string; act: NodeAct}) => {
    const params = {path: {id, node}};
    if (act === "drain") return done(api.POST("/v1/clusters/{id}/nodes/{node}/drain", {params}));
    if (act === "resume") return done(api.POST("/v1/clusters/{id}/nodes/{node}/resume", {params}));
    if (act === "protect")
      return done(api.POST("/v1/clusters/{id}/nodes/{node}/protect", {params}));
    if (act === "unprotect")
      return done(api.POST("/v1/clusters/{id}/nodes/{node}/unprotect", {params}));
    return done(api.POST("/v1/clusters/{id}/nodes/{node}/restart", {params}));
  });
}

function cpu(node: ClusterNode): string {
  return node.phase === "ready" && node.role === "worker"
    ? `${node.allocatedCpus} of ${node.vcpus}`
    : String(node.vcpus || "–");
}

/** What the state leaves open. */
function remark(node: ClusterNode): string {
  if (node.restartWanted && node.role === "worker")
    return node.jobs > 0 ? `restarts after ${plural(node.jobs, "job")}` : "restarts soon";
  if (node.outdated && !node.protected) return "is replaced: its group was changed";
  return node.state === "ready" ? node.workloadState : "";
}

interface RowMenuProps {
  node: ClusterNode;
  onAct: (act: NodeAct) => void;
  onLog: () => void;
}

function RowMenu({node, onAct, onLog}: RowMenuProps) {
  const {may} = useMe();
  const can = nodeActsOf(node);
  return (
    <Menu position="bottom-end" width={200} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="default" size="md" aria-label={`Actions of ${nodeTitle(node)}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {may.manageClusters && can.drain && (
          <Menu.Item leftSection={<IconPlayerPause size={16} />} onClick={() => onAct("drain")}>
            Drain
          </Menu.Item>
        )}
        {may.manageClusters && can.resume && (
          <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => onAct("resume")}>
            Resume
          </Menu.Item>
        )}
        {may.manageClusters && can.restart && (
          <Menu.Item
            leftSection={<IconRotateClockwise size={16} />}
            onClick={() => onAct("restart")}
          >
            Restart
          </Menu.Item>
        )}
        {may.manageClusters && node.autoscaled && (
          <Menu.Item
            leftSection={node.protected ? <IconLockOpen size={16} /> : <IconLock size={16} />}
            onClick={() => onAct(node.protected ? "unprotect" : "protect")}
          >
            {node.protected ? "Let the autoscaler take it" : "Keep from the autoscaler"}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconFileText size={16} />} onClick={onLog}>
          Show the log
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function AskRestart({
  node,
  onDone,
  onClose,
}: {
  node: ClusterNode;
  onDone: () => void;
  onClose: () => void;
}) {
  return (
    <Confirm
      title={`Restart ${nodeTitle(node)}?`}
      act="Restart node"
      onDone={onDone}
      onClose={onClose}
    >
      <p>
        {node.role === "head"
          ? "Running jobs go on. Nobody can submit a job or sign in until the head is back."
          : node.jobs > 0
            ? `It takes no new jobs from now on, and restarts once the ${plural(node.jobs, "job")} on it ${node.jobs === 1 ? "has" : "have"} ended.`
            : "No job is running on it: it restarts at once and then takes jobs again."}
      </p>
      <p>The machine restarts in place; its address and data stay.</p>
    </Confirm>
  );
}

export function Nodes({cluster}: {cluster: Cluster}) {
  const act = useNodeAct(cluster.id);
  const [asked, setAsked] = useState<ClusterNode | null>(null);
  const [log, setLog] = useState<ClusterNode | null>(null);
  if (cluster.nodes.length === 0) return <p className="dim">There are no machines now.</p>;
  return (
    <>
      <Table
        label="Nodes"
        headings={[
          "Node",
          "State",
          "Address",
          "Instance type",
          {name: "Jobs", as: "number"},
          {name: "CPU in use", as: "number"},
          {name: "Memory", as: "number"},
          actionsHeading,
        ]}
      >
        {cluster.nodes.map((node) => (
          <tr key={node.id}>
            <td>
              <strong>{nodeTitle(node)}</strong>
              <div className="small dim mono">{node.id}</div>
            </td>
            <td>
              <PhaseMark phase={node.state} />
              {remark(node) && <div className="small dim">{remark(node)}</div>}
              {node.silentSince && <div className="small bad-text">no report</div>}
            </td>
            <td className="mono small">{node.privateIp || "–"}</td>
            <td>
              {node.instanceType}
              {node.spot && <div className="small dim">spot machine</div>}
            </td>
            <td className="number">{node.role === "head" ? "–" : node.jobs}</td>
            <td className="number">{cpu(node)}</td>
            <td className="number">{node.memoryMb ? memory(node.memoryMb) : "–"}</td>
            <td className="end">
              <RowMenu
                node={node}
                onLog={() => setLog(node)}
                onAct={(what) =>
                  what === "restart" ? setAsked(node) : act.mutate({node: node.id, act: what})
                }
              />
            </td>
          </tr>
        ))}
      </Table>
      {asked && (
        <AskRestart
          node={asked}
          onDone={() => act.mutate({node: asked.id, act: "restart"})}
          onClose={() => setAsked(null)}
        />
      )}
      {log && <NodeLog cluster={cluster} node={log} onClose={() => setLog(null)} />}
    </>
  );
}
