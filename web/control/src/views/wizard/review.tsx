import {Button, Tabs} from "@mantine/core";
import {Link} from "react-router";
import type {ReactNode} from "react";
import type {ClusterSpec, DryRun} from "../../api/client";
import {Source} from "../../parts/bits";
import {Table} from "../../parts/table";
import {steps, type Slug} from "../../pure/draft";
import {advancedOf} from "../../pure/autoscale";
import {toCommand, toCurl, toYaml} from "../../pure/render";
import {toTerraform} from "../../pure/render-terraform";
import {about} from "../../pure/durations";
import {money, plural, priceWords} from "../../pure/words";
import {Findings} from "./fields";
import type {StepProps} from "./wizard";

type Line = [name: string, value: ReactNode];

function scaleLines({general, withGpu, gpu}: StepProps["draft"]["autoscale"]): Line[] {
  const bounds = (group: typeof general) =>
    `${group.minWorkers} to ${group.maxWorkers} × ${group.instanceType}, ${group.diskGb} GB, ` +
    [
      `${group.standbyWorkers} in standby, unused ones leave after ${group.downscaleWaitSeconds} s`,
      ...advancedOf(group),
    ].join("; ");
  return [
    ["Autoscaling", "Enabled"],
    ["General purpose", bounds(general)],
    ["GPU", withGpu ? bounds(gpu) : "No GPU autoscale"],
  ];
}

function linesOf(draft: StepProps["draft"]): Record<Exclude<Slug, "review">, Line[]> {
  const workers = draft.workers.map((group, index): Line => [
    draft.workers.length > 1 ? `Group ${index + 1}` : "Workers",
    `${group.count} × ${group.instanceType}, ${group.diskGb} GB`,
  ]);
  const fresh = draft.network === "new";
  const tags = draft.tags.filter((tag) => tag.name.trim());
  return {
    general: [
      ["Resource group", draft.resourceGroup],
      ["Name", draft.name],
      ["Location", draft.location],
      ["Head", `${draft.headType}, ${draft.headDiskGb} GB`],
      ["Storage account", draft.account],
      ["Container", draft.container],
    ],
    workers: draft.autoscaling
      ? scaleLines(draft.autoscale)
      : [
          ["Autoscaling", "Disabled"],
          ...(workers.length ? workers : [["Workers", "None"] as Line]),
        ],
    "ssh-key": [["SSH key", draft.sshKey]],
    identity: [["Managed identity", draft.identity]],
    backup: [["Retention", "0 days: no backups"]],
    "virtual-network": [
      ["Virtual network", fresh ? `New, ${draft.networkCidr}` : draft.networkName],
    ],
    subnet: [
      ["Subnet", fresh || draft.subnet === "new" ? `New, ${draft.subnetCidr}` : draft.subnetName],
    ],
    "security-group": [
      ["Security group", draft.securityGroup === "new" ? "New" : draft.securityGroupName],
      ["Public IP", draft.publicIp ? "Yes" : "No"],
      ["Open to", draft.portSources.join(", ") || "Everybody"],
    ],
    users: [["User management", draft.users === "managed" ? "Managed" : "Disabled"]],
    tags: tags.length ? tags.map((tag): Line => [tag.name, tag.value]) : [["Tags", "None"]],
  };
}

function Choices({draft}: {draft: StepProps["draft"]}) {
  const lines = linesOf(draft);
  return (
    <section className="card" aria-label="Your choices">
      {steps.map((step) =>
        step.slug === "review" ? null : (
          <div key={step.slug} className="choice-of-step">
            <h3>{step.title}</h3>
            <dl className="facts">
              {lines[step.slug].map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value || <span className="bad-text">Missing</span>}</dd>
                </div>
              ))}
            </dl>
            <Link to={`/clusters/new/${step.slug}`} className="small">
              Edit<span className="visually-hidden"> {step.title}</span>
            </Link>
          </div>
        ),
      )}
    </section>
  );
}

const kinds: Record<string, string> = {
  machine: "Machine",
  virtual_network: "Virtual network",
  subnet: "Subnet",
  security_group: "Security group",
  security_rule: "Security rule",
  public_address: "Public IP address",
  network_interface: "Network interface",
  disk: "Disk",
  container: "Container",
};

const quotaWords: Record<string, string> = {
  cores: "vCPUs in all",
  virtualMachines: "Machines in all",
  localMemoryMB: "Memory of this machine, MB",
  NetworkInterfaces: "Network interfaces",
  VirtualNetworks: "Virtual networks",
  NetworkSecurityGroups: "Security groups",
  PublicIPAddresses: "Public IP addresses",
  StaticPublicIPAddresses: "Static public IP addresses",
};

