"""The tangents or cotangents that a derivative starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ._arguments import STATIC, Arguments, describe
from ._model import Mode
from .jaxprs import dtype_of, is_inexact

SUM = "sum of outputs: every entry of the cotangent is 1"


def seeds_for_mode(mode: Mode, tangents: Any, cotangents: Any) -> Any:
    """Return those of the two that a mode starts from."""
    if (tangents is not None and mode != "forward") or (
        cotangents is not None and mode != "reverse"
    ):
        raise ValueError(
            f"tangents belong to mode='forward', cotangents to mode='reverse'; got mode={mode!r}."
        )
    return tangents if mode == "forward" else cotangents


def forward_seeds(arguments: Arguments, tangents: Any) -> list[Any]:
    """Return the tangent of each leaf of the differentiated arguments, None for integers."""
    numbers, tree = jax.tree.flatten(arguments.diff_trees)
    names = [f"tangent of {arguments.names[n]}" for n in numbers]
    primals = [0 if n == STATIC else arguments.leaves[n] for n in numbers]
    return _read_seeds("tangent", names, primals, tree, tangents)


def reverse_seeds(
    outputs: Sequence[Any], tree: Any, cotangents: Any
) -> list[Any]:
    """Return the cotangent of each leaf of the output, None for integers."""
    names = [f"cotangent of output {number}" for number in range(len(outputs))]
    return _read_seeds("cotangent", names, outputs, tree, cotangents)


def is_sum(outputs: Sequence[Any]) -> bool:
    """Whether cotangents of ones make several numbers count as their sum."""
    numbers = [x for x in outputs if is_inexact(dtype_of(x))]
    entries = sum([math.prod(np.shape(x)) for x in numbers])
    return bool(entries > 1)


def _read_seeds(
    what: str,
    names: Sequence[str],
    primals: Sequence[Any],
    tree: Any,
    seeds: Any,
) -> list[Any]:
    has_derivative = [is_inexact(dtype_of(x)) for x in primals]
    if not any(has_derivative):
        raise TypeError(
            "The output holds no real or complex number: its derivative is empty."
        )
    if seeds is None:
        leaves = [np.ones(np.shape(x)) for x in primals]
    else:
        leaves, structure = jax.tree.flatten(seeds)
        if structure != tree:
            raise ValueError(
                f"The {what}s must have the structure of what they belong to: {tree} was "
                f"expected, {structure} came."
            )
    checked: list[Any] = []
    for name, primal, seed, differentiable in zip(
        names, primals, leaves, has_derivative, strict=True
    ):
        checked.append(_seed(name, primal, seed) if differentiable else None)
    return checked


def _seed(name: str, primal: Any, seed: Any) -> Any:
    """Return a tangent or cotangent as an array of the type and shape of its primal."""
    dtype = dtype_of(primal)
    try:
        array = jax.numpy.asarray(seed)
    except (TypeError, ValueError):  # a text, a list of unequal rows
        array = None
    if array is None or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(
            f"The {name} must be of type {dtype}; got {describe(seed)}."
        )
    if array.shape != np.shape(primal):
        raise ValueError(
            f"The {name} must have its shape, {np.shape(primal)}; got {array.shape}."
        )
    return array.astype(dtype)
