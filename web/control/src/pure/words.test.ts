import {describe, expect, it} from "vitest";
import type {Activity, Cluster, ClusterNode} from "../api/client";
import {matching, toLines} from "./activity";
import {actsOf, duration, memory, money, nodeActsOf, phaseTone, plural} from "./words";

describe("words", () => {
  it("say how long something takes in its two largest units", () => {
    const table = [
      [0, "0 s"],
      [999, "0 s"],
      [4_000, "4 s"],
      [60_000, "1 min"],
      [125_000, "2 min 5 s"],
      [3_600_000, "1 h"],
      [11_520_000, "3 h 12 min"],
      [187_200_000, "2 d 4 h"],
      [-5, "0 s"],
    ] as const;
    for (const [milliseconds, text] of table) expect(duration(milliseconds)).toBe(text);
  });

  it("say memory, counts and money", () => {
    expect([memory(512), memory(2048), memory(3584)]).toEqual(["512 MiB", "2 GiB", "3.5 GiB"]);
    expect([plural(1, "worker"), plural(2, "worker"), plural(0, "worker")]).toEqual([
      "1 worker",
      "2 workers",
      "0 workers",
    ]);
    expect([
      money(0.0208, "USD"),
      money(1.5, "USD"),
      money(1124.2, "USD"),
      money(0, "USD"),
      money(0.05, "USD"),
    ]).toEqual(["$0.0208", "$1.50", "$1,124", "$0.00", "$0.05"]);
  });
});

describe("the buttons of a cluster", () => {
  const can = (phase: Cluster["phase"], wanted: Cluster["wanted"]) =>
    Object.entries(actsOf({phase, wanted} as Cluster))
      .filter(([, yes]) => yes)
      .map(([name]) => name)
      .join(" ");

  it("are those that make sense in each phase", () => {
    expect(can("running", "running")).toBe("stop restart terminate");
    expect(can("creating", "running")).toBe("stop terminate");
    expect(can("stopping", "stopped")).toBe("terminate");
    expect(can("stopped", "stopped")).toBe("start terminate");
    expect(can("failed", "running")).toBe("stop retry terminate");
    expect(can("terminating", "terminated")).toBe("");
    expect(can("failed", "terminated")).toBe("retry");
  });
});

describe("the acts on a node", () => {
  const worker = {role: "worker", wanted: "running", phase: "ready"} as ClusterNode;
  const can = (node: Partial<ClusterNode>) =>
    Object.entries(nodeActsOf({...worker, ...node}))
      .filter(([, yes]) => yes)
      .map(([name]) => name)
      .join(" ");

  it("are those that make sense for it", () => {
    expect(can({})).toBe("drain restart");
    expect(can({drainWanted: true})).toBe("resume restart");
    expect(can({restartWanted: true})).toBe("drain resume");
    expect(can({drainWanted: true, restartWanted: true})).toBe("resume");
    expect(can({phase: "booting"})).toBe("drain");
    expect(can({role: "head"})).toBe("restart");
    expect(can({wanted: "removed", phase: "draining"})).toBe("");
  });

  it("end in a state of its own tone", () => {
    expect([phaseTone("draining"), phaseTone("drained"), phaseTone("ready")]).toEqual([
      "busy",
      "still",
      "good",
    ]);
  });
});

describe("the activity", () => {
  const entry = (
    sequence: number,
    severity: Activity["severity"],
    node: string,
    message: string,
  ): Activity => ({
    sequence,
    severity,
    node,
    message,
    at: `2026-01-01T00:00:0${sequence}Z`,
    cluster: "c",
    code: "x",
    reason: "why",
    actor: "Ada",
    cloudRequestId: "",
    error: null,
  });
  const all = [
    entry(3, "error", "w1", "lost\nit"),
    entry(2, "warning", "", "odd"),
    entry(1, "info", "w1", "made"),
  ];

  it("is filtered by severity, node and words", () => {
    const sequences = (severity: "all" | "warning" | "error", node = "", text = "") =>
      matching(all, {severity, node, text}).map((each) => each.sequence);
    expect(sequences("all")).toEqual([3, 2, 1]);
    expect(sequences("warning")).toEqual([3, 2]);
    expect(sequences("error")).toEqual([3]);
    expect(sequences("all", "w1")).toEqual([3, 1]);
    expect(sequences("all", "", "ADA made")).toEqual([1]);
  });

  it("is written oldest first, one entry a line", () => {
    const lines = toLines(all).split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain("made");
    expect(lines[2]).toContain("lost it");
  });
});
