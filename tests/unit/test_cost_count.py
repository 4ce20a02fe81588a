"""Counts without running: closed forms, loops, memory."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from olympus_kit.program import count

pytestmark = pytest.mark.usefixtures("x64")


def of(f, *shapes):
    arrays = [jax.ShapeDtypeStruct(s, jnp.float64) for s in shapes]
    return count(jax.jit(f).trace(*arrays).jaxpr)


@pytest.mark.parametrize(("m", "k", "n"), [(2, 3, 4), (7, 1, 5), (64, 32, 16)])
def test_a_matrix_product(m, k, n):
    assert of(lambda a, b: a @ b, (m, k), (k, n)).flops == 2 * m * k * n


def test_a_batched_product():
    assert of(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), (5, 2, 3), (5, 3, 4)).flops == 240


@pytest.mark.parametrize(("batch", "channels", "out"), [(1, 1, 1), (2, 3, 4)])
def test_a_convolution(batch, channels, out):
    f = lambda x, w: lax.conv(x, w, (1, 1), "VALID")
    found = of(f, (batch, channels, 8, 9), (out, channels, 3, 2))
    assert found.flops == batch * out * 6 * 8 * (2 * channels * 3 * 2)


@pytest.mark.parametrize("turns", [1, 10, 100])
def test_a_scan_counts_every_turn_where_xla_counts_one(turns):
    def f(w, x):
        return lax.scan(lambda c, _: (jnp.sin(w @ c), None), x, None, length=turns)[0]

    found = of(f, (8, 8), (8,))
    assert found.flops == turns * (2 * 64 + 8)
    assert found.transcendentals == turns * 8
    shapes = [jax.ShapeDtypeStruct(s, jnp.float64) for s in ((8, 8), (8,))]
    lowered = jax.jit(f).lower(*shapes).cost_analysis()["flops"]
    assert lowered < 2 * (2 * 64 + 8 + 8)  # one turn and its counter


@pytest.mark.parametrize(("outer", "inner"), [(2, 3), (5, 7)])
def test_nested_loops_multiply(outer, inner):
    def f(x):
        turn = lambda c, _: (lax.scan(lambda d, _: (d * 2, None), c, None, length=inner)[0], None)
        return lax.scan(turn, x, None, length=outer)[0]

    assert of(f, (4,)).flops == outer * inner * 4


def test_a_cond_costs_its_dearest_branch():
    f = lambda x: lax.cond(x[0] > 0, lambda v: v * v + v, lambda v: v, x)
    cheap = lambda x: lax.cond(x[0] > 0, lambda v: v, lambda v: v, x)
    assert of(f, (10,)).flops - of(cheap, (10,)).flops == 20


def test_a_while_loop_is_said_to_be_unknown():
    f = lambda x: lax.while_loop(lambda c: c[0] < 100, lambda c: c * 2, x)
    found = of(f, (3,))
    assert not found.exact
    assert found.flops == 2 * 1 + 3  # the condition twice, the body once
    assert of(lambda x: lax.fori_loop(0, 5, lambda i, c: c * 2, x), (3,)).exact


def test_what_is_read_and_written():
    assert of(lambda x, y: x + y, (10,), (10,)).bytes == 3 * 80
    assert of(lambda x: x * x, (10,)).bytes == 2 * 80


def test_memory_is_held_until_the_last_reader():
    def f(x):
        a = jnp.sin(x)
        b = jnp.cos(a)
        return a * b  # a, b, then only the product

    assert of(f, (10,)).peak == 2 * 80
    assert of(lambda x: jnp.sin(jnp.sin(jnp.sin(x))), (10,)).peak == 80


def test_the_memory_of_a_loop_holds_its_stack_and_one_turn():
    f = lambda x: lax.scan(lambda c, _: (jnp.sin(c), c), x, None, length=50)[1].sum()
    # the stack and the last carry, and inside one turn the new carry
    assert of(f, (10,)).peak == 50 * 80 + 80 + 80


@pytest.mark.parametrize("turns", [1, 50])
def test_reverse_mode_keeps_one_value_a_turn_and_forward_mode_none(turns):
    def f(x):
        return lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=turns)[0].sum()

    forward = of(lambda x, v: jax.jvp(f, (x,), (v,)), (10,), (10,))
    assert forward.residual == 0
    assert forward.peak <= 8 * 80
    back = of(jax.grad(f), (10,))
    assert back.residual == turns * 80
    assert back.peak >= turns * 80
    assert of(jax.jit(jax.grad(jax.jit(f))), (10,)).residual == turns * 80
    assert of(jax.grad(jax.checkpoint(f)), (10,)).residual == 80


def test_recomputing_is_counted():
    f = lambda x: jnp.sum(jnp.sin(jnp.sin(x)))
    plain, again = of(jax.grad(f), (10,)), of(jax.grad(jax.checkpoint(f)), (10,))
    assert again.flops > plain.flops
    assert again.residual < plain.residual


@pytest.mark.parametrize("f", [jnp.sin, lambda x: x * jnp.cos(x), lambda x: jnp.tanh(x).sum()])
def test_residuals_are_what_jax_s_pullback_holds_and_no_cotangents(f):
    x = jnp.ones(10)
    out, pullback = jax.vjp(f, x)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(pullback))
    traced = jax.jit(lambda x, u: jax.vjp(f, x)[1](u)).trace(x, out)
    assert count(traced.jaxpr).residual == held
