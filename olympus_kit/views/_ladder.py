"""The ladder's view model: what is in each row, and what happens at each step."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from ..program import Equation, Program, walk
from ._fold import folded
from ._formula import label, named, operand, plural, size_text, statement, turn_texts, value_text
from ._rows import Kept, Ladder, Line, Row, Step, every, in_order
from ._words import Words

__all__ = ["Ladder", "Line", "Row", "Step", "build_ladder", "in_order"]

# where an equation stands that carries several roles: the first of these that it has
PRECEDENCE = ("adjoint", "tangent", "primal", "local_derivative", "bookkeeping")


def build_ladder(program: Program, layout: str = "ladder") -> Ladder:
    """Return the view model of a program."""
    rows = [_row(program, e, 0) for e in program.rows]
    by_path = {r.path: r for r in every(rows)}
    other = Row("other", 0, "bookkeeping", note="equations that belong to no row")
    words = Words(program)
    totals = accumulate(e.flops for e in program.equations)
    steps = [
        _place(words, e, k, by_path.get(e.primal or "", other), total)
        for k, (e, total) in enumerate(zip(program.equations, totals, strict=True))
    ]
    for equation in program.equations:
        _place_inside(program, equation, by_path)
    if any(other.lines):
        rows.append(other)
    _mark_reads(program, by_path)
    _mark_kept(program, by_path)
    links = {**program.tangents, **program.adjoints}
    if program.mode == "forward":
        links = _at_the_end(program, into=False) | links
    reached = {value for value, partner in links.items() if partner in words.carriers}
    _mark_passing(program, by_path, bool(reached))
    title = _title(program)
    told = "".join([title, *(step.words for step in steps)])
    return Ladder(
        layout=layout,
        name=program.name,
        mode=program.mode,
        title=title,
        summary=_summary(program),
        group=hashlib.sha256(told.encode()).hexdigest()[:12],
        columns=_columns(program, rows),
        inputs=_ends(program, program.inputs, reached, into=True),
        outputs=_ends(program, program.outputs, reached, into=False),
        rows=folded(rows, program.rows),
        steps=steps,
        bad=sorted(int(e.path.partition(".")[0]) for e in program.first_bad.values()),
        peak=max((e.live for e in program.equations), default=0),
        seeds=[named(program.values[i]) for i in program.seeds],
        constants=_constants(program),
        notes=list(program.notes),
    )


def _columns(program: Program, rows: Sequence[Row]) -> list[str]:
    """Return the columns of the mode; reverse mode has local derivatives where jax computes any."""
    if program.mode != "reverse":
        return ["primal", "tangent"] if program.mode == "forward" else ["primal"]
    slopes = ["local_derivative"] if any(row.local_derivative for row in every(rows)) else []
    return ["primal", *slopes, "adjoint"]


def _row(program: Program, equation: Equation, depth: int) -> Row:
    source = equation.source
    row = Row(equation.path, depth, label(equation))
    row.source = f"line {source.line}" if source else ""
    row.origin = _origin(equation.scope)
    row.kind = "; ".join(_kind(program, r) for r in equation.results)
    if depth or program.mode == "primal":
        row.primal.append(_line(program, equation, "primal"))
    if equation.trips is not None:
        back = equation.params.get("reverse") is True
        row.note = plural(equation.trips, "turn") + ", the last one first" * back
    for body in equation.bodies:
        children = [_row(program, e, depth + 1) for e in body.equations]
        if not body.taken:
            for child in every(children):
                child.note = f"{body.name}: not run"
        row.children += children
    return row


def _kind(program: Program, value: int) -> str:
    return f"{program.values[value].dtype}{list(program.values[value].shape)}"


def _line(program: Program, equation: Equation, role: str, step: int | None = None) -> Line:
    results = [program.values[r] for r in equation.results]
    line = Line(statement(program, equation), ", ".join(map(value_text, results)), role, step)
    line.turns = turn_texts(results)
    line.bad = any(v.summary is not None and (v.summary.nans or v.summary.infs) for v in results)
    return line


def _place(words: Words, equation: Equation, number: int, row: Row, total: int) -> Step:
    """Put an equation into the row that it belongs to, and return its step."""
    role = next(r for r in PRECEDENCE if r in equation.roles)
    column = "local_derivative" if role == "bookkeeping" else role
    if words.program.mode == "primal":
        row.primal[0].step = number
    else:
        getattr(row, column).append(_line(words.program, equation, role, number))
    product = words.product(equation, role)
    said = words.sentence(equation, role, product)
    return Step(row.path, column, said, equation.live, total, product)


def _place_inside(program: Program, equation: Equation, rows: dict[str, Row]) -> None:
    """Put the derivative equations of bodies beside the primal equations that they belong to."""
    if program.mode == "primal":
        return
    for body in equation.bodies:
        for inner in walk(body.equations):
            row = rows.get(inner.primal or "")
            role = next(r for r in PRECEDENCE if r in inner.roles)
            if row is not None and role in ("local_derivative", "tangent", "adjoint"):
                getattr(row, role).append(_line(program, inner, role))


SWEEP = re.compile(r"transpose\(jvp\(|jvp\(")


def _origin(scope: str) -> str:
    """Return which sweep of an inner derivative an equation came out of, in words.

    jax writes the transforms around an equation from the outermost in: "jvp(transpose(jvp()))"
    is a forward sweep (of the second derivative) over a way back (of the first).
    """
    sweeps = ["way back" if "transpose" in s else "forward sweep" for s in SWEEP.findall(scope)]
    if len(sweeps) < 2:
        return f"the inner derivative's {sweeps[0]}" if sweeps else ""
    told = [f"derivative {len(sweeps) - k}'s {sweep}" for k, sweep in enumerate(sweeps)]
    return " over ".join(told)


def _mark_reads(program: Program, rows: dict[str, Row]) -> None:
    """Write down which rows, and which inputs, feed each row."""
    made = {v: f"in {k}" for k, v in enumerate(program.inputs)}
    made |= {r: e.path for e in walk(program.rows) for r in e.results}
    for equation in walk(program.rows):
        found = dict.fromkeys(made[o] for o in equation.operands if o in made)
        rows[equation.path].reads = list(found)


def _mark_kept(program: Program, rows: dict[str, Row]) -> None:
    """Write each residual on the rung of the row whose adjoint reads it."""
    order = {e.path: k for k, e in enumerate(program.equations)}
    for residual in program.residuals:
        value = program.values[residual.value]
        made = None if residual.made_by is None else order[residual.made_by]
        for path in residual.used_by:
            row = rows.get(program.equations[order[path]].primal or "")
            if row is None:
                continue
            if residual.free:
                row.free.append(operand(value))
            elif value.name not in [k.name for k in row.kept]:
                row.kept.append(Kept(value.name, value_text(value), made, order[path]))


def _mark_passing(program: Program, rows: dict[str, Row], flows: bool) -> None:
    """Say what happens in the adjoint of a row for which jax needs no equation."""
    untold = flows and not program.contributions  # too many to tell them apart
    if program.mode != "reverse" or untold:
        return
    names = {v: program.values[a].name for v, a in program.adjoints.items()}
    for equation in program.rows:
        row = rows[equation.path]
        if row.adjoint:
            continue
        targets = [
            program.values[o].name
            for j, o in enumerate(equation.operands)
            if (equation.path, j) in program.contributions
        ]
        source = next((names[r] for r in equation.results if r in names), "")
        if targets and source:
            row.passes = f"{source} goes on unchanged to {' and '.join(targets)}"
        else:
            row.passes = "no derivative flows through here"


def _ends(
    program: Program, ids: Sequence[int], reached: set[int], into: bool
) -> list[dict[str, Any]]:
    """Describe inputs or outputs, with the tangent or adjoint that belongs to each.

    And the steps that compute them, so that the player can hold them back until then.
    """
    made = {r: k for k, e in enumerate(program.equations) for r in e.results}
    rows = {r: e.path for e in program.rows for r in e.results}
    rows |= {v: f"in {k}" for k, v in enumerate(program.inputs)}
    found = _at_the_end(program, into) | {**program.tangents, **program.adjoints}
    ends: list[dict[str, Any]] = []
    for i in ids:
        value = program.values[i]
        end = {"name": value.name, "value": value_text(value), "step": made.get(i)}
        end |= {"row": None if into else rows.get(i)}
        partner = found.get(i)
        if partner is not None:
            end["partner"] = f"{value.name}_{'dot' if program.mode == 'forward' else 'bar'}"
            end["derivative"] = value_text(program.values[partner])
            end["derivative_step"] = made.get(partner)
            end["seed"] = partner in program.seeds
            told = i in reached or into != (program.mode == "reverse")
            path = f"{value.name} to the output" if into else f"an input to {value.name}"
            end["zero"] = "" if told else f"zero: no derivative flows from {path}"
        ends.append(end)
    return ends


def _constants(program: Program) -> list[str]:
    known = {*program.inputs, *program.seeds, *(r for e in program.equations for r in e.results)}
    read = dict.fromkeys(o for e in program.equations for o in e.operands if o not in known)
    return [named(v) for o in read if not (v := program.values[o]).literal]


def _at_the_end(program: Program, into: bool) -> dict[int, int]:
    """Return the tangent, or the cotangent that the way back starts from, of each output."""
    if into or program.mode == "primal":
        return {}
    if program.mode == "forward":
        return dict(zip(program.outputs, program.derivatives, strict=True))
    inexact = [i for i in program.outputs if program.values[i].inexact]
    return dict(zip(inexact, program.seeds, strict=False))


def _title(program: Program) -> str:
    point = ", ".join(named(program.values[i]) for i in program.inputs[:4])
    more = ", …" if len(program.inputs) > 4 else ""
    return f"{program.name} in {program.mode} mode at {point}{more}".removesuffix(" at ")


def _summary(program: Program) -> str:
    parts = [plural(len(program.rows), "primal equation")]
    for role in ("local_derivative", "tangent", "adjoint", "bookkeeping"):
        if count := sum(role in e.roles for e in program.equations):
            parts.append(plural(count, f"{role} equation"))
    if program.mode == "reverse":
        kept = [r for r in program.residuals if not r.free]
        literals = len(program.residuals) - len(kept)
        size = sum(program.values[r.value].nbytes for r in kept)
        parts.append(
            f"kept for the way back: {plural(len(kept), 'value')} ({size_text(size)})"
            + (f" and {plural(literals, 'literal')}, free" if literals else "")
        )
    return "; ".join(parts) + "."
