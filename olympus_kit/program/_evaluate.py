"""Compute every value of a program that was read, those inside bodies too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import jaxprs
from ._model import Body, Equation

# called with a value's number, the value (or the list of a loop's iterations), and whether its
# first axis counts iterations
Sink = Callable[[int, Any, bool], None]

# above this many bytes the values inside a loop are not collected
LOOP_BUDGET = 2**26
# up to this many equations a loop is run in Python, where each iteration takes its own branch and
# has its own number of trips; above it the loop is compiled, and that remains unseen
EQUATIONS_IN_PYTHON = 500


def evaluate(body: Body, inputs: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a program that was read, hand each value to `sink`, and return its outputs."""
    arrays: dict[int, Any] = dict(body.literals)

    def keep(numbers: Sequence[int], values: Sequence[Any]) -> None:
        for number, value in zip(numbers, values, strict=True):
            arrays[number] = value
            sink(number, value, False)

    # the first inputs of a body may be values of the program around it, which showed them
    shared = body.origin.shared if body.origin is not None else 0
    arrays.update(zip(body.inputs[:shared], inputs[:shared], strict=True))
    keep(body.inputs[shared:], inputs[shared:])
    keep(body.consts, body.arrays)
    runners = jaxprs.compiled_equations(body.equations)
    for equation, compiled in zip(body.equations, runners, strict=True):
        operands = [arrays[o] for o in equation.operands]
        if equation.bodies:
            keep(equation.results, _run_with_bodies(equation, operands, sink))
        elif compiled is not None:
            keep(equation.results, compiled(*operands))
        else:
            keep(equation.results, jaxprs.run_equation(equation, operands))
    return [arrays[o] for o in body.outputs]


def _run_with_bodies(
    equation: Equation, operands: Sequence[Any], sink: Sink
) -> list[Any]:
    primitive = equation.primitive
    if primitive == "scan":
        return _scan(equation, operands, sink)
    if primitive == "while":
        return _while(equation, operands, sink)
    if primitive == "cond":
        return _cond(equation, operands, sink)
    if primitive == "custom_linear_solve":
        return _solve(equation, operands, sink)
    if (
        primitive in jaxprs.CALLS
        and equation.bodies[0].origin.operands is not None
    ):
        return evaluate(equation.bodies[0], operands, sink)
    return jaxprs.run_equation(equation, operands)


