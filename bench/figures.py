"""The figures, each with what it is measured against. Baselines are taken in the same run, because
what a machine can do depends on the machine and on what else it does.

A figure that needs a running installation shares one: it is started when the first of them asks.
"""
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bare_cluster import BareCluster
from load_figures import Heads, Lists
from process import cpu_seconds, memory_kib
from rig.api import until
from rig.installation import BIN, DISK_GB, IMAGE, ROOT, SIZE, Installation

WORKERS_AT_ONCE = 10


@dataclass(frozen=True)
class Figure:
    name: str
    what: str
    unit: str
    bound: str  # "at most" or "at least"
    limit: float
    measure: Callable
    baseline: Callable | None = None


class Bench:
    """What the figures of one run share; gone with everything it started."""

    def __init__(self, runs: int):
        self.runs = runs
        self.notes: dict[str, object] = {}
        self._stack = ExitStack()
        self._installation: Installation | None = None
        self._bare: dict[str, float] | None = None
        self.serial = 0

    def __enter__(self):
        self._stack.__enter__()
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    def installation(self) -> Installation:
        if self._installation is None:
            here = self._stack.enter_context(Installation("bench"))
            here.up()
            here.prepare()
            self._installation = here
        return self._installation

    def bare(self) -> dict[str, float]:
        """Medians of starting three, one and ten machines by script."""
        if self._bare is None:
            times: dict[str, list[float]] = {"three": [], "one": [], "ten": []}
            for _ in range(max(3, self.runs)):
                with BareCluster(IMAGE / "rootfs") as cluster:
                    times["three"].append(cluster.start(["head", "w1", "w2"]))
                    times["one"].append(cluster.start(["w3"]))
                    times["ten"].append(
                        cluster.start([f"x{i}" for i in range(WORKERS_AT_ONCE)]))
            self._bare = {name: statistics.median(all_of) for name, all_of in times.items()}
            self.notes["bare"] = times
        return self._bare

    def cluster(self, workers: int) -> tuple[str, float]:
        """A new cluster, and the seconds from its POST to running."""
        here = self.installation()
        self.serial += 1
        began = time.monotonic()
        cluster = here.create(f"bench-{self.serial}", workers)
        here.wait(cluster, "running")
        return cluster, time.monotonic() - began

    def end(self, cluster: str) -> None:
        here = self.installation()
        here.api.delete(f"/v1/clusters/{cluster}")
        here.wait_gone(cluster)

    def median(self, name: str, measure: Callable[[], float]) -> float:
        times = [measure() for _ in range(self.runs)]
        self.notes[name] = times
        return statistics.median(times)


def post_to_running(bench: Bench) -> float:
    def once() -> float:
        cluster, seconds = bench.cluster(workers=2)
        bench.notes["timeline"] = timeline(bench.installation(), cluster)
        bench.end(cluster)
        return seconds
    return bench.median("post_to_running", once)


def timeline(here: Installation, cluster: str) -> list[str]:
    return [f"{entry['at']} {entry['node']} {entry['message']}"
            for entry in here.api.activity(cluster)]


def idle_workers(here: Installation, cluster: str) -> set[str]:
    """As Slurm on the head says."""
    told = here.ssh(here.api.cluster(cluster), "sinfo -h -N -o '%n %T'").splitlines()
    return {line.split()[0] for line in told if line.endswith(" idle")}


def added(bench: Bench, count: int) -> float:
    """Request to the last of the new workers idle in Slurm, as the head reports it: what the API
    calls ready is checked against Slurm itself afterwards."""
    here = bench.installation()
    cluster, _ = bench.cluster(workers=1)
    # Small ones: ten of them and their cluster fit into the memory of a machine of 24 GiB.
    group = {**here.specification("", 0)["workers"][0], "instanceType": "Standard_B1s",
             "count": count}

    def ready():
        nodes = here.api.cluster(cluster)["nodes"]
        workers = [node for node in nodes if node["role"] == "worker"]
        return len(workers) == count + 1 and all(
            node["phase"] == "ready" and node["workloadState"] == "idle" for node in workers)
    began = time.monotonic()
    here.api.post(f"/v1/clusters/{cluster}/workers/add", {"workers": [group]})
    until(ready, 60, f"{count} more workers are ready")
    seconds = time.monotonic() - began
    idle = idle_workers(here, cluster)
    if len(idle) != count + 1:
        raise AssertionError(f"called ready, but idle in Slurm are only {sorted(idle)}")
    bench.end(cluster)
    return seconds


