"""Find the course, and what it holds: lessons, questions, the student's progress."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import checks
from ..checks import ANSWERS, folders, read_answers
from ..files import write_whole
from . import _notebook as nb
from ._merge import merge


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
        seen = checks.progress(self.path.parent)
        return {name: seen.get(name, {}).get("state", "not attempted") for name in self.names}

    def solved(self) -> list[str]:
        """The questions that passed once."""
        return [name for name in self.names if checks.is_solved(self.path.parent, name)]

    def saved(self) -> int:
        """When the page was last saved; 0 where there is none (an editor may be replacing it)."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

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


def reset(question: str) -> Path | None:
    """Put the stub of a question back; return the dated copy of the page as it was.

    A cell or a page that was deleted comes back; then the page's other cells stay as they are.
    """
    at = page_of(question)
    with editing(at.path.parent):
        mine = nb.read(at.path) if at.path.exists() else None
        copy = keep(at.path) if mine else None
        write_whole(at.path, _with_stub(at, mine, question))
    fresh = {"state": "not attempted", "hints": 0}
    checks.change_state(at.path.parent, question, lambda before: {**before, **fresh})
    return copy


def _with_stub(at: Page, mine: Any, question: str) -> str:
    released = nb.parse(at.told["released"])
    if mine is None:
        return nb.write(released)
    cells = [c for c in mine.cells if c.cell_type == "code" and nb.name(c) == question]
    if not cells:
        return merge(released, mine, released)[0]
    cells[0].source = at.told["questions"][question]["stub"]
    mine.cells = [c for c in mine.cells if not any(c is twin for twin in cells[1:])]
    return nb.write(mine)


@contextmanager
def editing(folder: Path) -> Iterator[None]:
    """Let one process at a time change the pages of a folder."""
    try:
        with FileLock(checks.state_folder(folder) / "pages.lock", timeout=30):
            yield
    except Timeout:
        raise CourseError(f"Another olympus is changing {folder}: try again.") from None


def keep(path: Path) -> Path:
    """Keep a page as it is, to the byte, under a dated name that no other copy has."""
    folder = path.parent / checks.FOLDER / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{path.stem}-{datetime.now():%Y-%m-%d-%H%M%S}"
    names = (folder / f"{stamp}{n}.md" for n in ("", *(f"-{i}" for i in range(2, 1000))))
    return Path(shutil.copyfile(path, next(name for name in names if not name.exists())))
