"""The first process of a jail: it has imported everything, and forks a child for each submission.

Import of jax takes a second and a fork a millisecond, so one jail serves many submissions, one
after the other. Between two of them nothing may stay: every process but this one is killed, the
scratch folder is emptied, and what a child may do to its parent (limits, priority) is looked for.
Where something stays this process ends, and the jail with it.

As process 1 of its PID namespace it cannot be killed from inside, and its death ends the jail.
It is not dumpable, so that no child can trace it or read its memory; and it never holds a
student's data, since each child gets a socket of its own, which is passed on unread.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

TICK = 0.02  # seconds between two looks at the processes of the jail
MOST_PROCESSES = 32
SWEEPS = 500  # tries to end what starts itself anew
MOST_THREADS = 2048  # of one user; XLA alone starts a few for each core
PR_SET_DUMPABLE = 4
ROLES = {
    "witness": "olympus_kit.course.grade.witness",
    "examiner": "olympus_kit.course.grade.examiner",
    "probe": "olympus_kit.course.grade.breach",
}
WARM = (
    "olympus",
    "olympus.numpy",
    "olympus_kit",
    "IPython.core.interactiveshell",
)


def main() -> None:
    """Serve the socket that is standard input until it closes."""
    sandboxed = os.getpid() == 1
    _dumpable(False)
    control = socket.socket(fileno=0)
    roles = {
        name: import_module(module).serve for name, module in ROLES.items()
    }
    for module in WARM:
        import_module(module)
    control.send(b"ready")
    fresh: list[Any] = []
    while True:
        message, sockets, _, _ = socket.recv_fds(control, 2**16, 1)
        if not message:
            return
        order = json.loads(message)
        fresh = fresh or _condition(order["scratch"])
        child = _fork(roles[order["role"]], order, sockets[0], control)
        os.close(sockets[0])
        reason = _supervise(child, order, control)
        _kill_others(child, sandboxed)
        if sandboxed and not _is_as_before(order["scratch"], fresh):
            return
        control.send(reason.encode())


def _fork(
    serve: Callable[[socket.socket], None],
    order: dict[str, Any],
    inherited: int,
    control: socket.socket,
) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        control.close()
        _dumpable(True)  # else it could not read its own /proc
        _limit(order)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the rest of the process
        os.chdir(order["scratch"])
        serve(socket.socket(fileno=inherited))
        status = 0
    finally:
        os._exit(status)


def _limit(order: dict[str, Any]) -> None:
    """Bounds that the kernel keeps for one process; the supervisor keeps those of all together."""
    limits = {
        resource.RLIMIT_CPU: order["cpu_seconds"],
        resource.RLIMIT_AS: 16 * 2**30,  # jax reserves much more than it uses
        resource.RLIMIT_FSIZE: order["scratch_bytes"],
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: MOST_THREADS,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(kind, (most, most))


def _supervise(
    child: int,
    order: dict[str, Any],
    control: socket.socket,
) -> str:
    """Wait until the judge has had enough; kill what takes too much. Say how the child ended."""
    reason = ""
    control.settimeout(TICK)
    while True:
        try:
            if control.recv(16) != b"sweep":
                break  # "stop", or the judge is gone
            _sweep(order, child)
            control.send(b"swept")
        except TimeoutError:
            pass
        if not reason:
            reason = _excess(order, child)
            if reason:
                _kill_others(child, os.getpid() == 1)
    control.settimeout(None)
    return reason or "-"


def _running(child: int) -> dict[int, int]:
    """The processes of the jail but this one, and how many pages of memory each has."""
    pages = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        if os.getpid() != 1 and int(entry) != child:
            continue  # without a jail, the machine's own processes stand there, too
        try:
            with open(f"/proc/{entry}/statm") as file:
                pages[int(entry)] = int(file.read().split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return pages


def _sweep(order: dict[str, Any], child: int) -> None:
    """End every process but the child; one that has ended has no memory any more."""
    for _ in range(SWEEPS):
        if _excess(order, child):  # what starts itself anew may grow meanwhile
            return
        others = [pid for pid, pages in _running(child).items() if pages]
        others = [pid for pid in others if pid != child]
        if not others:
            return
        for pid in others:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(1e-3)


def _excess(order: dict[str, Any], child: int) -> str:
    """What the processes of the jail have too much of, in words."""
    pages = _running(child)
    if len(pages) > MOST_PROCESSES:
        return f"started more than {MOST_PROCESSES} processes"
    if sum(pages.values()) * resource.getpagesize() > order["memory_bytes"]:
        return f"used more than {order['memory_bytes'] / 2**30:g} GiB of memory"
    return ""


def _kill_others(child: int, sandboxed: bool) -> None:
    """End every process but this one: in a jail all of them, else the child's group."""
    while True:
        try:
            if sandboxed:
                os.kill(-1, signal.SIGKILL)
            else:
                os.killpg(child, signal.SIGKILL)
        except OSError:
            pass
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        time.sleep(1e-3)


def _condition(scratch: str) -> list[Any]:
    """What a child may change in this process, which has the same user, and in its folder."""
    os.utime(scratch, (0, 0))
    kinds = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return [
        [resource.getrlimit(getattr(resource, kind)) for kind in kinds],
        os.getpriority(os.PRIO_PROCESS, 0),
        os.sched_getscheduler(0),
        os.sched_getaffinity(0),
        os.stat(scratch).st_mode,
        os.listxattr(scratch),
    ]


def _is_as_before(scratch: str, fresh: list[Any]) -> bool:
    """Whether nothing of a visit stays: neither a file nor a limit for those who come next."""
    try:
        return _empty(scratch) and _condition(scratch) == fresh
    except OSError:
        return False


def _empty(scratch: str) -> bool:
    """Empty the scratch folder; whether that worked."""
    for entry in os.scandir(scratch):
        try:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        except (OSError, RecursionError):
            return False
    return not os.listdir(scratch)


def _dumpable(value: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(value), 0, 0, 0)


if __name__ == "__main__":
    main()
