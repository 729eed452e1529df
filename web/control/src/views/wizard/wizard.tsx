import {Button} from "@mantine/core";
import {useMutation} from "@tanstack/react-query";
import {IconArrowLeft, IconArrowRight} from "@tabler/icons-react";
import {useEffect, useRef, useState, type FormEvent, type ReactNode} from "react";
import {Link, Navigate, useNavigate, useParams} from "react-router";
import {api, done, type ClusterSpec, type DryRun, type Finding} from "../../api/client";
import {client, keepAnswer, keys, useCapabilities, useMe} from "../../api/queries";
import {asProblem, FaultAlert, Loaded, LoadError, Title} from "../../parts/bits";
import {findingsOf, steps, type Draft, type Offers, type Slug} from "../../pure/draft";
import {plural} from "../../pure/words";
import {Findings} from "./fields";
import {General} from "./general";
import {Review} from "./review";
import {forgetDraft, useDraft, useDryRun} from "./state";
import {
  BackupStep,
  IdentityStep,
  NetworkStep,
  SecurityGroupStep,
  SshKeyStep,
  SubnetStep,
  TagsStep,
  UsersStep,
  Workers,
} from "./steps";

export interface StepProps {
  draft: Draft;
  set: (patch: Partial<Draft>) => void;
  offers: Offers;
  findings: readonly Finding[];
  features: Record<string, boolean>;
  enterprise: boolean;
  spec: ClusterSpec;
  plan: DryRun | undefined;
  /** Every list has arrived, so that the request is whole. */
  ready: boolean;
  create: () => void;
  creating: boolean;
}

const views: Record<Slug, {view: (props: StepProps) => ReactNode; lead: string}> = {
  general: {view: General, lead: "Where the cluster lives, its head, and where it keeps its data."},
  workers: {view: Workers, lead: "The machines that run jobs. You can add and remove them later."},
  "ssh-key": {
    view: SshKeyStep,
    lead: "Installed on every machine of the cluster, so that you can sign in there.",
  },
  identity: {view: IdentityStep, lead: "With it the machines reach the storage account."},
  backup: {view: BackupStep, lead: "How long backups of this cluster are kept."},
  "virtual-network": {view: NetworkStep, lead: "Bring your own network, or let one be made."},
  subnet: {view: SubnetStep, lead: "The part of the network that the cluster uses."},
  "security-group": {
    view: SecurityGroupStep,
    lead: "Which traffic comes in, and whether the head has a public address.",
  },
  users: {view: UsersStep, lead: "Who may sign in to the cluster."},
  tags: {view: TagsStep, lead: "Put on the cluster's machines, to tell whose they are."},
  review: {view: Review, lead: "Everything on one page. Nothing is made before you select Create."},
};

