"""A diagnosis in words: the catalogue, the facts that fill a message in, numbers, pictures."""

import html
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import GeneratorType
from typing import Any

import numpy as np

from ..compare import close_entries
from ..program import Equation, Program, in_one_line
from ..views import Graph
from .evidence import Evidence, Part, by_path, same
from .run import is_array
from .spec import Mistake, Question

Facts = dict[str, str]

SHAPES = "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}."
ENTRY = "{where}, {entry} is {got} in yours; it should be {want}."
VALUE = "{entry} is {got} in yours."  # of a value, the right one would be the whole solution
NAME = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])*")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
NOISE = "For simplicity, JAX has removed its internal frames"
MOST_ERROR = 300  # characters of an exception's text that a message shows
MOST_KEYS = 6  # of a dict that a message names
MOST_CELLS = 8  # rows and columns of a picture that still fit
CELL = "padding: .2em .6em; text-align: right; border: 1px solid currentColor"
BAD = f"{CELL}; background: color-mix(in srgb, #b3261e 18%, transparent); font-weight: 700"


@dataclass(frozen=True)
class Diagnosis:
    """What to tell the student: the mistake's id and name, what was done, an example.

    `line` is the student's own line where there is one to point at; `picture` is shown in
    notebooks, and `twin` is its text alternative.
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
        return {
            name: value
            for name, value in vars(self).items()
            if name != "picture"
        }


@cache
def catalogue() -> dict[str, Mistake]:
    """Every mistake and statement that the kit knows, by id."""
    text = (
        files(__package__)
        .joinpath("catalogue.toml")
        .read_text(encoding="utf-8")
    )
    table = {}
    for id_, entry in tomllib.loads(text).items():
        table[id_] = Mistake(id=id_, **entry)
    return table


def lookup(id_: str, own: Sequence[Mistake] = ()) -> Mistake:
    """The mistake of that id, a question's own first; KeyError for one that nobody wrote."""
    for mistake in own:
        if mistake.id == id_:
            return mistake
    return catalogue()[id_]


def diagnose(
    question: Question,
    id_: str,
    facts: Facts | None = None,
    twin: str = "",
    picture: Any = None,
) -> Diagnosis:
    """The message of that id, filled in with the facts."""
    mistake = lookup(id_, question.mistakes)
    table = {
        "order": question.asked_for,
        "call": question.called_as,
        **(facts or {}),
    }
    return Diagnosis(
        id=id_,
        name=_filled(mistake.name, table),
        message=_sentence(_filled(mistake.message, table)),
        example=_example(question, mistake, table),
        read=_page(question, mistake),
        line=table.get("line", ""),
        twin=twin,
        picture=picture,
    )


def _example(question: Question, mistake: Mistake, table: Facts) -> str:
    """The example in numbers; shapes are told only where they differ."""
    template = mistake.example
    if not template:
        return ""
    if question.answer == "value":
        template = VALUE
    same_shape = table.get("got_shape") == table.get("want_shape")
    if same_shape and "{got_shape}" in template:
        template = ENTRY
    filled = _filled(template, table)
    if filled or same_shape:
        return filled
    return _filled(SHAPES, table)


def _page(question: Question, mistake: Mistake) -> str:
    """Where to read again: a page about reverse mode only where the question has to do with it."""
    foreign = (
        mistake.read.startswith("book/04_reverse") and not question.tangents
    )
    if mistake.read and not (foreign and question.read):
        return mistake.read
    return question.read


def _filled(template: str, table: Facts) -> str:
    """The template with its braces filled in; nothing where a fact is not known."""
    try:
        return template.format_map(table)
    except KeyError:
        return ""


def _sentence(text: str) -> str:
    """The text with a capital where it begins with a part such as "the loss"."""
    return f"T{text[1:]}" if text.startswith("the ") else text


# Values in words.


def kind(value: Any) -> str:
    """What a value is, in words a student uses."""
    if value is None:
        return "None"
    if isinstance(value, GeneratorType):
        return "a generator (its function contains `yield`)"
    if callable(value):
        return "a function"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, dict):
        keys = ", ".join(map(repr, list(value)[:MOST_KEYS]))
        return f"a dict with the keys {keys}" if keys else "an empty dict"
    if is_array(value):
        is_truth = np.asarray(value).dtype == bool
        if not np.shape(value):
            return "a truth value" if is_truth else "a number"
        what = "array of truth values" if is_truth else "array"
        return f"an {what} of shape {np.shape(value)}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    name = type(value).__name__
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}"


