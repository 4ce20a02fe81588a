"""Sparse Jacobians: the pattern, its colouring, and the few passes that are left (by asdex)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import Argnums
from ._formula import plural
from ._jacobian_draw import draw_entries
from ._jacobian_passes import Flat
from ._jacobian_words import PASS
from ._svg import MUTED, PAD, _finished, _page, _text
from ._tiles import Tiles
from ._view import View

SHOWN = 12  # members of a group that a step names
MOST_CELLS = 400


def _asdex() -> Any:
    try:
        import asdex
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Sparsity needs asdex, which is not installed. Install it with "
            "`pip install asdex` (or the kit with its extra: `pip install 'olympus-kit[sparse]'`)."
        ) from None
    return asdex


def sparse_jacobian(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0
) -> Callable[..., Any]:
    """Prepare the sparse Jacobian of `f`: detect its pattern and colour it, once, for all points.

    Args:
        f: a function as for jax.jacfwd.
        *args: a sample of its arguments; only their shapes and dtypes count.
        argnums: which arguments to differentiate.

    Returns:
        A jitted function of the same arguments. It returns what jax.jacfwd returns, each block
        a `jax.experimental.sparse.BCOO` of shape out.shape + in.shape; `.todense()` gives an array.

    Raises:
        ModuleNotFoundError: without asdex.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    x = jnp.linspace(0.0, 1.0, 2000)
    J = ok.sparse_jacobian(lambda x: (x[1:] - x[:-1]) ** 2, x)
    J(x).nse  # 3998 entries, from two passes instead of 1999
    ```
    """
    return jax.jit(_asdex().jacobian(f, *args, argnums=argnums))


class Sparsity(View):
    """Which entries of a Jacobian can differ from zero, and how few passes fill them."""

    scripts = ("common.js", "player.js", "jacobian.js")

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        run = lambda *points: jax.numpy.concatenate([y.reshape(-1) for y in flat.run(*points)])
        every = tuple(range(len(flat.points)))
        self.coloring = _asdex().jacobian_coloring(run, *flat.points, argnums=every)
        self.passes = int(self.coloring.num_colors)
        self.way = "columns" if self.coloring.mode == "fwd" else "rows"
        self.groups = [np.flatnonzero(self.coloring.colors == c) for c in range(self.passes)]
        pattern = self.coloring.sparsity
        self.rows, self.columns = np.asarray(pattern.rows), np.asarray(pattern.cols)
        self.tiles = Tiles(flat.m, flat.n)
        self.tiles.high[:] = self.tiles.low[:] = 0
        down, across = self.tiles.step
        self.tiles.high[self.rows // down, self.columns // across] = 1

    @property
    def title(self) -> str:
        """The shape, and how much of it can differ from zero."""
        m, n, name = self.flat.m, self.flat.n, self.flat.given.name
        return f"The sparsity of {name}: {len(self.rows):,} of {m:,} × {n:,} entries"

    @property
    def summary(self) -> str:
        """How many passes are left."""
        dense, (kind, _, _, across) = min(self.flat.m, self.flat.n), PASS[self.way]
        if not self.passes:
            return f"No entry can differ from 0, so that no pass in place of {dense:,} is needed."
        return (
            f"{plural(self.passes, 'group')} of {self.way} that share no {across}, so "
            f"{plural(self.passes, kind)} in place of {dense:,} fill it: "
            f"{dense / self.passes:,.3g}× fewer."
        )

    def _words(self, k: int) -> str:
        group = self.groups[k]
        names = ", ".join(map(str, group[:SHOWN])) + (" …" if len(group) > SHOWN else "")
        _, seed, _, across = PASS[self.way]
        places = plural(len(group), "place")
        return (
            f"Pass {k + 1} of {self.passes}: the {seed} is 1 at {names} ({places}), "
            f"0 elsewhere. These {self.way} share no {across}, so what comes out can be told apart."
        )

    def model(self) -> dict[str, Any]:
        """Return pattern, groups and words as plain data."""
        tiles = self.tiles
        size = tiles.step[1 if self.way == "columns" else 0]
        steps = [
            {"words": self._words(k), "hot": np.unique(g // size).tolist(), "seed": True}
            for k, g in enumerate(self.groups)
        ]
        numbered = ", with the pass that fills it" if self._cells() else ""
        return {
            "kind": "sparsity pattern",
            "title": self.title,
            "summary": self.summary,
            "way": self.way,
            "axes": self.flat.axes(tiles.step),
            "tile": list(tiles.step),
            "pattern": True,
            "legend": [["--plus", f"may differ from 0{numbered}"], ["--paper", "always 0"]],
            "low": tiles.low.tolist(),
            "high": tiles.high.tolist(),
            "cells": self._cells(),
            "steps": steps,
            "text": self.text(),
        }

    def _cells(self) -> list[list[str]] | None:
        """Return for each entry of a small pattern the number of the pass that fills it."""
        if max(self.tiles.step) > 1 or self.tiles.low.size > MOST_CELLS:
            return None
        cells = np.full(self.tiles.grid, "", object)
        line = self.columns if self.way == "columns" else self.rows
        cells[self.rows, self.columns] = [f"{k + 1}" for k in self.coloring.colors[line]]
        return cells.tolist()

    def text(self, color: bool = False) -> str:
        """Return the counts, the groups, and the pattern in dots."""
        groups = [self._words(k) for k in range(self.passes)]
        return "\n".join([self.title, self.summary, "", *groups, "", str(self.coloring)])

    def svg(self) -> str:
        """Return the pattern as a picture."""
        root = _page(self)
        _text(root, PAD, 52, self.summary, MUTED)
        bottom, right = draw_entries(
            root, self.tiles.high, self.flat.axes(self.tiles.step), self._cells(), 76
        )
        return _finished(root, max(right, 7.4 * len(self.summary) + 2 * PAD), bottom)


def sparsity(f: Callable[..., Any], *args: Any, argnums: Argnums = 0) -> Sparsity:
    """Show which entries of the Jacobian of `f` can differ from zero, and how few passes fill it.

    The pattern holds for every point. Columns without a common row form a group (a colour): one
    pass with ones at all of them gives them all, and likewise rows without a common column.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`; only shapes and dtypes count.
        argnums: which arguments to differentiate; the first by default, "all" for all.

    Raises:
        ModuleNotFoundError: without asdex.
        TypeError: as for `jacobian_shapes`.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.sparsity(lambda x: (x[1:] - x[:-1]) ** 2, jnp.ones(50)))  # 2 JVPs in place of 49
    ```
    """
    return Sparsity(Flat(f, args, argnums, False))
