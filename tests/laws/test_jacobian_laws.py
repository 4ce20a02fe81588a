"""A Jacobian filled by passes must be jax's own, and the passes must be as many as they say."""

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import olympus_kit as ok
from olympus_kit.views._tiles import MOST, Tiles

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

COMPLEX = {
    "real_to_complex": (lambda x: jnp.exp(1j * x), (corpus.X,)),
    "complex_to_real": (lambda z: jnp.abs(z) ** 2, (jnp.array([3 + 4j, 1 - 2j]),)),
    "both_real_parts": (lambda a, b: jnp.stack([(a + 1j * b).real, a * b]), (2.0, 0.5)),
}
HOLOMORPHIC = {
    "square": (lambda z: z * z, (jnp.array([1 + 2j, -0.5j]),)),
    "product": (lambda z, w: jnp.sin(z) * w, (1 + 1j, jnp.array([2j, 1 - 1j]))),
}
# leaves of several precisions, and a scalar beside a matrix
MIXED = {
    "mixed": (
        lambda p, x: {"a": p["w"] @ x, "b": jnp.sum(x.astype(jnp.float64) ** 2)},
        ({"w": np.float32([[1.0, 2.0], [0.5, -1.0]])}, np.array([0.3, 0.7])),
    ),
    "tuple": (lambda x, y: (x * y, [jnp.outer(y, y), x]), (2.0, corpus.X)),
}
CASES = corpus.CORPUS | COMPLEX | MIXED


def narrowest(args):
    kinds = [jax.dtypes.result_type(x) for x in jax.tree.leaves(args) if is_inexact(x)]
    return min(kinds, key=lambda k: jnp.finfo(k).bits)


def is_inexact(x):
    return jnp.issubdtype(jax.dtypes.result_type(x), jnp.inexact)


def oracle(f, args, jacobian, **options):
    """The whole Jacobian by jacfwd or jacrev, for the leaves that have a derivative."""
    leaves, tree = jax.tree.flatten(args)
    which = [k for k, x in enumerate(leaves) if is_inexact(x)]

    def flat(points):
        full = [jnp.asarray(x) if isinstance(x, complex) else x for x in leaves]
        for k, point in zip(which, points, strict=True):
            full[k] = point
        out = f(*jax.tree.unflatten(tree, full))
        return [jnp.asarray(y) for y in jax.tree.leaves(out) if is_inexact(y)]

    points = [jnp.asarray(leaves[k]) for k in which]
    found = jacobian(flat, **options)(points)
    sizes = [y.size for y in flat(points)]
    return np.block([
        [np.asarray(b).reshape(m, x.size) for b, x in zip(row, points, strict=True)]
        for row, m in zip(found, sizes, strict=True)
    ])


def assert_same(found, expected, args):
    """Compare with the precision of the inputs."""
    tolerance = 30 * float(jnp.finfo(narrowest(args)).eps)
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        np.asarray(found, complex), np.asarray(expected, complex), rtol=tolerance, atol=tolerance
    )


# jax itself does not batch a mutable array that is made inside
NOT_BATCHED = ("complex", "complex_to_real", "mutable_array", "mutable_array_of_x")


@pytest.mark.parametrize("name", [n for n in CASES if n not in NOT_BATCHED])
def test_forward_filling_is_jacfwd(name):
    f, args = CASES[name]
    view = ok.jacobian_shapes(f, *args, argnums="all", mode="forward")
    expected = oracle(f, args, jax.jacfwd)
    assert_same(view.matrix, expected, args)
    assert_same(ok.jacobian_shapes(f, *args, argnums="all", batched=True).matrix, expected, args)


NOT_REVERSED = ["real_to_complex"]
if jax.__version__ == "0.9.0":  # which does not batch a mutable array in this mode either
    NOT_REVERSED.append("mutable_array")


