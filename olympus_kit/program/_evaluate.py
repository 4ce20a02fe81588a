"""Compute every value of a program that was read, those inside bodies too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend.core as jec
import jax.numpy as jnp
import numpy as np

from ._jaxprs import CALLS, RawBody, RawEquation, aval_of, jaxpr_of, opened

# called with a value's number, the value, and whether its first axis counts iterations
Sink = Callable[[int, Any, bool], None]

# above this many bytes the values inside a loop are not collected
LOOP_BUDGET = 2**26


def evaluate(body: RawBody, consts: Sequence[Any], inputs: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a program that was read, hand each value to `sink`, and return its outputs."""
    jaxpr = opened(body.jaxpr)
    env: dict[Any, Any] = {}

    def write(variables: Sequence[Any], arrays: Sequence[Any]) -> None:
        for var, array in zip(variables, arrays, strict=True):
            env[var] = array
            sink(body.ids[var], array, False)

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, jec.Literal) else env[atom]

    write(jaxpr.constvars, consts)
    write(jaxpr.invars, inputs)
    plain: list[Any] = []  # equations waiting to be run in one go

    def run_plain() -> None:
        if plain:
            write(*_run_together(plain, env))
            plain.clear()

    for eqn, raw in zip(jaxpr.eqns, body.equations, strict=True):
        special = _SPECIAL.get(eqn.primitive.name)
        if special is None or not raw.bodies:
            plain.append(eqn)
            continue
        run_plain()
        write(eqn.outvars, special(eqn, raw, [value(v) for v in eqn.invars], sink))
    run_plain()
    return [value(v) for v in jaxpr.outvars]


def _run_together(eqns: Sequence[Any], env: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    results = [v for eqn in eqns for v in eqn.outvars]
    made = set(results)
    free = {v: None for eqn in eqns for v in eqn.invars if not isinstance(v, jec.Literal)}
    needed = [v for v in free if v not in made]
    jaxpr = jaxpr_of(eqns, needed, results)
    return results, jax.core.eval_jaxpr(jaxpr, (), *[env[v] for v in needed])


def _run(eqn: Any, operands: Sequence[Any]) -> list[Any]:
    """Run one equation as jax would."""
    atoms = dict(zip(eqn.invars, operands, strict=True))
    return _run_together([eqn], atoms)[1]


def _call(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    jaxpr = eqn.params[CALLS[eqn.primitive.name]]
    return evaluate(raw.bodies[0], getattr(jaxpr, "consts", ()), operands, sink)


def _cond(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    if isinstance(operands[0], jax.core.Tracer):  # inside a loop each turn may go its own way
        return _run(eqn, operands)
    count = len(raw.bodies)
    index = min(max(int(operands[0]), 0), count - 1)
    for i, branch in enumerate(raw.bodies):
        branch.taken = i == index
    return evaluate(raw.bodies[index], eqn.params["branches"][index].consts, operands[1:], sink)


def _scan(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a scan whose body also returns each of its intermediate values."""
    params, body, closed = eqn.params, raw.bodies[0], eqn.params["jaxpr"]
    if params["length"] == 0 or _size(body) * params["length"] > LOOP_BUDGET:
        return _run(eqn, operands)
    n_consts, n_carry = params["num_consts"], params["num_carry"]

    def step(carry: Sequence[Any], xs: Sequence[Any]) -> tuple[Any, Any]:
        found: dict[int, Any] = {}

        def keep(value: int, array: Any, iterations: bool) -> None:
            found[value] = array

        out = evaluate(body, closed.consts, [*operands[:n_consts], *carry, *xs], keep)
        return out[:n_carry], (out[n_carry:], found)

    init, xs = operands[n_consts : n_consts + n_carry], operands[n_consts + n_carry :]
    types = [v.aval.dtype for v in closed.jaxpr.invars[n_consts : n_consts + n_carry]]
    init = [jnp.asarray(c, t) for c, t in zip(init, types, strict=True)]
    carry, (ys, found) = jax.lax.scan(
        step, init, list(xs), params["length"], reverse=params["reverse"]
    )
    for value, array in found.items():
        sink(value, array, True)
    return [*carry, *ys]


def _size(body: RawBody) -> int:
    """Return the bytes of all values in one turn of a body, those in its own bodies too."""
    own = sum(aval_of(var)[2] for var in body.ids)
    return own + sum(_size(b) * (e.trips or 1) for e in body.equations for b in e.bodies)


def _while(eqn: Any, raw: RawEquation, operands: Sequence[Any], sink: Sink) -> list[Any]:
    """Run a while loop with a counter beside its carry: its trips are measured, not known."""
    params = eqn.params
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    condition = jec.jaxpr_as_fun(params["cond_jaxpr"])
    body = jec.jaxpr_as_fun(params["body_jaxpr"])
    carried = params["body_jaxpr"].jaxpr.outvars
    init = [jnp.asarray(c, v.aval.dtype) for c, v in zip(operands[second:], carried, strict=True)]

    def step(state: Any) -> Any:
        return state[0] + 1, body(*operands[first:second], *state[1])

    trips: Any
    trips, carry = jax.lax.while_loop(
        lambda state: condition(*operands[:first], *state[1])[0], step, (0, init)
    )
    if not isinstance(trips, jax.core.Tracer):
        raw.trips = int(np.asarray(trips))
    return list(carry)


_SPECIAL = dict.fromkeys(CALLS, _call) | {"cond": _cond, "scan": _scan, "while": _while}
