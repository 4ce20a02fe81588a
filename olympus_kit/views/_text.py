"""The ladder as text: complete, aligned, readable without colour."""

from __future__ import annotations

import textwrap
from typing import Any

from ._rows import Ladder, Row, every, in_order

# ANSI colours of the roles; the word in front of each line says the same
ANSI = {"primal": "34", "local_derivative": "32", "tangent": "32", "adjoint": "31"}
WIDTH = 76
MOST_HELD = 200  # steps whose memory is listed


def ladder_text(ladder: Ladder, color: bool = False) -> str:
    """Return the listing of a program: every equation in program order, with role and value."""
    lines = [ladder.title, *textwrap.wrap(ladder.summary, WIDTH)]
    for note in ladder.notes:
        lines += textwrap.wrap(f"note: {note}", WIDTH, subsequent_indent="      ")
    lines += ["", *_ends("input", ladder.inputs)]
    lines += [f"{'constant':12} {constant}" for constant in ladder.constants]
    if ladder.mode == "forward":
        lines += [f"{'tangent':12} {seed}" for seed in ladder.seeds]
    lines += _steps(ladder, color)
    lines += _results(ladder)
    lines += _meters(ladder)
    return "\n".join(lines)


def _ends(word: str, ends: list[dict[str, Any]]) -> list[str]:
    return [f"{word:12} {e['name']} = {e['value']}" for e in ends]


def _steps(ladder: Ladder, color: bool) -> list[str]:
    found = in_order(ladder.rows)
    width = min(48, max((len(line.text) for _, line in found), default=0))
    lines: list[str] = []
    opened: set[str] = set()
    backwards, origin = False, ""
    for row, line in found:
        if line.role == "primal" and row.origin != origin:
            origin = row.origin
            lines.append(f"{'':12} -- {origin or 'back in f itself'}")
        if line.role == "adjoint" and not backwards:
            backwards = True
            lines += ["", "the way back:", *(f"{'adjoint':12} {seed}" for seed in ladder.seeds)]
        text = f"{line.role:12} {line.text:{width}}  # {line.value}"
        lines.append(_painted(text, line.role) if color else text)
        if row.path not in opened:  # forward mode runs a loop's primal and tangent as one
            opened.add(row.path)
            lines += _inside(row, 1)
    return lines


def _inside(row: Row, depth: int) -> list[str]:
    lines = [f"{'':12} {'  ' * depth}{row.note}"] if row.note and row.children else []
    for child in row.children:
        for line in child.lines:
            value = (line.role == "primal" and child.note) or line.value
            lines.append(f"{line.role:12} {'  ' * depth}{line.text}  # {value}")
        lines += _inside(child, depth + 1)
    return lines


def _results(ladder: Ladder) -> list[str]:
    lines = ["", *_ends("output", ladder.outputs)]
    ends = {"forward": ladder.outputs, "reverse": ladder.inputs}.get(ladder.mode, [])
    for e in (e for e in ends if "partner" in e):
        why = f"  ({e['zero']})" if e["zero"] else ""
        lines.append(f"{'derivative':12} {e['partner']} = {e['derivative']}{why}")
    rows = list(every(ladder.rows))
    kept = {k.name: k.value for row in rows for k in row.kept}
    lines += [f"{'kept':12} {name} = {value}" for name, value in kept.items()]
    lines += [f"{'row ' + row.path:12} {row.passes}" for row in rows if row.passes]
    return lines


def _meters(ladder: Ladder) -> list[str]:
    """Return what the player shows of memory and operations beside the steps."""
    held = " ".join(f"{step.live:,}" for step in ladder.steps[:MOST_HELD])
    more = " ..." if len(ladder.steps) > MOST_HELD else ""
    told = f"{held}{more} bytes after each step, at most {ladder.peak:,}" if held else "nothing"
    total = ladder.steps[-1].flops if held else 0
    lines = textwrap.wrap(told, WIDTH, initial_indent=f"{'held':13}", subsequent_indent=" " * 13)
    return [*lines, f"{'operations':12} {total:,}"]


def _painted(text: str, role: str) -> str:
    return f"\x1b[{ANSI[role]}m{text}\x1b[0m" if role in ANSI else text
