"""What a right answer costs: its largest array, its calls, its mode."""

from typing import Any

import jax
import numpy as np

from . import _program
from ._diagnosis import Diagnosis, say
from ._evidence import Evidence
from ._run import is_array
from ._spec import Limit
from ._words import Facts

LARGE = 16  # entries from which a Jacobian is told from an ordinary array


def too_costly(evidence: Evidence, _: Any) -> Diagnosis | None:
    """A limit of the question that is exceeded; without limits, a whole Jacobian."""
    for limit in evidence.question.limits:
        if known := _exceeded(evidence, limit):
            return say(evidence.question, limit.id, {"size": limit.size, **known})
    return None if evidence.question.limits else _whole_jacobian(evidence)


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


def _whole_jacobian(evidence: Evidence) -> Diagnosis | None:
    """At the point with the most entries, where those are enough to tell."""
    every = [jax.tree.leaves([dict(t.case.arguments), t.want]) for t in evidence.trials]
    sizes = [max((np.size(v) for v in of_one if is_array(v)), default=0) for of_one in every]
    size = max(sizes)
    if size < LARGE:
        return None
    case = evidence.trials[sizes.index(size)].case
    program = _program.program_of(evidence.call, case.arguments, evidence.precision)
    made = _program.whole_jacobian(program, size) if program else None
    known = {"size": f"{size} entries", "largest": f"{made:,}"} if made else None
    return say(evidence.question, "dense-jacobian", known) if known else None
