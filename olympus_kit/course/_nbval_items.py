"""nbval's own file and cell, taught to read MyST and to report a check in a few lines."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from queue import Empty
from typing import Any
from unittest.mock import patch

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from nbval.plugin import (
    IPyNbCell,
    IPyNbFile,
    NbCellError,
    find_comment_markers,
    find_metadata_tags,
)

from ..checks import ANSWERS, MARKS, read_answers
from . import _notebook as nb
from ._cache import compile_cache
from ._runner import SECONDS

STARTS = 3
NBVALS_TIMEOUT = 2000.0
# A magic that does not exist only prints a line by itself; this makes it an error of its cell.
USAGE_ERRORS = """
try:
    get_ipython().show_usage_error = lambda error: get_ipython()._showtraceback(
        type(error), error, [f"UsageError: {error}"]
    )
except NameError:
    pass
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class MystFile(IPyNbFile):  # type: ignore[misc]
    """A MyST notebook: converted in memory, then run by nbval."""

    def collect(self) -> Iterator["MystCell"]:
        """One item for each code cell."""
        try:
            self.nb = nb.read(self.path)
        except nb.NotANotebook as error:
            raise self.CollectError(str(error)) from None
        self._complete()
        lines = nb.lines(self.path, self.nb)
        every = zip(self.nb.cells, lines, strict=True)
        code = [
            (cell, line) for cell, line in every if cell.cell_type == "code"
        ]
        for number, (cell, line) in enumerate(code):
            # A MyST file has no outputs, so there is no reference to compare with.
            cell.execution_count, cell.outputs = None, []
            label = f"Cell {number}" + (
                f" ({nb.name(cell)})" if nb.name(cell) else ""
            )
            known = {
                "cell_num": number,
                "cell": cell,
                "options": self._options(cell),
            }
            item = MystCell.from_parent(self, name=label, **known)
            item.line = line
            yield item

    def _complete(self) -> None:
        """Fail for an exercise that has lost its check cells: it would pass without them."""
        answers = self.path.with_suffix(ANSWERS)
        if not answers.exists():
            return
        names = {nb.name(cell) for cell in self.nb.cells}
        lost = [
            q
            for q in read_answers(answers)["questions"]
            if f"{q}-check" not in names
        ]
        if lost:
            raise self.CollectError(
                f"{self.path} has lost its check of {', '.join(lost)}: "
                f"`olympus reset {lost[0]}` brings it back."
            )

    def _options(self, cell: Any) -> dict[str, bool]:
        options = {
            "check": self.compare_outputs,
            "check_exception": False,
            "skip": False,
        }
        options.update(find_metadata_tags(cell.metadata))
        options.update(find_comment_markers(cell.source))
        return options

    def setup(self) -> None:
        """Start the kernel; again where another process took its port meanwhile."""
        for attempt in range(1, STARTS + 1):
            try:
                with (
                    _leftovers_ignored(),
                    patch.dict(
                        os.environ, {**compile_cache(), "OLYMPUS_TEXT": "1"}
                    ),
                ):
                    super().setup()
            except NoSuchKernel as error:
                pytest.fail(
                    f"{error}: add --nbval-current-env, or choose a kernel.",
                    pytrace=False,
                )
            except RuntimeError:
                if attempt == STARTS:
                    raise
            else:
                _watch(self.kernel)
                self.kernel.kc.execute(
                    USAGE_ERRORS, silent=True, store_history=False
                )
                return

    def teardown(self) -> None:
        with _leftovers_ignored():
            super().teardown()


class MystCell(IPyNbCell):  # type: ignore[misc]
    """A cell that knows its line, and reports a failed check without a traceback."""

    line = 1

    def reportinfo(self) -> tuple[Any, int, str]:
        """File, line (from 0) and name, for the report."""
        return (
            self.path,
            self.line - 1,
            f"{self.path.name}:{self.line} {self.name}",
        )

    def runtest(self) -> None:
        """Run the cell, and stop it before half an hour is over where nobody chose a time."""
        options = self.config.option
        chosen = options.nbval_cell_timeout
        seconds = SECONDS if chosen == NBVALS_TIMEOUT else chosen
        with (
            _leftovers_ignored(),
            patch.object(options, "nbval_cell_timeout", seconds),
        ):
            super().runtest()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        error = excinfo.value
        message = (
            _check_message(error) if isinstance(error, NbCellError) else ""
        )
        where = f"{self.path}:{self.line}: {self.name}"
        return f"{where}\n\n{message or super().repr_failure(excinfo)}\n"


def _check_message(error: Any) -> str:
    """The message of a check that did not pass; empty where something else failed."""
    text = COLOUR.sub("", error.inner_traceback or "").strip()
    return (
        text
        if text.startswith((MARKS["not yet"], MARKS["not attempted"]))
        else ""
    )


@contextmanager
def _leftovers_ignored() -> Iterator[None]:
    """nbval and jupyter_client leave files and loops open; their warnings are not the course's."""
    with warnings.catch_warnings():
        for kind in (
            DeprecationWarning,
            ResourceWarning,
            pytest.PytestUnraisableExceptionWarning,
        ):
            warnings.simplefilter("ignore", kind)
        yield


def _watch(kernel: Any) -> None:
    """Make nbval see that a kernel has died; by itself it waits for the whole timeout."""
    wait = kernel.await_reply

    def await_reply(message: str, timeout: float) -> None:
        for _ in range(ceil(timeout)):
            with suppress(Empty):
                wait(message, timeout=1)
                return
            if not kernel.is_alive():
                raise RuntimeError("The kernel died in this cell.")
        raise Empty

    kernel.await_reply = await_reply
