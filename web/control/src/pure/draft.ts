import type {
  Account,
  ClusterSpec,
  Finding,
  Group,
  Identity,
  Network,
  Size,
  SshKey,
  WorkerGroup,
} from "../api/client";
import {emptyAutoscale, policyOf, restoredAutoscale, type AutoscaleDraft} from "./autoscale";
import {proposeNetwork, proposeSubnet} from "./cidr";

/**
 * What the wizard has been told so far. Every choice keeps its value while another one hides it, so
 * that going back and forth loses nothing; `specOf` takes what counts.
 */
export interface Draft {
  name: string;
  cloudAccount: string;
  resourceGroup: string;
  location: string;
  headType: string;
  headDiskGb: number;
  account: string;
  container: string;
  workers: Required<Pick<WorkerGroup, "instanceType" | "diskGb" | "count">>[];
  /** Workers come and go with the work: then `autoscale` counts, else `workers`. */
  autoscaling: boolean;
  autoscale: AutoscaleDraft;
  sshKey: string;
  identity: string;
  network: "new" | "existing";
  networkCidr: string;
  networkName: string;
  networkGroup: string;
  subnet: "new" | "existing";
  subnetCidr: string;
  subnetName: string;
  securityGroup: "new" | "existing";
  securityGroupName: string;
  publicIp: boolean;
  portSources: string[];
  users: "disabled" | "managed";
  tags: {name: string; value: string}[];
  /** Names of what was chosen by hand: never proposed again. */
  touched: string[];
  /** Letters of chance in the container's name. */
  chance: string;
}

export const emptyDraft: Draft = {
  name: "",
  cloudAccount: "default",
  resourceGroup: "",
  location: "",
  headType: "",
  headDiskGb: 30,
  account: "",
  container: "",
  workers: [],
  autoscaling: false,
  autoscale: emptyAutoscale,
  sshKey: "",
  identity: "",
  network: "new",
  networkCidr: "",
  networkName: "",
  networkGroup: "",
  subnet: "new",
  subnetCidr: "",
  subnetName: "",
  securityGroup: "new",
  securityGroupName: "",
  publicIp: true,
  portSources: [],
  users: "disabled",
  tags: [],
  touched: [],
  chance: "",
};

export const steps = [
  {
    slug: "general",
    title: "General",
    fields: ["/name", "/cloudAccount", "/resourceGroup", "/location", "/head", "/storage"],
  },
  {slug: "workers", title: "Workers", fields: ["/workers", "/autoscale"]},
  {slug: "ssh-key", title: "SSH key", fields: ["/sshKey"]},
  {slug: "identity", title: "Managed identity", fields: ["/identity"]},
  {slug: "backup", title: "Backup retention", fields: ["/backupRetentionDays"]},
  {
    slug: "virtual-network",
    title: "Virtual network",
    fields: ["/network/virtualNetwork", "/network/virtualNetworkCidr", "/network/resourceGroup"],
  },
  {slug: "subnet", title: "Subnet", fields: ["/network/subnet", "/network/subnetCidr"]},
  {
    slug: "security-group",
    title: "Network security group",
    fields: ["/network/securityGroup", "/network/publicIp", "/ports", "/portSources"],
  },
  {slug: "users", title: "User management", fields: ["/userManagement"]},
  {slug: "tags", title: "Tags", fields: ["/tags"]},
  {slug: "review", title: "Review and create", fields: []},
] as const;

export type Slug = (typeof steps)[number]["slug"];

const below = (pointer: string, field: string) =>
  pointer === field || pointer.startsWith(field + "/");

/** The step where a field stands; the review for what is nobody's. */
export function stepOf(pointer: string | undefined): Slug {
  const found = steps.find((step) => step.fields.some((field) => below(pointer ?? "", field)));
  return found?.slug ?? "review";
}

export const findingsOf = (slug: Slug, findings: readonly Finding[]) =>
  findings.filter((finding) => stepOf(finding.field) === slug);

/** What stands against one field, or undefined. Warnings are shown elsewhere. */
export function faultAt(findings: readonly Finding[], field: string): string | undefined {
  const found = findings.find((each) => each.weight === "blocking" && each.field === field);
  return found && sentence(found.message);
}

