"""The shapes of f and of its Jacobian to scale, with a line wherever a new leaf begins."""

from __future__ import annotations

from collections.abc import Sequence

from ._draw import Canvas, apart, shorten, width_of
from ._format import listed, short_names
from ._formula import plural
from ._jacobian_passes import Flat, Leaf

SIDE = 80.0  # pixels of the longest side of a shape
SLIM = 7.0  # and of the shortest
SIGN = 26 + 24 + SIDE / 2  # where a sign between shapes stands: at half height
NAMED = 6  # leaves of a side that are written beside it
NAME_ROOM = 22

Leaves = Sequence[Leaf]
Box = tuple[str, Leaves, Leaves, str]  # name, down and across, sign after it


def function_shapes(flat: Flat) -> Canvas:
    """Draw arguments → result, the leaves of both with their names."""
    canvas = Canvas(f"{flat.name}: {flat.n:,} numbers in, {flat.m:,} out")
    canvas.text(
        0,
        14,
        f"{flat.name}, {flat.n:,} → {plural(flat.m, 'number')}",
        "muted",
    )
    boxes: list[Box] = [
        (listed(flat.wrt), flat.inputs, (), "→"),
        (flat.result, flat.outputs, (), ""),
    ]
    _draw_boxes(canvas, boxes, flat, named=True)
    return canvas


def conventions(flat: Flat, captions: Sequence[str]) -> list[Canvas]:
    """Draw Δy = J Δx and Δy = Δx Jᵀ."""
    outs, ins = flat.outputs, flat.inputs
    products: list[list[Box]] = [
        [
            ("Δy", outs, (), "="),
            ("J", outs, ins, "·"),
            ("Δx", ins, (), ""),
        ],
        [
            ("Δy", (), outs, "="),
            ("Δx", (), ins, "·"),
            ("Jᵀ", ins, outs, ""),
        ],
    ]
    pictures = []
    for boxes, caption in zip(products, captions, strict=True):
        canvas = Canvas(caption)
        canvas.text(
            0,
            14,
            caption.partition(":")[0],
            "muted",
        )
        _draw_boxes(canvas, boxes, flat, named=False)
        pictures.append(canvas)
    return pictures


def _draw_boxes(
    canvas: Canvas, boxes: Sequence[Box], flat: Flat, named: bool
) -> None:
    """Draw boxes to one scale with the signs between them, and the names of their leaves."""
    longest = max(flat.m, flat.n, 1)
    x = 1.0
    for box in boxes:
        x, top, height = _draw_box(canvas, x, longest, box)
        if named:
            x = _draw_names(canvas, box[1], x, top, height)
        else:
            x += 4
        canvas.text(x, SIGN, box[3], size=15)
        x += 24


def _draw_box(
    canvas: Canvas, x: float, longest: int, box: Box
) -> tuple[float, float, float]:
    """Draw a box from `x` on; return where the next may begin, its top and its height."""
    name, down, across, _ = box
    rows, columns = _size(down), _size(across)
    height = max(SLIM, SIDE * rows / longest)
    width = max(SLIM, SIDE * columns / longest)
    top = 46 + (SIDE - height) / 2
    size = f"{rows:,}×{columns:,}"
    room = max(width, width_of(size, 11), width_of(name))
    role = "paper muted-line"
    if down and across:  # a matrix, which no vector is taken for
        role = "soft muted-line"
    canvas.box(x, top, width, height, role)
    for leaf in down[1:]:
        y = top + height * leaf.start / max(rows, 1)
        canvas.line([(x, y), (x + width, y)], "muted-line")
    for leaf in across[1:]:
        middle = x + width * leaf.start / max(columns, 1)
        canvas.line(
            [(middle, top), (middle, top + height)],
            "muted-line",
        )
    canvas.text(
        x,
        top - 6,
        name,
        font_weight=600,
    )
    canvas.text(
        x,
        top + height + 14,
        size,
        "muted",
        size=11,
    )
    return x + room, top, height


def _size(leaves: Leaves) -> int:
    """Return the entries of a side; a side without leaves is that of a vector."""
    if not leaves:
        return 1
    return sum(leaf.size for leaf in leaves)


def _draw_names(
    canvas: Canvas, leaves: Leaves, x: float, top: float, height: float
) -> float:
    """Write the leaves beside their parts of a box, and return where the next may begin."""
    scale = height / max(1, _size(leaves))
    names = short_names([leaf.name for leaf in leaves])
    words = []
    for name, leaf in zip(names[:NAMED], leaves, strict=False):
        shape = list(leaf.shape) or ""
        words.append(shorten(f"{name}{shape}", NAME_ROOM))
    more = len(leaves) - NAMED
    if more > 0:
        words.append(f"… {more} more")
    middles = [
        top + scale * (leaf.start + leaf.size / 2) + 4
        for leaf in leaves[: len(words)]
    ]
    for word, y in zip(words, apart(middles, 14), strict=True):
        canvas.text(
            x + 6,
            y,
            word,
            size=11,
        )
    return x + width_of(max(words, key=len, default=""), 11) + 16
