"""Which entries of the outputs can depend on which entries of the inputs.

The pattern of a program is a matrix of booleans, one row for each entry of the outputs, one
column for each entry of the inputs. Every value on the way has such rows, too. An input's are
those of the identity, and each equation makes the rows of its results from those of its
operands. With x of three entries:

    a = sin x          row k of a is row k of x                      [1 0 0] [0 1 0] [0 0 1]
    b = slice[1:] a    rows 1 and 2 of a                             [0 1 0] [0 0 1]
    c = slice[:-1] a   rows 0 and 1 of a                             [1 0 0] [0 1 0]
    d = mul b c        row k is what row k of b or of c holds        [1 1 0] [0 1 1]
    e = reduce_sum d   one row: what any row of d holds              [1 1 1]

There are few kinds of equation, and `RULES` says which primitive is of which kind:

- entry by entry (`_elementwise`);
- entries that only move: run on the *numbers* of the entries, jax says itself where each one
  goes (`_moved`);
- entries that meet: a list of pairs (entry of the result, entry of the operand) (`_reduced`,
  `_line`, `_dot`, `_probed`);
- equations that hold programs: these are read in turn (`_called`, `_scan`, `_while`, `_cond`);
- rules of the user's (custom_jvp, custom_vjp): the program of the rule is read (`_custom`);
- all else: every entry of the results depends on every entry of the operands (`_everything`).

The pattern is that of the *derivative*: whole numbers and booleans have none, so nothing depends
on anything through them, and what is multiplied by a constant 0 is gone. It holds at all points:
a value that depends on the inputs counts as any value at all, while the numbers of a constant
(an index, a mask, a matrix of coefficients) are looked at. Where in doubt, an entry counts as
dependent: the pattern may hold too many entries, and never lacks one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import scipy.sparse as sp

from . import jaxprs
from ._arguments import Argnums, check_output, read_arguments
from ._capture import NEEDS_VALUES
from ._model import Body, Equation, Value, walk

Array = np.ndarray[Any, Any]
Rows = Any  # scipy.sparse.csr_array of booleans, which has no types

UNROLLED = 1000  # iterations of a loop that are followed one by one
MOST_PAIRS = (
    5 * 10**7
)  # of an entry of the result and one of the operand, for one equation
AT_ONCE = 256  # unit vectors that are sent through an equation together
DEEPEST = 30  # constants that wait for each other: Python allows a thousand calls in each other


class Numbers:
    """The numbers of a value that depends on no input, computed when somebody asks."""

    def __init__(self, compute: Callable[[], Any], depth: int = 0) -> None:
        self.compute, self.depth = compute, depth
        if depth % DEEPEST == DEEPEST - 1:
            self()

    def __call__(self) -> Any:
        """Return them, computed once."""
        return self._array

    @functools.cached_property
    def _array(self) -> Any:
        return self.compute()


@dataclass(frozen=True)
class Entries:
    """One value: the rows of its entries and, where no input has a say in them, its numbers."""

    shape: tuple[int, ...]
    inexact: bool
    rows: Rows
    numbers: Numbers | None

    @property
    def size(self) -> int:
        """The number of its entries."""
        return math.prod(self.shape)

    @property
    def order(self) -> Array:
        """The numbers of its entries, in its shape."""
        return np.arange(self.size).reshape(self.shape)


@dataclass(frozen=True)
class Step:
    """An equation with what is known of its operands, and the shapes of its results."""

    equation: Equation
    operands: list[Entries]
    dtypes: list[str]  # of the operands
    shapes: list[tuple[int, ...]]  # of the results
    inexact: list[bool]
    inputs: int  # columns of every matrix of rows

    @property
    def params(self) -> Any:
        """The equation's parameters."""
        return self.equation.params

    def order(self, result: int = 0) -> Array:
        """Return the numbers of a result's entries, in its shape."""
        shape = self.shapes[result]
        return np.arange(math.prod(shape)).reshape(shape)


Rule = Callable[[Step], list[Rows]]


