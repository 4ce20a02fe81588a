"""What Jacobians cost beside jax's own: the choice of mode, the picture, the sparse one."""

import copy
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp

import olympus_kit as ok

from ._ratio import Ratio, interleaved


def dense_map(m, n, hidden=1000):
    """Return a network with a hidden layer, from n to m numbers."""
    first, second = jax.random.split(jax.random.key(0))
    a = jax.random.normal(first, (hidden, n)) / n
    b = jax.random.normal(second, (m, hidden)) / hidden
    return lambda x: jnp.tanh(b @ jnp.tanh(a @ x))


def tridiagonal(x):
    """Each output depends on three neighbours."""
    padded = jnp.pad(x, 1)
    return jnp.sin(padded[:-2]) - 2 * x**2 + padded[2:] * x


def least(jobs, rounds=15):
    """Return the least time of each job, compiled before."""
    interleaved(jobs, 2)
    return interleaved(jobs, rounds)


def ratios() -> Iterator[Ratio]:
    """Compare with jacfwd and jacrev as a user would call them."""
    yield from chosen()
    yield from picture()
    yield from sparse()


def chosen() -> Iterator[Ratio]:
    """Compare the mode that is chosen with the better of jax's two."""
    for name, m, n in (("tall", 2000, 100), ("wide", 100, 2000)):
        f, x = dense_map(m, n), jnp.linspace(0.0, 1.0, n)
        jobs = [
            lambda j=j, f=f, x=x: jax.block_until_ready(j(f)(x)) for j in (jax.jacfwd, jax.jacrev)
        ]
        # the worse one would leave its traces in the caches, for whatever runs after it
        better = min(jobs, key=lambda job: least([job], 3)[0])
        ours, theirs = least([lambda f=f, x=x: ok.jacobian_shapes(f, x), better])
        yield Ratio(f"jacobian_shapes, {name} {m} × {n} / better mode", ours / theirs, 1.2)


def picture() -> list[Ratio]:
    """Compare all that a notebook shows of 300 × 300 entries with computing them."""
    f, x = dense_map(300, 300), jnp.linspace(0.0, 1.0, 300)
    view = ok.jacobian_shapes(f, x)
    # a copy has the entries, and nothing that was made for a display
    shown = lambda: copy.deepcopy(view)._repr_mimebundle_()

    both = lambda: ok.jacobian_shapes(f, x)._repr_mimebundle_()
    drawn, whole, theirs = least([shown, both, lambda: jax.block_until_ready(jax.jacfwd(f)(x))])
    return [
        Ratio("text, picture and HTML of a 300 × 300 Jacobian / jacfwd", drawn / theirs, 1.5),
        Ratio("the same with filling it / jacfwd", whole / theirs),
    ]


def sparse() -> list[Ratio]:
    """Compare the sparse Jacobian with the dense one: passes, and time once prepared."""
    x = jnp.linspace(0.0, 1.0, 2000)
    few, all_of_it = ok.sparse_jacobian(tridiagonal, x), jax.jit(jax.jacfwd(tridiagonal))

    def ten(jacobian):  # the first after a dense one finds the caches full of it
        for _ in range(10):
            jax.block_until_ready(jacobian(x))

    ours, theirs = least([partial(ten, few), partial(ten, all_of_it)])
    passes = ok.sparsity(tridiagonal, x).passes
    return [
        Ratio("passes, sparse / dense tridiagonal 2000 × 2000", passes / 2000, 1 / 100),
        Ratio("time, sparse / dense tridiagonal 2000 × 2000 (both jitted)", ours / theirs, 1 / 20),
    ]
