"""Names for a program's values, by the order in which they are defined.

Inputs are called as the user called them and primal values v1, v2, ...; the tangent of v3 is
v3_dot and its adjoint v3_bar (v3_bar.1, v3_bar.2 where several contributions are added up); local
derivatives are c1, c2, ..., what is left t1, t2, ...; inside a body v3.1, v3.2, ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._model import Body, Equation, Value

LETTERS = "abcdefghijklmnop"


class Names:
    """The names of a table of values while they are given; no two values get the same."""

    def __init__(self, values: list[Value]) -> None:
        self.values = values
        self._taken: set[str] = set()

    def of(self, value: int) -> str:
        """Return a value's name, "" where it has none yet."""
        return self.values[value].name

    def give(self, value: int, name: str) -> None:
        """Name a value that has no name yet."""
        record = self.values[value]
        if record.name or record.literal:
            return
        while name in self._taken:  # a parameter of the user's may be called v1
            name += "_"
        self._taken.add(name)
        record.name = name

    def number(self, values: Iterable[int], stem: str) -> None:
        """Name values that have no name yet `stem` and a number."""
        unnamed = [
            v
            for v in values
            if not self.values[v].name and not self.values[v].literal
        ]
        for place, value in enumerate(unnamed, start=1):
            self.give(value, f"{stem}{place}")

    def primal(self, body: Body, inputs: Sequence[str]) -> None:
        """Name the inputs, constants and results of the primal program."""
        for value, name in zip(body.inputs, inputs, strict=True):
            self.give(value, name)
        self.number(body.consts, "const")
        self.number(results(body), "v")

    def rest(self, body: Body) -> None:
        """Name what has no name of its own: local derivatives, and everything else."""
        local: list[int] = []
        other: list[int] = []
        for equation in body.equations:
            is_local = equation.roles == {"local_derivative"}
            (local if is_local else other).extend(equation.results)
        self.number(local, "c")
        self.number(other, "t")

    def inside(self, body: Body) -> None:
        """Name the values in bodies after the equation that holds them."""
        for equation in body.equations:
            parent = (
                self.of(equation.results[0])
                if equation.results
                else equation.path
            )
            for place, inner in enumerate(equation.bodies):
                letter = LETTERS[place % len(LETTERS)]
                prefix = (
                    parent
                    if len(equation.bodies) == 1
                    else f"{parent}.{letter}"
                )
                self._inputs(equation, inner, prefix)
                self.number(inner.consts, f"{prefix}.const")
                self.number(results(inner), f"{prefix}.")
                self.inside(inner)

    def _inputs(self, equation: Equation, body: Body, prefix: str) -> None:
        """Name the inputs that are not an operand itself: what a loop carries, what it scans."""
        carried = [place for place, _ in body.origin.carried]
        if body.origin.is_test:  # it reads what the body of the loop carries
            carried = list(range(body.origin.shared, len(body.inputs)))
        self.number(
            [body.inputs[place] for place in carried], f"{prefix}.carry"
        )
        self.number(
            body.inputs,
            f"{prefix}.x" if equation.primitive == "scan" else f"{prefix}.in",
        )


def results(body: Body) -> list[int]:
    """Return what the equations of a program make, bodies left out."""
    return [r for equation in body.equations for r in equation.results]


def literal_text(value: Any) -> str:
    """Return a literal as it is written into an equation."""
    shape = getattr(value, "shape", ())
    if shape != ():
        return f"literal{list(shape)}"
    return str(np.asarray(value)[()])
