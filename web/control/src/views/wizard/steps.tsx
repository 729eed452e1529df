import {
  ActionIcon,
  Autocomplete,
  Button,
  Checkbox,
  Radio,
  Select,
  TagsInput,
  TextInput,
} from "@mantine/core";
import {IconPlus, IconTrash} from "@tabler/icons-react";
import {Link} from "react-router";
import {useSecurityGroups} from "../../api/queries";
import {Locked} from "../../parts/bits";
import {Table} from "../../parts/table";
import {faultAt} from "../../pure/draft";
import {plural} from "../../pure/words";
import type {Start} from "../simulate/simulate";
import {AutoscaleForm} from "./autoscale";
import {SizePicker, WholeNumber} from "./fields";
import type {StepProps} from "./wizard";

function StaticWorkers({draft, set, offers, findings}: StepProps) {
  const change = (index: number, patch: Partial<(typeof draft.workers)[number]>) =>
    set({workers: draft.workers.map((group, at) => (at === index ? {...group, ...patch} : group))});
  const disk = draft.workers.at(-1)?.diskGb ?? draft.headDiskGb;
  return (
    <>
      {draft.workers.map((group, index) => (
        <fieldset className="group" key={index}>
          <div className="row apart">
            <legend>
              <strong>
                {draft.workers.length > 1 ? `Workers, group ${index + 1}` : "Workers"}
              </strong>
            </legend>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove group ${index + 1}`}
              onClick={() => set({workers: draft.workers.filter((_, at) => at !== index)})}
            >
              <IconTrash size={18} />
            </ActionIcon>
          </div>
          <div className="two">
            <WholeNumber
              label="Number of workers"
              value={group.count}
              min={0}
              max={1000}
              onChange={(count) => change(index, {count})}
              error={faultAt(findings, `/workers/${index}/count`)}
            />
            <WholeNumber
              label="Local storage of each"
              value={group.diskGb}
              min={4}
              suffix=" GB"
              onChange={(diskGb) => change(index, {diskGb})}
              error={faultAt(findings, `/workers/${index}/diskGb`)}
            />
          </div>
          <SizePicker
            label="Instance type of the workers"
            value={group.instanceType}
            sizes={offers.sizes ?? []}
            onChange={(instanceType) => change(index, {instanceType})}
            error={faultAt(findings, `/workers/${index}/instanceType`)}
          />
        </fieldset>
      ))}
      {draft.workers.length === 0 && (
        <p className="dim">Without workers the cluster keeps data and runs no jobs.</p>
      )}
      <Button
        variant="default"
        leftSection={<IconPlus size={16} />}
        style={{justifySelf: "start"}}
        onClick={() =>
          set({workers: [...draft.workers, {instanceType: draft.headType, diskGb: disk, count: 1}]})
        }
      >
        {draft.workers.length === 0 ? "Add workers" : "Add another group"}
      </Button>
    </>
  );
}

/** The draft is kept meanwhile, so that the way back finds it as it was. */
const simulationOf = (draft: StepProps["draft"]): Start => ({
  policy: draft.autoscale,
  location: draft.location,
  cloudAccount: draft.cloudAccount,
  from: {path: "/clusters/new/workers", words: "Back to the new cluster"},
});

export function Workers(props: StepProps) {
  const {draft, set, offers, findings, features} = props;
  return (
    <>
      <Select
        label="Autoscaling"
        data={[
          {value: "disabled", label: "Disabled"},
          {value: "enabled", label: "Enabled", disabled: features.autoscaling !== true},
        ]}
        value={draft.autoscaling ? "enabled" : "disabled"}
        onChange={(value) => set({autoscaling: value === "enabled"})}
        allowDeselect={false}
        description={
          draft.autoscaling
            ? "Enabled: workers come and go with the work, within the bounds that you choose"
            : "Disabled: the cluster has the number of workers that you choose, and you add and remove them by hand"
        }
      />
      {features.autoscaling !== true && (
        <Locked title="Autoscaling is not in this version">
          This server cannot add and remove workers by itself yet. You can do so at any time in the
          cluster&rsquo;s Details tab.
        </Locked>
      )}
      {draft.autoscaling ? (
        <>
          <AutoscaleForm
            policy={draft.autoscale}
            sizes={offers.sizes ?? []}
            findings={findings}
            set={(autoscale) => set({autoscale})}
          />
          <Link className="small" to="/autoscale/simulate" state={simulationOf(draft)}>
            Try this policy on a recorded workload
          </Link>
        </>
      ) : (
        <StaticWorkers {...props} />
      )}
    </>
  );
}

export function SshKeyStep({draft, set, offers, findings}: StepProps) {
  const key = offers.sshKeys?.find((each) => each.name === draft.sshKey);
  return (
    <>
      <Select
        label="SSH key"
        data={(offers.sshKeys ?? []).map((each) => each.name)}
        value={draft.sshKey || null}
        onChange={(name) => name && set({sshKey: name})}
        allowDeselect={false}
        placeholder={`No SSH key in ${draft.resourceGroup}`}
        error={faultAt(findings, "/sshKey")}
      />
      {key && (
        <p className="mono small dim" style={{overflowWrap: "anywhere"}}>
          {key.publicKey}
        </p>
      )}
    </>
  );
}

export function IdentityStep({draft, set, offers, findings}: StepProps) {
  const identity = offers.identities?.find((each) => each.name === draft.identity);
  return (
    <>
      <Select
        label="User assigned managed identity"
        data={(offers.identities ?? []).map((each) => each.name)}
        value={draft.identity || null}
        onChange={(name) => name && set({identity: name})}
        allowDeselect={false}
        placeholder={`No identity in ${draft.resourceGroup}`}
        error={faultAt(findings, "/identity")}
      />
      {identity && (
        <p className="small dim">
          Principal <span className="mono">{identity.principalId}</span>. Its rights on{" "}
          <strong>{draft.account}</strong> are checked before anything is made.
        </p>
      )}
    </>
  );
}

export function BackupStep({features, enterprise}: StepProps) {
  return (
    <Locked
      title={
        enterprise ? "Backups are not in this version" : "Backups are for enterprise organisations"
      }
    >
      {features.backups === true
        ? "Your organisation has the community plan, so the retention is 0 days: no backup of this cluster can be taken."
        : "This server cannot take backups yet, so the retention is 0 days. The data stays in the container, also after Terminate."}
    </Locked>
  );
}

export function NetworkStep({draft, set, offers, findings}: StepProps) {
  const here = (offers.networks ?? []).filter((each) => each.location === draft.location);
  const names = here.map((each) => ({
    value: `${each.resourceGroup}/${each.name}`,
    label: `${each.name} (${each.cidrs.join(", ")})`,
  }));
  return (
    <>
      <Radio.Group
        label="Virtual network"
        value={draft.network}
        onChange={(value) => set({network: value as typeof draft.network})}
      >
        <div className="choice" style={{paddingTop: 8}}>
          <Radio value="new" label="Create a new virtual network" />
          <Radio
            value="existing"
            label="Use an existing virtual network"
            disabled={names.length === 0}
            description={names.length === 0 ? `There is none at ${draft.location}` : undefined}
          />
        </div>
      </Radio.Group>
      {draft.network === "new" ? (
        <TextInput
          label="CIDR block"
          description="The first free /16 is proposed"
          value={draft.networkCidr}
          onChange={(event) => set({networkCidr: event.currentTarget.value})}
          error={faultAt(findings, "/network/virtualNetworkCidr")}
          autoComplete="off"
        />
      ) : (
        <Select
          label="Existing virtual network"
          data={names}
          value={`${draft.networkGroup}/${draft.networkName}`}
          onChange={(value) => {
            const [networkGroup, networkName] = (value ?? "").split("/");
            if (networkGroup && networkName) set({networkGroup, networkName});
          }}
          allowDeselect={false}
          searchable
          error={faultAt(findings, "/network/virtualNetwork")}
        />
      )}
    </>
  );
}

export function SubnetStep({draft, set, offers, findings}: StepProps) {
  const network = offers.networks?.find(
    (each) => each.name === draft.networkName && each.resourceGroup === draft.networkGroup,
  );
  const existing = draft.network === "existing";
  return (
    <>
      {existing && (
        <Radio.Group
          label="Subnet"
          value={draft.subnet}
          onChange={(value) => set({subnet: value as typeof draft.subnet})}
        >
          <div className="choice" style={{paddingTop: 8}}>
            <Radio value="new" label="Create a new subnet" />
            <Radio
              value="existing"
              label="Use an existing subnet"
              disabled={!network?.subnets.length}
            />
          </div>
        </Radio.Group>
      )}
      {existing && draft.subnet === "existing" ? (
        <Select
          label="Existing subnet"
          data={(network?.subnets ?? []).map((each) => ({
            value: each.name,
            label: `${each.name} (${each.cidr})`,
          }))}
          value={draft.subnetName || null}
          onChange={(name) => name && set({subnetName: name})}
          allowDeselect={false}
          error={faultAt(findings, "/network/subnet")}
        />
      ) : (
        <TextInput
          label="CIDR block of the subnet"
          description={
            existing
              ? `A free part of ${network?.cidrs.join(", ") ?? draft.networkName}`
              : `A part of ${draft.networkCidr}`
          }
          value={draft.subnetCidr}
          onChange={(event) => set({subnetCidr: event.currentTarget.value})}
          error={faultAt(findings, "/network/subnetCidr")}
          autoComplete="off"
        />
      )}
    </>
  );
}

/** One of those that lie beside the network, with its rules; a list that cannot be had asks for the name. */
function ExistingSecurityGroup({
  draft,
  set,
  findings,
}: Pick<StepProps, "draft" | "set" | "findings">) {
  const beside = draft.network === "existing" ? draft.networkGroup : draft.resourceGroup;
  const groups = useSecurityGroups(beside, draft.cloudAccount).data ?? [];
  const chosen = groups.find((each) => each.name === draft.securityGroupName);
  return (
    <>
      <Autocomplete
        label="Name of the security group"
        description={`In the resource group ${beside}`}
        data={groups.map((each) => each.name)}
        value={draft.securityGroupName}
        onChange={(securityGroupName) => set({securityGroupName})}
        error={faultAt(findings, "/network/securityGroup")}
        autoComplete="off"
      />
      {chosen && (
        <Table
          label={`Rules of ${chosen.name}`}
          headings={[
            {name: "Priority", as: "number"},
            "Direction",
            "Access",
            "From",
            "Protocol",
            "Ports",
          ]}
        >
          {chosen.rules.map((rule) => (
            <tr key={rule.direction + rule.priority}>
              <td className="number">{rule.priority}</td>
              <td>{rule.direction}</td>
              <td>{rule.access}</td>
              <td>{rule.sources.join(", ")}</td>
              <td>{rule.protocol}</td>
              <td>{rule.ports.join(", ")}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

export function SecurityGroupStep({draft, set, findings}: StepProps) {
  return (
    <>
      <Radio.Group
        label="Network security group"
        value={draft.securityGroup}
        onChange={(value) => set({securityGroup: value as typeof draft.securityGroup})}
      >
        <div className="choice" style={{paddingTop: 8}}>
          <Radio
            value="new"
            label="Create a new security group"
            description="Opens 443 and 80 to the head and everything inside the subnet; all else that comes in is refused"
          />
          <Radio
            value="existing"
            label="Use an existing security group"
            description="Its rules are checked before anything is made"
          />
        </div>
      </Radio.Group>
      {draft.securityGroup === "existing" && (
        <ExistingSecurityGroup draft={draft} set={set} findings={findings} />
      )}
      <TagsInput
        label="From where the head may be reached"
        description="Networks in CIDR form, for example 203.0.113.0/24. Press Enter after each."
        placeholder={draft.portSources.length === 0 ? "Everybody" : undefined}
        value={draft.portSources}
        onChange={(portSources) => set({portSources})}
        acceptValueOnBlur
        error={faultAt(findings, "/portSources")}
      />
      <Checkbox
        label="Attach a public IP address to the head"
        description="Without it the head can be reached from its network only"
        checked={draft.publicIp}
        onChange={(event) => set({publicIp: event.currentTarget.checked})}
      />
    </>
  );
}

export function UsersStep({draft, set, features, findings}: StepProps) {
  const locked = [features.managed !== true && "Managed", features.ldap !== true && "LDAP"].filter(
    Boolean,
  );
  return (
    <>
      <Radio.Group
        label="User management"
        value={draft.users}
        onChange={(value) => set({users: value as typeof draft.users})}
        error={faultAt(findings, "/userManagement")}
      >
        <div className="choice" style={{paddingTop: 8}}>
          <Radio
            value="managed"
            label="Managed"
            disabled={features.managed !== true}
            description="Members of your organisation are users of the cluster, and are removed with it"
          />
          <Radio
            value="ldap"
            label="LDAP"
            disabled={features.ldap !== true}
            description="Users come from your LDAP or Active Directory server"
          />
          <Radio
            value="disabled"
            label="Disabled"
            description="You manage users by hand, inside the cluster"
          />
        </div>
      </Radio.Group>
      {locked.length > 0 && (
        <Locked
          title={`${locked.join(" and ")} ${locked.length > 1 ? "are" : "is"} not in this version`}
        >
          This server can make the first user of a cluster; further ones are made inside the
          cluster.
        </Locked>
      )}
    </>
  );
}

export function TagsStep({draft, set, findings}: StepProps) {
  const change = (index: number, patch: Partial<(typeof draft.tags)[number]>) =>
    set({tags: draft.tags.map((tag, at) => (at === index ? {...tag, ...patch} : tag))});
  return (
    <>
      {draft.tags.map((tag, index) => (
        <fieldset className="row" key={index} style={{alignItems: "flex-end", flexWrap: "nowrap"}}>
          <legend className="visually-hidden">Tag {index + 1}</legend>
          <TextInput
            label="Name"
            style={{flex: 1}}
            value={tag.name}
            onChange={(event) => change(index, {name: event.currentTarget.value})}
            error={faultAt(findings, `/tags/${tag.name}`)}
            autoComplete="off"
          />
          <TextInput
            label="Value"
            style={{flex: 1}}
            value={tag.value}
            onChange={(event) => change(index, {value: event.currentTarget.value})}
            autoComplete="off"
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Remove tag ${index + 1}`}
            onClick={() => set({tags: draft.tags.filter((_, at) => at !== index)})}
          >
            <IconTrash size={18} />
          </ActionIcon>
        </fieldset>
      ))}
      <Button
        variant="default"
        leftSection={<IconPlus size={16} />}
        style={{justifySelf: "start"}}
        onClick={() => set({tags: [...draft.tags, {name: "", value: ""}]})}
      >
        {draft.tags.length === 0 ? "Add a tag" : "Add another tag"}
      </Button>
      <p className="small dim">
        {draft.tags.length === 0
          ? "No tags yet. They can be left out."
          : `${plural(draft.tags.length, "tag")} on every machine and resource of the cluster.`}
      </p>
    </>
  );
}
