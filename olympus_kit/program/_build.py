"""Turn what was read from jax into a `Program`: names, roles, links, residuals, memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.extend.core as jec

from . import _jaxprs as jaxprs
from ._arguments import Arguments
from ._cost import flops, traffic
from ._jaxprs import RawBody, RawEquation, RawValue
from ._links import Links, reverse_links
from ._model import Body, Equation, Mode, Program, Residual, Source, Summary, Value
from ._roles import Verdict, classify
from ._summary import summarize

_LINE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::\d+)?(?: \((?P<function>.*)\))?$")


class Build:
    """The tables of one capture while they are filled."""

    def __init__(self, arguments: Arguments, closed: Any, marked: Any) -> None:
        self.arguments = arguments
        self.closed = closed
        self.marked = marked
        self.notes: list[str] = []
        self.raw: list[RawValue] = []
        self.summaries: dict[int, Summary] = {}
        self.names: dict[int, str] = {}
        self.primal = jaxprs.read(marked, self.raw, name="program")
        self.sources = dict(_sources(self.primal))
        self.primitives = {e.path: e.primitive for e in _walk(self.primal)}
        self.links = Links()
        self.seeds: list[int] = []
        self.derivatives: list[int] = []
        self.same: dict[int, int] = {}  # primal value -> another that jax made one with it
        self._name_primal()

    # --- names -------------------------------------------------------------------------------

    def _name_primal(self) -> None:
        self._name(self.primal.inputs, self.arguments.names)
        self._name(self.primal.consts, [f"const{i + 1}" for i in range(len(self.primal.consts))])
        count = 0
        for equation in self.primal.equations:
            for result in equation.results:
                count += 1
                self.names.setdefault(result, f"v{count}")

    def _name(self, ids: Sequence[int], names: Sequence[str]) -> None:
        for i, name in zip(ids, names, strict=True):
            self.names.setdefault(i, name)

    def _name_rest(self, body: RawBody, verdicts: Mapping[str, Verdict]) -> None:
        """Name what has no name of its own: coefficients c1, c2, ..., others t1, t2, ..."""
        counts = {"c": 0, "t": 0}
        for equation in body.equations:
            letter = "c" if verdicts[equation.path].roles == {"coefficient"} else "t"
            for result in equation.results:
                if result not in self.names:
                    counts[letter] += 1
                    self.names[result] = f"{letter}{counts[letter]}"

    def _name_inside(self, body: RawBody) -> None:
        """Name the values in bodies after the equation that holds them."""
        for equation in body.equations:
            parent = self.names[equation.results[0]] if equation.results else equation.path
            for k, inner in enumerate(equation.bodies):
                prefix = parent if len(equation.bodies) == 1 else f"{parent}.{'abcdefgh'[k % 8]}"
                self._name_body(equation, inner, prefix)

    def _name_body(self, equation: RawEquation, body: RawBody, prefix: str) -> None:
        called = equation.primitive in jaxprs.CALLS
        for k, value in enumerate(body.inputs):
            outer = equation.operands[body.positions[k]] if body.positions else None
            known = self._name_of(outer) if called and outer is not None else f"{prefix}.in{k + 1}"
            self.names.setdefault(value, known)
        self._name(body.consts, [f"{prefix}.const{k + 1}" for k in range(len(body.consts))])
        results = [r for e in body.equations for r in e.results]
        self._name(results, [f"{prefix}.{k + 1}" for k in range(len(results))])
        self._name_inside(body)

    def _name_of(self, value: int) -> str:
        raw = self.raw[value]
        if raw.is_literal:
            return _literal_text(raw.literal)
        return self.names.get(value, f"#{value}")

    # --- values ------------------------------------------------------------------------------

    def record(self, value: int, array: Any, iterations: bool) -> None:
        """Keep a summary of a computed value."""
        self.summaries[value] = summarize(array, iterations)

    def place_primal(self, body: RawBody) -> None:
        """Name the insides of the primal program."""
        self._name_inside(body)

    def complete_primal(self, evaluate: Callable[..., Any]) -> None:
        """Compute the primal values that the derivative program does not show."""
        for value, other in self.same.items():
            if other in self.summaries:
                self.summaries[value] = self.summaries[other]
        top = [r for e in self.primal.equations for r in e.results]
        nested = any(e.bodies for e in self.primal.equations)
        if nested or any(r not in self.summaries for r in top):
            evaluate(self.primal, self.closed.consts, self.arguments.leaves, self.record)
        self.place_primal(self.primal)

    # --- the derivative program --------------------------------------------------------------

    def read_derivative(
        self, mode: Mode, traced: jaxprs.Traced, uses: Sequence[tuple[str, int]]
    ) -> RawBody:
        """Read the program of a derivative, its primal values under the numbers they have."""
        ids = self._shared_ids(traced)
        count = len(traced.closed.jaxpr.invars) - len(traced.contributions)
        jaxpr = _trimmed(traced, count)
        body = jaxprs.read(jaxpr, self.raw, ids, name="program")
        self.seeds = body.inputs[len(self.arguments.leaves) :]
        self.derivatives = body.outputs[len(traced.outputs) :]
        if mode == "forward":
            self._link_forward(body, traced)
        else:
            found = [self._id(body, v) for v in traced.contributions]
            self.links = reverse_links(self.primal, body, uses, found)
            for leaf, value in zip(self.arguments.which, self.derivatives, strict=True):
                self.links.adjoints[self.primal.inputs[leaf]] = value
            self._name_adjoints()
        return body

    def _shared_ids(self, traced: jaxprs.Traced) -> dict[Any, int]:
        jaxpr, primal = traced.closed.jaxpr, self.closed.jaxpr
        ids = dict(zip(jaxpr.invars, self.primal.inputs, strict=False))
        by_array = {id(c): i for c, i in zip(self.closed.consts, self.primal.consts, strict=True)}
        for var, const in zip(jaxpr.constvars, traced.closed.consts, strict=True):
            if id(const) in by_array:
                ids[var] = by_array[id(const)]
        exposed = [v for eqn in primal.eqns for v in eqn.outvars]
        for var, shown in zip(exposed, traced.exposed, strict=True):
            value = self.primal.ids[var]
            if isinstance(shown, jec.Literal):
                self.record(value, shown.val, False)
            elif shown in ids:
                self.same[value] = ids[shown]
            else:
                ids[shown] = value
        return ids

    @staticmethod
    def _id(body: RawBody, var: Any) -> int | None:
        return None if isinstance(var, jec.Literal) else body.ids.get(var)

    def _link_forward(self, body: RawBody, traced: jaxprs.Traced) -> None:
        exposed = [v for eqn in self.closed.jaxpr.eqns for v in eqn.outvars]
        for leaf, seed in zip(self.arguments.which, self.seeds, strict=True):
            self.links.tangents[self.primal.inputs[leaf]] = seed
        for var, tangent in zip(exposed, traced.tangents, strict=True):
            found = self._id(body, tangent)
            if found is not None:
                self.links.tangents[self.primal.ids[var]] = found
        for value, tangent_id in self.links.tangents.items():
            self.names.setdefault(tangent_id, f"{self.names[value]}_dot")

    def _name_adjoints(self) -> None:
        for seed, value in zip(self.seeds, self._inexact_outputs(), strict=False):
            self.names.setdefault(seed, f"{self._name_of(value)}_bar")
        for value in sorted(self.links.adjoints, reverse=True):
            self.names.setdefault(self.links.adjoints[value], f"{self.names[value]}_bar")
        for value, parts in self.links.parts.items():
            for k, part in enumerate(parts):
                self.names.setdefault(part, f"{self._name_of(value)}_bar.{k + 1}")

    def _inexact_outputs(self) -> list[int]:
        pairs = zip(self.closed.out_avals, self.primal.outputs, strict=True)
        return [i for aval, i in pairs if jaxprs.is_inexact(aval.dtype)]

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
        shown = [r for e in self.primal.equations for r in e.results]
        kept = [*shown, *self.same.values(), *body.outputs[: len(self.primal.outputs)]]
        verdicts = classify(body, self.seeds, kept, moving, self.primitives)
        self._name_rest(body, verdicts)
        self._name_inside(body)
        as_primal = classify(self.primal, (), shown, moving, self.primitives)
        return Program(
            mode=mode,
            name=self.arguments.name,
            equations=self._equations(body, verdicts),
            rows=self._equations(self.primal, as_primal),
            values=tuple(self._value(i) for i in range(len(self.raw))),
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

    def _value(self, i: int) -> Value:
        raw = self.raw[i]
        summary = summarize(raw.literal) if raw.is_literal else self.summaries.get(i)
        return Value(i, self._name_of(i), raw.shape, raw.dtype, raw.is_literal, raw.nbytes, summary)

    def _equations(self, body: RawBody, verdicts: Mapping[str, Verdict]) -> tuple[Equation, ...]:
        live = self._live(body)
        return tuple(
            self._equation(e, verdicts[e.path], live[k]) for k, e in enumerate(body.equations)
        )

    def _equation(self, raw: RawEquation, verdict: Verdict, live: int) -> Equation:
        bodies = tuple(
            Body(b.name, tuple(b.inputs), tuple(b.outputs), self._equations(b, inner), b.taken)
            for b, inner in zip(raw.bodies, verdict.bodies, strict=True)
        )
        inner = [sum(e.flops for e in b.equations) for b in bodies]
        return Equation(
            path=raw.path,
            primitive=raw.primitive,
            params=jaxprs.printable_params(raw.params),
            roles=verdict.roles,
            primal=verdict.primal,
            operands=tuple(raw.operands),
            results=tuple(raw.results),
            bodies=bodies,
            flops=flops(raw, self.raw, inner),
            bytes=traffic(raw, self.raw),
            trips=raw.trips,
            live=live,
            source=self.sources.get(verdict.primal or ""),
        )

    def _live(self, body: RawBody) -> list[int]:
        """Return the bytes held after each equation (inputs and constants are the caller's)."""
        end = len(body.equations)
        last = {o: k for k, e in enumerate(body.equations) for o in e.operands}
        last |= dict.fromkeys(body.outputs, end)
        held, gone, out = 0, [0] * (end + 1), []
        for k, equation in enumerate(body.equations):
            for r in equation.results:
                if last.get(r, -1) > k:
                    held += self.raw[r].nbytes
                    gone[last[r]] += self.raw[r].nbytes
            held -= gone[k]
            out.append(held)
        return out

    def _residuals(self, body: RawBody, verdicts: Mapping[str, Verdict]) -> tuple[Residual, ...]:
        """Return what crosses from the forward sweep into the backward sweep."""
        backward = [
            e for e in body.equations if e.transposed or "adjoint" in verdicts[e.path].roles
        ]
        made_back = {r for e in backward for r in e.results} | set(self.seeds)
        maker = {r: e.path for e in body.equations for r in e.results}
        users: dict[int, list[str]] = {}
        for equation in backward:
            for o in dict.fromkeys(equation.operands):
                if o not in made_back:
                    users.setdefault(o, []).append(equation.path)
        return tuple(
            Residual(o, maker.get(o), tuple(paths), self.raw[o].is_literal)
            for o, paths in users.items()
        )


def _trimmed(traced: jaxprs.Traced, inputs: int) -> Any:
    """Return the jaxpr with its real inputs and outputs, without what only fed the others."""
    jaxpr = traced.closed.jaxpr
    outputs = [*traced.outputs, *traced.derivatives]
    needed = {v for v in [*outputs, *traced.exposed] if not isinstance(v, jec.Literal)}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        if jaxprs.marked_path(eqn) is not None or any(v in needed for v in eqn.outvars):
            needed.update(v for v in eqn.invars if not isinstance(v, jec.Literal))
            kept.append(eqn)
    cut = jaxpr.replace(eqns=kept[::-1], invars=list(jaxpr.invars)[:inputs])
    return jaxprs.with_outputs(cut, outputs)


def _walk(body: RawBody) -> list[RawEquation]:
    return [e for x in body.equations for e in [x, *(y for b in x.bodies for y in _walk(b))]]


def _sources(body: RawBody) -> list[tuple[str, Source]]:
    found = []
    for equation in _walk(body):
        match = _LINE.match(jaxprs.source_line(equation.source_info))
        if match:
            line, function = int(match["line"]), match["function"] or ""
            found.append((equation.path, Source(match["file"], line, function)))
    return found


def _literal_text(value: Any) -> str:
    shape = getattr(value, "shape", ())
    return f"{value}" if shape == () else f"literal{list(shape)}"
