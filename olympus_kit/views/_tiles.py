"""A matrix in few tiles, each with its true extremes: nothing is averaged away."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MOST = 48  # tiles along each side


class Tiles:
    """The least and the greatest entry of every tile, gathered while parts of a matrix pass by.

    Of complex entries the absolute value counts.
    """

    def __init__(self, m: int, n: int, most: tuple[int, int] = (MOST, MOST)) -> None:
        self.shape = (m, n)
        self.step = tuple(max(1, -(-s // t)) for s, t in zip((m, n), most, strict=True))
        self.grid = (-(-m // self.step[0]), -(-n // self.step[1]))
        self.low, self.high = np.full(self.grid, np.inf), np.full(self.grid, -np.inf)
        self.zeros = 0
        self.found: dict[
            str, tuple[float, int, int]
        ] = {}  # "least", "greatest": value, row, column

    def add(self, part: Array, row: int = 0, column: int = 0) -> None:
        """Take in the part of the matrix whose first entry stands at (row, column)."""
        if not part.size:
            return
        shown = np.abs(part) if np.iscomplexobj(part) else part.astype(float)
        self.zeros += int(part.size - np.count_nonzero(part))
        where = [
            (start + np.arange(size)) // step
            for start, size, step in zip((row, column), part.shape, self.step, strict=True)
        ]
        for reduce, table in ((np.minimum, self.low), (np.maximum, self.high)):
            cuts = [np.flatnonzero(np.diff(w, prepend=-1)) for w in where]
            reduced = reduce.reduceat(reduce.reduceat(shown, cuts[0], 0), cuts[1], 1)
            block = np.ix_(where[0][cuts[0]], where[1][cuts[1]])
            table[block] = reduce(table[block], reduced)
        self._remember(shown, row, column)

    def _remember(self, shown: Array, row: int, column: int) -> None:
        for name, pick, better in (
            ("least", np.argmin, np.less),
            ("greatest", np.argmax, np.greater),
        ):
            i, j = np.unravel_index(int(pick(shown)), shown.shape)
            value = float(shown[i, j])
            if name not in self.found or better(value, self.found[name][0]):
                self.found[name] = (value, int(i) + row, int(j) + column)

    @property
    def extreme(self) -> Array:
        """For each tile, the entry that is furthest from zero."""
        return np.where(np.abs(self.high) >= np.abs(self.low), self.high, self.low)
