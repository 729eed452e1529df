import {Button, Checkbox, PasswordInput, Select, TextInput} from "@mantine/core";
import {useState, type FormEvent} from "react";
import {api, done, Problem, type CloudAccount, type CloudAccountCheck} from "../../api/client";
import {
  keys,
  useAccountCheck,
  useCloudAccounts,
  useMe,
  useSave,
  type Features,
} from "../../api/queries";
import {asProblem, Callout, FaultAlert, Loaded} from "../../parts/bits";
import {Confirm} from "../../parts/confirm";
import {RightList, RoleText} from "../../parts/role";
import {sentence} from "../../pure/draft";

type SignIn = "client_secret" | "workload_identity" | "managed_identity";

const signInWords: Record<SignIn, string> = {
  client_secret: "Client secret",
  workload_identity: "Workload identity",
  managed_identity: "Managed identity",
};

const kindWords: Record<CloudAccount["kind"], string> = {
  azure: "Azure",
  local: "The local cloud",
};

interface Fields {
  name: string;
  subscription: string;
  signIn: SignIn;
  tenant: string;
  clientId: string;
  clientSecret: string;
}

const emptyFields: Fields = {
  name: "",
  subscription: "",
  signIn: "client_secret",
  tenant: "",
  clientId: "",
  clientSecret: "",
};

/** What that way to sign in uses; the rest is left out. */
function signInOf({signIn, tenant, clientId, clientSecret}: Fields) {
  return {
    signIn,
    ...(tenant ? {tenant} : {}),
    ...(clientId ? {clientId} : {}),
    ...(signIn === "client_secret" ? {clientSecret} : {}),
  };
}

/** Each resource group, and what is missing there. */
function CheckResult({check}: {check: CloudAccountCheck}) {
  if (check.problem)
    return <FaultAlert fault={check.problem as never} title="The account cannot sign in" />;
  return (
    <div className="stack tight" role="status">
      {check.groups.length === 0 && (
        <Callout tone="warn" title="No resource group is to be seen">
          <p>Grant the role below in the group that is to be used.</p>
        </Callout>
      )}
      {check.groups.map((group) => (
        <Callout key={group.name} tone={group.usable ? "info" : "warn"} title={group.name}>
          {group.usable && <p>All rights are there.</p>}
          {group.missing.length > 0 && <RightList rights={group.missing} />}
          {!group.usable && group.missing.length === 0 && (
            <p>Our permissions there could not be read.</p>
          )}
        </Callout>
      ))}
      {check.groupsUnchecked > 0 && (
        <p className="dim">{check.groupsUnchecked} more groups were not looked at.</p>
      )}
      {check.sizesProblem && <p className="dim">Sizes cannot be read, and stay unchecked.</p>}
      {check.quotasProblem && <p className="dim">Quotas cannot be read, and stay unchecked.</p>}
    </div>
  );
}

function SignInFields({
  fields,
  set,
  fault,
}: {
  fields: Fields;
  set: (patch: Partial<Fields>) => void;
  fault: (field: string) => string | undefined;
}) {
  const text = (name: "tenant" | "clientId", label: string, description: string) => (
    <TextInput
      label={label}
      description={description}
      value={fields[name]}
      onChange={(event) => set({[name]: event.currentTarget.value.trim()})}
      error={fault(`/${name}`)}
      autoComplete="off"
    />
  );
  const managed = fields.signIn === "managed_identity";
  return (
    <>
      <Select
        label="Signs in by"
        data={Object.entries(signInWords).map(([value, label]) => ({value, label}))}
        value={fields.signIn}
        onChange={(value) => value && set({signIn: value as SignIn})}
        allowDeselect={false}
        error={fault("/signIn")}
      />
      {!managed && text("tenant", "Tenant", "Its id: az account show tells it as tenantId")}
      {text(
        "clientId",
        "Client id",
        managed ? "Empty: the machine\u2019s own identity" : "Of the application",
      )}
      {fields.signIn === "client_secret" && (
        <PasswordInput
          label="Client secret"
          description="Kept sealed, and never shown again"
          value={fields.clientSecret}
          onChange={(event) => set({clientSecret: event.currentTarget.value})}
          error={fault("/clientSecret")}
          autoComplete="off"
          visibilityToggleButtonProps={{"aria-label": "Show the client secret"}}
        />
      )}
    </>
  );
}

