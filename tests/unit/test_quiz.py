"""The quizzes: their files, their rules, what is said to every answer, in text and as data."""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import olympus_kit as ok
from olympus_kit.course import _ask
from olympus_kit.views import _quiz
from olympus_kit.views._questions import Choice, Question

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "quiz").glob("*.toml"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def test_chapters_0_to_6_ask():
    assert [name[:2] for name in CHAPTERS][:7] == ["00", "01", "02", "03", "04", "05", "06"]


@each_chapter
def test_every_wrong_choice_says_what_is_wrong(chapter):
    view = ok.quiz(chapter)
    assert 5 <= len(view.questions) <= 8
    for question in view.questions:
        reasons = [choice.why for choice in question.choices]
        assert all(len(why.split()) > 3 for why in reasons)
        assert question.section, question.name
        if question.kind in ("choice", "number", "shape"):
            assert len(set(reasons)) == len(reasons), question.name
        numbers = [c.value for c in question.choices if c.value is not None]
        for k, value in enumerate(numbers):
            others = numbers[:k] + numbers[k + 1 :]
            room = max(question.tolerance, 1e-12)
            assert all(abs(value - other) > 2 * room * abs(value) for other in others)


@each_chapter
def test_the_numbers_are_computed_and_not_typed(chapter):
    file = _quiz._read(ROOT / "book" / "quiz" / f"{chapter}.toml")
    computed = [
        question
        for quiz in file["quiz"]
        for question in quiz["question"]
        if question.get("kind") in ("number", "shape")
    ]
    assert len(computed) > 1
    for question in computed:
        assert not re.fullmatch(r"[\d.e()\s,+-]+", question["right"]), question["name"]


@each_chapter
def test_each_quiz_stands_in_its_chapter(chapter):
    text = (ROOT / "book" / f"{chapter}.md").read_text("utf-8")
    for quiz in _quiz._read(ROOT / "book" / "quiz" / f"{chapter}.toml")["quiz"]:
        assert f'ok.quiz("{quiz["name"]}")' in text


def test_no_two_questions_have_one_name():
    names = [q.name for chapter in CHAPTERS for q in ok.quiz(chapter).questions]
    assert len(names) == len(set(names))


def test_a_quiz_is_a_part_of_its_chapter():
    whole, part = ok.quiz("04"), ok.quiz("reverse-shapes")
    names = [question.name for question in whole.questions]
    assert [question.name for question in part.questions] == names[: len(part.questions)]
    assert whole.chapter == part.chapter == "04_reverse"


def test_what_jax_says_is_right():
    answers = {q.name: q.right for c in CHAPTERS for q in ok.quiz(c).questions}
    with jax.enable_x64(True):
        assert answers["slope-of-tanh"].value == jax.grad(jnp.tanh)(0.0)
        f = lambda x: jnp.stack([x[0] * x[1], jnp.sin(x[2])])
        assert answers["one-entry"].value == jax.jacobian(f)(jnp.array([1.0, 2.0, 3.0]))[0, 1]
        pulled = jax.vjp(lambda x: jnp.sin(jnp.ones((7, 2)) * x.sum()), jnp.ones(5))[1]
        assert answers["what-comes-back"].text == str(pulled(jnp.ones((7, 2)))[0].shape)
    assert answers["matrix-times-vector"].value == 2 * 64 * 64


def test_a_typed_number_is_right_wrong_or_unforeseen():
    question = next(q for q in ok.quiz("04").questions if q.name == "used-twice")
    assert question.answer("6").right
    assert question.answer(" 6.00 ").right
    assert question.answer("12/2").right
    assert "overwritten" in question.answer("3").why
    assert question.answer("7") is None
    with pytest.raises(ValueError, match=r"Type a number, such as 0.25, 1/4 or 1e-3; 'six' is"):
        question.answer("six")
    with pytest.raises(ValueError, match="'1/0' is not one"):
        question.answer("1/0")


@pytest.mark.parametrize("typed", ["(7, 2)", "7,2", "[7, 2]", " (7,2,) "])
def test_a_typed_shape_is_read_as_it_is_written(typed):
    question = ok.quiz("reverse-shapes").questions[0]
    assert question.answer(typed).right
    assert "comes *back*" in question.answer("5").why
    with pytest.raises(ValueError, match="Type a shape"):
        question.answer("seven by two")
    with pytest.raises(ValueError, match="Type a shape"):
        question.answer(" ")


def answers(*lines):
    left = list(lines)
    told = []
    return (lambda: left.pop(0) if left else None), told


def test_a_terminal_asks_tells_and_counts():
    view = ok.quiz("reverse-shapes")
    right = view.questions[2].choices.index(view.questions[2].right) + 1
    read, told = answers("(5,)", "(7, 2)", "(5,)", "nonsense", str(right))
    assert _ask.ask(view, read, told.append) == 1
    text = "\n".join(told)
    assert "Not this. That is the shape of what comes back." in text
    assert "Read: The shape rule." in text
    assert "Type a number from 1 to 4; 'nonsense' is not one of them." in text
    assert text.endswith("1 of 3 right at once.")
    read, told = answers("", "(5,)")
    assert _ask.ask(view, read, told.append) == 1


def test_the_text_asks_before_it_answers():
    text = ok.quiz("reverse-first-line").text()
    asked, _, answered = text.partition("Answers")
    assert "v8_bar = v7 * v9_bar" in asked
    assert "first in the backward pass" not in " ".join(asked.split())
    assert "v8_bar = v7 * v9_bar: The last step" in " ".join(answered.split())


def test_the_data_are_plain():
    model = json.loads(ok.quiz("04").json())
    assert model["chapter"] == "04_reverse"
    kinds = {question["kind"] for question in model["questions"]}
    assert kinds == {"choice", "line", "number", "shape"}
    assert "<svg" in ok.quiz("04").svg()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([("a", "w", True), ("a", "w", False)], "has the answer 'a' twice"),
        ([("a", "w", False), ("b", "w", False)], "has 0 right answers; it needs exactly one"),
        ([("a", "w", True)], "needs a wrong answer beside the right one"),
        ([("a", "w", True), ("b", " ", False)], "says nothing to a reader who answers 'b'"),
    ],
)
def test_a_question_that_breaks_a_rule_is_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        Question("q", "?", [Choice(*choice) for choice in choices])


