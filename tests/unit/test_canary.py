"""One test for each behaviour of jax's internals that `olympus_kit.program` relies on.

A red canary after an update of jax says what has moved, before anything else breaks.
"""

import jax
import jax.extend.core as jec
import jax.extend.source_info_util as source_info_util
import jax.numpy as jnp
import pytest
from jax.interpreters import ad

from olympus_kit.program import _jaxprs as jaxprs

X = jnp.arange(1.0, 4.0)


def marked(f, *args):
    closed = jax.make_jaxpr(f)(*args)
    return jec.jaxpr_as_fun(jec.ClosedJaxpr(jaxprs.mark(closed.jaxpr), closed.consts))


def stacks(closed):
    return [str(e.source_info.name_stack) for e in closed.jaxpr.eqns]


def test_marks_survive_jvp():
    f = marked(jnp.sin, X)
    assert stacks(jax.make_jaxpr(lambda x: jax.jvp(f, (x,), (x,)))(X)) == ["jvp(§0§)"] * 3


def test_marks_survive_transposition():
    f = marked(jnp.sin, X)
    found = stacks(jax.make_jaxpr(lambda x, u: jax.vjp(f, x)[1]([u]))(X, X))
    assert found[-1] == "transpose(jvp(§0§))"


@pytest.mark.parametrize(
    "f",
    [
        jax.jit(jnp.tanh),
        jax.checkpoint(jnp.tanh),
        lambda x: jax.lax.scan(lambda c, a: (jnp.tanh(c * a), c), 1.0, x),
        lambda x: jax.lax.cond(x[0] > 0, jnp.tanh, jnp.cos, x),
        jnp.cumprod,
    ],
)
def test_marks_reach_into_bodies(f):
    run = marked(f, X)
    closed = jax.make_jaxpr(lambda x: jax.jvp(run, (x,), (x,)))(X)
    body = jaxprs.read(closed, [])
    paths = {e.mark for b in body.equations for inner in b.bodies for e in inner.equations}
    assert any(p and "." in p for p in paths)


def test_a_tap_leaves_no_equation_and_returns_its_contribution():
    closed = jax.make_jaxpr(lambda x: x * x)(2.0)
    tapped, uses = jaxprs.tap_uses(closed.jaxpr, [0])
    assert [(path, position) for path, position, _ in uses] == [("0", 0), ("0", 1), ("out", 0)]
    run = jec.jaxpr_as_fun(jec.ClosedJaxpr(tapped, ()))

    def pull(x, extras, u):
        return jax.vjp(run, x, *extras)[1]([u])

    program = jax.make_jaxpr(pull)(2.0, [0.0] * 3, 1.0)
    assert "olympus_tap" not in str(program)
    assert pull(2.0, [0.0] * 3, 1.0) == (4.0, 2.0, 2.0, 1.0)


def test_an_inlined_jit_leaves_no_equation_and_keeps_the_mark():
    closed = jax.make_jaxpr(lambda x: [jnp.sin(x) for _ in range(jaxprs.SHARED_FROM)])(X)
    shared = jaxprs.share_rules(jaxprs.mark(closed.jaxpr))
    assert [e.primitive.name for e in shared.eqns] == ["jit"] * jaxprs.SHARED_FROM
    run = jec.jaxpr_as_fun(jec.ClosedJaxpr(shared, ()))
    program = jax.make_jaxpr(lambda x, u: jax.vjp(run, x)[1](u))(X, [X] * jaxprs.SHARED_FROM)
    found = [(e.primitive.name, jaxprs.marked_path(e)[1:]) for e in program.jaxpr.eqns]
    assert found[:2] == [("sin", ("0", False)), ("cos", ("0", False))]
    assert [pair for name, pair in found if name == "mul"][-1] == ("0", True)


def test_a_named_tuple_among_the_parameters_stays_one():
    a = jnp.eye(3) * 2
    f = marked(jnp.linalg.solve, a, X)
    assert jnp.allclose(jax.jvp(f, (a, X), (a, X))[1][0], 0.0)


def test_equations_can_be_replaced_and_evaluated():
    closed = jax.make_jaxpr(lambda x: jnp.sin(x) * 2)(X)
    values = [v for e in closed.jaxpr.eqns for v in e.outvars]
    both = jax.core.eval_jaxpr(jaxprs.with_outputs(closed.jaxpr, values), closed.consts, X)
    assert jnp.allclose(both[0] * 2, both[1])


