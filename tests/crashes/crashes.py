"""Twenty sudden deaths over five lives of a cluster: the control plane, the local cloud, a machine's
first process (which is hopyard-node, and the machine is dead), in turn, each at a random moment of
creating, working, resizing or ending. The lives go on side by side, each in an installation of its
own: most of the time is spent waiting until a cloud's word counts as final.

After each, whoever runs the product starts what ended ('hopyard up'), nobody does anything else, and
within a minute things must be as they were wanted: nothing doubled, nothing left, and no job lost
that its worker still runs, however short before it was submitted. HOPYARD_SEED repeats the choices, though not the machine's own timing.
"""
import os
import random
import signal
import subprocess
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rig.api import Problem, until
from rig.cloud import LocalCloud
from rig.installation import GROUP, Installation
from rig.steps import expect

CONVERGES_WITHIN = 60
LIVES = 5
LIVES_AT_ONCE = 3
MOMENTS = 4
PROGRAMS = ["control", "cloud", "node"]
JOB_SECONDS = 14  # still at work when somebody dies within
SLURM_WRITES_WITHIN = 0.5
DIES_WITHIN = 5  # what a job has run at most, after which Slurm's own pace would have written of it


@dataclass
class Cluster:
    here: Installation
    cloud: LocalCloud
    id: str
    workers: int
    name: str = "life"
    slowest: dict[str, float] = field(default_factory=dict)

    def say(self, what: str) -> None:
        print(f"{self.name}: {what}", flush=True)


def a_machine(cluster: Cluster, role: str, choice: random.Random) -> tuple[str, int]:
    """A machine of that role, as soon as there is one, and its first process."""
    here = cluster.here

    def living():
        found = {}
        for process in here.traces().first_processes():
            if name := machine_of(process):
                found[name] = process
        return [(name, number) for name, number in sorted(found.items())
                if ("-head" in name) == (role == "head")]
    return choice.choice(until(living, 10, f"a machine of a {role}"))


def dead_machine(cluster: Cluster, role: str, choice: random.Random) -> str:
    """kill -9 of its first process: the machine is dead then. Its name."""
    name, process = a_machine(cluster, role, choice)
    os.kill(process, signal.SIGKILL)
    return name


def machine_of(process: int) -> str:
    """The host name of the machine it lives in: a node's id."""
    told = subprocess.run(["nsenter", "-t", str(process), "--uts", "hostname"], text=True,
                          capture_output=True)
    return told.stdout.strip() if told.returncode == 0 else ""


def kill(cluster: Cluster, victim: str, choice: random.Random) -> str:
    """What died: "control", "cloud", or a machine's name."""
    if victim in ("control", "cloud"):
        cluster.here.kill(victim)
        return victim
    return dead_machine(cluster, victim, choice)


def as_wanted(cluster: Cluster) -> list[str]:
    """What is not as it should be, of a cluster that is wanted running."""
    here = cluster.here
    shown = here.api.cluster(cluster.id)
    nodes = {node["id"]: node for node in shown["nodes"]}
    workers = [node for node in nodes.values() if node["role"] == "worker"]
    wrong = []
    if shown["phase"] != "running":
        wrong.append(f"phase {shown['phase']} ({shown['stage']}) {shown['problem']}")
    if len(workers) != cluster.workers or len(nodes) != cluster.workers + 1:
        wrong.append(f"nodes {sorted(nodes)}")
    wrong += [f"{name} is {node['phase']} ({node['stage']})" for name, node in nodes.items()
              if node["phase"] != "ready"]
    if wrong:
        return wrong
    machines = cluster.cloud.machines(GROUP, cluster.id)
    if machines != dict.fromkeys(nodes, "running"):
        wrong.append(f"machines {machines}")
    living = sorted(machine_of(process) for process in here.traces().first_processes())
    if living != sorted(nodes):
        wrong.append(f"first processes of {living}")
    containers = here.traces().containers()
    if len(containers) != len(nodes):
        wrong.append(f"containers {containers}")
    kinds = [resource["type"].rsplit("/")[-1] for resource in cluster.cloud.resources(cluster.id)]
    for kind in ("virtualMachines", "networkInterfaces"):
        if kinds.count(kind) != len(nodes):
            wrong.append(f"{kinds.count(kind)} {kind}")
    told = here.ssh(shown, "sinfo -h -N -o '%n %T'", check=False).splitlines()
    at_work = {line.split()[0] for line in told if line.split()[1] in ("idle", "allocated", "mixed")}
    if at_work != {node["id"] for node in workers}:
        wrong.append(f"Slurm says {told}")
    return wrong


def converge(cluster: Cluster, what: str, began: float, wrong_now) -> None:
    """Starts what ended, and waits until nothing is wrong any more; `began`: when it died."""
    wrong = ["not looked at"]
    while time.monotonic() - began < CONVERGES_WITHIN:
        try:
            cluster.here.up()
            wrong = wrong_now()
        except (Problem, OSError) as error:  # one of them is on its way
            wrong = [str(error)]
        if not wrong:
            seconds = time.monotonic() - began
            cluster.slowest[what] = max(seconds, cluster.slowest.get(what, 0))
            cluster.say(f"as wanted again {seconds:.1f} s after {what} died")
            return
        time.sleep(0.1)
    raise AssertionError(f"not as wanted {CONVERGES_WITHIN} s after: {wrong}")


def gone(cluster: Cluster) -> list[str]:
    try:
        return [f"cluster is there: {cluster.here.summary(cluster.id)}"]
    except Problem as problem:
        if problem.status != 404:
            raise
    return ([f"resource {resource['id']}" for resource in cluster.cloud.resources()]
            + cluster.here.traces().of_clusters())


