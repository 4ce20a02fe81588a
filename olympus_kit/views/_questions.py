"""Questions that a figure asks: one record for the page, for a terminal and for a screen reader.

A question lists the answers that somebody may think of: the right one, and the wrong ones, each
with the mistake that it shows. Where an answer is typed, a number or a shape, the list is not shown
and is what the typed answer is compared with.
"""

from __future__ import annotations

import hashlib
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from ._types import Data

WIDTH = 76  # of a line of text
Kind = Literal["choice", "line", "number", "shape"]
WHOLE = re.compile(r"\d+")
NO_SHAPE = re.compile(r"[^\d,()\[\]\s]")


@dataclass(frozen=True)
class Choice:
    """An answer, and what is said to a reader who gives it."""

    text: str
    why: str
    right: bool = False
    value: float | None = None  # of a number


@dataclass(frozen=True)
class Question:
    """What is asked, and every answer that is foreseen.

    Raises:
        ValueError: where not exactly one answer is right, two are equal, or one has no explanation.
    """

    name: str
    ask: str
    choices: Sequence[Choice]
    kind: Kind = "choice"
    otherwise: str = ""  # what is said to a typed answer that nobody foresaw
    tolerance: float = 0.0  # by which part of it a typed number may be off
    read: str = ""  # the place in the chapter where it is explained: a label
    section: str = ""  # the heading of that place
    step: int | None = (
        None  # the step of the player that it holds back; None: the whole figure
    )

    def __post_init__(self) -> None:
        """Hold every question to the same rules, wherever it comes from."""
        texts = [choice.text for choice in self.choices]
        right = [choice for choice in self.choices if choice.right]
        silent = [
            choice.text for choice in self.choices if not choice.why.strip()
        ]
        if len(right) != 1:
            raise ValueError(
                f"{self.name} has {len(right)} right answers; it needs exactly one."
            )
        if len(texts) < 2:
            raise ValueError(
                f"{self.name} needs a wrong answer beside the right one."
            )
        equal = sorted({text for text in texts if texts.count(text) > 1})
        if equal:
            raise ValueError(f"{self.name} has the answer {equal[0]!r} twice.")
        if silent:
            raise ValueError(
                f"{self.name} says nothing to a reader who answers {silent[0]!r}."
            )
        if self.kind in ("number", "shape") and not self.otherwise:
            raise ValueError(
                f"{self.name} says nothing to a typed answer that is not in its list: "
                "give it `otherwise`."
            )

    @property
    def right(self) -> Choice:
        """The right answer."""
        return next(choice for choice in self.choices if choice.right)

    def data(self) -> Data:
        """Return the question as plain data."""
        return asdict(self)

    def answer(self, typed: str) -> Choice | None:
        """Return the choice that a typed answer is: its number in the list, or what it equals.

        None where it is an answer that nobody foresaw.

        Raises:
            ValueError: where it cannot be an answer to this question at all.
        """
        if self.kind == "number":
            return self._number(typed)
        if self.kind == "shape":
            return self._shape(typed)
        word = typed.strip()
        if not WHOLE.fullmatch(word) or not 1 <= int(word) <= len(self.choices):
            raise ValueError(
                f"Type a number from 1 to {len(self.choices)}; {word!r} is not one of them."
            )
        return self.choices[int(word) - 1]

    def _number(self, typed: str) -> Choice | None:
        above, slash, below = (
            typed.replace("−", "-").replace(",", "").partition("/")
        )
        try:
            number = float(above) / (float(below) if slash else 1.0)
        except (ValueError, ZeroDivisionError):
            raise ValueError(
                f"Type a number, such as 0.25, 1/4 or 1e-3; {typed.strip()!r} is not one."
            ) from None
        for choice in self.choices:
            if choice.value is not None and math.isclose(
                number, choice.value, rel_tol=self.tolerance, abs_tol=1e-12
            ):
                return choice
        return None

    def _shape(self, typed: str) -> Choice | None:
        if NO_SHAPE.search(typed) or not typed.strip():
            raise ValueError(
                f"Type a shape, such as (4, 3) or (5,) or (); {typed.strip()!r} is not one."
            )
        sizes = WHOLE.findall(typed)
        for choice in self.choices:
            if WHOLE.findall(choice.text) == sizes:
                return choice
        return None


def shuffle(name: str, choices: Sequence[Choice]) -> list[Choice]:
    """Return choices in an order that gives nothing away, the same every time."""

    def place(choice: Choice) -> str:
        return hashlib.sha256(f"{name} {choice.text}".encode()).hexdigest()

    return sorted(choices, key=place)


def question_lines(question: Question, number: int) -> list[str]:
    """Return a question as text, without its answer."""
    lines = _wrapped(f"{number}. ", question.ask)
    if question.kind == "number":
        return [*lines, "   (a number)"]
    if question.kind == "shape":
        return [*lines, "   (a shape, such as (4, 3))"]
    for k, choice in enumerate(question.choices, start=1):
        lines += _wrapped(f"   {k}) ", choice_text(question, choice))
    return lines


def answer_lines(question: Question, number: int) -> list[str]:
    """Return the right answer of a question with its reason, and where to read."""
    right = question.right
    lines = _wrapped(
        f"{number}. ", f"{choice_text(question, right)}: {right.why}"
    )
    if question.section:
        lines += _wrapped("   ", f"Read: {question.section}")
    return lines


def questions_text(
    questions: Sequence[Question],
) -> tuple[list[str], list[str]]:
    """Return all questions as lines of text, and all answers."""
    asked: list[str] = []
    answers: list[str] = []
    for number, question in enumerate(questions, start=1):
        asked += ["", *question_lines(question, number)]
        answers += answer_lines(question, number)
    if answers:
        asked.append("")
        answers[:0] = ["", "Answers"]
    return asked, answers


def choice_text(question: Question, choice: Choice) -> str:
    """Return the text of a choice with its marks: a line of a program is code."""
    if question.kind == "line":
        return f"`{choice.text}`"
    return choice.text


def without_marks(text: str) -> str:
    """Return a text without the marks of Markdown: backticks, and stars outside them."""
    parts = text.split("`")
    parts[::2] = [part.replace("*", "") for part in parts[::2]]
    return "".join(parts)


def _wrapped(start: str, text: str) -> list[str]:
    plain = " ".join(without_marks(text).split())
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
    )
