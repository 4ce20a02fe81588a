"""Grade one job in this process: a thread here, or a worker of a cluster.

The answers run in the jails of the thread, in children that can be killed; this process only
sends inputs and compares numbers. So a hostile submission costs itself alone.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...checks import ANSWERS, read_answers
from .answers import Answers
from .exam import exam
from .jail import Jail, Limits, NoJail
from .probe import probe
from .session import Jails, grade_answers

SECONDS = 60.0  # of the clock, that one cell may take; a question may take twice as long

Key = tuple[Path, bool, float]

_every: list[Jails] = []
_idle: dict[Key, list[Jails]] = {}
_lock = threading.Lock()
_preparing = threading.Lock()


@dataclass(frozen=True)
class Job:
    """One submission as plain data: what is run, and where its lesson lies."""

    digest: str
    course: Path
    stem: str
    seed: int
    sandbox: bool
    seconds: float
    answers: Answers


def grade_job(job: Job) -> dict[str, dict[str, Any]]:
    """For each question of the job's lesson its record. NoJail where the jail does not hold."""
    with _preparing:  # or else each thread would compute the same right results
        lesson = exam(job.course, job.stem, job.seed)
    with _jails((job.course, job.sandbox, job.seconds)) as jails:
        return grade_answers(lesson, job.answers, jails)


@contextmanager
def _jails(key: Key) -> Iterator[Jails]:
    """Jails that nobody uses, or new ones; they are probed before they are used at all."""
    with _lock:
        idle = _idle.setdefault(key, [])
        jails = idle.pop() if idle else None
    if jails is None:
        jails = _started(*key)
    try:
        yield jails
    except BaseException:  # nobody else gets these
        jails.shut()
        raise
    with _lock:
        idle.append(jails)


def _questions(path: Path) -> list[str]:
    return list(read_answers(path)["questions"])


def _started(course: Path, sandbox: bool, seconds: float) -> Jails:
    usual = Limits()
    share = max(1.0, seconds / usual.cell_seconds)
    limits = Limits(
        cell_seconds=seconds,
        question_seconds=2 * seconds,
        submission_seconds=share * usual.submission_seconds,
        cpu_seconds=math.ceil(share * usual.cpu_seconds),
    )
    names = frozenset[str]().union(*map(_questions, course.glob(f"*{ANSWERS}")))
    jails = Jails(
        Jail(None, limits, sandbox, names),
        Jail(course, limits, sandbox, names),
    )
    with _lock:
        _every.append(jails)
    if sandbox:
        require_walls(jails.witness)
        require_walls(jails.examiner)
    return jails


def require_walls(jail: Jail) -> None:
    """NoJail says which walls are missing."""
    breaches = probe(jail)
    if breaches:
        jail.close()
        raise NoJail(
            f"The jail does not hold. A process in it {', '.join(breaches)}."
        )


def close_jails() -> None:
    """End all jails of this process, also those that another thread uses."""
    with _lock:
        for jails in _every:
            jails.shut()
        _every.clear()
        _idle.clear()
