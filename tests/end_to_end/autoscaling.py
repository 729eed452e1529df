"""A cluster that follows demand: real containers, real Slurm, from nothing to many and back. The
general type is one that the cloud offers and has none of, so that the next one of the list is
taken, and that one it has on demand alone; cards are rehearsed."""
import os
import re
import time

from rig.api import until
from rig.cloud import LocalCloud
from rig.installation import DISK_GB, GROUP, HOST_LINKS, Installation
from rig.steps import Life, expect

LIFE = Life()
SCARCE, GENERAL, GPU = "Standard_B1s", "Standard_B1ms", "Standard_NC4as_T4_v3"
SPOT = "Standard_B2s"
WAIT_S = 2
MOST = 4
# Each takes MOST workers away from under what they have just written.
WRITE_ROUNDS = int(os.environ.get("HOPYARD_WRITE_ROUNDS", "3"))


class Facts:
    """What later steps need of earlier ones."""

    def __init__(self, here: Installation):
        self.here = here
        self.id = ""

    def head(self, command: str, timeout: float = 60) -> str:
        return self.here.ssh(self.here.api.cluster(self.id), command, timeout)

    def submit(self, options: str, command: str) -> str:
        return self.head(f"sbatch --parsable -o /dev/null {options} --wrap '{command}'").strip()

    def run_on_one(self, command: str, *options: str) -> tuple[str, dict]:
        """A small job, once it runs, and the only worker that there is."""
        job = self.submit(" ".join(["-n1 --mem=100", *options]), command)
        until(lambda: self.state(job) == "RUNNING", 40, "it runs", pause=0.1)
        return job, self.until_workers(1)[0]

    def state(self, job: str) -> str:
        """RUNNING, PENDING, COMPLETED …; of an array one word for each task that is known."""
        told = self.head(f"scontrol -o show job {job}")
        return " ".join(re.findall(r"JobState=(\w+)", told))

    def workers(self, instance_type: str = "") -> list[dict]:
        return [node for node in self.here.api.cluster(self.id)["nodes"] if node["role"] == "worker"
                and instance_type in ("", node["instanceType"])]

    def until_workers(self, count: int, timeout: float = 40) -> list[dict]:
        def look():
            found = self.workers()
            good = len(found) == count and all(node["phase"] == "ready" for node in found)
            return found or True if good else None
        try:
            until(look, timeout, f"{count} workers", pause=0.1)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; {self.here.summary(self.id)}") from None
        return self.workers()

    def codes(self) -> list[str]:
        return [entry["code"] for entry in self.here.api.activity(self.id)]


def group(instance_type: str, most: int, **more) -> dict:
    return {"instanceType": instance_type, "diskGb": DISK_GB, "minWorkers": 0, "maxWorkers": most,
            "standbyWorkers": 0, "downscaleWaitSeconds": WAIT_S, **more}


@LIFE.step("a cluster with an autoscaled minimum of 0 runs with its head alone")
def create(facts: Facts):
    here = facts.here
    here.up("--rehearse-gpus", "--scarce", SCARCE, "--scarce-spot", GENERAL)
    here.prepare()
    facts.id = here.create("follows", 0, autoscale={
        "general": group(SCARCE, MOST, fallbackTypes=[GENERAL]), "gpu": group(GPU, 1)})
    here.wait(facts.id, "running")
    expect(facts.workers() == [], facts.workers())


@LIFE.step("a job that waits brings a worker, of the next type when the cloud has none of the first")
def first_job(facts: Facts):
    began = time.monotonic()
    job = facts.submit("-n1 --mem=100", "true")
    until(lambda: facts.state(job) == "COMPLETED", 30, "the job ends", pause=0.1)
    print(f"      submitted to ended: {time.monotonic() - began:.2f} s", flush=True)
    expect("type_rests" in facts.codes(), facts.codes())
    facts.until_workers(0)


@LIFE.step("a job that is waited for starts on the worker made for it")
def request_to_running(facts: Facts):
    # Both clocks are this machine's.
    told = facts.head("date +%s.%N; srun -n1 --mem=100 date +%s.%N")
    submitted, started = map(float, told.split())
    print(f"      submitted to started: {started - submitted:.2f} s", flush=True)
    expect(submitted < started, told)
    facts.until_workers(0)