@pytest.mark.parametrize("name", [n for n in CASES if n not in NOT_REVERSED])
def test_reverse_filling_is_jacrev(name):
    f, args = CASES[name]
    view = ok.jacobian_shapes(f, *args, argnums="all", mode="reverse")
    assert_same(view.matrix, oracle(f, args, jax.jacrev), args)


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_holomorphic_functions_have_complex_entries(name):
    f, args = HOLOMORPHIC[name]
    for mode, jacobian in (("forward", jax.jacfwd), ("reverse", jax.jacrev), (None, jax.jacfwd)):
        view = ok.jacobian_shapes(f, *args, argnums="all", mode=mode, holomorphic=True)
        assert_same(view.matrix, oracle(f, args, jacobian, holomorphic=True), args)
        assert any("∂y/∂z" in note for note in view.notes)


def test_the_convention_of_a_real_output_is_named():
    view = ok.jacobian_shapes(*_case("complex_to_real"), argnums="all")
    assert view.mode == "reverse"
    np.testing.assert_allclose(view.matrix, np.diag([6 - 8j, 2 + 4j]))
    assert any("∂y/∂a - i ∂y/∂b" in note for note in view.notes)


def _case(name):
    f, args = CASES[name]
    return f, *args


@pytest.mark.parametrize("x", [np.array([0.4, -1.0, 2.0]), np.array([0.1, 3.0, -0.2])])
def test_the_jacobian_of_a_gradient_is_the_hessian(x):
    f = lambda x: jnp.sum(jnp.sin(x) * x[::-1] ** 2)
    view = ok.jacobian_shapes(jax.grad(f), x)
    np.testing.assert_allclose(view.matrix, jax.hessian(f)(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(view.differences, view.matrix, rtol=1e-6, atol=1e-6)
    g = lambda x: jnp.stack([jnp.prod(x), jnp.sum(x**3)])
    vector = ok.jacobian_shapes(jax.jacrev(g), x)
    np.testing.assert_allclose(vector.matrix.reshape(2, 3, 3), jax.hessian(g)(x), atol=1e-12)
    assert vector.blocks() == [("∂y/∂x", "(2, 3) + (3,) = (2, 3, 3)", "6 × 3")]


class Counter:
    """Count, by callbacks inside the derivative rules, how many passes really run."""

    def __init__(self):
        self.lanes = []

    def _seen(self, x):
        self.lanes.append(x.shape[0] if x.ndim > 1 else 1)
        return np.asarray(x)

    def tangents(self, f):
        """Return f with a JVP rule that counts the tangents passing through."""
        counted = jax.custom_jvp(f)

        @counted.defjvp
        def rule(primals, tangents):
            (x,), (t,) = primals, tangents
            return jax.jvp(f, (x,), (self._through(t),))

        return counted

    def cotangents(self, f):
        """Return f with a VJP rule that counts the cotangents passing through."""
        counted = jax.custom_vjp(f)
        counted.defvjp(lambda x: (f(x), x), lambda x, u: jax.vjp(f, x)[1](self._through(u)))
        return counted

    def _through(self, x):
        shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.pure_callback(self._seen, shape, x, vmap_method="expand_dims")


def outer_sum(x):
    return jnp.concatenate([jnp.sin(x), jnp.cumsum(x)])


def test_each_column_is_one_jvp_and_each_row_one_vjp():
    x = jnp.array([0.5, 1.0, 2.0])
    for mode, count, wrapped in (("forward", 3, "tangents"), ("reverse", 6, "cotangents")):
        counter = Counter()
        f = getattr(counter, wrapped)(outer_sum)
        view = ok.jacobian_shapes(f, x, mode=mode)
        assert counter.lanes == [1] * count
        assert [(start, stop) for start, stop, _ in view.passes] == [
            (k, k + 1) for k in range(count)
        ]
        np.testing.assert_allclose(view.matrix, jax.jacfwd(outer_sum)(x))


def test_vmap_runs_all_passes_at_once_in_the_cheaper_mode():
    x = jnp.array([0.5, 1.0, 2.0])
    counter = Counter()
    ok.jacobian_shapes(counter.tangents(outer_sum), x, batched=True)
    assert counter.lanes == [3]
    wide = lambda x: outer_sum(x)[:2]
    counter = Counter()
    ok.jacobian_shapes(counter.cotangents(wide), x, batched=True)
    assert counter.lanes == [2]


@pytest.mark.parametrize(("budget", "lanes"), [(2**20, [40]), (40 * 40 * 8 - 1, [2] * 20)])
def test_a_small_budget_makes_chunks(budget, lanes):
    counter = Counter()
    x = jnp.linspace(0, 1, 40)
    view = ok.jacobian_shapes(counter.tangents(lambda x: jnp.sin(x) * x[0]), x, budget=budget)
    assert counter.lanes == lanes
    assert view.passes[-1][1] == 40
    assert (view._matrix is None) == (budget < 2**20)


def test_the_cheaper_mode_is_chosen_by_the_shape():
    for n, m, mode in ((2, 5, "forward"), (5, 2, "reverse"), (3, 3, "forward"), (1, 1, "forward")):
        w = jnp.ones((m, n))
        assert ok.jacobian_shapes(lambda x, w=w: w @ x, jnp.ones(n)).mode == mode


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_ladder_of_a_pass_starts_and_ends_with_its_vectors(mode):
    f = lambda p, k: {"a": jnp.sin(p["x"]) * p["y"] * k, "n": k}
    args = ({"x": jnp.array([0.3, 0.6]), "y": 2.0}, 3)
    view = ok.jacobian_shapes(f, *args, argnums="all", mode=mode)
    for k in range(view.count):
        program = view.ladder(k).program
        if mode == "forward":
            came = program.out_tangent["a"]
            np.testing.assert_allclose(came, view.matrix[:, k])
        else:
            bar = program.in_cotangents[0]
            came = np.concatenate([np.ravel(bar["x"]), np.ravel(bar["y"])])
            np.testing.assert_allclose(came, view.matrix[k])


shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@settings(max_examples=40, deadline=None)
@given(ins=shapes, outs=shapes, mode=st.sampled_from(["forward", "reverse", None]))
def test_any_shape_is_filled_right(ins, outs, mode):
    with jax.enable_x64(True):
        n, m = int(np.prod(ins, dtype=int)), int(np.prod(outs, dtype=int))
        weights = np.sin(1.0 + np.arange(m * n)).reshape(m, n)
        f = lambda x: (weights @ jnp.sin(x).reshape(-1)).reshape(outs)
        x = np.cos(np.arange(n, dtype=float)).reshape(ins)
        view = ok.jacobian_shapes(f, x, mode=mode)
        np.testing.assert_allclose(view.matrix, weights * np.cos(x.reshape(-1)), atol=1e-12)
        assert view.blocks()[0][1] == f"{outs} + {ins} = {outs + ins}"
        assert len(view.steps()) == len(view.passes)
        assert view.svg().startswith("<svg")


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 100), st.integers(1, 100)),
    chunk=st.integers(1, 40),
    by=st.sampled_from([0, 1]),
)
def test_tiles_keep_the_extremes_however_the_parts_come(shape, chunk, by):
    matrix = np.sin(1.3 * np.arange(shape[0] * shape[1]) ** 1.1).reshape(shape)
    matrix[matrix < -0.8] = 0
    tiles = Tiles(*shape)
    for start in range(0, shape[by], chunk):
        part = matrix[start : start + chunk] if by == 0 else matrix[:, start : start + chunk]
        tiles.add(part, *((start, 0) if by == 0 else (0, start)))
    h, w = tiles.step
    for i in range(tiles.grid[0]):
        for j in range(tiles.grid[1]):
            tile = matrix[i * h : (i + 1) * h, j * w : (j + 1) * w]
            assert tiles.low[i, j] == tile.min()
            assert tiles.high[i, j] == tile.max()
    assert max(tiles.grid) <= MOST
    assert tiles.zeros == np.count_nonzero(matrix == 0)
    value, row, column = tiles.extremes["greatest"]
    assert value == matrix.max() == matrix[row, column]
