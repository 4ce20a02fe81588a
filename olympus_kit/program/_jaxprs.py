"""Every touch of jaxpr internals: tag, tap, trace and read jaxprs.

jax promises no stability for these names, so nothing outside this module looks into a jaxpr;
`tests/unit/test_canary.py` has a test for each behaviour relied on here.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import jax
import jax.extend.core as jec
import jax.extend.source_info_util as source_info_util
import numpy as np
from jax.interpreters import ad

# A tap is the identity in its first argument, and its derivative adds the second argument's
# tangent. Transposed, it hands the cotangent of one use of a value to an input of its own,
# and no equation is left of it: so jax itself tells what each use contributes.
tap_p = jec.Primitive("olympus_tap")
tap_p.def_impl(lambda value, extra: value)
tap_p.def_abstract_eval(lambda value, extra: value)
ad.primitive_jvps[tap_p] = lambda primals, tangents: (primals[0], ad.add_tangents(*tangents))


# what a parameter that holds programs may be
BODIES = (tuple, jec.Jaxpr, jec.ClosedJaxpr)


def is_inexact(dtype: Any) -> bool:
    """Whether jax differentiates values of this type."""
    return bool(jax.numpy.issubdtype(dtype, jax.numpy.inexact))


def dtype_of(x: Any) -> Any:
    """Return the dtype of an array, a type or a Python number, as jax sees it."""
    if not hasattr(x, "dtype"):
        return jax.dtypes.result_type(x)
    extended = jax.numpy.issubdtype(x.dtype, jax.dtypes.extended)
    return x.dtype if extended else jax.dtypes.canonicalize_dtype(x.dtype)


def is_jaxpr(value: Any) -> bool:
    """Whether a parameter of an equation is a program."""
    return isinstance(value, (jec.Jaxpr, jec.ClosedJaxpr))


def is_literal(atom: Any) -> bool:
    """Whether an operand is written into the program, and no variable."""
    return isinstance(atom, jec.Literal)


def opened(jaxpr: Any) -> Any:
    """Return the `Jaxpr` inside a `ClosedJaxpr`."""
    return jaxpr.jaxpr if isinstance(jaxpr, jec.ClosedJaxpr) else jaxpr


def jaxpr_of(eqns: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """Return a jaxpr of equations."""
    return with_outputs(_empty().replace(eqns=list(eqns)), outputs, inputs)


@cache
def _empty() -> Any:
    return jax.make_jaxpr(lambda: ())().jaxpr


def with_outputs(jaxpr: Any, outvars: Sequence[Any], extra_inputs: Sequence[Any] = ()) -> Any:
    """Return the jaxpr with other outputs, and more inputs behind its own."""
    invars = [*jaxpr.invars, *extra_inputs]
    debug_info = jaxpr.debug_info._replace(
        arg_names=("",) * len(invars), result_paths=("",) * len(outvars)
    )
    return jaxpr.replace(invars=invars, outvars=list(outvars), debug_info=debug_info)


# --- marks: every equation carries its path through all of jax's transformations ------------


def mark(jaxpr: Any, prefix: str = "") -> Any:
    """Return the jaxpr with each equation's name stack replaced by its path, bodies too."""
    if isinstance(jaxpr, jec.ClosedJaxpr):
        return jaxpr.replace(jaxpr=mark(jaxpr.jaxpr, prefix))
    return jaxpr.replace(eqns=[_marked(e, f"{prefix}{i}") for i, e in enumerate(jaxpr.eqns)])


def _marked(eqn: Any, path: str) -> Any:
    stack = source_info_util.new_name_stack(f"§{path}§")
    info = eqn.source_info.replace(name_stack=stack)
    count = itertools.count()
    params = {
        name: _marked_inside(value, path, count) if isinstance(value, BODIES) else value
        for name, value in eqn.params.items()
    }
    return eqn.replace(params=params, source_info=info)


