"""The specifications of 00_start.md, released from solutions/00_start.md: edit them there."""

import jax
import jax.numpy as jnp

from olympus_kit.checks import Mistake, Question

slope = Question(
    name="slope",
    returns="slope",
    points=(
        {"f": lambda x: x**2, "x": 3.0},
        {"f": jnp.sin, "x": 2.5},
        {"f": lambda x: 1000 + jnp.sin(x), "x": 20.0},
        {"f": jnp.exp, "x": -0.75},
        {"f": lambda x: jnp.sin(x) + abs(x), "x": -2.0},
    ),
    labels=(
        "f(x) = x², x = 3",
        "f = sin, x = 2.5",
        "f(x) = 1000 + sin(x), x = 20",
        "f = exp, x = −0.75",
        "f(x) = sin(x) + |x|, x = −2",
    ),
    large_points=(2,),
    reference=lambda f, x: jax.jacfwd(f)(x),
    predictions={
        "value-for-derivative": Mistake(result=lambda f, x: f(x)),
        "example-typed-in": Mistake(result=lambda f, x: 2 * x),
        "slope-from-zero": Mistake(result=lambda f, x: f(x) / x),
        "secant-from-zero": Mistake(result=lambda f, x: (f(x) - f(0.0)) / x),
    },
    mistakes=(
        Mistake(
            "example-typed-in",
            "the slope of x² alone",
            "Your result is 2x, whatever `f` is. That is the slope of x²; your function should "
            "work for every `f`.",
        ),
        Mistake(
            "slope-from-zero",
            "the height divided by the place",
            "Your result is f(x) / x: the height at x, divided by x. The slope says how fast the "
            "height changes near x; `olympus.grad` computes it.",
        ),
        Mistake(
            "secant-from-zero",
            "the rise from 0 to x",
            "Your result is the mean slope between 0 and x: (f(x) − f(0)) / x. The slope "
            "at x says how fast the height changes there; `olympus.grad` computes it.",
        ),
    ),
    read="book/00_start.md#start-check",
)
