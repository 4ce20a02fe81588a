"""What a check says: three outcomes, as plain text, as HTML, and as an exception."""

import os
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

from ._card import Card, in_kernel, plain, show
from ._diagnosis import Diagnosis

State = Literal["not attempted", "not yet", "correct"]
MARKS: dict[State, str] = {"not attempted": "○", "not yet": "△", "correct": "✓"}
WIDTH = 72


@dataclass(frozen=True)
class Outcome:
    """The result of one check: the question's name, the state, and what there is to say."""

    name: str
    state: State
    diagnosis: Diagnosis | None = None

    def text(self, twin: bool = True) -> str:
        """The message as plain text, no wider than 88 characters; `twin` stands for a picture."""
        head = f"{MARKS[self.state]} {self.name}: {self.state}"
        if self.diagnosis is None:
            return head
        if self.state == "not attempted":
            return f"{head}\n\n{_wrap(self.diagnosis.message)}"
        return "\n".join([
            f"{head} · {self.diagnosis.name}",
            *_body(self.name, self.diagnosis, twin),
        ])

    def json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        found = self.diagnosis.json() if self.diagnosis else None
        return {"name": self.name, "state": self.state, "diagnosis": found}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Outcome":
        """The outcome that `json` wrote down."""
        found = data["diagnosis"]
        return cls(data["name"], data["state"], Diagnosis(**found) if found else None)

    def error(self) -> "CheckFailed":
        """The exception that a check cell raises for it."""
        kind = NotAttempted if self.state == "not attempted" else NotYet
        return kind(self)


def _body(name: str, found: Diagnosis, twin: bool) -> list[str]:
    rows = [
        ("", found.message),
        ("Where: ", found.line),
        ("In numbers: ", found.example),
        ("Read again: ", found.read),
        ("Stuck? ", f'hint("{name}") gives a nudge.'),
    ]
    said = [f"\n{_wrap(text, label)}" for label, text in rows if text]
    drawn = [f"\n{textwrap.indent(found.twin, '  ')}"] if twin and found.twin else []
    return [*said[:1], *drawn, *said[1:]]


def _wrap(text: str, label: str = "") -> str:
    return textwrap.fill(
        plain(text),
        WIDTH,
        initial_indent="  " + label,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


class CheckFailed(AssertionError):
    """A check that did not pass. It shows its message, and no traceback."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text())
        self.outcome = outcome

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback (it must be a list)."""
        picture = self.outcome.diagnosis and self.outcome.diagnosis.picture
        drawn = picture is not None and in_kernel()
        if drawn:
            show(picture)
        first, *rest = self.outcome.text(twin=not drawn).split("\n")
        bold = first if os.environ.get("NO_COLOR") else f"\x1b[1m{first}\x1b[0m"
        return [bold, *rest]


class NotYet(CheckFailed):
    """There is an answer, and it is not right yet."""


class NotAttempted(CheckFailed):
    """There is no answer yet."""


def success(name: str, explanation: str) -> Card:
    """The message of a passing check, with the explanation folded below it."""
    return Card(f"{MARKS['correct']} {name}: correct", explanation, "Why it works", good=True)
