"""Bars and curves as pictures that stand alone; every number stands beside its mark as text.

They use the ladder's palette and nothing else, so that one style sheet can turn them dark.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from ._report import Say, shortened
from ._svg import INK, LINE, MUTED, PAD, ROLES, _finished, _page, _text

Bar = tuple[str, float | None, str]  # a name, a number, the number as text
COLORS = [ROLES[r][0] for r in ("primal", "adjoint", "tangent", "bookkeeping")]
DARK_COLORS = ["#7db4f0", "#ff8a80", "#6fd08c", "#a3adb8"]
DASHES = ("", "7 4", "2 4")  # with the marks they tell curves apart where colours do not
MARKS = "●■▲◆"
WIDTH, NAMES, ROW = 720.0, 200.0, 22.0
BAR_TEXT = 82.0  # room behind the longest bar for its number


def bars_svg(view: Any, groups: Sequence[tuple[str, Sequence[Bar]]], across: int = 1) -> str:
    """Return groups of horizontal bars, each on a scale of its own, one below another.

    With `across` that many stand side by side, and share the names on the left: their bars are
    of the same things, in the same order.
    """
    root, y = _page(view), 44.0
    room = (WIDTH - NAMES - PAD) / across
    for start in range(0, len(groups), across):
        beside = groups[start : start + across]
        for column, (heading, bars) in enumerate(beside):
            left = NAMES + column * room
            _text(root, PAD if across == 1 else left, y + 14, heading, INK, weight="600")
            most = max((value or 0 for _, value, _ in bars), default=0) or 1
            for k, (name, value, text) in enumerate(bars):
                top = y + ROW * (k + 1)
                if column == 0:
                    _text(root, PAD, top + 14, shortened(name), INK)
                width = (room - BAR_TEXT) * (value or 0) / most
                _rect(root, left, top + 3, width, 14, COLORS[0])
                _text(root, left + width + 6, top + 14, text if value is not None else "–", MUTED)
        y += ROW * (max(len(bars) for _, bars in beside) + 1.5)
    return _finished(root, WIDTH, y)


def _rect(
    root: ET.Element, x: float, y: float, width: float, height: float, fill: str
) -> ET.Element:
    size = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{max(width, 1):.1f}"}
    return ET.SubElement(root, "rect", size, height=f"{height:.1f}", fill=fill)


class Scale:
    """Numbers to places on a logarithmic axis, and where its ticks are."""

    def __init__(self, numbers: Sequence[float], start: float, end: float) -> None:
        self.low, self.high = min(numbers), max(numbers)
        self.start, self.end = start, end

    def __call__(self, x: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = math.log(max(x, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return powers of ten in reach, the two ends where there are fewer than two."""
        exponents = range(
            math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1
        )
        found = [10.0**e for e in exponents][:: max(1, len(exponents) // 5)]
        return found if len(found) > 1 else sorted({self.low, self.high})


def across_scale(numbers: Sequence[float]) -> Scale:
    """Return the scale of the level axis."""
    return Scale([x for x in numbers if x > 0] or [1], 110, WIDTH - 190)


def curves_svg(
    view: Any,
    across: str,
    up: str,
    say: Say,
    curves: Mapping[str, Sequence[tuple[float, float]]],
) -> str:
    """Return curves on two logarithmic axes; `say` writes a number of the upright one."""
    root, bottom = _page(view), 330.0
    points = [p for curve in curves.values() for p in curve if p[0] > 0 and p[1] > 0]
    if not points:
        _text(root, PAD, 60, "nothing above zero to draw", MUTED)
        return _finished(root, WIDTH, 70)
    x = across_scale([p[0] for p in points])
    y = Scale([p[1] for p in points], bottom, 70)
    _text(root, PAD, 54, up, MUTED)
    for tick in y.ticks():
        _line(root, [(100, y(tick)), (WIDTH - 180, y(tick))], LINE)
        _text(root, 94, y(tick) + 4, say(tick), MUTED, 11).set("text-anchor", "end")
    for number in sorted({p[0] for p in points}):
        _text(root, x(number), bottom + 20, f"{number:g}", MUTED, 11).set("text-anchor", "middle")
    _text(root, WIDTH - 180, bottom + 40, f"{across} →", MUTED).set("text-anchor", "end")
    ends = _apart([y(c[-1][1]) if c and c[-1][1] > 0 else bottom for c in curves.values()])
    for k, (name, curve) in enumerate(curves.items()):
        color, mark = COLORS[k % 4], MARKS[k % 4]
        places = [(x(a), y(b)) for a, b in curve if a > 0 and b > 0]
        _line(root, places, color, DASHES[k // 4 % 3], "2")
        for px, py in places:
            _text(root, px, py + 4, mark, color).set("text-anchor", "middle")
        _text(root, WIDTH - 172, ends[k] + 4, f"{mark} {shortened(name)}", color)
    return _finished(root, WIDTH, bottom + 44)


def _apart(heights: Sequence[float], room: float = 16) -> list[float]:
    """Move labels down until none covers another."""
    placed, lowest = [0.0] * len(heights), -math.inf
    for k in sorted(range(len(heights)), key=lambda k: heights[k]):
        lowest = placed[k] = max(heights[k], lowest + room)
    return placed


def _line(
    root: ET.Element,
    places: Sequence[tuple[float, float]],
    color: str,
    dash: str = "",
    width: str = "1",
) -> None:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = ET.SubElement(root, "polyline", points=points, fill="none", stroke=color)
    line.set("stroke-width", width)
    if dash:
        line.set("stroke-dasharray", dash)
