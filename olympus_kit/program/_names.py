"""Names for a program's values, by the order in which they are defined.

Inputs are called as the user called them and primal values v1, v2, ...; the tangent of v3 is
v3_dot and its adjoint v3_bar (v3_bar.1, v3_bar.2 where several contributions are added up);
local derivatives are c1, c2, ..., what is left t1, t2, ...; inside a body v3.1, v3.2, ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ._jaxprs import CALLS, RawBody, RawEquation, RawValue
from ._links import Links


class Names:
    """The table of names while it is filled; the first name that a value gets stays."""

    def __init__(self, raw: Sequence[RawValue]) -> None:
        self._raw = raw
        self._names: dict[int, str] = {}

    def __getitem__(self, value: int) -> str:
        raw = self._raw[value]
        if raw.is_literal:
            return _literal_text(raw.literal)
        return self._names.get(value, f"#{value}")

    def give(self, values: Sequence[int], names: Sequence[str]) -> None:
        """Name values that have no name yet."""
        for value, name in zip(values, names, strict=True):
            self._names.setdefault(value, name)

    def primal(self, body: RawBody, inputs: Sequence[str]) -> None:
        """Name the inputs, constants and results of the primal program."""
        self.give(body.inputs, inputs)
        self.give(body.consts, _numbered("const", len(body.consts)))
        results = [r for e in body.equations for r in e.results]
        self.give(results, _numbered("v", len(results)))

    def tangents(self, links: Links) -> None:
        """Name the tangents after their primal values."""
        for value, tangent in links.tangents.items():
            self.give([tangent], [f"{self[value]}_dot"])

    def adjoints(self, links: Links, seeds: Sequence[int], outputs: Sequence[int]) -> None:
        """Name adjoints after their primal values, the latest first, and then their parts."""
        named = [f"{self[value]}_bar" for value in outputs] or _numbered("y_bar", len(seeds))
        self.give(seeds, named)
        for value in sorted(links.adjoints, reverse=True):
            self.give([links.adjoints[value]], [f"{self[value]}_bar"])
        for value, parts in links.parts.items():
            self.give(parts, _numbered(f"{self[value]}_bar.", len(parts)))

    def rest(self, body: RawBody, is_coefficient: Callable[[RawEquation], bool]) -> None:
        """Name what has no name of its own."""
        for letter, chosen in (("c", True), ("t", False)):
            found = [
                r
                for e in body.equations
                if is_coefficient(e) is chosen
                for r in e.results
                if r not in self._names
            ]
            self.give(found, _numbered(letter, len(found)))

    def inside(self, body: RawBody) -> None:
        """Name the values in bodies after the equation that holds them."""
        for equation in body.equations:
            parent = self[equation.results[0]] if equation.results else equation.path
            for k, inner in enumerate(equation.bodies):
                several = len(equation.bodies) > 1
                prefix = f"{parent}.{'abcdefghijklmnop'[k % 16]}" if several else parent
                self.give(inner.inputs, self._inputs(equation, inner, prefix))
                self.give(inner.consts, _numbered(f"{prefix}.const", len(inner.consts)))
                results = [r for e in inner.equations for r in e.results]
                self.give(results, _numbered(f"{prefix}.", len(results)))
                self.inside(inner)

    def _inputs(self, equation: RawEquation, body: RawBody, prefix: str) -> list[str]:
        """Name a body's inputs: as outside where the same value goes in, else by their part."""
        if body.positions is None:
            return _numbered(f"{prefix}.in", len(body.inputs))
        outer = [self[equation.operands[p]] for p in body.positions]
        if equation.primitive in CALLS or equation.primitive == "cond":
            return outer
        consts, carry = _loop_parts(equation.params, body)
        xs = len(outer) - consts - carry
        return [
            *outer[:consts],
            *_numbered(f"{prefix}.carry", carry),
            *_numbered(f"{prefix}.x", xs),
        ]


def _loop_parts(params: Mapping[str, Any], body: RawBody) -> tuple[int, int]:
    """Return how many inputs of a loop's body are constants, and how many are carried."""
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    consts = params.get("cond_nconsts" if body.name == "cond" else "body_nconsts", 0)
    return consts, len(body.inputs) - consts


def _numbered(stem: str, count: int) -> list[str]:
    return [f"{stem}{k + 1}" for k in range(count)]


def _literal_text(value: Any) -> str:
    shape = getattr(value, "shape", ())
    return str(np.asarray(value)[()]) if shape == () else f"literal{list(shape)}"
