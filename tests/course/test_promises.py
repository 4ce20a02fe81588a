"""Every chapter has what the course promises: exercises, questions, demos, names, references."""

import re
import tomllib
from pathlib import Path

import pytest

from olympus_kit.course import _lesson

REPO = Path(__file__).parents[2]
PAGES = {path.stem: path for path in sorted(REPO.glob("book/[01][0-9]*_*.md"))}
LESSONS = {lesson.stem: lesson for lesson in _lesson.read_all(REPO / "solutions")}
SECOND = "07"  # the chapter that the second half begins with
QUESTIONS = 62  # at least, in the second half
TASK = re.compile(r"^:::\{admonition\} (Try it|Before you|Your turn|Your guess)", re.MULTILINE)
# a picture or a table to look at; in chapter 0 a check is one, too
DEMO = re.compile(
    r"\bok\.(?:graph|jacobian_shapes|push_pull|chain|cost|memory|gallery)\(|\bcheck\(|display\(fig"
)
ACTIVE = re.compile(r"\.explore\(|ask=|ok\.chain\(")  # something to move, or a player that asks
# what a reader of the source texts searches for, in either half
FIRST_NAMES = [
    "predict", "loss", "loss2", "predict_dict", "vgrad", "loop_mjp", "vmap_mjp", "loop_jmp",
    "vmap_jmp", "our_jacrev", "our_jacfwd", "gprime", "make_vjp", "evaluate_chain",
    "backward_diff_chain", "optim_SGD", "update_params",
]  # fmt: skip
SECOND_NAMES = [
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


def number(stem):
    return stem.partition("_")[0]


def chapter_of(stem):
    """Return a lesson's chapter: 00b belongs to 00, 14b has one of its own; None without any."""
    numbers = {number(page): page for page in PAGES}
    return numbers.get(number(stem)) or numbers.get(stem[:2])


def lessons_of(page):
    """Return the lessons of a chapter."""
    return [lesson for stem, lesson in LESSONS.items() if chapter_of(stem) == page]


def is_capstone(lesson):
    return lesson.front()["title"].startswith("Capstone")


def text_of(stem):
    return PAGES[stem].read_text(encoding="utf-8")


each_chapter = pytest.mark.parametrize("stem", PAGES)
# the last capstone is a chapter, a shorter one
each_whole_chapter = pytest.mark.parametrize(
    "stem", [stem for stem in PAGES if number(stem).isdigit()]
)
each_lesson = pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))


def test_there_are_as_many_questions_as_promised():
    second = [lesson for stem, lesson in LESSONS.items() if stem >= SECOND]
    assert sum(len(lesson.exercises) for lesson in second) >= QUESTIONS


@each_lesson
def test_a_lesson_has_a_chapter_that_links_it(lesson):
    page = chapter_of(lesson.stem)
    assert page, f"there is no chapter {number(lesson.stem)}, and none {lesson.stem[:2]}"
    assert f"](../exercises/{lesson.stem}.md)" in text_of(page)


@each_whole_chapter
def test_a_chapter_has_six_exercises_or_more_and_names_them(stem):
    lessons = lessons_of(stem)
    assert sum(len(lesson.exercises) for lesson in lessons) >= 6
    for lesson in lessons:
        for exercise in [] if is_capstone(lesson) else lesson.exercises:
            assert f"`{exercise.name}`" in text_of(stem), f"{exercise.name} is not named"


@each_chapter
def test_a_chapter_asks_five_to_eight_questions(stem):
    quizzes = tomllib.loads((REPO / "book/quiz" / f"{stem}.toml").read_text("utf-8"))["quiz"]
    assert 5 <= sum(len(quiz["question"]) for quiz in quizzes) <= 8


@each_whole_chapter
def test_a_chapter_has_demos_with_tasks_and_something_to_move(stem):
    assert len(DEMO.findall(text_of(stem))) >= 3
    assert len(TASK.findall(text_of(stem))) >= 3
    assert ACTIVE.search(text_of(stem))


@each_chapter
def test_further_reading_cites_the_bibliography(stem):
    assert "{cite:t}`" in text_of(stem).partition("## Further reading")[2]


@each_chapter
def test_a_figure_has_a_text_alternative_of_its_own(stem):
    assert "plt.show()" not in text_of(stem), "display(figure, metadata={'alt': ...})"


@each_lesson
def test_a_page_of_exercises_says_its_level(lesson):
    front = lesson.front()
    line = f"**Level:** {front['level']} · **Time:** about {front['minutes']} minutes"
    assert line in lesson.path.read_text(encoding="utf-8")


def test_where_questions_differ_in_level_each_says_its_own():
    seen = set()
    for stem, lesson in LESSONS.items():
        # in 00 the level of the page is that of all its questions
        if stem.startswith("00") or stem >= SECOND:
            continue
        text = lesson.path.read_text(encoding="utf-8")
        levels = re.findall(r"^## Question .+\n\n\*\*Level:\*\* (\w+)\. ", text, re.MULTILINE)
        assert len(levels) == len(lesson.exercises), stem
        seen.update(levels)
    assert seen == set(_lesson.LEVELS)


@pytest.mark.parametrize("name", FIRST_NAMES)
def test_a_name_of_the_first_half_is_defined_and_used(name):
    pages = [path for stem, path in PAGES.items() if stem < SECOND]
    pages += [lesson.path for stem, lesson in LESSONS.items() if stem < SECOND]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert re.search(rf"^ *(?:def|class) (?:\w+_)?{name}\b|^{name} =", text, re.MULTILINE)
    assert len(re.findall(rf"(?:\b|_){name}\b", text)) >= 2


@pytest.mark.parametrize("name", SECOND_NAMES)
def test_a_name_of_the_second_half_is_defined_and_used_in_a_chapter(name):
    text = "\n".join(text_of(stem) for stem in PAGES if stem >= SECOND)
    assert re.search(rf"^(?:def|class) {name}\b", text, re.MULTILINE)
    assert len(re.findall(rf"\b{name}\b", text)) >= 2


@pytest.mark.parametrize("term", TERMS)
def test_the_glossary_has_a_line_for_a_term_with_a_link(term):
    glossary = (REPO / "book/glossary.md").read_text(encoding="utf-8")
    entry = glossary.partition(f"\n{term}\n: ")[2].partition("\n\n")[0].partition("\n```")[0]
    assert entry.endswith(")."), f"{term}: {entry!r}"
    assert re.search(r"\]\(\w+\.md#[a-z-]+\)\.$", entry), f"{term}: no link in {entry!r}"
