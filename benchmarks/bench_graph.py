"""What a picture costs beside jax's own traces of the function, its JVP and its VJP."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

import olympus_kit as ok

from ._ratio import Ratio, interleaved

X = jnp.ones(3)


def chain(equations):
    """Return a function of about so many equations, new each time, so that no cache helps."""

    def f(x):
        for _ in range(equations // 3):
            x = jnp.sin(x) * x + 0.5
        return x.sum()

    return f


def traces(equations):
    """Trace a function, its JVP and its VJP."""
    f = chain(equations)
    jax.make_jaxpr(f)(X)
    jax.make_jaxpr(lambda x, t: jax.jvp(f, (x,), (t,)))(X, X)
    jax.make_jaxpr(lambda x, u: jax.vjp(f, x)[1](u))(X, jnp.float32(1))


def ratios() -> Iterator[Ratio]:
    """Compare at 50 and at 1,000 equations."""
    for equations, rounds in ((50, 15), (1000, 5)):
        jobs = [
            lambda n=equations: traces(n),
            lambda n=equations: ok.graph(chain(n), X),
            lambda n=equations: ok.graph(chain(n), X).html(),
        ]
        interleaved(jobs, 1)  # warm up
        floor, graph, page = interleaved(jobs, rounds)
        label = f"({equations:,} equations) / jax's traces of f, jvp and vjp"
        yield Ratio(f"graph {label}", graph / floor)
        yield Ratio(f"graph and its HTML {label}", page / floor)
