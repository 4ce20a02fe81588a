"""What a captured program says about well-known functions."""

import dataclasses
import functools
import pickle

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok
from olympus_kit.program import _evaluate, capture, walk

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")


def names(program, ids):
    return [program.values[i].name for i in ids]


def entries(program, value):
    return program.values[value].summary.entries


class TestLogistic:
    """The map of the book's fourth chapter."""

    def test_reverse(self):
        p = capture(corpus.logistic, 0.2, mode="reverse")
        assert len(p.rows) == 9
        assert sum(e.roles == {"primal"} for e in p.equations) == 9
        assert sum(e.roles == {"adjoint"} for e in p.equations) == 15
        assert float(p.out) == pytest.approx(0.28901376, abs=1e-8)
        assert float(p.in_cotangents[0]) == pytest.approx(9.06608640, abs=1e-8)

    def test_six_values_are_kept_beside_three_literals(self):
        p = capture(corpus.logistic, 0.2, mode="reverse")
        kept = [r for r in p.residuals if not r.free]
        assert sorted(names(p, [r.value for r in kept])) == ["v1", "v2", "v4", "v5", "v7", "v8"]
        assert [r.free for r in p.residuals].count(True) == 3
        assert all(r.made_by is not None and r.used_by for r in kept)

    def test_each_value_has_its_adjoint(self):
        p = capture(corpus.logistic, 0.2, mode="reverse")
        x = np.float64(0.2)
        v3 = 4 * x * (1 - x)
        after = jax.grad(lambda v: corpus.logistic_from(v, 2))(v3)
        v3_id = next(i for i, v in enumerate(p.values) if v.name == "v3")
        assert entries(p, p.adjoints[v3_id]) == pytest.approx(float(after), rel=1e-12)

    def test_forward_carries_a_tangent_for_each_value(self):
        p = capture(corpus.logistic, 0.2, mode="forward")
        assert len(p.tangents) == 10
        assert [e.roles for e in p.equations[:2]] == [{"primal"}, {"tangent"}]
        assert float(p.out_tangent) == pytest.approx(9.06608640, abs=1e-8)

    def test_memory_rises_on_the_way_down_and_falls_on_the_way_back(self):
        p = capture(corpus.logistic, 0.2, mode="reverse")
        live = [e.live for e in p.equations]
        assert max(live[:9]) == 56  # six residuals and the output, eight bytes each
        assert live[8] > live[0]
        assert live[-1] == 16  # the output and its derivative


def test_sources_point_to_the_line_of_the_function():
    p = capture(corpus.logistic, 0.2)
    assert all(e.source.file.endswith("corpus.py") for e in p.equations)
    assert {e.source.function.split(".")[-1] for e in p.equations} == {"logistic"}


def test_flops_of_loops_are_multiplied_by_their_trips():
    w = np.eye(4)

    def repeated(x, n):
        return jax.lax.scan(lambda c, _: (jnp.asarray(w) @ c, None), x, None, length=n)[0]

    for n in (1, 10):
        p = capture(lambda x, n=n: repeated(x, n), np.ones(4), mode="primal")
        scan = next(e for e in p.equations if e.primitive == "scan")
        assert scan.trips == n
        assert scan.flops == n * 2 * 4 * 4


def test_trips_of_a_while_loop_are_measured():
    def halvings(x):
        return jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)

    for x, trips in ((16.0, 4), (0.5, 0)):
        p = capture(halvings, x, mode="forward")
        assert [e.trips for e in p.equations if e.primitive == "while"] == [trips]


def test_a_scan_shows_the_values_of_every_turn():
    def powers(x):
        return jax.lax.scan(lambda c, _: (c * x, c), 1.0, None, length=4)[0]

    p = capture(powers, 3.0, mode="primal")
    body = next(e for e in p.equations if e.bodies).bodies[0]
    product = next(e for e in body.equations if e.primitive == "mul")
    summary = p.values[product.results[0]].summary
    assert summary.iterations == 4
    assert summary.entries == [3.0, 9.0, 27.0, 81.0]


def test_only_the_branch_taken_has_values():
    p = capture(lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.cos, x), 1.0, mode="primal")
    cond = next(e for e in p.equations if e.primitive == "cond")
    assert [b.taken for b in cond.bodies] == [False, True]
    for body in cond.bodies:
        for e in walk(body.equations):
            assert (p.values[e.results[0]].summary is not None) == body.taken


def shown(program, primitive):
    """The summary of the first result of the only equation of a primitive, bodies included."""
    (found,) = [e for e in walk(program.rows) if e.primitive == primitive]
    return program.values[found.results[0]].summary


