"""The mistakes that explain a wrong array: what each predicts, and the order in which they win.

Predictions come from three sources: transformations of the right result, the question's own
reference asked wrongly, and single edits of the author's solution, whose results the release has
put beside the exercise. One comparer decides whether an answer is what a mistake predicts.

Where several explain the numbers, the first of this order wins, from the statement that leaves
nothing to fit to the one that fits most:

1. what the question's author foresaw (`Question.predictions`);
2. a transformation of the right result (a sign, a transpose, sums, another place);
3. a length of the data as a factor;
4. the reference asked wrongly (arguments exchanged, a factor of the chain left out);
5. a factor such as 2 or 1/3, the same in every entry of every case;
6. a single edit of the solution;
7. another part of the right result, or an argument as it came;
8. another number fitted to the data (a factor, an offset);
9. a result that does not change with what it should depend on.
"""

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, groupby, permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compare import TRANSFORMATIONS, common_factor, is_made_by
from .evidence import (
    CLOSE,
    STORED,
    EditRow,
    Evidence,
    Series,
    entries,
    same,
    same_tree,
)
from .message import Facts, called, number
from .run import CaseByCase, is_array
from .spec import Question

FITTED = 3  # numbers that a factor which is fitted to them must explain
Explanation = tuple[str, Facts]  # a mistake's id, and what was detected
Change = Callable[
    [dict[str, Any]], Any
]  # of arguments, or what is read off them
# what a mistake makes of the arguments and of the right result
Rule = Callable[[dict[str, Any], Any], Any]
FIXED = {
    "0": jnp.zeros_like,
    "1": jnp.ones_like,
}  # numbers used in place of an argument


def pack_edits(rows: Sequence[EditRow]) -> str:
    """The rows as a text; the numbers in single precision."""
    table = []
    values: list[float] = []
    for row in rows:
        table.append([
            row.id,
            row.facts,
            row.part,
            [list(shape) for shape in row.shapes],
        ])
        for numbers in row.numbers:
            values.extend(numbers)
    head = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    body = np.asarray(values, dtype="<f4").tobytes()
    packed = zlib.compress(len(head).to_bytes(4, "little") + head + body, 9)
    return base64.b64encode(packed).decode()


@lru_cache(maxsize=64)
def unpack_edits(text: str) -> tuple[EditRow, ...]:
    """What `pack_edits` wrote; nothing of an empty text."""
    if not text:
        return ()
    raw = zlib.decompress(base64.b64decode(text))
    length = int.from_bytes(raw[:4], "little")
    values = np.frombuffer(raw[4 + length :], dtype="<f4").astype(float)
    rows = []
    at = 0
    for id_, facts, part, shapes in json.loads(raw[4 : 4 + length]):
        numbers = []
        for shape in shapes:
            size = min(int(np.prod(shape, dtype=int)), STORED)
            numbers.append(values[at : at + size].tolist())
            at += size
        rows.append(EditRow(id_, facts, part, shapes, numbers))
    return tuple(rows)


def explain(evidence: Evidence, parts: Series) -> Explanation | None:
    """The first mistake, in the order above, that explains one wrong array."""
    if not all(part.is_numeric for part in parts):
        return None
    # an array without entries is like any transformation of itself
    filled = [part for part in parts if np.size(part.want)] or parts
    exact = (
        by_transformation(filled)
        or by_length(filled)
        or by_prediction(evidence, parts)
    )
    if exact:
        return exact
    constant = by_constant(filled)
    if constant and _is_simple(constant):
        return constant
    if constant and not _is_shared(constant, evidence):
        constant = None
    return (
        by_edit(evidence.edits, parts)
        or by_name(evidence, parts)
        or constant
        or by_indifference(parts)
    )


def _is_shared(constant: Explanation, evidence: Evidence) -> bool:
    """Whether a fitted number says anything: it explains `FITTED` numbers, and every wrong array.

    Whatever one number is, some factor makes another of it.
    """
    wrong = evidence.wrong_series()
    numbers = 0
    for parts in wrong:
        if by_constant(parts) != constant:
            return False
        numbers += sum(int(np.count_nonzero(part.want)) for part in parts)
    return numbers >= FITTED


