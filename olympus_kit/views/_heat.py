"""A matrix as a picture: a table of numbers where they fit, otherwise tiles.

Orange is above zero, blue below, and the stronger the further from it. The sign is written, too:
in a table by the number, in a tile by a bar cut out of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._draw import ROW, Canvas, shorten, width_of
from ._jacobian_passes import Array

WIDE, LONG = 12, 24  # columns and rows of a table of numbers
CELL, TILE = 26.0, 11.0
STRONGEST = 0.55  # of a colour behind a number, which has to be read

Run = tuple[
    str, int, int
]  # a name over several columns, the first of them, and how many


@dataclass
class Heat:
    """What is drawn of a matrix, and when the player shows it."""

    name: str
    values: Array
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[str]] | None  # the numbers, where they are few
    say: Callable[[int, int], str]  # of an entry or a tile
    group: Callable[[int, int], Hashable]  # entries that come out together
    steps: dict[Hashable, list[int]]  # at which they come out
    legend: Sequence[str] = ()
    runs: Sequence[Run] = ()
    seed: str = ""  # "▶ 1" above a column, "▲ 1" beside a row
    wrong: dict[tuple[int, int], str] = field(
        default_factory=dict
    )  # what a guess has there

    def draw(self) -> Canvas:
        """Return the picture."""
        canvas = Canvas(self.name)
        canvas.text(0, 14, self.name, font_weight=600)
        if not self.values.size:
            canvas.text(0, 14 + ROW, "There are no entries.", "muted")
            return canvas
        rows, columns = self.values.shape
        self.numbers = self.cells if columns <= WIDE and rows <= LONG else None
        self._place()
        self._draw_frame(canvas)
        self._draw_entries(canvas)
        y = self.top + self.high * rows + 4
        room = max(30, int(canvas.size[0] / width_of("x")))
        for line in [
            part for words in self.legend for part in textwrap.wrap(words, room)
        ]:
            y += ROW
            canvas.text(0, y, line, "muted")
        return canvas

    def _place(self) -> None:
        """Find where the entries begin, and how large each is."""
        self.left, self.top, self.wide, self.high = 2.0, 24.0, TILE, TILE
        if self.numbers is None:
            return
        guesses = [f"✗ {guess}" for guess in self.wrong.values()]
        words = [
            *(cell for row in self.numbers for cell in row),
            *self.columns,
            *guesses,
            "▶ 1  ",
        ]
        self.wide = width_of(max(words, key=len)) + 14
        self.high = CELL + ROW * bool(self.wrong)
        self.left = (
            width_of(max(self.rows, key=len))
            + 12
            + 34 * self.seed.startswith("▲")
        )
        above = (any(self.columns), self.runs, self.seed.startswith("▶"))
        self.top += ROW * sum(map(bool, above))

    def _draw_frame(self, canvas: Canvas) -> None:
        """Draw the names, and the empty table, which a step has not filled yet."""
        rows, columns = self.values.shape
        right, bottom = (
            self.left + columns * self.wide,
            self.top + rows * self.high,
        )
        lines = [range(0, rows + 1, rows), range(0, columns + 1, columns)]
        if self.numbers is not None:
            lines = [range(rows + 1), range(columns + 1)]
            y = self.top - 7
            for i, name in enumerate(self.rows):
                canvas.text(
                    self.left - 8,
                    self.top + i * self.high + 18,
                    name,
                    "muted",
                    anchor="end",
                )
            for j, name in enumerate(self.columns):
                canvas.text(
                    self.left + (j + 1) * self.wide - 7,
                    y,
                    name,
                    "muted",
                    anchor="end",
                )
            y -= ROW * any(self.columns)
            for name, first, count in self.runs:
                x, room = self.left + first * self.wide, count * self.wide - 4
                words = shorten(name, int(room / width_of("x")))
                canvas.text(x + 4, y, words, font_weight=600)
                canvas.line([(x, y + 5), (x + room, y + 5)], "line-line")
        for i in lines[0]:
            y = self.top + i * self.high
            canvas.line([(self.left, y), (right, y)], "line-line")
        for j in lines[1]:
            x = self.left + j * self.wide
            canvas.line([(x, self.top), (x, bottom)], "line-line")

    def _draw_entries(self, canvas: Canvas) -> None:
        finite = np.where(np.isfinite(self.values), np.abs(self.values), 0)
        shares = finite / max(float(finite.max()), 1e-300)
        together: dict[Hashable, Canvas] = {}
        for i, j in np.ndindex(self.values.shape):
            key = self.group(i, j)
            if key not in together:
                steps = self.steps.get(key, [])
                together[key] = canvas.group(data_at=steps[:1], data_now=steps)
                self._draw_seed(together[key], i, j, steps)
            self._draw_entry(together[key], i, j, float(shares[i, j]))

    def _draw_seed(
        self, group: Canvas, i: int, j: int, steps: list[int]
    ) -> None:
        look: dict[str, Any] = {"font_weight": 600, "data_now": steps}
        if self.numbers is None or not self.seed:
            return
        if self.seed.startswith("▶"):
            y = self.top - 7 - ROW * (any(self.columns) + bool(self.runs))
            x = self.left + (j + 1) * self.wide - 7
            group.text(x, y, self.seed, "tangent cursor", anchor="end", **look)
        else:
            group.text(
                0,
                self.top + i * self.high + 18,
                self.seed,
                "adjoint cursor",
                **look,
            )

    def _draw_entry(self, group: Canvas, i: int, j: int, share: float) -> None:
        value = self.values[i, j]
        x, y, wide, high = (
            self.left + j * self.wide,
            self.top + i * self.high,
            self.wide,
            self.high,
        )
        role, strength = "cell minus" if value < 0 else "cell plus", share
        if not np.isfinite(value):
            role, strength = "cell bookkeeping", 0.4
        elif not value:
            role, strength = "cell paper", 0.0
        elif self.numbers is not None:
            strength = STRONGEST * share
        if value:
            strength = max(0.06, strength)
        look = {"fill_opacity": f"{strength:.2f}", "data_say": self.say(i, j)}
        if (
            self.numbers is None and value < 0
        ):  # a bar is cut out: the sign needs no colour
            bar = f"m2.5 {high / 2 - 0.7:.1f}h{wide - 5:g}v1.4h-{wide - 5:g}z"
            d = f"M{x:.1f} {y:.1f}h{wide:g}v{high:g}h-{wide:g}z{bar}"
            group.path(d, role, fill_rule="evenodd", **look)
            return
        group.box(x, y, wide, high, role, **look)
        if self.numbers is not None:
            group.text(x + wide - 7, y + 18, self.numbers[i][j], anchor="end")
        if (i, j) in self.wrong:
            dashes = {"stroke_width": 2, "stroke_dasharray": "5 3"}
            group.box(
                x + 2, y + 2, wide - 4, high - 4, "adjoint-line", **dashes
            )
            guess = f"✗ {self.wrong[i, j]}"
            group.text(
                x + wide - 7, y + 18 + ROW, guess, "adjoint", anchor="end"
            )