def wanted_kind(value: Any) -> str:
    """What should have come, in words: "one number", "an array of shape (3,)"."""
    return (
        "one number" if is_array(value) and not np.shape(value) else kind(value)
    )


def number(value: Any, digits: int = 6) -> str:
    """A number, short enough to read."""
    if np.iscomplexobj(value):
        return f"{complex(value):.{digits}g}"
    text = f"{float(value) + 0.0:.{digits}g}"  # no -0
    return "NaN" if text == "nan" else text


def off_by(error: float) -> str:
    """How far off a result is, relative to its largest entry."""
    if error < 0.01:
        return f"a relative {number(error, 2)}"
    return f"{number(100 * error, 2)} %"


def error_text(error: BaseException) -> str:
    """The type and the text of an exception: no addresses, and whole sentences."""
    if isinstance(error, SyntaxError):
        # Without the name that a notebook's cell has inside, and by the class
        # that everyone knows: Python 3.13 has private ones beneath it.
        name = type(error).__name__
        if name.startswith("_"):
            name = "SyntaxError"
        return f"{name}: {error.msg}, in line {error.lineno}"
    try:
        text = str(error)
    except Exception:
        text = ""
    text = text.partition(NOISE)[0].partition("\n\n")[0]
    text = ADDRESS.sub("", in_one_line(text))
    if len(text) > MOST_ERROR:
        ends = [
            match.end()
            for match in re.finditer(r"[.;:](?= )", text[:MOST_ERROR])
        ]
        cut = ends[-1] if ends else text.rfind(" ", 0, MOST_ERROR)
        text = text[:cut].rstrip(" ;:,") + " …"
    name = type(error).__name__
    return f"{name}: {text.rstrip('.')}" if text else name


# What every message may speak of.


def telling(parts: Sequence[Part]) -> Part:
    """The first case in which the part is wrong."""
    for part in parts:
        if not part.agrees:
            return part
    return parts[0]


def called(name: str) -> str:
    """A part's name in a sentence: as code where it is the name of something, `x_bar`."""
    return f"`{name}`" if NAME.fullmatch(name) else name


def part_facts(part: Part) -> Facts:
    """The part, the place, and the two numbers."""
    facts = {
        "part": called(part.name),
        "where": part.trial.case.label,
        "entry": called(part.name),
    }
    if not part.is_numeric:
        return facts | {"got": ADDRESS.sub("", _repr(part.got))}
    got = np.asarray(part.got) * 1  # bools as numbers
    want = np.asarray(part.want) * 1
    facts |= {
        "got_shape": str(got.shape),
        "want_shape": str(want.shape),
    }
    if got.shape == want.shape and want.size:
        index = _worst(got, want)
        if index:
            place = f"[{', '.join(map(str, index))}]"
            facts["entry"] = called(f"{part.name}{place}")
            if called(part.name) == part.name:  # several words
                facts["entry"] = f"entry {place} of {part.name}"
        facts |= _two_numbers(got[index], want[index])
    return facts


def _repr(value: Any) -> str:
    try:
        return repr(value)[:80]
    except Exception:
        return kind(value)


def _worst(got: Any, want: Any) -> tuple[int, ...]:
    """The index of the first entry that is not finite, or of the one furthest off."""
    with np.errstate(all="ignore"):
        distance = np.nan_to_num(np.abs(got - want), nan=np.inf)
    place = np.unravel_index(np.argmax(distance), want.shape)
    return tuple(int(i) for i in place)


def _two_numbers(got: Any, want: Any) -> Facts:
    """Two numbers with as many digits as it takes to see that they differ."""
    for digits in (6, 12, 17):
        facts = {
            "got": number(got, digits),
            "want": number(want, digits),
        }
        if facts["got"] != facts["want"]:
            break
    return facts


def side_facts(left: Any, right: Any, tolerance: float) -> Facts:
    """Where the two sides of a law differ first, and the two numbers there."""
    sides, others = by_path(left), by_path(right)
    if sides.keys() != others.keys():
        return {"left": kind(left), "right": kind(right), "place": ""}
    for path, value in sides.items():
        other = others[path]
        if same(value, other, tolerance):
            continue
        if not (is_array(value) and is_array(other)) or np.shape(
            value
        ) != np.shape(other):
            return {
                "left": kind(value),
                "right": kind(other),
                "place": "",
            }
        got, want = np.asarray(value) * 1, np.asarray(other) * 1
        index = _worst(got, want)
        numbers = _two_numbers(got[index], want[index])
        place = f"in entry [{', '.join(map(str, index))}] " if index else ""
        return {
            "left": numbers["got"],
            "right": numbers["want"],
            "place": place,
        }
    return {"left": kind(left), "right": kind(right), "place": ""}


