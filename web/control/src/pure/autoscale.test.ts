import {expect, test} from "vitest";
import type {Size} from "../api/client";
import {
  draftOf,
  emptyAutoscale,
  emptyScale,
  isSound,
  policyOf,
  promiseOf,
  scaleFaults,
} from "./autoscale";

const size = {name: "D4", vcpus: 4, memoryMb: 16384, gpus: 0} as Size;

test("the GPU part counts only when it was chosen", () => {
  const general = {...emptyScale, instanceType: "D4", fallbackTypes: ["D8"]};
  const gpu = {...emptyScale, instanceType: "NC6"};
  const draft = {...emptyAutoscale, general, gpu};
  expect(policyOf(draft)).toEqual({
    mode: "standard",
    general: {
      instanceType: "D4",
      fallbackTypes: ["D8"],
      diskGb: 30,
      minWorkers: 0,
      maxWorkers: 10,
      standbyWorkers: 0.5,
      downscaleWaitSeconds: 300,
    },
  });
  const withGpu = policyOf({...draft, withGpu: true});
  expect(withGpu.gpu?.instanceType).toBe("NC6");
  expect(withGpu.gpu).not.toHaveProperty("fallbackTypes");
});

test("what cannot be is said at its field", () => {
  expect(scaleFaults({...emptyScale, instanceType: "D4"})).toEqual({});
  expect(scaleFaults({...emptyScale, minWorkers: 3, maxWorkers: 2, standbyWorkers: 2.5})).toEqual({
    instanceType: "Choose an instance type.",
    maxWorkers: "Less than the minimum of 3.",
    standbyWorkers: "More than the maximum of 2.",
  });
});

test("the promise says what is kept free, and the bounds", () => {
  const group = {...emptyScale, instanceType: "D4"};
  expect(promiseOf(group, size, false)).toBe(
    "Keeps at least 2 cores and 8 GiB free while anything runs; " +
      "may fall to 0 workers when nothing runs, and grows to 10 workers at most.",
  );
  expect(promiseOf({...group, minWorkers: 1, standbyWorkers: 0}, size, false)).toBe(
    "Starts a worker only when a job finds no room; " +
      "never has fewer than 1 worker, and grows to 10 workers at most.",
  );
  expect(promiseOf({...group, standbyWorkers: 1}, {...size, gpus: 2}, true)).toContain(
    "4 cores, 16 GiB and 2 GPUs free",
  );
  expect(promiseOf({...group, standbyWorkers: 2}, undefined, false)).toContain("2 workers free");
});

test("a change keeps what the form does not ask for", () => {
  const general = {
    instanceType: "D4",
    fallbackTypes: ["D8"],
    maxWorkers: 3,
    spot: {maxPricePercent: 60, fallBackOnDemand: true},
    schedule: [{from: "08:00", to: "18:00", minWorkers: 2}],
  };
  const draft = draftOf({mode: "adaptive", general});
  expect(isSound(draft)).toBe(true);
  expect(draft.general.standbyWorkers).toBe(0.5);
  const changed = {...draft, general: {...draft.general, maxWorkers: 5, fallbackTypes: []}};
  const policy = policyOf(changed, {mode: "adaptive", general});
  expect(policy.general).toMatchObject({maxWorkers: 5, spot: general.spot});
  expect(policy.general.schedule).toEqual(general.schedule);
  expect(policy.general).not.toHaveProperty("fallbackTypes");
  expect(isSound({...draft, general: {...draft.general, maxWorkers: 0}})).toBe(false);
});
