/** IPv4 ranges as [first address, prefix length]; addresses are unsigned 32-bit numbers. */
export interface Range {
  base: number;
  bits: number;
}

export function parseCidr(text: string): Range | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text.trim());
  if (!match) return null;
  const [a, b, c, d, bits] = match.slice(1).map(Number) as [number, number, number, number, number];
  if (Math.max(a, b, c, d) > 255 || bits > 32) return null;
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const base = address & maskOf(bits);
  return base >>> 0 === address ? {base: address, bits} : null;
}

function maskOf(bits: number): number {
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
}

export function formatCidr({base, bits}: Range): string {
  return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join(".")}/${bits}`;
}

export function overlap(one: Range, other: Range): boolean {
  const mask = maskOf(Math.min(one.bits, other.bits));
  return (one.base & mask) >>> 0 === (other.base & mask) >>> 0;
}

/** The first range of `bits` inside `within` that meets none of `taken`; null when it is full. */
export function firstFree(within: Range, bits: number, taken: readonly Range[]): Range | null {
  const step = 2 ** (32 - bits);
  const end = within.base + 2 ** (32 - within.bits);
  for (let base = within.base; base + step <= end; base += step) {
    const range = {base, bits};
    if (!taken.some((each) => overlap(each, range))) return range;
  }
  return null;
}

const ranges = (texts: readonly string[]) =>
  texts.map(parseCidr).filter((range): range is Range => range !== null);

/** The first /16 of 10.0.0.0/8 that no network uses; "" when there is none. */
export function proposeNetwork(taken: readonly string[]): string {
  const free = firstFree({base: 10 * 2 ** 24, bits: 8}, 16, ranges(taken));
  return free ? formatCidr(free) : "";
}

/** The first free /24 of a network, or the network itself when it is smaller; "" when it is full. */
export function proposeSubnet(network: string, taken: readonly string[]): string {
  const within = parseCidr(network);
  if (!within) return "";
  const free = firstFree(within, Math.max(24, within.bits), ranges(taken));
  return free ? formatCidr(free) : "";
}
