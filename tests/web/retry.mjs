// A cluster whose creation fails for want of a right, and goes on once the right is given.
import assert from "node:assert/strict";
import {
  ask,
  judge,
  noFaults,
  open,
  rig,
  shoot,
  signIn,
  story,
  until,
  waitPhase,
} from "./browser.mjs";
import {take} from "./rights.mjs";

export function retry() {
  const test = story();
  let page;
  let id;
  let taken;

  test("a creation that fails for want of a right says so on card and page", async () => {
    // Whoever cannot read their own rights finds out only by trying.
    taken = await take([
      "Microsoft.Authorization/permissions/read",
      "Microsoft.Compute/virtualMachines/write",
    ]);
    page = await open();
    await signIn(page);
    id = (await ask("POST", "/v1/clusters", rig.specification)).id;
    const card = page.getByRole("article", {name: rig.specification.name});
    await card.locator(".phase", {hasText: "Failed"}).waitFor();
    await card.getByText("Microsoft.Compute/virtualMachines/write").waitFor();
    await card.getByRole("button", {name: "Terminate"}).waitFor();
    await judge(page, "failed-card");
    await shoot(page, "failed-card");
    await card.getByRole("link", {name: rig.specification.name}).click();
    await waitPhase(page, "Failed");
    await page.getByText("The cluster has failed").waitFor();
    await page.getByText("Give the control plane's identity a role").first().waitFor();
    await page.getByRole("button", {name: "Terminate"}).waitFor();
    await judge(page, "failed");
    await shoot(page, "failed");
  });

  test("Retry before the cause is mended fails again, for the same cause", async () => {
    const {generation} = await ask("GET", `/v1/clusters/${id}`);
    const failedAgain = async () => {
      const cluster = await ask("GET", `/v1/clusters/${id}`);
      return cluster.generation > generation && cluster.phase === "failed";
    };
    // The answer is overtaken by the news of what came of it, which it must not hide.
    await page.route("**/retry", async (route) => {
      const answer = await route.fetch();
      await until(failedAgain, "the retry fails again");
      await route.fulfill({response: answer});
    });
    const answered = page.waitForResponse("**/retry");
    await page.getByRole("button", {name: "Retry"}).click();
    await answered;
    await page.unroute("**/retry");
    await page.waitForTimeout(200);
    await waitPhase(page, "Failed", 1_500);
    await page.getByText("Microsoft.Compute/virtualMachines/write").first().waitFor();
  });

  test("once it is mended, Retry makes the same cluster run", async () => {
    await taken.giveBack();
    await page.getByRole("button", {name: "Retry"}).click();
    await waitPhase(page, "Running");
    const cluster = await ask("GET", `/v1/clusters/${id}`);
    assert.equal(cluster.problem, null);
    assert.equal(await page.getByRole("button", {name: "Retry"}).count(), 0);
    await ask("DELETE", `/v1/clusters/${id}`);
    await page.getByRole("heading", {name: "This cluster is gone"}).waitFor({timeout: 60_000});
    noFaults(page);
    await page.context().close();
  });
}
