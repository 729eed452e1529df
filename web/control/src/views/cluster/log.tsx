import {Button, Modal} from "@mantine/core";
import {IconRefresh} from "@tabler/icons-react";
import {keepPreviousData, useQuery} from "@tanstack/react-query";
import {useEffect, useRef} from "react";
import {api, done, type Cluster, type ClusterNode} from "../../api/client";
import {Callout, Loaded} from "../../parts/bits";
import {sentence} from "../../pure/draft";
import {when} from "../../pure/words";
import {nodeTitle} from "./progress";

/** The node is asked only while somebody looks, and nothing is kept when they stop. */
function useNodeLog(cluster: string, node: string, lines: number, every: number | false) {
  return useQuery({
    queryKey: ["node-log", cluster, node, lines],
    queryFn: () =>
      done(
        api.GET("/v1/clusters/{id}/nodes/{node}/log", {
          params: {path: {id: cluster, node}, query: {lines}},
        }),
      ),
    refetchInterval: every,
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
}

function Part({title, text}: {title: string; text: string}) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  if (!text) return null;
  return (
    <section className="stack tight">
      <h3 className="legend">{title}</h3>
      <pre ref={box} className="source" tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </section>
  );
}

export function NodeLog({
  cluster,
  node,
  onClose,
}: {
  cluster: Cluster;
  node: ClusterNode;
  onClose: () => void;
}) {
  const log = useNodeLog(cluster.id, node.id, 200, false);
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      centered
      title={<strong>{`Log of ${nodeTitle(node)}`}</strong>}
      closeButtonProps={{"aria-label": "Close"}}
    >
      <Loaded of={log}>
        {(shown) => (
          <div className="stack">
            {shown.problem && (
              <Callout tone="warn" title="The node does not answer">
                <p>
                  {shown.takenAt
                    ? `This is what it said last, as of ${when(shown.takenAt)}.`
                    : "It has sent no log before."}{" "}
                  {sentence(shown.problem.nextAction ?? "")}
                </p>
              </Callout>
            )}
            <Part title="Init script" text={shown.initScript} />
            <Part title="Node program" text={shown.program} />
            <div className="row apart">
              <span className="small dim">{shown.takenAt && `As of ${when(shown.takenAt)}`}</span>
              <Button
                variant="default"
                size="xs"
                leftSection={<IconRefresh size={16} />}
                loading={log.isFetching}
                onClick={() => void log.refetch()}
              >
                Refresh
              </Button>
            </div>
          </div>
        )}
      </Loaded>
    </Modal>
  );
}

/** The last lines of a node that is coming up; nothing as long as it cannot be asked. */
export function LogTail({cluster, node}: {cluster: string; node: ClusterNode}) {
  const {data} = useNodeLog(cluster, node.id, 8, 3_000);
  const text = data?.initScript || data?.program;
  if (!text) return null;
  return (
    <pre className="source tail" tabIndex={0} aria-label={`Last lines of ${nodeTitle(node)}`}>
      {text}
    </pre>
  );
}
