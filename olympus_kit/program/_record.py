"""The tables of one capture while they are filled, and the `Program` that comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import jaxprs
from ._arguments import Arguments
from ._cost import flops, traffic
from ._evaluate import evaluate
from ._inside import share_values
from ._links import Links, Use, uses
from ._liveness import live
from ._model import (
    Body,
    Equation,
    Mode,
    Program,
    Residual,
    Source,
    Summary,
    Value,
    walk,
)
from ._names import Names, literal_text, results
from ._residuals import residuals
from ._roles import ROLES, assign_roles
from ._summary import summarize

CALLBACKS = ("pure_callback", "io_callback", "debug_callback", "debug_print")


class Recording:
    """What is known of a function at a point, from its trace to the finished program."""

    def __init__(
        self, arguments: Arguments, closed: Any, is_linear: bool = False
    ) -> None:
        self.arguments = arguments
        self.closed = closed
        self.is_linear = is_linear  # whether only the linear program of a derivative can be had
        self.notes: list[str] = []
        self.values: list[Value] = []
        self.summaries: dict[int, Summary] = {}
        self.reading = jaxprs.Reading(self.values)
        self.primal = jaxprs.read(closed, self.reading)
        self.names = Names(self.values)
        self.names.primal(self.primal, arguments.names)
        self.links = Links(self.names)
        self.seeds: Sequence[int] = ()
        self.derivatives: Sequence[int] = ()
        self.saved: Sequence[int] = ()  # what jax saves for the backward pass
        self.merged: dict[
            int, int
        ] = {}  # primal value -> another that jax has made one with it
        # place of a value in a body -> its tangent or adjoint
        self.noted: dict[str, int] = {}

    def rows(self) -> list[Equation]:
        """Return the equations of the primal program, those in bodies too."""
        return list(walk(self.primal.equations))

    # --- values ------------------------------------------------------------------------------

    def record(self, value: int, array: Any, iterations: bool) -> None:
        """Keep a summary of a computed value.

        A mutable array has none: it is not a value, but a place for several.
        """
        if not self.values[value].dtype.startswith(jaxprs.REF):
            self.summaries[value] = summarize(array, iterations)

    def inputs_of_second_run(self) -> Sequence[Any]:
        """Return what `complete_primal` runs on, taken before the derivative program is run.

        f may write to mutable arrays from outside. Its one run does so in the derivative
        program; the second starts from copies of what they hold now, and leaves no trace.
        """
        leaves = self.arguments.leaves
        copies = jaxprs.with_own_refs([*leaves, *self.primal.arrays])
        self.primal.arrays = copies[len(leaves) :]
        return copies[: len(leaves)]

    def complete_primal(self, inputs: Sequence[Any]) -> None:
        """Compute the primal values that the derivative program does not show."""
        for value, other in self.merged.items():
            if other in self.summaries:
                self.summaries[value] = self.summaries[other]
        has_bodies = any(equation.bodies for equation in self.primal.equations)
        if not has_bodies and all(
            r in self.summaries for r in results(self.primal)
        ):
            return
        if _count_callbacks(self.primal):
            self.notes.append(
                "values inside bodies are not shown: the function calls back into Python, and "
                "computing them would call it once more"
            )
            return
        evaluate(self.primal, inputs, self.record)

    def add_outputs(self, arrays: Sequence[Any]) -> None:
        """Take in the outputs of a function of which no program computes them."""
        numbers = []
        for place, array in enumerate(arrays, start=1):
            number = len(self.values)
            shape, dtype, nbytes = jaxprs.type_of_array(array)
            self.values.append(Value(number, "", shape, dtype, False, nbytes))
            self.names.give(
                number, "out" if len(arrays) == 1 else f"out{place}"
            )
            self.record(number, array, False)
            numbers.append(number)
        self.primal.outputs = (*self.primal.outputs, *numbers)

    # --- the derivative program --------------------------------------------------------------

    def read_derivative(
        self, mode: Mode, traced: jaxprs.Traced, taps: Sequence[jaxprs.Tap]
    ) -> Body:
        """Read the program of a derivative, and link its values to the primal ones."""
        if not self.is_linear:
            traced.variables = jaxprs.primal_variables(self.closed)
        derivative = jaxprs.read_derivative(traced, self.primal, self.reading)
        body = derivative.body
        self.merged = derivative.merged
        self.noted = derivative.noted
        for value, array in derivative.constants.items():
            self.record(value, array, False)
        if _count_callbacks(body) > _count_callbacks(self.primal):
            self.notes.append(
                "Python is called back more often than by a single call: jax computes what lies "
                "in a checkpoint once more in the backward pass"
            )
        own = set(self.primal.consts)
        self.names.number([c for c in body.consts if c not in own], "r")
        self.seeds = body.inputs[len(self.arguments.leaves) :]
        ends = body.outputs[len(traced.outputs) :]
        if mode == "forward":
            self._link_forward(derivative.tangents, ends)
        else:
            self.saved = body.consts if self.is_linear else derivative.residuals
            self._link_reverse(body, taps, derivative.tapped, ends)
        return body

    def _primal_results(self) -> list[int]:
        """Return the values of f that a derivative program shows, in the order of the trace."""
        return [
            self.reading.numbers[v]
            for v in jaxprs.primal_variables(self.closed)
        ]

    def _link_forward(
        self, tangents: Sequence[int | None], ends: Sequence[int]
    ) -> None:
        linked = {}
        for leaf, seed in zip(self.arguments.which, self.seeds, strict=True):
            linked[self.primal.inputs[leaf]] = seed
        if not self.is_linear:
            for value, tangent in zip(
                self._primal_results(), tangents, strict=True
            ):
                if tangent is not None:
                    linked[value] = tangent
        self.links.link_tangents(linked)
        derivatives = []
        for output, end in zip(self.primal.outputs, ends, strict=True):
            derivatives.append(
                self._record_of(self.links.tangents.get(output), end)
            )
        self.derivatives = derivatives

    def _record_of(self, linked: int | None, variable: int) -> int:
        """Return the record under its own name of a variable, where one is linked."""
        if linked is not None and variable in (
            linked,
            self.values[linked].same_as,
        ):
            return linked
        return variable

    def _link_reverse(
        self,
        body: Body,
        taps: Sequence[jaxprs.Tap],
        tapped: Sequence[int | None],
        ends: Sequence[int],
    ) -> None:
        order = {r: place for place, r in enumerate(results(body))}
        totals: dict[int, int] = {}
        parts: dict[int, list[tuple[Use, int]]] = {}
        for tap, cotangent in zip(taps, tapped, strict=True):
            if cotangent is None:  # no derivative flows here
                continue
            value = self.reading.numbers[tap.variable]
            if tap.path is None:
                totals[value] = cotangent
            else:
                parts.setdefault(value, []).append((
                    (tap.path, tap.position),
                    cotangent,
                ))
        for uses_of_value in parts.values():
            uses_of_value.sort(key=lambda part: order.get(part[1], -1))
        tapped_values = set(totals)
        if not taps:
            totals.update(self._seeds_of_outputs())
        for leaf, end in zip(self.arguments.which, ends, strict=True):
            totals[self.primal.inputs[leaf]] = end
        self.links.link_adjoints(self.primal, totals, parts, tapped_values)
        inputs = [self.primal.inputs[leaf] for leaf in self.arguments.which]
        self.derivatives = [self.links.adjoints[value] for value in inputs]
        for output, seed in zip(
            self._inexact_outputs(), self.seeds, strict=True
        ):
            name = (
                self.names.of(output)
                if not self.values[output].literal
                else "out"
            )
            self.names.give(seed, f"{name}_bar")

    def _seeds_of_outputs(self) -> dict[int, int]:
        """Return the adjoints of outputs that nothing else reads, which are the seeds."""
        counts: dict[int, int] = {}
        for value, _ in uses(self.primal):
            counts[value] = counts.get(value, 0) + 1
        pairs = zip(self._inexact_outputs(), self.seeds, strict=True)
        return {
            output: seed
            for output, seed in pairs
            if counts[output] == 1 and not self.values[output].literal
        }

    def _inexact_outputs(self) -> list[int]:
        return [o for o in self.primal.outputs if self.values[o].inexact]

    # --- the result --------------------------------------------------------------------------

    def program(
        self,
        mode: Mode,
        body: Body,
        out: Any,
        out_tangent: Any = None,
        in_cotangents: Any = None,
    ) -> Program:
        """Return the finished program, which no longer knows jax."""
        self._finish_literals()
        places = self._finish_primal()
        saved: tuple[Residual, ...] = ()
        if body is not self.primal:
            saved = self._finish_derivative(mode, body, places)
        for value in self.values:
            shown = value.id if value.same_as is None else value.same_as
            value.summary = self.summaries.get(shown)
        _forget_jax(self.primal)
        if body is not self.primal:
            _forget_jax(body)
        return Program(
            mode=mode,
            name=self.arguments.name,
            equations=body.equations,
            rows=self.primal.equations,
            values=tuple(self.values),
            inputs=self.primal.inputs,
            consts=self.primal.consts,
            outputs=self.primal.outputs,
            wrt=() if mode == "primal" else self.arguments.wrt,
            seeds=tuple(self.seeds),
            derivatives=tuple(self.derivatives),
            tangents=self.links.tangents,
            adjoints=self.links.adjoints,
            contributions=self.links.contributions,
            residuals=saved,
            notes=tuple(self.notes),
            out=out,
            out_tangent=out_tangent,
            in_cotangents=in_cotangents,
        )

    def _finish_literals(self) -> None:
        """Name each literal as it is written into its equation."""
        for number, literal in self.reading.all_literals.items():
            self.values[number].name = literal_text(literal)
            self.record(number, literal, False)

    def _finish_primal(self) -> dict[str, tuple[Source | None, str]]:
        """Complete the rows; return the source and the scope of each by its path."""
        known: dict[
            Any, Source | None
        ] = {}  # equations of one line have equal tracebacks
        places = {}
        for equation in self.rows():
            line = jaxprs.line_of(equation)
            if line not in known:
                known[line] = jaxprs.source_of(equation)
            equation.source = known[line]
            equation.roles = ROLES["primal"]
            equation.primal = equation.path
            places[equation.path] = (equation.source, equation.scope)
        self.names.inside(self.primal)
        self._measure(self.primal)
        return places

    def _finish_derivative(
        self,
        mode: Mode,
        body: Body,
        places: dict[str, tuple[Source | None, str]],
    ) -> tuple[Residual, ...]:
        """Complete the equations of the derivative program, and return its residuals."""
        ends = (
            () if self.is_linear else body.outputs[: len(self.primal.outputs)]
        )
        primal_values = [*results(self.primal), *self.merged.values(), *ends]
        rows = {equation.path: equation for equation in self.rows()}
        primitives = {path: row.primitive for path, row in rows.items()}
        moving_role = "tangent" if mode == "forward" else "adjoint"
        assign_roles(
            body,
            self.seeds,
            primal_values,
            moving_role,
            primitives,
            self.is_linear,
        )
        same, stacks = share_values(body, rows)
        self._take_copies(same)
        self.links.link_inside(self.noted, rows, mode == "forward")
        self.names.later = stacks.keys()
        self.names.rest(body)
        self.names.inside_derivative(body, rows)
        for copy, value in same.items():
            self.names.give(copy, self.names.of(value))
        for stack, value in stacks.items():
            self.names.give(stack, f"{self.names.of(value)}[:]")
        self._measure(body)
        saved: tuple[Residual, ...] = ()
        if mode == "reverse":
            saved = residuals(self.primal, body, self.saved, self.values)
        # until here a scope told how jax made an equation; from here on it is that of f
        for equation in walk(body.equations):
            equation.source, equation.scope = places.get(
                equation.primal or "", (None, "")
            )
        return saved

    def _take_copies(self, same: Mapping[int, int]) -> None:
        """Let what a body of the derivative program computes once more be the value of f."""
        for copy, value in same.items():
            self.values[copy].same_as = value
            if copy in self.summaries:
                self.summaries.setdefault(value, self.summaries[copy])
        self.noted = {place: same.get(v, v) for place, v in self.noted.items()}

    def _measure(self, body: Body) -> float:
        """Set the costs of a program's equations; return its FLOPs, a mean where runs differ."""
        live_after = live(body.equations, body.outputs, self.values)
        total = 0.0
        for equation, nbytes in zip(body.equations, live_after, strict=True):
            inside = [self._measure(inner) for inner in equation.bodies]
            own = flops(equation, self.values, inside)
            equation.flops = round(own)
            equation.bytes = traffic(equation, self.values)
            equation.live = nbytes
            total += own
        return total


def _forget_jax(body: Body) -> None:
    """Take from a program's records what jax gave: they are data from here on."""
    body.origin, body.arrays, body.literals, body.compiled = None, (), {}, None
    for equation in body.equations:
        for inner in equation.bodies:
            _keep_carries(equation, inner)
            _forget_jax(inner)
        equation.params = jaxprs.printable_params(equation.params)
        equation.origin = None


def _keep_carries(equation: Equation, body: Body) -> None:
    """Write down what goes into each iteration of a loop."""
    places, carried = body.origin.operands or (), dict(body.origin.carried)
    starts = [equation.operands[place] for place in places]
    for place, start in enumerate(starts):
        value = body.inputs[place]
        if place in carried:
            following = body.outputs[carried[place]]
            body.carried = (*body.carried, (start, value, following))
        elif equation.primitive == "scan" and place >= body.origin.shared:
            body.scanned = (*body.scanned, (start, value))


def _count_callbacks(body: Body) -> int:
    return sum(
        equation.primitive in CALLBACKS for equation in walk(body.equations)
    )
