import {execFileSync} from "node:child_process";
import {describe, expect, it} from "vitest";
import {parse} from "yaml";
import type {ClusterSpec} from "../api/client";
import {shellWord, toCommand, toCurl, toYaml} from "./render";
import {toTerraform, unsaidInTerraform} from "./render-terraform";

const spec = (more: Partial<ClusterSpec> = {}): ClusterSpec => ({
  name: "demo",
  resourceGroup: "team",
  head: {instanceType: "Standard_B1ms", diskGb: 30},
  workers: [{instanceType: "Standard_B1ms", diskGb: 30, count: 2}],
  storage: {account: "store", container: ""},
  sshKey: "key",
  identity: "who",
  tags: {},
  ...more,
});

/** By the rules of YAML 1.1, which read more words as something else than text; the server's are narrower. */
const readYaml = (text: string): unknown => parse(text, {version: "1.1"});

const awkward = [
  "yes",
  "No",
  "null",
  "~",
  "12",
  "1e3",
  "0x1f",
  "1:20",
  "2026-01-01",
  "true",
  ".5",
  "-",
  "- a",
  "a: b",
  "a #b",
  "#",
  "'",
  '"',
  "a\nb",
  " a",
  "a ",
  "ü",
  "{}",
  "[x]",
  "*a",
  "&a",
  "!t",
  "%",
  "@",
  "`",
  "10.0.0.0/16",
  "",
];

describe("YAML", () => {
  it("is laid out as the guide shows it", () => {
    expect(toYaml(spec({network: {virtualNetworkCidr: "10.0.0.0/16", publicIp: true}}))).toBe(
      [
        "name: demo",
        "resourceGroup: team",
        "head:",
        "  instanceType: Standard_B1ms",
        "  diskGb: 30",
        "workers:",
        "  - instanceType: Standard_B1ms",
        "    diskGb: 30",
        "    count: 2",
        "storage:",
        "  account: store",
        '  container: ""',
        "sshKey: key",
        "identity: who",
        "tags: {}",
        "network:",
        "  virtualNetworkCidr: 10.0.0.0/16",
        "  publicIp: true",
        "",
      ].join("\n"),
    );
  });

  it("is read back as the same request, whatever stands in it", () => {
    const tags = Object.fromEntries(awkward.filter(Boolean).map((text) => [text, text]));
    const odd = spec({
      tags,
      portSources: awkward,
      workers: [],
      storage: {account: "0", container: "on"},
    });
    expect(readYaml(toYaml(odd))).toEqual(odd);
  });
});

/** The words that a shell makes of a command, whose program is replaced by one that prints them. */
function runShell(program: string, command: string): string {
  return execFileSync("sh", ["-c", `${program}\n${command}`], {encoding: "utf8"});
}

describe("commands", () => {
  it("quote every word so that a shell reads the same", () => {
    for (const text of [...awkward, "$HOME", "`id`", "a'b", "\\", "*"])
      expect(runShell("", `printf %s ${shellWord(text)}`), JSON.stringify(text)).toBe(text);
  });

  it("hand the whole specification to hopyard", () => {
    const odd = spec({tags: {end: "END", quote: "it's $HOME"}});
    const said = runShell('hopyard() { echo "$@"; cat; }', toCommand(odd));
    expect(said).toBe("cluster create -f -\n" + toYaml(odd));
  });

  it("hand the whole specification to curl, and the key from the environment", () => {
    const odd = spec({tags: {quote: "it's `id` $HOME"}});
    const shown = runShell(
      'curl() { for word; do printf "%s\\0" "$word"; done; }; HOPYARD_API_KEY=k',
      toCurl(odd, "https://hopyard.example"),
    ).split("\0");
    expect(shown).toContain("https://hopyard.example/v1/clusters");
    expect(shown).toContain("Authorization: Bearer k");
    expect(JSON.parse(shown[shown.indexOf("-d") + 1]!)).toEqual(odd);
  });
});

