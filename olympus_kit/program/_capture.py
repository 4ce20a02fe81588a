"""Capture a function at a point: trace it, follow every equation, compute every value."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jax
import numpy as np

from . import _jaxprs as jaxprs
from ._arguments import STATIC, Arguments, check_output, describe, read_arguments
from ._build import Build
from ._evaluate import evaluate
from ._impure import IMPURE, left_behind, outside, user_line
from ._model import Mode, Program

# what jax raises where Python asks for a number that a trace does not have
UNKNOWN = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
# above this many equations the contributions to each adjoint are not followed one by one
TAP_LIMIT = 500


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Hold back the garbage collector, which would walk the growing tables again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collecting()
def capture(
    f: Callable[..., Any],
    *args: Any,
    mode: Mode = "reverse",
    argnums: int | Sequence[int] | None = None,
    tangents: Sequence[Any] | None = None,
    cotangents: Any = None,
) -> Program:
    """Return the program that jax evaluates for `f` at `args` in one mode.

    Args:
        f: a function of numbers, arrays and containers of them, returning such.
        *args: the point, one value for each parameter of `f`.
        mode: "primal" (f itself), "forward" (jvp) or "reverse" (vjp, there and back).
        argnums: which arguments to differentiate; every inexact leaf of all where None.
        tangents: one for each differentiated argument, of its structure and shape; ones
            where None.
        cotangents: of the structure and shape of the output; ones where None, which makes an
            output of several entries count as their sum.

    Raises:
        TypeError: for what is no function, a leaf that is no number, an output that is none,
            or nothing to differentiate.
        ValueError: for an unknown mode, or a tangent or cotangent of another shape.

    ```python
    import olympus.numpy as jnp
    from olympus_kit.program import capture

    p = capture(lambda x: jnp.sin(x) * x, 2.0)
    p.in_cotangents  # (Array(0.07700372, dtype=float32),), as from jax.vjp
    len(p.residuals)  # 3: what the way back has to remember
    ```
    """
    arguments = read_arguments(f, args, mode, argnums)
    _check_seeds(mode, tangents, cotangents)
    before = outside(f)
    try:
        closed, tree = _trace_primal(f, arguments)
    except UNKNOWN as error:
        why = type(error).__name__
        return _capture_linear(f, arguments, mode, tangents, cotangents, why)
    build = Build(arguments, closed)
    build.notes += left_behind(f, arguments.name, before)
    _note_fixed(build)
    _note_order(build)
    inputs = arguments.leaves
    if mode == "primal":
        return _primal(build, inputs, tree)
    exposed = [v for eqn in closed.jaxpr.eqns for v in eqn.outvars]
    if mode == "forward":
        seeds = _tangents(arguments, tangents)
        function = jaxprs.exposing(closed, jaxprs.share_rules(jaxprs.mark(closed.jaxpr)), exposed)
        traced = jaxprs.trace_forward(function, inputs, arguments.which, len(closed.out_avals))
        return _finish(build, "forward", traced, seeds, tree, [])
    full, notes = _cotangents(closed.out_avals, tree, cotangents)
    traced, uses = _trace_reverse(build, exposed, full)
    build.notes += notes
    return _finish(build, "reverse", traced, [c for c in full if c is not None], tree, uses)


def _check_seeds(mode: Mode, tangents: Any, cotangents: Any) -> None:
    given = {"tangents": ("forward", tangents), "cotangents": ("reverse", cotangents)}
    for name, (needed, seeds) in given.items():
        if seeds is not None and mode != needed:
            raise ValueError(f"{name} belong to mode={needed!r}; got them with mode={mode!r}.")


def _note_fixed(build: Build) -> None:
    if build.arguments.fixed:
        build.notes.append(
            f"{build.arguments.name} could not be traced for every value of "
            f"{', '.join(build.arguments.others)}, so it was called again with what was given, "
            "as jax.grad calls it"
        )


def _note_order(build: Build) -> None:
    """Say so where the function is itself a derivative."""
    derived = [s for s in build.scopes.values() if "jvp(" in s]
    if derived:
        twice = any(s.count("jvp(") > 1 for s in derived)
        build.notes.append(
            f"{build.arguments.name} is itself a derivative{' of a derivative' * twice}: "
            f"{len(derived)} of its equations came out of jvp or its transpose"
        )


def _capture_linear(
    f: Callable[..., Any],
    arguments: Arguments,
    mode: Mode,
    tangents: Sequence[Any] | None,
    cotangents: Any,
    why: str,
) -> Program:
    """Capture what jax allows of a function whose Python looks at values.

    jax differentiates it at concrete values, and keeps the linear program alone.
    """
    leaves, which, name = arguments.leaves, arguments.which, arguments.name
    empty = jax.make_jaxpr(lambda *_: ())(*leaves)
    build = Build(arguments, empty)
    build.linear = True
    build.notes.append(
        f"{name} decides with Python on values ({why}), so it was called again, at these "
        "values, and jax keeps no primal program of it"
        + (
            ": there is nothing to show but the result; other modes show its linear program"
            if mode == "primal"
            else f"; this is the linear program at this point, for the branch that {name} took"
        )
    )
    called = arguments.call(f)
    with _said(f"This came up while {name} was called at the point it was given"):
        if mode == "primal":
            return build.program(mode, build.primal, called(*leaves))
        out, trace = jaxprs.trace_linear(called, leaves, which, reverse=mode == "reverse")
    check_output(out, name)
    shapes, tree = jax.tree.flatten(out)
    seeds: list[Any]
    if mode == "forward":
        seeds = _tangents(arguments, tangents)
    else:
        full, notes = _cotangents(shapes, tree, cotangents)
        seeds = [c for c in full if c is not None]
        build.notes += notes
    return _finish(build, mode, trace(seeds), seeds, tree, [], shapes)


def _trace_reverse(
    build: Build, exposed: Sequence[Any], seeds: Sequence[Any]
) -> tuple[jaxprs.Traced, list[tuple[str, int]]]:
    """Trace the reverse program, with taps where they fit and disturb no derivative rule."""

    def trace(jaxpr: Any, taps: Sequence[Any]) -> jaxprs.Traced:
        function = jaxprs.exposing(build.closed, jaxprs.share_rules(jaxpr), exposed)
        leaves, which = build.arguments.leaves, build.arguments.which
        return jaxprs.trace_reverse(function, leaves, which, seeds, taps)

    marked = jaxprs.mark(build.closed.jaxpr)
    if len(exposed) <= TAP_LIMIT:
        tapped, uses = jaxprs.tap_uses(marked, build.arguments.which)
        try:
            traced = trace(tapped, [aval for _, _, aval in uses])
        except (TypeError, ValueError, NotImplementedError):
            pass  # a rule that stops derivatives in its own way; jax itself is asked below
        else:
            return traced, [(path, position) for path, position, _ in uses]
    build.notes.append("contributions to each adjoint are not told apart in this program")
    with _said(f"jax has no reverse mode for {build.arguments.name} (try mode='forward')"):
        return trace(marked, []), []


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Put what failed, and the user's line, before the other notes of an error that passes on."""
    try:
        yield
    except Exception as error:
        ours = [f"{what}{user_line(error)}."]
        ours += [IMPURE] * isinstance(error, jax.errors.UnexpectedTracerError)
        error.__notes__ = [*ours, *getattr(error, "__notes__", [])]
        raise


