"""What a set of trials shows, part by part: the ground on which every diagnosis stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ._program import difference_step, program_of
from ._run import Trial, is_array, leaves, results, trials
from ._spec import Question, Wrong

Array = np.ndarray[Any, Any]
ROUNDED = 3e-7  # a few roundings to float32
CLOSE = 1e-6  # how closely a wrong result must be what a mistake predicts


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

    @property
    def error(self) -> float:
        """The largest error, relative to the largest entry."""
        want = np.asarray(self.want, dtype=float)
        off = np.max(np.abs(np.asarray(self.got, dtype=float) - want), initial=0.0)
        return float(off / max(np.max(np.abs(want), initial=0.0), 1e-300))


Series = Sequence[Part]


@dataclass(frozen=True)
class Evidence:
    """A question, an answer as it is called, and what it gave in one precision."""

    question: Question
    call: Callable[..., Any]
    trials: Sequence[Trial]
    precision: str

    @property
    def tolerance(self) -> float:
        question = self.question
        return question.rtol if self.precision == "float64" else question.rtol32

    @property
    def errors(self) -> list[BaseException]:
        return [trial.error for trial in self.trials if trial.error is not None]

    @property
    def right(self) -> bool:
        """Whether every trial returned what it should."""
        expected = sum(len(entries(self.question, trial.want)) for trial in self.trials)
        parts = [part for series in self.series().values() for part in series]
        return len(parts) == expected and all(part.agrees for part in parts)

    def series(self) -> dict[str, list[Part]]:
        """For each returned array, its value in every case that returned the right container."""
        table: dict[str, list[Part]] = {}
        for trial in self.trials:
            got, want = entries(self.question, trial.got), entries(self.question, trial.want)
            if trial.error is None and got.keys() == want.keys():
                for name in want:
                    part = Part(name, trial, got[name], want[name], self.tolerance)
                    table.setdefault(name, []).append(part)
        return table

    def wrong_series(self) -> list[list[Part]]:
        """The series of each array that is wrong in some case."""
        return [parts for parts in self.series().values() if not all(p.agrees for p in parts)]

    def shows(self, wrong: Wrong) -> bool:
        """Whether the trials are what `wrong` predicts, and not what is right."""
        told = results(self.question, lambda a: wrong.result(*a.values()))
        telling = False
        for trial, predicted in zip(self.trials, told, strict=True):
            if isinstance(predicted, Exception) or trial.error is not None:
                if not (isinstance(predicted, Exception) and trial.error is not None):
                    return False
                continue
            got, right = self._compared(trial, wrong.part)
            tolerance = max(self.tolerance, CLOSE)
            if not same_tree(got, predicted, tolerance):
                return False
            telling = telling or not same_tree(predicted, right, tolerance)
        return telling

    def _compared(self, trial: Trial, part: str | None) -> tuple[Any, Any]:
        if part is None:
            return trial.got, trial.want
        got = named(self.question, trial.got).get(part, NOTHING)
        return got, named(self.question, trial.want).get(part, NOTHING)


NOTHING = object()


def observe(question: Question, call: Callable[..., Any]) -> Evidence:
    """Trials in float64, or in float32 where the answer is at home only there."""
    double = in_precision(question, call, "float64")
    if double.right:
        return double
    single = in_precision(question, call, "float32")
    if double.errors or _has_float32(double):
        return double if single.errors else single
    return single if single.right and _is_rounded(double) else double


def _has_float32(evidence: Evidence) -> bool:
    return any(getattr(x, "dtype", None) == np.float32 for x in leaves(evidence.trials))


def _is_rounded(evidence: Evidence) -> bool:
    """Whether float64 results are off by what a float32 constant inside explains."""
    parts = [part for series in evidence.series().values() for part in series]
    if not all(same(p.got, p.want, ROUNDED) for p in parts):
        return False
    program = program_of(evidence.call, evidence.trials[0].case.arguments, "float64")
    return program is None or difference_step(program) is None


def in_precision(question: Question, call: Callable[..., Any], precision: str) -> Evidence:
    return Evidence(question, call, trials(question, call, precision), precision)


def named(question: Question, result: Any) -> dict[str, Any]:
    """The named parts of a result, where its container is the right one."""
    if isinstance(question.returns, str):
        return {question.returns: result}
    if isinstance(result, (tuple, list)) and len(result) == len(question.returns):
        return dict(zip(question.returns, result, strict=True))
    return {}


def entries(question: Question, result: Any) -> dict[str, Any]:
    """Every array in a result by its name, as in `grads['W']`."""
    return {
        name + path: leaf
        for name, part in named(question, result).items()
        for path, leaf in by_path(part).items()
    }


def by_path(value: Any) -> dict[str, Any]:
    """The leaves of a container by their place: `['W']`, `[0]`, or "" for a single one."""
    found = jax.tree_util.tree_leaves_with_path(value, is_leaf=lambda x: x is None)
    return {jax.tree_util.keystr(path): leaf for path, leaf in found}


def same(got: Any, want: Any, tolerance: float) -> bool:
    """Equal shape and, relative to the size of `want`, equal numbers."""
    if not (is_array(got) and is_array(want)):
        return not is_array(got) and not is_array(want) and bool(got == want)
    left, right = np.asarray(got), np.asarray(want)
    if left.shape != right.shape:
        return False
    scale = float(np.max(np.abs(right), initial=0.0, where=np.isfinite(right)))
    return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def same_tree(got: Any, want: Any, tolerance: float) -> bool:
    """`same`, through containers; a list or a named tuple may stand for a tuple."""
    if isinstance(want, (tuple, list)):
        fits = isinstance(got, (tuple, list)) and len(got) == len(want)
        return fits and all(same_tree(*pair, tolerance) for pair in zip(got, want, strict=True))
    if isinstance(want, dict):
        fits = isinstance(got, dict) and got.keys() == want.keys()
        return fits and all(same_tree(got[key], want[key], tolerance) for key in want)
    return same(got, want, tolerance)
