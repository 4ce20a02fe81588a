"""Judge pages, each in a process that can be killed; a kernel in a compiled loop cannot be."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..checks import Outcome, record
from . import _notebook as nb
from ._cache import compile_cache
from ._course import Page
from ._processes import Ended, Processes, ended_by_signals

SECONDS = 120.0
COMMAND = (sys.executable, "-m", "olympus_kit.course._judge")
OUTCOMES = "outcomes"


@dataclass(frozen=True)
class Checked:
    """What came of a page: the outcomes, and what kept it from being judged to its end."""

    page: Page
    outcomes: list[Outcome]
    trouble: str = ""

    @property
    def code(self) -> int:
        """The exit code: 0 all correct, 1 something is not, 2 not judged to the end."""
        if self.trouble:
            return 2
        return int(any(outcome.state != "correct" for outcome in self.outcomes))


def check_pages(
    pages: list[Page], seconds: float = SECONDS, jobs: int = 1
) -> Iterator[Checked]:
    """Judge pages, `jobs` at a time, and remember the outcomes; in the order of the pages."""
    processes = Processes()
    tasks = [_task(page) for page in pages]
    pool = ThreadPoolExecutor(jobs)
    with ended_by_signals():
        try:
            check = lambda page, task: _check(page, task, seconds, processes)
            yield from pool.map(check, pages, tasks)
        finally:  # after Ctrl-C, too
            processes.kill_all()
            pool.shutdown(wait=False, cancel_futures=True)


def _task(page: Page) -> str | Exception:
    """What the judging process gets: code and questions, as JSON. An error where none can be."""
    try:
        notebook = nb.read(page.path)
    except (OSError, ValueError) as error:
        return error
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "check" not in nb.tags(cell):
            cells.append((nb.name(cell), cell.source))
    return json.dumps({"cells": cells, "names": page.names})


def _check(
    page: Page,
    task: str | Exception,
    seconds: float,
    processes: Processes,
) -> Checked:
    if isinstance(task, Exception):
        return Checked(page, [], str(task))
    with tempfile.TemporaryDirectory() as folder:
        reason = _judge(page, task, Path(folder), seconds, processes)
        outcomes = _read_outcomes(Path(folder, OUTCOMES))
    for outcome in outcomes:
        record(page.path.parent, outcome.name, outcome.state)
    left = ", ".join(page.names[len(outcomes) :])
    trouble = f"{page.path} {reason}. Not judged: {left}." if left else ""
    return Checked(page, outcomes, trouble)


def _judge(
    page: Page,
    task: str,
    folder: Path,
    seconds: float,
    processes: Processes,
) -> str:
    """Run the process that judges; say how it ended, should it have ended too early."""
    with (folder / "errors").open("w+b") as errors:
        try:
            process = processes.start(
                [*COMMAND, str(folder / OUTCOMES)],
                cwd=page.path.parent,
                env={**os.environ, **compile_cache()},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        except Ended:
            return "was not begun"
        try:
            process.communicate(task, timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"ran for more than {seconds:g} s and was stopped"
        finally:  # what an answer has started ends with it, after a normal end, too
            processes.kill(process)
            process.wait()
    lines = (folder / "errors").read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else f"exit code {process.returncode}"
    return f"ended too early, with {last}"


def _read_outcomes(path: Path) -> list[Outcome]:
    """The outcomes written so far; a line that a killed process left unfinished is not one."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [
        Outcome.from_json(json.loads(line))
        for line in lines
        if line.endswith("\n")
    ]
