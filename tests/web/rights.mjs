// The local cloud as its administrator sees it: takes rights from the control plane and gives them back.
import assert from "node:assert/strict";
import {randomUUID} from "node:crypto";
import {readFileSync} from "node:fs";
import {request} from "node:https";
import {rig} from "./browser.mjs";

const {cloud} = rig;
const ca = readFileSync(cloud.caFile);
const subscription = `/subscriptions/${cloud.subscriptionId}`;
const authorization = `${subscription}/providers/Microsoft.Authorization`;
const version = "?api-version=2022-04-01";
/** The built-in role "Owner". */
const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

function exchange(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, {method, ca, headers}, (reply) => {
      let text = "";
      reply.on("data", (part) => (text += part));
      reply.on("end", () => {
        if (reply.statusCode < 300) return resolve(text ? JSON.parse(text) : undefined);
        reject(new Error(`${method} ${url}: ${reply.statusCode} ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function token() {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: cloud.clientId,
    client_secret: cloud.clientSecret,
    scope: cloud.scope ?? `${cloud.resourceManagerUrl}/.default`,
  });
  const url = `${cloud.loginUrl}/${cloud.tenantId}/oauth2/v2.0/token`;
  const headers = {"content-type": "application/x-www-form-urlencoded"};
  return (await exchange("POST", url, headers, form.toString())).access_token;
}

async function ask(method, path, body) {
  const headers = {
    authorization: `Bearer ${await token()}`,
    ...(body ? {"content-type": "application/json"} : {}),
  };
  const url = cloud.resourceManagerUrl + path + version;
  return exchange(method, url, headers, body && JSON.stringify(body));
}

const definition = (notActions) => ({
  properties: {
    roleName: "All but some",
    assignableScopes: [subscription],
    permissions: [{actions: ["*"], notActions, dataActions: ["*"], notDataActions: []}],
  },
});

/** Until `giveBack`, everything is allowed but these actions. */
export async function take(actions) {
  const {value} = await ask("GET", `${authorization}/roleAssignments`);
  const isOurs = ({properties}) => properties.roleDefinitionId.endsWith(owner);
  const whole = value.find(isOurs);
  assert.ok(whole, "the control plane owns the subscription");
  const role = `${authorization}/roleDefinitions/${randomUUID()}`;
  const assignment = `${authorization}/roleAssignments/${randomUUID()}`;
  const {principalId} = whole.properties;
  await ask("PUT", role, definition(actions));
  await ask("PUT", assignment, {properties: {principalId, roleDefinitionId: role}});
  await ask("DELETE", whole.id);
  return {
    async giveBack() {
      const {roleDefinitionId} = whole.properties;
      await ask("PUT", whole.id, {properties: {principalId, roleDefinitionId}});
      await ask("DELETE", assignment);
      await ask("DELETE", role);
    },
  };
}
