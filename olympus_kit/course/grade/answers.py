"""Find the answers in a notebook that came back, also where names and tags were lost.

A cell is the answer to a question where it has the question's name. Colab drops names, and
people copy cells, retype them, move them and turn them into raw ones: then it is the last cell
that defines the name, since that is what Run All leaves behind. The rule that found it is told.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _notebook as nb

BY_NAME = "name of the cell"
BY_DEFINITION = "what the cell defines"
IN_RAW = "what a raw cell defines"
MOST_CELLS = 500  # that run
MOST_CHARACTERS = 200_000  # of one cell
PROMPT = re.compile(r"^(>>> ?|\.\.\. ?)")
# `%time x`, `!ls`, `?sum`, `sum?`, `files = !ls`
MAGIC = re.compile(r"^\s*[%!?]|^[\w.]+\?+\s*$|^[\w, ]+=\s*[%!]")
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


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
            cell.cell_type == "raw" and defined(cell.source) & set(names)
        )
        is_short = len(cell.source) <= MOST_CHARACTERS
        if runs and is_short and _essence(cell.source) not in canonical:
            own.append(cell)
    own = own[:MOST_CELLS]
    given = [defined(cell.source) for cell in own]
    places, rules = _places(own, given, names)
    for number, cell in enumerate(own):
        answers = tuple(name for name in names if places.get(name) == number)
        cells.append(Cell(cell.source, answers))
    changed: set[str] = set()  # what cells define that are not as they were
    for cell, gives in zip(own, given, strict=True):
        if _essence(cell.source) not in stubs.values():
            changed |= gives
    untouched = []
    for name in names:
        place = places.get(name)
        if place is not None:
            is_stub = _essence(own[place].source) in ("", stubs.get(name))
            # a part of the answer may stand in another cell
            if not is_stub or changed & given[place]:
                continue
        untouched.append(name)
    return Answers(tuple(cells), rules, tuple(untouched))


def _essence(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _places(
    cells: list[Any],
    given: Sequence[set[str]],
    names: Sequence[str],
) -> tuple[dict[str, int], dict[str, str]]:
    """For each question the number of its cell, and the rule; `given` are the names in each."""
    places: dict[str, int] = {}
    rules: dict[str, str] = {}
    for number, cell in enumerate(cells):
        for name in given[number] & set(names):
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


def defined(source: str) -> set[str]:
    """The names that a cell gives outside of functions; none where it is not Python."""
    tree = parsed(source)
    return set() if tree is None else set(_given(tree.body))


def parsed(source: str) -> ast.Module | None:
    """A cell's code as a tree, without magics and prompts; None where it is not Python.

    What looks like a magic may be Python, so that it is left out only where it disturbs.
    """
    lines = [PROMPT.sub("", line) for line in source.split("\n")]
    plain = ["" if MAGIC.search(line) else line for line in lines]
    for text in (source, textwrap.dedent("\n".join(plain))):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _given(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements give, those in a branch or a loop included."""
    for statement in body:
        if isinstance(statement, SCOPES):
            yield statement.name
            continue
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                yield alias.asname or alias.name
        for node in ast.walk(statement):
            if isinstance(node, SCOPES):
                yield node.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
