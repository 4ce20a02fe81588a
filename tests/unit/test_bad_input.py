"""What a user may hand to `graph` by mistake, and the sentence that comes back."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

MODES = ("primal", "forward", "reverse")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ok.graph(3.0), TypeError, r"Expected a function first, got 3.0 \(of type float\)"),
        (lambda: ok.graph(jnp.sin(1.0), 1.0), TypeError, "not graph\\(f\\(x\\)\\)"),
        (lambda: ok.graph(lambda x, y: x, 1.0), TypeError, "given 1 argument: missing a required"),
        (lambda: ok.graph(lambda x: x, 1.0, 2.0), TypeError, "given 2 arguments: too many"),
        (lambda: ok.graph(lambda x: x, 3), TypeError, "x has dtype int.*write 3.0 for 3"),
        (lambda: ok.graph(lambda: 1.0), TypeError, "differentiate: no argument was given"),
        (lambda: ok.graph(lambda x: x, 1.0, mode="backward"), ValueError, "mode must be one of"),
        (lambda: ok.graph(lambda x: None, 1.0), TypeError, "returned None: is a return statement"),
        (lambda: ok.graph(lambda x: "no", 1.0), TypeError, r"f returned 'no' \(of type str\)"),
        (lambda: ok.graph(lambda x: [x, "no"], 1.0), TypeError, r"f returned 'no' \(of type str\)"),
        (lambda: ok.graph(lambda d: d["x"], {"x": "one"}), TypeError, r"d\['x'\] is of type str"),
        (
            lambda: ok.graph(lambda x: x, object()),
            TypeError,
            "x is of type object.*register a class",
        ),
        (lambda: ok.graph(lambda x, n: x * n, 1.0, 2, argnums=1), TypeError, ": n has dtype int"),
        (lambda: ok.graph(lambda x: x, np.array(["a"])), TypeError, "is an array of <U1"),
        (
            lambda: ok.graph(lambda x: x, 1.0, argnums=2),
            ValueError,
            r"names argument 2, but there is one argument, 0\.",
        ),
        (
            lambda: ok.graph(lambda x: x, 1.0, argnums="x"),
            ValueError,
            "integers or \"all\"; got 'x'",
        ),
        (lambda: ok.graph(lambda x: x, 1.0, argnums=0.5), TypeError, "must be an integer"),
        (lambda: ok.graph(lambda x: x.astype(int), jnp.ones(2)), TypeError, "no real or complex"),
        (
            lambda: ok.graph(jnp.sin, jnp.ones(3), cotangents=jnp.ones(2)),
            ValueError,
            r"cotangent of output 0 must have its shape, \(3,\); got \(2,\)",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, mode="forward", tangents=1.0),
            ValueError,
            r"PyTreeDef\(\(\*,\)\) was expected, PyTreeDef\(\*\) came",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, mode="forward", tangents=(jnp.ones(2),)),
            ValueError,
            "tangent of x must have its shape",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, cotangents=(1.0, 1.0)),
            ValueError,
            r"PyTreeDef\(\*\) was expected, PyTreeDef\(\(\*, \*\)\) came",
        ),
        (
            lambda: ok.graph(lambda x: {"a": x}, 1.0, cotangents={"b": 1.0}),
            ValueError,
            "cotangents must have the structure of what they belong to",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, mode="forward", cotangents=1.0),
            ValueError,
            "cotangents to mode='reverse'; got mode='forward'",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, cotangents="one"),
            TypeError,
            r"cotangent of output 0 must be of type float64; got 'one' \(of type str\)",
        ),
        (
            lambda: ok.graph(jnp.sin, 1.0, mode="forward", tangents=(1j,)),
            TypeError,
            "tangent of x must be of type float64; got 1j",
        ),
    ],
)
def test_the_message_says_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_error_inside_the_function_passes_on_with_a_note():
    def broken(x):
        raise KeyError("weights")

    with pytest.raises(KeyError, match="weights") as caught:
        ok.graph(broken, 1.0)
    note = caught.value.__notes__[0]
    assert "tracing broken" in note
    assert 'raise KeyError("weights")' in note
    assert "test_bad_input.py, line" in note


def test_a_leaked_tracer_gets_a_hint():
    log = []

    def leaky(x):
        log.append(x * 2)
        return x

    assert any("stored a traced value in log" in n for n in ok.capture(leaky, 1.0).notes)
    with pytest.raises(TypeError, match="Return values instead of storing them"):
        ok.graph(lambda x: x + log[0], 1.0)


def test_a_change_outside_gets_a_hint():
    counts, box = {"calls": 0}, SimpleNamespace()

    def counting(x):
        counts["calls"] += 1
        return x * counts["calls"]

    def storing(x):
        box.last = x * 2
        return x

    class Layer:
        def __call__(self, x):
            self.last = 2.0
            return x * self.last

    assert any("counting changed counts" in n for n in ok.capture(counting, 1.0).notes)
    assert any("a traced value in box" in n for n in ok.capture(storing, 1.0).notes)
    assert any("Layer changed self" in n for n in ok.capture(Layer(), 1.0).notes)
    assert not ok.capture(lambda x: x * len(counts), 1.0).notes


def test_a_loop_without_a_reverse_mode_points_to_forward():
    f = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
    with pytest.raises(ValueError, match="Reverse-mode differentiation does not work") as caught:
        ok.graph(f, 9.0)
    assert any("mode='forward'" in note for note in caught.value.__notes__)
    assert "while" in ok.graph(f, 9.0, mode="forward").text()


def test_a_rule_without_a_forward_mode_points_to_reverse():
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, u: (u,))
    with pytest.raises(TypeError, match="can't apply forward-mode") as caught:
        ok.graph(f, 9.0, mode="forward")
    assert any("mode='reverse'" in note for note in caught.value.__notes__)


def test_a_tracer_is_refused():
    with pytest.raises(TypeError, match="Argument x is a tracer"):
        jax.jit(lambda y: ok.graph(lambda x: x, y).text() and y)(1.0)


@pytest.mark.parametrize("mode", MODES)
def test_nan_is_shown_as_such(mode):
    text = ok.graph(lambda x: jnp.log(x), -1.0, mode=mode).text()
    assert "# nan" in text
    steps = ok.graph(lambda x: jnp.log(x), -1.0, mode=mode).model()["steps"]
    assert "v1 holds NaN or inf" in steps[0]["words"]


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_array_makes_a_sensible_picture(mode):
    view = ok.graph(lambda x: x.sum(), np.zeros((0, 3)), mode=mode)
    assert "sum(x" in view.text()
    assert view.svg().startswith("<svg")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", [lambda x: x, lambda x: 3.0])
def test_a_program_without_equations_makes_a_sensible_picture(f, mode):
    view = ok.graph(f, jnp.ones(2), mode=mode)
    assert "0 primal equations" in view.text()
    assert "<title>" in view.svg()


def test_an_input_that_does_not_matter_shows_its_zero():
    text = ok.graph(lambda x, y: y * 2.0, 1.0, 3.0, argnums="all").text()
    assert "x_bar = 0.0" in text
    assert "y_bar = 2.0" in text
