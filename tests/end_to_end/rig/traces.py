"""What an installation leaves on the machine: found by the id in its names and by its directory,
so that what others run at the same time is not mistaken for it.
"""
import json
import subprocess
from pathlib import Path


def command_line(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def state_of(process: int) -> str:
    """One letter of proc(5): R, S, Z, ...; empty when it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def inner_number(process: int) -> int:
    """Its number inside its own machine; 0 for what lives in none."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    numbers = next((line.split()[1:] for line in text.splitlines() if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if len(numbers) > 1 else 0


def processes_of(folder: Path) -> list[int]:
    """Processes that name the folder in their command line; what machines run is not among them."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
            and any(word.startswith(str(folder)) for word in command_line(int(entry.name)))]


def words_of(*command: str) -> str:
    return subprocess.run(command, text=True, capture_output=True).stdout


class Traces:
    def __init__(self, root: Path, cloud_state: Path):
        self.root = root
        try:
            self.instance = (cloud_state / "instance").read_text().strip()
        except OSError:  # nothing was ever started
            self.instance = ""
        self.cloud_state = cloud_state

    @property
    def prefix(self) -> str:
        return f"hy-{self.instance}-"

    def all(self) -> list[str]:
        """Everything of the installation but the processes that serve it."""
        if not self.instance:
            return []
        hub = [f"namespace {name}" for name in self.namespaces() if name == f"{self.prefix}hub"]
        links = [f"link {link['ifname']}" for link in json.loads(words_of("ip", "-j", "link") or "[]")
                 if link["ifname"].startswith(self.prefix)]
        table = f"hy_{self.instance}"
        tables = [f"nft {line}" for line in words_of("nft", "list", "tables").splitlines()
                  if line.endswith(" " + table)]
        return self.of_clusters() + hub + links + tables

    def of_clusters(self) -> list[str]:
        """What clusters are made of: nothing of it may be there when the last one is gone."""
        return ([f"namespace {name}" for name in self.namespaces() if name != f"{self.prefix}hub"]
                + [f"container {name}" for name in self.containers()]
                + [f"mount {point}" for point in self.mounts()]
                + [f"loop device {path}" for path in self.loops()]
                + [f"process {number} of a machine: {state_of(number)} {command_line(number)}"
                   for number in self.machine_processes()]
                + [f"control group {path}" for path in self.control_groups()])

    def namespaces(self) -> list[str]:
        folder = Path("/run/netns")
        return sorted(path.name for path in folder.glob(f"{self.prefix}*"))

    def containers(self) -> list[str]:
        machines = self.cloud_state / "machines"
        return sorted(path.name for path in machines.iterdir()) if machines.is_dir() else []

    def mounts(self) -> list[str]:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [point for point in points if point.startswith(str(self.root))]

    def loops(self) -> list[str]:
        found = []
        for path in Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                if path.read_text().startswith(str(self.root)):
                    found.append(f"/dev/{path.parts[3]}")
            except OSError:  # gone in between
                pass
        return found

    def control_groups(self) -> list[str]:
        return [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/lxc.*{self.prefix}m-*")]

    def machine_processes(self) -> list[int]:
        """Whatever lives in a machine of ours, and the monitors beside them; not what has ended and
        waits for its parent to look."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                number = int(path.parts[2])
                if f"{self.prefix}m-" in path.read_text() and state_of(number) not in ("", "Z", "X"):
                    found.append(number)
            except OSError:
                pass
        return found

    def first_processes(self) -> list[int]:
        """The first process of every machine that runs."""
        return [number for number in self.machine_processes() if inner_number(number) == 1]
