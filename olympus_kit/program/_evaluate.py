"""Compute every value of a program that was read, those inside bodies too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import jaxprs
from ._model import Body, Equation, walk

Values = Sequence[Any]
# called with a value's number, the value (or the list of a loop's iterations), and whether its
# first axis counts iterations
Sink = Callable[[int, Any, bool], None]

# above this many bytes the values inside a loop are not collected
LOOP_BUDGET = 2**26
# up to this many equations for itself and for each loop inside, a loop is run in Python, where each
# iteration takes its own branch and has its own number of trips; above it the loop is compiled, and
# that remains unseen. The compiler takes about as long for each loop as these equations do.
EQUATIONS_IN_PYTHON = 1000


def evaluate(
    body: Body,
    inputs: Values,
    sink: Sink,
) -> list[Any]:
    """Run a program that was read, hand each value to `sink`, and return its outputs."""
    arrays: dict[int, Any] = dict(body.literals)

    def keep(numbers: Sequence[int], values: Values) -> None:
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
            results = _run_with_bodies(equation, operands, sink)
        elif compiled is not None:
            results = compiled(*operands)
        else:
            results = jaxprs.run_equation(equation, operands)
        keep(equation.results, results)
    return [arrays[o] for o in body.outputs]


def _run_with_bodies(
    equation: Equation,
    operands: Values,
    sink: Sink,
) -> list[Any]:
    runner = _RUNNERS.get(equation.primitive)
    if runner is not None:
        return runner(equation, operands, sink)
    body = equation.bodies[0]
    is_call = equation.primitive in jaxprs.CALLS
    if is_call and body.origin.operands is not None:
        return evaluate(body, operands, sink)
    return jaxprs.run_equation(equation, operands)


def _cond(
    equation: Equation,
    operands: Values,
    sink: Sink,
) -> list[Any]:
    if _are_traced(operands):
        # inside a compiled loop each iteration may go its own way
        return jaxprs.run_equation(equation, operands)
    which, *inputs = operands
    branches = equation.bodies
    index = min(max(int(which), 0), len(branches) - 1)
    for place, branch in enumerate(branches):
        branch.runs = (branch.runs or 0) + (place == index)
    return evaluate(branches[index], inputs, sink)


def _solve(
    equation: Equation,
    operands: Values,
    sink: Sink,
) -> list[Any]:
    """Run the solver of a linear solve; what it is made of otherwise serves its derivatives."""
    results: list[Any] = []
    for body in equation.bodies:
        body.runs = 0
        if body.name == "solve":
            body.runs = 1
            inputs = [operands[place] for place in body.origin.operands]
            results = evaluate(body, inputs, sink)
    return results


def _scan(
    equation: Equation,
    operands: Values,
    sink: Sink,
) -> list[Any]:
    """Run a scan and show the values of each iteration of its body."""
    (body,) = equation.bodies
    length = equation.params["length"]
    is_reverse = equation.params["reverse"]
    constants, carried, _ = jaxprs.loop_parts(equation)
    if length == 0 or _bytes_of_iteration(body) * length > LOOP_BUDGET:
        return jaxprs.run_equation(equation, operands)
    fixed = operands[:constants]
    first_scanned = constants + carried
    carry = _in_types(body, constants, operands[constants:first_scanned])
    scanned = operands[first_scanned:]

    def step(
        carry: Values,
        entries: Values,
        keep: Sink,
    ) -> tuple[list[Any], list[Any]]:
        out = evaluate(body, [*fixed, *carry, *entries], keep)
        return out[:carried], out[carried:]

    small = _equations_of_iteration(body) * length <= _most_in_python(body)
    if small and jaxprs.is_plain(body) and not _are_traced(operands):
        order = range(length)
        if is_reverse:
            order = order[::-1]
        return _scan_in_python(
            step,
            carry,
            scanned,
            order,
            sink,
        )

    def collect(carry: Values, entries: Values) -> tuple[Any, Any]:
        inside: dict[int, Any] = {}

        def keep(
            value: int,
            array: Any,
            _: bool,
        ) -> None:
            inside[value] = array

        carry, stacked = step(carry, entries, keep)
        return carry, (stacked, inside)

    loop = jax.lax.scan(
        collect,
        carry,
        list(scanned),
        length,
        is_reverse,
    )
    carry, (stacked, inside) = loop
    for value, array in inside.items():
        sink(value, array, True)
    return [*carry, *stacked]


def _scan_in_python(
    step: Callable[..., tuple[list[Any], list[Any]]],
    carry: list[Any],
    scanned: Values,
    order: Sequence[int],
    sink: Sink,
) -> list[Any]:
    rows = [np.asarray(x) for x in scanned]
    iterations = _Iterations()
    stacked: list[list[Any]] = [[] for _ in order]
    for number in order:
        entries = [jnp.asarray(x[number]) for x in rows]
        keep = iterations.sink(number)
        carry, stacked[number] = step(carry, entries, keep)
    iterations.hand_over(sink)
    results = list(carry)
    for column in zip(*stacked, strict=True):
        results.append(jnp.asarray(np.stack(column)))
    return results


def _while(
    equation: Equation,
    operands: Values,
    sink: Sink,
) -> list[Any]:
    """Run a while loop, its first iterations shown, and count its trips: no program says them."""
    test, body = jaxprs.while_parts(equation)
    for_body = body.origin.shared
    first_fixed = test.origin.shared
    first_carried = first_fixed + for_body
    fixed_test = operands[:first_fixed]
    fixed_body = operands[first_fixed:first_carried]
    carry = _in_types(body, for_body, operands[first_carried:])
    tests = _Iterations()
    iterations = _Iterations()
    most = 0
    if not _are_traced(operands):
        most = min(
            _most_in_python(body) // _equations_of_iteration(body),
            LOOP_BUDGET // (1 + _bytes_of_iteration(body)),
        )
    unseen: Any = 0
    for number in range(most):
        (goes_on,) = evaluate(test, [*fixed_test, *carry], tests.sink(number))
        if not goes_on:
            break
        carry = evaluate(body, [*fixed_body, *carry], iterations.sink(number))
    else:
        loop = _counting_loop(test, body)
        unseen, carry = loop(fixed_test, fixed_body, carry)
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
            for_test: Values,
            for_body: Values,
            carry: Values,
        ) -> Any:
            def test_of(state: Any) -> Any:
                _, values = state
                (answer,) = goes_on(*for_test, *values)
                return answer

            def next_of(state: Any) -> Any:
                count, values = state
                return count + 1, step(*for_body, *values)

            return jax.lax.while_loop(test_of, next_of, (0, list(carry)))

        body.compiled = jax.jit(loop)
    compiled: Callable[..., Any] = body.compiled
    return compiled


def _count_run(
    equation: Equation,
    body: Body,
    trips: int,
) -> None:
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

        def keep(
            value: int,
            array: Any,
            _: bool,
        ) -> None:
            self._values.setdefault(value, {})[number] = array

        return keep

    def hand_over(self, sink: Sink) -> None:
        """Send on each value as the list of its iterations."""
        for value, by_number in self._values.items():
            sequence = [by_number.get(k) for k in range(self.count)]
            sink(value, sequence, True)


def _are_traced(operands: Values) -> bool:
    return any(isinstance(x, jax.core.Tracer) for x in operands)


def _in_types(
    body: Body,
    first: int,
    arrays: Values,
) -> list[Any]:
    """Return what a loop starts from as arrays of the types that its body carries."""
    types = jaxprs.input_types(body)[first : first + len(arrays)]
    start = []
    for x, dtype in zip(arrays, types, strict=True):
        # a weak type would make jax trace a loop twice
        is_so = (
            isinstance(x, jax.Array) and x.dtype == dtype and not x.weak_type
        )
        start.append(x if is_so else jnp.asarray(x, dtype))
    return start


def _bytes_of_iteration(body: Body) -> int:
    """Return the bytes of all values in one iteration of a body, those in its own bodies too."""
    return _sum_inside(body, jaxprs.bytes_of)


def _equations_of_iteration(body: Body) -> int:
    """Return how many equations one iteration of a body runs."""
    return _sum_inside(body, lambda inner: 1 + len(inner.equations))


def _most_in_python(body: Body) -> int:
    """Return how many equations of a loop are run in Python sooner than compiled."""
    loops = 1
    for equation in walk(body.equations):
        loops += equation.primitive in ("scan", "while")
    return EQUATIONS_IN_PYTHON * loops


def _sum_inside(body: Body, number_of: Callable[[Body], int]) -> int:
    """Return a number of a body, with those of its own bodies as often as these run."""
    total = number_of(body)
    for equation in body.equations:
        trips = int(equation.trips or 1)
        for inner in equation.bodies:
            total += _sum_inside(inner, number_of) * trips
    return total


Runner = Callable[[Equation, Values, Sink], list[Any]]
_RUNNERS: dict[str, Runner] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "custom_linear_solve": _solve,
}
