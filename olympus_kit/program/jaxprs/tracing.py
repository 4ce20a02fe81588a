"""Trace a function and its derivatives, and say which variable of the trace stands for what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from .notes import without_notes

Function = Callable[..., Any]
Values = Sequence[Any]


def trace(f: Function, args: Values) -> tuple[Any, Any]:
    """Return the closed program of `f` at `args`, and the structure of its output."""
    return jax.make_jaxpr(f, return_shape=True)(*args)


def primal_variables(jaxpr: Any) -> list[Any]:
    """Return the variables that a program's equations make, in order, bodies left out.

    Mutable arrays are left out, too: no program may return one.
    """
    variables = []
    for eqn in open_jaxpr(jaxpr).eqns:
        for variable in eqn.outvars:
            if not is_ref(variable):
                variables.append(variable)
    return variables


def exposing(closed: Any, jaxpr: Any) -> Function:
    """Return the function inputs -> (outputs, every primal value) of a program.

    `jaxpr` is that of `closed`, open and changed in a way that keeps its variables.
    """
    count = len(jaxpr.outvars)
    invars = [*open_jaxpr(closed).constvars, *jaxpr.invars]
    outvars = [*jaxpr.outvars, *primal_variables(closed)]
    run = function_of(with_interface(jaxpr, invars, outvars))
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
    tangents: Values = ()  # of the exposed values
    tapped: Values = ()  # the cotangent of each tap
    residuals: Values = ()  # what the pullback holds
    # those of f, that the primal values belong to; set by the caller
    variables: Values = ()
    # place of a value in a body -> its tangent, or its adjoint
    noted: Mapping[str, Any] = field(default_factory=dict)


def trace_forward(
    function: Function,
    inputs: Values,
    differentiated: Sequence[int],
    outputs: int,
) -> Traced:
    """Trace the JVP of a function made by `exposing`, which has so many outputs."""

    def jvp(leaves: Values, tangents: Values) -> Any:
        part = partial_in(function, leaves, differentiated)
        primals = [leaves[i] for i in differentiated]
        return jax.jvp(part, primals, list(tangents))

    seeds = [_abstract(inputs[i]) for i in differentiated]
    closed, noted = without_notes(jax.make_jaxpr(jvp)(list(inputs), seeds))
    outvars = open_jaxpr(closed).outvars
    exposed = len(outvars) // 2 - outputs
    parts = _in_parts(outvars, (outputs, exposed, outputs, exposed))
    values, primal, derivatives, tangents = parts
    return Traced(
        closed,
        primal,
        values,
        derivatives,
        tangents,
        noted=noted,
    )


def trace_reverse(
    function: Function,
    inputs: Values,
    differentiated: Sequence[int],
    cotangents: Values,
    taps: Values,
) -> Traced:
    """Trace the forward pass and the pullback of a function made by `exposing`.

    `taps` are the types of the inputs that stand behind its own.
    """

    def vjp(
        leaves: Values,
        cts: Values,
        extras: Values,
    ) -> Any:
        # the taps are inputs like others, and differentiated
        whole = [*leaves, *extras]
        chosen = [*differentiated, *range(len(leaves), len(whole))]
        part = partial_in(function, whole, chosen)
        primals = [whole[i] for i in chosen]
        out, pullback, exposed = jax.vjp(part, *primals, has_aux=True)
        full = _with_float0(cts, out)
        # the leaves of a pullback are what it holds; jax lists the same as its residuals, and no
        # program may return a mutable array
        saved = [leaf for leaf in jax.tree.leaves(pullback) if not is_ref(leaf)]
        return out, exposed, pullback(full), saved

    seeds = [None if c is None else _abstract(c) for c in cotangents]
    extras = [jax.ShapeDtypeStruct(t.shape, t.dtype) for t in taps]
    closed, shapes = trace(vjp, [list(inputs), seeds, extras])
    closed, noted = without_notes(closed)
    out, exposed, _, residuals = shapes
    counts = (
        len(out),
        len(exposed),
        len(differentiated),
        len(taps),
        len(residuals),
    )
    parts = _in_parts(open_jaxpr(closed).outvars, counts)
    values, primal, derivatives, tapped, saved = parts
    return Traced(
        closed,
        primal,
        values,
        derivatives,
        tapped=tapped,
        residuals=saved,
        noted=noted,
    )


def trace_linear(
    f: Function,
    leaves: Values,
    differentiated: Sequence[int],
    reverse: bool,
) -> tuple[Any, Callable[[Values], Traced]]:
    """Differentiate `f` at concrete values, for functions whose Python looks at values.

    Returns the output, and a function from the seeds (None for integers) to the traced linear
    program.
    """
    part = partial_in(f, leaves, differentiated)
    chosen = [leaves[i] for i in differentiated]
    differentiate = jax.vjp if reverse else jax.linearize
    out, linear = differentiate(part, *chosen)
    flat, tree = jax.tree.flatten(out)

    def traced(seeds: Values) -> Traced:
        def run(_: Any, seeds: Values) -> Any:
            if reverse:
                cotangents = _with_float0(seeds, flat)
                return linear(jax.tree.unflatten(tree, cotangents))
            tangents = [t for t in seeds if t is not None]
            return jax.tree.leaves(linear(*tangents))

        closed = jax.make_jaxpr(run)(list(leaves), list(seeds))
        derivatives = list(open_jaxpr(closed).outvars)
        return Traced(closed, [], [], derivatives)

    return out, traced


def taps_without_flow(traced: Traced) -> list[int]:
    """Return the taps whose cotangent goes nowhere: on values of zero derivative, as of sign(x).

    jax by itself would not compute it, nor save what that takes.
    """
    needed = _variables(traced.derivatives)
    zeros = set()  # they stand for no cotangent
    for eqn in reversed(open_jaxpr(traced.closed).eqns):
        operands = _variables(eqn.invars)
        if not operands:
            zeros.update(eqn.outvars)
        changed = [*eqn.outvars, *filter(is_ref, operands)]
        if not needed.isdisjoint(changed):
            needed |= operands
    places = []
    for place, cotangent in enumerate(traced.tapped):
        if not is_literal(cotangent) and cotangent not in needed | zeros:
            places.append(place)
    return places


def partial_in(
    function: Function,
    leaves: Values,
    chosen: Sequence[int],
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
    needed = _variables([*outputs, *traced.exposed, *traced.residuals])
    equations = []
    for eqn in reversed(jaxpr.eqns):
        is_needed = not needed.isdisjoint(eqn.outvars) or eqn.effects
        # most are needed: their marks need no look
        if is_needed or marked_path(scope_of(eqn)) is not None:
            needed |= _variables(eqn.invars)
            equations.append(eqn)
    inputs = len(jaxpr.invars) - len(traced.tapped)
    invars = [*jaxpr.constvars, *jaxpr.invars[:inputs]]
    cut = jaxpr.replace(eqns=equations[::-1])
    cut = with_interface(cut, invars, outputs)
    return close(cut, constants(traced.closed))


def _variables(atoms: Iterable[Any]) -> set[Any]:
    return {atom for atom in atoms if not is_literal(atom)}


def _in_parts(
    items: Iterable[Any], counts: Iterable[int]
) -> Iterator[list[Any]]:
    """Yield that many of the items, and then that many."""
    rest = iter(items)
    return (list(itertools.islice(rest, count)) for count in counts)


def _with_float0(cotangents: Values, outputs: Values) -> list[Any]:
    """Return the cotangents, for integers (which have none) what jax takes in their place."""
    full = []
    for cotangent, output in zip(cotangents, outputs, strict=True):
        if cotangent is None:
            cotangent = np.zeros(np.shape(output), jax.dtypes.float0)
        full.append(cotangent)
    return full


def _abstract(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(x), dtype_of(x))
