"""The marks of a class: automatic points, points by hand, what being late costs, one row each."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .late import Policy
from .submissions import Person, Submission, UnreadableClass, read_table

HANDMADE = "manual.csv"


@dataclass
class Row:
    """One student: what was handed in, and a record for each question of it."""

    person: Person
    problems: list[str] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    submitted: datetime | None = None
    manual: dict[str, dict[str, Any]] = field(default_factory=dict)
    factor: float = 1.0

    @property
    def status(self) -> str:
        """In a word or two, what became of the row."""
        states = {record["state"] for record in self.records.values()}
        if self.problems:
            return "; ".join(sorted(set(self.problems)))
        if not self.files:
            return "nothing handed in"
        if "stopped" in states:
            return "graded, an answer was stopped"
        if states <= {"not attempted"}:
            return "nothing answered"
        return "graded"

    def enter(self, one: Submission) -> None:
        """Take a file into the row: the latest one says when it was handed in."""
        when = one.submitted.isoformat()
        file = {"lesson": one.stem, "path": one.path, "submitted": when}
        self.files.append(file)
        self.submitted = max(self.submitted or one.submitted, one.submitted)

    def points(self, question: str) -> float:
        """Automatic points, or those by hand in their place."""
        if question in self.manual:
            return float(self.manual[question]["points"])
        record = self.records.get(question)
        return float(record["points"]) if record else 0.0

    def total(self, questions: Iterable[str]) -> float:
        """All points, less what being late costs."""
        return self.factor * sum(
            self.points(question) for question in questions
        )


def _row(record: dict[str, Any]) -> Row:
    """A row as its record in `marks.json` tells of it."""
    keys = ("student", "name", "email", "id")
    row = Row(
        Person(*[record[key] for key in keys]),
        files=record["files"],
        records=record["questions"],
        factor=record["late_factor"],
    )
    times = [file["submitted"] for file in row.files]
    if times:
        row.submitted = max(map(datetime.fromisoformat, times))
    if row.status != record["status"]:
        row.problems.append(record["status"])
    return row


@dataclass
class Gradebook:
    """All rows, and what each question is worth."""

    questions: dict[str, dict[str, Any]]
    rows: list[Row]
    sandbox: bool = True
    pairs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def most(self) -> float:
        """The points of all questions."""
        return float(sum(entry["of"] for entry in self.questions.values()))

    @classmethod
    def of(cls, marks: dict[str, Any]) -> "Gradebook":
        """The gradebook that `marks.json` holds."""
        rows = [_row(record) for record in marks["students"]]
        return cls(marks["questions"], rows, marks["sandbox"], marks["alike"])

    def records(self) -> list[dict[str, Any]]:
        """One plain record for each student, as in `marks.json`."""
        return [self._record(row) for row in self.rows]

    def _record(self, row: Row) -> dict[str, Any]:
        return {
            "student": row.person.student,
            "name": row.person.name,
            "email": row.person.email,
            "id": row.person.id,
            "status": row.status,
            "sandbox": self.sandbox,
            "total": row.total(list(self.questions)),
            "of": self.most,
            "late_factor": row.factor,
            "points": {
                question: row.points(question) for question in self.questions
            },
            "manual": row.manual,
            "questions": row.records,
            "files": row.files,
        }

    def apply(
        self,
        policy: Policy | None,
        manual: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Take points by hand and lateness into the rows; grades nothing.

        Without a policy, what was late stays as late as it was.
        """
        for row in self.rows:
            if policy is not None:
                row.factor = policy.factor(row.person.student, row.submitted)
            row.manual = {
                question: dict(entry)
                for question, entry in manual.get(
                    row.person.student, {}
                ).items()
                if question in self.questions
            }


def read_manual(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Student -> question -> points by hand with their reason; nothing where there is no file."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    if not path.exists():
        return table
    for row in read_table(path, ("student", "question", "points")):
        try:
            points = float(row["points"])
            if not 0 <= points < math.inf:
                raise ValueError
        except ValueError:
            raise UnreadableClass(
                f"{path}: `{row['points']}` for {row['student']} is not a number of points."
            ) from None
        entry = {"points": points, "reason": row.get("reason", "")}
        table.setdefault(row["student"], {})[row["question"]] = entry
    return table
