import type {Finding, Problem, Simulation, SimulationOutcome} from "../api/client";

export type Moment = SimulationOutcome["course"][number];
export type TraceFormat = NonNullable<Simulation["format"]>;

/** What a request may hold, less room for the policy beside the trace (docs/api.md). */
export const traceBytesMax = 4_000_000;

/** By the name of the file, and else by its first line: only a table of tasks has a header. */
export function formatOf(name: string, text: string): TraceFormat {
  if (/\.csv(\.gz)?$/i.test(name)) return "openb";
  if (/\.swf(\.gz)?$/i.test(name)) return "swf";
  return /^[^\n]*\bcreation_time\b/.test(text) ? "openb" : "swf";
}

/** A refusal of the policy, where the form that asks for it looks for it. */
export function findingsOf({
  code,
  field,
  message,
  nextAction,
}: Pick<Problem, "code" | "field" | "message" | "nextAction">): Finding[] {
  const of = "/policy/";
  if (!field?.startsWith(of)) return [];
  return [
    {
      weight: "blocking",
      code,
      kind: "invalid_argument",
      owner: "administrator",
      field: `/autoscale/${field.slice(of.length)}`,
      message,
      nextAction,
    },
  ];
}

/** Each value holds for its part of the time: steps in a box as wide as there are values, 100 high. */
export function stepsPath(values: readonly number[], top: number): string {
  const height = (value: number) => Number((100 - (value / top) * 100).toFixed(2));
  const steps = values.map((value, at) => `V${height(value)}H${at + 1}`);
  return `M0 100${steps.join("")}V100Z`;
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The same course in at most so many parts, each the mean of those it is made of. */
export function condensed(course: readonly Moment[], most: number): Moment[] {
  const each = Math.ceil(course.length / most);
  const parts: Moment[] = [];
  for (let at = 0; at < course.length; at += each) {
    const part = course.slice(at, at + each);
    parts.push({
      at: part[0]!.at,
      workers: mean(part.map(({workers}) => workers)),
      used: mean(part.map(({used}) => used)),
      waiting: mean(part.map(({waiting}) => waiting)),
    });
  }
  return parts;
}

/** From its begin to the end of its last part, in milliseconds. */
export function lengthOf(course: readonly Moment[]): number {
  if (course.length < 2) return 0;
  const [first, second] = [Date.parse(course[0]!.at), Date.parse(course[1]!.at)];
  return (second - first) * course.length;
}

/** How much of what was paid for had a job, in percent; null where nothing was paid for. */
export const usedPercent = ({hours, usedHours}: SimulationOutcome): number | null =>
  hours > 0 ? Math.round((usedHours / hours) * 100) : null;
