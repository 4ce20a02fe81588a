"""Every lesson holds the engine to account: stubs, solutions, mutants, alternatives, edits.

All answers of a lesson are judged in one process, so that they share what was compiled.
"""

import os
import re
from pathlib import Path
from string import Formatter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hostile import HOSTILE, many

import olympus
from olympus_kit.checks import Outcome, find, is_array, outcome_of, read_answers
from olympus_kit.checks import run as engine
from olympus_kit.checks.message import lookup
from olympus_kit.checks.mistakes import unpack_edits
from olympus_kit.checks.run import references
from olympus_kit.course import _lesson, _notebook, _release
from olympus_kit.course._leak import leaks
from olympus_kit.course._survey import GENERAL, namespace

REPO = Path(__file__).parents[2]
LESSONS = _lesson.read_all(REPO / "solutions")
EXERCISES = [(lesson, e) for lesson in LESSONS for e in lesson.exercises]
GAP = re.compile(r"\{[a-z_]+\}")  # of a message that was not filled in
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[one.stem for one in LESSONS])
each = pytest.mark.parametrize(
    ("lesson", "exercise"), EXERCISES, ids=[e.name for _, e in EXERCISES]
)


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(engine, "SECONDS", 3600.0)


def judged(exercise: _lesson.Exercise, names: dict[str, Any]) -> Outcome:
    entry = find(exercise.name, REPO)
    return outcome_of(entry.question, names, entry.edits)


class Findings(list):
    """What differs from what was expected, each with the message that was shown."""

    def expect(self, what, outcome, *ids):
        text = outcome.text()
        if outcome.said not in ids or GAP.search(text):
            self.append(f"{what}: expected {' or '.join(ids)}, got {outcome.said}\n{text}")

    def check(self):
        assert not self, "\n\n".join(self)


# with jax 0.9 this swap undoes itself: what the answer returns is right
UNHARMED = {"0.9.0": ("children-swapped",)}


@each_lesson
def test_every_answer_of_a_lesson_gets_its_verdict(lesson, request):
    """Stub, solution, then what nobody thinks of, mutants, alternatives, and the solution again.

    `-m "not mutants"` and `-m "not hostile"` leave out these answers, not the test: to judge the
    right results takes most of the time, and all answers share them.
    """
    left_out = request.config.getoption("markexpr")
    findings = Findings()
    for exercise in lesson.exercises:
        stub = judged(exercise, namespace(lesson, exercise.stub()))
        findings.expect(f"stub of {exercise.name}", stub, "not attempted")
        names = namespace(lesson, exercise.solution())
        findings.expect(f"solution of {exercise.name}", judged(exercise, names), "correct")
        if "hostile" not in left_out:
            findings += hostile(exercise, names, HOSTILE)
        if "mutants" not in left_out:
            findings += mutants_and_alternatives(lesson, exercise)
    findings.check()


def mutants_and_alternatives(lesson, exercise):
    """Mutants get exactly their message; no alternative is ever rejected."""
    findings = Findings()
    name = exercise.name
    for number, (id_, code, _) in enumerate(exercise.mutants):
        if id_ in UNHARMED.get(jax.__version__, ()):
            continue
        outcome = judged(exercise, namespace(lesson, code))
        ids = {id_}
        if id_ in GENERAL:  # an edit's message says more
            ids |= {row.id for row in find(name, REPO).edits}
        findings.expect(f"mutant {number} of {name}", outcome, *ids)
    for number, code in enumerate(exercise.alternatives):
        outcome = judged(exercise, namespace(lesson, code))
        findings.expect(f"alternative {number} of {name}", outcome, "correct")
    return findings


@pytest.mark.skipif("OLYMPUS_SOAK" not in os.environ, reason="takes an hour: `make soak`")
@each_lesson
def test_none_of_200_hostile_answers_of_a_lesson_ends_in_a_traceback(lesson):
    answers = many()
    assert len(answers) > 200
    findings = Findings()
    for exercise in lesson.exercises:
        findings += hostile(exercise, namespace(lesson, exercise.solution()), answers)
    findings.check()


def hostile(exercise, names, answers):
    """No answer ends in a traceback, and what comes after it is judged all the same."""
    findings = Findings()
    for what, answer in answers.items():
        outcome = judged(exercise, {**names, exercise.name: answer})
        text = outcome.text()
        if outcome.state != "not yet" or GAP.search(text) or " at 0x" in text:
            findings.append(f"{exercise.name}, {what}: {text}")
    after = judged(exercise, names)
    findings.expect(f"solution of {exercise.name} after others", after, "correct")
    return findings


WRONG = {
    "sign": lambda result: jax.tree.map(lambda part: -part, result),
    "factor": lambda result: jax.tree.map(lambda part: 2 * part, result),
    "nothing": lambda result: None,
    "returned-function": lambda result: lambda: result,
    "nan": lambda result: jax.tree.map(lambda part: part * np.nan, result),
}


# lessons whose answers these changes suit: numbers and arrays that each of them makes wrong; the
# later ones ask for verdicts, classes and rules, too, and word such answers in their own way
SUITED = [one for one in LESSONS if one.stem < "07" or one.stem in ("08_bonnet", "12_scans")]


