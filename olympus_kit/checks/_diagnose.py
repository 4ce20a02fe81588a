"""The ladder of a diagnosis: the first rung that applies says what is wrong with an answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from . import _run
from ._catalogue import lookup
from ._cost import largest_intermediate
from ._detect import VALUES, known_error, returned_pullback_tuple, swapped
from ._evidence import Evidence, Part, entry, facts, number, same, same_tree, split
from ._spec import Question
from ._user_line import user_line

Answer = Callable[..., Any]
SHAPES = "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}."


@dataclass(frozen=True)
class Diagnosis:
    """What to tell the student: the misconception's id and name, what was done, an example.

    `line` is the student's own line in which an exception started, where there was one.
    """

    id: str
    name: str
    message: str
    example: str
    read: str
    line: str = ""


def say(question: Question, id_: str, known: dict[str, str] | None = None) -> Diagnosis:
    """The catalogue's message of that id, filled in with the facts."""
    found = lookup(id_, question.misconceptions)
    table = {"order": _order(question), "call": _call(question), **(known or {})}
    example = found.example and (_fill(found.example, table) or _fill(SHAPES, table))
    message, read = _fill(found.message, table), found.read or question.read
    return Diagnosis(id_, found.name, message, example, read, table.get("line", ""))


def _fill(template: str, table: dict[str, str]) -> str:
    """The template with its braces filled in; nothing where a fact is not known."""
    try:
        return template.format_map(table)
    except KeyError:
        return ""


def judge(question: Question, answer: Any) -> Diagnosis | None:
    """What is wrong with an answer; None when it is right. Unsolved passes through."""
    if question.answer == "value":
        call: Answer = lambda: answer
    elif callable(answer):
        call = answer
    else:
        return say(question, "not-callable", {"answer": question.name, "kind": kind(answer)})
    try:
        evidence = observe(question, call)
    except _run.TookTooLong:
        return say(question, "took-too-long", {"seconds": number(_run.SECONDS)})
    for rung in RUNGS:
        if found := rung(evidence, call):
            return found
    return None


def observe(question: Question, answer: Answer) -> Evidence:
    """Trials in float64, or in float32 where the answer is at home only there."""
    double = Evidence(question, _run.trials(question, answer, "float64"), question.rtol)
    if right(double):
        return double
    single = Evidence(question, _run.trials(question, answer, "float32"), question.rtol32)
    at_home = not single.errors and (bool(double.errors) or has_float32(double))
    return single if right(single) or at_home else double


def has_float32(evidence: Evidence) -> bool:
    return any(getattr(x, "dtype", None) == np.float32 for x in _run.leaves(evidence.trials))


def right(evidence: Evidence) -> bool:
    """Whether every trial returned what it should."""
    series = evidence.series()
    parts = [part for of_one in series.values() for part in of_one]
    expected = len(split(evidence.question, evidence.trials[0].want)) * len(evidence.trials)
    return len(parts) == expected and all(part.agrees for part in parts)


# The rungs, from the top. Each returns a diagnosis, or None where it does not apply.


def changed_input(evidence: Evidence, _: Answer) -> Diagnosis | None:
    names = [name for trial in evidence.trials for name in trial.changed]
    return say(evidence.question, "mutated-input", {"argument": names[0]}) if names else None


def own_misconception(evidence: Evidence, _: Answer) -> Diagnosis | None:
    """One that the question itself names, wherever on the ladder its effect would show."""
    if right(evidence):
        return None
    for id_, wrong in evidence.question.wrong.items():
        if evidence.shows(wrong):
            return say(evidence.question, id_, _facts_of(evidence, wrong.part))
    return None


def _facts_of(evidence: Evidence, name: str | None) -> dict[str, str]:
    for parts in evidence.wrong_series():
        if name in (None, parts[0].name):
            return facts(telling(parts))
    return {}


def telling(parts: list[Part]) -> Part:
    """The first case in which the part is wrong."""
    return next((part for part in parts if not part.agrees), parts[0])


def raised(evidence: Evidence, answer: Answer) -> Diagnosis | None:
    if not evidence.errors:
        return None
    error = evidence.errors[0]
    text = (str(error).strip().splitlines() or [""])[0]
    known = {"error": f"{type(error).__name__}: {text[:200]}", "line": user_line(error, answer)}
    return say(evidence.question, known_error(error), known)


def container(evidence: Evidence, _: Answer) -> Diagnosis | None:
    """Nothing, a function, a tuple too many, a part too few."""
    for trial in evidence.trials:
        known = {"where": trial.case.label, "kind": kind(trial.got), "part": "the result"}
        if id_ := _container(evidence, trial.got, trial.want, known):
            return say(evidence.question, id_, known)
    return None


def _container(evidence: Evidence, got: Any, want: Any, known: dict[str, str]) -> str:
    if got is None:
        return "nothing"
    if callable(got):
        return "returned-function"
    parts, wanted = split(evidence.question, got), split(evidence.question, want)
    if not parts:
        for name, part in wanted.items():
            if same(got, part, max(evidence.tolerance, 1e-6)):
                known["given"] = name
                return "missing-part"
        return "container"
    return next((i for n in parts if (i := _odd_part(n, parts[n], wanted[n], known))), "")


