import {Button, Modal} from "@mantine/core";
import {IconMinus, IconPlus} from "@tabler/icons-react";
import {useState, type ReactNode} from "react";
import {api, done, type Cluster} from "../../api/client";
import {useChange, useMe, useSizes} from "../../api/queries";
import {CopyLine} from "../../parts/bits";
import {SizePicker} from "../wizard/fields";
import {Autoscaling} from "./autoscale";
import {Nodes} from "./nodes";
import {AddWorkers, RemoveWorkers} from "./workers";

function HeadType({cluster, onClose}: {cluster: Cluster; onClose: () => void}) {
  const sizes = useSizes(cluster.spec.location ?? "", cluster.spec.cloudAccount);
  const [type, setType] = useState(cluster.spec.head.instanceType);
  const change = useChange((_: void) =>
    done(
      api.PUT("/v1/clusters/{id}/head", {
        params: {path: {id: cluster.id}},
        body: {instanceType: type},
      }),
    ),
  );
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      centered
      title={<strong>Change the head&rsquo;s instance type</strong>}
      closeButtonProps={{"aria-label": "Close"}}
    >
      <div className="stack">
        <SizePicker
          label="Instance type of the head"
          value={type}
          sizes={sizes.data ?? []}
          onChange={setType}
          startOpen
        />
        <div className="row" style={{justifyContent: "flex-end"}}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            disabled={type === cluster.spec.head.instanceType}
            loading={change.isPending}
            onClick={() => change.mutate(undefined, {onSuccess: onClose})}
          >
            Change
          </Button>
        </div>
      </div>
    </Modal>
  );
}

function Fact({name, children}: {name: string; children: ReactNode}) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children || "–"}</dd>
    </>
  );
}

export function Details({cluster}: {cluster: Cluster}) {
  const {may} = useMe();
  const [form, setForm] = useState<"add" | "remove" | "head" | null>(null);
  const {spec, network} = cluster;
  const groups = spec.workers ?? [];
  const count = groups.reduce((sum, group) => sum + (group.count ?? 0), 0);
  const steady = may.manageClusters && cluster.wanted !== "terminated";
  const close = () => setForm(null);
  return (
    <>
      <section className="card stack">
        <div className="row apart">
          <h2>Nodes</h2>
          {steady && (
            <div className="row tight">
              <Button
                variant="default"
                size="xs"
                leftSection={<IconPlus size={16} />}
                onClick={() => setForm("add")}
              >
                Add workers
              </Button>
              {count > 0 && (
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<IconMinus size={16} />}
                  onClick={() => setForm("remove")}
                >
                  Remove workers
                </Button>
              )}
            </div>
          )}
        </div>
        <Nodes cluster={cluster} />
      </section>
      <Autoscaling cluster={cluster} />
      <div className="two cards-two">
        <section className="card">
          <h2>Machines</h2>
          <dl className="facts">
            <Fact name="Head">
              {spec.head.instanceType}, {spec.head.diskGb} GB{" "}
              {steady && cluster.phase === "stopped" && (
                <Button variant="default" size="compact-xs" onClick={() => setForm("head")}>
                  Change
                </Button>
              )}
            </Fact>
            {groups.map((group, index) => (
              <Fact
                key={index}
                name={groups.length > 1 ? `Workers, group ${index + 1}` : "Workers"}
              >
                {group.count ?? 0} × {group.instanceType}, {group.diskGb} GB
              </Fact>
            ))}
            {groups.length === 0 && <Fact name="Workers">None</Fact>}
            <Fact name="SSH key">{spec.sshKey}</Fact>
            <Fact name="Managed identity">{spec.identity}</Fact>
          </dl>
          {cluster.phase !== "stopped" && (
            <p className="small dim" style={{marginTop: 12}}>
              The head&rsquo;s type can be changed while the cluster is stopped.
            </p>
          )}
        </section>
        <section className="card">
          <h2>Network</h2>
          <dl className="facts">
            <Fact name="Virtual network">
              {network.virtualNetwork || `New, ${network.virtualNetworkCidr}`}
            </Fact>
            <Fact name="Subnet">{network.subnet || `New, ${network.subnetCidr}`}</Fact>
            <Fact name="Security group">{network.securityGroup || "New"}</Fact>
            <Fact name="Public address">
              {cluster.access.publicIp || (network.publicIp ? "Not yet" : "None")}
            </Fact>
            <Fact name="Private address">{cluster.access.privateIp}</Fact>
          </dl>
        </section>
        <section className="card">
          <h2>Cluster</h2>
          <dl className="facts">
            <Fact name="Id">
              <CopyLine value={cluster.id} label="Copy the id" />
            </Fact>
            <Fact name="Resource group">{spec.resourceGroup}</Fact>
            <Fact name="Location">{spec.location}</Fact>
            <Fact name="Storage account">{spec.storage.account}</Fact>
            <Fact name="Container">{cluster.container}</Fact>
            <Fact name="User management">
              {spec.userManagement === "managed" ? "Managed" : "Disabled"}
            </Fact>
            {Object.entries(spec.tags ?? {}).map(([name, value]) => (
              <Fact key={name} name={`Tag ${name}`}>
                {value}
              </Fact>
            ))}
          </dl>
        </section>
      </div>
      {form === "add" && <AddWorkers cluster={cluster} onClose={close} />}
      {form === "remove" && <RemoveWorkers cluster={cluster} onClose={close} />}
      {form === "head" && <HeadType cluster={cluster} onClose={close} />}
    </>
  );
}
