"""Sparse Jacobians: the pattern, its colouring, and the few passes that are left (by asdex)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import Argnums
from ._draw import Canvas
from ._figure import Figure, Step
from ._formula import plural
from ._heat import Heat
from ._jacobian_passes import Flat, ModeOf
from ._jacobian_words import PASS
from ._tiles import Tiles

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


class Sparsity(Figure):
    """Which entries of a Jacobian can differ from zero, and how few passes fill them."""

    kind = "sparsity pattern"

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        run = lambda *points: jax.numpy.concatenate([y.reshape(-1) for y in flat.run(*points)])
        every = tuple(range(len(flat.points)))
        self.coloring = _asdex().jacobian_coloring(run, *flat.points, argnums=every)
        self.passes = int(self.coloring.num_colors)
        self.mode: ModeOf = "forward" if self.coloring.mode == "fwd" else "reverse"
        self.groups = [np.flatnonzero(self.coloring.colors == c) for c in range(self.passes)]
        self.colors = self.coloring.colors
        pattern = self.coloring.sparsity
        self.rows, self.columns = np.asarray(pattern.rows), np.asarray(pattern.cols)
        self.tiles = Tiles(flat.m, flat.n)
        self.tiles.high[:] = self.tiles.low[:] = 0
        down, across = self.tiles.step
        self.tiles.high[self.rows // down, self.columns // across] = 1

    @property
    def title(self) -> str:
        """The shape, and how much of it can differ from zero."""
        m, n, name = self.flat.m, self.flat.n, self.flat.name
        return f"The sparsity of {name}: {len(self.rows):,} of {m:,} × {n:,} entries"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How many passes are left."""
        dense, words = min(self.flat.m, self.flat.n), PASS[self.mode]
        if not self.passes:
            return f"No entry can differ from 0, so that no pass in place of {dense:,} is needed."
        return (
            f"{plural(self.passes, 'group')} of {words.line}s that share no {words.across}, so "
            f"{plural(self.passes, words.kind)} in place of {dense:,} fill it: "
            f"{dense / self.passes:,.3g}× fewer."
        )

    def steps(self) -> list[Step]:
        """Return the passes."""
        return [Step(self._words(k)) for k in range(self.passes)]

    def _words(self, k: int) -> str:
        group, words = self.groups[k], PASS[self.mode]
        names = ", ".join(map(str, group[:SHOWN])) + (" …" if len(group) > SHOWN else "")
        return (
            f"Pass {k + 1} of {self.passes}: the {words.seed} is 1 at {names} "
            f"({plural(len(group), 'place')}), 0 elsewhere. These {words.line}s share no "
            f"{words.across}, so what comes out can be told apart."
        )

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each entry that can differ from zero, with the pass that fills it."""
        lines = self.columns if self.mode == "forward" else self.rows
        return [
            {"row": int(i), "column": int(j), "pass": int(self.colors[line]) + 1}
            for i, j, line in zip(self.rows, self.columns, lines, strict=True)
        ]

    def pictures(self) -> list[Canvas]:
        """Draw the pattern, of a small one with the pass that fills each entry."""
        tiles, cells = self.tiles, self._cells()
        rows, columns = self.flat.axes(tiles.step).values()
        steps: dict[Any, list[int]] = {}
        for k, group in enumerate(self.groups):
            for line in np.unique(group // tiles.step[1 if self.mode == "forward" else 0]):
                steps.setdefault(int(line), []).append(k)

        def say(i: int, j: int) -> str:
            words = "always 0"
            if tiles.high[i, j]:
                filled = f", filled by pass {cells[i][j]}" if cells else ""
                words = f"may differ from 0{filled}"
            return f"row {rows[i]}, column {columns[j]}: {words}"

        words = PASS[self.mode]
        numbered = ", with the pass that fills it" if cells else ""
        heat = Heat(
            f"∂y/∂x: {self.flat.m:,} × {self.flat.n:,}",
            tiles.high,
            rows,
            columns,
            cells,
            say,
            (lambda i, j: j) if self.mode == "forward" else (lambda i, j: i),
            steps,
            [f"orange: may differ from 0{numbered}"],
            seed=f"{words.mark} 1",
        )
        return [heat.draw()]

    def _cells(self) -> list[list[str]] | None:
        """Return for each entry of a small pattern the number of the pass that fills it."""
        if max(self.tiles.step) > 1 or self.tiles.low.size > MOST_CELLS:
            return None
        cells = np.full(self.tiles.grid, "", object)
        for record in self.records():
            cells[record["row"], record["column"]] = str(record["pass"])
        return cells.tolist()

    def text(self, color: bool = False) -> str:
        """Return the counts, the groups, and the pattern in dots."""
        groups = [step.words for step in self.steps()]
        return "\n".join([self.title, self.finding, "", *groups, "", str(self.coloring)])


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
