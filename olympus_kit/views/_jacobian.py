"""`jacobian_shapes`: what the Jacobian of a function is, and how each mode fills it."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from rich.progress import track

from ..program import Argnums, dtype_of, is_inexact
from ._formula import number, size_text
from ._graph import Graph, graph
from ._jacobian_draw import captions, jacobian_svg, jacobian_text, shape_pictures
from ._jacobian_passes import (
    ONE_BY_ONE,
    Array,
    Flat,
    central_differences,
    one_hot,
    passes,
)
from ._jacobian_words import fill_words, notes, pass_words, shape_words
from ._tiles import Tiles
from ._view import View, _element, module, pack

if TYPE_CHECKING:
    from ._jacobian_compare import Comparison

BUDGET = 2**26  # bytes of J, or of what passes through at once
COPIES = 8  # of the vectors of a pass that are alive at once: what f makes on the way, and tiles
LEGEND = [["--plus", "above 0"], ["--paper", "0"], ["--minus", "below 0, striped"]]
MOST_CHECKED = 400  # entries that are compared with finite differences
MOST_LADDERS = 24  # passes whose equations a page holds


class Jacobian(View):
    """The Jacobian of a function at a point: its shape, its entries, the passes that filled it."""

    scripts = ("common.js", "player.js", "jacobian.js")

    def __init__(self, flat: Flat, fill: str | None, budget: int) -> None:
        self.flat, self.way = flat, flat.by(fill)
        self.count = flat.n if self.way == "columns" else flat.m
        self.single = fill in ("columns", "rows") or (fill is None and self.count <= ONE_BY_ONE)
        flat.check_size()
        self.budget = budget
        whole = flat.m * flat.n * flat.dtype.itemsize <= budget
        self._matrix = np.zeros((flat.m, flat.n), flat.dtype) if whole else None
        if not whole:
            self.tiles = Tiles(flat.m, flat.n)
        self.steps: list[tuple[int, int, str]] = []  # first pass, last pass + 1, words
        try:
            self._fill()
        except Exception as error:
            other = "rows" if self.way == "columns" else "columns"
            error.add_note(f"This came up while jax filled {self.way}; there is fill={other!r}.")
            raise

    def _fill(self) -> None:
        """Run the passes; an interrupt between two chunks leaves nothing half made."""
        row = COPIES * (self.flat.m + self.flat.n) * self.flat.dtype.itemsize
        chunk = 1 if self.single else max(1, min(self.count, self.budget // max(1, row)))
        chunks = passes(self.flat, self.way, chunk)
        total = math.ceil(self.count / chunk)
        if total > (ONE_BY_ONE if self.single else 1):
            chunks = iter(track(chunks, f"{self.count:,} passes", total, transient=True))
        for start, found in chunks:
            part, row, column = (found.T, 0, start) if self.way == "columns" else (found, start, 0)
            if self._matrix is None:
                self.tiles.add(part, row, column)
            else:
                self._matrix[row : row + part.shape[0], column : column + part.shape[1]] = part
            stop = start + len(found)
            self.steps.append((start, stop, pass_words(self, start, stop, found)))

    @cached_property
    def tiles(self) -> Tiles:
        """The extremes of parts of the matrix; where it is not kept, they are found in passing."""
        tiles = Tiles(self.flat.m, self.flat.n)
        tiles.add(self.matrix)
        return tiles

    @cached_property
    def differences(self) -> Array | None:
        """A small Jacobian by finite differences, unless these mean something else."""
        flat = self.flat
        odd = not flat.holomorphic and any(x.is_complex for x in flat.inputs)
        many = flat.m * flat.n > MOST_CHECKED or flat.n > 2 * ONE_BY_ONE
        return None if odd or many else central_differences(flat)

    @property
    def matrix(self) -> Array:
        """The flattened Jacobian, one row for each output entry, shape (m, n).

        Raises:
            ValueError: where it is larger than the budget, so that only its tiles were kept.
        """
        if self._matrix is None:
            raise ValueError(
                f"This Jacobian takes {self.orders()[1][2]}, more than the budget of "
                f"{size_text(self.budget)}: only its tiles were kept. Pass budget=... to keep it."
            )
        return self._matrix

    def ladder(self, k: int) -> Graph:
        """Return the ladder of pass number `k`, counted from 0: its one-hot vector goes in.

        Raises:
            IndexError: where there is no such pass.
        """
        if not 0 <= k < self.count:
            raise IndexError(f"There is no pass {k}: they go from 0 to {self.count - 1}.")
        flat, given = self.flat, self.flat.given
        hot = iter(one_hot(flat.side(self.way), k, k + 1))
        if self.way == "columns":
            seed = lambda i: next(hot)[0] if i in given.which else 0
            trees = jax.tree.map(seed, given.diff_trees)
            return graph(flat.f, *flat.args, mode="forward", argnums=flat.argnums, tangents=trees)
        seed = lambda y: next(hot)[0] if is_inexact(dtype_of(y)) else y
        tree = jax.tree.map(seed, flat.out)
        return graph(flat.f, *flat.args, argnums=flat.argnums, cotangents=tree)

    def compare(self, guess: Any) -> Comparison:
        """Return this view with a guess beside it: what is wrong, and what it looks like.

        Args:
            guess: the m × n matrix, or blocks as jax.jacobian returns them.

        Raises:
            TypeError: for what holds no numbers.
            ValueError: where this Jacobian is too large to be kept.
        """
        from ._jacobian_compare import Comparison

        return Comparison(self, guess)

    @property
    def title(self) -> str:
        """The function, the point's shapes and those of the Jacobian."""
        ins = ", ".join(f"{x.name}{list(x.shape) or ''}" for x in self.flat.inputs)
        return f"The Jacobian of {self.flat.given.name}({ins}): {self.flat.m:,} × {self.flat.n:,}"

    @property
    def summary(self) -> str:
        """What the shape means, in words."""
        return f"{shape_words(self.flat.m, self.flat.n)} {fill_words(self)}"

    def notes(self) -> list[str]:
        """What a reader should know about this one."""
        return notes(self)

    def orders(self) -> list[tuple[str, str, str]]:
        """Return for f, ∂f and ∂²f the flattened shape and the bytes it takes."""
        m, n, item = self.flat.m, self.flat.n, self.flat.dtype.itemsize
        return [
            (name, " × ".join(f"{s:,}" for s in (m, *[n] * k)), size_text(m * n**k * item))
            for k, name in enumerate(("f", "∂f", "∂²f"))
        ]

    def blocks(self) -> list[tuple[str, str, str]]:
        """Return for each output and input leaf names, shape rule and flattened size."""
        return [
            (
                f"∂{y.name}/∂{x.name}",
                f"{y.shape} + {x.shape} = {y.shape + x.shape}",
                f"{y.size} × {x.size}",
            )
            for y in self.flat.outputs
            for x in self.flat.inputs
        ]

    def model(self) -> dict[str, Any]:
        """Return shapes, tiles, steps and words as plain data."""
        flat, tiles = self.flat, self.tiles
        pictures = [ET.tostring(p, encoding="unicode") for p in shape_pictures(flat)]
        return {
            "kind": "Jacobian",
            "title": self.title,
            "summary": self.summary,
            "notes": self.notes(),
            "way": self.way,
            "shapes": [[words, p] for (words, _), p in zip(captions(flat), pictures, strict=True)],
            "orders": self.orders(),
            "blocks": self.blocks(),
            "axes": flat.axes(tiles.step),
            "tile": list(tiles.step),
            "legend": LEGEND,
            "low": np.char.mod("%.4g", tiles.low).tolist(),
            "high": np.char.mod("%.4g", tiles.high).tolist(),
            "cells": self.cells,
            "differences": self._cells(self.differences),
            "steps": [self._step(*s) for s in self.steps],
            "text": self.text(),
        }

    @property
    def _opens(self) -> bool:
        """Whether a page holds the ladder of each pass: where they are few, and shown alone."""
        return self.single and self.count <= MOST_LADDERS

    def _embedded(self) -> dict[str, Any]:
        """Return the model with the ladders of its passes, as the page will open them."""
        found = [self.ladder(k)._embedded() for k in range(self.count if self._opens else 0)]
        states = [pack({"view": view, "step": -1}) for view in found]
        return self.model() | {"ladders": {"tag": _element(Graph.scripts)[0], "states": states}}

    def html(self, step: int = -1) -> str:
        """Return HTML that steps without a kernel, with the front-end of its ladders."""
        ladders = f"\n<script>\n{_element(Graph.scripts)[1]}</script>"
        return super().html(step) + ladders * self._opens

    def live(self) -> Any:
        """Return a widget over the same front-end, whose `step` Python can read and set."""
        from ._widget import widget

        return widget(self._embedded(), f"{module(self.scripts)}\n{_element(Graph.scripts)[1]}")

    def _step(self, start: int, stop: int, words: str) -> dict[str, Any]:
        """Return a step with the tiles that it touches along the side of its vectors."""
        size = self.tiles.step[1 if self.way == "columns" else 0]
        hot = list(range(start // size, -(-stop // size)))
        return {"words": words, "hot": hot, "seed": stop - start == 1}

    @property
    def cells(self) -> list[list[str]] | None:
        """Every entry as a few characters; None where there are more than a picture can hold."""
        return self._cells(self._matrix)

    def _cells(self, matrix: Array | None) -> list[list[str]] | None:
        if matrix is None or matrix.size > MOST_CHECKED or max(self.tiles.step) > 1:
            return None
        return [[number(x.item()) for x in row] for row in matrix]

    def text(self, color: bool = False) -> str:
        """Return shapes, entries and passes as text; where it is large, the extremes of tiles."""
        return self._text

    @cached_property
    def _text(self) -> str:
        return jacobian_text(self)  # a notebook shows it, and the page has it folded away

    def svg(self) -> str:
        """Return the shapes to scale and the entries as a heat map."""
        return jacobian_svg(self)


def jacobian_shapes(
    f: Callable[..., Any],
    *args: Any,
    argnums: Argnums = 0,
    fill: str | None = None,
    holomorphic: bool = False,
    budget: int = BUDGET,
) -> Jacobian:
    """Show what the Jacobian of `f` at `args` is, and fill it pass by pass.

    An output leaf of shape s and an input leaf of shape t make a block of shape s + t; all blocks
    together are one matrix with a row for each of m output entries and a column for each of n
    input entries.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`.
        argnums: which arguments to differentiate; the first by default, "all" for all.
        fill: "columns" (one JVP each), "rows" (one VJP each) or "vmap" (all at once); where None,
            the cheaper of both modes, all at once where it takes more than 32 passes.
        holomorphic: promise that a complex function has a complex derivative.
        budget: bytes of J that may be held at once; a larger one is kept as tiles.

    Raises:
        TypeError: for what is no function, leaves or outputs without numbers, complex numbers
            without `holomorphic`.
        ValueError: for an unknown `fill`, a wrong `argnums`, or a Jacobian too large to wait for.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    view = ok.jacobian_shapes(lambda x: jnp.sin(x[:2]) * x[2], jnp.ones(3))
    view.matrix.shape  # (2, 3)
    print(view)  # wide: filled by rows, in two VJPs
    ```
    """
    if not isinstance(budget, int) or budget < 1:
        raise ValueError(f"budget is a number of bytes, at least 1; got {budget!r}.")
    return Jacobian(Flat(f, args, argnums, holomorphic), fill, budget)
