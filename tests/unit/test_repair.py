"""The place of a mistake that nothing foresaw: one edit of the student's own code mends it."""

import dataclasses
import linecache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus
from olympus_kit.checks import Mistake, Question, outcome_of, repair, run

CALLS = []
NAMES = {"jax": jax, "jnp": jnp, "np": np, "olympus": olympus, "CALLS": CALLS}


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(run, "SECONDS", 3600.0)


def rule(x, u):
    """The pullback of sum(sin(x) * x)."""
    return u * (np.cos(x) * x + np.sin(x))


asked = Question(
    "q",
    "x_bar",
    rule,
    ({"x": np.array([0.5, 2.0]), "u": 1.5}, {"x": np.array([-1.0, 3.0, 40.0]), "u": -0.25}),
    large_points=(1,),
)


def told(code, question=asked, closely=True):
    """What is said of the answer in a cell."""
    file = f"<cell {len(linecache.cache)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    names = dict(NAMES)
    exec(compile(code, file, "exec"), names)
    return outcome_of(question, names, closely=closely).diagnosis


PLACED = {
    "another name": ("u * (jnp.cos(u) * x + jnp.sin(x))", "`u` in `jnp.cos(u)`: another value"),
    "a number too many": ("u * (jnp.cos(x) * x + 2 + jnp.sin(x))", "a term too many"),
    "a factor that is missing": (
        "u * (jnp.cos(x) + jnp.sin(x))",
        "a factor or a divisor is missing",
    ),
    "a sign": ("u * (-jnp.cos(x) * x + jnp.sin(x))", "a minus sign too many"),
    "another function": ("u * (jnp.cos(x) * x + jnp.cos(x))", "another function belongs there"),
    "an index": ("u * (jnp.cos(x) * x + jnp.sin(x[1:]))", "`1` in `x[1:]`: another index"),
    "a value that stands elsewhere": (
        "u * (jnp.cos(x) * x + jnp.sin(jnp.cos(x)))",
        "a call too many",
    ),
    "a square outside": (
        "u * (jnp.cos(x) * x + jnp.sin(x)) * jnp.sum(x) ** 2 / jnp.sum(x**2)",
        "the power belongs to what is inside",
    ),
    "beside an index that is not an expression": (
        "u * (jnp.cos(u) * x[None, :][0] + jnp.sin(x))",
        "`u` in `jnp.cos(u)`: another value",
    ),
    "the same number in two places": (
        "u * (jnp.cos(2.0) * x + jnp.sin(2.0))",
        "`2.0` in `jnp.cos(2.0)`, and at `2.0` elsewhere: another value",
    ),
    "an inner product": (
        "u * (jnp.dot(jnp.cos(x), x) + jnp.sin(x))",
        "`jnp.dot(jnp.cos(x), x)`: another function",
    ),
}


@pytest.mark.parametrize(("result", "words"), PLACED.values(), ids=list(PLACED))
def test_the_place_of_a_single_mistake_is_told(result, words):
    diagnosis = told(f"def q(x, u):\n    return {result}\n")
    assert "With one change it is right at every point that was tried" in diagnosis.message
    assert words in diagnosis.message
    assert diagnosis.line == f"Line 2 of your cell: return {result}"
    assert rule.__name__ not in diagnosis.message  # nor what should stand there


def test_two_lines_that_have_to_change_places():
    code = """def q(x, u):
    c = jnp.cos(x)
    x = x + 1
    s = jnp.sin(x)
    return u * (c * (x - 1) + s)
"""
    diagnosis = told(code)
    assert "this line and the one after it have to change places" in diagnosis.message
    assert diagnosis.line == "Line 3 of your cell: x = x + 1"


def test_a_line_that_does_not_belong_into_the_loop():
    code = """def q(x, u):
    total = jnp.ones_like(x)
    for part in (jnp.cos(x) * x, jnp.sin(x)):
        total = jnp.zeros_like(x)
        total = total + part
    return u * total
"""
    diagnosis = told(code)
    assert "`total = jnp.zeros_like(x)`: " in diagnosis.message
    assert diagnosis.line == "Line 4 of your cell: total = jnp.zeros_like(x)"


