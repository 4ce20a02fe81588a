"""Where an equation was made, and which of its parameters say something to a reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jax.extend.source_info_util as source_info_util

from .._model import Equation, Source
from .basics import is_jaxpr, open_jaxpr

LINE = re.compile(
    r"(?P<file>.*?):(?P<line>\d+)(?::\d+)?(?: \((?P<function>.*)\))?$"
)
LONGEST = 120  # characters of a parameter


def line_of(equation: Equation) -> Any:
    """Return what is equal for all equations that one line of the user's has made."""
    return equation.origin.source_info.traceback


def source_of(equation: Equation) -> Source | None:
    """Return the line of the user's file that an equation came from."""
    source_info = equation.origin.source_info
    match = LINE.match(str(source_info_util.summarize(source_info)))
    if match is None:
        return None
    file, line = match["file"], int(match["line"])
    function = match["function"] or ""
    frames = source_info.traceback.frames  # the innermost first
    for place, frame in enumerate(frames):
        if (frame.file_name, frame.line_num) == (file, line):
            _, instructions = source_info.traceback.raw_frames()
            call = _library_call(frames[1:place])
            return Source(file, line, function, call, instructions[place])
    return Source(file, line, function)


def _library_call(frames: Any) -> str:
    """Return the public function that the user's line called, or "" where it called none."""
    for frame in reversed(frames):
        name: str = frame.function_name
        if name.isidentifier() and not name.startswith("_"):
            return name
    return ""


def printable_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that say something to a reader: no programs, no functions.

    A function with a rule of its own has its name in its program alone.
    """
    printable = {
        name: _printable(value)
        for name, value in params.items()
        if _is_worth_showing(value)
    }
    if "call_jaxpr" in params:
        called = open_jaxpr(params["call_jaxpr"]).debug_info.func_name
        printable.setdefault("name", called)
    return printable


def _is_worth_showing(value: Any) -> bool:
    if value is None or is_jaxpr(value):
        return False
    if callable(value) and not isinstance(value, type):
        return False
    if isinstance(value, tuple):
        return bool(value) and not any(is_jaxpr(part) for part in value)
    return True


def _printable(value: Any) -> Any:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, map(_printable, value), strict=True))
    if isinstance(value, tuple):
        return [_printable(part) for part in value]
    return str(value)[:LONGEST]
