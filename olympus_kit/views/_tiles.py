"""A matrix in few tiles, each with its true extremes: nothing is averaged away."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MOST = 32  # tiles along each side


class Tiles:
    """The least and the greatest entry of every tile, gathered while parts of a matrix pass by.

    Of complex entries the absolute value counts.
    """

    def __init__(self, m: int, n: int) -> None:
        self.step = tuple(max(1, -(-s // MOST)) for s in (m, n))
        self.grid = (-(-m // self.step[0]), -(-n // self.step[1]))
        self.low, self.high = (
            np.full(self.grid, np.inf),
            np.full(self.grid, -np.inf),
        )
        self.zeros = 0
        self.extremes: dict[
            str, tuple[float, int, int]
        ] = {}  # value, row and column

    def add(self, part: Array, row: int = 0, column: int = 0) -> None:
        """Take in the part of the matrix whose first entry stands at (row, column)."""
        if not part.size:
            return
        shown = (
            np.abs(part)
            if np.iscomplexobj(part)
            else part.astype(float, copy=False)
        )
        self.zeros += int(part.size - np.count_nonzero(part))
        where = [
            (start + np.arange(size)) // step
            for start, size, step in zip(
                (row, column), part.shape, self.step, strict=True
            )
        ]
        cuts = [np.flatnonzero(np.diff(w, prepend=-1)) for w in where]
        block = np.ix_(where[0][cuts[0]], where[1][cuts[1]])
        for reduce, table in ((np.minimum, self.low), (np.maximum, self.high)):
            reduced = reduce.reduceat(
                reduce.reduceat(shown, cuts[0], 0), cuts[1], 1
            )
            table[block] = reduce(table[block], reduced)
        for name, pick, last in (
            ("least", np.argmin, np.inf),
            ("greatest", np.argmax, -np.inf),
        ):
            i, j = np.unravel_index(
                pick(_without_nan(shown, last)), shown.shape
            )
            entry = (float(shown[i, j]), int(i) + row, int(j) + column)
            before = self.extremes.setdefault(name, entry)
            pair = _without_nan([before[0], entry[0]], last)
            self.extremes[name] = (before, entry)[int(pick(pair))]

    @property
    def extreme(self) -> Array:
        """For each tile, the entry that is furthest from zero."""
        return np.where(
            np.abs(self.high) >= np.abs(self.low), self.high, self.low
        )


def _without_nan(entries: Any, instead: float) -> Array:
    return np.where(np.isnan(entries), instead, entries)
