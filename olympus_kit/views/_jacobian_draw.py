"""A Jacobian as text and as a picture: shapes to scale, entries as a heat map."""

from __future__ import annotations

import base64
import io
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._charts import _apart, _rect
from ._formula import number
from ._jacobian_passes import Flat, Leaf
from ._svg import CHAR, INK, MUTED, PAD, PAPER, TEXT_ROW, _finished, _page, _text
from ._tiles import Array

if TYPE_CHECKING:
    from ._jacobian import Jacobian

# orange and blue are told apart with every kind of colour vision; the sign is also in words
SOFT = "#e8eef6"
PLUS, MINUS, WHITE = (179, 88, 6), (33, 102, 172), (255, 255, 255)
WIDE, LONG = 12, 24  # columns and rows of a table of numbers
SIDE, SLIM = 80.0, 7.0  # pixels of the longest side of a shape, and of the shortest
NAMED = 6  # leaves of a side that are written beside it


def captions(flat: Flat) -> list[tuple[str, str]]:
    """Say what f takes and returns, and how J meets a step in the two conventions of books."""
    m, n = (f"{count:,}" for count in (flat.m, flat.n))
    return [
        (f"{flat.given.name}, {n} → {m} numbers", ""),
        ("columns, as in y = W x", f": Δy ({m} × 1) = J ({m} × {n}) Δx ({n} × 1)"),
        ("rows, as in y = x W", f": Δy (1 × {m}) = Δx (1 × {n}) Jᵀ ({n} × {m})"),
    ]


def jacobian_text(view: Jacobian) -> str:
    """Return everything that the picture shows."""
    lines = [view.title, *textwrap.wrap(view.summary, 76)]
    for note in view.notes():
        lines += textwrap.wrap(f"note: {note}", 76, subsequent_indent="      ")
    lines += ["", *(f"{name:4} {shape}  ({size})" for name, shape, size in view.orders())]
    lines += ["", *map("".join, captions(view.flat)), ""]
    lines += [f"block {name}: {rule}, flattened {flat}" for name, rule, flat in view.blocks()]
    lines += ["", *_entries(view), ""]
    for _, _, words in view.steps:
        lines += textwrap.wrap(words, 76, subsequent_indent="    ")
    return "\n".join(lines)


def _entries(view: Jacobian) -> list[str]:
    tiles, far = view.tiles, view.tiles.extreme
    if not far.size:
        return ["There are no entries."]
    found = [f"{k} {number(v)} in row {i}, column {j}" for k, (v, i, j) in tiles.found.items()]
    rows, columns = view.flat.axes(tiles.step).values()
    if view.cells and len(rows) <= LONG and len(columns) <= WIDE:
        cells = [[name, *row] for name, row in zip(rows, view.cells, strict=True)]
        return ["J", *aligned([["", *columns], *cells]), "; ".join(found)]
    size = " × ".join(map(str, tiles.step))
    head = f"one mark for {size} entries, the sign of the one furthest from 0 (. is 0, ? is nan)"
    marks = np.select([far > 0, far < 0, far == 0], ["+", "-", "."], "?")
    return [head, *("".join(row) for row in marks), "; ".join(found)]


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
    y, wide = y + 24, float(PAD)
    for picture in shape_pictures(view.flat):
        picture.set("x", f"{wide}")
        picture.set("y", f"{y}")
        wide += float(picture.get("width", 0)) + 40
        root.append(picture)
    y += SIDE + 50
    y, heat = _heat(root, view, y + 30)
    for name, rule, flat in view.blocks()[:8]:
        y += TEXT_ROW
        _text(root, PAD, y, f"{name}: {rule}, flattened {flat}", INK)
    wide = max(wide, heat, CHAR * 86 + PAD, CHAR * 1.3 * len(view.title))
    return _finished(root, wide, y + 6)


def shape_pictures(flat: Flat) -> list[ET.Element]:
    """Draw f, Δy = J Δx and Δy = Δx Jᵀ to scale, with a line wherever a new leaf begins."""
    outs, ins = flat.outputs, flat.inputs
    longest = max(flat.m, flat.n, 1)
    return [
        _row_of_boxes(longest, [("x", ins, (), "→"), ("y", outs, (), "")], named=True),
        _row_of_boxes(longest, [("Δy", outs, (), "="), ("J", outs, ins, "·"), ("Δx", ins, (), "")]),
        _row_of_boxes(
            longest, [("Δy", (), outs, "="), ("Δx", (), ins, "·"), ("Jᵀ", ins, outs, "")]
        ),
    ]


