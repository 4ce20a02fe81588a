"""What a Jacobian's shape means, what a pass did, what a reader should know: in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._formula import number
from ._jacobian_passes import Flat, ModeOf
from ._types import Array


class Pass(NamedTuple):
    """The words for one pass of a mode."""

    kind: str
    seed: str
    line: str  # of the matrix that a pass fills
    across: str
    mark: str


PASS = {
    "forward": Pass("JVP", "tangent", "column", "row", "▶"),
    "reverse": Pass("VJP", "cotangent", "row", "column", "▲"),
}
MOST_SHOWN = 8  # entries of what comes out of a pass


def shape_words(m: int, n: int) -> str:
    """Return what an m × n shape is called, and which mode it asks for."""
    if m == n == 1:
        return "One number: the slope. Either mode takes one pass."
    if m == 1:
        return f"One row: a gradient. Reverse mode takes 1 pass, forward mode {n:,}."
    if n == 1:
        return f"One column: a velocity. Forward mode takes 1 pass, reverse mode {m:,}."
    if m == n:
        name, best = "Square", "neither mode has an edge"
    elif m > n:
        name, best = "Tall", "forward mode is cheaper"
    else:
        name, best = "Wide", "reverse mode is cheaper"
    return (
        f"{name}: forward mode takes {n:,} passes, reverse mode {m:,}; {best}."
    )


def fill_words(mode: ModeOf, count: int, single: bool) -> str:
    """Return how the matrix was filled."""
    words = PASS[mode]
    if count == 1:
        return f"Filled in {mode} mode, by one {words.kind}."
    together = "one by one" if single else "batched by vmap"
    return (
        f"Filled in {mode} mode, {words.line} by {words.line}: "
        f"{count:,} {words.kind}s, {together}."
    )


def pass_words(
    flat: Flat, mode: ModeOf, start: int, stop: int, lines: Array
) -> str:
    """Return what went into the passes from `start` to `stop`, and what came out."""
    words = PASS[mode]
    side = flat.side(mode)
    if stop - start > 1:
        return (
            f"{stop - start:,} {words.kind}s at once (vmap): one-hot {words.seed}s number "
            f"{start:,} to {stop - 1:,} go in, as many {words.line}s come out. "
            f"Passes so far: {stop:,}."
        )
    count = sum(leaf.size for leaf in side)
    name = next(
        x.label(start - x.start) for x in side if start - x.start < x.size
    )
    shown = " ".join(number(x.item()) for x in lines[0, :MOST_SHOWN])
    more = f" … {lines.shape[1]} entries" if lines.shape[1] > MOST_SHOWN else ""
    derivative = f"∂y/∂({name})" if words.line == "column" else f"∂({name})/∂x"
    return (
        f"Pass {stop} of {count}, a {words.kind}: the {words.seed} is 1 at {name} and 0 elsewhere. "
        f"Out comes {words.line} {start}, {derivative} = [{shown}{more}]."
    )


def notes(flat: Flat, zeros: int) -> list[str]:
    """Return what a reader should know about a Jacobian with so many zeros."""
    words = []
    if flat.left_out:
        words.append(
            f"left out, having no derivative: {', '.join(flat.left_out)}"
        )
    if flat.m == 1 and flat.n:
        shape = (
            str(flat.inputs[0].shape)
            if len(flat.inputs) == 1
            else "leaf by leaf"
        )
        words.append(
            f"the derivative is a row, 1 × {flat.n:,}; the gradient is the same numbers in the "
            f"shape of the input, {shape}"
        )
    if zeros:
        words.append(
            f"0 at this point: {zeros:,} of its {flat.m * flat.n:,} entries"
        )
    if max(len(leaf.shape) for leaf in flat.inputs) > 1:
        words.append(
            "an input with several axes makes blocks with more than two, such as (b, a, b) for "
            "W in y = x W. Nobody forms them to get a gradient: one VJP gives an array of the "
            "input's shape, there the outer product of x and the cotangent"
        )
    if any(x.is_complex for x in (*flat.inputs, *flat.outputs)):
        words.append(_complex(flat))
    return words


def agreement(differences: Array | None, matrix: Array) -> list[str]:
    """Return how well central differences agree, where there are any."""
    if differences is None or not differences.size:
        return []
    gaps = np.abs(differences - matrix)
    worst = float(np.max(gaps, initial=0.0, where=np.isfinite(gaps)))
    return [f"central differences agree up to {number(float(f'{worst:.1e}'))}"]


def _complex(flat: Flat) -> str:
    if flat.holomorphic:
        return "complex: entries are ∂y/∂z; jax transposes without conjugating"
    if not any(y.is_complex for y in flat.outputs):
        return "complex input, real output: entries are ∂y/∂a - i ∂y/∂b for z = a + ib (jax.grad)"
    return "real input, complex output: entries are the derivatives of real and imaginary part"


def captions(flat: Flat) -> list[str]:
    """Return what f takes and returns, and how J meets a step in the two conventions of books."""
    m, n = (f"{count:,}" for count in (flat.m, flat.n))
    return [
        f"{flat.name}, {n} → {m} numbers",
        f"columns, as in y = W x: Δy ({m} × 1) = J ({m} × {n}) Δx ({n} × 1)",
        f"rows, as in y = x W: Δy (1 × {m}) = Δx (1 × {n}) Jᵀ ({n} × {m})",
    ]