def submit(cluster: Cluster) -> dict[str, str]:
    """A job on each worker; job to worker. One that began within the last tenths of a second may be
    there twice for Slurm when its head comes back."""
    head = cluster.here.api.cluster(cluster.id)
    jobs = cluster.here.ssh(head, "; ".join(
        ["sbatch --parsable --requeue --exclusive -N1 -o /tmp/%j --wrap "
         f"'sleep {JOB_SECONDS}'"] * cluster.workers)).split()

    def placed():
        told = cluster.here.ssh(head, "squeue -h -t R -o '%i %N'").splitlines()
        return dict(line.split() for line in told) if len(told) == len(jobs) else None
    on = until(placed, 20, "every worker has a job")
    time.sleep(SLURM_WRITES_WITHIN)
    return on


def check_jobs(cluster: Cluster, jobs: dict[str, str], died: str) -> None:
    """Each job ends well; where its worker lived through it, it ran only once."""
    head = cluster.here.api.cluster(cluster.id)
    for job, worker in jobs.items():
        def ended():
            told = cluster.here.ssh(head, f"scontrol -o show job {job}", check=False)
            return told if "JobState=COMPLETED" in told else None
        told = until(ended, CONVERGES_WITHIN, f"job {job} of {worker} ends", pause=0.3)
        if worker != died:
            expect("Restarts=0" in told and f"NodeList={worker} " in told,
                   f"job {job} ran on {worker}, which lived, and still: {told}")


class Moments:
    """What goes on when something dies. Each asks for a change and says when to look again."""

    def __init__(self, cluster: Cluster, choice: random.Random):
        self.cluster = cluster
        self.choice = choice

    def die(self, victim: str, within: float, moment: str, wrong_now) -> str:
        time.sleep(self.choice.uniform(0, within))
        died = kill(self.cluster, victim, self.choice)
        self.cluster.say(f"{moment}: {died} killed")
        converge(self.cluster, victim, time.monotonic(), wrong_now)
        return died

    def creating(self, victim: str) -> None:
        self.die(victim, 1.5, "creating", lambda: as_wanted(self.cluster))

    def working(self, victim: str) -> None:
        jobs = submit(self.cluster)
        died = self.die(victim, DIES_WITHIN, "working", lambda: as_wanted(self.cluster))
        check_jobs(self.cluster, jobs, died)

    def resizing(self, victim: str) -> None:
        api, more = self.cluster.here.api, self.choice.random() < 0.5
        group = {**self.cluster.here.specification("", 1)["workers"][0]}
        api.post(f"/v1/clusters/{self.cluster.id}/workers/{'add' if more else 'remove'}",
                 {"workers": [group]})
        self.cluster.workers += 1 if more else -1
        self.die(victim, 0.6, "one more" if more else "one less", lambda: as_wanted(self.cluster))

    def ending(self, victim: str) -> None:
        def end() -> None:
            self.cluster.here.api.delete(f"/v1/clusters/{self.cluster.id}")
        if victim in ("control", "cloud"):
            end()
            self.die(victim, 0.3, "terminating", lambda: gone(self.cluster))
            return
        # A cluster ends within tenths of a second: who is to die must be known before.
        name, process = a_machine(self.cluster, victim, self.choice)
        # It must die in the same moment in which that is asked for: a little later it is gone.
        asking = threading.Thread(target=end)
        asking.start()
        os.kill(process, signal.SIGKILL)
        asking.join()
        self.cluster.say(f"terminating: {name} killed")
        converge(self.cluster, victim, time.monotonic(), lambda: gone(self.cluster))


def victims(choice: random.Random) -> list[list[str]]:
    """For each life, who dies at each of its moments: the three programs in turn."""
    turn = choice.randrange(len(PROGRAMS))
    order = [PROGRAMS[(turn + number) % len(PROGRAMS)] for number in range(LIVES * MOMENTS)]
    order = [choice.choice(["head", "worker"]) if one == "node" else one for one in order]
    return [order[first:first + MOMENTS] for first in range(0, len(order), MOMENTS)]


def live_once(number: int, order: list[str], seed: int) -> dict[str, float]:
    """Who died, and the longest it took until everything was as wanted."""
    choice = random.Random(seed * 1000 + number)
    with Installation("crashes") as here:
        here.up()
        here.prepare()
        cluster = Cluster(here, LocalCloud(here.cloud_state), "", 2, f"life {number}")
        cluster.say(", ".join(order))
        cluster.id = here.create(f"life-{number}", cluster.workers)
        moments = Moments(cluster, choice)
        for moment, victim in zip((moments.creating, moments.working, moments.resizing,
                                   moments.ending), order):
            moment(victim)
        return cluster.slowest


def live(seed: int) -> None:
    lives = list(enumerate(victims(random.Random(seed)), 1))
    with ThreadPoolExecutor(LIVES_AT_ONCE) as pool:
        ends = [pool.submit(live_once, number, order, seed) for number, order in lives]
    failures = [end.exception() for end in ends if end.exception()]
    for failure in failures:
        traceback.print_exception(failure)
    slowest: dict[str, float] = {}
    for end in ends:
        for who, seconds in ({} if end.exception() else end.result()).items():
            slowest[who] = max(seconds, slowest.get(who, 0))
    print("the slowest: "
          + ", ".join(f"{who} {seconds:.1f} s" for who, seconds in sorted(slowest.items())))
    if failures:
        raise AssertionError(f"{len(failures)} of {len(lives)} lives failed")