def _marked_inside(value: Any, path: str, count: Iterator[int]) -> Any:
    """Return a parameter with the programs that it is or holds marked, and numbered by `count`."""
    if is_jaxpr(value):
        return mark(value, f"{path}.{next(count)}.")
    if isinstance(value, tuple) and any(map(is_jaxpr, value)):
        parts = [_marked_inside(part, path, count) for part in value]
        # a NamedTuple (linalg.solve has one) must stay what it is
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def marked_path(eqn: Any) -> tuple[str, str | None, bool]:
    """Return an equation's name stack, and the path in it, the innermost where it has several.

    And whether jax made the equation by transposing: its stack is then "transpose(jvp(...))".
    """
    stack = str(eqn.source_info.name_stack)
    parts = stack.split("§")
    return stack, parts[-2] if len(parts) > 1 else None, "transpose(" in stack


# --- taps ------------------------------------------------------------------------------------


def tap_uses(jaxpr: Any, which: Sequence[int]) -> tuple[Any, list[tuple[str, int, Any]]]:
    """Put a tap on each use, as operand or output, of a value that depends on inputs `which`.

    Returns the jaxpr, whose added inputs stand behind its own, and for each added input the
    path of the equation ("out" for an output), the operand's position and the type.
    """
    template = jax.make_jaxpr(tap_p.bind)(1.0, 1.0).jaxpr.eqns[0]
    uses: list[tuple[str, int, Any]] = []
    extras: list[Any] = []
    eqns: list[Any] = []
    active = _active(jaxpr, which)

    def tapped(var: Any, path: str, position: int, source_info: Any) -> Any:
        if isinstance(var, jec.Literal) or var not in active:
            return var
        extra, result = jec.Var(var.aval), jec.Var(var.aval)
        extras.append(extra)
        uses.append((path, position, var.aval))
        eqns.append(
            template.replace(invars=[var, extra], outvars=[result], source_info=source_info)
        )
        return result

    for index, eqn in enumerate(jaxpr.eqns):
        invars = [tapped(v, str(index), j, eqn.source_info) for j, v in enumerate(eqn.invars)]
        eqns.append(eqn.replace(invars=invars))
    info = template.source_info.replace(name_stack=source_info_util.new_name_stack())
    outvars = [tapped(v, "out", j, info) for j, v in enumerate(jaxpr.outvars)]
    return with_outputs(jaxpr.replace(eqns=eqns), outvars, extras), uses


def _active(jaxpr: Any, which: Sequence[int]) -> set[Any]:
    """Return the variables that carry a derivative when inputs `which` do."""
    active = {jaxpr.invars[i] for i in which}
    for eqn in jaxpr.eqns:
        inputs = (v for v in eqn.invars if not isinstance(v, jec.Literal))
        if eqn.primitive.name != "stop_gradient" and any(v in active for v in inputs):
            active.update(v for v in eqn.outvars if is_inexact(v.aval.dtype))
    return active


# --- kinds of equation: what is done once for many ------------------------------------------

# from this many equations of a kind on, one derivation of their rule is cheaper than many
SHARED_FROM = 8
# and from this many on they are compiled: a compiled primitive is called in half the time of a
# bare one, and jax compiles each kind anyway
COMPILED_FROM = 512


def share_rules(jaxpr: Any) -> Any:
    """Return the jaxpr with each plain equation of a frequent kind inside an inlined jit.

    jax keeps the derivative of what is jitted, and derives that of a bare primitive anew each
    time, which takes most of a trace. jax inlines the jits, so that no trace of them is left.
    """

    def kind(eqn: Any) -> Any:
        like = _kind(eqn)
        return like and (like, *(v.aval for v in eqn.invars))

    frequent = _by_kind(jaxpr.eqns, kind, SHARED_FROM, _inlined)

    def shared(call: Any, eqn: Any) -> Any:
        like = {"invars": eqn.invars, "outvars": eqn.outvars, "source_info": eqn.source_info}
        return eqn if call is None else call.replace(**like)

    return jaxpr.replace(eqns=list(map(shared, frequent, jaxpr.eqns)))


