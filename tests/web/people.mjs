// Members, invitations, permissions, two factors, sessions and keys.
import assert from "node:assert/strict";
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {
  judge,
  noFaults,
  open,
  owner,
  rig,
  shoot,
  signIn,
  totp,
  until,
  story,
} from "./browser.mjs";

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

/** The link in the newest mail to that address. */
async function linkFor(address, subject) {
  const mails = () =>
    readdirSync(rig.mail)
      .filter((name) => name.endsWith(".json"))
      .sort((a, b) => parseInt(b, 10) - parseInt(a, 10))
      .map((name) => JSON.parse(readFileSync(join(rig.mail, name), "utf8")));
  const mail = await until(
    () => mails().find((each) => each.to.includes(address) && each.subject === subject),
    `mail to ${address}`,
  );
  assert.ok(mail.tls && mail.login, "over TLS, signed in");
  return mail.text.match(/https?:\S+#token=\S+/)[0];
}

async function setPassword(page, link, person) {
  person.password += " again";
  await page.goto(link);
  await page.getByLabel("New password").fill(person.password);
  await judge(page, "new-password");
  await shoot(page, "new-password");
  await page.getByRole("button", {name: "Set the password"}).click();
  await page.getByText("Your password is set").waitFor();
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
    assert.ok(await dialog.getByLabel("Send the link by mail").isChecked());
    await dialog.getByRole("button", {name: "Make a link"}).click();
    const link = await dialog.locator(".copy span").first().innerText();
    assert.equal(await linkFor(grace.email, "Join My organisation on Hopyard"), link);
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
    // The page of whoever invited has heard of it.
    await page.locator("strong", {hasText: grace.name}).waitFor({timeout: 1_500});
  });

  test("a member sees no more than the switches allow", async () => {
    await other.goto("/members");
    await other.getByText(owner.email).waitFor();
    await page.getByRole("combobox", {name: `Role of ${grace.name}`}).click();
    await page.getByRole("option", {name: "Administrator"}).click();
    const role = other.getByRole("row", {name: new RegExp(grace.name)});
    await role.getByText("Administrator").or(role.getByRole("combobox")).waitFor({timeout: 1_500});
    await page.getByRole("combobox", {name: `Role of ${grace.name}`}).click();
    await page.getByRole("option", {name: "Member", exact: true}).click();
    await role.getByText("Member", {exact: true}).waitFor({timeout: 1_500});
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

  test("an administrator hands over a link that sets a new password, once", async () => {
    await page.getByRole("button", {name: `Reset password of ${grace.name}`}).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", {name: "Make a link"}).click();
    const link = await dialog.locator(".copy span").first().innerText();
    await dialog.getByRole("button", {name: "Done"}).click();
    const third = await open();
    await setPassword(third, link, grace);
    await other.reload();
    await other.getByRole("heading", {name: "Sign in"}).waitFor();
    await signIn(other, grace);
    await third.reload();
    await third.getByText("This link was used already").waitFor();
    noFaults(third);
    await third.context().close();
  });

  test("a lost password is asked for at the sign-in, and the link comes by mail", async () => {
    const third = await open();
    await third.goto("/sign-in");
    await third.getByRole("link", {name: "Lost your password?"}).click();
    await third.getByLabel("E-mail").fill(grace.email);
    await third.getByRole("button", {name: "Send the link"}).click();
    await third.getByRole("heading", {name: "Look into your mail"}).waitFor();
    const link = await linkFor(grace.email, "A new password for Hopyard");
    await setPassword(third, link, grace);
    await signIn(other, grace);
    noFaults(third);
    await third.context().close();
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
