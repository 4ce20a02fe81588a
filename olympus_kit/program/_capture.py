"""Capture a function at a point: trace it, follow every equation, compute every value."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jax
import numpy as np

from . import jaxprs
from ._arguments import STATIC, Argnums, Arguments, check_output, read_arguments
from ._evaluate import evaluate
from ._impure import IMPURE, left_behind, outside, user_line
from ._model import Mode, Program
from ._record import Recording
from ._seeds import SUM, forward_seeds, is_sum, reverse_seeds, seeds_for_mode

Function = Callable[..., Any]

# what jax raises where Python asks for a number that a trace does not have
NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
# above this many values adjoints and contributions are not followed one by one
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
    f: Function,
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
        mode: "primal" (f itself), "forward" (jvp) or "reverse" (vjp: forward and backward pass).
        argnums: the arguments to differentiate with respect to, the first by default as in
            `jax.grad`; "all" for all of them.
        tangents: one for each differentiated argument, of its structure and shape; defaults to
            ones.
        cotangents: of the structure and shape of the output; defaults to ones, which makes an
            output of several entries count as their sum.

    Returns:
        The program: equations with their roles, values, adjoints, residuals, costs.

    Raises:
        TypeError: for a first argument that is not a function, a non-numeric leaf or output, or
            nothing to differentiate.
        ValueError: for an unknown mode, or a tangent or cotangent of another shape.

    ```python
    import olympus.numpy as jnp
    from olympus_kit.program import capture

    p = capture(lambda x: jnp.sin(x) * x, 2.0)
    p.in_cotangents  # (Array(0.07700372, dtype=float32),), as from jax.vjp
    len(p.residuals)  # 3: what the backward pass needs of the forward pass
    ```
    """
    arguments = read_arguments(f, args, mode, argnums)
    seeds = seeds_for_mode(mode, tangents, cotangents)
    _refuse_inside_a_trace(arguments.name)
    try:
        return _capture(f, arguments, mode, seeds)
    except Exception as error:
        others = set(arguments.others) - arguments.fixed
        if others:
            # a length or a flag, say, which Python itself asks for: what is not differentiated
            # keeps its value, as when jax.grad calls f
            arguments.fixed |= others
            note = _fixed_note(arguments, others)
            return _capture_at_values(f, arguments, mode, seeds, note)
        if isinstance(error, NEEDS_VALUES):
            return _capture_linear(
                f, arguments, mode, seeds, type(error).__name__
            )
        raise


def _refuse_inside_a_trace(name: str) -> None:
    # inside jit every operation is traced, those on constants too
    if isinstance(jax.numpy.add(0, 0), jax.core.Tracer):
        raise TypeError(
            f"{name} is being captured inside jit, grad or vmap, where there are no numbers to "
            "show: call it outside of them."
        )


def _fixed_note(arguments: Arguments, others: set[int]) -> str:
    names = ", ".join(arguments.names[number] for number in sorted(others))
    return (
        f"{arguments.name} could not be traced for every value of {names}, so it was called again "
        "with the values themselves, as jax.grad calls it"
    )


def _capture_at_values(
    f: Function, arguments: Arguments, mode: Mode, seeds: Any, note: str
) -> Program:
    """Capture `f` once more, all that is not differentiated held at its value."""
    try:
        return _capture(f, arguments, mode, seeds, note)
    except NEEDS_VALUES as error:
        return _capture_linear(f, arguments, mode, seeds, type(error).__name__)


def _capture(
    f: Function, arguments: Arguments, mode: Mode, given: Any, note: str = ""
) -> Program:
    before = outside(f)
    closed, tree = _trace_primal(f, arguments)
    with jaxprs.precision_of(jaxprs.avals_of(closed)):
        recording = Recording(arguments, closed)
        recording.notes.extend([note] * bool(note))
        recording.notes.extend(left_behind(f, arguments.name, before))
        recording.notes.extend(_remarks(recording))
        if mode == "primal":
            out = evaluate(recording.primal, arguments.leaves, recording.record)
            return recording.program(
                mode, recording.primal, jax.tree.unflatten(tree, out)
            )
        if mode == "forward":
            seeds = forward_seeds(arguments, given)
            traced = _trace_forward(recording)
            return _finish(recording, mode, traced, [], seeds, tree)
        seeds = reverse_seeds(jaxprs.output_types(closed), tree, given)
        if given is None and is_sum(jaxprs.output_types(closed)):
            recording.notes.append(SUM)
        traced, taps = _trace_reverse(recording, seeds)
        return _finish(recording, mode, traced, taps, seeds, tree)


