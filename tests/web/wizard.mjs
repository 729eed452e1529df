// The wizard by keyboard alone, over a reload, and with bad input at every step.
import assert from "node:assert/strict";
import {ask, judge, noFaults, open, shoot, signIn, until, waitPhase, story} from "./browser.mjs";

const heading = (page, name) => page.getByRole("heading", {name, level: 2, exact: true});

/** Presses Tab until what has the focus bears that name: as far as the keyboard alone gets. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 80; ++presses) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const element = document.activeElement;
      const label =
        element.labels?.[0]?.textContent ??
        element.getAttribute("aria-label") ??
        element.textContent;
      return label?.trim() ?? "";
    });
    if (typeof name === "string" ? here === name : name.test(here)) return;
  }
  assert.fail(`the keyboard does not reach ${name}`);
}

/** What can be chosen from has arrived: until then Next cannot be pressed. */
const ready = (page) => page.locator("button[type=submit]:enabled").waitFor();

async function next(page, title) {
  await tabTo(page, "Next");
  await page.keyboard.press("Enter");
  await heading(page, title).waitFor();
}

async function retype(page, text) {
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

/** Fills a field of a step, and expects the server's own words against it. */
const badInputs = [
  {step: "general", label: "Name", bad: "Not A Name", says: /lower-case/},
  {step: "general", label: "Azure container name", bad: "x", says: /3 to 63/},
  {step: "general", label: "Local storage of the head", bad: "5", says: /GB/},
  {step: "virtual-network", label: "CIDR block", bad: "10.0.0.0/99", says: /./},
  {step: "subnet", label: "CIDR block of the subnet", bad: "192.168.0.0/24", says: /./},
  {
    step: "security-group",
    label: "From where the head may be reached",
    bad: "everywhere",
    says: /./,
  },
];

export function wizard() {
  const test = story();
  let page;

  test("bad input is answered at its field while it is typed, and Next stays", async () => {
    page = await open();
    await signIn(page);
    for (const {step, label, bad, says} of badInputs) {
      await page.goto(`/clusters/new/${step}`);
      const field = page
        .getByRole("textbox", {name: label, exact: true})
        .or(page.getByRole("combobox", {name: label, exact: true}));
      await ready(page);
      const good = await field.inputValue();
      await field.fill(bad);
      await field.press("Tab");
      const alert = page.locator(".callout.bad").first();
      await alert.waitFor();
      assert.match(await alert.innerText(), says, `${step}: ${label}`);
      const here = page.url();
      await page.getByRole("button", {name: "Next"}).click();
      await page.waitForTimeout(600);
      assert.equal(page.url(), here, `${step}: Next stays`);
      await page.locator(".steps .faulty").first().waitFor({state: "attached"});
      if (step === "security-group") await field.press("Backspace");
      else await field.fill(good);
      await field.press("Tab");
      await alert.waitFor({state: "detached"});
    }
  });

  test("what this version cannot do is said, and is no dead control", async () => {
    for (const [step, words] of [
      ["backup", "Backups are for enterprise organisations"],
      ["users", "not in this version"],
    ]) {
      await page.goto(`/clusters/new/${step}`);
      await page.getByText(words).waitFor();
    }
  });

  test("workers that follow demand are asked for by keyboard, in two parts", async () => {
    await page.goto("/clusters/new/workers");
    await ready(page);
    await tabTo(page, "Autoscaling");
    await page.keyboard.press("ArrowDown");
    await page.getByRole("option", {name: "Enabled"}).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByText("General-purpose workers", {exact: true}).first().waitFor();
    await tabTo(page, "Maximum number of workers");
    await retype(page, "3");
    await tabTo(page, "Standby workers");
    await retype(page, "1");
    await page.getByText(/grows to 3 workers at most/).waitFor();
    await page.getByText(/^Keeps at least .* free while anything runs/).waitFor();
    assert.equal(await page.getByLabel("No GPU autoscale").isChecked(), true);
    await tabTo(page, /^Advanced: General-purpose workers/);
    await page.keyboard.press("Enter");
    await tabTo(page, "Spot machines");
    await page.keyboard.press("Space");
    await tabTo(page, "Maximum price");
    await retype(page, "60");
    await tabTo(page, "Standby shape");
    await page.keyboard.press("Space");
    await tabTo(page, "Cores of such a job");
    await retype(page, "2");
    await tabTo(page, "Add a schedule");
    await page.keyboard.press("Enter");
    await tabTo(page, "From (UTC)");
    await retype(page, "8");
    await page.getByText("Write hours and minutes, for example 08:00.").waitFor();
    await retype(page, "07:30");
    await tabTo(page, "Minimum at these hours");
    await retype(page, "2");
    await page.getByText(/Also: spot machines up to 60 % .* room for 1 job of 2 cores/).waitFor();
    await judge(page, "workers that follow demand, advanced");
    await shoot(page, "workers-advanced");
    await page.reload();
    await page.getByText(/at least 2 workers from 07:30 to 18:00 UTC/).waitFor();
    await page.goto("/clusters/new/review");
    const yaml = await page.getByLabel("Specification as YAML").innerText();
    assert.match(yaml, /autoscale:\n  mode: standard\n  general:/);
    assert.match(yaml, /maxWorkers: 3/);
    assert.doesNotMatch(yaml, /gpu:/);
    assert.match(yaml, /spot:\n +maxPricePercent: 60\n +fallBackOnDemand: true/);
    assert.match(yaml, /standbyShape:\n +cpus: 2\n/);
    assert.match(yaml, /from: "?07:30"?\n +to: "?18:00"?\n +minWorkers: 2/);
    await page.goto("/clusters/new/workers");
    await page.getByRole("combobox", {name: "Autoscaling"}).click();
    await page.getByRole("option", {name: "Disabled"}).click();
    await page.getByLabel("Number of workers").waitFor();
    noFaults(page);
  });

  test("the keyboard alone creates a cluster, back and forth and over a reload", async () => {
    await page.goto("/clusters");
    await tabTo(page, "Create cluster");
    await page.keyboard.press("Enter");
    await heading(page, "General").waitFor();
    await ready(page);
    await tabTo(page, /^Name/);
    await retype(page, "by-keyboard");
    await tabTo(page, /^Azure container name/);
    await retype(page, "by-keyboard-data");
    await next(page, "Workers");
    await tabTo(page, "Number of workers");
    await retype(page, "2");
    await next(page, "SSH key");
    await tabTo(page, "Back");
    await page.keyboard.press("Enter");
    await heading(page, "Workers").waitFor();
    assert.equal(await page.getByLabel("Number of workers").inputValue(), "2");
    await page.reload();
    await heading(page, "Workers").waitFor();
    assert.equal(await page.getByLabel("Number of workers").inputValue(), "2");
    for (const title of [
      "SSH key",
      "Managed identity",
      "Backup retention",
      "Virtual network",
      "Subnet",
      "Network security group",
      "User management",
      "Tags",
    ])
      await next(page, title);
    await tabTo(page, "Add a tag");
    await page.keyboard.press("Enter");
    await tabTo(page, "Name");
    await page.keyboard.type("team");
    await tabTo(page, "Value");
    await page.keyboard.type("data");
    await next(page, "Review and create");
    await tabTo(page, "Create");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/clusters\/c-/);
    await waitPhase(page, "Running");
    noFaults(page);
  });

  test("what was stored is what was typed, and the same request as YAML stores the same", async () => {
    const id = new URL(page.url()).pathname.split("/")[2];
    const {spec} = await ask("GET", `/v1/clusters/${id}`);
    assert.equal(spec.name, "by-keyboard");
    assert.equal(spec.storage.container, "by-keyboard-data");
    assert.equal(spec.workers[0].count, 2);
    assert.deepEqual(spec.tags, {team: "data"});
    await ask("DELETE", `/v1/clusters/${id}`);
    await until(
      async () => (await ask("GET", "/v1/clusters")).items.length === 0,
      "it is gone",
      60_000,
    );
  });

  test("the forms on the review page are one request", async () => {
    await page.goto("/clusters/new/review");
    await page.getByRole("heading", {name: "The same request"}).waitFor();
    const yaml = await page.getByLabel("Specification as YAML").innerText();
    await page.getByRole("tab", {name: "curl"}).click();
    const curl = await page.getByLabel("Command for curl").innerText();
    const json = curl.slice(curl.indexOf("-d '") + 4, curl.lastIndexOf("'"));
    const stored = await page.evaluate(
      async ([first, second]) => {
        const dry = async (type, body) =>
          JSON.stringify(
            (
              await (
                await fetch("/v1/clusters?dryRun=true", {
                  method: "POST",
                  body,
                  headers: {"content-type": type},
                })
              ).json()
            ).spec,
          );
        return [await dry("application/yaml", first), await dry("application/json", second)];
      },
      [yaml, json],
    );
    assert.equal(stored[0], stored[1]);
    assert.match(stored[0], /cluster-1/);
    noFaults(page);
    await page.context().close();
  });
}
