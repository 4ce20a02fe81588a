"""What an answer's own program shows: its largest array, its mode, a quotient, a NaN."""

import functools
import inspect
import linecache
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jax

from ..program import (
    Equation,
    Outline,
    Program,
    Value,
    capture,
    largest_made,
    outline,
)
from ..views import statement, value_text
from .run import inputs
from .spec import Arguments

Answer = Callable[..., Any]

MOVES = ("add", "sub", "mul", "scatter-add")

# what the scopes of a program hold that was differentiated so, the sharpest first
MODES = {
    "transpose(jvp(transpose(": "reverse-over-reverse",
    "transpose(jvp(jvp(": "reverse-over-forward",
    "jvp(transpose(": "forward-over-reverse",
    "jvp(jvp(": "forward-over-forward",
    "transpose(": "reverse",
    "jvp(": "forward",
}


def program_of(
    answer: Answer, arguments: Arguments, precision: str
) -> Program | None:
    """The program that jax evaluates for the answer; None where it cannot be traced.

    An answer in plain NumPy cannot be traced. It is not wrong for that: its cost is just unknown.
    """
    with jax.enable_x64(precision == "float64"):
        call, arrays = _of_arrays(answer, arguments, precision)
        try:
            return capture(call, *arrays, mode="primal", argnums="all")
        except Exception:
            return None


def outline_of(
    answer: Answer, arguments: Arguments, precision: str
) -> Outline | None:
    """The same without numbers, which takes a fraction of the time; None where it fails."""
    with jax.enable_x64(precision == "float64"):
        call, arrays = _of_arrays(answer, arguments, precision)
        try:
            return outline(jax.jit(call).trace(*arrays).jaxpr)
        except Exception:
            return None


def _of_arrays(
    answer: Answer, arguments: Arguments, precision: str
) -> tuple[Answer, list[Any]]:
    """The answer as a function of those arguments that are arrays, and these."""
    fresh = inputs(arguments, precision)
    arrays = {
        name: value for name, value in fresh.items() if _all_arrays(value)
    }

    def answer_of_arrays(*values: Any) -> Any:
        replaced = dict(zip(arrays, values, strict=True))
        return answer(*(fresh | replaced).values())

    kind = inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(name, kind) for name in arrays]
    signature = inspect.Signature(parameters)
    answer_of_arrays.__signature__ = signature  # type: ignore[attr-defined]
    return answer_of_arrays, list(arrays.values())


def _all_arrays(value: Any) -> bool:
    leaves = jax.tree.leaves(value)
    return bool(leaves) and all(isinstance(leaf, jax.Array) for leaf in leaves)


def largest(program: Outline) -> int:
    """Elements of the largest intermediate array."""
    sizes = [0]
    for equation in program.walk():
        for value in _results(program, equation):
            sizes.append(math.prod(value.shape))
    return max(sizes)


def largest_when_run(
    answer: Answer, arguments: Arguments, precision: str
) -> int:
    """Elements of the largest array of an answer that cannot be traced; NumPy's are not seen."""
    with jax.enable_x64(precision == "float64"):
        fresh = inputs(arguments, precision)
        return largest_made(lambda: answer(*fresh.values()))


def whole_jacobian(program: Outline, size: int) -> int | None:
    """Elements of an array with `size` squared or more, made by a vmapped jvp or vjp.

    That is what `jacfwd`, `jacrev` and `hessian` do; anything else so large may have its reason.
    """
    for equation in program.walk():
        if "vmap(" in equation.scope and "jvp(" in equation.scope:
            for value in _results(program, equation):
                if math.prod(value.shape) >= size * size:
                    return math.prod(value.shape)
    return None


def mode(program: Outline) -> str:
    """How the answer differentiated, outside over inside; empty where jax did not."""
    scopes = [
        equation.scope.replace("vmap(", "") for equation in program.walk()
    ]
    for mark, name in MODES.items():
        if any(mark in scope for scope in scopes):
            return name
    return ""


def difference_step(program: Program) -> float | None:
    """The h of a difference quotient: something moved by h, and a difference divided by h or 2h."""
    maker = {}
    steps = set()
    for equation in program.walk():
        for result in equation.results:
            maker[result] = equation.primitive
        if equation.primitive in MOVES:
            for operand in equation.operands:
                size = _size(program.values[operand])
                if size and size < 0.1:
                    steps.add(size)
    for equation in program.walk():
        if (
            equation.primitive not in ("div", "mul")
            or len(equation.operands) != 2
        ):
            continue
        divided, divisor = equation.operands
        if maker.get(divided) != "sub":
            continue
        size = _size(program.values[divisor]) or math.inf
        if equation.primitive == "mul":
            size = 1 / size
        for step in steps:
            if min(abs(size / step - 1), abs(size / step - 2)) < 1e-3:
                return step
    return None


def _size(value: Value) -> float | None:
    """The largest absolute value of a constant or an array."""
    summary = value.summary
    if summary is None or summary.minimum is None or summary.maximum is None:
        return None
    return max(abs(summary.minimum), abs(summary.maximum))


def calls(answer: Answer, arguments: Arguments, precision: str) -> Counter[str]:
    """How often the answer calls each function among its arguments: `f`, `vjps[2]`."""
    counts: Counter[str] = Counter()

    def counted(name: str, leaf: Any) -> Any:
        if not callable(leaf):
            return leaf

        @functools.wraps(leaf)
        def call(*values: Any, **keywords: Any) -> Any:
            counts[name] += 1
            return leaf(*values, **keywords)

        return call

    watched = []
    with jax.enable_x64(precision == "float64"):
        for name, value in inputs(arguments, precision).items():
            leaves, container = jax.tree_util.tree_flatten_with_path(value)
            replaced = []
            for path, leaf in leaves:
                replaced.append(
                    counted(name + jax.tree_util.keystr(path), leaf)
                )
            watched.append(jax.tree_util.tree_unflatten(container, replaced))
        answer(*watched)
    return counts


def first_bad(program: Program) -> Equation | None:
    """Where nan or inf first appears."""
    return program.first_bad.get("primal")


def chooses(program: Program) -> bool:
    """Whether it differentiates a function that chooses with `where`."""
    for equation in program.walk():
        if "jvp(" in equation.scope and "where(" in source_text(equation):
            return True
    return False


def bad_facts(
    program: Program, equation: Equation, home: str
) -> dict[str, str]:
    """Where it first appears, in words: the equation, its operands, the student's line."""
    operands = [program.values[operand] for operand in equation.operands]
    variables = [v for v in operands if not v.literal]
    values = " and ".join(f"{v.name} = {value_text(v)}" for v in variables)
    results = ", ".join(value_text(v) for v in _results(program, equation))
    _, _, words = statement(program, equation).partition(" = ")
    if values:
        words += f", where {values},"
    made = [v.summary for v in _results(program, equation)]
    what = "NaN" if any(s and s.nans for s in made) else "infinity"
    first = f"The first {what} appears here: {words} gives {results}."
    return {"first": first, "line": source_line(equation, home)}


def source_line(equation: Equation, home: str) -> str:
    """The student's own line that an equation came from; empty where it is somebody else's."""
    text = source_text(equation)
    if equation.source is None or not text or equation.source.file != home:
        return ""
    return f"Line {equation.source.line} of your cell: {text}"


def source_text(equation: Equation) -> str:
    """The line of code that an equation came from; empty where none is known."""
    source = equation.source
    if source is None:
        return ""
    return linecache.getline(source.file, source.line).strip()


def _results(program: Program | Outline, equation: Equation) -> Iterator[Value]:
    return (program.values[i] for i in equation.results)