def _by_kind(
    eqns: Sequence[Any], kind: Callable[[Any], Any], least: int, make: Callable[[Any], Any]
) -> list[Any]:
    """Return for each equation what `make` makes of its kind, None where that is not frequent."""
    if len(eqns) < least:
        return [None] * len(eqns)
    kinds = list(map(kind, eqns))
    last = dict(zip(kinds, eqns, strict=True))
    made = {k: make(last[k]) for k, n in Counter(kinds).items() if k is not None and n >= least}
    return list(map(made.get, kinds))


def _kind(eqn: Any) -> Any:
    """Return what equations must have in common to be one function, None for those that are not."""
    kind = eqn.primitive, eqn.ctx, (*eqn.params.items(),)
    try:
        hash(kind)
    except TypeError:  # a parameter that cannot be compared
        return None
    return None if eqn.effects or bodies(eqn) else kind


def _inlined(eqn: Any) -> Any:
    info = eqn.source_info.replace(name_stack=source_info_util.new_name_stack())
    inputs = [jec.Var(v.aval) for v in eqn.invars]
    alone = jaxpr_of([eqn.replace(invars=inputs, source_info=info)], inputs, eqn.outvars)
    run = jax.jit(function_of(jec.ClosedJaxpr(alone, ())))
    call = jax.make_jaxpr(run)(*[v.aval for v in inputs]).jaxpr.eqns[0]
    return call.replace(params=call.params | {"inline": True})


# --- running ---------------------------------------------------------------------------------


def run(equation: RawEquation, operands: Sequence[Any]) -> list[Any]:
    """Run an equation as jax would, its bodies unseen."""
    eqn = equation.eqn
    if not equation.bodies:
        return _bind(eqn.primitive, eqn.ctx, eqn.params, operands)
    pairs = zip(eqn.invars, operands, strict=True)
    given = {v: x for v, x in pairs if not is_literal(v)}
    jaxpr = jaxpr_of([eqn], list(given), eqn.outvars)
    return list(jax.core.eval_jaxpr(jaxpr, (), *given.values()))


def compiled(equations: Sequence[RawEquation]) -> Sequence[Callable[..., list[Any]] | None]:
    """Return for each equation of a frequent kind the function of its operands, compiled."""
    eqns = [equation.eqn for equation in equations]
    return _by_kind(eqns, _kind, COMPILED_FROM, lambda eqn: _compiled(*_kind(eqn)))


@lru_cache(1024)
def _compiled(primitive: Any, ctx: Any, params: Any) -> Callable[..., list[Any]]:
    return jax.jit(lambda *operands: _bind(primitive, ctx, dict(params), operands))


def _bind(primitive: Any, ctx: Any, params: Any, operands: Sequence[Any]) -> list[Any]:
    with ctx.manager:
        out = primitive.bind(*operands, **params)
    return list(out) if primitive.multiple_results else [out]


def function_of(closed: Any) -> Callable[..., list[Any]]:
    """Return a closed jaxpr as a function."""
    return jec.jaxpr_as_fun(closed)  # type: ignore[no-any-return]


# --- traces ----------------------------------------------------------------------------------


def trace(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, Any]:
    """Return the closed jaxpr of `f` at `args`, and the structure of its output."""
    return jax.make_jaxpr(f, return_shape=True)(*args)


def results(jaxpr: Any) -> list[Any]:
    """Return the variables that the equations of a jaxpr make, those of bodies left out."""
    return [v for eqn in opened(jaxpr).eqns for v in eqn.outvars]


