"""What counting costs beside what is counted: jax's own compiling and tracing."""

import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp

import olympus_kit as ok
from olympus_kit.program import count

from ._ratio import Ratio, interleaved
from .bench_graph import chain


def energy(x):
    return jnp.sum(jnp.tanh(x) ** 2)


def network(weights, x):
    for w in weights:
        x = jnp.tanh(w @ x)
    return jnp.sum(x**2)


def sines(x):
    for _ in range(10_000):
        x = jnp.sin(x)
    return x


def ratios() -> Iterator[Ratio]:
    """Compare with what a user of jax waits for anyway."""
    small = (jnp.ones(64),)
    large = (jnp.ones((8, 32, 32)), jnp.ones(32))
    deep = ([jnp.ones((8, 8))] * 1250, jnp.ones(8))
    yield compiling("a small function", energy, small)
    yield compiling("a network of eight layers", network, large)
    yield counting("the gradient of a network", jax.grad(network), deep)
    yield counting("sines, products and sums", chain(10_002), (jnp.ones(3),))
    # nothing traces faster than the same jitted function again and again: the worst case
    yield counting("a chain of sines", sines, small, aim=None)


def compiling(name, f, args) -> Ratio:
    """Compare `cost`, without timing, with compiling the functions that it compares."""
    ways = (lambda f: f, jax.grad, jax.jacrev, jax.hessian)

    def fresh():
        """Return functions that jax has not seen, so that no cache answers for them."""
        return [way(lambda *xs: f(*xs)) for way in ways]

    def compiled():
        lowered = [jax.jit(g).lower(*args) for g in fresh()]
        return [one.compile() for one in lowered]

    counted = lambda: [ok.cost({"f": g}, *args, progress=False) for g in fresh()]
    ours, theirs = interleaved([counted, compiled], 5)
    return Ratio(f"cost without timing / compiling {name} and three derivatives", ours / theirs, 3)


def counting(name, f, args, aim=0.2) -> Ratio:
    """Compare the count of some 10,000 equations with jax's tracing of them."""
    jaxpr = jax.make_jaxpr(f)(*args)
    equations = len(jaxpr.jaxpr.eqns)  # a gradient has fewer on some versions of jax
    assert 7_000 <= equations < 10_100
    jobs = [lambda: count(jaxpr), lambda: jax.make_jaxpr(lambda *xs: f(*xs))(*args)]
    ours, theirs = interleaved(jobs, 7, time.process_time)
    return Ratio(f"counting {equations:,} equations / tracing, {name}", ours / theirs, aim)
