"""Bars, multiples and curves; every number stands beside its mark as text.

They are as wide as a phone, so that nothing has to be moved to be seen; a wide page enlarges them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ._draw import ROW, Canvas, Scale, shorten
from ._format import Say, times_text

WIDTH = 340.0
LETTERS = 46  # of a line that fits
ROLES = ("primal", "adjoint", "tangent", "bookkeeping")
SHAPES = "■▲▶●"
DASHES = (
    "",
    "7 4",
    "2 4",
)  # with the shapes they tell curves apart where colours do not

Point = tuple[float, float]


def multiples(
    name: str, rows: Sequence[tuple[str, float | None, str]]
) -> Canvas:
    """Draw how many times the first each row is, on a logarithmic axis.

    Args:
        name: what is counted.
        rows: for each a name, the ratio to the first (None where it was not measured), and the
            number itself as text.
    """
    canvas = Canvas(name)
    canvas.text(0, 14, name, "muted")
    ratios = [ratio for _, ratio, _ in rows if ratio]
    scale = Scale([1.0, 2.0, *ratios], 8, WIDTH - 12)
    top, bottom = 28.0, 28 + 40.0 * len(rows)
    for tick in _round_ticks(scale):
        for y in np.arange(
            top + 19, bottom, 40.0
        ):  # not through the words above a bar
            canvas.line(
                [(scale(tick), float(y)), (scale(tick), float(y) + 16)],
                "line-line",
            )
        canvas.text(
            scale(tick),
            bottom + 14,
            f"{tick:g}×",
            "muted",
            size=11,
            anchor="middle",
        )
    for k, (label, ratio, number) in enumerate(rows):
        y = top + 40.0 * k + 14
        words = number if ratio is None else f"{times_text(ratio)}   {number}"
        row = canvas.group(data_say=f"{label}: {words}")
        row.text(8, y, shorten(label, LETTERS - len(words)), font_weight=600)
        row.text(WIDTH - 8, y, words, anchor="end")
        if ratio:
            ends = [(scale(1), y + 13), (scale(ratio), y + 13)]
            row.line(
                ends, "primal-line", stroke_width=5, stroke_linecap="round"
            )
            row.circle(scale(ratio), y + 13, 6, "primal")
    return canvas


def _round_ticks(scale: Scale) -> list[float]:
    """Return 1, 2, 5, 10 ... in reach; tens alone where these are many."""
    if scale.high / scale.low > 50:
        return scale.ticks()
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50)
    return [step for step in steps if scale.low <= step <= scale.high]


def bars(
    heading: str, rows: Sequence[tuple[str, float, str]], role: str = "primal"
) -> Canvas:
    """Draw horizontal bars, each below its name and its number."""
    canvas = Canvas(heading)
    canvas.text(0, 14, heading, "muted")
    most = max((value for _, value, _ in rows), default=0) or 1
    for k, (name, value, number) in enumerate(rows):
        y = 40.0 * k + 42
        row = canvas.group(data_say=f"{name}: {number}")
        row.text(8, y, shorten(name, LETTERS - len(number)), font_weight=600)
        row.text(WIDTH - 8, y, number, anchor="end")
        row.box(8, y + 6, (WIDTH - 16) * value / most, 12, role)
    return canvas


def curves(
    across: str, up: str, say: Say, lines: Mapping[str, Sequence[Point]]
) -> Canvas:
    """Draw curves on two logarithmic axes; `say` writes a number of the upright one.

    At each place along the level axis stands a cursor, for the step of that number.
    """
    canvas, bottom = Canvas(f"{up} over {across}"), 250.0
    points = [
        p for line in lines.values() for p in line if p[0] > 0 and p[1] > 0
    ]
    canvas.text(0, 14, up, "muted")
    if not points:
        canvas.text(0, 40, "nothing above zero to draw", "muted")
        return canvas
    x = level_axis([p[0] for p in points])
    y = Scale([p[1] for p in points], bottom - 10, 36)
    for tick in y.ticks():
        canvas.line([(66, y(tick)), (WIDTH, y(tick))], "line-line")
        canvas.text(62, y(tick) + 4, say(tick), "muted", size=11, anchor="end")
    last = -100.0
    for number in sorted({p[0] for p in points}):
        if x(number) - last > 34:  # labels do not overlap
            last = x(number)
            canvas.text(
                last,
                bottom + 12,
                f"{number:g}",
                "muted",
                size=11,
                anchor="middle",
            )
    canvas.text(WIDTH, bottom + 30, f"{across} →", "muted", anchor="end")
    for k, (name, line) in enumerate(lines.items()):
        role, shape = ROLES[k % 4], SHAPES[k % 4]
        places = [(a, b) for a, b in line if a > 0 and b > 0]
        dash = {"stroke-dasharray": DASHES[k // 4 % 3]} if k > 3 else {}
        canvas.line(
            [(x(a), y(b)) for a, b in places],
            f"{role}-line",
            stroke_width=2,
            **dash,
        )
        for a, b in places:
            group = canvas.group(data_say=f"{name}, {across} = {a:g}: {say(b)}")
            group.text(x(a), y(b) + 5, shape, role, size=14, anchor="middle")
        canvas.text(
            0,
            bottom + 34 + ROW * (k + 1),
            f"{shape} {shorten(name, LETTERS)}",
            role,
        )
    return canvas


def level_axis(numbers: Sequence[float]) -> Scale:
    """Return the scale of the level axis."""
    return Scale(numbers, 80, WIDTH - 14)


def cursor(
    canvas: Canvas, x: float, top: float, bottom: float, steps: list[int]
) -> None:
    """Draw the line that marks a place while the player is at one of `steps`."""
    canvas.line(
        [(x, top), (x, bottom)],
        "ink-line cursor",
        stroke_width=2,
        data_now=steps,
    )
