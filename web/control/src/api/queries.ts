import {
  QueryCache,
  QueryClient,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import {useNotice} from "../parts/notices";
import {api, done, Problem, type Activity, type Cluster} from "./client";
import {isOlder} from "../pure/revision";
import {people, type Session} from "./people";

/** The one place that knows the names of what is kept. */
export const keys = {
  session: ["session"],
  clusters: ["clusters"],
  cluster: (id: string) => ["cluster", id],
  activity: (id: string) => ["activity", id],
  resources: (id: string) => ["resources", id],
  capabilities: ["capabilities"],
  members: ["members"],
  invitations: ["invitations"],
  organisation: ["organisation"],
  cloudAccounts: ["cloud-accounts"],
  usageTotals: ["usage-totals"],
};

export const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // The session has ended: whatever is open goes to the sign-in view.
      if (error instanceof Problem && error.code === "session_missing")
        client.setQueryData(keys.session, null);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) => error instanceof Problem && error.status === 0 && count < 3,
    },
  },
});

export const useSession = () =>
  useQuery<Session | null>({
    queryKey: keys.session,
    queryFn: async () => {
      try {
        return await people.session();
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });

/** Of whoever is signed in; views below the sign-in gate only. */
export function useMe(): Session {
  const session = useSession().data;
  if (!session) throw new Error("used outside the sign-in gate");
  return session;
}

/** Every page of a list, one after the other. */
async function allOf<Item>(
  read: (after?: string) => Promise<{items: Item[]; next: string | number | null}>,
): Promise<Item[]> {
  const all: Item[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    all.push(...page.items);
    after = page.next === null ? undefined : String(page.next);
  } while (after);
  return all;
}

export const useClusters = () =>
  useQuery({
    queryKey: keys.clusters,
    queryFn: async () => {
      const all = await allOf((after) =>
        done(api.GET("/v1/clusters", {params: {query: {limit: 200, after}}})),
      );
      return all.map(newest).filter((each) => each !== null);
    },
  });

export const useDurations = () =>
  useQuery({
    queryKey: ["durations"],
    queryFn: async () => (await done(api.GET("/v1/durations"))).items,
    staleTime: 60_000,
  });

/** What ran grows by itself: it is read again each minute. */
const usageFresh = {refetchInterval: 60_000};

export const useUsage = (from: string, to: string) =>
  useQuery({
    queryKey: ["usage", from, to],
    queryFn: () =>
      allOf(async (after) => {
        const query = {from, to, limit: 1000, after};
        // Its other form is CSV, which the page leaves to the browser.
        const page = await done(api.GET("/v1/usage", {params: {query}}));
        return page as Exclude<typeof page, string>;
      }),
    ...usageFresh,
  });

/** Of each cluster that there is and whose machines ever ran, by its id. */
export const useUsageTotals = () =>
  useQuery({
    queryKey: keys.usageTotals,
    queryFn: async () => {
      const totals = await allOf((after) =>
        done(api.GET("/v1/usage/totals", {params: {query: {limit: 1000, after}}})),
      );
      return new Map(totals.map((total) => [total.cluster, total]));
    },
    ...usageFresh,
  });

/** Of one cluster; undefined until it is known, and while no machine ever ran. */
export const useUsageTotal = (cluster: string) =>
  useQuery({
    queryKey: [...keys.usageTotals, cluster],
    queryFn: async () =>
      (await done(api.GET("/v1/usage/totals", {params: {query: {cluster}}}))).items[0] ?? null,
    ...usageFresh,
  }).data ?? undefined;

/** null: it is gone. */
export const useCluster = (id: string) =>
  useQuery<Cluster | null>({
    queryKey: keys.cluster(id),
    queryFn: async () => {
      try {
        return newest(await done(api.GET("/v1/clusters/{id}", {params: {path: {id}}})));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }
    },
  });

/** Newest first; the last 500. */
export const useActivity = (id: string) =>
  useQuery<Activity[]>({
    queryKey: keys.activity(id),
    queryFn: async () => {
      const params = {path: {id}, query: {limit: 500}};
      return (await done(api.GET("/v1/clusters/{id}/activity", {params: params as never}))).items;
    },
  });

export const resourcesOf = (id: string) => ({
  queryKey: keys.resources(id),
  queryFn: async () =>
    (await done(api.GET("/v1/clusters/{id}/resources", {params: {path: {id}}}))).items,
});

export const useCapabilities = () =>
  useQuery({
    queryKey: keys.capabilities,
    queryFn: () => done(api.GET("/v1/capabilities")),
    staleTime: 3_600_000,
  });

/** The connection that this control plane was started with. */
export const defaultAccount = "default";

/** Cloud accounts, the default one first. */
export const useCloudAccounts = () =>
  useQuery({
    queryKey: keys.cloudAccounts,
    queryFn: async () => (await done(api.GET("/v1/cloud-accounts"))).items,
  });

export const useGroups = (cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["groups", cloudAccount],
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/groups", {params: {query: {cloudAccount}}}))).items,
  });

export const useSizes = (location: string, cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["sizes", cloudAccount, location],
    enabled: location !== "",
    // Prices may come a little later than the sizes.
    staleTime: (query) => (query.state.data?.some((size) => size.price) ? 600_000 : 10_000),
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/sizes", {params: {query: {location, cloudAccount}}}))).items,
  });

