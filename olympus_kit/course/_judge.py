"""Run one page's code and judge its answers. This is a process of its own: `_runner` starts it.

It reads the cells as JSON from standard input and writes one outcome a line to the file named on
the command line, so that what was judged before a process had to be killed is not lost.
"""

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import Outcome, Unsolved, explain_error, find, outcome_of


@dataclass(frozen=True)
class CellError:
    """Stands for an answer whose cell stopped with an error."""

    error: BaseException


def run(cells: list[tuple[str, str]]) -> dict[str, Any]:
    """The names that cells (name, code) define; an error where a cell failed before it did so."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    namespace: dict[str, Any] = shell.user_ns
    for name, code in cells:
        before = namespace.get(name)
        result = shell.run_cell(code, silent=True)  # type: ignore[no-untyped-call]
        error = result.error_in_exec or result.error_before_exec
        if isinstance(error, Unsolved):
            namespace.setdefault(name, error)
        elif error is not None and name and namespace.get(name) is before:
            namespace[name] = CellError(error)
    return namespace


def judge(name: str, namespace: dict[str, Any]) -> Outcome:
    """What there is to say about the answer to the question `name`."""
    entry = find(name)
    answer = namespace.get(name)
    if isinstance(answer, CellError):
        diagnosis = explain_error(entry.question, answer.error, answer)
        return Outcome(name, "not yet", diagnosis)
    return outcome_of(entry.question, namespace, entry.edits)


def main() -> None:
    """Judge the page on standard input. What its code prints goes nowhere."""
    page = json.load(sys.stdin)
    os.environ.setdefault("MPLBACKEND", "agg")
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        Path(sys.argv[1]).open("w", encoding="utf-8") as told,
    ):
        namespace = run(page["cells"])
        for name in page["names"]:
            print(json.dumps(judge(name, namespace).json()), file=told, flush=True)


if __name__ == "__main__":
    main()
