"""Gives tasks to a Dask scheduler as its users do, and takes all back.

    submit.py ADDRESS < LIST    one JSON object a line; see `give`
    submit.py ADDRESS --clear   cancels every task that is there
"""
import json
import sys

from distributed import Client, Future, fire_and_forget


def work(name, *before):
    """Until /tmp/end-NAME is there; says that it begins and that it ends."""
    import os
    import time

    with open(f"/tmp/began-{name}", "a") as file:
        file.write("began\n")
    while not os.path.exists(f"/tmp/end-{name}"):
        time.sleep(0.02)
    with open(f"/tmp/ended-{name}", "a") as file:
        file.write("ended\n")


def give(client, wish):
    """So many tasks of that shape, after another one and on one worker where that is said."""
    before = [Future(f"{wish['after']}-0", client)] if wish["after"] else []
    for number in range(wish["count"]):
        resources = {each: wish[each] for each in ("cpus", "memory_mb", "gpus") if wish[each]}
        fire_and_forget(client.submit(work, wish["name"], *before, key=f"{wish['name']}-{number}",
                                      resources=resources, workers=wish["on"] or None))


def cancel_all(dask_scheduler):
    keys = list(dask_scheduler.tasks)
    for client in list(dask_scheduler.clients):
        dask_scheduler.client_releases_keys(keys, client, "clear")


with Client(sys.argv[1]) as client:
    if sys.argv[2:] == ["--clear"]:
        client.run_on_scheduler(cancel_all)
    for line in sys.stdin:
        give(client, json.loads(line))
    # Answered in order: what was given is there.
    client.scheduler_info()
    client.run_on_scheduler(len, "")
