"""Benchmark functions: compilation excluded, results awaited, runs interleaved."""

from __future__ import annotations

import math
import statistics
import time
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax

from ._charts import multiples
from ._draw import Canvas
from ._figure import Figure, Table
from ._format import compared, listed, seconds_text
from ._types import Data, Function

Clock = Callable[[], float]
T = TypeVar("T")

LEAST = 1e-3  # seconds that one sample lasts at least: a clock is no better than some µs


def waited(f: Function, args: Sequence[Any]) -> Callable[[], Any]:
    """Return a call of `f` that ends when every array of its result is there."""
    return lambda: jax.block_until_ready(f(*args))


def sample(
    jobs: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Clock = time.perf_counter,
    progress: bool | None = None,
) -> dict[str, list[float]]:
    """Return the seconds of one call of each job, once for each round.

    The jobs are interleaved, forwards and backwards, so that drift hits all of them. Ctrl-C ends
    it; the rounds that are complete stay.
    """
    timers = {
        name: timeit.Timer(job, timer=clock) for name, job in jobs.items()
    }
    calls = {}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    try:
        for name, job in jobs.items():
            job()  # warm up: compile, fill caches
            calls[name] = max(
                1, math.ceil(LEAST / max(timers[name].timeit(1), 1e-9))
            )
        for k in tracked(range(rounds), "timing", progress):
            order = list(jobs)[:: 1 if k % 2 == 0 else -1]
            once = {
                n: timers[n].repeat(1, calls[n])[0] / calls[n] for n in order
            }
            for name, seconds in once.items():
                times[name].append(seconds)
    except KeyboardInterrupt:
        pass
    return times


def tracked(items: Sequence[T], what: str, shown: bool | None) -> Iterable[T]:
    """Go through items behind a progress bar, which a terminal shows unless told otherwise."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not (console.is_terminal if shown is None else shown)
    return track(
        items,
        what,
        console=console,
        transient=True,
        disable=hidden,
        auto_refresh=False,
    )


CLOSE = 1.25  # up to this ratio two functions are said to take the same time


@dataclass(frozen=True)
class Verdict:
    """How many times as long one function takes as another.

    `ratio` is that of the two minima, which are what a table shows: whatever disturbs a run only
    makes it longer. The interval `low` to `high` is that of the median ratio in rounds that ran
    side by side.
    """

    ratio: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1, and the minima lie on the same side."""
        return (self.low > 1 and self.ratio > 1) or (
            self.high < 1 and self.ratio < 1
        )

    @property
    def same(self) -> bool:
        """Whether everything that was measured is as good as equal."""
        near = all(
            1 / CLOSE <= x <= CLOSE for x in (self.ratio, self.low, self.high)
        )
        return near and not self.differs

    def words(self, name: str, other: str) -> str:
        """Return it as a sentence, with names."""
        if not math.isfinite(self.low + self.high):
            return f"{name} and {other}: too few rounds to tell"
        if self.differs:
            quick, slow = (other, name) if self.ratio > 1 else (name, other)
            return f"{quick} is faster than {slow}, {max(self.ratio, 1 / self.ratio):.3g}×"
        between = f"between {self.low:.3g}× and {self.high:.3g}×"
        if self.same:
            return f"{name} and {other}: no difference beyond noise ({between})"
        return f"{name} and {other}: too noisy to tell ({between}); time more rounds"


def verdict(times: Sequence[float], others: Sequence[float]) -> Verdict:
    """Compare two functions whose runs were interleaved, by the ratio in each round.

    The interval holds the median ratio with 95 % confidence: scipy.stats.quantile_test, which is
    the sign test here (Conover, "Practical Nonparametric Statistics", 3.2). Fewer than six rounds
    give none. It works on logarithms, so swapping the two gives the inverse.
    """
    logs = [math.log(a / b) for a, b in zip(times, others, strict=False)]
    if not logs:
        return Verdict(math.nan, math.nan, math.nan)
    from scipy.stats import quantile_test

    interval = quantile_test(logs, q=0, p=0.5).confidence_interval(0.95)
    ratio = min(times) / min(others)
    return Verdict(ratio, math.exp(interval.low), math.exp(interval.high))


