"""`quiz`: the questions of a chapter, from one plain file whose numbers jax computes.

A file `book/quiz/NN_chapter.toml` holds Python that is run once (`setup`) and quizzes of questions.
What stands in braces inside a text is Python, too, and so are the answers to questions that ask for
a number or a shape: they are computed when the quiz is made. A wrong answer is the key of its
explanation, so none can be without.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import olympus

from ..program import Program, capture, walk
from ._draw import Canvas, page_svg
from ._figure import Figure
from ._formula import number, plural, statement
from ._questions import (
    Choice,
    Question,
    question_lines,
    questions_text,
    shuffle,
    without_marks,
)
from ._types import Data

FOLDER = Path("book") / "quiz"
KIT = Path(__file__).resolve().parents[2]
BRACES = re.compile(r"\{([^{}]+)\}")
HEADING = re.compile(
    r"^\((?P<label>[\w-]+)\)=\s+#+ (?P<title>.+)$", re.MULTILINE
)
# of jax, which the Python of a file can use without a module
TRANSFORMS = ("grad", "jvp", "vjp", "vmap", "jacfwd", "jacrev", "jacobian")
ROLES = ("adjoint", "tangent", "local_derivative", "primal")
KEYS = {
    *("name", "kind", "ask", "read", "right", "because", "wrong"),
    *("otherwise", "tolerance", "program", "choices"),
}


class Quiz(Figure):
    """Questions, each answer of which is told right, or what is wrong with it and where to read."""

    kind = "quiz"

    def __init__(
        self, name: str, title: str, chapter: str, questions: Sequence[Question]
    ) -> None:
        self.name, self.heading, self.chapter = name, title, chapter
        self.questions = list(questions)
        self.title = f"Quiz: {title}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How many questions there are."""
        return f"{plural(len(self.questions), 'question')}. What you answer stays in your browser."

    def pictures(self) -> list[Canvas]:
        """Return no picture: questions are text."""
        return []

    def question_lines(self, number: int) -> list[str]:
        """Return question `number`, counted from 1, as lines of text."""
        return question_lines(self.questions[number - 1], number)

    def verdict(self, question: Question, typed: str) -> tuple[str, bool]:
        """Return what is said to a typed answer, and whether it is right."""
        try:
            choice = question.answer(typed)
        except ValueError as error:
            return str(error), False
        if choice is not None and choice.right:
            return f"Right. {without_marks(choice.why)}", True
        why = question.otherwise if choice is None else choice.why
        place = f" Read: {question.section}." if question.section else ""
        return f"Not this. {without_marks(why)}{place}", False

    def svg(self) -> str:
        """Return the questions as a picture, for a page whose scripts are taken away."""
        canvas = Canvas(self.title)
        asked, _ = questions_text(self.questions)
        for k, line in enumerate(asked):
            canvas.text(0, 16 + 18 * k, line)
        return page_svg(self.title, self.finding, [canvas])

    def model(self) -> Data:
        """Return the whole record as plain data; the chapter is where answers are kept."""
        return super().model() | {"chapter": self.chapter}


def quiz(name: str) -> Quiz:
    """Return a quiz of the course, by its name, or all questions of a chapter, by its number.

    The questions lie in `book/quiz/`, one file a chapter. They are looked for in the folder that
    Python runs in, in those around it, and beside the kit.

    Args:
        name: such as "reverse-shapes", "04" or "04_reverse".

    Raises:
        LookupError: where no quiz has that name; the message lists those that there are.
        ValueError: for a file that breaks a rule: the question, and the rule.

    ```python
    import olympus_kit as ok

    print(ok.quiz("04"))  # `olympus quiz 04` asks the same in a terminal
    ```
    """
    names = []
    for path in quiz_files():
        data = _read(path)
        chapter = path.stem
        if name in (chapter, chapter.partition("_")[0]):
            every = [q for one in data["quiz"] for q in one["question"]]
            title = f"chapter {chapter.partition('_')[0].removeprefix('0')}"
            return _quiz(path, chapter, title, every)
        for one in data["quiz"]:
            if one["name"] == name:
                return _quiz(path, name, one["title"], one["question"])
            names.append(one["name"])
    if not names:
        raise LookupError(
            f"There are no quizzes here: no folder {FOLDER} in this folder or around it."
        )
    raise LookupError(
        f"There is no quiz {name!r}. There are: {', '.join(names)}."
    )


