"""A guessed Jacobian: which entries are wrong, and the mistake that they look like."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import jax
import numpy as np

from ..compare import close, close_entries
from ._formula import number
from ._jacobian_passes import Leaf, resolution
from ._types import Array

ROUNDING = (
    100  # times the resolution of the dtype: what two right ways may differ by
)


def tolerance_of(matrix: Array) -> float:
    """Return how far a right entry may be off, in parts of it."""
    return ROUNDING * resolution(matrix.dtype)


def looks_like(guess: Array, truth: Array) -> str:
    """Return the simplest mistake that gives this guess; "" for none that is known."""
    tolerance = tolerance_of(truth)
    mistake = _same(guess, truth, tolerance)
    if mistake:
        return mistake
    if close(guess, truth, 1e-2):
        return (
            "like finite differences, or a rounded number: close, but not equal"
        )
    if np.array_equal(guess != 0, truth != 0) and np.isfinite(guess).all():
        return _factors(guess, truth, 10 * tolerance)
    return ""


def _same(guess: Array, truth: Array, tolerance: float) -> str:
    """Return which wrong matrix, or which vector made of the right one, the guess is; or ""."""
    columns = "like column sums, as from a VJP of ones"
    rows = "like row sums, as from a JVP of ones"
    diagonal = "like its diagonal alone"
    mistakes = (
        ("transposed: rows belong to outputs, columns to inputs", truth.T),
        ("like the negative of it", -truth),
        (columns, truth.sum(0)),
        (columns, truth.sum(0) + 0 * truth),
        (rows, truth.sum(1)),
        (rows, truth.sum(1, keepdims=True) + 0 * truth),
        (diagonal, np.diag(truth)),
        (diagonal, np.eye(*truth.shape) * truth),
    )
    for words, mistaken in mistakes:
        if close(guess, mistaken, tolerance):
            return words
    return ""


def _factors(guess: Array, truth: Array, tolerance: float) -> str:
    """Return which factor is missing: of everything, of each column or of each row; or "".

    A single entry lacks some factor whatever it is, which says nothing.
    """
    words: dict[int | None, str] = {
        None: "like a constant factor is missing: yours is {} times the right one",
        0: "like each column lacks a factor of its own: the slope of an inner function",
        1: "like each row lacks a factor of its own: the slope of an outer function",
    }
    for axis, text in words.items():
        norm = np.sum(np.abs(truth) ** 2, axis, keepdims=True)
        alone = np.count_nonzero(truth, axis, keepdims=True) == 1
        match = np.sum(guess * truth.conj(), axis, keepdims=True)
        factor = match / np.where(norm, norm, 1)
        lacking = ~close_entries(factor, np.ones(1), tolerance)
        settled = not (alone & lacking).any()
        if settled and close(factor * truth, guess, tolerance):
            return text.format(number(factor.reshape(-1)[0].item()))
    return ""


def read_guess(
    guess: Any, truth: Array, outputs: Sequence[Leaf], inputs: Sequence[Leaf]
) -> tuple[Array | None, str]:
    """Return the guess as an m × n matrix, or None and what its shape looks like.

    Raises:
        TypeError: for what holds no numbers.
    """
    leaves = [np.asarray(x) for x in jax.tree.leaves(guess)]
    if any(a.dtype.kind not in "biufcV" for a in leaves):
        raise TypeError(
            f"A guess holds numbers: the matrix, or blocks as jax.jacobian gives; got {guess!r}."
        )
    wanted = [y.shape + x.shape for y in outputs for x in inputs]
    if (
        leaves
        and isinstance(guess, list)
        and [a.shape for a in leaves] != wanted
    ):
        with suppress(ValueError):  # of rows that differ in length
            leaves = [np.asarray(guess)]  # a matrix as it is typed
    shapes = [a.shape for a in leaves]
    if shapes == wanted:
        block = iter(leaves)
        return np.block([
            [next(block).reshape(y.size, x.size) for x in inputs]
            for y in outputs
        ]), ""
    if shapes == [truth.shape]:
        return leaves[0], ""
    came, right = (
        ", ".join(map(str, s)) or "no array at all" for s in (shapes, wanted)
    )
    words = f"it has the shape {came}; the Jacobian has {right}"
    if len(leaves) == 1:
        mistake = _same(leaves[0], truth, 1e-4)
        if mistake:
            words += f". It looks {mistake}"
    return None, words
