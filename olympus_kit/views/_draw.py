"""The canvas that every picture is drawn on: shapes and words in SVG, each with its role as class.

A class stands for a colour, so that one stylesheet serves a light page, a dark one, paper and
forced colours. What an element does when the figure is stepped is written on it as data:
`data-at` (the step at which it appears), `data-now` (the steps at which it is lit) and `data-say`
(what focus or the mouse brings into the status line).
"""

from __future__ import annotations

import html
import math
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

# role -> its colour on a light page and on a dark one
PALETTE = {
    "ink": ("#1b1f24", "#e6edf3"),
    "muted": ("#57606a", "#a3adb8"),
    "paper": ("#ffffff", "#0f141a"),
    "soft": ("#f3f5f8", "#1a212a"),
    "line": ("#d0d7de", "#3a4450"),
    "now": ("#fff0b8", "#473b0e"),
    "primal": ("#1f5fa8", "#7db4f0"),
    "tangent": ("#1d7a3a", "#6fd08c"),
    "adjoint": ("#b3261e", "#ff8a80"),
    "local_derivative": ("#1d7a3a", "#6fd08c"),
    "bookkeeping": ("#5c6670", "#a3adb8"),
    "plus": (
        "#d9822b",
        "#d9822b",
    ),  # orange and blue are told apart with every kind of
    "minus": ("#4a8bd0", "#4a8bd0"),  # colour vision; the sign is written, too
}
# the shape that says what a role's colour says
MARKS = {
    "primal": "■",
    "local_derivative": "◆",
    "tangent": "▶",
    "adjoint": "▲",
    "bookkeeping": "●",
}
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
EM = 0.605  # width of a letter of that font, as a share of its size
SIZE = 12  # of letters, in pixels
ROW = 20  # from one line of text to the next
# attributes that are left out at these values
USUAL = {"font_size": SIZE, "text_anchor": "start"}
PAD = 14
PAGE = 960  # pixels beside each other before pictures go into another row
GAP = 32


def css_name(role: str) -> str:
    """Return the CSS variable that holds a role's colour."""
    return "--" + role.replace("_", "-")


def page_colors() -> str:
    """Return the rules of a page: variables for light, dark, print and forced colours."""
    light, dark = (
        ";".join(
            f"{css_name(role)}:{colors[k]}" for role, colors in PALETTE.items()
        )
        for k in (0, 1)
    )
    forced = ";".join(f"{css_name(role)}:CanvasText" for role in PALETTE)
    forced += ";--paper:Canvas;--soft:Canvas;--now:Canvas"
    rules = [
        f".okl{{{light}}}",
        f".okl[data-dark]{{{dark};color-scheme:dark}}",
        f"@media print{{.okl,.okl[data-dark]{{{light};color-scheme:light}}}}",
        f"@media (forced-colors:active){{.okl,.okl[data-dark]{{{forced}}}}}",
    ]
    rules += [
        f".okl svg .{r}-line{{fill:none;stroke:var({css_name(r)})}}"
        for r in PALETTE
    ]
    rules += [f".okl svg .{r}{{fill:var({css_name(r)})}}" for r in PALETTE]
    return "\n".join(rules)


def shorten(words: str, room: int) -> str:
    """Return words cut to so many characters, with a sign where they are cut.

    Entries of one container begin alike: of params['layers'][0]['w'] the end is kept.
    """
    if len(words) <= room:
        return words
    most = max(1, room - 1)
    is_entry = " " not in words and words.endswith(("]", "]_bar", "]_dot"))
    return f"…{words[-most:]}" if is_entry else f"{words[:most]}…"


def width_of(words: str, size: float = SIZE) -> float:
    """Return about how many pixels a line of text takes."""
    return EM * size * len(words)


