"""The peak of random small programs, against brute force."""

import jax
import jax.extend.core as jec
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olympus_kit.program import count

pytestmark = pytest.mark.usefixtures("x64")

# each step picks what it does and which earlier values it reads
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "sin", "double", "sum"]), st.integers(0, 50)),
    min_size=1,
    max_size=12,
)


def program(steps):
    def run(values, some):
        values = list(values)
        for what, k in some:
            a, b = values[k % len(values)], values[(7 * k + 3) % len(values)]
            if what == "add":
                values.append(a + jnp.sum(b))
            elif what == "double":
                values.append(jnp.concatenate([jnp.ravel(a), jnp.ravel(a)])[:64])
            elif what == "sum":
                values.append(jnp.sum(a))
            else:
                values.append(jnp.sin(a))
        return values

    return lambda x, y: run([x, y], steps)[:1:-3]


def size(variables):
    return sum(v.aval.size * v.aval.dtype.itemsize for v in variables)


def brute_force(jaxpr):
    """At each equation, look at every value: is it made by now, and still to be read?

    While a loop runs, its stacked results are there, and what one turn holds.
    """
    outputs = [v for v in jaxpr.outvars if not isinstance(v, jec.Literal)]

    def held(made, reading):
        later = [id(v) for eqn in reading for v in eqn.invars] + list(map(id, outputs))
        return size(v for eqn in made for v in eqn.outvars if id(v) in later)

    most = 0
    for k, eqn in enumerate(jaxpr.eqns):
        most = max(most, held(jaxpr.eqns[: k + 1], jaxpr.eqns[k + 1 :]))
        if eqn.primitive.name == "scan":
            turn = brute_force(eqn.params["jaxpr"].jaxpr)
            most = max(most, held(jaxpr.eqns[:k], jaxpr.eqns[k:]) + size(eqn.outvars) + turn)
    return most


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_peak_of_straight_programs(steps):
    closed = jax.make_jaxpr(program(steps))(jnp.ones(3), jnp.ones(8))
    assert count(closed).peak == brute_force(closed.jaxpr)


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_a_call_adds_what_is_held_around_it(steps):
    f = program(steps)
    inner = brute_force(jax.make_jaxpr(f)(jnp.ones(3), jnp.ones(8)).jaxpr)

    def outer(x, y):
        kept = jnp.sin(y)
        return jax.jit(f)(x, y), kept

    closed = jax.make_jaxpr(outer)(jnp.ones(3), jnp.ones(8))
    assert count(closed).peak == 64 + inner


@settings(max_examples=30, deadline=None)
@given(STEPS, STEPS, st.integers(1, 5))
def test_a_loop_holds_its_stack_and_one_turn(steps, around, turns):
    def looped(x, y):
        def turn(carry, _):
            inner = program(steps)(carry, y)
            return carry * 2, inner

        start, stacked = jax.lax.scan(turn, jnp.sin(x), None, length=turns)
        return program(around)(start, y), stacked

    closed = jax.make_jaxpr(looped)(jnp.ones(3), jnp.ones(8))
    assert count(closed).peak == brute_force(closed.jaxpr)
