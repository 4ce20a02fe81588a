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
    return [
        Life(value, k, last[value])
        for k, equation in enumerate(equations)
        for value in equation.results
        if value in last
    ]


def live(
    equations: Sequence[Any], outputs: Sequence[int], values: Sequence[Any]
) -> list[int]:
    """Return the bytes live after each equation."""
    last = _last_uses(equations, outputs)
    change = [0] * (len(equations) + 1)
    for k, equation in enumerate(equations):
        for value in equation.results:
            if value in last:
                change[k] += values[value].nbytes
                change[last[value]] -= values[value].nbytes
    return list(accumulate(change[:-1]))


def _last_uses(
    equations: Sequence[Any], outputs: Sequence[int]
) -> dict[int, int]:
    last = {
        o: k for k, equation in enumerate(equations) for o in equation.operands
    }
    return last | dict.fromkeys(outputs, len(equations))


def live_bytes(
    equations: Sequence[Any], outputs: Sequence[int], values: Sequence[Any]
) -> list[int]:
    """Return the most bytes live at each equation: after it, or while its body runs."""
    before, found = 0, []
    for equation, after in zip(
        equations, live(equations, outputs, values), strict=True
    ):
        inside = _inside(equation, values) if equation.bodies else 0
        found.append(max(after, before + inside))
        before = after
    return found


def _inside(equation: Any, values: Sequence[Any]) -> int:
    """Return the bytes of an equation's own work: its body's peak, and a loop's stacked results.

    What a call returns is part of its body's peak already.
    """
    peaks = [
        max(live_bytes(b.equations, b.outputs, values), default=0)
        for b in equation.bodies
    ]
    loops = equation.primitive in ("scan", "while")
    results = sum(values[r].nbytes for r in equation.results) if loops else 0
    return max(peaks, default=0) + results