@pytest.mark.parametrize("x", [20.0, 3.0, 0.5])
def test_a_while_loop_shows_the_values_of_every_turn(x):
    def halvings(x):
        return jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)

    expected = [x]
    while expected[-1] > 1:
        expected.append(expected[-1] / 2)
    p = capture(halvings, x, mode="forward")
    if len(expected) > 1:
        assert shown(p, "div").entries == expected[1:]
    assert shown(p, "gt").entries == [v > 1 for v in expected]


def test_in_a_loop_each_turn_shows_the_branch_that_it_took():
    def f(xs):
        def step(c, a):
            c = jax.lax.cond(a > 0, lambda v: v * a, lambda v: v - a, c)
            return jax.lax.while_loop(lambda v: v > 4, jnp.sqrt, c), c

        return jax.lax.scan(step, 1.0, xs)

    p = capture(f, np.array([3.0, -2.0, 20.0]), mode="forward")
    assert shown(p, "mul").entries == [3.0, None, pytest.approx(20 * 5**0.5)]
    assert shown(p, "sub").entries == [None, 5.0, None]
    roots = shown(p, "sqrt").entries  # of each turn of the scan, those of each turn of the while
    assert [len(turns or ()) for turns in roots] == [0, 1, 2]
    assert roots[2] == pytest.approx([(20 * 5**0.5) ** 0.5, (20 * 5**0.5) ** 0.25])
    np.testing.assert_array_equal(p.out[1], f(np.array([3.0, -2.0, 20.0]))[1])


@pytest.mark.parametrize(("depth", "turns", "is_compiled"), [(7, 2, False), (2, 100, True)])
def test_loops_in_each_other_are_compiled_only_where_they_have_many_turns(
    depth, turns, is_compiled, monkeypatch
):
    """To compile them takes longer the deeper they are, so that more turns are run in Python."""
    scan, compiled = jax.lax.scan, []
    f = jnp.sin
    for _ in range(depth):
        f = lambda x, g=f: scan(lambda c, _: (1.01 * g(c), None), x, None, turns)[0]
    monkeypatch.setattr(jax.lax, "scan", lambda *args: compiled.append(1) or scan(*args))
    p = capture(f, 0.5)
    assert bool(compiled) == is_compiled
    assert shown(p, "sin").iterations == turns


@pytest.mark.parametrize("reverse", [False, True])
def test_turn_by_turn_and_compiled_agree(reverse, monkeypatch):
    def f(xs):
        def step(c, a):
            c = jnp.sin(c) * a + jax.lax.fori_loop(0, 2, lambda i, q: q * a, c)
            return c, (c, a * 2)

        return jax.lax.scan(step, 0.7, xs, reverse=reverse)

    xs, found = np.array([0.3, 1.2, 2.5]), []
    for most in (10**6, 0):
        monkeypatch.setattr(_evaluate, "EQUATIONS_IN_PYTHON", most)
        found.append(capture(f, xs))
    one, other = found
    for a, b in zip(one.values, other.values, strict=True):
        assert (a.name, a.shape) == (b.name, b.shape)
        if b.summary is not None:
            assert a.summary.iterations == b.summary.iterations
            np.testing.assert_allclose(
                np.ravel(a.summary.entries), np.ravel(b.summary.entries), rtol=1e-12
            )
    np.testing.assert_allclose(one.in_cotangents[0], other.in_cotangents[0], rtol=1e-12)


def test_integer_leaves_get_float0_and_keep_the_structure():
    p = capture(lambda d: d["x"] * d["n"], {"x": 2.0, "n": 3})
    (cotangents,) = p.in_cotangents
    assert cotangents["n"].dtype == jax.dtypes.float0
    assert float(cotangents["x"]) == 3.0


def test_leaves_that_are_no_numbers_are_passed_on():
    def f(options, x, activation):
        return activation(x) * {"double": 2.0}[options["mode"]]

    p = capture(f, {"mode": "double"}, 0.5, jnp.tanh, argnums="all")
    assert float(p.out) == pytest.approx(2 * np.tanh(0.5))
    assert p.in_cotangents[0] == {"mode": None}
    assert p.in_cotangents[2] is None
    assert names(p, p.inputs) == ["x"]


def test_argnums_choose_what_is_differentiated():
    f = lambda x, y: x * y
    assert [float(c) for c in capture(f, 2.0, 3.0, argnums=1).in_cotangents] == [2.0]
    assert [float(c) for c in capture(f, 2.0, 3.0, argnums=(1, 0)).in_cotangents] == [2.0, 3.0]
    assert [float(c) for c in capture(f, 2.0, 3.0, argnums=-1).in_cotangents] == [2.0]


