// The figures of docs/guide: each step of its pages, as it is.
import {mkdirSync} from "node:fs";
import {ask, noFaults, open, signIn, story, until, waitPhase} from "./browser.mjs";

const folder = process.env.HOPYARD_FIGURES;

/** Nothing moves or loads any more. */
async function figure(page, name) {
  const busy = page.locator("[aria-busy=true], .mantine-Loader-root, button[data-loading]");
  await until(async () => (await busy.count()) === 0, `${name} is loaded`);
  if (!folder) return;
  mkdirSync(folder, {recursive: true});
  await page.screenshot({path: `${folder}/${name}.png`, animations: "disabled"});
}

export function guide() {
  const test = story();
  let page;
  const heading = (name) => page.getByRole("heading", {level: 1, name}).waitFor();
  const next = async (title) => {
    await page.getByRole("button", {name: "Next"}).click();
    await page.getByRole("heading", {name: title}).first().waitFor();
  };

  test("the twelve steps can be seen one after the other, from the list to a running cluster", async () => {
    page = await open();
    await page.setViewportSize({width: 1180, height: 860});
    await signIn(page);
    await page.goto("/clusters");
    await heading("Clusters");
    await figure(page, "create-cluster");
    await page.getByRole("link", {name: "Create cluster"}).first().click();
    await page.getByLabel("Name", {exact: true}).fill("guide");
    await figure(page, "general");
    await next("Workers");
    await figure(page, "workers-static");
    await page.getByRole("combobox", {name: "Autoscaling"}).click();
    await figure(page, "workers-autoscale");
    await page.keyboard.press("Escape");
    for (const [title, name] of [
      ["SSH key", "ssh-key"],
      ["Managed identity", "identity"],
      ["Backup retention", "backup"],
      ["Virtual network", "virtual-network"],
      ["Subnet", "subnet"],
      ["Network security group", "security-group"],
      ["User management", "users"],
      ["Tags", "tags"],
      ["Review and create", "review"],
    ]) {
      await next(title);
      await figure(page, name);
    }
    await page.getByRole("button", {name: "Create", exact: true}).click();
    await heading("guide");
    await figure(page, "starting");
    await waitPhase(page, "Running");
    await figure(page, "running");
  });

  test("workers are added on two pages, and the role is shown with what is missing", async () => {
    await page.getByRole("link", {name: "Details"}).click();
    await page.getByRole("button", {name: "Add workers"}).click();
    await figure(page, "workers-add");
    await page.goto("/settings/cloud-accounts");
    await page.getByRole("button", {name: "Rights and role"}).first().click();
    await page.getByText("az role assignment create").first().waitFor();
    await figure(page, "role");
    const {items} = await ask("GET", "/v1/clusters");
    const made = items.find((cluster) => cluster.name === "guide");
    await ask("DELETE", `/v1/clusters/${made.id}`);
    noFaults(page);
    await page.context().close();
  });
}
