"""Run an answer at the points of its question, in float64 or float32, and record what happens."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._spec import Arguments, Case, Question
from ._unsolved import Unsolved

SECONDS = 30.0


class TookTooLong(Exception):
    """An answer that ran for longer than the check waits."""


@dataclass(frozen=True)
class Trial:
    """One call of an answer: what came back or was raised, and which arguments it changed."""

    case: Case
    want: Any
    got: Any = None
    error: Exception | None = None
    changed: tuple[str, ...] = ()


def trials(question: Question, answer: Callable[..., Any], precision: str) -> list[Trial]:
    """Call `answer` at every case of `question`; `precision` is "float64" or "float32"."""
    wants = references(question)
    with jax.enable_x64(precision == "float64"), time_limit(SECONDS):
        return [
            _try(answer, case, want, precision)
            for case, want in zip(question.cases(), wants, strict=True)
        ]


def references(question: Question) -> list[Any]:
    """The right results, in float64."""
    return results(question, question.reference)


def results(question: Question, rule: Callable[..., Any]) -> list[Any]:
    """What `rule` gives at every case, in float64; an exception it raises is its result there."""
    with jax.enable_x64(True):
        return [_quietly(rule, inputs(case.arguments, "float64")) for case in question.cases()]


def inputs(arguments: Arguments, precision: str) -> dict[str, Any]:
    """Fresh copies of the arguments, with every number as a JAX array of that precision."""
    return {name: _fresh(value, precision) for name, value in arguments.items()}


def _fresh(value: Any, precision: str) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_fresh(v, precision) for v in value)
    if isinstance(value, (float, np.ndarray)):
        return jnp.asarray(value, dtype=precision)
    return value


def _quietly(rule: Callable[..., Any], arguments: Arguments) -> Any:
    try:
        return to_numpy(rule(*arguments.values()))
    except Exception as error:
        return error


def _try(answer: Callable[..., Any], case: Case, want: Any, precision: str) -> Trial:
    arguments = inputs(case.arguments, precision)
    before = {name: _snapshot(value) for name, value in arguments.items()}
    try:
        got = answer(*arguments.values())
    except (Unsolved, TookTooLong):
        raise
    except Exception as error:
        return Trial(case, want, error=error)
    changed = tuple(n for n, value in arguments.items() if _snapshot(value) != before[n])
    return Trial(case, want, to_numpy(got), changed=changed)


def _snapshot(value: Any) -> Any:
    """What must not change in an argument: the items of a list (JAX arrays can't change)."""
    return [id(item) for item in value] if isinstance(value, list) else None


def to_numpy(result: Any) -> Any:
    """The result with NumPy arrays for JAX arrays, so that no float64 JAX array stays around."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if is_array(leaf) else leaf, result)


def is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, int, complex))


def leaves(trial_list: Sequence[Trial]) -> list[Any]:
    """All arrays and numbers that the trials returned."""
    return [leaf for trial in trial_list for leaf in jax.tree.leaves(trial.got) if is_array(leaf)]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in a Python loop after `seconds`.

    Only the main thread of a system with timers can do that; a compiled loop is not stopped.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TookTooLong(f"The answer ran for more than {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
