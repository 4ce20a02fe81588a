"""What must be impossible in a jail, tried out in it: the probe's side inside."""

import contextlib
import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from .wire import Channel

PTRACE_ATTACH = 16
LIFE_SECONDS = 60  # of the child that tries to outlive its parent


def serve(end: socket.socket) -> None:
    """Try each breach with the facts that the judge sends; answer with those that succeeded."""
    channel = Channel(end)
    facts = json.loads(channel.receive())
    breaches = []
    for name, attempt in ATTEMPTS.items():
        with contextlib.suppress(Exception):
            if attempt(facts):
                breaches.append(name)
    channel.send_json(breaches)


def _connects(facts: dict[str, Any]) -> bool:
    with socket.create_connection(("127.0.0.1", facts["port"]), timeout=2):
        return True


def _reads(facts: dict[str, Any]) -> bool:
    with open(facts["secret"]) as file:
        return bool(file.read())


def _writes(facts: dict[str, Any]) -> bool:
    with open(facts["secret"], "a") as file:
        file.write("!")
    return True


def _writes_kit(facts: dict[str, Any]) -> bool:
    with open(facts["kit"], "a"):
        return True


def _signals(facts: dict[str, Any]) -> bool:
    os.kill(facts["pid"], 0)
    return True


def _kills_first(_: dict[str, Any]) -> bool:
    """Process 1 must be the jail's own, and deaf to a child's signal."""
    os.kill(1, signal.SIGTERM)
    with open("/proc/1/cmdline") as file:
        return "zygote" not in file.read()


def _traces(facts: dict[str, Any]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    others = (facts["pid"], os.getppid())
    return any(libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0 for pid in others)


def _reads_memory(_: dict[str, Any]) -> bool:
    with open(f"/proc/{os.getppid()}/mem", "rb"):
        return True


def _nests(_: dict[str, Any]) -> bool:
    """A user namespace of its own would give back what was taken away."""
    return bool(ctypes.CDLL(None).unshare(0x10000000) == 0)


def _is_privileged(_: dict[str, Any]) -> bool:
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file if ":" in line)
    return int(status["CapEff"], 16) != 0 or status["NoNewPrivs"].strip() != "1"


def _sets(_: dict[str, Any]) -> bool:
    """Whoever is root outside has the kernel's settings, unless they cannot be written at all."""
    with open("/proc/sys/kernel/core_pattern", "a"):
        return True


def _outlives(_: dict[str, Any]) -> bool:
    """A child that leaves its group and its session: whether it is killed, the judge sees outside.

    Where there are no walls it ends by itself, once the judge has looked.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.alarm(LIFE_SECONDS)
        while True:
            signal.pause()
    return False


ATTEMPTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "opens a connection": _connects,
    "reads a file outside": _reads,
    "writes a file outside": _writes,
    "writes into the kit": _writes_kit,
    "signals a process outside": _signals,
    "kills the first process": _kills_first,
    "traces another process": _traces,
    "reads the memory of the first process": _reads_memory,
    "makes a user namespace": _nests,
    "holds privileges": _is_privileged,
    "changes the kernel's settings": _sets,
    "outlives its parent": _outlives,
}
