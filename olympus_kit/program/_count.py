"""Count what a traced function costs, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ._capture import _without_collecting
from ._cost import flops, traffic
from ._liveness import live_bytes
from ._model import Body, Equation, Value, walk
from .jaxprs import Reading, is_transposed, read

# XLA counts these apart from the other operations; so do we, beside counting each as one
TRANSCENDENTAL = frozenset({
    *(
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "cbrt",
        "cos",
        "cosh",
    ),
    *(
        "digamma",
        "erf",
        "erf_inv",
        "erfc",
        "exp",
        "exp2",
        "expm1",
        "lgamma",
        "log",
        "log1p",
    ),
    *("logistic", "pow", "rsqrt", "sin", "sinh", "sqrt", "tan", "tanh"),
})


@dataclass(frozen=True)
class Count:
    """What a program costs by its equations alone; the iterations of loops are multiplied."""

    equations: int  # those in bodies, too, each counted once
    flops: int
    transcendentals: (
        int  # of the flops, those that are a sine, an exponential or the like
    )
    bytes: int  # read and written if no two equations are fused
    peak: int  # most bytes live at once, inputs and constants not counted
    residual: int  # bytes that a forward pass saves for its backward pass
    exact: bool  # False where a `while` loop's iterations are not known: they count as one
    looped: bool  # whether iterations were multiplied that XLA's own count leaves out


@dataclass(frozen=True)
class Outline:
    """The equations of a program and its values by number: shapes and scopes, no numbers."""

    equations: Sequence[Equation]
    values: Sequence[Value]

    def walk(self) -> Iterator[Equation]:
        """Yield every equation, those in bodies after the one that holds them."""
        return walk(self.equations)


def outline(jaxpr: Any) -> Outline:
    """Read a jaxpr, such as `olympus.jit(f).trace(*args).jaxpr`, without running it."""
    values: list[Value] = []
    body = read(jaxpr, Reading(values))
    return Outline(body.equations, values)


@_without_collecting()
def count(jaxpr: Any) -> Count:
    """Return the cost of a jaxpr, such as `olympus.jit(f).trace(*args).jaxpr`."""
    values: list[Value] = []
    body = read(jaxpr, Reading(values))
    everything = list(walk(body.equations))
    loops = [e for e in everything if e.primitive == "while"]
    for loop in loops:
        loop.trips = 1
    operations, special, moved = _totals(body, values)
    return Count(
        equations=len(everything),
        flops=round(operations),
        transcendentals=round(special),
        bytes=round(moved),
        peak=max(live_bytes(body.equations, body.outputs, values), default=0),
        residual=_residual(body, values),
        exact=not loops,
        looped=any((e.trips or 0) > 1 for e in everything),
    )


def _totals(body: Body, values: Sequence[Value]) -> tuple[float, float, float]:
    """Return operations, transcendentals and bytes; `flops` knows how often a body runs."""
    operations = special = moved = 0.0
    for e in body.equations:
        if e.bodies:
            inner = zip(*(_totals(b, values) for b in e.bodies), strict=True)
            own = tuple(flops(e, values, counts) for counts in inner)
        else:
            made = flops(e, values, ())
            own = (
                made,
                made if e.primitive in TRANSCENDENTAL else 0,
                traffic(e, values),
            )
        operations, special, moved = (
            operations + own[0],
            special + own[1],
            moved + own[2],
        )
    return operations, special, moved


def _residual(body: Body, values: Sequence[Value]) -> int:
    """Return the bytes that cross from a forward pass into its transpose.

    jax writes "transpose" into the name stack of every equation of a backward pass. A derivative
    inside a call is looked for where the call itself is in no backward pass.
    """
    back = [e for e in body.equations if is_transposed(e.scope)]
    made = {r for e in back for r in e.results} | set(body.consts)
    crossing = {o for e in back for o in e.operands} - made
    # cotangents are left out: a forward pass reads neither those that the program is given, nor
    # those that are made of nothing but numbers
    forward = [e for e in body.equations if not is_transposed(e.scope)]
    moving = {o for e in forward for o in e.operands}.intersection(body.inputs)
    for e in forward:
        if not moving.isdisjoint(e.operands):
            moving.update(e.results)
    crossing &= moving
    own = sum(values[o].nbytes for o in crossing if not values[o].literal)
    inner = [
        _residual(b, values)
        for e in body.equations
        if not is_transposed(e.scope)
        for b in e.bodies
    ]
    return own + max(inner, default=0)
