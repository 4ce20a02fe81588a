"""What the engine does around the numbers: limits, uses, demands, laws, time, pictures."""

import ast
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packed import unpack

from olympus_kit.checks import (
    CostLimit,
    Mistake,
    NotYet,
    Question,
    Requirement,
    adjoint,
    linear_in,
    outcome_of,
    ruled_out,
    run,
    test_array,
)
from olympus_kit.checks.message import Opened

REPO = Path(__file__).parents[2]
energy = lambda x: jnp.sum(jnp.sin(x) * x[::-1])


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(run, "SECONDS", 3600.0)


def hvp_question(**more):
    """The Hessian of a function along a vector."""
    return Question(
        "q",
        "product",
        lambda f, x, v: jax.hessian(f)(x) @ v,
        ({"f": energy, "x": test_array((3,))}, {"f": energy, "x": test_array((4,), scale=20.0)}),
        tangents=(
            lambda p: {"v": test_array(p["x"].shape, phase=1.0)},
            lambda p: {"v": test_array(p["x"].shape, phase=4.0)},
        ),
        large_points=(1,),
        **more,
    )


def found(asked, answer):
    outcome = outcome_of(asked, {"q": answer})
    return outcome.diagnosis.id if outcome.diagnosis else outcome.state


def big():
    return {"f": energy, "x": test_array((64,)), "v": test_array((64,), phase=2.0)}


MODES = {
    "forward-over-reverse": lambda f, x, v: jax.jvp(jax.grad(f), (x,), (v,))[1],
    "reverse-over-forward": lambda f, x, v: jax.grad(lambda x: jax.jvp(f, (x,), (v,))[1])(x),
    "reverse-over-reverse": lambda f, x, v: jax.grad(lambda x: jnp.vdot(jax.grad(f)(x), v))(x),
    "forward-over-forward": lambda f, x, v: jax.vmap(
        lambda e: jax.jvp(lambda x: jax.jvp(f, (x,), (e,))[1], (x,), (v,))[1]
    )(jnp.eye(x.size, dtype=x.dtype)),
}


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_read_from_the_answer_s_program(mode):
    for wanted in (mode, "reverse"):
        asked = hvp_question(cost_limits=(CostLimit("wrong-mode", big, mode=wanted),))
        outcome = outcome_of(asked, {"q": jax.jit(MODES[mode], static_argnums=0)})
        assert outcome.state == ("correct" if mode == wanted else "not yet")
        if outcome.diagnosis:
            assert f"in {mode} mode; this question asks for {wanted}" in outcome.diagnosis.message


def test_one_mode_alone():
    slope = lambda **more: Question(
        "q",
        "slope",
        lambda f, x: jax.jacfwd(f)(x),
        ({"f": energy, "x": test_array((3,))}, {"f": energy, "x": test_array((5,), scale=9.0)}),
        large_points=(1,),
        **more,
    )
    asked = slope(
        cost_limits=(
            CostLimit("wrong-mode", lambda: {"f": energy, "x": test_array((8,))}, mode="reverse"),
        )
    )
    assert found(asked, lambda f, x: jax.grad(f)(x)) == "correct"
    assert found(asked, lambda f, x: jax.jacfwd(f)(x)) == "wrong-mode"
    by_hand = lambda f, x: jnp.cos(x) * x[::-1] + jnp.sin(x)[::-1]
    assert found(asked, by_hand) == "correct"  # no transform, so no mode to object to


