"""What capturing costs beside jax's own traces and one eager run of the program returned."""

import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from olympus_kit.program import capture
from olympus_kit.program._model import MODES

from ._ratio import Ratio, interleaved
from .bench_graph import X, chain

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
    """Compare at 1,000 and 10,000 equations; measure JSON and memory."""
    for mode in MODES:
        seconds = {}
        for equations, rounds in ((1000, 5), (10_000, 2)):
            jobs = [
                lambda n=equations, m=mode: floor(n, m),
                lambda n=equations, m=mode: capture(chain(n), X, mode=m),
            ]
            interleaved(jobs, 1)  # warm up
            least, seconds[equations] = interleaved(jobs, rounds, time.process_time)
            label = f"capture {mode} ({equations:,} equations) / traces and one eager run"
            yield Ratio(label, seconds[equations] / least, 1.5)
        growth = seconds[10_000] / seconds[1000]
        yield Ratio(f"capture {mode} of 10,000 / of 1,000 equations", growth, 12)
    yield from sizes()
    yield memory()


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
