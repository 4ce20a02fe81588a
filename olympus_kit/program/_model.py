"""What a captured program is made of: plain, frozen data that no longer knows jax."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Mode = Literal["primal", "forward", "reverse"]
MODES: tuple[Mode, ...] = ("primal", "forward", "reverse")
INEXACT = ("float", "bfloat", "complex")  # how the dtypes begin that have a derivative


@dataclass(frozen=True, eq=False, slots=True)
class Summary:
    """What is kept of a value: all of it where it is small, otherwise a description."""

    entries: Any  # the whole value as nested lists, or its first entries where it is large
    whole: bool  # whether `entries` is the whole value
    minimum: float | None  # of the finite entries; None for complex, empty or non-numeric values
    maximum: float | None
    mean: float | None
    nans: int
    infs: int
    iterations: int | None  # set where the first axis counts a loop's iterations


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """One array of the program."""

    id: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    literal: bool  # written into the program, so that keeping it costs nothing
    nbytes: int
    summary: Summary | None  # None where it was not computed: a branch not taken, a large loop

    @property
    def inexact(self) -> bool:
        """Whether it is of real or complex numbers, which have a derivative."""
        return self.dtype.startswith(INEXACT)


@dataclass(frozen=True, eq=False)
class Source:
    """The line of the user's file that an equation came from."""

    file: str
    line: int
    function: str
    call: str = ""  # the library's function that this line called, such as "softmax"


