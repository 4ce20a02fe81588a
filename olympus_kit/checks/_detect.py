"""Generic detectors: each recognises one mistake in any question, without being named there.

A detector gets the series of one wrong array (its value in every case) and says what it found
out, or None. The first that speaks wins, so the order goes from the sharpest to the widest.
"""

from collections.abc import Callable, Sequence
from itertools import groupby, permutations
from typing import Any

import numpy as np

from ._evidence import CLOSE, Array, Series, same, same_tree
from ._run import is_array
from ._words import Facts, number

Pair = Callable[[Array, Array], tuple[Any, Any]]

# id -> two arrays, made of what came and of what should have come, that the mistake makes equal
EQUAL: dict[str, Pair] = {
    "sign": lambda got, want: (got, -want),
    "transposed": lambda got, want: (got, want.T),
    "flattened": lambda got, want: (_other_layout(got, want), np.ravel(want)),
    "unsummed": lambda got, want: (got.sum(0), want),
    "all-zero": lambda got, want: (got, 0 * want),
    "summed-too-much": lambda got, want: (got, want.sum()),
    "column-sums": lambda got, want: (got, want.sum(0)),
    "row-sums": lambda got, want: (got, want.sum(1)),
    "only-diagonal": lambda got, want: (got, np.diagonal(want)),
    "whole-for-diagonal": lambda got, want: (np.diagonal(got), want),
    "last-only": lambda got, want: (got, want[-1]),
    "reversed": lambda got, want: (got, want[::-1]),
    "one-late": lambda got, want: (got[1:], want[:-1]),
    "one-early": lambda got, want: (got[:-1], want[1:]),
    "integer-result": lambda got, want: (got, _as_integers(got, want)),
    "absolute": lambda got, want: (got, np.abs(want)),
    "reciprocal": lambda got, want: (got, 1 / want),
    "squared": lambda got, want: (got, want**2),
    "square-root": lambda got, want: (got, np.sqrt(want)),
}


def _as_integers(got: Array, want: Array) -> Array:
    """The right numbers as an integer type holds them: cut off, or rounded."""
    if got.dtype.kind not in "biu":
        raise ValueError("no integers")
    return np.trunc(want) if np.all(got == np.trunc(want)) else np.round(want)


def _other_layout(got: Array, want: Array) -> Array:
    """The numbers in a row, where their shape is another one."""
    if got.shape == want.shape:
        raise ValueError("the same shape")
    return np.ravel(got)


def equal(parts: Series, pair: Pair) -> bool:
    """Whether the two arrays of `pair` are equal in every case, though the answer is wrong."""
    if not all(is_array(p.got) and is_array(p.want) for p in parts):
        return False
    try:
        with np.errstate(all="ignore"):
            sides = [pair(np.asarray(p.got), np.asarray(p.want)) for p in parts]
    except (ValueError, IndexError, TypeError):  # shapes that this mistake can't have
        return False
    tolerance = max(parts[0].tolerance, CLOSE)
    clear = any(not same(p.got, p.want, 10 * tolerance) for p in parts)
    return clear and all(np.size(b) and same(a, b, tolerance) for a, b in sides)


def by_pair(parts: Series) -> tuple[str, Facts] | None:
    """The first mistake of `EQUAL` that fits."""
    found = next((id_ for id_, pair in EQUAL.items() if equal(parts, pair)), None)
    return None if found is None else (found, {"length": str(len(np.atleast_1d(parts[0].got)))})


def by_constant(parts: Series) -> tuple[str, Facts] | None:
    """The same factor, or the same number too much, in every entry of every case."""
    if any(np.shape(p.got) != np.shape(p.want) for p in parts):
        return None
    got = np.concatenate([np.ravel(p.got) for p in parts]).astype(float)
    want = np.concatenate([np.ravel(p.want) for p in parts]).astype(float)
    size, more = float(want @ want), float(np.median(got - want))
    factor = float(got @ want) / size if size else 0.0
    usable = np.isfinite(factor) and abs(factor) > 1e-12 and abs(factor - 1) > 1e-3
    if usable and equal(parts, lambda got, want: (got, factor * want)):
        return "factor", {"factor": number(factor, 4)}
    if equal(parts, lambda got, want: (got - want, np.full_like(want, more, dtype=float))):
        return "offset", {"offset": number(more, 4)}
    return None


def by_length(parts: Series) -> tuple[str, Facts] | None:
    """Too small by the length of some argument's first axis, more than one."""
    arguments = [p.trial.case.arguments for p in parts]
    for name in (n for n, value in arguments[0].items() if is_array(value)):
        lengths = [len(np.atleast_1d(a[name])) for a in arguments]
        scaled = [n * np.asarray(p.got) for n, p in zip(lengths, parts, strict=True)]
        tolerance = max(parts[0].tolerance, CLOSE)
        fits = all(same(s, p.want, tolerance) for s, p in zip(scaled, parts, strict=True))
        if fits and min(lengths) > 1:
            return "mean-for-sum", {"length": str(lengths[0])}
    return None


def by_indifference(parts: Series) -> tuple[str, Facts] | None:
    """Something that the result should depend on, and does not."""
    if _unmoved([parts]):
        return "constant-answer", {}
    groups = [list(group) for _, group in groupby(parts, lambda p: p.trial.case.point)]
    names = " and ".join(parts[0].trial.case.tangents)
    return ("tangent-ignored", {"argument": names}) if _unmoved(groups) else None


def _unmoved(groups: Sequence[Series]) -> bool:
    """Whether the result is the same within each group, though it should not be."""
    still = all(same(p.got, group[0].got, CLOSE) for group in groups for p in group)
    return still and any(not same(p.want, g[0].want, CLOSE) for g in groups for p in g)


def by_value(parts: Series) -> tuple[str, Facts] | None:
    """The first mistake that the numbers alone show."""
    return by_pair(parts) or by_length(parts) or by_constant(parts)


def pullback_tuple(got: Any, want: Any) -> bool:
    """A tuple of one around an array that is right, or at least an array."""
    return is_array(want) and isinstance(got, tuple) and len(got) == 1 and is_array(got[0])


def swapped(got: Any, want: Any, tolerance: float) -> bool:
    """The right parts in another order."""
    if not (isinstance(got, (tuple, list)) and isinstance(want, tuple) and len(got) == len(want)):
        return False
    return any(same_tree(turned, want, tolerance) for turned in permutations(got))