def exposing(closed: Any, jaxpr: Any) -> Callable[..., Any]:
    """Return the function of a jaxpr: inputs -> (its outputs, what the equations make).

    `jaxpr` is that of `closed`, changed in a way that keeps its variables.
    """
    count = len(jaxpr.outvars)
    full = with_outputs(jaxpr, [*jaxpr.outvars, *results(closed)])
    run = function_of(jec.ClosedJaxpr(full, closed.consts))

    def function(*inputs: Any) -> tuple[list[Any], list[Any]]:
        values = run(*inputs)
        return values[:count], values[count:]

    return function


@dataclass
class Traced:
    """A derivative program, and which of its variables stand for what."""

    closed: Any
    exposed: list[Any]  # the primal values
    outputs: list[Any]
    derivatives: list[Any]
    tangents: list[Any] = field(default_factory=list)  # of the exposed values
    contributions: list[Any] = field(default_factory=list)  # one for each tap
    residuals: list[Any] = field(default_factory=list)  # what the pullback keeps


def trace_forward(
    function: Callable[..., Any], inputs: Sequence[Any], which: Sequence[int], sizes: int
) -> Traced:
    """Trace the JVP of a function made by `exposing`, differentiated in the inputs `which`."""

    def jvp(leaves: Sequence[Any], tangents: Sequence[Any]) -> Any:
        part = partial_in(function, leaves, which)
        return jax.jvp(part, [leaves[i] for i in which], list(tangents))

    closed = jax.make_jaxpr(jvp)(list(inputs), [_abstract(inputs[i]) for i in which])
    half = len(closed.jaxpr.outvars) // 2
    counts = sizes, half - sizes, sizes, half - sizes
    outputs, exposed, derivatives, tangents = _in_parts(closed.jaxpr.outvars, counts)
    return Traced(closed, exposed, outputs, derivatives, tangents)


def trace_reverse(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    which: Sequence[int],
    cotangents: Sequence[Any],
    taps: Sequence[Any],
) -> Traced:
    """Trace a forward sweep and its pullback, differentiated in the inputs `which`."""
    zeros = [jax.ShapeDtypeStruct(t.shape, t.dtype) for t in taps]

    def vjp(leaves: Sequence[Any], cts: Sequence[Any], extras: Sequence[Any]) -> Any:
        count = len(which)

        def part(*diff: Any) -> Any:
            tapped = partial_in(lambda *xs: function(*xs, *diff[count:]), leaves, which)
            return tapped(*diff[:count])

        chosen = (leaves[i] for i in which)
        out, pullback, exposed = jax.vjp(part, *chosen, *extras, has_aux=True)
        full = [_or_float0(c, o) for c, o in zip(cts, out, strict=True)]
        # the leaves of a pullback are what it keeps; jax lists the same as its residuals
        return out, exposed, pullback(full), jax.tree.leaves(pullback)

    closed, shapes = jax.make_jaxpr(vjp, return_shape=True)(
        list(inputs), [None if c is None else _abstract(c) for c in cotangents], zeros
    )
    counts = *map(len, (shapes[0], shapes[1], which, taps)), len(shapes[3])
    outputs, exposed, derivatives, parts, kept = _in_parts(closed.jaxpr.outvars, counts)
    return Traced(closed, exposed, outputs, derivatives, contributions=parts, residuals=kept)


def _in_parts(items: Iterable[Any], counts: Iterable[int]) -> Iterator[list[Any]]:
    """Yield so many of the items, and then so many."""
    rest = iter(items)
    return (list(itertools.islice(rest, count)) for count in counts)


def trace_linear(
    f: Callable[..., Any], leaves: Sequence[Any], which: Sequence[int], reverse: bool
) -> tuple[Any, Callable[[Sequence[Any]], Traced]]:
    """Differentiate `f` at concrete values, for functions whose Python looks at values.

    Returns the output, and a function from the seeds (None for integers) to the traced linear
    program.
    """
    part = partial_in(f, leaves, which)
    chosen = [leaves[i] for i in which]
    out, linear = jax.vjp(part, *chosen) if reverse else jax.linearize(part, *chosen)
    flat, tree = jax.tree.flatten(out)

    def traced(seeds: Sequence[Any]) -> Traced:
        def run(_: Any, given: Sequence[Any]) -> Any:
            if not reverse:
                return jax.tree.leaves(linear(*(t for t in given if t is not None)))
            cotangents = [_or_float0(c, y) for c, y in zip(given, flat, strict=True)]
            return linear(jax.tree.unflatten(tree, cotangents))

        closed = jax.make_jaxpr(run)(list(leaves), list(seeds))
        return Traced(closed, exposed=[], outputs=[], derivatives=list(closed.jaxpr.outvars))

    return out, traced


def partial_in(
    function: Callable[..., Any], leaves: Sequence[Any], which: Sequence[int]
) -> Callable[..., Any]:
    """Return `function` of the inputs `which` alone, the others fixed."""

    def part(*chosen: Any) -> Any:
        full = list(leaves)
        for index, leaf in zip(which, chosen, strict=True):
            full[index] = leaf
        return function(*full)

    return part


def _or_float0(cotangent: Any, output: Any) -> Any:
    """Return a cotangent, for integers (which have none) what jax takes in its place."""
    return np.zeros(np.shape(output), jax.dtypes.float0) if cotangent is None else cotangent


def _abstract(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(x), dtype_of(x))


# --- bodies ----------------------------------------------------------------------------------

# primitives whose body is simply called with the operands
CALLS = frozenset(["jit", "closed_call", "remat2", "custom_jvp_call", "custom_vjp_call"])


def bodies(eqn: Any) -> list[tuple[str, Any, list[int] | None]]:
    """Return each body's name, its jaxpr, and for each of its inputs the operand's position.

    The order is that of `mark`: the jaxprs among the parameters, one after another.
    """
    found: list[tuple[str, Any, list[int] | None]] = []
    name, params, count = eqn.primitive.name, eqn.params, len(eqn.invars)
    for key, value in params.items():
        if not isinstance(value, BODIES):
            continue  # as in most equations, which have no body
        parts = value if isinstance(value, tuple) else (value,)
        for i, jaxpr in enumerate(parts):
            if not is_jaxpr(jaxpr):
                continue
            positions: list[int] | None = list(range(count))
            label = key.removesuffix("_jaxpr").removesuffix("jaxpr") or "body"
            if name == "cond":
                positions, label = list(range(1, count)), f"branch {i}"
            elif name == "while":
                first, second = params["cond_nconsts"], params["body_nconsts"]
                carry = list(range(first + second, count))
                consts = range(first) if key == "cond_jaxpr" else range(first, first + second)
                positions = [*consts, *carry]
            elif name in CALLS:
                label = "body"
            if positions is not None and len(opened(jaxpr).invars) != len(positions):
                positions = None  # a body that is called in a way of its own
            if len(parts) > 1 and name != "cond":
                label = value._fields[i] if hasattr(value, "_fields") else f"{label} {i}"
            found.append((label, jaxpr, positions))
    return found


def printable_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that say something to a reader: no programs, no functions."""
    return {k: _printable(v) for k, v in params.items() if _worth_showing(v)}


def _worth_showing(value: Any) -> bool:
    if value is None or is_jaxpr(value) or (callable(value) and not isinstance(value, type)):
        return False
    return not (isinstance(value, tuple) and (not value or any(map(is_jaxpr, value))))


def _printable(value: Any) -> Any:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return [_printable(v) for v in value]
    return str(value)[:120]


# --- reading ---------------------------------------------------------------------------------


@dataclass(slots=True)
class RawValue:
    """A variable or a literal, before it has a name."""

    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    literal: Any = None
    is_literal: bool = False


@dataclass(slots=True)
class RawEquation:
    """An equation, before its role is known."""

    primitive: str
    params: Mapping[str, Any]
    operands: list[int]
    results: list[int]
    bodies: list[RawBody]
    path: str
    scope: str  # where jax made it: named scopes, the transforms it came through, marks
    mark: str | None
    transposed: bool
    eqn: Any  # as jax has it
    trips: float | None = None  # of a loop that is run several times, the mean
    runs: int = 0  # how often a `while` was run
    work: float = 0  # operations, filled in from the inside out

    @property
    def traceback(self) -> Any:
        """Where it was made, equal for all that one line of the user's has made."""
        return self.eqn.source_info.traceback

    def count_trips(self, trips: int) -> None:
        """Take note of one run of a `while`."""
        self.trips = ((self.trips or 0) * self.runs + trips) / (self.runs + 1)
        self.runs += 1


