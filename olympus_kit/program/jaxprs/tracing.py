"""Trace a function and its derivatives, and say which variable of the trace stands for what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from .basics import (
    close,
    constants,
    dtype_of,
    function_of,
    is_literal,
    is_ref,
    open_jaxpr,
    with_interface,
)
from .marks import marked_path, scope_of

Function = Callable[..., Any]


def trace(f: Function, args: Sequence[Any]) -> tuple[Any, Any]:
    """Return the closed program of `f` at `args`, and the structure of its output."""
    return jax.make_jaxpr(f, return_shape=True)(*args)


def primal_variables(jaxpr: Any) -> list[Any]:
    """Return the variables that a program's equations make, in order, bodies left out.

    Mutable arrays are left out, too: no program may return one.
    """
    return [
        v
        for eqn in open_jaxpr(jaxpr).eqns
        for v in eqn.outvars
        if not is_ref(v)
    ]


def exposing(closed: Any, jaxpr: Any) -> Function:
    """Return the function inputs -> (outputs, every primal value) of a program.

    `jaxpr` is that of `closed`, open and changed in a way that keeps its variables.
    """
    count = len(jaxpr.outvars)
    invars = [*open_jaxpr(closed).constvars, *jaxpr.invars]
    full = with_interface(
        jaxpr, invars, [*jaxpr.outvars, *primal_variables(closed)]
    )
    run = function_of(full)
    consts = constants(closed)

    def function(*inputs: Any) -> tuple[list[Any], list[Any]]:
        values = run(*consts, *inputs)
        return values[:count], values[count:]

    return function


@dataclass
class Traced:
    """A derivative program, and which of its variables stand for what."""

    closed: Any
    exposed: list[Any]  # the primal values
    outputs: list[Any]
    derivatives: list[Any]
    variables: list[Any] = field(
        default_factory=list
    )  # of f, that the primal values belong to
    tangents: list[Any] = field(default_factory=list)  # of the exposed values
    tapped: list[Any] = field(default_factory=list)  # the cotangent of each tap
    residuals: list[Any] = field(
        default_factory=list
    )  # what the pullback holds


def trace_forward(
    function: Function,
    inputs: Sequence[Any],
    differentiated: Sequence[int],
    outputs: int,
) -> Traced:
    """Trace the JVP of a function made by `exposing`, which has so many outputs."""

    def jvp(leaves: Sequence[Any], tangents: Sequence[Any]) -> Any:
        part = partial_in(function, leaves, differentiated)
        return jax.jvp(
            part, [leaves[i] for i in differentiated], list(tangents)
        )

    seeds = [_abstract(inputs[i]) for i in differentiated]
    closed = jax.make_jaxpr(jvp)(list(inputs), seeds)
    outvars = open_jaxpr(closed).outvars
    exposed = len(outvars) // 2 - outputs
    parts = _in_parts(outvars, (outputs, exposed, outputs, exposed))
    values, primal, derivatives, tangents = parts
    return Traced(closed, primal, values, derivatives, tangents=tangents)


def trace_reverse(
    function: Function,
    inputs: Sequence[Any],
    differentiated: Sequence[int],
    cotangents: Sequence[Any],
    taps: Sequence[Any],
) -> Traced:
    """Trace the forward pass and the pullback of a function made by `exposing`.

    `taps` are the types of the inputs that stand behind its own.
    """
    count = len(differentiated)

    def vjp(
        leaves: Sequence[Any], cts: Sequence[Any], extras: Sequence[Any]
    ) -> Any:
        def part(*arguments: Any) -> Any:
            chosen, tapped = arguments[:count], arguments[count:]
            whole = partial_in(
                lambda *xs: function(*xs, *tapped), leaves, differentiated
            )
            return whole(*chosen)

        primals = [leaves[i] for i in differentiated]
        out, pullback, exposed = jax.vjp(part, *primals, *extras, has_aux=True)
        full = [_or_float0(c, o) for c, o in zip(cts, out, strict=True)]
        # the leaves of a pullback are what it holds; jax lists the same as its residuals
        return out, exposed, pullback(full), jax.tree.leaves(pullback)

    seeds = [None if c is None else _abstract(c) for c in cotangents]
    extras = [jax.ShapeDtypeStruct(t.shape, t.dtype) for t in taps]
    closed, shapes = jax.make_jaxpr(vjp, return_shape=True)(
        list(inputs), seeds, extras
    )
    out, exposed, _, residuals = shapes
    counts = (len(out), len(exposed), count, len(taps), len(residuals))
    parts = _in_parts(open_jaxpr(closed).outvars, counts)
    values, primal, derivatives, tapped, saved = parts
    return Traced(
        closed, primal, values, derivatives, tapped=tapped, residuals=saved
    )


def trace_linear(
    f: Function,
    leaves: Sequence[Any],
    differentiated: Sequence[int],
    reverse: bool,
) -> tuple[Any, Callable[[Sequence[Any]], Traced]]:
    """Differentiate `f` at concrete values, for functions whose Python looks at values.

    Returns the output, and a function from the seeds (None for integers) to the traced linear
    program.
    """
    part = partial_in(f, leaves, differentiated)
    chosen = [leaves[i] for i in differentiated]
    out, linear = (
        jax.vjp(part, *chosen) if reverse else jax.linearize(part, *chosen)
    )
    flat, tree = jax.tree.flatten(out)

    def traced(seeds: Sequence[Any]) -> Traced:
        def run(_: Any, seeds: Sequence[Any]) -> Any:
            if not reverse:
                tangents = [t for t in seeds if t is not None]
                return jax.tree.leaves(linear(*tangents))
            cotangents = [
                _or_float0(c, y) for c, y in zip(seeds, flat, strict=True)
            ]
            return linear(jax.tree.unflatten(tree, cotangents))

        closed = jax.make_jaxpr(run)(list(leaves), list(seeds))
        derivatives = list(open_jaxpr(closed).outvars)
        return Traced(closed, exposed=[], outputs=[], derivatives=derivatives)

    return out, traced


def partial_in(
    function: Function, leaves: Sequence[Any], chosen: Sequence[int]
) -> Function:
    """Return `function` of the chosen inputs alone, the others fixed."""

    def part(*values: Any) -> Any:
        full = list(leaves)
        for index, value in zip(chosen, values, strict=True):
            full[index] = value
        return function(*full)

    return part


def trimmed(traced: Traced) -> Any:
    """Return a derivative program, closed, with its own inputs and outputs and what these need.

    Equations that are marked stay even where nothing reads them: they are f's own.
    """
    jaxpr = open_jaxpr(traced.closed)
    outputs = [*traced.outputs, *traced.derivatives]
    ends = [*outputs, *traced.exposed, *traced.residuals]
    needed = {v for v in ends if not is_literal(v)}
    equations = []
    for eqn in reversed(jaxpr.eqns):
        is_needed = not needed.isdisjoint(eqn.outvars)
        if is_needed or marked_path(scope_of(eqn)) is not None or eqn.effects:
            needed.update(v for v in eqn.invars if not is_literal(v))
            equations.append(eqn)
    inputs = len(jaxpr.invars) - len(traced.tapped)
    invars = [*jaxpr.constvars, *jaxpr.invars[:inputs]]
    cut = with_interface(jaxpr.replace(eqns=equations[::-1]), invars, outputs)
    return close(cut, constants(traced.closed))


def _in_parts(
    items: Iterable[Any], counts: Iterable[int]
) -> Iterator[list[Any]]:
    """Yield that many of the items, and then that many."""
    rest = iter(items)
    return (list(itertools.islice(rest, count)) for count in counts)


def _or_float0(cotangent: Any, output: Any) -> Any:
    """Return a cotangent, for integers (which have none) what jax takes in its place."""
    if cotangent is None:
        return np.zeros(np.shape(output), jax.dtypes.float0)
    return cotangent


def _abstract(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(x), dtype_of(x))
