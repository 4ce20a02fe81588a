"""Judge pages, each in a process that can be killed; a kernel in a compiled loop can't be."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..checks import Outcome, record
from . import _notebook as nb
from ._cache import compile_cache
from ._course import Page

SECONDS = 120.0
COMMAND = (sys.executable, "-m", "olympus_kit.course._judge")
TOLD = "outcomes"
Running = set["subprocess.Popen[str]"]


@dataclass(frozen=True)
class Checked:
    """What came of a page: the outcomes, and what kept it from being judged to its end."""

    page: Page
    outcomes: list[Outcome]
    trouble: str = ""

    @property
    def code(self) -> int:
        """The exit code: 0 all correct, 1 something is not, 2 not judged to the end."""
        return 2 if self.trouble else int(any(o.state != "correct" for o in self.outcomes))


def check_pages(pages: list[Page], seconds: float = SECONDS, jobs: int = 1) -> Iterator[Checked]:
    """Judge pages, `jobs` at a time, and remember the outcomes; in the order of the pages."""
    running: Running = set()
    tasks = [_task(page) for page in pages]
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(lambda page, task: _check(page, task, seconds, running), pages, tasks)
    finally:  # after Ctrl-C, too
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            _kill(process)


def _task(page: Page) -> str | Exception:
    """What the judging process is told: code and questions, as JSON. An error where none can be."""
    try:
        code = [c for c in nb.read(page.path).cells if c.cell_type == "code"]
    except (OSError, ValueError) as error:
        return error
    cells = [(nb.name(c), c.source) for c in code if "check" not in nb.tags(c)]
    return json.dumps({"cells": cells, "names": page.names})


def _check(page: Page, task: str | Exception, seconds: float, running: Running) -> Checked:
    if isinstance(task, Exception):
        return Checked(page, [], str(task))
    with tempfile.TemporaryDirectory() as folder:
        reason = _judge(page, task, Path(folder), seconds, running)
        outcomes = _told(Path(folder, TOLD))
    for outcome in outcomes:
        record(page.path.parent, outcome.name, outcome.state)
    left = ", ".join(page.names[len(outcomes) :])
    return Checked(page, outcomes, left and f"{page.path} {reason}. Not judged: {left}.")


def _judge(page: Page, task: str, folder: Path, seconds: float, running: Running) -> str:
    """Run the process that judges; say how it ended, should it have ended too early."""
    with (folder / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            [*COMMAND, str(folder / TOLD)],
            cwd=page.path.parent,
            env={**os.environ, **compile_cache()},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        running.add(process)
        try:
            process.communicate(task, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
            return f"ran for more than {seconds:g} s and was stopped"
        finally:
            running.discard(process)
    said = (folder / "errors").read_text(errors="replace").strip().splitlines()
    return f"ended too early, with {said[-1] if said else f'exit code {process.returncode}'}"


def _told(path: Path) -> list[Outcome]:
    """The outcomes written so far; a line that a killed process left unfinished is none."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [Outcome.from_json(json.loads(line)) for line in lines if line.endswith("\n")]


def _kill(process: "subprocess.Popen[str]") -> None:
    """End a process and all that it has started."""
    if os.name == "nt":
        process.kill()
    else:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