def _trace_primal(f: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
    """Trace `f`, where need be with all that is not differentiated held at its number."""
    try:
        return _traced(f, arguments)
    except Exception:
        if not arguments.others:
            raise
    arguments.fixed = True  # a length or a flag, say, which Python itself asks for
    return _traced(f, arguments)


def _traced(f: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
    called = arguments.call(f)

    @wraps(called)
    def checked(*leaves: Any) -> Any:
        out = called(*leaves)
        check_output(out, arguments.name)
        return out

    with _said(f"This came up while {arguments.name} was traced at the point it was given"):
        closed, shapes = jaxprs.trace(checked, arguments.leaves)
    if any(isinstance(c, jax.core.Tracer) for c in closed.consts):
        raise TypeError(f"{arguments.name} cannot be captured. {IMPURE}")
    return closed, jax.tree.structure(shapes)


def _primal(build: Build, inputs: Sequence[Any], tree: Any) -> Program:
    out = evaluate(build.primal, build.closed.consts, inputs, build.record)
    return build.program("primal", build.primal, jax.tree.unflatten(tree, out))


def _finish(
    build: Build,
    mode: Mode,
    traced: jaxprs.Traced,
    seeds: Sequence[Any],
    tree: Any,
    uses: list[tuple[str, int]],
    known: Sequence[Any] = (),
) -> Program:
    """Evaluate a derivative program; `known` are the outputs where it does not compute them."""
    body = build.read_derivative(mode, traced, uses)
    arrays = [*build.arguments.leaves, *seeds]
    with _said(f"jax could not evaluate the {mode} mode of {build.arguments.name}"):
        out = evaluate(body, traced.closed.consts, arrays, build.record)
    build.complete_primal(evaluate)
    size = len(traced.outputs)
    primal = jax.tree.unflatten(tree, out[:size] or list(known))
    if mode == "forward":
        return build.program(mode, body, primal, out_tangent=jax.tree.unflatten(tree, out[size:]))
    return build.program(mode, body, primal, in_cotangents=_in_cotangents(build, out[size:]))


def _in_cotangents(build: Build, found: Sequence[Any]) -> tuple[Any, ...]:
    arguments = build.arguments
    by_leaf = dict(zip(arguments.which, found, strict=True))

    def leaf(index: int) -> Any:
        if index == STATIC:
            return None
        shape = np.shape(arguments.leaves[index])
        return by_leaf[index] if index in by_leaf else np.zeros(shape, jax.dtypes.float0)

    return tuple(jax.tree.map(leaf, t) for t in arguments.diff_trees)


def _tangents(arguments: Arguments, tangents: Sequence[Any] | None) -> list[Any]:
    leaves = [arguments.leaves[i] for i in arguments.which]
    if tangents is None:
        return [_ones_like(x) for x in leaves]
    count = len(arguments.diff_trees)
    if not isinstance(tangents, (tuple, list)) or len(tangents) != count:
        raise ValueError(
            f"tangents must be a tuple with one tangent for each of the {count} differentiated "
            f"arguments, as for jax.jvp; got {tangents!r}."
        )
    by_leaf: dict[int, Any] = {}
    for numbers, tangent in zip(arguments.diff_trees, tangents, strict=True):
        expected, tree = jax.tree.flatten(numbers)
        by_leaf.update(zip(expected, _leaves("tangent", tree, tangent), strict=True))
    names = [arguments.names[i] for i in arguments.which]
    given = [by_leaf[i] for i in arguments.which]
    return [_shaped("tangent", n, x, t) for n, x, t in zip(names, leaves, given, strict=True)]


def _cotangents(shapes: Sequence[Any], tree: Any, cotangents: Any) -> tuple[list[Any], list[str]]:
    """Return a cotangent for each output, None for those that have no derivative."""
    kinds = [(shape, jaxprs.is_inexact(jaxprs.dtype_of(shape))) for shape in shapes]
    if not any(inexact for _, inexact in kinds):
        raise TypeError("The output holds no real or complex number: its derivative is empty.")
    if cotangents is None:
        several = sum(math.prod(np.shape(a)) for a, inexact in kinds if inexact) > 1
        notes = ["sum of outputs: every entry of the cotangent is 1"] if several else []
        return [_ones_like(a) if inexact else None for a, inexact in kinds], notes
    found = _leaves("cotangent", tree, cotangents)
    names = [f"output {i}" for i in range(len(kinds))]
    return [
        _shaped("cotangent", n, a, c) if inexact else None
        for n, (a, inexact), c in zip(names, kinds, found, strict=True)
    ], []


def _leaves(what: str, tree: Any, given: Any) -> list[Any]:
    leaves, found = jax.tree.flatten(given)
    if found != tree:
        raise ValueError(
            f"The {what} must have the structure of what it belongs to: {tree} was expected, "
            f"{found} came."
        )
    return leaves


def _ones_like(x: Any) -> Any:
    return jax.numpy.ones(np.shape(x), jaxprs.dtype_of(x))


def _shaped(what: str, name: str, x: Any, seed: Any) -> Any:
    dtype = jaxprs.dtype_of(x)
    try:
        array = jax.numpy.asarray(seed)
    except (TypeError, ValueError):  # a text, a list of unequal rows
        array = None
    if array is None or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"The {what} of {name} must be of type {dtype}; got {describe(seed)}.")
    if array.shape != np.shape(x):
        raise ValueError(
            f"The {what} of {name} must have its shape, {np.shape(x)}; got {array.shape}."
        )
    return array.astype(dtype)
