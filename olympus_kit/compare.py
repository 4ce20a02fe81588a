"""Compare numbers: one idea of "equal", and one table of what a wrong array may be made of.

`check` compares an answer with what is right and with what a mistake would give;
`jacobian_shapes(...).compare` compares a guessed matrix. Both use this.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def scale_of(values: Any) -> float:
    """The largest finite size of an entry; 0.0 where there is none."""
    array = np.asarray(values)
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def close_entries(got: Any, want: Any, tolerance: float) -> Array:
    """Which entries agree, as an array of booleans; the shapes must allow it.

    An entry may differ by `tolerance` times its own size or that of the largest entry: rounding in
    one entry is as large as the numbers that were added to make it.
    """
    scale = scale_of(want)
    agree: Array = np.isclose(
        got,
        want,
        rtol=tolerance,
        atol=tolerance * scale,
        equal_nan=True,
    )
    return agree


def close(got: Any, want: Any, tolerance: float) -> bool:
    """Whether two arrays have the same shape and, up to `tolerance`, the same numbers."""
    left = np.asarray(got)
    right = np.asarray(want)
    if left.shape != right.shape:
        return False
    return bool(np.all(close_entries(left, right, tolerance)))


def _as_integers(got: Array, want: Array) -> Array:
    """The right numbers as an integer type holds them: cut off, or rounded."""
    if got.dtype.kind not in "biu":
        raise ValueError("the answer holds no integers")
    cut = np.trunc(want)
    if np.all(got == cut):
        return cut
    rounded: Array = np.round(want)
    return rounded


def _in_a_row(got: Array, want: Array) -> Array:
    """The numbers without their shape, where their shape is another one."""
    if got.shape == want.shape:
        raise ValueError("the same shape")
    return np.ravel(got)


def _sum_of_several(got: Array) -> Any:
    """The sum along the first axis, where there is something to add."""
    if len(got) < 2:
        raise ValueError("nothing to add")
    return got.sum(0)


def _slice_like(small: Array, large: Array) -> Array:
    """The slice of the larger array, along its first or last axis, that comes nearest."""
    if small.ndim != large.ndim - 1:
        raise ValueError("not one axis fewer")
    if small.dtype.kind not in "fc" or large.dtype.kind not in "fc":
        raise ValueError("yes, no and counts agree by chance")
    slices = [*large, *np.moveaxis(large, -1, 0)]
    fitting = [part for part in slices if part.shape == small.shape]
    distances = [np.max(np.abs(part - small), initial=0.0) for part in fitting]
    nearest: Array = fitting[int(np.argmin(distances))]
    return nearest


# Mistake id -> two arrays, made of what came and of what is right, that the mistake makes equal.
# The order goes from the mistake that explains most numbers to the one that explains least.
TRANSFORMATIONS: dict[str, Callable[[Array, Array], tuple[Any, Any]]] = {
    "sign": lambda got, want: (got, -want),
    "transposed": lambda got, want: (got, want.T),
    "flattened": lambda got, want: (
        _in_a_row(got, want),
        np.ravel(want),
    ),
    "unsummed": lambda got, want: (_sum_of_several(got), want),
    "all-zero": lambda got, want: (got, 0 * want),
    "summed-too-much": lambda got, want: (got, want.sum()),
    "column-sums": lambda got, want: (got, want.sum(0)),
    "row-sums": lambda got, want: (got, want.sum(1)),
    "only-diagonal": lambda got, want: (got, np.diagonal(want)),
    "whole-for-diagonal": lambda got, want: (np.diagonal(got), want),
    "last-only": lambda got, want: (got, want[-1]),
    "first-only": lambda got, want: (got, want[0]),
    "one-slice": lambda got, want: (got, _slice_like(got, want)),
    "too-many-slices": lambda got, want: (_slice_like(want, got), want),
    "reversed": lambda got, want: (got, want[::-1]),
    "one-late": lambda got, want: (got[1:], want[:-1]),
    "one-early": lambda got, want: (got[:-1], want[1:]),
    "integer-result": lambda got, want: (got, _as_integers(got, want)),
    "absolute": lambda got, want: (got, np.abs(want)),
    "reciprocal": lambda got, want: (got, 1 / want),
    "squared": lambda got, want: (got, want**2),
    "square-root": lambda got, want: (got, np.sqrt(want)),
}


def is_made_by(mistake: str, got: Any, want: Any, tolerance: float) -> bool:
    """Whether the wrong array is the right one, changed as `TRANSFORMATIONS[mistake]` says."""
    try:
        with np.errstate(all="ignore"):
            left, right = TRANSFORMATIONS[mistake](
                np.asarray(got), np.asarray(want)
            )
            return np.size(right) > 0 and close(left, right, tolerance)
    except (
        ValueError,
        IndexError,
        TypeError,
    ):  # shapes that this mistake cannot have
        return False


def common_factor(got: Any, want: Any) -> float:
    """The number that `want` is best multiplied by to give `got` (least squares); 0.0 if none."""
    came = np.ravel(got).astype(float)
    right = np.ravel(want).astype(float)
    with np.errstate(all="ignore"):  # of huge numbers, or of none
        factor = (came @ right) / (right @ right)
    return float(factor) if np.isfinite(factor) else 0.0
