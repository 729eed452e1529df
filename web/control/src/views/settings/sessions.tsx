import {Button} from "@mantine/core";
import {useQuery} from "@tanstack/react-query";
import {people, type OpenSession} from "../../api/people";
import {useSave} from "../../api/queries";
import {Loaded} from "../../parts/bits";
import {actionsHeading, Table} from "../../parts/table";
import {when} from "../../pure/words";

/** "Chrome on Linux": what a person recognises of a User-Agent. */
export function agentWords(agent: string): string {
  const browsers = [
    ["Firefox/", "Firefox"],
    ["Edg/", "Edge"],
    ["OPR/", "Opera"],
    ["Chrome/", "Chrome"],
    ["Safari/", "Safari"],
  ] as const;
  const systems = [
    ["Windows", "Windows"],
    ["Android", "Android"],
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Mac OS X", "macOS"],
    ["Linux", "Linux"],
  ] as const;
  const browser = browsers.find(([mark]) => agent.includes(mark))?.[1];
  const system = systems.find(([mark]) => agent.includes(mark))?.[1];
  if (!browser) return agent || "Unknown program";
  return system ? `${browser} on ${system}` : browser;
}

function Row({session}: {session: OpenSession}) {
  const end = useSave(people.endSession, [["sessions"]]);
  return (
    <tr>
      <td>
        <strong>{agentWords(session.userAgent)}</strong>
        {session.current && <span className="dim"> (this one)</span>}
        <div className="small dim">{session.address}</div>
      </td>
      <td className="dim">{when(session.createdAt)}</td>
      <td className="dim">{when(session.lastSeenAt)}</td>
      <td className="end">
        {!session.current && (
          <Button
            variant="default"
            size="compact-sm"
            loading={end.isPending}
            onClick={() => end.mutate(session.id)}
          >
            End
          </Button>
        )}
      </td>
    </tr>
  );
}

export function Sessions() {
  const sessions = useQuery({queryKey: ["sessions"], queryFn: people.sessions});
  return (
    <section className="card">
      <h2>Where you are signed in</h2>
      <Loaded of={sessions} rows={2}>
        {(all) => (
          <Table label="Sessions" headings={["Browser", "Since", "Last seen", actionsHeading]}>
            {all.map((session) => (
              <Row key={session.id} session={session} />
            ))}
          </Table>
        )}
      </Loaded>
    </section>
  );
}
