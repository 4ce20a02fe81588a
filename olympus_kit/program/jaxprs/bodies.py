"""How an equation calls the programs inside it: the one place that decodes loops and calls.

A `scan` of f(carry, x) with one constant w has the operands (w, carry, xs). Its body has the
inputs (w, carry, x) and the outputs (carry, y): input 0 is operand 0 itself, input 1 starts as
operand 1 and is then output 0 of the iteration before, and input 2 is an entry of operand 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .basics import MAY_HOLD_JAXPRS, is_jaxpr, open_jaxpr

# primitives whose body is simply called with the operands
CALLS = frozenset([
    "closed_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "eval_jaxpr",
    "jit",
    "remat2",
])


@dataclass(frozen=True, slots=True)
class InnerProgram:
    """A program inside an equation, and how the equation calls it."""

    name: str
    jaxpr: Any
    operands: (
        Sequence[int] | None
    )  # where each input comes from; None: in a way of its own
    shared: int = (
        0  # how many inputs, the first ones, are the operands themselves
    )
    carried: Sequence[
        tuple[int, int]
    ] = ()  # (input, output) that are one place of a loop's carry
    returns: bool = (
        False  # whether its outputs are the equation's results, one for one
    )
    is_test: bool = False  # whether it only decides how often another body runs


@dataclass(frozen=True, slots=True)
class LoopParts:
    """How many of a loop body's inputs are constants, carried, and entries of scanned arrays."""

    constants: int
    carry: int
    scanned: int


def scan_parts(params: Any) -> LoopParts:
    """Return how the operands of a scan divide.

    Up to jax 0.10 two numbers say so; from 0.11 on a tree with one part for each kind.
    """
    if "ft_in" in params:
        constants, carry, scanned = params["ft_in"].unpack()
        return LoopParts(len(constants), len(carry), len(scanned))
    constants, carry = params["num_consts"], params["num_carry"]
    inputs = len(open_jaxpr(params["jaxpr"]).invars)
    return LoopParts(constants, carry, inputs - constants - carry)


def bodies(eqn: Any) -> list[InnerProgram]:
    """Return the programs inside an equation, in the order in which `mark` numbers them."""
    inside = []
    for key, value in eqn.params.items():
        if not isinstance(value, MAY_HOLD_JAXPRS):
            continue  # as in most equations, which have no body
        parts = value if isinstance(value, tuple) else (value,)
        for index, jaxpr in enumerate(parts):
            if is_jaxpr(jaxpr):
                inside.append(_body(eqn, key, index, value, jaxpr))
    return inside


def _body(
    eqn: Any, key: str, index: int, value: Any, jaxpr: Any
) -> InnerProgram:
    primitive, params, count = eqn.primitive.name, eqn.params, len(eqn.invars)
    inner = open_jaxpr(jaxpr)
    returns = len(inner.outvars) == len(eqn.outvars)
    if primitive == "scan":
        parts = scan_parts(params)
        carried = _carried(parts)
        return InnerProgram(
            "body", jaxpr, range(count), parts.constants, carried, returns
        )
    if primitive == "while":
        return _while_body(eqn, key, jaxpr)
    if primitive == "cond":
        return InnerProgram(
            f"branch {index}", jaxpr, range(1, count), count - 1, (), returns
        )
    if primitive == "custom_linear_solve":
        return _solve_body(eqn, value._fields[index], jaxpr)
    if primitive in CALLS and len(inner.invars) == count:
        return InnerProgram("body", jaxpr, range(count), count, (), returns)
    # a body that is called in a way of its own, such as the kernel of a reduction
    label = key.removesuffix("_jaxpr").removesuffix("jaxpr") or "body"
    if isinstance(value, tuple) and len(value) > 1:
        label = (
            value._fields[index]
            if hasattr(value, "_fields")
            else f"{label} {index}"
        )
    same_count = len(inner.invars) == count
    return InnerProgram(
        label, jaxpr, range(count) if same_count else None, 0, (), returns
    )


def _carried(parts: LoopParts) -> list[tuple[int, int]]:
    return [(parts.constants + place, place) for place in range(parts.carry)]


def _while_body(eqn: Any, key: str, jaxpr: Any) -> InnerProgram:
    """Return the test or the body of a while loop, whose constants are apart."""
    for_test, for_body = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    carry = range(for_test + for_body, len(eqn.invars))
    if key == "cond_jaxpr":
        return InnerProgram(
            "cond", jaxpr, [*range(for_test), *carry], for_test, is_test=True
        )
    operands = [*range(for_test, for_test + for_body), *carry]
    carried = _carried(LoopParts(for_body, len(carry), 0))
    return InnerProgram("body", jaxpr, operands, for_body, carried, True)


def _solve_body(eqn: Any, label: str, jaxpr: Any) -> InnerProgram:
    """Return a part of a linear solve: only the solver runs, the others serve its derivatives."""
    lengths = eqn.params["const_lengths"]
    if label != "solve":
        return InnerProgram(label, jaxpr, None)
    first = lengths.matvec + lengths.vecmat
    constants = range(first, first + lengths.solve)
    right_side = range(sum(lengths), len(eqn.invars))
    operands = [*constants, *right_side]
    return InnerProgram(label, jaxpr, operands, len(operands), (), True)


def has_bodies(eqn: Any) -> bool:
    """Whether an equation has programs inside."""
    for value in eqn.params.values():
        if is_jaxpr(value):
            return True
        if isinstance(value, tuple) and any(is_jaxpr(part) for part in value):
            return True
    return False


def refuse_unsupported(closed: Any, name: str) -> None:
    """Raise a NotImplementedError for programs that hold types of a user's own (hijax)."""
    if _is_high(closed):
        raise NotImplementedError(
            f"{name} works on values or primitives of its own types (jax's experimental hijax), "
            "which this kit cannot follow: show a part of it that works on arrays."
        )


def _is_high(jaxpr: Any) -> bool:
    """Whether a program says so of itself; jax 0.9 does not where a checkpoint holds the types."""
    inner = open_jaxpr(jaxpr)
    if getattr(inner, "is_high", False):
        return True
    return any(
        _is_high(body.jaxpr) for eqn in inner.eqns for body in bodies(eqn)
    )
