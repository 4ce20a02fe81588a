"""What the bodies of a derivative program share with the bodies of f.

jax makes two loops of one: the first runs f and stacks what is saved, the second reads it.

    c, s = scan(c0)     c' = tanh(c)            f
    c, t1, t2 = scan(c0)    c' = tanh(c); d = 1 - c'^2; saves c', d
    c0_bar = scan(c_bar, t1, t2)    c_bar * t2 ...

In each iteration the first loop's tanh(c) is that of f, and the entry of t1 that the second loop
reads is it once more: one value, which has one number and one name.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from . import jaxprs
from ._model import Body, Equation, walk


def share_values(
    body: Body,
    rows: Mapping[str, Equation],
) -> tuple[dict[int, int], dict[int, int]]:
    """Give values in a derivative program's bodies the numbers that they have in those of f.

    Args:
        body: of the derivative program, whose equations have their roles.
        rows: the equations of f by their paths, those in bodies too.

    Returns:
        {number that no equation has any more: the number that stands in its place}, and {array that
        a loop saves: the value whose iterations it holds}.
    """
    same: dict[int, int] = {}
    stacks: dict[int, int] = {}
    inside = _bodies(body)
    if not inside:
        return same, stacks  # as in most programs
    for inner in inside:
        _match(inner, rows, same)
    for inner in [body, *inside]:
        stacks |= _follow(inner, same)
    of_f = {result for row in rows.values() for result in row.results}
    stacks = {r: same.get(v, v) for r, v in stacks.items() if r not in of_f}
    saved = _saved_by_calls(body, of_f, same)
    for inner in inside:
        _renumber(inner, same | saved)
    return same, stacks


def _bodies(body: Body) -> list[Body]:
    return [
        inner for equation in walk(body.equations) for inner in equation.bodies
    ]


def _match(
    body: Body,
    rows: Mapping[str, Equation],
    same: dict[int, int],
) -> None:
    """Find the equations of f in a body, what they make, and what they read of its inputs."""
    inputs = set(body.inputs[body.origin.shared :])
    for equation in body.equations:
        own = rows.get(equation.primal or "")
        if own is None or "primal" not in equation.roles or equation.bodies:
            continue
        if own.primitive != equation.primitive or "." not in own.path:
            continue
        # the derivative of a sort, say, sorts the indices as well
        if len(own.results) != len(equation.results) or len(
            own.operands
        ) != len(equation.operands):
            continue
        same.update(zip(equation.results, own.results, strict=True))
        for operand, of_own in zip(
            equation.operands, own.operands, strict=True
        ):
            if operand in inputs:
                same.setdefault(operand, of_own)


def _follow(
    body: Body,
    same: dict[int, int],
) -> dict[int, int]:
    """Find the entries that a loop reads of what another loop has stacked; return the stacks."""
    stacked: dict[int, int] = {}  # array -> the value whose iterations it holds
    entries: dict[
        int, int
    ] = {}  # array -> the input that was an entry of it first
    for equation in body.equations:
        if equation.primitive != "scan":
            continue
        (inner,) = equation.bodies
        constants, carried, _ = jaxprs.loop_parts(equation)
        first = constants + carried
        for operand, entry in zip(
            equation.operands[first:], inner.inputs[first:], strict=True
        ):
            known = stacked.get(operand, entries.get(operand))
            if known is None:
                entries[operand] = entry
            else:
                same.setdefault(entry, same.get(known, known))
        stacked.update(
            zip(
                equation.results[carried:], inner.outputs[carried:], strict=True
            )
        )
    return stacked


def _saved_by_calls(
    body: Body,
    of_f: Container[int],
    same: Mapping[int, int],
) -> dict[int, int]:
    """Return {result of a call: the value inside it that it is}, of what jax saves there.

    For a backward pass it has a name of its own; in the body of the call's pullback it is that of
    the value: v1.6, not t1.
    """
    saved: dict[int, int] = {}
    for equation in body.equations:
        if equation.primitive not in jaxprs.CALLS:
            continue
        for inner in equation.bodies:
            made = {r for e in inner.equations for r in e.results}
            if not inner.origin.returns:
                continue
            for result, value in zip(
                equation.results, inner.outputs, strict=True
            ):
                if result not in of_f and value in made:
                    saved[result] = same.get(value, value)
    return saved


def _renumber(
    body: Body,
    same: Mapping[int, int],
) -> None:
    def numbers(
        values: tuple[int, ...],
    ) -> tuple[int, ...]:
        return tuple([same.get(value, value) for value in values])

    body.inputs, body.outputs = numbers(body.inputs), numbers(body.outputs)
    for equation in body.equations:
        equation.operands = numbers(equation.operands)
        equation.results = numbers(equation.results)
