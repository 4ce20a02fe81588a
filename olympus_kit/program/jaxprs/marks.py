"""Marks: every equation carries its path through all of jax's transformations.

jax keeps an equation's name stack when it differentiates it: after `mark`, equation 4 of f has
the stack "§4§", the equations of its derivative "jvp(§4§)", and those of the pullback
"transpose(jvp(§4§))". So each derivative equation knows the primal equation it came from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import jax.extend.source_info_util as source_info_util

from .basics import MAY_HOLD_JAXPRS, is_jaxpr, map_equations

SIGN = "§"


def mark(jaxpr: Any, prefix: str = "") -> Any:
    """Return the program with each equation's name stack replaced by its path, bodies too."""
    return map_equations(
        jaxpr, lambda index, eqn: _mark_equation(eqn, f"{prefix}{index}")
    )


def _mark_equation(eqn: Any, path: str) -> Any:
    stack = source_info_util.new_name_stack(f"{SIGN}{path}{SIGN}")
    source_info = eqn.source_info.replace(name_stack=stack)
    numbers = itertools.count()
    params = {}
    for name, value in eqn.params.items():
        if isinstance(value, MAY_HOLD_JAXPRS):
            value = _mark_parameter(value, path, numbers)
        params[name] = value
    return eqn.replace(params=params, source_info=source_info)


def _mark_parameter(value: Any, path: str, numbers: Iterator[int]) -> Any:
    """Return a parameter with the programs in it marked, which `numbers` counts."""
    if is_jaxpr(value):
        return mark(value, f"{path}.{next(numbers)}.")
    if isinstance(value, tuple) and any(is_jaxpr(part) for part in value):
        parts = [_mark_parameter(part, path, numbers) for part in value]
        # a NamedTuple (linalg.solve has one) must stay what it is
        return (
            type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        )
    return value


def scope_of(eqn: Any) -> str:
    """Return an equation's name stack: scopes, transformations, marks."""
    return str(eqn.source_info.name_stack)


def marked_path(scope: str) -> str | None:
    """Return the path in a name stack, the innermost where it has several."""
    parts = scope.split(SIGN)
    return parts[-2] if len(parts) > 1 else None


def is_transposed(scope: str) -> bool:
    """Whether jax made an equation by transposing a linear one."""
    return "transpose(" in scope
