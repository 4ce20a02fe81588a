"""`chain`: the product of Jacobians, and what each order of multiplying costs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from ._derivatives import count_entries
from ._draw import ROW, Canvas, width_of
from ._explore import explorable
from ._figure import Figure, Table
from ._format import aligned, times_text
from ._formula import plural
from ._types import Data, Function

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
    orders: list[Order] = []
    for cut in range(low + 1, high):
        pairs = itertools.product(
            all_orders(cut, high),
            all_orders(low, cut),
        )
        orders.extend(pairs)
    return orders


def measure(order: Order, sizes: Sequence[int]) -> tuple[int, int]:
    """Return the FLOPs of a bracketing, and the most numbers that are live at once.

    A product of an a × b and a b × c matrix counts 2abc FLOPs, as XLA does. Live are the products
    so far, and for each Jacobian still to come the point where it is taken: a Jacobian is
    multiplied with, and not stored.
    """
    costs = _visit(order, sizes)
    return costs.flops, costs.live


class _Costs(NamedTuple):
    """A product of the Jacobians low to high - 1: its FLOPs, most numbers live, numbers in it."""

    low: int
    high: int
    flops: int
    live: int
    size: int


def _visit(part: Order, sizes: Sequence[int]) -> _Costs:
    if isinstance(part, int):
        return _Costs(part, part + 1, 0, sizes[part], sizes[part])
    outer, inner = (_visit(one, sizes) for one in part)
    size = sizes[outer.high] * sizes[inner.low]
    flops = inner.flops + outer.flops + 2 * size * sizes[inner.high]
    # the input side comes first
    meanwhile = max(outer.live, outer.size + size)
    live = max(inner.live, inner.size + meanwhile)
    return _Costs(inner.low, outer.high, flops, live, size)


def written(order: Order) -> str:
    """Return a bracketing as it is written, the Jacobian of the last function first."""
    if isinstance(order, int):
        return f"J{order + 1}"
    parts = []
    for part in order:
        text = written(part)
        parts.append(text if isinstance(part, int) else f"({text})")
    return " ".join(parts)


class Chain(Figure):
    """The Jacobians of a chain of functions, and the cost of every order of multiplying them."""

    scripts = ("common.js", "frames.js", "linear.js")
    notes = (WORDS,)

    def __init__(
        self,
        sizes: Sequence[int],
        names: Sequence[str],
    ) -> None:
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
        rows = []
        for order in all_orders(0, count):
            mode = named.get(order, "")
            rows.append((order, mode, *measure(order, sizes)))
        self.rows = sorted(rows, key=lambda row: row[2])
        pairs = zip(LETTERS, sizes, strict=False)
        entries = [f"{letter} = {size}" for letter, size in pairs]
        if sizes[-1] == 1:
            entries[-1] = "1"
        self.title = f"A chain of {count} functions: {' → '.join(entries)}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """The two modes and the best order, in FLOPs."""
        modes = [(name, flops) for _, name, flops, _ in self.rows if name]
        take = "takes" if len(modes) > 1 else "take"
        both = ", ".join(f"{name} {take} {flops:,}" for name, flops in modes)
        best, _, fewest, _ = self.rows[0]
        times = ""
        low, high = modes[0][1], modes[-1][1]
        if low != high:
            times = f" ({times_text(high / low)} as many)"
        return (
            f"{both[0].upper()}{both[1:]} FLOPs{times}; the fewest are {fewest:,}, for "
            f"{written(best)}."
        )

    def labels(self) -> list[str]:
        """Return what each size is, for its slider."""
        labels = [f"{LETTERS[0]}, entries of x"]
        for letter, name in zip(LETTERS[1:], self.names[:-1], strict=False):
            labels.append(f"{letter}, entries after {name}")
        result = "entries of the result"
        if self.sizes[-1] > 1:  # the title has a letter for it
            result = f"{LETTERS[len(self.names)]}, {result}"
        return [*labels, result]

    def model(self) -> Data:
        """Return sizes and rows as plain data."""
        rows = []
        for order, name, *_ in self.rows:
            rows.append({
                "order": written(order),
                "name": name,
                "tree": order,
            })
        return super().model() | {
            "sizes": self.sizes,
            "letters": LETTERS,
            "labels": self.labels(),
            "rows": rows,
        }

    def records(self) -> list[Data]:
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
        jacobians = []
        for k, name in enumerate(self.names):
            across, down = self.sizes[k : k + 2]
            shape = f"{down:,} × {across:,}"
            jacobians.append([f"J{k + 1}", shape, name])
        orders = []
        for order, name, flops, live in self.rows:
            fewest = "fewest FLOPs" if flops == self.rows[0][2] else ""
            words = ", ".join(filter(None, (name, fewest)))
            orders.append([
                written(order),
                f"{flops:,}",
                f"{live:,}",
                words,
            ])
        return [
            Table("Jacobian", ["shape", "of"], jacobians),
            Table("order", ["FLOPs", "numbers live", "which"], orders),
        ]

    def pictures(self) -> list[Canvas]:
        """Draw the Jacobians, and below them the orders as a table; the modes are always in it."""
        canvas = Canvas("the Jacobians, and the orders of multiplying them")
        longest = math.log(max(2, *self.sizes))
        x = 2.0
        for k in reversed(range(len(self.names))):
            across, down = self.sizes[k : k + 2]
            width, height = (
                8 + 84 * math.log(size) / longest for size in (across, down)
            )
            name = f"J{k + 1}: {down}×{across}"
            canvas.box(x, 60 - height / 2, width, height, "soft muted-line")
            canvas.text(x, 124, name)
            x += max(width, width_of(name)) + 14
        _, orders = self.tables()
        rows = list(orders.rows[:SHOWN])
        rows += [row for row in orders.rows[SHOWN:] if row[-1]]
        head, *lines = aligned([[orders.caption, *orders.columns], *rows])
        y = 124.0 + 2 * ROW
        canvas.text(0, y, head, "muted")
        for row, line in zip(rows, lines, strict=True):
            y += ROW
            look = ("primal", 600) if row[-1] else ("ink", None)
            canvas.text(0, y, line, look[0], font_weight=look[1])
        more = len(orders.rows) - len(rows)
        if more:
            canvas.text(0, y + ROW, f"… {plural(more, 'more order')}", "muted")
        return [canvas]


@explorable
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
        sizes = []
        for shape in functions[0]:
            if isinstance(shape, tuple):
                shape = math.prod(shape)
            sizes.append(shape)
        return Chain(
            sizes,
            [f"f{k}" for k in range(1, len(sizes))],
        )
    if not functions or not all(callable(f) for f in functions):
        raise TypeError(
            "chain takes functions, as in chain(f1, f2, x=x), or one list of shapes, as in "
            f"chain([2000, (20, 15), 1]); got {functions!r}."
        )
    if x is None:
        raise TypeError("chain needs the point: chain(f1, f2, x=x).")
    names = [_name(f, k) for k, f in enumerate(functions)]
    return Chain(_sizes(functions, x), names)


def _sizes(functions: Sequence[Function], x: Any) -> list[int]:
    """Return how many entries x has, and what each function returns."""
    sizes = [count_entries(x)]
    for k, f in enumerate(functions):
        try:
            x = jax.eval_shape(f, x)
        except Exception as error:
            error.add_note(
                f"This came from function {k + 1} of the chain, {_name(f, k)}."
            )
            raise
        sizes.append(count_entries(x))
    return sizes


def _name(f: Function, k: int) -> str:
    name = getattr(f, "__name__", "<")
    return f"f{k + 1}" if name.startswith("<") else name
