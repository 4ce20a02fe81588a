"""`chain`: the product of Jacobians, and what each order of multiplying costs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ._charts import multiples
from ._draw import Canvas
from ._figure import Figure, Table
from ._format import number_text, times_text

# a bracketing: the number of one Jacobian, or a pair (closer to the output, closer to the input)
Order = int | tuple["Order", "Order"]
MOST = 8  # Jacobians in a chain: every bracketing is listed, 429 of them
SHOWN = 12
LETTERS = "nmdpqrstu"  # for the sizes: n entries go in, then come m, then d
WORDS = (
    "The product of all Jacobians is the derivative of the chain, in whatever order it is "
    "multiplied. Reverse mode goes from left to right, forward mode from right to left. Live at "
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
    """Return the FLOPs of a bracketing, and the most numbers that are live at once.

    A product of an a × b and a b × c matrix counts 2abc FLOPs, as XLA does. Live are the products
    so far, and for each Jacobian still to come the point where it is taken: a Jacobian is
    multiplied with, and not stored.
    """
    flops, live, _ = _visit(order, sizes)
    return flops, live


def _visit(part: Order, sizes: Sequence[int]) -> tuple[int, int, int]:
    """Return the FLOPs, the most numbers live meanwhile, and those of the result."""
    if isinstance(part, int):
        return 0, sizes[part], sizes[part]
    outer, inner = part
    low, cut, high = first(inner), first(outer), last(outer) + 1
    inner_flops, inner_most, inner_size = _visit(
        inner, sizes
    )  # the input side comes first
    outer_flops, outer_most, outer_size = _visit(outer, sizes)
    product = sizes[high] * sizes[low]
    flops = inner_flops + outer_flops + 2 * product * sizes[cut]
    most = max(
        inner_most, inner_size + outer_most, inner_size + outer_size + product
    )
    return flops, most, product


def first(order: Order) -> int:
    """Return the number of the Jacobian closest to the input."""
    return order if isinstance(order, int) else first(order[1])


def last(order: Order) -> int:
    """Return the number of the Jacobian closest to the output."""
    return order if isinstance(order, int) else last(order[0])


def written(order: Order) -> str:
    """Return a bracketing as it is written, the Jacobian of the last function first."""
    if isinstance(order, int):
        return f"J{order + 1}"
    parts = (
        written(p) if isinstance(p, int) else f"({written(p)})" for p in order
    )
    return " ".join(parts)


class Chain(Figure):
    """The Jacobians of a chain of functions, and the cost of every order of multiplying them."""

    scripts = ("common.js", "linear.js")
    notes = (WORDS,)

    def __init__(self, sizes: Sequence[int], names: Sequence[str]) -> None:
        whole = all(
            isinstance(s, int) and not isinstance(s, bool) and s > 0
            for s in sizes
        )
        if not whole or not 3 <= len(sizes) <= MOST + 1:
            raise ValueError(
                f"A chain has 2 to {MOST} functions, so that every order can be listed, and 3 to "
                f"{MOST + 1} sizes: whole numbers from 1 up, as [2000, 300, 1]; got {sizes!r}."
            )
        self.sizes, self.names = list(sizes), list(names)
        count = len(names)
        named = modes(count)
        rows = [
            (o, named.get(o, ""), *measure(o, sizes))
            for o in all_orders(0, count)
        ]
        self.rows = sorted(rows, key=lambda row: row[2])

    @property
    def title(self) -> str:
        """The sizes that the chain goes through."""
        sizes = [
            f"{letter} = {s}"
            for letter, s in zip(LETTERS, self.sizes, strict=False)
        ]
        if self.sizes[-1] == 1:
            sizes[-1] = "1"
        return f"A chain of {len(self.names)} functions: {' → '.join(sizes)}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """The two modes and the best order, in FLOPs."""
        modes = [(name, flops) for _, name, flops, _ in self.rows if name]
        both = ", ".join(f"{name} takes {flops:,}" for name, flops in modes)
        best = self.rows[0]
        times = ""
        if len(modes) == 2 and modes[0][1] != modes[1][1]:
            times = f" ({times_text(modes[1][1] / modes[0][1])} as many)"
        return (
            f"{both[0].upper()}{both[1:]} FLOPs{times}; the fewest are {best[2]:,}, for "
            f"{written(best[0])}."
        )

    def labels(self) -> list[str]:
        """Return what each size is, for its slider."""
        labels = [f"{LETTERS[0]}, entries of x"]
        for letter, name in zip(LETTERS[1:], self.names[:-1], strict=False):
            labels.append(f"{letter}, entries after {name}")
        return [*labels, f"{LETTERS[len(self.names)]}, entries of the result"]

    def model(self) -> dict[str, Any]:
        """Return sizes and rows as plain data."""
        rows = [
            {"order": written(o), "name": name, "tree": o}
            for o, name, *_ in self.rows
        ]
        sizes = {
            "sizes": self.sizes,
            "letters": LETTERS,
            "labels": self.labels(),
            "rows": rows,
        }
        return super().model() | sizes

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each order."""
        return [
            {
                "order": written(order),
                "mode": name,
                "flops": flops,
                "live": live,
            }
            for order, name, flops, live in self.rows
        ]

    def tables(self) -> list[Table]:
        """Return the Jacobians, and a row for each order."""
        shapes = [f"{b:,} × {a:,}" for a, b in itertools.pairwise(self.sizes)]
        jacobians = [
            [f"J{k + 1}", shape, name]
            for k, (shape, name) in enumerate(
                zip(shapes, self.names, strict=True)
            )
        ]
        orders = []
        for order, name, flops, live in self.rows:
            fewest = "fewest FLOPs" if flops == self.rows[0][2] else ""
            words = ", ".join(filter(None, (name, fewest)))
            orders.append([written(order), f"{flops:,}", f"{live:,}", words])
        return [
            Table("Jacobian", ["shape", "of"], jacobians),
            Table("order", ["FLOPs", "numbers live", "which"], orders),
        ]

    def pictures(self) -> list[Canvas]:
        """Draw the FLOPs of every order as multiples of the fewest; the two modes are always in."""
        shown = self.rows[:SHOWN]
        shown += [row for row in self.rows[SHOWN:] if row[1]]
        lines = []
        for order, name, flops, _ in shown:
            label = f"{written(order)}, {name}" if name else written(order)
            lines.append((label, flops / self.rows[0][2], number_text(flops)))
        return [multiples("FLOPs, as multiples of the fewest", lines)]


