import type {Size, AutoscalePolicy, ScaleGroup} from "../api/client";
import {plural} from "./words";

export const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof days)[number];

/** Another minimum at some hours of the week, in UTC. No days: every day. */
export interface ScheduleDraft {
  days: Day[];
  from: string;
  to: string;
  minWorkers: number;
}

/** One part of the form. Every field has a value; `specOf` and `policyOf` take what counts. */
export interface ScaleDraft {
  instanceType: string;
  fallbackTypes: string[];
  diskGb: number;
  minWorkers: number;
  maxWorkers: number;
  standbyWorkers: number;
  downscaleWaitSeconds: number;
  /** Then `spot` counts; and likewise `withShape` and `standbyShape`. */
  withSpot: boolean;
  spot: {maxPricePercent: number; fallBackOnDemand: boolean};
  withShape: boolean;
  standbyShape: {cpus: number; memoryMb: number; gpus: number; count: number};
  schedule: ScheduleDraft[];
}

export interface AutoscaleDraft {
  mode: "standard" | "adaptive";
  general: ScaleDraft;
  withGpu: boolean;
  gpu: ScaleDraft;
}

/** The documented defaults (docs/autoscaling.md). */
export const emptyScale: ScaleDraft = {
  instanceType: "",
  fallbackTypes: [],
  diskGb: 30,
  minWorkers: 0,
  maxWorkers: 10,
  standbyWorkers: 0.5,
  downscaleWaitSeconds: 300,
  withSpot: false,
  spot: {maxPricePercent: 100, fallBackOnDemand: true},
  withShape: false,
  standbyShape: {cpus: 1, memoryMb: 1024, gpus: 0, count: 1},
  schedule: [],
};

export const officeHours: ScheduleDraft = {
  days: ["mon", "tue", "wed", "thu", "fri"],
  from: "08:00",
  to: "18:00",
  minWorkers: 1,
};

export const emptyAutoscale: AutoscaleDraft = {
  mode: "standard",
  general: emptyScale,
  withGpu: false,
  gpu: emptyScale,
};

function groupOf(draft: ScaleDraft): ScaleGroup {
  const {fallbackTypes, withSpot, spot, withShape, standbyShape, schedule, ...rest} = draft;
  return {
    ...rest,
    ...(fallbackTypes.length > 0 ? {fallbackTypes} : {}),
    ...(withSpot ? {spot} : {}),
    ...(withShape ? {standbyShape} : {}),
    ...(schedule.length > 0 ? {schedule} : {}),
  };
}

export const policyOf = ({mode, general, withGpu, gpu}: AutoscaleDraft): AutoscalePolicy => ({
  mode,
  general: groupOf(general),
  ...(withGpu ? {gpu: groupOf(gpu)} : {}),
});

function scaleDraftOf({spot, standbyShape, schedule, ...asked}: ScaleGroup): ScaleDraft {
  return {
    ...emptyScale,
    ...asked,
    withSpot: spot !== undefined,
    spot: {...emptyScale.spot, ...spot},
    withShape: standbyShape !== undefined,
    // What a shape does not name it does not ask for.
    standbyShape: standbyShape
      ? {cpus: 0, memoryMb: 0, gpus: 0, count: 1, ...standbyShape}
      : emptyScale.standbyShape,
    schedule: (schedule ?? []).map((entry) => ({
      days: entry.days ?? [],
      from: entry.from ?? "00:00",
      to: entry.to ?? "00:00",
      minWorkers: entry.minWorkers ?? 0,
    })),
  };
}

/** One that was kept by an older page lacks what came since. */
export const restoredAutoscale = (kept: Partial<AutoscaleDraft>): AutoscaleDraft => ({
  ...emptyAutoscale,
  ...kept,
  general: {...emptyScale, ...kept.general},
  gpu: {...emptyScale, ...kept.gpu},
});

export const draftOf = ({mode, general, gpu}: AutoscalePolicy): AutoscaleDraft => ({
  mode: mode ?? "standard",
  general: scaleDraftOf(general),
  withGpu: gpu !== undefined,
  gpu: gpu ? scaleDraftOf(gpu) : emptyScale,
});

export const isSound = ({general, withGpu, gpu}: AutoscaleDraft): boolean =>
  [general, ...(withGpu ? [gpu] : [])].every((part) => !hasFault(scaleFaults(part)));

