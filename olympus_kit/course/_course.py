"""Find the course, and what it holds: lessons, questions, the student's progress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import write_whole
from ..checks import _progress
from ..checks._store import ANSWERS, folders, read_answers
from . import _notebook as nb


class CourseError(Exception):
    """Something that the person at the command line can put right."""


@dataclass(frozen=True)
class Page:
    """One released exercise, with what its answers file tells."""

    path: Path
    told: dict[str, Any]

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def names(self) -> list[str]:
        """The questions, in the order of the page."""
        return list(self.told["questions"])

    def states(self) -> dict[str, str]:
        """Question -> "correct", "not yet", "not attempted", as last checked."""
        seen = _progress.read(self.path.parent)
        return {name: seen.get(name, {}).get("state", "not attempted") for name in self.names}

    def solved(self) -> list[str]:
        """The questions that passed once."""
        return [name for name in self.names if _progress.is_solved(self.path.parent, name)]

    def json(self) -> dict[str, Any]:
        """The page as plain data."""
        kept = {key: self.told[key] for key in ("title", "level", "minutes")}
        return {"exercise": self.stem, **kept, "questions": self.states(), "solved": self.solved()}


def exercises_folder() -> Path:
    """The folder of exercises nearest to where we are."""
    folder = next(folders(), None)
    if folder is None:
        raise CourseError("No course here: go to the folder that holds `exercises`.")
    return folder


def root() -> Path:
    """The course folder: that above `exercises`."""
    return exercises_folder().parent


def pages() -> list[Page]:
    """Every released exercise, in order."""
    files = sorted(exercises_folder().glob(f"*{ANSWERS}"))
    return [Page(path.with_suffix(".md"), read_answers(path)) for path in files]


def page(which: str) -> Page:
    """The exercise of that number (04) or name (04_reverse)."""
    every = pages()
    for candidate in every:
        if which in (candidate.stem, candidate.stem.split("_")[0], candidate.path.name):
            return candidate
    raise CourseError(f"No exercise {which}. There are: {', '.join(p.stem for p in every)}.")


def page_of(question: str) -> Page:
    """The exercise that asks the question of that name."""
    every = pages()
    for candidate in every:
        if question in candidate.told["questions"]:
            return candidate
    names = ", ".join(name for p in every for name in p.names)
    raise CourseError(f"No question {question}. There are: {names}.")


def reset(question: str, stamp: str) -> Path:
    """Put the stub of a question back; return the dated copy of the page as it was."""
    at = page_of(question)
    notebook = nb.read(at.path)
    cells = [c for c in notebook.cells if c.cell_type == "code" and nb.name(c) == question]
    if not cells:
        raise CourseError(f"{at.path} has no cell named {question} any more: nothing to reset.")
    copy = _kept(at.path, stamp)
    write_whole(copy, at.path.read_text(encoding="utf-8"))
    cells[0].source = at.told["questions"][question]["stub"]
    write_whole(at.path, nb.write(notebook))
    _progress.update(at.path.parent, question, {"state": "not attempted", "hints": 0})
    return copy


def _kept(path: Path, stamp: str) -> Path:
    folder = path.parent / _progress.FOLDER / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"{path.stem}-{stamp}{n}.md" for n in ("", *(f"-{i}" for i in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())


def next_hint(question: str) -> tuple[int, list[str]]:
    """The number of the next hint (from 1), and all the hints; remembers that it was given."""
    at = page_of(question)
    hints: list[str] = at.told["questions"][question]["hints"]
    given = _progress.read(at.path.parent).get(question, {}).get("hints", 0)
    number = min(int(given) + 1, len(hints))
    _progress.update(at.path.parent, question, {"hints": number})
    return number, hints
