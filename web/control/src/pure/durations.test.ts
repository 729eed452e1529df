import {expect, test} from "vitest";
import {about, againstUsual, medianOf} from "./durations";

const usual = [
  {location: "here", instanceType: "D4", phase: "booting", medianMs: 40_000, starts: 3},
  {location: "here", instanceType: "D4", phase: "joining", medianMs: 900, starts: 3},
] as const;

test("what is usual is told by place, size and phase, and nothing before the first", () => {
  const node = {phase: "booting", instanceType: "D4"} as const;
  expect(medianOf(usual, "here", node)).toBe(40_000);
  expect(medianOf(usual, "there", node)).toBeUndefined();
  expect(medianOf(usual, undefined, node)).toBeUndefined();
  expect(medianOf(usual, "here", {...node, instanceType: "B1"})).toBeUndefined();
  expect(medianOf(usual, "here", {...node, phase: "creating"})).toBeUndefined();
});

test("the time so far stands against the usual one", () => {
  expect(againstUsual(12_300, 40_000)).toBe("12 s in this phase; usually 40 s");
  expect(againstUsual(65_000, 900)).toBe("1 min 5 s in this phase; usually less than 1 s");
  expect(about(1_000)).toBe("1 s");
});
