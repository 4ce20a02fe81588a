"""The ladder's view model: what is in each row, and what happens at each step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..program import Equation, Program, walk
from ._formula import label, operand, plural, size_text, statement, value_text

COLUMNS = {
    "primal": ["primal"],
    "forward": ["primal", "tangent"],
    "reverse": ["primal", "adjoint"],
}
# where an equation stands that carries several roles: the first of these that it has
PRECEDENCE = ("adjoint", "tangent", "primal", "coefficient", "bookkeeping")
READ = {"primal": "read down", "tangent": "read down", "adjoint": "read up"}


@dataclass
class Line:
    """An equation as a line of code, with its value."""

    text: str
    value: str
    role: str
    step: int | None = None  # its number in the player; None inside a body


@dataclass
class Kept:
    """A residual on the rung of the row whose adjoint reads it."""

    name: str
    value: str
    made: int | None  # the step that makes it; None for inputs and constants
    used: int  # the step that reads it


@dataclass
class Row:
    """A primal equation and everything that belongs to it."""

    path: str
    depth: int
    label: str
    primal: list[Line] = field(default_factory=list)
    coefficient: list[Line] = field(default_factory=list)
    tangent: list[Line] = field(default_factory=list)
    adjoint: list[Line] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)  # saved for the way back
    free: list[str] = field(default_factory=list)  # literals: needed, but no memory
    passes: str = ""  # what an adjoint does that has no equation
    source: str = ""
    note: str = ""
    children: list[Row] = field(default_factory=list)


@dataclass
class Step:
    """One equation of the program as the player shows it."""

    row: str
    column: str
    words: str
    live: int
    flops: int


def in_order(rows: Iterable[Row]) -> list[tuple[Row, Line]]:
    """Return the lines that are steps, in the order of the program, each with its row."""
    found = [
        (row, line)
        for row in _all(rows)
        for line in (*row.primal, *row.coefficient, *row.tangent, *row.adjoint)
        if line.step is not None
    ]
    return sorted(found, key=lambda pair: pair[1].step or 0)


@dataclass
class Ladder:
    """Everything that the renderers need, as plain data."""

    layout: str  # "ladder" or "listing": how the front-end draws the same content
    name: str
    mode: str
    title: str
    summary: str
    columns: list[dict[str, str]]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    rows: list[Row]
    steps: list[Step]
    peak: int
    seeds: list[str]  # "v9_bar = 1.0": what the derivative starts from
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the model as plain lists and dicts."""
        return asdict(self)


def build_ladder(program: Program, layout: str = "ladder", notes: Sequence[str] = ()) -> Ladder:
    """Return the view model of a program."""
    rows = [_row(program, e, 0) for e in program.rows]
    by_path = {r.path: r for r in _all(rows)}
    other = Row("other", 0, "bookkeeping", note="equations that belong to no row")
    steps = [
        _place(program, e, k, by_path, other, total)
        for k, (e, total) in enumerate(_totals(program.equations))
    ]
    if any((other.primal, other.coefficient, other.tangent, other.adjoint)):
        rows.append(other)
    _mark_kept(program, by_path)
    _mark_passing(program, by_path)
    return Ladder(
        layout=layout,
        name=program.name,
        mode=program.mode,
        title=_title(program),
        summary=_summary(program),
        columns=[{"name": c, "read": READ[c]} for c in COLUMNS[program.mode]],
        inputs=_ends(program, program.inputs),
        outputs=_ends(program, program.outputs),
        rows=rows,
        steps=steps,
        peak=max((e.live for e in program.equations), default=0),
        seeds=[
            f"{program.values[i].name} = {value_text(program.values[i])}" for i in program.seeds
        ],
        notes=[*program.notes, *notes],
    )


def _totals(equations: Sequence[Equation]) -> Iterable[tuple[Equation, int]]:
    total = 0
    for equation in equations:
        total += equation.flops
        yield equation, total


def _all(rows: Iterable[Row]) -> Iterable[Row]:
    for row in rows:
        yield row
        yield from _all(row.children)


def _row(program: Program, equation: Equation, depth: int) -> Row:
    source = equation.source
    row = Row(equation.path, depth, label(equation))
    row.source = f"line {source.line}" if source else ""
    if depth or program.mode == "primal":
        row.primal.append(_line(program, equation, "primal"))
    if equation.trips is not None:
        row.note = plural(equation.trips, "turn")
    for body in equation.bodies:
        children = [_row(program, e, depth + 1) for e in body.equations]
        if not body.taken:
            for child in _all(children):
                child.note = f"{body.name}: not taken"
        row.children += children
    return row


def _line(program: Program, equation: Equation, role: str, step: int | None = None) -> Line:
    values = [value_text(program.values[r]) for r in equation.results]
    return Line(statement(program, equation), ", ".join(values), role, step)


