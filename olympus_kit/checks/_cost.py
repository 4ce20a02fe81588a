"""The largest array that an answer's own program makes."""

import math
from collections.abc import Callable
from typing import Any

import jax

from ..program import capture
from ._run import inputs
from ._spec import Limit


def largest_intermediate(answer: Callable[..., Any], limit: Limit) -> int | None:
    """Elements of the largest intermediate array; None where the answer can't be traced.

    An answer in plain NumPy can't be traced. It is not wrong for that: its cost is just unknown.
    """
    with jax.enable_x64(True):
        arguments = inputs(limit.arguments(), "float64")
        arrays = {name: v for name, v in arguments.items() if isinstance(v, jax.Array)}

        def traced(given: dict[str, Any]) -> Any:
            return answer(*{**arguments, **given}.values())

        try:
            program = capture(traced, arrays, mode="primal")
        except Exception:
            return None
    made = [program.values[i] for equation in program.walk() for i in equation.results]
    return max((math.prod(value.shape) for value in made), default=0)
