import {Button, Select} from "@mantine/core";
import {IconArrowLeft} from "@tabler/icons-react";
import {useMutation} from "@tanstack/react-query";
import {useEffect, useRef, useState} from "react";
import {Link, useLocation} from "react-router";
import {api, done, type Simulation} from "../../api/client";
import {useGroups, useSizes} from "../../api/queries";
import {asProblem, FaultAlert, Title} from "../../parts/bits";
import {emptyAutoscale, isSound, policyOf, type AutoscaleDraft} from "../../pure/autoscale";
import {smallestSize, withTypes} from "../../pure/draft";
import {findingsOf} from "../../pure/simulation";
import {AutoscaleForm} from "../wizard/autoscale";
import {WholeNumber} from "../wizard/fields";
import {Outcome} from "./outcome";
import {TraceFields, type Trace} from "./trace";

/** What the view begins with, as its link says (`state` of the router). */
export interface Start {
  policy: AutoscaleDraft;
  location: string;
  cloudAccount?: string;
  from: {path: string; words: string};
}

/** What a cloud's machine takes from being asked for until it takes work. */
const cloudBootSeconds = 285;

/** One simulation at a time; `stop` forgets the one under way. */
function useSimulation(cloudAccount?: string) {
  const under = useRef<AbortController>(null);
  const run = useMutation({
    mutationFn: (body: Simulation) => {
      const {signal} = (under.current = new AbortController());
      const params = {query: {cloudAccount}};
      return done(api.POST("/v1/autoscale/simulate", {params, body, signal}));
    },
  });
  useEffect(() => () => under.current?.abort(), []);
  const stop = () => {
    under.current?.abort();
    run.reset();
  };
  return {...run, stop};
}

function useLocations(cloudAccount?: string): string[] {
  const groups = useGroups(cloudAccount).data ?? [];
  return [...new Set(groups.map((group) => group.location))].sort();
}

export function Simulate() {
  const start = useLocation().state as Start | null;
  const [trace, setTrace] = useState<Trace | null>(null);
  const [skipBadLines, setSkip] = useState(false);
  const [chosen, setChosen] = useState(start?.location ?? "");
  const [bootSeconds, setBoot] = useState(cloudBootSeconds);
  const [draft, setDraft] = useState(start?.policy ?? emptyAutoscale);
  const locations = useLocations(start?.cloudAccount);
  const location = chosen || (locations[0] ?? "");
  const sizes = useSizes(location, start?.cloudAccount).data ?? [];
  const policy = withTypes(draft, smallestSize(sizes)?.name ?? "", sizes);
  const simulation = useSimulation(start?.cloudAccount);
  const problem = simulation.error && asProblem(simulation.error);
  const findings = problem ? findingsOf(problem) : [];
  const outcome = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (simulation.isSuccess) outcome.current?.focus();
  }, [simulation.isSuccess, simulation.data]);
  const send = () =>
    trace &&
    simulation.mutate({
      trace: trace.text,
      format: trace.format,
      skipBadLines,
      location,
      bootSeconds,
      policy: policyOf(policy),
    });
  return (
    <>
      <Title>Try a workload</Title>
      {start && (
        <Link className="crumb" to={start.from.path}>
          <IconArrowLeft size={16} aria-hidden /> {start.from.words}
        </Link>
      )}
      <div className="page-head">
        <h1>Try a workload</h1>
        <p className="sub">
          What a recorded workload would have cost under a policy, and how long its jobs would have
          waited.
        </p>
      </div>
      <div className="stack wide">
        <TraceFields trace={trace} skipBadLines={skipBadLines} set={setTrace} setSkip={setSkip} />
        <section className="card stack" aria-label="Policy">
          <h2>Policy</h2>
          <div className="two">
            <Select
              label="Location"
              description="Whose sizes and prices count"
              data={locations}
              value={location || null}
              onChange={(value) => value && setChosen(value)}
              allowDeselect={false}
            />
            <WholeNumber
              label="Time until a new worker takes work"
              description={`In a cloud about ${cloudBootSeconds} s`}
              value={bootSeconds}
              min={0}
              max={86_400}
              suffix=" s"
              onChange={setBoot}
            />
          </div>
          <AutoscaleForm policy={policy} sizes={sizes} findings={findings} set={setDraft} />
        </section>
        <div className="row">
          <Button
            loading={simulation.isPending}
            disabled={!trace || !isSound(policy)}
            onClick={send}
          >
            Simulate
          </Button>
          {simulation.isPending && (
            <Button variant="default" onClick={simulation.stop}>
              Stop
            </Button>
          )}
          <span className="small dim" role="status">
            {simulation.isPending
              ? "The workload is simulated, in at most a minute."
              : !trace && "Choose a workload first."}
          </span>
        </div>
        {problem && <FaultAlert fault={problem} title="It was not simulated" />}
        {simulation.data && !simulation.isPending && (
          <div ref={outcome} className="outcome" tabIndex={-1} role="group" aria-label="Outcome">
            <Outcome outcome={simulation.data} />
          </div>
        )}
      </div>
    </>
  );
}
