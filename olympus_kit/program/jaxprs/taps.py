"""Taps: jax itself tells the adjoint of every value, and what each use of it contributes.

A tap is the identity in its first argument, and its derivative adds the second argument's tangent.
Transposed, it hands on the cotangent of the first argument and returns a copy of it as the
cotangent of the second, and no equation is left of it. In

    s = sin(x);  y = s * s          s' = tap(sin(x), e);  y = tap(s', e1) * tap(s', e2)

the cotangents of e1 and e2 are what the two uses contribute, and that of e is the adjoint of s:
the sum that jax has made of them. Nothing is guessed from the equations, in which one variable
may well be the adjoint of several values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.extend.core as jec
import jax.extend.source_info_util as source_info_util
from jax.interpreters import ad

from .basics import (
    Variable,
    is_dropped,
    is_inexact,
    is_literal,
    is_ref,
    open_jaxpr,
    with_interface,
)

tap_p = jec.Primitive("olympus_tap")
tap_p.def_impl(lambda value, extra: value)
tap_p.def_abstract_eval(lambda value, extra: value)
ad.primitive_jvps[tap_p] = lambda primals, tangents: (
    primals[0],
    ad.add_tangents(*tangents),
)

OUTPUT = "out"  # stands for the path of an equation where a value is used as an output


@dataclass(frozen=True, slots=True)
class Tap:
    """One added input: the whole of a value, or one use of it."""

    variable: Any  # the value that is tapped
    type: Any
    path: (
        str | None
    )  # the equation that uses it, None where the tap is on the whole value
    position: int = 0


def tap(
    jaxpr: Any,
    differentiated: Sequence[int],
    left_out: Collection[Any] = (),
) -> tuple[Any, list[Tap]]:
    """Put a tap on each value that depends on the chosen inputs, and on each of several uses.

    Returns the program, whose added inputs stand behind its own, and what each of them taps.
    """
    active = {
        v
        for v in active_variables(jaxpr, differentiated)
        if not is_ref(v) and v not in left_out
    }
    uses = _count_uses(jaxpr)
    return _Tapping(jaxpr, active, {v for v in active if uses[v] > 1}).program(
        differentiated
    )


class _Tapping:
    """The equations of a program while taps are put between them."""

    def __init__(self, jaxpr: Any, active: set[Any], reused: set[Any]) -> None:
        self.jaxpr = jaxpr
        self.active, self.reused = active, reused
        self.taps: list[Tap] = []
        self.extras: list[Any] = []
        self.equations: list[Any] = []
        self.template = open_jaxpr(jax.make_jaxpr(tap_p.bind)(1.0, 1.0)).eqns[0]
        no_scope = source_info_util.new_name_stack()
        self.no_source = self.template.source_info.replace(name_stack=no_scope)

    def program(self, differentiated: Sequence[int]) -> tuple[Any, list[Tap]]:
        """Return the program with its taps, and what each of them taps."""
        inputs = list(self.jaxpr.invars)
        for place in differentiated:
            variable = inputs[place]
            inputs[place] = Variable(variable.aval)
            whole = Tap(variable, variable.aval, None)
            self.add(whole, inputs[place], variable, self.no_source)
        for index, eqn in enumerate(self.jaxpr.eqns):
            path, source = str(index), eqn.source_info
            invars = [
                self.use(v, path, k, source) for k, v in enumerate(eqn.invars)
            ]
            fresh = {
                v: Variable(v.aval)
                for v in eqn.outvars
                if v in self.active and not is_dropped(v)
            }
            outvars = [fresh.get(v, v) for v in eqn.outvars]
            self.equations.append(eqn.replace(invars=invars, outvars=outvars))
            for variable, untapped in fresh.items():
                self.add(
                    Tap(variable, variable.aval, None),
                    untapped,
                    variable,
                    source,
                )
        outvars = [
            self.use(v, OUTPUT, k, self.no_source)
            for k, v in enumerate(self.jaxpr.outvars)
        ]
        tapped = self.jaxpr.replace(eqns=self.equations)
        return with_interface(
            tapped, [*inputs, *self.extras], outvars
        ), self.taps

    def use(self, variable: Any, path: str, position: int, source: Any) -> Any:
        """Return what stands for a value where it is used."""
        if is_literal(variable) or variable not in self.reused:
            return variable
        result = Variable(variable.aval)
        self.add(
            Tap(variable, variable.aval, path, position),
            variable,
            result,
            source,
        )
        return result

    def add(self, tap: Tap, operand: Any, result: Any, source: Any) -> None:
        extra = Variable(tap.type)
        self.taps.append(tap)
        self.extras.append(extra)
        self.equations.append(
            self.template.replace(
                invars=[operand, extra], outvars=[result], source_info=source
            )
        )


def active_variables(jaxpr: Any, differentiated: Sequence[int]) -> set[Any]:
    """Return the variables that carry a derivative when the chosen inputs do.

    A mutable array does so from the first equation on that has it beside a value that does.
    """
    active = {jaxpr.invars[i] for i in differentiated}
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "stop_gradient":
            continue
        operands = [v for v in eqn.invars if not is_literal(v)]
        if not active.isdisjoint(operands):
            active.update(v for v in eqn.outvars if _is_differentiable(v))
            active.update(v for v in operands if is_ref(v))
    return active


def _count_uses(jaxpr: Any) -> Counter[Any]:
    uses: Counter[Any] = Counter()
    for eqn in jaxpr.eqns:
        uses.update(v for v in eqn.invars if not is_literal(v))
    uses.update(v for v in jaxpr.outvars if not is_literal(v))
    return uses


def _is_differentiable(variable: Any) -> bool:
    return is_ref(variable) or is_inexact(getattr(variable.aval, "dtype", int))