def _cond(equation: Equation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    if _are_traced(
        operands
    ):  # inside a compiled loop each iteration may go its own way
        return jaxprs.run_equation(equation, operands)
    index = min(max(int(operands[0]), 0), len(equation.bodies) - 1)
    for place, branch in enumerate(equation.bodies):
        branch.runs = (branch.runs or 0) + (place == index)
    return evaluate(equation.bodies[index], operands[1:], sink)


def _solve(
    equation: Equation, operands: Sequence[Any], sink: Sink
) -> list[Any]:
    """Run the solver of a linear solve; what it is made of otherwise serves its derivatives."""
    results: list[Any] = []
    for body in equation.bodies:
        body.runs = 0
        if body.name == "solve":
            body.runs = 1
            results = evaluate(
                body, [operands[place] for place in body.origin.operands], sink
            )
    return results


def _scan(equation: Equation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a scan and show the values of each iteration of its body."""
    params, body = equation.params, equation.bodies[0]
    length = params["length"]
    constants, carried, _ = jaxprs.loop_parts(equation)
    if length == 0 or _bytes_of_iteration(body) * length > LOOP_BUDGET:
        return jaxprs.run_equation(equation, operands)
    fixed = operands[:constants]
    first_scanned = constants + carried
    carry = _in_types(body, constants, operands[constants:first_scanned])
    scanned = operands[first_scanned:]

    def step(
        carry: Sequence[Any], entries: Sequence[Any], keep: Sink
    ) -> tuple[list[Any], list[Any]]:
        out = evaluate(body, [*fixed, *carry, *entries], keep)
        return out[:carried], out[carried:]

    small = _equations_of_iteration(body) * length <= EQUATIONS_IN_PYTHON
    if small and jaxprs.is_plain(body) and not _are_traced(operands):
        return _scan_in_python(step, carry, scanned, params, sink)

    def collect(
        carry: Sequence[Any], entries: Sequence[Any]
    ) -> tuple[Any, Any]:
        inside: dict[int, Any] = {}

        def keep(value: int, array: Any, _: bool) -> None:
            inside[value] = array

        carry, stacked = step(carry, entries, keep)
        return carry, (stacked, inside)

    loop = jax.lax.scan(
        collect, carry, list(scanned), length, params["reverse"]
    )
    carry, (stacked, inside) = loop
    for value, array in inside.items():
        sink(value, array, True)
    return [*carry, *stacked]


def _scan_in_python(
    step: Callable[..., tuple[list[Any], list[Any]]],
    carry: list[Any],
    scanned: Sequence[Any],
    params: Mapping[str, Any],
    sink: Sink,
) -> list[Any]:
    length = params["length"]
    rows = [np.asarray(x) for x in scanned]
    iterations = _Iterations()
    stacked: list[list[Any]] = [[]] * length
    order = reversed(range(length)) if params["reverse"] else range(length)
    for number in order:
        entries = [jnp.asarray(x[number]) for x in rows]
        carry, stacked[number] = step(carry, entries, iterations.sink(number))
    iterations.hand_over(sink)
    columns = [
        jnp.asarray(np.stack(column)) for column in zip(*stacked, strict=True)
    ]
    return [*carry, *columns]


def _while(
    equation: Equation, operands: Sequence[Any], sink: Sink
) -> list[Any]:
    """Run a while loop, its first iterations shown, and count its trips: no program says them."""
    test, body = equation.bodies
    if not test.origin.is_test:
        test, body = body, test
    for_test, for_body = test.origin.shared, body.origin.shared
    fixed_test, fixed_body = (
        operands[:for_test],
        operands[for_test : for_test + for_body],
    )
    carry = _in_types(body, for_body, operands[for_test + for_body :])
    tests, iterations = _Iterations(), _Iterations()
    most = EQUATIONS_IN_PYTHON // _equations_of_iteration(body)
    most = min(most, LOOP_BUDGET // (1 + _bytes_of_iteration(body)))
    if _are_traced(operands):
        most = 0
    unseen: Any = 0
    for number in range(most):
        (goes_on,) = evaluate(test, [*fixed_test, *carry], tests.sink(number))
        if not goes_on:
            break
        carry = evaluate(body, [*fixed_body, *carry], iterations.sink(number))
    else:
        unseen, carry = _counting_loop(test, body)(
            fixed_test, fixed_body, carry
        )
    tests.hand_over(sink)
    iterations.hand_over(sink)
    if not isinstance(unseen, jax.core.Tracer):
        _count_run(equation, body, iterations.count + int(unseen))
    return list(carry)


def _counting_loop(test: Body, body: Body) -> Callable[..., Any]:
    """Return a while loop that counts its iterations, compiled once for all uses of a body.

    It is kept on the body, so that it and the constants in it go when the body goes.
    """
    if body.compiled is None:
        goes_on = jaxprs.function_of(test.origin.jaxpr)
        step = jaxprs.function_of(body.origin.jaxpr)

        def loop(
            for_test: Sequence[Any],
            for_body: Sequence[Any],
            carry: Sequence[Any],
        ) -> Any:
            return jax.lax.while_loop(
                lambda state: goes_on(*for_test, *state[1])[0],
                lambda state: (state[0] + 1, step(*for_body, *state[1])),
                (0, list(carry)),
            )

        body.compiled = jax.jit(loop)
    compiled: Callable[..., Any] = body.compiled
    return compiled


def _count_run(equation: Equation, body: Body, trips: int) -> None:
    """Take note of one run of a while loop: inside another loop it has several."""
    body.runs = (body.runs or 0) + 1
    body.iterations += trips
    equation.trips = round(body.iterations / body.runs)


class _Iterations:
    """The values of a loop's body by iteration; None for one that did not compute a value."""

    def __init__(self) -> None:
        self._values: dict[int, dict[int, Any]] = {}
        self.count = 0

    def sink(self, number: int) -> Sink:
        """Return a sink for the values of an iteration."""
        self.count = max(self.count, number + 1)

        def keep(value: int, array: Any, _: bool) -> None:
            self._values.setdefault(value, {})[number] = array

        return keep

    def hand_over(self, sink: Sink) -> None:
        """Send on each value as the list of its iterations."""
        for value, by_number in self._values.items():
            sink(
                value,
                [by_number.get(number) for number in range(self.count)],
                True,
            )


def _are_traced(operands: Sequence[Any]) -> bool:
    return any(isinstance(x, jax.core.Tracer) for x in operands)


def _in_types(body: Body, first: int, arrays: Sequence[Any]) -> list[Any]:
    """Return what a loop starts from as arrays of the types that its body carries."""
    types = jaxprs.input_types(body)[first : first + len(arrays)]
    return [
        jnp.asarray(x, dtype) for x, dtype in zip(arrays, types, strict=True)
    ]


def _bytes_of_iteration(body: Body) -> int:
    """Return the bytes of all values in one iteration of a body, those in its own bodies too."""
    total = jaxprs.bytes_of(body)
    for equation in body.equations:
        for inner in equation.bodies:
            total += _bytes_of_iteration(inner) * int(equation.trips or 1)
    return total


def _equations_of_iteration(body: Body) -> int:
    """Return how many equations one iteration of a body runs."""
    total = 1 + len(body.equations)
    for equation in body.equations:
        for inner in equation.bodies:
            total += _equations_of_iteration(inner) * int(equation.trips or 1)
    return total
