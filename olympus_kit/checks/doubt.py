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

from .run import results
from .spec import Question

STEP = 1e-3  # relative; the quotient's error is of fourth order in it


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
    """A function of arrays whose derivatives of every order are quotients; any other leaf as is."""
    if not callable(leaf):
        return leaf

    @jax.custom_jvp
    def call(*primals: Any) -> Any:
        return leaf(*primals)

    def call_jvp(primals: Any, tangents: Any) -> Any:
        value = call(*primals)
        total = jnp.zeros_like(value)
        for place, tangent in enumerate(tangents):
            columns = _jacobian(call, primals, place)
            total = total + jnp.tensordot(jnp.ravel(tangent), columns, 1)
        return value, total

    call.defjvp(call_jvp)
    return call


def _jacobian(
    call: Callable[..., Any], primals: tuple[Any, ...], place: int
) -> Any:
    """The derivatives with respect to each entry of one argument, stacked."""
    x = jnp.asarray(primals[place])
    sizes = jnp.where(x == 0, 1.0, jnp.abs(x))
    steps = jnp.diag(jnp.ravel(STEP * jax.lax.stop_gradient(sizes)))

    def column(step: Any) -> Any:
        def moved(by: int) -> Any:
            there = x + by * step.reshape(x.shape)
            return call(*primals[:place], there, *primals[place + 1 :])

        near, far = moved(1) - moved(-1), moved(2) - moved(-2)
        return (8 * near - far) / (12 * jnp.sum(step))

    return jax.vmap(column)(steps)
