"""Turn what was read from jax into a `Program`: names, roles, links, residuals, memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import _jaxprs as jaxprs
from ._arguments import Arguments
from ._cost import flops, traffic
from ._jaxprs import RawBody, RawEquation, RawValue
from ._links import Links, reverse_links
from ._liveness import live
from ._model import INEXACT, Body, Equation, Mode, Program, Residual, Source, Summary, Value, walk
from ._names import Names
from ._roles import Verdict, classify
from ._summary import summarize

_LINE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::\d+)?(?: \((?P<function>.*)\))?$")


CALLBACKS = ("pure_callback", "io_callback", "debug_callback", "debug_print")


class Build:
    """The tables of one capture while they are filled."""

    def __init__(self, arguments: Arguments, closed: Any) -> None:
        self.arguments = arguments
        self.closed = closed
        self.notes: list[str] = []
        self.raw: list[RawValue] = []
        self.summaries: dict[int, Summary] = {}
        self.names = Names(self.raw)
        self.primal = jaxprs.read(closed, self.raw, name="program")
        own = list(walk(self.primal.equations))
        for equation in own:
            equation.mark = equation.path
        self.sources = _sources(own)
        self.scopes = {e.path: e.scope for e in own if e.scope}
        self.primitives = {e.path: e.primitive for e in own}
        self.links = Links()
        self.seeds: list[int] = []
        self.derivatives: list[int] = []
        self.kept: list[int] = []  # what jax keeps for the way back
        self.linear = False  # whether only the linear program of a derivative could be had
        self.same: dict[int, int] = {}  # primal value -> another that jax made one with it
        self.names.primal(self.primal, arguments.names)

    # --- values ------------------------------------------------------------------------------

    def record(self, value: int, array: Any, iterations: bool) -> None:
        """Keep a summary of a computed value."""
        self.summaries[value] = summarize(array, iterations)

    def complete_primal(self, evaluate: Callable[..., Any]) -> None:
        """Compute the primal values that the derivative program does not show."""
        for value, other in self.same.items():
            if other in self.summaries:
                self.summaries[value] = self.summaries[other]
        nested = any(e.bodies for e in self.primal.equations)
        if not nested and all(r in self.summaries for r in self._made):
            return
        if _callbacks(self.primal):
            self.notes.append(
                "values inside bodies are not shown: the function calls back into Python, and "
                "computing them would call it once more"
            )
            return
        evaluate(self.primal, self.arguments.leaves, self.record)

    def add_outputs(self, arrays: Sequence[Any]) -> None:
        """Take in the outputs of a function of which no program computes them."""
        numbers = range(len(self.raw), len(self.raw) + len(arrays))
        self.raw += map(jaxprs.value_of, arrays)
        self.primal.outputs += numbers
        names = [f"out{k}" for k in range(1, len(arrays) + 1)]
        self.names.give(numbers, ["out"] if len(names) == 1 else names)
        for number, array in zip(numbers, arrays, strict=True):
            self.record(number, array, False)

    @property
    def _made(self) -> list[int]:
        """What the equations of the primal program make."""
        return [r for e in self.primal.equations for r in e.results]

    # --- the derivative program --------------------------------------------------------------

    def read_derivative(
        self, mode: Mode, traced: jaxprs.Traced, uses: Sequence[tuple[str, int]]
    ) -> RawBody:
        """Read the program of a derivative, its primal values under the numbers they have."""
        found = jaxprs.read_derivative(traced, self.closed, self.primal, self.raw)
        body, self.same = found.body, found.same
        for value, number in found.known.items():
            self.record(value, number, False)
        if _callbacks(body) > _callbacks(self.primal):
            self.notes.append(
                "Python is called back more often than by a single call: jax computes what lies "
                "in a checkpoint once more on the way back"
            )
        fresh = [c for c in body.consts if c not in self.primal.consts]
        self.names.give(fresh, [f"r{k + 1}" for k in range(len(fresh))])
        self.seeds = body.inputs[len(self.arguments.leaves) :]
        self.derivatives = body.outputs[len(traced.outputs) :]
        if mode == "forward":
            self._link_forward(found.tangents)
        else:
            self.kept = body.consts if self.linear else found.residuals
            self.links = reverse_links(self.primal, body, uses, found.contributions)
            for leaf, value in zip(self.arguments.which, self.derivatives, strict=True):
                self.links.adjoints[self.primal.inputs[leaf]] = value
            self.names.adjoints(self.links, self.seeds, self._inexact_outputs())
        return body

    def _link_forward(self, tangents: Sequence[int | None]) -> None:
        for leaf, seed in zip(self.arguments.which, self.seeds, strict=True):
            self.links.tangents[self.primal.inputs[leaf]] = seed
        for value, tangent in zip(self._made, tangents, strict=True):
            if tangent is not None:
                self.links.tangents[value] = tangent
        self.names.tangents(self.links)

    def _inexact_outputs(self) -> list[int]:
        return [i for i in self.primal.outputs if self.raw[i].dtype.startswith(INEXACT)]

    # --- the result --------------------------------------------------------------------------

    def program(
        self,
        mode: Mode,
        body: RawBody,
        out: Any,
        out_tangent: Any = None,
        in_cotangents: Any = None,
    ) -> Program:
        """Return the finished program."""
        moving = "tangent" if mode == "forward" else "adjoint"
        ends = () if self.linear else body.outputs[: len(self.primal.outputs)]
        kept = [*self._made, *self.same.values(), *ends]
        verdicts = classify(body, self.seeds, kept, moving, self.primitives, self.linear)
        self.names.rest(body, lambda e: verdicts[e.path].roles == {"local_derivative"})
        self.names.inside(self.primal)
        self.names.inside(body)
        equations = rows = self._equations(body, verdicts)
        if body is not self.primal:
            as_primal = classify(self.primal, (), self._made, moving, self.primitives)
            rows = self._equations(self.primal, as_primal)
        return Program(
            mode=mode,
            name=self.arguments.name,
            equations=equations,
            rows=rows,
            values=self._values(),
            inputs=tuple(self.primal.inputs),
            consts=tuple(self.primal.consts),
            outputs=tuple(self.primal.outputs),
            seeds=tuple(self.seeds),
            derivatives=tuple(self.derivatives),
            tangents=self.links.tangents,
            adjoints=self.links.adjoints,
            contributions=self.links.contributions,
            residuals=self._residuals(body, verdicts) if mode == "reverse" else (),
            notes=tuple(self.notes),
            out=out,
            out_tangent=out_tangent,
            in_cotangents=in_cotangents,
        )

    def _values(self) -> tuple[Value, ...]:
        found = self.summaries | {
            i: summarize(raw.literal) for i, raw in enumerate(self.raw) if raw.is_literal
        }
        return tuple([
            Value(i, self.names[i], raw.shape, raw.dtype, raw.is_literal, raw.nbytes, found.get(i))
            for i, raw in enumerate(self.raw)
        ])

    def _equations(self, body: RawBody, verdicts: Mapping[str, Verdict]) -> tuple[Equation, ...]:
        held = live(body.equations, body.outputs, self.raw)
        pairs = zip(body.equations, held, strict=True)
        return tuple([self._equation(e, verdicts[e.path], n) for e, n in pairs])

    def _equation(self, raw: RawEquation, verdict: Verdict, held: int) -> Equation:
        bodies = self._bodies(raw, verdict) if raw.bodies else ()
        raw.work = flops(raw, self.raw, [sum(e.work for e in b.equations) for b in raw.bodies])
        return Equation(
            path=raw.path,
            primitive=raw.primitive,
            params=jaxprs.printable_params(raw.params),
            roles=verdict.roles,
            primal=verdict.primal,
            operands=tuple(raw.operands),
            results=tuple(raw.results),
            bodies=bodies,
            flops=round(raw.work),
            bytes=traffic(raw, self.raw),
            trips=None if raw.trips is None else round(raw.trips),
            live=held,
            source=self.sources.get(verdict.primal or ""),
            scope=self.scopes.get(verdict.primal or "", ""),
        )

    def _bodies(self, raw: RawEquation, verdict: Verdict) -> tuple[Body, ...]:
        return tuple(
            Body(b.name, tuple(b.inputs), tuple(b.outputs), self._equations(b, inner), b.runs != 0)
            for b, inner in zip(raw.bodies, verdict.bodies, strict=True)
        )

    def _residuals(self, body: RawBody, verdicts: Mapping[str, Verdict]) -> tuple[Residual, ...]:
        """Return what jax keeps for the way back, and the program's own literals used there."""
        kept = set(self.kept)
        maker = {r: e.path for e in body.equations for r in e.results}
        literals = {
            (e.path, self.names[o])
            for e in walk(self.primal.equations)
            for o in e.operands
            if self.raw[o].is_literal
        }
        users: dict[int, list[str]] = {}
        for e in body.equations:
            verdict = verdicts[e.path]
            if not (e.transposed or "adjoint" in verdict.roles):
                continue
            for o in dict.fromkeys(e.operands):
                literal = (verdict.primal, self.names[o]) in literals
                if literal if self.raw[o].is_literal else o in kept:
                    users.setdefault(o, []).append(e.path)
        shown = Counter(self.names[o] for o in users if self.raw[o].is_literal)
        for o in self.kept:
            if self.raw[o].is_literal and shown[self.names[o]] > 0:
                shown[self.names[o]] -= 1  # stands there already, with who uses it
            else:
                users.setdefault(o, [])
        return tuple(
            Residual(o, maker.get(o), tuple(paths), self.raw[o].is_literal)
            for o, paths in users.items()
        )


def _callbacks(body: RawBody) -> int:
    return sum(e.primitive in CALLBACKS for e in walk(body.equations))


def _sources(equations: Sequence[RawEquation]) -> dict[str, Source | None]:
    known: dict[Any, Source | None] = {}  # equations of one line have equal tracebacks
    for equation in equations:
        if equation.traceback not in known:
            known[equation.traceback] = _source(equation)
    return {e.path: known[e.traceback] for e in equations}


def _source(equation: RawEquation) -> Source | None:
    match = _LINE.match(jaxprs.source_line(equation))
    if match is None:
        return None
    file, line, called = match["file"], int(match["line"]), match["function"] or ""
    return Source(file, line, called, jaxprs.library_call(equation, file, line))
