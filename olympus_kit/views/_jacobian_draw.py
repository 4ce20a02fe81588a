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
from ._tiles import Array, Tiles

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
    for step in view.steps:
        lines += textwrap.wrap(step.words, 76, subsequent_indent="    ")
    return "\n".join(lines)


def _entries(view: Jacobian) -> list[str]:
    m, n = view.flat.m, view.flat.n
    if not m * n:
        return ["There are no entries."]
    rows, columns = view.model_axes()
    small = view.whole and m <= LONG and n <= WIDE
    if small:
        cells = [[number(x.item()) for x in row] for row in view.matrix]
    else:
        rows, columns, cells = _coarse(view.tiles, rows, columns)
    found = [f"{k} {number(v)} in row {i}, column {j}" for k, (v, i, j) in view.tiles.found.items()]
    head = "J" if small else "the entry of each tile that is furthest from 0"
    return [head, *_aligned([["", *columns], *([r, *c] for r, c in zip(rows, cells, strict=True))]),
            "; ".join(found)]  # fmt: skip


def _coarse(
    tiles: Tiles, rows: list[str], columns: list[str]
) -> tuple[list[str], list[str], list[list[str]]]:
    """Return the tiles again in tiles, few enough for a table."""
    fewer = Tiles(*tiles.grid, (LONG, WIDE))
    fewer.add(tiles.extreme)
    cells = [[number(float(f"{x:.3g}")) for x in row] for row in fewer.extreme.tolist()]
    return (
        *(_joined(names, step) for names, step in zip((rows, columns), fewer.step, strict=True)),
        cells,
    )  # type: ignore[return-value]


def _joined(names: list[str], step: int) -> list[str]:
    groups = [names[k : k + step] for k in range(0, len(names), step)]
    ends = [(g[0].partition("–")[0], g[-1].rpartition("–")[2]) for g in groups]
    return [a if a == b else f"{a}–{b}" for a, b in ends]


def _aligned(cells: list[list[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return [
        "  ".join(
            c.rjust(w) if k else c.ljust(w)
            for k, (c, w) in enumerate(zip(row, widths, strict=True))
        )
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
    names = view.model_axes()
    cells = view._cells(view._matrix) if columns <= WIDE and rows <= LONG else None
    if cells:
        y, right = _cells(root, cells, names, heat_colors(values, 0.55), y)
    else:
        _text(root, PAD, y + 8, f"{view.flat.m:,} rows, {view.flat.n:,} columns", MUTED)
        y, right = heat_image(root, values, PAD, y + 18)
    _text(root, PAD, y + 18, _legend(view), MUTED)
    return y + 18, max(right, CHAR * len(_legend(view)) + PAD) + PAD


def _cells(
    root: ET.Element, cells: list[list[str]], names: Any, colors: Array, y: float
) -> tuple[float, float]:
    left = PAD + CHAR * (max(map(len, names[0])) + 1)
    width = CHAR * (max(len(c) for row in (*cells, names[1]) for c in row) + 2)
    for j, name in enumerate(names[1]):
        _text(root, left + j * width + 7, y, name, MUTED)
    for i, row in enumerate(cells):
        top = y + 8 + 24 * i
        _text(root, PAD, top + 16, names[0][i], MUTED)
        for j, cell in enumerate(row):
            _box(root, left + j * width, top, width, 24, "#" + bytes(colors[i, j]).hex())
            text = _text(root, left + (j + 1) * width - 7, top + 16, cell, INK)
            text.set("text-anchor", "end")
    return y + 8 + 24 * len(cells), left + len(cells[0]) * width


def heat_image(root: ET.Element, values: Array, x: float, y: float) -> tuple[float, float]:
    """Draw a matrix as one image, and return where it ends: bottom, right."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(heat_colors(values, 1.0), "RGB").save(stream, "PNG")
    cell = max(3.0, 360 / max(values.shape))
    box = {"x": f"{x:.1f}", "y": f"{y:.1f}", "preserveAspectRatio": "none"}
    box |= {k: f"{s * cell:.1f}" for k, s in zip(("height", "width"), values.shape, strict=True)}
    data = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    ET.SubElement(root, "image", box, href=data, style="image-rendering:pixelated")
    return y + values.shape[0] * cell, x + values.shape[1] * cell


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
