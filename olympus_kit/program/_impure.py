"""Hints for functions that are not pure, and the user's line behind an error."""

from __future__ import annotations

import inspect
import re
import traceback
from contextlib import suppress
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import jax

IMPURE = (
    "A tracer leaked from an earlier trace: some function has stored it in a global, a list or an "
    "object. Return values instead of storing them."
)
# frames of these folders are not the user's
OURS = (Path(jax.__file__).parent, Path(__file__).parents[1])


def outside(f: Any) -> dict[str, list[Any]]:
    """Return what `f` finds outside itself by name: each thing, and what that holds."""
    f = inspect.unwrap(f)
    owner = getattr(
        f, "__self__", f
    )  # of a method, or an object that can be called
    things = (
        {} if isinstance(owner, (ModuleType, FunctionType)) else {"self": owner}
    )
    if inspect.isfunction(f) or inspect.ismethod(f):
        with suppress(ValueError):  # a name around it that has no value yet
            seen = inspect.getclosurevars(f)
            things |= {**seen.globals, **seen.nonlocals}
    return {name: [value, *_parts(value)] for name, value in things.items()}


def left_behind(f: Any, name: str, before: dict[str, list[Any]]) -> list[str]:
    """Return a note for each thing outside that the trace of `f` has changed since `before`."""
    notes = []
    for n, now in outside(f).items():
        was = before.get(n, [])
        if any(isinstance(x, jax.core.Tracer) for x in now):
            notes.append(
                f"{name} stored a traced value in {n}: it is not a number and will not become "
                "one; return it instead"
            )
        elif len(now) != len(was) or any(
            a is not b for a, b in zip(now, was, strict=True)
        ):
            notes.append(
                f"{name} changed {n}, which lies outside it: that happens while jax traces, and "
                "not again when the program is run; return what is new instead"
            )
    return notes


def _parts(value: Any) -> list[Any]:
    """Return what a container or an object holds."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple, set)):
        return list(value)
    if isinstance(value, (ModuleType, FunctionType, type, jax.Array)):
        return []
    try:
        return list(vars(value).values())
    except (
        Exception
    ):  # an object without attributes, or of a class that computes them itself
        return []


def in_one_line(text: str) -> str:
    """Return what jax says over several lines, with lists of an item a line, as one line."""
    listed = re.sub(r"\n\s*\* ", "; ", text).replace(":; ", ": ")
    return " ".join(listed.split())


def user_line(error: BaseException) -> str:
    """Return ", in FILE, line N: SOURCE" for the innermost line that is the user's, or ""."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f
        for f in frames
        if not any(Path(f.filename).is_relative_to(o) for o in OURS)
    ]
    if not own or "/jax/" in own[-1].filename:
        return ""
    last = own[-1]
    return f", in {last.filename}, line {last.lineno}: {last.line}"
