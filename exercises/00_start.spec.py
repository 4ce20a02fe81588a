"""The specifications of 00_start.md, released from solutions/00_start.md: edit them there."""

import jax
import jax.numpy as jnp

from olympus_kit.checks import Question, Wrong

slope = Question(
    name="slope",
    returns="slope",
    points=(
        {"f": lambda x: x**2, "x": 3.0},
        {"f": jnp.sin, "x": 2.5},
        {"f": lambda x: 1000 + jnp.sin(x), "x": 20.0},
    ),
    labels=("f(x) = x², x = 3", "f = sin, x = 2.5", "f(x) = 1000 + sin(x), x = 20"),
    large=(2,),
    reference=lambda f, x: jax.jacfwd(f)(x),
    wrong={"value-for-derivative": Wrong(lambda f, x: f(x))},
    read="book/00_start.md",
)
