"""What a check says: three outcomes, as plain text, as HTML, and as an exception."""

import html
import os
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt

from .message import Diagnosis

State = Literal["not attempted", "not yet", "correct"]
MARKS: dict[State, str] = {
    "not attempted": "○",
    "not yet": "△",
    "correct": "✓",
}
WIDTH = 72
STYLE = (
    "border-left: 4px solid {colour}; padding: .4em .9em; margin: .3em 0; max-width: 46em;"
    "background: color-mix(in srgb, {colour} 8%, transparent); color: inherit"
)


@dataclass(frozen=True)
class Card:
    """A title, a remark, and a body in Markdown, which is folded where `fold` names the fold."""

    title: str
    body: str = ""
    fold: str = ""
    good: bool = False
    remark: str = ""

    def text(self) -> str:
        """Title and body as plain text."""
        paragraphs = [self.title, plain(self.remark), plain(self.body)]
        return "\n\n".join(filter(None, paragraphs)).strip()

    def html(self) -> str:
        """Title and body as HTML that needs no style sheet, no script and no network."""
        colour = "#2e7d4f" if self.good else "#3b6ea8"
        inner = f"<strong>{html.escape(self.title)}</strong>"
        if self.remark:
            inner += _markdown().render(self.remark)
        body = _markdown().render(self.body) if self.body else ""
        if body and self.fold:
            summary = (
                f"<summary>{html.escape(self.fold)} (click to open)</summary>"
            )
            body = f"<details>{summary}{body}</details>"
        return f'<div style="{STYLE.format(colour=colour)}">{inner}{body}</div>'

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def plain(markdown: str) -> str:
    """Markdown without the marks that a terminal would only show as noise."""
    text = re.sub(r"^```.*\n?", "", markdown, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text)


def in_kernel() -> bool:
    """Whether what is displayed reaches a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def show(card: Any) -> None:
    """Display a card or a picture in a notebook, print its text elsewhere."""
    if not in_kernel():
        print(card._repr_mimebundle_()["text/plain"])
        return
    from IPython.display import display

    display(card)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Outcome:
    """The result of one check: the question's name, the state, and what there is to say.

    A right answer has a diagnosis only where it goes around what the lesson teaches.
    """

    name: str
    state: State
    diagnosis: Diagnosis | None = None

    def text(self, twin: bool = True) -> str:
        """The message as plain text, no wider than 88 characters; `twin` stands for a picture."""
        head = f"{MARKS[self.state]} {self.name}: {self.state}"
        if self.diagnosis is None:
            return head
        if self.state != "not yet":
            return f"{head}\n\n{_wrap(self.diagnosis.message)}"
        lines = [
            f"{head} · {self.diagnosis.name}",
            *_body(self.name, self.diagnosis, twin),
        ]
        return "\n".join(lines)

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
    rows = [
        ("Where: ", diagnosis.line),
        ("In numbers: ", diagnosis.example),
        ("Read again: ", diagnosis.read),
        ("Stuck? ", f'hint("{name}") gives a nudge.'),
    ]
    for label, text in rows:
        if text:
            paragraphs.append(f"\n{_wrap(text, label)}")
    return paragraphs


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
        if not os.environ.get("NO_COLOR"):
            first = f"\x1b[1m{first}\x1b[0m"
        return [first, *rest]


class NotYet(CheckFailed):
    """There is an answer, and it is not right yet."""


class NotAttempted(CheckFailed):
    """There is no answer yet."""


def success(name: str, explanation: str, remark: str = "") -> Card:
    """The message of a passing check, with the explanation folded below it."""
    return Card(
        f"{MARKS['correct']} {name}: correct",
        explanation,
        "Why it works",
        good=True,
        remark=remark,
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
