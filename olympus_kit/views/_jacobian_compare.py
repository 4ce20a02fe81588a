"""A guessed Jacobian beside the real one: which entries are wrong, and what they look like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jax
import numpy as np

from ._formula import number
from ._jacobian import Jacobian
from ._jacobian_passes import Array, resolution

ROUNDING = 100  # times the resolution of the dtype: what two right ways may differ by


class Comparison(Jacobian):
    """A Jacobian with a guess: the wrong entries, and the mistake that they look like."""

    def __init__(self, view: Jacobian, guess: Any) -> None:
        self.__dict__.update(view.__dict__)
        self.guess, self.mistake = read_guess(view, guess)
        self.wrong = np.zeros(self.matrix.shape, bool)
        if self.guess is not None:
            self.wrong = ~_close(self.guess, self.matrix, self._tolerance)
            self.mistake = self.mistake or next(self._looks_like(), "")

    @property
    def right(self) -> bool:
        """Whether the guess has the right shape, and no entry is wrong."""
        return not self.mistake and not self.wrong.any()

    @property
    def _tolerance(self) -> float:
        return ROUNDING * resolution(self.matrix.dtype)

    def _looks_like(self) -> Iterator[str]:
        """Yield what the guess is equal to, the simplest mistake first."""
        guess, truth = self.guess, self.matrix
        if guess is None or not self.wrong.any():
            return
        yield from _same(guess, truth, self._tolerance)
        if _close(guess, truth, 1e-2).all():
            yield "like finite differences, or a rounded number: close, but not equal"
        if np.array_equal(guess != 0, truth != 0) and np.isfinite(guess).all():
            yield from _factors(guess, truth, 10 * self._tolerance)

    @property
    def verdict(self) -> str:
        """How many entries are wrong, the first of them, and what the guess looks like."""
        count = int(self.wrong.sum())
        if self.right:
            return f"Your guess is right in all {self.matrix.size:,} entries."
        if self.guess is None:
            return f"Your guess does not fit: {self.mistake}."
        i, j = (int(k) for k in np.argwhere(self.wrong)[0])
        looks = f" It looks {self.mistake}." if self.mistake else ""
        return (
            f"Your guess is wrong in {count:,} of {self.matrix.size:,} entries. The first is row "
            f"{i}, column {j}: yours {number(self.guess[i, j].item())}, right "
            f"{number(self.matrix[i, j].item())}.{looks}"
        )

    @property
    def summary(self) -> str:
        """The verdict first."""
        return f"{self.verdict} {super().summary}"

    @property
    def cells(self) -> list[list[str]] | None:
        """Every entry, with the guess behind a wrong one."""
        right, guess = super().cells, self._cells(self.guess)
        if right and guess:
            for i, j in np.argwhere(self.wrong):
                right[i][j] += f" ✗\N{NO-BREAK SPACE}yours\N{NO-BREAK SPACE}{guess[i][j]}"
        return right

    def model(self) -> dict[str, Any]:
        """Return the model with the wrong entries."""
        wrong = self.wrong.tolist() if max(self.tiles.step) == 1 else None
        return super().model() | {"wrong": wrong}


def _close(a: Array, b: Array, tolerance: float) -> Array:
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    found: Array = np.isclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    return found


def _same(guess: Array, truth: Array, tolerance: float) -> Iterator[str]:
    """Yield which wrong matrix, or which vector made of the right one, the guess is."""
    for words, made in (
        ("transposed: rows belong to outputs, columns to inputs", truth.T),
        ("like the negative of it", -truth),
        ("like column sums, as from a VJP of ones", truth.sum(0)),
        ("like column sums, as from a VJP of ones", truth.sum(0) + 0 * truth),
        ("like row sums, as from a JVP of ones", truth.sum(1)),
        ("like row sums, as from a JVP of ones", truth.sum(1, keepdims=True) + 0 * truth),
        ("like its diagonal alone", np.diag(truth)),
        ("like its diagonal alone", np.eye(*truth.shape) * truth),
    ):
        if guess.shape == made.shape and _close(guess, made, tolerance).all():
            yield words


def _factors(guess: Array, truth: Array, tolerance: float) -> Iterator[str]:
    """Yield which factor is missing: of everything, of each column or of each row.

    A single entry lacks some factor whatever it is, which says nothing.
    """
    words = (
        (None, "like a constant factor is missing: yours is {} times the right one"),
        (0, "like each column lacks a factor of its own: the slope of an inner function"),
        (1, "like each row lacks a factor of its own: the slope of an outer function"),
    )
    for axis, text in words:
        norm = np.sum(np.abs(truth) ** 2, axis, keepdims=True)
        alone = np.count_nonzero(truth, axis, keepdims=True) == 1
        factor = np.sum(guess * truth.conj(), axis, keepdims=True) / np.where(norm, norm, 1)
        told = not (alone & ~_close(factor, np.ones(1), tolerance)).any()
        if told and _close(factor * truth, guess, tolerance).all():
            yield text.format(number(factor.reshape(-1)[0].item()))


def read_guess(view: Jacobian, guess: Any) -> tuple[Array | None, str]:
    """Return the guess as an m × n matrix, or None and what its shape looks like."""
    flat, leaves = view.flat, [np.asarray(x) for x in jax.tree.leaves(guess)]
    if any(a.dtype.kind not in "biufcV" for a in leaves):
        raise TypeError(
            f"A guess holds numbers: the matrix, or blocks as jax.jacobian gives; got {guess!r}."
        )
    wanted = [y.shape + x.shape for y in flat.outputs for x in flat.inputs]
    if leaves and isinstance(guess, list) and [a.shape for a in leaves] != wanted:
        with suppress(ValueError):  # of rows that differ in length
            leaves = [np.asarray(guess)]  # a matrix as it is typed
    shapes = [a.shape for a in leaves]
    if shapes == wanted:
        block = iter(leaves)
        rows = [[next(block).reshape(y.size, x.size) for x in flat.inputs] for y in flat.outputs]
        return np.block(rows), ""
    if shapes == [(flat.m, flat.n)]:
        return leaves[0], ""
    came, right = (", ".join(map(str, s)) or "no array at all" for s in (shapes, wanted))
    words = f"it has the shape {came}; the Jacobian has {right}"
    looks = next(_same(leaves[0], view.matrix, 1e-4), "") if len(leaves) == 1 else ""
    return None, f"{words}. It looks {looks}" if looks else words