/** As a sentence of its own. A name at the beginning ("cluster-1 runs") stays as it is written. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return trimmed;
  const first = trimmed.split(/\s/, 1)[0]!;
  const isKind = /^[a-z]+(_[a-z]+)+$/.test(first);
  const isName = !isKind && /[-\d_/.@]/.test(first.replace(/[.,;:!?]+$/, ""));
  const begun = isName
    ? trimmed
    : first[0]!.toUpperCase() + first.slice(1).replaceAll("_", " ") + trimmed.slice(first.length);
  return /[.!?]$/.test(begun) ? begun : begun + ".";
}

function networkOf(draft: Draft): NonNullable<ClusterSpec["network"]> {
  const fresh = draft.network === "new";
  const freshSubnet = fresh || draft.subnet === "new";
  return {
    ...(fresh
      ? {virtualNetworkCidr: draft.networkCidr}
      : {resourceGroup: draft.networkGroup, virtualNetwork: draft.networkName}),
    ...(freshSubnet ? {subnetCidr: draft.subnetCidr} : {subnet: draft.subnetName}),
    ...(draft.securityGroup === "existing" ? {securityGroup: draft.securityGroupName} : {}),
    publicIp: draft.publicIp,
  };
}

/** The request that the draft stands for. Members in the order of the steps. */
export function specOf(draft: Draft): ClusterSpec {
  const tags = draft.tags.filter((tag) => tag.name.trim() !== "");
  return {
    name: draft.name,
    ...(draft.cloudAccount === "default" ? {} : {cloudAccount: draft.cloudAccount}),
    resourceGroup: draft.resourceGroup,
    location: draft.location,
    head: {instanceType: draft.headType, diskGb: draft.headDiskGb},
    storage: {account: draft.account, container: draft.container},
    ...(draft.autoscaling
      ? {workers: [], autoscale: policyOf(draft.autoscale)}
      : {
          workers: draft.workers.map(({instanceType, diskGb, count}) => ({
            instanceType,
            diskGb,
            count,
          })),
        }),
    sshKey: draft.sshKey,
    identity: draft.identity,
    backupRetentionDays: 0,
    network: networkOf(draft),
    userManagement: draft.users,
    portSources: draft.portSources,
    tags: Object.fromEntries(tags.map((tag) => [tag.name.trim(), tag.value])),
  };
}

