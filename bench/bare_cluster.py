"""A cluster by script: LXC and Slurm of one head and any number of workers, nothing of ours between.

What our figures are measured against: the same image, the same machines, the same workload manager,
started as fast as a script can. A machine's network is a namespace that is made before the machine,
with one end of a link whose other end hangs on a bridge in a namespace of the cluster. Everything
bears a name of its own and leaves with `close()`.
"""
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NETWORK = "198.18.77"
SLURM_CONF = f"""\
ClusterName=bare
SlurmctldHost=head({NETWORK}.20)
SlurmctldParameters=enable_configless,cloud_reg_addrs
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MaxNodeCount=64
TreeWidth=65533
SlurmdParameters=config_overrides
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

# A machine's first process. A worker asks the head's port before it starts: slurmd without an answer
# looks again only after seconds.
MACHINE = """\
#!/bin/bash
mkdir -p /run/sshd /run/slurm /run/munge /var/log/slurm /var/lib/slurm/slurmctld \\
    /var/lib/slurm/slurmd /var/lib/munge /var/log/munge /etc/munge
install -o munge -g munge -m 400 /cluster/munge.key /etc/munge/munge.key
chown munge:munge /run/munge /var/lib/munge /var/log/munge
chmod 700 /var/lib/munge /var/log/munge
chown slurm:slurm /var/lib/slurm /var/lib/slurm/slurmctld /var/log/slurm
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged
/usr/sbin/sshd
if [ "$1" = head ]; then
    cp /cluster/slurm.conf /cluster/cgroup.conf /etc/slurm/
    slurmctld
else
    until : 2>/dev/null >/dev/tcp/head/6817; do sleep 0.01; done
    slurmd -b -Z --conf "CPUs=1 RealMemory=1800" --conf-server head:6817 -N "$(hostname)"
fi
exec sleep infinity
"""

# Says every 20 ms what Slurm thinks of its workers, from the moment there is a Slurm to ask.
WATCH = ("until : 2>/dev/null >/dev/tcp/head/6817; do sleep 0.01; done; "
         "while sinfo -h -N -o '%n %T' && echo .; do sleep 0.02; done")

CONFIG = """\
lxc.uts.name = {name}
lxc.rootfs.path = overlay:{image}:{folder}/delta0
lxc.init.cmd = /bin/bash /cluster/machine {role}
lxc.environment = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
lxc.apparmor.profile = unconfined
lxc.namespace.share.net = /run/netns/{namespace}
lxc.mount.auto = proc:mixed sys:ro
lxc.tty.max = 0
lxc.pty.max = 1024
lxc.mount.entry = {shared} cluster none bind,ro,create=dir 0 0
lxc.mount.entry = {shared}/hosts etc/hosts none bind,ro,create=file 0 0
"""


class BareCluster:
    """Use as a context manager. `image` is the root file system that every machine starts from."""

    def __init__(self, image: Path):
        self.id = f"hybare-{os.getpid()}-{secrets.token_hex(2)}"
        self.image = image
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.id}-"))
        self.shared = self.folder / "shared"
        self.containers = self.folder / "lxc"
        self.names: list[str] = []
        self.watcher: subprocess.Popen | None = None

    def __enter__(self):
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, names: list[str], timeout: float = 60) -> float:
        """Starts the machines at once; seconds until Slurm calls every worker among them idle.
        The first one is called "head" and starts the watching."""
        for name in names:
            self._describe(name)
        began = time.monotonic()
        started = []
        for name in names:
            self._connect(name)
            started.append(subprocess.Popen(self._lxc("start", name)))
        failed = [name for name, process in zip(names, started) if process.wait() != 0]
        if failed:
            raise RuntimeError(f"lxc-start of {failed} failed")
        if "head" in names:
            self._watch()
        self._wait_until_idle({name for name in names if name != "head"}, began + timeout)
        return time.monotonic() - began

    def close(self):
        if self.watcher:
            self.watcher.kill()
            self.watcher.wait()
        stops = [subprocess.Popen(self._lxc("stop", name, "-k"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for name in self.names]
        for stop in stops:
            stop.wait()
        for namespace in [self._namespace(name) for name in self.names] + [self.id]:
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder)

    def _lxc(self, verb: str, name: str, *words) -> list[str]:
        return [f"lxc-{verb}", "-P", str(self.containers), "-n", name, *words]

    def _namespace(self, name: str) -> str:
        return f"{self.id}-{name}"

    def _prepare(self):
        self.shared.mkdir()
        self.containers.mkdir()
        (self.shared / "machine").write_text(MACHINE)
        (self.shared / "slurm.conf").write_text(SLURM_CONF)
        (self.shared / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (self.shared / "hosts").write_text(f"127.0.0.1 localhost\n{NETWORK}.20 head\n")
        (self.shared / "munge.key").write_bytes(secrets.token_bytes(128))
        (self.shared / "munge.key").chmod(0o600)
        subprocess.run(["ip", "netns", "add", self.id], check=True)
        for words in (["link", "set", "lo", "up"], ["link", "add", "br0", "type", "bridge"],
                      ["addr", "add", f"{NETWORK}.1/24", "dev", "br0"],
                      ["link", "set", "br0", "up"]):
            subprocess.run(["ip", "-n", self.id, *words], check=True)

    def _describe(self, name: str):
        folder = self.containers / name
        (folder / "delta0").mkdir(parents=True)
        self.names.append(name)
        (folder / "config").write_text(CONFIG.format(
            name=name, image=self.image, folder=folder, shared=self.shared,
            namespace=self._namespace(name), role="head" if name == "head" else "worker"))

    def _connect(self, name: str):
        namespace = self._namespace(name)
        ordinal = self.names.index(name)
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        subprocess.run(["ip", "-n", namespace, "-batch", "-"], check=True, text=True, input=f"""\
link set lo up
link add eth0 type veth peer name p{ordinal} netns {self.id}
addr add {NETWORK}.{20 + ordinal}/24 dev eth0
link set eth0 up
""")
        subprocess.run(["ip", "-n", self.id, "link", "set", f"p{ordinal}", "master", "br0", "up"],
                       check=True)

    def _watch(self):
        self.watcher = subprocess.Popen(
            self._lxc("attach", "head", "--clear-env", "-v", "PATH=/usr/bin:/bin", "--",
                      "bash", "-c", WATCH),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def _wait_until_idle(self, wanted: set[str], deadline: float):
        assert self.watcher and self.watcher.stdout
        seen: dict[str, str] = {}
        for line in self.watcher.stdout:
            if line != ".\n":
                name, state = line.split()
                seen[name] = state
            elif all(seen.get(name) == "idle" for name in wanted):
                return
            else:
                seen = {}
            if time.monotonic() > deadline:
                raise TimeoutError(f"not idle in time: {seen}")
        raise RuntimeError("the watch on the head ended")
