"""Find the course, and what it holds: lessons, questions, the student's progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import checks
from ..files import copy_whole, write_whole
from . import _notebook as nb
from ._merge import merge


class CourseError(Exception):
    """Something that the person at the command line can put right."""


@dataclass(frozen=True)
class Page:
    """One released exercise, with the data of its answers file."""

    path: Path
    answers: dict[str, Any]

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def title(self) -> str:
        return str(self.answers["title"])

    @property
    def names(self) -> list[str]:
        """The questions, in the order of the page."""
        return list(self.answers["questions"])

    def states(self) -> dict[str, str]:
        """Question -> "correct", "not yet", "not attempted", as last checked."""
        progress = checks.read_progress(self.path.parent)
        states = {}
        for name in self.names:
            states[name] = progress.get(name, {}).get("state", "not attempted")
        return states

    def solved(self) -> list[str]:
        """The questions that passed once."""
        progress = checks.read_progress(self.path.parent)
        return [
            name for name in self.names if progress.get(name, {}).get("solved")
        ]

    def saved(self) -> int:
        """When the page was last saved; 0 where there is none (an editor may be replacing it)."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def json(self) -> dict[str, Any]:
        """The page as plain data."""
        return {
            "exercise": self.stem,
            "title": self.answers["title"],
            "level": self.answers["level"],
            "minutes": self.answers["minutes"],
            "questions": self.states(),
            "solved": self.solved(),
        }


def exercises_folder() -> Path:
    """The folder of exercises nearest to where we are."""
    folder = next(checks.folders(), None)
    if folder is None:
        raise CourseError(
            "No course here: go to the folder that holds `exercises`."
        )
    return folder


def root() -> Path:
    """The course folder: that above `exercises`."""
    return exercises_folder().parent


def pages() -> list[Page]:
    """Every released exercise, in order."""
    files = sorted(exercises_folder().glob(f"*{checks.ANSWERS}"))
    return [
        Page(path.with_suffix(".md"), checks.read_answers(path))
        for path in files
    ]


def page(which: str) -> Page:
    """The exercise of that number (04) or name (04_reverse)."""
    every = pages()
    for candidate in every:
        if which in (
            candidate.stem,
            candidate.stem.split("_")[0],
            candidate.path.name,
        ):
            return candidate
        if which in candidate.names:
            raise CourseError(
                f"{which} is a question of {candidate.stem}: name the exercise."
            )
    stems = ", ".join(candidate.stem for candidate in every)
    raise CourseError(f"No exercise {which}. There are: {stems}.")


def entry(question: str) -> checks.Entry:
    """The question of that name in this course. LookupError says which there are."""
    return checks.find(question, exercises_folder())


def reset(question: str) -> Path | None:
    """Put the stub of a question back; return the dated copy of the page as it was.

    A cell or a page that was deleted comes back; then the page's other cells stay as they are.
    """
    at = page(entry(question).lesson)
    with editing(at.path.parent):
        mine = nb.read(at.path) if at.path.exists() else None
        copy = keep_copy(at.path) if mine else None
        write_whole(at.path, _with_stub(at, mine, question))
    fresh = {"state": "not attempted", "hints": 0}
    checks.change_state(
        at.path.parent, question, lambda before: {**before, **fresh}
    )
    return copy


def _with_stub(at: Page, mine: Any, question: str) -> str:
    released = nb.parse(at.answers["released"])
    if mine is None:
        return nb.write(released)
    cells = [
        c
        for c in mine.cells
        if c.cell_type == "code" and nb.name(c) == question
    ]
    if not cells:
        return merge(released, mine, released)[0]
    cells[0].source = at.answers["questions"][question]["stub"]
    mine.cells = [
        c for c in mine.cells if not any(c is twin for twin in cells[1:])
    ]
    return nb.write(mine)


@contextmanager
def editing(folder: Path) -> Iterator[None]:
    """Let one process at a time change the pages of a folder."""
    try:
        with FileLock(checks.state_folder(folder) / "pages.lock", timeout=30):
            yield
    except Timeout:
        raise CourseError(
            f"Another olympus is changing {folder}: try again."
        ) from None


def keep_copy(path: Path) -> Path:
    """Copy a page as it is, to the byte, under a dated name that no other copy has."""
    folder = path.parent / checks.FOLDER / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{path.stem}-{datetime.now():%Y-%m-%d-%H%M%S}"
    for number in range(1, 1000):
        name = f"{stamp}.md" if number == 1 else f"{stamp}-{number}.md"
        if not (folder / name).exists():
            return copy_whole(path, folder / name)
    raise CourseError(
        f"{folder} holds too many copies of this second: remove some."
    )
