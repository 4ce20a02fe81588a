"""What a Jacobian's shape means, what a pass did, what a reader should know: in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._formula import number, size_text
from ._jacobian_passes import Array, Flat

if TYPE_CHECKING:
    from ._jacobian import Jacobian

PASS = {
    "columns": ("JVP", "tangent", "column", "row"),
    "rows": ("VJP", "cotangent", "row", "column"),
}
MOST_SHOWN = 8  # entries of what comes out of a pass


def shape_words(m: int, n: int) -> str:
    """Say what an m × n shape is called, and which mode it asks for."""
    if m == n == 1:
        return "One number: the slope. Either mode takes one pass."
    if m == 1:
        return f"One row: a gradient. Reverse mode takes 1 pass, forward mode {n:,}."
    if n == 1:
        return f"One column: a velocity. Forward mode takes 1 pass, reverse mode {m:,}."
    name, best = ("Square", "neither mode has an edge")
    if m != n:
        name, mode = ("Tall", "forward") if m > n else ("Wide", "reverse")
        best = f"{mode} mode is cheaper"
    return f"{name}: forward mode takes {n:,} passes, reverse mode {m:,}; {best}."


def fill_words(view: Jacobian) -> str:
    """Say how the matrix was filled."""
    together = "one by one" if view.single else "by vmap"
    passes = f"{view.count:,} pass{'es' * (view.count != 1)}"
    return f"Filled by {view.way}: {passes} ({PASS[view.way][0]}, {together})."


def pass_words(view: Jacobian, start: int, stop: int, found: Array) -> str:
    """Say what went into the passes from `start` to `stop`, and what came out."""
    kind, seed, line, _ = PASS[view.way]
    if stop - start > 1:
        return (
            f"{stop - start:,} {kind}s at once (vmap): one-hot {seed}s number {start:,} to "
            f"{stop - 1:,} go in, as many {line}s come out. Passes so far: {stop:,}."
        )
    side = view.flat.side(view.way)
    name = next(x.label(start - x.start) for x in side if start - x.start < x.size)
    shown = " ".join(number(x.item()) for x in found[0, :MOST_SHOWN])
    more = f" … {found.shape[1]} entries" if found.shape[1] > MOST_SHOWN else ""
    derivative = f"∂y/∂({name})" if line == "column" else f"∂({name})/∂x"
    return (
        f"Pass {stop} of {view.count}, a {kind}: the {seed} is 1 at {name} and 0 elsewhere. "
        f"Out comes {line} {start}, {derivative} = [{shown}{more}]. "
        f"Its equations, one by one: .ladder({start})"
    )


def notes(view: Jacobian) -> list[str]:
    """Return what a reader should know about this Jacobian."""
    flat, entries, found = view.flat, view.flat.m * view.flat.n, []
    if flat.left_out:
        found.append(f"left out, having no derivative: {', '.join(flat.left_out)}")
    if flat.m == 1 and flat.n:
        shape = str(flat.inputs[0].shape) if len(flat.inputs) == 1 else "leaf by leaf"
        found.append(
            f"the derivative is a row, 1 × {flat.n:,}; the gradient is the same numbers in the "
            f"shape of the input, {shape}"
        )
    if view.tiles.zeros:
        found.append(f"0 at this point: {view.tiles.zeros:,} of its {entries:,} entries")
    if max(len(leaf.shape) for leaf in flat.inputs) > 1:
        found.append(
            "an input with several axes makes blocks with more than two, such as (b, a, b) for "
            "W in y = x W. Nobody forms them to get a gradient: one VJP gives an array of the "
            "input's shape, there the outer product of x and the cotangent"
        )
    if any(x.is_complex for x in (*flat.inputs, *flat.outputs)):
        found.append(_complex(flat))
    if view._matrix is None:
        found.append(
            f"{view.orders()[1][2]} in all: kept are tiles with their extremes "
            f"({size_text(view.budget)} at once)"
        )
    if view.differences is not None and view.differences.size:
        gaps = np.abs(view.differences - view.matrix)
        worst = float(np.max(gaps, initial=0.0, where=np.isfinite(gaps)))
        found.append(f"central differences agree up to {number(float(f'{worst:.1e}'))}")
    return found


def _complex(flat: Flat) -> str:
    if flat.holomorphic:
        return "complex: entries are ∂y/∂z; jax transposes without conjugating"
    if not any(y.is_complex for y in flat.outputs):
        return "complex input, real output: entries are ∂y/∂a - i ∂y/∂b for z = a + ib (jax.grad)"
    return "real input, complex output: entries are the derivatives of real and imaginary part"
