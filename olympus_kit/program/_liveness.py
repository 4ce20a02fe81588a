"""Which values of a program are live at each equation, the bodies of loops and calls included.

Inputs and constants are the caller's and are not counted. It serves programs that were only read
as well as captured ones, since their equations have the same attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple


class Life(NamedTuple):
    """From when to when a value is live: equations `start` to `end`, counted from 0."""

    value: int
    start: int  # the equation that makes it
    end: int  # the last one that reads it; the number of equations where it is returned


def lifetimes(equations: Sequence[Any], outputs: Sequence[int]) -> list[Life]:
    """Return the life of each value that an equation makes and something reads."""
    last = _last_uses(equations, outputs)
    lives = []
    for k, equation in enumerate(equations):
        for value in equation.results:
            if value in last:
                lives.append(Life(value, k, last[value]))
    return lives


def live(
    equations: Sequence[Any],
    outputs: Sequence[int],
    values: Sequence[Any],
) -> list[int]:
    """Return the bytes live after each equation."""
    change = [0] * (len(equations) + 1)
    for life in lifetimes(equations, outputs):
        nbytes = values[life.value].nbytes
        change[life.start] += nbytes
        change[life.end] -= nbytes
    # the last place stands for the return, after all equations
    return list(accumulate(change[:-1]))


def _last_uses(
    equations: Sequence[Any], outputs: Sequence[int]
) -> dict[int, int]:
    last = {}
    for k, equation in enumerate(equations):
        for operand in equation.operands:
            last[operand] = k
    for output in outputs:
        last[output] = len(equations)
    return last


def live_bytes(
    equations: Sequence[Any],
    outputs: Sequence[int],
    values: Sequence[Any],
) -> list[int]:
    """Return the most bytes live at each equation: after it, or while its body runs."""
    most = []
    before = 0
    afterwards = live(equations, outputs, values)
    for equation, after in zip(equations, afterwards, strict=True):
        # while a body runs, what its equation reads is live still
        during = before + _inside(equation, values) if equation.bodies else 0
        most.append(max(after, during))
        before = after
    return most


def _inside(equation: Any, values: Sequence[Any]) -> int:
    """Return the bytes of an equation's own work: its body's peak, and a loop's stacked results.

    What a call returns is part of its body's peak already.
    """
    peak = 0
    for body in equation.bodies:
        inside = live_bytes(body.equations, body.outputs, values)
        peak = max([peak, *inside])
    if equation.primitive in ("scan", "while"):
        for result in equation.results:
            peak += values[result].nbytes
    return peak