def test_a_whole_hessian_is_seen_with_and_without_a_limit():
    answer = lambda f, x, v: jax.hessian(f)(x) @ v
    limit = CostLimit("dense-jacobian", big, largest=64 * 64 - 1, size="n = 64")
    outcome = outcome_of(hvp_question(cost_limits=(limit,)), {"q": answer})
    assert "for n = 64 one intermediate array has 4,096 elements" in " ".join(
        outcome.text().split()
    )
    assert found(hvp_question(), answer) == "correct"  # too small to tell
    large = Question(
        "q",
        "product",
        lambda x, v: jax.hessian(energy)(x) @ v,
        (
            {"x": test_array((3,)), "v": test_array((3,), 1.0)},
            {"x": test_array((24,)), "v": test_array((24,), 2.0)},
        ),
        large_points=(1,),
    )
    assert found(large, lambda x, v: jax.hessian(energy)(x) @ v) == "dense-jacobian"
    assert found(large, lambda x, v: jax.jvp(jax.grad(energy), (x,), (v,))[1]) == "correct"
    outer = lambda x, v: jax.jvp(jax.grad(energy), (x,), (jnp.outer(v, v) @ v / (v @ v),))[1]
    assert found(large, outer) == "correct"  # large, but no Jacobian


def test_numpy_does_not_hide_what_an_answer_costs():
    """jax cannot trace these, so the arrays that it makes and the calls of f are counted."""
    limit = CostLimit("dense-jacobian", big, largest=64 * 64 - 1, size="n = 64")
    question = hvp_question(cost_limits=(limit,))

    def dense(f, x, v):
        return np.asarray(jax.hessian(f)(x)) @ np.asarray(v)

    def columns(f, x, v):
        columns = [
            np.asarray(jax.jvp(jax.grad(f), (x,), (e,))[1]) for e in jnp.eye(x.size, dtype=x.dtype)
        ]
        return np.stack(columns, axis=1) @ np.asarray(v)

    def product(f, x, v):
        return np.asarray(jax.jvp(jax.grad(f), (x,), (v,))[1])

    assert found(question, dense) == "dense-jacobian"
    # the unit vectors alone are 64 × 64 numbers; those of NumPy are not jax's
    assert found(question, columns) == "dense-jacobian"
    by_numpy = lambda f, x, v: columns_of(f, np.asarray(x)) @ np.asarray(v)
    columns_of = lambda f, x: np.stack(
        [np.asarray(jax.jvp(jax.grad(f), (x,), (e,))[1]) for e in np.eye(x.size, dtype=x.dtype)], 1
    )
    assert found(question, by_numpy) == "one-pass-per-input"

    def small(f, x, v):
        return product(f, x, v) if x.size < 10 else np.asarray(x)[[3, 99]]

    assert found(question, small) == "index-too-large"  # at the size of the limit alone
    assert found(question, product) == "correct"


def test_a_loop_of_passes_is_counted():
    def loop(f, x, v):
        rows = [jax.jvp(jax.grad(f), (x,), (e,))[1] for e in jnp.eye(x.size, dtype=x.dtype)]
        return jnp.stack(rows) @ v

    limit = CostLimit("one-pass-per-input", big, calls={"f": 1}, size="n = 64")
    outcome = outcome_of(hvp_question(cost_limits=(limit,)), {"q": loop})
    assert outcome.diagnosis is not None
    assert "runs `f` 64 times for n = 64" in outcome.diagnosis.message
    assert found(hvp_question(cost_limits=(limit,)), MODES["forward-over-reverse"]) == "correct"
    assert found(hvp_question(), loop) == "correct"  # too small to tell
    points = {"f": energy, "x": test_array((3,))}, {"f": energy, "x": test_array((24,), scale=20.0)}
    large = dataclasses.replace(hvp_question(), points=points)
    assert found(large, loop) == "one-pass-per-input"
    for mode in ("forward-over-reverse", "reverse-over-forward", "reverse-over-reverse"):
        assert found(large, MODES[mode]) == "correct"
    whole = dataclasses.replace(large, reference=lambda f, x: jax.hessian(f)(x), tangents=())
    rows = lambda f, x: jnp.stack([
        jax.jvp(jax.grad(f), (x,), (e,))[1] for e in jnp.eye(x.size, dtype=x.dtype)
    ])
    assert found(whole, rows) == "correct"  # all rows are asked for


