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

MOVES = frozenset({
    *(
        "argsort",
        "bitcast_convert_type",
        "broadcast_in_dim",
        "concatenate",
        "copy",
        "copy_p",
    ),
    *(
        "convert_element_type",
        "dynamic_slice",
        "dynamic_update_slice",
        "empty",
        "empty2",
    ),
    *(
        "expand_dims",
        "gather",
        "iota",
        "optimization_barrier",
        "pad",
        "reduce_precision",
    ),
    *(
        "reshape",
        "rev",
        "scatter",
        "select_n",
        "slice",
        "split",
        "squeeze",
        "stop_gradient",
    ),
    "transpose",
})
Shape = tuple[int, ...]


def flops(
    equation: Equation, values: Sequence[Value], inner: Sequence[float]
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
        return _of_bodies(equation, inner, shapes, made)
    if name in _RULES:
        return _RULES[name](equation.params, shapes, made)
    return max(0, sum(map(math.prod, shapes)) - made)


@cache
def _elementwise(name: str) -> bool:
    return name not in _RULES and not name.startswith(("reduce_", "arg"))


def _of_bodies(
    equation: Equation,
    inner: Sequence[float],
    shapes: Sequence[Shape],
    made: int,
) -> float:
    name = equation.primitive
    if name == "cond":
        runs = [b.runs or 0 for b in equation.bodies]
        if not any(
            runs
        ):  # it was not seen which branch is taken: the most expensive counts
            return max(inner, default=0)
        return sum(n * r for n, r in zip(inner, runs, strict=True)) / sum(runs)
    if name == "while":
        trips: float = equation.trips or 0
        for body in equation.bodies:
            if body.iterations:
                trips = body.iterations / (body.runs or 1)
        total = 0.0
        for body, once in zip(equation.bodies, inner, strict=True):
            total += once * (trips + 1 if body.name == "cond" else trips)
        return total
    if name == "custom_linear_solve":
        return next(
            n
            for b, n in zip(equation.bodies, inner, strict=True)
            if b.name == "solve"
        )
    if (
        name == "reduce"
    ):  # its body, like those of the next two, is for two numbers
        return sum(inner) * (
            math.prod(shapes[0]) - made // len(equation.results)
        )
    if name == "reduce_window":
        return sum(inner) * _window(
            equation.params, shapes, made // len(equation.results)
        )
    if name.startswith("scatter"):
        return sum(inner) * math.prod(shapes[-1])
    return sum(inner) * (1 if equation.trips is None else equation.trips)


def _dot(params: Mapping[str, Any], shapes: Sequence[Shape], made: int) -> int:
    (contracted, _), _ = params["dimension_numbers"]
    return 2 * made * math.prod(int(shapes[0][d]) for d in contracted)


def _convolution(
    params: Mapping[str, Any], shapes: Sequence[Shape], made: int
) -> int:
    """Count the whole kernel at every place; entries that padding or dilation added count."""
    channels = int(shapes[1][params["dimension_numbers"].rhs_spec[0]])
    return 2 * made * math.prod(shapes[1]) // max(channels, 1)


def _window(params: Mapping[str, Any], _: Sequence[Shape], made: int) -> int:
    return made * (math.prod(map(int, params["window_dimensions"])) - 1)


def _cumulative(
    params: Mapping[str, Any], shapes: Sequence[Shape], made: int
) -> int:
    return made - made // max(shapes[0][int(params["axis"])], 1)


def _fourier(
    params: Mapping[str, Any], shapes: Sequence[Shape], made: int
) -> float:
    """Count 5 n log2 n, as is usual for every algorithm, and half of it for a real transform."""
    entries = max(math.prod(shapes[0]), made)
    real = "RFFT" in params["fft_type"].name
    return (
        (2.5 if real else 5)
        * entries
        * sum(math.log2(n) for n in params["fft_lengths"] if n)
    )


_RULES: dict[
    str, Callable[[Mapping[str, Any], Sequence[Shape], int], float]
] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "fft": _fourier,
    "integer_pow": lambda params, _, made: (
        made * max(1, abs(int(params["y"])) - 1)
    ),
    "cholesky": lambda _, shapes, made: made * shapes[0][-1] / 3,
    "lu": lambda _, shapes, __: 2 * math.prod(shapes[0]) * shapes[0][-1] / 3,
    "triangular_solve": lambda _, shapes, made: made * shapes[0][-1],
    **dict.fromkeys(
        ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"), _cumulative
    ),
    **dict.fromkeys(
        ("reduce_window_sum", "reduce_window_max", "reduce_window_min"), _window
    ),
}


def traffic(equation: Equation, values: Sequence[Value]) -> int:
    """Return the bytes that an equation reads and writes (literals are free)."""
    touched = [values[i] for i in {*equation.operands, *equation.results}]
    return sum([value.nbytes for value in touched if not value.literal])
