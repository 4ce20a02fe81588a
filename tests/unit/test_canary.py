"""One test for each behaviour of jax's internals that `olympus_kit.program` relies on.

A red canary after an update of jax says what has moved, before anything else breaks.
"""

import jax
import jax.extend.core as jec
import jax.extend.source_info_util as source_info_util
import jax.numpy as jnp
import numpy as np
import pytest
from jax.interpreters import ad

from olympus_kit.program import jaxprs
from olympus_kit.program.jaxprs import basics, bodies, marks, sharing, sources, taps

X = jnp.arange(1.0, 4.0)


def read(closed):
    return jaxprs.read(closed, jaxprs.Reading([]))


def marked(f, *args):
    closed = jax.make_jaxpr(f)(*args)
    return jaxprs.function_of(jaxprs.mark(closed))


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
    body = read(closed)
    inner = [e for b in body.equations for held in b.bodies for e in held.equations]
    paths = {marks.marked_path(e.scope) for e in inner}
    assert any(p and "." in p for p in paths)


def test_a_tap_leaves_no_equation_and_returns_its_contribution():
    closed = jax.make_jaxpr(lambda x: jnp.sin(x) * x)(2.0)
    tapped, added = taps.tap(basics.open_jaxpr(closed), [0])
    places = [(t.path, t.position) for t in added]
    assert places == [(None, 0), ("0", 0), (None, 0), ("1", 1), (None, 0)]
    run = jaxprs.function_of(tapped)

    def pull(x, extras, u):
        return jax.vjp(run, x, *extras)[1]([u])

    program = jax.make_jaxpr(pull)(2.0, [0.0] * 5, 1.0)
    assert "olympus_tap" not in str(program)
    # the gradient; again; through sin; the adjoint of sin x; through the product; its adjoint
    sin, cos = jnp.sin(2.0), jnp.cos(2.0)
    expected = (sin + 2.0 * cos, sin + 2.0 * cos, 2.0 * cos, 2.0, sin, 1.0)
    assert jnp.allclose(jnp.array(pull(2.0, [0.0] * 5, 1.0)), jnp.array(expected))


def test_an_inlined_jit_leaves_no_equation_and_keeps_the_mark():
    closed = jax.make_jaxpr(lambda x: [jnp.sin(x) for _ in range(sharing.SHARED_FROM)])(X)
    shared = jaxprs.share_rules(jaxprs.mark(basics.open_jaxpr(closed)))
    assert [e.primitive.name for e in shared.eqns] == ["jit"] * sharing.SHARED_FROM
    run = jaxprs.function_of(shared)
    program = jax.make_jaxpr(lambda x, u: jax.vjp(run, x)[1](u))(X, [X] * sharing.SHARED_FROM)
    found = []
    for e in program.jaxpr.eqns:
        scope = marks.scope_of(e)
        found.append((e.primitive.name, (marks.marked_path(scope), marks.is_transposed(scope))))
    assert found[:2] == [("sin", ("0", False)), ("cos", ("0", False))]
    assert [pair for name, pair in found if name == "mul"][-1] == ("0", True)


def test_a_named_tuple_among_the_parameters_stays_one():
    a = jnp.eye(3) * 2
    f = marked(jnp.linalg.solve, a, X)
    assert jnp.allclose(jax.jvp(f, (a, X), (a, X))[1][0], 0.0)


def test_equations_can_be_replaced_and_evaluated():
    closed = jax.make_jaxpr(lambda x: jnp.sin(x) * 2)(X)
    values = [v for e in closed.jaxpr.eqns for v in e.outvars]
    exposed = basics.with_interface(closed.jaxpr, closed.jaxpr.invars, values)
    both = jax.core.eval_jaxpr(exposed, (), X)
    assert jnp.allclose(both[0] * 2, both[1])


def test_an_equation_is_run_alone_as_in_its_program():
    def f(x):
        key = jax.random.key(0)
        y = jax.lax.top_k(x * jax.random.uniform(key, (3,)), 2)[0]
        return jnp.linalg.solve(jnp.eye(2) * 3, y) + jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, y)

    closed = jax.make_jaxpr(f)(X)
    body = read(closed)
    env = body.literals | dict(zip(body.consts, body.arrays, strict=True)) | {body.inputs[0]: X}
    for equation in body.equations:
        made = jaxprs.run_equation(equation, [env[o] for o in equation.operands])
        env.update(zip(equation.results, made, strict=True))
    assert {"cond", "top_k"} < {e.primitive for e in body.equations}
    assert (env[body.outputs[0]] == f(X)).all()


