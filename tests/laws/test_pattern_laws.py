"""A pattern never lacks an entry that differs from zero, and holds no other where that is easy."""

import copy
import pickle

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import olympus_kit as ok
from olympus_kit.program import _pattern as pattern_rules
from olympus_kit.program import sparsity_pattern

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

ALL = corpus.CORPUS | corpus.FORWARD_ONLY | corpus.REVERSE_ONLY


def is_inexact(x):
    return jnp.issubdtype(jax.dtypes.result_type(x), jnp.inexact)


def dense(f, args):
    """Return the Jacobian of all inexact outputs as a function of the arguments, by jax alone."""
    leaves, tree = jax.tree.flatten(args)
    which = [k for k, x in enumerate(leaves) if is_inexact(x)]

    def flat(points):
        full = list(leaves)
        for k, point in zip(which, points, strict=True):
            full[k] = point
        out = jax.tree.leaves(f(*jax.tree.unflatten(tree, full)))
        parts = [jnp.ravel(y) for y in out if is_inexact(y)]
        return jnp.concatenate(parts)

    def points_of(args):
        return [jnp.asarray(x) for x in jax.tree.leaves(args) if is_inexact(x)]

    points = points_of(args)
    rows = jax.eval_shape(flat, points).size
    compute = jax.jit(jax.jacfwd(flat))
    try:
        compute(points)
    except TypeError:  # a custom_vjp, or complex inputs
        compute = jax.jit(jax.jacrev(flat))

    def at(args):
        blocks = compute(points_of(args))
        columns = [np.reshape(b, (rows, x.size)) for b, x in zip(blocks, points, strict=True)]
        return np.concatenate(columns, axis=1)

    return at


def moved(args, k, spread=0.1):
    """The arguments at another point, of the same kind."""

    def change(x):
        if not is_inexact(x) or k == 0:
            return x
        array = np.asarray(x)
        step = spread * np.sin(1.0 + k + (2 * k + 1) * np.arange(array.size)).reshape(array.shape)
        return (array + step).astype(array.dtype)

    return jax.tree.map(change, args)


def nonzero(f, args, points=3, spread=0.1):
    """Where the Jacobian differs from zero at any of several points."""
    at = dense(f, args)
    return np.any([at(moved(args, k, spread)) != 0 for k in range(points)], axis=0)


# jax has no Jacobian of these: neither holomorphic nor real, and no vmap of a mutable array
WITHOUT = ("complex", "mutable_array", "mutable_array_of_x")


@pytest.mark.parametrize("name", [n for n in ALL if n not in WITHOUT])
def test_a_pattern_lacks_no_entry(name):
    f, args = ALL[name]
    found = sparsity_pattern(f, *args, argnums="all").toarray()
    assert found.dtype == bool
    assert not (nonzero(f, args) & ~found).any()


N = 8
X = 0.3 + np.sin(np.arange(float(N)))
IMAGE = np.cos(np.arange(2 * 6 * 5.0)).reshape(1, 2, 6, 5)
KERNEL = 1.0 + np.arange(4 * 2 * 3 * 2.0).reshape(4, 2, 3, 2)
NUMBERS = ("NCHW", "OIHW", "NCHW")


@jax.custom_vjp
def straight_through(x):
    """Rounds, and hands cotangents on as if it did not."""
    return jnp.round(x)


straight_through.defvjp(lambda x: (jnp.round(x), None), lambda _, u: (u,))


@jax.custom_jvp
def with_neighbour(x):
    """Has a rule that mixes entries which the function itself does not."""
    return jnp.floor(x)


with_neighbour.defjvp(lambda p, t: (jnp.floor(p[0]), t[0] + jnp.roll(t[0], 1)))


@jax.custom_jvp
def scaled(factor, x):
    """Has a rule of several arguments, one of which may be a constant."""
    return factor * x


scaled.defjvp(lambda p, t: (scaled(*p), p[0] * t[1] + t[0] * p[1]))


def conv(x, kernel=KERNEL, **options):
    options = {"window_strides": (1, 1), "padding": "SAME", "dimension_numbers": NUMBERS} | options
    return lax.conv_general_dilated(x, jnp.asarray(kernel), **options)


def in_place(x):
    return lax.fori_loop(1, N - 1, lambda i, c: c.at[i].set(c[i] * x[i + 1]), x)