def _trace_primal(f: Function, arguments: Arguments) -> tuple[Any, Any]:
    """Return the closed program of `f`, and the structure of its output."""
    called = arguments.as_function_of_leaves(f)

    # a function object of our own: jax caches traces by the identity of the function, and
    # would show an old program where a global that `f` reads has changed
    @wraps(called)
    def checked(*leaves: Any) -> Any:
        out = called(*leaves)
        check_output(out, arguments.name)
        return out

    with _reraise_with_context(f"Raised while tracing {arguments.name}"):
        closed, shapes = jaxprs.trace(checked, arguments.leaves)
    if any(isinstance(c, jax.core.Tracer) for c in jaxprs.constants(closed)):
        raise TypeError(f"{arguments.name} cannot be captured. {IMPURE}")
    jaxprs.refuse_unsupported(closed, arguments.name)
    return closed, jax.tree.structure(shapes)


def _remarks(recording: Recording) -> Iterator[str]:
    """Yield what a reader should know of f itself."""
    name = recording.arguments.name
    scopes = [equation.scope for equation in recording.primal.equations]
    derived = [scope for scope in scopes if "jvp(" in scope]
    if derived:
        part = "is itself" if len(derived) == len(scopes) else "contains"
        order = "a derivative"
        if any(scope.count("jvp(") > 1 for scope in derived):
            order = "a derivative of a derivative"
        yield (
            f"{name} {part} {order}: {len(derived)} of its {len(scopes)} equations came out of "
            "jvp or its transpose"
        )


def _trace_forward(recording: Recording) -> jaxprs.Traced:
    closed, arguments = recording.closed, recording.arguments
    noted = _with_notes(jaxprs.mark(jaxprs.open_jaxpr(closed)))
    function = jaxprs.exposing(closed, jaxprs.share_rules(noted))
    outputs = len(jaxprs.output_types(closed))
    with _reraise_with_context(f"jax has no forward mode for {arguments.name}"):
        return jaxprs.trace_forward(
            function, arguments.leaves, arguments.which, outputs
        )


def _with_notes(marked: Any) -> Any:
    """Return a marked program in which jax tells the derivatives of values in bodies, too."""
    if 0 < jaxprs.count_inside(marked) <= TAP_LIMIT:
        return jaxprs.with_notes(marked)
    return marked


def _trace_reverse(
    recording: Recording, seeds: Sequence[Any]
) -> tuple[jaxprs.Traced, list[jaxprs.Tap]]:
    """Trace the reverse program, with taps where they fit and disturb no derivative rule."""
    closed, arguments = recording.closed, recording.arguments
    marked = jaxprs.mark(jaxprs.open_jaxpr(closed))

    def trace(jaxpr: Any, taps: Sequence[jaxprs.Tap]) -> jaxprs.Traced:
        function = jaxprs.exposing(closed, jaxprs.share_rules(jaxpr))
        types = [tap.type for tap in taps]
        return jaxprs.trace_reverse(
            function, arguments.leaves, arguments.which, seeds, types
        )

    if len(jaxprs.primal_variables(closed)) <= TAP_LIMIT:
        try:
            noted = _with_notes(marked)
            tapped, taps = jaxprs.tap(noted, arguments.which)
            traced = trace(tapped, taps)
            places = jaxprs.taps_without_flow(traced)
            if places:
                still = {taps[place].variable for place in places}
                tapped, taps = jaxprs.tap(noted, arguments.which, still)
                traced = trace(tapped, taps)
            return traced, taps
        except (TypeError, ValueError, NotImplementedError):
            pass  # a rule that stops derivatives in its own way; jax itself is asked below
        why = "a derivative rule in this program leaves no room to follow single values"
    else:
        why = f"this program has more than {TAP_LIMIT} values"
    recording.notes.append(
        f"{why}, so adjoint contributions are not shown separately"
    )
    with _reraise_with_context(
        f"jax has no reverse mode for {arguments.name} (try mode='forward')"
    ):
        return trace(marked, []), []