/** "cluster-1", "cluster-2", …: the first that no cluster has. */
export function proposeName(taken: readonly string[]): string {
  for (let number = 1; ; ++number) {
    const name = `cluster-${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** Names end in letters of chance, because what is free in a storage account is not listed. */
export function proposeContainer(name: string, chance: string): string {
  const stem = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `${(stem || "cluster").slice(0, 40)}-${chance}`;
}

/** Less memory than this makes a poor head; such sizes are proposed only when there is no other. */
const memoryMbEnough = 2048;

/** The smallest size that will do and can be had, without a GPU; of equal ones the first by name. */
export function smallestSize(sizes: readonly Size[]): Size | undefined {
  const small = (size: Size) => (size.memoryMb < memoryMbEnough ? 1 : 0);
  return sizes
    .filter((size) => !size.unavailable && size.gpus === 0)
    .sort(
      (a, b) =>
        small(a) - small(b) ||
        a.memoryMb - b.memoryMb ||
        a.vcpus - b.vcpus ||
        a.name.localeCompare(b.name),
    )[0];
}

/** A draft that was kept, completed; null when it is not one. */
export function restoreDraft(text: string | null): Draft | null {
  if (!text) return null;
  try {
    const kept = JSON.parse(text) as Partial<Draft>;
    if (!kept || typeof kept !== "object" || Array.isArray(kept)) return null;
    const draft = {...emptyDraft} as Record<string, unknown>;
    for (const [name, value] of Object.entries(kept)) {
      const known = draft[name];
      if (known === undefined || typeof known !== typeof value) continue;
      if (Array.isArray(known) !== Array.isArray(value)) continue;
      draft[name] = value;
    }
    const whole = draft as unknown as Draft;
    return {...whole, autoscale: restoredAutoscale(whole.autoscale)};
  } catch {
    return null;
  }
}

/** What can be chosen from; undefined: not known yet. */
export interface Offers {
  cloudAccounts?: {name: string}[];
  groups?: Group[];
  sizes?: Size[];
  accounts?: Account[];
  sshKeys?: SshKey[];
  identities?: Identity[];
  networks?: Network[];
  clusterNames?: string[];
}

export function choose(draft: Draft, patch: Partial<Draft>): Draft {
  const touched = new Set([...draft.touched, ...Object.keys(patch)]);
  return {...draft, ...patch, touched: [...touched]};
}

/** Keeps a choice that is on offer; else the first that is. */
function kept(chosen: string, offered: {name: string}[] | undefined): string {
  if (!offered || offered.some((each) => each.name === chosen)) return chosen;
  return offered[0]?.name ?? "";
}

function withPlace(draft: Draft, offers: Offers): Draft {
  const cloudAccount = kept(draft.cloudAccount, offers.cloudAccounts);
  const resourceGroup = kept(draft.resourceGroup, offers.groups);
  const group = offers.groups?.find((each) => each.name === resourceGroup);
  const location = group?.location ?? draft.location;
  const known = offers.sizes?.some((size) => size.name === draft.headType) ?? true;
  return {
    ...draft,
    cloudAccount,
    resourceGroup,
    location,
    headType:
      known && draft.headType ? draft.headType : (smallestSize(offers.sizes ?? [])?.name ?? ""),
    account: kept(draft.account, offers.accounts),
    sshKey: kept(draft.sshKey, offers.sshKeys),
    identity: kept(draft.identity, offers.identities),
  };
}

function withNetwork(draft: Draft, offers: Offers): Draft {
  const here = offers.networks?.filter((each) => each.location === draft.location);
  const used = offers.networks?.flatMap((each) => each.cidrs);
  const chosen =
    here?.find(
      (each) => each.name === draft.networkName && each.resourceGroup === draft.networkGroup,
    ) ?? here?.[0];
  const next = {...draft};
  if (used && !draft.touched.includes("networkCidr")) next.networkCidr = proposeNetwork(used);
  if (draft.network === "existing" && chosen) {
    next.networkName = chosen.name;
    next.networkGroup = chosen.resourceGroup;
    next.subnetName = kept(draft.subnetName, chosen.subnets);
  }
  if (!draft.touched.includes("subnetCidr"))
    next.subnetCidr =
      draft.network === "existing"
        ? proposeSubnet(
            chosen?.cidrs[0] ?? "",
            (chosen?.subnets ?? []).map((each) => each.cidr),
          )
        : proposeSubnet(next.networkCidr, []);
  return next;
}

/** A part without a type gets one: the head's, and the smallest that has a GPU. */
export function withTypes(policy: AutoscaleDraft, headType: string, sizes: readonly Size[]) {
  const {general, gpu} = policy;
  const smallestGpu = () =>
    sizes
      .filter((size) => !size.unavailable && size.gpus > 0)
      .sort((a, b) => a.gpus - b.gpus || a.vcpus - b.vcpus || a.name.localeCompare(b.name))[0];
  return {
    ...policy,
    general: {...general, instanceType: general.instanceType || headType},
    gpu: {...gpu, instanceType: gpu.instanceType || (smallestGpu()?.name ?? "")},
  };
}

/** The draft with a proposal wherever nothing was chosen by hand. Completing it again changes nothing. */
export function complete(draft: Draft, offers: Offers): Draft {
  const next = withNetwork(withPlace(draft, offers), offers);
  const free = (name: keyof Draft) => !draft.touched.includes(name);
  if (free("name") && offers.clusterNames) next.name = proposeName(offers.clusterNames);
  if (free("container") && draft.chance) next.container = proposeContainer(next.name, draft.chance);
  if (free("workers") && next.headType)
    next.workers = [{instanceType: next.headType, diskGb: next.headDiskGb, count: 1}];
  next.autoscale = withTypes(next.autoscale, next.headType, offers.sizes ?? []);
  return next;
}
