"""Messages survive a second look: true of the answer, about the part, in good English."""

import linecache
import re
from itertools import count

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from olympus_kit.checks import Mistake, Question, Requirement, outcome_of, run, test_array
from olympus_kit.checks.evidence import EditRow, as_real, digest
from olympus_kit.checks.message import error_text, kind
from olympus_kit.checks.mistakes import pack_edits, unpack_edits
from olympus_kit.checks.steps import user_line

CELLS = count()


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(run, "SECONDS", 3600.0)


def written(code, name="q"):
    """An answer as it stands in a notebook's cell, whose lines can be looked up."""
    file = f"<messages {next(CELLS)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    names = {"jnp": jnp, "jax": jax, "np": np}
    exec(compile(code, file, "exec"), names)
    return names[name]


def outcome(question, answer, edits=()):
    return outcome_of(question, {question.name: answer}, edits)


def said(question, answer, edits=()):
    """The id and the text, in one line."""
    one = outcome(question, answer, edits)
    text = " ".join(one.text().split())
    assert not re.search(r"\{[a-z_]+\}", text)
    return (one.diagnosis.id if one.diagnosis else one.state), text


def question(reference, *points, **more):
    return Question("q", more.pop("returns", "y"), reference, points, large_points=(1,), **more)


SLOPE = question(
    lambda f, x: jax.jacfwd(f)(x),
    {"f": jnp.sin, "x": 0.5},
    {"f": lambda x: x**3, "x": 20.0},
    returns="slope",
)
VECTOR = question(
    lambda x: x**2 + 1,
    {"x": test_array((3,))},
    {"x": test_array((3,), phase=2.0, scale=40.0)},
    returns="squares",
)
MATRIX = question(
    lambda x: jnp.outer(x, x**2),
    {"x": test_array((3,))},
    {"x": test_array((3,), phase=2.0, scale=40.0)},
    returns="J",
)
PAIR = question(
    lambda x: (jnp.sum(x**2), 2 * x),
    {"x": test_array((3,))},
    {"x": test_array((3,), phase=2.0, scale=40.0)},
    returns=("value", "gradient"),
)


def test_a_container_s_message_names_the_part_and_what_it_should_be():
    id_, text = said(SLOPE, lambda f, x: (f(x) + 7, 2.0))
    assert id_ == "part-container"
    assert "`slope` should be one number; you returned a tuple of length 2." in text
    id_, text = said(PAIR, lambda x: (jnp.sum(x**2), {"g": 2 * x}))
    assert id_ == "part-container"
    assert "you returned a dict with the keys 'g'." in text
    id_, text = said(PAIR, lambda x: (jnp.sum(x**2), "2x"))
    assert "`gradient` should be a number or an array of numbers; you returned text." in text


def test_two_containers_of_one_kind_are_told_apart_by_what_they_hold():
    state = question(
        lambda x: {"count": x, "mean": 2 * x}, {"x": 0.5}, {"x": 30.0}, returns="state"
    )
    _, text = said(state, lambda x: {"count": x, "sum": 2 * x})
    assert "should be a dict with the keys 'count', 'mean'" in text
    assert "you returned a dict with the keys 'count', 'sum'." in text
    nested = question(lambda x: (x, (x, x)), {"x": 0.5}, {"x": 30.0}, returns=("y", "both"))
    _, text = said(nested, lambda x: (x, ((x, x), x)))
    assert "should be a tuple of length 2 whose entries are [0], [1];" in text
    assert "you returned a tuple of length 2 whose entries are [0][0], [0][1], [1]." in text


def test_a_point_as_the_second_argument_of_grad_is_told_where_it_belongs():
    for x in ("x", "1.0 * x"):
        answer = written(f"def q(f, x):\n    x = {x}\n    return jax.grad(f, x)\n")
        id_, text = said(SLOPE, answer)
        assert id_ == "point-as-argnums"
        assert "call it at the point: `grad(f)(x)`" in text
    loop = written("def q(f, x):\n    for row in x:\n        pass\n")
    id_, text = said(SLOPE, loop)
    assert id_ == "raised"  # nothing is unpacked, and no `argnums` is there
    assert "for row in x" in text


def test_a_product_of_tangents_is_no_rule():
    """jax says so by an assertion without words."""
    asked = question(lambda x: 2 * x, {"x": 0.5}, {"x": 30.0})
    code = (
        "@jax.custom_jvp\ndef square(x):\n    return x * x\n\n"
        "square.defjvps(lambda x, ans, x_dot: 2 * x * x_dot * x)\n\n"
        "def q(x):\n    {}\n    return jax.grad(square)(x)\n"
    )
    assert said(asked, written(code.format("pass")))[0] == "rule-not-linear"
    assert said(asked, written(code.format("assert x < 0")))[0] == "raised"


