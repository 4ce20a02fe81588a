"""Every value has an adjoint of its own name, and it is the number that jax gives."""

from collections import Counter

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from olympus_kit.program import capture, walk
from olympus_kit.program.jaxprs import basics

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

REVERSE = corpus.CORPUS | corpus.REVERSE_ONLY


def perturbed(f, args):
    """The function of the inputs and of what is added to each value that an equation makes.

    It returns the outputs and these values. With it come the inputs, and zeros to add.
    """
    closed = jax.make_jaxpr(f)(*args)
    jaxpr, leaves = closed.jaxpr, jax.tree.leaves(args)

    def zero(v):
        if basics.is_ref(v) or not basics.is_inexact(v.aval.dtype):
            return None  # nothing can be added to a mutable array
        return jnp.zeros(v.aval.shape, v.aval.dtype)

    zeros = [[zero(v) for v in eqn.outvars] for eqn in jaxpr.eqns]

    def run(leaves, added):
        env = dict(zip(jaxpr.invars, leaves, strict=True))
        env |= dict(zip(jaxpr.constvars, closed.consts, strict=True))
        for eqn, more in zip(jaxpr.eqns, added, strict=True):
            used = list(dict.fromkeys(v for v in eqn.invars if not basics.is_literal(v)))
            alone = basics.program_of([eqn], used, eqn.outvars, eqn.effects)
            results = jax.core.eval_jaxpr(alone, (), *[env[v] for v in used])
            for v, result, extra in zip(eqn.outvars, results, more, strict=True):
                env[v] = result if extra is None else result + extra
        outputs = [v.val if basics.is_literal(v) else env[v] for v in jaxpr.outvars]
        made = [[None if basics.is_ref(v) else env[v] for v in eqn.outvars] for eqn in jaxpr.eqns]
        return outputs, made

    return run, leaves, zeros


def seed(out):
    if basics.is_inexact(jnp.result_type(out)):
        return jnp.ones(np.shape(out), jnp.result_type(out))
    return np.zeros(np.shape(out), jax.dtypes.float0)


def assert_derivative_is_zero(f, leaves):
    out, pullback = jax.vjp(f, leaves)
    for cotangent in jax.tree.leaves(pullback(seed(out))):
        if cotangent.dtype != jax.dtypes.float0:
            np.testing.assert_array_equal(cotangent, 0)


def assert_every_adjoint_is_jax_s(f, args):
    program = capture(f, *args, argnums="all")
    run, leaves, zeros = perturbed(f, args)
    out, pullback = jax.vjp(lambda added: run(leaves, added)[0], zeros)
    (expected,) = pullback([seed(o) for o in out])
    checked = 0
    # what depends on the real inputs: of the rest nobody asks an adjoint
    active = {i for i in program.inputs if program.values[i].inexact}
    for k, (row, adjoints) in enumerate(zip(program.rows, expected, strict=True)):
        if active.isdisjoint(row.operands) or row.primitive == "stop_gradient":
            continue
        for number in row.results:
            if program.values[number].inexact:
                active.add(number)
        # a mutable array carries a derivative once something is written that does
        for number in (*row.operands, *row.results):
            if program.values[number].dtype.startswith(basics.REF):
                active.add(number)
        for place, (result, adjoint) in enumerate(zip(row.results, adjoints, strict=True)):
            if adjoint is None:
                continue
            if result not in program.adjoints:
                # no derivative flows from it to the output, or none from the inputs to it
                if np.any(adjoint):
                    assert_derivative_is_zero(
                        lambda xs, k=k, place=place: run(xs, zeros)[1][k][place], leaves
                    )
                continue
            shown = program.values[program.adjoints[result]]
            assert shown.shape == np.shape(adjoint)
            if shown.summary is not None and shown.summary.whole:
                tolerance = 1e-2 if shown.dtype in ("bfloat16", "float16") else 1e-9
                np.testing.assert_allclose(
                    np.asarray(shown.summary.entries, complex),
                    np.asarray(adjoint, complex),
                    rtol=tolerance,
                    atol=tolerance,
                )
                checked += 1
    return program, checked


def assert_names_are_unique(program):
    names = Counter(v.name for v in program.values if not v.literal)
    assert [name for name, count in names.items() if count > 1 or not name] == []


def assert_parts_add_up(program):
    """What the uses of a value contribute is its adjoint, counted as often as it is used."""
    operands = {e.path: e.operands for e in program.rows} | {"out": program.outputs}
    sums = {}
    for (path, position), part in program.contributions.items():
        summary = program.values[part].summary
        if summary is None or not summary.whole:
            return
        value = operands[path][position]
        sums[value] = sums.get(value, 0) + np.asarray(summary.entries, complex)
    for value, total in sums.items():
        shown = program.values[program.adjoints[value]]
        short = shown.dtype in ("bfloat16", "float16")
        np.testing.assert_allclose(
            total, np.asarray(shown.summary.entries, complex), rtol=1e-2 if short else 1e-9
        )


# jax differentiates these as a whole only: no callback and no loop that writes alone
NOT_PERTURBED = {"mutable_array", "pure_callback"}


@pytest.mark.parametrize("name", sorted(REVERSE.keys() - NOT_PERTURBED))
def test_every_value_of_the_corpus(name):
    f, args = REVERSE[name]
    program, _ = assert_every_adjoint_is_jax_s(f, args)
    assert_names_are_unique(program)
    assert_parts_add_up(program)


@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
@pytest.mark.parametrize("name", sorted(corpus.CORPUS))
def test_no_two_values_share_a_name(name, mode):
    f, args = corpus.CORPUS[name]
    assert_names_are_unique(capture(f, *args, argnums="all", mode=mode))


def chain(x, b):
    for _ in range(10):
        x = x + b + 1
    return x


