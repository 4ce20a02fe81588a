"""What a Jacobian's shape means, what a pass did, what a reader should know: in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._formula import number, plural
from ._jacobian_passes import Flat, ModeOf, resolution
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
    if not m * n:
        return "Empty: there is no entry."
    if m == n == 1:
        return "One number: the slope; either mode takes one pass."
    if m == 1:
        return f"One row: a gradient; reverse mode takes 1 pass, forward mode {n:,}."
    if n == 1:
        return f"One column: a velocity; forward mode takes 1 pass, reverse mode {m:,}."
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
    if count <= 1:
        passes = f"one {words.kind}" if count else "no pass"
        return f"filled in {mode} mode, by {passes}"
    together = "one by one" if single else "batched by vmap"
    return (
        f"filled in {mode} mode, {words.line} by {words.line}: "
        f"{count:,} {words.kind}s, {together}"
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
    if words.line == "column":
        derivative = flat.derivative(by=name)
    else:
        derivative = flat.derivative(of=name)
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
    if flat.m == 1 and flat.n > 1:
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
        words.append(f"0 at this point: {_part(zeros, flat.m * flat.n)}")
    if max(len(leaf.shape) for leaf in flat.inputs) > 1:
        words.append(
            "an input with several axes makes blocks with more than two, such as (b, a, b) for "
            "W in y = x W. Nobody forms them to get a gradient: one VJP gives an array of the "
            "input's shape, there the outer product of x and the cotangent"
        )
    if flat.is_complex:
        words.append(_complex(flat))
    return words


def agreement(
    flat: Flat, differences: Array | None, matrix: Array
) -> list[str]:
    """Return which entries are not finite, and whether central differences agree."""
    words = []
    odd = int(np.count_nonzero(~np.isfinite(matrix)))
    if odd:
        words.append(f"nan or inf: {_part(odd, matrix.size)}")
    if differences is None or not matrix.size:
        return words
    with np.errstate(invalid="ignore"):  # inf - inf
        gaps = np.abs(differences - matrix)
    both = np.isfinite(gaps)
    worst = float(np.max(gaps, initial=0.0, where=both))
    gap = number(float(f"{worst:.1e}"))
    how = f"agree up to {gap}"
    if worst > _error_of_differences(flat, matrix[both]):
        row, column = np.argwhere(gaps == worst)[0]
        how = f"differ by up to {gap}, as in row {row}, column {column}"
    if not both.all():
        count = int(np.count_nonzero(both))
        how += f", where both are finite: {_part(count, matrix.size)}"
    if not both.any():
        how = "can be compared with no entry: nowhere are both finite"
    return [*words, f"central differences {how}"]


def _part(count: int, size: int) -> str:
    return "its entry" if size == 1 else f"{count:,} of its {size:,} entries"


def _error_of_differences(flat: Flat, entries: Array) -> float:
    """Return how far off right central differences of these entries of J may be.

    A part of J, as large as their step is; and what rounding makes of f, divided by the step.
    """
    eps = max(resolution(x.dtype) for x in (*flat.inputs, *flat.outputs))
    step: float = eps ** (1 / 3)
    largest = float(np.max(np.abs(entries), initial=0.0))
    return step * largest + 10 * eps / step * flat.largest


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
        f"{flat.name}, {n} → {plural(flat.m, 'number')}",
        f"columns, as in y = W x: Δy ({m} × 1) = J ({m} × {n}) Δx ({n} × 1)",
        f"rows, as in y = x W: Δy (1 × {m}) = Δx (1 × {n}) Jᵀ ({n} × {m})",
    ]
