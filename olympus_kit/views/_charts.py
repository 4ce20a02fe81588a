"""Multiples and curves; every number stands beside its mark as text.

They are as wide as a phone, so that nothing has to be moved to be seen; a wide page enlarges them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ._draw import ROW, Canvas, Scale, shorten
from ._format import Say, times_text

WIDTH = 340.0
LETTERS = 46  # of a line that fits
ROLES = ("primal", "adjoint", "tangent", "bookkeeping")
SHAPES = "■▲▶●"
# with the shapes they tell curves apart where colours do not
DASHES = ("", "7 4", "2 4")
BAR = 40.0  # the height of a bar with its name

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
    canvas.text(
        0,
        14,
        name,
        "muted",
    )
    ratios = [ratio for _, ratio, _ in rows if ratio]
    x = Scale([1.0, 2.0, *ratios], 8, WIDTH - 12)
    y = 42.0
    for name, ratio, number in rows:
        for tick in _round_ticks(x):  # not through the words above a bar
            ends = [(x(tick), y + 5), (x(tick), y + 21)]
            canvas.line(ends, "line-line")
        if ratio is not None:
            number = f"{times_text(ratio)}   {number}"
        # the name and the number stand above the mark, in one group with it
        row = canvas.group(data_say=f"{name}: {number}")
        short = shorten(name, LETTERS - len(number))
        row.text(8, y, short, font_weight=600)
        row.text(WIDTH - 8, y, number, anchor="end")
        if ratio:
            ends = [(x(1), y + 13), (x(ratio), y + 13)]
            look = {"stroke_width": 5, "stroke_linecap": "round"}
            row.line(ends, "primal-line", **look)
            row.circle(
                x(ratio),
                y + 13,
                6,
                "primal",
            )
        y += BAR
    for tick in _round_ticks(x):
        _label(
            canvas,
            x(tick),
            y,
            f"{tick:g}×",
            "middle",
        )
    return canvas


def _label(canvas: Canvas, x: float, y: float, words: str, anchor: str) -> None:
    """Write a number of an axis."""
    canvas.text(
        x,
        y,
        words,
        "muted",
        size=11,
        anchor=anchor,
    )


def _round_ticks(scale: Scale) -> list[float]:
    """Return 1, 2, 5, 10 ... in reach; tens alone where these are many."""
    if scale.high / scale.low > 50:
        return scale.ticks()
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50)
    return [step for step in steps if scale.low <= step <= scale.high]


def curves(
    across: str,
    up: str,
    say: Say,
    lines: Mapping[str, Sequence[Point]],
    steps: Mapping[float, list[int]],
) -> Canvas:
    """Draw curves on two logarithmic axes; `say` writes a number of the upright one.

    At each place along the level axis that has `steps` stands a cursor, lit at these.
    """
    canvas = Canvas(f"{up} over {across}")
    bottom = 250.0
    canvas.text(
        0,
        14,
        up,
        "muted",
    )
    drawn = {}  # a logarithm takes no number below
    for name, line in lines.items():
        drawn[name] = [(a, b) for a, b in line if a > 0 and b > 0]
    points = [point for line in drawn.values() for point in line]
    if not points:
        canvas.text(
            0,
            40,
            "nothing above zero to draw",
            "muted",
        )
        return canvas
    x = Scale([a for a, _ in points], 80, WIDTH - 14)
    y = Scale([b for _, b in points], bottom - 10, 36)
    for tick in y.ticks():
        at = y(tick)
        canvas.line([(66, at), (WIDTH, at)], "line-line")
        _label(
            canvas,
            62,
            at + 4,
            say(tick),
            "end",
        )
    last = -100.0
    for number in sorted({a for a, _ in points}):
        if x(number) - last > 34:  # labels do not overlap
            last = x(number)
            _label(
                canvas,
                last,
                bottom + 12,
                f"{number:g}",
                "middle",
            )
    canvas.text(
        WIDTH,
        bottom + 30,
        f"{across} →",
        "muted",
        anchor="end",
    )
    legend = bottom + 34
    for k, (name, places) in enumerate(drawn.items()):
        role, shape = ROLES[k % 4], SHAPES[k % 4]
        # the colours and shapes begin again after four
        dash = DASHES[k // 4 % 3] or None
        spots = [(x(a), y(b)) for a, b in places]
        look = {"stroke_width": 2, "stroke_dasharray": dash}
        canvas.line(spots, f"{role}-line", **look)
        for a, b in places:
            group = canvas.group(data_say=f"{name}, {across} = {a:g}: {say(b)}")
            group.text(
                x(a),
                y(b) + 5,
                shape,
                role,
                size=14,
                anchor="middle",
            )
        legend += ROW
        canvas.text(
            0,
            legend,
            f"{shape} {shorten(name, LETTERS)}",
            role,
        )
    for number in sorted({a for a, _ in points}):
        cursor(
            canvas,
            x(number),
            26,
            bottom,
            steps.get(number, []),
        )
    return canvas


def cursor(
    canvas: Canvas, x: float, top: float, bottom: float, steps: list[int]
) -> None:
    """Draw the line that marks a place while the player is at one of `steps`, if there are any."""
    if steps:
        look = {"stroke_width": 2, "data_now": steps}
        canvas.line([(x, top), (x, bottom)], "ink-line cursor", **look)
