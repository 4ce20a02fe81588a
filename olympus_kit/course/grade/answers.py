"""Find the answers in a notebook that came back, also where names and tags were lost.

A cell is the answer to a question where it has the question's name. Colab drops names, and
people copy cells, retype them, move them and turn them into raw ones: then it is the last cell
that defines the name, since that is what Run All leaves behind. The rule that found it is told.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import _notebook as nb

BY_NAME = "name of the cell"
BY_DEFINITION = "what the cell defines"
IN_RAW = "what a raw cell defines"
MOST_CELLS = 500  # that run
MOST_CHARACTERS = 200_000  # of one cell


@dataclass(frozen=True)
class Cell:
    """One cell that is run: its code, and the questions that it answers."""

    code: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The cells of a submission in order, and for each question the rule that found its answer."""

    cells: tuple[Cell, ...]
    rules: dict[str, str]
    stubs: tuple[str, ...]  # questions whose cell is as it was released


def find_answers(notebook: Any, released: Any, names: Sequence[str]) -> Answers:
    """The released setup, then the student's own code. Released checks are not run."""
    cells = []
    canonical = set()
    stubs = {}
    for cell in released.cells:
        essence = _essence(cell.source)
        if "setup" in nb.tags(cell):
            cells.append(Cell(cell.source))
        if "answer" in nb.tags(cell):
            stubs[nb.name(cell)] = essence
        elif {"setup", "check"} & set(nb.tags(cell)):
            canonical.add(essence)
    own = []
    for cell in notebook.cells:
        runs = cell.cell_type == "code" or (
            cell.cell_type == "raw" and set(_defined(cell.source)) & set(names)
        )
        is_short = len(cell.source) <= MOST_CHARACTERS
        if runs and is_short and _essence(cell.source) not in canonical:
            own.append(cell)
    own = own[:MOST_CELLS]
    places, rules = _places(own, names)
    for number, cell in enumerate(own):
        answers = tuple(name for name in names if places.get(name) == number)
        cells.append(Cell(cell.source, answers))
    untouched = []
    for name in names:
        place = places.get(name)
        if place is None or _essence(own[place].source) == stubs.get(name):
            untouched.append(name)
    return Answers(tuple(cells), rules, tuple(untouched))


def _essence(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _places(
    cells: list[Any], names: Sequence[str]
) -> tuple[dict[str, int], dict[str, str]]:
    """For each question the number of its cell, and the rule that found it."""
    places: dict[str, int] = {}
    rules: dict[str, str] = {}
    for number, cell in enumerate(cells):
        for name in set(_defined(cell.source)) & set(names):
            places[name] = number
            rules[name] = IN_RAW if cell.cell_type == "raw" else BY_DEFINITION
            if nb.name(cell) == name:
                rules[name] = BY_NAME
    for number, cell in enumerate(cells):
        name = nb.name(cell)
        if name in names and name not in places:
            places[name] = number  # broken Python, perhaps: still the answer
            rules[name] = BY_NAME
    return places, rules


def _defined(source: str) -> list[str]:
    """The names that a cell gives at its top level; none where it is not Python."""
    lines = []
    for line in source.splitlines():
        is_magic = line.lstrip().startswith(("%", "!", "?"))
        lines.append("" if is_magic else line)
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = []
    for statement in tree.body:
        names += [getattr(statement, "name", "")]  # of a function or a class
        for target in _targets(statement):
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    names.append(node.id)
    return names


def _targets(statement: ast.stmt) -> list[ast.expr]:
    """What an assignment gives values to; nothing of any other statement."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []
