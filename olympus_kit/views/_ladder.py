"""The ladder's view model: what is in each row, and what happens at each step."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from ..program import Equation, Program, walk
from ._fold import folded
from ._formula import (
    iteration_texts,
    named,
    operand,
    plural,
    short_text,
    size_text,
    statement,
    value_text,
)
from ._notation import label
from ._rows import Ladder, Line, Row, Rung, Step, every, in_order, row_number
from ._words import Words, with_short_names

__all__ = ["Ladder", "Line", "Row", "Step", "build_ladder", "in_order"]

# where an equation stands that carries several roles: the first of these that it has
PRECEDENCE = ("adjoint", "tangent", "primal", "local_derivative", "bookkeeping")
MOST_POINT = 24  # characters of the inputs that stand in the summary
TRANSFORM = re.compile(r"transpose\(jvp\(|jvp\(")


def build_ladder(
    program: Program, layout: str = "ladder", error: Sequence[str] = ()
) -> Ladder:
    """Return the view model of a program; `error` are the lines that say where f raised."""
    return _Builder(program).ladder(layout, list(error), _title(program))


class _Builder:
    """The tables of one ladder while they are filled."""

    def __init__(self, program: Program) -> None:
        self.program = program = with_short_names(program)
        self.words = Words(program)
        self.rows = [self._row(e, 0) for e in program.rows]
        self.by_path = {row.path: row for row in every(self.rows)}
        self.other = Row(
            "other",
            0,
            "bookkeeping",
            "other",
            note="equations that belong to no row",
        )
        self.order = {e.path: k for k, e in enumerate(program.equations)}
        self.made_at = {
            r: k for k, e in enumerate(program.equations) for r in e.results
        }

    def ladder(self, layout: str, error: list[str], title: str) -> Ladder:
        """Return the finished model."""
        program = self.program
        totals = accumulate(e.flops for e in program.equations)
        steps = []
        for step, (equation, total) in enumerate(
            zip(program.equations, totals, strict=True)
        ):
            steps.append(self._step(equation, step, total))
            self._place_inside(equation)
        self._mark_reads()
        self._mark_residuals()
        self._mark_passing()
        rows = folded(self.rows, program)
        if any(self.other.lines):
            rows.append(self.other)
        point = [named(program.values[i]) for i in program.inputs]
        identity = "".join([title, *point, *(step.words for step in steps)])
        backward = [
            k for k, step in enumerate(steps) if step.column == "adjoint"
        ]
        return Ladder(
            layout=layout,
            name=program.name,
            mode=program.mode,
            title=f"{program.name} stops with an error" if error else title,
            summary=_summary(program),
            error=error,
            point=point,
            group=hashlib.sha256(identity.encode()).hexdigest()[:12],
            columns=self._columns(),
            inputs=self._ends(program.inputs, into=True),
            outputs=self._ends(program.outputs, into=False),
            rows=rows,
            steps=steps,
            backward=backward[0]
            if backward and program.mode == "reverse"
            else None,
            bad=sorted(
                int(e.path.partition(".")[0])
                for e in program.first_bad.values()
            ),
            peak=max((e.live for e in program.equations), default=0),
            seeds=[named(program.values[i]) for i in program.seeds],
            constants=self._constants(),
            notes=list(program.notes),
        )

    # ---- rows and lines --------------------------------------------------------------------------

    def _row(self, equation: Equation, depth: int) -> Row:
        row = Row(
            equation.path, depth, label(equation), row_number(equation.path)
        )
        values = [self.program.values[r] for r in equation.results]
        row.source = f"line {equation.source.line}" if equation.source else ""
        row.origin = _origin(equation.scope)
        row.kind = "; ".join(f"{v.dtype}{list(v.shape)}" for v in values)
        if depth or self.program.mode == "primal":
            row.primal.append(self._line(equation, "primal"))
        if equation.trips is not None:
            row.note = plural(equation.trips, "iteration")
            if equation.params.get("reverse") is True:
                row.note += ", the last one first"
        for body in equation.bodies:
            children = [self._row(e, depth + 1) for e in body.equations]
            if not body.taken:
                for child in every(children):
                    child.note = f"{body.name}: not run"
            row.children += children
        return row

    def _line(
        self, equation: Equation, role: str, step: int | None = None
    ) -> Line:
        values = [self.program.values[r] for r in equation.results]
        summaries = [v.summary for v in values if v.summary is not None]
        return Line(
            text=statement(self.program, equation),
            value=", ".join(map(value_text, values)),
            short=", ".join(map(short_text, values)),
            role=role,
            step=step,
            iterations=iteration_texts(values),
            bad=any(s.nans or s.infs for s in summaries),
        )

    def _row_of(self, equation: Equation) -> Row | None:
        return self.by_path.get(equation.primal or "")

    def _step(self, equation: Equation, step: int, total: int) -> Step:
        """Put an equation into the row that it belongs to, and return its step."""
        row = self._row_of(equation) or self.other
        role = next(r for r in PRECEDENCE if r in equation.roles)
        if (
            equation.path in self.words.sums
        ):  # of seeds alone, too, which belong to no row
            role = "adjoint"
        column = "local_derivative" if role == "bookkeeping" else role
        if self.program.mode == "primal":
            row.primal[0].step = step
        else:
            getattr(row, column).append(self._line(equation, role, step))
        product = self.words.product(equation, role)
        sentence = self.words.sentence(equation, role, product)
        return Step(row.path, column, sentence, equation.live, total, product)

    def _place_inside(self, equation: Equation) -> None:
        """Put the derivative equations of bodies beside the primal equations they belong to."""
        if self.program.mode == "primal":
            return
        for body in equation.bodies:
            for inner in walk(body.equations):
                row = self._row_of(inner)
                role = next(r for r in PRECEDENCE if r in inner.roles)
                if row is not None and role in (
                    "local_derivative",
                    "tangent",
                    "adjoint",
                ):
                    getattr(row, role).append(self._line(inner, role))

    def _columns(self) -> list[str]:
        """Return the columns of the mode; in reverse mode local derivatives where there are any."""
        if self.program.mode == "primal":
            return ["primal"]
        if self.program.mode == "forward":
            return ["primal", "tangent"]
        if any(row.local_derivative for row in every([*self.rows, self.other])):
            return ["primal", "local_derivative", "adjoint"]
        return ["primal", "adjoint"]

    # ---- what connects the rows ------------------------------------------------------------------

    def _mark_reads(self) -> None:
        """Write down which rows, and which inputs, feed each row."""
        made_in = {v: f"in {k}" for k, v in enumerate(self.program.inputs)}
        for equation in walk(self.program.rows):
            made_in |= dict.fromkeys(equation.results, equation.path)
        for equation in walk(self.program.rows):
            feeding = dict.fromkeys(
                made_in[o] for o in equation.operands if o in made_in
            )
            self.by_path[equation.path].reads = list(feeding)

    def _mark_residuals(self) -> None:
        """Write each residual on the rung of the row whose adjoint reads it."""
        for residual in self.program.residuals:
            value = self.program.values[residual.value]
            first = (
                None
                if residual.made_by is None
                else self.order[residual.made_by]
            )
            for path in residual.used_by:
                last = self.order[path]
                row = self._row_of(self.program.equations[last])
                if row is None:
                    continue
                if residual.free:
                    row.literals.append(operand(value))
                elif value.name not in [rung.name for rung in row.residuals]:
                    row.residuals.append(
                        Rung(value.name, value_text(value), first, last)
                    )

    def _mark_passing(self) -> None:
        """Say what the adjoint of a row does without an equation."""
        program, original = self.program, self.program.variable
        flows = any(v in self.words.carriers for v in program.adjoints.values())
        too_large = (
            flows and not program.contributions
        )  # to tell contributions apart
        if program.mode != "reverse" or too_large:
            return
        for equation in program.rows:
            row = self.by_path[equation.path]
            adjoints = [
                program.adjoints[r]
                for r in equation.results
                if r in program.adjoints
            ]
            sources = {original(a): program.values[a].name for a in adjoints}
            passed: dict[str, list[int]] = {}
            sends = bool(row.adjoint)
            for position, value in enumerate(equation.operands):
                part = program.contributions.get((equation.path, position))
                if part is None:
                    continue
                sends = True
                name = sources.get(original(part))
                if name is not None:
                    passed.setdefault(name, []).append(value)
            notes = [
                f"{name} passes unchanged to {self.words.names(v)}"
                for name, v in passed.items()
            ]
            row.passes = "; ".join(notes)
            if not sends:
                row.passes = "no derivative flows through here"

    # ---- inputs, outputs, constants --------------------------------------------------------------

    @property
    def _reached(self) -> set[int]:
        """The primal values that a derivative flows through."""
        links = {**self.program.tangents, **self.program.adjoints}
        if self.program.mode == "forward":
            links |= dict(
                zip(self.program.outputs, self.program.derivatives, strict=True)
            )
        original = self.program.variable
        return {
            v
            for v, partner in links.items()
            if original(partner) in self.words.carriers
        }

    def _ends(self, values: Sequence[int], into: bool) -> list[dict[str, Any]]:
        """Describe inputs or outputs, with the tangent or adjoint that belongs to each.

        And the steps that compute them, so that the player can hold them back until then.
        """
        program = self.program
        reached, made_at = self._reached, self.made_at
        rows = {r: e.path for e in program.rows for r in e.results}
        rows |= {v: f"in {k}" for k, v in enumerate(program.inputs)}
        links = {**program.tangents, **program.adjoints}
        partners = [links.get(v) for v in values]
        if not into and program.mode == "forward":
            partners = list(program.derivatives)
        elif not into:
            seeds = iter(
                program.seeds
            )  # one for each output that has a derivative
            inexact = [program.values[v].inexact for v in values]
            partners = [
                next(seeds, None) if moves else None for moves in inexact
            ]
        suffix = "dot" if program.mode == "forward" else "bar"
        ends: list[dict[str, Any]] = []
        for k, partner in zip(values, partners, strict=True):
            value = program.values[k]
            end: dict[str, Any] = {
                "name": value.name,
                "value": value_text(value),
            }
            end["short"] = short_text(value)
            end["step"] = made_at.get(k)
            end["row"] = None if into else rows.get(k)
            if partner is not None:
                derivative = program.values[partner]
                source = program.variable(partner)
                is_seed = partner in program.seeds and into == (
                    program.mode == "forward"
                )
                end["partner"] = (
                    derivative.name if is_seed else f"{value.name}_{suffix}"
                )
                end["derivative"] = value_text(derivative)
                end["derivative_short"] = short_text(derivative)
                end["derivative_step"] = made_at.get(source)
                end["seed"] = is_seed
                flows = k in reached or into != (program.mode == "reverse")
                path = (
                    f"{value.name} to the output"
                    if into
                    else f"an input to {value.name}"
                )
                end["zero"] = (
                    "" if flows else f"zero: no derivative flows from {path}"
                )
            ends.append(end)
        return ends

    def _constants(self) -> list[str]:
        """Return what equations read and nothing computes."""
        program = self.program
        computed = {*program.inputs, *program.seeds, *self.made_at}
        constants = {}
        for equation in program.equations:
            for o in equation.operands:
                if o not in computed and not program.values[o].literal:
                    constants[o] = named(program.values[o])
        return list(constants.values())


def _origin(scope: str) -> str:
    """Return which pass of an inner derivative an equation came out of, in words.

    jax writes the transforms around an equation from the outermost in: "jvp(transpose(jvp()))"
    is a forward pass (of the second derivative) over a backward pass (of the first).
    """
    passes = []
    for transform in TRANSFORM.findall(scope):
        passes.append(
            "backward pass" if "transpose" in transform else "forward pass"
        )
    if len(passes) < 2:
        return f"the inner derivative's {passes[0]}" if passes else ""
    return " over ".join(
        f"derivative {len(passes) - k}'s {one}" for k, one in enumerate(passes)
    )


def _title(program: Program) -> str:
    """Return "loss, reverse mode with respect to params"."""
    title = f"{program.name}, {program.mode} mode"
    if not program.wrt:
        return title
    *first, last = program.wrt
    return f"{title} with respect to {', '.join(first) + ' and ' if first else ''}{last}"


def _summary(program: Program) -> str:
    parts = [plural(len(program.rows), "primal equation")]
    for role in ("local_derivative", "tangent", "adjoint", "bookkeeping"):
        count = sum(role in e.roles for e in program.equations)
        if count:
            parts.append(plural(count, f"{role.replace('_', ' ')} equation"))
    if program.mode == "reverse":
        residuals = [r for r in program.residuals if not r.free]
        literals = len(program.residuals) - len(residuals)
        size = sum(program.values[r.value].nbytes for r in residuals)
        parts.append(
            f"saved for the backward pass: {plural(len(residuals), 'value')} ({size_text(size)})"
            + (f" and {plural(literals, 'literal')}, free" if literals else "")
        )
    point = ", ".join(named(program.values[i]) for i in program.inputs)
    at = f"At {point}: " if 0 < len(point) <= MOST_POINT else ""
    return at + "; ".join(parts) + "."
