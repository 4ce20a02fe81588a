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
    """Return the summary of an array; with `iterations` its first axis counts a loop's turns."""
    if hasattr(value, "dtype") and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    array = np.asarray(value)
    if array.dtype == jax.dtypes.float0:
        array = np.zeros(array.shape, np.int8)
    if array.dtype.kind not in "biufc":  # bfloat16 and its kin are numpy's only by courtesy
        array = array.astype(np.float32)
    whole = array.size <= WHOLE
    entries = (array if whole else array.ravel()[:FIRST]).tolist()
    turns = array.shape[0] if iterations else None
    finite, nans, infs = _finite(array)
    if array.dtype.kind == "c":
        return Summary(_pairs(entries), whole, None, None, None, nans, infs, turns)
    return Summary(entries, whole, *_statistics(finite), nans, infs, turns)


def _finite(array: Array) -> tuple[Array, int, int]:
    """Return the finite entries, and how many there are of nan and of inf."""
    with np.errstate(all="ignore"):
        if array.dtype.kind in "biu" or math.isfinite(abs(array.sum())):
            return array, 0, 0
    finite = array[np.isfinite(array)]
    nans = int(np.isnan(array).sum())
    return finite, nans, array.size - finite.size - nans


def _statistics(array: Array) -> tuple[float | None, float | None, float | None]:
    if array.size == 0:
        return None, None, None
    if array.size == 1:
        only = float(array.item())
        return only, only, only
    return float(array.min()), float(array.max()), float(array.mean(dtype=np.float64))


def _pairs(entries: Any) -> Any:
    """Write complex numbers as text, since JSON has none."""
    if isinstance(entries, list):
        return [_pairs(e) for e in entries]
    return str(entries).strip("()")