def _odd_part(name: str, got: Any, want: Any, known: dict[str, str]) -> str:
    known |= {"part": name, "kind": kind(got)}
    if returned_pullback_tuple(got, want):
        return "pullback-tuple"
    if callable(got):
        return "returned-function"
    return "container" if _run.is_array(want) and not _run.is_array(got) else ""


def order(evidence: Evidence, _: Answer) -> Diagnosis | None:
    """The right parts, in another order."""
    tolerance = max(evidence.tolerance, 1e-6)
    in_order = all(same_tree(t.got, t.want, tolerance) for t in evidence.trials)
    if in_order or not all(swapped(t.got, t.want, tolerance) for t in evidence.trials):
        return None
    return say(evidence.question, "swapped")


def shape(evidence: Evidence, answer: Answer) -> Diagnosis | None:
    for parts in evidence.wrong_series():
        odd = next((p for p in parts if np.shape(p.got) != np.shape(p.want)), None)
        if odd is not None:
            owner = evidence.question.like.get(odd.name)
            like = f", that of {owner}" if owner else ""
            known = {**facts(odd), "like": like}
            return _generic(evidence.question, parts) or say(evidence.question, "shape", known)
    return None


def not_finite(evidence: Evidence, _: Answer) -> Diagnosis | None:
    for parts in evidence.wrong_series():
        for part in parts:
            bad = np.argwhere(~np.isfinite(np.asarray(part.got, dtype=float)))
            if len(bad) and np.all(np.isfinite(part.want)):
                return say(evidence.question, "nan", _first_bad(part, tuple(map(int, bad[0]))))
    return None


def _first_bad(part: Part, index: tuple[int, ...]) -> dict[str, str]:
    got, want = np.asarray(part.got)[index], np.asarray(part.want)[index]
    name = "NaN (not a number)" if np.isnan(got) else "infinity"
    known = {"kind": name, "entry": entry(part.name, index)}
    return {**facts(part), **known, "got": number(got), "want": number(want)}


def known_value(evidence: Evidence, _: Answer) -> Diagnosis | None:
    series = evidence.wrong_series()
    return next((d for parts in series if (d := _generic(evidence.question, parts))), None)


def _generic(question: Question, parts: list[Part]) -> Diagnosis | None:
    for id_, detect in VALUES.items():
        found = detect(parts)
        if found is not None:
            return say(question, id_, {**facts(telling(parts)), **found})
    return None


def broken_law(evidence: Evidence, answer: Answer) -> Diagnosis | None:
    if right(evidence):
        return None
    for law, where, left, side in _laws(evidence, answer):
        if not same_tree(left, side, max(evidence.tolerance, 1e-6)):
            known = {"law": law, "where": where, "left": brief(left), "right": brief(side)}
            return say(evidence.question, "law", known)
    return None


def _laws(evidence: Evidence, answer: Answer) -> Iterator[tuple[str, str, Any, Any]]:
    def call(**arguments: Any) -> Any:
        return _run.to_numpy(answer(*_run.inputs(arguments, "float64").values()))

    with jax.enable_x64(True):
        for law in evidence.question.laws:
            for trial in evidence.trials:
                try:
                    left, side = law.sides(call, trial.case.arguments)
                except Exception:  # the answer is wrong already: this law just can't say more
                    continue
                yield law.says, trial.case.label, _run.to_numpy(left), _run.to_numpy(side)


def off(evidence: Evidence, _: Answer) -> Diagnosis | None:
    for parts in evidence.wrong_series():
        good = sum(part.agrees for part in parts)
        count = f"It is right at {good} of {len(parts)} test points." if good else ""
        return say(evidence.question, "off", {**facts(telling(parts)), "count": count})
    return None


def once_only(evidence: Evidence, answer: Answer) -> Diagnosis | None:
    """Right the first time: and the second?"""
    return None if right(observe(evidence.question, answer)) else say(evidence.question, "impure")


def too_costly(evidence: Evidence, answer: Answer) -> Diagnosis | None:
    for limit in evidence.question.limits:
        largest = largest_intermediate(answer, limit)
        if largest is not None and largest > limit.largest:
            known = {"size": limit.size, "largest": f"{largest:,}"}
            return say(evidence.question, limit.id, known)
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
    broken_law,
    off,
    once_only,
    too_costly,
)


def kind(value: Any) -> str:
    """What a value is, in words a student uses."""
    if callable(value):
        return "a function"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of length {len(value)}"
    if _run.is_array(value):
        return f"an array of shape {np.shape(value)}" if np.shape(value) else "a number"
    return f"a {type(value).__name__}"


def brief(value: Any) -> str:
    return np.array2string(np.ravel(jax.tree.leaves(value)[0])[:4], precision=5, separator=", ")


def _order(question: Question) -> str:
    names = question.returns
    return names if isinstance(names, str) else f"a tuple ({', '.join(names)})"


def _call(question: Question) -> str:
    names = question.cases()[0].arguments
    return f"{question.name}({', '.join(names)})"
