"""Equations of one kind: what is derived or compiled once for many.

jax derives the rule of a bare primitive anew for each equation, which takes most of a trace, and
calls a bare primitive in twice the time of a compiled one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.extend.source_info_util as source_info_util

from .basics import Variable, function_of, map_equations, open_jaxpr, program_of
from .bodies import has_bodies

# from this many equations of a kind on, one derivation of their rule is cheaper than many
SHARED_FROM = 8
# and from this many on they are compiled: jax compiles each kind for eager calls anyway
COMPILED_FROM = 128


def share_rules(jaxpr: Any) -> Any:
    """Return the program with each plain equation of a frequent kind inside an inlined jit.

    jax keeps the derivative of what is jitted; it inlines these jits, so no trace of them is left.
    """

    def kind(eqn: Any) -> Hashable | None:
        own = _kind(eqn)
        return None if own is None else (own, tuple(v.aval for v in eqn.invars))

    calls = _for_frequent_kinds(jaxpr.eqns, kind, SHARED_FROM, _inlined_jit)

    def shared(index: int, eqn: Any) -> Any:
        call = calls[index]
        if call is None:
            return eqn
        return call.replace(
            invars=eqn.invars, outvars=eqn.outvars, source_info=eqn.source_info
        )

    return map_equations(jaxpr, shared)


def compiled(eqns: Sequence[Any]) -> list[Callable[..., list[Any]] | None]:
    """Return for each equation of a frequent kind the function of its operands, compiled."""

    def compiled_kind(eqn: Any) -> Callable[..., list[Any]]:
        return _compiled(eqn.primitive, eqn.ctx, tuple(eqn.params.items()))

    return _for_frequent_kinds(eqns, _kind, COMPILED_FROM, compiled_kind)


def bind(
    primitive: Any, ctx: Any, params: Any, operands: Sequence[Any]
) -> list[Any]:
    """Run a primitive as its equation says, and return its results as a list."""
    with ctx.manager:
        out = primitive.bind(*operands, **params)
    return list(out) if primitive.multiple_results else [out]


def _for_frequent_kinds(
    eqns: Sequence[Any],
    kind: Callable[[Any], Hashable | None],
    least: int,
    make: Callable[[Any], Any],
) -> list[Any]:
    """Return for each equation what is made of its kind, None where that is not frequent."""
    if len(eqns) < least:
        return [None] * len(eqns)
    kinds = [kind(eqn) for eqn in eqns]
    example = dict(zip(kinds, eqns, strict=True))
    shared = {
        key: make(example[key])
        for key, count in Counter(kinds).items()
        if key is not None and count >= least
    }
    return [shared.get(key) for key in kinds]


def _kind(eqn: Any) -> Hashable | None:
    """Return what equations must share to be one function, None for those that cannot be."""
    if eqn.effects or has_bodies(eqn):
        return None
    kind = (eqn.primitive, eqn.ctx, tuple(eqn.params.items()))
    try:
        hash(kind)
    except TypeError:  # a parameter that cannot be compared
        return None
    return kind


def _inlined_jit(eqn: Any) -> Any:
    """Return the call of a jitted function that is this equation alone."""
    no_scope = source_info_util.new_name_stack()
    source_info = eqn.source_info.replace(name_stack=no_scope)
    inputs = [Variable(v.aval) for v in eqn.invars]
    alone = program_of(
        [eqn.replace(invars=inputs, source_info=source_info)],
        inputs,
        eqn.outvars,
    )
    traced = jax.make_jaxpr(jax.jit(function_of(alone)))(*[
        v.aval for v in inputs
    ])
    call = open_jaxpr(traced).eqns[0]
    # a flag up to jax 0.10, a member of an enumeration from 0.11 on
    inlined = getattr(type(call.params["inline"]), "JAX_EARLY", True)
    return call.replace(params=call.params | {"inline": inlined})


@lru_cache(1024)
def _compiled(
    primitive: Any, ctx: Any, params: Any
) -> Callable[..., list[Any]]:
    return jax.jit(
        lambda *operands: bind(primitive, ctx, dict(params), operands)
    )
