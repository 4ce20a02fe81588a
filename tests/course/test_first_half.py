"""Chapters 0 to 6 have what the first half of the course promises."""

import re
import tomllib
from pathlib import Path

import pytest

from olympus_kit.course import _lesson

REPO = Path(__file__).parents[2]
CHAPTERS = sorted(REPO.glob("book/0[0-6]_*.md"))
LESSONS = {path.stem: _lesson.read(path) for path in sorted(REPO.glob("solutions/0[0-6]*.md"))}
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
TASK = re.compile(r"^:::\{admonition\} (Try it|Before you|Your turn|Your guess)", re.MULTILINE)
# a picture or a table to look at; in chapter 0 a check is one, too
DEMO = re.compile(
    r"\bok\.(?:graph|jacobian_shapes|push_pull|chain|cost|memory|gallery)\(|\bcheck\(|display\(fig"
)
ACTIVE = re.compile(r"\.explore\(|ask=|ok\.chain\(")  # something to move, or a player that asks
NAMES = [  # what a reader of the source texts searches for
    "predict", "loss", "loss2", "predict_dict", "vgrad", "loop_mjp", "vmap_mjp", "loop_jmp",
    "vmap_jmp", "our_jacrev", "our_jacfwd", "gprime", "make_vjp", "evaluate_chain",
    "backward_diff_chain", "optim_SGD", "update_params",
]  # fmt: skip


def lessons_of(chapter: Path) -> list[_lesson.Lesson]:
    """Return a chapter's lessons: 00b belongs to chapter 0, the capstones to chapter 6."""
    number = chapter.stem[:2]
    return [lesson for stem, lesson in LESSONS.items() if stem.startswith(number)]


@each_chapter
def test_a_chapter_has_exercises_and_names_them(path):
    text = path.read_text(encoding="utf-8")
    exercises = [e for lesson in lessons_of(path) for e in lesson.exercises]
    assert len(exercises) >= 6
    for lesson in lessons_of(path):
        assert f"](../exercises/{lesson.stem}.md)" in text, f"no link to {lesson.stem}"
    for lesson in lessons_of(path):
        for exercise in lesson.exercises:
            capstone = lesson.front()["title"].startswith("Capstone")
            assert capstone or f"`{exercise.name}`" in text, f"{exercise.name} is not named"


@each_chapter
def test_a_chapter_asks_five_to_eight_questions(path):
    quizzes = tomllib.loads((REPO / "book/quiz" / f"{path.stem}.toml").read_text("utf-8"))["quiz"]
    assert 5 <= sum(len(quiz["question"]) for quiz in quizzes) <= 8


@each_chapter
def test_a_chapter_has_demos_with_tasks_and_something_to_move(path):
    text = path.read_text(encoding="utf-8")
    assert len(DEMO.findall(text)) >= 3
    assert len(TASK.findall(text)) >= 3
    assert ACTIVE.search(text)


@each_chapter
def test_further_reading_cites_the_bibliography(path):
    text = path.read_text(encoding="utf-8")
    assert "{cite:t}`" in text.partition("## Further reading")[2]


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_a_page_of_exercises_says_its_level(lesson):
    front = lesson.front()
    line = f"**Level:** {front['level']} · **Time:** about {front['minutes']} minutes"
    assert line in lesson.path.read_text(encoding="utf-8")


def test_where_questions_differ_in_level_each_says_its_own():
    seen = set()
    for lesson in LESSONS.values():
        if lesson.stem.startswith("00"):  # the level of the page is that of all its questions
            continue
        text = lesson.path.read_text(encoding="utf-8")
        levels = re.findall(r"^## Question .+\n\n\*\*Level:\*\* (\w+)\. ", text, re.MULTILINE)
        assert len(levels) == len(lesson.exercises), lesson.stem
        seen.update(levels)
    assert seen == set(_lesson.LEVELS)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_readers_search_for_is_defined_and_used(name):
    pages = [*CHAPTERS, *(lesson.path for lesson in LESSONS.values())]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert re.search(rf"^ *(?:def|class) (?:\w+_)?{name}\b|^{name} =", text, re.MULTILINE)
    assert len(re.findall(rf"(?:\b|_){name}\b", text)) >= 2
