"""A captured program must be jax's own: same values, same derivatives, same equations."""

import dataclasses
import re
from collections import Counter

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olympus_kit.program import capture, walk
from olympus_kit.program.jaxprs import basics, sharing

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

FORWARD = corpus.CORPUS | corpus.FORWARD_ONLY
REVERSE = corpus.CORPUS | corpus.REVERSE_ONLY


def ones(x):
    """The default seed: ones, or float0 zeros where there is no derivative."""
    dtype = jax.dtypes.result_type(x) if not hasattr(x, "dtype") else x.dtype
    if jnp.issubdtype(dtype, jnp.inexact):
        return jnp.ones(np.shape(x), dtype)
    return np.zeros(np.shape(x), jax.dtypes.float0)


def assert_trees_close(found, expected):
    found_leaves, tree = jax.tree.flatten(found)
    expected_leaves, expected_tree = jax.tree.flatten(expected)
    assert tree == expected_tree
    for a, b in zip(found_leaves, expected_leaves, strict=True):
        assert np.shape(a) == np.shape(b)
        if getattr(a, "dtype", None) == jax.dtypes.float0:
            assert b.dtype == jax.dtypes.float0
        else:
            short = getattr(a, "dtype", None) in (jnp.bfloat16, jnp.float16)
            tolerance = 1e-2 if short else 1e-9
            np.testing.assert_allclose(
                np.asarray(a, complex), np.asarray(b, complex), rtol=tolerance, atol=tolerance
            )


@pytest.mark.parametrize("name", REVERSE)
def test_reverse_is_vjp(name):
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all", mode="reverse")
    out, pullback = jax.vjp(f, *args)
    assert_trees_close(program.out, out)
    assert_trees_close(program.in_cotangents, pullback(jax.tree.map(ones, out)))


@pytest.mark.parametrize("name", FORWARD)
def test_forward_is_jvp(name):
    f, args = FORWARD[name]
    program = capture(f, *args, argnums="all", mode="forward")
    out, tangent = jax.jvp(f, args, jax.tree.map(ones, args))
    assert_trees_close(program.out, out)
    found = jax.tree.leaves(program.out_tangent)
    expected = jax.tree.leaves(tangent)
    for a, b in zip(found, expected, strict=True):
        if b.dtype != jax.dtypes.float0:
            assert_trees_close(a, b)


@pytest.mark.parametrize("name", REVERSE)
def test_the_reverse_program_has_jax_s_own_equations(name):
    """What follows each contribution leaves no trace: the same primitives, as often."""
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all", mode="reverse")

    seeds, tree = jax.tree.flatten(jax.tree.map(ones, program.out))
    moving = [k for k, s in enumerate(seeds) if s.dtype != jax.dtypes.float0]

    def there_and_back(xs, cotangents):
        out, pullback = jax.vjp(f, *xs)
        full = list(seeds)
        for k, c in zip(moving, cotangents, strict=True):
            full[k] = c
        return out, pullback(jax.tree.unflatten(tree, full))

    jaxpr = jax.make_jaxpr(there_and_back)(args, [seeds[k] for k in moving]).jaxpr
    expected = Counter(e.primitive.name for e in jaxpr.eqns)
    found = Counter(e.primitive for e in program.equations)
    # jax 0.9 makes zeros that nothing reads; f may make some, too, and these are shown
    idle = Counter(
        e.primitive.name
        for e in jaxpr.eqns
        if all(map(basics.is_literal, e.invars)) and all(map(basics.is_dropped, e.outvars))
    )
    assert found <= expected
    assert expected - found <= idle


def as_data(record):
    """A program as nested lists, to compare two captures by."""
    if dataclasses.is_dataclass(record):
        names = [f.name for f in dataclasses.fields(record)]
        names = [n for n in names if n not in ("out", "out_tangent", "in_cotangents")]
        return [(n, as_data(getattr(record, n))) for n in names]
    if isinstance(record, dict):
        return [(key, as_data(value)) for key, value in record.items()]
    if isinstance(record, (list, tuple)):
        return [as_data(part) for part in record]
    return repr(record)


@pytest.mark.parametrize("name", REVERSE)
def test_shared_rules_change_nothing(name, monkeypatch):
    """Deriving the rule of each kind of equation once is quicker, and seen by nobody."""
    f, args = REVERSE[name]
    found = []
    for shared_from in (1, 10**9):
        monkeypatch.setattr(sharing, "SHARED_FROM", shared_from)
        found.append(as_data(capture(f, *args, argnums="all")))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", REVERSE)
def test_every_equation_has_a_role_and_a_row(name):
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all", mode="reverse")
    rows = {e.path for e in walk(program.rows)}
    equations = list(walk(program.equations))
    paths = [e.path for e in equations]
    assert len(set(paths)) == len(paths)
    for equation in equations:
        assert equation.roles
        assert (equation.primal is None) == (equation.roles == {"bookkeeping"})
        assert equation.primal is None or equation.primal in rows
    stray = sum(e.primal is None for e in equations)
    assert stray <= 1 + 0.02 * len(equations)


@pytest.mark.parametrize("name", REVERSE)
def test_contributions_add_up_to_adjoints(name):
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all", mode="reverse")
    operands = {e.path: e.operands for e in program.rows} | {"out": program.outputs}
    parts: dict[int, list[int]] = {}
    for (path, position), part in program.contributions.items():
        parts.setdefault(operands[path][position], []).append(part)
    for value, found in parts.items():
        numbers = [program.values[i].summary for i in [program.adjoints[value], *found]]
        if all(s is not None and s.whole for s in numbers):
            total, *rest = (np.asarray(s.entries, complex) for s in numbers)
            np.testing.assert_allclose(sum(rest), total, rtol=1e-2, atol=1e-9)


