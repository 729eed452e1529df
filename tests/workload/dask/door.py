"""What a Dask scheduler is asked and told by the engine beside this file: JSON over HTTP.

Both daemons load it (--preload). In a worker it only says what is being executed. In the scheduler it
keeps the machines that orders named, and closes or opens each for work: a closed worker is one
that Dask calls paused, which ends what it has begun and begins nothing more.

Dask hands every task to a worker at once, also to one that is full. Such tasks wait, whatever the
scheduler calls them: they are said as waiting, go to another worker that has room, and go back to
the queue when their worker is closed. None is taken from a worker that may have begun it.
"""
import asyncio
import json
from dataclasses import dataclass
from time import time

from distributed import Scheduler, Status
from distributed.diagnostics.plugin import SchedulerPlugin
from tornado import web

PORT = 8788
ANSWER_TIMEOUT_S = 1
EVENT_WAIT_S = 20


@dataclass
class Machine:
    """One that orders named; its size is what was announced, until it comes."""

    cpus: int
    memory_mb: int
    gpus: int
    is_open: bool = True
    has_registered: bool = False


class Shape:
    """What a task takes, or a worker offers, of each resource that Dask was told of."""

    def __init__(self, resources, cpus=0):
        given = resources or {}
        self.cpus = int(given.get("cpus", cpus))
        self.memory_mb = int(given.get("memory_mb", 0))
        self.gpus = int(given.get("gpus", 0))

    def fits_in(self, room):
        return all(value <= getattr(room, name) for name, value in vars(self).items())

    def add(self, other, sign=1):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + sign * value)


def shape_of(task):
    """A task that says nothing takes a thread: a core."""
    return Shape(task.resource_restrictions if task else None, cpus=1)


@dataclass
class Use:
    """What one worker does: `jobs` it executes or is about to, `waiting` are for others to take."""

    answers: bool
    jobs: int
    allocated: Shape
    room: Shape
    waiting: list


