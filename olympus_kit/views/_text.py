"""The ladder as text: complete, aligned, readable without colour."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ._draw import shorten
from ._rows import End, Ladder, Row, every, in_order

# ANSI colours of the roles; the word in front of each line says the same
ANSI = {"primal": 34, "local_derivative": 32, "tangent": 32, "adjoint": 31}
WIDTH, COLUMN = 80, 16  # of a line; of the word in front of it
# characters of an equation, and of the column of equations
MOST_LINE, MOST_EQUATION = 160, 48
MOST_LIVE = 200  # steps whose memory is listed


def ladder_text(
    ladder: Ladder,
    color: bool = False,
) -> str:
    """Return the listing of a program: every equation in program order, with role and value."""
    lines = [ladder.title, *ladder.error, *textwrap.wrap(ladder.summary, WIDTH)]
    lines += notes_text(ladder.notes, WIDTH)
    lines += ["", *_ends("input", ladder.inputs)]
    lines += [_entry("constant", constant) for constant in ladder.constants]
    seeds = [_entry("tangent", seed) for seed in ladder.seeds]
    if ladder.mode == "forward":
        lines += seeds
    lines += _steps(ladder, color)
    lines += ["", *_ends("output", ladder.outputs)]
    if ladder.mode == "forward":
        lines += _derivatives(ladder.outputs)
    elif ladder.mode == "reverse":
        lines += _derivatives(ladder.inputs)
    rows = list(every(ladder.rows))
    residuals = {r.name: r.value for row in rows for r in row.residuals}
    for name, value in residuals.items():
        lines.append(_entry("residual", f"{name} = {value}"))
    for row in rows:
        if row.passes:
            lines.append(_entry(f"row {row.number}", row.passes))
    return "\n".join([*lines, *_meters(ladder)])


def notes_text(
    notes: Sequence[str],
    width: int,
) -> list[str]:
    """Return notes, each as a paragraph."""
    lines = []
    for note in notes:
        indent = " " * len("note: ")
        lines += textwrap.wrap(f"note: {note}", width, subsequent_indent=indent)
    return lines


def _entry(
    word: str,
    text: str,
) -> str:
    """Return a line behind the word that says what it is."""
    return f"{word.replace('_', ' '):{COLUMN}} {text}"


def _ends(
    word: str,
    ends: Sequence[End],
) -> list[str]:
    return [_entry(word, f"{end.name} = {end.value}") for end in ends]


def _derivatives(ends: Sequence[End]) -> list[str]:
    lines = []
    for end in ends:
        if end.partner:
            why = f"  ({end.zero})" if end.zero else ""
            text = f"{end.partner} = {end.derivative}{why}"
            lines.append(_entry("derivative", text))
    return lines


def _steps(
    ladder: Ladder,
    color: bool,
) -> list[str]:
    pairs = in_order(ladder.rows)
    width = max((len(line.text) for _, line in pairs), default=0)
    width = min(MOST_EQUATION, width)
    lines = []
    opened = set()
    backward, origin = False, ""
    for row, line in pairs:
        if line.role == "primal" and row.origin != origin:
            origin = row.origin
            lines.append(_entry("", f"-- {origin or 'back in f itself'}"))
        if line.role == "adjoint" and not backward:
            backward = True
            seeds = [_entry("adjoint", seed) for seed in ladder.seeds]
            lines += ["", "the backward pass:", *seeds]
        text = _entry(line.role, f"{shorten(line.text, MOST_LINE):{width}}")
        if line.value:
            text += f"  # {line.value}"
        if color and line.role in ANSI:
            text = f"\x1b[{ANSI[line.role]}m{text}\x1b[0m"
        lines.append(text)
        # forward mode runs a loop's primal and tangent as one
        if row.path not in opened:
            opened.add(row.path)
            lines += _inside(row, "  ")
    return lines


def _inside(
    row: Row,
    indent: str,
) -> list[str]:
    """Return the equations of a body, each level further in."""
    lines = []
    if row.note and row.children:
        lines.append(_entry("", indent + row.note))
    for child in row.children:
        for line in child.lines:
            value = line.value
            if line.role == "primal" and child.note:
                value = child.note
            text = f"{indent}{shorten(line.text, MOST_LINE)}  # {value}"
            lines.append(_entry(line.role, text))
        lines += _inside(child, indent + "  ")
    return lines


def _meters(ladder: Ladder) -> list[str]:
    """Return what the player shows of memory and FLOPs beside the steps."""
    if ladder.error:
        return []  # what raised would have read some of it
    if not ladder.steps:
        return [_entry("live", "nothing"), _entry("FLOPs", "0")]
    live = " ".join(f"{step.live:,}" for step in ladder.steps[:MOST_LIVE])
    if len(ladder.steps) > MOST_LIVE:
        live += " ..."
    text = f"{live} bytes after each step, at most {ladder.peak:,}"
    start = _entry("live", "")
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    )
    return [*lines, _entry("FLOPs", f"{ladder.steps[-1].flops:,}")]
