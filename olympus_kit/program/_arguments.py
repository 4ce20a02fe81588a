"""Check what a user hands to `capture`, and say clearly what is wrong with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np

from ._jaxprs import dtype_of, is_inexact
from ._model import MODES


@dataclass
class Arguments:
    """The numeric leaves of all arguments, their names, and which of them are differentiated."""

    name: str  # of the function
    leaves: list[Any]
    names: list[str]
    which: list[int]  # leaves that are differentiated
    diff_trees: tuple[Any, ...]  # a tree of leaf numbers for each differentiated argument
    rebuild: Callable[[Sequence[Any]], tuple[Any, ...]]  # leaves -> the arguments
    fixed: bool = False  # whether leaves that are not differentiated are handed on as numbers

    def call(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return `f` as a function of the leaves."""

        @functools.wraps(f, updated=())  # jax's errors name what was wrapped
        def called(*leaves: Any) -> Any:
            own = self.leaves if self.fixed else leaves
            moving = set(self.which)
            given = [x if k in moving else own[k] for k, x in enumerate(leaves)]
            return f(*self.rebuild(given))

        return called

    @property
    def others(self) -> list[str]:
        """The names of the leaves that are not differentiated."""
        return [n for k, n in enumerate(self.names) if k not in self.which]


# which arguments to differentiate, as jax.grad takes it, or all of them
Argnums = int | Sequence[int] | Literal["all"]

STATIC = -1  # stands in a tree of leaf numbers for a string, a function, any other object


def read_arguments(f: Any, args: Sequence[Any], mode: str, argnums: Argnums = 0) -> Arguments:
    """Return the flattened arguments, or raise a TypeError or ValueError that says what to do."""
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}; got {mode!r}.")
    if not callable(f):
        raise TypeError(
            f"Expected a function first, got {describe(f)}. "
            "Hand over the function itself and its arguments apart: graph(f, x), not graph(f(x))."
        )
    name = getattr(f, "__name__", type(f).__name__)
    name = "f" if name == "<lambda>" else name
    labels = _parameter_names(f, args, name)
    paths, tree = jax.tree_util.tree_flatten_with_path(tuple(args))
    slots: list[int] = []
    leaves: list[Any] = []
    names: list[str] = []
    chosen = _chosen(argnums, len(args))
    passed: list[str] = []  # over, when something to differentiate was looked for
    for place, leaf in paths:
        label = labels[place[0].idx] + jax.tree_util.keystr(place[1:])
        numeric = _is_numeric(leaf, label, name)
        slots.append(len(leaves) if numeric else STATIC)
        if numeric:
            leaves.append(leaf)
            names.append(label)
        if place[0].idx in chosen:
            kind = f"has dtype {dtype_of(leaf)}" if numeric else f"is a {type(leaf).__name__}"
            passed.append(f"{label} {kind}")

    def rebuild(given: Sequence[Any]) -> tuple[Any, ...]:
        full = [x if k == STATIC else given[k] for k, (_, x) in zip(slots, paths, strict=True)]
        return jax.tree.unflatten(tree, full)  # type: ignore[no-any-return]

    numbered = jax.tree.unflatten(tree, slots)
    trees = tuple(numbered[a] for a in chosen)
    which = [k for k in jax.tree.leaves(trees) if k != STATIC and is_inexact(dtype_of(leaves[k]))]
    if mode != "primal" and not which:
        none = "what was chosen holds no number" if args else "no argument was given"
        raise TypeError(
            f"There is nothing to differentiate: {', '.join(passed) or none}. "
            "Derivatives need real or complex numbers: write 3.0 for 3, convert an array with "
            "x.astype(float), register a class of your own (jax.tree_util.register_dataclass)."
        )
    return Arguments(name, leaves, names, which, trees, rebuild)


def _chosen(argnums: Argnums, count: int) -> list[int]:
    if isinstance(argnums, str):
        if argnums == "all":
            return list(range(count))
        raise ValueError(f'argnums must be integers or "all"; got {argnums!r}.')
    if count == 0:
        return []
    chosen: list[Any] = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    for a in chosen:
        if not isinstance(a, (int, np.integer)):
            raise TypeError(f"argnums must be an integer or several; got {describe(argnums)}.")
        if not -count <= a < count:
            raise ValueError(
                f"argnums={argnums!r} names argument {a}, but there are {count} arguments "
                f"(0 to {count - 1})."
            )
    return [a % count for a in chosen]


def _parameter_names(f: Callable[..., Any], args: Sequence[Any], name: str) -> list[str]:
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # a builtin without a signature
        return [f"x{i}" for i in range(len(args))]
    try:
        bound = signature.bind(*args)
    except TypeError as error:
        raise TypeError(
            f"{name}{signature} was given {len(args)} argument{'s' * (len(args) != 1)}: {error}. "
            f"Put the point after the function, one value for each parameter."
        ) from None
    labels: list[str] = []
    for parameter, value in bound.arguments.items():
        several = signature.parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL
        labels += [f"{parameter}[{i}]" for i in range(len(value))] if several else [parameter]
    return labels


def _is_numeric(leaf: Any, name: str, function: str) -> bool:
    """Whether a leaf is a number or an array; other objects are passed on as they are."""
    if isinstance(leaf, jax.core.Tracer):
        raise TypeError(
            f"Argument {name} is a tracer: {function} is being looked at from inside another "
            "transformation. Call it outside jit, grad and vmap, with numbers."
        )
    if isinstance(leaf, (bool, int, float, complex, jax.Array)):
        return True
    if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind not in "biufcV":
        raise TypeError(
            f"Argument {name} is an array of {leaf.dtype}, which jax cannot compute with. "
            "Convert it to numbers, or use it inside a function of the rest."
        )
    return isinstance(leaf, (np.ndarray, np.generic))


def check_output(out: Any, name: str) -> None:
    """Raise a TypeError unless every leaf of what the function returned is a number or array."""
    if out is None:
        raise TypeError(
            f"{name} returned None: is a return statement missing? "
            "It must return a number, an array, or a container of them."
        )
    for leaf in jax.tree.leaves(out):
        if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, int, float, complex)):
            raise TypeError(
                f"{name} returned {describe(leaf)}; it must return a number, an array, or a "
                "container (tuple, list, dict) of them."
            )


def describe(x: Any) -> str:
    """Return a value in a few words, and its type."""
    text = repr(x)
    return f"{text if len(text) <= 40 else text[:37] + '...'} (of type {type(x).__name__})"
