"""Let an answer print, but not without end: a check calls it many times."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

LIMIT = 2000


class Cut:
    """A text stream that passes on its first `LIMIT` characters, and then says so once."""

    def __init__(self, target: TextIO) -> None:
        self.target = target
        self.left = LIMIT

    def write(self, text: str) -> int:
        if self.left > 0:
            self.target.write(text[: self.left])
            if len(text) >= self.left:
                self.target.write("\n… (your answer prints more; cut here)\n")
        self.left -= len(text)
        return len(text)

    def flush(self) -> None:
        self.target.flush()


@contextlib.contextmanager
def cut_output() -> Iterator[None]:
    """Cut what is printed inside to `LIMIT` characters."""
    out, error = Cut(sys.stdout), Cut(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        yield
