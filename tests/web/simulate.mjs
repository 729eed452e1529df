// A recorded workload tried on a policy: from the wizard by keyboard, and from a cluster.
import assert from "node:assert/strict";
import {gzipSync} from "node:zlib";
import {ask, judge, noFaults, open, rig, shoot, signIn, story, until} from "./browser.mjs";

const path = "/autoscale/simulate";
const outcome = (page) => page.getByRole("group", {name: "Outcome"});
const button = (page) => page.getByRole("button", {name: "Simulate"});

/** Number, time of submission, seconds that it ran: one processor each. */
const line = (number, at, ran) => `${number} ${at} -1 ${ran} 1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1 1\n`;
export const workload = line(1, 0, 50) + line(2, 160, 50);
const file = (name, text) => ({name, mimeType: "text/plain", buffer: Buffer.from(text)});

/** Chooses a workload, whatever the view shows of it. */
export async function choose(page, text = workload, name = "two.swf") {
  await page.locator("input[type=file]").setInputFiles(file(name, text));
  await page.getByLabel("Format").first().waitFor();
}

/** Simulates what is chosen, to its end. */
export async function simulate(page) {
  await button(page).click();
  await outcome(page).waitFor();
}

/** The value beside that word. */
const fact = (page, word) =>
  outcome(page).locator("dt", {hasText: word}).locator("+ dd").innerText();

/** With the keyboard, as the wizard's story does it. */
async function focusAndType(field, text) {
  await field.focus();
  await field.press("Control+A");
  await field.page().keyboard.type(text);
  await field.press("Tab");
}

async function enable(page) {
  await page.goto("/clusters/new/workers");
  await page.getByRole("combobox", {name: "Autoscaling"}).click();
  await page.getByRole("option", {name: "Enabled"}).click();
}

