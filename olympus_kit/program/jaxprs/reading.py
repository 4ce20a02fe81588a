"""Read a jaxpr into the kit's own records, numbering its variables.

All programs of one capture share one table of values. A variable that stands for a value with a
number keeps that number: the primal values of a derivative program are those of the primal one,
and what a call hands to its body is the same value inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._model import Body, Equation, Value
from .basics import constants, is_literal, is_ref, open_jaxpr, type_of
from .bodies import Body as BodyOrigin
from .bodies import bodies, scan_parts
from .marks import scope_of
from .tracing import Traced, trimmed


class Reading:
    """What is known of a program beside its records: numbers of variables, values of literals."""

    def __init__(
        self,
        values: list[Value],
        numbers: dict[Any, int] | None = None,
        all_literals: dict[int, Any] | None = None,
    ) -> None:
        self.values = values
        self.numbers: dict[Any, int] = {} if numbers is None else numbers
        self.literals: dict[int, Any] = {}
        # those of all programs that share the table of values
        self.all_literals = {} if all_literals is None else all_literals
        # most variables share a few types, which the jaxpr holds once
        self._types: dict[int, tuple[tuple[int, ...], str, int]] = {}

    def number_of(self, variable: Any) -> int:
        """Return the number of a variable, a new one where it has none."""
        number = self.numbers.get(variable)
        if number is None:
            aval = variable.aval
            described = self._types.get(id(aval))
            if described is None:
                described = self._types[id(aval)] = type_of(variable)
            number = self.numbers[variable] = self._add(described)
        return number

    def operand(self, atom: Any) -> int:
        """Return the number of a variable or a literal; each place of a literal has its own."""
        if not is_literal(atom):
            return self.number_of(atom)
        number = self._add(type_of(atom), is_literal=True)
        self.literals[number] = self.all_literals[number] = atom.val
        return number

    def _add(
        self,
        described: tuple[tuple[int, ...], str, int],
        is_literal: bool = False,
    ) -> int:
        shape, dtype, nbytes = described
        number = len(self.values)
        self.values.append(Value(number, "", shape, dtype, is_literal, nbytes))
        return number


def read(
    jaxpr: Any, reading: Reading, prefix: str = "", name: str = "program"
) -> Body:
    """Return a program's equations as records; `prefix` is the path of what holds it."""
    inner = open_jaxpr(jaxpr)
    inputs = tuple([reading.number_of(v) for v in inner.invars])
    consts = tuple([reading.number_of(v) for v in inner.constvars])
    equations = []
    for index, eqn in enumerate(inner.eqns):
        equations.append(_read_equation(eqn, reading, f"{prefix}{index}"))
    outputs = tuple([reading.operand(v) for v in inner.outvars])
    body = Body(name, inputs, outputs, tuple(equations))
    body.consts = consts
    body.arrays = constants(jaxpr)
    body.literals = reading.literals
    return body


def _read_equation(eqn: Any, reading: Reading, path: str) -> Equation:
    operands = tuple([reading.operand(v) for v in eqn.invars])
    inner = []
    for number, origin in enumerate(bodies(eqn)):
        inner.append(_read_body(origin, reading, operands, f"{path}.{number}."))
    results = tuple([reading.number_of(v) for v in eqn.outvars])
    equation = Equation(
        path, eqn.primitive.name, eqn.params, operands, results, tuple(inner)
    )
    equation.scope = scope_of(eqn)
    equation.origin = eqn
    if equation.primitive == "scan":
        equation.trips = eqn.params["length"]
    return equation


def _read_body(
    origin: BodyOrigin, outer: Reading, operands: tuple[int, ...], prefix: str
) -> Body:
    """Read a program inside an equation, whose first inputs may be the operands themselves."""
    places = origin.operands or ()
    invars = open_jaxpr(origin.jaxpr).invars
    numbers = {
        variable: operands[place]
        for variable, place in zip(
            invars[: origin.shared], places, strict=False
        )
    }
    inner = Reading(outer.values, numbers, outer.all_literals)
    body = read(origin.jaxpr, inner, prefix, origin.name)
    body.origin = origin
    return body


def loop_parts(equation: Equation) -> tuple[int, int, int]:
    """Return how many of a scan's operands are constants, carried and scanned over."""
    parts = scan_parts(equation.params)
    return parts.constants, parts.carry, parts.scanned


def input_types(body: Body) -> list[Any]:
    """Return the dtype of each input of a body."""
    return [v.aval.dtype for v in open_jaxpr(body.origin.jaxpr).invars]


def is_plain(body: Body) -> bool:
    """Whether all values of a body are numbers: none is a PRNG key or a mutable array."""
    jaxpr = open_jaxpr(body.origin.jaxpr)
    variables = [*jaxpr.invars, *jaxpr.constvars]
    for eqn in jaxpr.eqns:
        variables.extend(eqn.outvars)
    for variable in variables:
        if is_ref(variable) or not isinstance(variable.aval.dtype, np.dtype):
            return False
    return True


def bytes_of(body: Body) -> int:
    """Return the bytes of the values that a body's own equations and loops make."""
    jaxpr = open_jaxpr(body.origin.jaxpr)
    variables = list(jaxpr.invars[body.origin.shared :])
    for eqn in jaxpr.eqns:
        variables.extend(eqn.outvars)
    return sum(type_of(v)[2] for v in variables)


@dataclass
class Derivative:
    """A derivative program that was read, and which of its numbers stand for what."""

    body: Body
    constants: dict[
        int, Any
    ]  # primal value -> what jax computed for it while it traced
    merged: dict[
        int, int
    ]  # primal value -> another that jax has made one with it
    tangents: list[
        int | None
    ]  # one for each primal value that an equation makes
    tapped: list[int | None]  # one for each tap
    residuals: list[int]


def read_derivative(
    traced: Traced, primal: Body, reading: Reading
) -> Derivative:
    """Read the program of a derivative, its primal values under the numbers that they have."""
    jaxpr = open_jaxpr(traced.closed)
    values = reading.values
    inputs = dict(zip(jaxpr.invars, primal.inputs, strict=False))
    own = Reading(values, inputs, reading.all_literals)
    numbers = own.numbers
    by_identity = {
        id(c): n for c, n in zip(primal.arrays, primal.consts, strict=True)
    }
    for variable, constant in zip(
        jaxpr.constvars, constants(traced.closed), strict=True
    ):
        if id(constant) in by_identity:
            numbers[variable] = by_identity[id(constant)]
    computed, merged = {}, {}
    primal_values = [reading.numbers[v] for v in traced.variables]
    for value, shown in zip(primal_values, traced.exposed, strict=True):
        if is_literal(shown):
            computed[value] = shown.val
        elif shown in numbers:
            merged[value] = numbers[shown]
        else:
            numbers[shown] = value
    body = read(trimmed(traced), own)

    def number(variable: Any) -> int | None:
        return None if is_literal(variable) else numbers.get(variable)

    residuals = []
    for variable in traced.residuals:
        residual = (
            own.operand(variable)
            if is_literal(variable)
            else numbers.get(variable)
        )
        if residual is not None:
            residuals.append(residual)
    tangents = [number(v) for v in traced.tangents]
    tapped = [number(v) for v in traced.tapped]
    return Derivative(body, computed, merged, tangents, tapped, residuals)
