"""The steps of a diagnosis: the first one that applies says what is wrong with an answer."""

import ast
import inspect
import linecache
import re
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..compare import scale_of
from . import mistakes, program
from .doubt import by_quotients
from .evidence import (
    EditRow,
    Evidence,
    Part,
    by_path,
    in_precision,
    is_counted,
    named,
    observe,
    same_tree,
)
from .message import (
    Diagnosis,
    Facts,
    called,
    catalogue,
    diagnose,
    error_text,
    extent,
    kind,
    ladder_at,
    lookup,
    marked,
    number,
    off_by,
    part_facts,
    side_facts,
    telling,
    wanted_kind,
)
from .run import Trial, arrays_of, inputs, is_array, to_numpy
from .spec import (
    DERIVATIVES,
    Arguments,
    CostLimit,
    Mistake,
    Question,
    Requirement,
    Unsolved,
)

NEAR = 5e-2  # a relative error below which a result may be a quotient, or have lost digits
INFINITY = "infinity"  # what a number is called that is too large for its type
NEARLY = 1e-3  # the error of each entry below which a result is nearly right
OF_A_QUOTIENT = (
    1e-5  # the error up to which a result is what a difference quotient gives
)
LARGE = 16  # entries from which a Jacobian is told from an ordinary array
MOST_ARGUMENTS = 4  # whose orders are all tried
STEP_NAMES = (
    "h",
    "step",
    "eps",
    "epsilon",
)  # of an argument that a question about quotients has
KIT = Path(__file__).parents[2]
# what a lesson may ask to write
READY_MADE = {*DERIVATIVES, "associative_scan"}
# what jax says of a result that cannot be differentiated, whoever asked for the derivative
OF_THE_CHECK = ("grad-of-array", "integer-input")
# `grad(f, x)`: the second argument is the number of an argument, and no point
POINT_AS_ARGNUMS = re.compile(
    rf"\b({'|'.join({*DERIVATIVES} - {'jvp', 'vjp', 'linearize'})})"
    r"\(\s*[\w.]+\s*,\s*[a-z_]\w*\s*\)(?!\s*\()"
)
GIVEN = (
    "That happened in a function that came with the question: look at what your code hands to it, "
    "in which order, and how it is differentiated."
)
# `x.at[0].set(1.0)`, of which nothing is kept where it stands alone
UPDATE = re.compile(
    r"^[\w.]+\.at\[.*\]\.(set|add|multiply|divide|power|min|max)\("
)
# a line on which several names get the parts of one value
UNPACKS = re.compile(r"^[^=]*,[^=]*=(?!=)|\bfor\b.*,.*\bin\b")


def judge(
    question: Question,
    answer: Any,
    edits: Sequence[EditRow] = (),
    costs: bool = True,
) -> Diagnosis | None:
    """What is wrong with an answer; None when it is right. Unsolved passes through.

    Without `costs`, nothing is asked of the answer's own program: its values alone count.
    """
    call: Callable[..., Any] = answer
    if question.answer == "value":
        call = lambda: answer
    elif not callable(answer):
        facts = {"answer": question.name, "kind": kind(answer)}
        return diagnose(question, "not-callable", facts)
    elif question.adapt:
        call = question.adapt(answer)
    said = code_of(answer)
    edits = [row for row in edits if _may_be_said(row, said)]
    evidence = replace(observe(question, call), edits=edits)
    for step in STEPS:
        if step is too_costly and not costs:
            continue
        diagnosis = step(evidence, answer)
        if diagnosis:
            return diagnosis
    return None


def _may_be_said(edit: EditRow, code: str) -> bool:
    """Whether an edit's message fits the code, where it speaks of a call or a number in it."""
    spoken = {
        "edit-arguments": edit.facts.get("old", ""),
        "edit-constant": edit.facts.get("new", ""),
    }
    return spoken.get(edit.id, "").strip("`") in code


# The steps, from the first. Each returns a diagnosis, or None where it does not apply.