def sparsity_pattern(
    f: Callable[..., Any], *args: Any, argnums: Argnums = 0
) -> Any:
    """Return which entries of the Jacobian of `f` can differ from zero, at any point.

    Args:
        f: a function of numbers, arrays and containers of them, returning such.
        *args: one value for each parameter of `f`. Of real and complex numbers and of random
            keys only shapes and dtypes count, of all else (integers, strings) the values.
        argnums: which arguments to differentiate, as for jax.grad; "all" for all.

    Returns:
        A `scipy.sparse.csr_array` of booleans. Its rows are the entries of the real and complex
        outputs, its columns those of the inputs that are differentiated, leaf after leaf.

    Raises:
        TypeError: as for `capture`, and where `f` uses Python control flow on traced values.
        ValueError: as for `capture`, and where the pattern would be too large.

    ```python
    import olympus.numpy as jnp
    from olympus_kit.program import sparsity_pattern

    sparsity_pattern(lambda x: x[1:] * x[:-1], jnp.ones(4)).nnz  # 6 of 12 entries
    ```
    """
    arguments = read_arguments(f, args, "forward", argnums)
    leaves, which = arguments.leaves, arguments.which
    varying = [
        k for k, leaf in enumerate(leaves) if k not in which and _varies(leaf)
    ]
    call = arguments.as_function_of_leaves(f)
    moving = [jax.numpy.asarray(leaves[k]) for k in which]

    def differentiable(*values: Any) -> list[Any]:
        full = list(leaves)
        for k, value in zip([*which, *varying], values, strict=True):
            full[k] = value
        out = call(*full)
        check_output(out, arguments.name)
        return [
            y
            for y in jax.tree.leaves(out)
            if jaxprs.is_inexact(jaxprs.dtype_of(y))
        ]

    try:
        closed, _ = jaxprs.trace(
            differentiable, [*moving, *(leaves[k] for k in varying)]
        )
    except NEEDS_VALUES as error:
        raise TypeError(
            f"{arguments.name} needs the numbers of what is differentiated while it is traced, so "
            "its equations are not the same at all points and there is no one pattern. It uses "
            "Python control flow on traced values, numpy in place of jax.numpy, or a shape that "
            "depends on values: write a choice with jnp.where or jax.lax.cond."
        ) from error
    sizes = [x.size for x in moving]
    table, body = _read(closed)
    if any(e.primitive in WRITING for e in walk(body.equations)):
        # what is written into a mutable array comes out of it elsewhere: no rule follows that
        outputs = sum(math.prod(table[o].shape) for o in body.outputs)
        _check(outputs * sum(sizes))
        return _full(outputs, sum(sizes))
    identity = _identity(sum(sizes))
    parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    seeds = [
        Entries(x.shape, True, identity[p], None)
        for x, p in zip(moving, parts, strict=True)
    ]
    for number in body.inputs[len(moving) :]:
        kind = table[number]
        seeds.append(
            Entries(
                kind.shape,
                kind.inexact,
                _none(math.prod(kind.shape), sum(sizes)),
                None,
            )
        )
    found = _Reading(table, sum(sizes)).run(body, seeds)
    pattern = _stacked([x.rows for x in found], sum(sizes))
    pattern.sort_indices()
    return pattern


def _varies(leaf: Any) -> bool:
    """Whether the pattern is to hold for other values of a leaf, too."""
    dtype = jaxprs.dtype_of(leaf)
    return jaxprs.is_inexact(dtype) or bool(
        jax.numpy.issubdtype(dtype, jax.dtypes.prng_key)
    )


# --- reading a program ---------------------------------------------------------------------------


def _read(closed: Any) -> tuple[list[Value], Body]:
    values: list[Value] = []
    return values, jaxprs.read(closed, jaxprs.Reading(values))


