import {Button, Select, TextInput} from "@mantine/core";
import {useQuery} from "@tanstack/react-query";
import {useState, type FormEvent} from "react";
import {api, done, type ApiKey} from "../../api/client";
import {useSave} from "../../api/queries";
import {asProblem, CopyLine, FaultAlert, Loaded} from "../../parts/bits";
import {Confirm} from "../../parts/confirm";
import {actionsHeading, Table} from "../../parts/table";
import {day} from "../../pure/words";

const listKey = ["api-keys"];
type Scope = ApiKey["scope"];

const scopeWords: Record<Scope, string> = {
  read: "Read: look at everything",
  operate: "Operate: also create and change clusters",
  administer: "Administer: everything",
};

function NewKey() {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("operate");
  const [days, setDays] = useState("90");
  const make = useSave(
    (_: void) =>
      done(
        api.POST("/v1/api-keys", {
          body: {
            name: name.trim(),
            scope,
            ...(days === "" || days === "never"
              ? {}
              : {
                  expiresAt: new Date(Date.now() + Number(days) * 86_400_000)
                    .toISOString()
                    .replace(/\.\d+Z$/, "Z"),
                }),
          },
        }),
      ),
    [listKey],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(undefined, {onSuccess: () => setName("")});
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>New API key</h2>
      <div className="two">
        <TextInput
          label="Name"
          description="What it is for"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
        />
        <Select
          label="Scope"
          description="What it may do"
          data={Object.entries(scopeWords).map(([value, label]) => ({value, label}))}
          value={scope}
          onChange={(value) => value && setScope(value as Scope)}
          allowDeselect={false}
        />
        <Select
          label="Expires"
          data={[
            {value: "30", label: "In 30 days"},
            {value: "90", label: "In 90 days"},
            {value: "365", label: "In a year"},
            {value: "never", label: "Never"},
          ]}
          value={days}
          onChange={(value) => value && setDays(value)}
          allowDeselect={false}
        />
      </div>
      {make.error && <FaultAlert fault={asProblem(make.error)} title="No key was made" />}
      {make.data && (
        <div className="stack tight" role="status">
          <p>
            Copy the key <strong>{make.data.name}</strong> now. It is shown this once.
          </p>
          <CopyLine value={make.data.key} label="Copy the key" />
        </div>
      )}
      <Button
        type="submit"
        style={{justifySelf: "start"}}
        loading={make.isPending}
        disabled={name.trim() === ""}
      >
        Create key
      </Button>
    </form>
  );
}

function KeyList({keys}: {keys: ApiKey[]}) {
  const [asked, setAsked] = useState<ApiKey | null>(null);
  const revoke = useSave(
    (id: string) => done(api.DELETE("/v1/api-keys/{id}", {params: {path: {id}}})),
    [listKey],
  );
  const usable = keys.filter((key) => !key.revoked);
  if (usable.length === 0) return <p className="dim">There are no keys.</p>;
  return (
    <>
      <Table label="API keys" headings={["Name", "Scope", "Created", "Expires", actionsHeading]}>
        {usable.map((key) => (
          <tr key={key.id}>
            <td>
              <strong>{key.name}</strong>
            </td>
            <td>{scopeWords[key.scope].split(":")[0]}</td>
            <td className="dim">{day(key.createdAt)}</td>
            <td className="dim">{key.expiresAt ? day(key.expiresAt) : "Never"}</td>
            <td className="end">
              <Button variant="default" size="compact-sm" onClick={() => setAsked(key)}>
                Revoke<span className="visually-hidden"> {key.name}</span>
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {asked && (
        <Confirm
          title={`Revoke ${asked.name}?`}
          act="Revoke"
          danger
          onDone={() => revoke.mutate(asked.id)}
          onClose={() => setAsked(null)}
        >
          <p>Programs that use this key are refused at once.</p>
        </Confirm>
      )}
    </>
  );
}

export function ApiKeys() {
  const keys = useQuery({
    queryKey: listKey,
    queryFn: async () => (await done(api.GET("/v1/api-keys"))).items,
  });
  return (
    <>
      <NewKey />
      <section className="card">
        <h2>API keys</h2>
        <Loaded of={keys} rows={2}>
          {(all) => <KeyList keys={all} />}
        </Loaded>
      </section>
    </>
  );
}