Box = tuple[str, Sequence[Leaf], Sequence[Leaf], str]  # name, leaves down and across, sign after it


def _row_of_boxes(longest: int, boxes: Sequence[Box], named: bool = False) -> ET.Element:
    root, x = ET.Element("svg", xmlns="http://www.w3.org/2000/svg"), 2.0
    for name, down, across, sign in boxes:
        rows, columns = _size(down), _size(across)
        height, width = (max(SLIM, SIDE * count / longest) for count in (rows, columns))
        top = 20 + (SIDE - height) / 2
        _rect(root, x, top, width, height, SOFT if down and across else PAPER).set("stroke", MUTED)
        for leaf in down[1:]:
            _rect(root, x, top + height * leaf.start / max(rows, 1), width, 1, MUTED)
        for leaf in across[1:]:
            _rect(root, x + width * leaf.start / max(columns, 1), top, 1, height, MUTED)
        _text(root, x, top - 5, name, INK, weight="600")
        _text(root, x, top + height + 14, f"{rows:,}×{columns:,}", MUTED, size=11)
        x += width + max(8, _names(root, down, x + width, top, height) if named else 44 - width)
        _text(root, x, 24 + SIDE / 2, sign, INK, size=15)
        x += 22 * bool(sign)
    root.set("viewBox", f"0 0 {x:.0f} {SIDE + 40:.0f}")
    root.set("width", f"{x:.0f}")
    root.set("height", f"{SIDE + 40:.0f}")
    return root


def _size(leaves: Sequence[Leaf]) -> int:
    """Return the entries of a side; a side without leaves is that of a vector."""
    return sum(leaf.size for leaf in leaves) if leaves else 1


def _names(root: ET.Element, leaves: Sequence[Leaf], x: float, top: float, height: float) -> float:
    """Write the leaves beside their parts of a box, and return the room that this took."""
    scale = height / max(1, _size(leaves))
    words = [f"{leaf.name}{list(leaf.shape) or ''}" for leaf in leaves[:NAMED]]
    if len(leaves) > NAMED:
        words.append(f"… {len(leaves) - NAMED} more")
    middles = [top + scale * (leaf.start + leaf.size / 2) + 4 for leaf in leaves[: len(words)]]
    for word, y in zip(words, _apart(middles, 13), strict=True):
        _text(root, x + 6, y, word, INK, size=11)
    return CHAR * 0.92 * max(map(len, words)) + 12


def _heat(root: ET.Element, view: Jacobian, y: float) -> tuple[float, float]:
    """Draw the tiles: cells with numbers where they fit, otherwise one image."""
    values, names = view.tiles.extreme, view.flat.axes(view.tiles.step)
    y, right = draw_entries(root, values, names, view.cells, y)
    legend = _legend(view) if values.size else ""
    _text(root, PAD, y + 18, legend, MUTED)
    return y + 18, max(right, CHAR * len(legend) + PAD) + PAD


def draw_entries(
    root: ET.Element,
    values: Array,
    names: dict[str, list[str]],
    cells: list[list[str]] | None,
    y: float,
) -> tuple[float, float]:
    """Draw an image, with names and cells over it where there are few; return bottom and right."""
    rows, columns = values.shape
    if not values.size:
        _text(root, PAD, y, "There are no entries.", MUTED)
        return y, 0
    if cells is None or columns > WIDE or rows > LONG:
        return heat_image(root, values, PAD, y, *[max(3.0, 360 / max(values.shape))] * 2)
    left = PAD + CHAR * (max(map(len, names["rows"])) + 1)
    width = CHAR * (max(len(c) for row in (*cells, names["columns"]) for c in row) + 2)
    end = heat_image(root, values, left, y + 8, 24, width, 0.55)
    for j, name in enumerate(names["columns"]):
        _text(root, left + j * width + 7, y, name, MUTED)
    for i, row in enumerate(cells):
        _text(root, PAD, y + 24 * i + 24, names["rows"][i], MUTED)
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
    mixed = np.array(WHITE) + np.abs(share) * (far - np.array(WHITE))
    found: Array = np.where(np.isfinite(values)[..., None], mixed, 160).astype(np.uint8)
    return found
