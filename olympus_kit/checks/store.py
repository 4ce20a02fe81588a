"""What lies on disk: released questions, their answers files, and a student's progress.

A released exercise is three files side by side: `04_reverse.md` (the notebook), and beside it
`04_reverse.spec.py` (the specifications) and `04_reverse.answers` (hints, explanations,
solutions, results of edits; encoded, so that nobody reads a solution by accident).

Progress is one small JSON file beside the exercises, not in the user's home: so it moves and is
renamed with the student's folder, and two courses never mix. Its folder hides itself from git.
"""

import base64
import difflib
import json
import os
import runpy
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
from filelock import FileLock, Timeout

from ..files import write_whole
from .evidence import EditRow
from .mistakes import unpack_edits
from .spec import Question

ANSWERS = ".answers"
SPEC = ".spec.py"
FOLDER = ".olympus"
FILE = "progress.json"
KIT = Path(__file__).resolve().parents[2]

State = dict[str, Any]  # of one question: "state", "solved", "hints"


@dataclass(frozen=True)
class Entry:
    """One question of one released exercise."""

    question: Question
    folder: Path
    lesson: str
    hints: tuple[str, ...]
    explanation: str
    solution: str
    alternatives: tuple[tuple[str, str], ...] = ()  # what is different, code
    edits: tuple[EditRow, ...] = ()

    @property
    def name(self) -> str:
        return self.question.name


def encode(data: dict[str, Any]) -> str:
    """Plain data as text that a search for a solution does not find; the same bytes every time."""
    raw = json.dumps(data, ensure_ascii=False).encode()
    return "\n".join(textwrap.wrap(base64.b64encode(raw).decode(), 100)) + "\n"


def decode(text: str) -> dict[str, Any]:
    """What `encode` wrote. ValueError where it is something else."""
    data = json.loads(base64.b64decode("".join(text.split()), validate=True))
    if not isinstance(data, dict) or "questions" not in data:
        raise ValueError("no questions in it")
    return data


def read_answers(path: Path) -> dict[str, Any]:
    """The answers file of a released exercise. ValueError names the file where it is broken."""
    try:
        return decode(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}). Fetch the exercise again."
        ) from None


def folders(start: Path | None = None) -> Iterator[Path]:
    """Where exercises may lie: here, in `exercises/` here or above, or in the kit's own course."""
    here = (start or Path.cwd()).resolve()
    candidates = [here, here / "exercises"]
    candidates += [above / "exercises" for above in here.parents]
    if (KIT / "solutions").is_dir():  # a checkout of the kit, not site-packages
        candidates.append(KIT / "exercises")
    for folder in candidates:
        if folder.is_dir() and any(folder.glob(f"*{ANSWERS}")):
            yield folder


def find(name: str, start: Path | None = None) -> Entry:
    """The question of that name. LookupError says which names there are."""
    names: list[str] = []
    for folder in folders(start):
        for path in sorted(folder.glob(f"*{ANSWERS}")):
            asked = known_answers(path)["questions"]
            if name in asked:
                return _entry(path, name, asked[name])
            names += [other for other in asked if other not in names]
    raise LookupError(_unknown(name, names))


def _entry(path: Path, name: str, data: dict[str, Any]) -> Entry:
    lesson = path.name.removesuffix(ANSWERS)
    spec = path.with_name(lesson + SPEC)
    return Entry(
        question=questions(spec)[name],
        folder=path.parent,
        lesson=lesson,
        hints=tuple(data["hints"]),
        explanation=data["explanation"],
        solution=data["solution"],
        alternatives=tuple(
            (text, code) for text, code in data.get("alternatives", [])
        ),
        edits=unpack_edits(data.get("edits", "")),
    )


def questions(spec: Path) -> dict[str, Question]:
    """The questions of one specification file, by name."""
    return _questions(spec, os.stat(spec).st_mtime_ns)


@lru_cache(maxsize=64)
def _questions(spec: Path, _changed: int) -> dict[str, Question]:
    with jax.enable_x64(True):
        names = runpy.run_path(str(spec))
    return {
        value.name: value
        for value in names.values()
        if isinstance(value, Question)
    }


def known_answers(path: Path) -> dict[str, Any]:
    """The answers file, read once as long as it does not change."""
    return _answers(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=256)
def _answers(path: Path, _changed: int) -> dict[str, Any]:
    return read_answers(path)


def _unknown(name: str, names: list[str]) -> str:
    if not names:
        return f"No exercises found in {Path.cwd()} or above it. Open the notebook in its folder."
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        guess = f'Did you mean "{close[0]}"?'
    else:
        guess = f"There are: {', '.join(names)}."
    return f'There is no question called "{name}". {guess}'


# A student's progress. Whatever changes it reads and writes under one lock.


def read_progress(course: Path) -> dict[str, State]:
    """Question name -> its state; empty where there is no (readable) file yet."""
    try:
        data = json.loads((course / FOLDER / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def is_solved(course: Path, name: str) -> bool:
    """Whether the question has ever passed its check."""
    return bool(read_progress(course).get(name, {}).get("solved"))


def record(course: Path, name: str, state: str) -> None:
    """Remember the latest state of a question; one that was solved once stays solved."""
    change_state(course, name, lambda before: with_state(before, state))


def with_state(before: State, state: str) -> State:
    """A question's state after an outcome."""
    solved = bool(before.get("solved")) or state == "correct"
    return {**before, "state": state, "solved": solved}


def with_next_hint(before: State, most: int) -> State:
    """A question's state after one more hint; the last one stays."""
    return {
        **before,
        "hints": min(int(before.get("hints", 0)) + 1, most),
    }


def change_state(
    course: Path, name: str, change: Callable[[State], State]
) -> State:
    """Change the state of one question and return it. A folder that cannot be written is left."""
    try:
        folder = state_folder(course)
        with FileLock(folder / "lock", timeout=5):
            data = read_progress(course)
            data[name] = change(data.get(name, {}))
            write_whole(
                folder / FILE,
                json.dumps(data, indent=1, sort_keys=True) + "\n",
            )
            return data[name]
    except (
        OSError,
        Timeout,
    ):  # progress is a convenience: a check must never fail for it
        return change(read_progress(course).get(name, {}))


def state_folder(course: Path) -> Path:
    """The hidden folder beside the exercises; made where it is missing."""
    folder = course / FOLDER
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
