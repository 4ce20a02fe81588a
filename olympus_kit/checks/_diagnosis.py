"""A diagnosis: a misconception of the catalogue, filled in with the facts of one answer."""

from dataclasses import dataclass, field
from typing import Any

from . import _words
from ._catalogue import lookup
from ._spec import Question
from ._words import Facts

SHAPES = "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}."
VALUE = "{entry} is {got} in yours."  # of a value, the right one would be the whole solution


@dataclass(frozen=True)
class Diagnosis:
    """What to tell the student: the misconception's id and name, what was done, an example.

    `line` is the student's own line where there is one to point at; `picture` is shown in
    notebooks, and `twin` says the same as text.
    """

    id: str
    name: str
    message: str
    example: str
    read: str
    line: str = ""
    twin: str = ""
    picture: Any = field(default=None, repr=False, compare=False)

    def json(self) -> dict[str, str]:
        """All but the picture, as plain data."""
        return {name: value for name, value in vars(self).items() if name != "picture"}


def say(
    question: Question,
    id_: str,
    known: Facts | None = None,
    twin: str = "",
    picture: Any = None,
) -> Diagnosis:
    """The catalogue's message of that id, filled in with the facts."""
    found = lookup(id_, question.misconceptions)
    table = {"order": _words.order(question), "call": _words.call(question), **(known or {})}
    template = VALUE if question.answer == "value" and found.example else found.example
    example = template and (_fill(template, table) or _fill(SHAPES, table))
    message, read = _fill(found.message, table), found.read or question.read
    line = table.get("line", "")
    return Diagnosis(id_, found.name, message, example, read, line, twin, picture)


def _fill(template: str, table: Facts) -> str:
    """The template with its braces filled in; nothing where a fact is not known."""
    try:
        return template.format_map(table)
    except KeyError:
        return ""
