"""Every lesson holds the engine to account: stubs, solutions, mutants, alternatives."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus
from olympus_kit.checks import Outcome, outcome_of
from olympus_kit.checks import run as _timer
from olympus_kit.checks.message import lookup
from olympus_kit.checks.run import is_array, references
from olympus_kit.checks.store import find
from olympus_kit.course import _lesson, _notebook, _release
from olympus_kit.course._leak import leaks

REPO = Path(__file__).parents[2]
LESSONS = _lesson.read_all(REPO / "solutions")
EXERCISES = [(lesson, e) for lesson in LESSONS for e in lesson.exercises]
each = pytest.mark.parametrize(
    ("lesson", "exercise"), EXERCISES, ids=[e.name for _, e in EXERCISES]
)
mutants = pytest.mark.parametrize(
    ("lesson", "exercise", "id_", "code"),
    [
        pytest.param(lesson, e, id_, code, id=f"{e.name}-{number}-{id_}")
        for lesson, e in EXERCISES
        for number, (id_, code, _) in enumerate(e.mutants)
    ],
)
alternatives = pytest.mark.parametrize(
    ("lesson", "exercise", "code"),
    [
        pytest.param(lesson, e, code, id=f"{e.name}-{number}")
        for lesson, e in EXERCISES
        for number, code in enumerate(e.alternatives)
    ],
)


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(_timer, "SECONDS", 3600.0)


def namespace(lesson: _lesson.Lesson, code: str) -> dict[str, Any]:
    """What the setup cells and `code` define."""
    names: dict[str, Any] = {}
    exec(lesson.setup(), names)
    exec(code, names)
    return names


def judged(lesson: _lesson.Lesson, exercise: _lesson.Exercise, code: str) -> Outcome:
    return outcome_of(find(exercise.name, REPO).question, namespace(lesson, code))


@each
def test_the_stub_is_not_attempted(lesson, exercise):
    assert judged(lesson, exercise, exercise.stub()).state == "not attempted"


@each
def test_the_solution_is_correct(lesson, exercise):
    outcome = judged(lesson, exercise, exercise.solution())
    assert outcome.state == "correct", outcome.text()


@mutants
def test_a_mutant_meets_exactly_its_own_message(lesson, exercise, id_, code):
    outcome = judged(lesson, exercise, code)
    assert outcome.state == "not yet"
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == id_, outcome.text()
    assert outcome.diagnosis.message
    assert "{" not in outcome.text()


@alternatives
def test_a_right_alternative_is_never_rejected(lesson, exercise, code):
    outcome = judged(lesson, exercise, code)
    assert outcome.state == "correct", outcome.text()


@each
def test_there_are_enough_mutants_alternatives_and_hints(lesson, exercise):
    assert len(exercise.mutants) >= 5
    assert len(exercise.alternatives) >= 3
    assert 2 <= len(exercise.hints) <= 3
    assert all(len(hint) > 30 for hint in exercise.hints)


WRONG = {
    "sign": lambda result: jax.tree.map(lambda part: -part, result),
    "factor": lambda result: jax.tree.map(lambda part: 2 * part, result),
    "nothing": lambda result: None,
    "returned-function": lambda result: lambda: result,
    "nan": lambda result: jax.tree.map(lambda part: part * np.nan, result),
}


@each
@pytest.mark.parametrize("id_", WRONG)
def test_a_derived_wrong_answer_gets_its_message(lesson, exercise, id_):
    names = namespace(lesson, exercise.solution())
    right = names[exercise.name]
    names[exercise.name] = lambda *args: WRONG[id_](right(*args))
    outcome = outcome_of(find(exercise.name, REPO).question, names)
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == id_, outcome.text()


@each
def test_a_derived_transpose_gets_its_message(lesson, exercise):
    """Transposed, where that makes a difference; a question may have a sharper message."""
    question = find(exercise.name, REPO).question
    names = namespace(lesson, exercise.solution())
    right, turned = names[exercise.name], lambda part: part.T if np.ndim(part) > 1 else part
    names[exercise.name] = lambda *args: jax.tree.map(turned, right(*args))
    wants = [part for part in jax.tree.leaves(references(question)) if is_array(part)]
    if all(np.array_equal(part, np.transpose(part)) for part in wants):
        return
    outcome = outcome_of(question, names)
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id.endswith("transposed"), outcome.text()


@each
def test_a_derived_missing_sum_gets_its_message(lesson, exercise):
    names = namespace(lesson, exercise.solution())
    right, shares = names[exercise.name], jnp.array([0.5, 0.25, 0.25])
    rows = lambda part: jnp.multiply.outer(shares, jnp.asarray(part))
    names[exercise.name] = lambda *args: jax.tree.map(rows, right(*args))
    outcome = outcome_of(find(exercise.name, REPO).question, names)
    assert outcome.diagnosis is not None
    # A function that is itself differentiated has too many outputs, and jax says so first.
    expected = {"unsummed", "grad-of-array", "cotangent-shape"}
    assert outcome.diagnosis.id in expected, outcome.text()


def quotient(f, argnums=0, h=1e-5):
    """The derivative with respect to each entry of an argument, by central differences."""

    def slopes(*args):
        x = jnp.asarray(args[argnums])
        moved = lambda i, step: jnp.ravel(x).at[i].add(step).reshape(x.shape)
        at = lambda i, step: f(*args[:argnums], moved(i, step), *args[argnums + 1 :])
        rows = [(at(i, h) - at(i, -h)) / (2 * h) for i in range(x.size)]
        return jnp.stack(rows, -1).reshape((*np.shape(rows[0]), *x.shape))

    if isinstance(argnums, tuple):
        return lambda *args: tuple(quotient(f, i, h)(*args) for i in argnums)
    return slopes


class Quotients:
    """What `olympus` is to a solution, with difference quotients in place of derivatives."""

    grad = jacfwd = jacrev = jacobian = staticmethod(quotient)

    @staticmethod
    def jvp(f, primals, tangents, h=1e-5):
        moved = lambda step: f(*[x + step * t for x, t in zip(primals, tangents, strict=True)])
        return f(*primals), (moved(h) - moved(-h)) / (2 * h)

    def __getattr__(self, name):
        return getattr(olympus, name)


@each
def test_a_derived_finite_difference_gets_its_message(lesson, exercise):
    """The solution itself, where it differentiates by jax: with difference quotients instead."""
    if not re.search(r"olympus\.(grad|jac\w*|jvp)", exercise.solution()):
        return
    names: dict[str, Any] = {}
    exec(lesson.setup(), names)
    names["olympus"] = Quotients()
    exec(exercise.solution(), names)
    outcome = outcome_of(find(exercise.name, REPO).question, names)
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "finite-difference", outcome.text()


def test_a_finite_difference_gets_its_message_even_of_a_linear_layer():
    lesson, _ = next(pair for pair in EXERCISES if pair[1].name == "dense_vjp")
    code = """
