import type {ClusterNode, UsualDuration} from "../api/client";
import {duration} from "./words";

/** What machines of that size usually take for the phase that this one is in, in milliseconds. */
export const medianOf = (
  usual: readonly UsualDuration[],
  location: string | undefined,
  node: Pick<ClusterNode, "phase" | "instanceType">,
): number | undefined =>
  usual.find(
    (each) =>
      each.phase === node.phase &&
      each.location === location &&
      each.instanceType === node.instanceType,
  )?.medianMs;

/** Less than a second is none to count. */
export const about = (milliseconds: number): string =>
  milliseconds < 1_000 ? "less than 1 s" : duration(milliseconds);

/** "12 s in this phase; usually 40 s", "1 min 5 s in this phase; usually less than 1 s". */
export const againstUsual = (soFar: number, median: number): string =>
  `${duration(soFar)} in this phase; usually ${about(median)}`;
