"""One installation of the product in a directory of its own, with ports of its own: started as
`hopyard up` starts it, driven as its users drive it, and gone with everything it made when the
context ends, whatever happened in between.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rig.api import Api, until
from rig.traces import Traces, processes_of

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("HOPYARD_BIN", ROOT / "build/bin")).resolve()
IMAGE = Path(os.environ.get("HOPYARD_IMAGE", ROOT / ".cache/image")).resolve()
AZURITE = Path(os.environ.get("HOPYARD_AZURITE", ROOT / "tools/azurite")).resolve()

GROUP, LOCATION, ACCOUNT, IDENTITY, KEY = "team", "local", "teamstore", "team", "team"
SIZE = "Standard_B1ms"
DISK_GB = 30  # the least that the machine image takes
HOST_LINKS = "198.19.128.0/17"  # where the host's own connections to machines come from


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Installation:
    """Use as a context manager; `up()` starts it. `name` goes into the directory's name."""

    def __init__(self, name: str):
        # The control plane is no root, and machines' files are read by their own users.
        self.root = Path(tempfile.mkdtemp(prefix=f"hopyard-{name}-"))
        self.root.chmod(0o755)
        self.state = self.root / "control"
        self.cloud_state = self.root / "cloud"
        self.config = self.root / "config"
        (self.config / "hopyard").mkdir(parents=True)
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(self.config)}
        self.environment.pop("HOPYARD_URL", None)
        self.environment.pop("HOPYARD_API_KEY", None)
        # What the control plane sends to the cloud and what that answers, seen from either side.
        self.sent, self.answered = self.state / "sent", self.cloud_state / "answered"
        self.key_file = self.config / "hopyard/id_ed25519"
        self.api: Api = None  # type: ignore[assignment]
        self.people_port = 0
        self.mail_file = ""  # named before `up`: which mail server
        self.setup_url = ""  # the first owner's link, as 'up' said it first
        self.keep = bool(os.environ.get("HOPYARD_KEEP"))

    def capture(self) -> None:
        """Exchanges with the cloud are written down by programs that start from now on."""
        self.environment |= {"HOPYARD_CAPTURE_CLIENT": str(self.sent),
                             "HOPYARD_CAPTURE": str(self.answered)}

    def __enter__(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key_file],
                       check=True)
        self.people_port, nodes = free_ports(2)
        self.state.mkdir()
        (self.state / "ports.json").write_text(json.dumps({"people": self.people_port, "nodes": nodes}))
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.show_logs()
        if self.keep:
            print(f"kept: {self.root}", file=sys.stderr)
            return
        left = self.remove()
        if left and kind is None:
            raise AssertionError(f"left after down --purge: {left}")

    # --- programs ---------------------------------------------------------------------------------

    def places(self) -> list[str]:
        return ["--state", str(self.state), "--cloud-state", str(self.cloud_state)]

    def command(self, *words) -> list[str]:
        return [str(BIN / "hopyard"), *map(str, words)]

    def run(self, *words, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess:
        """The command line, as a user calls it."""
        done = subprocess.run(self.command(*words), env=self.environment, text=True,
                              capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"hopyard {' '.join(map(str, words))}: exit code "
                                 f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def up_words(self, *more: str) -> list[str]:
        return ["-o", "json", "up", *self.places(), "--image", str(IMAGE), "--azurite",
                str(AZURITE), "--only-services",
                *(["--mail", self.mail_file] if self.mail_file else []), *more]

    def up(self, *more: str) -> str:
        """Starts what does not run; what it said on the way."""
        done = self.run(*self.up_words(*more))
        outcome = json.loads(done.stdout)
        self.setup_url = self.setup_url or outcome["setupUrl"] or ""
        self.api = Api(outcome["url"], outcome["apiKey"], outcome["caFile"])
        return done.stderr

    def prepare(self) -> list[dict]:
        """What a first cluster needs of the cloud."""
        done = self.run("-o", "json", "cloud", "prepare", "--group", GROUP, "--location", LOCATION,
                        "--account", ACCOUNT, "--identity", IDENTITY, "--ssh-key", KEY,
                        "--ssh-key-file", f"{self.key_file}.pub")
        document = json.loads(done.stdout)
        return document["items"] if isinstance(document, dict) else document

    def process(self, which: str) -> int:
        """The process number of "control" or "cloud"; 0 when it does not run."""
        folder = self.state if which == "control" else self.cloud_state
        try:
            number = json.loads((folder / "endpoint.json").read_text())["pid"]
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, KeyError):
            return 0
        return number if str(folder).encode() in words else 0

    def kill(self, which: str) -> None:
        """kill -9, and waits for the end: whoever starts it again must find it dead."""
        number = self.process(which)
        assert number, f"{which} does not run"
        os.kill(number, signal.SIGKILL)
        until(lambda: self.process(which) == 0, 10, f"{which} ends when it is killed")

    # --- clusters ---------------------------------------------------------------------------------

    def specification(self, name: str, workers: int, **more) -> dict:
        return {"name": name, "resourceGroup": GROUP, "location": LOCATION,
                "head": {"instanceType": SIZE, "diskGb": DISK_GB},
                "workers": [{"count": workers, "instanceType": SIZE, "diskGb": DISK_GB}],
                "storage": {"account": ACCOUNT}, "sshKey": KEY, "identity": IDENTITY,
                "ports": {"ssh": True}, "portSources": [HOST_LINKS], **more}

    def create(self, name: str, workers: int, **more) -> str:
        return self.api.post("/v1/clusters", self.specification(name, workers, **more))["id"]

    def wait(self, cluster: str, phase: str, timeout: float = 60) -> dict:
        """The cluster in that phase with every wanted node ready; fails at once when it has failed."""
        def look():
            now = self.api.cluster(cluster)
            if now["phase"] == "failed" and phase != "failed":
                raise AssertionError(f"cluster failed: {now['problem']}")
            return now if now["phase"] == phase else None
        try:
            return until(look, timeout, f"cluster is {phase}")
        except TimeoutError as late:
            raise TimeoutError(f"{late}; {self.summary(cluster)}") from None

    def wait_gone(self, cluster: str, timeout: float = 60) -> None:
        from rig.api import Problem

        def look():
            try:
                self.api.cluster(cluster)
            except Problem as problem:
                return problem.status == 404
            return False
        until(look, timeout, "cluster is gone")

    def summary(self, cluster: str) -> str:
        now = self.api.cluster(cluster)
        nodes = [(node["id"], node["phase"], node["stage"], node["problem"]) for node in now["nodes"]]
        return f"{now['phase']} ({now['stage']}), {now['problem']}, {nodes}"

    def ssh_words(self, cluster: dict, *command: str, user: str = "") -> list[str]:
        access = cluster["access"]
        return ["ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", "-o", "BatchMode=yes",
                "-i", str(self.key_file), f"{user or access['user']}@{access['publicIp']}", *command]

    def ssh(self, cluster: dict, command: str, timeout: float = 60, check: bool = True) -> str:
        """Runs it on the head; its standard output."""
        done = subprocess.run(self.ssh_words(cluster, command), text=True, capture_output=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"ssh '{command}': exit code {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout

    # --- the end ----------------------------------------------------------------------------------

    def traces(self) -> Traces:
        return Traces(self.root, self.cloud_state)

    def show_logs(self, lines: int = 40) -> None:
        """What somebody who looks for the cause wants to see: logs, activity, Slurm's view."""
        paths = [*self.state.glob("*.log"), *self.cloud_state.glob("*.log"),
                 *self.cloud_state.glob("machines/*/*.log")]
        for process in self.traces().first_processes():
            logs = Path(f"/proc/{process}/root/var/log")
            paths += [logs / "hopyard-node.log", *logs.glob("slurm/*.log")]
        for path in sorted(paths):
            with contextlib.suppress(OSError):
                tail = path.read_text(errors="replace").splitlines()[-lines:]
                print(f"--- the end of {path}", *tail, sep="\n", file=sys.stderr)
        with contextlib.suppress(Exception):  # they may be what does not answer
            for cluster in self.api.get("/v1/clusters")["items"]:
                print(f"--- what happened to {cluster['id']}", file=sys.stderr)
                for entry in self.api.activity(cluster["id"])[-lines:]:
                    print(entry["at"], entry["node"], entry["message"], entry["reason"],
                          file=sys.stderr)
                print(self.summary(cluster["id"]), file=sys.stderr)
                print(self.ssh(cluster, "sinfo -N -h -o '%n %T %E'; scontrol -o show node; squeue",
                               timeout=10, check=False), file=sys.stderr, flush=True)

    def remove(self) -> list[str]:
        """`down --purge`; what it left. The directory goes in any case."""
        traces = self.traces()
        done = self.run("--yes", "down", *self.places(), "--purge", check=False)
        left = traces.all()
        if done.returncode != 0:
            left.append(f"down --purge: exit code {done.returncode}: {done.stderr}")
        for number in processes_of(self.root):
            left.append(f"process {number} was still there")
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if left:
            time.sleep(0.2)
            subprocess.run([BIN / "hopyard-cloud", "down", "--purge", "--state", self.cloud_state],
                           capture_output=True)
        shutil.rmtree(self.root, ignore_errors=True)
        return left
