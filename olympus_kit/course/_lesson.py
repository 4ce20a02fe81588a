"""Read a lesson's source: a MyST notebook whose tagged cells hold everything about a question.

After an `answer` cell come, in any order, what belongs to it: its `check`, `hint`, `explanation`,
`mutant` and `alternative` cells. `spec` cells hold the specifications, as fenced Python.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _notebook as nb

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BLOCK = re.compile(rf"^([ \t]*){BEGIN}[^\n]*\n(.*?)^[ \t]*{END}[^\n]*$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
LEVELS = ("beginner", "intermediate", "advanced")
FIELDS = ("level", "prerequisites", "goals", "minutes")
BELONGING = ("check", "hint", "explanation", "mutant", "alternative")


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
        label = nb.name(self.raw) or ", ".join(nb.tags(self.raw)) or self.raw.cell_type
        return AuthoringError(f"{self.path}:{self.line}: cell {self.number} ({label}): {what}")

    def fences(self) -> list[str]:
        return FENCE.findall(str(self.raw.source) + "\n")


@dataclass(frozen=True)
class Exercise:
    """One question, with all that its author wrote for it."""

    answer: Cell
    hints: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    mutants: list[tuple[str, str, Cell]] = field(default_factory=list)
    alternatives: list[tuple[str, Cell]] = field(default_factory=list)
    checks: list[Cell] = field(default_factory=list)

    @property
    def name(self) -> str:
        return nb.name(self.answer.raw)

    def solution(self) -> str:
        """The answer cell without its markers."""
        return BLOCK.sub(lambda m: m[2].rstrip("\n"), self.answer.raw.source)

    def stub(self) -> str:
        """The answer cell with `Unsolved` in place of the solution."""
        return BLOCK.sub(lambda m: m[1] + self._unsolved(m[1], m[2]), self.answer.raw.source)

    def _unsolved(self, indent: str, body: str) -> str:
        is_value = not indent and re.search(rf"^{self.name}\s*=", body, re.MULTILINE)
        return f'{self.name} = Unsolved("{self.name}")' if is_value else self._raising()

    def _raising(self) -> str:
        return f'raise Unsolved("{self.name}")'


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
        return "\n".join(c.raw.source for c in self.cells if "setup" in nb.tags(c.raw))

    def front(self) -> dict[str, Any]:
        """Title, level, prerequisites, goals, minutes."""
        found = self.notebook.metadata
        return {"title": found["title"], **{key: found["olympus"][key] for key in FIELDS}}


def read(path: Path) -> Lesson:
    """Read a lesson. AuthoringError points at the first mistake."""
    notebook = nb.read(path)
    _no_empty_cells(path)
    starts = nb.lines(path, notebook)
    cells = [Cell(c, path, starts[i], i + 1) for i, c in enumerate(notebook.cells)]
    _front_matter(path, notebook.metadata)
    exercises: list[Exercise] = []
    for cell in cells:
        _markers(cell)
        _take(cell, exercises)
    for exercise in exercises:
        _complete(exercise)
    _unique(exercises)
    return Lesson(path, notebook, cells, exercises, "\n\n".join(_specs(cells)))


def _no_empty_cells(path: Path) -> None:
    """jupytext drops a tagged cell without text, so only the file itself can tell."""
    tagged, above = 0, ""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if tagged and line.startswith(("+++", "```{code-cell}")):
            role = next((r for r in BELONGING if r in above), "cell")
            raise AuthoringError(f"{path}:{tagged}: an empty {role}: write it, or remove it.")
        if line.startswith("+++ {"):
            tagged, above = number, line
        elif line.strip():
            tagged = 0


def _front_matter(path: Path, metadata: Any) -> None:
    told = metadata.get("olympus", {})
    missing = [key for key in FIELDS if key not in told]
    if "title" not in metadata or missing:
        need = ", ".join(["title", *(f"olympus.{key}" for key in FIELDS)])
        raise AuthoringError(f"{path}:1: the front matter needs {need}.")
    if told["level"] not in LEVELS:
        raise AuthoringError(f"{path}:1: the level is one of {', '.join(LEVELS)}.")


def _markers(cell: Cell) -> None:
    source, is_answer = cell.raw.source, "answer" in nb.tags(cell.raw)
    if not is_answer and (BEGIN in source or END in source):
        raise cell.wrong("a solution marker outside an answer cell: tag the cell `answer`.")
    if is_answer and not BLOCK.search(source):
        raise cell.wrong(f"an answer needs a block between `{BEGIN}` and `{END}`.")
    if is_answer and not nb.name(cell.raw).isidentifier():
        raise cell.wrong("an answer needs a name: that of the function or value it defines.")


def _take(cell: Cell, exercises: list[Exercise]) -> None:
    """Put a cell where it belongs: with the answer above it."""
    roles = nb.tags(cell.raw)
    if "answer" in roles:
        exercises.append(Exercise(cell))
        return
    role = next((r for r in BELONGING if r in roles), "")
    _nothing_swallowed(cell, roles)
    if role and not exercises:
        raise cell.wrong(f"a `{role}` cell before any answer: put it below the answer it is for.")
    if role:
        _belong(cell, role, exercises[-1])


def _nothing_swallowed(cell: Cell, roles: list[str]) -> None:
    """A markdown cell reaches to the next `+++`, so prose after it would vanish in the release."""
    fenced = {"mutant", "alternative", "spec"} & set(roles)
    _, fence, rest = str(cell.raw.source).rpartition("```")
    after = rest.strip() if fenced and fence else ""
    prose = {"hint", "explanation"} & set(roles)
    heading = re.search(r"^#+ .*", FENCE.sub("", cell.raw.source), re.MULTILINE) if prose else None
    if after or heading:
        shown = after.splitlines()[0] if after else heading and heading[0]
        raise cell.wrong(f"text that is no part of it: `{shown}`. Put a line with +++ before it.")


def _belong(cell: Cell, role: str, exercise: Exercise) -> None:
    text = cell.raw.source.strip()
    if not text:
        raise cell.wrong(f"an empty {role}: write it, or remove the cell.")
    if role == "check":
        exercise.checks.append(cell)
    elif role == "hint":
        exercise.hints.append(text)
    elif role == "explanation":
        exercise.explanation.append(text)
    elif role == "mutant":
        id_ = str(cell.raw.metadata.get("misconception", ""))
        exercise.mutants.append((id_, _one_fence(cell, role), cell))
    else:
        exercise.alternatives.append((_one_fence(cell, role), cell))


def _one_fence(cell: Cell, role: str) -> str:
    fences = cell.fences()
    if len(fences) != 1:
        raise cell.wrong(f"a {role} is one fenced block of Python; here are {len(fences)}.")
    return fences[0]


def _complete(exercise: Exercise) -> None:
    for have, what in (
        (exercise.checks, "check"),
        (exercise.hints, "hint"),
        (exercise.explanation, "explanation"),
    ):
        if not have:
            raise exercise.answer.wrong(f"this answer has no {what}: write one below it.")
    for id_, _, cell in exercise.mutants:
        if not id_:
            raise cell.wrong('a mutant without a message: name its "misconception" in the cell.')


def _unique(exercises: list[Exercise]) -> None:
    seen: set[str] = set()
    for exercise in exercises:
        for cell in (exercise.answer, *exercise.checks):
            name = nb.name(cell.raw)
            if name in seen:
                raise cell.wrong(f"the name `{name}` is taken by a cell above: names are unique.")
            seen.add(name)


def _specs(cells: list[Cell]) -> Iterator[str]:
    for cell in cells:
        if "spec" in nb.tags(cell.raw):
            yield from (fence.rstrip("\n") for fence in cell.fences())


def read_all(folder: Path) -> list[Lesson]:
    """Every lesson of a folder of sources; names must be unique across them."""
    lessons = [read(path) for path in sorted(folder.glob("*.md")) if nb.is_notebook(path)]
    _unique([exercise for lesson in lessons for exercise in lesson.exercises])
    return lessons
