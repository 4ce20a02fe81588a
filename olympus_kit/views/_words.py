"""Say what a step does: in a sentence, and as a product of numbers."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from ..program import Equation, Program, Value
from ._formula import formula, label, matrix_product, number, operand, statement, value_text

SUMS = {"add_any": "+", "add": "+", "sub": "-"}
MOST_SYMBOL = 36  # characters of a local derivative that is written out
SENTENCES = {
    "local_derivative": "local derivative of",
    "tangent": "pushes the tangent through",
    "adjoint": "pulls the adjoint back through",
    "bookkeeping": "sets up",
}


class Words:
    """What a program's steps do, told with the names of its values."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows = {e.path: e for e in program.rows}

    @cached_property
    def carriers(self) -> set[int]:
        """The values that hold a tangent or an adjoint."""
        found = set(self.program.seeds)
        for equation in self.program.equations:
            if equation.roles & {"tangent", "adjoint"}:
                found.update(equation.results)
        return found

    @cached_property
    def made_by(self) -> dict[int, Equation]:
        """The equation of each value."""
        return {r: e for e in self.program.equations for r in e.results}

    @cached_property
    def parts(self) -> Counter[int]:
        """How many contributions the adjoint of each primal value is summed from."""
        return Counter(self._target(*place) for place in self.program.contributions)

    def _target(self, path: str, position: int) -> int:
        return (
            self.program.outputs[position] if path == "out" else self.rows[path].operands[position]
        )

    def name(self, value: int) -> str:
        """Return a value's name."""
        return self.program.values[value].name

    def symbol(self, value: int, depth: int = 3) -> str:
        """Return a local derivative written out, such as cos(v2), where that is short."""
        equation, name = self.made_by.get(value), operand(self.program.values[value])
        if (
            equation is None
            or "local_derivative" not in equation.roles
            or equation.bodies
            or not depth
        ):
            return name
        inner = [self.symbol(o, depth - 1) for o in equation.operands]
        ranks = [len(self.program.values[o].shape) for o in equation.operands]
        text = formula(equation, [f"({s})" if " " in s else s for s in inner], ranks)
        return text if len(text) <= MOST_SYMBOL else name

    def product(self, equation: Equation, role: str) -> dict[str, Any] | None:
        """Return what a tangent or adjoint equation multiplies or adds: names and values.

        "left" is the local derivative of a product, "right" what carries the derivative. None
        for an equation that only moves entries, or does both at once.
        """
        if role not in ("tangent", "adjoint") or equation.bodies or len(equation.results) != 1:
            return None
        carrying = [o for o in equation.operands if o in self.carriers]
        result = self._named(equation.results[0])
        if len(carrying) == 2 and equation.primitive in SUMS:
            left, right = map(self._named, equation.operands)
            return {"op": SUMS[equation.primitive], "left": left, "right": right, "result": result}
        factor = self._factor(equation, carrying[0]) if len(carrying) == 1 else None
        if factor is None:
            return None
        pair = [factor, self._named(carrying[0])]
        if equation.primitive == "dot_general":
            return self._matrix_product(equation, pair, result)
        return {"op": "·", "left": factor, "right": pair[1], "result": result}

    def _matrix_product(
        self, equation: Equation, pair: list[list[str]], result: list[str]
    ) -> dict[str, Any] | None:
        swapped = equation.operands[0] in self.carriers  # the order of matrices matters
        left, right = reversed(pair) if swapped else pair
        ranks = [len(self.program.values[o].shape) for o in equation.operands]
        names = [f"({name})" if " " in name else name for name, _ in (left, right)]
        parts = matrix_product(equation, names, ranks)
        if parts is None:
            return None
        left, right = [parts[0], left[1]], [parts[2], right[1]]
        return {"op": parts[1], "left": left, "right": right, "result": result, "swapped": swapped}

    def _factor(self, equation: Equation, carrier: int) -> list[str] | None:
        """Return the local derivative that an equation multiplies with: its name and value."""
        if equation.primitive == "neg":
            return ["-1", "-1"]
        other = next((o for o in equation.operands if o != carrier), None)
        if other is None:
            return None
        value, symbol = self.program.values[other], self.symbol(other)
        if equation.primitive == "div" and equation.operands[0] == carrier:
            return [f"1 / {symbol}", _inverse(value)]
        return [symbol, value_text(value)] if equation.primitive in ("mul", "dot_general") else None

    def _named(self, value: int) -> list[str]:
        return [self.name(value), value_text(self.program.values[value])]

    def sentence(self, equation: Equation, role: str, product: dict[str, Any] | None) -> str:
        """Return what a step does, in a sentence."""
        text = statement(self.program, equation)
        results = [value_text(self.program.values[r]) for r in equation.results]
        value = f", which is {', '.join(results)}" if results else ""
        if role == "primal":
            said = f"Primal: {text}{value}."
        elif equation.primitive == "add_any" and role == "adjoint":
            said = self._accumulation(equation, f"{text}{value}")
        else:
            about = (
                label(self.rows[equation.primal]) if equation.primal in self.rows else "the rest"
            )
            said = self._chain_rule(equation, role, product) or (
                f"{role.capitalize()}, {SENTENCES[role]} {about}: {text}{value}."
            )
        bad = [self.name(r) for r in equation.results if _is_bad(self.program.values[r])]
        return said + (f" {', '.join(bad)} holds NaN or inf." if bad else "")

    def _accumulation(self, equation: Equation, text: str) -> str:
        parts = " and ".join(map(self.name, equation.operands))
        total = equation.results[0]
        if total not in self.program.adjoints.values():
            more = "; more is still to come" if self.program.contributions else ""
            return f"Adjoint: {parts} are added: {text}{more}."
        return (
            f"Adjoint: {parts} belong to one value that was used more than once, so they are "
            f"added: {text}. {self.name(total)} is now complete."
        )

    def _chain_rule(
        self, equation: Equation, role: str, product: dict[str, Any] | None
    ) -> str | None:
        """Return "v3 = sin(v2); adjoint of v2 += cos(v2) · adjoint of v3; in numbers ..."."""
        row = self.rows.get(equation.primal or "")
        if product is None or product["op"] != "·" or row is None or len(row.results) != 1:
            return None
        links = self.program.tangents if role == "tangent" else self.program.adjoints
        told = self._target_of(equation, row, role)
        source = {links.get(o): o for o in (*row.operands, *row.results)}
        carrying = next((o for o in equation.operands if o in source), None)
        if told is None or carrying is None:
            return None
        numbers = " · ".join([product["left"][1], product["right"][1]])
        return (
            f"{role.capitalize()}: {statement(self.program, row)}; {role} of {told} "
            f"{product['left'][0]} · {role} of {self.name(source[carrying])}; "
            f"in numbers {numbers} = {product['result'][1]}."
        )

    def _target_of(self, equation: Equation, row: Equation, role: str) -> str | None:
        """Return what the product goes into and how: "v2 +=" where other parts are added to it."""
        result = equation.results[0]
        if role == "tangent":
            done = self.program.tangents.get(row.results[0]) == result
            if not done and row.primitive != "mul":
                return None
            return f"{self.name(row.results[0])} {'=' if done else '+='}"  # += of two terms
        sent = self.program.contributions
        targets = [o for j, o in enumerate(row.operands) if sent.get((row.path, j)) == result]
        if len(targets) != 1:
            return None
        target = targets[0]
        return f"{self.name(target)} {'+=' if self.parts[target] > 1 else '='}"


def _inverse(value: Value) -> str:
    """Return 1 / value as text; its name's text where the value is large."""
    if value.summary is None or not value.summary.whole or value.shape:
        return f"1 / {value_text(value)}"
    with np.errstate(divide="ignore"):
        return number(float(np.float64(1) / value.summary.entries))


def _is_bad(value: Value) -> bool:
    return value.summary is not None and bool(value.summary.nans or value.summary.infs)
