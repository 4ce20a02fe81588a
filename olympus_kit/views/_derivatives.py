"""One function beside its derivatives: what `cost` compares where it is given a single one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from ..program import Argnums, dtype_of, is_inexact, read_arguments

Leaves = tuple[Any, ...]


@dataclass(frozen=True)
class Entry:
    """A function that is to be measured, its arguments, and its number of passes."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    known: dict[str, int] = field(default_factory=dict)
    instead: Entry | None = (
        None  # the same with integers held at their values, as in x ** n
    )


def entries(
    f: Any, args: tuple[Any, ...], argnums: Argnums
) -> tuple[dict[str, Entry], str]:
    """Return what is to be measured, by name; and of one function what it is about, in words."""
    if callable(f):
        return _derivatives(f, args, argnums)
    if isinstance(f, Mapping) and f and all(map(callable, f.values())):
        reading = _Reading(lambda *args: None, args, None)
        return {
            str(name): reading.entry(function) for name, function in f.items()
        }, ""
    raise TypeError(
        f"cost takes a function, or {{name: function}}, then arguments; got {f!r}."
    )


class _Reading:
    """The leaves of arguments: differentiated, traced beside them, or held at their values.

    Whole numbers and flags that Python made are held, as jax.grad hands them on: lengths, axes,
    exponents. So are strings and functions. Arrays of integers are traced where that works.
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], argnums: Any
    ) -> None:
        shapes: dict[int, jax.ShapeDtypeStruct] = {}

        def stand_in(leaf: Any) -> Any:
            """Return an array of zeros, which takes no memory, for what is only a shape."""
            if not isinstance(leaf, jax.ShapeDtypeStruct):
                return leaf
            zeros = np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)
            shapes[id(zeros)] = leaf
            return zeros

        stand_ins = jax.tree.map(stand_in, args)
        if argnums is None:
            arguments = read_arguments(f, stand_ins, "primal", ())
        else:
            arguments = read_arguments(f, stand_ins, "forward", argnums)
        self.name, self.names, self.rebuild = (
            arguments.name,
            arguments.names,
            arguments.rebuild,
        )
        self.leaves = [shapes.get(id(leaf), leaf) for leaf in arguments.leaves]
        self.which = arguments.which
        others = [k for k in range(len(self.leaves)) if k not in self.which]
        self.traced = [
            k for k in others if not isinstance(self.leaves[k], int)
        ]  # nor a bool
        self.moving = [k for k in self.traced if not _is_whole(self.leaves[k])]

    def call(
        self, f: Callable[..., Any], others: Sequence[int]
    ) -> Callable[..., Any]:
        """Return `f` as a function of the differentiated leaves, and of `others`."""

        def called(xs: Leaves, ys: Leaves) -> Any:
            leaves = list(self.leaves)
            for k, x in zip((*self.which, *others), (*xs, *ys), strict=True):
                leaves[k] = x
            return f(*self.rebuild(leaves))

        return called

    def at(self, numbers: Sequence[int]) -> Leaves:
        """Return the leaves with these numbers."""
        return tuple(self.leaves[k] for k in numbers)

    def entry(self, f: Callable[..., Any]) -> Entry:
        """Return a function as it is."""
        held = None
        if self.moving != self.traced:
            held = Entry(
                self.call(f, self.moving),
                (self.at(self.which), self.at(self.moving)),
            )
        args = (self.at(self.which), self.at(self.traced))
        return Entry(self.call(f, self.traced), args, instead=held)


def _is_whole(leaf: Any) -> bool:
    """Return whether a leaf is an array of whole numbers or flags, not only the shape of one."""
    return not isinstance(leaf, jax.ShapeDtypeStruct) and not is_inexact(
        dtype_of(leaf)
    )


def _derivatives(
    f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums
) -> tuple[dict[str, Entry], str]:
    """Return f and its derivatives, and what these are with respect to."""
    reading = _Reading(f, args, argnums)
    roots = dict.fromkeys(
        re.split(r"[\[.]", reading.names[k])[0] for k in reading.which
    )
    about = (
        f"{reading.name} and its derivatives with respect to {', '.join(roots)}"
    )
    try:
        traced = _transforms(f, reading, reading.traced)
    except Exception:
        if reading.moving == reading.traced:
            raise
        return _transforms(f, reading, reading.moving), about
    if reading.moving != reading.traced:
        held = _transforms(f, reading, reading.moving)
        traced = {
            name: Entry(entry.function, entry.args, entry.known, held[name])
            for name, entry in traced.items()
        }
    return traced, about


def _transforms(
    f: Callable[..., Any], reading: _Reading, others: Sequence[int]
) -> dict[str, Entry]:
    """Return f and its derivatives, each with its number of passes: JVPs, VJPs or both.

    Tangents and cotangents are arguments: a constant of ones would be simplified away.
    """
    call = reading.call(f, others)
    xs, ys = reading.at(reading.which), reading.at(others)
    every = jax.tree.leaves(jax.eval_shape(call, xs, ys))
    differentiable = [k for k, y in enumerate(every) if is_inexact(y.dtype)]
    if not differentiable:
        raise TypeError(
            f"{reading.name} returns no real or complex number, so that there is nothing to "
            "differentiate. Pass {name: function} to count functions as they are."
        )

    def value(xs: Leaves, ys: Leaves) -> Any:
        leaves = jax.tree.leaves(call(xs, ys))
        results = [jax.numpy.asarray(leaves[k]) for k in differentiable]
        return results[0] if len(results) == 1 else results

    out = jax.eval_shape(value, xs, ys)
    n, m = _entries_of(xs), _entries_of(out)

    def jvp(xs: Leaves, ys: Leaves, tangents: Leaves) -> Any:
        return jax.jvp(lambda *xs: value(xs, ys), xs, tangents)

    def vjp(xs: Leaves, ys: Leaves, cotangent: Any) -> Any:
        y, pullback = jax.vjp(lambda *xs: value(xs, ys), *xs)
        return y, pullback(cotangent)

    def linearized(xs: Leaves, ys: Leaves, tangents: Leaves) -> Any:
        y, push = jax.linearize(lambda *xs: value(xs, ys), *xs)
        return y, push(*tangents)

    both = (xs, ys)
    transforms = {
        "f": Entry(call, both),
        "jvp": Entry(jvp, (xs, ys, xs), {"passes": 1}),
        "vjp": Entry(vjp, (xs, ys, out), {"passes": 1}),
        "grad": Entry(jax.grad(value), both, {"passes": 1}),
        "jacfwd": Entry(jax.jacfwd(value), both, {"passes": n}),
        "jacrev": Entry(jax.jacrev(value), both, {"passes": m}),
        "hessian": Entry(jax.hessian(value), both, {"passes": n * m}),
        "linearize + apply": Entry(linearized, (xs, ys, xs), {"passes": 1}),
    }
    if getattr(out, "shape", None) != ():
        del transforms["grad"]  # it is for functions with one number as result
    return transforms


def _entries_of(tree: Any) -> int:
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(tree))