export function simulation() {
  const test = story();
  let page;

  test("the wizard's policy is tried on a workload by keyboard, with exact numbers", async () => {
    page = await open();
    await signIn(page);
    await enable(page);
    await focusAndType(page.getByLabel("Maximum number of workers"), "4");
    await focusAndType(page.getByLabel("Standby workers"), "0");
    await page.getByRole("link", {name: "Try this policy on a recorded workload"}).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`**${path}`);
    assert.equal(await page.getByLabel("Maximum number of workers").inputValue(), "4");
    assert.ok(await button(page).isDisabled(), "there is no workload yet");
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page
        .getByRole("button", {name: "Recorded workload"})
        .focus()
        .then(() => page.keyboard.press("Enter")),
    ]);
    await chooser.setFiles(file("two.swf", workload));
    await page.getByText("two.swf").first().waitFor();
    await focusAndType(page.getByLabel("Time until a new worker takes work"), "100");
    await button(page).focus();
    await page.keyboard.press("Enter");
    await outcome(page).waitFor();
    // 100 s until the worker is there, 50 s of work, 10 s idle, 50 s of work: 210 s.
    await outcome(page)
      .getByText(/ for 0\.058 worker hours, 48 % of them with a job/)
      .waitFor();
    assert.equal(await fact(page, "Mean"), "50 s");
    assert.equal(await fact(page, "Longest"), "1 min 40 s");
    assert.equal(await fact(page, "Jobs that began"), "2 of 2 jobs");
    await judge(page, "an outcome");
    noFaults(page);
  });

  test("the way back finds the new cluster as it was", async () => {
    await page.getByRole("link", {name: "Back to the new cluster"}).click();
    await page.waitForURL("**/clusters/new/workers");
    assert.equal(await page.getByLabel("Maximum number of workers").inputValue(), "4");
    await page.getByRole("combobox", {name: "Autoscaling"}).click();
    await page.getByRole("option", {name: "Disabled"}).click();
    await page.getByLabel("Number of workers").waitFor();
  });

  test("bad lines are named, and skipped by choice; a packed file is read as well", async () => {
    await page.goto(path);
    await choose(page, gzipSync(workload + "rubbish\n"), "two.swf.gz");
    await button(page).click();
    await page
      .getByRole("alert")
      .getByText(/Line 3: 1 field,/i)
      .waitFor();
    await judge(page, "a refused workload");
    await shoot(page, "simulate-refused");
    await page.getByLabel("Skip bad lines").check();
    await simulate(page);
    await outcome(page).getByText("1 bad line skipped").waitFor();
    await outcome(page).getByText("Line 3: 1 field,").waitFor();
  });

  test("what cannot be read is said at its field, and a refused policy at its own", async () => {
    const input = page.locator("input[type=file]");
    await input.setInputFiles(file("two.swf.gz", "not packed"));
    await page.getByText(/must be packed with gzip/).waitFor();
    assert.ok(await button(page).isDisabled());
    await input.setInputFiles(file("large.swf", line(1, 0, 50).repeat(100_000)));
    await page.getByText(/larger than 4 MB/).waitFor();
    await choose(page);
    await page.getByLabel("Local storage of each").fill("5000000");
    await page.getByLabel("Local storage of each").press("Tab");
    await button(page).click();
    await page.getByText("It was not simulated").waitFor();
    const field = page.getByLabel("Local storage of each");
    await until(async () => (await field.getAttribute("aria-invalid")) === "true", "it is marked");
    noFaults(page);
  });

  test("a simulation that takes long can be stopped", async () => {
    await page.goto(path);
    await choose(page);
    let answer;
    const held = new Promise((resolve) => (answer = resolve));
    await page.route("**/v1/autoscale/simulate*", async (route) => {
      await held;
      await route.abort().catch(() => {});
    });
    await button(page).click();
    await page.getByText(/is simulated, in at most a minute/).waitFor();
    await shoot(page, "simulate-busy");
    await page.getByRole("button", {name: "Stop"}).click();
    await until(() => button(page).isEnabled(), "another can be begun");
    assert.equal(await page.getByText("It was not simulated").count(), 0);
    answer();
    await page.unroute("**/v1/autoscale/simulate*");
    await simulate(page);
    noFaults(page);
  });

  test("one simulation runs at a time, and the other is told so", async () => {
    const many = Array.from({length: 5_000}, (_, at) => line(at + 1, at * 97, 400)).join("");
    const {instanceType} = rig.specification.head;
    const {location} = (await ask("GET", "/v1/cloud/groups")).items[0];
    const policy = {mode: "adaptive", general: {instanceType}};
    const send = () =>
      fetch(`${rig.url}/v1/autoscale/simulate`, {
        method: "POST",
        headers: {"x-api-key": rig.key, "content-type": "application/json"},
        body: JSON.stringify({trace: many, location, policy}),
      });
    const replies = await Promise.all([send(), send()]);
    const refused = replies.find(({status}) => status === 429);
    assert.deepEqual(replies.map(({status}) => status).sort(), [200, 429]);
    assert.equal((await refused.json()).code, "simulation_runs");
  });

  test("a cluster's policy is tried from its Details tab", async () => {
    const instanceType = rig.specification.head.instanceType;
    const autoscale = {general: {instanceType, maxWorkers: 7}};
    const {workers: _, ...bare} = rig.specification;
    const {id} = await ask("POST", "/v1/clusters", {...bare, autoscale});
    await page.goto(`/clusters/${id}/details`);
    await page.getByRole("link", {name: "Try this policy on a recorded workload"}).click();
    await page.getByRole("link", {name: rig.specification.name}).waitFor();
    assert.equal(await page.getByLabel("Maximum number of workers").inputValue(), "7");
    await choose(page);
    await simulate(page);
    noFaults(page);
    await ask("DELETE", `/v1/clusters/${id}`);
    const none = async () => (await ask("GET", "/v1/clusters")).items.length === 0;
    await until(none, "it is gone", 60_000);
    await page.context().close();
  });
}