class _Reading:
    """Follow the equations of a program, from the rows of its inputs to those of its outputs."""

    def __init__(self, table: Sequence[Value], inputs: int) -> None:
        self.table, self.inputs = table, inputs

    def run(self, body: Body, operands: Sequence[Entries]) -> list[Entries]:
        """Return what is known of the outputs of a body, from what is known of its inputs."""
        seen = dict(zip(body.inputs, operands, strict=True))
        for number, array in zip(body.consts, body.arrays, strict=False):
            seen[number] = self.constant(number, array)
        for number, value in body.literals.items():
            seen[number] = self.constant(number, value)
        for equation in body.equations:
            inputs = [seen[o] for o in equation.operands]
            seen.update(
                zip(
                    equation.results, self.follow(equation, inputs), strict=True
                )
            )
        return [seen[o] for o in body.outputs]

    def constant(self, number: int, value: Any) -> Entries:
        """Return a value that depends on no input."""
        kind = self.table[number]
        rows = _none(math.prod(kind.shape), self.inputs)
        return Entries(kind.shape, kind.inexact, rows, Numbers(lambda: value))

    def follow(
        self, equation: Equation, operands: list[Entries]
    ) -> list[Entries]:
        """Return what is known of the results of one equation."""
        holder = HOLDERS.get(equation.primitive)
        if holder:
            return holder(self, equation, operands)
        return self.by_rule(
            equation, operands, RULES.get(equation.primitive, _everything)
        )

    def by_rule(
        self, equation: Equation, operands: list[Entries], rule: Rule
    ) -> list[Entries]:
        """Return the results, their rows by a rule and their numbers by jax."""
        kinds = [self.table[r] for r in equation.results]
        if any(x.rows.nnz for x in operands):
            dtypes = [self.table[o].dtype for o in equation.operands]
            shapes = [k.shape for k in kinds]
            inexact = [k.inexact for k in kinds]
            rows = rule(
                Step(equation, operands, dtypes, shapes, inexact, self.inputs)
            )
        else:
            rows = [_none(math.prod(k.shape), self.inputs) for k in kinds]
        known = None
        if "callback" not in equation.primitive:
            known = _numbers_of(
                functools.partial(jaxprs.run_equation, equation), operands
            )
        results = []
        for place, kind in enumerate(kinds):
            own = (
                rows[place]
                if kind.inexact
                else _none(math.prod(kind.shape), self.inputs)
            )
            numbers = known and Numbers(
                functools.partial(_part, known, place), known.depth
            )
            results.append(Entries(kind.shape, kind.inexact, own, numbers))
        return results


def _numbers_of(
    f: Callable[[list[Any]], Any], operands: Sequence[Entries]
) -> Numbers | None:
    """Return what `f` makes of the operands' numbers, None where an input has a say in them."""
    sources = [x.numbers for x in operands if x.numbers is not None]
    if len(sources) < len(operands):
        return None
    depth = max((s.depth for s in sources), default=0) + 1
    return Numbers(lambda: f([s() for s in sources]), depth)


def _part(several: Numbers, place: int) -> Any:
    return several()[place]


# --- matrices of rows ----------------------------------------------------------------------------


def _none(size: int, inputs: int) -> Rows:
    return sp.csr_array((size, inputs), dtype=bool)


def _full(size: int, inputs: int) -> Rows:
    return sp.csr_array(np.ones((size, inputs), bool))


def _identity(inputs: int) -> Rows:
    return sp.csr_array(sp.eye_array(inputs, dtype=bool))


def _stacked(parts: Sequence[Rows], inputs: int) -> Rows:
    return sp.vstack([_none(0, inputs), *parts], format="csr", dtype=bool)


def _united(rows: Sequence[Rows]) -> Rows:
    """Return the rows that hold what any of several holds in the same place."""
    return functools.reduce(lambda a, b: a + b, rows)


def _taken(rows: Rows, numbers: Array) -> Rows:
    """Return the rows of these numbers, one after the other."""
    _check(int(np.diff(rows.indptr)[numbers].sum()))
    return rows[numbers]


def _spread(x: Entries, shape: tuple[int, ...]) -> Rows:
    """Return the rows of a value repeated along axes of length 1 and axes that it lacks."""
    if x.shape == shape:
        return x.rows
    return _taken(x.rows, np.broadcast_to(x.order, shape).reshape(-1))


def _picked(rows: Rows, numbers: Array) -> Rows:
    """Return the rows of these numbers; a negative number stands for an entry from nowhere."""
    numbers = numbers.reshape(-1)
    if (numbers < 0).any():
        numbers = np.where(numbers < 0, rows.shape[0], numbers)
        rows = _stacked([rows, _none(1, rows.shape[1])], rows.shape[1])
    return _taken(rows, numbers)


def _joined(results: Array, operands: Array, size: int, rows: Rows) -> Rows:
    """Return the rows of a result: entry results[k] depends on entry operands[k], for all k."""
    results, operands = results.reshape(-1), operands.reshape(-1)
    _check(results.size)
    most = int(
        np.diff(rows.indptr)[operands].sum()
    )  # several pairs may bring the same
    _check(min(most, size * rows.shape[1]))
    pairs = np.ones(results.size, bool), (results, operands)
    return sp.coo_array(pairs, shape=(size, rows.shape[0])).tocsr() @ rows


