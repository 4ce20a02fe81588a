"""Generic detectors: each recognises one mistake in any question, without being named there.

A detector gets the series of one wrong part (its value in every case) and says what it found out,
or None. The first that speaks wins, so the order of `VALUES` goes from the sharpest to the widest.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._evidence import Part, number, same
from ._run import is_array

Facts = dict[str, str]
Detector = Callable[[Sequence[Part]], Facts | None]


def every(parts: Sequence[Part], right: Callable[[Part], Any]) -> bool:
    """Whether, in every case, `right` turns the wrong result into the right one."""
    return all(same(right(p), p.want, max(p.tolerance, 1e-6)) for p in parts)


def arrays(parts: Sequence[Part]) -> bool:
    return all(is_array(p.got) and is_array(p.want) for p in parts)


def same_shapes(parts: Sequence[Part]) -> bool:
    return arrays(parts) and all(np.shape(p.got) == np.shape(p.want) for p in parts)


def sign(parts: Sequence[Part]) -> Facts | None:
    return {} if same_shapes(parts) and every(parts, lambda p: -np.asarray(p.got)) else None


def transposed(parts: Sequence[Part]) -> Facts | None:
    matrix = arrays(parts) and all(np.ndim(p.got) == 2 for p in parts)
    return {} if matrix and every(parts, lambda p: np.transpose(p.got)) else None


def unsummed(parts: Sequence[Part]) -> Facts | None:
    """An axis too many in front, over which the sum is right."""
    extra = arrays(parts) and all(np.shape(p.got)[1:] == np.shape(p.want) for p in parts)
    extra = extra and all(np.ndim(p.got) == np.ndim(p.want) + 1 for p in parts)
    if extra and every(parts, lambda p: np.sum(p.got, axis=0)):
        return {"length": str(np.shape(parts[0].got)[0])}
    return None


def summed_too_much(parts: Sequence[Part]) -> Facts | None:
    scalar = arrays(parts) and all(np.ndim(p.got) == 0 and np.size(p.want) > 1 for p in parts)
    if scalar and all(same(p.got, np.sum(p.want), max(p.tolerance, 1e-6)) for p in parts):
        return {}
    return None


def mean_for_sum(parts: Sequence[Part]) -> Facts | None:
    """Too small by the length of some input's first axis, more than one."""
    if not same_shapes(parts):
        return None
    for lengths in zip(*(_leading(p) for p in parts), strict=False):
        scaled = [n * np.asarray(p.got) for n, p in zip(lengths, parts, strict=True)]
        agree = [
            same(s, p.want, max(p.tolerance, 1e-6)) for s, p in zip(scaled, parts, strict=True)
        ]
        if all(agree) and min(lengths) > 1:
            return {"length": str(lengths[0])}
    return None


def _leading(part: Part) -> list[int]:
    return [np.shape(a)[0] for a in part.trial.case.arguments.values() if np.ndim(a) > 0]


def factor(parts: Sequence[Part]) -> Facts | None:
    """The same constant factor in every entry of every case."""
    if not same_shapes(parts):
        return None
    got = np.concatenate([np.ravel(p.got) for p in parts]).astype(float)
    want = np.concatenate([np.ravel(p.want) for p in parts]).astype(float)
    size = float(want @ want)
    ratio = float(got @ want) / size if size else 0.0
    if not np.isfinite(ratio) or abs(ratio) < 1e-12 or abs(ratio - 1) < 1e-3:
        return None
    return (
        {"factor": number(ratio, 4)} if every(parts, lambda p: np.asarray(p.got) / ratio) else None
    )


def all_zero(parts: Sequence[Part]) -> Facts | None:
    return {} if same_shapes(parts) and not any(np.any(p.got) for p in parts) else None


def finite_difference(parts: Sequence[Part]) -> Facts | None:
    """Nearly right everywhere, and exact nowhere."""
    if not same_shapes(parts):
        return None
    errors = [_relative(p) for p in parts]
    near = all(e < 5e-2 for e in errors) and np.median(errors) < 1e-2
    return {"error": number(max(errors), 2)} if near else None


def _relative(part: Part) -> float:
    want = np.asarray(part.want, dtype=float)
    error = np.max(np.abs(np.asarray(part.got, dtype=float) - want), initial=0.0)
    return float(error / max(np.max(np.abs(want), initial=0.0), 1e-300))


VALUES: dict[str, Detector] = {
    "sign": sign,
    "transposed": transposed,
    "unsummed": unsummed,
    "summed-too-much": summed_too_much,
    "all-zero": all_zero,
    "mean-for-sum": mean_for_sum,
    "factor": factor,
    "finite-difference": finite_difference,
}


def returned_pullback_tuple(got: Any, want: Any) -> bool:
    """A tuple of one around an array that is right, or at least an array."""
    return is_array(want) and isinstance(got, tuple) and len(got) == 1 and is_array(got[0])


def swapped(got: Any, want: Any, tolerance: float) -> bool:
    """The right parts in another order."""
    if not (isinstance(got, (tuple, list)) and isinstance(want, tuple)):
        return False
    left = list(got)
    for part in want:
        match = next((i for i, g in enumerate(left) if same(g, part, tolerance)), None)
        if match is None:
            return False
        left.pop(match)
    return not left


# What JAX and Python say, and the misconception that it shows: (class name, text, id).
ERRORS: Sequence[tuple[str, str, str]] = (
    ("TracerArrayConversionError", "", "numpy-in-traced"),
    ("TracerBoolConversionError", "", "python-branch"),
    ("ConcretizationTypeError", "", "python-branch"),
    ("TracerIntegerConversionError", "", "python-branch"),
    ("UnexpectedTracerError", "", "leaked-tracer"),
    ("TypeError", "Gradient only defined for scalar-output", "grad-of-array"),
    ("TypeError", "requires real- or complex-valued inputs", "integer-input"),
    ("TypeError", "arrays are immutable", "in-place"),
    ("TypeError", "object does not support item assignment", "in-place"),
    ("TypeError", "Expected a callable value", "grad-of-value"),
    ("TypeError", "is not callable", "grad-of-value"),
    ("TypeError", "must be tuples or lists", "jvp-without-tuples"),
    ("ValueError", "Reverse-mode differentiation does not work", "while-in-reverse"),
    ("TypeError", "unsupported operand type(s) for *: 'tuple'", "tuple-as-array"),
    ("TypeError", "positional argument", "wrong-arguments"),
    ("RecursionError", "", "endless-recursion"),
)


def known_error(error: Exception) -> str:
    """The id of what an exception shows; "raised" where it is none of the known ones."""
    for kind, text, id_ in ERRORS:
        if kind in {c.__name__ for c in type(error).__mro__} and text in str(error):
            return id_
    return "raised"
