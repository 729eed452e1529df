import {useQuery} from "@tanstack/react-query";
import type {Cluster, CloudResource} from "../../api/client";
import {resourcesOf} from "../../api/queries";
import {Loaded, PhaseMark, useNow} from "../../parts/bits";
import {Table} from "../../parts/table";
import {sentence} from "../../pure/draft";
import {about} from "../../pure/durations";
import {duration, isMoving} from "../../pure/words";

const kinds: Record<CloudResource["kind"], string> = {
  virtual_network: "Virtual network",
  subnet: "Subnet",
  security_group: "Network security group",
  security_rule: "Security rule",
  public_address: "Public address",
  network_interface: "Network interface",
  machine: "Machine",
  disk: "Disk",
};

/** How long what is under way takes so far, against the usual; else how long it took to be as it is. */
function spent(resource: CloudResource, now: number): string {
  const moving = resource.operation !== null || resource.state === "planned";
  const from = Date.parse(resource.operation?.startedAt ?? resource.createdAt);
  const soFar = duration((moving ? now : Date.parse(resource.changedAt)) - from);
  return resource.usualMs === null ? soFar : `${soFar}; usually ${about(resource.usualMs)}`;
}

function Row({resource, now}: {resource: CloudResource; now: number}) {
  return (
    <tr>
      <td>
        {kinds[resource.kind]}
        <div className="small dim">{resource.name}</div>
        {resource.problem && (
          <div className="small bad-text">
            {sentence(resource.problem.message)} {resource.problem.nextAction}
          </div>
        )}
      </td>
      <td>
        <PhaseMark phase={resource.state} />
      </td>
      <td className="dim">{spent(resource, now)}</td>
      <td className="small mono">
        {resource.operation?.id && <div>operation {resource.operation.id}</div>}
        {resource.cloudRequestId && <div>request {resource.cloudRequestId}</div>}
      </td>
    </tr>
  );
}

/** What the cluster is made of in the cloud, with what the cloud's support asks for. */
export function Resources({cluster}: {cluster: Cluster}) {
  const moving = isMoving(cluster);
  const now = useNow(moving);
  const resources = useQuery({
    ...resourcesOf(cluster.id),
    refetchInterval: moving ? 1_000 : false,
  });
  return (
    <section className="card">
      <h2>In the cloud</h2>
      <Loaded of={resources}>
        {(all) =>
          all.length === 0 ? (
            <p className="dim">Nothing has been made yet.</p>
          ) : (
            <Table label="In the cloud" headings={["Resource", "State", "Time", "For support"]}>
              {all.map((resource) => (
                <Row key={`${resource.kind}/${resource.name}`} resource={resource} now={now} />
              ))}
            </Table>
          )
        }
      </Loaded>
    </section>
  );
}
