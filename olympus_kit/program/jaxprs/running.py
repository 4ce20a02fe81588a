"""Run single equations that were read, as jax would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from .._model import Equation
from .basics import is_literal, program_of
from .sharing import bind, compiled


def run_equation(equation: Equation, operands: Sequence[Any]) -> list[Any]:
    """Run an equation, the values in its bodies unseen."""
    eqn = equation.origin
    if not equation.bodies:
        return bind(eqn.primitive, eqn.ctx, eqn.params, operands)
    inputs = {}
    for variable, operand in zip(eqn.invars, operands, strict=True):
        if not is_literal(variable):
            inputs[variable] = operand
    alone = program_of([eqn], list(inputs), eqn.outvars, eqn.effects)
    return list(jax.core.eval_jaxpr(alone, (), *inputs.values()))


def compiled_equations(
    equations: Sequence[Equation],
) -> list[Callable[..., list[Any]] | None]:
    """Return for each equation of a frequent kind the function of its operands, compiled."""
    return compiled([equation.origin for equation in equations])
