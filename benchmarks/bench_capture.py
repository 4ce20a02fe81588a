"""What capturing costs beside jax's own traces and one eager run of the program returned."""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp

from olympus_kit.program import capture

from ._ratio import Ratio, interleaved
from .bench_graph import X, chain

MODES = ("primal", "forward", "reverse")
ONE = jnp.float32(1)
# what jax traces for each mode beside f itself, and the seeds that the result is run with
DERIVATIVES = {
    "forward": (lambda f: lambda x, t: jax.jvp(f, (x,), (t,)), jnp.ones(3)),
    "reverse": (lambda f: lambda x, u: jax.vjp(f, x)[1](u), ONE),
}


def floor(equations, mode):
    """Trace f and its derivative, and run the equations of the latter once, one by one."""
    f, args = chain(equations), [X]
    closed = jax.make_jaxpr(f)(X)
    if mode in DERIVATIVES:
        derivative, seed = DERIVATIVES[mode]
        args.append(seed)
        closed = jax.make_jaxpr(derivative(f))(*args)
    jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *args)


def ratios() -> Iterator[Ratio]:
    """Compare at 1,000 and 10,000 equations; measure nested programs and memory."""
    totals = {}
    for equations, rounds in ((1000, 10), (10_000, 3)):
        floors, ours = 0.0, 0.0
        for mode in MODES:
            jobs = [
                lambda n=equations, m=mode: floor(n, m),
                lambda n=equations, m=mode: capture(chain(n), X, mode=m),
            ]
            interleaved(jobs, 1)  # warm up
            least, seconds = interleaved(jobs, rounds, time.process_time)
            label = f"capture {mode} ({equations:,} equations) / traces and one eager run"
            yield Ratio(label, seconds / least)
            if mode in DERIVATIVES:
                floors += least
                ours += seconds
        yield Ratio(f"capture forward and reverse ({equations:,} equations)", ours / floors, 1.1)
        totals[equations] = ours
    growth = totals[10_000] / totals[1000]
    yield Ratio("capture forward and reverse of 10,000 / of 1,000 equations", growth, 11)
    yield from nested()
    yield memory()


def nested_jits(depth):
    """A function inside that many calls of jit."""
    f = jnp.sin
    for _ in range(depth):
        f = jax.jit(lambda x, g=f: g(x) * 2.0)
    return f


def nested_scans(depth, iterations=1):
    """A function inside that many loops of so many iterations."""
    f = jnp.sin
    for _ in range(depth):
        f = lambda c, g=f: jax.lax.scan(lambda c, _: (g(c) * 1.01, None), c, None, iterations)[0]
    return f


def with_own_rule(f):
    """Twice a function, with a rule of its own for the derivative."""
    twice = lambda x: f(x) * 2.0
    own = jax.custom_jvp(twice)
    own.defjvp(lambda primals, tangents: jax.jvp(twice, primals, tangents))
    return own


def nested_rules(depth):
    """A function inside that many functions with a rule of their own."""
    f = jnp.sin
    for _ in range(depth):
        f = with_own_rule(f)
    return f


def nested() -> Iterator[Ratio]:
    """Compare the capture of nested programs with jax's own trace of the same derivative."""
    for name, make, depth, most in (
        ("jit", nested_jits, 30, 3),
        ("scan", nested_scans, 10, 3),
        # jax only traces it; the capture also runs all 128 iterations of the innermost loop
        ("scan of two iterations", partial(nested_scans, iterations=2), 7, 6),
        ("custom_jvp", nested_rules, 30, 3),
    ):

        def trace(make=make, depth=depth):
            f = make(depth)
            jax.make_jaxpr(lambda x, u: jax.vjp(f, x)[1](u))(0.5, 1.0)

        jobs = [trace, lambda make=make, depth=depth: capture(make(depth), 0.5)]
        interleaved(jobs, 1)  # warm up
        least, ours = interleaved(jobs, 5, time.process_time)
        yield Ratio(f"capture {depth} nested {name} / jax's own trace", ours / least, most)


MEMORY = """
import resource, jax, jax.numpy as jnp
from olympus_kit.program import capture

def f(x):
    for _ in range(6):
        x = jnp.sin(x) * x
    return x.sum()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

capture(f, jnp.ones(3))
x = jax.block_until_ready(jnp.ones(2_000_000))
before = peak()
program = capture(f, x)
print((peak() - before) / sum(v.nbytes for v in program.values))
"""


def memory() -> Ratio:
    """Return how far the peak of a process rises while large values are captured."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    return Ratio("extra memory while capturing / the values", float(run.stdout), 3)
