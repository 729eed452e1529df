import type {ReactNode} from "react";
import type {Cluster, ClusterNode} from "../../api/client";
import {useDurations} from "../../api/queries";
import {PhaseMark, useNow} from "../../parts/bits";
import {sentence} from "../../pure/draft";
import {againstUsual, medianOf} from "../../pure/durations";
import {duration, isMoving, phaseTone} from "../../pure/words";

function spent(node: ClusterNode, now: number): string {
  const until = node.readyAt ? Date.parse(node.readyAt) : now;
  return duration(until - Date.parse(node.createdAt));
}

export function nodeTitle(node: ClusterNode): string {
  return node.role === "head" ? "Head" : `Worker ${node.ordinal}`;
}

interface ProgressProps {
  cluster: Cluster;
  /** More of a node that is coming up. */
  more?: (node: ClusterNode) => ReactNode;
}

/** What each machine is doing now, and for how long. */
export function Progress({cluster, more}: ProgressProps) {
  const now = useNow(isMoving(cluster));
  const usual = useDurations().data ?? [];
  if (cluster.nodes.length === 0) return null;
  return (
    <section className="card" aria-label="Progress">
      <h2>Progress</h2>
      <ol className="timeline">
        {cluster.nodes.map((node) => {
          const tone = node.problem ? "bad" : phaseTone(node.phase);
          const median = medianOf(usual, cluster.spec.location, node);
          return (
            <li key={node.id} className={tone}>
              <div className="row tight">
                <strong>{nodeTitle(node)}</strong>
                <PhaseMark phase={node.phase} />
                <span className="at">{spent(node, now)}</span>
              </div>
              {median !== undefined && (
                <p className="small dim">
                  {againstUsual(now - Date.parse(node.phaseSince), median)}
                </p>
              )}
              {node.stage && node.phase !== "ready" && (
                <p className="reason">{sentence(node.stage)}</p>
              )}
              {(node.phase === "booting" || node.phase === "joining") && more?.(node)}
              {node.problem && (
                <p className="bad-text small">
                  {sentence(node.problem.message)} {node.problem.nextAction}
                </p>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