def changed_input(evidence: Evidence, _: Any) -> Diagnosis | None:
    for trial in evidence.trials:
        if trial.changed:
            return diagnose(
                evidence.question,
                "mutated-input",
                {"argument": trial.changed[0]},
            )
    return None


def parameter_order(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """The answer's parameters stand in another order than that in which it is called."""
    question = evidence.question
    if evidence.right or question.answer == "value" or question.adapt:
        return None
    names = list(question.cases()[0].arguments)
    try:
        parameters = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        return None
    if len(parameters) != len(names) or parameters == names:
        return None
    facts = {"yours": ", ".join(parameters)}
    if sorted(parameters) == sorted(names):
        return diagnose(question, "parameter-order", facts)
    if not evidence.errors or len(names) > MOST_ARGUMENTS:
        return None
    for order in permutations(range(len(names))):
        if list(order) != sorted(order) and _is_right_in(order, evidence):
            return diagnose(question, "parameter-order", facts)
    return None


def _is_right_in(order: Sequence[int], evidence: Evidence) -> bool:
    """Whether the answer is right when its arguments come in this order."""

    def reordered(*arguments: Any) -> Any:
        return evidence.call(*[arguments[i] for i in order])

    return in_precision(evidence.question, reordered, evidence.precision).right


def foreseen_mistake(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """One that the question itself names, at whichever step its effect would show."""
    question = evidence.question
    if evidence.right:
        return None
    for id_, prediction in question.predictions.items():
        mistake = lookup(id_, question.mistakes)
        if evidence.shows(id_) and _code_confirms(mistake, answer):
            if id_ == "transposed" and _is_reordered(evidence):
                return None  # the right parts in another order explain every number
            return diagnose(question, id_, facts_of(evidence, prediction.part))
    return None


def facts_of(evidence: Evidence, name: str | None) -> Facts:
    """What a message may say of the first wrong part of that name."""
    for parts in evidence.wrong_series():
        if name is None or parts[0].name.startswith(name):
            return part_facts(telling(parts))
    return {}


def _code_confirms(mistake: Mistake, answer: Any) -> bool:
    """Whether the student's code holds what the message says of it."""
    if not mistake.code:
        return True
    text = code_of(answer)
    if mistake.code.startswith("!"):
        return bool(text) and re.search(mistake.code[1:], text) is None
    return re.search(mistake.code, text) is not None


def raised(evidence: Evidence, answer: Any) -> Diagnosis | None:
    if not evidence.errors:
        return None
    diagnosis = explain_error(evidence.question, evidence.errors[0], answer)
    if diagnosis.id in OF_THE_CHECK and not diagnosis.line:
        return _undifferentiated(evidence, answer) or diagnosis
    return diagnosis


def _undifferentiated(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """What is wrong with the answer's own result, where it was the check that differentiated it."""
    question = evidence.question
    if not question.adapt:
        return None
    trial = next(trial for trial in evidence.trials if trial.error)
    name, want = next(iter(named(question, trial.want).items()))
    try:
        count = len(inspect.signature(answer).parameters)
        with jax.enable_x64(evidence.precision == "float64"):
            fresh = inputs(trial.case.arguments, evidence.precision)
            got = to_numpy(answer(*list(fresh.values())[:count]))
    except Exception:
        return None
    facts = {"where": trial.case.label}
    id_ = _odd_part(evidence, name, got, want, facts)
    if id_:
        return diagnose(question, id_, facts)
    if np.shape(got) == np.shape(want):
        return None
    part = Part(name, trial, got, want, evidence.tolerance)
    return diagnose(question, "shape", part_facts(part) | {"like": ""})


def explain_error(
    question: Question,
    error: BaseException,
    answer: Any,
) -> Diagnosis:
    """What an exception shows."""
    line = user_line(error, answer)
    code = line.partition(": ")[2]
    own = [one for one in question.mistakes if _code_confirms(one, answer)]
    id_ = error_id(error, own)
    if id_ == "branch-on-array" or (
        # what `&` gives of traced values decides no `if` either
        id_ == "python-branch"
        and not code.startswith(("if ", "elif ", "while "))
    ):
        id_ = _branch(code) or id_
    elif id_ == "wrong-arguments" and (
        line or len(traceback.extract_tb(error.__traceback__)) > 2
    ):
        id_ = "arguments-of-a-call"
    elif isinstance(error, AssertionError) and "defjvp" in code_of(answer):
        # jax's own, about a product of tangents; the student's stand on an `assert`
        if not code.startswith("assert"):
            id_ = "rule-not-linear"
    elif isinstance(error, TypeError) and POINT_AS_ARGNUMS.search(code):
        id_ = "point-as-argnums"
    elif id_ == "unpacked-wrongly" and not UNPACKS.search(code):
        id_ = "raised"
    facts = {"error": error_text(error), "line": line}
    diagnosis = diagnose(question, id_, facts)
    if not _is_given_function_s(error, answer):
        return diagnosis
    return replace(diagnosis, message=f"{diagnosis.message} {GIVEN}")


def _is_given_function_s(error: BaseException, answer: Any) -> bool:
    """Whether it was raised below the student's code, in a function that came with the question."""
    file = home(answer)
    seen = below = False  # the check's own frames stand above the student's
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            seen, below = True, False
        elif frame.filename.endswith(".spec.py"):
            below = seen
    return below and bool(file)


def error_id(error: BaseException, own: Sequence[Mistake] = ()) -> str:
    """The id of what an exception shows; "raised" where it is none of the known ones."""
    names = {ancestor.__name__ for ancestor in type(error).__mro__}
    try:
        text = str(error)
    except Exception:
        text = ""
    for mistake in (*own, *catalogue().values()):
        for signature in mistake.raised:
            name, _, piece = signature.partition(": ")
            if name in names and piece in text:
                return mistake.id
    return "raised"


def _branch(line: str) -> str:
    """What on a line asks whether an array is true, where it is not an `if` or `while`."""
    try:
        tree = ast.parse(line + " pass" if line.endswith(":") else line)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            return "chained-comparison"
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            return "boolean-word"
    return ""


def container(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """Nothing, a function, a tuple too many, a part too few."""
    for trial in evidence.trials:
        facts = {
            "where": trial.case.label,
            "kind": kind(trial.got),
            "part": "the result",
        }
        id_ = _container(evidence, trial.got, trial.want, facts)
        if id_ == "extra-part" and not _stands_there(evidence, facts):
            id_ = "part-container"
        if id_ in ("container", "missing-part"):
            id_ = seen_in_code(answer) or id_
        if id_ == "part-container" and _is_reordered(evidence):
            id_ = "swapped"
        if id_:
            return diagnose(evidence.question, id_, facts)
    return None


def _stands_there(evidence: Evidence, facts: Facts) -> bool:
    """Whether a part that is right in one case stands in that place in every case."""
    name = facts["part"].strip("`")
    for trial in evidence.trials:
        got = named(evidence.question, trial.got).get(name)
        want = named(evidence.question, trial.want)[name]
        if not isinstance(got, (list, tuple)) or not any(
            same_tree(item, want, evidence.loose)
            for item in got[int(facts["place"]) :][:1]
        ):
            return False
    return True


def _container(
    evidence: Evidence,
    got: Any,
    want: Any,
    facts: Facts,
) -> str:
    """The id of what is wrong with a container, with facts added; empty where nothing is."""
    if got is None:
        return "nothing"
    if callable(got):
        return "returned-function"
    parts = named(evidence.question, got)
    wanted = named(evidence.question, want)
    if not parts:
        for name, part in wanted.items():
            if same_tree(got, part, evidence.loose):
                facts["given"] = name
                return "missing-part"
        one = mistakes.joined(got, list(wanted.values()), evidence.loose)
        return one or "container"
    for name in parts:
        id_ = _odd_part(evidence, name, parts[name], wanted[name], facts)
        if id_:
            return id_
    return ""


def _odd_part(
    evidence: Evidence,
    name: str,
    got: Any,
    want: Any,
    facts: Facts,
) -> str:
    facts |= {
        "part": called(name),
        "kind": kind(got),
        "wanted": wanted_kind(want),
    }
    if mistakes.is_pullback_tuple(got, want):
        return "pullback-tuple"
    if callable(got):
        return "returned-function"
    if is_array(want) and is_array(got):
        if np.iscomplexobj(got) and not np.iscomplexobj(want):
            return "complex-result"
        return ""
    if mistakes.is_list_of_entries(got, want, evidence.loose):
        return "list-for-array"
    if is_array(want) and isinstance(got, (list, tuple)):
        for place, item in enumerate(got):
            if same_tree(item, want, evidence.loose):
                facts["place"] = str(place)
                return "extra-part"
    leaves = by_path(got)
    wanted = by_path(want)
    if leaves.keys() != wanted.keys():
        if facts["kind"] == facts["wanted"]:
            facts["kind"] += f" whose entries are {', '.join(leaves)}"
            facts["wanted"] += f" whose entries are {', '.join(wanted)}"
        return "part-container"
    for path, value in wanted.items():
        if is_array(value) and not is_array(leaves[path]):
            facts |= {"part": called(name + path), "kind": kind(leaves[path])}
            return "no-number"
    return ""


def order(evidence: Evidence, _: Any) -> Diagnosis | None:
    """The right parts, in another order."""
    return (
        diagnose(evidence.question, "swapped")
        if _is_reordered(evidence)
        else None
    )


def _is_reordered(evidence: Evidence) -> bool:
    trials = evidence.trials
    if all(
        same_tree(trial.got, trial.want, evidence.loose) for trial in trials
    ):
        return False
    return all(
        mistakes.is_reordered(trial.got, trial.want, evidence.loose)
        for trial in trials
    )


def shape(evidence: Evidence, answer: Any) -> Diagnosis | None:
    question = evidence.question
    for parts in evidence.wrong_series():
        for part in parts:
            if np.shape(part.got) == np.shape(part.want) or not part.is_numeric:
                continue
            known = _predicted(evidence, parts, answer)
            if known:
                return known
            facts = part_facts(part)
            owner = question.shape_of.get(part.name)
            facts["like"] = f", that of {owner}" if owner else ""
            return diagnose(question, "shape", facts)
    return None


def not_finite(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A NaN or an infinity, and where in the answer's program it first appears.

    Where finite numbers are wrong at other points, these are the first thing to look at.
    """
    for parts in evidence.wrong_series():
        if any(
            p.fits and not p.agrees and np.all(np.isfinite(p.got))
            for p in parts
        ):
            continue
        for part in parts:
            if not part.is_numeric or not np.all(np.isfinite(part.want)):
                continue
            if not np.all(np.isfinite(part.got)):
                name = (
                    "NaN (not a number)"
                    if np.isnan(part.got).any()
                    else INFINITY
                )
                facts = part_facts(part) | {"kind": name, "first": ""}
                return _first_bad(evidence, facts, part.trial, home(answer))
    return None


def _first_bad(
    evidence: Evidence,
    facts: Facts,
    trial: Trial,
    file: str,
) -> Diagnosis:
    question = evidence.question
    read = program.program_of(
        evidence.call, trial.case.arguments, evidence.precision
    )
    bad = program.first_bad(read) if read else None
    if not read or not bad:
        return diagnose(question, "nan", facts)
    facts |= program.bad_facts(read, bad, file)
    survived = any(
        np.all(np.isfinite(x)) for x in arrays_of([trial])
    )  # a value beside its slope
    is_trap = (
        facts["kind"] != INFINITY  # 0 · inf, of the branch that was not taken
        and program.chooses(read)
        and (survived or "jvp(" in bad.scope)
    )
    picture = ladder_at(read, bad)
    return diagnose(
        question,
        "where-trap" if is_trap else "nan",
        facts,
        picture=picture,
    )


def doubtful_reference(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Right at other points; here JAX's rule and difference quotients differ, and it is the latter.

    What is right by a difference quotient may be right: nobody is told otherwise.
    """
    wrong = evidence.wrong_series()
    if not wrong or not all(any(p.agrees for p in parts) for parts in wrong):
        return None
    doubtful: Trial | None = None
    pairs = zip(evidence.trials, by_quotients(evidence.question), strict=True)
    for trial, quotients in pairs:
        if same_tree(trial.got, trial.want, evidence.loose):
            continue
        is_quotient = same_tree(trial.got, quotients, OF_A_QUOTIENT)
        if not is_quotient or same_tree(quotients, trial.want, NEAR):
            return None
        doubtful = doubtful or trial
    if doubtful is None:
        return None
    facts = facts_of(evidence, None) | {"where": doubtful.case.label}
    return diagnose(evidence.question, "doubtful-reference", facts)


def predicted_value(evidence: Evidence, answer: Any) -> Diagnosis | None:
    for parts in evidence.wrong_series():
        diagnosis = _predicted(evidence, parts, answer)
        if diagnosis:
            return diagnosis
    return None


def _predicted(
    evidence: Evidence,
    parts: list[Part],
    answer: Any,
) -> Diagnosis | None:
    explanation = mistakes.explain(evidence, parts)
    if explanation is None:
        return None
    id_, facts = explanation
    # whatever the numbers look like: the code itself may say so
    id_ = seen_in_code(answer) or id_
    return diagnose(evidence.question, id_, part_facts(telling(parts)) | facts)


def nearly(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Nearly right: a difference quotient, too few digits, a cancellation."""
    for parts in evidence.wrong_series():
        errors = [part.error for part in parts]
        facts = part_facts(telling(parts)) | {"error": off_by(max(errors))}
        step = _step(evidence, parts) if min(errors) < NEAR else None
        if step:
            facts["step"] = number(step, 3)
            asked = _asks_for_a_quotient(evidence.question)
            return diagnose(
                evidence.question,
                "own-step" if asked else "finite-difference",
                facts,
            )
        if max(errors) < NEAR and np.median(errors) < NEAR / 5:
            return _imprecise(evidence, parts, facts, max(errors))
    return None


def _asks_for_a_quotient(question: Question) -> bool:
    return any(name in STEP_NAMES for name in question.cases()[0].arguments)


def _step(evidence: Evidence, parts: list[Part]) -> float | None:
    arguments = telling(parts).trial.case.arguments
    read = program.program_of(evidence.call, arguments, evidence.precision)
    step = program.difference_step(read) if read else None
    if step and _asks_for_a_quotient(evidence.question):
        asked = [arguments[name] for name in STEP_NAMES if name in arguments]
        if any(abs(step / float(h) - 1) < 1e-3 for h in asked):
            return None  # the step that the question gives
    return step


def _imprecise(
    evidence: Evidence,
    parts: list[Part],
    facts: Facts,
    error: float,
) -> Diagnosis | None:
    question = evidence.question
    if any(np.asarray(part.got).dtype.itemsize < 4 for part in parts):
        return diagnose(question, "half-precision", facts)
    single = in_precision(question, evidence.call, "float32").series()
    worse = max(
        (part.error for part in single.get(parts[0].name, [])),
        default=0.0,
    )
    if evidence.precision == "float64" and worse > max(1e3 * error, 1e-4):
        return diagnose(
            question,
            "cancellation",
            facts | {"worse": off_by(worse)},
        )
    for part in parts:
        if not np.allclose(
            part.got, part.want, NEARLY, part.tolerance * scale_of(part.want)
        ):
            return None
    return diagnose(question, "nearly", facts)


def broken_law(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A law that does not hold; also where every number agreed with the reference."""
    for law, where, sides in _laws(evidence):
        if isinstance(sides, Exception):
            if evidence.right:
                return explain_error(evidence.question, sides, answer)
            continue
        left, right = sides
        if not same_tree(left, right, evidence.loose):
            facts = {"law": law.statement, "where": where}
            facts |= side_facts(left, right, evidence.loose)
            return diagnose(evidence.question, "law", facts)
    return None


def _laws(evidence: Evidence) -> Iterator[tuple[Requirement, str, Any]]:
    def call(**arguments: Any) -> Any:
        fresh = inputs(arguments, evidence.precision)
        return to_numpy(evidence.call(*fresh.values()))

    with jax.enable_x64(evidence.precision == "float64"):
        for requirement in evidence.question.requirements:
            if requirement.sides is None:
                continue
            for trial in evidence.trials:
                try:
                    sides: Any = to_numpy(
                        requirement.sides(call, trial.case.arguments)
                    )
                except Exception as error:
                    sides = error
                yield requirement, trial.case.label, sides


def unknown_error(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """Nothing predicted: how far it is right, and where it is not."""
    question = evidence.question
    for parts in evidence.wrong_series():
        part = telling(parts)
        facts = part_facts(part) | {"count": extent(evidence, parts)}
        id_ = seen_in_code(answer)
        if id_:
            return diagnose(question, id_, facts)
        bad_points = {p.trial.case.point for p in parts if not p.agrees}
        # a count neither overflows nor loses digits
        may_lose = part.is_numeric and not is_counted(part.want)
        is_large = may_lose and bad_points <= set(question.large_points)
        picture = marked(part)
        twin = picture.text() if picture else ""
        return diagnose(
            question,
            "only-large" if is_large else "off",
            facts,
            twin,
            picture,
        )
    return None


def once_only(evidence: Evidence, _: Any) -> Diagnosis | None:
    """Right the first time: and the second?"""
    if observe(evidence.question, evidence.call).right:
        return None
    return diagnose(evidence.question, "impure")


def broken_requirement(evidence: Evidence, answer: Any) -> Diagnosis | None:
    for requirement in evidence.question.requirements:
        if requirement.holds is None:
            continue
        for trial in evidence.trials:
            with jax.enable_x64(evidence.precision == "float64"):
                arguments = inputs(trial.case.arguments, evidence.precision)
                try:
                    holds = requirement.holds(answer, arguments)
                except Unsolved:
                    raise
                except Exception:
                    holds = False
            if holds is not True:
                facts = {"where": trial.case.label, **(holds or {})}
                return diagnose(evidence.question, requirement.id, facts)
    return None


def ready_made(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A name that the question's text rules out, in a function of the answer's cell."""
    return ruled_out(evidence.question, map(_tree_of, [code_of(answer)]))


def ruled_out(
    question: Question,
    cells: Iterable[ast.Module],
) -> Diagnosis | None:
    """A name that the question's text rules out, in what the answer uses of these cells.

    They are asked for only where the text rules one out.
    """
    used = set(question.without)
    if used:
        used &= _used_by(question.name, cells)
    if not used:
        return None
    return diagnose(question, "ready-made", {"used": f"`{min(used)}`"})


# What a right answer costs: its largest array, its calls, its mode.


def too_costly(evidence: Evidence, answer: Any) -> Diagnosis | None:
    """A limit of the question that is exceeded; without limits, what is costly in any question.

    What an answer raises at the size of a limit it raises at other sizes: that is told.
    """
    try:
        return _too_costly(evidence)
    except Unsolved:
        raise
    except Exception as error:
        return explain_error(evidence.question, error, answer)


def _too_costly(evidence: Evidence) -> Diagnosis | None:
    question = evidence.question
    for limit in question.cost_limits:
        facts = _exceeded(evidence, limit)
        if facts:
            return diagnose(question, limit.id, {"size": limit.size, **facts})
        if limit.largest is not None:
            # NumPy hides a matrix that is made of one pass for each column
            arguments = limit.arguments()
            found = _pass_for_each(evidence, arguments, _largest_of(arguments))
            if found:
                return found
    if question.cost_limits:
        return None
    trial = max(evidence.trials, key=_size_of)
    size = _size_of(trial)
    if size < LARGE:  # too small to tell
        return None
    return _whole_jacobian(evidence, trial, size) or _pass_for_each(
        evidence, trial.case.arguments, size
    )


def _exceeded(evidence: Evidence, limit: CostLimit) -> Facts:
    """What exceeds a limit, in words; nothing where it holds."""
    arguments = limit.arguments()
    if limit.calls:
        counts = program.calls(evidence.call, arguments, evidence.precision)
        for name, count in counts.items():
            most = limit.calls.get(name.partition("[")[0], count)
            if count > most:
                facts = {"function": name, "calls": str(count)}
                return facts | {"most": "one" if most == 1 else str(most)}
        return {}
    read = program.outline_of(evidence.call, arguments, evidence.precision)
    if limit.mode:
        used = program.mode(read) if read else ""
        return (
            {"mode": used, "wanted": limit.mode}
            if used not in ("", limit.mode)
            else {}
        )
    if read:
        largest = program.largest(read)
    else:
        largest = program.largest_when_run(
            evidence.call, arguments, evidence.precision
        )
    if limit.largest is not None and largest > limit.largest:
        return {"largest": f"{largest:,}"}
    return {}


def _size_of(trial: Trial) -> int:
    """How many entries the largest of a trial's arguments and results has."""
    return _largest_of([dict(trial.case.arguments), trial.want])


def _largest_of(values: Any) -> int:
    leaves = jax.tree.leaves(values)
    return max(
        (np.size(leaf) for leaf in leaves if is_array(leaf)),
        default=0,
    )


def _whole_jacobian(
    evidence: Evidence,
    trial: Trial,
    size: int,
) -> Diagnosis | None:
    read = program.outline_of(
        evidence.call, trial.case.arguments, evidence.precision
    )
    elements = program.whole_jacobian(read, size) if read else None
    if elements is None:
        return None
    facts = {"size": f"{size} entries", "largest": f"{elements:,}"}
    return diagnose(evidence.question, "dense-jacobian", facts)


def _pass_for_each(
    evidence: Evidence,
    arguments: Arguments,
    size: int,
) -> Diagnosis | None:
    """A loop over the entries of a vector, in a question whose product takes a single pass."""
    if not evidence.trials[0].case.tangents or not any(
        map(callable, jax.tree.leaves(dict(arguments)))
    ):
        return None
    counts = program.calls(evidence.call, arguments, evidence.precision)
    if not counts:
        return None
    name, count = max(counts.items(), key=lambda pair: pair[1])
    if count < size:
        return None
    facts = {
        "function": name,
        "calls": str(count),
        "size": f"{size} entries",
    }
    return diagnose(evidence.question, "one-pass-per-input", facts)


STEPS = (
    changed_input,
    parameter_order,
    foreseen_mistake,
    raised,
    container,
    order,
    shape,
    not_finite,
    doubtful_reference,
    predicted_value,
    nearly,
    broken_law,
    unknown_error,
    once_only,
    broken_requirement,
    ready_made,
    too_costly,
)


# A right answer that goes around the lesson.


def around_the_lesson(
    question: Question,
    answer: Any,
    solution: str,
) -> Diagnosis | None:
    """What is said of a right answer that calls what the author's solution writes out.

    The code has to name it; and derivatives must be in the answer's program, too, since a cell may
    name them in a test of its own.
    """
    if not solution or question.answer == "value" or question.adapt:
        return None
    written = _foreign_names(_tree_of(solution))
    names = READY_MADE & _foreign_names(_tree_of(code_of(answer)))
    names -= written
    if not names or written & {*DERIVATIVES}:
        return None
    used = f"`{min(names)}`"
    if names & {*DERIVATIVES}:
        arguments = question.cases()[0].arguments
        read = program.outline_of(answer, arguments, "float64")
        mode = program.mode(read) if read else ""
        if not mode:
            return None
        used = f"JAX's own derivatives (in {mode} mode)"
    return diagnose(question, "around-the-lesson", {"used": used})


def _used_by(
    name: str,
    cells: Iterable[ast.Module],
) -> set[str]:
    """The foreign names in a function and in all that it uses; what stands beside may be a test.

    All that is said of a name is read: `f = g`, `f.defvjp(g, h)` and `f.rule = g` speak of f.
    """
    said: dict[str, list[ast.stmt]] = {}
    for cell in cells:
        for statement in cell.body:
            for of in _spoken_of(statement):
                said.setdefault(of, []).append(statement)
    used: set[str] = set()
    left = {name}
    while left:
        statements = said.pop(left.pop(), [])
        for statement in statements:
            names = _foreign_names(statement)
            used |= names
            left |= names
    return used


def _spoken_of(statement: ast.stmt) -> set[str]:
    """The names that a statement outside of functions defines or changes."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Expr):
        function = getattr(statement.value, "func", None)
        if isinstance(function, ast.Attribute):
            return _names_in(function)
        return set()
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            found |= _names_in(node)
    return found


def _names_in(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _tree_of(code: str) -> ast.Module:
    """Code as a tree; an empty one where it is not Python."""
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module([], [])


def _foreign_names(tree: ast.AST) -> set[str]:
    """The names that a piece of code uses and does not define, and those of attributes."""
    own = set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.Name):
            own.add(node.id)
    return names - own


# The student's code, where it is known.


def _code_object(answer: Any) -> Any:
    try:
        return getattr(inspect.unwrap(answer), "__code__", None)
    except Exception:  # an object that raises whatever it is asked
        return None


def home(answer: Any) -> str:
    """The file or the notebook's cell that an answer was written in; empty where none is known."""
    file = str(getattr(_code_object(answer), "co_filename", ""))
    return "" if _is_foreign(file) else file


def _is_foreign(file: str) -> bool:
    """Whether a file is a library's, or a specification's: not the student's own."""
    if not file or file.endswith(".spec.py") or file.startswith("<frozen"):
        return True
    path = Path(file)
    packages = (KIT / "olympus", KIT / "olympus_kit")
    if any(path.is_relative_to(folder) for folder in packages):
        return True
    libraries = {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
    }
    return any(path.is_relative_to(folder) for folder in libraries)


def code_of(answer: Any) -> str:
    """The text of the cell in which an answer was written; empty where it is not known."""
    return "".join(linecache.getlines(home(answer)))


def user_line(error: BaseException, answer: Any) -> str:
    """`Line 3 of your cell: y = x[0]`; empty where it cannot be told."""
    frames = traceback.extract_tb(error.__traceback__)
    file = home(answer)
    own = [frame for frame in frames if frame.filename == file]
    if not own or not own[-1].line:
        return ""
    return f"Line {own[-1].lineno} of your cell: {own[-1].line}"


def seen_in_code(answer: Any) -> str:
    """The id of a mistake that the code itself shows, whatever its results are; else nothing."""
    code = _code_object(answer)
    if code is None:
        return ""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return ""
    for node in ast.walk(tree):
        if _returns_at_once(node):
            return "return-in-loop"
        if isinstance(node, ast.Expr) and UPDATE.search(ast.unparse(node)):
            return "update-thrown-away"
    return ""


def _returns_at_once(node: ast.AST) -> bool:
    """Whether a loop ends in a `return`, so that it has no second iteration."""
    if not isinstance(node, (ast.For, ast.While)):
        return False
    is_last = isinstance(node.body[-1], ast.Return)
    return is_last and not any(
        isinstance(n, ast.Continue) for n in ast.walk(node)
    )
