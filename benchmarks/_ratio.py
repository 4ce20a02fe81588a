"""Compare two things so that the machine's drift hits both."""

import subprocess
import sys
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Ratio:
    """How many times as long one thing takes as another."""

    name: str
    value: float
    aim: float | None = None

    def __str__(self) -> str:
        aim = "" if self.aim is None else f"aim {self.aim:.2f} or less"
        verdict = "" if self.aim is None else ("  ok" if self.value <= self.aim else "  MISSED")
        return f"{self.name:64} {self.value:8.2f} x  {aim}{verdict}"


def interleaved(
    functions: Sequence[Callable[[], object]],
    rounds: int,
    timer: Callable[[], float] = timeit.default_timer,
) -> list[float]:
    """Return the least time of each function, run in turns.

    With `time.process_time` a busy machine disturbs less; it leaves out what is waited for.
    """
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            best[i] = min(best[i], timeit.timeit(function, number=1, timer=timer))
    return best


def import_seconds(module: str) -> float:
    """Return how long importing a module takes in a fresh process."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)
