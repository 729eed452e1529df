"""Looks for what must not be seen: the secrets of a running installation, as canaries, wherever a
secret could have been spilt."""
import base64
import os
import re
import stat
import urllib.parse
from pathlib import Path

from rig.cloud import LocalCloud
from rig.installation import Installation
from rig.steps import expect

BIGGEST = 64 << 20


def look_for_secrets(here: Installation, cloud: LocalCloud, of_people: dict[str, str]) -> list[str]:
    """Every place where one was found, as a sentence. `of_people`: passwords, links, sessions."""
    canaries = secrets_of(here, cloud)
    canaries |= {name: [secret.encode()] for name, secret in of_people.items()}
    expect(all(of_people.values()), "an empty secret")
    for kind in ("API key", "first password", "owner's password", "session", "workload key",
                 "right on the container", "client secret", "private key of a node"):
        expect(any(name.startswith(kind) for name in canaries), f"no {kind} to look for")
    return (in_files(canaries, logs(here), "log")
            + in_files(canaries, databases(here), "database")
            + in_files(canaries, exchanges(here), "captured exchange")
            + in_processes(canaries)
            + in_open_files(canaries, here))


def secrets_of(here: Installation, cloud: LocalCloud) -> dict[str, list[bytes]]:
    """Name to the forms that a secret could stand in."""
    found = {"API key": [here.api.key.encode()],
             "client secret": [cloud.settings["clientSecret"].encode()],
             "key of the local cloud's authority": key_lines(here.cloud_state / "ca.key")}
    for number, root in enumerate(machine_roots(here)):
        munge = (root / "etc/munge/munge.key").read_bytes()
        found[f"workload key of machine {number}"] = [munge, munge.hex().encode(),
                                                   base64.b64encode(munge)]
        for path in private_files(root):
            text = path.read_bytes()
            for signature in re.findall(rb"sig=([A-Za-z0-9%+/=]{40,})", text):
                plain = urllib.parse.unquote_to_bytes(signature.decode())
                found[f"right on the container in {path}"] = [signature, plain]
            if b"PRIVATE KEY-----" in text:
                found[f"private key of a node in {path}"] = key_lines(path)
    return found


def key_lines(path: Path) -> list[bytes]:
    """A line in the middle of the key: it is the same wherever the text is quoted."""
    body = [line for line in path.read_bytes().splitlines() if b"-----" not in line and line]
    return [max(body, key=len)[:60]] if body else []


def machine_roots(here: Installation) -> list[Path]:
    """The root file system of every machine, through its first process."""
    return [Path(f"/proc/{process}/root") for process in here.traces().first_processes()]


def private_files(root: Path):
    """Files of the node program and of what it configures that are nobody else's."""
    for folder in ("var/lib/hopyard", "var/lib/hopyard-node", "run/hopyard", "etc/hopyard"):
        for path in files_below(root / folder):
            if stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 and path.stat().st_size < BIGGEST:
                yield path


def files_below(folder: Path):
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                yield path


def logs(here: Installation) -> list[Path]:
    found = [path for folder in (here.state, here.cloud_state) for path in files_below(folder)
             if path.suffix == ".log" or "log" in path.name]
    for root in machine_roots(here):
        found += list(files_below(root / "var/log"))
    return found


def databases(here: Installation) -> list[Path]:
    return list(here.state.glob("hopyard.db*"))


def exchanges(here: Installation) -> list[Path]:
    found = [sorted(folder.glob("*.json")) for folder in (here.sent, here.answered)]
    expect(all(found), "no exchanges were captured")
    return sum(found, [])


def in_files(canaries: dict[str, list[bytes]], paths: list[Path], what: str) -> list[str]:
    found = []
    for path in paths:
        try:
            text = path.read_bytes() if path.stat().st_size < BIGGEST else b""
        except FileNotFoundError:  # deleted in between
            continue
        found += [f"{name} is in the {what} {path}" for name, forms in canaries.items()
                  if any(form in text for form in forms)]
    return found


def in_processes(canaries: dict[str, list[bytes]]) -> list[str]:
    """Command lines of all processes, and the environments of all but this one's family."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            try:
                text = (folder / part).read_bytes()
            except OSError:
                continue
            found += [f"{name} is in {folder / part}" for name, forms in canaries.items()
                      if any(form in text for form in forms)]
    return found


def in_open_files(canaries: dict[str, list[bytes]], here: Installation) -> list[str]:
    """Files that another user of the host, or of a machine, could read."""
    open_files = [path for folder in (here.state, here.config) for path in readable_below(folder)]
    for root in machine_roots(here):
        for folder in ("etc", "var/lib", "var/log", "run", "tmp", "home", "root", "opt"):
            open_files += list(readable_below(root / folder))
    return in_files(canaries, open_files, "file everybody may read:")


def readable_below(folder: Path):
    """What a path of folders with the right to pass leads to."""
    for parent, names, files in os.walk(folder):
        if os.stat(parent).st_mode & 0o001 == 0:
            names.clear()
            continue
        for name in files:
            path = Path(parent) / name
            try:
                facts = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o004 and facts.st_size < BIGGEST:
                yield path