def test_a_typed_answer_needs_words_for_what_nobody_foresaw():
    both = [Choice("1", "w", True, 1.0), Choice("2", "w", False, 2.0)]
    with pytest.raises(ValueError, match="give it `otherwise`"):
        Question("q", "?", both, kind="number")


def test_a_name_that_no_quiz_has():
    with pytest.raises(LookupError, match=r"There is no quiz 'nothing'. There are: start-facts, "):
        ok.quiz("nothing")


FILE = """
[[quiz]]
name = "mine"
title = "mine"

[[quiz.question]]
name = "q"
ask = "?"
read = "here"
right = "a"
because = "so it is"

[quiz.question.wrong]
"b" = "{1 / 0}"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "book" / "quiz").mkdir(parents=True)
    (tmp_path / "book" / "04_x.md").write_text("(here)=\n\n## Here\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "book" / "quiz" / "04_x.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", "q: ZeroDivisionError: division by zero"),
        ('"here"', '"there"', "q sends to 'there', which is not a label of its chapter"),
        ("ask =", "asks =", "q has the unknown key 'asks'"),
        ("[[quiz]]", "[[quiz]", "is not a TOML file"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused(folder, old, new, message):
    folder.write_text(FILE.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=message):
        ok.quiz("mine")


def test_the_nearest_folder_of_quizzes_counts(folder, monkeypatch):
    folder.write_text(FILE.replace("{1 / 0}", "{1 / 4}"), "utf-8")
    assert ok.quiz("04").questions[0].section == "Here"
    (folder.parent / "deep").mkdir()
    monkeypatch.chdir(folder.parent / "deep")
    (wrong,) = [c for c in ok.quiz("mine").questions[0].choices if not c.right]
    assert wrong.why == "0.25"
