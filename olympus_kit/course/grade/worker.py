"""Grade one job in this process: a thread here, or a worker of a cluster.

The answers run in the jails of the thread, in children that can be killed; this process only
sends inputs and compares numbers. So a hostile submission costs itself alone.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .answers import Answers
from .exam import exam
from .jail import Jail, Limits, NoJail
from .probe import probe
from .session import Jails, grade_answers

SECONDS = 60.0  # of the clock, that one cell may take; a question may take twice as long

_threads = threading.local()
_every: list[Jails] = []
_lock = threading.Lock()


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
    lesson = exam(job.course, job.stem, job.seed)
    return grade_answers(lesson, job.answers, _jails(job))


def _jails(job: Job) -> Jails:
    """This thread's jails, probed before they are used for the first time."""
    key = (job.course, job.sandbox, job.seconds)
    if getattr(_threads, "key", None) != key:
        limits = Limits(
            cell_seconds=job.seconds, question_seconds=2 * job.seconds
        )
        witness = Jail(None, limits, sandbox=job.sandbox)
        examiner = Jail(job.course, limits, sandbox=job.sandbox)
        if job.sandbox:
            require_walls(witness)
            require_walls(examiner)
        _threads.jails = Jails(witness, examiner)
        _threads.key = key
        with _lock:
            _every.append(_threads.jails)
    jails: Jails = _threads.jails
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
    """End the jails of all threads of this process."""
    with _lock:
        for jails in _every:
            jails.shut()
        _every.clear()
    _threads.key = None
