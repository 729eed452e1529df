"""One life of a cluster: real containers, real Slurm, driven from outside as its users do."""
import json
import subprocess
import time

from rig import rights
from rig.api import Problem, until
from rig.blobs import Blobs
from rig.cloud import LocalCloud
from rig.installation import ACCOUNT, DISK_GB, GROUP, HOST_LINKS, ROOT, SIZE, Installation
from rig.network import connects, connects_from
from rig.page import Page
from rig.person import Person, one_time_code
from rig.steps import Life, expect
from secrets_sought import look_for_secrets

LIFE = Life()
TAGS = {"team": "data", "cost-centre": "4711"}
INIT_SCRIPT = "#!/bin/sh\necho \"made by $(hostname)\" >/opt/made\necho told\n"


class Facts:
    """What later steps need of earlier ones."""

    def __init__(self, here: Installation):
        self.here = here
        self.cloud: LocalCloud
        self.id = ""
        self.password = ""
        self.owner: Person
        self.owner_secrets: dict[str, str] = {}

    def cluster(self) -> dict:
        return self.here.api.cluster(self.id)

    def head(self, command: str, timeout: float = 60) -> str:
        return self.here.ssh(self.cluster(), command, timeout)

    def workers(self) -> list[dict]:
        return [node for node in self.cluster()["nodes"] if node["role"] == "worker"]

    def running(self, workers: int, timeout: float = 60) -> dict:
        """The cluster running with so many workers, each idle or at work in Slurm."""
        def look():
            cluster = self.here.wait(self.id, "running", timeout)
            nodes = [node for node in cluster["nodes"] if node["role"] == "worker"]
            good = all(node["phase"] == "ready" for node in nodes)
            return cluster if good and len(nodes) == workers else None
        try:
            return until(look, timeout, f"running with {workers} workers")
        except TimeoutError as late:
            raise TimeoutError(f"{late}; {self.here.summary(self.id)}") from None

    def two_nodes(self) -> None:
        told = set(self.head("srun -N2 hostname").split())
        expect(len(told) == 2, f"a job on two nodes ran on {told}")


@LIFE.step("'hopyard up' starts both services; run again, it finds everything")
def services(facts: Facts):
    first = facts.here.up()
    expect("local cloud started" in first and "control plane started" in first, first)
    before = facts.here.process("control"), facts.here.process("cloud")
    again = facts.here.up()
    expect(again.count("runs already") == 2 and "started" not in again, again)
    expect(before == (facts.here.process("control"), facts.here.process("cloud")), "same processes")
    facts.cloud = LocalCloud(facts.here.cloud_state)


@LIFE.step("the first owner comes in by the link of the first start, once, and then by password")
def first_owner(facts: Facts):
    here = facts.here
    page, token = here.setup_url.split("#token=")
    expect(page == f"{here.api.url}/setup", here.setup_url)
    who = {"email": "ada@example.org", "password": "seven green bicycles"}
    facts.owner = Person(here.api.url)
    status, told = facts.owner.call("POST", "/v1/setup", {"token": token, "name": "Ada", **who})
    expect(status == 201 and told["person"]["role"] == "owner", told)
    again = Person(here.api.url)
    status, told = again.call("POST", "/v1/setup", {"token": token, "name": "Eve", **who})
    expect(status == 401 and told["code"] == "setup_token_unknown", told)
    expect(again.call("GET", "/v1/clusters")[0] == 401, "nobody is signed in")
    expect(json.loads(here.run(*here.up_words()).stdout)["setupUrl"] is None, "the link is void")
    expect(facts.owner.call("DELETE", "/v1/session")[0] == 204, "sign out")
    expect(facts.owner.call("POST", "/v1/session", {**who, "password": "seven red bicycles"})[0]
           == 401, "a wrong password")
    expect(facts.owner.call("POST", "/v1/session", who)[0] == 201, "the right password")
    expect(facts.owner.call("GET", "/v1/clusters")[0] == 200, "the owner sees clusters")
    facts.owner_secrets = {"first owner's link": token, "owner's password": who["password"],
                           "session": facts.owner.session()}