class Canvas:
    """A picture in the making; what is drawn on it decides how large it is."""

    def __init__(self, name: str = "") -> None:
        self.name = name  # what it shows, for a reader who cannot see it
        self.element = ET.Element("g")
        self.size = [
            0.0,
            0.0,
        ]  # right and bottom end of what was drawn; groups share it

    def group(self, role: str = "", **attributes: Any) -> Canvas:
        """Return a canvas whose elements lie together on this one."""
        inside = Canvas()
        inside.element = self._add("g", role, attributes)
        inside.size = self.size
        return inside

    def text(
        self,
        x: float,
        y: float,
        words: str,
        role: str = "ink",
        size: int = SIZE,
        anchor: str = "start",
        **attributes: Any,
    ) -> None:
        """Write a line whose letters stand on `y`; `anchor` is "start", "middle" or "end"."""
        if not words:
            return
        place = {
            "x": x,
            "y": y,
            "font_size": size,
            "text_anchor": anchor,
            "xml:space": "preserve",
        }
        self._add("text", role, place | attributes).text = words
        share = {"start": 1.0, "middle": 0.5, "end": 0.0}[anchor]
        self._reach(x + share * width_of(words, size), y + 5)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        role: str,
        **attributes: Any,
    ) -> None:
        """Draw a rectangle."""
        place = {
            "x": x,
            "y": y,
            "width": max(width, 0.5),
            "height": max(height, 0.5),
        }
        self._add("rect", role, place | attributes)
        self._reach(x + width, y + height)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        role: str,
        **attributes: Any,
    ) -> None:
        """Draw a line through points."""
        joined = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._add("polyline", role, {"points": joined} | attributes)
        for x, y in points:
            self._reach(x, y)

    def path(self, d: str, role: str, **attributes: Any) -> None:
        """Draw a path as SVG writes it; it does not make the picture larger."""
        self._add("path", role, {"d": d} | attributes)

    def circle(
        self, x: float, y: float, radius: float, role: str, **attributes: Any
    ) -> None:
        """Draw a circle."""
        self._add("circle", role, {"cx": x, "cy": y, "r": radius} | attributes)
        self._reach(x + radius, y + radius)

    def svg(self) -> str:
        """Return the picture for a page, which has its title and its colours."""
        width, height = (math.ceil(side + 2) for side in self.size)
        root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg")
        root.set("viewBox", f"0 0 {width} {height}")
        root.set("width", str(width))
        root.set("height", str(height))
        root.set("font-family", FONT)
        root.set("font-size", str(SIZE))
        root.append(self.element)
        return ET.tostring(root, encoding="unicode")

    def _add(
        self, tag: str, role: str, attributes: Mapping[str, Any]
    ) -> ET.Element:
        """Add an element; what is None, empty or usual is not written."""
        element = ET.SubElement(
            self.element, tag, {"class": role} if role else {}
        )
        for name, value in attributes.items():
            if value not in (None, [], USUAL.get(name)):
                element.set(name.replace("_", "-"), _short(value))
        return element

    def _reach(self, x: float, y: float) -> None:
        self.size[0] = max(self.size[0], x)
        self.size[1] = max(self.size[1], y)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def page_svg(title: str, finding: str, pictures: Sequence[Canvas]) -> str:
    """Return pictures as one that stands alone, on paper of its own, below title and finding."""
    places, right, bottom = _placed(pictures)
    right = max(right, 340.0)
    heads = textwrap.wrap(title, max(24, int(right / (EM * 15))))
    lines = textwrap.wrap(finding, max(30, int(right / (EM * SIZE))))
    top = 12 + ROW * (len(heads) + len(lines)) + 14
    head = Canvas()
    head.box(0, 0, right + 2 * PAD, top + bottom + 2 * PAD, "paper", rx=8)
    for k, line in enumerate(heads):
        head.text(PAD, 26 + ROW * k, line, size=15, font_weight=600)
    for k, line in enumerate(lines):
        head.text(PAD, 26 + ROW * (len(heads) + k), line, "muted")
    for picture, (x, y) in zip(pictures, places, strict=True):
        place = ET.SubElement(head.element, "g")
        place.set(
            "transform", f"translate({_short(x + PAD)} {_short(y + top)})"
        )
        place.append(picture.element)
        head.size[0] = max(head.size[0], x + PAD + picture.size[0] + PAD)
    head.element = _alone(head.element)
    words = f"<title>{html.escape(title)}</title><desc>{html.escape(finding)}</desc>"
    start, rest = head.svg().split(">", 1)
    return f'{start} role="img">{words}{rest}'


def _placed(
    pictures: Sequence[Canvas],
) -> tuple[list[tuple[float, float]], float, float]:
    """Return the place of each picture, in rows, and how far all reach."""
    places = []
    x, y, row, right = 0.0, 0.0, 0.0, 0.0
    for picture in pictures:
        width, height = picture.size
        if x and x + width > PAGE:
            x, y, row = 0.0, y + row + GAP, 0.0
        places.append((x, y))
        right, row = max(right, x + width), max(row, height)
        x += width + GAP
    return places, right, y + row


def _alone(element: ET.Element) -> ET.Element:
    """Return a copy for programs that know no page: colours, and nothing that only steps show.

    The colours are attributes, since Inkscape takes a class "line-line" for a class "line".
    """
    roles = element.get("class", "").split()
    looks = {k: v for k, v in element.items() if not k.startswith("data-")}
    for role, (light, _) in PALETTE.items():
        if f"{role}-line" in roles:
            looks |= {"fill": "none", "stroke": light}
    # what has a line in one role and is filled in another has both classes
    for role, (light, _) in PALETTE.items():
        if role in roles:
            looks["fill"] = light
    copy = ET.Element(element.tag, looks)
    copy.text = element.text
    shown = [
        child for child in element if "cursor" not in child.get("class", "")
    ]
    copy.extend([_alone(child) for child in shown])
    return copy


class Scale:
    """Numbers to places on a logarithmic axis, and where its ticks are."""

    def __init__(
        self, numbers: Sequence[float], start: float, end: float
    ) -> None:
        positive = [x for x in numbers if x > 0] or [1.0]
        self.low, self.high = min(positive), max(positive)
        self.start, self.end = start, end

    def __call__(self, x: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = math.log(max(x, self.low) / self.low) / math.log(
            self.high / self.low
        )
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return powers of ten in reach, the two ends where there are fewer than two."""
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        exponents = range(first, last + 1)
        tens = [10.0**e for e in exponents][:: max(1, len(exponents) // 5)]
        return tens if len(tens) > 1 else sorted({self.low, self.high})


def apart(heights: Sequence[float], room: float = 16) -> list[float]:
    """Move labels down until none covers another."""
    places = [0.0] * len(heights)
    lowest = -math.inf
    for k in sorted(range(len(heights)), key=lambda k: heights[k]):
        lowest = max(heights[k], lowest + room)
        places[k] = lowest
    return places
