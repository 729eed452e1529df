// Cloud accounts: what Hopyard may do, the role it needs, and accounts that are added and removed.
import assert from "node:assert/strict";
import {noFaults, open, rig, signIn, story} from "./browser.mjs";

export function clouds() {
  const test = story();
  let page;
  const card = (name) => page.getByRole("region", {name: `Cloud account ${name}`});

  test("the rights of an account are weighed, and its role can be copied", async () => {
    page = await open();
    await signIn(page);
    await page.goto("/settings/cloud-accounts");
    const ours = card("default");
    await ours.getByRole("button", {name: "Rights and role"}).click();
    await ours.getByText("All rights are there.").first().waitFor();
    await ours.getByRole("tab", {name: "JSON"}).click();
    const definition = JSON.parse(await ours.getByLabel("The role as JSON").innerText());
    const actions = () => definition[0].Actions;
    assert.ok(actions().includes("Microsoft.Compute/virtualMachines/write"));
    assert.ok(actions().includes("Microsoft.Network/virtualNetworks/write"));
    await ours.getByLabel("Virtual networks are made").uncheck();
    await ours.getByRole("tab", {name: "Commands"}).click();
    const commands = ours.getByLabel("Commands that make and give the role");
    await commands.getByText("az role assignment create").waitFor();
    assert.ok(!(await commands.innerText()).includes("virtualNetworks/write"));
  });

  test("an account that cannot sign in is refused with the cloud's own words", async () => {
    await page.getByRole("button", {name: "Add a cloud account"}).click();
    await page.getByLabel("Name").fill("second");
    await page.getByLabel("Subscription").fill("mine");
    await page.getByLabel("Tenant").fill(rig.cloud.tenantId);
    await page.getByLabel("Client id").fill(rig.cloud.clientId);
    await page.getByLabel("Client secret", {exact: true}).fill("wrong");
    await page.getByRole("button", {name: "Test and add"}).click();
    await page.getByText("Must be the subscription's id").first().waitFor();
    await page.getByLabel("Subscription").fill(rig.cloud.subscriptionId);
    await page.getByRole("button", {name: "Test and add"}).click();
    await page.getByText(/AADSTS7000215/).first().waitFor();
  });

  test("an account that signs in is added, chosen in the wizard, and removed", async () => {
    await page.getByLabel("Client secret", {exact: true}).fill(rig.cloud.clientSecret);
    await page.getByRole("button", {name: "Test and add"}).click();
    await page.getByRole("heading", {name: "second is connected"}).waitFor();
    const added = page.getByRole("region", {name: "The new cloud account"});
    await added.getByRole("button", {name: "Close"}).click();
    await card("second").getByText("Client secret").waitFor();
    await page.goto("/clusters/new/general");
    await page.getByRole("combobox", {name: "Cloud account"}).click();
    await page.getByRole("option", {name: "second"}).click();
    await page.goto("/clusters/new/review");
    await page.getByRole("tab", {name: "Command line"}).click();
    await page.getByText("cloudAccount: second").waitFor();
    await page.goto("/settings/cloud-accounts");
    await card("second").getByRole("button", {name: "Remove"}).click();
    await page.getByRole("dialog").getByRole("button", {name: "Remove"}).click();
    await card("second").waitFor({state: "hidden"});
    noFaults(page);
    await page.context().close();
  });
}
