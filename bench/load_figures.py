"""The figures of a control plane with ten thousand clusters: lists by the page, one cluster, the old
wire's whole list, and the heads on their channels.

The store is filled by `hopyard-load` through the product's own code. `hopyard serve` runs alone: its
cloud does not answer, so that nothing is measured but what it does itself.
"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from process import cpu_seconds, memory_kib
from rig.installation import BIN, free_ports

CLUSTERS = 10_000
WORKERS = 2
PAGE = 50
# A socket is a file: one of each head, at either end.
FILES = CLUSTERS + 500
# Longer than a node may say nothing before it counts as silent.
SETTLING_SECONDS = 12
STEADY_AFTER_SECONDS = 60
CONNECTIONS = 4  # no more than threads that answer: what is measured is the answer, not the queue
SECONDS = 10
CLOUD = {"kind": "azure", "subscriptionId": "00000000-0000-0000-0000-000000000001",
         "tenantId": "00000000-0000-0000-0000-000000000002", "clientId": "load",
         "clientSecret": "load", "resourceManagerUrl": "http://127.0.0.1:9",
         "loginUrl": "http://127.0.0.1:9", "pricesUrl": "http://127.0.0.1:9"}
# What `wrk` prints last: microseconds.
REPORT = """
done = function(summary, latency, requests)
  io.write(string.format("FIGURES %f %f %f %d\\n", latency:percentile(50), latency:percentile(99),
           summary.requests / summary.duration * 1e6,
           summary.errors.status + summary.errors.read + summary.errors.connect))
end
"""
NGINX = """\
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 2;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type application/json; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


def heads_allowed() -> int:
    """Raises how many files this process and those it starts may open; as many heads as then fit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, hard)))
        return CLUSTERS
    except (ValueError, OSError):  # whoever runs this has a limit that only others may raise
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard - 500


class LoadedServer:
    """`hopyard serve` on a store of that many clusters. Use as a context manager."""

    def __init__(self, clusters: int = CLUSTERS, workers: int = WORKERS):
        self._stack = ExitStack()
        self.clusters, self.workers = clusters, workers

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    def _begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hopyard-load-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700)
        cloud = self.folder / "cloud.json"
        cloud.write_text(json.dumps(CLOUD))
        cloud.chmod(0o600)
        filled = subprocess.run(
            [BIN / "hopyard-load", "fill", self.state, str(self.clusters), str(self.workers)],
            check=True, stdout=subprocess.PIPE, text=True)
        self.key = filled.stdout.strip()
        shutil.chown(self.state, "nobody")
        for file in self.state.iterdir():
            shutil.chown(file, "nobody")
        self.port, self.node_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        log = self._stack.enter_context(open(self.folder / "log", "w"))
        words = [BIN / "hopyard", "serve", "--state", self.state, "--cloud", cloud,
                 "--user", "nobody", "--listen", f"127.0.0.1:{self.port}",
                 "--node-listen", f"127.0.0.1:{self.node_port}",
                 "--node-url", f"https://127.0.0.1:{self.node_port}", "--log-level", "error"]
        server = subprocess.Popen(words, stdout=log, stderr=log)
        self._stack.callback(end, server)
        self.process = server.pid
        deadline = time.monotonic() + 60
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"hopyard serve: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        self._settle()

    def _settle(self):
        """Waits until it has looked at every cluster that it found, and told who is silent: what is
        measured is how it serves, not how it starts."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            used = cpu_seconds(self.process)
            time.sleep(SETTLING_SECONDS)
            if cpu_seconds(self.process) - used < SETTLING_SECONDS / 10:
                return
        raise RuntimeError("hopyard serve does not come to rest")

    def _answers(self) -> bool:
        try:
            return self.get("/v1/version") != b""
        except OSError:
            return False

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers={"x-api-key": self.key})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return reply.read()


