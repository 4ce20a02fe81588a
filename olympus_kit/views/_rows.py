"""What a ladder is made of, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Line:
    """An equation as a line of code, with its value."""

    text: str
    value: str
    role: str
    step: int | None = None  # its number in the player; None inside a body
    turns: list[str] | None = None  # its value in each turn of the loop around it
    bad: bool = False  # holds NaN or inf


@dataclass
class Kept:
    """A residual on the rung of the row whose adjoint reads it."""

    name: str
    value: str
    made: int | None  # the step that makes it; None for inputs and constants
    used: int  # the step that reads it


@dataclass
class Row:
    """A primal equation and everything that belongs to it; or a fold of several."""

    path: str
    depth: int
    label: str
    primal: list[Line] = field(default_factory=list)
    local_derivative: list[Line] = field(default_factory=list)
    tangent: list[Line] = field(default_factory=list)
    adjoint: list[Line] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)  # saved for the way back
    free: list[str] = field(default_factory=list)  # literals: needed, but no memory
    reads: list[str] = field(default_factory=list)  # the rows, and "in 0" ..., that feed it
    passes: str = ""  # what an adjoint does that has no equation
    origin: str = ""  # the sweep of an inner derivative that it came out of
    source: str = ""
    note: str = ""
    kind: str = ""  # the types of its results
    fold: bool = False
    children: list[Row] = field(default_factory=list)

    @property
    def lines(self) -> Iterable[Line]:
        """All of its equations."""
        return (*self.primal, *self.local_derivative, *self.tangent, *self.adjoint)


@dataclass
class Step:
    """One equation of the program as the player shows it."""

    row: str
    column: str
    words: str
    live: int
    flops: int
    product: dict[str, Any] | None  # of a linear equation: see Words.product


@dataclass
class Ladder:
    """Everything that the renderers need, as plain data."""

    layout: str  # "ladder" or "listing": what is shown first of the same content
    name: str
    mode: str
    title: str
    summary: str
    group: str  # views of the same program on one page share their step
    columns: list[str]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    rows: list[Row]
    steps: list[Step]
    bad: list[int]  # the steps at which NaN or inf first appears, in each sweep
    peak: int
    seeds: list[str]  # "v9_bar = 1.0": what the derivative starts from
    constants: list[str]  # "const1 = 2.0": what equations read that is neither made nor given
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the model as plain lists and dicts."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(item: Any) -> Any:
    """Return dataclasses as dicts; `dataclasses.asdict` copies every leaf, which takes too long."""
    if isinstance(item, list):
        return [_plain(i) for i in item]
    if isinstance(item, (Ladder, Row, Line, Kept, Step)):
        return {f.name: _plain(getattr(item, f.name)) for f in fields(item)}
    return item


def every(rows: Iterable[Row]) -> Iterable[Row]:
    """Yield rows, each before those inside it."""
    for row in rows:
        yield row
        yield from every(row.children)


def in_order(rows: Iterable[Row]) -> list[tuple[Row, Line]]:
    """Return the lines that are steps, in the order of the program, each with its row."""
    found = [(row, line) for row in every(rows) for line in row.lines if line.step is not None]
    return sorted(found, key=lambda pair: pair[1].step or 0)