@LIFE.step("whoever runs the program makes a link for an owner who is locked out, and it works once")
def locked_out(facts: Facts):
    here = facts.here
    status, totp = facts.owner.call("POST", "/v1/me/totp", {})
    expect(status == 201, totp)
    words = ("serve", "--state", here.state, "--reset-password", "ada@example.org")
    links = [here.run(*words).stdout.strip() for _ in range(3)]
    expect(all(link.startswith(f"{here.api.url}/new-password#token=") for link in links), links)
    tokens = [link.split("#token=")[1] for link in links]
    who = {"email": "ada@example.org", "password": "eight blue bicycles"}
    anybody = Person(here.api.url)

    def use(token: str) -> int:
        return anybody.call("POST", "/v1/password-resets/use",
                            {"token": token, "password": who["password"]})[0]
    expect(use(tokens[0]) == 404, "only the newest link holds")
    expect(use(tokens[2]) == 204 and use(tokens[2]) == 404, "once")
    expect(facts.owner.call("GET", "/v1/session")[0] == 401, "every session has ended")
    expect(facts.owner.call("POST", "/v1/session", who)[0] == 201, "the new password")
    facts.owner_secrets |= {"owner's new password": who["password"], "session": facts.owner.session(),
                            "one-time codes": totp["secret"],
                            **{f"link {i} of a lost password": t for i, t in enumerate(tokens)}}


@LIFE.step("a second factor is asked for, and a recovery code stands in for it once")
def second_factor(facts: Facts):
    owner = facts.owner
    who = {"email": "ada@example.org", "password": facts.owner_secrets["owner's new password"]}
    secret = owner.call("POST", "/v1/me/totp", {})[1]["secret"]
    status, told = owner.call("PUT", "/v1/me/totp", {"code": one_time_code(secret)})
    expect(status == 200, told)
    codes = told["recoveryCodes"]
    other = Person(facts.here.api.url)
    expect(other.call("POST", "/v1/session", who)[0] == 401, "the password alone")
    expect(other.call("POST", "/v1/session", {**who, "code": codes[0]})[0] == 201, "a recovery code")
    expect(other.call("POST", "/v1/session", {**who, "code": codes[0]})[0] == 401, "it again")
    expect(owner.call("DELETE", "/v1/me/totp", {"password": who["password"]})[0] == 204, "off again")
    facts.owner_secrets |= {"one-time codes in force": secret,
                            **{f"recovery code {i}": code for i, code in enumerate(codes)}}


@LIFE.step("the control plane is no root; files with secrets are their owners' alone")
def owners(facts: Facts):
    here = facts.here
    status = open(f"/proc/{here.process('control')}/status").read()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    expect("0" not in uids, f"hopyard serve runs as {uids}")
    for path in [here.config / "hopyard/config.json", here.cloud_state / "cloud.json",
                 here.cloud_state / "state.db", here.cloud_state / "ca.key",
                 here.state / "endpoint.json", here.state / "hopyard.db",
                 here.state / "sealing.key"]:
        mode = path.stat().st_mode & 0o777
        expect(mode == 0o600, f"{path} has mode {mode:o}")


@LIFE.step("the control plane may open as many files as the system allows: each head is one")
def open_files(facts: Facts):
    limits = open(f"/proc/{facts.here.process('control')}/limits").read()
    soft, hard = next(line for line in limits.splitlines()
                      if line.startswith("Max open files")).split()[3:5]
    expect(soft == hard, f"{soft} of {hard} files")


@LIFE.step("'cloud prepare' makes what a first cluster needs, once")
def prepare(facts: Facts):
    made = {item["kind"]: item["result"] for item in facts.here.prepare()}
    wanted = {"group", "ssh_key", "identity", "account", "storage_role"}
    expect(wanted <= {kind for kind, result in made.items() if result == "made"}, made)
    again = facts.here.prepare()
    expect(all(item["result"] == "existed" for item in again), again)


