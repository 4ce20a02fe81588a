"""A lesson as the judge holds it: questions at its own points, and what each part is worth."""

import contextlib
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ... import checks
from ...checks import Credit, Diagnosis, Entry, Question
from .. import _notebook as nb
from .._cache import use_compile_cache
from .._course import CourseError
from . import plain, points

PARTS = ("shape", "value", "law", "cost")
WHOLE = (Credit("cost", 1.0, "a right answer"),)
COSTS = ("dense-jacobian", "one-pass-per-input")
LAWS = ("law", "impure", "mutated-input")


@dataclass(frozen=True)
class Item:
    """One question: as it was released, and as answers in a jail are asked it."""

    entry: Entry
    asked: Question
    spread: float = 0.0

    @property
    def credits(self) -> tuple[Credit, ...]:
        return tuple(self.entry.question.credits) or WHOLE

    @property
    def most(self) -> float:
        return sum(credit.points for credit in self.credits)

    def reached(
        self,
        diagnosis: Diagnosis | None,
        shaped: bool,
        right: bool,
    ) -> int:
        """How many of `PARTS` an answer has, from what is wrong with it.

        A law may be told of wrong numbers, too, so that these are asked about by themselves.
        """
        question = self.entry.question
        if diagnosis is None:
            return len(PARTS)
        if not right:
            return int(shaped)
        limits = [limit.id for limit in question.cost_limits]
        required = [requirement.id for requirement in question.requirements]
        if diagnosis.id in (*limits, *COSTS):
            return PARTS.index("cost")
        if diagnosis.id in (*required, *LAWS):
            return PARTS.index("law")
        return int(shaped)

    def earned(self, reached: int) -> dict[str, float]:
        """The points of each part."""
        earned = {}
        for credit in self.credits:
            has = PARTS.index(credit.part) < reached
            earned[credit.part] = credit.points if has else 0.0
        return earned

    def public(self, seconds: float) -> bytes:
        """For the examiner: the question's name, the right results at its points, and a limit."""
        question = self.entry.question
        try:
            known = checks.references(question)
            return pickle.dumps((question.name, known, seconds))
        except Exception:  # a result, or an error, that no pickle can hold
            return pickle.dumps((question.name, None, seconds))


@dataclass(frozen=True)
class Exam:
    """The questions of one released lesson."""

    released: Any
    items: dict[str, Item]


@lru_cache(maxsize=64)
def exam(course: Path, stem: str, seed: int) -> Exam:
    """The lesson `stem` of the folder `course`, at points that the secret seed gives."""
    use_compile_cache()
    answers = checks.read_answers(course / f"{stem}{checks.ANSWERS}")
    released = nb.parse(answers["released"], stem)
    solutions = _solutions(released, answers["questions"])
    items = {}
    for name in answers["questions"]:
        entry = checks.find(name, course)
        solution = solutions.get(name)
        asked, spread = points.draw(entry.question, seed, solution)
        jailed = points.for_jail(asked, solution)
        right = checks.references(asked)
        for result in right:
            _require_plain(name, result)
        # the cases are the same, so that their right results are computed once
        checks.remember(jailed, right)
        items[name] = Item(entry, jailed, spread)
        # those at the public points, too, while no other thread would compute them as well
        checks.references(entry.question)
    return Exam(released, items)


def _require_plain(
    name: str,
    result: Any,
) -> None:
    """CourseError for a right result that cannot leave a jail: no answer would have a point."""
    if isinstance(result, Exception):
        return
    with contextlib.suppress(ValueError):
        if checks.same_tree(plain.decode(plain.encode(result)), result, 0.0):
            return
    raise CourseError(
        f"{name} can't be graded: from a jail come numbers, arrays, text, and tuples, lists and "
        f"dicts (with keys of text) of these, up to some size. Let `adapt` make one of them."
    )


def _solutions(released: Any, questions: dict[str, Any]) -> dict[str, Any]:
    """The author's own solutions: trusted code, which tells whether a point can be asked."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    setup = [cell.source for cell in released.cells if "setup" in nb.tags(cell)]
    for code in [*setup, *[data["solution"] for data in questions.values()]]:
        exec(code, namespace)
    return namespace
