import type {ClusterSpec, ScaleGroup, WorkerGroup} from "../api/client";

/**
 * The provider of the existing wire, in its last release that can leave the database out. It takes no
 * head's disk below 256 GB.
 */
const release = "0.11.0";
const headDiskGbLeast = 256;

const letter: Record<string, string> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

/** A quoted string of HCL, in which "${" and "%{" would begin a template. */
function quoted(text: string): string {
  const escaped = text
    .replace(/["\\\n\r\t]/g, (found) => letter[found]!)
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
      (found) => "\\u" + found.charCodeAt(0).toString(16).padStart(4, "0"),
    )
    .replace(/([$%]*)([$%])\{/g, (_, before: string, sign: string) => {
      // "$$${" has no one reading, so that signs before the last are written by their numbers.
      const numbers = [...before].map((each) => (each === "$" ? "\\u0024" : "\\u0025"));
      return `${numbers.join("")}${sign}${sign}{`;
    });
  return `"${escaped}"`;
}

type Lines = string[];
type Attribute = readonly [name: string, value: string | number | boolean | undefined];

/**
 * Attributes with their equals signs in one column, as `terraform fmt` lays them out. What is empty or
 * undefined is left to the provider.
 */
function attributes(all: readonly Attribute[]): Lines {
  const values = all.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(0, ...values.map(([name]) => name.length));
  return values.map(
    ([name, value]) =>
      `${name.padEnd(width)} = ${typeof value === "string" ? quoted(value) : value}`,
  );
}

const block = (head: string, ...parts: Lines[]): Lines => [
  `${head} {`,
  ...parts
    .filter((part) => part.length > 0)
    .flatMap((part, index) => (index > 0 ? ["", ...part] : part))
    .map((line) => (line ? "  " + line : line)),
  "}",
];

const spotOf = (spot: WorkerGroup["spot"]): Lines =>
  spot
    ? block(
        "spot_config",
        attributes([
          ["max_price_percent", spot.maxPricePercent ?? 100],
          ["fall_back_on_demand", spot.fallBackOnDemand ?? true],
        ]),
      )
    : [];

const workersOf = (spec: ClusterSpec): Lines[] =>
  (spec.workers ?? []).map(({instanceType, diskGb, count, spot}) =>
    block(
      "workers",
      attributes([
        ["instance_type", instanceType],
        ["disk_size", diskGb ?? 30],
        ["count", count ?? 1],
      ]),
      spotOf(spot),
    ),
  );

const scaleOf = (name: string, group: ScaleGroup): Lines =>
  block(
    name,
    attributes([
      ["instance_type", group.instanceType],
      ["disk_size", group.diskGb ?? 30],
      ["min_workers", group.minWorkers ?? 0],
      ["max_workers", group.maxWorkers ?? 10],
      ["standby_workers", group.standbyWorkers ?? 0.5],
      ["downscale_wait_time", group.downscaleWaitSeconds ?? 300],
    ]),
    spotOf(group.spot),
  );

const autoscaleOf = ({autoscale}: ClusterSpec): Lines =>
  autoscale
    ? block(
        "autoscale",
        scaleOf("non_gpu_workers", autoscale.general),
        autoscale.gpu ? scaleOf("gpu_workers", autoscale.gpu) : [],
      )
    : [];

function azureOf(spec: ClusterSpec): Lines {
  const {resourceGroup, virtualNetwork, subnet, securityGroup} = spec.network ?? {};
  return block(
    "azure_attributes",
    attributes([
      ["location", spec.location],
      ["resource_group", spec.resourceGroup],
      ["user_assigned_managed_identity", spec.identity],
    ]),
    block(
      "container",
      attributes([
        ["storage_account", spec.storage.account],
        ["name", spec.storage.container],
      ]),
    ),
    virtualNetwork && subnet
      ? block(
          "network",
          attributes([
            ["resource_group", resourceGroup],
            ["virtual_network_name", virtualNetwork],
            ["subnet_name", subnet],
            ["security_group_name", securityGroup],
          ]),
        )
      : [],
  );
}

function portsOf({ports}: ClusterSpec): Lines {
  const open = attributes([
    ["feature_store", ports?.featureStore || undefined],
    ["online_feature_store", ports?.onlineFeatureStore || undefined],
    ["kafka", ports?.kafka || undefined],
    ["ssh", ports?.ssh || undefined],
  ]);
  return open.length ? block("open_ports", open) : [];
}

function tagsOf({tags}: ClusterSpec): Lines {
  const entries = Object.entries(tags ?? {});
  if (entries.length === 0) return [];
  return [
    "tags = {",
    ...entries.map(([name, value]) => `  ${quoted(name)} = ${quoted(value)}`),
    "}",
  ];
}

function unsaidOfPolicy({autoscale, workers}: ClusterSpec): string[] {
  const groups = [autoscale?.general, autoscale?.gpu].filter((group) => group !== undefined);
  const unsaid: string[] = [];
  if (workers?.length) unsaid.push("workers by count beside autoscaling: refused, remove one");
  if (autoscale?.mode === "adaptive") unsaid.push("the adaptive mode: it is the standard one");
  if (groups.some((group) => group.fallbackTypes?.length))
    unsaid.push("other types when the cloud has no more: none is taken");
  if (groups.some((group) => group.standbyShape)) unsaid.push("a standby shape: there is none");
  if (groups.some((group) => group.schedule?.length)) unsaid.push("a schedule: there is none");
  return unsaid;
}

/** What the provider has no words for: each is another cluster than the one that was asked for. */
export function unsaidInTerraform(spec: ClusterSpec): string[] {
  const network = spec.network ?? {};
  const unsaid: string[] = [];
  const {virtualNetwork, subnet} = network;
  if ((spec.head.diskGb ?? 0) < headDiskGbLeast)
    unsaid.push(`a head's disk of ${spec.head.diskGb ?? 30} GB: the least is ${headDiskGbLeast}`);
  if (virtualNetwork && !subnet)
    unsaid.push(`a new subnet in ${quoted(virtualNetwork)}: a network of its own is made`);
  if (!virtualNetwork && network.virtualNetworkCidr)
    unsaid.push(
      `the range ${quoted(network.virtualNetworkCidr)} of the network: the first free one is taken`,
    );
  if (network.securityGroup && !(virtualNetwork && subnet))
    unsaid.push(
      `the security group ${quoted(network.securityGroup)} without a subnet: one is made`,
    );
  if (spec.portSources?.length)
    unsaid.push(`who may reach it, ${spec.portSources.map(quoted).join(", ")}: everybody may`);
  if (spec.drainTimeoutSeconds !== undefined && spec.drainTimeoutSeconds !== 900)
    unsaid.push(`the wait for running work, ${spec.drainTimeoutSeconds}: it is 900 seconds`);
  if (spec.autoscale) unsaid.push(...unsaidOfPolicy(spec));
  if (spec.userManagement === "ldap") unsaid.push("users from LDAP: they are not managed");
  return unsaid;
}

/** The cluster as a configuration for Terraform; what it cannot say stands above it as comments. */
export function toTerraform(spec: ClusterSpec, origin: string): string {
  const unsaid = unsaidInTerraform(spec);
  const comments = unsaid.length
    ? ["# The provider cannot say:", ...unsaid.map((each) => `# - ${each}`), ""]
    : [];
  const provider = [`source  = "logicalclocks/hopsworksai"`, `version = "${release}"`].map(
    (line) => "  " + line,
  );
  const script = spec.initScript?.text;
  const general = attributes([
    ["name", spec.name],
    ["ssh_key", spec.sshKey],
    ["managed_users", spec.userManagement === "managed"],
    ["attach_public_ip", spec.network?.publicIp ?? true],
    ["backup_retention_period", spec.backupRetentionDays ?? 0],
    ["init_script", script],
    ["run_init_script_first", script ? (spec.initScript?.runFirst ?? false) : undefined],
  ]);
  return [
    ...comments,
    ...block("terraform", block("required_providers", ["hopsworksai = {", ...provider, "}"])),
    "",
    "# The API key is read from HOPSWORKSAI_API_KEY.",
    ...block('provider "hopsworksai"', attributes([["api_gateway", origin]])),
    "",
    ...block(
      'resource "hopsworksai_cluster" "cluster"',
      general,
      block(
        "head",
        attributes([
          ["instance_type", spec.head.instanceType],
          ["disk_size", Math.max(spec.head.diskGb ?? 0, headDiskGbLeast)],
        ]),
      ),
      ...workersOf(spec),
      autoscaleOf(spec),
      azureOf(spec),
      portsOf(spec),
      tagsOf(spec),
    ),
    "",
  ].join("\n");
}
