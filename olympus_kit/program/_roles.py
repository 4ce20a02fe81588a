"""Say what each equation of a derivative program is there for.

Three facts decide, all of them about flow and none about a primitive's name: whether the
equation depends on the tangents (or cotangents), whether its result reaches a primal value,
and whether jax made it by transposing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ._jaxprs import RawBody, RawEquation


@dataclass(slots=True)
class Verdict:
    """The roles of an equation and the path of the primal equation that it belongs to."""

    roles: frozenset[str]
    primal: str | None
    bodies: Sequence[dict[str, Verdict]] = ()


@dataclass
class _Context:
    moving: str  # what an equation is that depends on the seeds: "tangent" or "adjoint"
    primitives: dict[str, str]  # primal path -> primitive
    linear: bool  # whether equations without a mark are those of a linear program
    seen: set[str] = field(default_factory=set)  # primal paths whose own equation was met


def classify(
    body: RawBody,
    seeds: Iterable[int],
    primal_values: Iterable[int],
    moving: str,
    primitives: dict[str, str],
    linear: bool = False,
) -> dict[str, Verdict]:
    """Return path -> verdict for the equations of a program.

    `seeds` are the values that derivatives start from, `primal_values` those that the primal
    program computes, `moving` is "tangent" or "adjoint"; `linear` says that there is no primal
    program to belong to.
    """
    return _classify(
        body, set(seeds), set(primal_values), None, _Context(moving, primitives, linear)
    )


_ALONE = {
    r: frozenset([r]) for r in ("primal", "local_derivative", "tangent", "adjoint", "bookkeeping")
}


def _classify(
    body: RawBody, moving: set[int], reaching: set[int], mark: str | None, context: _Context
) -> dict[str, Verdict]:
    _extend_to_causes(body, reaching)
    verdicts = {}
    for equation in body.equations:
        own = equation.mark or mark
        depends = not moving.isdisjoint(equation.operands)
        if not equation.bodies:
            if depends:
                moving.update(equation.results)
            role = _role(equation, own, depends, reaching, context)
            verdicts[equation.path] = Verdict(_ALONE[role], own if role != "bookkeeping" else None)
            continue
        inner = [
            _classify(
                b, _inside(equation, b, moving), _asked_for(equation, b, reaching), own, context
            )
            for b in equation.bodies
        ]
        if depends:
            moving.update(_moving_results(equation, moving))
        roles = {r for verdict in inner for v in verdict.values() for r in v.roles}
        roles -= {"bookkeeping"}
        if not roles:
            roles = {_role(equation, own, depends, reaching, context)}
        elif equation.primitive == context.primitives.get(own or ""):
            context.seen.add(own or "")
        verdicts[equation.path] = Verdict(
            frozenset(roles), None if roles == {"bookkeeping"} else own, inner
        )
    return verdicts


def _role(
    equation: RawEquation, mark: str | None, depends: bool, reaching: set[int], context: _Context
) -> str:
    if mark is None and not context.linear:
        return "bookkeeping"
    if depends:
        return context.moving
    if mark is None:
        return "local_derivative"
    first = mark not in context.seen and equation.primitive == context.primitives.get(mark)
    if not equation.transposed and (first or not reaching.isdisjoint(equation.results)):
        context.seen.add(mark)
        return "primal"
    return "local_derivative"


def _extend_to_causes(body: RawBody, reaching: set[int]) -> None:
    """Add what the given values are computed from."""
    for equation in reversed(body.equations):
        if not reaching.isdisjoint(equation.results):
            reaching.update(equation.operands)


def _inside(equation: RawEquation, body: RawBody, outer: set[int]) -> set[int]:
    """Return which inputs of a body stand for values in `outer`, loops carried round."""
    if body.positions is None:
        return set() if outer.isdisjoint(equation.operands) else set(body.inputs)
    inside = {i for i, p in zip(body.inputs, body.positions, strict=True)
              if equation.operands[p] in outer}  # fmt: skip
    carried = _carried(equation, body)
    while True:  # a carry that starts still may begin to move after a turn
        reached = _flow(body, set(inside))
        more = {i for i, o in carried if o in reached} - inside
        if not more:
            return inside
        inside |= more


def _carried(equation: RawEquation, body: RawBody) -> list[tuple[int, int]]:
    """Return pairs (input, output) of a loop's carry."""
    if equation.primitive == "scan":
        first, count = equation.params["num_consts"], equation.params["num_carry"]
        return list(zip(body.inputs[first : first + count], body.outputs[:count], strict=True))
    if equation.primitive == "while" and len(body.outputs) == len(equation.results):
        return list(zip(body.inputs[-len(body.outputs) :], body.outputs, strict=True))
    return []


def _flow(body: RawBody, moving: set[int]) -> set[int]:
    """Return `moving` and everything in the body that depends on it."""
    for equation in body.equations:
        if not moving.isdisjoint(equation.operands):
            moving.update(_moving_results(equation, moving))
    return moving


def _moving_results(equation: RawEquation, moving: set[int]) -> set[int]:
    """Return the results that depend on `moving`: all, but for bodies that can tell them apart."""
    results: set[int] = set()
    for body in equation.bodies:
        if len(body.outputs) != len(equation.results):
            return set(equation.results)
        reached = _flow(body, _inside(equation, body, moving))
        pairs = zip(equation.results, body.outputs, strict=True)
        results.update(r for r, o in pairs if o in reached)
    return results if equation.bodies else set(equation.results)


def _asked_for(equation: RawEquation, body: RawBody, reaching: set[int]) -> set[int]:
    """Return which outputs of a body stand for values in `reaching`."""
    if len(body.outputs) != len(equation.results):
        return set(body.outputs)
    pairs = zip(equation.results, body.outputs, strict=True)
    return {o for r, o in pairs if r in reaching}
