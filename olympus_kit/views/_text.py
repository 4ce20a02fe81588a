"""The ladder as text: complete, aligned, readable without colour."""

from __future__ import annotations

import textwrap
from typing import Any

from ._rows import Ladder, Row, every, in_order

# ANSI colours of the roles; the word in front of each line says the same
ANSI = {
    "primal": "34",
    "local_derivative": "32",
    "tangent": "32",
    "adjoint": "31",
}
WIDTH, COLUMN = 80, 16  # of a line; of the word in front of it
MOST_LINE, MOST_EQUATION = (
    160,
    48,
)  # characters of an equation, and of the column of equations
MOST_LIVE = 200  # steps whose memory is listed


def ladder_text(ladder: Ladder, color: bool = False) -> str:
    """Return the listing of a program: every equation in program order, with role and value."""
    lines = [ladder.title, *ladder.error, *textwrap.wrap(ladder.summary, WIDTH)]
    for note in ladder.notes:
        lines += textwrap.wrap(
            f"note: {note}", WIDTH, subsequent_indent="      "
        )
    lines += ["", *_ends("input", ladder.inputs)]
    lines += [
        f"{'constant':{COLUMN}} {constant}" for constant in ladder.constants
    ]
    if ladder.mode == "forward":
        lines += [f"{'tangent':{COLUMN}} {seed}" for seed in ladder.seeds]
    lines += _steps(ladder, color)
    lines += _results(ladder)
    lines += _meters(ladder)
    return "\n".join(lines)


def _ends(word: str, ends: list[dict[str, Any]]) -> list[str]:
    return [f"{word:{COLUMN}} {e['name']} = {e['value']}" for e in ends]


def _steps(ladder: Ladder, color: bool) -> list[str]:
    pairs = in_order(ladder.rows)
    width = min(
        MOST_EQUATION, max((len(line.text) for _, line in pairs), default=0)
    )
    lines: list[str] = []
    opened: set[str] = set()
    backward, origin = False, ""
    for row, line in pairs:
        if line.role == "primal" and row.origin != origin:
            origin = row.origin
            lines.append(f"{'':{COLUMN}} -- {origin or 'back in f itself'}")
        if line.role == "adjoint" and not backward:
            backward = True
            seeds = [f"{'adjoint':{COLUMN}} {seed}" for seed in ladder.seeds]
            lines += ["", "the backward pass:", *seeds]
        text = f"{line.role.replace('_', ' '):{COLUMN}} {_shortened(line.text):{width}}"
        text += f"  # {line.value}" if line.value else ""
        lines.append(_painted(text, line.role) if color else text)
        if (
            row.path not in opened
        ):  # forward mode runs a loop's primal and tangent as one
            opened.add(row.path)
            lines += _inside(row, 1)
    return lines


def _inside(row: Row, depth: int) -> list[str]:
    """Return the equations of a body, each level further in."""
    lines = (
        [f"{'':{COLUMN}} {'  ' * depth}{row.note}"]
        if row.note and row.children
        else []
    )
    for child in row.children:
        for line in child.lines:
            value = line.value
            if line.role == "primal" and child.note:
                value = child.note
            role = line.role.replace("_", " ")
            lines.append(
                f"{role:{COLUMN}} {'  ' * depth}{_shortened(line.text)}  # {value}"
            )
        lines += _inside(child, depth + 1)
    return lines


def _results(ladder: Ladder) -> list[str]:
    lines = ["", *_ends("output", ladder.outputs)]
    ends = {"forward": ladder.outputs, "reverse": ladder.inputs}.get(
        ladder.mode, []
    )
    for end in ends:
        if "partner" in end:
            why = f"  ({end['zero']})" if end["zero"] else ""
            lines.append(
                f"{'derivative':{COLUMN}} {end['partner']} = {end['derivative']}{why}"
            )
    rows = list(every(ladder.rows))
    residuals = {
        rung.name: rung.value for row in rows for rung in row.residuals
    }
    lines += [
        f"{'residual':{COLUMN}} {name} = {value}"
        for name, value in residuals.items()
    ]
    lines += [
        f"{'row ' + row.number:{COLUMN}} {row.passes}"
        for row in rows
        if row.passes
    ]
    return lines


def _meters(ladder: Ladder) -> list[str]:
    """Return what the player shows of memory and FLOPs beside the steps."""
    if not ladder.steps:
        return [f"{'live':{COLUMN}} nothing", f"{'FLOPs':{COLUMN}} 0"]
    live = " ".join(f"{step.live:,}" for step in ladder.steps[:MOST_LIVE])
    more = " ..." if len(ladder.steps) > MOST_LIVE else ""
    text = f"{live}{more} bytes after each step, at most {ladder.peak:,}"
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{'live':{COLUMN}} ",
        subsequent_indent=" " * (COLUMN + 1),
    )
    return [*lines, f"{'FLOPs':{COLUMN}} {ladder.steps[-1].flops:,}"]


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_LINE else text[: MOST_LINE - 1] + "…"


def _painted(text: str, role: str) -> str:
    return f"\x1b[{ANSI[role]}m{text}\x1b[0m" if role in ANSI else text
