"""A student's progress: one small JSON file beside the exercises.

It lies beside the course, not in the user's home: so it moves and is renamed with the student's
folder, and two courses never mix. Its folder hides itself from git.
"""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..files import write_whole

FOLDER, FILE = ".olympus", "progress.json"


def read(course: Path) -> dict[str, dict[str, Any]]:
    """Question name -> what is known of it; empty where there is no (readable) file yet."""
    try:
        data = json.loads((course / FOLDER / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def is_solved(course: Path, name: str) -> bool:
    """Whether the question has ever passed its check."""
    return bool(read(course).get(name, {}).get("solved"))


def record(course: Path, name: str, state: str) -> None:
    """Remember the latest state of a question; one that was solved once stays solved."""
    solved = is_solved(course, name) or state == "correct"
    update(course, name, {"state": state, "solved": solved})


def update(course: Path, name: str, changes: dict[str, Any]) -> None:
    """Change what is known of one question. A folder that can't be written is left alone."""
    try:
        folder = _folder(course)
        with FileLock(folder / "lock", timeout=5):
            data = read(course)
            data[name] = {**data.get(name, {}), **changes}
            write_whole(folder / FILE, json.dumps(data, indent=1, sort_keys=True) + "\n")
    except (OSError, Timeout):
        return  # progress is a convenience: a check must never fail for it


def _folder(course: Path) -> Path:
    folder = course / FOLDER
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
