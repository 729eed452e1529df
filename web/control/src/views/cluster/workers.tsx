import {Button, Modal} from "@mantine/core";
import {useState, type ReactNode} from "react";
import {api, done, type Cluster, type WorkerGroup} from "../../api/client";
import {useChange, useSizes} from "../../api/queries";
import {asProblem, FaultAlert} from "../../parts/bits";
import {duration, plural} from "../../pure/words";
import {SizePicker, WholeNumber} from "../wizard/fields";

interface FormProps {
  cluster: Cluster;
  onClose: () => void;
}

interface PagesProps {
  title: string;
  act: string;
  ready: boolean;
  pending: boolean;
  error: Error | null;
  review: ReactNode;
  send: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A form of two pages: what is chosen, then what comes of it. */
export function TwoPages({
  title,
  act,
  ready,
  pending,
  error,
  review,
  send,
  onClose,
  children,
}: PagesProps) {
  const [reviewing, setReviewing] = useState(false);
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      centered
      title={<strong>{title}</strong>}
      closeButtonProps={{"aria-label": "Close"}}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (reviewing) send();
          else if (ready) setReviewing(true);
        }}
      >
        <p className="dim small">{reviewing ? "2 of 2: review" : "1 of 2: choose"}</p>
        {reviewing ? review : children}
        {error && <FaultAlert fault={asProblem(error)} title="Nothing was changed" />}
        <div className="row" style={{justifyContent: "flex-end"}}>
          <Button variant="default" onClick={reviewing ? () => setReviewing(false) : onClose}>
            {reviewing ? "Back" : "Cancel"}
          </Button>
          <Button type="submit" disabled={!ready} loading={pending}>
            {reviewing ? act : "Next"}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

export function AddWorkers({cluster, onClose}: FormProps) {
  const sizes = useSizes(cluster.spec.location ?? "", cluster.spec.cloudAccount);
  const model = cluster.spec.workers?.[0];
  const [count, setCount] = useState(1);
  const [type, setType] = useState(model?.instanceType ?? cluster.spec.head.instanceType);
  const [disk, setDisk] = useState(model?.diskGb ?? cluster.spec.head.diskGb ?? 30);
  const add = useChange((_: void) =>
    done(
      api.POST("/v1/clusters/{id}/workers/add", {
        params: {path: {id: cluster.id}},
        body: {workers: [{instanceType: type, diskGb: disk, count}]},
      }),
    ),
  );
  const before = (cluster.spec.workers ?? []).reduce((sum, group) => sum + (group.count ?? 0), 0);
  return (
    <TwoPages
      title="Add workers"
      act="Add workers"
      ready={count > 0 && type !== ""}
      pending={add.isPending}
      error={add.error}
      send={() => add.mutate(undefined, {onSuccess: onClose})}
      onClose={onClose}
      review={
        <dl className="facts">
          <dt>Added</dt>
          <dd>
            {count} × {type}, {disk} GB
          </dd>
          <dt>Workers then</dt>
          <dd>{before + count}</dd>
        </dl>
      }
    >
      <div className="two">
        <WholeNumber
          label="Number of workers"
          value={count}
          min={1}
          max={1000}
          onChange={setCount}
        />
        <WholeNumber
          label="Local storage of each"
          value={disk}
          min={4}
          suffix=" GB"
          onChange={setDisk}
        />
      </div>
      <SizePicker label="Instance type" value={type} sizes={sizes.data ?? []} onChange={setType} />
    </TwoPages>
  );
}

export function RemoveWorkers({cluster, onClose}: FormProps) {
  const groups = (cluster.spec.workers ?? []).filter((group) => (group.count ?? 0) > 0);
  const [counts, setCounts] = useState<number[]>(() => groups.map(() => 0));
  const chosen = groups
    .map((group, index): WorkerGroup => ({...group, count: counts[index] ?? 0}))
    .filter((group) => (group.count ?? 0) > 0);
  const total = chosen.reduce((sum, group) => sum + (group.count ?? 0), 0);
  const remove = useChange((_: void) =>
    done(
      api.POST("/v1/clusters/{id}/workers/remove", {
        params: {path: {id: cluster.id}},
        body: {workers: chosen},
      }),
    ),
  );
  const wait = cluster.spec.drainTimeoutSeconds;
  return (
    <TwoPages
      title="Remove workers"
      act="Remove workers"
      ready={total > 0}
      pending={remove.isPending}
      error={remove.error}
      send={() => remove.mutate(undefined, {onSuccess: onClose})}
      onClose={onClose}
      review={
        <>
          <dl className="facts">
            {chosen.map((group) => (
              <div key={`${group.instanceType}${group.diskGb}`} style={{display: "contents"}}>
                <dt>Removed</dt>
                <dd>
                  {group.count} × {group.instanceType}, {group.diskGb} GB
                </dd>
              </div>
            ))}
          </dl>
          <p>
            Idle workers go first. {plural(total, "worker")} {total === 1 ? "takes" : "take"} no new
            jobs from now on
            {wait === "never"
              ? " and is removed once its jobs have ended."
              : `; running jobs have ${duration(Number(wait ?? 900) * 1000)} to end.`}
          </p>
        </>
      }
    >
      {groups.map((group, index) => (
        <WholeNumber
          key={`${group.instanceType}${group.diskGb}`}
          label={`${group.instanceType}, ${group.diskGb} GB`}
          description={`${group.count} now`}
          value={counts[index] ?? 0}
          min={0}
          max={group.count}
          onChange={(count) => setCounts(counts.map((each, at) => (at === index ? count : each)))}
        />
      ))}
    </TwoPages>
  );
}
