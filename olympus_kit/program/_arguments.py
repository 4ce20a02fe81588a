"""Read what a user passes to `capture` and the views, and say clearly what is wrong with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import numpy as np

from ._model import MODES
from .jaxprs import dtype_of, is_inexact

# which arguments to differentiate, as jax.grad takes it, or all of them
Argnums = int | Sequence[int] | Literal["all"]
Function = Callable[..., Any]

STATIC = (
    -1
)  # stands in a tree of leaf numbers for a string, a function, any other object


@dataclass
class Arguments:
    """The numeric leaves of all arguments, their names, and which of them are differentiated."""

    name: str  # of the function
    leaves: list[Any]
    names: list[str]
    argnums: tuple[int, ...]  # the arguments that are differentiated
    wrt: tuple[str, ...]  # their names
    which: list[int]  # the leaves that are differentiated
    diff_trees: tuple[
        Any, ...
    ]  # a tree of leaf numbers for each differentiated argument
    rebuild: Callable[
        [Sequence[Any]], tuple[Any, ...]
    ]  # leaves -> the arguments
    # leaves that keep their value while f is traced, as jax.grad hands on what it does not
    # differentiate: Python may use them as a length, an exponent or a flag
    fixed: set[int] = field(default_factory=set)

    def as_function_of_leaves(self, f: Function) -> Function:
        """Return `f` as a function of the leaves."""

        @functools.wraps(f, updated=())  # jax's errors name what was wrapped
        def function(*leaves: Any) -> Any:
            values = list(leaves)
            for number in self.fixed:
                values[number] = self.leaves[number]
            return f(*self.rebuild(values))

        return function

    @property
    def others(self) -> list[int]:
        """The leaves that are not differentiated."""
        differentiated = set(self.which)
        return [
            number
            for number in range(len(self.leaves))
            if number not in differentiated
        ]


def read_arguments(
    f: Any, args: Sequence[Any], mode: str = "reverse", argnums: Argnums = 0
) -> Arguments:
    """Return the flattened arguments, or raise a TypeError or ValueError that says what to do."""
    if mode not in MODES:
        raise ValueError(
            f"mode must be one of {', '.join(map(repr, MODES))}; got {mode!r}."
        )
    if not callable(f):
        raise TypeError(
            f"Expected a function first, got {describe(f)}. Pass the function and its arguments "
            "separately: graph(f, x), not graph(f(x))."
        )
    name = function_name(f)
    labels = _parameter_names(f, args, name)
    chosen = _chosen_arguments(argnums, len(args))
    paths, tree = jax.tree_util.tree_flatten_with_path(tuple(args))
    leaves: list[Any] = []
    names: list[str] = []
    slots: list[
        int
    ] = []  # for each leaf of the arguments its number, or STATIC
    fixed: set[int] = set()
    for path, leaf in paths:
        argument = path[0].idx
        label = labels[argument] + jax.tree_util.keystr(path[1:])
        if not _is_numeric(leaf, label, name):
            slots.append(STATIC)
            continue
        number = len(leaves)
        if argument not in chosen and isinstance(
            leaf, (bool, int, np.bool_, np.integer)
        ):
            fixed.add(number)
        slots.append(number)
        leaves.append(leaf)
        names.append(label)

    def rebuild(values: Sequence[Any]) -> tuple[Any, ...]:
        full = []
        for slot, (_, leaf) in zip(slots, paths, strict=True):
            full.append(leaf if slot == STATIC else values[slot])
        return jax.tree.unflatten(tree, full)  # type: ignore[no-any-return]

    numbered = jax.tree.unflatten(tree, slots)
    diff_trees = tuple([numbered[argument] for argument in chosen])
    which = []
    for number in jax.tree.leaves(diff_trees):
        if number != STATIC and is_inexact(dtype_of(leaves[number])):
            which.append(number)
    wrt = tuple([labels[argument] for argument in chosen])
    arguments = Arguments(
        name,
        leaves,
        names,
        tuple(chosen),
        wrt,
        which,
        diff_trees,
        rebuild,
        fixed,
    )
    if mode != "primal" and not which:
        raise _nothing_to_differentiate(args, labels, chosen)
    return arguments


def function_name(f: Any) -> str:
    """Return what to call a function in titles and messages."""
    while isinstance(f, functools.partial):
        f = f.func
    name: str = getattr(f, "__name__", type(f).__name__)
    return "f" if name == "<lambda>" else name


def _nothing_to_differentiate(
    args: Sequence[Any], labels: Sequence[str], chosen: Sequence[int]
) -> TypeError:
    reasons = []
    for argument in chosen:
        for path, leaf in jax.tree_util.tree_flatten_with_path(args[argument])[
            0
        ]:
            label = labels[argument] + jax.tree_util.keystr(path)
            if isinstance(
                leaf,
                (bool, int, float, complex, jax.Array, np.ndarray, np.generic),
            ):
                reasons.append(f"{label} has dtype {dtype_of(leaf)}")
            elif isinstance(leaf, jax.Ref):
                return TypeError(
                    f"{label} is a mutable array (jax.new_ref), a place for values: pass its "
                    f"value, {label}[...], and make the mutable array inside the function."
                )
            else:
                reasons.append(f"{label} is of type {type(leaf).__name__}")
    none = (
        "what was chosen holds no number" if args else "no argument was given"
    )
    return TypeError(
        f"There is nothing to differentiate: {', '.join(reasons) or none}. "
        "Derivatives need real or complex numbers: write 3.0 for 3, convert an array with "
        "x.astype(float), register a class of your own (jax.tree_util.register_dataclass), or "
        "choose another argument with argnums."
    )


def _chosen_arguments(argnums: Argnums, count: int) -> list[int]:
    if isinstance(argnums, str):
        if argnums == "all":
            return list(range(count))
        raise ValueError(f'argnums must be integers or "all"; got {argnums!r}.')
    if count == 0:
        return []
    candidates: list[Any] = (
        list(argnums) if isinstance(argnums, Sequence) else [argnums]
    )
    chosen: list[int] = []
    for candidate in candidates:
        if isinstance(candidate, bool) or not isinstance(
            candidate, (int, np.integer)
        ):
            raise TypeError(
                f"argnums must be an integer or several; got {describe(argnums)}."
            )
        if not -count <= candidate < count:
            there = f"there are {count} arguments (0 to {count - 1})"
            if count == 1:
                there = "there is one argument, 0"
            raise ValueError(
                f"argnums={argnums!r} names argument {candidate}, but {there}."
            )
        argument = int(candidate) % count
        if argument in chosen:
            raise ValueError(
                f"argnums={argnums!r} names argument {argument} more than once."
            )
        chosen.append(argument)
    return chosen


def _parameter_names(f: Function, args: Sequence[Any], name: str) -> list[str]:
    """Return the name of the parameter that each argument goes to."""
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
        if (
            signature.parameters[parameter].kind
            is inspect.Parameter.VAR_POSITIONAL
        ):
            labels.extend(f"{parameter}[{i}]" for i in range(len(value)))
        else:
            labels.append(parameter)
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
    if not isinstance(leaf, (np.ndarray, np.generic)):
        return False
    if leaf.dtype.kind not in "biufcV":
        raise TypeError(
            f"Argument {name} is an array of {leaf.dtype}, which jax cannot compute with. "
            "Convert it to numbers, or use it inside a function of the rest."
        )
    return True


def check_output(out: Any, name: str) -> None:
    """Raise a TypeError unless every leaf of what the function returned is a number or array."""
    if out is None:
        raise TypeError(
            f"{name} returned None: is a return statement missing? "
            "It must return a number, an array, or a container of them."
        )
    for leaf in jax.tree.leaves(out):
        if not isinstance(
            leaf, (jax.Array, np.ndarray, np.generic, int, float, complex)
        ):
            raise TypeError(
                f"{name} returned {describe(leaf)}; it must return a number, an array, or a "
                "container (tuple, list, dict) of them."
            )


def describe(x: Any) -> str:
    """Return a value in a few words, and its type."""
    text = repr(x)
    if len(text) > 40:
        text = text[:37] + "..."
    return f"{text} (of type {type(x).__name__})"
