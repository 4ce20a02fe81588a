"""nbval's own file and cell, taught to read MyST and to report a check in a few lines."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from queue import Empty
from typing import Any

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError, find_comment_markers, find_metadata_tags

from ..checks._outcome import MARKS
from . import _notebook as nb
from ._cache import compile_cache
from ._runner import SECONDS

STARTS = 3
NBVALS_TIMEOUT = 2000.0
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class MystFile(IPyNbFile):  # type: ignore[misc]
    """A MyST notebook: converted in memory, then run by nbval."""

    def collect(self) -> Iterator["MystCell"]:
        """One item for each code cell."""
        try:
            self.nb = nb.read(self.path)
        except nb.NotANotebook as error:
            raise self.CollectError(str(error)) from None
        lines = nb.lines(self.path, self.nb)
        code = [(c, line) for c, line in zip(self.nb.cells, lines, strict=True) if _is_code(c)]
        for number, (cell, line) in enumerate(code):
            # A MyST file has no outputs, so there is no reference to compare with.
            cell.execution_count, cell.outputs = None, []
            label = f"Cell {number}" + (f" ({nb.name(cell)})" if nb.name(cell) else "")
            item = MystCell.from_parent(
                self, name=label, cell_num=number, cell=cell, options=self._options(cell)
            )
            item.line = line
            yield item

    def _options(self, cell: Any) -> dict[str, bool]:
        marks = {
            **dict(find_metadata_tags(cell.metadata)),
            **dict(find_comment_markers(cell.source)),
        }
        defaults = {"check": self.compare_outputs, "check_exception": False, "skip": False}
        return {**defaults, **marks}

    def setup(self) -> None:
        """Start the kernel; again where another process took its port meanwhile."""
        for attempt in range(1, STARTS + 1):
            try:
                with _leftovers_ignored(), _environment(compile_cache()):
                    super().setup()
            except NoSuchKernel as error:
                pytest.fail(f"{error}: add --nbval-current-env, or choose a kernel.", pytrace=False)
            except RuntimeError:
                if attempt == STARTS:
                    raise
            else:
                _watch(self.kernel)
                return

    def teardown(self) -> None:
        with _leftovers_ignored():
            super().teardown()


class MystCell(IPyNbCell):  # type: ignore[misc]
    """A cell that knows its line, and reports a failed check without a traceback."""

    line = 1

    def reportinfo(self) -> tuple[Any, int, str]:
        """File, line (from 0) and name, for the report."""
        return self.path, self.line - 1, f"{self.path.name}:{self.line} {self.name}"

    def runtest(self) -> None:
        with _leftovers_ignored(), _sooner(self.config):
            super().runtest()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        error = excinfo.value
        message = _check_message(error) if isinstance(error, NbCellError) else ""
        where = f"{self.path}:{self.line}: {self.name}"
        return f"{where}\n\n{message or super().repr_failure(excinfo)}\n"


def _is_code(cell: Any) -> bool:
    return bool(cell.cell_type == "code")


def _check_message(error: Any) -> str:
    """The message of a check that did not pass; empty where something else failed."""
    text = COLOUR.sub("", error.inner_traceback or "").strip()
    return text if text.startswith((MARKS["not yet"], MARKS["not attempted"])) else ""


@contextmanager
def _leftovers_ignored() -> Iterator[None]:
    """nbval and jupyter_client leave files and loops open; their warnings are not the course's."""
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, ResourceWarning, pytest.PytestUnraisableExceptionWarning):
            warnings.simplefilter("ignore", kind)
        yield


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """Processes that are started within inherit these variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in more.items():
            patch.setenv(name, value)
        yield


@contextmanager
def _sooner(config: pytest.Config) -> Iterator[None]:
    """Stop a cell before half an hour is over, unless somebody has chosen another time."""
    with pytest.MonkeyPatch.context() as patch:
        if config.option.nbval_cell_timeout == NBVALS_TIMEOUT:
            patch.setattr(config.option, "nbval_cell_timeout", SECONDS)
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
