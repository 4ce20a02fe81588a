"""A picture in a message, where it says more than a sentence: each has a twin in text."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..program import Equation, Program
from ._evidence import Part
from ._words import number

MOST = 8  # rows and columns that still fit
CELL = "padding: .2em .6em; text-align: right; border: 1px solid currentColor"
BAD = f"{CELL}; background: color-mix(in srgb, #b3261e 18%, transparent); font-weight: 700"


@dataclass(frozen=True)
class Marked:
    """A matrix whose wrong entries are marked, each with the right number beside it."""

    part: Part

    @property
    def title(self) -> str:
        return f"{self.part.name} in yours. ✗ marks a wrong entry; what it should be is in brackets"

    def text(self) -> str:
        """The matrix in columns."""
        rows = [[said for said, _ in row] for row in self._cells()]
        width = max(len(said) for row in rows for said in row)
        return "\n".join("  ".join(said.rjust(width) for said in row) for row in rows)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        rows = "".join(
            "<tr>" + "".join(f'<td style="{BAD if bad else CELL}">{said}</td>' for said, bad in row)
            + "</tr>"
            for row in self._cells()
        )  # fmt: skip
        title = f"<caption>{html.escape(self.title)}</caption>"
        table = f'<table style="border-collapse: collapse">{title}<tbody>{rows}</tbody></table>'
        return {"text/plain": f"{self.title}\n{self.text()}", "text/html": table}

    def _cells(self) -> Iterator[list[tuple[str, bool]]]:
        got, want = np.atleast_2d(self.part.got), np.atleast_2d(self.part.want)
        bad = wrong_entries(self.part).reshape(got.shape)
        for g, w, b in zip(got, want, bad, strict=True):
            yield [_cell(*entry) for entry in zip(g, w, b, strict=True)]


def _cell(got: float, want: float, bad: bool) -> tuple[str, bool]:
    return (f"✗ {number(got, 4)} ({number(want, 4)})" if bad else number(got, 4)), bad


def wrong_entries(part: Part) -> Any:
    """Which entries are wrong, as an array of booleans."""
    scale = np.max(np.abs(part.want), initial=0.0)
    return ~np.isclose(part.got, part.want, rtol=1e-6, atol=1e-6 * scale)


def marked(part: Part) -> Marked | None:
    """The part with its wrong entries marked, where it is small and not wrong all over."""
    shape = np.shape(part.want)
    if np.shape(part.got) != shape or len(shape) not in (1, 2) or max(shape, default=0) > MOST:
        return None
    return Marked(part) if not wrong_entries(part).all() and np.isrealobj(part.got) else None


def ladder_at(program: Program, equation: Equation) -> Any:
    """The ladder of the answer's own program, opened at an equation."""
    from ..views._graph import Graph

    top = equation.path.partition(".")[0]
    steps = [i for i, e in enumerate(program.equations) if e.path == top]
    return Opened(Graph(program), steps[0])


@dataclass(frozen=True)
class Opened:
    """A view that opens at one of its steps."""

    view: Any
    step: int

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from ..views._view import pack

        model = self.view._embedded()
        closed, opened = (pack({"view": model, "step": step}) for step in (-1, self.step))
        page = self.view.html().replace(closed, opened)
        return {"text/plain": repr(self.view), "text/html": page}