@pytest.mark.sweep
@pytest.mark.parametrize("lesson", SUITED, ids=[one.stem for one in SUITED])
def test_derived_wrong_answers_get_their_messages(lesson):
    findings = Findings()
    for exercise in lesson.exercises:
        names = namespace(lesson, exercise.solution())
        right = names[exercise.name]
        for id_, change in WRONG.items():
            changed = lambda *args, change=change, right=right: change(right(*args))
            outcome = judged(exercise, {**names, exercise.name: changed})
            # an edit of the solution, or its author, may say more exactly what a factor comes from
            entry = find(exercise.name, REPO)
            sharper = {row.id for row in entry.edits} | entry.question.predictions.keys()
            ids = {id_, *sharper} if id_ == "factor" else {id_}
            findings.expect(f"{id_} of {exercise.name}", outcome, *ids)
        findings.extend(transposed(exercise, names, right))
        findings.extend(unsummed(exercise, names, right))
        findings.extend(quotients(lesson, exercise))
    findings.check()


def transposed(exercise, names, right):
    """Transposed, where that makes a difference; a question may have a sharper message."""
    turned = lambda part: part.T if np.ndim(part) > 1 else part
    wants = jax.tree.leaves(references(find(exercise.name, REPO).question))
    if all(np.array_equal(part, np.transpose(part)) for part in wants if is_array(part)):
        return
    answer = lambda *args: jax.tree.map(turned, right(*args))
    outcome = judged(exercise, {**names, exercise.name: answer})
    if not outcome.said.endswith("transposed"):
        yield f"transpose of {exercise.name}: {outcome.text()}"


def unsummed(exercise, names, right):
    shares = jnp.array([0.5, 0.25, 0.25])
    rows = lambda part: jnp.multiply.outer(shares, jnp.asarray(part))
    answer = lambda *args: jax.tree.map(rows, right(*args))
    outcome = judged(exercise, {**names, exercise.name: answer})
    # A function that is itself differentiated has too many outputs, and jax says so first.
    if outcome.said not in {"unsummed", "grad-of-array", "cotangent-shape"}:
        yield f"missing sum of {exercise.name}: {outcome.text()}"


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


def quotients(lesson, exercise):
    """The solution itself, where it differentiates by jax: with difference quotients instead."""
    if not re.search(r"olympus\.(grad|jac\w*|jvp)", exercise.solution()):
        return
    names: dict[str, Any] = {}
    exec(lesson.setup(), names)
    names["olympus"] = Quotients()
    exec(exercise.solution(), names)
    outcome = judged(exercise, names)
    if outcome.said != "finite-difference":
        yield f"quotients in {exercise.name}: {outcome.text()}"


def dense_vjp(code):
    """What is said of an answer to `dense_vjp`."""
    lesson, exercise = next(pair for pair in EXERCISES if pair[1].name == "dense_vjp")
    return judged(exercise, namespace(lesson, code))


def test_a_finite_difference_gets_its_message_even_of_a_linear_layer():
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
    outcome = dense_vjp(code)
    assert outcome.said == "finite-difference", outcome.text()


def test_an_unforeseen_wrong_answer_gets_a_broken_law():
    code = "def dense_vjp(x, W, b, u):\n    return u**2 @ W.T, x.T @ u, u.sum(0)"
    outcome = dense_vjp(code)
    assert outcome.said == "law"
    assert "twice the u gives twice the result" in outcome.diagnosis.message


def test_exercises_are_what_the_sources_release():
    report = _release.release(REPO / "solutions", REPO / "exercises", check=True)
    assert not report.differs, "\n".join(report.lines)


@each
def test_a_question_has_enough_around_it(lesson, exercise):
    assert len(exercise.mutants) >= 5
    assert len(exercise.alternatives) >= 3
    assert 2 <= len(exercise.hints) <= 3
    assert all(len(hint) > 30 for hint in exercise.hints)
    assert len(exercise.explanation) > 100


@each_lesson
def test_the_results_of_edits_are_released_and_small(lesson):
    data = read_answers(REPO / "exercises" / f"{lesson.stem}.answers")
    for name, asked in data["questions"].items():
        assert len(asked["edits"]) <= _release.MOST_BYTES, name
        rows = unpack_edits(asked["edits"])
        assert len(rows) <= _release.MOST_ROWS
        assert {row.id.partition("-")[0] for row in rows} <= {"edit"}
    assert any(unpack_edits(asked["edits"]) for asked in data["questions"].values())


# Edits that the check accepts, each with the reason why it may.
SURVIVORS = {
    "puzzles": "a matrix of True and False holds the same numbers as one of 1 and 0",
    "safe_hypot": "no rule is asked for at the corner's second derivative, where these differ",
    "squared_loss_vjp": "p and y have one shape, so p.size is y.size",
}


def test_no_edit_survives_without_a_reason():
    for lesson in LESSONS:
        data = read_answers(REPO / "exercises" / f"{lesson.stem}.answers")
        for name, asked in data["questions"].items():
            assert name in SURVIVORS or not asked["surviving"], (name, asked["surviving"])


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
    for _, exercise in EXERCISES:
        question = find(exercise.name, REPO).question
        pages = {question.read, *(m.read for m in question.mistakes)} - {""}
        assert pages
        for page in pages:
            path, _, label = page.partition("#")
            text = (REPO / path).read_text(encoding="utf-8")
            assert not label or f"\n({label})=\n" in text, f"{exercise.name}: {page}"
