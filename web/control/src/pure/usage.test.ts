import {expect, test} from "vitest";
import type {UsageLine} from "../api/client";
import {axisTop, barsOf, costOf, daysOf, hours, lastDays, soFar, sumsOf} from "./usage";

const price = {
  currency: "USD",
  origin: "published",
  basis: "list price",
  asOf: "2026-11-20T00:00:00.000Z",
} as const;

const line = (over: Partial<UsageLine>): UsageLine => ({
  day: "2026-11-28",
  cluster: "c-1",
  clusterName: "demo",
  location: "here",
  instanceType: "D4",
  spot: false,
  nodeHours: 2,
  vcpuHours: 8,
  cost: {...price, amount: 1},
  ...over,
});

test("days are those of UTC, across months and leap days", () => {
  expect(lastDays(1, Date.parse("2026-11-28T23:59:59Z"))).toEqual({
    from: "2026-11-28",
    to: "2026-11-28",
  });
  expect(lastDays(30, Date.parse("2026-03-01T00:00:00Z"))).toEqual({
    from: "2026-01-31",
    to: "2026-03-01",
  });
  expect(daysOf("2028-02-28", "2028-03-01")).toEqual(["2028-02-28", "2028-02-29", "2028-03-01"]);
});

test("every day has its bar, also one on which nothing ran", () => {
  const lines = [line({}), line({instanceType: "B1", nodeHours: 1}), line({day: "2026-11-30"})];
  expect(barsOf(lines, daysOf("2026-11-28", "2026-11-30"), "nodeHours")).toEqual([
    {day: "2026-11-28", value: 3},
    {day: "2026-11-29", value: 0},
    {day: "2026-11-30", value: 2},
  ]);
});

test("there is a figure only where every line has a price of one currency", () => {
  expect(costOf([line({}), line({})])?.amount).toBe(2);
  expect(costOf([line({}), line({cost: null})])).toBeNull();
  expect(costOf([line({}), line({cost: {...price, currency: "EUR", amount: 1}})])).toBeNull();
  expect(costOf([])).toBeNull();
  const older = {...price, amount: 1, asOf: "2026-01-01T00:00:00.000Z"};
  expect(costOf([line({}), line({cost: older})])?.asOf).toBe(older.asOf);
});

test("days of one cluster and size become one row, what ran most first", () => {
  const sums = sumsOf([
    line({nodeHours: 1}),
    line({cluster: "c-2", nodeHours: 9, cost: null}),
    line({day: "2026-11-29", nodeHours: 3}),
  ]);
  expect(sums.map(({cluster, nodeHours, cost}) => [cluster, nodeHours, cost?.amount])).toEqual([
    ["c-2", 9, undefined],
    ["c-1", 4, 2],
  ]);
});

test("hours and the axis keep to round figures", () => {
  expect([0, 0.0042, 1.25, 1204.4].map(hours)).toEqual(["0", "0.004", "1.3", "1,204"]);
  expect([0, 0.3, 1, 1.1, 24, 60, 100.00000000001].map(axisTop)).toEqual([
    1, 0.5, 1, 2, 50, 100, 100,
  ]);
});

test("what a cluster cost so far names its prices, and without one there are hours", () => {
  const total = {cluster: "c-1", clusterName: "demo", since: "", nodeHours: 12.5, vcpuHours: 50};
  expect(soFar({...total, cost: {...price, amount: 1.54}})).toBe("$1.54 so far at list price");
  expect(soFar({...total, cost: {...price, amount: 1.54, origin: "rehearsal"}})).toBe(
    "$1.54 so far at rehearsal prices",
  );
  expect(soFar({...total, cost: null})).toBe("12.5 node hours so far");
  expect(soFar({...total, nodeHours: 1, cost: null})).toBe("1 node hour so far");
});

test("spot machines have a row of their own, and what they cost is not known", () => {
  const sums = sumsOf([line({nodeHours: 5}), line({spot: true, cost: null})]);
  expect(sums.map(({spot, cost}) => [spot, cost?.amount])).toEqual([
    [false, 1],
    [true, undefined],
  ]);
});
