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
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from . import jaxprs
from ._arguments import Argnums, check_output, read_arguments
from ._capture import NEEDS_VALUES
from ._model import Body, Equation, Value, walk

Function = Callable[..., Any]
Values = Sequence[Any]
Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
Rows = Any  # scipy.sparse.csr_array of booleans, which has no types
Results = list[Rows]  # of an equation, one after the other

# iterations of a loop that are followed one by one
UNROLLED = 1000
# pairs of an entry of the result and one of the operand, for one equation
MOST_PAIRS = 5 * 10**7
# unit vectors that are sent through an equation together
AT_ONCE = 256
# constants that wait for each other: Python allows a thousand calls in each other
DEEPEST = 30
# whole numbers below this one have a float32 of their own
MOST_IN_FLOAT32 = 2**24


class Numbers:
    """The numbers of a value that depends on no input, computed when somebody asks."""

    def __init__(self, compute: Callable[[], Any], depth: int = 0) -> None:
        self.compute = compute
        self.depth = depth
        if depth % DEEPEST == DEEPEST - 1:
            self()

    def __call__(self) -> Any:
        """Return them, computed once."""
        return self._array

    @functools.cached_property
    def _array(self) -> Any:
        return self.compute()

    def part(self, place: int) -> Numbers:
        """Return one of several results, or one entry along the first axis."""
        return Numbers(lambda: self()[place], self.depth)


@dataclass(frozen=True)
class Entries:
    """One value: the rows of its entries and, where no input has a say in them, its numbers."""

    shape: Shape
    rows: Rows
    numbers: Numbers | None = None

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
    shapes: list[Shape]  # of the results
    inexact: list[bool]
    inputs: int  # columns of every matrix of rows

    @property
    def params(self) -> Any:
        """The equation's parameters."""
        return self.equation.params

    def size(self, result: int = 0) -> int:
        """Return the number of a result's entries."""
        return math.prod(self.shapes[result])

    def order(self, result: int = 0) -> Array:
        """Return the numbers of a result's entries, in its shape."""
        return np.arange(self.size(result)).reshape(self.shapes[result])

    def none(self, result: int = 0) -> Rows:
        """Return the rows of a result that depends on nothing."""
        return _none(self.size(result), self.inputs)


Rule = Callable[[Step], Results]


