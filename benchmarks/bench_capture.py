"""What capturing costs beside jax's own traces and one eager run of the program returned."""

import json
import tracemalloc
import zlib

import jax
import jax.numpy as jnp

from olympus_kit.program import capture

from ._ratio import Ratio, interleaved
from .bench_graph import X, chain


def floor(equations):
    """Trace f and its VJP, and run the equations of the VJP once, one by one."""
    f = chain(equations)
    jax.make_jaxpr(f)(X)
    closed = jax.make_jaxpr(lambda x, u: jax.vjp(f, x)[1](u))(X, jnp.float32(1))
    jax.core.eval_jaxpr(closed.jaxpr, closed.consts, X, jnp.float32(1))


def ratios() -> list[Ratio]:
    """Compare at 1,000 and 10,000 equations; measure JSON and memory."""
    found, seconds = [], {}
    for equations, rounds in ((1000, 5), (10_000, 2)):
        jobs = [lambda n=equations: floor(n), lambda n=equations: capture(chain(n), X)]
        interleaved(jobs, 1)  # warm up
        least, captured = interleaved(jobs, rounds)
        seconds[equations] = captured
        label = f"capture ({equations:,} equations) / traces and one eager run"
        found.append(Ratio(label, captured / least, 1.5))
    found.append(
        Ratio("capture of 10,000 / of 1,000 equations", seconds[10_000] / seconds[1000], 12)
    )
    return [*found, *sizes(), memory()]


def sizes() -> list[Ratio]:
    """Return the bytes of JSON for each equation, plain and deflated."""
    program = capture(chain(10_000), X)
    text = program.to_json(values=False).encode()
    json.loads(text)
    count = len(program.equations)
    return [
        Ratio("JSON without values, bytes / equation", len(text) / count, 400),
        Ratio("the same, deflated", len(zlib.compress(text, 9)) / count, 25),
    ]


def memory() -> Ratio:
    """Return the peak of Python's memory while large values are captured, beside the values."""
    x = jnp.ones(1_000_000)
    f = lambda x: jnp.sin(jnp.sin(jnp.sin(jnp.sin(x)))).sum()
    made = sum(p.nbytes for p in capture(f, x).values)
    tracemalloc.start()
    capture(f, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Ratio("Python's own memory while capturing large values / the values", peak / made, 3)
