"""Sparse Jacobians: the pattern, its colouring, and the few passes that are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import (
    Argnums,
    describe,
    dtype_of,
    is_inexact,
    precision_of,
    sparsity_pattern,
)
from ._draw import Canvas
from ._figure import Figure, Step
from ._format import listed
from ._formula import plural
from ._heat import Heat
from ._jacobian_passes import Flat, Leaf, ModeOf, differentiable, push_or_pull
from ._jacobian_words import PASS
from ._tiles import Tiles
from ._types import Array, Data, Function

SHOWN = 12  # members of a group that a step names
MOST_CELLS = 400
# of the graph that is coloured; each takes some hundred bytes
MOST_EDGES = 2_000_000
MOST_BY_SATURATION = 1000  # lines


# --- groups --------------------------------------------------------------------------------------


class Coloring:
    """A pattern, and its columns (or rows) in groups that share no row (no column).

    One pass fills all lines of a group at once. The lines are the nodes of a graph, those that
    have an entry in the same place are joined, and a group is a colour: Curtis, Powell and Reid,
    "On the estimation of sparse Jacobian matrices", 1974.
    """

    def __init__(
        self,
        pattern: Any,
        modes: Sequence[ModeOf],
    ) -> None:
        self.rows, self.columns = pattern.tocoo().coords
        by_mode = {"forward": pattern, "reverse": pattern.T.tocsr()}
        # lines that all have an entry in one place need a group each
        least = {}
        for mode in modes:
            entries = np.diff(by_mode[mode].indptr)
            least[mode] = int(entries.max(initial=0))
        first, *others = sorted(modes, key=least.__getitem__)
        self.mode = first
        self.colors = _colors(by_mode[first], least[first])
        for mode in others:
            if least[mode] < self.count:
                colors = _colors(by_mode[mode], least[mode])
                if colors.max(initial=-1) + 1 < self.count:
                    self.mode, self.colors = mode, colors

    @property
    def count(self) -> int:
        """The number of groups."""
        return int(self.colors.max(initial=-1)) + 1

    @property
    def groups(self) -> list[Array]:
        """The lines of each group."""
        return [np.flatnonzero(self.colors == k) for k in range(self.count)]


def _colors(pattern: Any, least: int) -> Array:
    """Return the group of each column, -1 for one without entries, which needs no pass."""
    import networkx

    width = pattern.shape[1]
    entries = np.bincount(pattern.indices, minlength=width)
    lines = np.flatnonzero(entries)
    colors = np.full(width, -1)
    across = np.diff(pattern.indptr).astype(float)
    edges = (across**2).sum() / 2  # at most
    if least == lines.size or edges > MOST_EDGES:
        colors[lines] = np.arange(lines.size)
        return colors
    meeting = (pattern.T @ pattern).tocoo()
    graph = networkx.Graph()
    graph.add_nodes_from(lines.tolist())
    for a, b in np.transpose(meeting.coords).tolist():
        if a < b:
            graph.add_edge(a, b)
    # DSATUR finds the five groups of a grid's five-point stencil, where the quicker order by
    # degree leaves seven; its time grows with the square of the lines
    order = "DSATUR" if lines.size <= MOST_BY_SATURATION else "largest_first"
    chosen = networkx.greedy_color(graph, order)
    # groups are numbered in the order of their first lines
    numbers: dict[int, int] = {}
    for line in lines.tolist():
        colors[line] = numbers.setdefault(chosen[line], len(numbers))
    return colors


def _coloring(flat: Flat) -> Coloring:
    """Return the groups of fewest passes, in a mode that jax has for this function."""
    pattern = sparsity_pattern(
        flat.f,
        *flat.args,
        argnums=flat.argnums,
    )
    flat.mode(None)  # where complex numbers leave no mode, it says so
    modes = flat.possible_modes()
    coloring = Coloring(pattern, modes)
    try:
        _try(flat, coloring.mode)
    except (TypeError, ValueError, NotImplementedError):
        # custom_vjp has no forward mode, nor has a primitive of the user's own without a rule for
        # it, and a while loop has no reverse mode
        others = [mode for mode in modes if mode != coloring.mode]
        if not others:
            raise
        _try(flat, others[0])
        return Coloring(pattern, others)
    return coloring


def _try(flat: Flat, mode: ModeOf) -> None:
    """Run one pass, for jax to raise its error where a function has no derivative in a mode."""
    zeros = [jax.numpy.zeros(x.shape, x.dtype) for x in flat.side(mode)]
    push_or_pull(flat.run, flat.points, mode)(*zeros)


# --- the Jacobian --------------------------------------------------------------------------------


def sparse_jacobian(f: Function, *args: Any, argnums: Argnums = 0) -> Function:
    """Prepare the sparse Jacobian of `f`: detect its pattern and colour it, once, for all points.

    Args:
        f: a function as for jax.jacfwd.
        *args: a sample of its arguments. Of real and complex numbers and of random keys only
            shapes and dtypes count; all else (integers, strings) stays as it is here.
        argnums: which arguments to differentiate.

    Returns:
        A function of the same arguments, compiled when it is first called. It returns what
        jax.jacfwd returns, each block a `jax.experimental.sparse.BCOO` of shape
        out.shape + in.shape (None where there is no derivative, as of an integer);
        `.todense()` gives an array.

    Raises:
        TypeError, ValueError: as for `sparsity`; when called, for arguments of another
            structure or shape than the sample, and for other integers and objects.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    x = jnp.linspace(0.0, 1.0, 2000)
    J = ok.sparse_jacobian(lambda x: (x[1:] - x[:-1]) ** 2, x)
    J(x).nse  # 3998 entries, from two passes instead of 1999
    ```
    """
    with precision_of(args):
        flat = Flat(f, args, argnums, False)
        compute = jax.jit(_passes(flat, _coloring(flat)))
    tree: Any  # jax's types do not say that structures compare
    sample, tree = jax.tree.flatten(args)

    def jacobian(*called: Any) -> Any:
        leaves, structure = jax.tree.flatten(called)
        if tree != structure:
            raise TypeError(
                f"The Jacobian of {flat.given.name} was prepared for arguments of the structure "
                f"{tree}; got {structure}. Prepare it again for these."
            )
        values = []
        for old, new in zip(sample, leaves, strict=True):
            misfit = _misfit(old, new)
            if misfit:
                name = flat.given.name
                raise ValueError(
                    f"The Jacobian of {name} was prepared for {misfit}"
                )
            if _varies(old):
                values.append(new)
        with precision_of(values):
            return compute(values)

    return jacobian


def _is_number(leaf: Any) -> bool:
    kinds = bool | int | float | complex | jax.Array | np.ndarray | np.generic
    return isinstance(leaf, kinds)


def _varies(leaf: Any) -> bool:
    """Whether the pattern holds for other values of a leaf, too."""
    if not _is_number(leaf):
        return False
    dtype = dtype_of(leaf)
    is_key = jax.numpy.issubdtype(dtype, jax.dtypes.prng_key)
    return is_inexact(dtype) or bool(is_key)


def _misfit(old: Any, new: Any) -> str:
    """Return what was prepared for one leaf and does not hold for another; "" where it does."""
    if _varies(old):
        if np.shape(old) == np.shape(new) and _varies(new):
            return ""
        was, now = (f"{dtype_of(x)} of shape {np.shape(x)}" for x in (old, new))
        return f"{was}; got {now}. Hand over the same shapes, and 3.0 for 3, or prepare it again."
    if isinstance(new, jax.core.Tracer):
        same = False
    elif _is_number(old) and _is_number(new):
        same = np.array_equal(old, new)
    else:
        same = old is new or old == new
    if same:
        return ""
    return (
        f"{describe(old)}; got {describe(new)}. What is not a real or complex number is a part of "
        "what was prepared: prepare it again."
    )


def _passes(flat: Flat, coloring: Coloring) -> Callable[[list[Any]], Any]:
    """Return the function that runs one pass for each group and sorts out the entries."""
    given = flat.given
    free = [k for k, leaf in enumerate(given.leaves) if _varies(leaf)]
    seeds = _seeds(flat.side(coloring.mode), coloring)

    def compute(values: list[Any]) -> Any:
        leaves = list(given.leaves)
        for k, value in zip(free, values, strict=True):
            leaves[k] = value

        def run(*points: Any) -> tuple[Any, ...]:
            return differentiable(flat.call(points, leaves))

        points = tuple(jax.numpy.asarray(leaves[k]) for k in given.which)
        one_pass = push_or_pull(
            run,
            points,
            coloring.mode,
        )
        came = jax.vmap(one_pass)(*seeds)
        return _in_blocks(flat, coloring, came)

    return compute


def _seeds(leaves: Sequence[Leaf], coloring: Coloring) -> list[Any]:
    """Return for each leaf what goes into the passes: ones at the lines of each group."""
    seeds = []
    count = coloring.count
    groups = np.arange(count)[:, None]
    for leaf in leaves:
        colors = coloring.colors[leaf.start : leaf.start + leaf.size]
        ones = (colors == groups).astype(leaf.dtype)
        seed = ones.reshape(count, *leaf.shape)
        seeds.append(jax.numpy.asarray(seed))
    return seeds


def _in_blocks(
    flat: Flat,
    coloring: Coloring,
    came: Sequence[Any],
) -> Any:
    """Return what came out of the passes in the structure of jax.jacfwd."""
    trees = flat.given.diff_trees
    inputs = trees if isinstance(flat.argnums, Sequence) else trees[0]
    results, structure = jax.tree.flatten(flat.out)
    filled = []
    outputs = iter(enumerate(flat.outputs))
    for result in results:
        row = {}  # the blocks of this result, by the number of the argument's leaf
        if is_inexact(dtype_of(result)):
            i, y = next(outputs)
            for j, x in enumerate(flat.inputs):
                out = came[i] if coloring.mode == "forward" else came[j]
                row[flat.given.which[j]] = _block(coloring, y, x, out)
        filled.append(jax.tree.map(row.get, inputs))
    return jax.tree.unflatten(structure, filled)


def _block(
    coloring: Coloring,
    y: Leaf,
    x: Leaf,
    came: Any,
) -> Any:
    """Return the block of one output and one input, its entries taken from what came out."""
    from jax.experimental.sparse import BCOO

    rows = coloring.rows - y.start
    columns = coloring.columns - x.start
    inside = (rows >= 0) & (rows < y.size)
    inside &= (columns >= 0) & (columns < x.size)
    rows, columns = rows[inside], columns[inside]
    if coloring.mode == "forward":
        lines = columns + x.start
        places, size = rows, y.size
    else:
        lines = rows + y.start
        places, size = columns, x.size
    groups = coloring.colors[lines]
    data = came.reshape(coloring.count, size)[groups, places]
    index: list[Array] = []
    for places, shape in ((rows, y.shape), (columns, x.shape)):
        if shape:  # a scalar has no axis
            index += np.unravel_index(places, shape)
    numbers = np.array(index, np.int32).T
    indices = numbers.reshape(len(rows), len(index))
    return BCOO(
        (data, jax.numpy.asarray(indices)),
        shape=y.shape + x.shape,
        indices_sorted=True,
        unique_indices=True,
    )


# --- the picture ---------------------------------------------------------------------------------


class Sparsity(Figure):
    """Which entries of a Jacobian can differ from zero, and how few passes fill them."""

    kind = "sparsity pattern"

    def __init__(self, flat: Flat) -> None:
        # of the function itself only its name and its axes are left, so that a view can be copied
        self.name, self.m, self.n = flat.name, flat.m, flat.n
        self.coloring = coloring = _coloring(flat)
        self.passes, self.mode = coloring.count, coloring.mode
        self.groups = coloring.groups
        self.rows, self.columns = coloring.rows, coloring.columns
        self.tiles = tiles = Tiles(flat.m, flat.n)
        tiles.high[:] = tiles.low[:] = 0
        down, across = tiles.step
        tiles.high[self.rows // down, self.columns // across] = 1
        self.axes = flat.axes(tiles.step)
        size = f"{len(self.rows):,} of {flat.m:,} × {flat.n:,} entries"
        self.derivative = flat.derivative()
        what = f"{flat.name} with respect to {listed(flat.wrt)}"
        self.title = f"The sparsity of {what}: {size}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How many passes are left."""
        dense, words = min(self.m, self.n), PASS[self.mode]
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
        names = ", ".join(map(str, group[:SHOWN]))
        if len(group) > SHOWN:
            names += " …"
        return (
            f"Pass {k + 1} of {self.passes}: the {words.seed} is 1 at {names} "
            f"({plural(len(group), 'place')}), 0 elsewhere. These {words.line}s share no "
            f"{words.across}, so what comes out can be told apart."
        )

    def records(self) -> list[Data]:
        """Return a dict for each entry that can differ from zero, with the pass that fills it."""
        records = []
        for row, column in zip(self.rows, self.columns, strict=True):
            line = column if self.mode == "forward" else row
            records.append({
                "row": int(row),
                "column": int(column),
                "pass": int(self.coloring.colors[line]) + 1,
            })
        return records

    def pictures(self) -> list[Canvas]:
        """Draw the pattern, of a small one with the pass that fills each entry."""
        tiles, cells = self.tiles, self._cells()
        rows, columns = self.axes.values()
        down, across = tiles.step
        forward = self.mode == "forward"
        steps: dict[Any, list[int]] = {}
        for k, group in enumerate(self.groups):
            together = group // (across if forward else down)
            for line in np.unique(together):
                steps.setdefault(int(line), []).append(k)

        def say(i: int, j: int) -> str:
            words = "always 0"
            if tiles.high[i, j]:
                words = "may differ from 0"
                if cells:
                    words += f", filled by pass {cells[i][j]}"
            return f"row {rows[i]}, column {columns[j]}: {words}"

        legend = "orange: may differ from 0"
        if cells:
            legend += ", with the pass that fills it"
        heat = Heat(
            f"{self.derivative}: {self.m:,} × {self.n:,}",
            tiles.high,
            rows,
            columns,
            cells,
            say,
            lambda i, j: j if forward else i,
            steps,
            [legend],
            seed=f"{PASS[self.mode].mark} 1",
        )
        return [heat.draw()]

    def _cells(self) -> list[list[str]] | None:
        """Return for each entry of a small pattern the number of the pass that fills it."""
        if max(self.tiles.step) > 1 or self.tiles.low.size > MOST_CELLS:
            return None
        cells = [[""] * self.n for _ in range(self.m)]
        for record in self.records():
            row, column, number = record.values()
            cells[row][column] = str(number)
        return cells

    def text(self, color: bool = False) -> str:
        """Return the counts, the groups, and the pattern in dots."""
        groups = [step.words for step in self.steps()]
        down, across = self.tiles.step
        head = "● may differ from 0, · is always 0"
        if max(down, across) > 1:
            head += f"; one mark for {down} × {across} entries"
        lines = [
            self.title,
            self.finding,
            "",
            *groups,
            "",
            head,
        ]
        for row in self.tiles.high:
            lines.append("".join("●" if high else "·" for high in row))
        return "\n".join(lines)


def sparsity(f: Function, *args: Any, argnums: Argnums = 0) -> Sparsity:
    """Show which entries of the Jacobian of `f` can differ from zero, and how few passes fill it.

    The pattern holds for every point. Columns without a common row form a group (a colour): one
    pass with ones at all of them gives them all, and likewise rows without a common column.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`; only shapes and dtypes count.
        argnums: which arguments to differentiate; the first by default, "all" for all.

    Raises:
        TypeError: as for `jacobian_shapes`, and where `f` uses Python control flow on traced
            values.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.sparsity(lambda x: (x[1:] - x[:-1]) ** 2, jnp.ones(50)))  # 2 JVPs in place of 49
    ```
    """
    with precision_of(args):
        return Sparsity(Flat(f, args, argnums, False))