@LIFE.step("a changed disk rolls over: the minimum is ready anew before the old worker goes")
def roll_over(facts: Facts):
    policy = {"general": group(GENERAL, 2, minWorkers=1)}
    autoscale = f"/v1/clusters/{facts.id}/autoscale"
    facts.here.api.put(autoscale, policy)
    old = facts.until_workers(1)[0]["id"]
    job = facts.submit("-n1 --mem=100", "sleep 6")
    until(lambda: facts.state(job) == "RUNNING", 30, "it runs", pause=0.1)
    policy["general"]["diskGb"] = DISK_GB + 2
    facts.here.api.put(autoscale, policy)
    fresh = []

    def rolled():
        workers = facts.workers()
        fresh[:] = [node["id"] for node in workers
                    if node["id"] != old and node["phase"] == "ready"]
        leaves = [node for node in workers if node["outdated"] and node["phase"] == "draining"]
        expect(fresh or not leaves, f"the old one leaves first: {workers}")
        return fresh and leaves
    until(rolled, 20, "the new worker is ready and the old one drains", pause=0.05)
    expect(facts.state(job) == "RUNNING", "its work goes on")
    until(lambda: facts.state(job) == "COMPLETED", 20, "the job ends", pause=0.1)
    expect([node["id"] for node in facts.until_workers(1)] == fresh, facts.workers())
    facts.here.api.put(autoscale, {"general": group(GENERAL, MOST), "gpu": group(GPU, 1)})
    facts.until_workers(0)


@LIFE.step("a burst of 50 jobs grows the group to its maximum; the end of the last shrinks it to 0")
def burst(facts: Facts):
    began = time.monotonic()
    job = facts.submit("--array=1-50 -n1 --mem=100", "sleep 1")
    until(lambda: len(facts.workers(GENERAL)) == MOST, 20, "the group is at its maximum", pause=0.1)
    expect(facts.workers(GPU) == [], "no worker with cards")
    until(lambda: set(facts.state(job).split()) == {"COMPLETED"}, 90, "all have ended", pause=0.5)
    print(f"      50 jobs of a second on {MOST} workers: {time.monotonic() - began:.1f} s", flush=True)
    facts.until_workers(0)


@LIFE.step("a job for a card grows the GPU group alone, and sees its card")
def gpu_job(facts: Facts):
    told = facts.head("srun --gres=gpu:1 -n1 --mem=100 sh -c 'echo card $CUDA_VISIBLE_DEVICES'", 60)
    expect(told.startswith("card 0"), told)
    expect([node["instanceType"] for node in facts.workers()] == [GPU], facts.workers())
    facts.until_workers(0)


@LIFE.step("a job that no worker could ever hold is named once and buys nothing")
def hopeless(facts: Facts):
    job = facts.submit(f"-N {MOST + 3} --mem=100", "true")
    until(lambda: "request_never_met" in facts.codes(), 15, "it is named")
    time.sleep(2)
    expect(facts.codes().count("request_never_met") == 1, facts.codes())
    expect(facts.workers() == [], facts.workers())
    facts.head(f"scancel {job}")


@LIFE.step("a long job survives ten rounds of scale-down around it")
def long_job(facts: Facts):
    job, worker = facts.run_on_one("sleep 600")
    holder = worker["id"]
    for number in range(10):
        other = facts.submit("-n1 --mem=100", "true")
        until(lambda: facts.state(other) == "COMPLETED", 40, f"job {number} ends", pause=0.1)
        facts.until_workers(1)
        expect([node["id"] for node in facts.workers()] == [holder], facts.workers())
    shown = facts.head(f"scontrol -o show job {job}")
    expect("JobState=RUNNING" in shown and "Restarts=0" in shown, shown)
    facts.head(f"scancel {job}")
    facts.until_workers(0)


