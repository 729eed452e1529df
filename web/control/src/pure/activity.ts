import type {Activity} from "../api/client";

export interface Wanted {
  /** "warning" means warnings and errors. */
  severity: "all" | "warning" | "error";
  /** "": every node. */
  node: string;
  text: string;
}

const weight = {info: 0, warning: 1, error: 2};

export function matching(entries: readonly Activity[], wanted: Wanted): Activity[] {
  const least = wanted.severity === "all" ? 0 : weight[wanted.severity];
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    if (weight[entry.severity] < least) return false;
    if (wanted.node && entry.node !== wanted.node) return false;
    const text =
      `${entry.message} ${entry.reason} ${entry.code} ${entry.actor} ${entry.node}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** One entry a line, oldest first, for a file. */
export function toLines(entries: readonly Activity[]): string {
  const flat = (text: string) => text.replace(/\s+/g, " ").trim();
  return entries
    .toReversed()
    .map((entry) =>
      [
        entry.at,
        entry.severity,
        entry.node || "-",
        entry.actor || "-",
        flat(entry.message),
        flat(entry.reason),
      ]
        .filter(Boolean)
        .join("  "),
    )
    .map((line) => line + "\n")
    .join("");
}
