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
from ._arguments import STATIC, Argnums, Arguments, check_output, describe, read_arguments
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
    argnums: Argnums = 0,
    tangents: Sequence[Any] | None = None,
    cotangents: Any = None,
) -> Program:
    """Return the program that jax evaluates for `f` at `args` in one mode.

    Args:
        f: a function of numbers, arrays and containers of them, returning such.
        *args: the point, one value for each parameter of `f`.
        mode: "primal" (f itself), "forward" (jvp) or "reverse" (vjp, there and back).
        argnums: which arguments to differentiate, the first by default; "all" for all of them.
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
    given = _belonging(mode, tangents, cotangents)
    before = outside(f)
    try:
        closed, tree = _trace_primal(f, arguments)
    except UNKNOWN as error:
        return _capture_linear(f, arguments, mode, given, type(error).__name__)
    build = Build(arguments, closed)
    build.notes += [*left_behind(f, arguments.name, before), *_remarks(build)]
    if mode == "primal":
        out = evaluate(build.primal, arguments.leaves, build.record)
        return build.program(mode, build.primal, jax.tree.unflatten(tree, out))
    seeds = _seeds(build, mode, closed.out_avals, tree, given)
    if mode == "reverse":
        return _finish(build, mode, *_trace_reverse(build, seeds), seeds, tree)
    function = jaxprs.exposing(closed, jaxprs.share_rules(jaxprs.mark(closed.jaxpr)))
    count = len(closed.out_avals)
    traced = jaxprs.trace_forward(function, arguments.leaves, arguments.which, count)
    return _finish(build, mode, traced, [], seeds, tree)


def _remarks(build: Build) -> Iterator[str]:
    name, others = build.arguments.name, ", ".join(build.arguments.others)
    if build.arguments.fixed:
        yield (
            f"{name} could not be traced for every value of {others}, so it was called again "
            "with what was given, as jax.grad calls it"
        )
    derived = [s for s in build.scopes.values() if "jvp(" in s]
    if derived:
        twice = any(s.count("jvp(") > 1 for s in derived)
        part = "is itself" if len(derived) == len(build.primitives) else "contains"
        yield (
            f"{name} {part} a derivative{' of a derivative' * twice}: {len(derived)} of its "
            f"{len(build.primitives)} equations came out of jvp or its transpose"
        )


def _capture_linear(
    f: Callable[..., Any], arguments: Arguments, mode: Mode, given: Any, why: str
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
            out = called(*leaves)
            check_output(out, name)
            evaluate(build.primal, leaves, build.record)  # there are but the inputs
            build.add_outputs(jax.tree.leaves(out))
            return build.program(mode, build.primal, out)
        out, trace = jaxprs.trace_linear(called, leaves, which, reverse=mode == "reverse")
    check_output(out, name)
    shapes, tree = jax.tree.flatten(out)
    build.add_outputs(shapes)
    seeds = _seeds(build, mode, shapes, tree, given)
    return _finish(build, mode, trace(seeds), [], seeds, tree, shapes)


def _trace_reverse(
    build: Build, seeds: Sequence[Any]
) -> tuple[jaxprs.Traced, list[tuple[str, int]]]:
    """Trace the reverse program, with taps where they fit and disturb no derivative rule."""

    def trace(jaxpr: Any, taps: Sequence[Any]) -> jaxprs.Traced:
        function = jaxprs.exposing(build.closed, jaxprs.share_rules(jaxpr))
        leaves, which = build.arguments.leaves, build.arguments.which
        return jaxprs.trace_reverse(function, leaves, which, seeds, taps)

    marked = jaxprs.mark(build.closed.jaxpr)
    if len(jaxprs.results(build.closed)) <= TAP_LIMIT:
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

    # a function object of our own: jax caches traces by the identity of the function, and
    # would show an old program where a global that `f` reads has changed
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


def _finish(
    build: Build,
    mode: Mode,
    traced: jaxprs.Traced,
    uses: list[tuple[str, int]],
    seeds: Sequence[Any],
    tree: Any,
    known: Sequence[Any] = (),
) -> Program:
    """Evaluate a derivative program; `known` are the outputs where it does not compute them."""
    body = build.read_derivative(mode, traced, uses)
    arrays = [*build.arguments.leaves, *_known(seeds)]
    other = " (try mode='reverse')" * (mode == "forward")  # a custom_vjp has no jvp
    with _said(f"jax could not evaluate the {mode} mode of {build.arguments.name}{other}"):
        out = evaluate(body, arrays, build.record)
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


def _belonging(mode: Mode, tangents: Any, cotangents: Any) -> Any:
    """Return those of the two that a mode starts from."""
    if (tangents is not None and mode != "forward") or (
        cotangents is not None and mode != "reverse"
    ):
        raise ValueError(
            f"tangents belong to mode='forward', cotangents to mode='reverse'; got mode={mode!r}."
        )
    return tangents if mode == "forward" else cotangents


def _seeds(build: Build, mode: Mode, outputs: Sequence[Any], tree: Any, given: Any) -> list[Any]:
    """Return the tangent of each input or the cotangent of each output, None for integers."""
    arguments, what, likes = build.arguments, "cotangent", outputs
    names = [f"output {i}" for i in range(len(outputs))]
    if mode == "forward":
        numbers, tree = jax.tree.flatten(arguments.diff_trees)
        what, names = "tangent", [arguments.names[k] for k in numbers]
        likes = [0 if k == STATIC else arguments.leaves[k] for k in numbers]
    moving = [jaxprs.is_inexact(jaxprs.dtype_of(x)) for x in likes]
    if not any(moving):
        raise TypeError("The output holds no real or complex number: its derivative is empty.")
    if given is None:
        entries = sum(math.prod(np.shape(x)) for x, m in zip(likes, moving, strict=True) if m)
        if mode == "reverse" and entries > 1:
            build.notes.append("sum of outputs: every entry of the cotangent is 1")
        given = [np.ones(np.shape(x)) for x in likes]
    else:
        given, found = jax.tree.flatten(given)
        if found != tree:
            raise ValueError(
                f"The {what}s must have the structure of what they belong to: {tree} was "
                f"expected, {found} came."
            )
    return [
        _seed(f"{what} of {n}", x, s) if m else None
        for n, x, s, m in zip(names, likes, given, moving, strict=True)
    ]


def _seed(what: str, x: Any, given: Any) -> Any:
    dtype = jaxprs.dtype_of(x)
    try:
        array = jax.numpy.asarray(given)
    except (TypeError, ValueError):  # a text, a list of unequal rows
        array = None
    if array is None or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"The {what} must be of type {dtype}; got {describe(given)}.")
    if array.shape != np.shape(x):
        raise ValueError(f"The {what} must have its shape, {np.shape(x)}; got {array.shape}.")
    return array.astype(dtype)


def _known(seeds: Sequence[Any]) -> list[Any]:
    return [s for s in seeds if s is not None]