@LIFE.step("the adaptive mode serves jobs as they come, and lets go at once what is not worth keeping")
def adaptive(facts: Facts):
    facts.here.run("autoscale", "set", "follows", "--mode", "adaptive", "--wait", "3600")
    for number in range(3):
        job = facts.submit("-n1 --mem=100", "true")
        until(lambda: facts.state(job) == "COMPLETED", 40, f"job {number} ends", pause=0.1)
    facts.until_workers(0)
    told = facts.here.run("autoscale", "explain", "follows", "-n", "20").stdout
    expect("(worth): as often as workers are wanted here" in told, told)
    facts.here.run("autoscale", "set", "follows", "--mode", "standard", "--wait", str(WAIT_S))


def spot_group(facts: Facts, instance_type: str, **spot) -> None:
    facts.here.api.put(f"/v1/clusters/{facts.id}/autoscale",
                       {"general": group(instance_type, 2, spot=spot)})


@LIFE.step("a spot group whose type the cloud has no spot machine of falls back on demand")
def spot_fallback(facts: Facts):
    spot_group(facts, GENERAL, maxPricePercent=60, fallBackOnDemand=True)
    _, worker = facts.run_on_one("sleep 2")
    expect(not worker["spot"] and not worker["outdated"], worker)
    told = [entry["message"] for entry in facts.here.api.activity(facts.id)
            if entry["code"] == "type_rests"]
    expect(told[-1].startswith(f"{GENERAL} as a spot machine"), told)
    facts.until_workers(0)


@LIFE.step("a spot worker that is evicted is told as such, and its job begins again on another")
def eviction(facts: Facts):
    spot_group(facts, SPOT, maxPricePercent=60, fallBackOnDemand=False)
    job, first = facts.run_on_one("sleep 5", "--requeue")
    expect(first["spot"], first)
    cloud = LocalCloud(facts.here.cloud_state)
    shown = cloud.machine(GROUP, first["id"])
    expect((shown["priority"], shown["evictionPolicy"]) == ("Spot", "Delete"), shown)
    expect(shown["billingProfile"]["maxPrice"] > 0, shown)
    given_up = facts.codes().count("worker_given_up")
    began = time.monotonic()
    cloud.evict(GROUP, first["id"])
    until(lambda: "worker_evicted" in facts.codes(), 60, "it is told", pause=0.2)
    print(f"      evicted to told: {time.monotonic() - began:.1f} s", flush=True)
    until(lambda: facts.state(job) == "COMPLETED", 120, "the job ends on another", pause=0.3)
    print(f"      evicted to ended: {time.monotonic() - began:.1f} s", flush=True)
    expect("Restarts=1" in facts.head(f"scontrol -o show job {job}"), "it began again")
    expect(facts.codes().count("worker_given_up") == given_up, facts.codes())
    facts.until_workers(0)
    facts.here.api.put(f"/v1/clusters/{facts.id}/autoscale", {"general": group(GENERAL, MOST)})


@LIFE.step("no byte is lost that a job wrote to /data before its worker left")
def no_byte_lost(facts: Facts):
    for number in range(WRITE_ROUNDS):
        job = facts.submit(f"--array=1-{MOST} -n1 --exclusive",
                           f"{text_of(number, '$SLURM_ARRAY_TASK_ID')} "
                           f">/data/{number}-$SLURM_ARRAY_TASK_ID")
        until(lambda: set(facts.state(job).split()) == {"COMPLETED"}, 60, "all wrote", pause=0.3)
        facts.until_workers(0)
        if (number + 1) % 25 == 0:
            print(f"      {(number + 1) * MOST} workers taken", flush=True)
    for number in range(WRITE_ROUNDS):
        same = " && ".join(f"{text_of(number, task)} | cmp - /data/{number}-{task}"
                           for task in range(1, MOST + 1))
        until(lambda: facts.head(f"{same} && echo whole || true") == "whole\n", 20,
              f"what round {number} wrote is whole", pause=0.5)


def text_of(number: int, task) -> str:
    """What prints some megabytes, other ones for each file."""
    return f"yes \"round {number} task {task}\" | head -c 3000000"


def live() -> None:
    with Installation("autoscaling") as here:
        LIFE.live(Facts(here))
