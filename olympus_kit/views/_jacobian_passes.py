"""Fill a Jacobian by real passes: one-hot tangents give columns, one-hot cotangents give rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import numpy as np

from ..program import check_output, dtype_of, is_inexact, read_arguments

Array = np.ndarray[Any, Any]
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
        return bool(jax.numpy.issubdtype(self.dtype, jax.numpy.complexfloating))

    def label(self, entry: int) -> str:
        """Return the name of one of its entries, counted from its first, such as x[0, 1]."""
        index = np.unravel_index(entry, self.shape) if self.shape else ()
        return self.name + (
            f"[{', '.join(str(int(i)) for i in index)}]" if index else ""
        )


def in_order(names: Sequence[str], arrays: Sequence[Any]) -> list[Leaf]:
    """Return one leaf for each array, one after the other."""
    starts = np.cumsum([0, *(np.size(a) for a in arrays)])
    return [
        Leaf(name, tuple(np.shape(a)), dtype_of(a), int(start))
        for name, a, start in zip(names, arrays, starts[:-1], strict=True)
    ]


class Flat:
    """A function at a point, seen as a map from n numbers to m numbers."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        argnums: Any,
        holomorphic: bool,
    ):
        given = read_arguments(f, args, "forward", argnums)
        self.f, self.args, self.argnums, self.given = f, args, argnums, given
        self.holomorphic = holomorphic
        self.points = tuple(
            jax.numpy.asarray(given.leaves[k]) for k in given.which
        )
        self.inputs = in_order(
            [given.names[k] for k in given.which], self.points
        )
        self.out = given.as_function_of_leaves(f)(*self._leaves(self.points))
        check_output(self.out, given.name)
        word = (
            "out"
            if any(leaf.name.startswith("y") for leaf in self.inputs)
            else "y"
        )
        paths = jax.tree_util.tree_leaves_with_path(self.out)
        found = [(word + jax.tree_util.keystr(path), y) for path, y in paths]
        kept = [(name, y) for name, y in found if is_inexact(dtype_of(y))]
        if not kept:
            raise TypeError(
                f"{given.name} returns no real or complex number, so there is no Jacobian. "
                "Return the numbers themselves, not a comparison, a rounding or an index."
            )
        self.outputs = in_order(
            [name for name, _ in kept], [y for _, y in kept]
        )
        self.n, self.m = (
            sum(x.size for x in side) for side in (self.inputs, self.outputs)
        )
        self.dtype = _common([x.dtype for x in (*self.inputs, *self.outputs)])
        self.name = given.name
        diff = [
            k
            for k in jax.tree.leaves(given.diff_trees)
            if k >= 0 and k not in given.which
        ]
        left = [(given.names[k], given.leaves[k]) for k in diff]
        left += [(name, y) for name, y in found if not is_inexact(dtype_of(y))]
        self.left_out = [f"{name} ({dtype_of(x)})" for name, x in left]

    def run(self, *points: Any) -> tuple[Any, ...]:
        """Return the outputs that have a derivative, for the inputs that have one."""
        out = jax.tree.leaves(
            self.given.as_function_of_leaves(self.f)(*self._leaves(points))
        )
        return tuple(
            jax.numpy.asarray(y) for y in out if is_inexact(dtype_of(y))
        )

    def _leaves(self, points: Sequence[Any]) -> list[Any]:
        leaves = list(self.given.leaves)
        for k, point in zip(self.given.which, points, strict=True):
            leaves[k] = point
        return leaves

    def axes(self, step: Sequence[int]) -> dict[str, list[str]]:
        """Return the names along both sides: of entries, or of `step` of them by their numbers."""
        names = {}
        sides = (
            ("rows", self.outputs, self.m),
            ("columns", self.inputs, self.n),
        )
        for (side, leaves, count), k in zip(sides, step, strict=True):
            ends = ((a, min(a + k, count) - 1) for a in range(0, count, k))
            each = (
                leaf.label(entry)
                for leaf in leaves
                for entry in range(leaf.size)
            )
            names[side] = (
                list(each) if k == 1 else [f"{a:,}–{b:,}" for a, b in ends]
            )
        return names

    def mode(self, wanted: ModeOf | None) -> ModeOf:
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
        possible: list[ModeOf] = [
            mode
            for mode in modes
            if self.holomorphic
            or not any(leaf.is_complex for leaf in self.side(mode))
        ]
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

    def side(self, mode: ModeOf) -> list[Leaf]:
        """Return the leaves that the vectors of a pass belong to."""
        return self.inputs if mode == "forward" else self.outputs

    def push_or_pull(self, mode: ModeOf) -> Callable[..., Any]:
        """Return the linear map whose values at one-hot vectors fill J: Jv, or Jᵀu."""
        if mode == "forward":
            return lambda *v: jax.jvp(self.run, self.points, v)[1]
        pullback: Callable[..., Any] = jax.vjp(self.run, *self.points)[1]
        return lambda *u: pullback(u)

    def __deepcopy__(self, memo: dict[int, Any]) -> Flat:
        """Return itself: nobody changes it."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the function and the point: a file need not be able to hold them."""
        alone = ("f", "args", "given", "points", "out", "argnums")
        return {k: v for k, v in self.__dict__.items() if k not in alone}

    def check_size(self) -> None:
        """Raise a ValueError where J has more entries than anyone would wait for."""
        if self.m * self.n > MOST_ENTRIES:
            size, count = (
                self.m * self.n * self.dtype.itemsize / 2**30,
                min(self.m, self.n),
            )
            raise ValueError(
                f"This Jacobian is {self.m:,} × {self.n:,}: {size:,.0f} GiB in {count:,} passes. "
                "Look at a part of it (argnums, fewer entries), at single products with jvp and "
                "vjp, or at sparse_jacobian."
            )


