import createClient from "openapi-fetch";
import type {components, paths} from "../../generated/api";

type Schemas = components["schemas"];
export type Cluster = Schemas["Cluster"];
export type ClusterNode = Schemas["Node"];
export type ClusterSpec = Schemas["ClusterSpec"];
export type WorkerGroup = Schemas["WorkerGroup"];
export type AutoscalePolicy = Schemas["Autoscale"];
export type ScaleGroup = Schemas["AutoscaledGroup"];
export type Simulation = Schemas["Simulation"];
export type SimulationOutcome = Schemas["SimulationOutcome"];
export type Ports = Schemas["Ports"];
export type Activity = Schemas["Activity"];
export type CloudResource = Schemas["CloudResource"];
export type Fault = Schemas["Fault"];
export type DryRun = Schemas["DryRun"];
export type Finding = DryRun["findings"][number];
export type UsualDuration = Item<"/v1/durations">;
export type UsageLine = Schemas["UsageLine"];
export type UsageTotal = Schemas["UsageTotal"];
export type Phase = Cluster["phase"];
type Item<Path extends keyof paths> = paths[Path] extends {
  get: {responses: {200: {content: {"application/json": {items: (infer Entry)[]}}}}};
}
  ? Entry
  : never;
export type Size = Item<"/v1/cloud/sizes">;
export type Group = Item<"/v1/cloud/groups">;
export type SshKey = Item<"/v1/cloud/keys">;
export type Identity = Item<"/v1/cloud/identities">;
export type Account = Item<"/v1/cloud/accounts">;
export type Network = Item<"/v1/cloud/networks">;
export type CloudAccount = Schemas["CloudAccount"];
export type CloudAccountCheck = Schemas["CloudAccountCheck"];
export type ApiKey = Item<"/v1/api-keys">;

/** Why the server refused, or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly nextAction?: string,
    readonly owner?: string,
  ) {
    super(message);
  }
}

export function problemOf(status: number, body: unknown): Problem {
  const from = (body && typeof body === "object" ? body : {}) as Record<string, unknown>;
  const text = (name: string) =>
    typeof from[name] === "string" ? (from[name] as string) : undefined;
  return new Problem(
    status,
    text("code") ?? "unreadable",
    text("detail") ?? text("message") ?? `The server answered ${status} without a reason.`,
    text("field"),
    text("nextAction"),
    text("owner"),
  );
}

const unreachable = () =>
  new Problem(
    0,
    "unreachable",
    "The server cannot be reached.",
    undefined,
    "It is tried again by itself.",
  );

export const api = createClient<paths>({baseUrl: window.location.origin});

/** The body of a reply, or a Problem thrown. */
export async function done<T>(
  reply: Promise<{data?: T; error?: unknown; response: Response}>,
): Promise<T> {
  let outcome;
  try {
    outcome = await reply;
  } catch {
    throw unreachable();
  }
  if (!outcome.response.ok) throw problemOf(outcome.response.status, outcome.error);
  return outcome.data as T;
}
