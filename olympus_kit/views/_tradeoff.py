"""Memory for work: the gradient of a loop whose segments are forgotten and computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import describe
from ._charts import curves_svg
from ._cost import METRICS, Cost, cost


class Tradeoff(Cost):
    """The gradient of a long loop, kept whole or in segments that are computed again."""

    @property
    def title(self) -> str:
        """What is compared."""
        return "The gradient of a loop, cut into segments that are computed again"

    def svg(self) -> str:
        """Return memory and work over the length of a segment, as multiples of keeping all."""
        whole, *rows = self.rows or [{}]
        curves = {
            METRICS[key][0]: [(r["segment"], r[key] / whole[key]) for r in rows if key in r]
            for key in ("peak", "temp", "flops")
            if key in whole
        }
        said = "times what it is when all is kept"
        return curves_svg(self, "turns in a segment", said, lambda x: f"{x:.2g}×", curves)


def segmented(step: Callable[[Any], Any], length: int, segment: int) -> Callable[[Any], Any]:
    """Return `length` turns of `step` as a loop over checkpointed segments of `segment` turns.

    Raises:
        ValueError: where `segment` does not divide `length`.
    """
    if not isinstance(segment, (int, np.integer)) or segment < 1 or length % segment:
        raise ValueError(f"segment must divide length = {length}; got {segment}.")
    return _turns(jax.checkpoint(_turns(step, segment)), length // segment)


def _turns(step: Callable[[Any], Any], length: int) -> Callable[[Any], Any]:
    return lambda start: jax.lax.scan(lambda c, _: (step(c), None), start, None, length=length)[0]


def tradeoff(
    step: Callable[[Any], Any],
    init: Any,
    length: int,
    segments: Sequence[int] | None = None,
) -> Tradeoff:
    """Compare the memory of a loop's gradient over the ways to cut it into checkpointed segments.

    A segment keeps only what it starts from, and is run again on the way back: for n turns,
    segments of about √n are best (Griewank 1992, with one level).

    Args:
        step: one turn, from a carry to the next of the same shapes.
        init: the first carry.
        length: how many turns.
        segments: lengths to try, divisors of `length`; the powers of two among them where None.

    Raises:
        ValueError: for a `length` that is no positive int, or that a segment does not divide.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.tradeoff(jnp.sin, jnp.ones(1000), 256, [1, 16, 256]))
    ```
    """
    if not isinstance(length, int) or length < 1:
        raise ValueError(f"length is the number of turns, an int above 0; got {describe(length)}.")
    if not callable(step):
        raise TypeError(f"step must be a function of a carry; got {describe(step)}.")
    if segments is None:
        segments = [2**k for k in range(length.bit_length()) if length % 2**k == 0]
    sizes = {f"segments of {n}": int(n) for n in segments}
    runs = {name: segmented(step, length, n) for name, n in sizes.items()}
    runs = {"all kept": _turns(step, length), **runs}

    def total(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return jax.grad(lambda carry: sum(leaf.sum() for leaf in jax.tree.leaves(run(carry))))

    found = cost({name: total(run) for name, run in runs.items()}, init)
    for row in found.rows[1:]:
        row["segment"] = sizes[row["name"]]
    return Tradeoff(found.rows, (), found.again, found.args)