def test_an_exception_in_a_function_that_was_given_is_told_to_be_there():
    given = {"jnp": jnp}
    exec(compile("def f(x):\n    return jnp.ones((2, 3)) @ x\n", "q.spec.py", "exec"), given)
    asked = question(
        lambda f, x: x,
        {"f": given["f"], "x": test_array((3,))},
        {"f": given["f"], "x": test_array((3,), scale=9.0)},
    )
    id_, text = said(asked, written("def q(f, x):\n    return f(x[:2])\n"))
    assert id_ == "contracting-shapes"
    assert "in a function that came with the question" in text
    id_, text = said(asked, written("def q(f, x):\n    f(x)\n    return jnp.eye(2) @ x\n"))
    assert id_ == "contracting-shapes"
    assert "came with the question" not in text


def test_what_the_check_itself_differentiates_is_no_function_that_was_given():
    names = {"jax": jax}
    code = "def slope(answer):\n    return lambda x: jax.grad(answer)(x)\n"
    exec(compile(code, "slope.spec.py", "exec"), names)
    points = {"x": 2.0}, {"x": 9.0}
    asked = question(lambda x: 2 * x, *points, adapt=names["slope"])
    loop = "jax.lax.while_loop(lambda s: s < 99.0, lambda s: s * x, x + 1)"
    id_, text = said(asked, written(f"def q(x):\n    return {loop}\n"))
    assert id_ == "while-in-reverse"
    assert "came with the question" not in text


def test_a_call_of_the_student_s_own_is_told_from_that_of_the_answer():
    own = written("def q(f, x):\n    key = f(x, 3)\n    return key\n")
    assert said(SLOPE, own)[0] == "arguments-of-a-call"
    assert said(SLOPE, lambda f: f)[0] == "wrong-arguments"


def test_more_than_was_asked_for_says_which_place_is_right():
    id_, text = said(SLOPE, lambda f, x: (f(x), jax.grad(f)(x)))
    assert id_ == "extra-part"
    assert "It stands in place 1 of what you returned" in text


def test_a_list_of_the_right_numbers_is_told_to_become_an_array():
    id_, text = said(VECTOR, lambda x: [v**2 + 1 for v in x])
    assert id_ == "list-for-array"
    assert "`squares` is a list of length 3, and it should be an array of shape (3,)" in text
    assert "it should be an array of shape (3,)" in text


def test_a_square_transpose_does_not_say_the_same_shape_twice():
    id_, text = said(MATRIX, lambda x: jnp.outer(x**2, x))
    assert id_ == "transposed"
    assert "has shape" not in text
    assert re.search(r"`J\[\d, \d\]` is \S+ in yours; it should be \S+\.", text)


def test_code_in_a_message_is_shown_as_it_is_written():
    answer = written("def q(f, x):\n    return [f][0](x) ** 2 ** jnp.ones((2,))[2](x)\n")
    _, text = said(SLOPE, answer)
    assert "return [f][0](x) ** 2 ** jnp.ones((2,))[2](x)" in text


def test_a_factor_that_is_fitted_must_explain_more_than_one_number():
    leaf = question(
        lambda x: {"b": jnp.sum(x), "w": x**2},
        {"x": test_array((3,))},
        {"x": test_array((3,), phase=2.0, scale=40.0)},
        returns="gradients",
    )
    one = question(
        lambda x: {"b": jnp.sum(x)} if x.shape == (3,) else {"w": x},
        {"x": test_array((3,))},
        {"x": test_array((5,), phase=2.0, scale=40.0)},
        returns="gradients",
    )
    assert (
        said(one, lambda x: {"b": 2.44 * jnp.sum(x)} if x.shape == (3,) else {"w": x})[0] == "off"
    )
    other = lambda x: {"b": 2.44 * jnp.sum(x), "w": x**2 + jnp.cos(x)}
    assert said(leaf, other)[0] == "off"  # what b shows alone is not a mistake
    assert said(leaf, lambda x: {"b": 2.44 * jnp.sum(x), "w": x**2 * 2.44})[0] == "factor"
    assert said(VECTOR, lambda x: 2.44 * (x**2 + 1))[0] == "factor"


