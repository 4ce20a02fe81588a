"""The specifications of 11_loops.md, released from solutions/11_loops.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement

PAGE = "exercises/11_loops.md"


def value_and_slope(answer):
    """Use the answer as reverse mode does."""

    def call(g, a):
        value = answer(g, a)
        if value is None or callable(value):
            return value
        return value, jax.grad(lambda a: answer(g, a))(a)

    return call


def unrolled(g, a, steps=200):
    """The iteration with a fixed number of steps, which forward mode simply follows."""
    return jax.lax.fori_loop(0, steps, lambda _, x: g(x, a), jnp.ones_like(a))


def followed(g, a):
    """Value and slope of the unrolled iteration."""
    return unrolled(g, a), jax.jacfwd(lambda a: unrolled(g, a))(a)


def with_slope(rule):
    """The value, and a slope made of the two derivatives of g at the solution."""

    def result(g, a):
        x = unrolled(g, a)
        return x, rule(x, *jax.jacfwd(g, argnums=(0, 1))(x, a))

    return result


def at_start(g, a):
    along_x, along_a = jax.jacfwd(g, argnums=(0, 1))(jnp.ones_like(a), a)
    return unrolled(g, a), along_a / (1 - along_x)


def bends(answer, arguments):
    """Whether the second derivative is that of the unrolled iteration."""
    g, a = arguments.values()
    twice = lambda d, f: d(d(lambda a: f(g, a)))(a)
    got, want = twice(jax.grad, answer), twice(jax.jacfwd, unrolled)
    return bool(np.allclose(got, want, rtol=1e-3, atol=0))


fixed_point = Question(
    name="fixed_point",
    returns=("value", "slope"),
    call="fixed_point(g, a), and its derivative for a",
    adapt=value_and_slope,
    points=(
        {"g": lambda x, a: (x + a / x) / 2, "a": 1e6},
        {"g": lambda x, a: jnp.cos(a * x), "a": 0.75},
        {"g": lambda x, a: a + jnp.sin(x) / 2, "a": 3.0},
    ),
    labels=("the square root of 1e6", "x = cos(a x), a = 0.75", "x = a + sin(x)/2, a = 3"),
    large_points=(0,),
    reference=followed,
    requirements=(Requirement("works-only-once", bends),),
    predictions={
        "only-direct": Mistake(result=with_slope(lambda x, along_x, along_a: along_a)),
        "root-only": Mistake(result=with_slope(lambda x, along_x, along_a: 1 / (2 * x))),
        "plus-for-minus": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_a / (1 + along_x))
        ),
        "at-the-start": Mistake(result=at_start),
    },
    mistakes=(
        Mistake(
            "only-direct",
            "right for the square root only",
            "You took the derivative of g for a, and nothing else. But a also moves x, and x goes "
            "into g again: x′ = ∂ₓg · x′ + ∂ₐg. For Newton's square root ∂ₓg is 0 at the solution, "
            "so it does not show there.",
            read=PAGE,
        ),
        Mistake(
            "root-only",
            "the rule of the square root",
            "Your rule is 1/(2x): that is the square root's. Here g may be any function, so its "
            "derivatives have to come from g itself.",
            read=PAGE,
        ),
        Mistake(
            "plus-for-minus",
            "plus instead of minus",
            "You divided by 1 + ∂ₓg. From x′ = ∂ₓg · x′ + ∂ₐg follows (1 − ∂ₓg) x′ = ∂ₐg.",
            read=PAGE,
        ),
        Mistake(
            "at-the-start",
            "taken at the starting point",
            "You took the derivatives of g at the starting point x = 1. The equation holds at the "
            "solution: take them there.",
            read=PAGE,
        ),
        Mistake(
            "works-only-once",
            "differentiates only once",
            "The value and the first derivative are right, but the second derivative fails. A rule "
            "that calls `iterate` leads the second derivative into the bare loop: inside the rule, "
            "call `fixed_point`.",
            "For the square root at a = 4 the second derivative should be −1/32 = −0.03125.",
            read=PAGE,
        ),
    ),
    rtol=1e-8,  # an iteration stops a few roundings before the end
    read=PAGE,
)

def roots(a, steps):
    """Closed form: the steps double the angle of an hyperbolic cotangent."""
    r = jnp.sqrt(a)
    near = ((1 - r) / (1 + r)) ** (2**steps)
    return r * (1 + near) / (1 - near)


def value_and_slope_at(f):
    """A function of a and steps, and its slope for a."""
    return lambda a, steps: (f(a, steps), jax.jacfwd(lambda a: f(a, steps))(a))


def used(answer):
    """Use the answer as reverse mode does."""

    def call(a, steps):
        value = answer(a, steps)
        if value is None or callable(value):
            return value
        return value, jax.grad(lambda a: answer(a, steps))(a)

    return call


def half_in_one_term(a, steps):
    x = jnp.ones_like(a)
    for _ in range(steps):
        x = x + a / x / 2
    return x


def last_step_alone(a, steps):
    x = roots(a, steps - 1)
    return roots(a, steps), 1 / (2 * x)


newton_root = Question(
    name="newton_root",
    returns=("value", "slope"),
    call="newton_root(a, steps), and its derivative for a",
    adapt=used,
    points=({"a": 2.0, "steps": 2}, {"a": 0.25, "steps": 3}, {"a": 1e6, "steps": 10}),
    labels=("a = 2, 2 steps", "a = 0.25, 3 steps", "a = 1e6, 10 steps"),
    large_points=(2,),
    reference=value_and_slope_at(roots),
    predictions={
        "one-step-short": Mistake(result=value_and_slope_at(lambda a, steps: roots(a, steps - 1))),
        "exact-root": Mistake(result=value_and_slope_at(lambda a, steps: jnp.sqrt(a))),
        "precedence-of-slash": Mistake(result=value_and_slope_at(half_in_one_term)),
        "stopped-gradient": Mistake(result=last_step_alone),
    },
    mistakes=(
        Mistake(
            "one-step-short",
            "one step short",
            "Your result is that of one step fewer. `range(n)` and `fori_loop(0, n, …)` both run "
            "n times.",
            read=PAGE,
        ),
        Mistake(
            "exact-root",
            "the root itself",
            "You returned the exact root. This question asks for what a given number of steps makes "
            "of 1, converged or not.",
            read=PAGE,
        ),
        Mistake(
            "precedence-of-slash",
            "a missing bracket",
            "`x + a / x / 2` halves the second term only. A step is the mean of both: "
            "`(x + a / x) / 2`.",
            read=PAGE,
        ),
        Mistake(
            "stopped-gradient",
            "only the last step was differentiated",
            "Your value is right, but the slope is that of the last step alone. What comes into it "
            "depends on a, too: every step adds its share.",
            read=PAGE,
        ),
    ),
    rtol=1e-8,
    read=PAGE,
)