def test_a_line_that_belongs_into_the_loop():
    code = """def q(x, u):
    out = []
    i = 0
    it = x[i]
    for i in range(len(x)):
        out.append(u * (jnp.cos(it) * it + jnp.sin(it)))
    return jnp.stack(out)
"""
    assert "`it = x[i]`: it belongs into the loop" in told(code).message


def test_one_part_of_several_is_mended_alone():
    pair = Question(
        "q",
        ("first", "second"),
        lambda x: (np.sin(x), x**3 + 2 * x),
        ({"x": np.array([0.5, 2.0])}, {"x": np.array([-1.0, 30.0])}),
        large_points=(1,),
    )
    diagnosis = told("def q(x):\n    return jnp.cos(x), jnp.exp(x) + 2\n", pair)
    assert "With one change first is right at every point that was tried" in diagnosis.message
    # a part that an error hides is not mended by taking the error away
    diagnosis = told("def q(x):\n    return jnp.sin(x), len(x[0])\n", pair)
    assert "With one change" not in diagnosis.message


def test_a_local_list_may_be_filled():
    code = """def q(x, u):
    out = []
    for it in x:
        out.append(u * (jnp.cos(u) * it + jnp.sin(it)))
    return jnp.stack(out)
"""
    assert "`u` in `jnp.cos(u)`: another value" in told(code).message


@pytest.mark.parametrize(
    "code",
    [
        "out = []\n    also = out\n    for it in x: out.append(it)",
        "out = [[]]\n    for row in out: row.append(x)",
        "out = {}\n    out[0] = []\n    out[0].append(x)",
        "out, also = [], []\n    for it in x: out.append(it)",
        "out = [2 * x]\n    all = [out, x]\n    out.append(x)",
    ],
)
def test_a_list_with_two_names_is_not_filled_again(code):
    """Or an edit of another name might put it into itself."""
    text = f"def q(x, u):\n    {code}\n    return u * (jnp.cos(u) * x + jnp.sin(x))\n"
    assert "With one change" not in told(text).message


def test_a_count_is_right_by_too_many_changes(monkeypatch):
    count = Question(
        "q",
        "number",
        lambda x: int(np.sum(x > 1)),
        ({"x": np.array([0.5, 2.0])}, {"x": np.array([-1.0, 30.0, 2.0, 3.0])}),
        large_points=(1,),
    )
    code = "def q(x):\n    one = 1\n    return int(jnp.sum(jnp.isfinite(x)))\n"
    with monkeypatch.context() as others:
        others.setattr(repair, "NUMERIC", ())
        assert "a term is missing" in told(code, count).message
    diagnosis = told(code, count)
    assert "With one change" not in diagnosis.message


def test_the_verdict_stands_where_the_search_fails(monkeypatch):
    def fails(_):
        raise RecursionError

    monkeypatch.setattr(repair, "_candidates", fails)
    code = f"def q(x, u):\n    return {PLACED['another name'][0]}\n"
    assert told(code).id == "off"


FORESEEN = dataclasses.replace(
    asked,
    predictions={
        "no-sine": Mistake(result=lambda x, u: u * np.cos(x) * x),
        "nothing": Mistake(result=lambda x, u: 0 * x),
    },
    mistakes=(
        Mistake("no-sine", "half of the rule", "The term with the sine is missing."),
        Mistake("nothing", "nothing", "Your result is 0."),
    ),
)


def test_of_two_mistakes_one_has_a_place_and_the_other_its_words():
    message = told("def q(x, u):\n    return u * jnp.cos(u) * x", FORESEEN).message
    assert "It takes two changes. Look at `u` in `jnp.cos(u)`: another value" in message
    assert message.endswith("this is left: The term with the sine is missing.")


def test_what_many_changes_lead_to_explains_nothing():
    message = told("def q(x, u):\n    return u * x + u * x", FORESEEN).message
    assert "With one change" not in message
    assert "Your result is 0." not in message


def test_two_mistakes_are_no_place():
    diagnosis = told("def q(x, u):\n    return u * (jnp.cos(u) * x + 2 + jnp.exp(x))\n")
    assert "With one change" not in diagnosis.message


