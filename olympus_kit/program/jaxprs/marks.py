"""Marks: every equation carries its path through all of jax's transformations.

jax keeps an equation's name stack when it differentiates it: after `mark`, equation 4 of f has
the stack "§4§", the equations of its derivative "jvp(§4§)", and those of the pullback
"transpose(jvp(§4§))". So each derivative equation knows the primal equation it came from.
"""

from __future__ import annotations

import itertools
from typing import Any

import jax.extend.source_info_util as source_info_util

from .basics import map_equations, with_programs

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
    marked = with_programs(
        eqn, lambda program: mark(program, f"{path}.{next(numbers)}.")
    )
    return marked.replace(source_info=source_info)


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
