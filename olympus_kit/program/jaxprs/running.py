"""Run single equations that were read, as jax would; and watch what jax runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import jax
import jax.extend.core as jec

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


def largest_made(run: Callable[[], Any]) -> int:
    """Return the elements of the largest array that jax's operations make while `run` runs.

    It sees what no trace can: a function that turns its arrays into NumPy's. Under a `vmap` the
    whole batch is seen, since the operation is bound once more below it, for the whole batch:

        vmap(sin) of shape (64, 64)     binds sin of shape (64,), then sin of shape (64, 64)
    """
    sizes = [0]
    bind_with_trace: Any = jec.Primitive.bind_with_trace

    def watched(primitive: Any, *arguments: Any) -> Any:
        made = bind_with_trace(primitive, *arguments)
        for value in jax.tree.leaves(made):
            if isinstance(value, jax.Array):
                sizes.append(value.size)
        return made

    with mock.patch.object(jec.Primitive, "bind_with_trace", watched):
        run()
    return max(sizes)