const kindWords = (kind: string) => {
  const text = kinds[kind] ?? kind.replaceAll("_", " ");
  return text[0]!.toUpperCase() + text.slice(1);
};

function Plan({plan}: {plan: DryRun}) {
  return (
    <section className="card stack" aria-label="What will be made">
      <h2>What will be made</h2>
      {plan.estimatedStartMs !== null && (
        <p>
          Estimated time from earlier starts: <strong>{about(plan.estimatedStartMs)}</strong>
        </p>
      )}
      <p className="dim">
        {plural(plan.resources.length, "resource")}. <code>&lt;id&gt;</code> stands for the id that
        the cluster gets.
      </p>
      <Table label="Resources" headings={["Resource", "Name", "Detail"]}>
        {plan.resources.map((resource) => (
          <tr key={resource.kind + resource.name}>
            <td>{kindWords(resource.kind)}</td>
            <td className="mono small">{resource.name}</td>
            <td>{resource.detail}</td>
          </tr>
        ))}
      </Table>
      {plan.quotas.length > 0 && (
        <Table
          label="Quotas"
          headings={[
            "Quota",
            {name: "Used now", as: "number"},
            {name: "With this cluster", as: "number"},
            {name: "Limit", as: "number"},
          ]}
        >
          {plan.quotas.map((quota) => (
            <tr key={quota.name}>
              <td>{quotaWords[quota.name] ?? quota.name}</td>
              <td className="number">{quota.used}</td>
              <td className={`number ${quota.used + quota.needed > quota.limit ? "bad-text" : ""}`}>
                {quota.used + quota.needed}
              </td>
              <td className="number">{quota.limit}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function Cost({cost}: {cost: NonNullable<DryRun["cost"]>}) {
  const {perHour, headPerHour, workersPerHour, perMonth, currency, origin, asOf} = cost;
  return (
    <section className="card stack" aria-label="Price">
      <h2>Price</h2>
      <dl className="facts">
        <dt>Per hour</dt>
        <dd>
          <strong>{money(perHour, currency)}</strong>, of that {money(headPerHour, currency)} for
          the head and {money(workersPerHour, currency)} for the workers
        </dd>
        <dt>Per month</dt>
        <dd>{money(perMonth, currency)} when it runs all the time</dd>
      </dl>
      <p className="small dim">{priceWords(origin, asOf)}</p>
    </section>
  );
}

function SameRequest({spec}: {spec: ClusterSpec}) {
  return (
    <section className="card stack" aria-label="The same request in other forms">
      <h2>The same request</h2>
      <Tabs defaultValue="yaml" keepMounted={false}>
        <Tabs.List aria-label="Form of the request">
          <Tabs.Tab value="yaml">YAML</Tabs.Tab>
          <Tabs.Tab value="command">Command line</Tabs.Tab>
          <Tabs.Tab value="curl">curl</Tabs.Tab>
          <Tabs.Tab value="terraform">Terraform</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="yaml" pt="md">
          <Source text={toYaml(spec)} label="Specification as YAML" />
        </Tabs.Panel>
        <Tabs.Panel value="command" pt="md">
          <Source text={toCommand(spec)} label="Command" />
        </Tabs.Panel>
        <Tabs.Panel value="curl" pt="md">
          <Source text={toCurl(spec, window.location.origin)} label="Command for curl" />
        </Tabs.Panel>
        <Tabs.Panel value="terraform" pt="md">
          <Source
            text={toTerraform(spec, window.location.origin)}
            label="Configuration for Terraform"
          />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

export function Review({draft, findings, plan, ready, spec, create, creating}: StepProps) {
  const blocked = findings.some((each) => each.weight === "blocking");
  const button = (
    <Button type="button" onClick={create} loading={creating} disabled={blocked || !ready}>
      Create
    </Button>
  );
  return (
    <>
      <Findings findings={findings} />
      <div className="row">
        {button}
        <span className="dim">
          {blocked ? "Mend what is named above first." : "Nothing has been made yet."}
        </span>
      </div>
      <Choices draft={draft} />
      {plan && plan.resources.length > 0 && <Plan plan={plan} />}
      {plan?.cost && <Cost cost={plan.cost} />}
      {ready && <SameRequest spec={spec} />}
    </>
  );
}
