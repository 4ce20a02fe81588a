"""Programs that broke tools like this one: what jax can do with them, the trace shows."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import olympus_kit as ok
from olympus_kit.program import capture

MODES = ["primal", "forward", "reverse"]


def newton(z):
    return z - (z**3 - 1) / (3 * z**2)


def assert_as_jax(f, args, mode, argnums=0):
    program = capture(f, *args, mode=mode, argnums=argnums)
    np.testing.assert_allclose(program.out, f(*args), rtol=1e-6)
    g = lambda x: f(*args[:argnums], x, *args[argnums + 1 :])
    if mode == "forward":
        seed = jnp.ones(np.shape(args[argnums]), jnp.result_type(args[argnums]))
        expected = jax.jvp(g, (args[argnums],), (seed,))[1]
        np.testing.assert_allclose(program.out_tangent, expected, rtol=1e-5)
    if mode == "reverse":
        out, pullback = jax.vjp(
            lambda x: f(*args[:argnums], x, *args[argnums + 1 :]), args[argnums]
        )
        expected = pullback(jnp.ones(np.shape(out), out.dtype))[0]
        np.testing.assert_allclose(program.in_cotangents[0], expected, rtol=1e-5)
    return program


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("point", [1 + 2j, np.complex64(1 + 2j), -0.5 + 0.1j])
def test_a_complex_number_is_a_point(point, mode):
    assert_as_jax(newton, (point,), mode)
    assert (
        "mul" in ok.graph(newton, point, mode=mode).text() or "*" in ok.graph(newton, point).text()
    )


def power_by_loop(x, n):
    return lax.fori_loop(0, n, lambda i, c: c * x, x)


LENGTHS = {
    "a loop's length": (power_by_loop, 3),
    "an array as a loop's length": (power_by_loop, jnp.asarray(3)),
    "a NumPy integer as a loop's length": (power_by_loop, np.int64(3)),
    "an index of a list": (lambda x, i: [jnp.sin, jnp.cos][i](x), 1),
    "a flag": (lambda x, double: 2 * x if double else x * x, True),
    "an axis": (lambda x, axis: jnp.sum(x * jnp.ones((2, 3)), axis=axis).sum(), 1),
    "a shape": (lambda x, n: (x * jnp.ones(n)).sum(), 4),
    "a string": (lambda x, how: jnp.sin(x) if how == "sin" else x, "sin"),
    "a function": (lambda x, g: g(x) * x, jnp.tanh),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LENGTHS)
def test_what_is_not_differentiated_keeps_its_value(name, mode):
    f, other = LENGTHS[name]
    for point in (0.7, 2.0):
        assert_as_jax(f, (point, other), mode)


@pytest.mark.parametrize("mode", MODES)
def test_an_integer_exponent_is_seen_as_jax_grad_sees_it(mode):
    program = assert_as_jax(lambda x, n: x**n, (2.0, 3), mode)
    assert [row.primitive for row in program.rows] == ["integer_pow"]


def wide_inside(x):
    with jax.enable_x64(True):
        y = jnp.sin(jnp.asarray(x, jnp.float64)) * 2
    return jnp.asarray(y, jnp.float32)


@pytest.mark.parametrize("mode", MODES)
def test_64_bits_inside_a_function_of_32(mode):
    program = assert_as_jax(wide_inside, (jnp.array([0.3, 1.2], jnp.float32),), mode)
    assert "float64" in {v.dtype for v in program.values}
    assert not jax.config.read("jax_enable_x64")


@pytest.mark.parametrize("mode", MODES)
def test_an_array_of_64_bits_where_jax_has_32(mode):
    with jax.enable_x64(True):
        x = jnp.array([0.3, 1.2])
    view = ok.graph(lambda x: jnp.sin(x) * x, x, mode=mode)
    assert view.program.out.dtype == jnp.float64
    np.testing.assert_allclose(view.program.out, np.sin([0.3, 1.2]) * [0.3, 1.2], rtol=1e-12)
    assert view.html()


def test_a_sparse_jacobian_of_64_bits_where_jax_has_32():
    with jax.enable_x64(True):
        x = jnp.array([0.3, 1.2])
    f = lambda x: jnp.sin(x) * x
    assert ok.sparsity(f, x).passes == 1
    found = ok.sparse_jacobian(f, x)(x)
    assert found.data.dtype == jnp.float64
    x = np.asarray(x)
    np.testing.assert_allclose(found.data, np.cos(x) * x + np.sin(x), rtol=1e-12)


def test_a_sparsity_says_what_it_is_with_respect_to():
    f = lambda a, b: a[1:] * b
    titles = [ok.sparsity(f, jnp.ones(3), 2.0, argnums=k).title for k in (0, 1, -1, "all")]
    named = [title.partition(" with respect to ")[2].partition(":")[0] for title in titles]
    assert named == ["a", "b", "b", "a, b"]


def test_a_view_made_with_64_bits_is_shown_later():
    with jax.enable_x64(True):
        view = ok.graph(lambda x: jnp.sin(x) * x, jnp.array([0.3, 1.2]))
    assert "sin" in view.text()
    assert view.html()


def written(x):
    ref = jax.new_ref(x)
    ref[...] = ref[...] * x
    ref[...] = jnp.sin(ref[...])
    return ref[...]


def filled(x):
    ref = jax.new_ref(jnp.zeros(3))

    def write(i, _):
        ref[i] = x * i
        return 0

    lax.fori_loop(0, 3, write, 0)
    return (ref[...] ** 2).sum()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", [written, filled])
def test_mutable_arrays(f, mode):
    for point in (0.4, 2.0):
        program = assert_as_jax(f, (point,), mode)
    refs = [v for v in program.values if v.dtype.startswith("ref ")]
    assert refs
    assert all(v.summary is None for v in refs)  # a place for values is not a value
    if mode == "reverse":
        last = program.rows[-1].results[0]
        assert program.values[program.adjoints[last]].summary.entries == 1.0


def add_one(ref):
    ref[...] += 1.0


def add_in_a_scan(x, ref):
    return lax.scan(lambda c, _: (c, add_one(ref)), x, None, length=3)[0]


def add_in_a_jit(x, ref):
    jax.jit(add_one)(ref)
    return x


def add_in_a_branch(x, ref):
    lax.cond(x > 0, lambda: add_one(ref), lambda: None)
    return x


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_argument", [True, False])
@pytest.mark.parametrize("add", [add_in_a_scan, add_in_a_jit, add_in_a_branch])
def test_a_mutable_array_from_outside_is_written_once(add, is_argument, mode):
    """It is left as one run leaves it, and all that is shown is of that run."""
    ref, expected = (jax.new_ref(jnp.float32(1.0)) for _ in range(2))
    f = lambda x, ref: add(x, ref) * ref[...]
    out = f(2.0, expected)
    if is_argument:
        program = capture(f, 2.0, ref, mode=mode)
    else:
        program = capture(lambda x: f(x, ref), 2.0, mode=mode)
    assert ref[...] == expected[...]
    assert program.out == out
    assert program.values[program.outputs[0]].summary.entries == out


def test_the_tangent_of_an_integer_may_be_given_and_is_left_out():
    program = capture(lambda x, n: x * n, 2.0, 3, mode="forward", argnums="all", tangents=(1.0, 0))
    assert float(program.out_tangent) == 3.0


def test_capture_inside_jit_says_so():
    with pytest.raises(TypeError, match="captured inside jit, grad or vmap"):
        jax.jit(lambda x: x * capture(jnp.sin, 1.0).out)(1.0)


def test_a_function_of_numpy_is_named():
    with pytest.raises(jax.errors.TracerArrayConversionError) as caught:
        capture(lambda x: np.sin(x) * x, 1.0)
    assert any("the one of olympus.numpy (jnp)" in note for note in caught.value.__notes__)


class Guarded:
    """An object whose attributes cannot be looked at."""

    @property
    def __dict__(self):
        raise RuntimeError("no attributes")

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_a_closure_over_an_object_that_guards_its_attributes():
    guarded = Guarded()
    assert float(capture(lambda x: (guarded, x * 2)[1], 1.5).out) == 3.0


def test_nested_jits_cost_no_more_than_their_number():
    """Each equation is looked at a fixed number of times, however deep it lies."""
    counts = {}
    for depth in (8, 24):
        f = jnp.sin
        for _ in range(depth):
            f = jax.jit(lambda x, g=f: g(x) * 2.0)
        visits = 0

        def tracer(frame, event, arg):
            nonlocal visits
            visits += frame.f_code.co_filename.endswith("_roles.py")

        program = None
        sys.setprofile(tracer)
        try:
            program = capture(f, 0.5)
        finally:
            sys.setprofile(None)
        counts[depth] = visits
        assert float(program.in_cotangents[0]) == pytest.approx(2.0**depth * np.cos(0.5), rel=1e-5)
    assert counts[24] < 4 * counts[8]


DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from olympus_kit.program import capture

assert len(jax.devices()) == 4
mesh = Mesh(np.array(jax.devices()), ("d",))
f = jax.shard_map(
    lambda x: jax.lax.psum(jnp.sin(x).sum(), "d"), mesh=mesh, in_specs=P("d"), out_specs=P()
)
for x in (jnp.arange(8.0), jnp.linspace(-1.0, 2.0, 4)):
    reverse, forward = capture(f, x), capture(f, x, mode="forward")
    np.testing.assert_allclose(reverse.in_cotangents[0], jax.grad(f)(x), rtol=1e-6)
    np.testing.assert_allclose(
        forward.out_tangent, jax.jvp(f, (x,), (jnp.ones_like(x),))[1], rtol=1e-6
    )
    (row,) = reverse.rows
    assert row.primitive == "shard_map"
    assert "sin" in [e.primitive for e in row.bodies[0].equations]
    assert all(e.roles for e in reverse.walk())
"""


