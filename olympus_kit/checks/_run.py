"""Run an answer at the points of its question, in float64 or float32, and record what happens."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._spec import Arguments, Case, Question
from ._unsolved import Unsolved


@dataclass(frozen=True)
class Trial:
    """One call of an answer: what came back or was raised, and which arguments it changed."""

    case: Case
    want: Any
    got: Any = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()


def trials(question: Question, answer: Callable[..., Any], precision: str) -> list[Trial]:
    """Call `answer` at every case of `question`; `precision` is "float64" or "float32"."""
    pairs = zip(question.cases(), references(question), strict=True)
    with jax.enable_x64(precision == "float64"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same one at every point helps nobody
        return [_try(answer, case, want, precision) for case, want in pairs]


@lru_cache(maxsize=256)
def references(question: Question) -> list[Any]:
    """The right results, in float64; computed once."""
    return results(question, lambda a: question.reference(*a.values()))


def results(question: Question, rule: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """What `rule` makes of the arguments of every case, in float64; what it raises, if it does."""
    with jax.enable_x64(True):
        return [_quietly(rule, inputs(case.arguments, "float64")) for case in question.cases()]


def inputs(arguments: Arguments, precision: str) -> dict[str, Any]:
    """Fresh copies of the arguments, with every real number as a JAX array of that precision."""
    return {n: jax.tree.map(lambda x: _fresh(x, precision), v) for n, v in arguments.items()}


def _fresh(value: Any, precision: str) -> Any:
    number = isinstance(value, (float, np.ndarray, jax.Array))
    if number and jnp.issubdtype(jnp.result_type(value), jnp.floating):
        return jnp.asarray(value, dtype=precision)
    return jnp.asarray(value) if isinstance(value, np.ndarray) else value


def _quietly(rule: Callable[[dict[str, Any]], Any], arguments: dict[str, Any]) -> Any:
    try:
        return to_numpy(rule(arguments))
    except Exception as error:
        return error


def _try(answer: Callable[..., Any], case: Case, want: Any, precision: str) -> Trial:
    arguments = inputs(case.arguments, precision)
    before = {name: _snapshot(value) for name, value in arguments.items()}
    try:
        got = answer(*arguments.values())
        # what a trace has left behind is no number; to use it raises what says so
        _ = [x + 0 for x in jax.tree.leaves(got) if isinstance(x, jax.core.Tracer)]
        got = to_numpy(got)
    except Unsolved:
        raise
    except (Exception, SystemExit) as error:
        return Trial(case, want, error=error)
    changed = tuple(n for n, value in arguments.items() if _snapshot(value) != before[n])
    return Trial(case, want, got, changed=changed)


def _snapshot(value: Any) -> Any:
    """What must not change in an argument: the items of its containers (JAX arrays can't)."""
    return jax.tree.structure(value), [id(item) for item in jax.tree.leaves(value)]


def to_numpy(result: Any) -> Any:
    """The result with NumPy arrays for JAX arrays, so that no float64 JAX array stays around."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if is_array(leaf) else leaf, result)


def is_array(leaf: Any) -> bool:
    """Whether it is a number or an array of numbers (not of words, dates, objects or nothing)."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind not in "OSUMmV"
    return isinstance(leaf, (jax.Array, float, int, complex))


def leaves(trial_list: Sequence[Trial]) -> list[Any]:
    """All arrays and numbers that the trials returned."""
    return [leaf for trial in trial_list for leaf in jax.tree.leaves(trial.got) if is_array(leaf)]
