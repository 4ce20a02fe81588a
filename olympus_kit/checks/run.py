"""Run an answer at the points of its question, in float64 or float32, and record what happens."""

import contextlib
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TextIO

import jax
import jax.numpy as jnp
import numpy as np

from .spec import Arguments, Case, Question, Unsolved

SECONDS = 30.0  # that a check waits for an answer
PATIENCE = 4  # times as long by the wall, where the processor does other things
LEAST = 0.05  # seconds between two looks at a clock
GRACE = 2.0  # between the timer's ring and the watchdog's word
MOST_PRINTED = 2000  # characters that an answer may print during a check
NOT_NUMERIC = "OSUMmV"  # kinds of NumPy's dtypes: objects, text, dates, records

STUCK = (
    "\n△ Your answer has been running for more than {seconds:g} seconds, in a compiled loop "
    "(such as `while_loop`). Nothing can stop it from here: restart the kernel "
    "(menu Kernel, Restart), then look for the condition that never becomes false.\n"
)


@dataclass(frozen=True)
class Trial:
    """One call of an answer: what came back or was raised, and which arguments it changed."""

    case: Case
    want: Any
    got: Any = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()


def trials(
    question: Question, answer: Callable[..., Any], precision: str
) -> Iterator[Trial]:
    """Call `answer` at every case of `question`; `precision` is "float64" or "float32"."""
    for case, want in zip(question.cases(), references(question), strict=True):
        with (
            jax.enable_x64(precision == "float64"),
            warnings.catch_warnings(),
        ):
            # the same one at every point helps nobody
            warnings.simplefilter("ignore")
            trial = _try(answer, case, want, precision)
        yield trial


_known: dict[Question, list[Any]] = {}


@lru_cache(maxsize=256)
def references(question: Question) -> list[Any]:
    """The right results, in float64; computed once."""
    if question in _known:
        return _known[question]
    return results(
        question,
        lambda arguments: question.reference(*arguments.values()),
    )


def remember(question: Question, known: list[Any]) -> None:
    """Take the right results of a question from a process that has computed them."""
    _known[question] = known


def results(
    question: Question, rule: Callable[[dict[str, Any]], Any]
) -> list[Any]:
    """What `rule` makes of the arguments of every case, in float64; what it raises, if it does."""
    return [result_at(case, rule) for case in question.cases()]


def result_at(case: Case, rule: Callable[[dict[str, Any]], Any]) -> Any:
    """What `rule` makes of the arguments of one case, in float64; what it raises, if it does."""
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return to_numpy(rule(inputs(case.arguments, "float64")))
        except Exception as error:
            return error


class CaseByCase:
    """What a rule makes of the arguments and the right result, as far as somebody asked.

    Most mistakes differ from an answer in the first case already, and a reference may be slow.
    """

    def __init__(self, rule: Callable[[dict[str, Any], Any], Any]) -> None:
        self._rule = rule
        self._results: list[Any] = []

    def at(self, place: int, trial: Trial) -> Any:
        """The result in a trial's case, which is the one at this place; cases come in order."""
        if place == len(self._results):
            made = result_at(
                trial.case, lambda arguments: self._rule(arguments, trial.want)
            )
            self._results.append(made)
        return self._results[place]


def inputs(arguments: Arguments, precision: str) -> dict[str, Any]:
    """Fresh copies of the arguments, with every real number as a JAX array of that precision."""
    fresh = {}
    for name, value in arguments.items():
        fresh[name] = jax.tree.map(lambda leaf: _fresh(leaf, precision), value)
    return fresh


def _fresh(value: Any, precision: str) -> Any:
    is_number = isinstance(value, (float, np.ndarray, jax.Array))
    if is_number and jnp.issubdtype(jnp.result_type(value), jnp.floating):
        return jnp.asarray(value, dtype=precision)
    if isinstance(value, np.ndarray):
        return jnp.asarray(value)
    return value


def _try(
    answer: Callable[..., Any], case: Case, want: Any, precision: str
) -> Trial:
    arguments = inputs(case.arguments, precision)
    before = {name: _snapshot(value) for name, value in arguments.items()}
    try:
        result = answer(*arguments.values())
        _require_order(result)
        for leaf in jax.tree.leaves(result):
            if isinstance(leaf, jax.core.Tracer):
                _ = (
                    leaf + 0
                )  # a tracer that outlived its trace: to use it raises what says so
        got = to_numpy(result)
    except (Unsolved, KeyboardInterrupt, TookTooLong):
        raise
    except (
        BaseException
    ) as error:  # SystemExit and whatever else an answer raises
        return Trial(case, want, error=error)
    changed = tuple(
        name
        for name, value in arguments.items()
        if _snapshot(value) != before[name]
    )
    return Trial(case, want, got, changed=changed)