def test_an_equation_is_run_alone_as_in_its_program():
    def f(x):
        key = jax.random.key(0)
        y = jax.lax.top_k(x * jax.random.uniform(key, (3,)), 2)[0]
        return jnp.linalg.solve(jnp.eye(2) * 3, y) + jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, y)

    closed = jax.make_jaxpr(f)(X)
    body = jaxprs.read(closed, [])
    env = body.literals | dict(zip(body.consts, body.arrays, strict=True)) | {body.inputs[0]: X}
    for equation in body.equations:
        made = jaxprs.run(equation, [env[o] for o in equation.operands])
        env.update(zip(equation.results, made, strict=True))
    assert {"cond", "top_k"} < {e.primitive for e in body.equations}
    assert (env[body.outputs[0]] == f(X)).all()


def test_an_equation_of_a_frequent_kind_is_compiled_once():
    count = jaxprs.COMPILED_FROM
    closed = jax.make_jaxpr(lambda x: [jnp.sin(x) for _ in range(count)] + [jnp.cos(x)])(X)
    equations = jaxprs.read(closed, []).equations
    run, *others, rare = jaxprs.compiled(equations)
    assert set(others) == {run}
    assert rare is None
    assert (run(X)[0] == jnp.sin(X)).all()
    assert run is jaxprs.compiled(equations)[0]


@jax.custom_jvp
def own_jvp(x):
    return x


@jax.custom_vjp
def own_vjp(x):
    return x


own_jvp.defjvp(lambda primals, tangents: (primals[0], tangents[0]))
own_vjp.defvjp(lambda x: (x, None), lambda _, u: (u,))

WITH_BODIES = {
    "jit": (jax.jit(jnp.sin), {"jaxpr"}),
    "remat2": (jax.checkpoint(jnp.sin), {"jaxpr"}),
    "custom_jvp_call": (own_jvp, {"call_jaxpr"}),
    "custom_vjp_call": (own_vjp, {"call_jaxpr"}),
    "cond": (lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), {"branches"}),
    "scan": (
        lambda x: jax.lax.scan(lambda c, a: (c * a, c), 1.0, x),
        {"jaxpr", "length", "reverse", "num_consts", "num_carry"},
    ),
    "while": (
        lambda x: jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x),
        {"cond_jaxpr", "body_jaxpr", "cond_nconsts", "body_nconsts"},
    ),
    "custom_linear_solve": (
        lambda x: jax.lax.custom_linear_solve(lambda y: 2 * y, x, lambda _, b: b / 2),
        {"const_lengths", "jaxprs"},
    ),
}


@pytest.mark.parametrize("name", WITH_BODIES)
def test_equations_with_bodies_have_the_names_and_parameters_that_are_read(name):
    f, parameters = WITH_BODIES[name]
    eqns = {e.primitive.name: e for e in jax.make_jaxpr(f)(X).jaxpr.eqns}
    assert parameters <= eqns[name].params.keys()
    assert jaxprs.bodies(eqns[name])
    if name == "custom_linear_solve":
        assert {"matvec", "vecmat", "solve"} <= set(eqns[name].params["const_lengths"]._fields)
        assert "solve" in [label for label, *_ in jaxprs.bodies(eqns[name])]


def test_the_names_that_are_used_exist():
    assert callable(ad.add_tangents)
    assert isinstance(ad.primitive_jvps, dict)
    assert callable(source_info_util.new_name_stack)
    assert callable(jec.Var)


def test_a_source_line_can_be_read():
    equation = jaxprs.read(jax.make_jaxpr(lambda x: jnp.sin(x))(1.0), []).equations[0]
    assert "test_canary.py:" in jaxprs.source_line(equation)


def test_the_library_s_function_can_be_read():
    f = lambda x: jax.nn.softmax(x) * x
    for equation in jaxprs.read(jax.make_jaxpr(f)(jnp.ones(3)), []).equations:
        found = jaxprs.library_call(equation, __file__, f.__code__.co_firstlineno)
        assert found == ("" if equation.primitive == "mul" else "softmax")
