import {Button} from "@mantine/core";
import {
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRotateClockwise,
  IconTrash,
} from "@tabler/icons-react";
import {useState} from "react";
import type {Cluster} from "../api/client";
import {useAct, useMe, type Act} from "../api/queries";
import {actsOf, workersOf} from "../pure/words";
import {Confirm} from "./confirm";

/** Stop, Start, Restart, Retry and Terminate: those that make sense now, for those who may. */
export function Acts({cluster, few}: {cluster: Cluster; few?: boolean}) {
  const {may} = useMe();
  const act = useAct(cluster.id);
  const [asked, setAsked] = useState<Act | null>(null);
  const can = actsOf(cluster);
  if (!may.manageClusters) return null;
  const jobs = workersOf(cluster).reduce((sum, node) => sum + node.jobs, 0);
  const size = few ? "xs" : "sm";
  return (
    <>
      <div className="row tight">
        {can.retry && (
          <Button
            size={size}
            leftSection={<IconRefresh size={16} />}
            onClick={() => act.mutate("retry")}
          >
            Retry
          </Button>
        )}
        {can.start && (
          <Button
            size={size}
            leftSection={<IconPlayerPlay size={16} />}
            onClick={() => act.mutate("start")}
          >
            Start
          </Button>
        )}
        {can.stop && (
          <Button
            size={size}
            variant="default"
            leftSection={<IconPlayerStop size={16} />}
            onClick={() => setAsked("stop")}
          >
            Stop
          </Button>
        )}
        {can.restart && !few && (
          <Button
            size={size}
            variant="default"
            leftSection={<IconRotateClockwise size={16} />}
            onClick={() => setAsked("restart")}
          >
            Restart
          </Button>
        )}
        {can.terminate && (
          <Button
            size={size}
            variant="default"
            leftSection={<IconTrash size={16} />}
            onClick={() => setAsked("terminate")}
          >
            Terminate
          </Button>
        )}
      </div>
      {asked === "stop" && (
        <Confirm
          title={`Stop ${cluster.name}?`}
          act="Stop cluster"
          onDone={() => act.mutate("stop")}
          onClose={() => setAsked(null)}
        >
          <p>The head is stopped and the workers are deleted. Data stays in the container.</p>
          <p>
            {jobs > 0
              ? `${jobs === 1 ? "1 job is running; it goes" : `${jobs} jobs are running; they go`} back to the queue`
              : "Running jobs go back to the queue"}{" "}
            and begin again after the next start. The same workers come back then.
          </p>
        </Confirm>
      )}
      {asked === "restart" && (
        <Confirm
          title={`Restart ${cluster.name}?`}
          act="Restart cluster"
          onDone={() => act.mutate("restart")}
          onClose={() => setAsked(null)}
        >
          <p>
            Every machine restarts in place, the head first. Addresses and data stay; running jobs
            go back to the queue.
          </p>
        </Confirm>
      )}
      {asked === "terminate" && (
        <Confirm
          title={`Terminate ${cluster.name}?`}
          act="Terminate cluster"
          tick={`I understand that ${cluster.name} cannot be brought back`}
          danger
          onDone={() => act.mutate("terminate")}
          onClose={() => setAsked(null)}
        >
          <p>
            Everything that was made for this cluster is deleted: machines, disks, addresses and
            networks. The container{" "}
            <code>{cluster.container || cluster.spec.storage.container}</code> and whatever you
            brought stay.
          </p>
        </Confirm>
      )}
    </>
  );
}
