"""Wrong results that can be predicted for any question: its own reference, asked wrongly.

Each prediction is a rule that makes a result of the arguments. An answer that gives the same
numbers in every case has made that mistake.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations, product
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._evidence import CLOSE, Series, entries, same
from ._run import is_array, results, to_numpy
from ._spec import Question
from ._words import Facts

Arguments = dict[str, Any]
Rule = Callable[[Arguments], Any]


def by_prediction(question: Question, parts: Series) -> tuple[str, Facts] | None:
    """The first predicted mistake that gives this wrong array."""
    for id_, known, predicted in predictions(question):
        found = [entries(question, result).get(parts[0].name) for result in predicted]
        pairs = list(zip(parts, found, strict=False))
        tolerance = max(parts[0].tolerance, CLOSE)
        fits = len(found) == len(parts) and all(same(p.got, f, tolerance) for p, f in pairs)
        if fits and any(not same(f, p.want, 10 * tolerance) for p, f in pairs):
            return id_, known
    return None


@lru_cache(maxsize=64)
def predictions(question: Question) -> list[tuple[str, Facts, list[Any]]]:
    """Every mistake with what it gives in every case; computed once, for a first wrong answer."""
    return [(id_, known, results(question, rule)) for id_, known, rule in _rules(question)]


def _rules(question: Question) -> Iterator[tuple[str, Facts, Rule]]:
    case = question.cases()[0]
    arrays = [name for name, value in case.arguments.items() if is_array(value)]
    functions = [name for name, value in case.arguments.items() if callable(value)]
    primals = [name for name in arrays if name not in case.tangents]

    def asked(change: Rule) -> Rule:
        return lambda a: question.reference(*(a | change(a)).values())

    if case.tangents:
        ones = asked(lambda a: {t: jax.tree.map(jnp.ones_like, a[t]) for t in case.tangents})
        yield "tangent-ignored", {"argument": " and ".join(case.tangents)}, ones
    for x, y in combinations(arrays, 2):
        yield "arguments-swapped", {"first": x, "second": y}, asked(_exchange(x, y))
    if batch := _batch(question, arrays):
        yield "overwritten", {}, asked(lambda a: {name: a[name][-1:] for name in batch})
    for f in functions:
        yield "value-for-derivative", {"f": f}, _value(f, primals)
        for x in arrays:
            yield "rule-at-output", {"f": f, "argument": x}, asked(_moved(f, x))
    for words, factor in _factors(arrays, functions):
        yield "missing-chain-factor", {"missing": words}, _changed(question, factor, np.divide)
        yield "extra-factor", {"missing": words}, _changed(question, factor, np.multiply)


def _exchange(x: str, y: str) -> Rule:
    return lambda a: {x: a[y], y: a[x]}


def _moved(f: str, x: str) -> Rule:
    return lambda a: {x: a[f](a[x])}


def _value(f: str, arguments: list[str]) -> Rule:
    return lambda a: a[f](*[a[x] for x in arguments])


def _factors(arrays: list[str], functions: list[str]) -> Iterator[tuple[str, Rule]]:
    """What a factor may be: an argument, or the slope of a function at one."""
    for x in arrays:
        yield x, itemgetter(x)
    for f, x in product(functions, arrays):
        yield f"{f}′({x})", _slope(f, x)


def _slope(f: str, x: str) -> Rule:
    return lambda a: jax.grad(a[f])(a[x])


def _changed(question: Question, factor: Rule, change: Callable[[Any, Any], Any]) -> Rule:
    """The right result, divided or multiplied by a factor wherever the shapes allow that."""

    def rule(a: Arguments) -> Any:
        by = np.asarray(factor(a))

        def fitting(want: Any) -> Any:
            try:
                with np.errstate(all="ignore"):
                    return change(want, by)
            except (TypeError, ValueError):
                return None

        return jax.tree.map(fitting, to_numpy(question.reference(*a.values())))

    return rule


def _batch(question: Question, arrays: list[str]) -> list[str]:
    """The arguments that have as many rows as the first array has, in every case."""
    sizes = [[np.shape(case.arguments[x])[:1] for x in arrays] for case in question.cases()]
    if not arrays or not all(s[0] and s[0][0] > 1 for s in sizes):
        return []
    return [x for i, x in enumerate(arrays) if all(s[i] == s[0] for s in sizes)]
