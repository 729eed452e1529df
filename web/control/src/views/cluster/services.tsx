import {Button, Checkbox, TagsInput} from "@mantine/core";
import {useState} from "react";
import {api, done, type Cluster, type Ports} from "../../api/client";
import {useChange, useMe} from "../../api/queries";
import {asProblem, FaultAlert} from "../../parts/bits";

const services: {name: keyof Ports; label: string; ports: string}[] = [
  {name: "featureStore", label: "Feature store", ports: "8020, 30010, 9083, 9085"},
  {name: "onlineFeatureStore", label: "Online feature store", ports: "3306"},
  {name: "kafka", label: "Kafka", ports: "9092"},
  {name: "ssh", label: "SSH", ports: "22"},
];

export function Services({cluster}: {cluster: Cluster}) {
  const {may} = useMe();
  const stored = cluster.spec.ports ?? {};
  const storedSources = cluster.spec.portSources ?? [];
  const [ports, setPorts] = useState<Ports>({});
  const [sources, setSources] = useState<string[] | null>(null);
  const open = {...stored, ...ports};
  const from = sources ?? storedSources;
  const save = useChange((_: void) =>
    done(
      api.PUT("/v1/clusters/{id}/ports", {
        params: {path: {id: cluster.id}},
        body: {
          ports: {
            featureStore: open.featureStore ?? false,
            onlineFeatureStore: open.onlineFeatureStore ?? false,
            kafka: open.kafka ?? false,
            ssh: open.ssh ?? false,
          },
          sources: from,
        },
      }),
    ),
  );
  const changed =
    services.some(({name}) => (open[name] ?? false) !== (stored[name] ?? false)) ||
    from.join() !== storedSources.join();
  const anyOpen = services.some(({name}) => open[name]);
  const may_ = may.managePorts && cluster.wanted !== "terminated";
  const submit = () =>
    save.mutate(undefined, {
      onSuccess: () => {
        setPorts({});
        setSources(null);
      },
    });
  return (
    <section className="card stack" style={{maxWidth: 720}}>
      <h2>Open ports</h2>
      <p className="dim">
        The cluster&rsquo;s page, port 443, is always open. Tick what else may be reached from
        outside its network.
      </p>
      <div className="choice">
        {services.map(({name, label, ports: numbers}) => (
          <Checkbox
            key={name}
            label={label}
            description={`TCP ${numbers}`}
            disabled={!may_}
            checked={open[name] ?? false}
            onChange={(event) => setPorts({...ports, [name]: event.currentTarget.checked})}
          />
        ))}
      </div>
      <TagsInput
        label="From where"
        description="Networks in CIDR form, for example 203.0.113.0/24. Press Enter after each."
        placeholder={from.length === 0 ? "Anywhere" : ""}
        disabled={!may_}
        value={from}
        onChange={setSources}
        acceptValueOnBlur
        error={
          anyOpen && from.length === 0
            ? "Without a network, these ports are open to the whole internet."
            : undefined
        }
      />
      {save.error && (
        <FaultAlert fault={asProblem(save.error)} title="The ports were not changed" />
      )}
      {may.managePorts ? (
        <Button
          style={{justifySelf: "start"}}
          disabled={!changed || !may_}
          loading={save.isPending}
          onClick={submit}
        >
          Update
        </Button>
      ) : (
        <p className="dim small">Your organisation lets administrators open and close ports.</p>
      )}
    </section>
  );
}
