"""Say what each equation of a derivative program is there for.

Three facts decide, all of them about flow and none about a primitive's name: whether the
equation depends on the seeds (the tangents or cotangents), whether its result reaches a primal
value, and whether jax made it by transposing. In the forward mode of sin(x) * x,

    v1 = sin x           reaches a primal value                  primal
    c1 = cos x           reaches none, depends on no tangent     local derivative
    v1_dot = x_dot * c1  depends on a tangent                    tangent

All values of a capture have numbers of their own, those in bodies too, so that both questions
of flow are answered by one set of numbers for the whole program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from . import jaxprs
from ._model import Body, Equation

ROLES = {
    name: frozenset([name])
    for name in (
        "primal",
        "local_derivative",
        "tangent",
        "adjoint",
        "bookkeeping",
    )
}


@dataclass
class Flow:
    """What the roles of a program's equations follow from."""

    moving: set[int]  # values that depend on the seeds
    reaching: set[int]  # values from which a primal value is computed
    moving_role: str  # what an equation is that depends on the seeds: "tangent" or "adjoint"
    primitives: Mapping[str, str]  # primal path -> primitive
    is_linear: (
        bool  # whether equations without a mark are those of a linear program
    )
    seen: set[str] = field(
        default_factory=set
    )  # primal paths whose own equation was met


def assign_roles(
    body: Body,
    seeds: Iterable[int],
    primal_values: Iterable[int],
    moving_role: str,
    primitives: Mapping[str, str],
    is_linear: bool = False,
) -> None:
    """Set roles and primal path of every equation of a derivative program.

    `seeds` are the values that derivatives start from and `primal_values` those that the primal
    program computes; `is_linear` says that there is no primal program to belong to.
    """
    flow = Flow(
        set(seeds), set(primal_values), moving_role, primitives, is_linear
    )
    # a carry that starts still may begin to move after an iteration, and move others in turn
    while _spread(body, flow.moving):
        pass
    _extend_to_causes(body, flow.reaching)
    _assign(body, None, flow)


def _spread(body: Body, moving: set[int]) -> bool:
    """Add what depends on moving values; return whether a carry has begun to move."""
    begun = False
    for equation in body.equations:
        if not equation.bodies:
            if not moving.isdisjoint(equation.operands):
                moving.update(equation.results)
            continue
        for inner in equation.bodies:
            _spread_into(equation, inner, moving)
            begun |= _spread(inner, moving)
            begun |= _spread_around(inner, moving)
            _spread_out(equation, inner, moving)
    return begun


def _spread_into(equation: Equation, body: Body, moving: set[int]) -> None:
    origin = body.origin
    if origin.operands is None:
        if not moving.isdisjoint(equation.operands):
            moving.update(body.inputs)
        return
    for number, place in zip(body.inputs, origin.operands, strict=True):
        if equation.operands[place] in moving:
            moving.add(number)


def _spread_around(body: Body, moving: set[int]) -> bool:
    """Add the carries that the end of an iteration hands moving values to."""
    begun = False
    for place, output in body.origin.carried:
        if body.outputs[output] in moving and body.inputs[place] not in moving:
            moving.add(body.inputs[place])
            begun = True
    return begun


def _spread_out(equation: Equation, body: Body, moving: set[int]) -> None:
    """Add the results that the body's outputs move: all, but where it can tell them apart."""
    if body.origin.returns:
        for result, output in zip(equation.results, body.outputs, strict=True):
            if output in moving:
                moving.add(result)
    elif not body.origin.is_test and not moving.isdisjoint(equation.operands):
        moving.update(equation.results)


def _extend_to_causes(body: Body, reaching: set[int]) -> None:
    """Add what the reaching values are computed from, in bodies too."""
    for equation in reversed(body.equations):
        if reaching.isdisjoint(equation.results):
            continue
        reaching.update(equation.operands)
        for inner in equation.bodies:
            if inner.origin.returns:
                pairs = zip(equation.results, inner.outputs, strict=True)
                reaching.update(
                    output for result, output in pairs if result in reaching
                )
            else:
                reaching.update(inner.outputs)
            _extend_to_causes(inner, reaching)


def _assign(body: Body, outer_mark: str | None, flow: Flow) -> None:
    for equation in body.equations:
        mark = jaxprs.marked_path(equation.scope) or outer_mark
        inside: set[str] = set()
        for inner in equation.bodies:
            _assign(inner, mark, flow)
            for inner_equation in inner.equations:
                inside |= inner_equation.roles
        inside.discard("bookkeeping")
        if not inside:
            equation.roles = ROLES[_role(equation, mark, flow)]
        else:
            equation.roles = frozenset(inside)
            if mark is not None and equation.primitive == flow.primitives.get(
                mark
            ):
                flow.seen.add(mark)
        if equation.roles != ROLES["bookkeeping"]:
            equation.primal = mark


def _role(equation: Equation, mark: str | None, flow: Flow) -> str:
    if mark is None and not flow.is_linear:
        return "bookkeeping"
    if not flow.moving.isdisjoint(equation.operands):
        return flow.moving_role
    if mark is None or jaxprs.is_transposed(equation.scope):
        return "local_derivative"
    is_own = (
        mark not in flow.seen
        and equation.primitive == flow.primitives.get(mark)
    )
    if is_own or not flow.reaching.isdisjoint(equation.results):
        flow.seen.add(mark)
        return "primal"
    return "local_derivative"