@LIFE.step("sizes bear prices: rehearsed ones, until an administrator brings a saved list")
def prices(facts: Facts):
    here = facts.here

    def price() -> dict:
        sizes = here.api.get("/v1/cloud/sizes?location=local")["items"]
        return next(size["price"] for size in sizes if size["name"] == SIZE)
    expect(price()["origin"] == "rehearsal" and price()["perHour"] > 0, price())
    plan = here.api.post("/v1/clusters?dryRun=true", here.specification("plan", 2))
    expect(abs(plan["cost"]["perHour"] - 3 * price()["perHour"]) < 1e-9, plan["cost"])
    saved = here.root / "prices.json"
    saved.write_text(json.dumps({"Items": [
        {"serviceName": "Virtual Machines", "type": "Consumption", "unitOfMeasure": "1 Hour",
         "armRegionName": "local", "armSkuName": SIZE, "productName": "B Series", "skuName": "B1ms",
         "currencyCode": "EUR", "retailPrice": 0.25}]}))
    here.run("prices", "import", saved)
    expect((price()["origin"], price()["perHour"], price()["currency"])
           == ("imported", 0.25, "EUR"), price())


@LIFE.step("a cluster of one head and two workers is created with tags and an init script")
def create(facts: Facts):
    here = facts.here
    began = time.monotonic()
    facts.id = here.create("life", 2, tags=TAGS, initScript={"text": INIT_SCRIPT})
    here.wait(facts.id, "running")
    print(f"      POST to running: {time.monotonic() - began:.2f} s", flush=True)
    cluster = facts.running(workers=2)
    expect(all(node["initScriptExit"] == 0 for node in cluster["nodes"]), cluster["nodes"])
    facts.password = here.api.get(f"/v1/clusters/{facts.id}/first-administrator")["password"]


@LIFE.step("its name is taken then, and a refusal names the field")
def taken(facts: Facts):
    try:
        facts.here.create("life", 1)
    except Problem as problem:
        expect(problem.status in (400, 409, 422) and "name" in problem.document["field"],
               problem.document)
    else:
        raise AssertionError("two clusters of one name")


@LIFE.step("every resource in the cloud bears the user's tags and ours")
def tags(facts: Facts):
    found = facts.cloud.resources(facts.id)
    kinds = [resource["type"].split("/")[1] for resource in found]
    expect(kinds.count("virtualMachines") == 3, kinds)
    for resource in found:
        tags = resource["tags"]
        expect(all(tags.get(name) == value for name, value in TAGS.items()), resource)
        expect({"hopyard-installation", "hopyard-role"} <= tags.keys(), resource)


@LIFE.step("the init script ran once on every machine, and its output is told")
def init_script(facts: Facts):
    names = {node["id"] for node in facts.cluster()["nodes"]}
    told = facts.head("cat /opt/made; srun -N2 cat /opt/made").splitlines()
    expect(set(told) == {f"made by {name}" for name in names} and len(told) == 3, told)


@LIFE.step("a job runs on two nodes through SSH")
def job_by_ssh(facts: Facts):
    facts.two_nodes()


@LIFE.step("'hopyard cluster ssh' runs a command on the head")
def command_line_ssh(facts: Facts):
    told = facts.here.run("cluster", "ssh", "life", "--", "hostname").stdout.strip()
    heads = [node["id"] for node in facts.cluster()["nodes"] if node["role"] == "head"]
    expect([told] == heads, f"{told} is not {heads}")


