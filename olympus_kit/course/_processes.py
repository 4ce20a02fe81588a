"""Processes that run a person's code: they end when we end, with all that they have started.

`kill` ends a whole process group, after a normal end, too. Ctrl-C, SIGTERM and SIGHUP come to it
through `ended_by_signals`. Whoever is killed without a word (kill -9) cannot tidy up: so each
process has a watcher, a shell of two commands that reads from a pipe of ours. The pipe closes when
we are gone, whatever the reason, and then the watcher kills the group.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Any

WATCH = "read _; kill -9 -{group}"


class Ended(BaseException):
    """No process is started any more, since this one is ending."""


class Processes:
    """The processes that we have started and that still run."""

    def __init__(self) -> None:
        self.watchers: dict[
            subprocess.Popen[str], subprocess.Popen[bytes] | None
        ] = {}
        self.lock = threading.RLock()
        self.ending = False

    def start(
        self, command: Sequence[str], **options: Any
    ) -> "subprocess.Popen[str]":
        """Start a process in a group of its own; `kill` ends it. Its pipes carry text."""
        with (
            self.lock
        ):  # nothing is started between the order to end and the end
            if self.ending:
                raise Ended
            process = subprocess.Popen(
                command, text=True, start_new_session=True, **options
            )
            self.watchers[process] = None
            self.watchers[process] = _watcher(process.pid)
        return process

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """End a process and all that it has started, also where it has ended by itself."""
        with self.lock:
            if process not in self.watchers:
                return
            watcher = self.watchers.pop(process)
        if os.name == "nt":
            process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if watcher is not None:
            watcher.kill()
            watcher.wait()
            assert watcher.stdin is not None
            watcher.stdin.close()

    def kill_all(self) -> None:
        """End every process, and start no more."""
        with self.lock:
            self.ending = True
            running = list(self.watchers)
        for process in running:
            self.kill(process)


def _watcher(group: int) -> "subprocess.Popen[bytes] | None":
    if os.name == "nt":
        return None
    return subprocess.Popen(
        ["/bin/sh", "-c", WATCH.format(group=group)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that Ctrl-C does not end the watcher first
    )


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP end this process as Ctrl-C does: by an exception."""
    before: dict[int, Any] = {}

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