def test_each_function_of_a_list_is_counted():
    def chain(x, functions):
        for function in functions:
            x = function(x)
        return x

    point = lambda x: {"x": x, "functions": [jnp.sin, jnp.exp, jnp.cos]}
    limit = CostLimit("too-many-calls", lambda: point(1.0), calls={"functions": 1})
    asked = Question(
        "q", "y", chain, (point(0.5), point(30.0)), large_points=(1,), cost_limits=(limit,)
    )
    assert found(asked, chain) == "correct"
    again = lambda x, functions: chain(x, functions) + 0 * functions[0](x)
    outcome = outcome_of(asked, {"q": again})
    assert outcome.diagnosis is not None
    assert "calls `functions[0]` 2 times" in outcome.diagnosis.message


RULE = Question(
    "q",
    ("value", "tangent"),
    lambda x, v: (jnp.log1p(x), v / (1 + x)),
    ({"x": 0.5}, {"x": 100.0}),
    tangents=(lambda p: {"v": 1.0}, lambda p: {"v": -2.5}),
    large_points=(1,),
    adapt=lambda f: lambda x, v: jax.jvp(f, (x,), (v,)),
    requirements=(Requirement("no-own-rule", lambda f, a: hasattr(f, "defjvp")),),
    mistakes=(Mistake("no-own-rule", "no rule", "Your function has no rule."),),
)


def with_rule(rule):
    f = jax.custom_jvp(jnp.log1p)
    f.defjvp(rule)
    return f


def test_an_answer_can_be_used_in_another_way_than_called():
    right = with_rule(lambda x, v: (jnp.log1p(x[0]), v[0] / (1 + x[0])))
    assert found(RULE, right) == "correct"
    assert found(RULE, jnp.log1p) == "no-own-rule"
    ignoring = with_rule(lambda x, v: (jnp.log1p(x[0]), 1 / (1 + x[0])))
    assert found(RULE, ignoring) == "tangent-ignored"
    fixed = with_rule(lambda x, v: (jnp.log1p(x[0]), v[0] / 101.0))  # right at one point alone
    assert found(RULE, fixed) == "off"


def test_a_law_is_checked_even_where_every_number_agrees():
    asked = Question(
        "q",
        "x_bar",
        lambda x, u: u * jnp.cos(x),
        ({"x": 0.5}, {"x": 20.0}),
        tangents=(lambda p: {"u": 1.0}, lambda p: {"u": 0.5}),
        large_points=(1,),
        requirements=(linear_in("u"), adjoint(jnp.sin, ("x",), "u")),
    )
    assert found(asked, lambda x, u: u * jnp.cos(x)) == "correct"
    clipped = lambda x, u: jnp.clip(u, -1.0, 1.0) * jnp.cos(x)
    assert found(asked, clipped) == "law"


def test_containers_of_arrays_are_compared_entry_by_entry():
    asked = Question(
        "q",
        ("loss", "grads"),
        lambda w, b: (w @ w + b, {"w": 2 * w, "b": jnp.ones(())}),
        ({"w": test_array((3,)), "b": 0.5}, {"w": test_array((4,), scale=30.0), "b": 2.0}),
        large_points=(1,),
    )
    assert found(asked, lambda w, b: (w @ w + b, {"w": 2 * w, "b": 1.0})) == "correct"
    outcome = outcome_of(asked, {"q": lambda w, b: (w @ w + b, {"w": -2 * w, "b": 1.0})})
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "sign"
    assert "`grads['w']` has the wrong sign" in outcome.diagnosis.message
    assert found(asked, lambda w, b: (w @ w + b, [2 * w, 1.0])) == "part-container"