def _is_simple(explanation: Explanation) -> bool:
    """Whether it is a factor such as 2 or 1/3, which is itself what a student looks for."""
    id_, facts = explanation
    if id_ != "factor":
        return False
    factor = abs(float(facts["factor"]))
    return any(
        abs(factor * n - 1) < 1e-3 or abs(factor / n - 1) < 1e-3
        for n in range(1, 11)
    )


def _is_clearly_wrong(parts: Series, tolerance: float) -> bool:
    return any(not same(part.got, part.want, 10 * tolerance) for part in parts)


def by_transformation(parts: Series) -> Explanation | None:
    """The first transformation of the right result that fits in every case."""
    tolerance = max(parts[0].tolerance, CLOSE)
    if not _is_clearly_wrong(parts, tolerance):
        return None
    for id_ in TRANSFORMATIONS:
        if all(
            is_made_by(id_, part.got, part.want, tolerance) for part in parts
        ):
            odd = next(part for part in parts if not part.agrees)
            length = len(np.atleast_1d(odd.got))
            return id_, {"length": str(length)}
    return None


def by_name(evidence: Evidence, parts: Series) -> Explanation | None:
    """Something else that has a name: another part of the right result, or an argument."""
    tolerance = max(parts[0].tolerance, CLOSE)
    if not _is_clearly_wrong(parts, tolerance):
        return None
    candidates: list[tuple[str, Facts, list[Any]]] = []
    for name, others in evidence.series().items():
        if name != parts[0].name and len(others) == len(parts):
            wanted = [other.want for other in others]
            candidates.append(("other-part", {"other": called(name)}, wanted))
    for name in parts[0].trial.case.arguments:
        values = [part.trial.case.arguments[name] for part in parts]
        candidates.append(("argument-returned", {"argument": name}, values))
    for id_, facts, values in candidates:
        pairs = zip(parts, values, strict=True)
        if all(same(part.got, value, tolerance) for part, value in pairs):
            return id_, facts
    return None


def by_length(parts: Series) -> Explanation | None:
    """Too small by the length of some argument's first axis, more than one."""
    tolerance = max(parts[0].tolerance, CLOSE)
    arguments = [part.trial.case.arguments for part in parts]
    for name, value in arguments[0].items():
        if not is_array(value):
            continue
        lengths = [len(np.atleast_1d(a[name])) for a in arguments]
        if min(lengths) < 2:
            continue
        if all(
            same(n * part.got, part.want, tolerance)
            for n, part in zip(lengths, parts, strict=True)
        ):
            return "mean-for-sum", {
                "length": str(lengths[0]),
                "argument": name,
            }
    return None


def by_constant(parts: Series) -> Explanation | None:
    """The same factor, or the same number too much, in every entry of every case."""
    tolerance = max(parts[0].tolerance, CLOSE)
    if not all(part.fits for part in parts) or not _is_clearly_wrong(
        parts, tolerance
    ):
        return None
    if any(np.iscomplexobj(part.got) for part in parts):
        return None
    got = np.concatenate([np.ravel(part.got) for part in parts]).astype(float)
    want = np.concatenate([np.ravel(part.want) for part in parts]).astype(float)
    factor = common_factor(got, want)
    usable = (
        np.isfinite(factor) and abs(factor) > 1e-12 and abs(factor - 1) > 1e-3
    )
    if usable and all(
        same(part.got, factor * part.want, tolerance) for part in parts
    ):
        return "factor", {"factor": number(factor, 4)}
    offset = float(np.median(got - want)) if got.size else 0.0
    if np.isfinite(offset) and _is_shifted(parts, offset, tolerance):
        return "offset", {"offset": number(offset, 4)}
    return None


def _is_shifted(
    parts: Series,
    offset: float,
    tolerance: float,
) -> bool:
    for part in parts:
        difference = np.asarray(part.got) - np.asarray(part.want)
        if not same(difference, np.full(difference.shape, offset), tolerance):
            return False
    return True