function StepList({here, faulty}: {here: number; faulty: ReadonlySet<Slug>}) {
  return (
    <nav aria-label="Steps">
      <ol className="steps">
        <li>
          <Link to="/clusters" className="passed">
            <span className="mark" aria-hidden>
              ✓
            </span>
            <span className="label">Create cluster</span>
          </Link>
        </li>
        {steps.map((step, index) => {
          const bad = faulty.has(step.slug);
          const passed = index < here && !bad;
          return (
            <li key={step.slug}>
              <Link
                to={`/clusters/new/${step.slug}`}
                aria-current={index === here ? "step" : undefined}
                className={bad ? "faulty" : passed ? "passed" : undefined}
              >
                <span className="mark" aria-hidden>
                  {bad ? "!" : passed ? "✓" : index + 2}
                </span>
                <span className="label">{step.title}</span>
                {bad && <span className="visually-hidden">(needs attention)</span>}
              </Link>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

/** The same key as long as the same cluster is asked for: a retry after a lost answer is the answer. */
function useRequestKey(spec: ClusterSpec): () => string {
  const kept = useRef({spec: "", key: ""});
  return () => {
    const text = JSON.stringify(spec);
    if (kept.current.spec !== text) kept.current = {spec: text, key: crypto.randomUUID()};
    return kept.current.key;
  };
}

function useCreate(spec: ClusterSpec, forget: () => void) {
  const navigate = useNavigate();
  const requestKey = useRequestKey(spec);
  return useMutation({
    mutationFn: async () =>
      done(
        api.POST("/v1/clusters", {
          params: {query: {}},
          body: spec,
          headers: {"Idempotency-Key": requestKey()},
        }),
      ),
    onSuccess: (cluster) => {
      forget();
      keepAnswer(cluster as never);
      void client.invalidateQueries({queryKey: keys.clusters});
      void navigate(`/clusters/${(cluster as {id: string}).id}`);
    },
  });
}

function Step({slug}: {slug: Slug}) {
  const state = useDraft();
  const {person, organisation} = useMe();
  const capabilities = useCapabilities();
  const {spec, plan, current, error, check} = useDryRun(state.draft, state.ready);
  const navigate = useNavigate();
  const creation = useCreate(spec, () => forgetDraft(person.id));
  const heading = useRef<HTMLHeadingElement>(null);
  const [pressed, setPressed] = useState(false);
  const [checking, setChecking] = useState(false);
  const index = steps.findIndex((step) => step.slug === slug);
  const next = steps[index + 1];
  const before = steps[index - 1];
  useEffect(() => {
    setPressed(false);
    heading.current?.focus({preventScroll: true});
    window.scrollTo(0, 0);
  }, [slug]);

  const findings = plan?.findings ?? [];
  const blocking = findings.filter((each) => each.weight === "blocking");
  const faulty = new Set(
    steps.filter((step) => findingsOf(step.slug, blocking).length > 0).map((step) => step.slug),
  );
  const own = slug === "review" ? findings : findingsOf(slug, findings);

  const forward = async (event: FormEvent) => {
    event.preventDefault();
    if (!next) return;
    setPressed(true);
    setChecking(true);
    const answer = await check().catch(() => null);
    setChecking(false);
    const stays =
      answer && findingsOf(slug, answer.findings).some((each) => each.weight === "blocking");
    if (!stays) void navigate(`/clusters/new/${next.slug}`);
  };
  const {view: View, lead} = views[slug];
  return (
    <div className="wizard">
      <StepList here={index} faulty={faulty} />
      <form className={`step-form ${slug}`} onSubmit={(event) => void forward(event)} noValidate>
        <h2 tabIndex={-1} ref={heading}>
          {steps[index]!.title}
        </h2>
        <p className="lead">{lead}</p>
        <View
          draft={state.draft}
          set={state.set}
          offers={state.offers}
          findings={own}
          features={capabilities.data?.features ?? {}}
          enterprise={organisation.plan === "enterprise"}
          spec={spec}
          plan={plan}
          ready={state.ready}
          create={() => creation.mutate()}
          creating={creation.isPending}
        />
        {slug !== "review" && <Findings findings={own} />}
        {state.error && <LoadError error={state.error} again={state.again} />}
        {error && <FaultAlert fault={asProblem(error)} title="The choices could not be checked" />}
        {creation.error && (
          <FaultAlert fault={asProblem(creation.error)} title="The cluster was not created" />
        )}
        <div role="status" aria-live="polite" className="visually-hidden">
          {pressed && current && blocking.length > 0
            ? `${plural(blocking.length, "thing")} to mend`
            : ""}
        </div>
        <div className="step-foot">
          {before ? (
            <Button
              variant="default"
              leftSection={<IconArrowLeft size={16} />}
              component={Link}
              to={`/clusters/new/${before.slug}`}
            >
              Back
            </Button>
          ) : (
            <Button variant="default" component={Link} to="/clusters">
              Cancel
            </Button>
          )}
          {next ? (
            <>
              <Button
                type="submit"
                rightSection={<IconArrowRight size={16} />}
                loading={checking || (!state.ready && !state.error)}
              >
                Next
              </Button>
              {next.slug !== "review" && (
                <Button
                  variant="subtle"
                  component={Link}
                  to="/clusters/new/review"
                  className="push"
                >
                  Review and create
                </Button>
              )}
            </>
          ) : (
            <Button
              variant="subtle"
              color="gray"
              className="push"
              onClick={() => {
                state.reset();
                void navigate("/clusters/new");
              }}
            >
              Start again
            </Button>
          )}
        </div>
      </form>
    </div>
  );
}

export function Wizard() {
  const {step} = useParams();
  const {may} = useMe();
  const capabilities = useCapabilities();
  const known = steps.find((each) => each.slug === step);
  if (!may.manageClusters) return <Navigate to="/clusters" replace />;
  if (!known) return <Navigate to={`/clusters/new/${steps[0].slug}`} replace />;
  return (
    <>
      <Title>{`${known.title} · Create cluster`}</Title>
      <div className="page-head">
        <h1>Create cluster</h1>
      </div>
      <Loaded of={capabilities}>{() => <Step slug={known.slug} />}</Loaded>
    </>
  );
}
