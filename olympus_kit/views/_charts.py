"""Bars, multiples and curves; every number stands beside its mark as text.

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
    canvas.text(0, 14, name, "muted")
    ratios = [ratio for _, ratio, _ in rows if ratio]
    scale = Scale(
        [1.0, 2.0, *ratios],
        8,
        WIDTH - 12,
    )
    top = 28.0
    bottom = top + BAR * len(rows)
    for tick in _round_ticks(scale):
        x = scale(tick)
        for k in range(len(rows)):  # not through the words above a bar
            y = top + 19 + BAR * k
            canvas.line([(x, y), (x, y + 16)], "line-line")
        label = f"{tick:g}×"
        canvas.text(
            x,
            bottom + 14,
            label,
            "muted",
            size=11,
            anchor="middle",
        )
    for k, (name, ratio, number) in enumerate(rows):
        words = number
        if ratio is not None:
            words = f"{times_text(ratio)}   {number}"
        y = top + BAR * k + 14
        row = _labelled(canvas, y, name, words)
        if ratio:
            x = scale(ratio)
            row.line(
                [(scale(1), y + 13), (x, y + 13)],
                "primal-line",
                stroke_width=5,
                stroke_linecap="round",
            )
            row.circle(x, y + 13, 6, "primal")
    return canvas


def _labelled(canvas: Canvas, y: float, name: str, number: str) -> Canvas:
    """Write a name and its number above a bar; return the group that holds all three."""
    row = canvas.group(data_say=f"{name}: {number}")
    short = shorten(name, LETTERS - len(number))
    row.text(8, y, short, font_weight=600)
    row.text(WIDTH - 8, y, number, anchor="end")
    return row


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
        y = BAR * k + 42
        row = _labelled(canvas, y, name, number)
        row.box(
            8,
            y + 6,
            (WIDTH - 16) * value / most,
            12,
            role,
        )
    return canvas


def curves(
    across: str, up: str, say: Say, lines: Mapping[str, Sequence[Point]]
) -> Canvas:
    """Draw curves on two logarithmic axes; `say` writes a number of the upright one.

    At each place along the level axis stands a cursor, for the step of that number.
    """
    canvas = Canvas(f"{up} over {across}")
    bottom = 250.0
    drawn: dict[str, list[Point]] = {}  # a logarithm takes no number below
    for name, line in lines.items():
        drawn[name] = [(a, b) for a, b in line if a > 0 and b > 0]
    points = [point for line in drawn.values() for point in line]
    canvas.text(0, 14, up, "muted")
    if not points:
        canvas.text(0, 40, "nothing above zero to draw", "muted")
        return canvas
    x = level_axis([a for a, _ in points])
    y = Scale(
        [b for _, b in points],
        bottom - 10,
        36,
    )
    for tick in y.ticks():
        canvas.line(
            [(66, y(tick)), (WIDTH, y(tick))],
            "line-line",
        )
        canvas.text(
            62,
            y(tick) + 4,
            say(tick),
            "muted",
            size=11,
            anchor="end",
        )
    last = -100.0
    for number in sorted({a for a, _ in points}):
        place = x(number)
        if place - last > 34:  # labels do not overlap
            last = place
            canvas.text(
                place,
                bottom + 12,
                f"{number:g}",
                "muted",
                size=11,
                anchor="middle",
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
        dash = {}
        if k > 3:  # the colours and shapes begin again
            dash["stroke-dasharray"] = DASHES[k // 4 % 3]
        spots = [(x(a), y(b)) for a, b in places]
        canvas.line(spots, f"{role}-line", stroke_width=2, **dash)
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