def test_nearly_right_is_said_where_every_entry_is():
    """One entry of many that is off by a percent of itself is another mistake."""
    one = lambda x: (x**2 + 1) * jnp.array([1.0, 1.0, 1.006])
    assert said(VECTOR, one)[0] == "off"
    assert said(VECTOR, lambda x: (x**2 + 1) * (1 + 1e-4 * jnp.cos(x)))[0] == "nearly"


def test_arguments_change_places_only_in_a_call_that_is_there():
    """The solution calls `jvp`: a student who does not is told nothing of its arguments."""
    asked = question(lambda x: 2 * x, {"x": 0.5}, {"x": 30.0})
    numbers = [digest(np.asarray(7 * x + 0.25))[0].tolist() for x in (0.5, 30.0)]
    row = EditRow("edit-arguments", {"old": "`jvp`"}, "y", [[], []], numbers)
    with_it = "def q(x):\n    return 7 * jax.jvp(lambda t: t, (x,), (x,))[0] + 0.25\n"
    assert said(asked, written(with_it), [row])[0] == "edit-arguments"
    assert said(asked, written("def q(x):\n    return 7 * x + 0.25\n"), [row])[0] == "off"


def test_what_is_nearly_right_is_no_edit_that_is_nearly_right_too():
    """A row in single precision that the right numbers fit as well tells nothing."""
    asked = question(lambda x: 2 * x, {"x": 0.5}, {"x": 30.0})
    row = EditRow("edit-term", {"names": ""}, "y", [[], []], [[1.0], [60.0]])
    assert said(asked, lambda x: 2 * x * (1 + 1e-6), [row])[0] == "nearly"


def test_the_check_s_own_grad_is_not_blamed_on_the_answer():
    asked = question(
        lambda x: (jnp.sum(x**2), 2 * x),
        {"x": test_array((3,))},
        {"x": test_array((4,), phase=2.0, scale=40.0)},
        returns=("value", "slope"),
        adapt=lambda answer: lambda x: (answer(x), jax.grad(answer)(x)),
    )
    id_, text = said(asked, written("def q(x):\n    return x**2\n"))
    assert id_ == "shape"
    assert "value" in text
    assert "grad" not in text
    pair = written("def q(x):\n    return jnp.sum(x**2), 2 * x\n")
    assert said(asked, pair)[0] == "extra-part"
    own = written("def q(x):\n    return jax.grad(lambda t: t**2)(x)\n")
    assert said(asked, own)[0] == "grad-of-array"  # here the student asked for it


def test_a_wrong_number_at_an_ordinary_point_is_told_before_an_infinity():
    asked = question(lambda x: x / 3, {"x": 0.5}, {"x": 1e200})
    id_, text = said(asked, lambda x: x * (x + 1.0))
    assert id_ == "off"
    assert "test point 1" in text
    assert said(asked, lambda x: jnp.where(x < 9, x / 3, x * x))[0] == "nan"


def test_an_argument_is_called_fixed_where_all_that_is_wrong_says_so():
    asked = question(
        lambda x, s: (x * jnp.exp(s), x + s),
        {"x": 0.5, "s": 0.3},
        {"x": 30.0, "s": 2.0},
        returns=("y", "z"),
    )
    assert said(asked, lambda x, s: (x, x))[0] == "argument-fixed"
    assert said(asked, lambda x, s: (x, x - 3.7 * s))[0] != "argument-fixed"


def test_the_results_of_an_edit_may_be_complex():
    asked = question(lambda x: x * 2j, {"x": 0.5}, {"x": 30.0})
    made = lambda x: (x + 1) * (3 + 1j)
    numbers = [digest(as_real(made(x)))[0].tolist() for x in (0.5, 30.0)]
    row = EditRow("edit-term", {"names": ""}, "y", [[2], [2]], numbers)
    assert said(asked, made, [row])[0] == "edit-term"
    assert said(asked, lambda x: made(x) + 1j, [row])[0] == "off"


def test_entries_are_counted_with_the_tolerance_that_decides():
    """All but one in seven digits: not "3 of its 3 entries are right" beside "not right"."""
    id_, text = said(VECTOR, lambda x: (x**2 + 1) * jnp.array([1 + 1e-6, 1 - 2e-6, 1 + 3e-5]))
    assert id_ == "nearly"
    _, text = said(VECTOR, lambda x: (x**2 + 1).at[0].add(5.0).at[1].add(-3.0))
    assert "In the first case, 1 of its 3 entries is right." in text
    _, text = said(VECTOR, lambda x: (x**2 + 1).at[0].add(x[1]))
    assert "In the first case, 2 of its 3 entries are right." in text