def _check(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise ValueError(
            f"One equation makes {pairs:,} pairs of entries that depend on each other, more than "
            f"the {MOST_PAIRS:,} that a pattern is made of. Look at a part of the function, or at "
            "fewer entries."
        )


def _any(rows: Rows) -> Rows:
    """Return one row: all that any row holds."""
    zeros = np.zeros(rows.shape[0], int)
    return _joined(zeros, np.arange(rows.shape[0]), 1, rows)


# --- entry by entry ------------------------------------------------------------------------------


def _elementwise(step: Step) -> list[Rows]:
    found = []
    for place, shape in enumerate(step.shapes):
        # an equation of several results (optimization_barrier) hands each operand on
        sources = (
            step.operands if len(step.shapes) == 1 else [step.operands[place]]
        )
        found.append(_united([_spread(x, shape) for x in sources]))
    return found


def _flat(step: Step) -> list[Rows]:
    """Steps (floor) and walls (stop_gradient): the derivative is 0 everywhere."""
    return [_none(math.prod(shape), step.inputs) for shape in step.shapes]


def _mul(step: Step) -> list[Rows]:
    a, b = step.operands
    size = math.prod(step.shapes[0])
    parts = []
    for own, other in ((a, b), (b, a)):
        rows = _spread(own, step.shapes[0])
        if other.numbers is not None and own.rows.nnz:
            factor = np.broadcast_to(
                np.asarray(other.numbers() != 0), step.shapes[0]
            )
            kept = np.flatnonzero(factor)
            rows = _joined(kept, kept, size, rows)
        parts.append(rows)
    return [_united(parts)]


# --- entries that move ---------------------------------------------------------------------------

# how many operands hold entries that move; those behind them say where to
MOVED = {
    "concatenate": None,
    "stack": None,
    "pad": 2,
    "dynamic_update_slice": 2,
}


def _moved(step: Step) -> list[Rows]:
    count = MOVED.get(step.equation.primitive, 1)
    return _moved_from(
        step, step.operands[:count], step.operands[count:] if count else []
    )


def _moved_from(
    step: Step, data: list[Entries], places: list[Entries]
) -> list[Rows]:
    """Run an equation on the numbers of the entries of `data`, one range after the other."""
    if any(p.numbers is None for p in places):
        return _everything(step)
    numbered, start = [], 0
    for x in data:
        numbered.append(jax.numpy.asarray(x.order + start, np.int32))
        start += x.size
    came = jaxprs.run_equation(
        step.equation, [*numbered, *(p.numbers() for p in places if p.numbers)]
    )
    rows = _stacked([x.rows for x in data], step.inputs)
    return [_picked(rows, np.asarray(numbers)) for numbers in came]


def _select(step: Step) -> list[Rows]:
    which, *cases = step.operands
    size = math.prod(step.shapes[0])
    if which.numbers is None:
        return [_united([_spread(x, step.shapes[0]) for x in cases])]
    chosen = np.broadcast_to(
        np.asarray(which.numbers()), step.shapes[0]
    ).reshape(-1)
    numbers = chosen.astype(int) * size + np.arange(size)
    rows = _stacked([_spread(x, step.shapes[0]) for x in cases], step.inputs)
    return [_taken(rows, numbers)]


def _gather(step: Step) -> list[Rows]:
    data, places = step.operands
    if places.numbers is None:
        return _everything(step)
    options = {k: v for k, v in step.params.items() if k != "fill_value"}
    numbers = jax.numpy.asarray(data.order, np.int32)
    came = jax.lax.gather(numbers, places.numbers(), fill_value=-1, **options)
    return [_picked(data.rows, np.asarray(came))]


def _scatter(step: Step) -> list[Rows]:
    """Each update goes to one entry, which the transpose of scatter_add names."""
    data, places, updates = step.operands
    if places.numbers is None:
        return [_united([data.rows, *_everything(step)])]
    if (
        max(data.size, updates.size) >= 2**24
    ):  # whole numbers that float32 still holds
        return _everything(step)
    names = "dimension_numbers", "indices_are_sorted", "unique_indices", "mode"
    options = {name: step.params[name] for name in names}
    add = lambda u: jax.lax.scatter_add(
        np.zeros(data.shape, np.float32),
        jax.numpy.asarray(places.numbers()),
        u,
        **options,
    )
    _, transposed = jax.vjp(add, np.zeros(updates.shape, np.float32))
    (targets,) = transposed(jax.numpy.asarray(data.order + 1, np.float32))
    targets = (
        np.asarray(targets).astype(int).reshape(-1) - 1
    )  # -1: outside, dropped
    inside = np.flatnonzero(targets >= 0)
    rows = data.rows
    overwritten = (
        step.equation.primitive == "scatter"
        and step.params.get("update_jaxpr") is None
    )
    if overwritten:
        left = np.setdiff1d(np.arange(data.size), targets[inside])
        rows = _joined(left, left, data.size, rows)
    return [
        _united([
            rows,
            _joined(targets[inside], inside, data.size, updates.rows),
        ])
    ]


# --- entries that meet ---------------------------------------------------------------------------


def _everything(step: Step) -> list[Rows]:
    row = _any(_stacked([x.rows for x in step.operands], step.inputs))
    return [
        _taken(row, np.zeros(math.prod(shape), int)) for shape in step.shapes
    ]


def _batched(step: Step) -> list[Rows]:
    """Linear algebra on the last two axes: the others count systems apart from each other."""
    return _systems(step, 2)


def _fourier(step: Step) -> list[Rows]:
    return _systems(step, len(step.params["fft_lengths"]))


def _systems(step: Step, axes: int) -> list[Rows]:
    """Every entry depends on every entry of the same system, of which axes before are a count."""
    first = step.operands[0].shape
    depth = len(first) - axes
    batch = first[:depth]
    shapes = [*(x.shape for x in step.operands), *step.shapes]
    if any(shape[:depth] != batch for shape in shapes):
        return _everything(step)
    systems = np.arange(math.prod(batch))
    parts = []
    for x in step.operands:
        own = np.repeat(systems, math.prod(x.shape[depth:]))
        parts.append(_joined(own, x.order, systems.size, x.rows))
    rows = _united(parts)
    sizes = [math.prod(shape[depth:]) for shape in step.shapes]
    return [_taken(rows, np.repeat(systems, size)) for size in sizes]


def _reduced(step: Step) -> list[Rows]:
    (x,) = step.operands
    axes = tuple(step.params["axes"])
    results = np.broadcast_to(np.expand_dims(step.order(), axes), x.shape)
    return [_joined(results, x.order, math.prod(step.shapes[0]), x.rows)]


def _line(step: Step, place: int, axis: int, mask: Array) -> Rows:
    """Return the rows of a result whose entry i along an axis depends on entries j: mask[i, j]."""
    x = step.operands[place]
    results = np.moveaxis(step.order(place), axis, -1).reshape(
        -1, mask.shape[0]
    )
    operands = np.moveaxis(x.order, axis, -1).reshape(-1, mask.shape[1])
    i, j = np.nonzero(mask)
    _check(i.size * results.shape[0])
    return _joined(
        results[:, i], operands[:, j], math.prod(step.shapes[place]), x.rows
    )


def _cumulative(step: Step) -> list[Rows]:
    axis = step.params["axis"]
    length = step.shapes[0][axis]
    _check(length**2)
    before = np.tri(
        length, dtype=bool
    )  # entry i depends on the entries up to i
    return [
        _line(step, 0, axis, before.T if step.params["reverse"] else before)
    ]


def _sorted(step: Step) -> list[Rows]:
    """Each result is one operand in another order, which depends on the numbers."""
    axis = step.params["dimension"]
    length = step.shapes[0][axis]
    _check(length**2)
    mask = np.ones((length, length), bool)
    return [
        _line(step, place, axis, mask) for place in range(len(step.operands))
    ]


def _greatest(step: Step) -> list[Rows]:
    """top_k: the values, and their places, which have no derivative."""
    axis = step.params.get("axis", -1)
    (x,) = step.operands
    mask = np.ones((step.shapes[0][axis], x.shape[axis]), bool)
    return [
        _line(step, 0, axis, mask),
        _none(math.prod(step.shapes[1]), step.inputs),
    ]


def _nonzero(x: Entries) -> Array:
    """Return for each entry whether it can differ from 0."""
    if x.numbers is None:
        return np.ones(x.shape, bool)
    nonzero: Array = np.asarray(x.numbers()) != 0
    return nonzero


def _dot(step: Step) -> list[Rows]:
    """out[b, i, j] = sum over k of left[b, i, k] right[b, j, k], after axes are put in order."""
    (contracted, batch) = step.params["dimension_numbers"]
    sides = []
    for x, sums, stacks in zip(step.operands, contracted, batch, strict=True):
        free = [a for a in range(len(x.shape)) if a not in (*sums, *stacks)]
        lengths = [
            math.prod(x.shape[a] for a in axes) for axes in (stacks, free, sums)
        ]
        order = [*stacks, *free, *sums]
        sides.append((x, order, lengths))
    left, right = sides
    out = step.order().reshape(left[2][0], left[2][1], right[2][1])
    parts = [
        _dot_side(step, out, left, right),
        _dot_side(step, out.transpose(0, 2, 1), right, left),
    ]
    return [_united(parts)]


def _dot_side(step: Step, out: Array, own: Any, other: Any) -> Rows:
    """Return the rows that come from one factor; `out` has its axes as (batch, own, other's)."""
    (x, order, lengths), (y, other_order, other_lengths) = own, other
    size = math.prod(step.shapes[0])
    numbers = x.order.transpose(order).reshape(lengths)
    if not x.rows.nnz:
        return _none(size, step.inputs)
    if (
        y.numbers is None
    ):  # no coefficient is known: first sum over k, then copy along j
        sums = np.arange(lengths[0] * lengths[1]).reshape(
            lengths[0], lengths[1], 1
        )
        summed = _joined(
            np.broadcast_to(sums, lengths), numbers, sums.size, x.rows
        )
        return _joined(out, np.broadcast_to(sums, out.shape), size, summed)
    b, j, k = np.nonzero(
        _nonzero(y).transpose(other_order).reshape(other_lengths)
    )
    _check(b.size * lengths[1])
    return _joined(out[b, :, j], numbers[b, :, k], size, x.rows)


def _pooled(step: Step) -> list[Rows]:
    """reduce_window_max and its kin: who meets whom is what a sum over the same windows tells."""
    names = (
        "window_dimensions",
        "window_strides",
        "padding",
        "base_dilation",
        "window_dilation",
    )
    window = [step.params[name] for name in names]
    run = lambda x: jax.lax.reduce_window(
        x, x.dtype.type(0), jax.lax.add, *window
    )
    return [_probed(step, 0, run)]


def _conv(step: Step) -> list[Rows]:
    """Linear in the image and in the kernel: where one is known to be 0, the other has no say."""
    ones = []
    for x, dtype in zip(step.operands, step.dtypes, strict=True):
        ones.append(jax.numpy.asarray(_nonzero(x), dtype))
    parts = []
    for place, x in enumerate(step.operands):
        if x.rows.nnz:
            other = ones[1 - place]
            pair = lambda own, other=other: (own, other)
            if place == 1:
                pair = lambda own, other=other: (other, own)
            run = lambda own, pair=pair: jaxprs.run_equation(
                step.equation, pair(own)
            )[0]
            parts.append(_probed(step, place, run))
    return [_united(parts)]


def _probed(step: Step, place: int, run: Callable[[Any], Any]) -> Rows:
    """Return the rows of a result that is linear in an operand, with no negative coefficient.

    The transpose of `run`, applied to the unit vector of an entry of the result, is positive at
    the entries that it depends on. Nothing cancels.
    """
    x = step.operands[place]
    size = math.prod(step.shapes[0])
    out, transposed = jax.vjp(run, jax.numpy.ones(x.shape, step.dtypes[place]))
    many = jax.jit(jax.vmap(lambda unit: transposed(unit)[0]))
    results, operands = [], []
    for start in range(0, size, AT_ONCE):
        units = np.eye(min(AT_ONCE, size - start), size, start)
        came = many(jax.numpy.asarray(units.reshape(-1, *out.shape), out.dtype))
        rows, columns = np.nonzero(np.asarray(came).reshape(len(units), x.size))
        results.append(rows + start)
        operands.append(columns)
    if not results:
        return _none(size, step.inputs)
    return _joined(
        np.concatenate(results), np.concatenate(operands), size, x.rows
    )


# --- equations that hold programs ----------------------------------------------------------------


def _called(
    reading: _Reading, equation: Equation, operands: list[Entries]
) -> list[Entries]:
    (body,) = equation.bodies
    return reading.run(body, operands)


def _scan(
    reading: _Reading, equation: Equation, operands: list[Entries]
) -> list[Entries]:
    """Follow a loop of known length, iteration by iteration."""
    (body,) = equation.bodies
    constants, carried, _ = jaxprs.loop_parts(equation)
    consts = operands[:constants]
    carry = operands[constants : constants + carried]
    xs = operands[constants + carried :]
    length = equation.params["length"]
    if length > UNROLLED:
        return reading.by_rule(equation, operands, _everything)
    order = range(length)
    ys: list[list[Entries]] = [[] for _ in range(length)]
    for t in reversed(order) if equation.params["reverse"] else order:
        outputs = reading.run(
            body, [*consts, *carry, *(_iteration(x, t) for x in xs)]
        )
        carry, ys[t] = outputs[: len(carry)], outputs[len(carry) :]
    results = []
    for place, number in enumerate(equation.results[len(carry) :]):
        kind = reading.table[number]
        parts = [outputs[place] for outputs in ys]
        rows = _stacked([y.rows for y in parts], reading.inputs)
        known = _numbers_of(jax.numpy.stack, parts) if parts else None
        results.append(Entries(kind.shape, kind.inexact, rows, known))
    return [*carry, *results]


def _settled(
    reading: _Reading, body: Body, consts: list[Entries], carry: list[Entries]
) -> list[Entries]:
    """Run a body until one more iteration adds nothing, and return the carry.

    The rows only grow, and are finite, so that this ends.
    """
    while True:
        outputs = reading.run(body, [*consts, *carry])
        steady = True
        union = []
        for old, new in zip(carry, outputs, strict=True):
            rows = _united([old.rows, new.rows])
            numbers = _if_same(old, new)
            union.append(Entries(old.shape, old.inexact, rows, numbers))
            steady = (
                steady and rows.nnz == old.rows.nnz and numbers is old.numbers
            )
        if steady:
            return union
        carry = union


def _if_same(old: Entries, new: Entries) -> Numbers | None:
    """Return the numbers of a value that an iteration leaves as it was."""
    if old.numbers is None or new.numbers is None:
        return None
    same = old.numbers is new.numbers or bool(
        jax.numpy.all(old.numbers() == new.numbers())
    )
    return old.numbers if same else None


def _iteration(x: Entries, t: int) -> Entries:
    """Return what iteration `t` gets of a value that is scanned over."""
    size = math.prod(x.shape[1:])
    known = _numbers_of(lambda arrays: arrays[0][t], [x])
    return Entries(
        x.shape[1:], x.inexact, x.rows[t * size : (t + 1) * size], known
    )


def _while(
    reading: _Reading, equation: Equation, operands: list[Entries]
) -> list[Entries]:
    """Follow a loop as long as its condition is known, and then as one that may end any time."""
    first, second = (
        equation.params["cond_nconsts"],
        equation.params["body_nconsts"],
    )
    by_name = {body.name: body for body in equation.bodies}
    condition, body = by_name["cond"], by_name["body"]
    consts, carry = operands[first : first + second], operands[first + second :]
    for _ in range(UNROLLED):
        (goes_on,) = reading.run(condition, [*operands[:first], *carry])
        if goes_on.numbers is None:
            break
        if not goes_on.numbers():
            return carry
        carry = reading.run(body, [*consts, *carry])
    return _settled(reading, body, consts, carry)


def _cond(
    reading: _Reading, equation: Equation, operands: list[Entries]
) -> list[Entries]:
    """Follow the branch that is taken, or all where an input has a say in that."""
    which, *inputs = operands
    branches = equation.bodies
    if which.numbers is not None:
        index = int(np.clip(which.numbers(), 0, len(branches) - 1))
        return reading.run(branches[index], inputs)
    outcomes = [reading.run(branch, inputs) for branch in branches]
    return [
        Entries(
            same[0].shape,
            same[0].inexact,
            _united([x.rows for x in same]),
            None,
        )
        for same in zip(*outcomes, strict=True)
    ]


def _custom(step: Step) -> list[Rows]:
    """A rule of the user's is a program like others: trace it, and read it.

    A straight-through estimator shows why: its primal equation rounds, which has the derivative
    0, while its rule hands cotangents on.
    """
    moving = [k for k, x in enumerate(step.operands) if x.rows.nnz]
    free = [
        k
        for k, x in enumerate(step.operands)
        if not x.rows.nnz and x.numbers is None
    ]
    try:
        points, others = (
            [_stand_in(step, k) for k in places] for places in (moving, free)
        )
    except TypeError:  # a random key that depends on the inputs
        return _everything(step)

    # computed here: inside a trace even constants would become part of it
    known = [None if x.numbers is None else x.numbers() for x in step.operands]

    def function(given: Sequence[Any]) -> Callable[..., list[Any]]:
        def run(*chosen: Any) -> list[Any]:
            full = list(known)
            for k, x in zip([*free, *moving], [*given, *chosen], strict=True):
                full[k] = x
            return [
                y
                for y in jaxprs.run_equation(step.equation, full)
                if jaxprs.is_inexact(y.dtype)
            ]

        return run

    if step.equation.primitive == "custom_jvp_call":
        push = lambda given, at, seeds: jax.jvp(function(given), at, seeds)[1]
        local = _linear_pattern(push, (others, points), points)
    else:
        pull = lambda given, at, seeds: jax.vjp(function(given), *at)[1](seeds)
        out = jax.eval_shape(
            lambda given, at: function(given)(*at), others, points
        )
        local = sp.csr_array(_linear_pattern(pull, (others, points), out).T)
    rows = local @ _stacked(
        [step.operands[k].rows for k in moving], step.inputs
    )
    found, start = [], 0
    for shape, inexact in zip(step.shapes, step.inexact, strict=True):
        size = math.prod(shape)
        found.append(
            rows[start : start + size] if inexact else _none(size, step.inputs)
        )
        start += size * inexact
    return found


def _stand_in(step: Step, place: int) -> jax.ShapeDtypeStruct:
    """Return the type of an operand."""
    x = step.operands[place]
    return jax.ShapeDtypeStruct(x.shape, jax.numpy.dtype(step.dtypes[place]))


def _linear_pattern(
    f: Callable[..., Any], fixed: tuple[list[Any], list[Any]], seeds: list[Any]
) -> Rows:
    """Return the pattern of `f(*fixed, seeds)` with respect to the seeds."""
    closed, _ = jaxprs.trace(f, (*fixed, seeds))
    table, body = _read(closed)
    inputs = sum(s.size for s in seeds)
    identity, operands, start = _identity(inputs), [], 0
    for x in (*fixed[0], *fixed[1]):
        operands.append(Entries(x.shape, True, _none(x.size, inputs), None))
    for s in seeds:
        operands.append(
            Entries(s.shape, True, identity[start : start + s.size], None)
        )
        start += s.size
    return _stacked(
        [x.rows for x in _Reading(table, inputs).run(body, operands)], inputs
    )


# --- which primitive is of which kind ------------------------------------------------------------

# into a mutable array
WRITING = ["addupdate", "swap"]
# fmt: off
ELEMENTWISE = [
    "abs", "acos", "acosh", "add", "add_any", "asin", "asinh", "atan", "atan2", "atanh",
    "bessel_i0e", "bessel_i1e", "cbrt", "clamp", "complex", "conj", "convert_element_type", "copy",
    "copy_p", "cos", "cosh", "device_put", "digamma", "div", "erf", "erf_inv", "erfc", "exp",
    "exp2", "expm1", "igamma", "igamma_grad_a", "igammac", "imag", "integer_pow", "lgamma", "log",
    "log1p", "log2", "logistic", "max", "min", "neg", "one_minus_square", "optimization_barrier",
    "polygamma", "polynomial", "pow", "pvary", "random_gamma_grad", "real", "reduce_precision",
    "regularized_incomplete_beta", "rem", "rsqrt", "sharding_constraint", "sin", "sinh", "sqrt",
    "square", "sub", "tan", "tanh", "zeta",
]
# fmt: on
RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(["ceil", "floor", "round", "sign", "stop_gradient"], _flat),
    "mul": _mul,
    **dict.fromkeys(
        ["broadcast_in_dim", "concatenate", "dynamic_slice"], _moved
    ),
    **dict.fromkeys(
        ["dynamic_update_slice", "expand_dims", "pad", "reshape", "rev"], _moved
    ),
    **dict.fromkeys(["slice", "split", "squeeze", "stack", "tile"], _moved),
    **dict.fromkeys(["transpose", "unstack"], _moved),
    "select_n": _select,
    "gather": _gather,
    **dict.fromkeys(["scatter", "scatter-add", "scatter-sub"], _scatter),
    **dict.fromkeys(["scatter-mul", "scatter-min", "scatter-max"], _scatter),
    "scatter_mul": _scatter,
    **dict.fromkeys(
        ["reduce_sum", "reduce_prod", "reduce_max", "reduce_min"], _reduced
    ),
    **dict.fromkeys(
        ["cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"], _cumulative
    ),
    "sort": _sorted,
    "top_k": _greatest,
    **dict.fromkeys(
        ["reduce_window_sum", "reduce_window_max", "reduce_window_min"], _pooled
    ),
    "dot_general": _dot,
    "conv_general_dilated": _conv,
    **dict.fromkeys(
        ["cholesky", "eig", "eigh", "geqrf", "hessenberg"], _batched
    ),
    **dict.fromkeys(
        ["householder_product", "lu", "qr", "schur", "svd"], _batched
    ),
    **dict.fromkeys(["triangular_solve", "tridiagonal"], _batched),
    "fft": _fourier,
    **dict.fromkeys(["custom_jvp_call", "custom_vjp_call"], _custom),
}
HOLDERS = {
    **dict.fromkeys(
        jaxprs.CALLS - {"custom_jvp_call", "custom_vjp_call"}, _called
    ),
    "scan": _scan,
    "while": _while,
    "cond": _cond,
}
