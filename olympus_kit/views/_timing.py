"""Honest times: compiled apart, waited for, taken in turns, with a verdict that is computed."""

from __future__ import annotations

import math
import statistics
import time
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax

from ._charts import bars_svg
from ._report import Report, Table, compared, listed, seconds_text

Clock = Callable[[], float]
T = TypeVar("T")

LEAST = 1e-3  # seconds that one sample lasts at least: a clock is no better than some µs


def waited(f: Callable[..., Any], args: Sequence[Any]) -> Callable[[], Any]:
    """Return a call of `f` that ends when every array of its result is there."""
    return lambda: jax.block_until_ready(f(*args))


def sample(
    jobs: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Clock = time.perf_counter,
    progress: bool | None = None,
) -> dict[str, list[float]]:
    """Return the seconds of one call of each job, once for each round.

    The jobs run in turns, forwards and backwards, so that drift hits all of them. Ctrl-C ends
    it; the rounds that are complete are kept.
    """
    timers = {name: timeit.Timer(job, timer=clock) for name, job in jobs.items()}
    numbers, found = {}, {name: list[float]() for name in jobs}
    try:
        for name, job in jobs.items():
            job()  # warm up: compile, fill caches
            numbers[name] = max(1, math.ceil(LEAST / max(timers[name].timeit(1), 1e-9)))
        for k in tracked(range(rounds), "timing", progress):
            order = list(jobs)[:: 1 if k % 2 == 0 else -1]
            once = {n: timers[n].repeat(1, numbers[n])[0] / numbers[n] for n in order}
            for name, seconds in once.items():
                found[name].append(seconds)
    except KeyboardInterrupt:
        pass
    return found


def tracked(items: Sequence[T], what: str, shown: bool | None) -> Iterable[T]:
    """Go through items behind a progress bar, which a terminal shows unless told otherwise."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not (console.is_terminal if shown is None else shown)
    return track(items, what, console=console, transient=True, disable=hidden, auto_refresh=False)


@dataclass(frozen=True)
class Verdict:
    """How many times as long one function takes as another, by rounds that ran side by side."""

    ratio: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1."""
        return not self.low <= 1 <= self.high

    def words(self, name: str, other: str) -> str:
        """Say it, with names."""
        if math.isinf(self.high):
            return f"{name} and {other}: too few rounds to tell"
        if not self.differs:
            return f"{name} and {other}: no difference beyond noise"
        quick, slow = (other, name) if self.ratio > 1 else (name, other)
        return f"{quick} is faster than {slow}, {max(self.ratio, 1 / self.ratio):.3g}×"


def verdict(times: Sequence[float], others: Sequence[float]) -> Verdict:
    """Compare two functions that were timed in turns, by the ratio in each round.

    The interval is the sign test's for the median: a fair coin would leave it in at most 5 % of
    experiments. With fewer than six rounds it is the whole line. It works on logarithms, so
    swapping the two gives exactly the inverse.
    """
    logs = sorted(math.log(a / b) for a, b in zip(times, others, strict=False))
    n, k, tail = len(logs), 0, 0.0
    while k <= n // 2 and 2 * (tail := tail + math.comb(n, k) / 2**n) <= 0.05:
        k += 1
    if k == 0:
        return Verdict(math.exp(statistics.median(logs)) if logs else math.nan, 0, math.inf)
    low, high = logs[k - 1], logs[-k]
    return Verdict(*(math.exp(x) for x in (statistics.median(logs), low, high)))


class Stopwatch(Report):
    """Times of several functions, side by side, with a verdict on each against the first."""

    def __init__(self, times: Mapping[str, Sequence[float]], rounds: int, what: str) -> None:
        self.times = {name: list(found) for name, found in times.items() if found}
        self.summary = " ".join([what, *(f"{words}." for words in self.verdicts().values())])
        complete = min(map(len, times.values()), default=0)
        self.notes = [f"stopped: {complete} of {rounds} rounds kept"] * (complete < rounds)

    @property
    def title(self) -> str:
        """What was timed."""
        return f"Time of {listed(list(self.times)) or 'nothing'}"

    def verdicts(self) -> dict[str, str]:
        """Return, for each function but the first, what is known against the first."""
        first, *rest = self.times or [""]
        return {
            name: verdict(self.times[name], self.times[first]).words(name, first) for name in rest
        }

    def records(self) -> list[dict[str, Any]]:
        """Return minimum, median and spread (the middle half) in seconds."""
        return [
            {"name": name, "rounds": len(t), "minimum": min(t), "median": statistics.median(t)}
            | {"spread": _spread(t)}
            for name, t in self.times.items()
        ]

    def tables(self) -> list[Table]:
        """Return a row for each function."""
        rows, base = [], None
        for r in self.records():
            least = compared(r["minimum"], base, seconds_text)
            base = base or r["minimum"]
            rows.append([r["name"], least, *(seconds_text(r[k]) for k in ("median", "spread"))])
        return [Table("time", ["minimum", "median", "± spread"], rows)]

    def svg(self) -> str:
        """Return the minima as bars."""
        bars = [(r["name"], r["minimum"], seconds_text(r["minimum"])) for r in self.records()]
        return bars_svg(self, [("seconds for one call, minimum", bars)])


