"""Before anything is graded: does the jail hold? The judge's side of the probe.

Grading fails closed. Where one breach succeeds, or the probe cannot be made, nothing is graded.
"""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import breach
from .jail import KIT, Jail, NoJail
from .wire import Gone

SECONDS = 30.0


def probe(jail: Jail) -> list[str]:
    """The breaches that succeed in this jail, in words. NoJail where it cannot be asked."""
    with _targets() as facts:
        try:
            with jail.visit("probe") as visit:
                visit.channel.send(json.dumps(facts).encode(), SECONDS)
                answers = visit.channel.receive_json(SECONDS)
        except Gone as problem:
            raise NoJail(f"The probe of the jail {problem}.") from None
    breaches = [name for name in breach.ATTEMPTS if name in answers]
    if visit.end:
        breaches.append(visit.end)
    if jail.process is not None and _descendants(
        jail.process.pid
    ) > _own_processes(jail):
        breaches.append("outlives its parent")
    return breaches


def _own_processes(jail: Jail) -> int:
    """Of a jail at rest: bubblewrap's own process and the zygote under it."""
    return 1 if jail.sandbox else 0


def _descendants(pid: int) -> int:
    """How many processes stand below one, seen from outside, once killed ones have gone."""
    for _ in range(50):
        count = _count_below(pid)
        if count <= 1:
            break
        time.sleep(0.02)
    return count


def _count_below(pid: int) -> int:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    below = {pid}
    grows = True
    while grows:
        more = {
            child for child, parent in parents.items() if parent in below
        } - below
        below |= more
        grows = bool(more)
    return len(below) - 1


@contextlib.contextmanager
def _targets() -> Iterator[dict[str, Any]]:
    """Something to attack: a listening socket, a file with a secret, a process."""
    with (
        tempfile.NamedTemporaryFile("w", dir=Path.home()) as secret,
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(
            ["sleep", "600"], stdout=subprocess.DEVNULL
        ) as sleeper,
    ):
        try:
            secret.write(os.urandom(16).hex())
            secret.flush()
            yield {
                "port": server.getsockname()[1],
                "secret": secret.name,
                "pid": sleeper.pid,
                "kit": str(KIT / "olympus_kit" / "__init__.py"),
            }
        finally:
            sleeper.kill()
