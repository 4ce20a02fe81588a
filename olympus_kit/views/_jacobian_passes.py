"""Fill a Jacobian by real passes: one-hot tangents give columns, one-hot cotangents give rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import numpy as np

from ..program import check_output, dtype_of, is_inexact, read_arguments
from ._format import listed, short_names
from ._types import Array, Data, Function

ModeOf = Literal["forward", "reverse"]
ONE_BY_ONE = 32  # up to that many passes are run, and shown, one at a time
MOST_ENTRIES = 10**9


@dataclass(frozen=True)
class Leaf:
    """One array among the inputs or outputs, and where it begins among all entries."""

    name: str
    shape: tuple[int, ...]
    dtype: Any
    start: int

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def is_complex(self) -> bool:
        """Whether it holds complex numbers."""
        return bool(
            jax.numpy.issubdtype(
                self.dtype,
                jax.numpy.complexfloating,
            )
        )

    def in_rows(
        self,
        row: Array,
    ) -> Array:
        """Return its part of a row of J as a matrix: its last axis goes across."""
        across = self.shape[-1] if self.shape else 1
        part = row[self.start : self.start + self.size]
        return part.reshape(math.prod(self.shape[:-1]), across)

    def label(
        self,
        entry: int,
    ) -> str:
        """Return the name of one of its entries, counted from its first, such as x[0, 1]."""
        if not self.shape:
            return self.name
        index = np.unravel_index(entry, self.shape)
        return f"{self.name}[{', '.join(str(int(i)) for i in index)}]"


def _roots(names: Sequence[str]) -> list[str]:
    """Return the arguments that leaves belong to."""
    roots = [re.split(r"[\[.]", name)[0] for name in names]
    return list(dict.fromkeys(roots))


def in_order(
    names: Sequence[str],
    arrays: Sequence[Any],
) -> list[Leaf]:
    """Return one leaf for each array, one after the other."""
    leaves = []
    start = 0
    for name, array in zip(names, arrays, strict=True):
        leaf = Leaf(
            name,
            tuple(np.shape(array)),
            dtype_of(array),
            start,
        )
        leaves.append(leaf)
        start += leaf.size
    return leaves


def differentiable(out: Any) -> tuple[Any, ...]:
    """Return the leaves of a result that have a derivative, as arrays."""
    ys = [y for y in jax.tree.leaves(out) if is_inexact(dtype_of(y))]
    return tuple(map(jax.numpy.asarray, ys))


def push_or_pull(
    run: Function,
    points: tuple[Any, ...],
    mode: ModeOf,
) -> Function:
    """Return the linear map whose values at one-hot vectors fill J: Jv, or Jᵀu."""
    if mode == "forward":
        return lambda *v: jax.jvp(run, points, v)[1]
    pullback = jax.vjp(run, *points)[1]
    return lambda *u: pullback(u)


class Flat:
    """A function at a point, seen as a map from n numbers to m numbers."""

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        argnums: Any,
        holomorphic: bool,
    ):
        given = read_arguments(
            f,
            args,
            "forward",
            argnums,
        )
        self.f, self.args, self.argnums, self.given = f, args, argnums, given
        self.name = given.name
        self.holomorphic = holomorphic
        self.points = tuple(
            jax.numpy.asarray(given.leaves[k]) for k in given.which
        )
        arguments = _roots(given.names)
        # a leaf keeps its whole name where its last key is that of an argument
        short = short_names([*arguments, *given.names])[len(arguments) :]
        names = [short[k] for k in given.which]
        self.inputs = in_order(names, self.points)
        # the arguments that are differentiated
        self.wrt = _roots([given.names[k] for k in given.which])
        self.out = self.call(self.points, given.leaves)
        check_output(self.out, given.name)
        left = []  # what has no derivative, by name
        for k in jax.tree.leaves(given.diff_trees):
            if k >= 0 and k not in given.which:
                left.append((short[k], given.leaves[k]))
        self.result = "y"
        while self.result in (*arguments, *short):
            self.result = "out" if self.result == "y" else f"{self.result}_"
        names, ys = [], []
        for path, y in jax.tree_util.tree_leaves_with_path(self.out):
            name = self.result + jax.tree_util.keystr(path)
            if is_inexact(dtype_of(y)):
                names.append(name)
                ys.append(y)
            else:
                left.append((name, y))
        if not names:
            raise TypeError(
                f"{given.name} returns no real or complex number, so there is no Jacobian. "
                "Return the numbers themselves, not a comparison, a rounding or an index."
            )
        self.outputs = in_order(names, ys)
        self.n = sum(leaf.size for leaf in self.inputs)
        self.m = sum(leaf.size for leaf in self.outputs)
        self.dtype = _common([x.dtype for x in (*self.inputs, *self.outputs)])
        self.left_out = [f"{name} ({dtype_of(x)})" for name, x in left]
        self.is_complex = any(
            x.is_complex for x in (*self.inputs, *self.outputs)
        )
        sizes = [
            np.max(np.abs(y), initial=0.0, where=np.isfinite(y)) for y in ys
        ]
        self.largest = float(max(sizes))

    def derivative(
        self,
        of: str = "",
        by: str = "",
    ) -> str:
        """Return how a part of J is written: of all of the result, or by all that goes in."""
        if not by:
            by = self.wrt[0] if len(self.wrt) == 1 else f"({listed(self.wrt)})"
        return f"∂{of or self.result}/∂{by}"

    def run(
        self,
        *points: Any,
    ) -> tuple[Any, ...]:
        """Return the outputs that have a derivative, for the inputs that have one."""
        return differentiable(self.call(points, self.given.leaves))

    def call(
        self,
        points: Sequence[Any],
        leaves: Sequence[Any],
    ) -> Any:
        """Return the whole result for the inputs that have a derivative, and the other leaves."""
        full = list(leaves)
        for k, point in zip(self.given.which, points, strict=True):
            full[k] = point
        return self.given.as_function_of_leaves(self.f)(*full)

    def axes(
        self,
        step: Sequence[int],
    ) -> dict[str, list[str]]:
        """Return the names along both sides: of entries, or of `step` of them by their numbers."""
        names: dict[str, list[str]] = {}
        sides = (
            ("rows", self.outputs, self.m),
            ("columns", self.inputs, self.n),
        )
        for (side, leaves, count), k in zip(sides, step, strict=True):
            labels = names.setdefault(side, [])
            if k == 1:
                for leaf in leaves:
                    labels += map(leaf.label, range(leaf.size))
                continue
            for first in range(0, count, k):
                last = min(first + k, count) - 1
                labels.append(f"{first:,}–{last:,}")
        return names

    def mode(
        self,
        wanted: ModeOf | None,
    ) -> ModeOf:
        """Return the mode that was asked for, or what takes fewer passes.

        Raises:
            TypeError: where complex numbers leave no such derivative.
            ValueError: for an unknown mode.
        """
        modes = get_args(ModeOf)
        if wanted not in (*modes, None):
            raise ValueError(
                f"mode must be one of {', '.join(map(repr, modes))}; got {wanted!r}."
            )
        possible = self.possible_modes()
        if not possible or (wanted and wanted not in possible):
            sides = {"forward": "inputs", "reverse": "outputs"}
            side = sides.get(wanted or "", "inputs and outputs")
            what = f"{wanted} mode" if wanted else "its Jacobian"
            raise TypeError(
                f"{self.name} has complex {side}, so {what} would need "
                "it to be holomorphic. If it is, pass holomorphic=True (entries are then ∂y/∂z); "
                "if not, write it as a function of the real and the imaginary part."
            )
        if wanted:
            return wanted
        if len(possible) == 1:
            return possible[0]
        return "forward" if self.n <= self.m else "reverse"

    def possible_modes(self) -> list[ModeOf]:
        """Return the modes that complex numbers leave."""
        possible: list[ModeOf] = []
        for mode in get_args(ModeOf):
            odd = any(leaf.is_complex for leaf in self.side(mode))
            if self.holomorphic or not odd:
                possible.append(mode)
        return possible

    def side(
        self,
        mode: ModeOf,
    ) -> list[Leaf]:
        """Return the leaves that the vectors of a pass belong to."""
        return self.inputs if mode == "forward" else self.outputs

    def __getstate__(self) -> Data:
        """Leave out the function and the point: a file need not be able to hold them."""
        alone = ("f", "args", "given", "points", "out", "argnums")
        return {k: v for k, v in self.__dict__.items() if k not in alone}

    def check_size(self) -> None:
        """Raise a ValueError where J has more entries than anyone would wait for."""
        if self.m * self.n > MOST_ENTRIES:
            size = self.m * self.n * self.dtype.itemsize / 2**30
            count = min(self.m, self.n)
            raise ValueError(
                f"This Jacobian is {self.m:,} × {self.n:,}: {size:,.0f} GiB in {count:,} passes. "
                "Look at a part of it (argnums, fewer entries), at single products with jvp and "
                "vjp, or at sparse_jacobian."
            )


def one_hot(
    leaves: Sequence[Leaf],
    start: int,
    stop: int,
) -> list[Any]:
    """Return unit vectors number start to stop - 1, stacked, in the shapes of the leaves."""
    hot = []
    count = stop - start
    for leaf in leaves:
        block = np.zeros((count, leaf.size), leaf.dtype)
        first = max(start, leaf.start)
        end = min(stop, leaf.start + leaf.size)
        inside = np.arange(first, end)
        block[inside - start, inside - leaf.start] = 1
        hot.append(block.reshape(count, *leaf.shape))
    return hot


def pass_runner(
    flat: Flat,
    mode: ModeOf,
    chunk: int,
) -> Callable[[int], Array]:
    """Return a function that runs `chunk` passes at once, from a number on.

    What comes out of pass k is column k of J (or row k), one row of the returned array each.
    """
    apply = push_or_pull(flat.run, flat.points, mode)
    count = flat.n if mode == "forward" else flat.m

    def run(start: int) -> Array:
        stop = min(start + chunk, count)
        seeds = one_hot(
            flat.side(mode),
            start,
            stop,
        )
        hot = map(jax.numpy.asarray, seeds)
        if chunk == 1:
            out = [x[None] for x in apply(*(x[0] for x in hot))]
        else:
            out = jax.vmap(apply)(*hot)
        flats = []
        for x in out:
            rows = np.asarray(x).reshape(stop - start, -1)
            flats.append(rows.astype(flat.dtype))
        lines = np.concatenate(flats, axis=1)
        lines += np.zeros((), flat.dtype)  # so that -0.0 is shown as 0.0
        return lines

    return run


def _common(dtypes: Sequence[Any]) -> Any:
    """Return the dtype of a matrix that holds entries of all of these."""
    try:
        return jax.numpy.result_type(*dtypes)
    except (TypeError, ValueError):
        # jax promotes no 8-bit float: float32 holds all of them
        wide = [
            jax.numpy.float32 if np.dtype(d).itemsize == 1 else d
            for d in dtypes
        ]
        return jax.numpy.result_type(*wide)


def resolution(dtype: Any) -> float:
    """Return the distance from 1 to the next number of a dtype."""
    return float(jax.numpy.finfo(dtype).eps)  # type: ignore[no-untyped-call]


def central_differences(flat: Flat) -> Array:
    """Return J by (f(x + h e) - f(x - h e)) / 2h, column by column: 2n runs of f, no derivative."""
    columns = []
    for leaf, point in zip(flat.inputs, flat.points, strict=True):
        # the step that balances rounding against the error of the difference
        sizes = np.maximum(1, np.abs(np.ravel(point)))
        steps = resolution(leaf.dtype) ** (1 / 3) * sizes
        for k, h in enumerate(steps, start=leaf.start):
            above, below = [], []
            unit = one_hot(flat.inputs, k, k + 1)
            for p, e in zip(flat.points, unit, strict=True):
                change = (h * e[0]).astype(e.dtype)
                above.append(p + change)
                below.append(p - change)
            ends = zip(flat.run(*above), flat.run(*below), strict=True)
            differences = [np.ravel(a - b) for a, b in ends]
            columns.append(np.concatenate(differences) / (2 * h))
    return np.reshape(columns, (flat.n, flat.m)).T