def one_hot(leaves: Sequence[Leaf], start: int, stop: int) -> list[Any]:
    """Return unit vectors number start to stop - 1, stacked, in the shapes of the leaves."""
    hot = []
    for leaf in leaves:
        block = np.zeros((stop - start, leaf.size), leaf.dtype)
        inside = np.arange(
            max(start, leaf.start), min(stop, leaf.start + leaf.size)
        )
        block[inside - start, inside - leaf.start] = 1
        hot.append(block.reshape(stop - start, *leaf.shape))
    return hot


def pass_runner(flat: Flat, mode: ModeOf, chunk: int) -> Callable[[int], Array]:
    """Return a function that runs `chunk` passes at once, from a number on.

    What comes out of pass k is column k of J (or row k), one row of the returned array each.
    """
    apply = flat.push_or_pull(mode)
    count = flat.n if mode == "forward" else flat.m

    def run(start: int) -> Array:
        stop = min(start + chunk, count)
        hot = [
            jax.numpy.asarray(x) for x in one_hot(flat.side(mode), start, stop)
        ]
        if chunk == 1:
            out = [x[None] for x in apply(*(x[0] for x in hot))]
        else:
            out = jax.vmap(apply)(*hot)
        flats = [
            np.asarray(x).reshape(stop - start, -1).astype(flat.dtype)
            for x in out
        ]
        lines: Array = np.concatenate(flats, axis=1)
        lines += np.zeros((), flat.dtype)  # so that -0.0 is shown as 0.0
        return lines

    return run


def _common(dtypes: Sequence[Any]) -> Any:
    """Return the dtype of a matrix that holds entries of all of these."""
    try:
        return jax.numpy.result_type(*dtypes)
    except (
        TypeError,
        ValueError,
    ):  # jax promotes no 8-bit float: float32 holds all of them
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
        steps = resolution(leaf.dtype) ** (1 / 3) * np.maximum(
            1, np.abs(np.ravel(point))
        )
        for k, h in enumerate(steps, start=leaf.start):
            hot = [
                (h * e[0]).astype(e.dtype)
                for e in one_hot(flat.inputs, k, k + 1)
            ]
            ends = [
                flat.run(
                    *(
                        p + sign * e
                        for p, e in zip(flat.points, hot, strict=True)
                    )
                )
                for sign in (1, -1)
            ]
            change = [np.ravel(a - b) for a, b in zip(*ends, strict=True)]
            columns.append(np.concatenate(change) / (2 * h))
    return np.stack(columns, axis=1) if columns else np.zeros((flat.m, 0))