def test_a_law_says_what_came_and_what_should_have_come():
    law = Requirement(
        "odd", statement="f(−x) = −f(x)", sides=lambda call, a: (call(x=-a["x"]), 1.0)
    )
    asked = question(lambda x: 2.0 * x, {"x": 0.0}, {"x": 50.0}, requirements=(law,))
    id_, text = said(asked, lambda x: 2.0 * x)
    assert id_ == "law"
    assert "Your answer breaks a law that every right answer keeps: f(−x) = −f(x)." in text
    assert "At test point 1 (x = 0), one side is 0 and the other, which should be equal, is 1." in (
        text.replace("-0", "0")
    )


def test_no_line_of_a_library_stands_under_where():
    for answer in (jnp.sin, jax.jit(jnp.vdot), np.linalg.inv, jax.grad(jnp.sin)):
        _, text = said(SLOPE, answer)
        assert "Where:" not in text
    answer = written("def q(f, x):\n    y = f(x)\n    return undefined + y\n")
    _, text = said(SLOPE, answer)
    assert "Where: Line 3 of your cell: return undefined + y" in text


def test_no_address_and_whole_sentences_of_an_error():
    function = lambda: 0
    error = TypeError(f"{function} is wrong. " + "A long sentence about a cause. " * 30)
    text = error_text(error)
    assert "0x" not in text
    assert len(text) < 340
    assert text.endswith("cause. …")
    assert error_text(KeyError()) == "KeyError"
    noise = "the point\n\nFor simplicity, JAX has removed its internal frames from the traceback"
    assert error_text(ValueError(noise)) == "ValueError: the point"
    assert user_line(error, jnp.sin) == ""


def test_parameters_in_another_order_are_told_with_both_orders():
    answer = written("def q(x, f):\n    return jax.grad(f)(x)\n")
    id_, text = said(SLOPE, answer)
    assert id_ == "parameter-order"
    assert "Your function takes (x, f), and it is called as q(f, x)" in text
    renamed = written("def q(point, function):\n    return jax.grad(function)(point)\n")
    assert said(SLOPE, renamed)[0] == "parameter-order"
    wrong = written("def q(g, z):\n    return 2 * jax.grad(g)(z)\n")
    assert said(SLOPE, wrong)[0] == "factor"


def test_grad_of_a_vector_function_is_not_told_to_sum():
    asked = question(
        lambda f, x: jax.jacfwd(f)(x),
        {"f": jnp.sin, "x": test_array((3,))},
        {"f": jnp.exp, "x": test_array((3,), 1.0, 3.0)},
    )
    id_, text = said(asked, lambda f, x: jax.grad(f)(x))
    assert id_ == "grad-of-array"
    assert "sum it" not in text
    assert "Jacobian" in text


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        ("jnp.sum(x) if 0 <= x < 3 else x", "chained-comparison"),
        ("x if x > 0 and x < 3 else -x", "boolean-word"),
        ("x if not x > 0 else -x", "boolean-word"),
        ("x if x > 0 else -x", "branch-on-array"),
        ("max(x, 0 * x)", "branch-on-array"),
    ],
)
def test_what_asks_for_the_truth_of_an_array_is_named(line, id_):
    answer = written(f"def q(x):\n    return {line}\n")
    assert said(VECTOR, answer)[0] == id_
    traced = written(f"def q(x):\n    return jax.vmap(lambda x: {line})(x)\n")
    assert said(VECTOR, traced)[0] == id_.replace("branch-on-array", "python-branch")


def test_a_quotient_is_no_mistake_where_the_question_gives_its_step():
    asked = question(
        lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
        {"f": jnp.sin, "x": 0.5, "h": 0.01},
        {"f": jnp.exp, "x": 5.0, "h": 0.02},
    )
    one_sided = lambda f, x, h: (f(x + h) - f(x)) / h
    id_, text = said(asked, one_sided)
    assert id_ not in ("finite-difference", "own-step")
    assert "inexact" not in text
    assert "keeps an error" not in text
    own = lambda f, x, h: (f(x + 1e-3) - f(x - 1e-3)) / 2e-3
    id_, text = said(asked, own)
    assert id_ == "own-step"
    assert "step of its own, 0.001" in text


def test_an_update_that_is_thrown_away_is_named_by_the_code():
    asked = question(lambda x: x * 2.0, {"x": np.array([0.5, 1.0])}, {"x": np.array([3.0, 40.0])})
    code = "def q(x):\n    y = jnp.zeros(2)\n    {}y.at[:].set(2.0 * x)\n    return y{}\n"
    id_, text = said(asked, written(code.format("", "")))
    assert id_ == "update-thrown-away"
    assert "A line of your answer throws it away" in text
    assert said(asked, written(code.format("y = ", " + 1")))[0] != id_


