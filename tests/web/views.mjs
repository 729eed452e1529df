// Every view, light and dark, on a desk and on a phone: judged by axe, and kept as a picture.
import {test} from "node:test";
import {ask, judge, noFaults, open, rig, shoot, signIn, until} from "./browser.mjs";

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
      await signIn(page);
      await at("/clusters", "clusters-empty");
      await at("/backups", "backups");
      await at("/usage", "usage");
      await at("/members", "members");
      await at("/members", "invite", (here) => here.getByRole("button", {name: "Invite"}).click());
      for (const part of ["profile", "security", "sessions", "api-keys"])
        await at(`/settings/${part}`, `settings-${part}`);
      for (const step of steps) await at(`/clusters/new/${step}`, `wizard-${step}`);
      await at("/clusters/new/general", "wizard-sizes", async (here) => {
        await here.getByRole("button", {name: /^Change/}).click();
        await here.getByRole("button", {name: "Missing a group?"}).click();
        await here.getByLabel("Name", {exact: true}).fill("Not A Name");
        await here.locator(".callout.bad").first().waitFor();
      });
      id = await create();
      await at("/clusters", "clusters");
      for (const tab of ["general", "services", "console", "backups", "details"])
        await at(`/clusters/${id}/${tab}`, `cluster-${tab}`);
      await at(`/clusters/${id}/details`, "add-workers", (here) =>
        here.getByRole("button", {name: "Add workers"}).click(),
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
      await at("/nowhere", "not-found");
      noFaults(page);
      await page.context().close();
    });
  }

  test("a view whose data cannot be had says so, and offers to try again", async () => {
    const page = await open();
    await signIn(page);
    await page.route("**/v1/clusters?*", (route) =>
      route.fulfill({
        status: 500,
        contentType: "application/problem+json",
        body: JSON.stringify({
          status: 500,
          code: "broken",
          detail: "the store cannot be read",
          owner: "hopyard",
        }),
      }),
    );
    await look(page, "/clusters", "clusters-error", (here) =>
      here.getByText("The store cannot be read.").waitFor(),
    );
    await page.unroute("**/v1/clusters?*");
    await page.getByRole("button", {name: "Try again"}).click();
    await page.getByRole("heading", {name: "No clusters yet"}).waitFor();
    await page.context().close();
  });
}
