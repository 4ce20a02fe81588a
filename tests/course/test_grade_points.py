"""The judge's points: fresh, the same for the same seed, and a question keeps its sense."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from grading import STEM, write_course

from olympus_kit import checks
from olympus_kit.checks import Credit, Question, Requirement, judge
from olympus_kit.course._course import CourseError
from olympus_kit.course.grade import plain
from olympus_kit.course.grade.exam import Item, exam
from olympus_kit.course.grade.points import LABEL, at_spread, draw, for_jail
from olympus_kit.course.grade.remote import OwnTalk, RemoteAnswer

POINTS = (
    {"f": np.sin, "x": np.array([0.5, -2.0, 0.0]), "steps": 3, "labels": np.array([0.0, 1.0])},
    {"f": np.sin, "x": 1e6, "steps": 2, "labels": np.array([1.0])},
)
QUESTION = Question(
    name="q",
    returns="y",
    points=POINTS,
    tangents=(
        lambda point: {"v": 2 * np.ones(np.shape(point["x"]))},
        lambda point: {"v": 3 * np.ones(np.shape(point["x"]))},
    ),
    large_points=(1,),
    reference=lambda f, x, steps, labels, v: np.log(3 - np.abs(x)) * v,
)


def numbers(question):
    cases = [dict(case.arguments) for case in question.cases()]
    return [leaf for leaf in jax.tree.leaves(cases) if not callable(leaf)]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(numbers(left), numbers(right), strict=True))


def test_the_same_seed_gives_the_same_points_and_another_gives_others():
    assert same(at_spread(QUESTION, 1, 0.25), at_spread(QUESTION, 1, 0.25))
    assert not same(at_spread(QUESTION, 1, 0.25), at_spread(QUESTION, 2, 0.25))
    assert not same(at_spread(QUESTION, 1, 0.25), QUESTION)


def test_what_makes_a_point_special_stays():
    for case, public in zip(at_spread(QUESTION, 3, 0.25).cases(), QUESTION.cases(), strict=True):
        x, before = np.asarray(case.arguments["x"]), np.asarray(public.arguments["x"])
        assert np.array_equal(np.sign(x), np.sign(before))
        assert np.all(np.abs(x - before) <= 0.26 * np.abs(before))
        assert case.arguments["steps"] == public.arguments["steps"]
        assert np.array_equal(case.arguments["labels"], public.arguments["labels"])
        assert np.array_equal(x, x.astype(np.float32))
        assert isinstance(case.arguments["x"], type(public.arguments["x"]))
        assert LABEL in case.label


def test_points_outside_of_the_domain_are_drawn_closer_and_at_last_left():
    def only_near(f, x, steps, labels, v):
        if np.size(x) == 3 and abs(x[1] + 2.0) > 0.11:
            raise ValueError("outside")
        return np.log(3 - np.abs(x)) * v

    spreads = {draw(QUESTION, seed, only_near)[1] for seed in range(20)}
    assert spreads == {0.25, 0.05}
    moved, spread = draw(QUESTION, 1, lambda *arguments: "wrong")
    assert spread == 0.0
    assert same(moved, at_spread(QUESTION, 9, 0.0))


def test_where_entries_belong_together_they_are_moved_together():
    symmetric = Question(
        name="S",
        returns="y",
        points=({"S": np.array([[2.0, 3.0], [3.0, 5.0]])}, {"S": 40.0 * np.eye(2) + 7.0}),
        large_points=(1,),
        reference=lambda S: S @ S,
    )

    def only_symmetric(S):
        if not np.array_equal(S, S.T):
            raise ValueError("not symmetric")
        return S @ S

    moved, spread = draw(symmetric, 3, only_symmetric)
    assert spread == 0.25
    S = moved.points[0]["S"]
    assert np.array_equal(S, S.T)
    assert not np.array_equal(S, symmetric.points[0]["S"])


def test_what_single_precision_cannot_hold_stays_a_number():
    huge = Question(
        name="h",
        returns="y",
        points=({"x": 1e200}, {"x": np.array([3.0, -1e300])}),
        large_points=(1,),
        reference=lambda x: x,
    )
    for point in at_spread(huge, 5, 0.25).points:
        assert np.isfinite(point["x"]).all()


def test_a_question_without_numbers_to_move_says_so():
    counts = Question(
        name="n",
        returns="y",
        points=({"n": 3}, {"n": 5}),
        large_points=(1,),
        reference=lambda n: n * n,
    )
    assert draw(counts, 1, lambda n: n * n)[1] == 0.0


def test_an_exam_holds_each_question_of_a_lesson(tmp_path):
    course = write_course(tmp_path)
    lesson = exam(course, STEM, 5)
    assert list(lesson.items) == ["square", "cube"]
    assert [item.most for item in lesson.items.values()] == [1.0, 1.0]
    assert checks.find("cube", course).question.points is not lesson.items["cube"].asked.points


@pytest.mark.parametrize(
    "result", ["{1: x}", "frozenset([1.0])", "range(3)", "10**400", "'x' * 9999"]
)
def test_a_right_result_that_cannot_leave_a_jail_is_told(tmp_path, result):
    course = write_course(tmp_path)
    spec = course / f"{STEM}{checks.SPEC}"
    spec.write_text(spec.read_text().replace("np.asarray(x) ** 3", result))
    with pytest.raises(CourseError, match="cube can't be graded"):
        exam(course, STEM, 5)


def asks(holds):
    """What becomes of a requirement where an answer is not asked in its own process."""
    question = replace(QUESTION, requirements=(Requirement("law", holds=holds),))
    (requirement,) = for_jail(question, lambda x: x * x).requirements
    return lambda answer: requirement.holds(
        RemoteAnswer(OwnTalk({"q": answer}), "q"), {"x": np.array(3.0)}
    )


def test_replies_that_nothing_can_be_made_of_do_not_keep_a_requirement():
    asked = asks(lambda answer, case: bool(jax.grad(answer)(case["x"]) == 6.0))
    assert asked(lambda x: x * x) is True
    assert asked(lambda x: 2 * x) is False
    assert asked(lambda x: x * np.ones(7)) is False  # of which jax makes no derivative


def test_what_the_judge_cannot_ask_of_the_solution_it_asks_of_nobody():
    asked = asks(lambda answer, case: jax.jvp(answer, (case["x"],), (case["x"],)))
    assert asked(lambda x: 2 * x) is True


def test_wrong_numbers_earn_nothing_for_numbers_where_a_law_is_told():
    law = Requirement("even", sides=lambda call, case: (call(**case), call(x=-case["x"])))
    credits = (Credit("value", 3.0, "numbers"), Credit("law", 1.0, "symmetry"))
    question = Question(
        name="even",
        returns="y",
        points=({"x": 0.3}, {"x": 40.0}),
        large_points=(1,),
        reference=np.cos,
        requirements=(law,),
        credits=credits,
    )
    item = Item(SimpleNamespace(question=question), question)
    broken = judge(question, lambda x: x + 0.31 * x**3)
    assert broken.id == "law"
    assert sum(item.earned(item.reached(broken, shaped=True, right=False)).values()) == 0
    assert sum(item.earned(item.reached(broken, shaped=True, right=True)).values()) == 3


@pytest.mark.parametrize("dtype", [">f8", "<f4", ">i2", ">c16"])
def test_arrays_leave_the_jail_with_their_numbers(dtype):
    array = np.array([1, 2, 300], dtype)
    assert np.array_equal(plain.decode(plain.encode(array)), array)
