"""A Jacobian as text and as a picture: shapes to scale, entries as a heat map."""

from __future__ import annotations

import base64
import io
import textwrap
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import numpy as np

from ._formula import number
from ._svg import CHAR, INK, LINE, MUTED, PAD, TEXT_ROW, _finished, _page, _text
from ._tiles import Array

if TYPE_CHECKING:
    from ._jacobian import Jacobian

# orange and blue are told apart with every kind of colour vision; the sign is also in words
PAPER_HEX, SOFT = "#ffffff", "#e8eef6"
PLUS, MINUS, PAPER = (179, 88, 6), (33, 102, 172), (255, 255, 255)
WIDE, LONG = 12, 24  # columns and rows of a table of numbers
SIDE = 120.0  # pixels of the longest side of a shape


def shape_lines(m: int, n: int) -> list[str]:
    """Say how J meets a step, in the two conventions that books use."""
    return [
        f"columns:  Δy ({m} × 1) = J ({m} × {n}) Δx ({n} × 1)      as in y = W x",
        f"rows:     Δy (1 × {m}) = Δx (1 × {n}) Jᵀ ({n} × {m})     as in y = x W",
    ]


def jacobian_text(view: Jacobian) -> str:
    """Return everything that the picture shows."""
    lines = [view.title, *textwrap.wrap(view.summary, 76)]
    for note in view.notes():
        lines += textwrap.wrap(f"note: {note}", 76, subsequent_indent="      ")
    lines += ["", *(f"{name:4} {shape}  ({size})" for name, shape, size in view.orders())]
    lines += ["", *shape_lines(view.flat.m, view.flat.n), ""]
    lines += [f"block {name}: {rule}, flattened {flat}" for name, rule, flat in view.blocks()]
    lines += ["", *_entries(view), ""]
    for _, _, words in view.steps:
        lines += textwrap.wrap(words, 76, subsequent_indent="    ")
    return "\n".join(lines)


def _entries(view: Jacobian) -> list[str]:
    m, n = view.flat.m, view.flat.n
    if not m * n:
        return ["There are no entries."]
    tiles = view.tiles
    found = [f"{k} {number(v)} in row {i}, column {j}" for k, (v, i, j) in tiles.found.items()]
    if not view.whole or m > LONG or n > WIDE:
        size = " × ".join(map(str, tiles.step))
        marks = np.select(
            [tiles.extreme > 0, tiles.extreme < 0, tiles.extreme == 0], ["+", "-", "."], "?"
        )
        head = (
            f"one mark for {size} entries, the sign of the one furthest from 0 (. is 0, ? is nan)"
        )
        return [head, *("".join(row) for row in marks), "; ".join(found)]
    rows, columns = view.model_axes()
    cells = [
        [r, *(number(x.item()) for x in row)] for r, row in zip(rows, view.matrix, strict=True)
    ]
    return ["J", *aligned([["", *columns], *cells]), "; ".join(found)]


