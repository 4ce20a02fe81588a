"""Link each primal value to its tangent, or to its adjoint and what each use contributes.

In x + b the cotangent of the sum is the adjoint of x and of b as well: one variable of jax's
program, three values of mathematics. Each has a record, a number and a name of its own; the last
one defined in f has the variable's number, the others say in `same_as` which it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import jaxprs
from ._model import Body, Equation, Value
from ._names import Names

Use = tuple[
    str, int
]  # path of the equation ("out" for the outputs), position of the operand


@dataclass
class Links:
    """Which values of a derivative program belong to which primal values."""

    names: Names
    tangents: dict[int, int] = field(default_factory=dict)
    adjoints: dict[int, int] = field(default_factory=dict)
    contributions: dict[Use, int] = field(default_factory=dict)

    def link_tangents(
        self,
        tangents: Mapping[int, int],
    ) -> None:
        """Take in {primal value: its tangent in jax's program}, in the order of definition."""
        for value, tangent in tangents.items():
            self.tangents[value] = self._own(
                tangent, f"{self.names.of(value)}_dot"
            )

    def link_adjoints(
        self,
        primal: Body,
        totals: Mapping[int, int],
        contributions: Mapping[int, Sequence[tuple[Use, int]]],
        tapped: Container[int],
    ) -> None:
        """Take in {primal value: its adjoint} and, for values used more than once, the parts.

        The parts of a value come in the order in which jax computes them. `tapped` are the
        values that a derivative was seen to flow to: an adjoint may also be a zero.
        """
        for value in sorted(totals, reverse=True):
            self.adjoints[value] = self._own(
                totals[value], f"{self.names.of(value)}_bar"
            )
        for value, parts in contributions.items():
            stem = f"{self.names.of(value)}_bar."
            for place, (use, number) in enumerate(parts, start=1):
                self.contributions[use] = self._own(number, f"{stem}{place}")
        for value, use in single_uses(primal).items():
            if value in tapped:
                self.contributions[use] = self.adjoints[value]

    def link_inside(
        self,
        noted: Mapping[str, int],
        rows: Mapping[str, Equation],
        forward: bool,
    ) -> None:
        """Take in {place of a value in a body: its tangent, or its adjoint}.

        An adjoint is that of one iteration: what a loop hands to the next one is in it.
        """
        links, ending = (
            (self.tangents, "dot") if forward else (self.adjoints, "bar")
        )
        linked = {_value_at(place, rows): noted[place] for place in noted}
        for value in sorted(linked, reverse=not forward):
            name = f"{self.names.of(value)}_{ending}"
            links.setdefault(value, self._own(linked[value], name))

    def _own(
        self,
        number: int,
        name: str,
    ) -> int:
        """Return the record of a variable under a name: its own, or one beside it."""
        values = self.names.values
        record = values[number]
        if not record.name and not record.literal:
            self.names.give(number, name)
            return number
        other = len(values)
        values.append(
            Value(
                other,
                "",
                record.shape,
                record.dtype,
                False,
                record.nbytes,
                same_as=number,
            )
        )
        self.names.give(other, name)
        return other


def _value_at(
    place: str,
    rows: Mapping[str, Equation],
) -> int:
    """Return the value at a place that a note names: "4.0.2:0", or "4.0.in:1" for an input."""
    path, _, number = place.partition(":")
    if path in rows:
        return rows[path].results[int(number)]
    holder, body, _ = path.rsplit(".", 2)
    return rows[holder].bodies[int(body)].inputs[int(number)]


def uses(primal: Body) -> Iterable[tuple[int, Use]]:
    """Yield (value, use) for each operand and each output of a program."""
    for equation in primal.equations:
        for position, operand in enumerate(equation.operands):
            yield operand, (equation.path, position)
    for position, output in enumerate(primal.outputs):
        yield output, (jaxprs.OUTPUT, position)


def single_uses(primal: Body) -> dict[int, Use]:
    """Return the values that are used once, and where."""
    first: dict[int, Use] = {}
    repeated = set()
    for value, use in uses(primal):
        if value in first:
            repeated.add(value)
        first[value] = use
    return {value: use for value, use in first.items() if value not in repeated}