@dataclass
class RawBody:
    """The equations of a jaxpr, and the numbers that its variables were given."""

    name: str
    jaxpr: Any
    inputs: list[int]
    consts: list[int]
    outputs: list[int]
    equations: list[RawEquation]
    positions: list[int] | None
    ids: dict[Any, int]
    literals: dict[int, Any]
    runs: int | None = None  # how often a branch was run, where that was seen

    @property
    def arrays(self) -> Sequence[Any]:
        """The values of its constants, where it holds them."""
        return getattr(self.jaxpr, "consts", ())

    @property
    def input_types(self) -> list[Any]:
        """The dtype of each input."""
        return [v.aval.dtype for v in opened(self.jaxpr).invars]

    @property
    def plain(self) -> bool:
        """Whether all its values are numbers, and none is a PRNG key."""
        return all(isinstance(v.aval.dtype, np.dtype) for v in self.ids)

    @property
    def nbytes(self) -> int:
        """The bytes of all its values, literals and those of its own bodies left out."""
        return sum(aval_of(v)[2] for v in self.ids)


def aval_of(atom: Any) -> tuple[tuple[int, ...], str, int]:
    """Return shape, dtype name and size in bytes of a variable or a literal."""
    shape = tuple(getattr(atom.aval, "shape", ()))
    name, itemsize = _dtype_name(getattr(atom.aval, "dtype", None))
    return shape, name, itemsize * math.prod(shape)


def value_of(array: Any) -> RawValue:
    """Return an array, or a Python number, as a value."""
    name, itemsize = _dtype_name(dtype_of(array))
    return RawValue(np.shape(array), name, itemsize * np.size(array))


@cache
def _dtype_name(dtype: Any) -> tuple[str, int]:
    return str(dtype), getattr(dtype, "itemsize", 0)


def read(
    jaxpr: Any,
    values: list[RawValue],
    ids: dict[Any, int] | None = None,
    prefix: str = "",
    name: str = "body",
    positions: list[int] | None = None,
) -> RawBody:
    """Read a jaxpr into plain data, numbering its variables on from the end of `values`.

    `ids` holds variables that have a number already.
    """
    ids = {} if ids is None else ids
    literals: dict[int, Any] = {}
    alike: dict[int, RawValue] = {}  # most variables share a few types, which the jaxpr holds

    def variable(var: Any) -> int:
        number = ids.get(var)
        if number is None:
            number = ids[var] = len(values)
            value = alike.get(id(var.aval))
            if value is None:
                value = alike[id(var.aval)] = RawValue(*aval_of(var))
            values.append(value)
        return number

    def operand(atom: Any) -> int:
        if not isinstance(atom, jec.Literal):
            return variable(atom)
        number = len(values)
        literals[number] = atom.val
        values.append(RawValue(*aval_of(atom), atom.val, True))
        return number

    def equation(index: int, eqn: Any) -> RawEquation:
        path, params, primitive = f"{prefix}{index}", eqn.params, eqn.primitive.name
        nested = [
            read(body, values, None, f"{path}.{k}.", label, places)
            for k, (label, body, places) in enumerate(bodies(eqn))
        ]
        operands, results = [*map(operand, eqn.invars)], [*map(variable, eqn.outvars)]
        trips = params["length"] if primitive == "scan" else None
        # by position: names would cost a third of reading a large program
        return RawEquation(
            primitive, params, operands, results, nested, path, *marked_path(eqn),
            eqn, trips,
        )  # fmt: skip

    inner = opened(jaxpr)
    inputs = [*map(variable, inner.invars)]
    consts = [*map(variable, inner.constvars)]
    equations = [equation(i, eqn) for i, eqn in enumerate(inner.eqns)]
    outputs = [*map(operand, inner.outvars)]
    return RawBody(name, jaxpr, inputs, consts, outputs, equations, positions, ids, literals)