def end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Nginx:
    """The same bytes from a file. Use as a context manager."""

    def __init__(self, files: dict[str, bytes]):
        self.files = files

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hopyard-nginx-"))
        self.folder.chmod(0o755)
        (self.folder / "files").mkdir()
        for name, content in self.files.items():
            (self.folder / "files" / name).write_bytes(content)
        self.port = free_ports(1)[0]
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX.format(folder=self.folder, port=self.port))
        self.process = subprocess.Popen(["nginx", "-c", conf, "-p", self.folder])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/list", timeout=1).read()
                break
            except OSError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def wrk(url: str, key: str = "") -> dict[str, float]:
    """Latencies in ms, and requests a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(REPORT)
        script.flush()
        told = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script.name,
             "-H", f"x-api-key: {key}", url], check=True, stdout=subprocess.PIPE, text=True).stdout
    p50, p99, rate, errors = re.search(r"FIGURES (\S+) (\S+) (\S+) (\d+)", told).groups()
    if int(errors):
        raise AssertionError(f"{errors} requests to {url} failed\n{told}")
    return {"p50_ms": float(p50) / 1000, "p99_ms": float(p99) / 1000, "per_s": float(rate)}


class Lists:
    """Lists and single clusters, beside nginx with the same bytes."""

    @staticmethod
    def measure(bench) -> dict:
        if "lists" in bench.notes:
            return bench.notes["lists"]
        told: dict = {}
        with LoadedServer() as server:
            first = json.loads(server.get(f"/v1/clusters?limit={PAGE}"))
            identity = first["items"][PAGE // 2]["id"]
            paths = {"list": f"/v1/clusters?limit={PAGE}", "get": f"/v1/clusters/{identity}"}
            files = {name: server.get(path) for name, path in paths.items()}
            with Nginx(files) as nginx:
                for name, path in paths.items():
                    told[name] = wrk(server.url + path, server.key)
                    told[name]["bytes"] = len(files[name])
                    told[f"nginx_{name}"] = wrk(f"http://127.0.0.1:{nginx.port}/{name}")
            told["whole"] = Lists.whole(server)
            told["clusters"] = CLUSTERS
        bench.notes["lists"] = told
        return told

    @staticmethod
    def whole(server: LoadedServer) -> dict[str, float]:
        """The existing wire's list has no pages. Its memory: how far the peak rises over what the
        server needs before, in the second of two, because the first one fills caches."""
        seconds = size = grown = 0.0
        for _ in range(2):
            Path(f"/proc/{server.process}/clear_refs").write_text("5")  # VmHWM begins anew
            before = memory_kib(server.process)
            began = time.monotonic()
            reply = server.get("/api/clusters?cloud=AZURE")
            seconds, size = time.monotonic() - began, len(reply)
            grown = memory_kib(server.process, "VmHWM") - before
            count = len(json.loads(reply)["payload"]["clusters"])
            if count != server.clusters:
                raise AssertionError(f"the whole list has {count} clusters")
        return {"seconds": seconds, "mb": size / 1e6, "grown_mb": grown / 1024}


class Page(threading.Thread):
    """An open page: follows the events and keeps when a stage was first seen."""

    def __init__(self, server: LoadedServer):
        super().__init__(daemon=True)
        request = urllib.request.Request(server.url + "/v1/events",
                                         headers={"x-api-key": server.key})
        self.stream = urllib.request.urlopen(request, timeout=120)
        self.seen: dict[str, float] = {}
        self.start()

    def run(self):
        try:
            for line in self.stream:
                found = re.search(rb'"stage":"(changed-\d+)"', line)
                if found:
                    self.seen.setdefault(found[1].decode(), time.monotonic())
        except OSError:
            pass

    def wait(self, stage: str, seconds: float) -> float:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if stage in self.seen:
                return self.seen[stage]
            time.sleep(0.001)
        raise AssertionError(f"{stage} was not seen within {seconds} s")


class Heads:
    """Every cluster's head on its channel."""

    @staticmethod
    def measure(bench) -> dict:
        if "heads" in bench.notes:
            return bench.notes["heads"]
        heads = heads_allowed()
        told: dict = {"heads": heads}
        with LoadedServer(workers=0) as server:
            time.sleep(10)
            before = memory_kib(server.process)
            played = subprocess.Popen(
                [BIN / "hopyard-load", "heads", server.state, str(server.node_port), str(heads)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                told["coming"] = json.loads(played.stdout.readline())
                told["came"] = json.loads(played.stdout.readline())
                bench.notes["heads"] = told
                # What they say once they have their orders is written first.
                time.sleep(STEADY_AFTER_SECONDS)
                Heads._steady(server, played, told)
                told["memory_kib"] = (memory_kib(server.process) - before) / heads
                Heads._changes(server, played, told)
            finally:
                played.stdin.close()
                try:
                    played.wait(10)
                except subprocess.TimeoutExpired:
                    end(played)
        return told

    @staticmethod
    def _steady(server: LoadedServer, played: subprocess.Popen, told: dict) -> None:
        used, began = cpu_seconds(server.process), time.monotonic()
        played.stdin.write("run 30\n")
        played.stdin.flush()
        told["steady"] = json.loads(played.stdout.readline())
        spent = time.monotonic() - began
        told["cpu_percent"] = (cpu_seconds(server.process) - used) / spent * 100

    @staticmethod
    def _changes(server: LoadedServer, played: subprocess.Popen, told: dict) -> None:
        page = Page(server)
        times = []
        for number in range(10):
            stage = f"changed-{number}"
            time.sleep(1)
            began = time.monotonic()
            played.stdin.write(f"change {number * 7} {stage}\n")
            played.stdin.flush()
            times.append((page.wait(stage, 60) - began) * 1000)
        told["seen_ms"] = sorted(times)
        told["seen_median_ms"] = sorted(times)[len(times) // 2]
