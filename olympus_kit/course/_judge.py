"""Run one page's code and judge its answers. This is a process of its own: `_runner` starts it.

It reads the cells as JSON from standard input and writes one outcome a line to the file named on
the command line, so that what was judged before a process had to be killed is not lost.

One rule says what an answer's cell may contain, here, in a notebook and under nbval: whatever a
kernel runs. So the code runs as a kernel runs it: magics work, `%matplotlib inline` and display
included, an event loop is running, a line that fails ends its cell and not the page, and `quit()`
and `%debug` wait for nobody.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ..checks import Outcome, Unsolved, explain_error, find, outcome_for


@dataclass(frozen=True)
class CellError:
    """Stands for an answer whose cell stopped with an error."""

    error: BaseException


class Shell(InteractiveShell):
    """IPython's shell, with what a kernel has and the bare shell lacks."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept any event loop: there is no window here, and figures go nowhere."""

    def ask_exit(self) -> None:
        """Stay, as a kernel does until its last cell has run."""

    def debugger(self, force: bool = False) -> None:
        """Do not wait for somebody to type."""


async def run(cells: list[tuple[str, str]]) -> dict[str, Any]:
    """The names that cells (name, code) define; an error where a cell failed before it did so."""
    shell = Shell.instance(
        config=Config({"HistoryManager": {"enabled": False}})
    )
    namespace: dict[str, Any] = shell.user_ns
    for name, code in cells:
        before = namespace.get(name)
        error = await _run_cell(shell, code)
        if isinstance(error, Unsolved):
            namespace.setdefault(name, error)
        elif error is not None and name and namespace.get(name) is before:
            namespace[name] = CellError(error)
    return namespace


async def _run_cell(shell: Any, code: str) -> BaseException | None:
    """Run a cell as a kernel does, in a running event loop; return what it raised."""
    try:
        transformed = shell.transform_cell(code)
    except Exception as problem:  # what cannot be transformed is not Python
        return problem
    result = await shell.run_cell_async(
        code, silent=True, transformed_cell=transformed
    )
    error: BaseException | None = (
        result.error_before_exec or result.error_in_exec
    )
    return error


def judge(
    name: str,
    namespace: dict[str, Any],
    seconds: float | None = None,
    course: Path | None = None,
) -> Outcome:
    """What there is to say about the answer to `name`, within `seconds` or a check's own limit."""
    entry = find(name, course)
    answer = namespace.get(name)
    if isinstance(answer, CellError):
        diagnosis = explain_error(entry.question, answer.error, answer)
        return Outcome(name, "not yet", diagnosis)
    return outcome_for(entry, namespace, seconds)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what the page's code prints nowhere."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


async def _judge_page(page: dict[str, Any], outcomes: TextIO) -> None:
    """Run the cells and judge the answers, both in one event loop, as in a kernel."""
    namespace = await run(page["cells"])
    for name in page["names"]:
        outcome = judge(name, namespace)
        print(json.dumps(outcome.json()), file=outcomes, flush=True)


def main() -> None:
    """Judge the page on standard input."""
    page = json.load(sys.stdin)
    sys.stdin = open(os.devnull)  # noqa: SIM115 - for the rest of the process
    os.environ.setdefault("MPLBACKEND", "agg")
    with (
        _silence(),
        Path(sys.argv[1]).open("w", encoding="utf-8") as outcomes,
    ):
        asyncio.run(_judge_page(page, outcomes))
    os._exit(0)  # a thread of an answer that goes on keeps nobody waiting


if __name__ == "__main__":
    main()
