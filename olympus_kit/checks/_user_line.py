"""The student's own line in which an exception started."""

import inspect
import traceback
from typing import Any


def home(answer: Any) -> str:
    """The file, or the notebook cell, that an answer was written in; empty where none is known."""
    return getattr(getattr(inspect.unwrap(answer), "__code__", None), "co_filename", "")


def user_line(error: BaseException, answer: Any) -> str:
    """`Line 3 of your code: y = x[0]`; empty where it can't be told."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == home(answer)]
    if not own:
        return ""
    last = own[-1]
    return f"Line {last.lineno} of your cell: {last.line}" if last.line else f"Line {last.lineno}."