/** The texts between quotes of a configuration, as Terraform reads them. */
function readStrings(text: string): string[] {
  const escapes: Record<string, string> = {n: "\n", r: "\r", t: "\t"};
  return [...text.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map((found) => {
    const inner = found[1]!;
    // What would begin a template must not be left.
    expect(inner.replaceAll(/\$\$\{|%%\{/g, "")).not.toMatch(/[$%]\{/);
    return inner
      .replaceAll(/\\u([0-9a-f]{4})|\\(.)/g, (_, code: string | undefined, one: string) =>
        code ? String.fromCharCode(parseInt(code, 16)) : (escapes[one] ?? one),
      )
      .replaceAll(/([$%])[$%]\{/g, "$1{");
  });
}

describe("Terraform, of workers that follow demand", () => {
  const general = {instanceType: "Standard_D4s_v3", diskGb: 64, minWorkers: 1, maxWorkers: 5};
  const autoscaled = spec({workers: [], autoscale: {mode: "standard", general}});

  it("has both parts in the provider's words", () => {
    const gpu = {instanceType: "Standard_NC6", spot: {maxPricePercent: 60}};
    const text = toTerraform({...autoscaled, autoscale: {general, gpu}}, "https://h.example");
    expect(text).toContain(`  autoscale {
    non_gpu_workers {
      instance_type       = "Standard_D4s_v3"
      disk_size           = 64
      min_workers         = 1
      max_workers         = 5
      standby_workers     = 0.5
      downscale_wait_time = 300
    }

    gpu_workers {
      instance_type       = "Standard_NC6"
      disk_size           = 30
      min_workers         = 0
      max_workers         = 10
      standby_workers     = 0.5
      downscale_wait_time = 300

      spot_config {
        max_price_percent   = 60
        fall_back_on_demand = true
      }
    }
  }`);
  });

  it("says what it cannot say", () => {
    const said = unsaidInTerraform(autoscaled).length;
    const schedule = [{from: "08:00", to: "18:00", minWorkers: 2}];
    const more = {...general, fallbackTypes: ["B"], standbyShape: {cpus: 1}, schedule};
    const all = unsaidInTerraform({...autoscaled, autoscale: {mode: "adaptive", general: more}});
    expect(all).toHaveLength(said + 4);
  });
});

describe("Terraform", () => {
  const whole = spec({
    location: "north",
    head: {instanceType: "Standard_D8_v3", diskGb: 512},
    storage: {account: "store", container: "data"},
    network: {
      resourceGroup: "nets",
      virtualNetwork: "hub",
      subnet: "spoke",
      securityGroup: "gate",
      publicIp: false,
    },
    userManagement: "managed",
    ports: {featureStore: false, onlineFeatureStore: false, kafka: false, ssh: true},
    tags: {team: "ml"},
  });

  it("names the provider, this server and the whole cluster", () => {
    expect(toTerraform(whole, "https://hopyard.example")).toBe(`terraform {
  required_providers {
    hopsworksai = {
      source  = "logicalclocks/hopsworksai"
      version = "0.11.0"
    }
  }
}

# The API key is read from HOPSWORKSAI_API_KEY.
provider "hopsworksai" {
  api_gateway = "https://hopyard.example"
}

resource "hopsworksai_cluster" "cluster" {
  name                    = "demo"
  ssh_key                 = "key"
  managed_users           = true
  attach_public_ip        = false
  backup_retention_period = 0

  head {
    instance_type = "Standard_D8_v3"
    disk_size     = 512
  }

  workers {
    instance_type = "Standard_B1ms"
    disk_size     = 30
    count         = 2
  }

  azure_attributes {
    location                       = "north"
    resource_group                 = "team"
    user_assigned_managed_identity = "who"

    container {
      storage_account = "store"
      name            = "data"
    }

    network {
      resource_group       = "nets"
      virtual_network_name = "hub"
      subnet_name          = "spoke"
      security_group_name  = "gate"
    }
  }

  open_ports {
    ssh = true
  }

  tags = {
    "team" = "ml"
  }
}
`);
  });

  it("is read back with the same texts, whatever stands in them", () => {
    const odd = [
      ...awkward,
      "${path.module}",
      "%{if x}",
      "$${a}",
      "$%{b}",
      "$",
      "\u2028",
      "\u0007",
      "a\\",
    ];
    const tags = Object.fromEntries(odd.filter(Boolean).map((text, index) => [`t${index}`, text]));
    const strings = readStrings(toTerraform({...whole, tags}, "https://h"));
    for (const [name, text] of Object.entries(tags))
      expect(strings[strings.indexOf(name) + 1], name).toBe(text);
  });

  it("leaves nothing out without saying so", () => {
    expect(unsaidInTerraform(whole)).toEqual([]);
    const unsaid = unsaidInTerraform(
      spec({
        network: {virtualNetworkCidr: "10.0.0.0/16", securityGroup: "gate"},
        portSources: ["203.0.113.0/24"],
        drainTimeoutSeconds: "never",
      }),
    );
    expect(unsaid).toEqual([
      "a head's disk of 30 GB: the least is 256",
      'the range "10.0.0.0/16" of the network: the first free one is taken',
      'the security group "gate" without a subnet: one is made',
      'who may reach it, "203.0.113.0/24": everybody may',
      "the wait for running work, never: it is 900 seconds",
    ]);
    const text = toTerraform(spec({network: {virtualNetwork: "hub"}}), "https://h");
    expect(text).toContain('# - a new subnet in "hub": a network of its own is made\n');
    expect(text).not.toContain("network {");
    expect(text).toContain("disk_size     = 256");
  });
});
