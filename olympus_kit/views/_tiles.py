"""A matrix in few tiles, each with its true extremes: nothing is averaged away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._types import Array

MOST = 32  # tiles along each side


class Tiles:
    """The least and the greatest entry of every tile, gathered while parts of a matrix pass by.

    Of complex entries the absolute value counts.
    """

    def __init__(self, m: int, n: int) -> None:
        down = max(1, math.ceil(m / MOST))
        across = max(1, math.ceil(n / MOST))
        self.step = (down, across)
        self.grid = (math.ceil(m / down), math.ceil(n / across))
        self.low = np.full(self.grid, np.inf)
        self.high = np.full(self.grid, -np.inf)
        self.zeros = 0
        # value, row and column of the least and of the greatest entry
        self.extremes: dict[str, tuple[float, int, int]] = {}

    def add(
        self,
        part: Array,
        row: int = 0,
        column: int = 0,
    ) -> None:
        """Take in the part of the matrix whose first entry stands at (row, column)."""
        if not part.size:
            return
        if np.iscomplexobj(part):
            shown = np.abs(part)
        else:
            shown = part.astype(float, copy=False)
        self.zeros += part.size - int(np.count_nonzero(part))
        down, across = self.step
        height, width = part.shape
        # the tiles that lines of the part meet, and where each of them begins
        rows = np.arange(row, row + height) // down
        rows, top = np.unique(rows, return_index=True)
        columns = np.arange(column, column + width) // across
        columns, left = np.unique(columns, return_index=True)
        block = np.ix_(rows, columns)
        for name, table, reduce, pick, last in (
            ("least", self.low, np.minimum, np.argmin, np.inf),
            ("greatest", self.high, np.maximum, np.argmax, -np.inf),
        ):
            down_columns = reduce.reduceat(shown, top, 0)
            reduced = reduce.reduceat(down_columns, left, 1)
            table[block] = reduce(table[block], reduced)
            place = pick(_without_nan(shown, last))
            i, j = np.unravel_index(place, shown.shape)
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
    return np.where(
        np.isnan(entries),
        instead,
        entries,
    )
