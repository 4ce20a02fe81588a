"""The ladder of a diagnosis: the first rung that applies says what is wrong with an answer."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from . import _program
from ._catalogue import known_error
from ._cost import too_costly
from ._detect import by_indifference, by_value, pullback_tuple, swapped
from ._diagnosis import Diagnosis
from ._diagnosis import say as say
from ._evidence import CLOSE, Evidence, Part, by_path, in_precision, named, observe, same_tree
from ._picture import ladder_at, marked
from ._predict import by_prediction
from ._run import Trial, inputs, is_array, leaves, to_numpy
from ._spec import Question
from ._user_line import home, user_line
from ._words import Facts, brief, extent, facts, kind, number, telling

NEAR = 5e-2  # a relative error below which a result is nearly right


def judge(question: Question, answer: Any) -> Diagnosis | None:
    """What is wrong with an answer; None when it is right. Unsolved passes through."""
    call: Callable[..., Any] = answer
    if question.answer == "value":
        call = lambda: answer
    elif not callable(answer):
        return say(question, "not-callable", {"answer": question.name, "kind": kind(answer)})
    elif question.use:
        call = question.use(answer)
    evidence = observe(question, call)
    return next((found for rung in RUNGS if (found := rung(evidence, answer))), None)


# The rungs, from the top. Each returns a diagnosis, or None where it does not apply.


def changed_input(evidence: Evidence, _: Any) -> Diagnosis | None:
    names = [name for trial in evidence.trials for name in trial.changed]
    return say(evidence.question, "mutated-input", {"argument": names[0]}) if names else None


def own_misconception(evidence: Evidence, _: Any) -> Diagnosis | None:
    """One that the question itself names, wherever on the ladder its effect would show."""
    if evidence.right:
        return None
    for id_, wrong in evidence.question.wrong.items():
        if evidence.shows(wrong):
            return say(evidence.question, id_, _facts_of(evidence, wrong.part))
    return None


def _facts_of(evidence: Evidence, name: str | None) -> Facts:
    for parts in evidence.wrong_series():
        if name is None or parts[0].name.startswith(name):
            return facts(telling(parts))
    return {}


def raised(evidence: Evidence, answer: Any) -> Diagnosis | None:
    errors = evidence.errors
    return explain(evidence.question, errors[0], answer) if errors else None


def explain(question: Question, error: BaseException, answer: Any) -> Diagnosis:
    """What an exception shows."""
    text = (str(error).strip().splitlines() or [""])[0][:200]
    if isinstance(error, SyntaxError):  # without the name that a notebook's cell has inside
        text = f"{error.msg}, in line {error.lineno}"
    known = {"error": f"{type(error).__name__}: {text}", "line": user_line(error, answer)}
    return say(question, known_error(error, question.misconceptions), known)


def container(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Nothing, a function, a tuple too many, a part too few."""
    for trial in evidence.trials:
        known = {"where": trial.case.label, "kind": kind(trial.got), "part": "the result"}
        if id_ := _container(evidence, trial.got, trial.want, known):
            return say(evidence.question, id_, known)
    return None


def _container(evidence: Evidence, got: Any, want: Any, known: Facts) -> str:
    if got is None:
        return "nothing"
    if callable(got):
        return "returned-function"
    parts, wanted = named(evidence.question, got), named(evidence.question, want)
    if not parts:
        for name, part in wanted.items():
            if same_tree(got, part, max(evidence.tolerance, CLOSE)):
                known["given"] = name
                return "missing-part"
        return "container"
    return next((i for n in parts if (i := _odd_part(n, parts[n], wanted[n], known))), "")


def _odd_part(name: str, got: Any, want: Any, known: Facts) -> str:
    known |= {"part": name, "kind": kind(got)}
    if pullback_tuple(got, want):
        return "pullback-tuple"
    if callable(got):
        return "returned-function"
    if is_array(want) and is_array(got):
        return "complex-result" if np.iscomplexobj(got) and not np.iscomplexobj(want) else ""
    leaves, wanted = by_path(got), by_path(want)
    if leaves.keys() != wanted.keys():
        return "container"
    odd = next((p for p in wanted if is_array(wanted[p]) and not is_array(leaves[p])), None)
    if odd is None:
        return ""
    known |= {"part": name + odd, "kind": kind(leaves[odd])}
    return "no-number"


def order(evidence: Evidence, _: Any) -> Diagnosis | None:
    """The right parts, in another order."""
    tolerance = max(evidence.tolerance, CLOSE)
    in_order = all(same_tree(t.got, t.want, tolerance) for t in evidence.trials)
    if in_order or not all(swapped(t.got, t.want, tolerance) for t in evidence.trials):
        return None
    return say(evidence.question, "swapped")


def shape(evidence: Evidence, _: Any) -> Diagnosis | None:
    for parts in evidence.wrong_series():
        odd = next((p for p in parts if np.shape(p.got) != np.shape(p.want)), None)
        if odd is not None:
            owner = evidence.question.like.get(odd.name)
            like = f", that of {owner}" if owner else ""
            known = {**facts(odd), "like": like}
            return _generic(evidence, parts) or say(evidence.question, "shape", known)
    return None