def test_several_devices():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    run = [sys.executable, "-W", "error", "-c", DEVICES]
    done = subprocess.run(
        run, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def square_primitive():
    hijax = pytest.importorskip("jax.experimental.hijax")
    base = getattr(hijax, "VJPHiPrimitive", None) or getattr(hijax, "HiPrim", None)
    if base is None:
        pytest.skip("this jax has no primitives of a user's own")

    class Square(base):
        def __init__(self, aval):
            self.in_avals = (aval,)
            self.out_aval = aval
            self.params = {}
            super().__init__()

        def expand(self, x):
            return x * x

        def vjp_fwd(self, nzs_in, x):
            return self(x), x

        def vjp_bwd_retval(self, x, cotangent):
            return (2.0 * x * cotangent,)

    return lambda x: Square(jax.typeof(x))(x)


@pytest.mark.parametrize("around", [lambda f: f, jax.jit, jax.checkpoint])
def test_a_primitive_of_the_user_s_own_is_captured_or_refused_clearly(around):
    square = square_primitive()
    f = around(lambda x: square(x) * 3.0)
    for x in (0.5, 3.0):
        refusal = ""
        try:
            program = capture(f, jnp.float32(x))
        except NotImplementedError as error:
            refusal = str(error)
        if refusal:
            assert "hijax" in refusal
        else:
            np.testing.assert_allclose(program.in_cotangents[0], 6 * x, rtol=1e-6)


def test_the_sparse_jacobian_of_a_primitive_of_the_user_s_own_takes_the_mode_it_has():
    square = square_primitive()
    f = lambda x: square(x) * 3.0
    x = jnp.array([0.5, 3.0])
    assert ok.sparsity(f, x).mode == "reverse"
    np.testing.assert_allclose(ok.sparse_jacobian(f, x)(x).todense(), np.diag(6 * x), rtol=1e-6)
