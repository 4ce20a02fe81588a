"""Hints for functions that are not pure, and the user's line behind an error."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

IMPURE = (
    "A value of an earlier trace was used: some function has stored it in a global, a list or an "
    "object. Return values instead of storing them."
)
# frames of these folders are not the user's
OURS = (Path(jax.__file__).parent, Path(__file__).parents[1])


def left_behind(f: Any, name: str) -> list[str]:
    """Return a note where `f` has stored a value of its trace outside."""
    f = inspect.unwrap(f) if callable(f) else f
    if not inspect.isfunction(f):
        return []
    seen = inspect.getclosurevars(f)
    outside = {**seen.globals, **seen.nonlocals}
    found = [n for n, v in outside.items() if any(isinstance(x, jax.core.Tracer) for x in _in(v))]
    return [
        f"{name} stored a value of its trace in {n}: it is no number and will not become one; "
        "return it instead"
        for n in found
    ]


def _in(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple, set)):
        yield from value


def user_line(error: BaseException) -> str:
    """Return ", in FILE, line N: SOURCE" for the innermost line that is the user's, or ""."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not any(Path(f.filename).is_relative_to(o) for o in OURS)]
    if not own or "/jax/" in own[-1].filename:
        return ""
    last = own[-1]
    return f", in {last.filename}, line {last.lineno}: {last.line}"