def _spread(times: Sequence[float]) -> float:
    if len(times) < 2:
        return 0.0
    quarters = statistics.quantiles(times, n=4, method="inclusive")
    return quarters[2] - quarters[0]


def stopwatch(
    functions: Mapping[str, Callable[..., Any]],
    *args: Any,
    jit: bool = True,
    rounds: int = 15,
    progress: bool | None = None,
) -> Stopwatch:
    """Time functions of the same arguments side by side, and say which differ beyond noise.

    Each is called once first, so that compiling is not counted. Then they take turns; a call
    ends when every array of its result is there. A verdict compares the rounds one by one.

    Args:
        functions: {name: function}; the first is what the others are compared with.
        *args: what each is called with.
        jit: whether to compile them; False times JAX's eager mode.
        rounds: samples of each function; six or more for a verdict.
        progress: whether to show a bar; in a terminal where None.

    Raises:
        TypeError: where `functions` is no mapping of names to functions, or empty.
        ValueError: for less than one round.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.stopwatch({"sin": jnp.sin, "cos": jnp.cos}, jnp.ones(1000)))
    ```
    """
    if rounds < 1:
        raise ValueError(f"rounds is how often each is timed, 1 or more; got {rounds!r}.")
    named = isinstance(functions, Mapping) and len(functions) > 0
    if not named or not all(map(callable, functions.values())):
        raise TypeError(f"stopwatch takes {{name: function}}, then arguments; got {functions!r}.")
    jobs = {n: waited(jax.jit(f) if jit else f, args) for n, f in functions.items()}
    what = "Compiled; " if jit else "Not compiled; "
    times = sample(jobs, rounds, progress=progress)
    return Stopwatch(times, rounds, f"{what}each call waited for.")


class Traps(Stopwatch):
    """The time of one function, taken in one right way and in wrong ones."""

    def verdicts(self) -> dict[str, str]:
        """Return what each wrong way would make one believe."""
        first, *rest = self.times or [""]
        return {name: _trap(name, self.times[name], self.times[first]) for name in rest}


def _trap(name: str, wrong: Sequence[float], right: Sequence[float]) -> str:
    known, r = verdict(wrong, right), min(wrong) / min(right)
    if not (known.differs or math.isinf(known.high)):
        return f"{name}: no difference beyond noise"
    return f"{name}: {max(r, 1 / r):.3g}× too {'slow' if r > 1 else 'fast'}"


def timing_traps(
    f: Callable[..., Any], *args: Any, rounds: int = 7, clock: Clock = time.perf_counter
) -> Traps:
    """Time a function right, and in the three classic wrong ways, side by side.

    The wrong ways: the first call, which compiles, too; not waiting for the result; and
    leaving out `jit`, so that each equation is sent off by itself.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    ok.timing_traps(lambda x: jnp.sin(x) @ x, jnp.ones(1000)).times  # seconds
    ```
    """
    compiled = jax.jit(f)
    call = waited(compiled, args)
    first = timeit.Timer(call, timer=clock).timeit(1)
    times = sample({"right": call, "without jit": waited(f, args)}, rounds, clock)
    hasty = []
    for _ in range(rounds):
        hasty.append(timeit.Timer(lambda: compiled(*args), timer=clock).timeit(1))
        call()  # waits until the processor is free again
    wrong = {"the first call": [first], "without waiting": hasty}
    return Traps(
        {"right": times["right"], **wrong, "without jit": times["without jit"]},
        1,
        "One right way, and three wrong ones.",
    )
