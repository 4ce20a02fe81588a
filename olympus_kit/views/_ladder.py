"""The ladder's view model: what is in each row, and what happens at each step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import accumulate

from ..program import Body, Equation, Program, walk
from ._fold import folded
from ._formula import (
    TRANSFORM,
    is_bad,
    iteration_texts,
    joined,
    named,
    operand,
    plural,
    returned,
    short_text,
    size_text,
    statement,
    value_text,
)
from ._notation import label
from ._rows import End, Ladder, Line, Row, Rung, Step, every, row_number
from ._words import Words, with_short_names

# where an equation stands that carries several roles: the first of these that it has
PRECEDENCE = ("adjoint", "tangent", "primal", "local_derivative", "bookkeeping")
DERIVATIVES = ("local_derivative", "tangent", "adjoint")
MOST_POINT = 24  # characters of the inputs that stand in the summary
# programs that jax keeps inside an equation and that no step runs: how a scatter joins two updates
# of one entry, and the products of a solve
UNRUN = ("update", "matvec", "vecmat")
# what jax hands out of a branch in the place of another branch's residuals
PLACEHOLDERS = ("empty", "empty2")
ENTRY = "in"  # ends the path of the row of what goes into an iteration


def build_ladder(
    program: Program, layout: str = "ladder", error: Sequence[str] = ()
) -> Ladder:
    """Return the view model of a program; `error` are the lines that say where f raised."""
    return _Builder(program).ladder(layout, list(error))


def role_of(equation: Equation) -> str:
    """Return the role that an equation is shown in."""
    return next(role for role in PRECEDENCE if role in equation.roles)


class _Builder:
    """The tables of one ladder while they are filled."""

    def __init__(self, program: Program) -> None:
        self.program = program = with_short_names(program)
        self.values = program.values
        self.words = Words(program)
        # in other modes it is a step that puts a line into its row
        lined = program.mode == "primal"
        # what equations make, and the inputs of loops that have their line
        self.known = {
            result
            for equation in (*walk(program.rows), *program.walk())
            for result in equation.results
        }
        self.rows = [self._row(e, lined) for e in program.rows]
        self.by_path = {row.path: row for row in every(self.rows)}
        note = "equations that belong to no row"
        self.other = Row("other", "bookkeeping", "other", note=note)
        # value -> the row that computes it, or "in 0" ...
        self.made_in = {v: f"in {k}" for k, v in enumerate(program.inputs)}
        for equation in walk(program.rows):
            self.made_in |= dict.fromkeys(equation.results, equation.path)
        self.step_of: dict[int, int] = {}
        for k, equation in enumerate(program.equations):
            self.step_of |= dict.fromkeys(equation.results, k)

    def ladder(
        self,
        layout: str,
        error: list[str],
    ) -> Ladder:
        """Return the finished model."""
        program = self.program
        totals = accumulate(e.flops for e in program.equations)
        steps: list[Step] = []
        for equation, total in zip(program.equations, totals, strict=True):
            steps.append(self._step(equation, len(steps), total))
            self._place_inside(equation)
        self._mark_reads()
        self._mark_residuals()
        self._mark_passing()
        columns = self._columns()
        rows = folded(self.rows, program)
        if any(self.other.lines):
            rows.append(self.other)
        title = title_of(program)
        point = self._named(program.inputs)
        identity = "".join([title, *point, *(step.words for step in steps)])
        if error:
            title = f"{program.name} stops with an error"
        backward = None
        if program.mode == "reverse":
            columns_of_steps = [step.column for step in steps]
            if "adjoint" in columns_of_steps:
                backward = columns_of_steps.index("adjoint")
        return Ladder(
            layout=layout,
            name=program.name,
            mode=program.mode,
            title=title,
            summary=_summary(program, ", ".join(point)),
            error=error,
            point=point,
            group=hashlib.sha256(identity.encode()).hexdigest()[:12],
            columns=columns,
            inputs=self._inputs(),
            outputs=self._outputs(),
            rows=rows,
            steps=steps,
            backward=backward,
            bad=sorted(_number(e.path) for e in program.first_bad.values()),
            peak=max((e.live for e in program.equations), default=0),
            seeds=self._named(program.seeds),
            constants=self._constants(),
            notes=list(program.notes),
        )

    def _named(self, values: Sequence[int]) -> list[str]:
        return [named(self.values[v]) for v in values]

    # ---- rows and lines --------------------------------------------------------------------------

    def _row(
        self,
        equation: Equation,
        lined: bool,
    ) -> Row:
        path = equation.path
        row = Row(path, label(equation), row_number(path))
        values = [self.values[r] for r in equation.results]
        row.source = f"line {equation.source.line}" if equation.source else ""
        row.origin = _origin(equation.scope)
        row.kind = "; ".join(f"{v.dtype}{list(v.shape)}" for v in values)
        if lined:
            row.primal.append(self._line(equation, "primal"))
        if equation.trips is not None:
            row.note = plural(equation.trips, "iteration")
            if equation.params.get("reverse") is True:
                row.note += ", the last one first"
        for body in equation.bodies:
            if body.name in UNRUN:
                continue
            children = [self._row(e, True) for e in body.equations]
            if entry := self._entry(equation, body):
                children.insert(0, entry)
            if not body.taken:
                for child in every(children):
                    child.note = f"{body.name}: not run"
            row.children += children
        return row

    def _entry(
        self,
        equation: Equation,
        body: Body,
    ) -> Row | None:
        """Return the row of what goes into each iteration of a loop."""
        if not body.carried and not body.scanned:
            return None
        path = f"{equation.path}.{equation.bodies.index(body)}.{ENTRY}"
        row = Row(path, "carry", row_number(path))
        row.primal += self._carries(body, "primal")
        return row

    def _carries(
        self,
        body: Body,
        role: str,
    ) -> Iterator[Line]:
        """Yield a line for each input of a loop's body that is not a value that is saved for it."""
        texts = {}
        for start, number, following in body.carried:
            first, then = self.values[start], self.values[following]
            texts[number] = f"{operand(first)}, then {operand(then)}"
        for array, number in body.scanned:
            texts[number] = f"an entry of {operand(self.values[array])}"
        for number, text in texts.items():
            if number in self.known:
                continue
            self.known.add(number)
            value = self.values[number]
            yield Line(
                text=f"{value.name} = {text}",
                value=value_text(value),
                short=short_text(value),
                role=role,
                iterations=iteration_texts([value]),
                bad=is_bad(value),
            )

    def _line(
        self,
        equation: Equation,
        role: str,
        step: int | None = None,
    ) -> Line:
        values = returned(self.program, equation)
        return Line(
            text=statement(self.program, equation),
            value=", ".join(map(value_text, values)),
            short=", ".join(map(short_text, values)),
            role=role,
            step=step,
            iterations=iteration_texts(values),
            bad=any(is_bad(self.values[r]) for r in equation.results),
        )

    def _row_of(self, equation: Equation) -> Row | None:
        return self.by_path.get(equation.primal or "")

    def _step(
        self,
        equation: Equation,
        step: int,
        total: int,
    ) -> Step:
        """Put an equation into the row that it belongs to, and return its step."""
        row = self._row_of(equation) or self.other
        role = role_of(equation)
        if equation.path in self.words.sums:
            role = "adjoint"  # of seeds alone, too, which belong to no row
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
        for number, body in enumerate(equation.bodies):
            if body.name in UNRUN or (
                equation.primitive == "custom_linear_solve" and not body.taken
            ):
                continue  # it serves jax, which solves with the transpose, too
            entry = self.by_path.get(f"{equation.primal}.{number}.{ENTRY}")
            role = role_of(equation)
            if entry is not None and role in DERIVATIVES:
                getattr(entry, role).extend(self._carries(body, role))
            for inner in body.equations:
                row, role = self._row_of(inner), role_of(inner)
                if inner.primal == equation.primal and entry is not None:
                    row = entry  # what is added up between two iterations
                if inner.primitive in PLACEHOLDERS:
                    continue
                if row is not None and role in DERIVATIVES:
                    getattr(row, role).append(self._line(inner, role))
                self._place_inside(inner)

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
        for equation in walk(self.program.rows):
            feeding = [self.made_in.get(o) for o in equation.operands]
            known = [path for path in feeding if path is not None]
            if equation.path in self.by_path:
                self.by_path[equation.path].reads = list(dict.fromkeys(known))

    def _mark_residuals(self) -> None:
        """Write each residual on the rung of the row whose adjoint reads it."""
        for residual in self.program.residuals:
            value = self.values[residual.value]
            first = None
            if residual.made_by is not None:
                first = _number(residual.made_by)
            for last in map(_number, residual.used_by):
                row = self._row_of(self.program.equations[last])
                if row is None:
                    continue
                if residual.free:
                    row.literals.append(operand(value))
                elif value.name not in [rung.name for rung in row.residuals]:
                    rung = Rung(value.name, value_text(value), first, last)
                    row.residuals.append(rung)

    def _mark_passing(self) -> None:
        """Say what the adjoint of a row does without an equation."""
        program, original = self.program, self.program.variable
        flows = any(v in self.words.carriers for v in program.adjoints.values())
        # of a program that is too large contributions are not shown separately
        too_large = flows and not program.contributions
        if program.mode != "reverse" or too_large:
            return
        for equation in program.rows:
            sources = {}
            for result in equation.results:
                if result in program.adjoints:
                    adjoint = program.adjoints[result]
                    sources[original(adjoint)] = self.words.name(adjoint)
            row = self.by_path[equation.path]
            row.passes = (
                "" if row.adjoint else "no derivative flows through here"
            )
            passing: dict[str, list[int]] = {}
            for position, value in enumerate(equation.operands):
                part = program.contributions.get((equation.path, position))
                if part is not None:
                    row.passes = ""
                    passing.setdefault(
                        sources.get(original(part), ""), []
                    ).append(value)
            passing.pop("", None)
            notes = [
                f"{name} passes unchanged to {self.words.names(values)}"
                for name, values in passing.items()
            ]
            row.passes += "; ".join(notes)

    # ---- inputs, outputs, constants --------------------------------------------------------------

    def _end(
        self,
        value: int,
        partner: int | None,
        starts: bool,
    ) -> End:
        """Return an input or an output with the tangent or adjoint that belongs to it.

        Args:
            value: of the input or output.
            partner: its tangent or adjoint.
            starts: whether derivatives start at this end of the program.
        """
        own = self.values[value]
        end = End(
            own.name, value_text(own), short_text(own), self.step_of.get(value)
        )
        if partner is None:
            return end
        program, derivative = self.program, self.values[partner]
        forward = program.mode == "forward"
        end.role = "tangent" if forward else "adjoint"
        end.partner = f"{own.name}_{'dot' if forward else 'bar'}"
        end.derivative = value_text(derivative)
        end.derivative_short = short_text(derivative)
        original = program.variable(partner)
        end.derivative_step = self.step_of.get(original)
        if starts and partner in program.seeds:
            end.seed = True
            end.partner = derivative.name
        elif not starts and original not in self.words.carriers:
            way = f"from {end.name} to the output"
            if forward:
                way = f"from an input to {end.name}"
            end.zero = f"zero: no derivative flows {way}"
        return end

    def _inputs(self) -> list[End]:
        program = self.program
        links = {**program.tangents, **program.adjoints}
        forward = program.mode == "forward"
        return [self._end(v, links.get(v), forward) for v in program.inputs]

    def _outputs(self) -> list[End]:
        program = self.program
        forward = program.mode == "forward"
        # one seed for each output that has a derivative
        partners = iter(program.derivatives if forward else program.seeds)
        ends = []
        for value in program.outputs:
            has_one = forward or self.values[value].inexact
            partner = next(partners, None) if has_one else None
            end = self._end(value, partner, not forward)
            end.row = self.made_in.get(value)
            ends.append(end)
        return ends

    def _constants(self) -> list[str]:
        """Return what equations read and nothing computes."""
        program = self.program
        computed = {*program.inputs, *program.seeds, *self.step_of}
        constants = []
        for equation in program.equations:
            for o in equation.operands:
                if o not in computed and not self.values[o].literal:
                    constants.append(o)
        return self._named(list(dict.fromkeys(constants)))