def test_what_an_answer_changes_in_a_container_is_seen():
    asked = Question(
        "q", "y", lambda p: p["x"], ({"p": {"x": 1.0}}, {"p": {"x": 50.0}}), large_points=(1,)
    )
    assert found(asked, lambda p: p["x"]) == "correct"
    assert found(asked, lambda p: p.pop("x")) == "mutated-input"


def test_a_value_is_never_told():
    asked = Question("q", "shapes", lambda: {"a": (3, 2), "b": (4,)}, answer="value")
    outcome = outcome_of(asked, {"q": {"a": (3, 2), "b": (5,)}})
    assert outcome.state == "not yet"
    assert "`shapes['b'][0]` is 5 in yours." in outcome.text()
    assert "4" not in outcome.text().replace("q: not yet", "")


MATRIX = Question(
    "q",
    "J",
    lambda x: jnp.outer(x, x) + jnp.eye(3),
    ({"x": test_array((3,))}, {"x": test_array((3,), scale=20.0)}),
    large_points=(1,),
)
two_wrong = lambda x: (jnp.outer(x, x) + jnp.eye(3)).at[0, 1].add(2.0).at[2, 0].mul(-3.0)


def test_wrong_entries_are_marked_in_text_and_in_a_table():
    outcome = outcome_of(MATRIX, {"q": two_wrong})
    assert outcome.diagnosis is not None
    assert outcome.text().count("✗") == 2
    assert "7 of its 9 entries are right" in " ".join(outcome.text().split())
    table = outcome.diagnosis.picture._repr_mimebundle_()["text/html"]
    assert table.count("<td") == 9
    assert table.count("✗") == 2 + 1  # and once in the caption
    assert "http" not in table
    assert outcome.from_json(outcome.json()).text() == outcome.text()


def test_the_ladder_opens_at_the_first_nan():
    asked = Question(
        "q",
        "slope",
        lambda x: jnp.where(x > 0, 0.5 / jnp.sqrt(jnp.maximum(x, 1e-30)), 0.0),
        ({"x": 0.0}, {"x": 400.0}),
        large_points=(1,),
    )
    answer = lambda x: jax.grad(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0))(x)
    outcome = outcome_of(asked, {"q": answer})
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "where-trap"
    said = " ".join(outcome.text().split())
    assert "The first infinity appears here: 0.5 / v2, where v2 = 0.0, gives inf." in said
    assert "of your cell: answer = lambda x: jax.grad(lambda x: jnp.where(" in said
    picture = outcome.diagnosis.picture
    assert isinstance(picture, Opened)
    state = picture._repr_mimebundle_()["text/html"].partition("data-state='")[2].partition("'")[0]
    assert unpack(state)["step"] == 2


@pytest.mark.parametrize("chosen_well", [True, False])
def test_a_value_that_survives_its_slope_shows_the_trap(chosen_well):
    asked = Question(
        "q",
        ("value", "slope"),
        lambda x: (np.logaddexp(x, 0.0), 1 / (1 + np.exp(-x))),
        ({"x": 0.5}, {"x": 1000.0}),
        large_points=(1,),
        adapt=lambda answer: lambda x: (answer(x), jax.grad(answer)(x)),
    )
    trapped = lambda x: jnp.where(x > 30, x, jnp.log1p(jnp.exp(x)))
    never = lambda x: jnp.where(x > 1e9, x, jnp.log1p(jnp.exp(x)))
    outcome = outcome_of(asked, {"q": trapped if chosen_well else never})
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == ("where-trap" if chosen_well else "nan")


