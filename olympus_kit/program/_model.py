"""What a captured program is made of: plain data that no longer knows jax.

While a program is captured, its records also hold what jax gave (`origin`, raw parameters); a
finished `Program` holds none of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["primal", "forward", "reverse"]
MODES: tuple[Mode, ...] = ("primal", "forward", "reverse")
INEXACT = (
    "float",
    "bfloat",
    "complex",
)  # how the dtypes begin that have a derivative
NO_ROLE: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False, slots=True)
class Summary:
    """What is kept of a value: all of it where it is small, otherwise a description."""

    entries: Any  # the whole value as nested lists, or its first entries where it is large
    whole: bool  # whether `entries` is the whole value
    minimum: (
        float | None
    )  # of the finite entries; None for complex, empty or non-numeric values
    maximum: float | None
    mean: float | None
    nans: int
    infs: int
    iterations: (
        int | None
    )  # set where the first axis counts a loop's iterations


@dataclass(eq=False, slots=True)
class Value:
    """One array of the program."""

    id: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    literal: bool  # written into the program, so that saving it costs nothing
    nbytes: int
    summary: Summary | None = (
        None  # None where not computed: a branch not taken, a large loop
    )
    # a cotangent that passes through unchanged is one variable of jax's program and the adjoint
    # of several values: each has a record and a name, all but one with the variable's number here
    same_as: int | None = None

    @property
    def inexact(self) -> bool:
        """Whether it is of real or complex numbers, which have a derivative."""
        return self.dtype.startswith(INEXACT)


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """The line of the user's file that an equation came from."""

    file: str
    line: int
    function: str
    call: str = (
        ""  # the library's function that this line called, such as "softmax"
    )
    instruction: int = 0  # of Python's, in `function`: one line may call twice