class Stopwatch(Figure):
    """Times of several functions, side by side, with a verdict on each against the first."""

    kind = "times"

    def __init__(
        self, times: Mapping[str, Sequence[float]], rounds: int, what: str
    ) -> None:
        self.times = {
            name: list(seconds) for name, seconds in times.items() if seconds
        }
        self.title = f"Time of {listed(list(self.times)) or 'nothing'}"
        sentences = [f"{words}." for words in self.verdicts().values()]
        self.finding = " ".join([*sentences, what]).strip()
        complete = min(map(len, times.values()), default=0)
        self.notes = [f"stopped: {complete} of {rounds} rounds timed"] * (
            complete < rounds
        )

    def verdicts(self) -> dict[str, str]:
        """Return, for each function but the first, what is known against the first."""
        first, *rest = self.times or [""]
        return {name: self._judge(name, first) for name in rest}

    def _judge(self, name: str, first: str) -> str:
        """Return what is known of one function against the first."""
        times = self.times
        return verdict(times[name], times[first]).words(name, first)

    def records(self) -> list[Data]:
        """Return minimum, median and spread (the middle half) in seconds."""
        return [
            {
                "name": name,
                "rounds": len(seconds),
                "minimum": min(seconds),
                "median": statistics.median(seconds),
                "spread": _spread(seconds),
            }
            for name, seconds in self.times.items()
        ]

    def tables(self) -> list[Table]:
        """Return a row for each function."""
        rows, base = [], None
        for record in self.records():
            least = compared(record["minimum"], base, seconds_text)
            base = base or record["minimum"]
            others = [seconds_text(record[key]) for key in ("median", "spread")]
            rows.append([record["name"], least, *others])
        return [Table("time", ["minimum", "median", "± spread"], rows)]

    def pictures(self) -> list[Canvas]:
        """Draw the minima as multiples of the first."""
        if not self.times:
            return []
        least = {name: min(seconds) for name, seconds in self.times.items()}
        first = next(iter(least))
        rows = []
        for name, seconds in least.items():
            rows.append((name, seconds / least[first], seconds_text(seconds)))
        return [multiples(f"Least time, as multiples of {first}", rows)]


def _spread(times: Sequence[float]) -> float:
    if len(times) < 2:
        return 0.0
    quarters = statistics.quantiles(times, n=4, method="inclusive")
    return quarters[2] - quarters[0]


def stopwatch(
    functions: Mapping[str, Function],
    *args: Any,
    jit: bool = True,
    rounds: int = 21,
    progress: bool | None = None,
) -> Stopwatch:
    """Time functions of the same arguments side by side, and say which differ beyond noise.

    Each is called once first, so that compiling is not counted. Then their runs are interleaved;
    a call ends when every array of its result is there. A verdict compares the minima, and asks of
    the rounds, one by one, whether that is more than noise.

    Args:
        functions: {name: function}; the first is what the others are compared with.
        *args: what each is called with.
        jit: whether to compile them; False times JAX's eager mode.
        rounds: samples of each function; six or more for a verdict.
        progress: whether to show a bar; by default in a terminal.

    Raises:
        TypeError: where `functions` is not a mapping of names to functions, or empty.
        ValueError: for less than one round.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.stopwatch({"sin": jnp.sin, "cos": jnp.cos}, jnp.ones(1000)))
    ```
    """
    if rounds < 1:
        raise ValueError(
            f"rounds is how many times each is timed, 1 or more; got {rounds!r}."
        )
    named = isinstance(functions, Mapping) and len(functions) > 0
    if not named or not all(map(callable, functions.values())):
        raise TypeError(
            f"stopwatch takes {{name: function}}, then arguments; got {functions!r}."
        )
    jobs = {
        n: waited(jax.jit(f) if jit else f, args) for n, f in functions.items()
    }
    what = "Compiled; " if jit else "Not compiled; "
    times = sample(jobs, rounds, progress=progress)
    return Stopwatch(times, rounds, f"{what}each call waited for.")


class Traps(Stopwatch):
    """The time of one function, taken in one right way and in wrong ones."""

    def _judge(self, name: str, first: str) -> str:
        """Return what a wrong way would make one believe."""
        judged = verdict(self.times[name], self.times[first])
        ratio = judged.ratio
        if judged.same:
            return f"{name}: no difference beyond noise"
        if math.isfinite(judged.low) and not judged.differs:
            return f"{name}: too noisy to tell"
        how = "slow" if ratio > 1 else "fast"
        return f"{name}: {max(ratio, 1 / ratio):.3g}× too {how}"


def timing_traps(
    f: Function,
    *args: Any,
    rounds: int = 7,
    clock: Clock = time.perf_counter,
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
    times = sample(
        {"right": call, "without jit": waited(f, args)}, rounds, clock
    )
    hasty = []
    for _ in range(rounds):
        hasty.append(
            timeit.Timer(lambda: compiled(*args), timer=clock).timeit(1)
        )
        call()  # waits until the processor is free again
    wrong = {"the first call": [first], "without waiting": hasty}
    return Traps(
        {"right": times["right"], **wrong, "without jit": times["without jit"]},
        1,
        "One right way, and three wrong ones.",
    )
