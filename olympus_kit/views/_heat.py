"""A matrix as a picture: a table of numbers where they fit, otherwise tiles.

Orange is above zero, blue below, and the stronger the further from it. The sign is written, too:
in a table by the number, in a tile by a bar cut out of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ._draw import ROW, Canvas, shorten, width_of
from ._types import Array, Data

WIDE, LONG = 12, 24  # columns and rows of a table of numbers
CELL, TILE = 26.0, 11.0
TOP = 24.0  # below the name of the matrix
STRONGEST = 0.55  # of a colour behind a number, which has to be read

# a name over several columns, the first of them, and how many
Run = tuple[str, int, int]


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
    # what a guess has there
    wrong: dict[tuple[int, int], str] = field(default_factory=dict)

    def draw(self) -> Canvas:
        """Return the picture."""
        canvas = Canvas(self.name)
        canvas.text(0, 14, self.name, font_weight=600)
        if not self.values.size:
            canvas.text(0, 14 + ROW, "There are no entries.", "muted")
            return canvas
        rows, columns = self.values.shape
        self.numbers = None
        if columns <= WIDE and rows <= LONG:
            self.numbers = self.cells
        self._place()
        self._draw_frame(canvas)
        self._draw_entries(canvas)
        y = self._y(rows) + 4
        room = int(canvas.size[0] / width_of("x"))
        for words in self.legend:
            for line in textwrap.wrap(words, max(30, room)):
                y += ROW
                canvas.text(0, y, line, "muted")
        return canvas

    def _x(self, column: int) -> float:
        """Return where a column begins."""
        return self.left + column * self.wide

    def _y(self, row: int) -> float:
        """Return where a row begins."""
        return self.top + row * self.high

    def _place(self) -> None:
        """Find where the entries begin, and how large each is."""
        self.left, self.top = 2.0, TOP
        self.wide = self.high = TILE
        if self.numbers is None:
            return
        words: list[str] = []
        for row in self.numbers:
            words += row
        words += self.columns
        for guess in self.wrong.values():
            words.append(f"✗ {guess}")
        words.append("▶ 1  ")
        self.wide = width_of(max(words, key=len)) + 14
        self.high = CELL
        if self.wrong:
            self.high += ROW
        self.left = width_of(max(self.rows, key=len)) + 12
        if self.seed.startswith("▲"):
            self.left += 34
        if any(self.columns):
            self.top += ROW
        if self.runs:
            self.top += ROW
        if self.seed.startswith("▶"):
            self.top += ROW

    def _draw_frame(self, canvas: Canvas) -> None:
        """Draw the names, and the empty table, which a step has not filled yet."""
        rows, columns = self.values.shape
        right, bottom = self._x(columns), self._y(rows)
        down, across = rows, columns  # tiles have a frame around them all
        if self.numbers is not None:
            down = across = 1
            self._draw_names(canvas)
        for i in range(0, rows + 1, down):
            y = self._y(i)
            canvas.line(
                [(self.left, y), (right, y)],
                "line-line",
            )
        for j in range(0, columns + 1, across):
            x = self._x(j)
            canvas.line(
                [(x, self.top), (x, bottom)],
                "line-line",
            )

    def _draw_names(self, canvas: Canvas) -> None:
        """Write what the rows, the columns and runs of columns are called."""
        for i, name in enumerate(self.rows):
            y = self._y(i) + 18
            canvas.text(
                self.left - 8,
                y,
                name,
                "muted",
                anchor="end",
            )
        y = self.top - 7
        for j, name in enumerate(self.columns):
            x = self._x(j + 1) - 7
            canvas.text(x, y, name, "muted", anchor="end")
        if any(self.columns):
            y -= ROW
        for name, first, count in self.runs:
            x = self._x(first)
            room = count * self.wide - 4
            words = shorten(name, int(room / width_of("x")))
            canvas.text(
                x + 4,
                y,
                words,
                font_weight=600,
            )
            canvas.line(
                [(x, y + 5), (x + room, y + 5)],
                "line-line",
            )

    def _draw_entries(self, canvas: Canvas) -> None:
        finite = np.where(
            np.isfinite(self.values),
            np.abs(self.values),
            0,
        )
        shares = finite / max(float(finite.max()), 1e-300)
        together = {}
        for i, j in np.ndindex(self.values.shape):
            key = self.group(i, j)
            if key not in together:
                steps = self.steps.get(key, [])
                together[key] = canvas.group(data_at=steps[:1], data_now=steps)
                self._draw_seed(
                    together[key],
                    i,
                    j,
                    steps,
                )
            self._draw_entry(
                together[key],
                i,
                j,
                float(shares[i, j]),
            )

    def _draw_seed(
        self, group: Canvas, i: int, j: int, steps: list[int]
    ) -> None:
        """Write the 1 that a pass starts from, shown while the player is at it."""
        if self.numbers is None or not self.seed:
            return
        look: Data = {"font_weight": 600, "data_now": steps}
        if self.seed.startswith("▶"):
            look["anchor"] = "end"
            # the seed is the topmost of the lines above the table
            x, y = self._x(j + 1) - 7, TOP + ROW - 7
            role = "tangent cursor"
        else:
            x, y = 0.0, self._y(i) + 18
            role = "adjoint cursor"
        group.text(
            x,
            y,
            self.seed,
            role,
            **look,
        )

    def _draw_entry(self, group: Canvas, i: int, j: int, share: float) -> None:
        value = self.values[i, j]
        x, y = self._x(j), self._y(i)
        wide, high = self.wide, self.high
        role, strength = "cell plus", share
        if value < 0:
            role = "cell minus"
        if not np.isfinite(value):
            role, strength = "cell bookkeeping", 0.4
        elif not value:
            role, strength = "cell paper", 0.0
        elif self.numbers is not None:
            strength = STRONGEST * share
        if value:
            strength = max(0.06, strength)
        look = {
            "fill_opacity": f"{strength:.2f}",
            "data_say": self.say(i, j),
        }
        if self.numbers is None and value < 0:
            # a bar is cut out: the sign needs no colour
            bar = f"m2.5 {high / 2 - 0.7:.1f}h{wide - 5:g}v1.4h-{wide - 5:g}z"
            d = f"M{x:.1f} {y:.1f}h{wide:g}v{high:g}h-{wide:g}z{bar}"
            group.path(d, role, fill_rule="evenodd", **look)
            return
        group.box(
            x,
            y,
            wide,
            high,
            role,
            **look,
        )
        if self.numbers is not None:
            group.text(
                x + wide - 7,
                y + 18,
                self.numbers[i][j],
                anchor="end",
            )
        if (i, j) in self.wrong:
            group.box(
                x + 2,
                y + 2,
                wide - 4,
                high - 4,
                "adjoint-line",
                stroke_width=2,
                stroke_dasharray="5 3",
            )
            guess = f"✗ {self.wrong[i, j]}"
            y += 18 + ROW
            group.text(
                x + wide - 7,
                y,
                guess,
                "adjoint",
                anchor="end",
            )