@LIFE.step("the head's page lets the first administrator in, and nobody with a wrong password")
def sign_in(facts: Facts):
    cluster = facts.cluster()
    page = Page(cluster)
    expect(page.sign_in(cluster["access"]["user"], facts.password + "x") == 401, "wrong password")
    expect(page.sign_in("root", facts.password) == 401, "another user")
    expect(page.call("GET", "/api/nodes")[0] == 401, "without a session")
    expect(page.sign_in(cluster["access"]["user"], facts.password) == 200, "right password")
    status, shown = page.call("GET", "/api/nodes")
    expect(status == 200 and {node["name"] for node in shown["nodes"]}
           == {node["id"] for node in cluster["nodes"]}, shown)


@LIFE.step("a command submitted on the page runs on both workers, and its output is shown")
def job_by_page(facts: Facts):
    cluster = facts.cluster()
    page = Page(cluster)
    page.sign_in(cluster["access"]["user"], facts.password)
    shown = page.run("echo \"here is $(hostname)\"", nodes=2)
    wanted = {f"here is {node['id']}" for node in facts.workers()}
    expect(shown["state"] == "completed" and wanted == set(shown["output"].split("\n")) - {""},
           shown)


@LIFE.step("a machine's disk has the size that was asked for")
def disk_size(facts: Facts):
    told = facts.head("df --output=size -B1 / | tail -1; srun -N1 df --output=size -B1 / | tail -1")
    for size in map(int, told.split()):
        expect(0.9 * DISK_GB * 2**30 <= size <= DISK_GB * 2**30,
               f"{size / 2**30:.1f} GiB instead of {DISK_GB}")


@LIFE.step("/data is the container: a file written there is seen on another machine and as a blob")
def data(facts: Facts):
    facts.head("srun -N1 sh -c 'echo words >/data/from-worker'; echo more >/data/from-head")
    blobs = Blobs(facts.cloud, GROUP, ACCOUNT)
    container = facts.cluster()["container"]
    until(lambda: {"from-worker", "from-head"} <= set(blobs.names(container)), 30,
          "both files are blobs", pause=0.2)
    expect(blobs.text(container, "from-worker") == "words\n", "the text of the blob")
    until(lambda: facts.head("cat /data/from-worker 2>/dev/null; true") == "words\n", 20,
          "a worker's file is seen on the head", pause=0.5)


@LIFE.step("the security group lets in what is open, from where it is open, and nothing else")
def ports(facts: Facts):
    here, cluster = facts.here, facts.cluster()
    address = cluster["access"]["publicIp"]
    private = cluster["access"]["privateIp"]
    expect(connects(address, 443), "443 from the host")
    expect(connects(address, 22), "22 from the host while it is open")
    expect(not connects(address, 6817), "Slurm's port from outside")
    closed = dict.fromkeys(["featureStore", "onlineFeatureStore", "kafka", "ssh"], False)
    here.api.put(f"/v1/clusters/{facts.id}/ports", {"ports": closed})
    until(lambda: not connects(address, 22, timeout=0.5), 20, "22 closes")
    expect(connects(address, 443), "443 stays open")
    refused = here.run("cluster", "ssh", "life", "--", "true", check=False)
    expect(refused.returncode != 0 and "cluster ports life --ssh on" in refused.stderr, refused)
    here.run("cluster", "ports", "life", "--ssh", "on", "--source", HOST_LINKS)
    until(lambda: connects(address, 22), 20, "22 opens again")

    other = here.create("neighbour", 0)
    here.wait(other, "running")
    neighbour = here.api.cluster(other)
    networks = f"{here.traces().prefix}p-"
    heads = [name for name in here.traces().namespaces() if name.startswith(networks)
             and neighbour["access"]["privateIp"] in addresses_of(name)
             and cluster["access"]["privateIp"] not in addresses_of(name)]
    expect(len(heads) == 1, f"the namespace of the neighbour's head: {heads}")
    expect(connects_from(heads[0], address, 443), "443 from another network")
    expect(not connects_from(heads[0], address, 22), "22 from another network than the source")
    expect(not connects_from(heads[0], private, 443), "a private address of another network")
    here.api.delete(f"/v1/clusters/{other}")
    here.wait_gone(other)


