"""Count an equation's arithmetic and traffic from its shapes alone.

A multiply-add counts as two operations, a reduction of n entries as n - 1 and every other
elementwise primitive as one for each entry of the result; moving data counts nothing. XLA's
own analysis counts a loop's body once; here it is multiplied by the trips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ._jaxprs import RawEquation, RawValue

MOVES = frozenset({
    *("argsort", "bitcast_convert_type", "broadcast_in_dim", "concatenate", "copy", "copy_p"),
    *("convert_element_type", "dynamic_slice", "dynamic_update_slice", "empty", "empty2"),
    *("expand_dims", "gather", "iota", "optimization_barrier", "pad", "reshape", "rev"),
    *("select_n", "slice", "split", "squeeze", "stop_gradient", "transpose"),
})


def flops(equation: RawEquation, values: Sequence[RawValue], inner: Sequence[int]) -> int:
    """Return the operations of one equation, given those of its bodies (one run of each)."""
    name = equation.primitive
    made = sum(math.prod(values[r].shape) for r in equation.results)
    if equation.bodies:
        if name == "cond":
            taken = [n for n, b in zip(inner, equation.bodies, strict=True) if b.taken]
            return max(taken, default=0)
        if name == "while":
            condition, body = inner[0], inner[1]
            trips = equation.trips or 0
            return condition * (trips + 1) + body * trips
        if name == "custom_linear_solve":
            return inner[2] if len(inner) > 2 else sum(inner)
        return sum(inner) * (1 if equation.trips is None else equation.trips)
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        shape = values[equation.operands[0]].shape
        return 2 * made * math.prod(int(shape[d]) for d in contracted)
    if name == "conv_general_dilated":
        kernel = values[equation.operands[1]].shape
        out_channels = int(kernel[equation.params["dimension_numbers"].rhs_spec[0]])
        return 2 * made * math.prod(kernel) // max(out_channels, 1)
    if name.startswith(("reduce_", "arg")):
        return max(0, sum(math.prod(values[o].shape) for o in equation.operands) - made)
    if name == "integer_pow":
        return made * max(1, abs(int(equation.params["y"])) - 1)
    return 0 if name in MOVES else made


def traffic(equation: RawEquation, values: Sequence[RawValue]) -> int:
    """Return the bytes that an equation reads and writes (literals are free)."""
    touched = [*dict.fromkeys(equation.operands), *equation.results]
    return sum(values[i].nbytes for i in touched if not values[i].is_literal)
