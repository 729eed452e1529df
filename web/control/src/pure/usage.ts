import type {UsageLine, UsageTotal} from "../api/client";
import {money} from "./words";

export type Measure = "nodeHours" | "vcpuHours" | "cost";

const dayMs = 86_400_000;

/** A day of UTC, as the server names it. */
export const utcDay = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The days of UTC that end with the one of `now`. */
export function lastDays(count: number, now: number): {from: string; to: string} {
  return {from: utcDay(now - (count - 1) * dayMs), to: utcDay(now)};
}

export function daysOf(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += dayMs) days.push(utcDay(at));
  return days;
}

/** What all lines cost together: nothing where one has no price, or they are in two currencies. */
export function costOf(lines: readonly UsageLine[]): UsageLine["cost"] {
  const costs = lines.flatMap(({cost}) => cost ?? []);
  const [first] = costs;
  if (!first || costs.length < lines.length) return null;
  if (costs.some(({currency}) => currency !== first.currency)) return null;
  return {
    ...first,
    amount: costs.reduce((sum, {amount}) => sum + amount, 0),
    asOf: costs.map(({asOf}) => asOf).sort()[0]!,
  };
}

const valueOf = (line: UsageLine, measure: Measure) =>
  measure === "cost" ? (line.cost?.amount ?? 0) : line[measure];

export interface Bar {
  day: string;
  value: number;
}

/** One bar for each of the days, also for those on which nothing ran. */
export function barsOf(lines: readonly UsageLine[], days: string[], measure: Measure): Bar[] {
  const sums = new Map(days.map((day) => [day, 0]));
  for (const line of lines) sums.set(line.day, (sums.get(line.day) ?? 0) + valueOf(line, measure));
  return days.map((day) => ({day, value: sums.get(day)!}));
}

export interface Sum {
  cluster: string;
  clusterName: string;
  instanceType: string;
  spot: boolean;
  nodeHours: number;
  vcpuHours: number;
  cost: UsageLine["cost"];
}

/** By cluster and size over all days, spot machines by themselves; what ran most first. */
export function sumsOf(lines: readonly UsageLine[]): Sum[] {
  const groups = new Map<string, UsageLine[]>();
  for (const line of lines) {
    const key = `${line.cluster} ${line.instanceType} ${line.spot}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  const add = (group: UsageLine[], measure: Measure) =>
    group.reduce((sum, line) => sum + valueOf(line, measure), 0);
  return [...groups.values()]
    .map((group) => ({
      cluster: group[0]!.cluster,
      clusterName: group[0]!.clusterName,
      instanceType: group[0]!.instanceType,
      spot: group[0]!.spot,
      nodeHours: add(group, "nodeHours"),
      vcpuHours: add(group, "vcpuHours"),
      cost: costOf(group),
    }))
    .sort((a, b) => b.nodeHours - a.nodeHours);
}

/** "0.004", "12.5", "1,204": hours that are few keep the digits that tell them apart. */
export function hours(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 || value === 0 ? 1 : 3;
  return new Intl.NumberFormat("en-US", {maximumFractionDigits: digits}).format(value);
}

/** The top of the axis: the next 1, 2 or 5 of its power of ten. */
export function axisTop(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  // What is computed may be a hair more than what is meant.
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most * (1 - 1e-9))!;
}

/** "$1.54 so far at list price", "12.5 node hours so far". */
export function soFar(total: UsageTotal): string {
  const {nodeHours} = total;
  if (!total.cost) return `${hours(nodeHours)} node ${nodeHours === 1 ? "hour" : "hours"} so far`;
  const prices = total.cost.origin === "rehearsal" ? "rehearsal prices" : "list price";
  return `${money(total.cost.amount, total.cost.currency)} so far at ${prices}`;
}
