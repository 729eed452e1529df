import {Button} from "@mantine/core";
import {useQuery} from "@tanstack/react-query";
import {useState} from "react";
import {Link} from "react-router";
import {api, done, type Cluster} from "../../api/client";
import {keys, useChange, useMe, useSizes} from "../../api/queries";
import {Confirm} from "../../parts/confirm";
import {draftOf, emptyAutoscale, isSound, policyOf, promiseOf} from "../../pure/autoscale";
import {plural} from "../../pure/words";
import {AutoscaleForm} from "../wizard/autoscale";
import type {Start} from "../simulate/simulate";
import {TwoPages} from "./workers";

interface FormProps {
  cluster: Cluster;
  onClose: () => void;
}

const useSizesOf = ({spec}: Cluster) => useSizes(spec.location ?? "", spec.cloudAccount).data ?? [];

function ChangePolicy({cluster, onClose}: FormProps) {
  const present = cluster.spec.autoscale;
  const sizes = useSizesOf(cluster);
  const [draft, setDraft] = useState(() =>
    present
      ? draftOf(present)
      : {
          ...emptyAutoscale,
          general: {
            ...emptyAutoscale.general,
            instanceType: cluster.spec.workers?.[0]?.instanceType ?? cluster.spec.head.instanceType,
          },
        },
  );
  const save = useChange((_: void) =>
    done(
      api.PUT("/v1/clusters/{id}/autoscale", {
        params: {path: {id: cluster.id}},
        body: policyOf(draft),
      }),
    ),
  );
  const promise = (name: "general" | "gpu") => {
    const size = sizes.find((each) => each.name === draft[name].instanceType);
    return promiseOf(draft[name], size, name === "gpu");
  };
  return (
    <TwoPages
      title={present ? "Change autoscaling" : "Enable autoscaling"}
      act={present ? "Change autoscaling" : "Enable autoscaling"}
      ready={isSound(draft)}
      pending={save.isPending}
      error={save.error}
      send={() => save.mutate(undefined, {onSuccess: onClose})}
      onClose={onClose}
      review={
        <>
          <dl className="facts">
            <dt>General purpose</dt>
            <dd>{promise("general")}</dd>
            <dt>GPU</dt>
            <dd>{draft.withGpu ? promise("gpu") : "No GPU autoscale"}</dd>
          </dl>
          <p className="small dim">
            Workers of these types follow demand from then on. Those that autoscaling made with
            another type, disk or spot price take no new work and are replaced; what runs on them
            goes on. Those that were added by hand stay.
          </p>
        </>
      }
    >
      <AutoscaleForm policy={draft} sizes={sizes} findings={[]} set={setDraft} />
    </TwoPages>
  );
}

/** Leads to the view that tries the cluster's policy on a recorded workload. */
function TryLink({cluster}: {cluster: Cluster}) {
  const {autoscale, location, cloudAccount, head} = cluster.spec;
  const general = {...emptyAutoscale.general, instanceType: head.instanceType};
  const state: Start = {
    policy: autoscale ? draftOf(autoscale) : {...emptyAutoscale, general},
    location: location ?? "",
    cloudAccount,
    from: {path: `/clusters/${cluster.id}/details`, words: cluster.name},
  };
  return (
    <Link className="small" to="/autoscale/simulate" state={state}>
      {autoscale ? "Try this policy on a recorded workload" : "Try a policy on a recorded workload"}
    </Link>
  );
}

function SwitchOff({cluster, onClose}: FormProps) {
  const off = useChange((_: void) =>
    done(api.DELETE("/v1/clusters/{id}/autoscale", {params: {path: {id: cluster.id}}})),
  );
  return (
    <Confirm
      title={`Switch off autoscaling of ${cluster.name}?`}
      act="Switch off"
      onDone={() => off.mutate()}
      onClose={onClose}
    >
      <p>No worker is removed: all stay, and cost, until somebody removes them by hand.</p>
    </Confirm>
  );
}

/** Read again with every change of the cluster: its generation and nodes come with the events. */
function Decisions({cluster}: {cluster: Cluster}) {
  const params = {path: {id: cluster.id}};
  const state = useQuery({
    queryKey: [...keys.cluster(cluster.id), "autoscale"],
    queryFn: () => done(api.GET("/v1/clusters/{id}/autoscale", {params})),
    refetchInterval: 10_000,
  });
  const decisions = useQuery({
    queryKey: [...keys.cluster(cluster.id), "decisions"],
    queryFn: async () => {
      const asked = {params: {...params, query: {limit: 5}}};
      return (await done(api.GET("/v1/clusters/{id}/autoscale/decisions", asked))).items;
    },
    refetchInterval: 10_000,
  });
  const waiting = state.data?.demand?.requests.reduce((sum, each) => sum + each.count, 0);
  return (
    <>
      <p>
        {waiting === undefined
          ? "What waits is not known yet."
          : waiting === 0
            ? "Nothing waits for workers."
            : `${plural(waiting, "request")} ${waiting === 1 ? "waits" : "wait"} for workers.`}
      </p>
      {(state.data?.neverMet.length ?? 0) > 0 && (
        <p className="bad-text" role="alert">
          No allowed worker could ever hold: {state.data?.neverMet.join(", ")}.
        </p>
      )}
      <ul className="stack tight" aria-label="Last decisions">
        {decisions.data?.flatMap(({number, at, decision}) =>
          decision.steps.map((step, index) => (
            <li key={`${number}-${index}`} className="small">
              <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time>{" "}
              <strong>{step.worker || `${step.kind} ${step.count}`}</strong>: {step.reason}
            </li>
          )),
        )}
      </ul>
    </>
  );
}

export function Autoscaling({cluster}: {cluster: Cluster}) {
  const {may} = useMe();
  const [form, setForm] = useState<"change" | "off" | null>(null);
  const sizes = useSizesOf(cluster);
  const policy = cluster.spec.autoscale;
  const close = () => setForm(null);
  const draft = policy && draftOf(policy);
  const size = sizes.find((each) => each.name === policy?.general.instanceType);
  return (
    <section className="card stack" aria-label="Autoscaling">
      <div className="row apart">
        <h2>Autoscaling</h2>
        {may.manageClusters && cluster.wanted === "running" && (
          <div className="row tight">
            <Button variant="default" size="xs" onClick={() => setForm("change")}>
              {policy ? "Change autoscaling" : "Enable autoscaling"}
            </Button>
            {policy && (
              <Button variant="default" size="xs" onClick={() => setForm("off")}>
                Switch off
              </Button>
            )}
          </div>
        )}
      </div>
      {draft ? (
        <>
          <p>
            {draft.general.instanceType}: {promiseOf(draft.general, size, false)}
          </p>
          <Decisions cluster={cluster} />
        </>
      ) : (
        <p className="dim">Disabled: workers are added and removed by hand.</p>
      )}
      <TryLink cluster={cluster} />
      {form === "change" && <ChangePolicy cluster={cluster} onClose={close} />}
      {form === "off" && <SwitchOff cluster={cluster} onClose={close} />}
    </section>
  );
}