def not_finite(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A NaN or an infinity, and where in the answer's program it first appears."""
    for part in (p for parts in evidence.wrong_series() for p in parts):
        got = np.asarray(part.got)
        if is_array(part.want) and np.all(np.isfinite(part.want)) and not np.all(np.isfinite(got)):
            name = "NaN (not a number)" if np.isnan(got).any() else "infinity"
            known = {**facts(part), "kind": name, "first": ""}
            return _first_bad(evidence, known, part.trial, home(answer))
    return None


def _first_bad(evidence: Evidence, known: Facts, trial: Trial, file: str) -> Diagnosis:
    question = evidence.question
    program = _program.program_of(evidence.call, trial.case.arguments, evidence.precision)
    bad = program and _program.first_bad(program)
    if not program or not bad:
        return say(question, "nan", known)
    known |= _program.bad_facts(program, bad, file)
    survived = any(np.all(np.isfinite(x)) for x in leaves([trial]))  # a value beside its slope
    trap = _program.chooses(program) and (survived or "jvp(" in bad.scope)
    picture = ladder_at(program, bad)
    return say(question, "where-trap" if trap else "nan", known, picture=picture)


def known_value(evidence: Evidence, _: Any) -> Diagnosis | None:
    series = evidence.wrong_series()
    return next((d for parts in series if (d := _generic(evidence, parts))), None)


def _generic(evidence: Evidence, parts: list[Part]) -> Diagnosis | None:
    if not all(is_array(p.want) and is_array(p.got) for p in parts):
        return None
    found = by_value(parts) or by_prediction(evidence.question, parts) or by_indifference(parts)
    if found:
        return say(evidence.question, found[0], {**facts(telling(parts)), **found[1]})
    return None


def nearly(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Nearly right: a difference quotient, too few digits, a cancellation."""
    for parts in evidence.wrong_series():
        errors = [p.error if is_array(p.want) else np.inf for p in parts]
        known = {**facts(telling(parts)), "error": number(max(errors), 2)}
        if min(errors) < NEAR and (step := _step(evidence, parts)):
            return say(evidence.question, "finite-difference", known | {"step": number(step, 3)})
        if max(errors) < NEAR and np.median(errors) < NEAR / 5:
            return _nearly(evidence, parts, known, max(errors))
    return None


def _step(evidence: Evidence, parts: list[Part]) -> float | None:
    arguments = telling(parts).trial.case.arguments
    program = _program.program_of(evidence.call, arguments, evidence.precision)
    return _program.difference_step(program) if program else None


def _nearly(evidence: Evidence, parts: list[Part], known: Facts, error: float) -> Diagnosis:
    if any(getattr(p.got, "dtype", np.dtype(float)).itemsize < 4 for p in parts):
        return say(evidence.question, "half-precision", known)
    again = in_precision(evidence.question, evidence.call, "float32")
    worse = max((p.error for p in again.series().get(parts[0].name, [])), default=0.0)
    if evidence.precision == "float64" and worse > max(1e3 * error, 1e-4):
        return say(evidence.question, "cancellation", known | {"worse": number(worse, 2)})
    return say(evidence.question, "nearly", known)


def broken_law(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A law that does not hold; also where every number agreed with the reference."""
    for law, where, sides in _laws(evidence):
        if isinstance(sides, Exception):
            if evidence.right:
                return explain(evidence.question, sides, answer)
            continue
        left, side = sides
        if not same_tree(left, side, max(evidence.tolerance, CLOSE)):
            known = {"law": law, "where": where, "left": brief(left), "right": brief(side)}
            return say(evidence.question, "law", known)
    return None


def _laws(evidence: Evidence) -> Iterator[tuple[str, str, Any]]:
    def call(**arguments: Any) -> Any:
        return to_numpy(evidence.call(*inputs(arguments, evidence.precision).values()))

    with jax.enable_x64(evidence.precision == "float64"):
        for law in evidence.question.laws:
            for trial in evidence.trials:
                try:
                    sides: Any = to_numpy(law.sides(call, trial.case.arguments))
                except Exception as error:
                    sides = error
                yield law.says, trial.case.label, sides


def off(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Nothing known: how far it is right, and where it is not."""
    for parts in evidence.wrong_series():
        part = telling(parts)
        known = {**facts(part), "count": extent(evidence, parts)}
        bad = {p.trial.case.point for p in parts if not p.agrees}
        large = bad <= set(evidence.question.large) and is_array(part.want)
        picture = marked(part) if is_array(part.want) else None
        twin = picture.text() if picture else ""
        return say(evidence.question, "only-large" if large else "off", known, twin, picture)
    return None


def once_only(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Right the first time: and the second?"""
    again = observe(evidence.question, evidence.call)
    return None if again.right else say(evidence.question, "impure")


def broken_demand(evidence: Evidence, answer: Any) -> Diagnosis | None:
    for demand in evidence.question.demands:
        for trial in evidence.trials:
            with jax.enable_x64(evidence.precision == "float64"):
                try:
                    kept = demand.kept(answer, inputs(trial.case.arguments, evidence.precision))
                except Exception:
                    kept = False
            if kept is not True:
                known = {"where": trial.case.label, **(kept or {})}
                return say(evidence.question, demand.id, known)
    return None


RUNGS = (
    changed_input,
    own_misconception,
    raised,
    container,
    order,
    shape,
    not_finite,
    known_value,
    nearly,
    broken_law,
    off,
    once_only,
    broken_demand,
    too_costly,
)