def by_indifference(parts: Series) -> Explanation | None:
    """Something that the result should depend on, and does not."""
    if _unmoved([parts]):
        return "constant-answer", {}
    groups = [
        list(group)
        for _, group in groupby(parts, lambda part: part.trial.case.point)
    ]
    names = " and ".join(parts[0].trial.case.tangents)
    if _unmoved(groups):
        return "tangent-ignored", {"argument": names}
    return None


def _unmoved(groups: Sequence[Series]) -> bool:
    """Whether the result is the same within each group, though it should not be."""
    should_move = False
    for group in groups:
        for part in group:
            if not same(part.got, group[0].got, CLOSE):
                return False
            should_move = should_move or not same(
                part.want, group[0].want, CLOSE
            )
    return should_move


def by_edit(edits: Sequence[EditRow], parts: Series) -> Explanation | None:
    """A single edit of the author's solution that gives this wrong array."""
    for row in edits:
        if row.explains(parts):
            return row.id, dict(row.facts)
    return None


# The question's own reference, asked wrongly.


def by_prediction(evidence: Evidence, parts: Series) -> Explanation | None:
    """The first predicted mistake that gives this wrong array.

    An argument that is held fixed gives all wrong arrays; one alone may be so by coincidence, since
    with zeros and ones much is equal.
    """
    question = evidence.question
    if len(parts) != len(question.cases()):
        return None
    for id_, facts, results in predictions(question):
        explained: Sequence[Series] = [parts]
        if id_ == "argument-fixed":
            explained = evidence.wrong_series()
        if all(_is_explained(question, one, results) for one in explained):
            return id_, facts
    return None


def _is_explained(
    question: Question, parts: Series, results: CaseByCase
) -> bool:
    """Whether a mistake gives these wrong arrays, and not the right ones as well."""
    tolerance = max(parts[0].tolerance, CLOSE)
    is_telling = False
    for place, part in enumerate(parts):
        made = results.at(place, part.trial)
        value = entries(question, made).get(part.name)
        if not same(part.got, value, tolerance):
            return False
        is_telling = is_telling or not same(value, part.want, 10 * tolerance)
    return is_telling


@lru_cache(maxsize=64)
def predictions(question: Question) -> list[tuple[str, Facts, CaseByCase]]:
    """Every mistake in asking the reference; what it gives is kept for later answers."""
    return [
        (id_, facts, CaseByCase(rule)) for id_, facts, rule in _rules(question)
    ]


def _rules(question: Question) -> Iterator[tuple[str, Facts, Rule]]:
    case = question.cases()[0]
    arrays = [name for name, value in case.arguments.items() if is_array(value)]
    functions = [
        name for name, value in case.arguments.items() if callable(value)
    ]
    primals = [name for name in arrays if name not in case.tangents]

    def asked(change: Change) -> Rule:
        return lambda arguments, _: question.reference(
            *(arguments | change(arguments)).values()
        )

    if case.tangents:
        ones = lambda a: {
            t: jax.tree.map(jnp.ones_like, a[t]) for t in case.tangents
        }
        yield (
            "tangent-ignored",
            {"argument": " and ".join(case.tangents)},
            asked(ones),
        )
    for x, y in combinations(arrays, 2):
        yield (
            "arguments-swapped",
            {"first": x, "second": y},
            asked(_exchange(x, y)),
        )
    batch = _batch(question, arrays)
    if batch:
        yield (
            "overwritten",
            {},
            asked(lambda a: {name: a[name][-1:] for name in batch}),
        )
    for f in functions:
        yield "value-for-derivative", {"f": f}, _value(f, primals)
        yield "derivative-too-many", {"f": f}, asked(_differentiated(f))
        for x in arrays:
            yield (
                "rule-at-output",
                {"f": f, "argument": x},
                asked(_moved(f, x)),
            )
    for words, factor in _factors(arrays, functions):
        yield (
            "missing-chain-factor",
            {"missing": words},
            _changed(factor, np.divide),
        )
        yield (
            "extra-factor",
            {"missing": words},
            _changed(factor, np.multiply),
        )
    for x in arrays:
        for words, fixed in FIXED.items():
            yield (
                "argument-fixed",
                {"argument": x, "number": words},
                asked(_fixed(x, fixed)),
            )