def test_tangents_and_cotangents_can_be_chosen():
    f = lambda x: x * jnp.array([2.0, 3.0])
    x = jnp.array([1.0, 1.0])
    p = capture(f, x, mode="forward", tangents=(jnp.array([1.0, 0.0]),))
    assert p.out_tangent.tolist() == [2.0, 0.0]
    p = capture(f, x, cotangents=jnp.array([0.0, 1.0]))
    assert p.in_cotangents[0].tolist() == [0.0, 3.0]


def test_an_output_of_several_entries_is_said_to_be_summed():
    assert any("sum of outputs" in n for n in capture(jnp.sin, jnp.ones(3)).notes)
    assert not capture(jnp.sin, 1.0).notes


def test_a_global_that_changed_is_seen():
    factor = 2.0
    f = lambda x: factor * x
    assert float(capture(f, 1.0).out) == 2.0
    factor = 5.0
    assert float(capture(f, 1.0).out) == 5.0


def test_a_large_program_is_captured_without_taps():
    def chain(x):
        for _ in range(300):
            x = jnp.sin(x) * x
        return x

    p = capture(chain, 0.7)
    assert len(p.rows) == 600
    assert any("are not shown separately" in n for n in p.notes)
    assert float(p.in_cotangents[0]) == pytest.approx(float(jax.grad(chain)(0.7)))


def test_a_rule_that_stops_derivatives_its_own_way_is_left_alone():
    @jax.custom_jvp
    def fixed(x):
        return jnp.floor(x)

    fixed.defjvp(lambda p, t: (fixed(*p), jnp.zeros_like(p[0])))
    p = capture(lambda x: fixed(x) * x, 2.5)
    assert float(p.in_cotangents[0]) == 2.0


def test_values_are_summarized():
    x = np.linspace(-1.0, 3.0, 1000).astype(np.float32)
    x[3], x[4] = np.nan, np.inf
    s = capture(lambda x: x * 1, x, mode="primal").values[0].summary
    assert (s.whole, len(s.entries), s.nans, s.infs) == (False, 8, 1, 1)
    assert (s.minimum, s.maximum) == (-1.0, 3.0)


def test_repr_counts():
    assert repr(capture(lambda x: x * x, 3.0)) == (
        "Program(f, mode='reverse': 1 primal equations, 4 in this mode, 1 residuals)"
    )


@pytest.mark.parametrize(
    ("body", "mode", "sweep", "primitive"),
    [
        (lambda c, _: (jnp.log(jnp.sin(c)), None), "primal", "primal", "log"),
        (lambda c, _: (jnp.sqrt(c) * 0.0, None), "reverse", "derivative", "mul"),
    ],
)
def test_in_a_loop_the_first_turn_comes_first(body, mode, sweep, primitive):
    p = capture(lambda x: jax.lax.scan(body, x, None, 4)[0], 2.0, mode=mode)
    first = p.first_bad[sweep]
    assert first.primitive == primitive
    made = [str(t) for t in entries(p, first.results[0])]
    turn = max if mode == "reverse" else min
    when = turn(k for k, t in enumerate(made) if "nan" in t or "inf" in t)
    carry = [str(entries(p, o)[when]) for o in first.operands if p.values[o].summary.iterations]
    assert "nan" not in carry  # what went in was a number


def test_a_name_without_a_value_around_it_is_no_obstacle():
    def outer():
        f = lambda x: x * 2 if True else later(x)
        found = capture(f, 2.0)
        later = abs
        return found, later

    assert float(outer()[0].out) == 4.0