/** Why a part cannot be as it is, by its field; the server has the last word. */
export function scaleFaults(group: ScaleDraft): Partial<Record<keyof ScaleDraft, string>> {
  const faults: Partial<Record<keyof ScaleDraft, string>> = {};
  if (!group.instanceType) faults.instanceType = "Choose an instance type.";
  if (group.maxWorkers < group.minWorkers)
    faults.maxWorkers = `Less than the minimum of ${group.minWorkers}.`;
  if (group.standbyWorkers > group.maxWorkers)
    faults.standbyWorkers = `More than the maximum of ${group.maxWorkers}.`;
  const {cpus, memoryMb, gpus} = group.standbyShape;
  if (group.withShape && cpus + memoryMb + gpus === 0)
    faults.standbyShape = "Say what a typical job takes.";
  const bad = group.schedule.findIndex((entry) => hasFault(entryFaults(entry, group)));
  if (bad >= 0) faults.schedule = `Entry ${bad + 1} cannot be as it is.`;
  return faults;
}

const hasFault = (faults: object) => Object.keys(faults).length > 0;
const isClock = (text: string, latest: string) =>
  /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(text) && text <= latest;

/** Why an entry of the schedule cannot be as it is. */
export function entryFaults(
  {from, to, minWorkers}: ScheduleDraft,
  {maxWorkers}: ScaleDraft,
): Partial<Record<keyof ScheduleDraft, string>> {
  const faults: Partial<Record<keyof ScheduleDraft, string>> = {};
  if (!isClock(from, "23:59")) faults.from = "Write hours and minutes, for example 08:00.";
  if (!isClock(to, "24:00")) faults.to = "Write hours and minutes, for example 18:00.";
  else if (from === to) faults.to = "It ends when it begins.";
  if (minWorkers > maxWorkers) faults.minWorkers = `More than the maximum of ${maxWorkers}.`;
  return faults;
}

const shapeWords = ({cpus, memoryMb, gpus, count}: ScaleDraft["standbyShape"]) =>
  `${plural(count, "job")} of ` +
  [
    ...(cpus > 0 ? [plural(cpus, "core")] : []),
    ...(memoryMb > 0 ? [`${memoryMb} MB`] : []),
    ...(gpus > 0 ? [plural(gpus, "GPU")] : []),
  ].join(", ");

/** What the advanced fields ask for, one phrase each; empty when they ask for nothing. */
export function advancedOf({withSpot, spot, withShape, standbyShape, schedule}: ScaleDraft) {
  return [
    ...(withSpot
      ? [
          `spot machines up to ${spot.maxPricePercent} % of the price` +
            (spot.fallBackOnDemand ? ", on demand when there are none" : " and no others"),
        ]
      : []),
    ...(withShape ? [`room for ${shapeWords(standbyShape)}`] : []),
    ...schedule.map(
      (entry) =>
        `at least ${plural(entry.minWorkers, "worker")} from ${entry.from} to ${entry.to} UTC` +
        (entry.days.length > 0 ? ` on ${entry.days.join(", ")}` : ""),
    ),
  ];
}

const round = (value: number) => Number(value.toFixed(1));

/** What the numbers come to, in one sentence. */
export function promiseOf(group: ScaleDraft, size: Size | undefined, isGpu: boolean): string {
  const {minWorkers: min, maxWorkers: max, standbyWorkers: standby} = group;
  const amounts = size && [
    plural(round(size.vcpus * standby), "core"),
    `${round((size.memoryMb / 1024) * standby)} GiB`,
    ...(isGpu ? [plural(round(size.gpus * standby), "GPU")] : []),
  ];
  const free = amounts
    ? `${amounts.slice(0, -1).join(", ")} and ${amounts.at(-1)}`
    : plural(standby, "worker");
  const keeps =
    standby > 0
      ? `Keeps at least ${free} free${min === 0 ? " while anything runs" : ""}`
      : "Starts a worker only when a job finds no room";
  const bounds =
    min === 0
      ? "may fall to 0 workers when nothing runs"
      : `never has fewer than ${plural(min, "worker")}`;
  const more = advancedOf(group);
  const beside = more.length > 0 ? ` Also: ${more.join("; ")}.` : "";
  return `${keeps}; ${bounds}, and grows to ${plural(max, "worker")} at most.${beside}`;
}
