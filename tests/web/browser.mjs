// What the tests of the page share: the installation that `run` started, browsers, and what every view
// must fulfil.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {createHmac} from "node:crypto";
import {mkdirSync, readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {test} from "node:test";
import {join} from "node:path";

const packages = createRequire(join(process.env.HOPYARD_PAGE, "package.json"));
const {chromium} = packages("playwright-core");
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");

/** {url, setupUrl, key, endpoint, up}: see `run`. */
export const rig = JSON.parse(process.env.HOPYARD_RIG);
const screens = process.env.HOPYARD_SCREENS;
if (screens) mkdirSync(screens, {recursive: true});

export const patience = Number(process.env.HOPYARD_PATIENCE ?? 30_000);
export const owner = {
  name: "Ada Lovelace",
  email: "ada@example.org",
  password: "a walk along the hop yard",
};

/** Leaves pictures of every open page where a test fails. */
export async function seen(name, tell) {
  try {
    await tell();
  } catch (error) {
    const pages = browser?.contexts().flatMap((context) => context.pages()) ?? [];
    for (const [index, page] of pages.entries())
      await shoot(page, `failed-${name.replace(/\W+/g, "-").slice(0, 40)}-${index}`).catch(
        () => {},
      );
    throw error;
  }
}

/** Tests that go on where the one before ended: after a failure the rest fail at once. */
export function story() {
  let broken = false;
  return (name, tell) =>
    test(name, async () => {
      assert.ok(!broken, "an earlier step has failed");
      broken = true;
      await seen(name, tell);
      broken = false;
    });
}

let browser;
export async function open({dark = false, phone = false} = {}) {
  browser ??= await chromium.launch({
    executablePath: process.env.HOPYARD_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const context = await browser.newContext({
    baseURL: rig.url,
    colorScheme: dark ? "dark" : "light",
    viewport: phone ? {width: 390, height: 844} : {width: 1360, height: 850},
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // The server's refusals are shown by the page; the browser names each as well.
    const refusal = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !refusal) page.faults.push(message.text());
  });
  return page;
}

export async function close() {
  await browser?.close();
}

/** Scripts that fail and policies that are broken are faults, whatever is seen. */
export function noFaults(page) {
  assert.deepEqual(page.faults, []);
}

export async function signIn(page, {email, password, code} = owner) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", {exact: true}).fill(password);
  await page.getByRole("button", {name: "Sign in"}).click();
  if (code) {
    await page.getByLabel("Code").fill(code());
    await page.getByRole("button", {name: "Sign in"}).click();
  }
  await page.getByRole("heading", {name: "Clusters", level: 1}).waitFor();
}

/** Of an API client, with the installation's key. */
export async function ask(method, path, body) {
  const reply = await fetch(rig.url + path, {
    method,
    headers: {"x-api-key": rig.key, ...(body ? {"content-type": "application/json"} : {})},
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await reply.text();
  assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export async function until(look, what, time = patience) {
  const end = Date.now() + time;
  for (;;) {
    const value = await look();
    if (value) return value;
    assert.ok(Date.now() < end, `${what}: not within ${time} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const phase = (page) => page.locator(".page-head .phase");

export async function waitPhase(page, word, time = 60_000) {
  await phase(page).filter({hasText: word}).waitFor({timeout: time});
}

/** Ends the server at once, as a crash would; `start` brings it back on the same address. */
export const server = {
  async kill() {
    const {pid} = JSON.parse(readFileSync(rig.endpoint, "utf8"));
    process.kill(pid, "SIGKILL");
    await until(
      async () => !(await fetch(`${rig.url}/v1/version`).catch(() => null)),
      "the server has ended",
    );
  },
  start() {
    const done = spawnSync(rig.up[0], rig.up.slice(1), {
      encoding: "utf8",
      env: {...process.env, ...rig.environment},
    });
    assert.equal(done.status, 0, done.stderr);
  },
};

/** WCAG 2.2, levels A and AA, by axe-core; and nothing wider than the screen. */
export async function judge(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const outcome = await window.axe.run(document, {runOnly: {type: "tag", values: rules}});
    return outcome.violations.map(({id, help, nodes}) => ({
      id,
      help,
      where: nodes.map(({html, any}) => `${html} ${any[0]?.message ?? ""}`),
    }));
  });
  assert.deepEqual(found, [], `axe on ${name}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
}

export async function shoot(page, name) {
  if (screens) await page.screenshot({path: join(screens, `${name}.png`), fullPage: true});
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of RFC 6238 for a base32 secret: SHA-1, six digits, 30 seconds. */
export function totp(secret, now = Date.now()) {
  const bits = [...secret.replace(/[= ]/g, "")]
    .map((sign) => base32.indexOf(sign).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const offset = digest.at(-1) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
