import {expect, test} from "vitest";
import type {Size} from "../api/client";
import {
  advancedOf,
  draftOf,
  emptyAutoscale,
  emptyScale,
  entryFaults,
  isSound,
  officeHours,
  policyOf,
  promiseOf,
  restoredAutoscale,
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

test("a policy that is read and sent again is the same", () => {
  const general = {
    instanceType: "D4",
    fallbackTypes: ["D8"],
    diskGb: 64,
    minWorkers: 0,
    maxWorkers: 3,
    standbyWorkers: 1,
    downscaleWaitSeconds: 60,
    spot: {maxPricePercent: 60, fallBackOnDemand: false},
    standbyShape: {cpus: 2, memoryMb: 4096, gpus: 0, count: 3},
    schedule: [{days: ["mon" as const], from: "08:00", to: "24:00", minWorkers: 2}],
  };
  const policy = {mode: "adaptive" as const, general};
  const draft = draftOf(policy);
  expect(isSound(draft)).toBe(true);
  expect(policyOf(draft)).toEqual(policy);
  const changed = {...draft, general: {...draft.general, maxWorkers: 5, fallbackTypes: []}};
  expect(policyOf(changed).general).toMatchObject({maxWorkers: 5, spot: general.spot});
  expect(policyOf(changed).general).not.toHaveProperty("fallbackTypes");
  expect(isSound({...draft, general: {...draft.general, maxWorkers: 0}})).toBe(false);
});

test("what a policy does not say is what the server takes it for", () => {
  const {general} = draftOf({
    general: {
      instanceType: "D4",
      spot: {},
      standbyShape: {cpus: 2},
      schedule: [{minWorkers: 1}],
    },
  });
  expect(general.spot).toEqual({maxPricePercent: 100, fallBackOnDemand: true});
  expect(general.standbyShape).toEqual({cpus: 2, memoryMb: 0, gpus: 0, count: 1});
  expect(general.schedule).toEqual([{days: [], from: "00:00", to: "00:00", minWorkers: 1}]);
});

test("the advanced part counts only as far as it was chosen", () => {
  const plain = {...emptyScale, instanceType: "D4"};
  expect(advancedOf(plain)).toEqual([]);
  for (const name of ["spot", "standbyShape", "schedule"])
    expect(policyOf({...emptyAutoscale, general: plain}).general).not.toHaveProperty(name);
  const all = {...plain, withSpot: true, withShape: true, schedule: [officeHours]};
  expect(policyOf({...emptyAutoscale, general: all}).general).toMatchObject({
    spot: {maxPricePercent: 100, fallBackOnDemand: true},
    standbyShape: {cpus: 1, memoryMb: 1024, gpus: 0, count: 1},
    schedule: [officeHours],
  });
  expect(advancedOf(all)).toEqual([
    "spot machines up to 100 % of the price, on demand when there are none",
    "room for 1 job of 1 core, 1024 MB",
    "at least 1 worker from 08:00 to 18:00 UTC on mon, tue, wed, thu, fri",
  ]);
  expect(promiseOf(all, size, false)).toContain("10 workers at most. Also: spot machines up to");
});

test("hours and shapes that cannot be are said", () => {
  const group = {...emptyScale, instanceType: "D4", maxWorkers: 2};
  const hours = (from: string, to: string, minWorkers = 1) =>
    entryFaults({days: [], from, to, minWorkers}, group);
  expect(hours("08:00", "18:00")).toEqual({});
  expect(hours("22:00", "06:00")).toEqual({});
  expect(hours("00:00", "24:00", 2)).toEqual({});
  expect(Object.keys(hours("8:00", "18:60", 3))).toEqual(["from", "to", "minWorkers"]);
  expect(hours("24:00", "08:00")).toHaveProperty("from");
  expect(hours("08:00", "08:00").to).toBe("It ends when it begins.");
  const bad = {...officeHours, to: "late"};
  expect(scaleFaults({...group, schedule: [officeHours, bad]}).schedule).toContain("Entry 2");
  const standbyShape = {cpus: 0, memoryMb: 0, gpus: 0, count: 1};
  expect(scaleFaults({...group, standbyShape})).toEqual({});
  expect(scaleFaults({...group, standbyShape, withShape: true})).toHaveProperty("standbyShape");
});

test("a draft of an older page is completed", () => {
  const old = {withGpu: true, general: {instanceType: "D4", maxWorkers: 3}} as never;
  const {general, gpu, withGpu, mode} = restoredAutoscale(old);
  expect(general).toEqual({...emptyScale, instanceType: "D4", maxWorkers: 3});
  expect([gpu, withGpu, mode]).toEqual([emptyScale, true, "standard"]);
});
