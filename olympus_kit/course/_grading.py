"""What the command `olympus grade` asks of the grading: its options as one wish."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .grade.batch import Progress, finish, grade, regrade
from .grade.late import Policy, moment, read_extensions
from .grade.submissions import Person, read_roster


@dataclass
class Wish:
    """A grading, as it was asked for."""

    submissions: Path
    out: Path
    only: str
    jobs: int
    scheduler: str
    sandbox: bool
    seconds: float
    roster: Sequence[Person] = ()
    policy: Policy = field(default_factory=Policy)

    def read_tables(
        self,
        roster: Path | None,
        extensions: Path | None,
        due: str,
        grace: float,
        penalty: float,
    ) -> None:
        """Read who is who and what is late. ValueError names the table or time that is wrong."""
        if roster is not None:
            self.roster = read_roster(roster)
        self.policy = Policy(
            due=moment(due) if due else None,
            grace=grace,
            penalty=penalty,
            extensions=read_extensions(extensions) if extensions else {},
        )

    def grade(self, progress: Progress) -> list[dict[str, Any]]:
        """Grade everything that is not graded yet, and write the marks."""
        return grade(
            self.submissions,
            self.out,
            only=self.only,
            roster=self.roster,
            policy=self.policy,
            jobs=self.jobs,
            scheduler=self.scheduler,
            sandbox=self.sandbox,
            seconds=self.seconds,
            progress=progress,
        )

    def regrade(self, question: str, write: bool) -> list[str]:
        """Judge one question anew; what changes, in words."""
        book, lines = regrade(
            self.submissions,
            self.out,
            question,
            only=self.only,
            roster=self.roster,
            jobs=self.jobs,
            sandbox=self.sandbox,
        )
        if write:
            finish(book, self.out, self.policy)
        return lines


def lines(records: Sequence[dict[str, Any]]) -> list[str]:
    """One line for each student."""
    width = max((len(record["student"]) for record in records), default=0)
    table = []
    for record in records:
        total = f"{record['total']:g} of {record['of']:g}"
        table.append(
            f"{record['student']:{width}}  {total}  {record['status']}"
        )
    return table
