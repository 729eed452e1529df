import {Button, Collapse, Select, TextInput} from "@mantine/core";
import {useState} from "react";
import {CopyLine} from "../../parts/bits";
import {RoleText} from "../../parts/role";
import {faultAt} from "../../pure/draft";
import {shellWord} from "../../pure/render";
import {SizePicker, WholeNumber} from "./fields";
import type {StepProps} from "./wizard";

function MissingGroup({account, location}: {account: string; location: string}) {
  const [open, setOpen] = useState(false);
  const [group, setGroup] = useState("");
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Missing a group?
      </Button>
      <Collapse expanded={open}>
        <div className="stack tight small" style={{paddingTop: 8}}>
          <p>
            Only groups that Hopyard may see are listed. Name the one that is missing, and have
            whoever may grant rights there run the commands.
          </p>
          <TextInput
            label="Name of the missing group"
            value={group}
            onChange={(event) => setGroup(event.currentTarget.value.trim())}
            autoComplete="off"
          />
          {open && group && <RoleText account={account} group={group} />}
          <p>A group with everything that a first cluster needs is made by:</p>
          <CopyLine
            label="Copy the command"
            value={`hopyard cloud prepare --group ${shellWord(group || "NAME")} --location ${shellWord(location || "LOCATION")}`}
          />
        </div>
      </Collapse>
    </div>
  );
}

export function General({draft, set, offers, findings}: StepProps) {
  const fault = (field: string) => faultAt(findings, field);
  const accounts = offers.cloudAccounts ?? [];
  const groups = offers.groups ?? [];
  return (
    <>
      {accounts.length > 1 && (
        <Select
          label="Cloud account"
          data={accounts.map((account) => account.name)}
          value={draft.cloudAccount}
          onChange={(cloudAccount) => cloudAccount && set({cloudAccount})}
          allowDeselect={false}
          error={fault("/cloudAccount")}
        />
      )}
      <div className="stack tight">
        <Select
          label="Resource group"
          data={groups.map((group) => group.name)}
          value={draft.resourceGroup || null}
          onChange={(name) => name && set({resourceGroup: name})}
          allowDeselect={false}
          searchable={groups.length > 6}
          error={fault("/resourceGroup")}
          placeholder="No group can be used"
        />
        <MissingGroup account={draft.cloudAccount} location={draft.location} />
      </div>
      <div className="two">
        <TextInput
          label="Name"
          description="Lower-case letters, digits and hyphens"
          value={draft.name}
          onChange={(event) => set({name: event.currentTarget.value})}
          error={fault("/name")}
          maxLength={60}
          autoComplete="off"
        />
        <TextInput
          label="Location"
          description="The resource group's"
          value={draft.location}
          readOnly
          error={fault("/location")}
        />
      </div>
      <SizePicker
        label="Instance type of the head"
        value={draft.headType}
        sizes={offers.sizes ?? []}
        onChange={(headType) => set({headType})}
        error={fault("/head/instanceType")}
      />
      <div className="two">
        <WholeNumber
          label="Local storage of the head"
          value={draft.headDiskGb}
          min={4}
          suffix=" GB"
          onChange={(headDiskGb) => set({headDiskGb})}
          error={fault("/head/diskGb")}
        />
      </div>
      <div className="two">
        <Select
          label="Azure storage account name"
          description="Where the cluster keeps its data"
          data={(offers.accounts ?? []).map((account) => account.name)}
          value={draft.account || null}
          onChange={(name) => name && set({account: name})}
          allowDeselect={false}
          searchable
          error={fault("/storage/account")}
          placeholder="No account at this location"
        />
        <TextInput
          label="Azure container name"
          description="Made for this cluster; an existing one must be empty"
          value={draft.container}
          onChange={(event) => set({container: event.currentTarget.value})}
          error={fault("/storage/container")}
          autoComplete="off"
        />
      </div>
    </>
  );
}
