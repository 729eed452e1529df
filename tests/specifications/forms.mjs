// Random drafts of the wizard, and every form of the request that the page's own code makes of them:
// one JSON object a line. Equal seeds, equal drafts.
//
//   node forms.mjs FIRST COUNT
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const page = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../web/control");
const vite = path.join(page, "node_modules/vite/dist/node/index.js");
const {runnerImport} = await import(pathToFileURL(vite));
const load = async (name) =>
  (await runnerImport(path.join(page, "src/pure", name), {root: page, configFile: false})).module;
const {choose, emptyDraft, restoreDraft, specOf} = await load("draft.ts");
const {days, emptyScale} = await load("autoscale.ts");
const {toCommand, toCurl, toYaml} = await load("render.ts");

/** mulberry32: small, and the same everywhere. */
function chanceOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end) => Math.floor(next() * end);
  const one = (list) => list[below(list.length)];
  const often = (share) => next() < share;
  const letters = (alphabet, length) => Array.from({length}, () => one([...alphabet])).join("");
  return {below, one, often, letters};
}

/** Texts that a form could take for something else. */
const awkward = [
  "yes",
  "No",
  "on",
  "null",
  "~",
  "true",
  "12",
  "-7",
  "1e3",
  "0x1f",
  "0o7",
  "1_000",
  "1:20",
  ".5",
  ".inf",
  ".nan",
  "2026-01-01",
  "-",
  "- a",
  "?",
  "? a",
  "a: b",
  "a:",
  ":a",
  "a #b",
  "#",
  "'",
  '"',
  "''",
  '""',
  "a'b",
  "\\",
  "\\n",
  "a\nb",
  "a\r\nb",
  "\t",
  "\ta",
  " a",
  "a ",
  "  ",
  "ü",
  "日本",
  "🐝",
  "{}",
  "[x]",
  "[a,b]",
  "{a: b}",
  "*a",
  "&a",
  "!t",
  "!!str x",
  "|",
  ">",
  "@",
  "`id`",
  "$HOME",
  "$(id)",
  "a=b",
  "=",
  "END",
  "EOF",
  "--",
  "-f",
  "--tag",
  "!",
  "a,b",
  "`",
  "\u0085",
  "\u2028",
  "\u00a0",
  "\ufeff",
  "\u007f",
  "\u0001",
  "\u001b[0m",
  "---",
  "...",
  "a\\",
  "10.0.0.0/16",
  "",
];
const notInTagNames = /[<>%&\\?/]/g;

function textOf(chance) {
  if (chance.often(0.7)) return chance.one(awkward);
  const alphabet = "abcXYZ019 _-.:;,#'\"{}[]()*&!|>@`$=~^+\n\té漢🐝";
  return chance.letters(alphabet, chance.below(24));
}

function tagsOf(chance) {
  const taken = new Set();
  const tags = [];
  for (let i = chance.below(7); i > 0; --i) {
    const name = (textOf(chance) + (chance.often(0.3) ? chance.letters("abc", 2) : "")).replace(
      notInTagNames,
      "",
    );
    const folded = name.trim().toLowerCase();
    if (!folded || taken.has(folded)) continue;
    taken.add(folded);
    tags.push({name, value: textOf(chance)});
  }
  return tags;
}

function workersOf(chance) {
  const groups = [];
  for (const instanceType of ["Small", "Big"])
    for (const diskGb of [30, 64])
      if (chance.often(0.35)) groups.push({instanceType, diskGb, count: chance.below(2)});
  return groups;
}

const clock = (minute) =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");

function hoursOf(chance, maxWorkers) {
  const from = chance.below(24 * 60);
  const to = chance.one([24 * 60, (from + 1 + chance.below(24 * 60 - 1)) % (24 * 60)]);
  return {
    days: days.filter(() => chance.often(0.3)),
    from: clock(from),
    to: clock(to),
    minWorkers: chance.below(maxWorkers + 1),
  };
}

function scaleOf(chance, instanceType, fallbackTypes, gpus = 0) {
  const maxWorkers = 1 + chance.below(5);
  return {
    ...emptyScale,
    instanceType,
    fallbackTypes,
    diskGb: chance.one([30, 64]),
    minWorkers: chance.below(maxWorkers + 1),
    maxWorkers,
    standbyWorkers: chance.one([0, 0.25, 0.5, 1, 0.1, 1e-7]),
    downscaleWaitSeconds: chance.one([0, 60, 300]),
    withSpot: chance.often(0.3),
    spot: {maxPricePercent: 1 + chance.below(200), fallBackOnDemand: chance.often(0.5)},
    withShape: chance.often(0.3),
    standbyShape: {
      cpus: chance.below(4),
      memoryMb: chance.one([0, 512, 4096]),
      gpus: chance.below(gpus + 1),
      count: 1 + chance.below(9),
    },
    schedule: Array.from({length: chance.one([0, 0, 1, 3])}, () => hoursOf(chance, maxWorkers)),
  };
}

