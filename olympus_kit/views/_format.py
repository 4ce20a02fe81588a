"""Write numbers, sizes, times and names in few characters, and tables in columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from ._formula import size_text

Say = Callable[[float], str]  # how a number is written

NAME_ROOM = 26


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names in a row, the first few of many."""
    text = ", ".join(names[:most])
    more = len(names) - most
    if more > 0:
        text += f" and {more} more"
    return text


def number_text(x: float) -> str:
    """Return a count: exact up to seven digits, four significant ones above."""
    if abs(x) < 10_000_000:
        return f"{x:,.0f}"
    for unit, factor in (("M", 1e6), ("G", 1e9)):
        if abs(x) < 1000 * factor:
            return f"{x / factor:,.4g} {unit}"
    return f"{x / 1e12:,.4g} T"


def seconds_text(x: float) -> str:
    """Return a time with a unit that suits it."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if x * factor >= 1:
            return f"{x * factor:.3g} {unit}"
    return f"{x * 1e6:.3g} µs"


def bytes_text(x: float) -> str:
    """Return bytes in powers of 1024."""
    return size_text(int(x))


def times_text(ratio: float) -> str:
    """Return how many times as much something is: "2.00×", "1,234×", "0.001×"."""
    if 0.01 <= ratio < 100 or not ratio:
        return f"{ratio:.2f}×"
    if ratio > 1:
        return f"{ratio:,.0f}×"
    return f"{ratio:.1g}×"


def compared(
    x: float,
    base: float | None,
    say: Say,
) -> str:
    """Return a number, and behind it how many times the baseline it is: "200 (2.00×)"."""
    if not base:  # there is none, or it is zero
        return say(x)
    return f"{say(x)} ({times_text(x / base)})"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table as lines: names to the left, all else to the right."""
    if not rows:
        return []
    columns: list[list[str]] = []
    for cells in zip(*rows, strict=True):
        width = max(map(len, cells))
        write = str.rjust if columns else str.ljust
        columns.append([write(cell, width) for cell in cells])
    return ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]


# the end of a tangent's or an adjoint's name
ENDING = re.compile(r"(_bar|_dot)(\.\w+)*$")
# W1 of params['W1'] and params.W1
LAST_KEY = re.compile(r"(?:\['|\.)([^\W\d]\w*)(?:'\])?$")


def short_names(
    names: Sequence[str], long: Collection[str] | None = None
) -> list[str]:
    """Return the last key of each name where that is unique: params['W1']_bar is W1_bar.

    Only of the names in `long`, and of their tangents and adjoints, where that is there.
    """
    bases = [ENDING.sub("", name) for name in names]
    keys = {}
    for base in bases:
        keys[base] = base
        match = LAST_KEY.search(base)
        if match and (long is None or base in long):
            keys[base] = match[1]
    counts = Counter(keys.values())
    shorter = []
    for name, base in zip(names, bases, strict=True):
        key = keys[base] if counts[keys[base]] == 1 else base
        shorter.append(key + name[len(base) :])
    return shorter