def quiz_files() -> list[Path]:
    """Return the files of all chapters, from the nearest folder that has them."""
    here = Path.cwd()
    for folder in (here, *here.parents, KIT):
        files = sorted((folder / FOLDER).glob("[0-9][0-9]*_*.toml"))
        if files:
            return files
    return []


def _read(path: Path) -> Data:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not a TOML file: {error}.") from None


def _quiz(path: Path, name: str, title: str, entries: Sequence[Data]) -> Quiz:
    sections = _sections(path)
    with jax.enable_x64(True):
        names = _names(str(path))
        questions = [_question(entry, names, sections) for entry in entries]
    return Quiz(name, title, path.stem, questions)


@cache
def _names(path: str) -> Data:
    """Return what the Python of a file can use: the course's names, and those of its `setup`."""
    names: Data = {
        "olympus": olympus,
        "jnp": jax.numpy,
        "np": np,
        "math": math,
        "capture": capture,
    }
    for name in TRANSFORMS:
        names[name] = getattr(jax, name)
    exec(_read(Path(path)).get("setup", ""), names)
    return names


def _sections(path: Path) -> dict[str, str]:
    """Return the headings of the chapter beside a file, by their labels."""
    chapter = path.parents[1] / f"{path.stem}.md"
    if not chapter.exists():
        return {}
    text = chapter.read_text(encoding="utf-8")
    return {
        match["label"]: match["title"].replace("$", "")
        for match in HEADING.finditer(text)
    }


def _question(
    entry: Data, names: Data, sections: Mapping[str, str]
) -> Question:
    """Return one question of a file, computed.

    Raises:
        ValueError: for an unknown key, a place that is not in the chapter, or Python that fails.
    """
    name = str(entry.get("name", "a question without a name"))
    if unknown := sorted(set(entry) - KEYS):
        raise ValueError(f"{name} has the unknown key {unknown[0]!r}.")
    read = str(entry.get("read", ""))
    if sections and read not in sections:
        raise ValueError(
            f"{name} sends to {read!r}, which is not a label of its chapter."
        )
    kind = entry.get("kind", "choice")
    try:
        make = _choices_of_lines if kind == "line" else _choices
        choices = make(entry, names, kind)
        ask = _filled(entry["ask"], names)
        otherwise = _filled(entry.get("otherwise", ""), names)
    except Exception as error:
        raise ValueError(f"{name}: {type(error).__name__}: {error}") from error
    return Question(
        name=name,
        ask=ask,
        choices=choices if kind == "line" else shuffle(name, choices),
        kind=kind,
        otherwise=otherwise,
        tolerance=float(entry.get("tolerance", 0.005)),
        read=read,
        section=sections.get(read, ""),
    )


def _choices(entry: Data, names: Data, kind: str) -> list[Choice]:
    answers = {entry["right"]: entry["because"], **entry["wrong"]}
    choices = []
    for answer, why in answers.items():
        text, value = answer, None
        if kind in ("number", "shape"):
            result = _value(answer, names)
            text = _written(result)
            if kind == "number":
                value = float(result)
        else:
            text = _filled(answer, names)
        right = answer == entry["right"]
        choices.append(Choice(text, _filled(why, names), right, value))
    return choices


def _choices_of_lines(entry: Data, names: Data, kind: str) -> list[Choice]:
    """Return the lines of a program; what is said to a wrong one depends on its role."""
    program: Program = _value(entry["program"], names)
    choices = []
    for equation in walk(program.equations):
        text = statement(program, equation)
        role = next(r for r in ROLES if r in equation.roles)
        right = text == entry["right"]
        why = entry["because"] if right else entry["wrong"].get(text)
        choices.append(Choice(text, why or entry["wrong"][role], right))
    return choices


def _value(expression: str, names: Data) -> Any:
    return eval(expression, names)


def _filled(text: str, names: Data) -> str:
    """Return a text with the Python in its braces computed."""
    return BRACES.sub(lambda match: _written(_value(match[1], names)), text)


def _written(value: Any) -> str:
    """Return a value as a reader sees it: a number in few digits, a shape as a tuple."""
    if isinstance(value, (str, tuple, bool)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    array = np.asarray(value)
    if array.ndim == 0:
        return number(float(f"{array.item():.5g}"))
    entries: Iterator[str] = (
        _written(entry.item()) for entry in array.reshape(-1)
    )
    return f"[{', '.join(entries)}]"
