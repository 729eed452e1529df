import {Tabs} from "@mantine/core";
import {useRole, type Features} from "../api/queries";
import {Loaded, Source} from "./bits";

/** Actions in the cloud's own words, each with what it is for. */
export function RightList({rights}: {rights: {action: string; purpose: string}[]}) {
  return (
    <ul className="plain small">
      {rights.map(({action, purpose}) => (
        <li key={action}>
          <code>{action}</code> <span className="dim">to {purpose}</span>
        </li>
      ))}
    </ul>
  );
}

/** The role that Hopyard needs in a resource group, for whoever may grant it. */
export function RoleText({
  account,
  group,
  features,
}: {
  account: string;
  group: string;
  features?: Features;
}) {
  const role = useRole(account, group, features);
  return (
    <Loaded of={role} rows={2}>
      {({actions, subscriptionActions, definition, commands}) => (
        <Tabs defaultValue="commands" keepMounted={false}>
          <Tabs.List aria-label="Form of the role">
            <Tabs.Tab value="commands">Commands</Tabs.Tab>
            <Tabs.Tab value="json">JSON</Tabs.Tab>
            <Tabs.Tab value="actions">Actions</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="commands" pt="md">
            <Source text={commands.join("\n")} label="Commands that make and give the role" />
          </Tabs.Panel>
          <Tabs.Panel value="json" pt="md">
            <Source text={definition} label="The role as JSON" />
          </Tabs.Panel>
          <Tabs.Panel value="actions" pt="md">
            <RightList rights={[...actions, ...subscriptionActions]} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Loaded>
  );
}
