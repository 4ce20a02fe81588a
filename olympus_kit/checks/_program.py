"""What an answer's own program tells: its largest array, its mode, a difference quotient, a NaN."""

import functools
import inspect
import linecache
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jax

from ..program import Equation, Program, Value, capture
from ..views._formula import statement, value_text
from ._run import inputs
from ._spec import Arguments

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


def program_of(answer: Answer, arguments: Arguments, precision: str) -> Program | None:
    """The program that jax evaluates for the answer; None where it can't be traced.

    An answer in plain NumPy can't be traced. It is not wrong for that: its cost is just unknown.
    """
    with jax.enable_x64(precision == "float64"):
        fresh = inputs(arguments, precision)
        given = {n: v for n, v in fresh.items() if _all_arrays(v)}

        def yours(*values: Any) -> Any:
            return answer(*(fresh | dict(zip(given, values, strict=True))).values())

        names = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in given]
        yours.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
        try:
            return capture(yours, *given.values(), mode="primal")
        except Exception:
            return None


def _all_arrays(value: Any) -> bool:
    leaves = jax.tree.leaves(value)
    return bool(leaves) and all(isinstance(leaf, jax.Array) for leaf in leaves)


def largest(program: Program) -> int:
    """Elements of the largest intermediate array."""
    return max((math.prod(v.shape) for e in program.walk() for v in _made(program, e)), default=0)


def whole_jacobian(program: Program, size: int) -> int | None:
    """Elements of an array with `size` squared or more, made by a vmapped jvp or vjp.

    That is what `jacfwd`, `jacrev` and `hessian` do; anything else so large may have its reason.
    """
    for equation in program.walk():
        if "vmap(" in equation.scope and "jvp(" in equation.scope:
            for value in _made(program, equation):
                if math.prod(value.shape) >= size * size:
                    return math.prod(value.shape)
    return None


def mode(program: Program) -> str:
    """How the answer differentiated, outside over inside; empty where jax did not."""
    scopes = [equation.scope.replace("vmap(", "") for equation in program.walk()]
    return next((m for mark, m in MODES.items() if any(mark in s for s in scopes)), "")


def difference_step(program: Program) -> float | None:
    """The h of a difference quotient: something moved by h, and a difference divided by h or 2h."""
    made = {r: e.primitive for e in program.walk() for r in e.results}
    moves = [e for e in program.walk() if e.primitive in MOVES]
    moved = {s for e in moves for o in e.operands if (s := _size(program.values[o]))}
    for equation in program.walk():
        if equation.primitive in ("div", "mul") and made.get(equation.operands[0]) == "sub":
            by = _size(program.values[equation.operands[1]]) or math.inf
            by = by if equation.primitive == "div" else 1 / by
            steps = [h for h in moved if h < 0.1 and min(abs(by / h - 1), abs(by / h - 2)) < 1e-3]
            if steps:
                return steps[0]
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

    def watched(path: Any, leaf: Any, name: str) -> Any:
        if not callable(leaf):
            return leaf

        @functools.wraps(leaf)
        def counted(*given: Any, **named: Any) -> Any:
            counts[name + jax.tree_util.keystr(path)] += 1
            return leaf(*given, **named)

        return counted

    with jax.enable_x64(precision == "float64"):
        fresh = inputs(arguments, precision)
        answer(
            *(
                jax.tree_util.tree_map_with_path(lambda p, x, n=n: watched(p, x, n), v)
                for n, v in fresh.items()
            )
        )
    return counts


def first_bad(program: Program) -> Equation | None:
    """Where nan or inf first appears."""
    return program.first_bad.get("primal")


def chooses(program: Program) -> bool:
    """Whether it differentiates a function that chooses with `where`."""
    return any("jvp(" in e.scope and "where(" in _source_text(e) for e in program.walk())


def bad_facts(program: Program, equation: Equation, home: str) -> dict[str, str]:
    """Where it first appears, in words: the equation, its operands, the student's line."""
    operands = [v for o in equation.operands if not (v := program.values[o]).literal]
    given = " and ".join(f"{v.name} = {value_text(v)}" for v in operands)
    result = ", ".join(value_text(program.values[r]) for r in equation.results)
    words = f"{statement(program, equation)}{given and f' with {given}'} gives {result}"
    return {"first": f"It first appears here: {words}.", "line": source_line(equation, home)}


def source_line(equation: Equation, home: str) -> str:
    """The line that an equation came from, as text; says so where it is not the student's own."""
    source, text = equation.source, _source_text(equation)
    if source is None or not text:
        return ""
    own = source.file == home
    return f"Line {source.line} of your cell: {text}" if own else f"In the question: {text}"


def _source_text(equation: Equation) -> str:
    source = equation.source
    return linecache.getline(source.file, source.line).strip() if source else ""


def _made(program: Program, equation: Equation) -> Iterator[Value]:
    return (program.values[i] for i in equation.results)