def one_worker(bench: Bench) -> float:
    return bench.median("one_worker", lambda: added(bench, 1))


def ten_workers(bench: Bench) -> float:
    return bench.median("ten_workers", lambda: added(bench, WORKERS_AT_ONCE))


def job_start(bench: Bench) -> float:
    """A job is submitted for which no worker is there, to its start on a new one, by the clock that
    the machines share."""
    here = bench.installation()
    bench.serial += 1
    group = {"instanceType": SIZE, "diskGb": DISK_GB, "maxWorkers": 1, "standbyWorkers": 0,
             "downscaleWaitSeconds": 0}
    cluster = here.create(f"bench-{bench.serial}", 0, autoscale={"general": group})
    here.wait(cluster, "running")

    def once() -> float:
        told = here.ssh(here.api.cluster(cluster),
                        "date +%s.%N; srun -n1 --mem=100 date +%s.%N", 60)
        submitted, started = map(float, told.split())
        until(lambda: len(here.api.cluster(cluster)["nodes"]) == 1, 40, "the worker has left")
        return started - submitted
    seconds = bench.median("job_start", once)
    bench.end(cluster)
    return seconds


def demand_known(bench: Bench) -> float:
    """A job is submitted that has to wait, until the API tells of it. The clock begins when sbatch
    has answered; the way back of that answer by ssh is part of what is measured."""
    here = bench.installation()
    cluster, _ = bench.cluster(workers=1)

    def submit(options: str) -> tuple[str, float]:
        told = here.ssh(here.api.cluster(cluster),
                        f"sbatch --parsable {options} --wrap 'sleep 600'; date +%s.%N").split()
        return told[0], float(told[1])

    def waiting() -> set[str]:
        demand = here.api.get(f"/v1/clusters/{cluster}/autoscale")["demand"]
        return {request["name"] for request in demand["requests"]} if demand else set()

    def once() -> float:
        job, submitted = submit("--mem=100")
        until(lambda: job in waiting(), 20, f"job {job} is known to wait")
        seconds = time.time() - submitted
        here.ssh(here.api.cluster(cluster), f"scancel {job}")
        until(lambda: job not in waiting(), 20, f"job {job} waits no more")
        return seconds
    submit("--exclusive --mem=0")
    seconds = bench.median("demand_known", once)
    bench.end(cluster)
    return seconds