class TestPythonThatLooksAtValues:
    """jax differentiates such a function at concrete values and keeps the linear program alone."""

    @staticmethod
    def f(x):
        try:
            if x < 3:
                return 2 * x**3
            raise ValueError
        except ValueError:
            return jnp.pi * x

    @pytest.mark.parametrize(("x", "value", "slope"), [(4.0, 4 * np.pi, np.pi), (2.0, 16.0, 24.0)])
    def test_the_branch_that_was_taken(self, x, value, slope):
        forward = capture(self.f, x, mode="forward")
        reverse = capture(self.f, x, mode="reverse")
        for p, found in ((forward, forward.out_tangent), (reverse, reverse.in_cotangents[0])):
            assert float(p.out) == pytest.approx(value)
            assert float(found) == pytest.approx(slope)
            assert p.rows == ()
            assert {e.primal for e in p.equations} == {None}
            assert any("for the branch that f took" in n for n in p.notes)
        assert all(e.roles == {"tangent"} for e in forward.equations)
        assert all(e.roles == {"adjoint"} for e in reverse.equations)

    @pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
    def test_integers_beside_and_several_outputs(self, mode):
        def f(x, n):
            if x[0] < 3:
                return {"square": x * x.sum(), "next": n + 1}
            raise ValueError

        x = jnp.array([1.0, 0.5])
        p = capture(f, x, 3, mode=mode, argnums="all")
        assert [p.values[i].name for i in p.outputs] == ["out1", "out2"]
        assert [p.values[i].summary.entries for i in p.outputs] == [4, [1.5, 0.75]]
        assert [p.values[i].summary.entries for i in p.inputs] == [[1.0, 0.5], 3]
        jacobian = x.sum() * jnp.eye(2) + jnp.outer(x, jnp.ones(2))
        if mode == "forward":
            assert p.out_tangent["square"].tolist() == jacobian.sum(1).tolist()
            assert p.out_tangent["next"].dtype == jax.dtypes.float0
        if mode == "reverse":
            assert p.in_cotangents[0].tolist() == jacobian.sum(0).tolist()
            assert p.in_cotangents[1].dtype == jax.dtypes.float0
        lines = [" ".join(line.split()) for line in str(ok.graph(f, x, 3, mode=mode)).splitlines()]
        assert {"input x = [1.0 0.5]", "input n = 3"} <= set(lines)
        assert {"output out1 = 4", "output out2 = [1.5 0.75]"} <= set(lines)
        assert any(line.startswith("constant r1 =") for line in lines) == (mode != "primal")

    @pytest.mark.parametrize(
        ("f", "slope"),
        [
            (lambda x: x[x > 1].sum(), [0.0, 1.0, 1.0]),
            (lambda x: x[jnp.nonzero(x > 2)].sum(), [0.0, 0.0, 1.0]),
            (lambda x: x * jnp.ones(int(x[2])).sum(), [2.0, 2.0, 2.0]),
        ],
    )
    def test_shapes_that_depend_on_values(self, f, slope):
        p = capture(f, corpus.X)
        assert p.in_cotangents[0].tolist() == slope
        assert "uses Python control flow on traced values" in p.notes[0]

    @pytest.mark.parametrize(
        ("f", "args", "argnums"),
        [
            (corpus.logistic_from, (0.2, 3), "all"),
            (lambda x, n: jnp.zeros(n) + x, (0.2, 3), "all"),
            (lambda x, n: x[:n].sum(), (corpus.X, 2), "all"),
            (lambda x, double: 2 * x if double else x, (0.2, True), "all"),
            (lambda x, y: x * y if y > 1 else x, (0.2, 3.0), 0),
            (jax.jit(lambda x, n: x * jnp.ones(n).sum(), static_argnums=1), (0.2, 3), "all"),
        ],
    )
    def test_what_is_not_differentiated_may_be_looked_at(self, f, args, argnums):
        p = capture(f, *args, argnums=argnums)
        expected = jax.grad(lambda x: f(x, args[1]).sum())(args[0])
        np.testing.assert_allclose(p.in_cotangents[0], expected, rtol=1e-12)
        assert p.rows
        assert "as jax.grad calls it" in p.notes[0]

    def test_primal_mode_says_that_there_is_nothing_to_show(self):
        p = capture(self.f, 4.0, mode="primal")
        assert p.equations == ()
        assert "nothing to show but the result" in p.notes[0]

    def test_cotangents_of_several_outputs(self):
        g = lambda x: {"a": x * 2 if x > 0 else x, "b": x * 5}
        p = capture(g, 1.0, cotangents={"a": 1.0, "b": 10.0})
        assert float(p.in_cotangents[0]) == 52.0


def test_a_function_that_is_a_derivative_is_labelled():
    loss = lambda x: jnp.sum(jnp.sin(x) ** 2)
    assert not capture(loss, jnp.ones(3)).notes
    (note,) = capture(jax.grad(lambda x: jnp.sin(x) ** 2), 1.0).notes
    assert "is itself a derivative:" in note
    (note,) = capture(jax.grad(jax.grad(lambda x: jnp.sin(x) ** 2)), 1.0).notes
    assert "is itself a derivative of a derivative" in note
    (note,) = capture(lambda x: jax.grad(jnp.sin)(x) + jnp.cos(x), 1.0).notes
    assert "contains a derivative: " in note
    assert "equations came out of jvp" in note


