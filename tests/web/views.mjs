// Every view, light and dark, on a desk and on a phone: judged by axe, and kept as a picture.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {ask, judge, noFaults, open, rig, shoot, signIn, until} from "./browser.mjs";
import {choose, simulate} from "./simulate.mjs";

const steps = [
  "general",
  "workers",
  "ssh-key",
  "identity",
  "backup",
  "virtual-network",
  "subnet",
  "security-group",
  "users",
  "tags",
  "review",
];

/** Nothing is loading any more, and stays so for a moment: a view's own lists begin after it is there. */
async function settled(page) {
  await page.locator("h1").first().waitFor();
  const busy = page.locator("[aria-busy=true], .mantine-Loader-root, button[data-loading]");
  let quiet = 0;
  await until(async () => {
    quiet = (await busy.count()) === 0 ? quiet + 1 : 0;
    return quiet > 10;
  }, "loaded");
}

async function look(page, path, name, after) {
  await page.goto(path);
  await settled(page);
  if (after) await after(page);
  await judge(page, name);
  await shoot(page, name);
}

/** Does something while the server answers this to every request of that form. */
async function answering(page, form, body, act, status = 200) {
  await page.route(form, (route) =>
    route.fulfill({
      status,
      contentType: status === 200 ? "application/json" : "application/problem+json",
      body: JSON.stringify(body),
    }),
  );
  await act();
  await page.unroute(form);
}

const broken = {
  status: 500,
  code: "broken",
  detail: "the store cannot be read",
  owner: "hopyard",
};

async function create() {
  const {id} = await ask("POST", "/v1/clusters", rig.specification);
  await until(
    async () => (await ask("GET", `/v1/clusters/${id}`)).phase === "running",
    "it runs",
    60_000,
  );
  return id;
}

export function views() {
  let id;

  for (const form of [{}, {dark: true}, {phone: true}, {phone: true, dark: true}]) {
    const suffix = `${form.phone ? "phone" : "desk"}-${form.dark ? "dark" : "light"}`;
    test(`every view is accessible and fits: ${suffix}`, async () => {
      const page = await open(form);
      const at = (path, name, after) => look(page, path, `${name}-${suffix}`, after);
      await at("/sign-in", "sign-in");
      await at("/setup", "setup");
      await at("/setup#token=used", "setup-form");
      await at("/invitation#token=used", "invitation");
      await at("/lost-password", "lost-password");
      await at("/new-password#token=used", "new-password-used");
      await signIn(page);
      await at("/clusters", "clusters-empty");
      await at("/backups", "backups");
      await answering(page, "**/v1/usage?*", {items: [], next: null}, () =>
        at("/usage", "usage-empty"),
      );
      await at("/members", "members");
      await at("/members", "invite", (here) => here.getByRole("button", {name: "Invite"}).click());
      for (const part of ["profile", "security", "sessions", "cloud-accounts", "api-keys"])
        await at(`/settings/${part}`, `settings-${part}`);
      for (const step of steps) await at(`/clusters/new/${step}`, `wizard-${step}`);
      await at("/clusters/new/general", "wizard-sizes", async (here) => {
        await here.getByRole("button", {name: /^Change/}).click();
        await here.getByRole("button", {name: "Missing a group?"}).click();
        await here.getByLabel("Name", {exact: true}).fill("Not A Name");
        await here.locator(".callout.bad").first().waitFor();
      });
      await at("/autoscale/simulate", "simulate");
      await at("/autoscale/simulate", "simulate-outcome", async (here) => {
        await choose(here);
        await simulate(here);
        await here.getByText("As a table").click();
      });
      id = await create();
      await at("/clusters", "clusters");
      for (const tab of ["general", "services", "console", "backups", "details"])
        await at(`/clusters/${id}/${tab}`, `cluster-${tab}`);
      await at(`/clusters/${id}/details`, "add-workers", (here) =>
        here.getByRole("button", {name: "Add workers"}).click(),
      );
      const menu = (here) => here.getByRole("button", {name: "Actions of Worker 1"}).click();
      await at(`/clusters/${id}/details`, "node-menu", menu);
      await at(`/clusters/${id}/details`, "node-log", async (here) => {
        await menu(here);
        await here.getByRole("menuitem", {name: "Show the log"}).click();
        await here.getByLabel("Node program").waitFor();
      });
      await at(`/clusters/${id}/general`, "rotate", (here) =>
        here.getByRole("button", {name: "Rotate"}).click(),
      );
      await at(`/clusters/${id}/general`, "terminate", (here) =>
        here.getByRole("button", {name: "Terminate"}).click(),
      );
      await ask("DELETE", `/v1/clusters/${id}`);
      await at(`/clusters/${id}/general`, "cluster-terminating");
      await until(
        async () => (await ask("GET", "/v1/clusters")).items.length === 0,
        "it is gone",
        60_000,
      );
      await at(`/clusters/${id}/general`, "cluster-gone");
      await at("/usage", "usage", (here) => here.getByText("As a table").click());
      await at("/nowhere", "not-found");
      noFaults(page);
      await page.context().close();
    });
  }

  test("a view whose data cannot be had says so, and offers to try again", async () => {
    const page = await open();
    await signIn(page);
    const shown = (here) => here.getByText("The store cannot be read.").waitFor();
    for (const [path, form, heading] of [
      ["/clusters", "**/v1/clusters?*", "No clusters yet"],
      ["/usage", "**/v1/usage?*", "By cluster and size"],
    ]) {
      const name = `${path.slice(1)}-error`;
      await answering(page, form, broken, () => look(page, path, name, shown), 500);
      await page.getByRole("button", {name: "Try again"}).click();
      await page.getByRole("heading", {name: heading}).waitFor();
    }
    await page.context().close();
  });

  test("usage is downloaded as CSV, and a cluster says what it cost so far", async () => {
    const page = await open();
    await signIn(page);
    const at = await create();
    await page
      .getByRole("article")
      .getByText(/ so far/)
      .waitFor();
    await page.goto(`/clusters/${at}/general`);
    await page.getByText(/ so far/).waitFor();
    await page.goto("/usage");
    await page.getByRole("row", {name: /seen/}).first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", {name: "Download CSV"}).click(),
    ]);
    assert.match(download.suggestedFilename(), /^usage-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
    const rows = readFileSync(await download.path(), "utf8").split("\r\n");
    assert.match(rows[0], /^day,cluster,cluster_name,/);
    assert.ok(
      rows.some((row) => row.includes(`,${at},seen,`)),
      rows.join("\n"),
    );
    await ask("DELETE", `/v1/clusters/${at}`);
    await until(
      async () => (await ask("GET", "/v1/clusters")).items.length === 0,
      "it is gone",
      60_000,
    );
    const {items} = await ask("GET", `/v1/usage?cluster=${at}`);
    assert.ok(items.length > 0 && items[0].nodeHours > 0, "what it used outlives it");
    await page.context().close();
  });

  test("the review says how long it will take, from earlier starts", async () => {
    const page = await open();
    await signIn(page);
    await page.goto("/clusters/new/review");
    await page.getByText(/Estimated time from earlier starts: .* s/).waitFor();
    await page.context().close();
  });
}
