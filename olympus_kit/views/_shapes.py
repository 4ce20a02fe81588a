"""The shapes of f and of its Jacobian to scale, with a line wherever a new leaf begins."""

from __future__ import annotations

from collections.abc import Sequence

from ._draw import Canvas, apart, shorten, width_of
from ._format import short_names
from ._jacobian_passes import Flat, Leaf

SIDE, SLIM = (
    80.0,
    7.0,
)  # pixels of the longest side of a shape, and of the shortest
NAMED = 6  # leaves of a side that are written beside it
NAME_ROOM = 22

Box = tuple[
    str, Sequence[Leaf], Sequence[Leaf], str
]  # name, leaves down and across, sign after it


def function_shapes(flat: Flat) -> Canvas:
    """Draw x → y, the leaves of both with their names."""
    canvas = Canvas(f"{flat.name}: {flat.n:,} numbers in, {flat.m:,} out")
    canvas.text(0, 14, f"{flat.name}, {flat.n:,} → {flat.m:,} numbers", "muted")
    longest = max(flat.m, flat.n, 1)
    x = 1.0
    for name, leaves, sign in (
        ("x", flat.inputs, "→"),
        ("y", flat.outputs, ""),
    ):
        x, top, height = _draw_box(canvas, x, longest, (name, leaves, (), sign))
        x = _draw_names(canvas, leaves, x, top, height)
        canvas.text(x, 26 + 24 + SIDE / 2, sign, size=15)
        x += 24
    return canvas


def conventions(flat: Flat, captions: Sequence[str]) -> list[Canvas]:
    """Draw Δy = J Δx and Δy = Δx Jᵀ."""
    outs, ins = flat.outputs, flat.inputs
    products: list[list[Box]] = [
        [("Δy", outs, (), "="), ("J", outs, ins, "·"), ("Δx", ins, (), "")],
        [("Δy", (), outs, "="), ("Δx", (), ins, "·"), ("Jᵀ", ins, outs, "")],
    ]
    longest = max(flat.m, flat.n, 1)
    pictures = []
    for boxes, caption in zip(products, captions, strict=True):
        canvas, x = Canvas(caption), 1.0
        canvas.text(0, 14, caption.partition(":")[0], "muted")
        for box in boxes:
            x, _, _ = _draw_box(canvas, x, longest, box)
            canvas.text(x + 4, 26 + 24 + SIDE / 2, box[3], size=15)
            x += 28
        pictures.append(canvas)
    return pictures


def _draw_box(
    canvas: Canvas, x: float, longest: int, box: Box
) -> tuple[float, float, float]:
    """Draw a box from `x` on; return where the next may begin, its top and its height."""
    name, down, across, _ = box
    rows, columns = _size(down), _size(across)
    height, width = (
        max(SLIM, SIDE * count / longest) for count in (rows, columns)
    )
    top = 46 + (SIDE - height) / 2
    size = f"{rows:,}×{columns:,}"
    room = max(width, width_of(size, 11), width_of(name))
    role = "soft muted-line" if down and across else "paper muted-line"
    canvas.box(x, top, width, height, role)
    for leaf in down[1:]:
        y = top + height * leaf.start / max(rows, 1)
        canvas.line([(x, y), (x + width, y)], "muted-line")
    for leaf in across[1:]:
        middle = x + width * leaf.start / max(columns, 1)
        canvas.line([(middle, top), (middle, top + height)], "muted-line")
    canvas.text(x, top - 6, name, font_weight=600)
    canvas.text(x, top + height + 14, size, "muted", size=11)
    return x + room, top, height


def _size(leaves: Sequence[Leaf]) -> int:
    """Return the entries of a side; a side without leaves is that of a vector."""
    return sum(leaf.size for leaf in leaves) if leaves else 1


def _draw_names(
    canvas: Canvas, leaves: Sequence[Leaf], x: float, top: float, height: float
) -> float:
    """Write the leaves beside their parts of a box, and return where the next may begin."""
    scale = height / max(1, _size(leaves))
    names = short_names([leaf.name for leaf in leaves])
    words = []
    for name, leaf in zip(names[:NAMED], leaves, strict=False):
        words.append(shorten(f"{name}{list(leaf.shape) or ''}", NAME_ROOM))
    if len(leaves) > NAMED:
        words.append(f"… {len(leaves) - NAMED} more")
    middles = [
        top + scale * (leaf.start + leaf.size / 2) + 4
        for leaf in leaves[: len(words)]
    ]
    for word, y in zip(words, apart(middles, 14), strict=True):
        canvas.text(x + 6, y, word, size=11)
    return x + width_of(max(words, key=len, default=""), 11) + 16