UNARY = [jnp.sin, jnp.tanh, jnp.exp, lambda v: -v, lambda v: v * 0.5, jax.jit(jnp.cos)]
BINARY = [jnp.add, jnp.multiply, jnp.subtract, lambda a, b: a / (2 + b * b)]
CHOICES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.integers(0, 50)), max_size=9)


def program_of(choices):
    """A random straight-line program in which any value may be used again."""

    def f(x, y):
        values = [x, y]
        for k, i, j in choices:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(UNARY[k](a) if k < len(UNARY) else BINARY[k - len(UNARY)](a, b))
        return values[-1] * values[-2]

    return f


@settings(deadline=None, max_examples=40, derandomize=True)
@given(CHOICES)
def test_random_programs(choices):
    with jax.enable_x64(True):
        f, args = program_of(choices), (0.4, -0.3)
        reverse = capture(f, *args, argnums="all", mode="reverse")
        forward = capture(f, *args, argnums="all", mode="forward")
        assert_trees_close(reverse.in_cotangents, jax.grad(f, (0, 1))(*args))
        assert_trees_close(forward.out_tangent, jax.jvp(f, args, (1.0, 1.0))[1])
        assert len(reverse.rows) == len(forward.rows) == len(jax.make_jaxpr(f)(*args).jaxpr.eqns)
        for row in reverse.rows:
            for operand in row.operands:
                shown = reverse.values[operand]
                assert shown.literal or shown.summary is not None


def scaled_by_seven(closed, index):
    """The jaxpr with the derivative rule of one equation multiplied by seven."""

    @jax.custom_jvp
    def seven(x):
        return x

    seven.defjvp(lambda p, t: (p[0], 7.0 * t[0]))

    def run(*args):
        env = dict(zip(closed.jaxpr.invars, args, strict=True))
        env |= dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        for k, eqn in enumerate(closed.jaxpr.eqns):
            used = [v for v in eqn.invars if not hasattr(v, "val")]
            used = list(dict.fromkeys(used))
            one = basics.program_of([eqn], used, eqn.outvars, eqn.effects)
            out = jax.core.eval_jaxpr(one, (), *[env[v] for v in used])
            env |= dict(zip(eqn.outvars, map(seven, out) if k == index else out, strict=True))
        return [np.asarray(v.val) if hasattr(v, "val") else env[v] for v in closed.jaxpr.outvars]

    return run


def numbers(program, value):
    summary = program.values[value].summary
    return np.asarray(summary.entries, complex) if summary.whole else None


# a rule cannot be put on a mutable array
@pytest.mark.parametrize("name", sorted(REVERSE.keys() - {"mutable_array", "mutable_array_of_x"}))
def test_attribution_is_proved(name):
    """Seven times the rule of a row: seven times what is attributed to it, and nothing upstream."""
    f, args = REVERSE[name]
    closed, leaves = jax.make_jaxpr(f)(*args), jax.tree.leaves(args)
    plain = capture(scaled_by_seven(closed, None), *leaves, argnums="all")
    adjoint = [e for e in plain.equations if "adjoint" in e.roles]
    for k, row in enumerate(plain.rows):
        changed = capture(scaled_by_seven(closed, k), *leaves, argnums="all")
        sevens = {r.path for r in changed.rows[k + 1 : k + 1 + len(row.results)]}
        rest = [e for e in changed.equations if "adjoint" in e.roles and e.primal not in sevens]
        assert [e.primitive for e in rest] == [e.primitive for e in adjoint]
        adjoints = [plain.adjoints[r] for r in row.results if r in plain.adjoints]
        downstream = {plain.variable(v) for v in adjoints}
        for old, new in zip(adjoint, rest, strict=True):
            reached = old.primal == row.path or not downstream.isdisjoint(old.operands)
            downstream |= set(old.results) if reached else set()
            for r, s in zip(old.results, new.results, strict=True):
                before, after = numbers(plain, r), numbers(changed, s)
                if not reached:
                    np.testing.assert_array_equal(after, before)
                elif old.primal == row.path and old.primitive != "add_any":
                    np.testing.assert_allclose(
                        after, 7 * before, rtol=1e-2 if "16" in name else 1e-9, atol=1e-13
                    )


@pytest.mark.parametrize("name", REVERSE)
def test_residuals_are_those_that_jax_saves(name, capsys):
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all", mode="reverse")
    jax.ad_checkpoint.print_saved_residuals(f, *args)
    lines = [line for line in capsys.readouterr().out.splitlines() if "from a literal" not in line]
    theirs = sorted(re.search(r"\[(.*?)\]", line)[1] for line in lines)
    kept = [program.values[r.value] for r in program.residuals if not r.free]
    assert sorted(",".join(map(str, v.shape)) for v in kept) == theirs


@pytest.mark.parametrize("name", REVERSE)
def test_literals_are_kept_for_nothing(name, capsys):
    """Those that jax lists are among them; it lists none that a jitted function works with."""
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all")
    jax.ad_checkpoint.print_saved_residuals(f, *args)
    theirs = capsys.readouterr().out.count("from a literal")
    free = [r for r in program.residuals if r.free]
    assert len(free) >= theirs
    # here ours names a literal that an inlined function of the library works with
    names = ("gelu", "gradient", "hessian", "jvp_of_grad", "logistic_loss", "mse", "vmap_grad")
    if name not in names:
        assert len(free) == theirs
    if name == "logistic":
        assert (len(program.residuals), theirs) == (9, 3)
