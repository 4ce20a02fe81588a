"""Find a question by its name: the folder of exercises, its specifications, its answers file.

A released exercise is three files side by side: `04_reverse.md` (the notebook), and beside it
`04_reverse.spec.py` (the specifications) and `04_reverse.answers` (hints, explanations,
solutions; encoded, so that nobody reads a solution by accident).
"""

import base64
import difflib
import json
import os
import runpy
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax

from ._spec import Question

ANSWERS, SPEC = ".answers", ".spec.py"


@dataclass(frozen=True)
class Entry:
    """One question of one released exercise."""

    question: Question
    folder: Path
    lesson: str
    hints: tuple[str, ...]
    explanation: str
    solution: str


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
        raise ValueError(f"{path} is damaged ({error}). Fetch the exercise again.") from None


def folders(start: Path | None = None) -> Iterator[Path]:
    """Where exercises may lie: here, in `exercises/` here or above, or in the kit's own course."""
    here = (start or Path.cwd()).resolve()
    own = Path(__file__).resolve().parents[2] / "exercises"
    for folder in (here, *(up / "exercises" for up in (here, *here.parents)), own):
        if folder.is_dir() and any(folder.glob(f"*{ANSWERS}")):
            yield folder


def find(name: str, start: Path | None = None) -> Entry:
    """The question of that name. LookupError says which names there are."""
    known: set[str] = set()
    for folder in folders(start):
        for path in sorted(folder.glob(f"*{ANSWERS}")):
            told = _answers(path, os.stat(path).st_mtime_ns)["questions"]
            if name in told:
                return _entry(path, name, told[name])
            known |= told.keys()
    raise LookupError(_unknown(name, known))


def _entry(path: Path, name: str, told: dict[str, Any]) -> Entry:
    lesson = path.name.removesuffix(ANSWERS)
    spec = path.with_name(lesson + SPEC)
    return Entry(
        question=questions(spec)[name],
        folder=path.parent,
        lesson=lesson,
        hints=tuple(told["hints"]),
        explanation=told["explanation"],
        solution=told["solution"],
    )


def questions(spec: Path) -> dict[str, Question]:
    """The questions of one specification file, by name."""
    return _questions(spec, os.stat(spec).st_mtime_ns)


@lru_cache(maxsize=64)
def _questions(spec: Path, _changed: int) -> dict[str, Question]:
    with jax.enable_x64(True):
        names = runpy.run_path(str(spec))
    return {value.name: value for value in names.values() if isinstance(value, Question)}


@lru_cache(maxsize=256)
def _answers(path: Path, _changed: int) -> dict[str, Any]:
    return read_answers(path)


def _unknown(name: str, known: set[str]) -> str:
    if not known:
        return f"No exercises found in {Path.cwd()} or above it. Open the notebook in its folder."
    close = difflib.get_close_matches(name, known, n=1)
    guess = f' Did you mean "{close[0]}"?' if close else f" There are: {', '.join(sorted(known))}."
    return f'There is no question called "{name}".{guess}'