/** Both parts always have values; whether they count is another choice. */
function autoscaleOf(chance) {
  const [first, second] = chance.one([
    ["Small", "Big"],
    ["Big", "Small"],
  ]);
  return {
    autoscaling: chance.often(0.5),
    autoscale: {
      mode: "standard",
      general: scaleOf(chance, first, chance.often(0.4) ? [second] : []),
      withGpu: chance.often(0.5),
      gpu: scaleOf(chance, "Gpu", [], 1),
    },
  };
}

function networkOf(chance) {
  const second = 1 + chance.below(200);
  const named = chance.often(0.5);
  return {
    network: chance.one(["new", "existing"]),
    networkCidr: named ? `10.${second}.0.0/16` : "",
    networkName: "office",
    networkGroup: chance.one(["", "lab"]),
    subnet: chance.one(["new", "existing"]),
    subnetCidr: "",
    subnetName: "desks",
    securityGroup: chance.one(["new", "new", "existing"]),
    securityGroupName: "open",
    publicIp: chance.often(0.7),
  };
}

/** Requests that must be refused, in every form. */
const spoilt = [
  {name: ""},
  {name: "Yes"},
  {name: "1e3"},
  {resourceGroup: "attic"},
  {headType: "no"},
  {headDiskGb: 1},
  {account: "~"},
  {container: "A"},
  {sshKey: "null"},
  {identity: "12"},
  {portSources: ["0x1f"]},
  {workers: [{instanceType: "Small", diskGb: 30, count: -1}]},
  ...[
    {instanceType: "no"},
    {instanceType: "Small", fallbackTypes: ["small"]},
    {instanceType: "Small", minWorkers: 11},
    {instanceType: "Small", standbyWorkers: 10.5},
    {instanceType: "Small", withSpot: true, spot: {maxPricePercent: 201, fallBackOnDemand: true}},
    {
      instanceType: "Small",
      withShape: true,
      standbyShape: {cpus: 0, memoryMb: 0, gpus: 0, count: 1},
    },
    {instanceType: "Small", schedule: [{days: [], from: "8:00", to: "on", minWorkers: 1}]},
    {instanceType: "Small", schedule: [{days: ["no"], from: "08:00", to: "18:00", minWorkers: 1}]},
  ].map((fault) => ({
    autoscaling: true,
    autoscale: {
      mode: "standard",
      general: {...emptyScale, ...fault},
      withGpu: false,
      gpu: emptyScale,
    },
  })),
  {
    autoscaling: true,
    autoscale: {
      mode: "standard",
      general: {...emptyScale, instanceType: "Small"},
      withGpu: true,
      gpu: {...emptyScale, instanceType: "Big"},
    },
  },
];

function draftOf(seed) {
  const chance = chanceOf(seed);
  const draft = {
    ...emptyDraft,
    name: chance.letters("abcdefghij", 1) + chance.letters("abc019-", chance.below(12)) + "z",
    resourceGroup: "lab",
    location: chance.one(["", "north"]),
    headType: chance.one(["Small", "Big"]),
    headDiskGb: 30 + chance.below(400),
    account: "store",
    container: chance.one(["", "c" + chance.letters("0123456789abcdef", 3 + chance.below(20))]),
    workers: workersOf(chance),
    ...autoscaleOf(chance),
    sshKey: "ops",
    identity: "nodes",
    ...networkOf(chance),
    portSources: chance.one([[], ["203.0.113.0/24"], ["198.51.100.7/32", "10.0.0.0/8"]]),
    users: chance.one(["disabled", "managed"]),
    tags: tagsOf(chance),
    chance: chance.letters("abcdef", 4),
  };
  if (draft.network === "new" && draft.networkCidr && chance.often(0.5))
    draft.subnetCidr = draft.networkCidr.replace("0.0/16", `${chance.below(250)}.0/24`);
  const changed = choose(draft, chance.often(0.1) ? chance.one(spoilt) : {});
  // As the wizard keeps it between two visits.
  return restoreDraft(JSON.stringify(changed));
}

const [first, count] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count; ++seed) {
  const spec = specOf(draftOf(seed));
  const forms = {
    seed,
    body: JSON.stringify(spec),
    yaml: toYaml(spec),
    command: toCommand(spec),
    curl: toCurl(spec, "https://hopyard.example"),
  };
  process.stdout.write(JSON.stringify(forms) + "\n");
}
