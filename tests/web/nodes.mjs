// Acts on one node, its log and the first user's password, in the midst of a cluster's life.
import assert from "node:assert/strict";
import {ask, until} from "./browser.mjs";

/** `page` and `cluster` are asked for when a step begins: they come into being in earlier ones. */
export function nodeActs(test, page, cluster) {
  const worker = async () => (await cluster()).nodes.find((node) => node.role === "worker");
  const path = async (rest = "") => `/v1/clusters/${(await cluster()).id}${rest}`;
  const row = () => page().getByRole("row", {name: /Worker 1/});
  const menu = async (title, item) => {
    await page()
      .getByRole("button", {name: `Actions of ${title}`})
      .click();
    await page().getByRole("menuitem", {name: item, exact: true}).click();
  };

  test("a worker is drained and takes work again", async () => {
    await page().getByRole("link", {name: "Details"}).click();
    await menu("Worker 1", "Drain");
    await row().locator(".phase", {hasText: "Drained"}).waitFor();
    const drained = await worker();
    assert.equal(drained.state, "drained");
    assert.equal(drained.phase, "ready");
    assert.equal((await cluster()).phase, "running");
    await menu("Worker 1", "Resume");
    await row().locator(".phase", {hasText: "Ready"}).waitFor();
    await until(async () => (await worker()).workloadState === "idle", "it takes work again");
  });

  test("the head cannot be drained, and the API says why", async () => {
    await page().getByRole("button", {name: "Actions of Head"}).click();
    await page().getByRole("menuitem", {name: "Restart", exact: true}).waitFor();
    assert.equal(await page().getByRole("menuitem", {name: "Drain"}).count(), 0);
    await page().keyboard.press("Escape");
    const head = (await cluster()).nodes.find((node) => node.role === "head");
    await assert.rejects(
      ask("POST", await path(`/nodes/${head.id}/drain`)),
      /409.*head_takes_no_jobs/,
    );
  });

  test("one node is restarted by itself, and takes work again", async () => {
    await menu("Worker 1", "Restart");
    await page().getByText("it restarts at once").waitFor();
    await page().getByRole("button", {name: "Restart node"}).click();
    await until(async () => (await worker()).phase !== "ready", "the worker restarts");
    await until(
      async () => (await cluster()).nodes.every((node) => node.state === "ready"),
      "it is ready again",
      60_000,
    );
    await until(async () => (await cluster()).phase === "running", "the cluster runs", 60_000);
  });

  test("the end of a node's log is shown", async () => {
    await menu("Worker 1", "Show the log");
    const dialog = page().getByRole("dialog");
    await dialog.getByLabel("Node program").getByText("orders came").first().waitFor();
    await dialog.getByRole("button", {name: "Refresh"}).click();
    await dialog.getByText("As of").waitFor();
    await dialog.getByRole("button", {name: "Close"}).click();
    await dialog.waitFor({state: "hidden"});
  });

  test("the first user's password is rotated, and the cluster takes it", async () => {
    const before = await ask("GET", await path("/first-administrator"));
    await page().getByRole("link", {name: "General"}).click();
    await page().getByRole("button", {name: "Rotate"}).click();
    await page().getByRole("button", {name: "Rotate password"}).click();
    await page().getByText("Made anew on").waitFor();
    const {password} = await ask("GET", await path("/first-administrator"));
    assert.notEqual(password, before.password);
    await page().getByText(password, {exact: true}).waitFor();
    assert.equal((await cluster()).access.passwordPending, false);
  });
}
