"""Compute every value of a program that was read, those inside bodies too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.extend.core as jec
import jax.numpy as jnp
import numpy as np

from ._jaxprs import (
    CALLS,
    RawBody,
    RawEquation,
    aval_of,
    compiled,
    is_literal,
    opened,
    run,
    run_whole,
)

# called with a value's number, the value (or the list of a loop's turns), and whether its first
# axis counts iterations
Sink = Callable[[int, Any, bool], None]

# above this many bytes the values inside a loop are not collected
LOOP_BUDGET = 2**26
# up to this many equations a loop is run in Python, where each turn takes its own branch and
# makes its own number of trips; above it the loop is compiled, and that remains unseen
TURN_BY_TURN = 500


def evaluate(body: RawBody, consts: Sequence[Any], inputs: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a program that was read, hand each value to `sink`, and return its outputs."""
    jaxpr = opened(body.jaxpr)
    env: dict[Any, Any] = {}

    def write(variables: Sequence[Any], arrays: Sequence[Any]) -> None:
        for var, array in zip(variables, arrays, strict=True):
            env[var] = array
            sink(body.ids[var], array, False)

    def value(atom: Any) -> Any:
        return atom.val if is_literal(atom) else env[atom]

    write(jaxpr.constvars, consts)
    write(jaxpr.invars, inputs)
    for eqn, raw, run_fast in zip(jaxpr.eqns, body.equations, compiled(jaxpr.eqns), strict=True):
        operands = [value(v) for v in eqn.invars]
        if raw.bodies:
            results = _WITH_BODIES.get(raw.primitive, _whole)(eqn, raw, operands, sink)
        else:
            results = run_fast(*operands) if run_fast else run(eqn, operands)
        write(eqn.outvars, results)
    return [value(v) for v in jaxpr.outvars]


def _whole(eqn: Any, _: RawEquation, operands: Sequence[Any], __: Sink) -> list[Any]:
    return run_whole(eqn, operands)


def _call(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    jaxpr = eqn.params[CALLS[eqn.primitive.name]]
    return evaluate(raw.bodies[0], getattr(jaxpr, "consts", ()), operands, sink)


def _cond(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    if _traced(operands):  # inside a compiled loop each turn may go its own way
        return run_whole(eqn, operands)
    index = min(max(int(operands[0]), 0), len(raw.bodies) - 1)
    for i, branch in enumerate(raw.bodies):
        branch.runs = (branch.runs or 0) + (i == index)
    return evaluate(raw.bodies[index], eqn.params["branches"][index].consts, operands[1:], sink)


def _solve(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run the solver of a linear solve; what it is made of otherwise serves its derivatives."""
    lengths, solve = eqn.params["const_lengths"], eqn.params["jaxprs"].solve
    first = lengths.matvec + lengths.vecmat
    given = [*operands[first : first + lengths.solve], *operands[sum(lengths) :]]
    for body in raw.bodies:
        body.runs = int(body.name == "solve")
    own = next(body for body in raw.bodies if body.runs)
    return evaluate(own, solve.consts, given, sink)


def _scan(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a scan and show the values of each turn of its body."""
    params, body = eqn.params, raw.bodies[0]
    length, first = params["length"], params["num_consts"]
    second = first + params["num_carry"]
    if length == 0 or _size(body) * length > LOOP_BUDGET:
        return run_whole(eqn, operands)
    fixed, xs = operands[:first], operands[second:]
    carry = _typed(operands[first:second], body.jaxpr.jaxpr.invars[first:second])

    def step(carry: Sequence[Any], xs: Sequence[Any], keep: Sink) -> tuple[list[Any], list[Any]]:
        out = evaluate(body, body.jaxpr.consts, [*fixed, *carry, *xs], keep)
        return out[: len(carry)], out[len(carry) :]

    plain = all(isinstance(v.aval.dtype, np.dtype) for v in body.ids)  # no PRNG keys
    if plain and not _traced(operands) and _work(body) * length <= TURN_BY_TURN:
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


def _while(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a while loop, its first turns shown, and count its trips: they are not known before."""
    params = eqn.params
    body, test = sorted(raw.bodies, key=lambda b: b.name)  # "body" and "cond"
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    fixed, carry = (operands[:first], operands[first:second]), operands[second:]
    carry = _typed(carry, body.jaxpr.jaxpr.outvars)
    tests, turns = _Turns(), _Turns()
    rest: Any = 0
    most = min(TURN_BY_TURN // _work(body), LOOP_BUDGET // (1 + _size(body)))
    shown = 0 if _traced(operands) else most
    for t in range(shown):
        (more,) = evaluate(test, test.jaxpr.consts, [*fixed[0], *carry], tests.keeper(t))
        if not more:
            break
        carry = evaluate(body, body.jaxpr.consts, [*fixed[1], *carry], turns.keeper(t))
    else:
        rest, carry = _counting(test.jaxpr, body.jaxpr)(*fixed, carry)
    tests.hand_over(sink)
    turns.hand_over(sink)
    if not isinstance(rest, jax.core.Tracer):
        raw.count_trips(turns.count + int(rest))
    return list(carry)


@lru_cache(32)
def _counting(test: Any, body: Any) -> Callable[..., Any]:
    """Return a while loop that counts its turns, compiled once for many uses."""
    go_on, step = jec.jaxpr_as_fun(test), jec.jaxpr_as_fun(body)

    def run(for_test: Sequence[Any], for_body: Sequence[Any], carry: Sequence[Any]) -> Any:
        return jax.lax.while_loop(
            lambda state: go_on(*for_test, *state[1])[0],
            lambda state: (state[0] + 1, step(*for_body, *state[1])),
            (0, list(carry)),
        )

    return jax.jit(run)


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


def _typed(arrays: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
    return [jnp.asarray(x, v.aval.dtype) for x, v in zip(arrays, variables, strict=True)]


def _size(body: RawBody) -> int:
    """Return the bytes of all values in one turn of a body, those in its own bodies too."""
    own = sum(aval_of(var)[2] for var in body.ids)
    return own + sum(_size(b) * int(e.trips or 1) for e in body.equations for b in e.bodies)


def _work(body: RawBody) -> int:
    """Return how many equations one turn of a body runs."""
    inner = sum(_work(b) * int(e.trips or 1) for e in body.equations for b in e.bodies)
    return 1 + len(body.equations) + inner


_LOOPS = {"scan": _scan, "while": _while}
_WITH_BODIES = dict.fromkeys(CALLS, _call) | {"cond": _cond, "custom_linear_solve": _solve} | _LOOPS
