"""The operations of a program against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from olympus_kit.program import capture

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")


def work(f, *args):
    """Operations of f as the walk over its equations counts them."""
    return capture(f, *args, argnums="all", mode="primal").totals.flops


def ones(*shape):
    return np.ones(shape)


SIZES = [(2, 3, 4), (5, 1, 7)]


@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_products(m, n, k):
    assert work(jnp.matmul, ones(m, n), ones(n, k)) == 2 * m * n * k
    assert work(jnp.matmul, ones(m, n), ones(n)) == 2 * m * n
    assert work(jnp.dot, ones(n), ones(n)) == 2 * n
    assert work(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), ones(6, m, n), ones(6, n, k)) == (
        6 * 2 * m * n * k
    )


@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_both_derivatives_of_a_product(m, n, k):
    """Each of the two adjoints costs as much as the product itself."""
    p = capture(lambda x, w: x @ w, ones(m, n), ones(n, k), argnums="all")
    assert p.totals.flops == 3 * 2 * m * n * k
    p = capture(lambda x, w: x @ w, ones(m, n), ones(n, k), argnums=0)
    assert p.totals.flops == 2 * 2 * m * n * k


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions(groups, stride):
    batch, inputs, outputs, side, kernel = 2, 4, 6, 9, 3

    def f(x, w):
        return lax.conv_general_dilated(x, w, (stride, stride), "VALID", feature_group_count=groups)

    x, w = ones(batch, inputs, side, side), ones(outputs, inputs // groups, kernel, kernel)
    made = batch * outputs * ((side - kernel) // stride + 1) ** 2
    assert work(f, x, w) == made * 2 * (inputs // groups) * kernel**2


@pytest.mark.parametrize("shape", [(12,), (3, 4), (1, 5)])
def test_elementwise_and_reductions(shape):
    x, n = ones(*shape), int(np.prod(shape))
    assert work(lambda x: jnp.sin(x) * x + x, x) == 3 * n
    assert work(lambda x: x**4, x) == 3 * n
    assert work(jnp.sum, x) == work(jnp.max, x) == n - 1
    assert work(lambda x: x.sum(-1), x) == n - n // shape[-1]
    assert work(lambda x: jnp.cumsum(x, -1), x) == n - n // shape[-1]
    assert work(lambda x: x.T.reshape(-1)[::-1], x) == 0
    assert work(lambda x: lax.reduce(x, 1.0, lambda a, b: a * b + a, (0,)), x) == (
        2 * (n - n // shape[0])
    )


def test_windows_scatters_and_transforms():
    x = ones(6, 8)
    assert work(lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 3), (1, 1), "VALID"), x) == (
        5 * 6 * (2 * 3 - 1)
    )
    add = lambda x: x.at[jnp.array([0, 0])].add(1.0)
    scatter = next(e for e in capture(add, x, mode="primal").walk() if e.bodies)
    assert scatter.flops == 2 * 8
    assert work(jnp.fft.fft, x.astype(complex)) == 5 * 6 * 8 * 3
    assert work(jnp.fft.rfft, x) == 5 * 6 * 8 * 3 / 2


@pytest.mark.parametrize("n", [3, 6])
def test_dense_linear_algebra(n):
    a = 2 * np.eye(n)
    found = {e.primitive: e.flops for e in capture(jnp.linalg.cholesky, a, mode="primal").walk()}
    assert found["cholesky"] == n**3 / 3
    f = lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True)
    found = {e.primitive: e.flops for e in capture(f, a, ones(n, 2), mode="primal").walk()}
    assert found["triangular_solve"] == n**2 * 2


@pytest.mark.parametrize("n", [1, 7])
def test_loops_are_multiplied_loop_by_loop(n):
    w = np.eye(4)

    def inner(c):
        return lax.fori_loop(0, 5, lambda i, q: jnp.asarray(w) @ q, c)

    def outer(x):
        return lax.scan(lambda c, _: (inner(c), None), x, None, length=n)[0]

    turn = 2 * 4 * 4 + 1  # the product, and a fori_loop's counter
    assert work(outer, ones(4)) == n * 5 * turn


def test_the_branch_taken_counts():
    def f(x):
        return lax.cond(x.sum() > 0, lambda v: v @ v, lambda v: v[0], x)

    for sign, taken in ((1.0, 2 * 8), (-1.0, 0)):
        p = capture(f, sign * ones(8), mode="primal")
        assert [e.flops for e in p.equations if e.primitive == "cond"] == [taken]


def halvings(x):
    return lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)


def test_every_turn_counts_with_the_branch_and_the_trips_that_it_took():
    def step(c, a):
        c = c + lax.cond(a > 4, lambda v: v * v * v, lambda v: v, a)  # 2 or 0 operations
        return c + halvings(a), None

    xs = np.array([8.0, 16.0, 1.0, 5.0])
    trips = [3, 4, 0, 3]
    p = capture(lambda x: lax.scan(step, x, xs)[0], 0.0, mode="primal")
    scan = next(e for e in p.equations if e.primitive == "scan")
    conds = 3 * 2
    whiles = sum(t + (t + 1) for t in trips)
    others = len(xs) * 3  # the comparison and two additions
    assert scan.flops == conds + whiles + others


def test_a_loop_too_long_to_be_watched_is_still_counted():
    p = capture(halvings, 2.0**900, mode="primal")
    (loop,) = p.equations
    assert (loop.trips, loop.flops) == (900, 900 + 901)
    turns = p.values[loop.bodies[1].equations[0].results[0]].summary.iterations
    assert 0 < turns < 900
