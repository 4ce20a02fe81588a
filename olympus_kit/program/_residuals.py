"""What the forward pass saves for the backward pass."""

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