class Door(SchedulerPlugin):
    name = "door"

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.machines = {}
        self.waiting_since = {}
        self.events = 0
        self.happened = asyncio.Event()

    # Dask calls these.

    def add_worker(self, scheduler, worker):
        name = scheduler.workers[worker].name
        machine = self.machines.get(name)
        if machine:
            machine.has_registered = True
        if not machine or not machine.is_open:
            # Ahead of any task on the same stream: it begins none.
            self.tell_status(scheduler.workers[worker], Status.paused)
        self.note()

    def remove_worker(self, scheduler, worker):
        self.note()

    def transition(self, key, start, finish, *args, **kwargs):
        if finish in ("no-worker", "queued", "processing"):
            self.waiting_since.setdefault(key, time())
        elif finish in ("memory", "erred", "forgotten"):
            self.waiting_since.pop(key, None)
        self.note()

    def note(self):
        self.events += 1
        self.happened.set()
        self.happened = asyncio.Event()

    # What the engine asks.

    async def wait_for_event(self, seen):
        if self.events <= seen:
            try:
                await asyncio.wait_for(self.happened.wait(), EVENT_WAIT_S)
            except asyncio.TimeoutError:
                pass
        return {"events": self.events}

    async def look(self):
        # Whoever was closed before it is asked begins nothing after its answer.
        closed = {ws for ws in self.scheduler.workers.values() if ws.status == Status.paused}
        workers = list(self.scheduler.workers.values())
        answers = await asyncio.gather(*(self.ask_for_tasks(ws) for ws in workers))
        said = {ws: keys for ws, keys in zip(workers, answers)
                if self.scheduler.workers.get(ws.address) is ws}
        for ws, keys in said.items():
            if ws in closed and keys is not None:
                self.send_back([ts for ts in ws.processing if ts.key in keys["waiting"]])
        uses = {ws: self.use_of(ws, keys) for ws, keys in said.items()}
        self.spread(uses)
        return self.said(uses, closed)

    async def ask_for_tasks(self, ws):
        """None when it does not answer."""
        try:
            answer = self.scheduler.rpc(ws.address).tasks_of_worker()
            return await asyncio.wait_for(answer, ANSWER_TIMEOUT_S)
        except (OSError, asyncio.TimeoutError):
            return None

    def send_back(self, tasks):
        for ts in tasks:
            self.scheduler._reschedule(ts.key, stimulus_id=f"closed-{time()}")

    def use_of(self, ws, keys):
        # What it does not speak of reaches it just now, or has just ended: so it may be at work.
        may_wait = set(keys["waiting"]) if keys else set()
        begun = set(keys["begun"]) if keys else set()
        begun |= {ts.key for ts in ws.processing if ts.key not in may_wait}
        allocated, room, waiting = Shape({}), Shape(ws.resources), []
        for key in begun:
            allocated.add(shape_of(self.scheduler.tasks.get(key)))
        room.add(allocated, sign=-1)
        jobs = len(begun)
        for ts in sorted((ts for ts in ws.processing if ts.key in may_wait),
                         key=lambda ts: ts.priority):
            shape = shape_of(ts)
            if not shape.fits_in(room):
                waiting.append(ts)
                continue
            # It is about to begin.
            room.add(shape, sign=-1)
            allocated.add(shape)
            jobs += 1
        return Use(keys is not None, jobs, allocated, room, waiting)

    def spread(self, uses):
        """By Dask's own way of stealing, which a worker refuses when it has begun the task."""
        stealing = self.scheduler.extensions["stealing"]
        for ws, use in uses.items():
            for ts in use.waiting:
                shape = shape_of(ts)
                valid = self.scheduler.valid_workers(ts)
                for thief, its in uses.items():
                    is_free = thief.status == Status.running and shape.fits_in(its.room)
                    if thief is ws or not is_free or (valid is not None and thief not in valid):
                        continue
                    stealing.move_task_request(ts, ws, thief)
                    its.room.add(shape, sign=-1)
                    break

    def said(self, uses, closed):
        by_name = {ws.name: (ws, use) for ws, use in uses.items()}
        tasks = self.scheduler.tasks.values()
        waiting = [ts for use in uses.values() for ts in use.waiting]
        waiting += [ts for ts in tasks if ts.state in ("no-worker", "queued")]
        return {
            "nodes": [self.node(name, machine, by_name.get(name), closed)
                      for name, machine in self.machines.items()],
            "jobs_running": sum(use.jobs for use in uses.values()),
            "jobs_pending": len(waiting) + sum(ts.state == "waiting" for ts in tasks),
            "requests": [self.request(ts) for ts in sorted(waiting, key=lambda ts: ts.priority)],
        }

    def node(self, name, machine, present, closed):
        said = {**vars(machine), "name": name, "is_present": present is not None}
        if present is None:
            return said
        ws, use = present
        offers = Shape(ws.resources)
        is_closing = not machine.is_open and ws not in closed
        return {**said, **vars(offers), "answers": use.answers, "jobs": use.jobs,
                "allocated": vars(use.allocated), "is_closing": is_closing}

    def request(self, ts):
        names = [self.scheduler.workers[each].name
                 for each in ts.worker_restrictions or () if each in self.scheduler.workers]
        return {"name": ts.key, "each": vars(shape_of(ts)), "machines": sorted(names),
                "since_ms": int(1000 * self.waiting_since.get(ts.key, time()))}

    # What the engine tells.

    async def tell(self, step, name, size=None):
        machine, ws = self.machines.get(name), self.worker(name)
        if step == "announce":
            self.machines[name] = Machine(**size, has_registered=ws is not None)
            self.set_open(self.machines[name], ws, True)
        elif step == "forget":
            self.machines.pop(name, None)
            if ws:
                self.tell_status(ws, Status.paused)
        elif machine and step in ("open", "close"):
            self.set_open(machine, ws, step == "open")
        elif step == "lose" and ws:
            await self.scheduler.remove_worker(ws.address, stimulus_id=f"lost-{time()}")

    def set_open(self, machine, ws, is_open):
        machine.is_open = is_open
        if ws:
            self.tell_status(ws, Status.running if is_open else Status.paused)

    def worker(self, name):
        return self.scheduler.workers.get(self.scheduler.aliases.get(name))

    def tell_status(self, ws, status):
        self.scheduler.stream_comms[ws.address].send(
            {"op": "worker-status-change", "status": status.name,
             "stimulus_id": f"door-{time()}"})


class Page(web.RequestHandler):
    def initialize(self, door):
        self.door = door

    async def get(self, what):
        if what == "look":
            self.write(await self.door.look())
        elif what == "events":
            self.write(await self.door.wait_for_event(int(self.get_argument("seen"))))
        else:
            self.write({"is_registered": self.door.worker(self.get_argument("name")) is not None})

    async def post(self, what):
        for step in json.loads(self.request.body):
            await self.door.tell(**step)
        self.set_status(204)


def answer_for_tasks(worker):
    """What it has begun, and what it was given and has not begun."""
    def tasks_of_worker():
        state = worker.state
        begun = state.executing | state.long_running
        waiting = [ts.key for ts in state.tasks.values()
                   if ts.state in ("ready", "constrained") and ts not in begun]
        return {"begun": [ts.key for ts in begun], "waiting": waiting}

    worker.handlers["tasks_of_worker"] = tasks_of_worker


async def dask_setup(server):
    if not isinstance(server, Scheduler):
        answer_for_tasks(server)
        return
    door = Door(server)
    server.add_plugin(door)
    web.Application([("/(look|events|registered|orders)", Page, {"door": door})]).listen(PORT)
