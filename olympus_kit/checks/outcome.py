"""What a check says: three outcomes, as plain text, as a card, and as an exception."""

import os
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

from .card import Card, Strip, Tone, in_kernel, literal
from .message import Diagnosis
from .places import link_to_read

State = Literal["not attempted", "not yet", "correct"]
MARKS: dict[State, str] = {
    "not attempted": "○",
    "not yet": "△",
    "correct": "✓",
}
TONES: dict[State, Tone] = {
    "not attempted": "quiet",
    "not yet": "open",
    "correct": "good",
}
WIDTH = 72


@dataclass(frozen=True)
class Outcome:
    """The result of one check: the question's name, the state, and what there is to say.

    A right answer has a diagnosis only where it goes around what the lesson teaches.
    """

    name: str
    state: State
    diagnosis: Diagnosis | None = None

    @property
    def said(self) -> str:
        """The state, or of a wrong answer the id of its message."""
        if self.state == "not yet" and self.diagnosis:
            return self.diagnosis.id
        return self.state

    @property
    def sentence(self) -> str:
        """Sign, question and state."""
        return f"{MARKS[self.state]} {self.name}: {self.state}"

    def text(self, twin: bool = True) -> str:
        """The message as plain text, no wider than 88 characters; `twin` stands for a picture."""
        if self.diagnosis is None:
            return self.head()
        if self.state != "not yet":
            return f"{self.head()}\n\n{_wrap(self.diagnosis.message)}"
        return "\n".join([
            self.head(),
            *_body(self.name, self.diagnosis, twin),
        ])

    def head(self) -> str:
        """The first line: sign, question, state, and the mistake's name where one is known."""
        if self.state == "not yet" and self.diagnosis:
            return f"{self.sentence} · {self.diagnosis.name}"
        return self.sentence

    def card(self) -> Card:
        """What `text` says, for a notebook."""
        if self.diagnosis is None:
            return Card(self.head(), tone=TONES[self.state])
        paragraphs = [literal(self.diagnosis.message)]
        if self.state == "not yet":
            call = f'hint("{self.name}")'
            for label, text in _rows(self.name, self.diagnosis):
                if label == "Read again: ":
                    words = link_to_read(text)
                elif label == "Stuck? ":
                    words = text.replace(call, f"`{call}`")
                else:
                    words = literal(text)
                paragraphs.append(f"**{label.strip()}** {words}")
        return Card(
            self.head(), "\n\n".join(paragraphs), tone=TONES[self.state]
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {
            "text/plain": self.text(twin=False),
            "text/html": self.card().html(),
        }

    def json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        diagnosis = self.diagnosis.json() if self.diagnosis else None
        return {
            "name": self.name,
            "state": self.state,
            "diagnosis": diagnosis,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Outcome":
        """The outcome that `json` wrote down."""
        entry = data["diagnosis"]
        diagnosis = Diagnosis(**entry) if entry else None
        return cls(data["name"], data["state"], diagnosis)

    def error(self) -> "CheckFailed":
        """The exception that a check cell raises for it."""
        if self.state == "not attempted":
            return NotAttempted(self)
        return NotYet(self)


def _body(name: str, diagnosis: Diagnosis, twin: bool) -> list[str]:
    paragraphs = [f"\n{_wrap(diagnosis.message)}"]
    if twin and diagnosis.twin:
        paragraphs.append(f"\n{textwrap.indent(diagnosis.twin, '  ')}")
    for label, text in _rows(name, diagnosis):
        paragraphs.append(f"\n{_wrap(text, label)}")
    return paragraphs


def _rows(name: str, diagnosis: Diagnosis) -> list[tuple[str, str]]:
    rows = [
        ("Where: ", diagnosis.line),
        ("In numbers: ", diagnosis.example),
        ("Read again: ", diagnosis.read),
        ("Stuck? ", f'hint("{name}") gives a nudge.'),
    ]
    return [(label, text) for label, text in rows if text]


def _wrap(text: str, label: str = "") -> str:
    return textwrap.fill(
        text,
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
        """What IPython shows in place of a traceback (it must be a list).

        In a notebook that is a line below the card, which says what a failed cell does. IPython
        asks more than once.
        """
        if in_kernel():
            said = self.outcome.sentence
            return [f"{said}. Run All stops here; check_all() goes on."]
        first, *rest = self.outcome.text().split("\n")
        if not os.environ.get("NO_COLOR"):
            first = f"\x1b[1m{first}\x1b[0m"
        return [first, *rest]


class NotYet(CheckFailed):
    """There is an answer, and it is not right yet."""


class NotAttempted(CheckFailed):
    """There is no answer yet."""


def success(
    name: str,
    explanation: str,
    remark: str = "",
    then: str = "",
    strips: tuple[Strip, ...] = (),
) -> Card:
    """The message of a passing check, with the explanation folded below it, and what is next."""
    return Card(
        Outcome(name, "correct").sentence,
        explanation,
        "Why it works",
        "good",
        remark,
        then,
        strips,
    )


def table(outcomes: list[Outcome]) -> str:
    """One line for each outcome, and how many are correct."""
    width = max((len(outcome.name) for outcome in outcomes), default=0)
    lines = []
    for outcome in outcomes:
        line = f"{MARKS[outcome.state]} {outcome.name:{width}}  {outcome.state}"
        if outcome.state == "not yet" and outcome.diagnosis:
            line += f": {outcome.diagnosis.name}"
        lines.append(line)
    good = sum(outcome.state == "correct" for outcome in outcomes)
    lines.append(f"{good} of {len(outcomes)} correct")
    return "\n".join(lines)
