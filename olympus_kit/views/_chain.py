"""`chain`: the product of Jacobians, and what each order of multiplying costs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ._charts import bars_svg
from ._jacobian_draw import aligned
from ._view import View

# a bracketing: the number of one Jacobian, or a pair (closer to the output, closer to the input)
Order = int | tuple["Order", "Order"]
MOST = 8  # Jacobians in a chain: every bracketing is listed, 429 of them
SHOWN = 24
WORDS = (
    "The product of all Jacobians is the derivative of the chain, in whatever order it is "
    "multiplied. Reverse mode goes from left to right, forward mode from right to left. Held at "
    "once are the products so far, and the points where the Jacobians still to come are taken."
)


def modes(count: int) -> dict[Order, str]:
    """Return the orders of the two modes: from the output side, and from the input side."""
    reverse: Order = count - 1
    forward: Order = 0
    for k in range(1, count):
        reverse, forward = (reverse, count - 1 - k), (k, forward)
    if reverse == forward:
        return {reverse: "both modes"}
    return {reverse: "reverse mode", forward: "forward mode"}


def all_orders(low: int, high: int) -> list[Order]:
    """Return every bracketing of the Jacobians low to high - 1."""
    if high - low == 1:
        return [low]
    return [
        (outer, inner)
        for cut in range(low + 1, high)
        for outer in all_orders(cut, high)
        for inner in all_orders(low, cut)
    ]


def measure(order: Order, sizes: Sequence[int]) -> tuple[int, int]:
    """Return the operations of a bracketing, and the most numbers it holds at once.

    A product of an a × b and a b × c matrix counts 2abc operations, as XLA does. Held are the
    products so far, and for each Jacobian still to come the point where it is taken: a Jacobian
    is multiplied with, and not stored.
    """

    def visit(part: Order) -> tuple[int, int, int, int, int]:
        """Return first and last size, operations, most held meanwhile, and held for the result."""
        if isinstance(part, int):
            return part, part + 1, 0, sizes[part], sizes[part]
        low, cut, early, inner_most, inner = visit(part[1])  # the input side comes first in time
        _, high, late, outer_most, outer = visit(part[0])
        made = sizes[high] * sizes[low]
        most = max(inner_most, inner + outer_most, inner + outer + made)
        return low, high, early + late + 2 * made * sizes[cut], most, made

    _, _, flops, most, _ = visit(order)
    return flops, most


def written(order: Order) -> str:
    """Return a bracketing as it is written, the Jacobian of the last function first."""
    if isinstance(order, int):
        return f"J{order + 1}"
    parts = (written(p) if isinstance(p, int) else f"({written(p)})" for p in order)
    return " ".join(parts)


class Chain(View):
    """The Jacobians of a chain of functions, and the cost of every order of multiplying them."""

    scripts = ("common.js", "linear.js")

    def __init__(self, sizes: Sequence[int], names: Sequence[str]) -> None:
        whole = all(isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in sizes)
        if not whole or not 3 <= len(sizes) <= MOST + 1:
            raise ValueError(
                f"A chain has 2 to {MOST} functions, so that every order can be listed, and 3 to "
                f"{MOST + 1} sizes: whole numbers from 1 up, as [2000, 300, 1]; got {sizes!r}."
            )
        self.sizes, self.names = list(sizes), list(names)
        count = len(names)
        named = modes(count)
        rows = [(o, named.get(o, ""), *measure(o, sizes)) for o in all_orders(0, count)]
        self.rows = sorted(rows, key=lambda row: row[2])

    @property
    def title(self) -> str:
        """The sizes that the chain goes through."""
        return f"A chain of {len(self.names)} functions: {' → '.join(map(str, self.sizes))}"

    @property
    def summary(self) -> str:
        """The two modes and the best order, in operations."""
        both = ", ".join(f"{name} {flops:,}" for _, name, flops, _ in self.rows if name)
        best = self.rows[0]
        return f"Operations: {both}; the fewest are {best[2]:,}, for {written(best[0])}."

    def model(self) -> dict[str, Any]:
        """Return sizes and rows as plain data."""
        rows = [{"order": written(o), "name": name} for o, name, *_ in self.rows]
        return {
            "title": self.title,
            "sizes": self.sizes,
            "names": self.names,
            "rows": rows,
            "words": WORDS,
            "trees": [o for o, *_ in self.rows],
            "text": self.text(),
        }

    def text(self, color: bool = False) -> str:
        """Return the Jacobians and the table of orders."""
        lines = [self.title, self.summary, *textwrap.wrap(WORDS, 76), ""]
        for k, name in enumerate(self.names):
            shape = f"{self.sizes[k + 1]:,} × {self.sizes[k]:,}"
            lines.append(f"J{k + 1}: {shape}  the Jacobian of {name}")
        head = ["order", "operations", "numbers held", ""]
        return "\n".join([*lines, "", *aligned([head, *self._cells()])])

    def _cells(self) -> list[list[str]]:
        cells = []
        for order, name, flops, held in self.rows:
            fewest = "fewest operations" if flops == self.rows[0][2] else ""
            words = ", ".join(filter(None, (name, fewest)))
            cells.append([written(order), f"{flops:,}", f"{held:,}", words])
        return cells

    def svg(self) -> str:
        """Return bars of the operations and of the numbers held, on logarithmic scales."""
        names = [", ".join(filter(None, (order, words))) for order, _, _, words in self._cells()]
        shown = list(zip(names, self.rows, strict=True))[:SHOWN]
        operations = [(name, math.log(row[2]) + 1, f"{row[2]:,}") for name, row in shown]
        held = [(name, math.log(row[3]) + 1, f"{row[3]:,}") for name, row in shown]
        scale = "(bars grow with the logarithm)"
        return bars_svg(
            self, [(f"operations {scale}", operations), (f"numbers held {scale}", held)]
        )


def chain(*functions: Any, x: Any = None) -> Chain:
    """Show the product of the Jacobians of a chain, and what each bracketing costs.

    Args:
        *functions: the functions in the order in which they run, or one list of the shapes
            of what stands between them: (3, 4), or 12 for so many entries.
        x: what goes into the first function; not used with shapes.

    Raises:
        TypeError: for what is neither functions nor a list of shapes, or where x is missing.
        ValueError: for fewer than two functions or three shapes, or one without entries.

    ```python
    import olympus_kit as ok

    view = ok.chain([2000, 300, 300, 1])  # x, g1(x), g2(g1(x)), the loss
    print(view)  # reverse mode 1,380,000 operations, forward mode 361,200,000
    ```
    """
    if len(functions) == 1 and isinstance(functions[0], (list, tuple)):
        sizes = [math.prod(s) if isinstance(s, tuple) else s for s in functions[0]]
        return Chain(sizes, [f"f{k}" for k in range(1, len(sizes))])
    if not functions or not all(callable(f) for f in functions):
        raise TypeError(
            "chain takes functions, as in chain(f1, f2, x=x), or one list of shapes, as in "
            f"chain([2000, (20, 15), 1]); got {functions!r}."
        )
    if x is None:
        raise TypeError("chain needs the point: chain(f1, f2, x=x).")
    return Chain(_sizes(functions, x), [_name(f, k) for k, f in enumerate(functions)])


def _sizes(functions: Sequence[Callable[..., Any]], x: Any) -> list[int]:
    """Return how many entries x has, and what each function returns."""
    sizes = [sum(np.size(leaf) for leaf in jax.tree.leaves(x))]
    for k, f in enumerate(functions):
        try:
            x = jax.eval_shape(f, x)
        except Exception as error:
            error.add_note(f"This came from function {k + 1} of the chain, {_name(f, k)}.")
            raise
        sizes.append(sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(x)))
    return sizes


def _name(f: Callable[..., Any], k: int) -> str:
    name = getattr(f, "__name__", "<")
    return f"f{k + 1}" if name.startswith("<") else name
