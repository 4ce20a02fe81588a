"""Grading agrees with the lessons: solutions and alternatives get full marks, mutants none."""

import ast
import os
from pathlib import Path

import pytest
from grading import why_no_jail

from olympus_kit.course import _lesson
from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade.answers import find_answers
from olympus_kit.course.grade.exam import exam
from olympus_kit.course.grade.jail import Jail, Limits
from olympus_kit.course.grade.session import Jails, grade_answers

REPO = Path(__file__).parents[2]
COURSE = REPO / "exercises"
LESSONS = sorted(path.stem for path in (REPO / "solutions").glob("*.md"))
QUICK = "00_start"
SEED = 20261128
PATIENCE = Limits(  # for a machine that is busy with other things
    cell_seconds=900, question_seconds=1800, submission_seconds=3600, cpu_seconds=1800
)


@pytest.fixture(scope="module")
def jails():
    reason = why_no_jail()
    if reason:
        pytest.skip(f"NO JAIL HERE, grading the lessons is left out: {reason}")
    started = Jails(Jail(None, PATIENCE), Jail(COURSE, PATIENCE))
    yield started
    started.shut()


def grade(stem, codes, jails):
    """The records of one page with these answers."""
    lesson = exam(COURSE, stem, SEED)
    page = nb.parse(nb.write(lesson.released))
    for cell in page.cells:
        if "answer" in nb.tags(cell) and nb.name(cell) in codes:
            cell.source = codes[nb.name(cell)]
    answers = find_answers(page, lesson.released, list(lesson.items))
    return grade_answers(lesson, answers, jails)


def helpers(exercise, code):
    """The names that a code gives beside the answer's own."""
    names = set()
    for statement in ast.parse(code).body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign):
            names |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return names - {exercise.name}


def rounds(exercises, codes_of):
    """Pages that hold one code of each question, until each code had its turn.

    Codes that define the same helper are not put on one page, where the last would win.
    """
    left = [(exercise, code) for exercise in exercises for code in codes_of(exercise)]
    while left:
        codes, taken, later = {}, set(), []
        for exercise, code in left:
            names = helpers(exercise, code)
            if exercise.name in codes or names & taken:
                later.append((exercise, code))
            else:
                codes[exercise.name] = code
                taken |= names
        yield codes
        left = later


def hold_to_account(stem, jails):
    exercises = _lesson.read(REPO / "solutions" / f"{stem}.md").exercises
    right = lambda exercise: [exercise.solution(), *exercise.alternatives]
    for codes in rounds(exercises, right):
        records = grade(stem, codes, jails)
        for name, code in codes.items():
            assert records[name]["points"] == records[name]["of"], (name, code, records[name])
    wrong = lambda exercise: [code for _, code, _ in exercise.mutants]
    for codes in rounds(exercises, wrong):
        records = grade(stem, codes, jails)
        for name, code in codes.items():
            assert records[name]["points"] == 0, (name, code, records[name])


def test_a_quick_lesson_is_graded_as_it_is_checked(jails):
    hold_to_account(QUICK, jails)


@pytest.mark.skipif("OLYMPUS_SOAK" not in os.environ, reason="takes long: `make soak`")
@pytest.mark.parametrize("stem", [stem for stem in LESSONS if stem != QUICK])
def test_each_lesson_is_graded_as_it_is_checked(jails, stem):
    hold_to_account(stem, jails)
