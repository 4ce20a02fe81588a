"""Write equations and values the way a person would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..program import Equation, Program, Value

INFIX = {
    "add": "+", "add_any": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "rem": "%",
    "and": "&", "or": "|", "xor": "^",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
SHORT = {
    "reduce_sum": "sum", "reduce_max": "max", "reduce_min": "min", "reduce_prod": "prod",
    "add_any": "add", "select_n": "select", "broadcast_in_dim": "broadcast",
    "max": "maximum", "min": "minimum",
    "convert_element_type": "convert", "remat2": "checkpoint", "expand_dims": "expand",
    "custom_jvp_call": "custom_jvp", "custom_vjp_call": "custom_vjp",
}  # fmt: skip


def label(equation: Equation) -> str:
    """Return the name that a reader knows: the library function's where there is one."""
    name = equation.params.get("name")
    if equation.primitive in ("jit", "pjit") and isinstance(name, str):
        return name.strip("_<>").replace("lambda", "function")
    inner = equation.bodies[0].equations if equation.bodies else ()
    if equation.primitive.startswith("custom_") and len(inner) == 1:
        return label(inner[0])  # jax.nn.relu is a custom_jvp around a jit called relu
    return SHORT.get(equation.primitive, equation.primitive)


def formula(equation: Equation, names: Sequence[str], ranks: Sequence[int] = ()) -> str:
    """Return the right-hand side of an equation, with the operands called `names`."""
    if equation.primitive == "dot_general" and (parts := matrix_product(equation, names, ranks)):
        left, operator, right = parts
        return f"{left} @ {right}" if operator == "@" else f"outer({left}, {right})"
    if equation.primitive in INFIX and len(names) == 2:
        return f"{names[0]} {INFIX[equation.primitive]} {names[1]}"
    if equation.primitive == "neg":
        return f"-{names[0]}"
    if equation.primitive == "integer_pow":
        return f"{names[0]} ** {equation.params['y']}"
    return f"{label(equation)}({', '.join([*names, *_detail(equation)])})"


def matrix_product(
    equation: Equation, names: Sequence[str], ranks: Sequence[int]
) -> tuple[str, str, str] | None:
    """Return a dot_general as "a", "@", "b.T" or "a", "⊗", "b"; None where it is more than that."""
    (left, right), (batch, _) = equation.params["dimension_numbers"]
    if batch or len(left) > 1 or any(rank > 2 for rank in ranks):
        return None
    if not left:
        return names[0], "⊗", names[1]
    first = names[0] if left[0] == ranks[0] - 1 else f"{names[0]}.T"
    second = names[1] if right[0] == 0 else f"{names[1]}.T"
    return first, "@", second


def _detail(equation: Equation) -> list[str]:
    params = equation.params
    if equation.primitive in ("broadcast_in_dim", "reshape") and "shape" in params:
        return [f"shape={_tuple(params['shape'])}"]
    if equation.primitive == "reshape":
        return [f"shape={_tuple(params.get('new_sizes', []))}"]
    if equation.primitive.startswith("reduce_") and params.get("axes"):
        return [f"axes={_tuple(params['axes'])}"]
    if equation.primitive == "convert_element_type":
        return [str(params.get("new_dtype"))]
    if equation.trips is not None:
        return [f"{equation.trips} turns"]
    return []


def _tuple(items: Sequence[Any]) -> str:
    return f"({', '.join(map(str, items))}{',' * (len(items) == 1)})"


def statement(program: Program, equation: Equation) -> str:
    """Return an equation as a line of code, such as "v3 = v1 * v2"."""
    values = program.values
    left = ", ".join(values[r].name for r in equation.results)
    operands = [values[o] for o in equation.operands]
    right = formula(equation, [operand(v) for v in operands], [len(v.shape) for v in operands])
    return f"{left} = {right}"


def operand(value: Value) -> str:
    """Return how a value is called inside a formula: its name, or a short number."""
    if value.literal and value.summary is not None and value.shape == ():
        return number(value.summary.entries)
    return value.name


def number(x: Any) -> str:
    """Return a number in at most seven significant digits; None stands for a turn left out."""
    if isinstance(x, float):
        text = f"{x:.7g}"
        return text if any(c in text for c in ".einf") else f"{text}.0"
    if isinstance(x, (str, complex)):  # complex numbers are kept as text
        return f"{complex(x):.7g}"
    return "not run" if x is None else str(x)


MOST_TEXT, MOST_ENTRIES = 64, 6  # characters and entries for one value


def named(value: Value) -> str:
    """Return a value behind its name."""
    return f"{value.name} = {value_text(value)}"


def value_text(value: Value) -> str:
    """Return a value in a few characters: its entries, or its type and range."""
    summary = value.summary
    if summary is None:
        return "not computed"
    if summary.whole and _count(summary.entries) <= MOST_ENTRIES:
        text = _entries(summary.entries)
        if summary.iterations is not None:
            text = f"turn by turn {text}"
        if len(text) <= MOST_TEXT:
            return text
    kind = f"{value.dtype}{list(value.shape)}".replace(" ", "")
    if summary.iterations is not None:
        kind += f" in each of {summary.iterations} turns"
    if summary.minimum is None or summary.maximum is None:
        return kind
    bad = [f"{n} {word}" for n, word in ((summary.nans, "nan"), (summary.infs, "inf")) if n]
    low, high = f"{summary.minimum:.3g}", f"{summary.maximum:.3g}"
    return ", ".join([f"{kind}, {low} to {high}" if low != high else f"{kind}, all {low}", *bad])


def _entries(entries: Any) -> str:
    if isinstance(entries, list):
        return f"[{' '.join(_entries(e) for e in entries)}]"
    return number(entries)


def _count(entries: Any) -> int:
    return sum(_count(e) for e in entries) if isinstance(entries, list) else 1


def size_text(nbytes: int) -> str:
    """Return a number of bytes with its unit, in powers of 1024."""
    if nbytes < 1024:
        return f"{nbytes} byte{'s' * (nbytes != 1)}"
    size, units = float(nbytes), iter(("KiB", "MiB", "GiB", "TiB"))
    unit = ""
    while size >= 1024 and (step := next(units, "")):
        size, unit = size / 1024, step
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"


def plural(count: int, noun: str) -> str:
    """Return "1 value", "2 values"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


MOST_TURNS = 64  # of a loop, whose values can be chosen one by one


def turn_texts(results: Sequence[Value]) -> list[str] | None:
    """Return the values of a line in each turn of the loop around it; None outside of loops.

    And None where not all is kept, or the turns are too many.
    """
    summaries = [v.summary for v in results]
    counts = {s.iterations if s is not None and s.whole else None for s in summaries}
    if len(counts) != 1 or None in counts or max(c or 0 for c in counts) > MOST_TURNS:
        return None
    turns = zip(*(s.entries for s in summaries if s is not None), strict=True)
    return [_shortened(", ".join(_entries(v) for v in values)) for values in turns]


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
