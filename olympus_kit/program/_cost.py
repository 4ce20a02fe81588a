"""Count an equation's arithmetic and traffic from its shapes alone.

A multiply-add counts as two operations, a reduction of n entries as n - 1 and every other
elementwise primitive as one for each entry of the result, a complex one, too; moving data counts
nothing. XLA's own analysis counts a loop's body once; here it is multiplied by the trips. The
leading terms of dense linear algebra are those of Golub and Van Loan, "Matrix Computations".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from ._model import Equation, Value

MOVES = frozenset([
    "bitcast_convert_type",
    "broadcast_in_dim",
    "concatenate",
    "convert_element_type",
    "copy",
    "dynamic_slice",
    "dynamic_update_slice",
    "empty",
    "empty2",
    "gather",
    "iota",
    "optimization_barrier",
    "pad",
    "reduce_precision",
    "reshape",
    "rev",
    "scatter",
    "select_n",
    "slice",
    "split",
    "squeeze",
    "stop_gradient",
    "transpose",
])
Shape = tuple[int, ...]
Shapes = Sequence[Shape]
Params = Mapping[str, Any]


def flops(
    equation: Equation,
    values: Sequence[Value],
    inner: Sequence[float],
) -> float:
    """Return the operations of one equation, given those of its bodies (one run of each).

    A mean, and no whole number, where a body runs several times and not the same each time.
    """
    name = equation.primitive
    if name in MOVES and not equation.bodies:
        return 0
    made = sum([math.prod(values[r].shape) for r in equation.results])
    if not equation.bodies and _elementwise(name):
        return made
    shapes = [values[o].shape for o in equation.operands]
    if equation.bodies:
        return _of_bodies(
            equation,
            inner,
            shapes,
            made,
        )
    if name in _RULES:
        return _RULES[name](equation.params, shapes, made)
    return max(0, sum(map(math.prod, shapes)) - made)


@cache
def _elementwise(name: str) -> bool:
    return name not in _RULES and not name.startswith(("reduce_", "arg"))


def _of_bodies(
    equation: Equation,
    inner: Sequence[float],
    shapes: Shapes,
    made: int,
) -> float:
    name = equation.primitive
    if name == "cond":
        return _of_branches(equation, inner)
    if name == "while":
        return _of_while(equation, inner)
    if name == "custom_linear_solve":
        # the other bodies serve its derivatives
        names = [body.name for body in equation.bodies]
        return inner[names.index("solve")]
    # the bodies of the next three are for two numbers
    if name == "reduce":
        runs = math.prod(shapes[0]) - made // len(equation.results)
    elif name == "reduce_window":
        own = made // len(equation.results)
        runs = _window(equation.params, shapes, own)
    elif name.startswith("scatter"):
        runs = math.prod(shapes[-1])
    elif equation.trips is None:
        runs = 1
    else:
        runs = equation.trips
    return sum(inner) * runs


def _of_branches(equation: Equation, inner: Sequence[float]) -> float:
    total: float = 0
    runs = 0
    for body, once in zip(equation.bodies, inner, strict=True):
        if body.runs:
            total += once * body.runs
            runs += body.runs
    if not runs:
        # it was not seen which branch is taken: the most expensive counts
        return max(inner, default=0)
    return total / runs


def _of_while(equation: Equation, inner: Sequence[float]) -> float:
    trips: float = equation.trips or 0
    for body in equation.bodies:
        if body.iterations:
            trips = body.iterations / (body.runs or 1)
    total = 0.0
    for body, once in zip(equation.bodies, inner, strict=True):
        runs = trips
        if body.origin.is_test:
            # one more test, which ends the loop
            runs = trips + 1
        total += once * runs
    return total


def _dot(
    params: Params,
    shapes: Shapes,
    made: int,
) -> int:
    (contracted, _), _ = params["dimension_numbers"]
    terms = math.prod(int(shapes[0][d]) for d in contracted)
    return 2 * made * terms


def _convolution(
    params: Params,
    shapes: Shapes,
    made: int,
) -> int:
    """Count the whole kernel at every place; entries that padding or dilation added count."""
    kernel = shapes[1]
    axis = params["dimension_numbers"].rhs_spec[0]
    channels = int(kernel[axis])
    return 2 * made * math.prod(kernel) // max(channels, 1)


def _window(
    params: Params,
    _: Shapes,
    made: int,
) -> int:
    entries = math.prod(map(int, params["window_dimensions"]))
    return made * (entries - 1)


def _cumulative(
    params: Params,
    shapes: Shapes,
    made: int,
) -> int:
    length = shapes[0][int(params["axis"])]
    # the first entry of each line is as it was
    return made - made // max(length, 1)


def _fourier(
    params: Params,
    shapes: Shapes,
    made: int,
) -> float:
    """Count 5 n log2 n, as is usual for every algorithm, and half of it for a real transform."""
    entries = max(math.prod(shapes[0]), made)
    each: float = 5
    if "RFFT" in params["fft_type"].name:
        each = 2.5
    levels = sum(math.log2(n) for n in params["fft_lengths"] if n)
    return each * entries * levels


_RULES: dict[str, Callable[[Params, Shapes, int], float]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "fft": _fourier,
    "integer_pow": lambda params, _, made: (
        made * max(1, abs(int(params["y"])) - 1)
    ),
    "cholesky": lambda _, shapes, made: made * shapes[0][-1] / 3,
    "lu": lambda _, shapes, __: 2 * math.prod(shapes[0]) * shapes[0][-1] / 3,
    "triangular_solve": lambda _, shapes, made: made * shapes[0][-1],
    "cumsum": _cumulative,
    "cumprod": _cumulative,
    "cummax": _cumulative,
    "cummin": _cumulative,
    "cumlogsumexp": _cumulative,
    "reduce_window_sum": _window,
    "reduce_window_max": _window,
    "reduce_window_min": _window,
}


def traffic(equation: Equation, values: Sequence[Value]) -> int:
    """Return the bytes that an equation reads and writes (literals are free)."""
    touched = [values[i] for i in {*equation.operands, *equation.results}]
    return sum([value.nbytes for value in touched if not value.literal])
