"""Run one exercise in a process of its own and judge its answers; prints JSON.

`python -m olympus_kit.course._runner 04_reverse.md`. The process can be killed, which a
notebook's kernel in a compiled loop can't.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..checks import _progress
from ..checks._api import outcome_of
from ..checks._diagnose import say
from ..checks._outcome import Outcome
from ..checks._store import find
from . import _notebook as nb
from ._course import CourseError, Page, page

SECONDS = 120.0


def check_page(at: Page, seconds: float = SECONDS) -> list[Outcome]:
    """Judge every question of a page in a fresh process, and remember the outcomes.

    CourseError when the process had to be killed, or died.
    """
    command = [sys.executable, "-m", __name__, at.path.name]
    try:
        done = subprocess.run(
            command, cwd=at.path.parent, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise CourseError(f"{at.path} ran for more than {seconds:g} s and was stopped.") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"{at.path} could not be run: {last}")
    outcomes = [Outcome.from_json(item) for item in json.loads(done.stdout)]
    for outcome in outcomes:
        _progress.record(at.path.parent, outcome.name, outcome.state)
    return outcomes


def run(path: Path) -> dict[str, Any]:
    """The names that the page's cells define. A cell that fails leaves its error instead."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    namespace: dict[str, Any] = shell.user_ns
    for cell in nb.read(path).cells:
        if cell.cell_type == "code" and "check" not in nb.tags(cell):
            result = shell.run_cell(cell.source, silent=True)  # type: ignore[no-untyped-call]
            error = result.error_in_exec or result.error_before_exec
            if error is not None and nb.name(cell):
                namespace[nb.name(cell)] = CellError(error)
    return namespace


class CellError:
    """Stands for an answer whose cell stopped with an error."""

    def __init__(self, error: BaseException) -> None:
        self.text = f"{type(error).__name__}: {error}"


def judge(name: str, namespace: dict[str, Any]) -> Outcome:
    question, answer = find(name).question, namespace.get(name)
    if isinstance(answer, CellError):
        return Outcome(name, "not yet", say(question, "raised", {"error": answer.text}))
    return outcome_of(question, namespace)


def main() -> None:
    """Run the page named on the command line; only JSON reaches standard output."""
    at = page(Path(sys.argv[1]).stem)
    os.environ.setdefault("MPLBACKEND", "agg")
    noise = io.StringIO()
    with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
        namespace = run(at.path)
        outcomes = [judge(name, namespace).json() for name in at.names]
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