def chain(*functions: Any, x: Any = None) -> Chain:
    """Show the product of the Jacobians of a chain, and what each bracketing costs.

    Args:
        *functions: the functions in the order in which they run, or one list of the shapes
            of what stands between them: (3, 4), or 12 for that many entries.
        x: what goes into the first function; not used with shapes.

    Raises:
        TypeError: for neither functions nor a list of shapes, or where x is missing.
        ValueError: for fewer than two functions or three shapes, or one without entries.

    ```python
    import olympus_kit as ok

    view = ok.chain([2000, 300, 300, 1])  # x, g1(x), g2(g1(x)), the loss
    print(view)  # reverse mode takes 1,380,000 FLOPs, forward mode 361,200,000
    ```
    """
    if len(functions) == 1 and isinstance(functions[0], (list, tuple)):
        sizes = [
            math.prod(s) if isinstance(s, tuple) else s for s in functions[0]
        ]
        return Chain(sizes, [f"f{k}" for k in range(1, len(sizes))])
    if not functions or not all(callable(f) for f in functions):
        raise TypeError(
            "chain takes functions, as in chain(f1, f2, x=x), or one list of shapes, as in "
            f"chain([2000, (20, 15), 1]); got {functions!r}."
        )
    if x is None:
        raise TypeError("chain needs the point: chain(f1, f2, x=x).")
    return Chain(
        _sizes(functions, x), [_name(f, k) for k, f in enumerate(functions)]
    )


def _sizes(functions: Sequence[Callable[..., Any]], x: Any) -> list[int]:
    """Return how many entries x has, and what each function returns."""
    sizes = [sum(np.size(leaf) for leaf in jax.tree.leaves(x))]
    for k, f in enumerate(functions):
        try:
            x = jax.eval_shape(f, x)
        except Exception as error:
            error.add_note(
                f"This came from function {k + 1} of the chain, {_name(f, k)}."
            )
            raise
        sizes.append(
            sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(x))
        )
    return sizes


def _name(f: Callable[..., Any], k: int) -> str:
    name = getattr(f, "__name__", "<")
    return f"f{k + 1}" if name.startswith("<") else name
