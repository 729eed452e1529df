import {describe, expect, it} from "vitest";
import {firstFree, formatCidr, overlap, parseCidr, proposeNetwork, proposeSubnet} from "./cidr";

const range = (text: string) => parseCidr(text)!;

describe("ranges", () => {
  it("reads what it writes", () => {
    for (const text of [
      "0.0.0.0/0",
      "10.0.0.0/8",
      "10.255.0.0/16",
      "192.168.1.128/25",
      "255.255.255.255/32",
    ])
      expect(formatCidr(range(text))).toBe(text);
  });

  it("reads no range that is malformed or has host bits", () => {
    for (const text of [
      "",
      "10.0.0.0",
      "10.0.0.0/33",
      "256.0.0.0/8",
      "10.0.0.1/24",
      "10.0.0/24",
      "a.b.c.d/8",
    ])
      expect(parseCidr(text)).toBeNull();
  });

  it("meets itself, what it holds and what holds it, and no neighbour", () => {
    const table: [string, string, boolean][] = [
      ["10.0.0.0/16", "10.0.0.0/16", true],
      ["10.0.0.0/16", "10.0.255.0/24", true],
      ["10.0.3.0/24", "10.0.0.0/8", true],
      ["10.0.0.0/16", "10.1.0.0/16", false],
      ["0.0.0.0/0", "200.1.2.0/24", true],
      ["128.0.0.0/1", "127.255.0.0/16", false],
    ];
    for (const [one, other, meets] of table) {
      expect(overlap(range(one), range(other)), `${one} ${other}`).toBe(meets);
      expect(overlap(range(other), range(one)), `${other} ${one}`).toBe(meets);
    }
  });
});

describe("proposals", () => {
  it("takes the first /16 of 10.0.0.0/8 that nobody uses", () => {
    expect(proposeNetwork([])).toBe("10.0.0.0/16");
    expect(proposeNetwork(["10.0.0.0/16", "10.2.0.0/16"])).toBe("10.1.0.0/16");
    expect(proposeNetwork(["10.0.0.0/15", "10.2.3.0/24", "192.168.0.0/16"])).toBe("10.3.0.0/16");
    expect(proposeNetwork(["10.0.0.0/8"])).toBe("");
  });

  it("never proposes what meets a network, whatever is used", () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 200; ++round) {
      const taken = Array.from({length: next(40)}, () => {
        const bits = 10 + next(15);
        return formatCidr({
          base: Math.floor((10 * 2 ** 24 + next(2 ** 24)) / 2 ** (32 - bits)) * 2 ** (32 - bits),
          bits,
        });
      });
      const proposed = proposeNetwork(taken);
      if (proposed === "") continue;
      for (const each of taken)
        expect(overlap(range(proposed), range(each)), `${proposed} ${each}`).toBe(false);
    }
  });

  it("takes the first free /24 of a network, and a small network whole", () => {
    expect(proposeSubnet("10.4.0.0/16", [])).toBe("10.4.0.0/24");
    expect(proposeSubnet("10.4.0.0/16", ["10.4.0.0/24", "10.4.1.128/25"])).toBe("10.4.2.0/24");
    expect(proposeSubnet("10.4.0.0/28", [])).toBe("10.4.0.0/28");
    expect(proposeSubnet("10.4.0.0/24", ["10.4.0.0/25"])).toBe("");
    expect(proposeSubnet("nonsense", [])).toBe("");
  });

  it("finds the last range of all", () => {
    expect(formatCidr(firstFree(range("255.255.0.0/16"), 17, [range("255.255.0.0/17")])!)).toBe(
      "255.255.128.0/17",
    );
  });
});
