import type {ClusterSpec} from "../api/client";

type Value = string | number | boolean | null | undefined | Value[] | {[name: string]: Value};

/** Words that YAML 1.1 or 1.2 reads as something other than text. */
const notText =
  /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?[\d.][\d_.eE+:-]*|[-+]?\.(?:inf|nan)|0[xo].*)$/i;
const plain = /^[A-Za-z0-9_./][A-Za-z0-9_./ @+-]*$/;

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  const safe = plain.test(value) && !notText.test(value) && !value.endsWith(" ");
  return safe ? value : JSON.stringify(value);
}

const isEmpty = (value: object) => (Array.isArray(value) ? value : Object.keys(value)).length === 0;

function lines(value: Value, indent: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((each) => {
      const inner = lines(each, indent + "  ");
      return [`${indent}- ${inner[0]?.trimStart() ?? ""}`, ...inner.slice(1)];
    });
  if (value && typeof value === "object")
    return Object.entries(value).flatMap(([name, member]) => {
      if (member === undefined) return [];
      const key = `${indent}${scalar(name)}:`;
      if (member && typeof member === "object") {
        if (isEmpty(member)) return [`${key} ${Array.isArray(member) ? "[]" : "{}"}`];
        return [key, ...lines(member, indent + "  ")];
      }
      return [`${key} ${scalar(member)}`];
    });
  return [indent + scalar(value ?? null)];
}

/** The specification as the YAML that POST /v1/clusters and `hopyard cluster create -f` read. */
export const toYaml = (spec: ClusterSpec): string => lines(spec as Value, "").join("\n") + "\n";

/** One word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A delimiter that no line of the text is. */
function delimiterFor(text: string): string {
  let word = "END";
  while (text.split("\n").includes(word)) word += "_";
  return word;
}

export function toCommand(spec: ClusterSpec): string {
  const text = toYaml(spec);
  const end = delimiterFor(text);
  return `hopyard cluster create -f - <<'${end}'\n${text}${end}\n`;
}

export function toCurl(spec: ClusterSpec, origin: string): string {
  const body = JSON.stringify(spec, null, 2);
  return [
    `curl -X POST ${shellWord(origin + "/v1/clusters")} \\`,
    `  -H "Authorization: Bearer $HOPYARD_API_KEY" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${shellWord(body)}\n`,
  ].join("\n");
}
