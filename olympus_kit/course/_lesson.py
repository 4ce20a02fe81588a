"""Read a lesson's source: a MyST notebook whose tagged cells hold everything about a question.

After an `answer` cell come, in any order, what belongs to it: its `check`, `hint`, `explanation`,
`mutant` and `alternative` cells. `spec` cells hold the specifications, as fenced Python; `note`
cells are for authors alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_whole
from . import _notebook as nb

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BLOCK = re.compile(
    rf"^([ \t]*){BEGIN}[^\n]*\n(.*?)^[ \t]*{END}[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
OUTER = re.compile(
    r"^\s*(`{4,}|~{3,}|:{3,})\s*(\{[\w-]+\})?"
)  # what may hold other blocks
CHECKED = re.compile(r"""\bcheck\(\s*["'](\w+)["']""")  # check("name")
LEVELS = ("beginner", "intermediate", "advanced")
FIELDS = ("level", "prerequisites", "goals", "minutes")
# What belongs to an answer, and how many of each an exercise needs.
AT_LEAST = {
    "check": 1,
    "hint": 1,
    "explanation": 1,
    "mutant": 5,
    "alternative": 3,
}


NAME = re.compile(
    r"\d\d[a-z]?_[a-z]\w*"
)  # of a lesson: 03b_tides, 06b_regression


class AuthoringError(ValueError):
    """A mistake in a lesson's source; says file, line, cell, and what to do."""


@dataclass(frozen=True)
class Cell:
    """A cell with its place in the file."""

    raw: Any
    path: Path
    line: int
    number: int

    def wrong(self, what: str) -> AuthoringError:
        label = (
            nb.name(self.raw)
            or ", ".join(nb.tags(self.raw))
            or self.raw.cell_type
        )
        return AuthoringError(
            f"{self.path}:{self.line}: cell {self.number} ({label}): {what}"
        )

    def fences(self) -> list[str]:
        return FENCE.findall(str(self.raw.source) + "\n")

    def code(self) -> str:
        """The one fenced block of Python that the cell holds."""
        fences = self.fences()
        if len(fences) != 1:
            raise self.no_code()
        return fences[0]

    def no_code(self) -> AuthoringError:
        count = len(self.fences())
        return self.wrong(
            f"one fenced block of Python is wanted here; these are {count}."
        )


@dataclass(frozen=True)
class Exercise:
    """One question: the cell of its answer, and by role the cells that belong to it."""

    answer: Cell
    parts: dict[str, list[Cell]] = field(
        default_factory=lambda: {role: [] for role in AT_LEAST}
    )

    @property
    def name(self) -> str:
        return nb.name(self.answer.raw)

    @property
    def hints(self) -> list[str]:
        return [cell.raw.source.strip() for cell in self.parts["hint"]]

    @property
    def explanation(self) -> str:
        return "\n\n".join(
            cell.raw.source.strip() for cell in self.parts["explanation"]
        )

    @property
    def mutants(self) -> list[tuple[str, str, Cell]]:
        """Of each wrong answer: the mistake's id, the code, the cell."""
        return [
            (str(c.raw.metadata["mistake"]), c.code(), c)
            for c in self.parts["mutant"]
        ]

    @property
    def alternatives(self) -> list[str]:
        return [cell.code() for cell in self.parts["alternative"]]

    @property
    def other_ways(self) -> list[tuple[str, str]]:
        """Of each alternative that says what is different about it: the words, the code."""
        ways = []
        for cell in self.parts["alternative"]:
            words = FENCE.sub("", str(cell.raw.source) + "\n").strip()
            if words:
                ways.append((words, cell.code().strip()))
        return ways

    def solution(self) -> str:
        """The answer cell without its markers."""
        return BLOCK.sub(lambda m: m[2].rstrip("\n"), self.answer.raw.source)

    def stub(self) -> str:
        """The answer cell with `Unsolved` in place of the solution."""
        return BLOCK.sub(
            lambda m: m[1] + self._unsolved(m[1], m[2]),
            self.answer.raw.source,
        )

    def _unsolved(self, indent: str, body: str) -> str:
        mark = f'Unsolved("{self.name}")'
        is_value = not indent and re.search(
            rf"^{self.name}\s*=", body, re.MULTILINE
        )
        return f"{self.name} = {mark}" if is_value else f"raise {mark}"


@dataclass(frozen=True)
class Lesson:
    """A lesson's source, read and checked."""

    path: Path
    notebook: Any
    cells: list[Cell]
    exercises: list[Exercise]
    spec: str

    @property
    def stem(self) -> str:
        return self.path.stem

    def setup(self) -> str:
        """The code that runs before any answer."""
        return "\n".join(
            c.raw.source for c in self.cells if "setup" in nb.tags(c.raw)
        )

    def front(self) -> dict[str, Any]:
        """Title, level, prerequisites, goals, minutes."""
        found = self.notebook.metadata
        return {
            "title": found["title"],
            **{key: found["olympus"][key] for key in FIELDS},
        }


def read(path: Path) -> Lesson:
    """Read a lesson. AuthoringError names every mistake in it, one a line."""
    notebook = nb.read(path)
    starts = nb.lines(path, notebook)
    cells = [
        Cell(c, path, starts[i], i + 1) for i, c in enumerate(notebook.cells)
    ]
    exercises: list[Exercise] = []
    mistakes = [
        *_empty_cells(path),
        *_inner_cells(path),
        *_front_matter(path, notebook.metadata),
    ]
    for cell in cells:
        mistakes += _markers(cell)
        mistakes += _take(cell, exercises)
    for exercise in exercises:
        mistakes += _incomplete(exercise)
    mistakes += repeated_names(exercises)
    say_all(mistakes)
    return Lesson(path, notebook, cells, exercises, "\n\n".join(_specs(cells)))


def say_all(mistakes: list[AuthoringError]) -> None:
    """Raise one AuthoringError that says all of these, if there are any."""
    if mistakes:
        raise AuthoringError("\n".join(str(mistake) for mistake in mistakes))


def _empty_cells(path: Path) -> Iterator[AuthoringError]:
    """jupytext drops a tagged cell without text, so only the file itself can tell."""
    tagged, above = 0, ""
    for number, line in enumerate(
        path.read_text(encoding="utf-8-sig").splitlines(), 1
    ):
        if tagged and line.startswith(("+++", "```{code-cell}")):
            role = next((r for r in AT_LEAST if r in above), "cell")
            yield AuthoringError(
                f"{path}:{tagged}: an empty {role}: write it, or remove it."
            )
        if line.startswith("+++ {"):
            tagged, above = number, line
        elif line.strip():
            tagged = 0


def _inner_cells(path: Path) -> Iterator[AuthoringError]:
    """A code cell inside a note or a tab: jupytext would cut the note in two, mystmd would not."""
    outer = ""
    for number, line in enumerate(
        path.read_text(encoding="utf-8-sig").splitlines(), 1
    ):
        mark = OUTER.match(line)
        if not outer and mark and (len(mark[1]) > 3 or mark[1].startswith(":")):
            outer = mark[1] if mark[2] else ""
        elif outer and line.strip() == outer:
            outer = ""
        elif outer and line.lstrip().startswith("```{code-cell}"):
            yield AuthoringError(
                f"{path}:{number}: a code cell inside a note: put it outside."
            )


def _front_matter(path: Path, metadata: Any) -> Iterator[AuthoringError]:
    told = metadata.get("olympus", {})
    missing = [key for key in FIELDS if key not in told]
    if "title" not in metadata or missing:
        need = ", ".join([
            "title",
            *(f"olympus.{key}" for key in FIELDS),
        ])
        yield AuthoringError(f"{path}:1: the front matter needs {need}.")
    elif told["level"] not in LEVELS:
        yield AuthoringError(
            f"{path}:1: the level is one of {', '.join(LEVELS)}."
        )


def _markers(cell: Cell) -> Iterator[AuthoringError]:
    source, is_answer = cell.raw.source, "answer" in nb.tags(cell.raw)
    if not is_answer and (BEGIN in source or END in source):
        yield cell.wrong(
            "a solution marker outside an answer cell: tag the cell `answer`."
        )
    if is_answer and not BLOCK.search(source):
        yield cell.wrong(
            f"an answer needs a block between `{BEGIN}` and `{END}`."
        )
    if is_answer and not nb.name(cell.raw).isidentifier():
        yield cell.wrong(
            "an answer needs a name: that of the function or value it defines."
        )


def _take(cell: Cell, exercises: list[Exercise]) -> Iterator[AuthoringError]:
    """Put a cell where it belongs: with the answer above it."""
    roles = nb.tags(cell.raw)
    if "answer" in roles:
        exercises.append(Exercise(cell))
        return
    role = next((r for r in AT_LEAST if r in roles), "")
    yield from _swallowed(cell, roles)
    if role and not exercises:
        yield cell.wrong(
            f"a `{role}` cell before any answer: put it below the answer it is for."
        )
    elif role:
        exercises[-1].parts[role].append(cell)
    if role and not cell.raw.source.strip():
        yield cell.wrong(f"an empty {role}: write it, or remove the cell.")


def _swallowed(cell: Cell, roles: list[str]) -> Iterator[AuthoringError]:
    """A markdown cell reaches to the next `+++`, so prose after it would vanish in the release."""
    _, fence, stray = str(cell.raw.source).rpartition("```")
    if {"hint", "explanation"} & set(roles):
        heading = re.search(
            r"^#+ .*", FENCE.sub("", cell.raw.source), re.MULTILINE
        )
        stray = heading[0] if heading else ""
    elif not (fence and {"mutant", "alternative", "spec"} & set(roles)):
        return
    if stray.strip():
        shown = stray.strip().splitlines()[0]
        yield cell.wrong(
            f"text that does not belong to it: `{shown}`. Put a line with +++ before it."
        )


def _incomplete(exercise: Exercise) -> Iterator[AuthoringError]:
    for role, least in AT_LEAST.items():
        if (have := len(exercise.parts[role])) < least:
            say = f"needs {least} or more `{role}` cells, and has {have}: write them below it."
            yield exercise.answer.wrong(f"this answer {say}")
    for cell in exercise.parts["check"]:
        asked = CHECKED.findall(cell.raw.source)
        if exercise.name not in asked:
            yield cell.wrong(
                f"it does not check the answer above it: write "
                f'check("{exercise.name}").'
            )
    for cell in exercise.parts["mutant"]:
        if not cell.raw.metadata.get("mistake"):
            yield cell.wrong(
                'a mutant without a message: name its "mistake" in the cell ("factor", until '
                "`olympus try` has said which one it meets)."
            )
    codes = (*exercise.parts["mutant"], *exercise.parts["alternative"])
    bare = [cell for cell in codes if len(cell.fences()) != 1]
    for cell in bare:
        yield cell.no_code()
    if bare or not exercise.parts["alternative"]:
        return
    if not exercise.other_ways:
        yield exercise.parts["alternative"][0].wrong(
            "no alternative says what is different about it, and none is shown to students: "
            "write a sentence above the code of one."
        )


def repeated_names(exercises: list[Exercise]) -> Iterator[AuthoringError]:
    """Every name of an answer or a check that a cell before it has."""
    seen: set[str] = set()
    for exercise in exercises:
        for cell in (exercise.answer, *exercise.parts["check"]):
            name = nb.name(cell.raw)
            if name in seen:
                yield cell.wrong(
                    f"the name `{name}` is taken by a cell above: names are unique."
                )
            seen.add(name)


def _specs(cells: list[Cell]) -> Iterator[str]:
    for cell in cells:
        if "spec" in nb.tags(cell.raw):
            yield from (fence.rstrip("\n") for fence in cell.fences())


def read_all(folder: Path, only: str = "") -> list[Lesson]:
    """The lessons of a folder of sources, or `only` one (04, 04_reverse).

    AuthoringError names every mistake in every file.
    """
    lessons, mistakes = read_some(folder, only)
    say_all(mistakes)
    return lessons


def read_some(
    folder: Path, only: str = ""
) -> tuple[list[Lesson], list[AuthoringError]]:
    """The lessons that can be read, and the mistakes in the others; names must be unique."""
    lessons, mistakes = [], list[AuthoringError]()
    for path in sorted(folder.glob("*.md")):
        chosen = only in ("", path.stem, path.stem.partition("_")[0])
        if chosen and nb.is_notebook(path):
            try:
                lessons.append(read(path))
            except (AuthoringError, nb.NotANotebook) as error:
                mistakes.append(AuthoringError(str(error)))
    every = [exercise for lesson in lessons for exercise in lesson.exercises]
    return lessons, [*mistakes, *repeated_names(every)]


def new(folder: Path, stem: str) -> Path:
    """Write a lesson that works, with every rule in it. AuthoringError where one is there."""
    if not NAME.fullmatch(stem):
        raise AuthoringError(
            f"{stem} is not the name of a lesson: write two digits, an underscore and a word, such "
            "as 03b_tides."
        )
    path = folder / f"{stem}.md"
    number, _, topic = stem.partition("_")
    taken = [other.name for other in sorted(folder.glob(f"{number}_*.md"))]
    if taken:
        raise AuthoringError(
            f"{folder / taken[0]} has the number {number}: choose another."
        )
    text = Path(__file__).with_name("skeleton.md").read_text(encoding="utf-8")
    text = text.replace("QUESTION", f"first_{topic}").replace("NUMBER", number)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.replace("TOPIC", topic.replace("_", " ")))
    return path
