import {expect, test} from "vitest";
import type {SimulationOutcome} from "../api/client";
import {faultAt} from "./draft";
import {condensed, findingsOf, formatOf, lengthOf, stepsPath, usedPercent} from "./simulation";

const moment = (minute: number, workers: number) => ({
  at: new Date(minute * 60_000).toISOString(),
  workers,
  used: workers / 2,
  waiting: 0,
});

test("a format is known by the name of the file, and else by its first line", () => {
  expect(formatOf("KTH-SP2.swf", "")).toBe("swf");
  expect(formatOf("KTH-SP2.SWF.gz", "")).toBe("swf");
  expect(formatOf("tasks.csv", "")).toBe("openb");
  expect(formatOf("tasks.csv.gz", "")).toBe("openb");
  expect(formatOf("tasks", "name,cpu_milli,creation_time\na,1,2\n")).toBe("openb");
  expect(formatOf("log.txt", "; a comment\n1 2 3 creation_time\n")).toBe("swf");
});

test("a refused policy is told where the form asks for it, and a refused trace is not", () => {
  const refused = {code: "broken", message: "more than that", nextAction: "Lower it"};
  const [finding, ...others] = findingsOf({...refused, field: "/policy/gpu/maxWorkers"});
  expect(finding).toMatchObject({...refused, field: "/autoscale/gpu/maxWorkers"});
  expect(faultAt([finding!], "/autoscale/gpu/maxWorkers")).toBe("More than that.");
  expect(others).toEqual([]);
  expect(findingsOf({...refused, field: "/trace"})).toEqual([]);
  expect(findingsOf(refused)).toEqual([]);
});

test("a course is drawn as steps that begin and end at the ground", () => {
  expect(stepsPath([1, 4], 4)).toBe("M0 100V75H1V0H2V100Z");
});

test("a course is condensed to means, also where the parts do not come out even", () => {
  const course = [moment(0, 2), moment(1, 4), moment(2, 9)];
  expect(condensed(course, 2)).toEqual([
    {at: course[0]!.at, workers: 3, used: 1.5, waiting: 0},
    course[2],
  ]);
  expect(condensed(course, 3)).toEqual(course);
  expect(condensed([], 3)).toEqual([]);
});

test("a course lasts until the end of its last part", () => {
  expect(lengthOf([moment(0, 1), moment(1, 1), moment(2, 1)])).toBe(180_000);
  expect(lengthOf([moment(0, 1)])).toBe(0);
});

test("what was used is a part of what was paid for, where anything was", () => {
  const outcome = {hours: 8, usedHours: 6} as SimulationOutcome;
  expect(usedPercent(outcome)).toBe(75);
  expect(usedPercent({...outcome, hours: 0})).toBeNull();
});
