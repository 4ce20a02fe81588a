"""Every value inside a body has a tangent and an adjoint of its own, with the numbers of jax."""

from collections import defaultdict

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from olympus_kit.program import capture, walk
from olympus_kit.program.jaxprs import basics
from olympus_kit.program.jaxprs.bodies import bodies, scan_parts
from olympus_kit.program.jaxprs.notes import FOLLOWED

pytestmark = pytest.mark.usefixtures("x64")


class Unrolled:
    """A program run equation by equation, its loops in Python, something added to each value.

    `at` is called with the place of a value in a body, the iterations around it, and the value;
    what it returns goes on in its place.
    """

    def __init__(self, at):
        self.at = at

    def run(self, jaxpr, consts, args, path="", around=()):
        inner = basics.open_jaxpr(jaxpr)
        env = dict(zip(inner.invars, args, strict=True)) | dict(
            zip(inner.constvars, consts, strict=True)
        )
        for index, eqn in enumerate(inner.eqns):
            operands = [v.val if basics.is_literal(v) else env[v] for v in eqn.invars]
            results = self.results(eqn, operands, f"{path}{index}", around)
            for place, (v, result) in enumerate(zip(eqn.outvars, results, strict=True)):
                env[v] = self.at(f"{path}{index}:{place}", around, result) if path else result
        return [v.val if basics.is_literal(v) else env[v] for v in inner.outvars]

    def results(self, eqn, operands, path, around):
        inside = bodies(eqn)
        if eqn.primitive.name == "scan" and eqn.params["length"]:
            return self.scan(eqn, operands, path, around)
        if eqn.primitive.name == "cond":
            which = int(np.clip(int(operands[0]), 0, len(inside) - 1))
            return self.call(inside[which], operands[1:], f"{path}.{which}.", around)
        if eqn.primitive.name in FOLLOWED - {"while"}:
            return self.call(inside[0], operands, f"{path}.0.", around)
        pairs = zip(eqn.invars, operands, strict=True)
        used = {v: x for v, x in pairs if not basics.is_literal(v)}
        alone = basics.program_of([eqn], list(used), eqn.outvars, eqn.effects)
        return jax.core.eval_jaxpr(alone, (), *used.values())

    def call(self, body, operands, path, around):
        return self.run(body.jaxpr, basics.constants(body.jaxpr), operands, path, around)

    def scan(self, eqn, operands, path, around):
        (body,) = bodies(eqn)
        parts = scan_parts(eqn.params)
        fixed = operands[: parts.constants]
        carry = operands[parts.constants : parts.constants + parts.carry]
        scanned = operands[parts.constants + parts.carry :]
        order = range(eqn.params["length"])
        stacked = [None] * len(order)
        for k in order[::-1] if eqn.params["reverse"] else order:
            moving = [*carry, *[x[k] for x in scanned]]
            for place, value in enumerate(moving, start=parts.constants):
                moving[place - parts.constants] = self.at(
                    f"{path}.0.in:{place}", (*around, k), value
                )
            out = self.call(body, [*fixed, *moving], f"{path}.0.", (*around, k))
            carry, stacked[k] = out[: parts.carry], out[parts.carry :]
        return [*carry, *[jnp.stack(column) for column in zip(*stacked, strict=True)]]


def values_inside(closed, leaves):
    """Return {(place, iterations): number} of the values in bodies that may have a derivative."""
    found = {}

    def keep(place, around, value):
        if basics.is_inexact(jnp.result_type(value)):
            found[place, around] = value
        return value

    Unrolled(keep).run(closed, closed.consts, leaves)
    return found


def with_additions(closed, leaves, added):
    """Run a program with something added to each value in its bodies."""

    def add(place, around, value):
        return value + added[place, around] if (place, around) in added else value

    return Unrolled(add).run(closed, closed.consts, leaves)


def ones(x):
    if basics.is_inexact(jnp.result_type(x)):
        return jnp.ones(np.shape(x), jnp.result_type(x))
    return np.zeros(np.shape(x), jax.dtypes.float0)


def value_at(program, place):
    path, _, number = place.partition(":")
    holder, _, last = path.rpartition(".")
    if last == "in":
        equation, _, body = holder.rpartition(".")
        return program.row(equation).bodies[int(body)].inputs[int(number)]
    return program.row(path).results[int(number)]