/** What the cloud said concerns all of it; other faults stand at their field. */
const atField = (error: Error | null): error is Problem =>
  error instanceof Problem && !!error.field && error.code !== "cloud_account_refused";

const faultOf = (error: Error | null) => (field: string) =>
  atField(error) && error.field === field ? sentence(error.message) : undefined;

function NewAccount({onDone}: {onDone: () => void}) {
  const [fields, setFields] = useState(emptyFields);
  const set = (patch: Partial<Fields>) => setFields((before) => ({...before, ...patch}));
  const add = useSave(
    (_: void) =>
      done(
        api.POST("/v1/cloud-accounts", {
          body: {
            name: fields.name,
            subscription: fields.subscription,
            ...signInOf(fields),
          },
        }),
      ),
    [keys.cloudAccounts],
  );
  const fault = faultOf(add.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(undefined, {onSuccess: () => set({clientSecret: ""})});
  };
  if (add.data)
    return (
      <section className="card stack" aria-label="The new cloud account">
        <h2>{add.data.name} is connected</h2>
        <CheckResult check={add.data.check} />
        <Button style={{justifySelf: "start"}} onClick={onDone}>
          Close
        </Button>
      </section>
    );
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>New cloud account</h2>
      {add.error && !atField(add.error) && (
        <FaultAlert fault={asProblem(add.error)} title="It was not added" />
      )}
      <div className="two">
        <TextInput
          label="Name"
          description="Clusters refer to it"
          required
          value={fields.name}
          onChange={(event) => set({name: event.currentTarget.value})}
          error={fault("/name")}
          autoComplete="off"
        />
        <TextInput
          label="Subscription"
          description="Its id: az account show tells it as id"
          required
          value={fields.subscription}
          onChange={(event) => set({subscription: event.currentTarget.value.trim()})}
          error={fault("/subscription")}
          autoComplete="off"
        />
        <SignInFields fields={fields} set={set} fault={fault} />
      </div>
      <div className="row">
        <Button
          type="submit"
          loading={add.isPending}
          disabled={!fields.name || !fields.subscription}
        >
          Test and add
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function SignInAnew({account, onDone}: {account: CloudAccount; onDone: () => void}) {
  const [fields, setFields] = useState<Fields>({
    ...emptyFields,
    signIn: (account.signIn as SignIn) ?? "client_secret",
    tenant: account.tenant ?? "",
    clientId: account.clientId ?? "",
  });
  const set = (patch: Partial<Fields>) => setFields((before) => ({...before, ...patch}));
  const save = useSave(
    (_: void) =>
      done(
        api.PUT("/v1/cloud-accounts/{name}", {
          params: {path: {name: account.name}},
          body: signInOf(fields),
        }),
      ),
    [keys.cloudAccounts],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, {onSuccess: onDone});
  };
  return (
    <form className="stack" onSubmit={submit}>
      {save.error && !atField(save.error) && (
        <FaultAlert fault={asProblem(save.error)} title="Nothing was changed" />
      )}
      <div className="two">
        <SignInFields fields={fields} set={set} fault={faultOf(save.error)} />
      </div>
      <div className="row">
        <Button type="submit" loading={save.isPending}>
          Test and save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

const featureWords: Record<keyof Features, string> = {
  networks: "Virtual networks are made",
  securityGroups: "Security groups are made, and ports opened",
  publicAddresses: "Heads get a public address",
};

/** What Hopyard may do with an account, and the role that is missing. */
function Rights({account}: {account: CloudAccount}) {
  const [features, setFeatures] = useState<Features>({
    networks: true,
    securityGroups: true,
    publicAddresses: true,
  });
  const [chosen, setChosen] = useState("");
  const check = useAccountCheck(account.name, features, true);
  const groups = check.data?.groups ?? [];
  const group = chosen || groups.find(({usable}) => !usable)?.name || groups[0]?.name || "";
  return (
    <div className="stack">
      <fieldset className="stack tight">
        <legend>What is to be done with it</legend>
        {(Object.keys(featureWords) as (keyof Features)[]).map((name) => (
          <Checkbox
            key={name}
            label={featureWords[name]}
            checked={features[name]}
            onChange={(event) => setFeatures({...features, [name]: event.currentTarget.checked})}
          />
        ))}
      </fieldset>
      <Loaded of={check} rows={2}>
        {(result) => <CheckResult check={result} />}
      </Loaded>
      <TextInput
        label="Role for the resource group"
        value={chosen}
        placeholder={group || "Name of the group"}
        onChange={(event) => setChosen(event.currentTarget.value.trim())}
        autoComplete="off"
      />
      {group && <RoleText account={account.name} group={group} features={features} />}
    </div>
  );
}

function AccountCard({account}: {account: CloudAccount}) {
  const {may} = useMe();
  const [open, setOpen] = useState<"rights" | "sign-in" | null>(null);
  const [asked, setAsked] = useState(false);
  const remove = useSave(
    (name: string) => done(api.DELETE("/v1/cloud-accounts/{name}", {params: {path: {name}}})),
    [keys.cloudAccounts],
  );
  const facts: [string, string][] = [
    ["Cloud", kindWords[account.kind]],
    ["Subscription", account.subscription],
    ["Signs in by", account.signIn ? signInWords[account.signIn as SignIn] : "cloud.json"],
    ["Clusters", String(account.clusters)],
  ];
  const toggle = (part: "rights" | "sign-in") => setOpen(open === part ? null : part);
  return (
    <section className="card stack" aria-label={`Cloud account ${account.name}`}>
      <h2>{account.name}</h2>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} style={{display: "contents"}}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {remove.error && <FaultAlert fault={asProblem(remove.error)} title="It was not removed" />}
      <div className="row">
        <Button
          variant="default"
          aria-expanded={open === "rights"}
          onClick={() => toggle("rights")}
        >
          Rights and role
        </Button>
        {may.administer && !account.builtIn && (
          <>
            <Button
              variant="default"
              aria-expanded={open === "sign-in"}
              onClick={() => toggle("sign-in")}
            >
              Sign in anew
            </Button>
            <Button variant="default" onClick={() => setAsked(true)}>
              Remove
            </Button>
          </>
        )}
      </div>
      {open === "rights" && <Rights account={account} />}
      {open === "sign-in" && <SignInAnew account={account} onDone={() => setOpen(null)} />}
      {asked && (
        <Confirm
          title={`Remove ${account.name}?`}
          act="Remove"
          danger
          onDone={() => remove.mutate(account.name)}
          onClose={() => setAsked(false)}
        >
          <p>Hopyard forgets how it signs in. Nothing in the cloud is touched.</p>
        </Confirm>
      )}
    </section>
  );
}

export function CloudAccounts() {
  const {may} = useMe();
  const [adding, setAdding] = useState(false);
  const accounts = useCloudAccounts();
  return (
    <>
      <Loaded of={accounts} rows={2}>
        {(all) => (
          <>
            {all.map((account) => (
              <AccountCard key={account.name} account={account} />
            ))}
          </>
        )}
      </Loaded>
      {adding && <NewAccount onDone={() => setAdding(false)} />}
      {may.administer && !adding && (
        <Button style={{justifySelf: "start"}} onClick={() => setAdding(true)}>
          Add a cloud account
        </Button>
      )}
    </>
  );
}
