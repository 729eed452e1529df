import {describe, expect, it} from "vitest";
import type {Finding, Size} from "../api/client";
import {
  choose,
  complete,
  emptyDraft,
  faultAt,
  findingsOf,
  proposeContainer,
  proposeName,
  restoreDraft,
  sentence,
  smallestSize,
  specOf,
  stepOf,
  steps,
  type Draft,
  type Offers,
} from "./draft";

const size = (name: string, vcpus: number, memoryMb: number, more: Partial<Size> = {}): Size => ({
  name,
  family: "f",
  vcpus,
  memoryMb,
  gpus: 0,
  nvme: false,
  unavailable: "",
  price: null,
  ...more,
});

const offers: Offers = {
  groups: [
    {name: "team", location: "local"},
    {name: "lab", location: "north"},
  ],
  sizes: [size("big", 8, 32768), size("small", 1, 2048), size("tiny", 1, 512)],
  accounts: [{name: "store", resourceGroup: "team", location: "local"}],
  sshKeys: [{name: "key", publicKey: "ssh-ed25519 A"}],
  identities: [{name: "who", principalId: "p"}],
  networks: [
    {
      name: "net",
      resourceGroup: "shared",
      location: "local",
      cidrs: ["10.0.0.0/16"],
      subnets: [{name: "a", cidr: "10.0.0.0/24"}],
    },
  ],
  clusterNames: ["cluster-1"],
};
const fresh: Draft = {...emptyDraft, chance: "abc123"};

describe("the twelve steps", () => {
  it("have the names and the order of the guide", () => {
    expect(["Create cluster", ...steps.map((step) => step.title)]).toEqual([
      "Create cluster",
      "General",
      "Workers",
      "SSH key",
      "Managed identity",
      "Backup retention",
      "Virtual network",
      "Subnet",
      "Network security group",
      "User management",
      "Tags",
      "Review and create",
    ]);
  });

  it("each take the faults of their own fields, and the review what is nobody's", () => {
    const table: [string | undefined, string][] = [
      ["/name", "general"],
      ["/storage/container", "general"],
      ["/workers/3/count", "workers"],
      ["/network/virtualNetworkCidr", "virtual-network"],
      ["/network/subnet", "subnet"],
      ["/network/subnetCidr", "subnet"],
      ["/network/publicIp", "security-group"],
      ["/portSources/0", "security-group"],
      ["/tags/team", "tags"],
      ["/namesake", "review"],
      ["", "review"],
      [undefined, "review"],
    ];
    for (const [pointer, slug] of table) expect(stepOf(pointer), String(pointer)).toBe(slug);
  });

  it("show only what blocks at a field", () => {
    const finding = (weight: Finding["weight"], field: string, message: string): Finding => ({
      weight,
      field,
      message,
      code: "c",
      kind: "conflict",
      owner: "user",
    });
    const all = [finding("warning", "/name", "odd"), finding("blocking", "/name", "is taken")];
    expect(faultAt(all, "/name")).toBe("Is taken.");
    expect(faultAt(all, "/sshKey")).toBeUndefined();
    expect(findingsOf("general", all)).toHaveLength(2);
    expect(findingsOf("tags", all)).toHaveLength(0);
  });
});

