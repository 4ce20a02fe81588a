"""Say what became of the single edits of a lesson's solutions: named, caught, or surviving."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..checks import Question
from . import _release
from ._lesson import Lesson

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
class Survey:
    """The edits of one question's solution, each with its result."""

    question: Question
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

    def lines(self, each: bool) -> list[str]:
        """The survey as text; with `each`, a line for every edit."""
        counts = self.counts()
        words = ", ".join(
            f"{count} {status}" for status, count in sorted(counts.items())
        )
        lines = [f"{self.question.name}: {len(self.results)} edits: {words}"]
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
        return {
            "question": self.question.name,
            "counts": dict(self.counts()),
            "edits": edits,
        }


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 90 else line[:87] + "..."


def survey(lesson: Lesson) -> list[Survey]:
    """Try every edit of a lesson's solutions."""
    released = _release.build(lesson)
    known = _release.verify(lesson, released.spec)
    results = _release.try_edits(lesson, released.spec, diagnose=True)
    return [
        Survey(known[exercise.name], results[exercise.name])
        for exercise in lesson.exercises
    ]
