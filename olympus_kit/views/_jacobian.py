"""`jacobian_shapes`: what the Jacobian of a function is, and how each mode fills it."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial
from typing import Any, Literal

import jax
import numpy as np

from ..compare import close_entries
from ..program import Argnums, dtype_of, is_inexact, precision_of
from ._draw import Canvas
from ._explore import explorable
from ._figure import WIDTH, Detail, Figure, Step, Table
from ._format import listed
from ._formula import number, plural, size_text
from ._graph import Graph, graph
from ._guess import looks_like, read_guess, tolerance_of
from ._heat import LONG, WIDE, Heat, Run
from ._jacobian_passes import (
    ONE_BY_ONE,
    Flat,
    Leaf,
    ModeOf,
    central_differences,
    one_hot,
    pass_runner,
)
from ._jacobian_words import (
    PASS,
    agreement,
    captions,
    fill_words,
    notes,
    pass_words,
    shape_words,
)
from ._measure import NEEDS_VALUES, WITHOUT_VALUES
from ._predict import shape_questions
from ._shapes import conventions, function_shapes
from ._tiles import Tiles
from ._timing import tracked
from ._types import Array, Data, Function
from ._view import element, module, pack

BUDGET = 2**26  # bytes of J, or of what passes through at once
COPIES = 8  # of the vectors of a pass that are alive at once: intermediates of f, and tiles
MOST_CHECKED = 400  # entries that are compared with finite differences
MOST_CELLS = 2_000  # entries that a table holds
MOST_LADDERS = 24  # passes whose equations a page holds
MOST_LEAVES = 12  # of a gradient that are drawn


class Jacobian(Figure):
    """The Jacobian of a function at a point: its shape, its entries, the passes that filled it."""

    kind = "Jacobian"
    idle = "All entries are shown. Step to watch the passes fill them."

    def __init__(
        self, flat: Flat, mode: ModeOf | None, batched: bool | None, budget: int
    ) -> None:
        self.flat, self.mode = flat, flat.mode(mode)
        self.count = flat.n if self.mode == "forward" else flat.m
        self.single = not batched
        if batched is None:
            self.single = self.count <= ONE_BY_ONE
        flat.check_size()
        self.budget = budget
        self.x64 = jax.dtypes.canonicalize_dtype(float) == np.float64
        self._matrix = None
        if flat.m * flat.n * flat.dtype.itemsize <= budget:
            self._matrix = np.zeros((flat.m, flat.n), flat.dtype)
        self.tiles = Tiles(flat.m, flat.n)
        # first pass, last pass + 1, words
        self.passes: list[tuple[int, int, str]] = []
        try:
            self._fill()
        except Exception as error:
            other = "reverse" if self.mode == "forward" else "forward"
            hint = f"there is mode={other!r}."
            if isinstance(error, NEEDS_VALUES):
                hint = f"{flat.name} {WITHOUT_VALUES}"
            error.add_note(f"Raised in {self.mode} mode; {hint}")
            raise

    def _fill(self) -> None:
        """Run the passes; an interrupt between two chunks leaves nothing half done."""
        flat = self.flat
        if self.single:
            chunk, quick = 1, ONE_BY_ONE
        else:
            one = COPIES * (flat.m + flat.n) * flat.dtype.itemsize
            fitting = self.budget // max(1, one)
            chunk, quick = max(1, min(self.count, fitting)), 1
        run = pass_runner(flat, self.mode, chunk)
        table = self._matrix  # a row of it for each pass
        if table is not None and self.mode == "forward":
            table = table.T
        starts = range(0, self.count, chunk)
        shown = None if len(starts) > quick else False
        for start in tracked(
            starts,
            f"{self.count:,} passes",
            shown,
        ):
            lines = run(start)
            stop = start + len(lines)
            if self.mode == "forward":
                self.tiles.add(lines.T, 0, start)
            else:
                self.tiles.add(lines, start)
            if table is not None:
                table[start:stop] = lines
            words = pass_words(
                flat,
                self.mode,
                start,
                stop,
                lines,
            )
            self.passes.append((start, stop, words))

    @cached_property
    def differences(self) -> Array | None:
        """A small Jacobian by finite differences, unless these mean something else."""
        flat = self.flat
        odd = not flat.holomorphic and any(x.is_complex for x in flat.inputs)
        many = flat.m * flat.n > MOST_CHECKED or flat.n > 2 * ONE_BY_ONE
        if odd or many:
            return None
        with jax.enable_x64(self.x64):  # as when the view was made
            try:
                return central_differences(flat)
            except Exception:  # f need not be defined beside the point
                return None

    @property
    def matrix(self) -> Array:
        """The flattened Jacobian, one row for each output entry, shape (m, n).

        Raises:
            ValueError: where it is larger than the budget, so that only its tiles are there.
        """
        if self._matrix is None:
            raise ValueError(
                f"This Jacobian takes {self.orders()[1][2]}, more than the budget of "
                f"{size_text(self.budget)}: only its tiles are there. Pass budget=... to have it."
            )
        return self._matrix

    def ladder(self, k: int) -> Graph:
        """Return the ladder of pass number `k`, counted from 0: its one-hot vector goes in.

        Raises:
            IndexError: where there is no such pass.
        """
        if not 0 <= k < self.count:
            raise IndexError(
                f"There is no pass {k}: they go from 0 to {self.count - 1}."
            )
        flat, arguments = self.flat, self.flat.given
        hot = iter(
            one_hot(
                flat.side(self.mode),
                k,
                k + 1,
            )
        )
        with jax.enable_x64(self.x64):
            if self.mode == "forward":
                seed = lambda i: next(hot)[0] if i in arguments.which else 0
                trees = jax.tree.map(seed, arguments.diff_trees)
                options = {"mode": "forward", "tangents": trees}
            else:
                seed = lambda y: next(hot)[0] if is_inexact(dtype_of(y)) else y
                options = {"cotangents": jax.tree.map(seed, flat.out)}
            ladder = graph(
                flat.f,
                *flat.args,
                argnums=flat.argnums,
                **options,
            )
        assert isinstance(ladder, Graph)
        return ladder

    def compare(self, guess: Any) -> Comparison:
        """Return this view with a guess beside it: what is wrong, and what it looks like.

        Args:
            guess: the m × n matrix, or blocks as jax.jacobian returns them.

        Raises:
            TypeError: for what holds no numbers.
            ValueError: where this Jacobian is too large to be there.
        """
        return Comparison(self, guess)

    # ---- words ----

    @property
    def title(self) -> str:  # type: ignore[override]
        """The function, and with respect to what it is differentiated."""
        flat = self.flat
        what = f"{flat.name} with respect to {listed(flat.wrt)}"
        if self._leaf_by_leaf:
            return f"The gradient of {what}: {plural(flat.n, 'number')}"
        return f"The Jacobian of {what}: {flat.m:,} × {flat.n:,}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """What the shape means."""
        return shape_words(self.flat.m, self.flat.n)

    @property
    def notes(self) -> list[str]:  # type: ignore[override]
        """How it was filled, and what a reader should know about this one."""
        filled = fill_words(self.mode, self.count, self.single)
        words = [filled, *notes(self.flat, self.tiles.zeros)]
        if self._matrix is None:
            size, budget = self.orders()[1][2], size_text(self.budget)
            words.append(
                f"{size} in all: there are tiles with their extremes ({budget} at once)"
            )
        else:
            words += agreement(self.flat, self.differences, self._matrix)
        return words

    def orders(self) -> list[tuple[str, str, str]]:
        """Return for f, ∂f and ∂²f the flattened shape and the bytes it takes."""
        count = self.flat.m
        shape = f"{count:,}"
        orders = []
        for name in ("f", "∂f", "∂²f"):
            size = size_text(count * self.flat.dtype.itemsize)
            orders.append((name, shape, size))
            shape += f" × {self.flat.n:,}"
            count *= self.flat.n
        return orders

    def blocks(self) -> list[tuple[str, str, str]]:
        """Return for each output and input leaf names, shape rule and flattened size."""
        blocks = []
        for y, x in itertools.product(
            self.flat.outputs,
            self.flat.inputs,
        ):
            name = self.flat.derivative(y.name, x.name)
            shape = f"{y.shape} + {x.shape} = {y.shape + x.shape}"
            blocks.append((name, shape, f"{y.size} × {x.size}"))
        return blocks

    def details(self) -> list[Detail]:
        """Return conventions, shapes of blocks and bytes."""
        words = captions(self.flat)
        lines = [
            f"{name:4} {shape}  ({size})" for name, shape, size in self.orders()
        ]
        blocks = [
            f"block {n}: {rule}, flattened {flat}"
            for n, rule, flat in self.blocks()
        ]
        pictures = conventions(self.flat, words[1:])
        return [
            Detail(
                "Conventions, shapes of blocks, bytes",
                [*words, *lines, *blocks],
                pictures,
            )
        ]

    def steps(self) -> list[Step]:
        """Return the passes."""
        return [Step(words) for _, _, words in self.passes]

    def text(self, color: bool = False) -> str:
        """Return shapes, entries and passes as text; where it is large, the extremes of tiles."""
        passes = []
        for step in self.steps():
            passes += textwrap.wrap(step.words, WIDTH)
        return "\n".join([
            super().text(color),
            "",
            *self._entries_text(),
            "",
            *passes,
        ])

    def _entries_text(self) -> list[str]:
        tiles, far = self.tiles, self.tiles.extreme
        if not far.size:
            return ["There are no entries."]
        if self._leaf_by_leaf:
            heats = map(self._leaf_heat, self.flat.inputs)
            return [f"{heat.name}: {heat.legend[0]}" for heat in heats]
        if self.tables():
            return [self._extremes()]
        size = " × ".join(map(str, tiles.step))
        head = (
            f"one mark for {size} entries, the sign of the one furthest from 0 "
            "(. is 0, ? is nan)"
        )
        marks = np.select(
            [far > 0, far < 0, far == 0],
            ["+", "-", "."],
            "?",
        )
        return [
            head,
            *("".join(row) for row in marks),
            self._extremes(),
        ]

    def _extremes(self) -> str:
        """Return the least and the greatest entry, and where each of them stands."""
        if not self.tiles.extremes:
            return ""
        what = "modulus" if self.flat.is_complex else "entry"
        (low, i, j), (high, k, m) = self.tiles.extremes.values()
        same = low == high and np.isfinite(self.tiles.low).all()
        if same or math.isnan(low):
            every = "every" if self.tiles.low.size > 1 else "the"
            return f"{every} {what} is {number(low)}"
        kind = " modulus" if self.flat.is_complex else ""
        least = f"least{kind} {number(low)} in row {i}, column {j}"
        return f"{least}; greatest{kind} {number(high)} in row {k}, column {m}"

    # ---- pictures ----

    def tables(self) -> list[Table]:
        """Return the entries of a small Jacobian, for who cannot see the picture."""
        if self._leaf_by_leaf:
            return self._leaf_tables()
        rows, columns = self.flat.axes(self.tiles.step).values()
        cells = self._written(number)
        if not cells or len(rows) > LONG or len(columns) > WIDE:
            return []
        lines = [[n, *c] for n, c in zip(rows, cells, strict=True)]
        return [Table(self.flat.derivative(), columns, lines)]

    def _leaf_tables(self) -> list[Table]:
        """Return the entries of each small leaf of a gradient, in the leaf's shape."""
        tables = []
        for leaf in self.flat.inputs[:MOST_LEAVES]:
            entries = leaf.in_rows(self.matrix[0])
            rows, columns = entries.shape
            if rows <= LONG and columns <= WIDE:
                cells = _texts(entries, number)
                pairs = zip(rows_of(leaf.shape), cells, strict=True)
                lines = [[name or leaf.name, *line] for name, line in pairs]
                heads = _numbers(columns) if columns > 1 else ["value"]
                caption = self.flat.derivative(by=leaf.name)
                tables.append(Table(caption, heads, lines))
        return tables

    def pictures(self) -> list[Canvas]:
        """Draw the entries, of a gradient leaf by leaf, and then the shapes of f."""
        if self._leaf_by_leaf:
            leaves = self.flat.inputs[:MOST_LEAVES]
            return [self._leaf_heat(leaf).draw() for leaf in leaves]
        return [self._heat().draw(), function_shapes(self.flat)]

    @property
    def _leaf_by_leaf(self) -> bool:
        """Whether this is a gradient that has another shape than a row."""
        flat = self.flat
        if self._matrix is None or flat.m != 1 or flat.n == 0:
            return False
        return len(flat.inputs) > 1 or len(flat.inputs[0].shape) > 1

    def _written(self, write: Callable[[Any], str]) -> list[list[str]] | None:
        """Return every entry as text; None where there are more than a picture can hold."""
        matrix = self._matrix
        if matrix is None or matrix.size > MOST_CELLS:
            return None
        if max(self.tiles.step) > 1:
            return None
        return _texts(matrix, write)

    def _steps_of_lines(self, size: int) -> dict[Hashable, list[int]]:
        """Return the steps at which each line comes out, or each tile of `size` lines."""
        steps: dict[Hashable, list[int]] = {}
        for k, (start, stop, _) in enumerate(self.passes):
            for line in range(start // size, -(-stop // size)):
                steps.setdefault(line, []).append(k)
        return steps

    def _heat(self) -> Heat:
        """Return what is drawn of the whole matrix."""
        flat, tiles = self.flat, self.tiles
        forward = self.mode == "forward"
        rows, columns = flat.axes(tiles.step).values()
        runs, names = _runs(flat.inputs, columns)
        seed = f"{PASS[self.mode].mark} 1" if self.single else ""
        return Heat(
            f"{flat.derivative()}: {flat.m:,} × {flat.n:,}",
            tiles.extreme,
            rows,
            names,
            self._written(_brief),
            partial(self._say_entry, rows, columns),
            lambda i, j: j if forward else i,
            self._steps_of_lines(tiles.step[forward]),
            [self._extremes(), *_tile_words(tiles)],
            runs,
            seed,
        )

    def _say_entry(
        self, rows: Sequence[str], columns: Sequence[str], i: int, j: int
    ) -> str:
        if self._matrix is None or max(self.tiles.step) > 1:
            return f"rows {rows[i]}, columns {columns[j]}: {self._range(self.tiles, i, j)}"
        entry = number(self._matrix[i, j].item())
        words = f"∂{rows[i]} / ∂{columns[j]} = {entry} · row {i}, column {j}"
        if self.differences is not None:
            words += (
                f" · central difference {number(self.differences[i, j].item())}"
            )
        return words

    def _range(self, tiles: Tiles, i: int, j: int) -> str:
        what = "moduli" if self.flat.is_complex else "entries"
        low, high = (
            number(float(table[i, j])) for table in (tiles.low, tiles.high)
        )
        return f"{what} from {low} to {high}"

    def _leaf_heat(self, leaf: Leaf) -> Heat:
        """Return what is drawn of the gradient with respect to one leaf, in the leaf's shape."""
        entries = leaf.in_rows(self.matrix[0])
        rows, columns = entries.shape
        tiles = Tiles(rows, columns)
        tiles.add(entries)
        tiled = max(tiles.step) > 1
        cells = None if tiled else _texts(entries, _brief)
        # whether a pass fills one entry
        each = self.mode == "forward" and self.single

        def say(i: int, j: int) -> str:
            if tiled:
                first = i * tiles.step[0] * columns + j * tiles.step[1]
                return (
                    f"from {leaf.label(first)} on: {self._range(tiles, i, j)}"
                )
            name = leaf.label(i * columns + j)
            return f"∂{self.flat.result} / ∂{name} = {number(entries[i, j].item())}"

        count = len(self.passes)
        steps: dict[Hashable, list[int]] = {0: list(range(count))}
        if each:
            steps = {k: [k] for k in range(count)}
        extremes = [number(value) for value, _, _ in tiles.extremes.values()]
        scale = " to ".join(dict.fromkeys(extremes))
        if self.flat.is_complex:
            scale = f"moduli: {scale}"
        shape = " × ".join(map(str, leaf.shape)) or "a number"
        return Heat(
            f"{self.flat.derivative(by=leaf.name)}   ({shape})",
            tiles.extreme,
            rows_of(leaf.shape) if rows <= LONG else (),
            _numbers(columns),
            cells,
            say,
            lambda i, j: leaf.start + i * columns + j if each else 0,
            steps,
            [scale, *_tile_words(tiles)],
        )

    # ---- pages ----

    @property
    def _opens(self) -> bool:
        """Whether a page holds the ladder of each pass: where they are few, and shown alone."""
        return self.single and self.count <= MOST_LADDERS

    @cached_property
    def _ladders(self) -> Data:
        """The ladders of the passes, as a page opens them; they are captured once."""
        states = []
        if self._opens:
            for k in range(self.count):
                ladder = self.ladder(k)
                state = {"view": ladder._embedded(), "step": -1}
                states.append(pack(state))
        return {
            "heading": "The equations of this pass, one by one",
            "tag": element(Graph.scripts)[0],
            "states": states,
        }

    def _embedded(self) -> Data:
        """Return the model with the ladders of its passes."""
        return self.model() | {"inner": self._ladders}

    def html(self, step: int = -1) -> str:
        """Return HTML that steps without a kernel, with the front-end of its ladders."""
        ladders = f"\n<script>\n{element(Graph.scripts)[1]}</script>"
        html = super().html(step)
        if self._opens:
            html += ladders
        return html

    def live(self) -> Any:
        """Return a widget over the same front-end, whose `step` Python can read and set."""
        from ._widget import widget

        script = f"{module(self.scripts)}\n{element(Graph.scripts)[1]}"
        return widget(self._embedded(), script)

    def __getstate__(self) -> Data:
        """Compute what a copy in a file cannot: it has no function."""
        _ = self.differences, self._ladders
        return super().__getstate__()


def rows_of(shape: tuple[int, ...]) -> list[str]:
    """Return what the rows are called that show an array: its last axis goes across."""
    if len(shape) < 3:
        return _numbers(math.prod(shape[:-1]))
    indices = np.ndindex(shape[:-1])
    return [f"[{', '.join(map(str, index))}, :]" for index in indices]


def _numbers(count: int) -> list[str]:
    """Return the numbers of rows or columns; a single one needs none."""
    if count == 1:
        return [""]
    return [str(k) for k in range(count)]


def _tile_words(tiles: Tiles) -> list[str]:
    if max(tiles.step) == 1:
        return []
    one = " × ".join(map(str, tiles.step))
    return [
        f"a tile for {one} entries, the one furthest from 0: orange +, blue −"
    ]


def _texts(matrix: Array, write: Callable[[Any], str]) -> list[list[str]]:
    """Return every entry of a matrix as text."""
    return [[write(x) for x in row] for row in matrix.tolist()]


def _brief(x: Any) -> str:
    """Return an entry in at most four significant digits."""
    if isinstance(x, float):
        return number(float(f"{x:.4g}"))
    if isinstance(x, complex):
        return f"{x:.3g}"
    return str(x)


def _runs(
    leaves: Sequence[Leaf], names: Sequence[str]
) -> tuple[list[Run], list[str]]:
    """Return the leaves as runs of lines, and what is left of the lines' names: their indices."""
    if len(names) != sum(leaf.size for leaf in leaves):  # they are tiles
        return [], list(names)
    runs = []
    indices = []
    for leaf in leaves:
        if leaf.size:
            runs.append((leaf.name, leaf.start, leaf.size))
        for label in names[leaf.start : leaf.start + leaf.size]:
            indices.append(label.removeprefix(leaf.name))
    return runs, indices


class Comparison(Jacobian):
    """A Jacobian with a guess: the wrong entries, and the mistake that they look like."""

    def __init__(self, view: Jacobian, guess: Any) -> None:
        self.__dict__.update(view.__dict__)
        self._forget()
        flat, truth = view.flat, view.matrix
        self.guess, self.mistake = read_guess(
            guess, truth, flat.outputs, flat.inputs
        )
        self.wrong = np.zeros(truth.shape, bool)
        if self.guess is not None:
            self.wrong = ~close_entries(
                self.guess,
                truth,
                tolerance_of(truth),
            )
            if self.wrong.any():
                self.mistake = looks_like(self.guess, truth)

    @property
    def right(self) -> bool:
        """Whether the guess has the right shape, and no entry is wrong."""
        return not self.mistake and not self.wrong.any()

    @property
    def verdict(self) -> str:
        """How many entries are wrong, the first of them, and what the guess looks like."""
        matrix = self.matrix
        if self.right and matrix.size == 1:
            return "Your guess is right."
        if self.right:
            return f"Your guess is right in all {matrix.size:,} entries."
        if self.guess is None:
            return f"Your guess does not fit: {self.mistake}."
        places = np.argwhere(self.wrong).tolist()
        i, j = places[0]
        wrong = f"wrong in {len(places):,} of {matrix.size:,} entries, first in row {i}, column {j}"
        if matrix.size == 1:
            wrong = "wrong"
        yours, right = (number(x[i, j].item()) for x in (self.guess, matrix))
        looks = f"; it looks {self.mistake}" if self.mistake else ""
        return f"Your guess is {wrong}: yours {yours}, right {right}{looks}."

    @property
    def finding(self) -> str:  # type: ignore[override]
        """The verdict."""
        return self.verdict

    @property
    def notes(self) -> list[str]:  # type: ignore[override]
        """What the shape means, and what a reader should know."""
        return [super().finding, *super().notes]

    @property
    def _leaf_by_leaf(self) -> bool:
        """The guess is a matrix, and so is what it is compared with."""
        return False

    def _written(self, write: Callable[[Any], str]) -> list[list[str]] | None:
        """Return every entry, in the text with the guess behind a wrong one."""
        cells = super()._written(write)
        if cells and self.guess is not None and write is number:
            for i, j in np.argwhere(self.wrong):
                guess = write(self.guess[i, j].item())
                cells[i][j] += (
                    f" ✗\N{NO-BREAK SPACE}yours\N{NO-BREAK SPACE}{guess}"
                )
        return cells

    def _heat(self) -> Heat:
        """Mark the wrong entries, with the guess below them."""
        heat = super()._heat()
        if self.guess is not None and heat.cells:
            for i, j in np.argwhere(self.wrong).tolist():
                heat.wrong[i, j] = _brief(self.guess[i, j].item())
            if heat.wrong:
                note = "✗ a wrong entry, with yours below the right one"
                heat.legend = [*heat.legend, note]
        return heat

    def _say_entry(
        self, rows: Sequence[str], columns: Sequence[str], i: int, j: int
    ) -> str:
        words = super()._say_entry(rows, columns, i, j)
        if self.guess is None or max(self.tiles.step) > 1:
            return words
        if self.wrong[i, j]:
            words += f" · yours {number(self.guess[i, j].item())} ✗"
        return words


@explorable
def jacobian_shapes(
    f: Function,
    *args: Any,
    argnums: Argnums = 0,
    mode: ModeOf | None = None,
    batched: bool | None = None,
    holomorphic: bool = False,
    budget: int = BUDGET,
    ask: Literal["shape"] | None = None,
) -> Jacobian:
    """Show what the Jacobian of `f` at `args` is, and fill it pass by pass.

    An output leaf of shape s and an input leaf of shape t make a block of shape s + t; all blocks
    together are one matrix with a row for each of m output entries and a column for each of n
    input entries. The gradient of a scalar function is drawn leaf by leaf, in the leaf's shape.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`.
        argnums: which arguments to differentiate; the first by default, "all" for all.
        mode: "forward" (a JVP for each column) or "reverse" (a VJP for each row); by default the
            one that takes fewer passes.
        batched: whether all passes run at once, by vmap; by default where there are more than 32.
        holomorphic: promise that a complex function has a complex derivative.
        budget: bytes of J that may be held at once; of a larger one there are only tiles.
        ask: "shape" asks for the shapes of the blocks before anything is shown.

    Raises:
        TypeError: for what is not a function, leaves or outputs without numbers, complex numbers
            without `holomorphic`.
        ValueError: for an unknown `mode`, a wrong `argnums`, or a Jacobian too large to wait for.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    view = ok.jacobian_shapes(lambda x: jnp.sin(x[:2]) * x[2], jnp.ones(3))
    view.matrix.shape  # (2, 3)
    print(view)  # wide: filled in reverse mode, in two VJPs
    ```
    """
    if not isinstance(budget, int) or budget < 1:
        raise ValueError(
            f"budget is a number of bytes, at least 1; got {budget!r}."
        )
    if batched not in (True, False, None):
        raise ValueError(f"batched is True, False or None; got {batched!r}.")
    if ask not in ("shape", None):
        raise ValueError(f'ask is "shape" or None; got {ask!r}.')
    with precision_of(args):
        view = Jacobian(
            Flat(f, args, argnums, holomorphic),
            mode,
            batched,
            budget,
        )
    if ask:
        view.questions = shape_questions(view.flat.outputs, view.flat.inputs)
    return view