@dataclass(eq=False, slots=True)
class Body:
    """A program inside an equation: the body of a loop, a branch, a function that was called.

    An input is the operand itself, with the same number, where the same value goes in.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    equations: tuple[Equation, ...]
    consts: tuple[int, ...] = ()
    runs: int | None = (
        None  # how often a branch or a loop was run, where that was seen
    )
    iterations: int = 0  # of all runs of a `while` loop
    # of a loop: (what it begins with, the input, what the next iteration gets), for each carry, and
    # (the array, the input that is an entry of it)
    carried: tuple[tuple[int, int, int], ...] = ()
    scanned: tuple[tuple[int, int], ...] = ()
    # while it is captured: how it is called, the arrays of its constants, those of its literals,
    # and the loop that it is the body of, where that was compiled
    origin: Any = field(default=None, repr=False)
    arrays: Sequence[Any] = field(default=(), repr=False)
    literals: Mapping[int, Any] = field(default_factory=dict, repr=False)
    compiled: Any = field(default=None, repr=False)

    @property
    def taken(self) -> bool:
        """Whether it was run at these values, as far as was seen."""
        return self.runs != 0


@dataclass(eq=False, slots=True)
class Equation:
    """One application of a primitive."""

    path: str  # its place: "4" at the top, "4.0.2" for the third equation of its first body
    primitive: str
    params: Mapping[str, Any]  # what can be printed of its parameters
    operands: tuple[int, ...]
    results: tuple[int, ...]
    bodies: tuple[Body, ...] = ()
    roles: frozenset[str] = NO_ROLE
    #     of "primal", "local_derivative", "tangent", "adjoint", "bookkeeping"
    primal: str | None = (
        None  # path of the primal equation that it is or differentiates
    )
    flops: int = 0  # arithmetic operations of all iterations; a while loop's are those measured
    bytes: int = 0  # read and written
    trips: int | None = (
        None  # iterations of a loop; of a `while`, as measured, their mean
    )
    live: int = (
        0  # bytes live after it: everything that a later equation still reads
    )
    source: Source | None = None
    scope: str = ""  # named scopes and, where f is itself a derivative, its transformations
    origin: Any = field(
        default=None, repr=False
    )  # jax's equation while it is captured


@dataclass(frozen=True, eq=False, slots=True)
class Totals:
    """A program in a few numbers."""

    equations: int  # those in bodies, too, each counted once
    flops: int  # iterations multiplied
    depth: int  # equations on the longest path of dependence, iterations multiplied
    peak_bytes: (
        int  # most that is live at once, inputs and constants not counted
    )
    residual_bytes: int  # saved for the backward pass, literals not counted


@dataclass(frozen=True, eq=False, slots=True)
class Residual:
    """A value that the forward pass saves for the backward pass."""

    value: int
    made_by: (
        str | None
    )  # path of the equation that made it; None for inputs and constants
    used_by: tuple[str, ...]
    free: bool  # a literal of the program: needed in the backward pass, but no memory


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
    wrt: tuple[
        str, ...
    ]  # the arguments with respect to which it is differentiated
    seeds: tuple[
        int, ...
    ]  # the tangents or cotangents that the derivative starts from
    derivatives: tuple[int, ...]
    #     where it ends: the tangents of the outputs, or the adjoints of the inputs, one for each
    #     differentiated leaf
    tangents: Mapping[int, int]  # primal value -> its tangent
    # primal value -> its adjoint, all contributions added; in a loop, those of each iteration
    adjoints: Mapping[int, int]
    contributions: Mapping[
        tuple[str, int], int
    ]  # (row, operand's position) -> what it adds
    residuals: tuple[Residual, ...]
    notes: tuple[
        str, ...
    ]  # what a reader should know: defaults chosen, parts not traced
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

    def row(self, path: str) -> Equation:
        """Return the primal equation of a path: "4.0.2" is the third of the first body of "4"."""
        place, *inside = map(int, path.split("."))
        equation = self.rows[place]
        for body, place in zip(inside[::2], inside[1::2], strict=True):
            equation = equation.bodies[body].equations[place]
        return equation

    def variable(self, value: int) -> int:
        """Return the value that jax's equations read and write for this one: mostly itself."""
        same_as = self.values[value].same_as
        return value if same_as is None else same_as

    @property
    def totals(self) -> Totals:
        """Count equations, FLOPs, depth and bytes."""
        saved = {r.value for r in self.residuals if not r.free}
        return Totals(
            equations=sum(1 for _ in self.walk()),
            flops=sum(e.flops for e in self.equations),
            depth=_depth(self.equations),
            peak_bytes=max((e.live for e in self.equations), default=0),
            residual_bytes=sum(self.values[v].nbytes for v in saved),
        )

    @property
    def first_bad(self) -> dict[str, Equation]:
        """Return, for the primal and the derivative pass, where nan or inf first appears.

        The keys are "primal" and "derivative"; a pass without nan and inf has none. The
        operands of the equation are what to look at.
        """
        first: dict[str, Equation] = {}
        for equation in self._not_finite(self.equations):
            if equation.roles & {"tangent", "adjoint"}:
                first.setdefault("derivative", equation)
            if equation.roles - {"tangent", "adjoint"}:
                first.setdefault("primal", equation)
        return first

    def _not_finite(self, equations: Sequence[Equation]) -> Iterator[Equation]:
        """Yield the equations that make nan or inf, of nested ones the innermost."""
        for equation in equations:
            inside: list[Equation] = []
            for body in equation.bodies:
                inside.extend(self._not_finite(body.equations))
            backwards = equation.params.get("reverse") is True
            inside.sort(key=lambda e: self._first_iteration(e, backwards))
            if inside:
                yield from inside
            elif self._any_bad(equation.results) and not (
                # somebody wrote that number, for a case which may not occur
                self._any_bad(equation.operands)
                and all(self.values[o].literal for o in equation.operands)
            ):
                yield equation

    def _any_bad(self, values: Sequence[int]) -> bool:
        return any(s.nans or s.infs for s in self._summaries(values))

    def _summaries(self, values: Sequence[int]) -> list[Summary]:
        summaries = [self.values[value].summary for value in values]
        return [s for s in summaries if s is not None]

    def _first_iteration(self, equation: Equation, backwards: bool) -> int:
        """Return in which iteration a body's equation first makes nan or inf; 0 if unknown."""
        iterations = []
        for summary in self._summaries(equation.results):
            if summary.whole and summary.iterations:
                for number, entry in enumerate(summary.entries):
                    if re.search("nan|inf", str(entry)):
                        iterations.append(number)
        if not iterations:
            return 0
        return -max(iterations) if backwards else min(iterations)


def _depth(equations: Sequence[Equation]) -> int:
    """Return the number of equations on the longest path of dependence."""
    depth: dict[int, int] = {}
    for equation in equations:
        inside = max(
            (_depth(body.equations) for body in equation.bodies), default=1
        )
        trips = 1 if equation.trips is None else equation.trips
        below = max((depth.get(o, 0) for o in equation.operands), default=0)
        for result in equation.results:
            depth[result] = below + inside * trips
    return max(depth.values(), default=0)


def walk(equations: Iterable[Equation]) -> Iterator[Equation]:
    """Yield equations in program order, those in bodies after the one that holds them."""
    for equation in equations:
        yield equation
        for body in equation.bodies:
            yield from walk(body.equations)