def _place(
    program: Program,
    equation: Equation,
    number: int,
    rows: dict[str, Row],
    other: Row,
    total: int,
) -> Step:
    """Put an equation into the row that it belongs to, and return its step."""
    row = rows.get(equation.primal or "", other)
    role = next(r for r in PRECEDENCE if r in equation.roles)
    line = _line(program, equation, role, number)
    if program.mode == "primal":
        row.primal[0].step = number
    else:
        getattr(row, "coefficient" if role == "bookkeeping" else role).append(line)
        _place_inside(program, equation, rows)
    column = role if role in ("primal", "tangent", "adjoint") else "coefficient"
    words = _words(program, equation, role, row, line)
    return Step(row.path, column, words, equation.live, total)


def _place_inside(program: Program, equation: Equation, rows: dict[str, Row]) -> None:
    """Put the derivative equations of bodies beside the primal equations that they belong to."""
    for body in equation.bodies:
        for inner in walk(body.equations):
            row = rows.get(inner.primal or "")
            role = next(r for r in PRECEDENCE if r in inner.roles)
            if row is not None and role in ("coefficient", "tangent", "adjoint"):
                getattr(row, role).append(_line(program, inner, role))


ROLE_WORDS = {
    "primal": "computes",
    "coefficient": "local derivative of",
    "tangent": "pushes the tangent through",
    "adjoint": "pulls the adjoint back through",
    "bookkeeping": "sets up",
}


def _words(program: Program, equation: Equation, role: str, row: Row, line: Line) -> str:
    """Return what a step does, in a sentence."""
    value = f", which is {line.value}" if equation.results else ""
    if role == "primal":
        sentence = f"Primal: {line.text}{value}."
    elif equation.primitive == "add_any" and role == "adjoint":
        parts = " and ".join(program.values[o].name for o in equation.operands)
        total = program.values[equation.results[0]].name
        sentence = (
            f"Adjoint: {parts} belong to one value that was used more than once, so they are "
            f"added: {line.text}{value}. {total} is now complete."
            if equation.results[0] in program.adjoints.values()
            else f"Adjoint: {parts} are added: {line.text}{value}; more is still to come."
        )
    else:
        sentence = f"{role.capitalize()}, {ROLE_WORDS[role]} {row.label}: {line.text}{value}."
    bad = [program.values[r].name for r in equation.results if _is_bad(program, r)]
    return sentence + (f" {', '.join(bad)} holds NaN or inf." if bad else "")


def _is_bad(program: Program, value: int) -> bool:
    summary = program.values[value].summary
    return summary is not None and bool(summary.nans or summary.infs)


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


def _mark_passing(program: Program, rows: dict[str, Row]) -> None:
    """Say what happens in the adjoint of a row for which jax needs no equation."""
    if program.mode != "reverse":
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
        elif not source:
            row.passes = "no derivative flows through here"


def _ends(program: Program, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Describe inputs or outputs, with the tangent or adjoint that belongs to each.

    And the steps that compute them, so that the player can hold them back until then.
    """
    made = {r: k for k, e in enumerate(program.equations) for r in e.results}
    ends: list[dict[str, Any]] = []
    for i in ids:
        value = program.values[i]
        end = {"name": value.name, "value": value_text(value), "step": made.get(i)}
        partner = program.tangents.get(i, program.adjoints.get(i))
        if partner is not None:
            end["partner"] = f"{value.name}_{'dot' if program.mode == 'forward' else 'bar'}"
            end["derivative"] = value_text(program.values[partner])
            end["derivative_step"] = made.get(partner)
        ends.append(end)
    return ends


def _title(program: Program) -> str:
    point = ", ".join(
        f"{program.values[i].name} = {value_text(program.values[i])}" for i in program.inputs[:4]
    )
    more = ", …" if len(program.inputs) > 4 else ""
    return f"{program.name} in {program.mode} mode at {point}{more}".removesuffix(" at ")


def _summary(program: Program) -> str:
    parts = [plural(len(program.rows), "primal equation")]
    counts = {
        role: sum(role in e.roles for e in program.equations)
        for role in ("coefficient", "tangent", "adjoint", "bookkeeping")
    }
    parts += [plural(n, f"{role} equation") for role, n in counts.items() if n]
    if program.mode == "reverse":
        kept = [r for r in program.residuals if not r.free]
        literals = len(program.residuals) - len(kept)
        size = sum(program.values[r.value].nbytes for r in kept)
        parts.append(
            f"kept for the way back: {plural(len(kept), 'value')} ({size_text(size)})"
            + (f" and {plural(literals, 'literal')}, free" if literals else "")
        )
    return "; ".join(parts) + "."