def _require_order(result: Any) -> None:
    """Refuse a dict whose keys cannot be sorted, as JAX does, before JAX does.

    Where such a dict lies in another container, each refusal of jaxlib's takes one of the nested
    calls that Python allows, for good: after some hundred of them nothing in the process works.
    """
    parts = result
    if type(result) is dict:
        parts = list(result.values())
        try:
            sorted(result)
        except TypeError as error:
            text = f"JAX sorts the keys of a dict, and these have no order: {list(result)}"
            raise TypeError(text) from error
    # an object may refuse to tell its class
    if issubclass(type(parts), (list, tuple)):
        for part in parts:
            _require_order(part)


def _snapshot(value: Any) -> Any:
    """What must not change in an argument: the items of its containers (JAX arrays cannot)."""
    return jax.tree.structure(value), [
        id(item) for item in jax.tree.leaves(value)
    ]


def to_numpy(result: Any) -> Any:
    """The result with plain NumPy arrays for every number, so that no float64 JAX array stays."""
    return jax.tree.map(_plain, result)


def _plain(leaf: Any) -> Any:
    if not is_array(leaf):
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind in NOT_NUMERIC:  # a whole number that no dtype can hold
        return leaf
    return array


def is_array(leaf: Any) -> bool:
    """Whether it is a number or an array of numbers (not of words, dates, objects or nothing)."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind not in NOT_NUMERIC
    if isinstance(leaf, jax.Array):
        return not jnp.issubdtype(
            leaf.dtype, jax.dtypes.extended
        )  # such as random keys
    if isinstance(leaf, int):
        return abs(leaf) < 2**63
    return isinstance(leaf, (float, complex))


def arrays_of(trial_list: Sequence[Trial]) -> list[Any]:
    """All arrays and numbers that the trials returned."""
    leaves = [
        leaf for trial in trial_list for leaf in jax.tree.leaves(trial.got)
    ]
    return [leaf for leaf in leaves if is_array(leaf)]


# Stop an answer that takes too long, or say how it can be stopped; truncate what it prints.


class TookTooLong(BaseException):
    """An answer that ran for longer than the check waits; no `except Exception` holds it up."""


class Clock:
    """How long an answer runs. A busy machine is not an endless loop, and one that sleeps is one.

    Seconds are those of the processor, and where it has little to do, those of the wall over
    `PATIENCE`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = time.monotonic()
        self.used = time.process_time()

    @property
    def elapsed(self) -> float:
        """Seconds of the wall."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds that it may still take; none where it has had enough."""
        if self.elapsed >= PATIENCE * self.seconds:
            return 0.0
        return max(self.seconds - time.process_time() + self.used, 0.0)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in a Python loop after `seconds` of processor time.

    A signal is seen only between two steps of Python. A compiled loop has none, so that a thread
    has to say what a person can do. Systems without timers, and other threads than the main one,
    have the thread alone.
    """
    clock = Clock(seconds)
    done = threading.Event()
    watchdog = threading.Thread(
        target=_watch, args=(clock, done, sys.stdout), daemon=True
    )
    watchdog.start()
    try:
        if has_alarm():
            with alarm(clock):
                yield
        else:
            yield
    finally:
        done.set()


def has_alarm() -> bool:
    """Whether a signal can stop what runs here: on the main thread of a system with timers."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer")


def _watch(clock: Clock, done: threading.Event, target: TextIO) -> None:
    while not done.wait(max(clock.left, LEAST) + GRACE):
        if not clock.left:
            target.write(STUCK.format(seconds=clock.seconds))
            target.flush()
            return


@contextlib.contextmanager
def alarm(clock: Clock) -> Iterator[None]:
    """Raise TookTooLong when the time is over; a timer that ran already goes on afterwards."""
    running = True

    def ring(*_: object) -> None:
        if not running:  # a ring that comes while the timer is put away is late
            return
        if not clock.left:
            raise TookTooLong
        signal.setitimer(signal.ITIMER_REAL, max(clock.left, LEAST))

    before = signal.signal(signal.SIGALRM, ring)
    outer, interval = signal.setitimer(signal.ITIMER_REAL, clock.seconds)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(
                signal.ITIMER_REAL, max(outer - clock.elapsed, 1e-3), interval
            )


class Truncated:
    """A text stream that passes on its first characters, and then says once that it stops."""

    def __init__(self, target: TextIO) -> None:
        self.target = target
        self.left = MOST_PRINTED

    def write(self, text: str) -> int:
        if self.left > 0:
            self.target.write(text[: self.left])
            if len(text) >= self.left:
                self.target.write("\n… (your answer prints more; cut here)\n")
        self.left -= len(text)
        return len(text)

    def flush(self) -> None:
        self.target.flush()


@contextlib.contextmanager
def truncated_output() -> Iterator[None]:
    """Truncate what is printed inside to `MOST_PRINTED` characters: a check calls many times."""
    out, error = Truncated(sys.stdout), Truncated(sys.stderr)
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
    ):
        yield
