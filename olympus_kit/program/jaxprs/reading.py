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
from .basics import (
    Type,
    constants,
    is_literal,
    is_ref,
    open_jaxpr,
    type_of,
    variables_of,
)
from .bodies import InnerProgram, bodies, scan_parts
from .marks import scope_of
from .tracing import Traced, trimmed


class Reading:
    """What is known of a program beside its records: numbers of variables, values of literals."""

    def __init__(
        self,
        values: list[Value],
        numbers: dict[Any, int] | None = None,
        all_literals: dict[int, Any] | None = None,
        inside: dict[Any, int] | None = None,
    ) -> None:
        self.values = values
        self.numbers: dict[Any, int] = {} if numbers is None else numbers
        self.literals: dict[int, Any] = {}
        # those of all programs that share the table of values
        self.all_literals = {} if all_literals is None else all_literals
        # numbers of variables in bodies
        self.inside: dict[Any, int] = {} if inside is None else inside
        # most variables share a few types, which the jaxpr holds once
        self._types: dict[int, Type] = {}

    def number_of(self, variable: Any) -> int:
        """Return the number of a variable, a new one where it has none."""
        number = self.numbers.get(variable)
        if number is None:
            aval = id(variable.aval)
            if aval not in self._types:
                self._types[aval] = type_of(variable)
            number = self._add(self._types[aval])
            self.numbers[variable] = number
        return number

    def operand(self, atom: Any) -> int:
        """Return the number of a variable or a literal; each place of a literal has its own."""
        if not is_literal(atom):
            return self.number_of(atom)
        number = self._add(type_of(atom), is_literal=True)
        self.literals[number] = atom.val
        self.all_literals[number] = atom.val
        return number

    def _add(
        self,
        described: Type,
        is_literal: bool = False,
    ) -> int:
        shape, dtype, nbytes = described
        number = len(self.values)
        value = Value(
            number,
            "",
            shape,
            dtype,
            is_literal,
            nbytes,
        )
        self.values.append(value)
        return number


def read(
    jaxpr: Any,
    reading: Reading,
    prefix: str = "",
    name: str = "program",
) -> Body:
    """Return a program's equations as records; `prefix` is the path of what holds it."""
    inner = open_jaxpr(jaxpr)
    inputs = tuple([reading.number_of(v) for v in inner.invars])
    consts = tuple([reading.number_of(v) for v in inner.constvars])
    equations = []
    for index, eqn in enumerate(inner.eqns):
        path = f"{prefix}{index}"
        equations.append(_read_equation(eqn, reading, path))
    outputs = tuple([reading.operand(v) for v in inner.outvars])
    body = Body(name, inputs, outputs, tuple(equations))
    body.consts = consts
    body.arrays = constants(jaxpr)
    body.literals = reading.literals
    return body


def _read_equation(
    eqn: Any,
    reading: Reading,
    path: str,
) -> Equation:
    operands = tuple([reading.operand(v) for v in eqn.invars])
    inner = []
    for number, origin in enumerate(bodies(eqn)):
        prefix = f"{path}.{number}."
        inner.append(_read_body(origin, reading, operands, prefix))
    results = tuple([reading.number_of(v) for v in eqn.outvars])
    equation = Equation(
        path,
        eqn.primitive.name,
        eqn.params,
        operands,
        results,
        tuple(inner),
    )
    equation.scope = scope_of(eqn)
    equation.origin = eqn
    if equation.primitive == "scan":
        equation.trips = eqn.params["length"]
    return equation


def _read_body(
    origin: InnerProgram,
    outer: Reading,
    operands: tuple[int, ...],
    prefix: str,
) -> Body:
    """Read a program inside an equation, whose first inputs may be the operands themselves."""
    places = origin.operands or ()
    shared = open_jaxpr(origin.jaxpr).invars[: origin.shared]
    numbers = {}
    for variable, place in zip(shared, places, strict=False):
        numbers[variable] = operands[place]
    inner = Reading(outer.values, numbers, outer.all_literals, outer.inside)
    body = read(origin.jaxpr, inner, prefix, origin.name)
    outer.inside.update(numbers)
    body.origin = origin
    return body


def loop_parts(equation: Equation) -> tuple[int, int, int]:
    """Return how many of a scan's operands are constants, carried and scanned over."""
    parts = scan_parts(equation.params)
    return parts.constants, parts.carry, parts.scanned


def while_parts(equation: Equation) -> tuple[Body, Body]:
    """Return the two programs of a while loop."""
    test, body = equation.bodies
    if body.origin.is_test:
        test, body = body, test
    return test, body


def input_types(body: Body) -> list[Any]:
    """Return the dtype of each input of a body."""
    variables = open_jaxpr(body.origin.jaxpr).invars
    return [variable.aval.dtype for variable in variables]


def is_plain(body: Body) -> bool:
    """Whether all values of a body are numbers: none is a PRNG key or a mutable array."""
    for variable in variables_of(body.origin.jaxpr):
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
    # primal value -> what jax computed for it while it traced
    constants: dict[int, Any]
    # primal value -> another that jax has made one with it
    merged: dict[int, int]
    # one for each primal value that an equation makes
    tangents: list[int | None]
    tapped: list[int | None]  # one for each tap
    residuals: list[int]
    # place of a value in a body -> its tangent, or its adjoint
    noted: dict[str, int]


def read_derivative(
    traced: Traced,
    primal: Body,
    reading: Reading,
) -> Derivative:
    """Read the program of a derivative, its primal values under the numbers that they have."""
    jaxpr = open_jaxpr(traced.closed)
    numbers = dict(zip(jaxpr.invars, primal.inputs, strict=False))
    own = Reading(reading.values, numbers, reading.all_literals)
    by_identity = {}
    for constant, known in zip(primal.arrays, primal.consts, strict=True):
        by_identity[id(constant)] = known
    arrays = constants(traced.closed)
    for variable, constant in zip(jaxpr.constvars, arrays, strict=True):
        if id(constant) in by_identity:
            numbers[variable] = by_identity[id(constant)]
    computed = {}
    merged = {}
    for variable, shown in zip(traced.variables, traced.exposed, strict=True):
        value = reading.numbers[variable]
        if is_literal(shown):
            computed[value] = shown.val
        elif shown in numbers:
            merged[value] = numbers[shown]
        else:
            numbers[shown] = value
    body = read(trimmed(traced), own)

    def number(variable: Any) -> int | None:
        if is_literal(variable):
            return None
        return numbers.get(variable)

    residuals = []
    for variable in traced.residuals:
        residual = number(variable)
        if is_literal(variable):
            residual = own.operand(variable)
        if residual is not None:
            residuals.append(residual)
    tangents = [number(v) for v in traced.tangents]
    tapped = [number(v) for v in traced.tapped]
    everywhere = numbers | own.inside
    noted = {
        place: everywhere[variable]
        for place, variable in traced.noted.items()
        if variable in everywhere
    }
    return Derivative(
        body,
        computed,
        merged,
        tangents,
        tapped,
        residuals,
        noted,
    )