def sparsity_pattern(
    f: Function,
    *args: Any,
    argnums: Argnums = 0,
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
    arguments = read_arguments(
        f,
        args,
        "forward",
        argnums,
    )
    leaves = arguments.leaves
    which = arguments.which
    varying = []
    for k, leaf in enumerate(leaves):
        if k not in which and _varies(leaf):
            varying.append(k)
    moving = [jnp.asarray(leaves[k]) for k in which]
    others = [leaves[k] for k in varying]
    call = jaxprs.partial_in(
        arguments.as_function_of_leaves(f), leaves, [*which, *varying]
    )

    def differentiable(*values: Any) -> list[Any]:
        out = call(*values)
        check_output(out, arguments.name)
        return _inexact(jax.tree.leaves(out))

    try:
        table, body = _read(differentiable, [*moving, *others])
    except NEEDS_VALUES as error:
        raise TypeError(
            f"{arguments.name} needs the numbers of what is differentiated while it is traced, so "
            "its equations are not the same at all points and there is no one pattern. It uses "
            "Python control flow on traced values, numpy in place of jax.numpy, or a shape that "
            "depends on values: write a choice with jnp.where or jax.lax.cond."
        ) from error
    pattern = _followed(table, body, moving)
    pattern.sort_indices()
    return pattern


def _varies(leaf: Any) -> bool:
    """Whether the pattern is to hold for other values of a leaf, too."""
    dtype = jaxprs.dtype_of(leaf)
    is_key = jnp.issubdtype(dtype, jax.dtypes.prng_key)
    return jaxprs.is_inexact(dtype) or bool(is_key)


def _inexact(values: Values) -> list[Any]:
    """Return those of several values that have a derivative."""
    real_or_complex = []
    for value in values:
        if jaxprs.is_inexact(jaxprs.dtype_of(value)):
            real_or_complex.append(value)
    return real_or_complex


# --- reading a program ---------------------------------------------------------------------------


def _read(f: Function, args: Values) -> tuple[list[Value], Body]:
    """Trace a function, and return its table of values and its equations."""
    closed, _ = jaxprs.trace(f, args)
    values: list[Value] = []
    reading = jaxprs.Reading(values)
    body = jaxprs.read(closed, reading)
    return values, body


def _followed(
    table: Sequence[Value],
    body: Body,
    moving: Values,
) -> Rows:
    """Return the pattern of a program with respect to its first inputs, which `moving` describes.

    Of its other inputs nothing is known.
    """
    inputs = sum(x.size for x in moving)
    if any(e.primitive in WRITING for e in walk(body.equations)):
        # what is written into a mutable array comes out of it elsewhere: no rule follows that
        outputs = 0
        for output in body.outputs:
            outputs += math.prod(table[output].shape)
        _check(outputs * inputs)
        everything = np.ones((outputs, inputs), bool)
        return sp.csr_array(everything)
    # each entry that is differentiated has a column of its own
    identity = sp.eye_array(
        inputs,
        dtype=bool,
        format="csr",
    )
    operands = []
    start = 0
    for x in moving:
        end = start + x.size
        rows = identity[start:end]
        operands.append(Entries(x.shape, rows))
        start = end
    for number in body.inputs[len(moving) :]:
        shape = table[number].shape
        rows = _none(math.prod(shape), inputs)
        operands.append(Entries(shape, rows))
    outcomes = _Reading(table, inputs).run(body, operands)
    return _stacked(_rows_of(outcomes), inputs)


class _Reading:
    """Follow the equations of a program, from the rows of its inputs to those of its outputs."""

    def __init__(self, table: Sequence[Value], inputs: int) -> None:
        self.table = table
        self.inputs = inputs

    def run(self, body: Body, operands: Sequence[Entries]) -> list[Entries]:
        """Return what is known of the outputs of a body, from what is known of its inputs."""
        seen = dict(zip(body.inputs, operands, strict=True))
        constants = dict(zip(body.consts, body.arrays, strict=False))
        constants.update(body.literals)
        for number, value in constants.items():
            seen[number] = self.constant(number, value)
        for equation in body.equations:
            inputs = [seen[o] for o in equation.operands]
            results = self.follow(equation, inputs)
            seen.update(zip(equation.results, results, strict=True))
        return [seen[o] for o in body.outputs]

    def constant(self, number: int, value: Any) -> Entries:
        """Return a value that depends on no input."""
        shape = self.table[number].shape
        rows = _none(math.prod(shape), self.inputs)
        return Entries(shape, rows, Numbers(lambda: value))

    def follow(
        self, equation: Equation, operands: list[Entries]
    ) -> list[Entries]:
        """Return what is known of the results of one equation."""
        holder = HOLDERS.get(equation.primitive)
        if holder:
            return holder(self, equation, operands)
        rule = RULES.get(equation.primitive, _everything)
        return self.by_rule(equation, operands, rule)

    def by_rule(
        self,
        equation: Equation,
        operands: list[Entries],
        rule: Rule,
    ) -> list[Entries]:
        """Return the results, their rows by a rule and their numbers by jax."""
        kinds = [self.table[r] for r in equation.results]
        step = Step(
            equation,
            operands,
            dtypes=[self.table[o].dtype for o in equation.operands],
            shapes=[k.shape for k in kinds],
            inexact=[k.inexact for k in kinds],
            inputs=self.inputs,
        )
        if not any(x.rows.nnz for x in operands):
            rule = _flat
        rows = rule(step)
        known = None
        # a callback may answer otherwise each time
        if "callback" not in equation.primitive:
            run = functools.partial(jaxprs.run_equation, equation)
            known = _numbers_of(run, operands)
        results = []
        for place, kind in enumerate(kinds):
            own = rows[place]
            if not kind.inexact:
                own = step.none(place)
            numbers = known and known.part(place)
            results.append(Entries(kind.shape, own, numbers))
        return results


def _numbers_of(
    f: Callable[[list[Any]], Any], operands: Sequence[Entries]
) -> Numbers | None:
    """Return what `f` makes of the operands' numbers, None where an input has a say in them."""
    sources = []
    depth = 0
    for x in operands:
        if x.numbers is None:
            return None
        sources.append(x.numbers)
        depth = max(depth, x.numbers.depth)
    return Numbers(lambda: f([s() for s in sources]), depth + 1)


# --- matrices of rows: the sum of two holds what either holds ------------------------------------


def _none(size: int, inputs: int) -> Rows:
    return sp.csr_array((size, inputs), dtype=bool)


def _stacked(parts: Sequence[Rows], inputs: int) -> Rows:
    # an empty matrix first: there may be no parts
    empty = _none(0, inputs)
    return sp.vstack(
        [empty, *parts],
        format="csr",
        dtype=bool,
    )


def _rows_of(values: Sequence[Entries]) -> list[Rows]:
    return [x.rows for x in values]


def _united(rows: Sequence[Rows]) -> Rows:
    """Return the rows that hold what any of several holds in the same place."""
    return functools.reduce(operator.add, rows)


def _taken(rows: Rows, numbers: Array) -> Rows:
    """Return the rows of these numbers, one after the other."""
    _check(_entries_of(rows, numbers))
    return rows[numbers]


def _entries_of(rows: Rows, numbers: Array) -> int:
    """Return how many entries the rows of these numbers hold together."""
    lengths = np.diff(rows.indptr)
    taken = lengths[numbers]
    return int(taken.sum())


def _spread(x: Entries, shape: Shape) -> Rows:
    """Return the rows of a value repeated along axes of length 1 and axes that it lacks."""
    if x.shape == shape:
        return x.rows
    numbers = np.broadcast_to(x.order, shape)
    return _taken(x.rows, numbers.reshape(-1))


def _picked(rows: Rows, numbers: Array) -> Rows:
    """Return the rows of these numbers; a negative number stands for an entry from nowhere."""
    numbers = numbers.reshape(-1)
    outside = numbers < 0
    if outside.any():
        # one more row, which is empty
        size, inputs = rows.shape
        numbers = np.where(outside, size, numbers)
        empty = _none(1, inputs)
        rows = _stacked([rows, empty], inputs)
    return _taken(rows, numbers)


def _joined(
    results: Array,
    operands: Array,
    size: int,
    rows: Rows,
) -> Rows:
    """Return the rows of a result: entry results[k] depends on entry operands[k], for all k."""
    results = results.reshape(-1)
    operands = operands.reshape(-1)
    _check(results.size)
    # several pairs may bring the same entry
    count, inputs = rows.shape
    most = _entries_of(rows, operands)
    _check(min(most, size * inputs))
    ones = np.ones(results.size, bool)
    pairs = sp.coo_array(
        (ones, (results, operands)),
        shape=(size, count),
    )
    return pairs.tocsr() @ rows


def _only(rows: Rows, numbers: Array) -> Rows:
    """Return the rows, all empty but those of these numbers."""
    return _joined(
        numbers,
        numbers,
        rows.shape[0],
        rows,
    )


def _check(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise ValueError(
            f"One equation makes {pairs:,} pairs of entries that depend on each other, more than "
            f"the {MOST_PAIRS:,} that a pattern is made of. Look at a part of the function, or at "
            "fewer entries."
        )


# --- entry by entry ------------------------------------------------------------------------------


def _elementwise(step: Step) -> Results:
    if len(step.shapes) > 1:
        # an equation of several results (optimization_barrier) hands each operand on
        return _rows_of(step.operands)
    (shape,) = step.shapes
    parts = [_spread(x, shape) for x in step.operands]
    return [_united(parts)]


def _flat(step: Step) -> Results:
    """Steps (floor) and walls (stop_gradient): the derivative is 0 everywhere."""
    return [step.none(place) for place in range(len(step.shapes))]


def _mul(step: Step) -> Results:
    a, b = step.operands
    (shape,) = step.shapes
    from_a = _factor(a, b, shape)
    from_b = _factor(b, a, shape)
    return [from_a + from_b]


def _factor(
    own: Entries,
    other: Entries,
    shape: Shape,
) -> Rows:
    """Return the rows that come from one factor of a product, entry by entry."""
    rows = _spread(own, shape)
    if other.numbers is None or not own.rows.nnz:
        return rows
    nonzero = np.broadcast_to(_nonzero(other), shape)
    return _only(rows, np.flatnonzero(nonzero))


def _nonzero(x: Entries) -> Array:
    """Return for each entry whether it can differ from 0."""
    if x.numbers is None:
        return np.ones(x.shape, bool)
    nonzero: Array = np.asarray(x.numbers()) != 0
    return nonzero


# --- entries that move ---------------------------------------------------------------------------

# how many operands hold entries that move; those behind them say where to
MOVED = {
    "concatenate": None,
    "stack": None,
    "pad": 2,
    "dynamic_update_slice": 2,
}


def _moved(step: Step) -> Results:
    """Run an equation on the numbers of the entries that move, one range after the other."""
    count = MOVED.get(step.equation.primitive, 1)
    data = step.operands[:count]
    places = step.operands[len(data) :]
    numbered = []
    start = 0
    for x in data:
        order = x.order + start
        numbered.append(jnp.asarray(order, np.int32))
        start += x.size
    for x in places:
        if x.numbers is None:
            return _everything(step)
        numbered.append(x.numbers())
    rows = _stacked(_rows_of(data), step.inputs)
    results = []
    for numbers in jaxprs.run_equation(step.equation, numbered):
        results.append(_picked(rows, np.asarray(numbers)))
    return results


def _select(step: Step) -> Results:
    which, *cases = step.operands
    (shape,) = step.shapes
    parts = [_spread(x, shape) for x in cases]
    if which.numbers is None:
        return [_united(parts)]
    chosen = np.asarray(which.numbers())
    chosen = chosen.astype(int)
    # the rows of the second case stand behind all those of the first
    first = chosen * step.size()
    first = np.broadcast_to(first, shape)
    numbers = first + step.order()
    rows = _stacked(parts, step.inputs)
    return [_taken(rows, numbers.reshape(-1))]


def _gather(step: Step) -> Results:
    data, places = step.operands
    if places.numbers is None:
        return _everything(step)
    options = dict(step.params, fill_value=-1)
    numbers = jnp.asarray(data.order, np.int32)
    came = jax.lax.gather(
        numbers,
        places.numbers(),
        **options,
    )
    rows = _picked(data.rows, np.asarray(came))
    return [rows]


# what says where a scatter writes
SCATTER_OPTIONS = (
    "dimension_numbers",
    "indices_are_sorted",
    "unique_indices",
    "mode",
)


def _scatter(step: Step) -> Results:
    """Each update goes to one entry, which the transpose of scatter_add names."""
    data, places, updates = step.operands
    if places.numbers is None:
        (everything,) = _everything(step)
        return [data.rows + everything]
    if max(data.size, updates.size) >= MOST_IN_FLOAT32:
        return _everything(step)
    options = {name: step.params[name] for name in SCATTER_OPTIONS}
    indices = jnp.asarray(places.numbers())

    def add(values: Any) -> Any:
        return jax.lax.scatter_add(
            np.zeros(data.shape, np.float32),
            indices,
            values,
            **options,
        )

    zeros = np.zeros(updates.shape, np.float32)
    _, transposed = jax.vjp(add, zeros)
    # counted from 1: an update that goes outside, and is dropped, gets a 0
    order = jnp.asarray(data.order + 1, np.float32)
    (counted,) = transposed(order)
    targets = np.asarray(counted).astype(int)
    targets = targets.reshape(-1) - 1
    inside = np.flatnonzero(targets >= 0)
    targets = targets[inside]
    added = _joined(
        targets,
        inside,
        data.size,
        updates.rows,
    )
    if step.equation.primitive != "scatter":
        return [data.rows + added]
    if step.params.get("update_jaxpr") is not None:
        return [data.rows + added]
    # what is overwritten is gone
    others = np.setdiff1d(data.order, targets)
    return [_only(data.rows, others) + added]


# --- entries that meet ---------------------------------------------------------------------------


def _everything(step: Step) -> Results:
    rows = _stacked(_rows_of(step.operands), step.inputs)
    numbers = np.arange(rows.shape[0])
    row = _joined(
        np.zeros_like(numbers),
        numbers,
        1,
        rows,
    )
    results = []
    for place in range(len(step.shapes)):
        zeros = np.zeros(step.size(place), int)
        results.append(_taken(row, zeros))
    return results


def _batched(step: Step) -> Results:
    """Linear algebra on the last two axes: the others count systems apart from each other."""
    return _systems(step, 2)


def _fourier(step: Step) -> Results:
    return _systems(step, len(step.params["fft_lengths"]))


def _systems(step: Step, axes: int) -> Results:
    """Every entry depends on every entry of the same system, of which axes before are a count."""
    first = step.operands[0].shape
    depth = len(first) - axes
    batch = first[:depth]
    shapes = [x.shape for x in step.operands]
    for shape in (*shapes, *step.shapes):
        if shape[:depth] != batch:
            return _everything(step)
    count = math.prod(batch)
    systems = np.arange(count)
    rows = _none(count, step.inputs)
    for x in step.operands:
        size = math.prod(x.shape[depth:])
        own = np.repeat(systems, size)
        rows += _joined(
            own,
            x.order,
            count,
            x.rows,
        )
    results = []
    for shape in step.shapes:
        size = math.prod(shape[depth:])
        own = np.repeat(systems, size)
        results.append(_taken(rows, own))
    return results


def _reduced(step: Step) -> Results:
    (x,) = step.operands
    axes = tuple(step.params["axes"])
    results = np.expand_dims(step.order(), axes)
    results = np.broadcast_to(results, x.shape)
    rows = _joined(
        results,
        x.order,
        step.size(),
        x.rows,
    )
    return [rows]


def _line(
    step: Step,
    place: int,
    axis: int,
    mask: Array,
) -> Rows:
    """Return the rows of a result whose entry i along an axis depends on entries j: mask[i, j]."""
    x = step.operands[place]
    own_length, length = mask.shape
    results = np.moveaxis(step.order(place), axis, -1)
    results = results.reshape(-1, own_length)
    operands = np.moveaxis(x.order, axis, -1)
    operands = operands.reshape(-1, length)
    i, j = np.nonzero(mask)
    _check(i.size * results.shape[0])
    return _joined(
        results[:, i],
        operands[:, j],
        step.size(place),
        x.rows,
    )


def _cumulative(step: Step) -> Results:
    axis = step.params["axis"]
    length = step.shapes[0][axis]
    _check(length**2)
    # entry i depends on the entries up to i
    mask = np.tri(length, dtype=bool)
    if step.params["reverse"]:
        mask = mask.T
    return [_line(step, 0, axis, mask)]


def _sorted(step: Step) -> Results:
    """Each result is one operand in another order, which depends on the numbers."""
    axis = step.params["dimension"]
    length = step.shapes[0][axis]
    _check(length**2)
    mask = np.ones((length, length), bool)
    results = []
    for place in range(len(step.operands)):
        results.append(_line(step, place, axis, mask))
    return results


def _greatest(step: Step) -> Results:
    """top_k: the values, and their places, which have no derivative."""
    axis = step.params.get("axis", -1)
    (x,) = step.operands
    lengths = step.shapes[0][axis], x.shape[axis]
    values = _line(
        step,
        0,
        axis,
        np.ones(lengths, bool),
    )
    return [values, step.none(1)]


# one factor of a product, and the numbers of its entries by (batch, own, summed over)
Factor = tuple[Entries, Array]


def _dot(step: Step) -> Results:
    """out[b, i, j] = sum over k of left[b, i, k] right[b, j, k], after axes are put in order."""
    contracted, batch = step.params["dimension_numbers"]
    factors: list[Factor] = []
    for x, sums, stacks in zip(step.operands, contracted, batch, strict=True):
        own = []
        for axis in range(len(x.shape)):
            if axis not in sums and axis not in stacks:
                own.append(axis)
        lengths = []
        for axes in (stacks, own, sums):
            lengths.append(math.prod(x.shape[a] for a in axes))
        numbers = x.order.transpose([*stacks, *own, *sums])
        factors.append((x, numbers.reshape(lengths)))
    left, right = factors
    # the numbers of the left factor are by (b, i, k), those of the right by (b, j, k)
    batches, rows, _ = left[1].shape
    columns = right[1].shape[1]
    out = step.order().reshape(batches, rows, columns)
    from_left = _dot_side(
        out,
        left,
        right,
        step.inputs,
    )
    from_right = _dot_side(
        out.transpose(0, 2, 1),
        right,
        left,
        step.inputs,
    )
    return [from_left + from_right]


def _dot_side(
    out: Array,
    own: Factor,
    other: Factor,
    inputs: int,
) -> Rows:
    """Return the rows that come from one factor; `out` has its axes as (batch, own, other's)."""
    x, numbers = own
    y, other_numbers = other
    if not x.rows.nnz:
        return _none(out.size, inputs)
    batch, length, _ = numbers.shape
    if y.numbers is None:
        # no coefficient is known: first sum over k, then copy along j
        sums = np.arange(batch * length).reshape(batch, length, 1)
        each = np.broadcast_to(sums, numbers.shape)
        summed = _joined(
            each,
            numbers,
            sums.size,
            x.rows,
        )
        copies = np.broadcast_to(sums, out.shape)
        return _joined(
            out,
            copies,
            out.size,
            summed,
        )
    coefficients = _nonzero(y).reshape(-1)[other_numbers]
    b, j, k = np.nonzero(coefficients)
    _check(b.size * length)
    return _joined(
        out[b, :, j],
        numbers[b, :, k],
        out.size,
        x.rows,
    )


WINDOW = (
    "window_dimensions",
    "window_strides",
    "padding",
    "base_dilation",
    "window_dilation",
)


def _pooled(step: Step) -> Results:
    """reduce_window_max and its kin: who meets whom is what a sum over the same windows tells."""
    window = [step.params[name] for name in WINDOW]

    def run(x: Any) -> Any:
        zero = x.dtype.type(0)
        return jax.lax.reduce_window(
            x,
            zero,
            jax.lax.add,
            *window,
        )

    return [_probed(step, 0, run)]


def _conv(step: Step) -> Results:
    """Linear in the image and in the kernel: where one is known to be 0, the other has no say."""
    ones = []
    for x, dtype in zip(step.operands, step.dtypes, strict=True):
        nonzero = _nonzero(x)
        ones.append(jnp.asarray(nonzero, dtype))
    image, kernel = ones

    def of_image(own: Any) -> Any:
        (out,) = jaxprs.run_equation(step.equation, [own, kernel])
        return out

    def of_kernel(own: Any) -> Any:
        (out,) = jaxprs.run_equation(step.equation, [image, own])
        return out

    from_image = _probed(step, 0, of_image)
    from_kernel = _probed(step, 1, of_kernel)
    return [from_image + from_kernel]


def _probed(
    step: Step,
    place: int,
    run: Callable[[Any], Any],
) -> Rows:
    """Return the rows of a result that is linear in an operand, with no negative coefficient.

    The transpose of `run`, applied to the unit vector of an entry of the result, is positive at
    the entries that it depends on. Nothing cancels.
    """
    x = step.operands[place]
    size = step.size()
    if not x.rows.nnz or not size:
        return step.none()
    ones = jnp.ones(x.shape, step.dtypes[place])
    out, transposed = jax.vjp(run, ones)

    def apply(unit: Any) -> Any:
        (at_operand,) = transposed(unit)
        return at_operand

    many = jax.jit(jax.vmap(apply))
    results = []
    operands = []
    for start in range(0, size, AT_ONCE):
        count = min(AT_ONCE, size - start)
        units = np.eye(count, size, start)
        units = units.reshape(-1, *out.shape)
        came = many(jnp.asarray(units, out.dtype))
        matrix = np.asarray(came).reshape(count, x.size)
        rows, columns = np.nonzero(matrix)
        results.append(rows + start)
        operands.append(columns)
    return _joined(
        np.concatenate(results),
        np.concatenate(operands),
        size,
        x.rows,
    )


# --- equations that hold programs ----------------------------------------------------------------


def _called(
    reading: _Reading,
    equation: Equation,
    operands: list[Entries],
) -> list[Entries]:
    (body,) = equation.bodies
    return reading.run(body, operands)


def _scan(
    reading: _Reading,
    equation: Equation,
    operands: list[Entries],
) -> list[Entries]:
    """Follow a loop of known length, iteration by iteration."""
    length = equation.params["length"]
    if length > UNROLLED:
        return reading.by_rule(equation, operands, _everything)
    (body,) = equation.bodies
    constants, carried, _ = jaxprs.loop_parts(equation)
    first_scanned = constants + carried
    consts = operands[:constants]
    carry = operands[constants:first_scanned]
    xs = operands[first_scanned:]
    order = range(length)
    if equation.params["reverse"]:
        order = order[::-1]
    ys: list[list[Entries]] = [[] for _ in range(length)]
    for t in order:
        inputs = [*consts, *carry]
        for x in xs:
            inputs.append(_iteration(x, t))
        outputs = reading.run(body, inputs)
        carry = outputs[:carried]
        ys[t] = outputs[carried:]
    results = carry
    for place, number in enumerate(equation.results[carried:]):
        shape = reading.table[number].shape
        parts = [outputs[place] for outputs in ys]
        rows = _stacked(_rows_of(parts), reading.inputs)
        numbers = None
        if parts:
            numbers = _numbers_of(jnp.stack, parts)
        results.append(Entries(shape, rows, numbers))
    return results


def _iteration(x: Entries, t: int) -> Entries:
    """Return what iteration `t` gets of a value that is scanned over."""
    shape = x.shape[1:]
    size = math.prod(shape)
    start = t * size
    end = start + size
    rows = x.rows[start:end]
    numbers = x.numbers and x.numbers.part(t)
    return Entries(shape, rows, numbers)


def _settled(
    reading: _Reading,
    body: Body,
    consts: list[Entries],
    carry: list[Entries],
) -> list[Entries]:
    """Run a body until one more iteration adds nothing, and return the carry.

    The rows only grow, and are finite, so that this ends.
    """
    steady = False
    while not steady:
        outputs = reading.run(body, [*consts, *carry])
        steady = True
        union = []
        for old, new in zip(carry, outputs, strict=True):
            rows = old.rows + new.rows
            numbers = _if_same(old.numbers, new.numbers)
            if rows.nnz > old.rows.nnz or numbers is not old.numbers:
                steady = False
            union.append(Entries(old.shape, rows, numbers))
        carry = union
    return carry


def _if_same(old: Numbers | None, new: Numbers | None) -> Numbers | None:
    """Return the numbers of a value that an iteration leaves as it was."""
    if old is new:
        return old
    if old is None or new is None:
        return None
    same = jnp.all(old() == new())
    return old if same else None


def _while(
    reading: _Reading,
    equation: Equation,
    operands: list[Entries],
) -> list[Entries]:
    """Follow a loop as long as its condition is known, and then as one that may end any time."""
    test, body = jaxprs.while_parts(equation)
    first = test.origin.shared
    second = first + body.origin.shared
    for_test = operands[:first]
    consts = operands[first:second]
    carry = operands[second:]
    for _ in range(UNROLLED):
        (goes_on,) = reading.run(test, [*for_test, *carry])
        if goes_on.numbers is None:
            break
        if not goes_on.numbers():
            return carry
        carry = reading.run(body, [*consts, *carry])
    return _settled(
        reading,
        body,
        consts,
        carry,
    )


def _cond(
    reading: _Reading,
    equation: Equation,
    operands: list[Entries],
) -> list[Entries]:
    """Follow the branch that is taken, or all where an input has a say in that."""
    which, *inputs = operands
    branches = equation.bodies
    if which.numbers is not None:
        last = len(branches) - 1
        index = int(np.clip(which.numbers(), 0, last))
        return reading.run(branches[index], inputs)
    outcomes = [reading.run(branch, inputs) for branch in branches]
    results = []
    for same in zip(*outcomes, strict=True):
        rows = _united(_rows_of(same))
        results.append(Entries(same[0].shape, rows))
    return results


def _custom(step: Step) -> Results:
    """A rule of the user's is a program like others: trace it, and read it.

    A straight-through estimator shows why: its primal equation rounds, which has the derivative
    0, while its rule hands cotangents on.
    """
    moving = []
    free = []
    known: list[Any] = [None for _ in step.operands]
    for place, x in enumerate(step.operands):
        if x.rows.nnz:
            moving.append(place)
        elif x.numbers is None:
            free.append(place)
        else:
            # computed here: inside a trace even constants would become part of it
            known[place] = x.numbers()
    try:
        points = [_stand_in(step, place) for place in moving]
        others = [_stand_in(step, place) for place in free]
    except TypeError:  # a random key that depends on the inputs
        return _everything(step)
    run = functools.partial(jaxprs.run_equation, step.equation)

    def every(*operands: Any) -> list[Any]:
        return _inexact(run(operands))

    call = jaxprs.partial_in(every, known, [*free, *moving])
    fixed = [*others, *points]
    count = len(others)

    def push(seeds: Values, at: Values) -> Any:
        f = functools.partial(call, *at[:count])
        _, tangents = jax.jvp(f, at[count:], seeds)
        return tangents

    def pull(seeds: Values, at: Values) -> Any:
        f = functools.partial(call, *at[:count])
        _, pullback = jax.vjp(f, *at[count:])
        return pullback(seeds)

    if step.equation.primitive == "custom_jvp_call":
        local = _linear_pattern(push, points, fixed)
    else:
        out = jax.eval_shape(call, *fixed)
        local = _linear_pattern(pull, out, fixed).T
    parts = []
    for place in moving:
        x = step.operands[place]
        parts.append(x.rows)
    operand_rows = _stacked(parts, step.inputs)
    rows = sp.csr_array(local) @ operand_rows
    results = []
    start = 0
    for place, inexact in enumerate(step.inexact):
        end = start
        if inexact:
            end += step.size(place)
        results.append(rows[start:end])
        start = end
    return results


def _stand_in(step: Step, place: int) -> jax.ShapeDtypeStruct:
    """Return the type of an operand."""
    shape = step.operands[place].shape
    dtype = jnp.dtype(step.dtypes[place])
    return jax.ShapeDtypeStruct(shape, dtype)


def _linear_pattern(
    f: Function,
    seeds: Values,
    fixed: Values,
) -> Rows:
    """Return the pattern of `f(seeds, fixed)` with respect to the seeds."""
    table, body = _read(f, (seeds, fixed))
    return _followed(table, body, seeds)


# --- which primitive is of which kind ------------------------------------------------------------

# into a mutable array
WRITING = ["addupdate", "swap"]
ELEMENTWISE = [
    "abs",
    "acos",
    "acosh",
    "add",
    "add_any",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bessel_i0e",
    "bessel_i1e",
    "cbrt",
    "clamp",
    "complex",
    "conj",
    "convert_element_type",
    "copy",
    "cos",
    "cosh",
    "device_put",
    "digamma",
    "div",
    "erf",
    "erf_inv",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "igamma",
    "igamma_grad_a",
    "igammac",
    "imag",
    "integer_pow",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "logistic",
    "max",
    "min",
    "neg",
    "one_minus_square",
    "optimization_barrier",
    "polygamma",
    "polynomial",
    "pow",
    "pvary",
    "random_gamma_grad",
    "real",
    "reduce_precision",
    "regularized_incomplete_beta",
    "rem",
    "rsqrt",
    "sharding_constraint",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
    "zeta",
]
RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    "ceil": _flat,
    "floor": _flat,
    "round": _flat,
    "sign": _flat,
    "stop_gradient": _flat,
    "mul": _mul,
    "broadcast_in_dim": _moved,
    "concatenate": _moved,
    "dynamic_slice": _moved,
    "dynamic_update_slice": _moved,
    "pad": _moved,
    "reshape": _moved,
    "rev": _moved,
    "slice": _moved,
    "split": _moved,
    "squeeze": _moved,
    "stack": _moved,
    "tile": _moved,
    "transpose": _moved,
    "unstack": _moved,
    "select_n": _select,
    "gather": _gather,
    "scatter": _scatter,
    "scatter-add": _scatter,
    "scatter-sub": _scatter,
    "scatter-mul": _scatter,
    "scatter-min": _scatter,
    "scatter-max": _scatter,
    "reduce_sum": _reduced,
    "reduce_prod": _reduced,
    "reduce_max": _reduced,
    "reduce_min": _reduced,
    "cumsum": _cumulative,
    "cumprod": _cumulative,
    "cummax": _cumulative,
    "cummin": _cumulative,
    "cumlogsumexp": _cumulative,
    "sort": _sorted,
    "top_k": _greatest,
    "reduce_window_sum": _pooled,
    "reduce_window_max": _pooled,
    "reduce_window_min": _pooled,
    "dot_general": _dot,
    "conv_general_dilated": _conv,
    "cholesky": _batched,
    "eig": _batched,
    "eigh": _batched,
    "geqrf": _batched,
    "hessenberg": _batched,
    "householder_product": _batched,
    "lu": _batched,
    "qr": _batched,
    "schur": _batched,
    "svd": _batched,
    "triangular_solve": _batched,
    "tridiagonal": _batched,
    "fft": _fourier,
    "custom_jvp_call": _custom,
    "custom_vjp_call": _custom,
}
HOLDERS = {
    **dict.fromkeys(
        jaxprs.CALLS - {"custom_jvp_call", "custom_vjp_call"}, _called
    ),
    "scan": _scan,
    "while": _while,
    "cond": _cond,
}
