"""Where the right result itself is in doubt: a derivative of JAX's that quotients contradict.

A few derivative rules of libraries are wrong at a point: the second derivative of `i0` at 0 came
out 0 in place of 1/2 (JAX's issue 40627), and a reference that uses such a rule is wrong, too. So
the reference is asked once more, with difference quotients in place of the derivatives of the
functions among its arguments.

Limits: only functions of arrays that are arguments of the question are looked at, and a function
with a corner has two sensible answers there. So a doubt never says that an answer is right.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .run import results
from .spec import Question

STEP = 1e-3  # relative; the quotient's error is of fourth order in it
WEIGHTS = {1: 2 / 3, -1: -2 / 3, 2: -1 / 12, -2: 1 / 12}


@lru_cache(maxsize=64)
def by_quotients(question: Question) -> list[Any]:
    """The right result of every case by difference quotients, or the exception that came.

    Nothing for a question without functions among its arguments: there is nothing to ask anew.
    """
    cases = question.cases()
    if not any(map(callable, jax.tree.leaves(dict(cases[0].arguments)))):
        return [None] * len(cases)

    def rule(arguments: dict[str, Any]) -> Any:
        asked = jax.tree.map(with_quotients, arguments)
        return question.reference(*asked.values())

    return results(question, rule)


def with_quotients(leaf: Any) -> Any:
    """A function whose derivatives are difference quotients, of every order; else the leaf."""
    if not callable(leaf):
        return leaf
    function: Callable[..., Any] = leaf

    @jax.custom_jvp
    def call(*primals: Any) -> Any:
        return function(*primals)

    @call.defjvp
    def call_jvp(primals: Any, tangents: Any) -> Any:
        value = call(*primals)
        total = jax.tree.map(jnp.zeros_like, value)
        for place, tangent in enumerate(tangents):
            columns = _jacobian(call, primals, place)
            directions = jnp.ravel(tangent)
            for column, direction in zip(columns, directions, strict=True):
                add = lambda t, c, d=direction: t + c * d
                total = jax.tree.map(add, total, column)
        return value, total

    return call


def _jacobian(
    call: Callable[..., Any], primals: tuple[Any, ...], place: int
) -> list[Any]:
    """The derivative with respect to each entry of one argument."""
    x = jnp.asarray(primals[place])
    columns = []
    for index in np.ndindex(x.shape):
        size = jnp.abs(x[index])
        h = STEP * jax.lax.stop_gradient(jnp.where(size == 0, 1.0, size))
        column = None
        for steps, weight in WEIGHTS.items():
            moved = x.at[index].add(steps * h)
            at = call(*primals[:place], moved, *primals[place + 1 :])
            share = jax.tree.map(lambda v, w=weight / h: w * v, at)
            if column is None:
                column = share
            else:
                column = jax.tree.map(jnp.add, column, share)
        columns.append(column)
    return columns
