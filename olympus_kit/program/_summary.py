"""Describe an array in a few numbers, and whole where it is small."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ._model import Summary

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
    entries = array.tolist() if whole else array.ravel()[:FIRST].tolist()
    turns = array.shape[0] if iterations else None
    if array.dtype.kind == "c":
        entries = _pairs(entries)
    if array.dtype.kind in "biu" or array.size == 0:
        low, high, mean = _statistics(array)
        return Summary(entries, whole, low, high, mean, 0, 0, turns)
    finite = array[np.isfinite(array)]
    nans = int(np.isnan(array).sum())
    infs = int(array.size - finite.size - nans)
    return Summary(entries, whole, *_statistics(finite), nans, infs, turns)


def _statistics(array: np.ndarray[Any, Any]) -> tuple[float | None, float | None, float | None]:
    if array.size == 0 or array.dtype.kind == "c":
        return None, None, None
    wide = array.astype(np.float64)
    return float(wide.min()), float(wide.max()), float(wide.mean())


def _pairs(entries: Any) -> Any:
    """Write complex numbers as text, since JSON has none."""
    if isinstance(entries, list):
        return [_pairs(e) for e in entries]
    return str(entries).strip("()")
