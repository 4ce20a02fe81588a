"""Describe an array in a few numbers, and whole where it is small."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np

from ._model import Summary

Array = np.ndarray[Any, Any]

WHOLE = 64  # entries up to which a value is kept whole
FIRST = 8  # entries kept of a larger one


def summarize(value: Any, iterations: bool = False) -> Summary:
    """Return the summary of an array; with `iterations` its first axis counts a loop's iterations.

    The iterations may also come as a list, with None for one that did not compute the value.
    """
    parts: list[Array] = []
    if isinstance(value, list):
        parts = [_host(a).ravel() for a in jax.tree.leaves(value)]
    array = np.concatenate(parts) if parts else _host(value)
    whole = array.size <= WHOLE
    entries: Any
    if not whole:
        entries = array.ravel()[:FIRST].tolist()
    elif parts:
        entries = jax.tree.map(lambda a: _host(a).tolist(), value)
    else:
        entries = array.tolist()
    if array.dtype.kind == "c":
        entries = _pairs(entries)
        described = _of_complex(array)
    elif whole:
        is_flat = array.ndim == 1 and not parts
        described = _of_few(entries if is_flat else array.ravel().tolist())
    else:
        described = _of_many(array)
    count = len(value) if iterations else None
    return Summary(entries, whole, *described, count)


def _host(value: Any) -> Array:
    """Return a value as an array of numpy's own types."""
    try:
        array = np.asarray(value)
    except TypeError:  # a PRNG key
        array = np.asarray(jax.random.key_data(value))
    if array.dtype.kind in "biufc":
        return array
    if array.dtype == jax.dtypes.float0:
        return np.zeros(array.shape, np.int8)
    # bfloat16 and its kin are numpy's only by courtesy
    return array.astype(np.float32)


# minimum, maximum and mean of the finite entries, and how many there are of nan and of inf
Description = tuple[float | None, float | None, float | None, int, int]


def _of_few(numbers: list[float]) -> Description:
    """Describe a few numbers, with which Python is quicker than numpy."""
    total = sum(numbers)
    if numbers and math.isfinite(total):  # then each of them is
        return (
            float(min(numbers)),
            float(max(numbers)),
            total / len(numbers),
            0,
            0,
        )
    finite = list(filter(math.isfinite, numbers))
    nans = sum(map(math.isnan, numbers))
    infs = len(numbers) - len(finite) - nans
    if not finite:
        return None, None, None, nans, infs
    mean = math.fsum(finite) / len(finite)
    return (
        float(min(finite)),
        float(max(finite)),
        mean,
        nans,
        infs,
    )


def _of_many(array: Array) -> Description:
    finite = array
    nans = 0
    infs = 0
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f" and not math.isfinite(array.sum()):
            # some are nan or inf, or the sum alone is too large
            finite = array[np.isfinite(array)]
            nans, infs = _not_finite(array)
    if not finite.size:
        return None, None, None, nans, infs
    return (
        float(finite.min()),
        float(finite.max()),
        float(finite.mean(dtype=np.float64)),
        nans,
        infs,
    )


def _of_complex(array: Array) -> Description:
    """Count what is not finite: complex numbers have no order."""
    nans, infs = _not_finite(array)
    return None, None, None, nans, infs


def _not_finite(array: Array) -> tuple[int, int]:
    """Return how many entries are nan and how many inf."""
    nans = int(np.isnan(array).sum())
    finite = int(np.isfinite(array).sum())
    return nans, array.size - finite - nans


def _pairs(entries: Any) -> Any:
    """Write complex numbers as text, since JSON has none."""
    if isinstance(entries, list):
        return [_pairs(e) for e in entries]
    if entries is None:
        return None
    return str(entries).strip("()")
