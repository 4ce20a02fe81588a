"""Names for a program's values, by the order in which they are defined.

Inputs are called as the user called them and primal values v1, v2, ...; the tangent of v3 is
v3_dot and its adjoint v3_bar (v3_bar.1, v3_bar.2 where several contributions are added up); local
derivatives are c1, c2, ..., what is left t1, t2, ...; inside the body of v3 they are v3.1, v3.2,
..., their adjoints v3.1_bar, and what else a derivative has there v3.c1, v3.t1, ...; what a loop
saves of all iterations of v3.1 is v3.1[:]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._model import Body, Equation, Value

LETTERS = "abcdefghijklmnop"


class Names:
    """The names of a table of values while they are given; no two values get the same."""

    def __init__(self, values: list[Value]) -> None:
        self.values = values
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()
        # what a loop saves: it is named after the value whose iterations it holds
        self.later: Container[int] = ()

    def of(self, value: int) -> str:
        """Return a value's name, "" where it has none yet."""
        return self.values[value].name

    def give(
        self,
        value: int,
        name: str,
    ) -> None:
        """Name a value that has no name yet."""
        record = self.values[value]
        if record.name or record.literal:
            return
        while name in self._taken:  # a parameter of the user's may be called v1
            name += "_"
        self._taken.add(name)
        record.name = name

    def number(
        self,
        values: Iterable[int],
        stem: str,
    ) -> None:
        """Name values that have no name yet `stem` and a number, the next one of this stem."""
        count = self._counts[stem]
        for value in values:
            record = self.values[value]
            if not record.name and not record.literal:
                count += 1
                self.give(value, f"{stem}{count}")
        self._counts[stem] = count

    def primal(
        self,
        body: Body,
        inputs: Sequence[str],
    ) -> None:
        """Name the inputs, constants and results of the primal program."""
        for value, name in zip(body.inputs, inputs, strict=True):
            self.give(value, name)
        self.number(body.consts, "const")
        self.number(results(body), "v")

    def rest(
        self,
        body: Body,
        prefix: str = "",
    ) -> None:
        """Name what has no name of its own: local derivatives, and everything else."""
        local: list[int] = []
        other: list[int] = []
        for equation in body.equations:
            is_local = equation.roles == {"local_derivative"}
            made = [r for r in equation.results if r not in self.later]
            (local if is_local else other).extend(made)
        self.number(local, f"{prefix}c")
        self.number(other, f"{prefix}t")

    def inside(self, body: Body) -> None:
        """Name the values in the bodies of f after the equation that holds them."""
        for equation in filter(_has_bodies, body.equations):
            parent = equation.path
            if equation.results:
                parent = self.of(equation.results[0])
            for inner, prefix in _prefixes(equation, parent):
                carried = [place for place, _ in inner.origin.carried]
                if (
                    inner.origin.is_test
                ):  # it reads what the body of the loop carries
                    shared = inner.origin.shared
                    carried = list(range(shared, len(inner.inputs)))
                self.number(
                    [inner.inputs[place] for place in carried],
                    f"{prefix}.carry",
                )
                self._inputs(equation, inner, prefix)
                self.number(results(inner), f"{prefix}.")
                self.inside(inner)

    def inside_derivative(
        self,
        body: Body,
        rows: Mapping[str, Equation],
    ) -> None:
        """Name what has no name yet in the bodies of a derivative program.

        What belongs to the body of v3 is called v3.c1 and v3.t1; what a loop carries, and adds
        to in each iteration, after what it is in the end.
        """
        for equation in filter(_has_bodies, body.equations):
            own = rows.get(equation.primal or "", equation)
            parent = own.path
            if own.results:
                parent = self.of(own.results[0])
            for inner, prefix in _prefixes(equation, parent):
                if inner.origin.returns:
                    for place, output in inner.origin.carried:
                        end = self.of(equation.results[output])
                        self.give(inner.inputs[place], f"{end}.carry")
                self._inputs(equation, inner, prefix)
                self.rest(inner, f"{prefix}.")
                self.inside_derivative(inner, rows)

    def _inputs(
        self,
        equation: Equation,
        body: Body,
        prefix: str,
    ) -> None:
        """Name the inputs that are not an operand itself, and constants."""
        kind = "x" if equation.primitive == "scan" else "in"
        self.number(body.inputs, f"{prefix}.{kind}")
        self.number(body.consts, f"{prefix}.const")


def _has_bodies(equation: Equation) -> bool:
    return bool(equation.bodies)


def _prefixes(
    equation: Equation,
    parent: str,
) -> Iterator[tuple[Body, str]]:
    """Yield each body of an equation with what the names in it begin with."""
    for place, inner in enumerate(equation.bodies):
        letter = LETTERS[place % len(LETTERS)]
        alone = len(equation.bodies) == 1
        yield inner, parent if alone else f"{parent}.{letter}"


def results(body: Body) -> list[int]:
    """Return what the equations of a program make, bodies left out."""
    return [r for equation in body.equations for r in equation.results]


def literal_text(value: Any) -> str:
    """Return a literal as it is written into an equation."""
    shape = getattr(value, "shape", ())
    if shape != ():
        return f"literal{list(shape)}"
    return str(np.asarray(value)[()])
