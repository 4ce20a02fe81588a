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
    ),
    labels=("f(x) = x², x = 3", "f = sin, x = 2.5", "f(x) = 1000 + sin(x), x = 20"),
    large_points=(2,),
    reference=lambda f, x: jax.jacfwd(f)(x),
    predictions={"value-for-derivative": Mistake(result=lambda f, x: f(x))},
    read="book/00_start.md#start-check",
)
