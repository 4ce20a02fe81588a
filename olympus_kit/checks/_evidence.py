"""What a set of trials shows, part by part: the ground on which every diagnosis stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._run import Trial, is_array, results
from ._spec import Question, Wrong

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Part:
    """One returned part in one case: what came, and what should have come."""

    name: str
    trial: Trial
    got: Any
    want: Any
    tolerance: float

    @property
    def agrees(self) -> bool:
        return same(self.got, self.want, self.tolerance)


@dataclass(frozen=True)
class Evidence:
    """A question, the trials of one answer, and the tolerance of their precision."""

    question: Question
    trials: Sequence[Trial]
    tolerance: float

    @property
    def errors(self) -> list[Exception]:
        return [trial.error for trial in self.trials if trial.error is not None]

    def series(self) -> dict[str, list[Part]]:
        """For each returned part, its value in every case that returned the right container."""
        table: dict[str, list[Part]] = {}
        for trial in self.trials:
            if trial.error is None:
                for name, got, want in self._pairs(trial):
                    part = Part(name, trial, got, want, self.tolerance)
                    table.setdefault(name, []).append(part)
        return table

    def wrong_series(self) -> list[list[Part]]:
        """The series of each part that is wrong in some case."""
        return [parts for parts in self.series().values() if not all(p.agrees for p in parts)]

    def _pairs(self, trial: Trial) -> list[tuple[str, Any, Any]]:
        got, want = split(self.question, trial.got), split(self.question, trial.want)
        return [(name, got[name], want[name]) for name in want] if got.keys() == want.keys() else []

    def shows(self, wrong: Wrong) -> bool:
        """Whether the trials are what `wrong` predicts, and not what is right."""
        telling = False
        for trial, predicted in zip(self.trials, results(self.question, wrong.result), strict=True):
            if isinstance(predicted, Exception) or trial.error is not None:
                if not (isinstance(predicted, Exception) and trial.error is not None):
                    return False
                continue
            got, right = self._compared(trial, wrong.part)
            if not same_tree(got, predicted, max(self.tolerance, 1e-6)):
                return False
            telling = telling or not same_tree(predicted, right, max(self.tolerance, 1e-6))
        return telling

    def _compared(self, trial: Trial, part: str | None) -> tuple[Any, Any]:
        if part is None:
            return trial.got, trial.want
        got = split(self.question, trial.got).get(part, NOTHING)
        return got, split(self.question, trial.want).get(part, NOTHING)


NOTHING = object()


def split(question: Question, result: Any) -> dict[str, Any]:
    """The named parts of a result, where its container is the right one."""
    if isinstance(question.returns, str):
        return {question.returns: result}
    if isinstance(result, (tuple, list)) and len(result) == len(question.returns):
        return dict(zip(question.returns, result, strict=True))
    return {}


def same(got: Any, want: Any, tolerance: float) -> bool:
    """Equal shape and, relative to the size of `want`, equal numbers."""
    if not (is_array(got) and is_array(want)):
        return bool(got is not NOTHING and not is_array(want) and got == want)
    left, right = np.asarray(got), np.asarray(want)
    if left.shape != right.shape:
        return False
    scale = float(np.max(np.abs(right), initial=0.0))
    return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance * scale))


def same_tree(got: Any, want: Any, tolerance: float) -> bool:
    """`same`, through tuples and lists."""
    if isinstance(want, (tuple, list)):
        return (
            isinstance(got, (tuple, list))
            and len(got) == len(want)
            and all(same_tree(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    return same(got, want, tolerance)


def worst(part: Part) -> tuple[int, ...]:
    """The index of the entry that is furthest off."""
    got, want = np.asarray(part.got, dtype=float), np.asarray(part.want, dtype=float)
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(got - want)), want.shape))


def entry(name: str, index: tuple[int, ...]) -> str:
    """How a message names one entry: `W_bar[0, 2]`."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def number(value: Any, digits: int = 6) -> str:
    """A number, short enough to read."""
    return f"{float(value):.{digits}g}"


def two_numbers(got: Any, want: Any) -> dict[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    enough = next((d for d in (6, 12) if number(got, d) != number(want, d)), 17)
    return {"got": number(got, enough), "want": number(want, enough)}


def facts(part: Part) -> dict[str, str]:
    """What every message may speak of: the part, the place, and the two numbers."""
    known = {"part": part.name, "where": part.trial.case.label}
    if not (is_array(part.got) and is_array(part.want)):
        return known
    got, want = np.asarray(part.got), np.asarray(part.want)
    known |= {"got_shape": str(got.shape), "want_shape": str(want.shape)}
    if got.shape == want.shape and want.size:
        index = worst(part)
        known |= {"entry": entry(part.name, index)}
        known |= two_numbers(got[index], want[index])
    return known