def up_to_job(bench: Bench) -> float:
    """`./dev up` on a built tree, in a state of its own, to the output of the job on both workers."""
    folder = Path(tempfile.mkdtemp(prefix="hopyard-bench-up-"))
    folder.chmod(0o755)
    environment = {**os.environ, "HOPYARD_STATE": str(folder / "state"),
                   "XDG_CONFIG_HOME": str(folder / "config")}
    try:
        began = time.monotonic()
        done = subprocess.run([ROOT / "dev", "up"], env=environment, text=True,
                              capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        told = done.stdout + done.stderr
        tasks = set(re.findall(r"runs task (\d) of job", told))
        if done.returncode != 0 or tasks != {"0", "1"}:
            raise AssertionError(f"./dev up: exit code {done.returncode}, tasks {tasks}\n{told}")
        return seconds
    finally:
        subprocess.run([ROOT / "dev", "down", "--purge"], env=environment, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


class Resting:
    """`hopyard serve` with one cluster of two workers and nobody who asks."""

    @staticmethod
    def measure(bench: Bench) -> dict[str, float]:
        if "resting" not in bench.notes:
            here = bench.installation()
            cluster, _ = bench.cluster(workers=2)
            process = here.process("control")
            time.sleep(5)
            before = cpu_seconds(process)
            time.sleep(60)
            used = cpu_seconds(process) - before
            bench.notes["resting"] = {"memory": memory_kib(process) / 1024, "cpu": used / 60 * 100}
            bench.end(cluster)
        return bench.notes["resting"]  # type: ignore[return-value]


def full_build(bench: Bench) -> float:
    """Product and unit tests on two cores, from nothing and without a cache, in minutes."""
    folder = Path(tempfile.mkdtemp(prefix="hopyard-bench-build-"))
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    try:
        began = time.monotonic()
        for words in (["cmake", "--preset", "default", "-S", ROOT, "-B", folder],
                      ["cmake", "--build", folder, "-j", "2", "--target", "unit_tests",
                       "hopyard", "hopyard-cloud", "hopyard-node"]):
            done = subprocess.run(words, env=environment, text=True, capture_output=True)
            if done.returncode != 0:
                raise AssertionError(f"{words[0]} failed\n{done.stdout[-3000:]}")
        return (time.monotonic() - began) / 60
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulated_lives(bench: Bench) -> float:
    done = subprocess.run([BIN / "hopyard-sim", "--seeds", "400"], text=True, capture_output=True,
                          timeout=600)
    told = done.stdout + done.stderr
    found = re.search(r": ([\d.]+) lives/s", told)
    if done.returncode != 0 or not found:
        raise AssertionError(f"hopyard-sim: exit code {done.returncode}\n{told[-3000:]}")
    return float(found[1])


def decisions(bench: Bench) -> dict:
    """Milliseconds of one decision of the autoscaler, by size."""
    if "decisions" not in bench.notes:
        done = subprocess.run([BIN / "hopyard-bench-decide"], text=True, capture_output=True,
                              check=True, timeout=120)
        bench.notes["decisions"] = json.loads(done.stdout)
    return bench.notes["decisions"]


TRACES = Path(os.environ.get("HOPYARD_TRACES", ROOT.parent / "shared/traces"))


WHOLE_WORKERS, SHARED_WORKERS = "NASA-iPSC-1993-3.1-cln.swf.gz", "openb_pod_list_default.csv"


def quality(bench: Bench, boot: int, name: str = WHOLE_WORKERS) -> dict:
    """What both modes cost on the second half of a recorded workload, beside what others would."""
    note = f"quality {boot} {name}"
    if note not in bench.notes:
        trace = (TRACES / name).read_bytes()
        shared = name == SHARED_WORKERS
        done = subprocess.run(
            [BIN / "hopyard-bench-quality", "openb" if shared else "swf", str(boot)],
            input=trace if shared else gzip.decompress(trace), capture_output=True, check=True,
            timeout=600)
        told = json.loads(done.stdout)
        bench.notes[note] = told
        least = ("no policy without waiting is below" if shared else "optimum, without waiting,")
        print(f"  {name}, {boot} s to boot; worker hours and mean waiting of its second half:\n"
              f"    {least} {told['optimum_hours']} h; headroom of the family "
              f"{told['headroom_percent']} %\n"
              f"    standard {told['standard'][0]} h, {told['standard'][1]} s\n"
              f"    best of the family {told['family'][0]} h, {told['family'][1]} s (leaves after "
              f"{told['family_wait_s']} s, standby {told['family_standby']}); at the waiting of "
              f"adaptive it costs {told['family_same_wait_hours']} h\n"
              f"    adaptive {told['adaptive'][0]} h, {told['adaptive'][1]} s: closes "
              f"{told['gap_closed_percent']} % of the gap at the same waiting, "
              f"{told['gap_closed_with_waiting_percent']} % with waiting counted as workers")
    return bench.notes[note]


def quality_shared(bench: Bench) -> float:
    """In percent of what the best of the family costs at the same waiting."""
    told = quality(bench, 285, SHARED_WORKERS)
    return told["adaptive"][0] / told["family_same_wait_hours"] * 100


def packing(bench: Bench) -> float:
    """How many percent more workers than a proven bound, for all tasks of a GPU cluster at once."""
    trace = TRACES / SHARED_WORKERS
    done = subprocess.run([BIN / "hopyard-bench-quality", "packing"], input=trace.read_bytes(),
                          capture_output=True, check=True, timeout=120)
    told = json.loads(done.stdout)
    print(f"  {trace.name}: {told['tasks']} tasks in {told['workers']} workers; no packing needs "
          f"fewer than {told['bound']} (bound L2 of Martello and Toth, the largest of three "
          f"dimensions)")
    if told["unplaced"]:
        raise AssertionError(f"{told['unplaced']} tasks were not placed")
    return told["above_percent"]


FIGURES = [
    Figure("post_to_running", "POST to running, 1 head and 2 workers", "s", "at most", 3,
           post_to_running, lambda bench: bench.bare()["three"]),
    Figure("one_worker", "one more worker: request to idle in Slurm", "s", "at most", 1,
           one_worker, lambda bench: bench.bare()["one"]),
    Figure("ten_workers", "ten workers at once", "s", "at most", 3,
           ten_workers, lambda bench: bench.bare()["ten"]),
    Figure("job_start", "a job without a worker: submitted to started", "s", "at most", 2, job_start),
    Figure("demand_known", "a job that has to wait: submitted to known", "s", "at most", 1,
           demand_known),
    Figure("up_to_job", "./dev up on a built tree to job output", "s", "at most", 15, up_to_job),
    Figure("memory", "hopyard serve with one cluster, at rest: memory", "MB", "at most", 40,
           lambda bench: Resting.measure(bench)["memory"]),
    Figure("cpu", "the same: CPU over a minute", "%", "at most", 1,
           lambda bench: Resting.measure(bench)["cpu"]),
    Figure("simulation", "simulation, cluster lives per second and core", "1/s", "at least", 200,
           simulated_lives),
    Figure("decide_30000", "deciding: 30,000 requests, 1,000 workers", "ms", "at most", 100,
           lambda bench: decisions(bench)["requests_30000"]),
    Figure("decide_types", "deciding: 10,000 requests, 400 instance types", "ms", "at most", 50,
           lambda bench: decisions(bench)["types_400"]),
    Figure("decide_100000", "deciding: 100,000 requests, 10,000 workers", "ms", "at most", 1000,
           lambda bench: decisions(bench)["requests_100000"]),
    Figure("packing", "packing 8,152 tasks: workers above a proven bound", "%", "at most", 3,
           packing),
    Figure("quality_285", "adaptive: gap to the optimum closed, 285 s boots", "%", "at least", 50,
           lambda bench: quality(bench, 285)["gap_closed_percent"]),
    Figure("quality_30", "the same, 30 s boots", "%", "at least", 50,
           lambda bench: quality(bench, 30)["gap_closed_percent"]),
    Figure("quality_shared", "adaptive: cost where jobs share workers, of the family's", "%",
           "at most", 100, quality_shared),
    Figure("list_p99", "a page of 50 of 10,000 clusters, p99", "ms", "at most", 5,
           lambda bench: Lists.measure(bench)["list"]["p99_ms"],
           lambda bench: Lists.measure(bench)["nginx_list"]["p99_ms"]),
    Figure("get_p99", "one of 10,000 clusters, p99", "ms", "at most", 5,
           lambda bench: Lists.measure(bench)["get"]["p99_ms"],
           lambda bench: Lists.measure(bench)["nginx_get"]["p99_ms"]),
    Figure("whole_list", "the existing wire's list of 10,000: memory", "MB", "at most", 16,
           lambda bench: Lists.measure(bench)["whole"]["grown_mb"]),
    Figure("head_memory", "10,000 heads on their channels: memory of each", "KiB", "at most", 32,
           lambda bench: Heads.measure(bench)["memory_kib"]),
    Figure("heads_cpu", "the same: CPU of the steady state", "%", "at most", 100,
           lambda bench: Heads.measure(bench)["cpu_percent"]),
    Figure("head_to_page", "the same: a changed report to an open page", "ms", "at most", 1000,
           lambda bench: Heads.measure(bench)["seen_median_ms"]),
    Figure("full_build", "full build from clean, two cores, no cache", "min", "at most", 8,
           full_build),
]