def test_only_a_check_looks_closely():
    code = f"def q(x, u):\n    return {PLACED['another name'][0]}\n"
    assert "With one change" not in told(code, closely=False).message


@pytest.mark.parametrize(
    "line",
    [
        "CALLS[:] = []",
        "TABLE[0] = 1",
        "for one in CALLS: pass",
        "def other(): open('file')",
        "x = olympus.lax.while_loop",
        "def other(n):\n    while n: n -= 1",
        "class Other: pass",
        "def other(out, x): out.append(x)",
    ],
)
def test_a_cell_that_does_more_than_define_is_not_run_again(line, monkeypatch):
    monkeypatch.setitem(NAMES, "TABLE", {})
    wrong = PLACED["another name"][0]
    diagnosis = told(f"def q(x, u):\n    return {wrong}\n{line}\n")
    assert diagnosis.id == "off"
    assert "With one change" not in diagnosis.message


def counted_up(x):
    """Count up to 3, which never ends from 2.5."""
    return jax.lax.while_loop(lambda c: c != 3.0, lambda c: c + 1, x)


def by_another(x):
    inner = jax.jit(counted_up)
    return [inner(y) for y in (x, x)][1]


@pytest.mark.parametrize("f", [counted_up, by_another, jax.jit(by_another), lambda x: [by_another]])
def test_a_given_function_with_a_compiled_loop_is_not_run_at_other_points(f, monkeypatch):
    wrong = PLACED["another name"][0]
    monkeypatch.setitem(NAMES, "TABLE", {"f": [f]})
    code = f"def q(x, u):\n    f = TABLE['f']\n    return {wrong}\n"
    assert "With one change" not in told(code).message
    monkeypatch.setitem(NAMES, "TABLE", [asked])  # itself among what is given
    NAMES["TABLE"].append(NAMES["TABLE"])
    assert "With one change" in told(code.replace("TABLE['f']", "TABLE")).message


def test_what_only_looks_is_left_out():
    CALLS.clear()
    wrong = PLACED["another name"][0]
    diagnosis = told(f"def q(x, u):\n    return {wrong}\nCALLS.append(q(1.0, 2.0))\n")
    assert len(CALLS) == 1
    assert "With one change" in diagnosis.message


def test_a_rule_is_made_anew_and_one_of_another_cell_is_left_alone():
    slope = Question(
        "q",
        "slope",
        lambda x: 2 * x,
        ({"x": 0.5}, {"x": -3.0}, {"x": 40.0}),
        large_points=(2,),
        adapt=jax.grad,
    )
    own = """@jax.custom_vjp
def q(x):
    return x * x
def forward(x):
    return q(x), x
def backward(saved, u):
    return (u * 2 * saved + u * saved * jnp.sin(saved),)
q.defvjp(forward, backward)
"""
    assert "a term too many" in told(own, slope).message
    square = jax.custom_jvp(lambda x: x * x)
    NAMES["square"] = square
    foreign = """@square.defjvp
def rule(primals, tangents):
    return primals[0] ** 2, primals[0] * tangents[0] * 3
def q(x):
    return square(x) + x
"""
    told(foreign, slope)
    assert jax.grad(square)(2.0) == 6.0  # the cell's own rule, not that of an edit


def test_an_edit_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr("olympus_kit.checks.repair.SECONDS", 0.3)
    code = """def q(x, u):
    for i in range(2):
        i = i * 10
    return u * jnp.exp(x) + sum(range(i * 10**9 // 10**9))
"""
    assert "With one change" not in told(code).message


def test_a_value_has_no_place():
    value = Question("q", "value", lambda: 3.0, answer="value")
    assert "With one change" not in told("q = 4.0\n", value).message


def test_no_edit_makes_a_list_that_holds_itself():
    """`out.append(out)` would use up what Python allows of nested calls, for good."""
    for change in ("out.append(it)", "out += [it]", "out[:] = [*out, it]"):
        code = f"""def q(x, u):
    out = []
    for place in range(len(x)):
        it = 1.0 * place
        {change}
    return jnp.array(out) * u"""
        assert told(code).id == "off"
        assert told(code).id == "off"
    assert told("def q(x, u):\n    return u * (jnp.cos(x) * x + jnp.sin(x))") is None
