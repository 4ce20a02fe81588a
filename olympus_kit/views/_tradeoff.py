"""Memory for work: the gradient of a loop whose segments are forgotten and computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import describe
from ._charts import curves
from ._cost import Cost, cost
from ._draw import Canvas
from ._format import times_text
from ._metrics import METRICS

Iteration = Callable[[Any], Any]  # from a carry to the next


class Tradeoff(Cost):
    """The gradient of a long loop, saved whole or in segments that are computed again."""

    def __init__(self, costs: Cost) -> None:
        super().__init__(costs.rows, ())
        self.recipe = costs.recipe
        self.title = (
            "The gradient of a loop, cut into segments that are computed again"
        )

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How little memory the best segments take, and for how much more work."""
        whole, *rows = self.rows or [{}]
        rows = [row for row in rows if "peak" in row and "flops" in row]
        if not rows or not whole.get("peak") or not whole.get("flops"):
            return "There is nothing to compare."
        best = min(rows, key=lambda row: row["peak"])
        memory, work = (
            times_text(best[key] / whole[key]) for key in ("peak", "flops")
        )
        return (
            f"Segments of {best['segment']} iterations take {memory} the memory of saving "
            f"everything, for {work} the FLOPs."
        )

    def pictures(self) -> list[Canvas]:
        """Draw memory and work over the length of a segment, as multiples of saving all."""
        whole, *rows = self.rows or [{}]
        lines = {}
        for key in ("peak", "temp", "flops"):
            if whole.get(key):
                measured = [row for row in rows if key in row]
                ratios = [(r["segment"], r[key] / whole[key]) for r in measured]
                lines[METRICS[key][0]] = ratios
        up = "times what it is when all is saved"
        across = "iterations in a segment"
        return [curves(across, up, lambda x: f"{x:.2g}×", lines, {})]


def segmented(step: Iteration, length: int, segment: int) -> Iteration:
    """Return `length` iterations of `step` as a loop over checkpointed segments of `segment`.

    Raises:
        ValueError: where `segment` does not divide `length`.
    """
    if (
        not isinstance(segment, (int, np.integer))
        or segment < 1
        or length % segment
    ):
        raise ValueError(
            f"segment must divide length = {length}; got {segment}."
        )
    return _iterated(
        jax.checkpoint(_iterated(step, segment)), length // segment
    )


def _iterated(step: Iteration, length: int) -> Iteration:
    return lambda start: jax.lax.scan(
        lambda c, _: (step(c), None), start, None, length=length
    )[0]


def tradeoff(
    step: Iteration,
    init: Any,
    length: int,
    segments: Sequence[int] | None = None,
) -> Tradeoff:
    """Compare the memory of a loop's gradient over the ways to cut it into checkpointed segments.

    A segment saves only what it starts from, and is run again on the backward pass: for n
    iterations, segments of about √n are best (Griewank 1992, with one level).

    Args:
        step: one iteration, from a carry to the next of the same shapes.
        init: the first carry.
        length: how many iterations.
        segments: lengths to try, divisors of `length`; by default the powers of two among them.

    Raises:
        TypeError: for a `step` that is not a function.
        ValueError: for a `length` that is not a positive int, or that a segment does not divide.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.tradeoff(jnp.sin, jnp.ones(1000), 256, [1, 16, 256]))
    ```
    """
    if not isinstance(length, int) or length < 1:
        raise ValueError(
            f"length is the number of iterations, an int above 0; got {describe(length)}."
        )
    if not callable(step):
        raise TypeError(
            f"step must be a function of a carry; got {describe(step)}."
        )
    if segments is None:
        segments = [
            2**k for k in range(length.bit_length()) if length % 2**k == 0
        ]
    sizes = {f"segments of {n}": int(n) for n in segments}

    def gradient(run: Iteration) -> Iteration:
        def total(carry: Any) -> Any:
            return sum(leaf.sum() for leaf in jax.tree.leaves(run(carry)))

        return jax.grad(total)

    runs = {"all saved": gradient(_iterated(step, length))}
    for name, n in sizes.items():
        runs[name] = gradient(segmented(step, length, n))
    costs = cost(runs, init)
    for row in costs.rows[1:]:
        row["segment"] = sizes[row["name"]]
    return Tradeoff(costs)