def addresses_of(namespace: str) -> str:
    return subprocess.run(["ip", "-n", namespace, "-4", "addr"], text=True,
                          capture_output=True).stdout


@LIFE.step("one more worker comes, and is idle in Slurm")
def add(facts: Facts):
    facts.here.run("workers", "add", "life", "1", "--wait")
    facts.running(workers=3)
    idle = [line for line in facts.head("sinfo -h -N -o '%n %T'").splitlines()
            if line.endswith(" idle")]
    expect(len(idle) == 3, idle)


@LIFE.step("a worker that runs a job is drained: the job ends undisturbed, then the worker goes")
def drain(facts: Facts):
    job = facts.head("sbatch --parsable --exclusive -N3 -o /tmp/out --wrap "
                     "'srun sleep 5; echo all done'").strip()
    until(lambda: facts.head(f"squeue -h -j {job} -o %T").strip() == "RUNNING", 20, "it runs")
    facts.here.run("--yes", "workers", "remove", "life", "1")
    until(lambda: any(node["phase"] == "draining" for node in facts.workers()), 20, "one drains")
    expect(len(facts.workers()) == 3, "nobody goes while the job runs")
    facts.running(workers=2)
    shown = facts.head(f"scontrol -o show job {job}")
    expect("JobState=COMPLETED" in shown and "Restarts=0" in shown, shown)
    machines = facts.cloud.machines(GROUP, facts.id)
    expect(len(machines) == 3, machines)


@LIFE.step("stop deallocates the head and deletes the workers")
def stop(facts: Facts):
    facts.head("echo kept >kept")
    facts.here.run("--yes", "cluster", "stop", "life", "--wait")
    machines = facts.cloud.machines(GROUP, facts.id)
    expect(list(machines.values()) == ["deallocated"], machines)
    expect(facts.here.traces().machine_processes() == [], "no process of a machine")
    expect(len(facts.cluster()["spec"]["workers"]) == 1, "what is wanted is still shown")
    again = facts.here.run("--yes", "cluster", "stop", "life", check=False)
    expect(again.returncode in (0, 4), f"stop of a stopped cluster: {again}")


@LIFE.step("start brings back what was wanted, and the head on its disk")
def start(facts: Facts):
    facts.here.run("cluster", "start", "life", "--wait")
    facts.running(workers=2)
    expect(facts.head("cat kept") == "kept\n", "a file in the administrator's home")
    facts.two_nodes()


@LIFE.step("restart starts every machine again in place; a job that ran goes back to the queue")
def restart(facts: Facts):
    before = {node["id"]: node["privateIp"] for node in facts.cluster()["nodes"]}
    boots = facts.head("cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1").split()[-1]
    job = facts.head("sbatch --parsable --requeue -N1 -o /tmp/out --wrap 'sleep 2'").strip()
    until(lambda: facts.head(f"squeue -h -j {job} -o %T").strip() == "RUNNING", 20, "it runs")
    facts.here.run("cluster", "restart", "life", "--wait")
    cluster = facts.running(workers=2)
    expect({node["id"]: node["privateIp"] for node in cluster["nodes"]} == before, "addresses stay")
    expect(facts.head("stat -c %Y /proc/1").strip() != boots, "the head was started again")
    until(lambda: "JobState=COMPLETED" in facts.head(f"scontrol -o show job {job}"), 60,
          "the job runs again and ends", pause=0.5)
    facts.two_nodes()


def worker(facts: Facts, name: str) -> dict:
    return next(node for node in facts.workers() if f"w{node['ordinal']}" == name)


