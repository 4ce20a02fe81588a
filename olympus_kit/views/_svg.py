"""What every picture is drawn with."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Protocol

from ._draw import MARKS, PALETTE

# role -> (colour, mark, word): the mark and the word say the same as the colour
ROLES = {
    role: (PALETTE[role][0], mark, role.replace("_", " "))
    for role, mark in MARKS.items()
}
INK, MUTED, PAPER, LINE = (
    PALETTE[name][0] for name in ("ink", "muted", "paper", "line")
)
CHAR, TEXT_ROW, PAD = 7.3, 20, 14
VALUE_ROOM = 22


class Titled(Protocol):
    """What a picture says of itself."""

    @property
    def title(self) -> str:
        """One line."""

    @property
    def summary(self) -> str:
        """One sentence or more."""


def _page(view: Titled) -> ET.Element:
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
    root.set(
        "font-family",
        "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
    )
    ET.SubElement(root, "title").text = view.title
    ET.SubElement(root, "desc").text = view.summary
    ET.SubElement(
        root,
        "rect",
        width="100%",
        height="100%",
        rx="8",
        fill=PAPER,
        stroke=LINE,
    )
    _text(root, PAD, 26, _short(view.title, 100), INK, size=15, weight="600")
    return root


def _finished(root: ET.Element, width: float, bottom: float) -> str:
    root.set("viewBox", f"0 0 {width:.0f} {bottom + PAD:.0f}")
    root.set("width", f"{width:.0f}")
    root.set("height", f"{bottom + PAD:.0f}")
    return ET.tostring(root, encoding="unicode")


def _text(
    parent: ET.Element,
    x: float,
    y: float,
    text: str,
    fill: str,
    size: int = 12,
    weight: str = "",
) -> ET.Element:
    attributes = {
        "x": f"{x:.1f}",
        "y": f"{y:.1f}",
        "fill": fill,
        "font-size": f"{size}",
    }
    element = ET.SubElement(parent, "text", attributes)
    element.set("xml:space", "preserve")
    if weight:
        element.set("font-weight", weight)
    element.text = text
    return element


def _short(text: str, room: int = VALUE_ROOM) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
