"""Fold a long program: library calls under their name, runs of one block into "× 40"."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from itertools import groupby

from ..program import Equation
from ._rows import Row

SHORT = 24  # rows; a program of so many is shown as it is
LONGEST = 48  # rows of a block that is looked for
FEWEST = 4  # repeats that are worth folding
STEPS = 3  # rows of a library's function that stand under its name
TRANSFORMS = re.compile(r"(?:transpose|jvp|vmap|checkpoint|rematted_computation)\(|\)")


def scope_name(scope: str) -> str:
    """Return the innermost name that a library gave to a part of the program, or ""."""
    return TRANSFORMS.sub("", scope).strip("/").rpartition("/")[2]


def folded(rows: Sequence[Row], equations: Sequence[Equation]) -> list[Row]:
    """Return rows of which named parts and repeated blocks lie under a row that opens."""
    rows = _named(rows, {e.path: _call(e) for e in equations}, STEPS)
    if len(rows) <= SHORT:
        return rows
    return _repeats(_named(rows, {e.path: (scope_name(e.scope), e.scope) for e in equations}, 2))


def _call(equation: Equation) -> tuple[str, Hashable]:
    """Return the library's function that an equation came out of, and the line that called it."""
    source = equation.source
    if source is None or "jvp(" in equation.scope:  # the rules of an inner derivative
        return "", ""
    return source.call, source.line


def _named(rows: Sequence[Row], names: dict[str, tuple[str, Hashable]], fewest: int) -> list[Row]:
    """Return rows of which neighbours of one name, and one place, lie under that name."""
    found: list[Row] = []
    key = lambda row: names.get(row.path.partition("–")[0], ("", ""))
    for (name, _), group in groupby(rows, key=key):
        part = list(group)
        found += [_under(part, name, "")] if name and len(part) >= fewest else part
    return found


def _repeats(rows: list[Row]) -> list[Row]:
    numbers: dict[Hashable, int] = {}
    kinds = [numbers.setdefault(_kind(row), len(numbers)) for row in rows]
    found, at = [], 0
    while at < len(rows):
        period, count = _longest_run(kinds, at)
        block = rows[at : at + max(1, period * count)]
        if count:
            names = list(dict.fromkeys(row.label for row in block[:period]))
            found.append(
                _under(block, ", ".join(names[:4]) + ", …" * (len(names) > 4), f"× {count}")
            )
        else:
            found += block
        at += len(block)
    return found


def _longest_run(kinds: Sequence[int], start: int) -> tuple[int, int]:
    """Return period and count of the run that covers most rows from `start`; (0, 0) for none."""
    best = (0, 0)
    for period in range(1, min(LONGEST, (len(kinds) - start) // FEWEST) + 1):
        end = start + period
        while end < len(kinds) and kinds[end] == kinds[end - period]:
            end += 1
        count = (end - start) // period
        if count >= FEWEST and count * period > best[0] * best[1]:
            best = (period, count)
    return best if best[0] * best[1] > SHORT // 2 else (0, 0)


def _kind(row: Row) -> Hashable:
    """Return what two rows have in common that do the same to arrays of the same kind."""
    lines = tuple(len(column) for column in (row.primal, row.tangent, row.adjoint))
    return row.label, row.kind, lines, tuple(_kind(child) for child in row.children)


def _under(rows: list[Row], name: str, times: str) -> Row:
    """Return a row that opens to `rows`."""
    paths = f"{rows[0].path}–{rows[-1].path.rpartition('–')[2]}"
    fold = Row(paths, rows[0].depth, name, note=times, children=rows, fold=True)
    fold.origin = rows[0].origin
    for row in rows:
        _deeper(row)
    return fold


def _deeper(row: Row) -> None:
    row.depth += 1
    for child in row.children:
        _deeper(child)