export const useAccounts = (location: string, cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["accounts", cloudAccount, location],
    enabled: location !== "",
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/accounts", {params: {query: {location, cloudAccount}}})))
        .items,
  });

export const useSshKeys = (group: string, cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["keys", cloudAccount, group],
    enabled: group !== "",
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/keys", {params: {query: {group, cloudAccount}}}))).items,
  });

export const useIdentities = (group: string, cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["identities", cloudAccount, group],
    enabled: group !== "",
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/identities", {params: {query: {group, cloudAccount}}}))).items,
  });

export const useSecurityGroups = (group: string, cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["security-groups", cloudAccount, group],
    enabled: group !== "",
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/security-groups", {params: {query: {group, cloudAccount}}})))
        .items,
  });

/** Of every location: ranges must not meet wherever they are. */
export const useNetworks = (cloudAccount = defaultAccount) =>
  useQuery({
    queryKey: ["networks", cloudAccount],
    queryFn: async () =>
      (await done(api.GET("/v1/cloud/networks", {params: {query: {cloudAccount}}}))).items,
  });

export interface Features {
  networks: boolean;
  securityGroups: boolean;
  publicAddresses: boolean;
}

/** Signs in anew and weighs our rights; asked for by hand, so never on its own. */
export const useAccountCheck = (name: string, features: Features, enabled: boolean) =>
  useQuery({
    queryKey: ["cloud-account-check", name, features],
    enabled,
    gcTime: 0,
    queryFn: () =>
      done(
        api.GET("/v1/cloud-accounts/{name}/check", {params: {path: {name}, query: {...features}}}),
      ),
  });

/** The role that the control plane needs in a resource group. */
export const useRole = (name: string, group: string, features?: Features) =>
  useQuery({
    queryKey: ["cloud-account-role", name, group, features],
    enabled: group !== "",
    queryFn: () =>
      done(
        api.GET("/v1/cloud-accounts/{name}/role", {
          params: {path: {name}, query: {group, ...features}},
        }),
      ),
  });

/** At sign-in: nothing of another person's stays, and the gate sees who is there now. */
export function becomes(session: Session): void {
  client.removeQueries({predicate: (query) => query.queryKey[0] !== keys.session[0]});
  client.setQueryData(keys.session, session);
}

/**
 * What is known of that cluster where that is newer: the event stream overtakes answers on their
 * way. null: it is gone.
 */
function newest(answer: Cluster): Cluster | null {
  const shown = client.getQueryData<Cluster | null>(keys.cluster(answer.id));
  if (shown === null) return null;
  const listed = client.getQueryData<Cluster[]>(keys.clusters);
  const known = shown ?? listed?.find((each) => each.id === answer.id);
  return known && isOlder(answer.revision, known.revision) ? known : answer;
}

/** Of the answer to a change. */
export function keepAnswer(answer: Cluster): void {
  const cluster = newest(answer);
  if (cluster) keepCluster(cluster);
}

/** Of the event stream, whose order is that of what happened. */
export function keepCluster(cluster: Cluster): void {
  client.setQueryData(keys.cluster(cluster.id), cluster);
  client.setQueryData<Cluster[]>(keys.clusters, (all) => {
    if (!all) return all;
    const known = all.some((each) => each.id === cluster.id);
    return known ? all.map((each) => (each.id === cluster.id ? cluster : each)) : [...all, cluster];
  });
}

export type Act = "stop" | "start" | "restart" | "retry" | "terminate";

const acts: Record<Act, (id: string) => Promise<Cluster>> = {
  stop: (id) => done(api.POST("/v1/clusters/{id}/stop", {params: {path: {id}}})),
  start: (id) => done(api.POST("/v1/clusters/{id}/start", {params: {path: {id}}})),
  restart: (id) => done(api.POST("/v1/clusters/{id}/restart", {params: {path: {id}}})),
  retry: (id) => done(api.POST("/v1/clusters/{id}/retry", {params: {path: {id}}})),
  terminate: (id) => done(api.DELETE("/v1/clusters/{id}", {params: {path: {id}}})),
};

/** A change of a cluster: its answer is shown at once, its refusal as a notice. */
export function useChange<T = void>(change: (input: T) => Promise<Cluster>) {
  const notice = useNotice();
  return useMutation({
    mutationFn: change,
    onSuccess: keepAnswer,
    onError: (error) => notice.problem(error),
  });
}

export const useAct = (id: string) => useChange<Act>((act) => acts[act](id));

/** A change of what a list shows: it is read again. */
export function useSave<In, Out>(save: (input: In) => Promise<Out>, stale: readonly unknown[][]) {
  const queries = useQueryClient();
  const notice = useNotice();
  return useMutation({
    mutationFn: save,
    onSuccess: () => Promise.all(stale.map((queryKey) => queries.invalidateQueries({queryKey}))),
    onError: (error) => notice.problem(error),
  });
}
