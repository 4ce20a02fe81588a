"""What a set of trials shows, part by part: the ground on which every diagnosis stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from ..compare import close, scale_of
from .program import difference_step, program_of
from .run import CaseByCase, Trial, arrays_of, is_array, trials
from .spec import Mistake, Question

ROUNDED = 3e-7  # a few roundings to float32
CLOSE = 1e-6  # how closely a wrong result must be what a mistake predicts
NOTHING = object()  # equals no answer
STORED = 4  # numbers of an array that an edit's table keeps
STORED_TOLERANCE = 2e-6  # of numbers that were stored in single precision


@dataclass(frozen=True)
class Part:
    """One returned array in one case: what came, and what should have come."""

    name: str
    trial: Trial
    got: Any
    want: Any
    tolerance: float

    @property
    def agrees(self) -> bool:
        return same(self.got, self.want, self.tolerance)

    @property
    def is_numeric(self) -> bool:
        return is_array(self.got) and is_array(self.want)

    @property
    def fits(self) -> bool:
        """Whether both are numbers, in arrays of one shape."""
        return self.is_numeric and np.shape(self.got) == np.shape(self.want)

    @property
    def error(self) -> float:
        """The largest error, relative to the largest entry; infinite where nothing compares."""
        if not self.fits:
            return float("inf")
        distance = np.abs(np.asarray(self.got) * 1 - np.asarray(self.want) * 1)
        worst = float(np.max(distance, initial=0.0))
        return worst / max(scale_of(self.want), 1e-300)

    def is_far(
        self,
        stored: Sequence[float],
        most: float,
    ) -> bool:
        """Whether numbers that stand for an array are not those that stand for the right one."""
        if not is_array(self.want):
            return True
        right, _ = digest(as_real(self.want))
        if right.size != len(stored):
            return True
        return bool(np.any(np.abs(right - np.asarray(stored)) > most))


Series = Sequence[Part]  # one returned array, in every case


@dataclass(frozen=True)
class EditRow:
    """What one edit of the solution makes of one returned array, in every case.

    `shapes` and `numbers` hold one entry for each case; of an array with more than `STORED`
    entries, `numbers` holds sums with fixed weights instead.
    """

    id: str
    facts: dict[str, str]
    part: str
    shapes: Sequence[Sequence[int]]
    numbers: Sequence[Sequence[float]]

    def explains(self, parts: Series) -> bool:
        """Whether the answer's array is the edit's in every case, and not the right one as well."""
        if len(parts) != len(self.shapes) or parts[0].name != self.part:
            return False
        is_telling = False
        for part, shape, stored in zip(
            parts, self.shapes, self.numbers, strict=True
        ):
            if not is_array(part.got):
                return False
            got = as_real(part.got)
            if list(got.shape) != list(shape):
                return False
            numbers, size = digest(got)
            most = max(part.tolerance, STORED_TOLERANCE) * size
            if not np.all(np.abs(numbers - np.asarray(stored)) <= most):
                return False
            is_telling = is_telling or part.is_far(stored, 10 * most)
        return is_telling


def as_real(array: Any) -> Any:
    """Return an array; of a complex one, real and imaginary parts along another axis."""
    if np.iscomplexobj(array):
        return np.stack([np.real(array), np.imag(array)], -1)
    return np.asarray(array)


def digest(array: Any) -> tuple[Any, float]:
    """At most `STORED` numbers that stand for an array, and the size of what they are made of."""
    flat = np.ravel(array).astype(float)
    if flat.size <= STORED:
        return flat, float(np.max(np.abs(flat), initial=0.0))
    places = np.arange(1, flat.size + 1)
    weights = np.stack([
        np.sin(places * (1.3 + 0.7 * k) + k) for k in range(STORED)
    ])
    return weights @ flat, float(np.sum(np.abs(flat)))


@dataclass(frozen=True)
class Evidence:
    """A question, an answer as it is called, and what it returned in one precision."""

    question: Question
    call: Callable[..., Any]
    trials: Sequence[Trial]
    precision: str
    edits: Sequence[EditRow] = ()

    @property
    def tolerance(self) -> float:
        """Up to which the answer counts as right."""
        if self.precision == "float64":
            return self.question.rtol
        return self.question.rtol32

    @property
    def loose(self) -> float:
        """Up to which a wrong result counts as what a mistake predicts."""
        return max(self.tolerance, CLOSE)

    @property
    def errors(self) -> list[BaseException]:
        return [trial.error for trial in self.trials if trial.error is not None]

    @property
    def right(self) -> bool:
        """Whether every trial returned what it should."""
        return not self.wrong_parts

    @property
    def wrong_parts(self) -> set[str]:
        """The names of the arrays that are not right in every trial."""
        wrong = set()
        for trial in self.trials:
            want = entries(self.question, trial.want)
            got = entries(self.question, trial.got)
            complete = trial.error is None and got.keys() == want.keys()
            for name in want:
                part = Part(
                    name, trial, got.get(name), want[name], self.tolerance
                )
                if not complete or not part.agrees:
                    wrong.add(name)
        return wrong

    def series(self) -> dict[str, list[Part]]:
        """For each returned array, its value in every case that returned the right container."""
        table: dict[str, list[Part]] = {}
        for trial in self.trials:
            got = entries(self.question, trial.got)
            want = entries(self.question, trial.want)
            if trial.error is None and got.keys() == want.keys():
                for name in want:
                    part = Part(
                        name,
                        trial,
                        got[name],
                        want[name],
                        self.tolerance,
                    )
                    table.setdefault(name, []).append(part)
        return table

    def wrong_series(self) -> list[list[Part]]:
        """The series of each array that is wrong in some case."""
        return [
            parts
            for parts in self.series().values()
            if not all(p.agrees for p in parts)
        ]

    def shows(self, id_: str) -> bool:
        """Whether the trials are what the question's prediction `id_` says, and not the truth."""
        part = self.question.predictions[id_].part
        telling = False
        results = predicted_results(self.question, id_)
        for place, trial in enumerate(self.trials):
            predicted = results.at(place, trial)
            if isinstance(predicted, Exception) or trial.error is not None:
                if not (
                    isinstance(predicted, Exception) and trial.error is not None
                ):
                    return False
                continue
            got, right = trial.got, trial.want
            if part is not None:
                got = named(self.question, got).get(part, NOTHING)
                right = named(self.question, right).get(part, NOTHING)
            if not same_tree(got, predicted, self.loose):
                return False
            telling = telling or not same_tree(predicted, right, self.loose)
        return telling


