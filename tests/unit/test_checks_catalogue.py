"""The catalogue of misconceptions, and detectors that know no question by name."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from olympus_kit.checks import Question, outcome_of, run, test_array
from olympus_kit.checks.doubt import with_quotients
from olympus_kit.checks.message import catalogue
from olympus_kit.checks.steps import error_id
from olympus_kit.compare import TRANSFORMATIONS

REPO = Path(__file__).parents[2]
# what is merely true of an answer; everything else in the catalogue is a misconception
STATEMENTS = {
    *("took-too-long", "raised", "unsolved", "missing", "not-callable", "nothing", "container"),
    *("shape", "law", "off", "part-container", "not-comparable", "doubtful-reference"),
    *("around-the-lesson", "ready-made"),
}
SQUARE = np.array([[1.0, 2.0, -0.5], [0.3, -1.5, 3.0], [4.0, 0.25, 1.0]])


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(run, "SECONDS", 3600.0)


def question(reference, *points, **more):
    """A question about arrays, at these points."""
    points = points or ({"x": test_array((3,))}, {"x": test_array((3,), phase=2.0, scale=40.0)})
    return Question("q", more.pop("returns", "y"), reference, points, large_points=(1,), **more)


def found(asked, answer):
    """The id of what a check says; no message may have an unfilled gap."""
    outcome = outcome_of(asked, {"q": answer})
    assert "{" not in outcome.text().replace("{}", "")
    assert (outcome.diagnosis is None) == (outcome.state == "correct")
    return outcome.diagnosis.id if outcome.diagnosis else "correct"


def test_there_are_at_least_forty_misconceptions_each_complete():
    known = {id_: m for id_, m in catalogue().items() if id_ not in STATEMENTS}
    assert catalogue().keys() >= STATEMENTS
    assert len(known) >= 40
    assert len({m.name for m in catalogue().values()}) == len(catalogue())
    for id_, m in known.items():
        assert len(m.message) > 30, id_
        if id_.startswith("edit-"):  # the default example, in the student's own numbers
            continue
        assert re.search(r"\d|\{got\}|\{entry\}|\{want_shape\}|\{kind\}", m.example), id_


def test_every_link_leads_to_a_page_and_a_label_of_the_book():
    if not (REPO / "book").exists():
        pytest.skip("a student's folder has no book")
    for id_, m in catalogue().items():
        page, _, label = m.read.partition("#")
        if page:
            text = (REPO / page).read_text()
            assert not label or f"({label})=" in text, id_


MATRIX = question(lambda x: SQUARE * (x + 1.5))
VECTOR = question(lambda x: 3.0 + x**2 - 4 * x)
matrix = lambda x: jnp.asarray(SQUARE) * (x + 1.5)
vector = lambda x: 3.0 + x**2 - 4 * x

VALUES = {
    "sign": (MATRIX, lambda x: -matrix(x)),
    "factor": (MATRIX, lambda x: 2 * matrix(x)),
    "offset": (VECTOR, lambda x: vector(x) + 0.25),
    "transposed": (MATRIX, lambda x: matrix(x).T),
    "all-zero": (VECTOR, lambda x: 0 * x),
    "absolute": (VECTOR, lambda x: abs(vector(x))),
    "reciprocal": (VECTOR, lambda x: 1 / vector(x)),
    "squared": (VECTOR, lambda x: vector(x) ** 2),
    "square-root": (question(lambda x: x**2 + 1), lambda x: jnp.sqrt(x**2 + 1)),
    "flattened": (MATRIX, lambda x: matrix(x).ravel()),
    "reversed": (VECTOR, lambda x: vector(x)[::-1]),
    "one-late": (VECTOR, lambda x: jnp.concatenate([jnp.zeros(1), vector(x)[:-1]])),
    "one-early": (VECTOR, lambda x: jnp.concatenate([vector(x)[1:], jnp.zeros(1)])),
    "one-slice": (MATRIX, lambda x: matrix(x)[:, 1]),
    "too-many-slices": (VECTOR, lambda x: jnp.stack([x, vector(x), x])),
    "last-only": (VECTOR, lambda x: vector(x)[-1]),
    "summed-too-much": (MATRIX, lambda x: matrix(x).sum()),
    "column-sums": (MATRIX, lambda x: matrix(x).sum(0)),
    "first-only": (VECTOR, lambda x: vector(x)[0]),
    "row-sums": (MATRIX, lambda x: matrix(x).sum(1)),
    "only-diagonal": (MATRIX, lambda x: jnp.diagonal(matrix(x))),
    "whole-for-diagonal": (question(lambda x: jnp.diagonal(SQUARE) * (x + 1.5)), matrix),
    "unsummed": (VECTOR, lambda x: jnp.stack([vector(x) * 0.25, vector(x) * 0.75])),
    "integer-result": (VECTOR, lambda x: vector(x).astype(int)),
    "complex-result": (VECTOR, lambda x: vector(x) + 0j),
    "half-precision": (VECTOR, lambda x: vector(x.astype(jnp.float16)).astype(jnp.float16)),
    "constant-answer": (VECTOR, lambda x: jnp.ones(3)),
    "nearly": (VECTOR, lambda x: 1.0001 * vector(x)),
    "cancellation": (VECTOR, lambda x: (vector(x) + 1e10) - 1e10),
    "only-large": (VECTOR, lambda x: jnp.where(abs(x) > 5, 7.0 * x, vector(x))),
    "nan": (VECTOR, lambda x: vector(x) / (x - x)),
    "off": (MATRIX, lambda x: matrix(x).at[0, 1].add(2.0)),
}


@pytest.mark.parametrize("id_", VALUES)
def test_a_wrong_value_meets_its_message(id_):
    asked, answer = VALUES[id_]
    assert found(asked, answer) == id_


def test_every_pair_of_the_table_is_tried_here():
    assert VALUES.keys() >= TRANSFORMATIONS.keys()


PUSH = question(
    lambda f, x, v: jax.jvp(f, (x,), (v,))[1],
    {"f": jnp.sin, "x": test_array((3,))},
    {"f": lambda x: x**3, "x": test_array((3,), phase=2.0, scale=9.0)},
    tangents=(
        lambda p: {"v": test_array((3,), phase=1.0)},
        lambda p: {"v": test_array((3,), phase=4.0)},
    ),
)
BATCH = question(
    lambda x, u: x.T @ u,
    {"x": test_array((4, 2)), "u": test_array((4, 3), phase=1.0)},
    {"x": test_array((5, 2), scale=30.0), "u": test_array((5, 3), phase=2.0)},
)
push = lambda f, x, v: jax.jvp(f, (x,), (v,))[1]

CUBE = question(
    lambda f, x: jax.jacfwd(f)(x), {"f": jnp.sin, "x": 0.5}, {"f": lambda x: x**3, "x": 20.0}
)


PAIR = question(lambda x: (jnp.sin(x), jnp.cos(x)), returns=("value", "slope"))

PREDICTED = {
    "tangent-ignored": (PUSH, lambda f, x, v: push(f, x, jnp.ones(3))),
    "arguments-swapped": (PUSH, lambda f, x, v: push(f, v, x)),
    "value-for-derivative": (PUSH, lambda f, x, v: f(x)),
    "summed-parts": (PAIR, lambda x: jnp.sin(x) + jnp.cos(x)),
    "stacked-parts": (PAIR, lambda x: jnp.stack([jnp.sin(x), jnp.cos(x)])),
    "argument-returned": (PAIR, lambda x: (x, jnp.cos(x))),
    "other-part": (PAIR, lambda x: (jnp.sin(x), jnp.sin(x))),
    "derivative-too-many": (CUBE, lambda f, x: jax.grad(jax.grad(f))(x)),
    "argument-fixed": (CUBE, lambda f, x: jax.grad(f)(1.0)),
    "rule-at-output": (PUSH, lambda f, x, v: push(f, f(x), v)),
    "missing-chain-factor": (BATCH, None),
    "extra-factor": (PUSH, lambda f, x, v: push(f, x, v) * x),
    "overwritten": (BATCH, lambda x, u: jnp.outer(x[-1], u[-1])),
    "mean-for-sum": (BATCH, lambda x, u: x.T @ u / len(x)),
}
SCALARS = question(
    lambda x, w, u: u * w * jnp.cos(w * x),
    {"x": 0.5, "w": 2.0, "u": 3.0},
    {"x": 40.0, "w": -1.5, "u": 0.7},
)
PREDICTED["missing-chain-factor"] = (SCALARS, lambda x, w, u: u * jnp.cos(w * x))


@pytest.mark.parametrize("id_", PREDICTED)
def test_a_mistake_is_predicted_from_the_reference(id_):
    asked, answer = PREDICTED[id_]
    assert found(asked, answer) == id_


def test_the_factor_that_is_missing_is_named():
    outcome = outcome_of(SCALARS, {"q": lambda x, w, u: u * jnp.cos(w * x)})
    assert "times w, it would be right" in outcome.text()


@jax.custom_jvp
def badly_ruled(x):
    return jnp.sin(x)


# right at every point but 0, as that of `i0` was in second derivatives
badly_ruled.defjvp(lambda x, t: (jnp.sin(x[0]), jnp.where(x[0] == 0, 0.0, jnp.cos(x[0])) * t[0]))
RULED = question(
    lambda f, x: jax.jacfwd(f)(x),
    {"f": badly_ruled, "x": 0.5},
    {"f": badly_ruled, "x": 20.0},
    {"f": badly_ruled, "x": 0.0},
)


def test_a_reference_that_quotients_contradict_is_in_doubt():
    slope = lambda f, x: jnp.cos(x)  # the truth
    outcome = outcome_of(RULED, {"q": slope})
    assert outcome.diagnosis.id == "doubtful-reference"
    assert "test point 3" in outcome.text()
    assert "and by the quotient, and 0 by" in " ".join(outcome.text().split())
    assert found(RULED, lambda f, x: jax.grad(f)(x)) == "correct"
    quotient = lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
    assert found(RULED, quotient) != "correct"
    assert found(CUBE, quotient) == "finite-difference"
    assert found(RULED, lambda f, x: jnp.where(x == 0, 0.5, jnp.cos(x))) == "off"


@pytest.mark.parametrize("order", [1, 2])
def test_quotients_stand_for_derivatives_of_every_order(order, x64):
    energy = lambda x: jnp.sum(jnp.sin(x) * x[::-1] ** 2)
    transform = [jax.grad, jax.hessian][order - 1]
    for x in (test_array((3,)), np.array([20.0, 0.0, -3.0])):
        want = transform(energy)(x)
        got = transform(with_quotients(energy))(x)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * np.max(np.abs(want)))


LEFT = []


def leaking(f, x):
    jax.grad(lambda z: (LEFT.append(z), f(z))[1])(x)
    return LEFT[-1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (leaking, "leaked-tracer"),
        (lambda f, x: jax.random.key(0), "no-number"),
        (lambda f, x: np.zeros((), jax.dtypes.float0), "no-number"),
        (lambda f, x: {x: f}[x], "not-a-key"),
    ],
)
def test_a_result_that_is_no_number_is_told_as_such(answer, said):
    assert outcome_of(CUBE, {"q": answer}).diagnosis.id == said


@pytest.mark.parametrize("h", [1e-2, 1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize(
    "quotient",
    [
        lambda f, x, h: (f(x + h) - f(x)) / h,
        lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
        lambda f, x, h: jax.jit(lambda x: (f(x) - f(x - h)) * (1 / h))(x),
    ],
    ids=["forward", "central", "backward, jitted"],
)
def test_a_difference_quotient_is_known_by_its_step(quotient, h):
    outcome = outcome_of(CUBE, {"q": lambda f, x: quotient(f, x, h)})
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "finite-difference"
    assert f"h = {h:.3g}," in outcome.diagnosis.message


def test_what_is_only_nearly_right_is_no_difference_quotient():
    assert found(CUBE, lambda f, x: jax.grad(f)(x) * (1 + 1e-5)) == "nearly"
    assert found(CUBE, lambda f, x: (jax.grad(f)(x) - 1e-7) / 0.99999) == "nearly"


def raising(f, *args):
    """What a call raises."""
    try:
        f(*args)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@jax.custom_jvp
def without_rule(x):
    return x


@jax.custom_vjp
def reverse_only(x):
    return x


reverse_only.defvjp(lambda x: (x, x), lambda x, u: u)


@jax.custom_vjp
def saves_nothing(x):
    return x


saves_nothing.defvjp(lambda x: x, lambda x, u: (u,))


@jax.custom_vjp
def adds_up(x):
    return jnp.sum(x)


adds_up.defvjp(lambda x: (jnp.sum(x), x), lambda x, u: (jnp.sum(u),))


@jax.custom_jvp
def tangent_alone(x):
    return x


tangent_alone.defjvp(lambda x, t: t[0])


@jax.custom_jvp
def summed_tangent(x):
    return x


summed_tangent.defjvp(lambda x, t: (x[0], jnp.sum(t[0])))


@jax.custom_jvp
def tangent_first(x):
    return x


tangent_first.defjvp(lambda x, t: (2.0 * t[0], x[0]))


@jax.custom_jvp
def squares_its_tangent(x):
    return x


squares_its_tangent.defjvp(lambda x, t: (x[0], t[0] ** 2))
ONE, THREE = 1.0, np.arange(3.0)
ERRORS = {
    "name-not-known": lambda: nowhere,  # noqa: F821
    "not-python": lambda: exec("for x in xs\n    x"),
    "unpacked-wrongly": lambda: (lambda a, b: a)(*(p for p in [a for a, b in [(1, 2, 3)]])),
    "wrong-arguments": lambda: (lambda x: x)(),
    "argnums-too-large": lambda: jax.grad(lambda x, y: x, argnums=2)(ONE, ONE),
    "endless-recursion": lambda: (f := lambda: f())(),
    "index-too-large": lambda: [1, 2][2],
    "too-many-indices": lambda: THREE[0, 1],
    "function-as-number": lambda: 2 * jax.grad(jnp.sin),
    "operator-missing": lambda: object() * object(),
    "container-as-number": lambda: {"w": ONE} * 2.0,
    "none-as-number": lambda: [].append(1) * 2.0,
    "cannot-reshape": lambda: jnp.ones((3, 4)).reshape(3),
    "einsum-lengths": lambda: jnp.einsum("ii->i", jnp.ones((2, 3))),
    "matmul-of-number": lambda: jnp.ones((3, 3)) @ ONE,
    "in-place": lambda: jnp.ones(2).__setitem__(0, 1.0),
    "numpy-in-traced": lambda: jax.grad(lambda x: np.sin(x))(ONE),
    "number-from-traced": lambda: jax.grad(lambda x: float(x))(ONE),
    "array-where-number": lambda: float(jnp.ones(2)),
    "python-branch": lambda: jax.jit(lambda x: x if x > 0 else -x)(ONE),
    "branch-on-array": lambda: 1 if jnp.ones(2) > 0 else 2,
    "grad-of-array": lambda: jax.grad(lambda x: x * jnp.ones(2))(ONE),
    "integer-input": lambda: jax.grad(lambda x: x * 2.0)(1),
    "grad-of-value": lambda: jax.grad(jnp.sin(ONE))(ONE),
    "called-value": lambda: ONE(ONE),
    "jvp-without-tuples": lambda: jax.jvp(jnp.sin, ONE, ONE),
    "tangent-shape": lambda: jax.jvp(jnp.sin, (jnp.ones(3),), (jnp.ones(2),)),
    "cotangent-shape": lambda: jax.vjp(jnp.sin, jnp.ones(3))[1](jnp.ones(2)),
    "while-in-reverse": lambda: jax.grad(
        lambda x: jax.lax.while_loop(lambda s: s < 9.0, lambda s: s * x, x)
    )(2.0),
    "tuple-as-array": lambda: jnp.sin((jnp.ones(2),)),
    "scan-carry": lambda: jax.lax.scan(lambda c, x: (jnp.ones(2), x), 0.0, THREE),
    "branches-differ": lambda: jax.lax.cond(True, lambda: 0, lambda: 0.5),
    "contracting-shapes": lambda: jnp.ones((5, 4)) @ jnp.ones((3, 4)),
    "shapes-do-not-fit": lambda: jnp.ones((5, 3)) + jnp.ones(5),
    "vmap-axes": lambda: jax.vmap(lambda a, b: a)(jnp.ones(5), jnp.ones(3)),
    "cotangent-structure": lambda: jax.vjp(jnp.sin, ONE)[1]((ONE,)),
    "cond-without-functions": lambda: jax.lax.cond(True, ONE, ONE),
    "scan-pair": lambda: jax.lax.scan(lambda c, x: c + x, 0.0, THREE),
    "array-is-no-list": lambda: jnp.ones(2).append(ONE),
    "dict-attribute": lambda: {"w": ONE}.w,
    "no-parts": lambda: ONE[0],
    "rule-not-linear": lambda: jax.grad(squares_its_tangent)(ONE),
    "no-rule": lambda: jax.grad(without_rule)(ONE),
    "bwd-not-a-tuple": lambda: jax.grad(reverse_only)(ONE),
    "fwd-not-a-pair": lambda: jax.grad(saves_nothing)(ONE),
    "bwd-shape": lambda: jax.grad(adds_up)(THREE),
    "jvp-rule-not-a-pair": lambda: jax.jvp(tangent_alone, (ONE,), (ONE,)),
    "rule-turned": lambda: jax.grad(tangent_first)(ONE),
    "jvp-rule-shape": lambda: jax.jvp(summed_tangent, (THREE,), (THREE,)),
    "custom-vjp-forward": lambda: jax.jvp(reverse_only, (ONE,), (ONE,)),
    "not-a-key": lambda: {jnp.ones(2): 1},
    "not-hashable": lambda: jax.jit(lambda x: x, static_argnums=0)([1]),
    "no-array": lambda: jnp.sum([1, 2]),
}


@pytest.mark.parametrize("id_", ERRORS)
def test_what_jax_and_python_say_is_known(id_):
    error = raising(ERRORS[id_])
    assert error_id(error) == id_, f"{type(error).__name__}: {error}"


MORE_ERRORS = {
    "no-parts": [lambda: list(sum), lambda: len(jnp.ones(())), lambda: len(ONE)],
    "array-is-no-list": [lambda: THREE.pop(), lambda: THREE.extend([1])],
    "container-as-number": [lambda: -{"w": ONE}, lambda: -[ONE]],
    "tuple-as-array": [lambda: -(ONE,)],
    "contracting-shapes": [
        lambda: jnp.ones((2, 3, 2)) @ jnp.ones((3, 2, 3)),
        lambda: THREE @ np.ones((2, 2)),
    ],
    "matmul-of-number": [lambda: THREE @ np.array(ONE)],
    "none-as-number": [lambda: [].append(1)[0]],
    "unpacked-wrongly": [lambda: [a for a, b in [ONE]]],
}


@pytest.mark.parametrize("id_", MORE_ERRORS)
def test_an_error_is_known_in_its_other_forms(id_):
    for call in MORE_ERRORS[id_]:
        error = raising(call)
        assert error_id(error) == id_, f"{type(error).__name__}: {error}"


def test_every_error_of_the_catalogue_is_tried_here():
    said = {id_ for id_, m in catalogue().items() if m.raised}
    assert said - ERRORS.keys() == {"leaked-tracer"}


def test_an_unknown_error_is_just_told():
    assert error_id(OSError("no such file")) == "raised"
