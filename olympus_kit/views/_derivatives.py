"""One function beside its derivatives: what `cost` compares where it is given a single one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from ..program import Argnums, dtype_of, is_inexact, read_arguments
from ._types import Function

Leaves = tuple[Any, ...]


@dataclass(frozen=True)
class Entry:
    """A function that is to be measured, its arguments, and its number of passes."""

    function: Function
    args: Leaves
    known: dict[str, int] = field(default_factory=dict)
    # the same with integers held at their values, as in x ** n
    instead: Entry | None = None


def entries(
    f: Any, args: Leaves, argnums: Argnums
) -> tuple[dict[str, Entry], str]:
    """Return what is to be measured, by name; and of one function what it is about, in words."""
    if callable(f):
        return _derivatives(f, args, argnums)
    if isinstance(f, Mapping) and f and all(map(callable, f.values())):
        reading = _Reading(lambda *args: None, args, None)
        named = {}
        for name, function in f.items():
            named[str(name)] = reading.entry(function)
        return named, ""
    raise TypeError(
        f"cost takes a function, or {{name: function}}, then arguments; got {f!r}."
    )


class _Reading:
    """The leaves of arguments: differentiated, traced beside them, or held at their values.

    Whole numbers and flags that Python made are held, as jax.grad hands them on: lengths, axes,
    exponents. So are strings and functions. Arrays of integers are traced where that works.
    """

    def __init__(self, f: Function, args: Leaves, argnums: Any) -> None:
        shapes = {}

        def stand_in(leaf: Any) -> Any:
            """Return an array of zeros, which takes no memory, for what is only a shape."""
            if not isinstance(leaf, jax.ShapeDtypeStruct):
                return leaf
            zeros = np.broadcast_to(
                np.zeros((), leaf.dtype),
                leaf.shape,
            )
            shapes[id(zeros)] = leaf
            return zeros

        stand_ins = jax.tree.map(stand_in, args)
        if argnums is None:
            arguments = read_arguments(f, stand_ins, "primal", ())
        else:
            arguments = read_arguments(f, stand_ins, "forward", argnums)
        self.name, self.names = arguments.name, arguments.names
        self.rebuild = arguments.rebuild
        self.which = arguments.which
        self.leaves = []
        self.traced = []  # traced beside the differentiated ones
        self.moving = []  # of these, the ones that are not arrays of whole numbers or flags
        for k, stand_in_or_leaf in enumerate(arguments.leaves):
            leaf = shapes.get(id(stand_in_or_leaf), stand_in_or_leaf)
            self.leaves.append(leaf)
            if k in self.which or isinstance(leaf, int):  # a bool is one, too
                continue
            self.traced.append(k)
            is_shape = isinstance(leaf, jax.ShapeDtypeStruct)
            if is_shape or is_inexact(dtype_of(leaf)):
                self.moving.append(k)

    def call(
        self,
        f: Function,
        others: Sequence[int],
    ) -> Function:
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

    def entry(self, f: Function) -> Entry:
        """Return a function as it is."""
        held = None
        xs = self.at(self.which)
        if self.moving != self.traced:
            call = self.call(f, self.moving)
            held = Entry(call, (xs, self.at(self.moving)))
        call = self.call(f, self.traced)
        return Entry(
            call,
            (xs, self.at(self.traced)),
            instead=held,
        )


def _derivatives(
    f: Function, args: Leaves, argnums: Argnums
) -> tuple[dict[str, Entry], str]:
    """Return f and its derivatives, and what these are with respect to."""
    reading = _Reading(f, args, argnums)
    roots = {}  # in the order of the arguments
    for k in reading.which:
        root = re.split(r"[\[.]", reading.names[k])[0]
        roots[root] = k
    names = ", ".join(roots)
    about = f"{reading.name} and its derivatives with respect to {names}"
    try:
        traced = _transforms(f, reading, reading.traced)
    except Exception:
        if reading.moving == reading.traced:
            raise
        return _transforms(
            f,
            reading,
            reading.moving,
        ), about
    if reading.moving != reading.traced:
        held = _transforms(f, reading, reading.moving)
        for name, entry in traced.items():
            traced[name] = replace(entry, instead=held[name])
    return traced, about


def _transforms(
    f: Function, reading: _Reading, others: Sequence[int]
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
    n, m = count_entries(xs), count_entries(out)

    def jvp(xs: Leaves, ys: Leaves, tangents: Leaves) -> Any:
        return jax.jvp(
            lambda *xs: value(xs, ys),
            xs,
            tangents,
        )

    def vjp(xs: Leaves, ys: Leaves, cotangent: Any) -> Any:
        y, pullback = jax.vjp(lambda *xs: value(xs, ys), *xs)
        return y, pullback(cotangent)

    def linearized(xs: Leaves, ys: Leaves, tangents: Leaves) -> Any:
        y, push = jax.linearize(lambda *xs: value(xs, ys), *xs)
        return y, push(*tangents)

    both, one = (xs, ys), {"passes": 1}
    transforms = {
        "f": Entry(call, both),
        "jvp": Entry(jvp, (xs, ys, xs), one),
        "vjp": Entry(vjp, (xs, ys, out), one),
        "grad": Entry(jax.grad(value), both, one),
        "jacfwd": Entry(jax.jacfwd(value), both, {"passes": n}),
        "jacrev": Entry(jax.jacrev(value), both, {"passes": m}),
        "hessian": Entry(jax.hessian(value), both, {"passes": n * m}),
        "linearize + apply": Entry(linearized, (xs, ys, xs), one),
    }
    if getattr(out, "shape", None) != ():
        del transforms["grad"]  # it is for functions with one number as result
    return transforms


def count_entries(tree: Any) -> int:
    """Return how many numbers the arrays of a tree hold together."""
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(tree))