@LIFE.step("a drained worker takes no job, also after a restart of itself, until it is resumed")
def drain_one(facts: Facts):
    here = facts.here
    here.run("node", "drain", "life", "w1")
    until(lambda: worker(facts, "w1")["state"] == "drained", 20, "w1 is drained")
    facts.running(workers=2)
    busy = worker(facts, "w1")["id"]
    refused = facts.head(f"srun -I3 -w {busy} -N1 hostname 2>&1 || echo refused")
    expect(refused.endswith("refused\n"), refused)
    here.run("node", "restart", "life", "w1")
    until(lambda: worker(facts, "w1")["phase"] != "ready", 20, "w1 restarts")
    until(lambda: worker(facts, "w1")["state"] == "drained", 60, "w1 is back, and still drained")
    told = facts.head("srun -N1 hostname").strip()
    expect(told == worker(facts, "w2")["id"], f"a job ran on {told}")
    here.run("node", "resume", "life", "w1")
    until(lambda: worker(facts, "w1")["workloadState"] == "idle", 20, "w1 takes work again")
    facts.two_nodes()
    expect(here.run("node", "drain", "life", "head", check=False).returncode == 4, "the head")


@LIFE.step("a worker that runs a job restarts when the job has ended, undisturbed, and not before")
def restart_one(facts: Facts):
    busy = worker(facts, "w1")["id"]
    job = facts.head(f"sbatch --parsable -w {busy} -N1 -o /tmp/out --wrap 'sleep 6'").strip()
    until(lambda: facts.head(f"squeue -h -j {job} -o %T").strip() == "RUNNING", 20, "it runs")
    facts.here.run("node", "restart", "life", "w1")
    until(lambda: worker(facts, "w1")["state"] == "draining", 20, "it takes no new work")
    until(lambda: worker(facts, "w1")["phase"] != "ready", 40, "it restarts")
    shown = facts.head(f"scontrol -o show job {job}")
    expect("JobState=COMPLETED" in shown and "Restarts=0" in shown, shown)
    facts.running(workers=2)
    facts.two_nodes()


@LIFE.step("the end of a node's log is shown, of the head and through it of a worker")
def logs(facts: Facts):
    for name in ("head", "w1"):
        shown = facts.here.run("node", "log", "life", name, "--lines", "2000").stdout
        expect("orders came" in shown and "told" in shown, shown)


@LIFE.step("a rotated password lets in, the old one does not, and whoever used it is signed out")
def rotate(facts: Facts):
    cluster = facts.cluster()
    before = Page(cluster)
    expect(before.sign_in(cluster["access"]["user"], facts.password) == 200, "the old password")
    made = json.loads(facts.here.run("--yes", "-o", "json", "cluster", "rotate-password",
                                     "life").stdout)
    until(lambda: not facts.cluster()["access"]["passwordPending"], 20, "the head has it")
    expect(before.call("GET", "/api/nodes")[0] == 401, "the old session")
    page = Page(cluster)
    expect(page.sign_in(made["user"], facts.password) == 401, "the old password")
    expect(page.sign_in(made["user"], made["password"]) == 200, "the new password")
    facts.owner_secrets["first password before"] = facts.password
    facts.password = made["password"]


@LIFE.step("no secret is in a log, a command line, an environment, a database, an open file or a "
           "captured exchange")
def secrets(facts: Facts):
    def look():
        return look_for_secrets(facts.here, facts.cloud,
                                {"first password": facts.password, **facts.owner_secrets})
    planted = facts.here.state / "planted.log"
    planted.write_text(f"signed in with {facts.here.api.key}")
    expect(any(str(planted) in place for place in look()), "a planted secret is found")
    planted.unlink()
    found = look()
    expect(not found, "\n".join(found))