UNCHANGED = {
    "doubled": (lambda x: x + x, (1.0,), {"x": 2.0, "v1": 1.0}),
    "added twice": (
        lambda x, b: (x + b) + b,
        (1.0, 2.0),
        {"x": 1.0, "b": 2.0, "v1": 1.0, "v2": 1.0},
    ),
    "sum of three": (lambda x: x + x + x, (1.0,), {"x": 3.0, "v1": 1.0, "v2": 1.0}),
    "sine doubled": (
        lambda x: (lambda s: s + s)(jnp.sin(x)),
        (0.5,),
        {"v1": 2.0, "v2": 1.0, "x": 2 * np.cos(0.5)},
    ),
    "returned and used": (
        lambda x: (lambda s: (s, s * x))(jnp.sin(x)),
        (0.5,),
        {"v1": 1.5, "v2": 1.0},
    ),
    "returned twice": (lambda x: (x, x), (0.5,), {"x": 2.0}),
    "a bias of two layers": (
        lambda w, b: jnp.tanh(jnp.tanh(w + b) + b),
        (0.1, 0.2),
        {},
    ),
    "rounded and returned twice": (
        lambda x: (lambda r: (r, r))(jnp.round(x)),
        (0.5,),
        {"x": 0.0},
    ),
    "a sign returned twice and used": (
        lambda x: (lambda s: (s, s, s * x))(jnp.sign(x)),
        (0.5,),
        {"x": 1.0},
    ),
    "a flag that a call hands through": (
        lambda x: (lambda a, b: (a, b, b))(
            *jax.jit(lambda u, h: (2 * u, 3 * h))(x, (x > 0).astype(float))
        ),
        (0.5,),
        {"v3": 1.0, "x": 2.0},
    ),
    "reshaped": (lambda x: (x.reshape(3, 1) + x.reshape(3, 1)).sum(), (corpus.X,), {}),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_cotangent_that_passes_unchanged_is_the_adjoint_of_each_value(name):
    f, args, adjoints = UNCHANGED[name]
    program, checked = assert_every_adjoint_is_jax_s(f, args)
    assert_names_are_unique(program)
    assert_parts_add_up(program)
    by_name = {v.name: v.id for v in program.values}
    for value, number in adjoints.items():
        adjoint = program.values[program.adjoints[by_name[value]]]
        assert adjoint.name == f"{value}_bar"
        assert adjoint.summary.entries == pytest.approx(number, rel=1e-12)
    of_rows = {result for row in program.rows for result in row.results}
    assert checked == len(of_rows & program.adjoints.keys())


def test_ten_rounds_of_a_bias_have_an_adjoint_of_one_in_every_row():
    program, checked = assert_every_adjoint_is_jax_s(chain, (0.5, 0.25))
    assert checked == 20
    for row in program.rows:
        assert program.values[program.adjoints[row.results[0]]].summary.entries == 1.0
    assert [program.values[program.adjoints[i]].summary.entries for i in program.inputs] == [1, 10]


def test_a_seed_that_is_a_part_is_named_so():
    program = capture(lambda x: (lambda s: (s, s * x))(jnp.sin(x)), 0.5)
    names = {use: program.values[part].name for use, part in program.contributions.items()}
    assert names["out", 0] == "v1_bar.1"
    assert [program.values[s].name for s in program.seeds] == ["v1_bar.1", "v2_bar"]


def test_two_values_that_are_one_variable_say_which():
    program = capture(lambda x, b: jnp.sin(x + b), 0.5, 0.25, argnums="all")
    x, b = (program.values[program.adjoints[i]] for i in program.inputs)
    (v1,) = program.rows[0].results
    assert program.variable(x.id) == program.variable(b.id) == program.adjoints[v1]
    assert (x.name, b.name) == ("x_bar", "b_bar")


def test_a_parameter_of_the_user_s_may_have_any_name():
    def f(v1, x_bar, c1):
        return jnp.sin(v1 * x_bar) * c1

    program, _ = assert_every_adjoint_is_jax_s(f, (0.5, 0.2, 3.0))
    assert_names_are_unique(program)
    assert [program.values[i].name for i in program.inputs] == ["v1", "x_bar", "c1"]


# what passes on cotangents unchanged, among what does not
UNARY = [
    jnp.sin,
    jnp.tanh,
    jnp.copy,
    lambda v: -v,
    lambda v: v + 1.0,
    jax.jit(jnp.cos),
    # their derivative is zero, while a derivative flows to what they return
    jnp.round,
    jnp.sign,
    lax.stop_gradient,
]
BINARY = [jnp.add, jnp.multiply, jnp.subtract, lambda a, b: (a + b) + b]
CHOICES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 50), st.integers(0, 50)), max_size=12
)


def program_of(choices, outputs):
    """A random straight-line program in which any value may be used or returned again."""

    def f(x, y):
        values = [x, y]
        for k, i, j in choices:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(UNARY[k](a) if k < len(UNARY) else BINARY[k - len(UNARY)](a, b))
        return tuple(values[-1 - (k % len(values))] for k in outputs)

    return f


@settings(deadline=None, max_examples=60, derandomize=True)
@given(CHOICES, st.lists(st.integers(0, 9), min_size=1, max_size=3))
def test_every_value_of_random_programs(choices, outputs):
    with jax.enable_x64(True):
        f = program_of(choices, outputs)
        for args in ((0.4, -0.3), (np.array([0.2, 1.1]), np.array([-0.7, 0.9]))):
            program, _ = assert_every_adjoint_is_jax_s(f, args)
            assert_names_are_unique(program)
            assert_parts_add_up(program)


def test_bodies_share_the_values_that_go_in():
    program = capture(jax.jit(lambda x, y: jnp.sin(x) * y), 0.5, 2.0, argnums="all")
    (call,) = program.rows
    assert call.bodies[0].inputs == call.operands
    assert {e.path for e in walk(program.rows)} == {"0", "0.0.0", "0.0.1"}
