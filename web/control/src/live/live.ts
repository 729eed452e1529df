import {useSyncExternalStore} from "react";
import type {Activity, Cluster} from "../api/client";
import {client, keepCluster, keys} from "../api/queries";

/**
 * The event stream of everything, kept open while somebody is signed in. What arrives goes into the
 * query cache, so views just read. After a gap the stream begins where it ended, and lists are read
 * again.
 */
export type Connection = "connecting" | "live" | "lost";

let state: Connection = "connecting";
let source: EventSource | undefined;
let timer: number | undefined;
let failures = 0;
let newest = 0;
const listeners = new Set<() => void>();

function become(next: Connection) {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

function heard(entry: Activity) {
  newest = Math.max(newest, entry.sequence);
  // Of people and their organisation only the activity tells: what is shown is read again.
  if (/^(member|organisation)_/.test(entry.code))
    for (const queryKey of [keys.members, keys.invitations, keys.organisation, keys.session])
      void client.invalidateQueries({queryKey});
  client.setQueryData<Activity[]>(keys.activity(entry.cluster), (all) =>
    !all || all.some((each) => each.sequence === entry.sequence) ? all : [entry, ...all],
  );
}

function gone(id: string) {
  client.setQueryData(keys.cluster(id), null);
  client.setQueryData<Cluster[]>(keys.clusters, (all) => all?.filter((each) => each.id !== id));
}

function open() {
  window.clearTimeout(timer);
  source?.close();
  const from = newest > 0 ? `?after=${newest}` : "";
  const stream = new EventSource(`/v1/events${from}`);
  source = stream;
  stream.onopen = () => {
    const healed = failures > 0;
    failures = 0;
    become("live");
    if (healed) void client.invalidateQueries();
  };
  stream.addEventListener("cluster", (event) => {
    const cluster = JSON.parse(event.data) as Cluster;
    const before = client.getQueryData<Cluster[]>(keys.clusters);
    const phase = before?.find((each) => each.id === cluster.id)?.phase;
    keepCluster(cluster);
    // Whose machines begin or end costs from now on, or no more.
    if (phase !== cluster.phase) void client.invalidateQueries({queryKey: keys.usageTotals});
  });
  stream.addEventListener("cluster-gone", (event) =>
    gone((JSON.parse(event.data) as {id: string}).id),
  );
  stream.addEventListener("activity", (event) => heard(JSON.parse(event.data) as Activity));
  stream.onerror = () => {
    stream.close();
    if (source !== stream) return;
    failures += 1;
    become("lost");
    // Tells a server that is away from a session that has ended.
    if (failures % 3 === 0) void client.invalidateQueries({queryKey: keys.session});
    timer = window.setTimeout(open, Math.min(500 * failures, 3_000));
  };
}

export function startLive(): () => void {
  open();
  const again = () => {
    if (state === "lost") open();
  };
  window.addEventListener("online", again);
  return () => {
    window.removeEventListener("online", again);
    window.clearTimeout(timer);
    source?.close();
    source = undefined;
    failures = 0;
    newest = 0;
    state = "connecting";
  };
}

export const useConnection = (): Connection =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