def test_a_return_in_a_loop_is_named_by_the_code():
    asked = question(
        lambda x, n: x * n,
        {"x": 0.5, "n": 3},
        {"x": 30.0, "n": 5},
    )
    code = "def q(x, n):\n    for _ in range(n):\n        total = 0.0\n        {}return total\n"
    id_, text = said(asked, written(code.format("")))
    assert id_ == "return-in-loop"
    late = (
        "def q(x, n):\n    t = 1.0\n    for _ in range(n):\n        t = t + 0.0\n        return t\n"
    )
    id_, text = said(asked, written(late))
    assert id_ == "return-in-loop"
    assert "numbers written" not in text
    once = (
        "def q(x, n):\n    t = 0.0\n    for _ in range(n):\n        t = t + x\n        return t\n"
    )
    id_, text = said(asked, written(once))
    assert id_ == "return-in-loop"  # and not only: what is right at n = 1
    assert said(asked, lambda x, n: 1.0)[0] == "constant-answer"


def test_an_exception_of_a_question_s_own_needs_the_code_too():
    own = Mistake("halves", "halves", "The halves.", raised=("TypeError: ",), code="half")
    asked = question(lambda x: 2 * x, {"x": 0.5}, {"x": 30.0}, mistakes=(own,))
    assert said(asked, written("def q(x):\n    half = 1.0\n    return half(x)\n"))[0] == "halves"
    assert said(asked, written("def q(x):\n    y = 1.0\n    return y(x)\n"))[0] == "called-value"


def test_parts_of_other_kinds_may_have_changed_places():
    asked = question(
        lambda x: (x, {"w": 2 * x}), {"x": 0.5}, {"x": 30.0}, returns=("value", "gradient")
    )
    assert said(asked, lambda x: ({"w": 2 * x}, x))[0] == "swapped"
    assert said(asked, lambda x: ({"w": 3 * x}, x))[0] == "part-container"


def test_a_message_about_code_needs_the_code():
    """`argnums` is missing: said only of code that does not hold it."""
    asked = question(
        lambda x: (2 * x, x),
        {"x": 0.5},
        {"x": 30.0},
        returns=("w", "b"),
        predictions={"no-argnums": Mistake(result=lambda x: 0.0, part="b")},
        mistakes=(Mistake("no-argnums", "no argnums", "Add argnums.", code="!argnums"),),
    )
    bare = written("def q(x):\n    return 2 * x, 0.0\n")
    with_it = written("def q(x):\n    argnums = (0, 1)\n    return 2 * x, 0.0\n")
    assert said(asked, bare)[0] == "no-argnums"
    assert said(asked, with_it)[0] == "all-zero"


def test_a_page_about_reverse_mode_is_named_only_where_it_belongs():
    mine = question(lambda x: x + 1.0, {"x": 1.0}, {"x": 99.0}, read="book/09_breaks.md")
    _, text = said(mine, lambda x: (x + 1.0,))
    assert "Read again: book/09_breaks.md" in text


def test_an_edit_s_result_is_named_and_packed_small():
    points = [{"x": test_array((6,))}, {"x": test_array((6,), 2.0, 40.0)}]
    asked = question(lambda x: jnp.cumsum(x**2), *points, returns="sums")
    wrong = [np.cumsum(np.asarray(p["x"]) ** 2 + p["x"]) for p in points]
    row = EditRow(
        "edit-term",
        {"names": " (the one with x)"},
        "sums",
        [list(w.shape) for w in wrong],
        [digest(w)[0].tolist() for w in wrong],
    )
    packed = pack_edits([row])
    assert len(packed) < 400
    edits = unpack_edits(packed)
    id_, text = said(asked, lambda x: jnp.cumsum(x**2 + x), edits)
    assert id_ == "edit-term"
    assert "`sums` is what is left when part of a sum is missing (the one with x)." in text
    assert said(asked, lambda x: jnp.cumsum(x**2 + 1.001 * x), edits)[0] == "off"
    assert unpack_edits("") == ()


def test_kinds_in_words():
    words = {
        "None": None,
        "a function": abs,
        "a tuple of length 2": (1, 2),
        "a number": 2.0,
        "an array of shape (2,)": np.zeros(2),
        "text": "x",
        "an array of dtype <U1": np.array(["a"]),
        "an OSError": OSError(),
        "a set": {1},
    }
    assert {kind(value) for value in words.values()} == words.keys()
    assert kind(x for x in ()) == "a generator (its function contains `yield`)"