describe("a draft", () => {
  it("is completed to something that can be created", () => {
    const spec = specOf(complete(fresh, offers));
    expect(spec).toMatchObject({
      name: "cluster-2",
      resourceGroup: "team",
      location: "local",
      head: {instanceType: "small", diskGb: 30},
      storage: {account: "store", container: "cluster-2-abc123"},
      workers: [{instanceType: "small", diskGb: 30, count: 1}],
      sshKey: "key",
      identity: "who",
      network: {virtualNetworkCidr: "10.1.0.0/16", subnetCidr: "10.1.0.0/24", publicIp: true},
      userManagement: "disabled",
    });
  });

  it("asks for the autoscaler instead of a number of workers, and keeps both", () => {
    const draft = complete(choose(fresh, {autoscaling: true}), offers);
    const asked = specOf(draft);
    expect(asked.workers).toEqual([]);
    expect(asked.autoscale).toMatchObject({mode: "standard", general: {instanceType: "small"}});
    expect(asked.autoscale).not.toHaveProperty("gpu");
    const back = specOf(choose(draft, {autoscaling: false}));
    expect(back).not.toHaveProperty("autoscale");
    expect(back.workers).toHaveLength(1);
  });

  it("completed twice is completed once", () => {
    for (const draft of [
      fresh,
      choose(fresh, {network: "existing"}),
      choose(fresh, {name: "x", workers: []}),
    ]) {
      const once = complete(draft, offers);
      expect(complete(once, offers)).toEqual(once);
    }
  });

  it("keeps what was chosen by hand, also when it is empty", () => {
    const draft = complete(choose(fresh, {name: "", container: "mine", workers: []}), offers);
    expect(draft).toMatchObject({name: "", container: "mine", workers: []});
  });

  it("lets what was not chosen follow what was", () => {
    const draft = complete(
      choose(choose(fresh, {name: "Demo"}), {headType: "big", networkCidr: "10.9.0.0/16"}),
      offers,
    );
    expect(draft.container).toBe("demo-abc123");
    expect(draft.workers[0]?.instanceType).toBe("big");
    expect(draft.subnetCidr).toBe("10.9.0.0/24");
  });

  it("gives up a choice that is no longer on offer", () => {
    const draft = complete(choose(fresh, {sshKey: "old", resourceGroup: "gone"}), offers);
    expect(draft).toMatchObject({sshKey: "key", resourceGroup: "team"});
  });

  it("loses nothing by changing to an existing network and back", () => {
    const chosen = complete(choose(fresh, {networkCidr: "10.7.0.0/16"}), offers);
    const existing = complete(choose(chosen, {network: "existing"}), offers);
    expect(specOf(existing).network).toMatchObject({
      resourceGroup: "shared",
      virtualNetwork: "net",
      subnetCidr: "10.0.1.0/24",
    });
    expect(specOf(existing).network).not.toHaveProperty("virtualNetworkCidr");
    const back = complete(choose(existing, {network: "new"}), offers);
    expect(specOf(back)).toEqual(specOf(chosen));
  });

  it("takes an existing subnet and security group only where they were chosen", () => {
    const draft = complete(
      choose(fresh, {
        network: "existing",
        subnet: "existing",
        securityGroup: "existing",
        securityGroupName: "nsg",
      }),
      offers,
    );
    expect(specOf(draft).network).toEqual({
      resourceGroup: "shared",
      virtualNetwork: "net",
      subnet: "a",
      securityGroup: "nsg",
      publicIp: true,
    });
    expect(specOf(choose(draft, {securityGroup: "new"})).network).not.toHaveProperty(
      "securityGroup",
    );
  });

  it("sends no tag without a name", () => {
    const draft = choose(fresh, {
      tags: [
        {name: " team ", value: "a"},
        {name: " ", value: "b"},
      ],
    });
    expect(specOf(draft).tags).toEqual({team: "a"});
  });

  it("survives being kept, and what is not one does not become one", () => {
    const draft = choose(fresh, {name: "kept", tags: [{name: "a", value: "b"}]});
    expect(restoreDraft(JSON.stringify(draft))).toEqual(draft);
    expect(restoreDraft(JSON.stringify({name: "kept", workers: 3, unknown: true}))).toEqual({
      ...emptyDraft,
      name: "kept",
    });
    for (const text of [null, "", "{", "[]", "null", "7"]) expect(restoreDraft(text)).toBeNull();
  });
});

describe("proposals", () => {
  it("name the first cluster that is not there", () => {
    expect(proposeName([])).toBe("cluster-1");
    expect(proposeName(["cluster-1", "cluster-3"])).toBe("cluster-2");
  });

  it("name containers by the rules of the blob service", () => {
    for (const name of ["", "demo", "Ümlaut & co", "-a--b-", "x".repeat(90)])
      expect(proposeContainer(name, "0f0f0f")).toMatch(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it("take the smallest size that will do", () => {
    expect(
      smallestSize([
        size("gpu", 1, 2048, {gpus: 1}),
        size("off", 1, 2048, {unavailable: "sold out"}),
        size("a", 2, 4096),
      ])?.name,
    ).toBe("a");
    expect(smallestSize([size("tiny", 1, 512)])?.name).toBe("tiny");
    expect(smallestSize([])).toBeUndefined();
  });
});

describe("a sentence", () => {
  it("begins with a capital and ends with a stop, and leaves names alone", () => {
    const table = [
      ["is taken", "Is taken."],
      ["Done.", "Done."],
      ["cluster-1 runs", "cluster-1 runs."],
      ["network_interface x", "Network interface x."],
      ["  ", ""],
    ] as const;
    for (const [text, expected] of table) expect(sentence(text)).toBe(expected);
  });
});