def test_a_kernel_shows_a_card_and_the_picture_and_a_terminal_their_text(monkeypatch):
    from olympus_kit.checks import api, outcome

    failed = outcome_of(MATRIX, {"q": two_wrong})
    error = failed.error()
    assert isinstance(error, NotYet)
    assert "✗" in "\n".join(error._render_traceback_())
    shown = []
    monkeypatch.setattr(api, "in_kernel", lambda: True)
    monkeypatch.setattr(outcome, "in_kernel", lambda: True)
    monkeypatch.setattr(api, "show", shown.append)
    api._show_failure(failed)
    assert shown == [failed, failed.diagnosis.picture]
    for _ in range(2):  # IPython asks twice
        assert error._render_traceback_() == [
            "△ q: not yet. Run All stops here; check_all() goes on."
        ]
    bundle = failed._repr_mimebundle_()
    assert bundle["text/plain"] == failed.text(twin=False)
    assert "<code>J[2, 0]</code> is" in bundle["text/html"]
    assert "<code>hint(&quot;q&quot;)</code> gives a nudge" in bundle["text/html"]


def test_an_answer_that_leaves_is_told_and_not_followed():
    assert found(MATRIX, lambda x: sys.exit(3)) == "raised"


def nested_calls():
    """Count the calls inside one another that Python allows from here."""
    count = 0

    def deeper():
        nonlocal count
        count += 1
        deeper()

    with pytest.raises(RecursionError):
        deeper()
    return count


def test_a_dict_without_an_order_costs_the_process_nothing():
    points = ({"x": 1.0}, {"x": -2.0})
    pair = lambda x: (x, 3 * x)
    question = Question(
        name="pair", returns=("a", "b"), points=points, large_points=(1,), reference=pair
    )
    answer = lambda x: (x, {1: x, "x": x})
    before = nested_calls()
    for _ in range(5):
        text = outcome_of(question, {"pair": answer}).text()
        assert "have no order: [1, 'x']" in " ".join(text.split())
    assert nested_calls() == before


def test_what_the_text_rules_out_is_found_in_deep_code():
    question = dataclasses.replace(MATRIX, without=("power",))
    deep = " + ".join(["x"] * 2000)
    cell = ast.parse(f"def {question.name}(x):\n    return np.power(x, 2) + {deep}")
    assert ruled_out(question, [cell]).id == "ready-made"


def test_an_answer_cannot_swallow_the_timer(monkeypatch):
    from olympus_kit.checks import run as _timer

    def stubborn(x):
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass

    monkeypatch.setattr(_timer, "SECONDS", 0.2)
    assert found(MATRIX, stubborn) == "took-too-long"


def test_a_busy_machine_is_no_endless_loop(monkeypatch):
    """What waits uses no processor: it gets `PATIENCE` times as long."""
    from olympus_kit.checks import run as _timer

    def waits(x):
        time.sleep(0.03)
        return jnp.outer(x, x) + jnp.eye(3)

    monkeypatch.setattr(_timer, "SECONDS", 0.01)
    monkeypatch.setattr(_timer, "PATIENCE", 1e6)
    monkeypatch.setattr(_timer.time, "process_time", lambda: 0.0)
    assert found(MATRIX, waits) == "correct"
    monkeypatch.setattr(_timer, "PATIENCE", 4)
    assert found(MATRIX, lambda x: time.sleep(3600)) == "took-too-long"


def test_of_a_compiled_loop_the_watchdog_speaks(tmp_path):
    code = """
import jax
from olympus_kit.checks import Question, outcome_of
from olympus_kit.checks import run as _timer
_timer.SECONDS = 0.5
q = Question("q", "y", lambda x: x, ({"x": 1.0}, {"x": 99.0}), large_points=(1,))
endless = lambda x: jax.lax.while_loop(lambda s: s > 0, lambda s: s + 1.0, x)
outcome_of(q, {"q": endless})
"""
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        said = "".join(child.stdout.readline() for _ in range(2))
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert "restart the kernel" in said


def test_references_are_computed_once():
    calls = []
    asked = Question(
        "q",
        "y",
        lambda x: (calls.append(1), 2 * x)[1],
        ({"x": 1.0}, {"x": np.float64(50.0)}),
        large_points=(1,),
    )
    for _ in range(3):
        assert found(asked, lambda x: 2 * x) == "correct"
    assert len(calls) == 2
