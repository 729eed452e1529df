import {execFileSync} from "node:child_process";
import {describe, expect, it} from "vitest";
import {parse} from "yaml";
import type {ClusterSpec} from "../api/client";
import {shellWord, toCommand, toCurl, toYaml} from "./render";

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
