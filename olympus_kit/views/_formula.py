"""Write equations, values, numbers and sizes the way a person would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..program import Equation, Program, Value
from ._notation import formula, label

MOST_TEXT, MOST_ENTRIES = 64, 6  # characters and entries for one value
MOST_SHORT = 22  # characters of a value that stands beside its equation
MOST_ITERATIONS = 64  # of a loop, whose values can be chosen one by one
UNITS = ("KiB", "MiB", "GiB", "TiB")
# what jax writes around the scope of an equation that it has made of one of f's
TRANSFORM = re.compile(r"transpose\(jvp\(|jvp\(")


def statement(program: Program, equation: Equation) -> str:
    """Return an equation as a line of code, such as "v3 = v1 * v2"."""
    values = program.values
    left = ", ".join(value.name for value in returned(program, equation))
    operands = [values[o] for o in equation.operands]
    right = formula(
        equation,
        [operand(v) for v in operands],
        operands,
        _suffix(program, equation),
    )
    if not left:
        return right
    return f"{left} = {right}"


def returned(program: Program, equation: Equation) -> list[Value]:
    """Return what an equation computes; of a call, without the residuals that jax adds to it."""
    results = equation.results
    if len(results) > 1 and equation.primal and "primal" in equation.roles:
        saved = {residual.value for residual in program.residuals}
        saved = saved.difference(program.row(equation.primal).results)
        results = tuple([r for r in results if r not in saved])
    return [program.values[r] for r in results]


def _suffix(program: Program, equation: Equation) -> str:
    """Return ".vjp" or ".jvp" where an equation is what these make of its row's function.

    A rule that somebody wrote may call any function, and calls that function itself.
    """
    if not equation.bodies or equation.primal is None:
        return ""
    row = program.row(equation.primal)
    if row.primitive != equation.primitive or label(row) != label(equation):
        return ""
    if "adjoint" in equation.roles:
        return ".vjp"
    if "tangent" in equation.roles:
        return ".jvp"
    # of f itself, which may be a derivative
    passes = TRANSFORM.findall(row.scope)
    return ".vjp" if passes and passes[-1].startswith("transpose") else ""


def operand(value: Value) -> str:
    """Return how a value is called inside a formula: its name, or a short number."""
    if value.literal and value.summary is not None and value.shape == ():
        text = number(value.summary.entries)
        return f"({text})" if text.endswith("j") else text
    return value.name


def number(x: Any) -> str:
    """Return a number in at most seven significant digits; None for an iteration not run."""
    if isinstance(x, float):
        text = f"{x:.7g}"
        if set(text).isdisjoint(".einf"):  # it reads as a whole number
            text += ".0"
        return text
    if isinstance(x, (str, complex)):  # complex numbers are stored as text
        return f"{complex(x):.7g}"
    if x is None:
        return "not run"
    return str(x)


def named(value: Value) -> str:
    """Return a value behind its name, where that is not the number itself."""
    if value.literal:
        return value_text(value)
    return f"{value.name} = {value_text(value)}"


def value_text(value: Value) -> str:
    """Return a value in one line: its entries, or its type and range where they are many."""
    text = _small_text(value)
    if text is not None:
        return text
    kind = f"{value.dtype}{list(value.shape)}".replace(
        " ",
        "",
    )
    summary = value.summary
    if summary is not None and summary.iterations is not None:
        kind += f" in each of {summary.iterations} iterations"
    return ", ".join([kind, *_range(value)])


def short_text(value: Value) -> str:
    """Return a value in a few characters: a number, a few entries, or shape and range."""
    text = _small_text(value)
    if text is not None and len(text) <= MOST_SHORT:
        return text
    kind = value.dtype
    if value.shape:
        kind = str(list(value.shape)).replace(" ", "")
    return " ".join([kind, *_range(value)])


def _small_text(value: Value) -> str | None:
    """Return all entries of a value, or None where they are too many to be read."""
    summary = value.summary
    if summary is None:
        return "not computed"
    if not summary.whole or np.size(summary.entries) > MOST_ENTRIES:
        return None
    text = _entries(summary.entries)
    if summary.iterations is not None:
        text = f"by iteration {text}"
    return text if len(text) <= MOST_TEXT else None


def _range(value: Value) -> list[str]:
    """Return what the finite entries lie between, and how many are not finite."""
    summary = value.summary
    if summary is None:
        return []
    parts = []
    if summary.minimum is not None and summary.maximum is not None:
        low = f"{summary.minimum:.3g}"
        high = f"{summary.maximum:.3g}"
        if low == high:
            parts.append(f"all {low}")
        else:
            parts.append(f"{low} to {high}")
    if summary.nans:
        parts.append(f"{summary.nans} nan")
    if summary.infs:
        parts.append(f"{summary.infs} inf")
    return parts


def _entries(entries: Any) -> str:
    if isinstance(entries, list):
        return f"[{' '.join(map(_entries, entries))}]"
    return number(entries)


def size_text(nbytes: int) -> str:
    """Return a number of bytes with its unit, in powers of 1024."""
    if nbytes < 1024:
        return plural(nbytes, "byte")
    size = float(nbytes)
    unit = ""
    for larger in UNITS:
        if size < 1024:
            break
        size /= 1024
        unit = larger
    if size < 1000:
        return f"{size:.3g} {unit}"
    return f"{size:.0f} {unit}"


def plural(count: int, noun: str) -> str:
    """Return "1 value", "2 values"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def joined(names: Sequence[str]) -> str:
    """Return names in a row: "x, y and z"."""
    *first, last = names
    if not first:
        return last
    return f"{', '.join(first)} and {last}"


def is_bad(value: Value) -> bool:
    """Whether a value holds NaN or inf."""
    summary = value.summary
    return summary is not None and bool(summary.nans or summary.infs)


def iteration_texts(results: Sequence[Value]) -> list[str] | None:
    """Return the values of a line in each iteration of the loop around it.

    None outside of loops, where not every entry is stored, or where the iterations are too many.
    """
    columns = []
    for value in results:
        summary = value.summary
        if summary is None or not summary.whole or summary.iterations is None:
            return None
        if summary.iterations > MOST_ITERATIONS:
            return None
        columns.append(summary.entries)
    texts = []
    for values in zip(*columns, strict=True):
        text = ", ".join(map(_entries, values))
        if len(text) > MOST_TEXT:
            text = text[: MOST_TEXT - 1] + "…"
        texts.append(text)
    return texts or None
