"""What chapters and exercises say about themselves: number, level, minutes, their place.

A chapter says it in its file's name and in its box "At a glance", exercises in their front
matter. Nothing is typed a second time: navigation, titles and the page of contents read it here.
"""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

NUMBERED = re.compile(r"0*(\d+[a-z]?)_")
LEVEL = re.compile(r"\*\*Level:\*\*\s+(\w+)")
MINUTES = re.compile(r"\*\*Time:\*\*\s+(\d+)\s+minutes")
FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
PAGES = Path("_build/exercises")  # exercises as pages of the site, made by exercise_pages.py
PREFIX = "exercises_"  # of their names: exercises_04_reverse.md

T = TypeVar("T")


def read(path: Path, parse: Callable[[str], T]) -> T:
    """Return what a file says; where it says nothing that can be read, the error names the file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise OSError(errno.EINVAL, " ".join(str(error).split()), str(path)) from None


def number_of(source: str) -> str:
    """Return a chapter's number: "4" for book/04_reverse.md, "14b" too, "" where it has none."""
    found = NUMBERED.match(Path(source).name)
    return found.group(1) if found else ""


def origin_of(source: str) -> str:
    """Return the file that a page was made from: exercise_pages.py makes some from others."""
    path = Path(source)
    if path.parent == PAGES:
        return f"exercises/{path.name.removeprefix(PREFIX)}"
    return source


def front_matter(text: str) -> dict[str, Any]:
    """Return what a file says between --- and --- at its head."""
    found = FRONT.match(text)
    return (yaml.safe_load(found.group(1)) or {}) if found else {}


def facts(text: str) -> dict[str, Any]:
    """Return the level and the minutes of a chapter or of exercises, as far as they are told."""
    told = front_matter(text).get("olympus") or {}
    if told:
        return {name: told[name] for name in ("level", "minutes") if name in told}
    found = {"level": LEVEL.search(text), "minutes": MINUTES.search(text)}
    return {name: match.group(1) for name, match in found.items() if match}