def aligned(cells: list[list[str]]) -> list[str]:
    """Return rows of a table as lines: names to the left, all else to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in cells
    ]


def jacobian_svg(view: Jacobian) -> str:
    """Return an SVG with a title and a description, on a background of its own."""
    root = _page(view)
    y = 34.0
    for line in textwrap.wrap(view.summary, 84):
        y += TEXT_ROW
        _text(root, PAD, y - 4, line, MUTED)
    y, wide = _shapes(root, view, y + 24)
    y, heat = _heat(root, view, y + 30)
    for name, rule, flat in view.blocks()[:8]:
        y += TEXT_ROW
        _text(root, PAD, y, f"{name}: {rule}, flattened {flat}", INK)
    wide = max(wide, heat, CHAR * 86 + PAD, CHAR * 1.3 * len(view.title))
    return _finished(root, wide, y + 6)


def _shapes(root: ET.Element, view: Jacobian, y: float) -> tuple[float, float]:
    """Draw Δy = J Δx and Δy = Δx Jᵀ, every box to scale."""
    m, n = view.flat.m, view.flat.n
    x = PAD + 10.0
    for boxes in (
        [("Δy", m, 1, "="), ("J", m, n, "·"), ("Δx", n, 1, "")],
        [("Δy", 1, m, "="), ("Δx", 1, n, "·"), ("Jᵀ", n, m, "")],
    ):
        for name, rows, columns, sign in boxes:
            width, height = (max(7.0, SIDE * k / max(m, n, 1)) for k in (columns, rows))
            top = y + (SIDE - height) / 2
            _box(root, x, top, width, height, SOFT if name[0] == "J" else PAPER_HEX)
            for leaf in view.flat.inputs[1:] if name == "J" else ():  # where the next block begins
                at = f"{x + width * leaf.start / n:.1f}"
                ends = {"x1": at, "x2": at, "y1": f"{top:.1f}", "y2": f"{top + height:.1f}"}
                ET.SubElement(root, "line", ends, stroke=MUTED)
            _text(root, x, top - 5, name, INK, weight="600")
            _text(root, x, top + height + 14, f"{rows}×{columns}", MUTED, size=11)
            x += max(width, CHAR * 5) + 14
            _text(root, x, y + SIDE / 2, sign, INK, size=15)
            x += 22
        x += 20
    return y + SIDE + 16, x


def _box(root: ET.Element, x: float, y: float, width: float, height: float, fill: str) -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}"}
    ET.SubElement(root, "rect", attributes, height=f"{height:.1f}", fill=fill, stroke=LINE)


def _heat(root: ET.Element, view: Jacobian, y: float) -> tuple[float, float]:
    """Draw the tiles: cells with numbers where they fit, otherwise one image."""
    values = view.tiles.extreme
    rows, columns = values.shape
    if not values.size:
        _text(root, PAD, y, "There are no entries.", MUTED)
        return y, 0
    cells = view._cells(view._matrix) if columns <= WIDE and rows <= LONG else None
    if cells is None:
        _text(root, PAD, y + 8, f"{view.flat.m:,} rows, {view.flat.n:,} columns", MUTED)
        y, right = heat_image(root, values, PAD, y + 18, *[max(3.0, 360 / max(values.shape))] * 2)
    else:
        y, right = _numbers(root, cells, view.model_axes(), values, y)
    _text(root, PAD, y + 18, _legend(view), MUTED)
    return y + 18, max(right, CHAR * len(_legend(view)) + PAD) + PAD


def _numbers(
    root: ET.Element, cells: list[list[str]], names: Any, values: Array, y: float
) -> tuple[float, float]:
    """Draw the image, and names and numbers over it."""
    left = PAD + CHAR * (max(map(len, names[0])) + 1)
    width = CHAR * (max(len(c) for row in (*cells, names[1]) for c in row) + 2)
    end = heat_image(root, values, left, y + 8, 24, width, 0.55)
    for j, name in enumerate(names[1]):
        _text(root, left + j * width + 7, y, name, MUTED)
    for i, row in enumerate(cells):
        _text(root, PAD, y + 24 * i + 24, names[0][i], MUTED)
        for j, cell in enumerate(row):
            text = _text(root, left + (j + 1) * width - 7, y + 24 * i + 24, cell, INK)
            text.set("text-anchor", "end")
    return end


def heat_image(
    root: ET.Element, values: Array, x: float, y: float, high: float, wide: float, most: float = 1.0
) -> tuple[float, float]:
    """Draw a matrix as an image, each entry `high` and `wide`; return its bottom and right."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(heat_colors(values, most), "RGB").save(stream, "PNG")
    rows, columns = values.shape
    box = {"x": f"{x:.1f}", "y": f"{y:.1f}", "preserveAspectRatio": "none"}
    box |= {"height": f"{rows * high:.1f}", "width": f"{columns * wide:.1f}"}
    data = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    ET.SubElement(root, "image", box, href=data, style="image-rendering:pixelated")
    return y + rows * high, x + columns * wide


def _legend(view: Jacobian) -> str:
    found = [f"{k} {number(v)}" for k, (v, _, _) in view.tiles.found.items()]
    tile = "" if max(view.tiles.step) == 1 else "; each tile shows its entry furthest from 0"
    return f"orange above 0, blue below, white 0; {', '.join(found)}{tile}"


def heat_colors(values: Array, strongest: float) -> Array:
    """Return RGB bytes, shape values.shape + (3,): orange above zero, blue below, grey for NaN."""
    finite = np.where(np.isfinite(values), values, 0)
    share = np.clip(finite / max(float(np.abs(finite).max()), 1e-300), -1, 1)[..., None] * strongest
    far = np.where(share >= 0, PLUS, MINUS)
    mixed = np.array(PAPER) + np.abs(share) * (far - np.array(PAPER))
    found: Array = np.where(np.isfinite(values)[..., None], mixed, 160).astype(np.uint8)
    return found