def _finish(
    recording: Recording,
    mode: Mode,
    traced: jaxprs.Traced,
    taps: Sequence[jaxprs.Tap],
    seeds: Sequence[Any],
    tree: Any,
    outputs: Sequence[Any] = (),
) -> Program:
    """Evaluate a derivative program; `outputs` are f's where it does not compute them."""
    arguments = recording.arguments
    body = recording.read_derivative(mode, traced, taps)
    arrays = [*arguments.leaves, *[s for s in seeds if s is not None]]
    advice = (
        " (try mode='reverse')" if mode == "forward" else ""
    )  # a custom_vjp has no jvp
    with _reraise_with_context(
        f"jax could not evaluate the {mode} mode of {arguments.name}{advice}"
    ):
        inputs = recording.inputs_of_second_run()
        out = evaluate(body, arrays, recording.record)
    recording.complete_primal(inputs)
    count = len(traced.outputs)
    primal = jax.tree.unflatten(tree, out[:count] or list(outputs))
    derivatives = out[count:]
    if mode == "forward":
        tangent = jax.tree.unflatten(tree, derivatives)
        return recording.program(mode, body, primal, out_tangent=tangent)
    cotangents = _in_cotangents(arguments, derivatives)
    return recording.program(mode, body, primal, in_cotangents=cotangents)


def _in_cotangents(
    arguments: Arguments, derivatives: Sequence[Any]
) -> tuple[Any, ...]:
    """Return the cotangents in the structure of the differentiated arguments."""
    by_leaf = dict(zip(arguments.which, derivatives, strict=True))

    def cotangent(number: int) -> Any:
        if number == STATIC:
            return None
        if number in by_leaf:
            return by_leaf[number]
        return np.zeros(np.shape(arguments.leaves[number]), jax.dtypes.float0)

    return tuple([
        jax.tree.map(cotangent, tree) for tree in arguments.diff_trees
    ])


def _capture_linear(
    f: Function, arguments: Arguments, mode: Mode, given: Any, why: str
) -> Program:
    """Capture what jax allows of a function whose Python looks at values.

    jax differentiates it at concrete values, and keeps the linear program alone.
    """
    leaves, name = arguments.leaves, arguments.name
    empty = jax.make_jaxpr(lambda *_: ())(*leaves)
    recording = Recording(arguments, empty, is_linear=True)
    recording.notes.append(_linear_note(name, mode, why))
    function = arguments.as_function_of_leaves(f)
    with _reraise_with_context(f"Raised while calling {name} at the point"):
        if mode == "primal":
            out = function(*leaves)
            check_output(out, name)
            evaluate(
                recording.primal, leaves, recording.record
            )  # there are but the inputs
            recording.add_outputs(jax.tree.leaves(out))
            return recording.program(mode, recording.primal, out)
        out, trace = jaxprs.trace_linear(
            function, leaves, arguments.which, reverse=mode == "reverse"
        )
    check_output(out, name)
    outputs, tree = jax.tree.flatten(out)
    recording.add_outputs(outputs)
    if mode == "forward":
        seeds = forward_seeds(arguments, given)
    else:
        seeds = reverse_seeds(outputs, tree, given)
        if given is None and is_sum(outputs):
            recording.notes.append(SUM)
    return _finish(recording, mode, trace(seeds), [], seeds, tree, outputs)


def _linear_note(name: str, mode: Mode, why: str) -> str:
    begin = (
        f"{name} uses Python control flow on traced values ({why}), so it was called again, at "
        "these values, and jax keeps no primal program of it"
    )
    if mode == "primal":
        return (
            f"{begin}: there is nothing to show but the result; other modes "
            "show its linear program"
        )
    return f"{begin}; this is the linear program at this point, for the branch that {name} took"


@contextmanager
def _reraise_with_context(context: str) -> Iterator[None]:
    """Put what failed, and the user's line, before the other notes of an error that passes on."""
    try:
        yield
    except Exception as error:
        notes = [f"{context}{user_line(error)}."]
        if isinstance(error, jax.errors.UnexpectedTracerError):
            notes.append(IMPURE)
        if isinstance(error, jax.errors.TracerArrayConversionError):
            notes.append(
                "A function of NumPy met a traced value: use the one of olympus.numpy (jnp) of "
                "the same name, which jax can trace."
            )
        error.__notes__ = [*notes, *getattr(error, "__notes__", [])]
        raise
