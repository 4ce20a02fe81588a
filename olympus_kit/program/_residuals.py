"""What the forward pass saves for the backward pass.

jax's pullback of 2 x sin(x) holds the arrays v1, x and c1, which its equations read:

    v1 = sin x          c1 = cos x           the forward pass
    v2 = v1 * x         v3 = v2 * 2.0

    v2_bar = v3_bar * 2.0                    2.0 is a residual, too, but stands in the program:
                                             it takes no memory
    x_bar.1 = v1 * v2_bar                    v1 is one: made by the first equation, used here
    v1_bar = v2_bar * x                      x is one: made by no equation, an input
    x_bar.2 = v1_bar * c1                    c1 is one; v2_bar and v1_bar, made by the backward
    x_bar = x_bar.1 + x_bar.2                pass itself, are none

What jax saves is one also where no equation of the backward pass reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from . import jaxprs
from ._model import Body, Equation, Residual, Value, walk


def residuals(
    primal: Body,
    derivative: Body,
    saved: Sequence[int],
    values: Sequence[Value],
) -> tuple[Residual, ...]:
    """Return what jax saves, and the literals of f that the backward pass uses.

    `saved` are the leaves of jax's pullback, in its order.
    """
    users = _users(primal, derivative, set(saved), values)
    shown = Counter(values[o].name for o in users if values[o].literal)
    for number in saved:
        name = values[number].name
        if values[number].literal and shown[name] > 0:
            shown[name] -= 1  # it stands there already, with what uses it
        else:
            users.setdefault(number, [])
    maker = {
        r: equation.path
        for equation in derivative.equations
        for r in equation.results
    }
    return tuple(
        Residual(
            number, maker.get(number), tuple(paths), values[number].literal
        )
        for number, paths in users.items()
    )


def _users(
    primal: Body, derivative: Body, saved: set[int], values: Sequence[Value]
) -> dict[int, list[str]]:
    """Return {residual: the paths of the equations of the backward pass that read it}."""
    own_literals = _literals_of(primal, values)
    users: dict[int, list[str]] = {}
    for equation in derivative.equations:
        if not _is_of_backward_pass(equation):
            continue
        for operand in dict.fromkeys(equation.operands):
            if values[operand].literal:
                is_residual = (
                    equation.primal,
                    values[operand].name,
                ) in own_literals
            else:
                is_residual = operand in saved
            if is_residual:
                users.setdefault(operand, []).append(equation.path)
    return users


def _is_of_backward_pass(equation: Equation) -> bool:
    return "adjoint" in equation.roles or jaxprs.is_transposed(equation.scope)


def _literals_of(
    primal: Body, values: Sequence[Value]
) -> set[tuple[str | None, str]]:
    literals: set[tuple[str | None, str]] = set()
    for equation in walk(primal.equations):
        for operand in equation.operands:
            if values[operand].literal:
                literals.add((equation.path, values[operand].name))
    return literals
