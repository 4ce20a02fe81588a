"""Try a lesson: what is said to its stub, solution, mutants, alternatives, and single edits."""

import linecache
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..checks import EditRow, Outcome, Question, outcome_of
from . import _release, _tryout
from ._lesson import Exercise, Lesson

GENERAL = {
    "off",
    "nearly",
    "only-large",
    "law",
    "shape",
    "cancellation",
    "constant-answer",
}


@dataclass(frozen=True)
class Verdict:
    """What is said to one of the answers that a lesson holds, and what should be."""

    what: str
    expected: str
    outcome: Outcome
    edits: frozenset[str]  # the ids of the messages that the edits have

    @property
    def said(self) -> str:
        """The state, or of a wrong answer the id of its message."""
        return self.outcome.said

    @property
    def fits(self) -> bool:
        """Whether that is expected; an edit's message says more than a general one."""
        if self.said == self.expected:
            return True
        return self.expected in GENERAL and self.said in self.edits

    def lines(self, messages: bool) -> list[str]:
        """The verdict as text; with what a student reads where `messages`, or where it is wrong."""
        line = f"  ✓ {self.what}: {self.said}"
        if not self.fits:
            line = f"  ✗ {self.what}: {self.said}; expected: {self.expected}"
        if self.fits and not messages:
            return [line]
        told = textwrap.indent(self.outcome.text(twin=False), "      ")
        return [line, *told.splitlines()]


@dataclass(frozen=True)
class Survey:
    """The answers of one question, and the edits of its solution, each with its result."""

    question: Question
    verdicts: list[Verdict]
    results: list[tuple[Any, dict[str, Any]]]

    @property
    def surviving(self) -> list[Any]:
        """The edits that are wrong somewhere, and that the check accepts."""
        return [
            edit
            for edit, result in self.results
            if result["status"] == "survives"
        ]

    def counts(self) -> Counter[str]:
        """How many edits there are of each status; of the wrong ones, who names them."""
        counts: Counter[str] = Counter()
        own = {
            *self.question.predictions,
            *(mistake.id for mistake in self.question.mistakes),
        }
        for _, result in self.results:
            status = result["status"]
            if status != "wrong":
                counts[status] += 1
            elif result.get("id") in own:
                counts["named by the author"] += 1
            elif result.get("id") in GENERAL:
                table = "named by the table" if result["rows"] else "not named"
                counts[table] += 1
            else:
                counts["named by the catalogue"] += 1
        return counts

    def lines(self, each: bool, messages: bool) -> list[str]:
        """The survey as text; with `each`, every edit; with `messages`, what students read."""
        counts = self.counts()
        words = ", ".join(
            f"{count} {status}" for status, count in sorted(counts.items())
        )
        lines = [self.question.name]
        for verdict in self.verdicts:
            lines += verdict.lines(messages)
        lines.append(f"  {len(self.results)} edits: {words}")
        for edit, result in self.results:
            if each or result["status"] == "survives":
                told = result.get("id", "")
                lines.append(f"  {result['status']:10} {edit.id:18} {told}")
                lines.append(f"      line {edit.line}: {_short(edit.before)}")
                lines.append(f"      now: {_short(edit.after)}")
        return lines

    def json(self) -> dict[str, Any]:
        """The survey as plain data."""
        edits = []
        for edit, result in self.results:
            row = {
                "id": edit.id,
                "line": edit.line,
                "before": edit.before,
                "after": edit.after,
            }
            edits.append({
                **row,
                "status": result["status"],
                "message": result.get("id", ""),
            })
        verdicts = [
            {"what": v.what, "expected": v.expected, "said": v.said}
            for v in self.verdicts
        ]
        return {
            "question": self.question.name,
            "answers": verdicts,
            "counts": dict(self.counts()),
            "edits": edits,
        }


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 90 else line[:87] + "..."


def survey(lesson: Lesson) -> Iterator[Survey]:
    """Try every answer of a lesson, and every edit of its solutions."""
    released = _release.build(lesson)
    known = _release.verify(lesson, released.spec)
    _release.verify_references(lesson, released.spec)
    results = _release.try_edits(lesson, released.spec, diagnose=True)
    for exercise in lesson.exercises:
        question, tried = known[exercise.name], results[exercise.name]
        rows = _tryout.table(tried, _release.MOST_ROWS)
        yield Survey(
            question, list(_verdicts(lesson, exercise, question, rows)), tried
        )


def _verdicts(
    lesson: Lesson, exercise: Exercise, question: Question, rows: list[EditRow]
) -> Iterator[Verdict]:
    solution = exercise.solution()
    answers = [
        ("stub", "not attempted", exercise.stub()),
        ("solution", "correct", solution),
    ]
    for number, (id_, code, _) in enumerate(exercise.mutants, 1):
        answers.append((f"mutant {number}", id_, code))
    for number, code in enumerate(exercise.alternatives, 1):
        answers.append((f"alternative {number}", "correct", code))
    edits = frozenset(row.id for row in rows)
    for what, expected, code in answers:
        names = namespace(lesson, code)
        outcome = outcome_of(question, names, rows, solution)
        yield Verdict(what, expected, outcome, edits)


def namespace(lesson: Lesson, code: str) -> dict[str, Any]:
    """What setup and answer define; lines can be looked up, as those of a cell can."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for text in (lesson.setup(), code):
        file = f"<cell of {lesson.stem} {len(linecache.cache)}>"
        lines = text.splitlines(keepends=True)
        linecache.cache[file] = (len(text), None, lines, file)
        exec(compile(text, file, "exec"), names)
    return names