@dataclass
class RawDerivative:
    """A derivative program as it was read, and which of its numbers stand for what."""

    body: RawBody
    known: dict[int, Any]  # primal value -> the number that jax found while it traced
    same: dict[int, int]  # primal value -> another that jax made one with it
    tangents: list[int | None]  # one for each primal value that an equation makes
    contributions: list[int | None]  # one for each tap
    residuals: list[int]


def read_derivative(
    traced: Traced, closed: Any, primal: RawBody, values: list[RawValue]
) -> RawDerivative:
    """Read the program of a derivative, its primal values under the numbers they have."""
    jaxpr = traced.closed.jaxpr
    ids = dict(zip(jaxpr.invars, primal.inputs, strict=False))
    by_array = {id(c): i for c, i in zip(closed.consts, primal.consts, strict=True)}
    for var, const in zip(jaxpr.constvars, traced.closed.consts, strict=True):
        if id(const) in by_array:
            ids[var] = by_array[id(const)]
    known, same = {}, {}
    made = (r for e in primal.equations for r in e.results)
    for value, shown in zip(made, traced.exposed, strict=True):
        if is_literal(shown):
            known[value] = shown.val
        elif shown in ids:
            same[value] = ids[shown]
        else:
            ids[shown] = value
    count = len(jaxpr.invars) - len(traced.contributions)
    body = read(_trimmed(traced, count), values, ids, name="program")

    def numbers(variables: Sequence[Any]) -> list[int | None]:
        return [None if is_literal(v) else body.ids.get(v) for v in variables]

    kept = [n for n in numbers(traced.residuals) if n is not None]
    literals = [v for v in traced.residuals if is_literal(v)]
    kept += range(len(values), len(values) + len(literals))
    values += [RawValue(*aval_of(v), v.val, True) for v in literals]
    tangents, contributions = numbers(traced.tangents), numbers(traced.contributions)
    return RawDerivative(body, known, same, tangents, contributions, kept)


def _trimmed(traced: Traced, inputs: int) -> Any:
    """Return the jaxpr, closed, with its real inputs and outputs and what these need."""
    jaxpr = traced.closed.jaxpr
    outputs = [*traced.outputs, *traced.derivatives]
    ends = [*outputs, *traced.exposed, *traced.residuals]
    needed = {v for v in ends if not is_literal(v)}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        if not needed.isdisjoint(eqn.outvars) or marked_path(eqn)[1] is not None:
            needed.update(v for v in eqn.invars if not is_literal(v))
            kept.append(eqn)
    cut = jaxpr.replace(eqns=kept[::-1], invars=list(jaxpr.invars)[:inputs])
    return jec.ClosedJaxpr(with_outputs(cut, outputs), traced.closed.consts)


def source_line(equation: RawEquation) -> str:
    """Return "file:line:column (function)" of the user's line behind an equation, or ""."""
    return str(source_info_util.summarize(equation.eqn.source_info))


def library_call(equation: RawEquation, file: str, line: int) -> str:
    """Return the public function that the user's line called, or "" where it called none."""
    frames = equation.traceback.frames  # the innermost first
    user = next((k for k, f in enumerate(frames) if (f.file_name, f.line_num) == (file, line)), 0)
    names = [frame.function_name for frame in reversed(frames[1:user])]
    return next((name for name in names if name.isidentifier() and name[0] != "_"), "")
