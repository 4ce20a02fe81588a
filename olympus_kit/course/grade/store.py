"""A grading run on disk: the secret seed, and what has been graded so far.

Every verdict is kept under a digest of all that it depends on: the cells that run, the released
lesson, the kit, jax, and the seed. So a second run grades what changed and nothing else, and the
same submission handed in twice is graded once.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ... import checks
from ...files import write_whole
from .._course import CourseError
from .answers import Answers

FOLDER = ".run"
VERSION = 2  # of what a verdict holds; a new one grades everything anew


class Store:
    """The folder of one run."""

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER
        (self.folder / "verdicts").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def seed(self) -> int:
        """The secret number that the judge's points are drawn with; the same for the whole run."""
        path = self.folder / "seed"
        if not path.exists():
            write_whole(path, f"{secrets.randbits(63)}\n")
            path.chmod(0o600)
        try:
            return int(path.read_text())
        except ValueError:
            raise CourseError(
                f"{path} is damaged. Without it nobody gets the same points again: remove "
                f"{self.folder}, and grade the class anew."
            ) from None

    def read(self, digest: str) -> dict[str, Any] | None:
        """The verdict under a digest, where there is one."""
        try:
            verdict = json.loads(self._path(digest).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return verdict if isinstance(verdict, dict) else None

    def write(self, digest: str, verdict: dict[str, Any]) -> None:
        """Keep a verdict."""
        write_whole(self._path(digest), json.dumps(verdict, indent=1) + "\n")

    def _path(self, digest: str) -> Path:
        return self.folder / "verdicts" / f"{digest}.json"


def digest_of(
    answers: Answers,
    course: Path,
    stem: str,
    seed: int,
    sandbox: bool,
) -> str:
    """Of all that the marks of a submission depend on."""
    pieces: Sequence[str] = [
        str(VERSION),
        str(seed),
        str(sandbox),
        version("olympus-kit"),
        version("jax"),
        *[json.dumps([cell.code, cell.answers]) for cell in answers.cells],
    ]
    whole = hashlib.sha256("\0".join(pieces).encode())
    for ending in (checks.ANSWERS, checks.SPEC):
        whole.update((course / f"{stem}{ending}").read_bytes())
    return whole.hexdigest()[:32]
