"""Handed in late: what that costs, recomputed without grading anything again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .submissions import UnreadableClass, read_table

MOST_GRACE = 365 * 24 * 60  # minutes


@dataclass(frozen=True)
class Policy:
    """When it is due, how many minutes of grace there are, and what each day costs.

    `penalty` is the share of the marks that a day begun costs; nothing is left below zero.
    `extensions` gives single students a later time.
    """

    due: datetime | None = None
    grace: float = 0.0
    penalty: float = 0.1
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.penalty <= 1:
            raise UnreadableClass(
                f"A day late costs a share from 0 to 1; {self.penalty} is none."
            )
        if not 0 <= self.grace <= MOST_GRACE:
            raise UnreadableClass(
                f"The minutes of grace are a number from 0 to {MOST_GRACE:,}; {self.grace} is none."
            )

    def factor(self, student: str, submitted: datetime | None) -> float:
        """The share of the marks that stands."""
        due = self.extensions.get(student, self.due)
        if due is None or submitted is None:
            return 1.0
        late = submitted - due
        if late <= timedelta(minutes=self.grace):
            return 1.0
        days = math.ceil(late / timedelta(days=1))
        return max(0.0, 1.0 - self.penalty * days)


def moment(text: str) -> datetime:
    """A time such as 2026-12-01T18:00, in UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableClass(
            f"`{text}` is not a time; write it as 2026-12-01T18:00 or 2026-12-01T18:00+01:00."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def read_extensions(path: Path) -> dict[str, datetime]:
    """Student -> the time until which the student may hand in, from a CSV: student, due."""
    rows = read_table(path, ("student", "due"))
    return {row["student"]: moment(row["due"]) for row in rows}
