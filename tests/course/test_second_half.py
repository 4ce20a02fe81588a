"""Chapters 7 to 14 have what the second half of the course promises."""

import re
import tomllib
from pathlib import Path

import pytest
from test_first_half import ACTIVE, DEMO, TASK

from olympus_kit.course import _lesson

REPO = Path(__file__).parents[2]
LESSONS = {
    lesson.stem: lesson
    for lesson in _lesson.read_all(REPO / "solutions")
    if lesson.stem[:2] >= "07"
}
CHAPTERS = {stem: REPO / "book" / f"{stem}.md" for stem in LESSONS}
WHOLE = [stem for stem in CHAPTERS if not stem.startswith("14b")]  # the capstone is shorter
QUESTIONS = 62
NAMES = [  # what a reader of the source texts searches for
    "hvp", "hvp_revfwd", "hvp_revrev", "hvp_naive", "while_loop_sqrt", "custom_jvp_while_loop_sqrt",
    "my_sequential_associative_scan", "associative_cumulative_sum", "Exp",
]  # fmt: skip

TERMS = [  # one word for one thing, in the code and in the text
    "forward pass, backward pass", "iteration", "residual", "live", "mode", "pass", "ladder",
    "listing", "local derivative", "FLOPs", "tracer", "leaf", "remainder, $o(h)$", "tangent",
    "cotangent", "primal", "adjoint", "pushforward", "pullback", "Jacobian–vector product (JVP)",
    "vector–Jacobian product (VJP)", "matrix–Jacobian product (MJP)",
    "Jacobian–matrix product (JMP)", "Hessian–vector product (HVP)",
]  # fmt: skip


def text_of(stem: str) -> str:
    return CHAPTERS[stem].read_text(encoding="utf-8")


def test_there_are_as_many_questions_as_promised():
    assert sum(len(lesson.exercises) for lesson in LESSONS.values()) >= QUESTIONS


@pytest.mark.parametrize("stem", WHOLE)
def test_a_chapter_has_six_exercises_or_more_and_names_them(stem):
    assert len(LESSONS[stem].exercises) >= 6
    for exercise in LESSONS[stem].exercises:
        assert f"`{exercise.name}`" in text_of(stem), f"{exercise.name} is not named"


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_links_its_exercises_and_they_say_their_level(stem):
    assert f"](../exercises/{stem}.md)" in text_of(stem)
    front = LESSONS[stem].front()
    line = f"**Level:** {front['level']} · **Time:** about {front['minutes']} minutes"
    assert line in LESSONS[stem].path.read_text(encoding="utf-8")


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_asks_five_to_eight_questions(stem):
    quizzes = tomllib.loads((REPO / "book/quiz" / f"{stem}.toml").read_text("utf-8"))["quiz"]
    assert 5 <= sum(len(quiz["question"]) for quiz in quizzes) <= 8


@pytest.mark.parametrize("stem", WHOLE)
def test_a_chapter_has_demos_with_tasks_and_something_to_move(stem):
    assert len(DEMO.findall(text_of(stem))) >= 3
    assert len(TASK.findall(text_of(stem))) >= 3
    assert ACTIVE.search(text_of(stem))


@pytest.mark.parametrize("stem", CHAPTERS)
def test_further_reading_cites_the_bibliography(stem):
    assert "{cite:t}`" in text_of(stem).partition("## Further reading")[2]


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_figure_has_a_text_alternative_of_its_own(stem):
    assert "plt.show()" not in text_of(stem), "display(figure, metadata={'alt': ...})"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_readers_search_for_is_defined_and_used(name):
    text = "\n".join(text_of(stem) for stem in CHAPTERS)
    assert re.search(rf"^(?:def|class) {name}\b", text, re.MULTILINE)
    assert len(re.findall(rf"\b{name}\b", text)) >= 2


@pytest.mark.parametrize("term", TERMS)
def test_the_glossary_has_a_line_for_a_term_with_a_link(term):
    glossary = (REPO / "book/glossary.md").read_text(encoding="utf-8")
    entry = glossary.partition(f"\n{term}\n: ")[2].partition("\n\n")[0].partition("\n```")[0]
    assert entry.endswith(")."), f"{term}: {entry!r}"
    assert re.search(r"\]\(\w+\.md#[a-z-]+\)\.$", entry), f"{term}: no link in {entry!r}"