@lru_cache(maxsize=512)
def predicted_results(question: Question, id_: str) -> CaseByCase:
    """What a mistake makes of the arguments of every case; each computed once."""
    mistake: Mistake = question.predictions[id_]
    rule = mistake.result
    if rule is None:
        raise ValueError(
            f"{question.name}: the prediction {id_} needs a `result`."
        )
    return CaseByCase(lambda arguments, _: rule(*arguments.values()))


def observe(question: Question, call: Callable[..., Any]) -> Evidence:
    """Trials in float64, or in float32 where the answer is at home only there."""
    double = in_precision(question, call, "float64")
    if double.right:
        return double
    # Float32 is tried only where it can matter: it costs as much as the rest of a check.
    if double.errors or _has_float32(double):
        single = in_precision(question, call, "float32")
        return double if single.errors else single
    if _is_rounded(double):
        single = in_precision(question, call, "float32")
        return single if single.right else double
    return double


def _has_float32(evidence: Evidence) -> bool:
    return any(
        array.dtype == np.float32 for array in arrays_of(evidence.trials)
    )


def _is_rounded(evidence: Evidence) -> bool:
    """Whether float64 results are off by what a float32 constant inside explains."""
    parts = [part for series in evidence.series().values() for part in series]
    if not all(same(part.got, part.want, ROUNDED) for part in parts):
        return False
    program = program_of(
        evidence.call, evidence.trials[0].case.arguments, "float64"
    )
    return program is None or difference_step(program) is None


def in_precision(
    question: Question, call: Callable[..., Any], precision: str
) -> Evidence:
    """The trials of an answer in one precision."""
    every = list(trials(question, call, precision))
    return Evidence(question, call, every, precision)


def named(question: Question, result: Any) -> dict[str, Any]:
    """The named parts of a result, where its container is the right one."""
    if isinstance(question.returns, str):
        return {question.returns: result}
    if isinstance(result, (tuple, list)) and len(result) == len(
        question.returns
    ):
        return dict(zip(question.returns, result, strict=True))
    return {}


def entries(question: Question, result: Any) -> dict[str, Any]:
    """Every array in a result by its name, as in `grads['W']`."""
    table = {}
    for name, part in named(question, result).items():
        for path, leaf in by_path(part).items():
            table[name + path] = leaf
    return table


def by_path(value: Any) -> dict[str, Any]:
    """The leaves of a container by their place: `['W']`, `[0]`, or "" for a single one."""
    leaves = jax.tree_util.tree_leaves_with_path(
        value, is_leaf=lambda x: x is None
    )
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def is_counted(want: Any) -> bool:
    """Whether a right result is a count or a truth: it has neither rounding nor an overflow."""
    return np.asarray(want).dtype.kind in "biu"


def same(
    got: Any,
    want: Any,
    tolerance: float,
) -> bool:
    """Equal shape and, relative to the size of `want`, equal numbers; else simply equal."""
    if is_array(got) and is_array(want):
        return close(got, want, tolerance)
    if is_array(got) or is_array(want):
        return False
    try:
        return bool(np.all(got == want))
    except (
        Exception
    ):  # whatever an object of the student's raises when it is compared
        return False


def same_tree(
    got: Any,
    want: Any,
    tolerance: float,
) -> bool:
    """`same`, through containers; a list or a named tuple may stand for a tuple."""
    if isinstance(want, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(want):
            return False
        return all(
            same_tree(g, w, tolerance) for g, w in zip(got, want, strict=True)
        )
    if isinstance(want, dict):
        if not isinstance(got, dict) or got.keys() != want.keys():
            return False
        return all(same_tree(got[key], want[key], tolerance) for key in want)
    return same(got, want, tolerance)


def same_shapes(evidence: Evidence) -> bool:
    """Whether every trial returned the right containers with arrays of the right shapes."""
    expected = 0
    for trial in evidence.trials:
        expected += len(entries(evidence.question, trial.want))
    parts = [part for series in evidence.series().values() for part in series]
    return len(parts) == expected and all(part.fits for part in parts)