def dense_vjp(x, W, b, u):
    total = lambda x, W, b: jnp.sum(u * (x @ W + b))

    def slopes(place):
        args, h = [x, W, b], 1e-5
        flat = args[place].ravel()
        found = []
        for i in range(flat.size):
            moved = [a if k != place else flat.at[i].add(h).reshape(a.shape)
                     for k, a in enumerate(args)]
            found.append((total(*moved) - total(*args)) / h)
        return jnp.stack(found).reshape(args[place].shape)

    return slopes(0), slopes(1), slopes(2)
"""
    outcome = outcome_of(find("dense_vjp", REPO).question, namespace(lesson, code))
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "finite-difference", outcome.text()


def test_an_unforeseen_wrong_answer_gets_a_broken_law():
    lesson, _ = next(pair for pair in EXERCISES if pair[1].name == "dense_vjp")
    code = "def dense_vjp(x, W, b, u):\n    return u**2 @ W.T, x.T @ u, u.sum(0)"
    outcome = outcome_of(find("dense_vjp", REPO).question, namespace(lesson, code))
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.id == "law"
    assert "twice the u gives twice the result" in outcome.diagnosis.message


def test_exercises_are_what_the_sources_release():
    report = _release.release(REPO / "solutions", REPO / "exercises", check=True)
    assert not report.differs, "\n".join(report.lines)


@each
def test_no_piece_of_a_solution_can_be_read_in_the_exercises(lesson, exercise):
    page = _notebook.read(REPO / "exercises" / lesson.path.name)
    texts = [c.source for c in page.cells if not c.source.startswith("<details>")]
    spec = (REPO / "exercises" / f"{lesson.stem}.spec.py").read_text(encoding="utf-8")
    assert leaks(exercise, "\n".join([*texts, spec]), "") == []
    assert leaks(exercise, exercise.solution(), exercise.solution())  # it does see one


KNOWN = {"part", "where", "entry", "got", "want", "got_shape", "want_shape", "order", "call"}


@each
def test_every_foreseen_mistake_has_a_message_that_can_be_filled_in(lesson, exercise):
    question = find(exercise.name, REPO).question
    for id_ in question.predictions:
        message = lookup(id_, question.mistakes).message
        assert {field for _, field, _, _ in Formatter().parse(message) if field} <= KNOWN


def test_every_page_to_read_again_exists():
    if not (REPO / "book").exists():
        pytest.skip("a student's folder has no book")
    for lesson in LESSONS:
        for exercise in lesson.exercises:
            question = find(exercise.name, REPO).question
            pages = {question.read, *(m.read for m in question.mistakes)} - {""}
            assert pages
            assert all((REPO / page.partition("#")[0]).exists() for page in pages)
