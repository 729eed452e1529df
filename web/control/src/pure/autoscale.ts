import type {Size, AutoscalePolicy, ScaleGroup} from "../api/client";
import {plural} from "./words";

/** One part of the form. Every field has a value; `specOf` and `policyOf` take what counts. */
export interface ScaleDraft {
  instanceType: string;
  fallbackTypes: string[];
  diskGb: number;
  minWorkers: number;
  maxWorkers: number;
  standbyWorkers: number;
  downscaleWaitSeconds: number;
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
};

export const emptyAutoscale: AutoscaleDraft = {
  mode: "standard",
  general: emptyScale,
  withGpu: false,
  gpu: emptyScale,
};

const groupOf = ({fallbackTypes, ...rest}: ScaleDraft): ScaleGroup => ({
  ...rest,
  ...(fallbackTypes.length > 0 ? {fallbackTypes} : {}),
});

/** `base`: the policy of now, whose members that the form does not ask for are kept. */
export function policyOf(draft: AutoscaleDraft, base?: AutoscalePolicy): AutoscalePolicy {
  const part = (name: "general" | "gpu"): ScaleGroup => {
    const {fallbackTypes: _, ...kept} = base?.[name] ?? ({} as ScaleGroup);
    return {...kept, ...groupOf(draft[name])};
  };
  return {
    mode: draft.mode,
    general: part("general"),
    ...(draft.withGpu ? {gpu: part("gpu")} : {}),
  };
}

function scaleDraftOf(group: ScaleGroup): ScaleDraft {
  const {spot: _spot, schedule: _schedule, standbyShape: _shape, ...asked} = group;
  return {...emptyScale, ...asked};
}

export const draftOf = ({mode, general, gpu}: AutoscalePolicy): AutoscaleDraft => ({
  mode: mode ?? "standard",
  general: scaleDraftOf(general),
  withGpu: gpu !== undefined,
  gpu: gpu ? scaleDraftOf(gpu) : emptyScale,
});

export const isSound = ({general, withGpu, gpu}: AutoscaleDraft): boolean =>
  [general, ...(withGpu ? [gpu] : [])].every((part) => Object.keys(scaleFaults(part)).length === 0);

/** Why a part cannot be as it is, by its field; the server has the last word. */
export function scaleFaults(group: ScaleDraft): Partial<Record<keyof ScaleDraft, string>> {
  const faults: Partial<Record<keyof ScaleDraft, string>> = {};
  if (!group.instanceType) faults.instanceType = "Choose an instance type.";
  if (group.maxWorkers < group.minWorkers)
    faults.maxWorkers = `Less than the minimum of ${group.minWorkers}.`;
  if (group.standbyWorkers > group.maxWorkers)
    faults.standbyWorkers = `More than the maximum of ${group.maxWorkers}.`;
  return faults;
}

const round = (value: number) => Number(value.toFixed(1));

/** What the numbers come to, in one sentence. */
export function promiseOf(group: ScaleDraft, size: Size | undefined, isGpu: boolean): string {
  const {minWorkers: min, maxWorkers: max, standbyWorkers: standby} = group;
  const amounts = size && [
    `${round(size.vcpus * standby)} cores`,
    `${round((size.memoryMb / 1024) * standby)} GiB`,
    ...(isGpu ? [`${round(size.gpus * standby)} GPUs`] : []),
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
  return `${keeps}; ${bounds}, and grows to ${plural(max, "worker")} at most.`;
}