@LIFE.step("the metrics show the loops at work: steps, plans and calls, and that nothing is wrong")
def metrics(facts: Facts):
    values = dict(line.rsplit(" ", 1) for line in facts.here.api.text("/metrics").splitlines()
                  if not line.startswith("#"))
    for name in ('hopyard_loop_steps_total{as="leading"}', "hopyard_loops_lease_held",
                 'hopyard_loop_plans_total{outcome="stored"}',
                 'hopyard_cloud_calls_total{outcome="done"}'):
        expect(float(values.get(name, 0)) > 0, f"{name} of {sorted(values)}")
    expect(float(values["hopyard_loops_step_age_seconds"]) < 20, values)
    for condition in ("store", "cloud", "loops"):
        name = f'hopyard_condition_good{{condition="{condition}"}}'
        expect(values.get(name) == "1", f"{name} of {sorted(values)}")


@LIFE.step("another cloud account is tried, carries a cluster with loops of its own, and is held by it")
def cloud_account(facts: Facts):
    here = facts.here
    cloud = json.loads((here.cloud_state / "cloud.json").read_text())
    secret = here.config / "client-secret"
    secret.touch(0o600)

    def add(text: str):
        secret.write_text(text + "\n")
        return here.run("cloud-account", "add", "second", "--subscription",
                        cloud["subscriptionId"], "--tenant", cloud["tenantId"], "--client-id",
                        cloud["clientId"], "--client-secret-file", secret, check=False)

    refused = add("wrong")
    expect(refused.returncode == 4 and "AADSTS7000215" in refused.stderr, refused.stderr)
    added = add(cloud["clientSecret"])
    secret.unlink()
    expect(added.returncode == 0 and "all rights are there" in added.stdout, added.stderr)
    cluster = here.create("beside", 0, cloudAccount="second")
    here.wait(cluster, "running")
    held = here.run("--yes", "cloud-account", "remove", "second", check=False)
    expect(held.returncode == 4 and "cloud_account_in_use" in held.stderr, held.stderr)
    conditions = here.api.get("/v1/health")["conditions"]
    expect({"cloud", "cloud second"} <= {each["name"] for each in conditions}, conditions)
    here.api.delete(f"/v1/clusters/{cluster}")
    here.wait_gone(cluster)
    here.run("--yes", "cloud-account", "remove", "second")


@LIFE.step("the role that is offered holds every action that was used, and 'cloud check' finds it whole")
def role(facts: Facts):
    here = facts.here
    here.run("cloud", "check")
    document = json.loads(here.run("-o", "json", "cloud-account", "role", "--group", GROUP).stdout)
    offered = {right["action"].lower()
               for right in document["actions"] + document["subscriptionActions"]}
    missing = rights.used(here.sent) - offered
    expect(not missing, f"used, and not in the role: {sorted(missing)}")


@LIFE.step("terminate deletes all that was made for the cluster, and keeps the container")
def terminate(facts: Facts):
    container = facts.cluster()["container"]
    facts.here.run("--yes", "cluster", "delete", "life", "--wait")
    expect(facts.cloud.resources() == [], facts.cloud.resources())
    try:
        until(lambda: not facts.here.traces().of_clusters(), 5, "nothing is left")
    except TimeoutError:
        raise AssertionError(f"left: {facts.here.traces().of_clusters()}") from None
    blobs = Blobs(facts.cloud, GROUP, ACCOUNT)
    expect(container in blobs.containers() and "from-worker" in blobs.names(container), "container")
    orphans = json.loads(facts.here.run("-o", "json", "cloud", "orphans").stdout)
    expect(not (orphans["items"] if isinstance(orphans, dict) else orphans), orphans)


@LIFE.step("what was sent to the cloud and what it answered passes Microsoft's validator")
def traffic(facts: Facts):
    judged = subprocess.run([ROOT / "tests/local_cloud/judge-traffic", "--captured",
                             facts.here.sent, facts.here.answered], text=True, capture_output=True)
    print("      " + judged.stdout.strip().replace("\n", "\n      "), flush=True)
    cannot_be_judged = 77
    if judged.returncode != cannot_be_judged:
        expect(judged.returncode == 0, f"exit code {judged.returncode}: {judged.stderr}")


def live() -> None:
    with Installation("life") as here:
        here.capture()
        LIFE.live(Facts(here))