def test_where_nan_and_inf_begin():
    p = capture(lambda x: jnp.sqrt(x - 1) * 2, 1.0)
    assert set(p.first_bad) == {"primal", "derivative"}
    slope = p.first_bad["primal"]
    assert slope.roles == {"local_derivative"}  # 0.5 / sqrt(0)
    assert p.first_bad["derivative"].primal == slope.primal
    assert not capture(lambda x: jnp.sqrt(x) * 2, 1.0).first_bad
    assert set(capture(jnp.log, -1.0, mode="primal").first_bad) == {"primal"}


def test_nan_inside_a_linear_solve_and_a_scatter():
    zeros = np.zeros((2, 2))
    p = capture(lambda a: jnp.linalg.solve(a, jnp.ones(2)).sum(), zeros, mode="primal")
    assert p.first_bad["primal"].primitive == "triangular_solve"
    p = capture(lambda x: x.at[0].add(jnp.inf), np.ones(2), mode="primal")
    assert p.first_bad["primal"].primitive == "scatter-add"  # nothing is known of its body


def test_a_linear_solve_shows_the_values_of_its_solver():
    p = capture(jnp.linalg.solve, corpus.A, corpus.X, mode="primal")
    (solve,) = [e for e in p.walk() if e.primitive == "custom_linear_solve"]
    assert [b.name for b in solve.bodies if b.taken] == ["solve"]
    (own,) = [b for b in solve.bodies if b.taken]
    shown = entries(p, own.outputs[0])
    np.testing.assert_allclose(shown, np.linalg.solve(corpus.A, corpus.X), rtol=1e-12)


def test_a_linear_solve_without_its_transpose():
    def f(b):
        return jax.lax.custom_linear_solve(lambda v: 2 * v, b, lambda _, c: c / 2)

    p = capture(f, corpus.X, mode="forward")
    (solve,) = [e for e in walk(p.rows) if e.primitive == "custom_linear_solve"]
    assert [b.name for b in solve.bodies] == ["matvec", "solve"]
    assert solve.flops == 3
    np.testing.assert_allclose(p.out_tangent, np.ones(3) / 2)


def test_totals():
    p = capture(corpus.logistic, 0.2, mode="primal")
    assert (p.totals.equations, p.totals.flops, p.totals.depth) == (9, 9, 6)
    p = capture(corpus.logistic, 0.2, mode="reverse")
    assert (p.totals.equations, p.totals.flops, p.totals.residual_bytes) == (24, 24, 48)
    assert p.totals.peak_bytes == max(e.live for e in p.equations)

    def scanned(x):
        return jax.lax.scan(lambda c, _: (jnp.sin(jnp.cos(c)), None), x, None, length=5)[0]

    assert capture(scanned, 1.0, mode="primal").totals.depth == 10


@pytest.mark.parametrize("name", [*corpus.CORPUS, *corpus.REVERSE_ONLY])
def test_a_finished_program_is_plain_data(name):
    """It knows no jaxpr any more, and goes through pickle."""
    f, args = (corpus.CORPUS | corpus.REVERSE_ONLY)[name]
    p = capture(f, *args, argnums="all")
    for equation in [*walk(p.equations), *walk(p.rows)]:
        assert equation.origin is None
        assert all(body.origin is None and not body.arrays for body in equation.bodies)
    plain = dataclasses.replace(p, out=None, in_cotangents=None)  # these may be of any class
    back = pickle.loads(pickle.dumps(plain))
    assert [e.path for e in back.walk()] == [e.path for e in p.walk()]
    for old, new in zip(p.values, back.values, strict=True):
        assert (old.name, old.shape, old.dtype) == (new.name, new.shape, new.dtype)
        np.testing.assert_equal(
            old.summary and old.summary.entries, new.summary and new.summary.entries
        )


def test_a_callback_is_called_as_often_as_a_single_call_would():
    calls = []

    def f(x):
        def inside(x):
            shape = jax.ShapeDtypeStruct((), jnp.float64)
            return x * jax.pure_callback(lambda a: calls.append(1) or a, shape, 1.0)

        return jax.jit(inside)(x)

    p = capture(f, 2.0)
    assert len(calls) == 1
    assert any("calls back into Python" in note for note in p.notes)
    p = capture(jax.checkpoint(lambda x: jnp.sin(f(x))), 2.0)
    assert len(calls) == 3
    assert any("more often than by a single call" in note for note in p.notes)


def test_a_partial_function_is_called_by_its_own_name():
    def power(x, n):
        return x**n

    assert capture(functools.partial(functools.partial(power), n=3), 2.0).name == "power"