def compare(program, links, expected):
    """Compare the linked values with {(place, iterations): number}; return how many there were."""
    by_place = defaultdict(dict)
    for (place, around), number in expected.items():
        by_place[place][around] = number
    checked = 0
    for place, numbers in by_place.items():
        value = value_at(program, place)
        if value not in links:
            continue
        shown = program.values[links[value]]
        assert shown.name.startswith(program.values[value].name)
        summary = shown.summary
        depth = {len(around) for around in numbers}
        if summary is None or not summary.whole or depth - {0, 1}:
            continue
        if depth == {1}:
            order = sorted(numbers)
            if summary.iterations != len(order):
                continue  # of a branch that only some iterations take
            number = np.stack([numbers[around] for around in order])
        else:
            (number,) = numbers.values()
        np.testing.assert_allclose(
            np.asarray(summary.entries, complex), np.asarray(number, complex), rtol=1e-9, atol=1e-9
        )
        checked += 1
    return checked


REVERSE = corpus.CORPUS | corpus.REVERSE_ONLY
# jax differentiates these as a whole only: their parts have no derivative by themselves
NOT_PERTURBED = {"mutable_array", "pad", "solve"}
# nothing in their bodies moves, or has run
STILL = {"key", "rounded", "scan_of_nothing"}


def unrolled(f, args):
    closed = jax.make_jaxpr(f)(*args)
    return closed, jax.tree.leaves(args)


@pytest.mark.parametrize("name", sorted(REVERSE.keys() - NOT_PERTURBED))
def test_every_adjoint_in_a_body(name):
    f, args = REVERSE[name]
    program = capture(f, *args, argnums="all")
    if any(e.primitive in FOLLOWED for e in program.rows):
        closed, leaves = unrolled(f, args)
        zeros = jax.tree.map(jnp.zeros_like, values_inside(closed, leaves))
        out, pullback = jax.vjp(lambda added: with_additions(closed, leaves, added), zeros)
        (expected,) = pullback([ones(o) for o in out])
        assert compare(program, program.adjoints, expected) or name in STILL


@pytest.mark.parametrize("name", sorted(corpus.CORPUS))
def test_every_tangent_in_a_body(name):
    f, args = corpus.CORPUS[name]
    program = capture(f, *args, argnums="all", mode="forward")
    if any(e.primitive in FOLLOWED - {"while"} for e in program.rows):
        closed, leaves = unrolled(f, args)
        tangents = [ones(x) for x in leaves]
        _, expected = jax.jvp(lambda xs: values_inside(closed, xs), (leaves,), (tangents,))
        assert compare(program, program.tangents, expected) or name in STILL


@jax.jit
def layer(w, x):
    return jnp.tanh(w * x)


def loops(w, x):
    def step(carry, entry):
        carry = jnp.where(entry > 0, layer(w, carry) + entry, jnp.sin(carry) * entry)
        return carry, carry * carry

    last, squares = jax.lax.scan(jax.checkpoint(step), x, jnp.array([0.5, -1.0, 2.0]))
    return jax.lax.cond(last > 0, lambda s: s * s, lambda s: jnp.sin(s), last) + squares.sum()


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_loop_with_a_branch_and_a_call_is_followed_to_its_last_value(mode):
    program = capture(loops, 0.7, 0.3, argnums="all", mode=mode)
    links = program.tangents if mode == "forward" else program.adjoints
    inside = [e for e in walk(program.rows) if "." in e.path and not e.bodies]
    run = [e for e in inside if all(program.values[r].summary for r in e.results)]
    moving = {r for e in run for r in e.results if program.values[r].inexact}
    assert len(moving & links.keys()) >= 8
    for value in moving & links.keys():
        name = program.values[value].name
        assert (
            program.values[links[value]].name == f"{name}_{'dot' if mode == 'forward' else 'bar'}"
        )


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", ["rnn", "scan", "scan_reverse", "fori_loop"])
def test_what_goes_into_an_iteration_comes_out_of_the_one_before(name, mode):
    f, args = corpus.CORPUS[name]
    program = capture(f, *args, argnums="all", mode=mode)
    number = lambda value: np.asarray(program.values[value].summary.entries, complex)
    checked = 0
    for equation in walk([*program.rows, *program.equations]):
        backwards = equation.params.get("reverse") is True
        for body in equation.bodies:
            for start, value, following in body.carried:
                seen, after = number(value), number(following)
                if backwards:
                    seen, after = seen[::-1], after[::-1]
                np.testing.assert_allclose(seen[0], number(start), rtol=1e-12)
                np.testing.assert_allclose(seen[1:], after[:-1], rtol=1e-12)
                checked += 1
            for array, value in body.scanned:
                np.testing.assert_allclose(number(value), number(array), rtol=1e-12)
                checked += 1
    assert checked >= 2
