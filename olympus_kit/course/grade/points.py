"""The judge's own points: a question's public ones, moved by a secret seed.

Each real number of a point is multiplied by a factor near one: a zero stays a zero, and a point
stays on its side of one, so that what a question means by a special or a large point remains. The
author's own solution is tried at the new points; where it does not pass there (a point outside of
the domain, numbers too close to a cancellation), they are drawn closer, and at last the public
points stand. What came of it is kept with the seed, so that a regrade has the same points.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from ...checks import Question, Requirement, observe
from .remote import OwnTalk, RemoteAnswer

# How far points are moved, and whether each array as a whole, which keeps what its entries have in
# common (a symmetry, a sum). The last leaves the public ones.
SPREADS = (
    (0.25, False),
    (0.05, False),
    (0.25, True),
    (0.05, True),
    (0.0, True),
)
LABEL = "at a point of the judge"


def draw(
    question: Question,
    seed: int,
    solution: Any,
) -> tuple[Question, float]:
    """The question at points of the judge, and how far they were moved from the public ones."""
    if question.answer == "value":
        return question, 0.0
    for spread, whole in SPREADS:
        moved = at_spread(question, seed, spread, whole)
        if spread == 0.0 or _passes(moved, solution):
            return moved, spread if _differs(moved, question) else 0.0
    raise AssertionError("the last spread always stands")


def _differs(moved: Question, question: Question) -> bool:
    """Whether any number was moved: a question may ask of functions and counts alone."""
    for case, public in zip(moved.cases(), question.cases(), strict=True):
        leaves = jax.tree.leaves(dict(case.arguments))
        before = jax.tree.leaves(dict(public.arguments))
        for leaf, other in zip(leaves, before, strict=True):
            if leaf is not other and not np.array_equal(leaf, other):
                return True
    return False


def _passes(question: Question, solution: Any) -> bool:
    call = question.adapt(solution) if question.adapt else solution
    try:
        return observe(question, call).right
    except Exception:
        return False


def at_spread(
    question: Question,
    seed: int,
    spread: float,
    whole: bool = False,
) -> Question:
    """The question with its points moved by a spread; the same for the same seed."""
    if question.answer == "value":
        return question
    key = [seed, zlib.crc32(question.name.encode())]
    points = []
    for number, point in enumerate(question.points):
        points.append(_moved(point, [*key, number], spread, whole))
    tangents = []
    for number, tangent in enumerate(question.tangents):
        place = [*key, 1000 + number]
        tangents.append(_moved_tangent(tangent, place, spread, whole))
    return replace(
        question,
        points=tuple(points),
        tangents=tuple(tangents),
        labels=(LABEL,) * len(points),
    )


def _moved_tangent(
    tangent: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    key: list[int],
    spread: float,
    whole: bool,
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    return lambda point: _moved(tangent(point), key, spread, whole)


def _moved(
    arguments: Mapping[str, Any],
    key: list[int],
    spread: float,
    whole: bool,
) -> dict[str, Any]:
    dice = np.random.default_rng(key)

    def move(leaf: Any) -> Any:
        if (
            not isinstance(leaf, (float, np.ndarray))
            or np.asarray(leaf).dtype.kind != "f"
        ):
            return leaf
        if np.isin(leaf, (-1.0, 0.0, 1.0)).all():
            return leaf  # labels, a mask, a unit vector: other numbers have no meaning there
        shape = () if whole else np.shape(leaf)
        factor = 1 + spread * dice.uniform(-1, 1, shape)
        moved = np.asarray(leaf * factor)
        # exact in single precision, so that both see the same inputs; some are too large for it
        with np.errstate(over="ignore"):
            single = moved.astype(np.float32).astype(np.float64)
        moved = np.where(np.isfinite(single), single, moved)
        return float(moved) if isinstance(leaf, float) else moved

    return {
        name: jax.tree.map(move, value) for name, value in arguments.items()
    }


def for_jail(question: Question, solution: Any) -> Question:
    """The question as it is asked of answers in a jail: the same, but for where they run."""
    adapt = question.adapt
    own = RemoteAnswer(OwnTalk({question.name: solution}), question.name)
    requirements = tuple(
        _for_jail(requirement, own) for requirement in question.requirements
    )
    if adapt is None:
        return replace(question, requirements=requirements)
    return replace(
        question,
        adapt=lambda answer: answer.adapted(adapt),
        requirements=requirements,
    )


def _for_jail(requirement: Requirement, own: RemoteAnswer) -> Requirement:
    """A requirement that counts as kept where the judge cannot ask it.

    What jax cannot do with a function in another process (a rule in forward mode, a look at the
    program) shows as an error that the answer did not raise, and with the author's own solution,
    too: else replies that jax can make nothing of would do. Then the examiner's word stands.
    """
    holds = requirement.holds
    if holds is None:
        return requirement

    def asked(
        answer: RemoteAnswer,
        arguments: dict[str, Any],
    ) -> bool | dict[str, str]:
        before = answer.talk.raised
        try:
            return holds(answer, arguments)
        except Exception:
            if answer.talk.raised > before:
                return False
        try:
            holds(own, arguments)
        except Exception:
            return True
        return False

    return replace(requirement, holds=asked)
