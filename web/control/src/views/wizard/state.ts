import {useDebouncedValue} from "@mantine/hooks";
import {keepPreviousData, useQuery} from "@tanstack/react-query";
import {useCallback, useEffect, useMemo, useState} from "react";
import {api, done, Problem, type ClusterSpec, type DryRun, type Finding} from "../../api/client";
import {
  client,
  useAccounts,
  useCloudAccounts,
  useClusters,
  useGroups,
  useIdentities,
  useMe,
  useNetworks,
  useSizes,
  useSshKeys,
} from "../../api/queries";
import {
  choose,
  complete,
  emptyDraft,
  restoreDraft,
  specOf,
  type Draft,
  type Offers,
} from "../../pure/draft";

const place = (person: string) => `hopyard-draft-${person}`;

function chance(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(3));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function readKept(person: string): Draft | null {
  try {
    return restoreDraft(localStorage.getItem(place(person)));
  } catch {
    return null;
  }
}

export function forgetDraft(person: string): void {
  try {
    localStorage.removeItem(place(person));
  } catch {
    // Storage that is closed has kept nothing.
  }
}

export interface DraftState {
  draft: Draft;
  set: (patch: Partial<Draft>) => void;
  reset: () => void;
  offers: Offers;
  /** Every list has arrived, so what is missing is missing. */
  ready: boolean;
  error: Error | null;
  again: () => void;
}

/** The draft, kept over a reload, with proposals for whatever was not chosen by hand. */
export function useDraft(): DraftState {
  const {person} = useMe();
  const [chosen, setChosen] = useState<Draft>(
    () => readKept(person.id) ?? {...emptyDraft, chance: chance()},
  );
  const cloudAccounts = useCloudAccounts();
  const account = chosen.cloudAccount;
  const groups = useGroups(account);
  const group = chosen.resourceGroup || (groups.data?.[0]?.name ?? "");
  const location = groups.data?.find((each) => each.name === group)?.location ?? "";
  const sizes = useSizes(location, account);
  const accounts = useAccounts(location, account);
  const sshKeys = useSshKeys(group, account);
  const identities = useIdentities(group, account);
  const networks = useNetworks(account);
  const clusters = useClusters();
  const offers = useMemo<Offers>(
    () => ({
      cloudAccounts: cloudAccounts.data,
      groups: groups.data,
      sizes: sizes.data,
      accounts: accounts.data,
      sshKeys: sshKeys.data,
      identities: identities.data,
      networks: networks.data,
      clusterNames: clusters.data?.map((each) => each.name),
    }),
    [
      cloudAccounts.data,
      groups.data,
      sizes.data,
      accounts.data,
      sshKeys.data,
      identities.data,
      networks.data,
      clusters.data,
    ],
  );
  const draft = useMemo(() => complete(chosen, offers), [chosen, offers]);
  const set = useCallback(
    (patch: Partial<Draft>) => setChosen((before) => choose(before, patch)),
    [],
  );
  useEffect(() => {
    try {
      localStorage.setItem(place(person.id), JSON.stringify(chosen));
    } catch {
      // The wizard works without being kept.
    }
  }, [chosen, person.id]);
  const reset = useCallback(() => setChosen({...emptyDraft, chance: chance()}), []);
  const needed = [
    cloudAccounts,
    groups,
    networks,
    clusters,
    ...(location ? [sizes, accounts, sshKeys, identities] : []),
  ];
  return {
    draft,
    set,
    reset,
    offers,
    ready: needed.every((query) => query.data !== undefined),
    error: needed.find((query) => query.error)?.error ?? null,
    again: () => needed.forEach((query) => void query.refetch()),
  };
}

/** What the server says about a specification; a refusal of its form is a finding too. */
async function dryRun(spec: ClusterSpec): Promise<DryRun> {
  try {
    const reply = api.POST("/v1/clusters", {params: {query: {dryRun: true}}, body: spec});
    return (await done(reply)) as unknown as DryRun;
  } catch (error) {
    if (
      !(error instanceof Problem) ||
      error.status === 0 ||
      error.status >= 500 ||
      error.status === 401
    )
      throw error;
    const finding = {
      weight: "blocking",
      code: error.code,
      kind: "invalid_argument",
      message: error.message,
      owner: "user",
      ...(error.field !== undefined ? {field: error.field} : {}),
      ...(error.nextAction !== undefined ? {nextAction: error.nextAction} : {}),
    } as Finding;
    return {
      refused: true,
      findings: [finding],
      resources: [],
      quotas: [],
      cost: null,
      estimatedStartMs: null,
      spec,
    };
  }
}

const asked = (spec: ClusterSpec) => ({
  queryKey: ["dry-run", spec],
  queryFn: () => dryRun(spec),
  staleTime: 10_000,
  gcTime: 60_000,
});

export function useDryRun(draft: Draft, ready: boolean) {
  const spec = useMemo(() => specOf(draft), [draft]);
  // Whether it is ready waits with it: what stood there before the lists came is nobody's choice.
  const wanted = useMemo(() => ({spec, ready}), [spec, ready]);
  const [settled] = useDebouncedValue(wanted, 300);
  const query = useQuery({
    ...asked(settled.spec),
    enabled: settled.ready,
    placeholderData: keepPreviousData,
  });
  /** The newest word on what stands in the form now. */
  const check = useCallback(() => client.fetchQuery(asked(spec)), [spec]);
  const current = settled.spec === spec && !query.isPlaceholderData && !query.isFetching;
  return {spec, plan: query.data, current, error: query.error, check};
}
