import type {CloudResource, Cluster, ClusterNode, Phase} from "../api/client";

export const plural = (count: number, one: string, many = one + "s") =>
  `${count} ${count === 1 ? one : many}`;

export function memory(megabytes: number): string {
  const gibibytes = megabytes / 1024;
  if (gibibytes < 1) return `${megabytes} MiB`;
  return `${Number.isInteger(gibibytes) ? gibibytes : gibibytes.toFixed(1)} GiB`;
}

/** "4 s", "2 min 5 s", "3 h 12 min", "2 d 4 h". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

export const phaseWords: Record<Phase, string> = {
  pending: "Pending",
  creating: "Creating",
  starting: "Starting",
  running: "Running",
  updating: "Updating",
  stopping: "Stopping",
  stopped: "Stopped",
  terminating: "Terminating",
  failed: "Failed",
};

export type Tone = "good" | "busy" | "still" | "bad";

const stillPhases: readonly string[] = ["stopped", "planned", "drained"];

export const phaseTone = (phase: Phase | ClusterNode["state"] | CloudResource["state"]): Tone => {
  if (phase === "running" || phase === "ready") return "good";
  if (phase === "failed") return "bad";
  return stillPhases.includes(phase) ? "still" : "busy";
};

export const isMoving = (cluster: Cluster) => phaseTone(cluster.phase) === "busy";

export interface Allowed {
  stop: boolean;
  start: boolean;
  restart: boolean;
  retry: boolean;
  terminate: boolean;
}

/** Which buttons make sense now. Whether they may be pressed is the server's word. */
export function actsOf(cluster: Cluster): Allowed {
  const {phase, wanted} = cluster;
  const leaving = wanted === "terminated";
  return {
    stop: !leaving && wanted === "running" && phase !== "stopping",
    start: !leaving && wanted === "stopped" && phase === "stopped",
    restart: !leaving && phase === "running",
    retry: phase === "failed",
    terminate: !leaving,
  };
}

/** The same of one node. */
export function nodeActsOf(node: ClusterNode) {
  const stays = node.wanted === "running";
  const isWorker = node.role === "worker";
  return {
    drain: stays && isWorker && !node.drainWanted,
    resume: stays && isWorker && (node.drainWanted || node.restartWanted),
    restart: stays && node.phase === "ready" && !node.restartWanted,
  };
}

export const workersOf = (cluster: Cluster) =>
  cluster.nodes.filter((node) => node.role === "worker");

export function nodeWords(cluster: Cluster): string {
  const wanted = (cluster.spec.workers ?? []).reduce((sum, group) => sum + (group.count ?? 0), 0);
  const ready = workersOf(cluster).filter((node) => node.phase === "ready").length;
  return ready === wanted ? plural(wanted, "worker") : `${ready} of ${plural(wanted, "worker")}`;
}

export const when = (time: string) =>
  new Date(time).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });

export const day = (time: string) =>
  new Date(time).toLocaleDateString("en-GB", {day: "numeric", month: "short", year: "numeric"});

/** Small prices keep the digits that tell them apart: "$0.0208", "$0.05", "$1.54", "$1,124". */
export function money(amount: number, currency: string): string {
  const whole = Math.abs(amount * 100 - Math.round(amount * 100)) < 1e-9;
  const digits = amount >= 100 ? 0 : amount >= 1 || whole ? 2 : 4;
  return new Intl.NumberFormat("en-US", {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount);
}

export function priceWords(origin: "published" | "imported" | "rehearsal", asOf: string): string {
  if (origin === "rehearsal") return "Rehearsal prices: this cloud costs nothing.";
  const from = origin === "imported" ? "Imported prices" : "Published prices";
  return `${from} of ${day(asOf)}, under Linux, on demand, without disks, addresses and traffic.`;
}