def recurrence(x):
    return lax.scan(lambda c, a: (0.5 * c + a, c * a), x[0], x[1:])


def while_known(x):
    return lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, jnp.roll(c[1], 1)), (0, x))[1]


# cases in which the pattern is exactly where some point has an entry
EXACT = {
    "elementwise": (lambda x: jnp.sin(x) * jnp.exp(x) + 2 / (3 + x), X),
    "all functions": (
        lambda x: jnp.tanh(x) + jax.nn.gelu(x) + jax.nn.softplus(x) + jnp.log1p(x**2) - x**3,
        X,
    ),
    "a row of size 1": (lambda x: x[None, :] * x[:, None], X),
    "tridiagonal": (lambda x: jnp.pad(x, 1)[:-2] - 2 * x + jnp.pad(x, 1)[2:], X),
    "cyclic": (lambda x: jnp.roll(x, 1) * x, X),
    "strides": (lambda x: x[::3] + x[1::3][:3].sum(), X[:7]),
    "reverse": (lambda x: x[::-1].reshape(2, 4).T, X),
    "split and stack": (lambda x: jnp.stack(jnp.split(x, 2)[::-1]), X),
    "unstack": (lambda x: jnp.unstack(x.reshape(2, 4), axis=1)[2], X),
    "repeat": (lambda x: jnp.repeat(x, 2) * jnp.tile(x, 2), X),
    "mask": (lambda x: jnp.where(jnp.arange(N) < 3, x, 0.0) * jnp.arange(N), X),
    "unknown mask": (lambda x: jnp.where(x > 0.4, x, jnp.roll(x, 1)), X),
    "triangle": (lambda x: jnp.tril(jnp.outer(x, x)), X),
    "constant matrix": (lambda x: jnp.diag(jnp.ones(N - 1), 1) @ x, X),
    "matrices": (lambda a: a @ a.T, X.reshape(2, 4)),
    "batched matrices": (lambda a: jnp.einsum("bij,bjk->bik", a, a), X.reshape(2, 2, 2)),
    "sums": (lambda a: jnp.stack([a.sum(), a[:1, :2].max(), a[0].prod()]), X.reshape(2, 4)),
    "sums along an axis": (lambda a: a.sum(0) + a.mean(1).sum(), X.reshape(2, 4)),
    "cumulative": (lambda x: jnp.cumsum(x) + jnp.cumprod(x), X),
    "cumulative from behind": (lambda x: lax.cumsum(x, reverse=True), X),
    "gather": (lambda x: x[jnp.array([[0, 3], [-1, 3]])], X),
    "take beyond the end": (lambda x: jnp.take(x, np.array([0, 99]), fill_value=3.0), X),
    "rows": (lambda a: a[jnp.array([1, 0, 1]), 1:], X.reshape(2, 4)),
    "scatter": (lambda x: x.at[jnp.array([1, 5])].set(x[:2] ** 2), X),
    "scatter-add": (lambda x: x.at[jnp.array([1, 1, 5])].add(x[5:]), X),
    "scatter-mul": (lambda x: x.at[jnp.array([1, 5])].multiply(x[:2], unique_indices=True), X),
    "scatter beyond the end": (lambda x: x.at[jnp.array([2, 99])].add(x[:2], mode="drop"), X),
    "segment sum": (lambda x: jax.ops.segment_sum(x, np.arange(N) // 3, 3), X),
    "update a slice": (lambda x: lax.dynamic_update_slice(x, x[:2] ** 2, (3,)), X),
    "dynamic slice": (lambda x: lax.dynamic_slice(x, (jnp.array(2),), (3,)), X),
    "convolve": (lambda x: jnp.convolve(x, jnp.array([1.0, 0.0, -1.0]), "same"), X),
    "convolve with itself": (lambda x: jnp.convolve(x, x), X),
    "convolution": (conv, IMAGE),
    "strided convolution": (lambda x: conv(x, window_strides=(2, 1), padding="VALID"), IMAGE),
    "dilated kernel": (lambda x: conv(x, rhs_dilation=(2, 3)), IMAGE),
    "dilated image": (lambda x: conv(x, lhs_dilation=(2, 1), padding=[(-1, 2), (1, 0)]), IMAGE),
    "grouped": (lambda x: conv(x, KERNEL[:, :1], feature_group_count=2), IMAGE),
    "batches in groups": (
        lambda x: conv(x, KERNEL[:, :1, :2], batch_group_count=2, dimension_numbers=NUMBERS),
        IMAGE.reshape(2, 1, 6, 5),
    ),
    "kernel": (lambda k: conv(IMAGE, k), KERNEL),
    "pooling": (lambda x: lax.reduce_window(x, 0.0, lax.add, (3,), (2,), "SAME"), X),
    "sort": (lambda a: jnp.sort(a * jnp.array([1.0, -1.0]), axis=1), X.reshape(4, 2)),
    "greatest": (lambda a: lax.top_k(a, 1)[0], X.reshape(4, 2)),
    "fft": (lambda a: jnp.fft.rfft(a).real[:, 0], X.reshape(2, 4)),
    "systems": (
        lambda x: jax.vmap(jnp.linalg.cholesky)(x[:, None, None] ** 2 + jnp.eye(2))[:, 1, 1],
        X[:3],
    ),
    "jit and checkpoint": (lambda x: jax.checkpoint(jax.jit(jnp.sin))(x) * x[::-1], X),
    "recurrence": (recurrence, X),
    "recurrence from behind": (
        lambda x: lax.scan(lambda c, a: (c * a, c), 1.0, x, reverse=True)[1],
        X,
    ),
    "in place": (in_place, X),
    "while, known": (while_known, X),
    "cond, known": (lambda x: lax.cond(jnp.array(3) > 2, jnp.sin, lambda u: u[::-1], x), X),
    "cond, unknown": (
        lambda x: lax.cond(x.sum() > 2.8, jnp.sin, lambda u: u[::-1], x),
        X,
    ),
    "relu": (lambda x: jax.nn.relu(jnp.roll(x, 2)), X),
    "straight through": (straight_through, X),
    "rule with neighbours": (with_neighbour, X),
    "rule of a constant": (lambda x: scaled(jnp.array(3.0), x), X),
    "gradient": (jax.grad(lambda x: jnp.sum(x[1:] ** 2 * x[:-1] ** 2)), X),
    "hessian vector product": (
        lambda x: jax.jvp(jax.grad(lambda y: jnp.sum(y[1:] * y[:-1] ** 3)), (x,), (x,))[1],
        X,
    ),
    "walls": (lambda x: lax.stop_gradient(x) * x[::-1] + jnp.floor(x) + jnp.sign(x), X),
    "whole numbers": (lambda x: x * (x > 0).astype(float) + x.astype(int), X),
    "nothing": (lambda x: x[:0], X),
    "complex": (lambda x: (jnp.exp(1j * x) * (x + 1j)).real, X),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_pattern_holds_no_other_entry(name):
    f, x = EXACT[name]
    found = sparsity_pattern(f, x).toarray()
    expected = nonzero(f, (x,), 12, 1.5)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", EXACT)
def test_few_passes_give_the_whole_jacobian(name):
    f, x = EXACT[name]
    jacobian, at = ok.sparse_jacobian(f, np.zeros_like(x)), dense(f, (x,))
    for k in (0, 2):
        (point,) = moved((x,), k)
        blocks = jax.tree.leaves(jacobian(point), is_leaf=lambda b: hasattr(b, "todense"))
        dense_blocks = [np.asarray(b.todense()).reshape(-1, x.size) for b in blocks]
        found = np.concatenate(dense_blocks)
        np.testing.assert_allclose(found, at((point,)), rtol=1e-12, atol=1e-12)


def test_long_loops_are_followed_to_the_end(monkeypatch):
    """Beyond a number of iterations a loop counts as one that may end after any."""
    cases = {
        "scan": (
            lambda x: lax.scan(lambda c, a: (c * a, c + a), x[0], jnp.concatenate([x] * 4)),
            X,
        ),
        "spreading": (lambda x: lax.fori_loop(0, 3, lambda i, c: c + jnp.roll(c, 1), x), X),
        "while": (
            lambda x: lax.while_loop(
                lambda c: c[0] < 9 + x[0], lambda c: (c[0] + 1, c[1] + jnp.roll(c[1], 1)), (0.0, x)
            )[1],
            X,
        ),
    }
    for f, x in cases.values():
        exact = sparsity_pattern(f, x).toarray()
        with monkeypatch.context() as patch:
            patch.setattr(pattern_rules, "UNROLLED", 2)
            longer = sparsity_pattern(f, x).toarray()
        assert not (exact & ~longer).any()
        assert not (nonzero(f, (x,)) & ~exact).any()


def test_a_constant_of_many_steps_is_known():
    def f(x):
        n = jnp.array(0)
        for _ in range(3000):
            n = n + 1
        return jnp.where(n == 3000, x, x[::-1])

    np.testing.assert_array_equal(sparsity_pattern(f, X).toarray(), np.eye(N, dtype=bool))


MOVES = {
    "sin": jnp.sin,
    "square": lambda x: x * x,
    "roll": lambda x: jnp.roll(x, 1),
    "reverse": lambda x: x[::-1],
    "difference": lambda x: jnp.diff(x, append=0.5),
    "cumsum": jnp.cumsum,
    "relu": jax.nn.relu,
    "mask": lambda x: jnp.where(jnp.arange(x.size) % 2 == 0, x, 0.0),
    "choose": lambda x: jnp.where(x > 0.2, x, jnp.roll(x, 2)),
    "convolve": lambda x: jnp.convolve(x, jnp.array([1.0, 0.0, 2.0]), "same"),
    "gather": lambda x: x[(jnp.arange(x.size) * 2) % x.size],
    "scatter": lambda x: x.at[jnp.array([1, 1])].add(x[:2]),
    "sort": jnp.sort,
    "normalise": lambda x: x / (1 + jnp.sum(x**2)),
    "matrix": lambda x: jnp.eye(x.size, k=1) @ x,
    "scan": lambda x: lax.scan(lambda c, a: (0.3 * c + a, c), 0.0, x)[1],
    "cond": lambda x: lax.cond(x[0] > 0.3, jnp.cos, lambda u: u[::-1], x),
    "floor": lambda x: x + jnp.floor(x),
    "half": lambda x: jnp.concatenate([x[: x.size // 2], 0 * x[x.size // 2 :]]),
    "straight through": straight_through,
}


@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(MOVES)), min_size=1, max_size=5))
def test_random_programs_lack_no_entry(names):
    def f(x):
        for name in names:
            x = MOVES[name](x)
        return x

    with jax.enable_x64(True):
        found = sparsity_pattern(f, X[:6]).toarray()
        assert not (nonzero(f, (X[:6],)) & ~found).any()


def test_entries_that_are_changed_in_place_are_not_lost():
    found = sparsity_pattern(lambda x: x.at[jnp.array([1])].apply(jnp.sin), X)
    assert found.toarray()[np.arange(N), np.arange(N)].all()


def test_a_mutable_array_hides_what_depends_on_what():
    def f(x):
        ref = jax.new_ref(x)
        ref[0] = x[1]
        return jax.freeze(ref)

    assert sparsity_pattern(f, X).toarray().all()


def test_other_arguments_may_have_any_value():
    """Of numbers with a derivative only the shape counts; an integer is what it is."""
    f = lambda x, w, n: jnp.roll(w * x, n)
    found = sparsity_pattern(f, X, np.zeros(N), 2).toarray()
    np.testing.assert_array_equal(found, np.roll(np.eye(N, dtype=bool), 2, axis=0))
    jacobian = ok.sparse_jacobian(f, X, np.zeros(N), 2)
    expected = jax.jacfwd(f)(X, np.ones(N), 2)
    np.testing.assert_allclose(jacobian(X, np.ones(N), 2).todense(), expected)


def test_a_key_may_have_any_value():
    f = lambda x, key: x * jax.random.bernoulli(key, 0.5, (N,))
    first, second = jax.random.split(jax.random.key(0))
    jacobian = ok.sparse_jacobian(f, X, first)
    for key in (first, second):
        np.testing.assert_allclose(jacobian(X, key).todense(), jax.jacfwd(f)(X, key))


def test_static_arguments_are_handed_on():
    f = lambda x, how: x[::-1] if how == "turn" else x
    for how in ("turn", "stay"):
        expected = jax.jacfwd(lambda x, how=how: f(x, how))(X)
        found = ok.sparse_jacobian(f, X, how)(X, how)
        np.testing.assert_allclose(found.todense(), expected)


def test_blocks_stand_where_jax_s_stand():
    def f(p, x):
        return {"a": p["w"] @ x, "n": 3, "b": (jnp.sum(p["s"]), x)}

    args = ({"w": np.ones((2, 3)), "s": 2.0, "k": 7}, np.array([1.0, 2.0, 3.0]))
    found = ok.sparse_jacobian(f, *args, argnums=(0, 1))(*args)
    real = lambda p, x: {k: v for k, v in f({**p, "k": 7}, x).items() if k != "n"}
    params = {k: v for k, v in args[0].items() if k != "k"}
    expected = jax.jacfwd(real, argnums=(0, 1))(params, args[1])
    assert found["n"] == ({"w": None, "s": None, "k": None}, None)
    for y in ("a", "b"):
        get = lambda tree, y=y: jax.tree.leaves(tree[y], is_leaf=lambda b: hasattr(b, "todense"))
        for ours, theirs in zip(get(found), get(expected), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours.todense(), theirs)
    single = ok.sparse_jacobian(lambda x: x**2, 3.0)(3.0)
    assert single.shape == ()
    assert float(single.todense()) == 6.0


def test_it_can_be_compiled_and_mapped():
    jacobian = ok.sparse_jacobian(lambda x: x[1:] * x[:-1], X)
    points = np.stack([X, X + 1])
    both = jax.vmap(lambda x: jacobian(x).todense())(points)
    np.testing.assert_allclose(both[1], jax.jit(jacobian)(X + 1).todense())


def test_a_mode_that_jax_lacks_is_not_chosen():
    tall = lambda x: jnp.concatenate([straight_through(x), straight_through(x)])
    assert ok.sparsity(tall, X).mode == "reverse"
    wide = lambda x: lax.while_loop(lambda c: c.sum() < 9, lambda c: 2 * c, x)[:1] + x.sum()
    assert ok.sparsity(wide, X).mode == "forward"


def test_a_view_can_be_copied_and_kept():
    view = ok.sparsity(lambda x: x[1:] * x[:-1], X)
    for again in (copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
        assert again.json() == view.json()
        assert again.svg() == view.svg()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ok.sparsity(lambda x: x if x[0] > 0 else -x, X), TypeError, "Python control flow"),
        (lambda: ok.sparsity(lambda x: jnp.asarray(np.sin(x)), X), TypeError, "numpy in place of"),
        (lambda: ok.sparsity(lambda x: x[x > 0], X), TypeError, "a shape that depends"),
        (lambda: ok.sparsity(jnp.sin, 3), TypeError, "write 3.0 for 3"),
        (lambda: ok.sparsity(jnp.cumsum, np.ones(10**5)), ValueError, "pairs of entries"),
        (lambda: ok.sparsity(jnp.conj, 1 + 1j), TypeError, "complex inputs and outputs"),
        (lambda: ok.sparse_jacobian(jnp.sin, X)(X[:3]), ValueError, r"of shape \(8,\); got"),
        (lambda: ok.sparse_jacobian(jnp.sin, 2.0)(2), ValueError, "3.0 for 3"),
        (lambda: ok.sparse_jacobian(jnp.sin, X)([X]), TypeError, "of the structure"),
        (
            lambda: ok.sparse_jacobian(lambda x, n: x[:n], X, 2)(X, 3),
            ValueError,
            "prepared for 2 .*; got 3",
        ),
    ],
)
def test_what_has_no_pattern_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_every_elementwise_primitive_of_jax_has_a_rule():
    """jax knows them by how it maps them over a batch; those of whole numbers need no rule."""
    import jax.extend as jex
    from jax._src.lax import lax as plain
    from jax._src.lax import special
    from jax.interpreters import batching

    names = set()
    for module in (plain, special):
        for primitive in vars(module).values():
            if not isinstance(primitive, jex.core.Primitive):
                continue
            rule = repr(batching.fancy_primitive_batchers.get(primitive))
            if "broadcast_batch" in rule or "vectorized" in rule:
                names.add(primitive.name)
    assert len(names) > 60
    whole = ["and", "bitcast_convert_type", "clz", "eq", "eq_to", "from_edtype", "ge", "gt"]
    whole += ["is_finite", "le", "le_to", "lt", "lt_to", "mulhi", "ne", "nextafter", "not", "or"]
    whole += ["population_count", "shift_left", "shift_right_arithmetic", "shift_right_logical"]
    whole += ["stage", "tie", "to_edtype", "xor"]
    assert names - set(whole) <= set(pattern_rules.RULES)