def test_the_largest_array_is_seen_while_jax_runs_under_vmap_too():
    x = jnp.arange(5.0)
    assert jaxprs.largest_made(lambda: np.asarray(jax.lax.sin(x)) + 1) == 5
    batched = jax.vmap(lambda e: jax.jvp(jax.lax.sin, (x,), (e,))[1])
    assert jaxprs.largest_made(lambda: batched(jnp.eye(5))) == 25
    assert jaxprs.largest_made(lambda: None) == 0


def test_an_equation_of_a_frequent_kind_is_compiled_once():
    count = sharing.COMPILED_FROM
    closed = jax.make_jaxpr(lambda x: [jnp.sin(x) for _ in range(count)] + [jnp.cos(x)])(X)
    equations = read(closed).equations
    run, *others, rare = jaxprs.compiled_equations(equations)
    assert set(others) == {run}
    assert rare is None
    assert (run(X)[0] == jnp.sin(X)).all()
    assert run is jaxprs.compiled_equations(equations)[0]


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
        {"jaxpr", "length", "reverse"},
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
    assert bodies.bodies(eqns[name])
    if name == "custom_linear_solve":
        assert {"matvec", "vecmat", "solve"} <= set(eqns[name].params["const_lengths"]._fields)
        assert "solve" in [body.name for body in bodies.bodies(eqns[name])]


def test_the_names_that_are_used_exist():
    assert callable(ad.add_tangents)
    assert isinstance(ad.primitive_jvps, dict)
    assert callable(source_info_util.new_name_stack)
    assert callable(jec.Var)


def test_a_source_line_can_be_read():
    equation = read(jax.make_jaxpr(lambda x: jnp.sin(x))(1.0)).equations[0]
    assert sources.source_of(equation).file.endswith("test_canary.py")


def test_the_library_s_function_can_be_read():
    f = lambda x: jax.nn.softmax(x) * x
    for equation in read(jax.make_jaxpr(f)(jnp.ones(3))).equations:
        called = sources.source_of(equation).call
        assert called == ("" if equation.primitive == "mul" else "softmax")


def test_a_scan_s_operands_divide_into_constants_carry_and_scanned_arrays():
    def f(w, c, d, xs):
        return jax.lax.scan(lambda c, x: ((c[0] * w + x, c[1] * x), c[0]), (c, d), xs)

    eqns = jax.make_jaxpr(f)(2.0, 1.0, 3.0, X).jaxpr.eqns
    (scan,) = [e for e in eqns if e.primitive.name == "scan"]
    parts = bodies.scan_parts(scan.params)
    assert (parts.constants, parts.carry, parts.scanned) == (1, 2, 1)
    (body,) = bodies.bodies(scan)
    assert (body.shared, list(body.carried), body.returns) == (1, [(1, 0), (2, 1)], True)


def test_a_while_loop_s_test_and_body_are_told_apart():
    def f(x, least, factor):
        return jax.lax.while_loop(lambda c: c[0] < least, lambda c: c * factor, x)

    eqns = jax.make_jaxpr(f)(X, 9.0, 2.0).jaxpr.eqns
    (loop,) = [e for e in eqns if e.primitive.name == "while"]
    found = {body.name: body for body in bodies.bodies(loop)}
    assert found["cond"].is_test
    assert not found["body"].is_test
    assert [list(found[n].operands) for n in ("cond", "body")] == [[0, 2], [1, 2]]


def test_a_mutable_array_is_told_from_a_value():
    def f(x):
        ref = jax.new_ref(x)
        ref[...] = ref[...] * x
        return ref[...]

    eqns = jax.make_jaxpr(f)(X).jaxpr.eqns
    made = [v for e in eqns for v in e.outvars]
    assert [basics.is_ref(v) for v in made].count(True) == 1


def test_a_result_that_nothing_reads_is_known():
    eqns = jax.make_jaxpr(lambda x: jax.lax.top_k(x, 2)[0])(X).jaxpr.eqns
    (top_k,) = [e for e in eqns if e.primitive.name == "top_k"]
    value, unread = top_k.outvars
    if hasattr(jec, "DropVar"):  # from jax 0.10 on, which does not drop this one
        unread = jec.DropVar(value.aval)
    assert (basics.is_dropped(value), basics.is_dropped(unread)) == (False, True)
