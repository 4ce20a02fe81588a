"""What a right answer costs: its largest array, its calls, its mode."""

from typing import Any

import jax
import numpy as np

from . import _program
from ._diagnosis import Diagnosis, say
from ._evidence import Evidence
from ._run import Trial, is_array
from ._spec import Limit
from ._words import Facts

LARGE = 16  # entries from which a Jacobian is told from an ordinary array


def too_costly(evidence: Evidence, _: Any) -> Diagnosis | None:
    """A limit of the question that is exceeded; without limits, what is costly in any question."""
    for limit in evidence.question.limits:
        if known := _exceeded(evidence, limit):
            return say(evidence.question, limit.id, {"size": limit.size, **known})
    if evidence.question.limits:
        return None
    trial, size = _largest_trial(evidence)
    if size < LARGE:  # too small to tell
        return None
    return _whole_jacobian(evidence, trial, size) or _pass_for_each(evidence, trial, size)


def _exceeded(evidence: Evidence, limit: Limit) -> Facts:
    arguments = limit.arguments()
    if limit.calls:
        return _called(evidence, limit)
    program = _program.program_of(evidence.call, arguments, evidence.precision)
    if program is None:
        return {}
    if limit.mode:
        used = _program.mode(program)
        return {"mode": used, "wanted": limit.mode} if used not in ("", limit.mode) else {}
    largest = _program.largest(program)
    most = limit.largest if limit.largest is not None else largest
    return {"largest": f"{largest:,}"} if largest > most else {}


def _called(evidence: Evidence, limit: Limit) -> Facts:
    counts = _program.calls(evidence.call, limit.arguments(), evidence.precision)
    for name, count in counts.items():
        if count > limit.calls.get(name.partition("[")[0], count):
            return {"function": name, "calls": str(count)}
    return {}


def _largest_trial(evidence: Evidence) -> tuple[Trial, int]:
    """The trial with the most entries in an argument or a result, and how many that are."""

    def size(trial: Trial) -> int:
        of_one = jax.tree.leaves([dict(trial.case.arguments), trial.want])
        return max((np.size(v) for v in of_one if is_array(v)), default=0)

    largest = max(evidence.trials, key=size)
    return largest, size(largest)


def _whole_jacobian(evidence: Evidence, trial: Trial, size: int) -> Diagnosis | None:
    program = _program.program_of(evidence.call, trial.case.arguments, evidence.precision)
    made = _program.whole_jacobian(program, size) if program else None
    if made is None:
        return None
    known = {"size": f"{size} entries", "largest": f"{made:,}"}
    return say(evidence.question, "dense-jacobian", known)


def _pass_for_each(evidence: Evidence, trial: Trial, size: int) -> Diagnosis | None:
    """A loop over the entries of a vector, in a question whose product takes a single pass."""
    arguments = trial.case.arguments
    if not trial.case.tangents or not any(map(callable, jax.tree.leaves(dict(arguments)))):
        return None
    counts = _program.calls(evidence.call, arguments, evidence.precision)
    name, count = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
    known = {"function": name, "calls": str(count), "size": f"{size} entries"}
    return say(evidence.question, "one-pass-per-input", known) if count >= size else None
