// Members, invitations, permissions, two factors, sessions and keys.
import assert from "node:assert/strict";
import {noFaults, open, owner, signIn, totp, until, story} from "./browser.mjs";

const grace = {
  name: "Grace Hopper",
  email: "grace@example.org",
  password: "nanoseconds are a length of wire",
};

/** A switch shows what the server has stored, so it moves a moment after it was pressed. */
async function flip(page, label, on) {
  const toggle = page.getByLabel(label);
  await toggle.click();
  await until(
    async () => (await toggle.isChecked()) === on && (await toggle.isEnabled()),
    `${label} is stored`,
  );
}

export function organisation() {
  const test = story();
  let page;
  let other;

  test("an administrator invites, and the link makes a member", async () => {
    page = await open();
    await signIn(page);
    await page.getByRole("link", {name: "Members"}).click();
    await page.getByRole("button", {name: "Invite"}).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("E-mail").fill(grace.email);
    await dialog.getByRole("button", {name: "Make a link"}).click();
    const link = await dialog.locator(".copy span").first().innerText();
    await dialog.getByRole("button", {name: "Done"}).click();
    await page.getByRole("cell", {name: grace.email}).first().waitFor();
    other = await open();
    await other.goto(link);
    await other.getByText("You become a member.").waitFor();
    assert.equal(await other.getByLabel("E-mail").inputValue(), grace.email);
    await other.getByLabel("Your name").fill(grace.name);
    await other.getByLabel("Password", {exact: true}).fill(grace.password);
    await other.getByRole("button", {name: "Join"}).click();
    await other.getByRole("heading", {name: "No clusters yet"}).waitFor();
    await other.goto(link);
    await other.getByText("This invitation was used already").waitFor();
  });

  test("a member sees no more than the switches allow", async () => {
    await other.goto("/members");
    await other.getByText(owner.email).waitFor();
    assert.equal(await other.getByRole("button", {name: "Invite"}).count(), 0);
    assert.ok(await other.getByLabel("Create, change and terminate clusters").isDisabled());
    await other.goto("/settings/api-keys");
    await other.waitForURL("**/settings/profile");
    await page.reload();
    await flip(page, "Create, change and terminate clusters", false);
    await other.goto("/clusters");
    await other.getByText("Ask an administrator").waitFor();
    assert.equal(await other.getByRole("link", {name: "Create cluster"}).count(), 0);
    await flip(page, "Create, change and terminate clusters", true);
  });

  test("a member who is removed is out at once", async () => {
    await page.getByRole("button", {name: `Remove ${grace.name}`}).click();
    await page.getByRole("button", {name: "Remove", exact: true}).click();
    await page.getByText(grace.email).first().waitFor({state: "hidden"});
    await other.reload();
    await other.getByRole("heading", {name: "Sign in"}).waitFor();
    noFaults(other);
    await other.context().close();
  });

  test("a key is shown once, works, and is refused once it is revoked", async () => {
    await page.goto("/settings/api-keys");
    await page.getByLabel("Name").fill("nightly");
    await page.getByRole("button", {name: "Create key"}).click();
    const key = await page.locator(".copy span").first().innerText();
    const status = async () =>
      (await fetch(new URL("/v1/clusters", page.url()), {headers: {"x-api-key": key}})).status;
    assert.equal(await status(), 200);
    await page.getByRole("button", {name: "Revoke nightly"}).click();
    await page.getByRole("button", {name: "Revoke", exact: true}).click();
    await until(async () => (await status()) === 401, "the key is refused");
  });

  test("two factors: set up with a drawn code, asked for at sign-in, turned off with the password", async () => {
    await page.goto("/settings/security");
    await page.getByRole("button", {name: "Set up two factors"}).click();
    await page.getByRole("img", {name: "QR code for an authenticator app"}).waitFor();
    const secret = await page.locator(".copy span").first().innerText();
    await page.getByLabel("Code", {exact: true}).fill(totp(secret));
    await page.getByRole("button", {name: "Turn on"}).click();
    const codes = (await page.getByLabel("Recovery codes").innerText()).split("\n");
    assert.equal(codes.length, 10);
    await page.getByRole("button", {name: "I have kept them"}).click();
    await page.getByRole("button", {name: `Account of ${owner.name}`}).click();
    await page.getByRole("menuitem", {name: "Sign out"}).click();
    await page.getByRole("heading", {name: "Sign in"}).waitFor();
    await signIn(page, {...owner, code: () => codes[0]});
    await page.goto("/settings/security");
    await page.getByLabel("Password", {exact: true}).fill(owner.password);
    await page.getByRole("button", {name: "Turn off"}).click();
    await page.getByRole("button", {name: "Set up two factors"}).waitFor();
  });

  test("a wrong password is refused in words, and other sessions can be ended", async () => {
    other = await open();
    await other.goto("/sign-in");
    await other.getByLabel("E-mail").fill(owner.email);
    await other.getByLabel("Password", {exact: true}).fill("not the password");
    await other.getByRole("button", {name: "Sign in"}).click();
    await other.getByText("The e-mail address or the password is wrong.").waitFor();
    await signIn(other);
    await page.goto("/settings/sessions");
    const end = page.getByRole("button", {name: "End", exact: true});
    await end.first().waitFor();
    for (let left = await end.count(); left > 0; --left) {
      await end.first().click();
      await until(async () => (await end.count()) < left, "the session is gone from the list");
    }
    await other.reload();
    await other.getByRole("heading", {name: "Sign in"}).waitFor();
    await other.context().close();
    noFaults(page);
    await page.context().close();
  });
}