def _number(path: str) -> int:
    """Return the number of the equation that a path starts with: that of its step."""
    return int(path.partition(".")[0])


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
    if len(passes) == 1:
        return f"the inner derivative's {passes[0]}"
    return " over ".join(
        f"derivative {len(passes) - k}'s {one}" for k, one in enumerate(passes)
    )


def title_of(program: Program) -> str:
    """Return "loss, reverse mode with respect to params"."""
    title = f"{program.name}, {program.mode} mode"
    if program.wrt:
        title += f" with respect to {joined(program.wrt)}"
    return title


def _summary(
    program: Program,
    point: str,
) -> str:
    parts = [plural(len(program.rows), "primal equation")]
    for role in ("local_derivative", "tangent", "adjoint", "bookkeeping"):
        count = sum(role in e.roles for e in program.equations)
        if count:
            parts.append(plural(count, f"{role.replace('_', ' ')} equation"))
    if program.mode == "reverse":
        free = [r.free for r in program.residuals]
        saved = plural(free.count(False), "value")
        size = size_text(
            sum(
                program.values[r.value].nbytes
                for r in program.residuals
                if not r.free
            )
        )
        words = f"saved for the backward pass: {saved} ({size})"
        unread = sum(not r.used_by and not r.free for r in program.residuals)
        if unread:
            words += f", {unread} of them unread"
        if any(free):
            words += f" and {plural(free.count(True), 'literal')}, free"
        parts.append(words)
    at = f"At {point}: " if 0 < len(point) <= MOST_POINT else ""
    return f"{at}{'; '.join(parts)}."