def _exchange(x: str, y: str) -> Change:
    return lambda a: {x: a[y], y: a[x]}


def _moved(f: str, x: str) -> Change:
    return lambda a: {x: a[f](a[x])}


def _differentiated(f: str) -> Change:
    """The derivative in the place of the function itself."""
    return lambda a: {f: jax.grad(a[f])}


def _fixed(x: str, fixed: Callable[[Any], Any]) -> Change:
    return lambda a: {x: jax.tree.map(fixed, a[x])}


def _value(f: str, arguments: list[str]) -> Rule:
    return lambda a, _: a[f](*[a[x] for x in arguments])


def _factors(
    arrays: list[str], functions: list[str]
) -> Iterator[tuple[str, Change]]:
    """What a factor may be: an argument, or the slope of a function at one."""
    for x in arrays:
        yield x, _argument(x)
    for f in functions:
        for x in arrays:
            yield f"{f}′({x})", _slope(f, x)


def _argument(x: str) -> Change:
    return lambda a: a[x]


def _slope(f: str, x: str) -> Change:
    return lambda a: jax.grad(a[f])(a[x])


def _changed(factor: Change, change: Callable[[Any, Any], Any]) -> Rule:
    """The right result, divided or multiplied by a factor wherever the shapes allow that."""

    def rule(arguments: dict[str, Any], want: Any) -> Any:
        by = np.asarray(factor(arguments))

        def fitting(part: Any) -> Any:
            try:
                with np.errstate(all="ignore"):
                    return change(part, by)
            except (TypeError, ValueError):
                return None

        return jax.tree.map(fitting, want)

    return rule


def _batch(question: Question, arrays: list[str]) -> list[str]:
    """The arguments that have as many rows as the first array has, in every case."""
    rows = set(arrays)
    for case in question.cases():
        lengths = {name: np.shape(case.arguments[name])[:1] for name in arrays}
        if not arrays or not lengths[arrays[0]] or lengths[arrays[0]][0] < 2:
            return []
        rows &= {name for name in arrays if lengths[name] == lengths[arrays[0]]}
    return [name for name in arrays if name in rows]


# Containers.


def is_pullback_tuple(got: Any, want: Any) -> bool:
    """A tuple of one array where an array should be, as a function from `vjp` gives it."""
    return (
        is_array(want)
        and isinstance(got, tuple)
        and len(got) == 1
        and is_array(got[0])
    )


def is_list_of_entries(
    got: Any,
    want: Any,
    tolerance: float,
) -> bool:
    """The right numbers in a list or tuple, where one array was asked for."""
    if not is_array(want) or not isinstance(got, (list, tuple)):
        return False
    try:
        stacked = np.asarray(got)
    except Exception:
        return False
    return (
        is_array(stacked)
        and stacked.dtype.kind != "O"
        and same(stacked, want, tolerance)
    )


def joined(
    got: Any,
    parts: Sequence[Any],
    tolerance: float,
) -> str:
    """The id of what made one array of the right parts, where a tuple was asked for."""
    if not is_array(got) or not all(is_array(part) for part in parts):
        return ""
    if len({np.shape(part) for part in parts}) > 1:
        return ""
    if same(got, np.sum(np.stack(parts), axis=0), tolerance):
        return "summed-parts"
    return "stacked-parts" if same(got, np.stack(parts), tolerance) else ""


def is_reordered(
    got: Any,
    want: Any,
    tolerance: float,
) -> bool:
    """The right parts in another order."""
    if not (
        isinstance(got, (tuple, list))
        and isinstance(want, tuple)
        and len(got) == len(want)
    ):
        return False
    if len(got) > 5:
        return False
    return any(
        same_tree(turned, want, tolerance) for turned in permutations(got)
    )
