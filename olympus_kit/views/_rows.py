"""What a ladder is made of, as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ._types import Data


@dataclass
class Line:
    """An equation as a line of code, with its value."""

    text: str
    value: str
    short: str  # the value in a few characters
    role: str
    step: int | None = None  # its number in the player; None inside a body
    iterations: list[str] | None = (
        None  # its value in each iteration of the loop around it
    )
    bad: bool = False  # holds NaN or inf


@dataclass
class Rung:
    """A residual in the row whose adjoint reads it."""

    name: str
    value: str
    first: (
        int | None
    )  # the step that computes it; None for inputs and constants
    last: int  # the step that reads it


@dataclass
class Row:
    """A primal equation and everything that belongs to it; or a fold of several."""

    path: str  # of its equation; of a fold the first and the last
    label: str
    number: str  # what a reader sees: paths count from 0, rows from 1
    primal: list[Line] = field(default_factory=list)
    local_derivative: list[Line] = field(default_factory=list)
    tangent: list[Line] = field(default_factory=list)
    adjoint: list[Line] = field(default_factory=list)
    residuals: list[Rung] = field(
        default_factory=list
    )  # saved for the backward pass
    literals: list[str] = field(
        default_factory=list
    )  # needed there, too, but no memory
    reads: list[str] = field(
        default_factory=list
    )  # the rows, and "in 0" ..., that feed it
    # what its adjoint does without an equation; of a fold, which equations stand in it
    passes: str = ""
    origin: str = ""  # the pass of an inner derivative that it came out of
    source: str = ""
    note: str = ""
    kind: str = ""  # the types of its results
    fold: bool = False
    children: list[Row] = field(default_factory=list)

    @property
    def lines(self) -> Iterable[Line]:
        """All of its equations."""
        return (
            *self.primal,
            *self.local_derivative,
            *self.tangent,
            *self.adjoint,
        )


@dataclass
class End:
    """An input or an output, with the tangent or adjoint that belongs to it."""

    name: str
    value: str
    short: str
    step: (
        int | None
    )  # that computes it, so that the player can hold it back until then
    row: str | None = None  # that an output comes out of
    role: str = ""  # "tangent" or "adjoint" of its partner
    partner: str = ""
    derivative: str = ""
    derivative_short: str = ""
    derivative_step: int | None = None
    seed: bool = False
    zero: str = ""  # why its derivative is zero


@dataclass
class Step:
    """One equation of the program as the player shows it."""

    row: str
    column: str
    words: str
    live: int
    flops: int
    product: Data | None  # of a linear equation: see Words.product


@dataclass
class Ladder:
    """Everything that the renderers need, as plain data."""

    layout: (
        str  # "ladder" or "listing": what is shown first of the same content
    )
    name: str
    mode: str
    title: str
    summary: str
    error: list[
        str
    ]  # where the function raised: its line, the error, what is shown instead
    point: list[str]  # the inputs with their values
    group: str  # views of the same program on one page share their step
    columns: list[str]
    inputs: list[End]
    outputs: list[End]
    rows: list[Row]
    steps: list[Step]
    backward: int | None  # the step at which the backward pass begins
    bad: list[int]  # the steps at which NaN or inf first appears, in each pass
    peak: int
    seeds: list[str]  # "v9_bar = 1.0": what the derivative starts from
    constants: list[
        str
    ]  # "const1 = 2.0": what equations read and nothing computes
    notes: list[str]


def plain(item: Any) -> Any:
    """Return dataclasses as dicts; `dataclasses.asdict` copies every leaf, which takes too long."""
    if isinstance(item, list):
        return [plain(i) for i in item]
    if hasattr(item, "__dataclass_fields__"):
        return {name: plain(inner) for name, inner in vars(item).items()}
    return item


def every(rows: Iterable[Row]) -> Iterable[Row]:
    """Yield rows, each before those inside it."""
    for row in rows:
        yield row
        yield from every(row.children)


def in_order(rows: Iterable[Row]) -> list[tuple[Row, Line]]:
    """Return the lines that are steps, in the order of the program, each with its row."""
    pairs = [
        (row, line)
        for row in every(rows)
        for line in row.lines
        if line.step is not None
    ]
    return sorted(pairs, key=lambda pair: pair[1].step or 0)


def row_number(path: str) -> str:
    """Return the number of the row of an equation: paths count from 0, rows from 1."""
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 1), path)