def extent(evidence: Evidence, parts: Sequence[Part]) -> str:
    """How far a wrong part is right: other parts, test points, entries, digits."""
    part = telling(parts)
    sentences = []
    good = sum(p.agrees for p in parts)
    if good:
        sentences.append(
            f"It is right in {good} of the {len(parts)} cases that were tried."
        )
    if part.fits and np.size(part.want) > 1:
        right = int(np.sum(close_entries(part.got, part.want, part.tolerance)))
        size = int(np.size(part.want))
        if 0 < right < size:
            verb = "is" if right == 1 else "are"
            case = "case where it is wrong" if good else "case"
            sentences.append(
                f"In the first {case}, {right} of its {size} entries {verb} right."
            )
    if part.error < 1:
        among = " of its largest entry" if np.size(part.want) > 1 else ""
        sentences.append(f"It is off by {off_by(part.error)}{among}.")
    others = []
    for name, series in evidence.series().items():
        if all(p.agrees for p in series):
            others.append(called(name))
    if others:
        sentences.append(f"Right everywhere: {', '.join(others)}.")
    return " ".join(sentences)


# Pictures, where they say more than a sentence: each has a text alternative.


@dataclass(frozen=True)
class Marked:
    """A matrix whose wrong entries are marked, each with the right number beside it."""

    part: Part

    @property
    def title(self) -> str:
        return f"{self.part.name} in yours. ✗ marks a wrong entry; what it should be is in brackets"

    def text(self) -> str:
        """The matrix in columns."""
        rows = [[words for words, _ in row] for row in self._cells()]
        width = max(len(words) for row in rows for words in row)
        return "\n".join(
            "  ".join(words.rjust(width) for words in row) for row in rows
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        rows = []
        for row in self._cells():
            cells = [
                f'<td style="{BAD if bad else CELL}">{words}</td>'
                for words, bad in row
            ]
            rows.append(f"<tr>{''.join(cells)}</tr>")
        caption = f"<caption>{html.escape(self.title)}</caption>"
        body = f"<tbody>{''.join(rows)}</tbody>"
        table = (
            f'<table style="border-collapse: collapse">{caption}{body}</table>'
        )
        return {
            "text/plain": f"{self.title}\n{self.text()}",
            "text/html": table,
        }

    def _cells(self) -> list[list[tuple[str, bool]]]:
        got = np.atleast_2d(self.part.got)
        want = np.atleast_2d(self.part.want)
        bad = wrong_entries(self.part).reshape(got.shape)
        rows = []
        for i in range(got.shape[0]):
            row = []
            for j in range(got.shape[1]):
                words = number(got[i, j], 4)
                if bad[i, j]:
                    words = f"✗ {words} ({number(want[i, j], 4)})"
                row.append((words, bool(bad[i, j])))
            rows.append(row)
        return rows


def wrong_entries(part: Part) -> Any:
    """Which entries are wrong, as an array of booleans."""
    return ~close_entries(part.got, part.want, max(part.tolerance, 1e-6))


def marked(part: Part) -> Marked | None:
    """The part with its wrong entries marked, where it is small and not wrong all over."""
    if not part.fits or np.iscomplexobj(part.got):
        return None
    shape = np.shape(part.want)
    if (
        len(shape) not in (1, 2)
        or not 0 < max(shape) <= MOST_CELLS
        or min(shape) == 0
    ):
        return None
    return None if wrong_entries(part).all() else Marked(part)


@dataclass(frozen=True)
class Opened:
    """A view that opens at one of its steps."""

    view: Any
    step: int

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {
            "text/plain": repr(self.view),
            "text/html": self.view.html(self.step),
        }


def ladder_at(program: Program, equation: Equation) -> Opened:
    """The ladder of the answer's own program, opened at an equation."""
    top = equation.path.partition(".")[0]
    steps = [i for i, row in enumerate(program.equations) if row.path == top]
    return Opened(Graph(program), steps[0])