@dataclass(frozen=True, eq=False)
class Body:
    """A program inside an equation: the body of a loop, a branch, a function that was called."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    equations: tuple[Equation, ...]
    taken: bool  # False for a branch that was not run at these values


@dataclass(frozen=True, eq=False, slots=True)
class Equation:
    """One application of a primitive."""

    path: str  # its place: "4" at the top, "4.0.2" for the third equation of its first body
    primitive: str
    params: Mapping[str, Any]  # what can be printed of its parameters
    roles: frozenset[str]  # of "primal", "local_derivative", "tangent", "adjoint", "bookkeeping"
    primal: str | None  # path of the primal equation that it is, or that it differentiates
    operands: tuple[int, ...]
    results: tuple[int, ...]
    bodies: tuple[Body, ...]
    flops: int  # arithmetic operations of all iterations; a while loop counts its measured trips
    bytes: int  # read and written
    trips: int | None  # iterations of a loop; for `while` as measured at these values
    live: int  # bytes held after it: everything that a later equation still reads
    source: Source | None
    scope: str  # named scopes and, where f is itself a derivative, the transforms it came through


@dataclass(frozen=True, eq=False)
class Totals:
    """A program in a few numbers."""

    equations: int  # those in bodies, too, each counted once
    work: int  # floating-point operations, iterations multiplied
    depth: int  # equations on the longest path of dependence, iterations multiplied
    peak_bytes: int  # most that is held at once, inputs and constants not counted
    residual_bytes: int  # kept for the way back, literals not counted


@dataclass(frozen=True, eq=False)
class Residual:
    """A value that the forward sweep keeps for the way back."""

    value: int
    made_by: str | None  # path of the equation that made it; None for inputs and constants
    used_by: tuple[str, ...]
    free: bool  # a literal of the program: needed on the way back, but no memory


@dataclass(frozen=True, eq=False)
class Program:
    """A function at one point, as the list of equations that jax evaluates in one mode.

    `equations` is the program of `mode` in its own order; `rows` are the equations of the
    primal program, which `Equation.primal` points to. Both refer to one table, `values`.
    """

    mode: Mode
    name: str
    equations: tuple[Equation, ...]
    rows: tuple[Equation, ...]
    values: tuple[Value, ...]
    inputs: tuple[int, ...]
    consts: tuple[int, ...]
    outputs: tuple[int, ...]
    seeds: tuple[int, ...]  # the tangents or cotangents that the derivative starts from
    derivatives: tuple[int, ...]  # where it ends: the tangents of the outputs, or the adjoints
    #                               of the inputs, one for each differentiated leaf
    tangents: Mapping[int, int]  # primal value -> its tangent
    adjoints: Mapping[int, int]  # primal value -> its adjoint, all contributions added
    contributions: Mapping[tuple[str, int], int]  # (row, operand's position) -> what it adds
    residuals: tuple[Residual, ...]
    notes: tuple[str, ...]  # what a reader should know: defaults chosen, parts not traced
    out: Any = field(repr=False)
    out_tangent: Any = field(repr=False)
    in_cotangents: Any = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"Program({self.name}, mode={self.mode!r}: {len(self.rows)} primal equations, "
            f"{len(self.equations)} in this mode, {len(self.residuals)} residuals)"
        )

    def walk(self) -> Iterator[Equation]:
        """Yield every equation of `equations`, those in bodies after the one that holds them."""
        return walk(self.equations)

    @property
    def totals(self) -> Totals:
        """Count equations, operations, depth and bytes."""
        kept = {r.value for r in self.residuals if not r.free}
        return Totals(
            equations=sum(1 for _ in self.walk()),
            work=sum(e.flops for e in self.equations),
            depth=_depth(self.equations),
            peak_bytes=max((e.live for e in self.equations), default=0),
            residual_bytes=sum(self.values[v].nbytes for v in kept),
        )

    @property
    def first_bad(self) -> dict[str, Equation]:
        """Return, for the primal and the derivative sweep, where nan or inf first appears.

        The keys are "primal" and "derivative"; a sweep without nan and inf has none. The
        operands of the equation are what to look at.
        """
        found: dict[str, Equation] = {}
        for equation in self._bad(self.equations):
            if equation.roles & {"tangent", "adjoint"}:
                found.setdefault("derivative", equation)
            if equation.roles - {"tangent", "adjoint"}:
                found.setdefault("primal", equation)
        return found

    def _bad(self, equations: tuple[Equation, ...]) -> Iterator[Equation]:
        """Yield the equations that make nan or inf, of nested ones the innermost."""
        for equation in equations:
            inside = [e for body in equation.bodies for e in self._bad(body.equations)]
            back = equation.params.get("reverse") is True
            inside.sort(key=lambda e: self._bad_turn(e, back))
            summaries = [self.values[r].summary for r in equation.results]
            own = any(s is not None and (s.nans or s.infs) for s in summaries)
            yield from inside or [equation] * own

    def _bad_turn(self, equation: Equation, back: bool) -> int:
        """Return when a body's equation first makes nan or inf, counted in turns; 0 if unknown."""
        summaries = [s for r in equation.results if (s := self.values[r].summary) is not None]
        turns = [
            t for s in summaries if s.whole and s.iterations
            for t, entry in enumerate(s.entries) if re.search("nan|inf", str(entry))
        ]  # fmt: skip
        return (-max(turns) if back else min(turns)) if turns else 0

    def to_json(self, values: bool = True) -> str:
        """Return the program as JSON of schema 1; without `values`, their numbers stay out."""
        from ._json import dump

        return dump(self, values)

    @staticmethod
    def from_json(text: str) -> Program:
        """Read what `to_json` wrote; outputs come back as {path: array}, not as user classes."""
        from ._json import load

        return load(text)


def _depth(equations: tuple[Equation, ...]) -> int:
    """Return the number of equations on the longest path of dependence."""
    depth: dict[int, int] = {}
    for equation in equations:
        inside = max((_depth(b.equations) for b in equation.bodies), default=1)
        own = inside * (1 if equation.trips is None else equation.trips)
        below = max((depth.get(o, 0) for o in equation.operands), default=0)
        depth.update(dict.fromkeys(equation.results, below + own))
    return max(depth.values(), default=0)


E = TypeVar("E")


def walk(equations: Iterable[E]) -> Iterator[E]:
    """Yield equations in program order, those in bodies after the one that holds them."""
    for equation in equations:
        yield equation
        for body in equation.bodies:  # type: ignore[attr-defined]
            yield from walk(body.equations)
