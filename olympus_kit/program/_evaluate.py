"""Compute every value of a program that was read, those inside bodies too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._jaxprs import CALLS, RawBody, RawEquation, compiled, function_of, run

# called with a value's number, the value (or the list of a loop's turns), and whether its first
# axis counts iterations
Sink = Callable[[int, Any, bool], None]

# above this many bytes the values inside a loop are not collected
LOOP_BUDGET = 2**26
# up to this many equations a loop is run in Python, where each turn takes its own branch and
# makes its own number of trips; above it the loop is compiled, and that remains unseen
TURN_BY_TURN = 500


def evaluate(body: RawBody, inputs: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a program that was read, hand each value to `sink`, and return its outputs."""
    env = dict(body.literals)

    def write(numbers: Sequence[int], arrays: Sequence[Any]) -> None:
        for number, array in zip(numbers, arrays, strict=True):
            env[number] = array
            sink(number, array, False)

    write(body.consts, body.arrays)
    write(body.inputs, inputs)
    for equation, fast in zip(body.equations, compiled(body.equations), strict=True):
        operands = [env[o] for o in equation.operands]
        if equation.bodies and equation.primitive in _INSIDE:
            results = _INSIDE[equation.primitive](equation, operands, sink)
        else:
            results = fast(*operands) if fast else run(equation, operands)
        write(equation.results, results)
    return [env[o] for o in body.outputs]


def _call(equation: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    return evaluate(equation.bodies[0], operands, sink)


def _cond(equation: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    if _traced(operands):  # inside a compiled loop each turn may go its own way
        return run(equation, operands)
    index = min(max(int(operands[0]), 0), len(equation.bodies) - 1)
    for i, branch in enumerate(equation.bodies):
        branch.runs = (branch.runs or 0) + (i == index)
    return evaluate(equation.bodies[index], operands[1:], sink)


def _solve(equation: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run the solver of a linear solve; what it is made of otherwise serves its derivatives."""
    lengths = equation.params["const_lengths"]
    first = lengths.matvec + lengths.vecmat
    given = [*operands[first : first + lengths.solve], *operands[sum(lengths) :]]
    for body in equation.bodies:
        body.runs = int(body.name == "solve")
    own = next(body for body in equation.bodies if body.runs)
    return evaluate(own, given, sink)


def _scan(equation: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a scan and show the values of each turn of its body."""
    params, body = equation.params, equation.bodies[0]
    length, first = params["length"], params["num_consts"]
    second = first + params["num_carry"]
    if length == 0 or _size(body) * length > LOOP_BUDGET:
        return run(equation, operands)
    fixed, xs = operands[:first], operands[second:]
    carry = _typed(operands[first:second], body.input_types[first:second])

    def step(carry: Sequence[Any], xs: Sequence[Any], keep: Sink) -> tuple[list[Any], list[Any]]:
        out = evaluate(body, [*fixed, *carry, *xs], keep)
        return out[: len(carry)], out[len(carry) :]

    if body.plain and not _traced(operands) and _work(body) * length <= TURN_BY_TURN:
        return _scan_turn_by_turn(step, carry, xs, params, sink)

    def collect(carry: Sequence[Any], xs: Sequence[Any]) -> tuple[Any, Any]:
        found: dict[int, Any] = {}
        carry, ys = step(carry, xs, lambda value, array, _: found.update({value: array}))
        return carry, (ys, found)

    carry, (ys, found) = jax.lax.scan(collect, carry, list(xs), length, params["reverse"])
    for value, array in found.items():
        sink(value, array, True)
    return [*carry, *ys]


def _scan_turn_by_turn(
    step: Callable[..., tuple[list[Any], list[Any]]],
    carry: list[Any],
    xs: Sequence[Any],
    params: Mapping[str, Any],
    sink: Sink,
) -> list[Any]:
    length = params["length"]
    rows = [np.asarray(x) for x in xs]
    turns = _Turns()
    made: list[list[Any]] = [[]] * length
    for t in reversed(range(length)) if params["reverse"] else range(length):
        carry, made[t] = step(carry, [jnp.asarray(x[t]) for x in rows], turns.keeper(t))
    turns.hand_over(sink)
    return [*carry, *(jnp.asarray(np.stack(ys)) for ys in zip(*made, strict=True))]


def _while(equation: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a while loop, its first turns shown, and count its trips: they are not known before."""
    params = equation.params
    body, test = sorted(equation.bodies, key=lambda b: b.name)  # "body" and "cond"
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    fixed, carry = (operands[:first], operands[first:second]), operands[second:]
    carry = _typed(carry, body.input_types[params["body_nconsts"] :])
    tests, turns = _Turns(), _Turns()
    rest: Any = 0
    most = min(TURN_BY_TURN // _work(body), LOOP_BUDGET // (1 + _size(body)))
    shown = 0 if _traced(operands) else most
    for t in range(shown):
        (more,) = evaluate(test, [*fixed[0], *carry], tests.keeper(t))
        if not more:
            break
        carry = evaluate(body, [*fixed[1], *carry], turns.keeper(t))
    else:
        rest, carry = _counting(test.jaxpr, body.jaxpr)(*fixed, carry)
    tests.hand_over(sink)
    turns.hand_over(sink)
    if not isinstance(rest, jax.core.Tracer):
        equation.count_trips(turns.count + int(rest))
    return list(carry)


@lru_cache(32)
def _counting(test: Any, body: Any) -> Callable[..., Any]:
    """Return a while loop that counts its turns, compiled once for many uses."""
    go_on, step = function_of(test), function_of(body)

    def loop(for_test: Sequence[Any], for_body: Sequence[Any], carry: Sequence[Any]) -> Any:
        return jax.lax.while_loop(
            lambda state: go_on(*for_test, *state[1])[0],
            lambda state: (state[0] + 1, step(*for_body, *state[1])),
            (0, list(carry)),
        )

    return jax.jit(loop)


class _Turns:
    """The values of a loop's body, turn by turn; None for a turn that did not compute one."""

    def __init__(self) -> None:
        self._found: dict[int, dict[int, Any]] = {}
        self.count = 0

    def keeper(self, turn: int) -> Sink:
        """Return a sink for the values of a turn."""
        self.count = max(self.count, turn + 1)
        return lambda value, array, _: self._found.setdefault(value, {}).update({turn: array})

    def hand_over(self, sink: Sink) -> None:
        """Send on each value as the list of its turns."""
        for value, turns in self._found.items():
            sink(value, [turns.get(t) for t in range(self.count)], True)


def _traced(operands: Sequence[Any]) -> bool:
    return any(isinstance(x, jax.core.Tracer) for x in operands)


def _typed(arrays: Sequence[Any], dtypes: Sequence[Any]) -> list[Any]:
    return [jnp.asarray(x, dtype) for x, dtype in zip(arrays, dtypes, strict=True)]


def _size(body: RawBody) -> int:
    """Return the bytes of all values in one turn of a body, those in its own bodies too."""
    return body.nbytes + sum(_size(b) * int(e.trips or 1) for e in body.equations for b in e.bodies)


def _work(body: RawBody) -> int:
    """Return how many equations one turn of a body runs."""
    inner = sum(_work(b) * int(e.trips or 1) for e in body.equations for b in e.bodies)
    return 1 + len(body.equations) + inner


_LOOPS = {"scan": _scan, "while": _while}
_INSIDE = dict.fromkeys(CALLS, _call) | {"cond": _cond, "custom_linear_solve": _solve} | _LOOPS
