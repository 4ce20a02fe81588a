"""Say what a step does: in a sentence, and as a product of numbers.

A sentence claims that a factor is the local derivative only where the program shows it: the step
starts from the whole adjoint of what its row computes, and ends in the whole contribution to the
adjoint of an operand of that row. What lies between is called a step of a rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..program import Equation, Program, Value
from ._format import short_names
from ._formula import (
    is_bad,
    joined,
    number,
    operand,
    returned,
    statement,
    value_text,
)
from ._notation import formula, matrix_product
from ._types import Data

SUMS = {"add_any": "+", "add": "+", "sub": "-"}
MOST_SYMBOL = 36  # characters of a local derivative that is written out


class Words:
    """What a program's steps do, in the names of its values."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values = program.values
        self.rows = {e.path: e for e in program.rows}

    # ---- what the program says -------------------------------------------------------------------

    @cached_property
    def carriers(self) -> set[int]:
        """The values that hold a tangent or an adjoint."""
        values = set(self.program.seeds)
        for equation in self.program.equations:
            carries = not equation.roles.isdisjoint({"tangent", "adjoint"})
            if equation.primitive == "add_any" and not carries:
                # where outputs are one value, the sum of their seeds belongs to no row
                carries = not values.isdisjoint(equation.operands)
            if carries:
                values.update(equation.results)
        return values

    @cached_property
    def made_by(self) -> dict[int, Equation]:
        """The equation of each value."""
        return {r: e for e in self.program.equations for r in e.results}

    @cached_property
    def read_by(self) -> dict[int, list[Equation]]:
        """The equations that read each value."""
        readers: dict[int, list[Equation]] = {}
        for equation in self.program.equations:
            for value in dict.fromkeys(equation.operands):
                readers.setdefault(value, []).append(equation)
        return readers

    @cached_property
    def wanted(self) -> set[int]:
        """The values that outputs or derivatives depend on: a rule may compute more."""
        program = self.program
        wanted = set(map(program.variable, program.derivatives))
        wanted.update(program.outputs)
        for equation in reversed(program.equations):
            if not wanted.isdisjoint(equation.results):
                wanted.update(equation.operands)
        return wanted

    @cached_property
    def parts(self) -> dict[int, list[int]]:
        """The contributions to the adjoint of each primal value, one for each of its uses."""
        parts: dict[int, list[int]] = {}
        for (path, position), value in self.program.contributions.items():
            if path == "out":
                target = self.program.outputs[position]
            else:
                target = self.rows[path].operands[position]
            parts.setdefault(target, []).append(self.program.variable(value))
        return parts

    @cached_property
    def sums(self) -> dict[str, int]:
        """The equations that add contributions, each with the primal value whose adjoint it is."""
        targets = {}
        for target, parts in self.parts.items():
            total = self.program.adjoints.get(target)
            if total is None or len(parts) < 2:
                continue
            waiting = [self.program.variable(total)]
            while waiting:
                value = waiting.pop()
                equation = self.made_by.get(value)
                if value in parts or equation is None:
                    continue
                if equation.primitive == "add_any":
                    targets[equation.path] = target
                    waiting.extend(equation.operands)
        return targets

    def sources(
        self,
        row: Equation,
        role: str,
    ) -> dict[int, int]:
        """Return what the rule of a row starts from: tangent or adjoint -> its primal value."""
        links, values = self.program.adjoints, row.results
        if role == "tangent":
            links, values = self.program.tangents, row.operands
        sources = {}
        for value in values:
            if value in links:
                sources[self.program.variable(links[value])] = value
        return sources

    def targets(
        self,
        row: Equation,
        role: str,
        result: int,
    ) -> list[int]:
        """Return the primal values whose tangent, or a contribution to whose adjoint, it is."""
        if role == "tangent":
            tangents = self.program.tangents
            return [r for r in row.results if tangents.get(r) == result]
        targets = []
        for position, value in enumerate(row.operands):
            part = self.program.contributions.get((row.path, position))
            if part is not None and self.program.variable(part) == result:
                targets.append(value)
        return targets

    def name(self, value: int) -> str:
        """Return a value's name."""
        return self.values[value].name

    def names(self, values: Iterable[int]) -> str:
        """Return names in a row: "x, y and z"."""
        return joined(list(dict.fromkeys(map(self.name, values))))

    # ---- products --------------------------------------------------------------------------------

    def symbol(self, value: int, depth: int = 3) -> str:
        """Return a local derivative written out, such as cos(v2), where that is short."""
        equation = self.made_by.get(value)
        name = operand(self.values[value])
        if equation is None or "local_derivative" not in equation.roles:
            return name
        if equation.bodies or depth == 0:
            return name
        operands = []
        inner = []
        for o in equation.operands:
            operands.append(self.values[o])
            inner.append(_bracketed(self.symbol(o, depth - 1)))
        text = formula(equation, inner, operands)
        if len(text) > MOST_SYMBOL:
            return name
        return text

    def product(
        self,
        equation: Equation,
        role: str,
    ) -> Data | None:
        """Return what a tangent or adjoint equation multiplies or adds: names, values and words.

        None for an equation that only moves entries, or does both at once.
        """
        if role not in ("tangent", "adjoint"):
            return None
        if equation.bodies or len(equation.results) != 1:
            return None
        carrying, operands, terms, words = [], [], [], []
        for o in equation.operands:
            value = self.values[o]
            operands.append(value)
            terms.append([self.symbol(o), value_text(value)])
            if o in self.carriers:
                carrying.append(o)
                words.append(role)
            else:
                words.append("a factor")
        result = self.values[equation.results[0]]
        primitive = equation.primitive
        op = "·"
        if len(carrying) == 2 and primitive in SUMS:
            kind = "contribution" if equation.path in self.sums else "part"
            words = [f"one {kind}", f"another {kind}"]
            op = SUMS[primitive]
        elif primitive == "neg":
            terms = [["-1", "-1"], terms[0]]
            words = ["a factor", role]
        elif len(carrying) != 1:
            return None
        elif primitive == "div" and operands[0].id == carrying[0]:
            factor = [
                f"1 / {_bracketed(terms[1][0])}",
                _inverse(operands[1]),
            ]
            terms = [factor, terms[0]]
            words = ["a factor", role]
        elif primitive == "dot_general":
            names = [_bracketed(name) for name, _ in terms]
            parts = matrix_product(equation, names, operands)
            if parts is None:
                return None
            terms[0][0], op, terms[1][0] = parts
        elif primitive != "mul":
            return None
        elif operands[0].id == carrying[0]:  # the factor comes first
            terms.reverse()
            words.reverse()
        if self._is_chain_rule(equation, role) and "a factor" in words:
            words[words.index("a factor")] = "local derivative"
        words.append("their sum" if op in "+-" else "the product")
        return {
            "op": op,
            "left": terms[0],
            "right": terms[1],
            "words": words,
            "result": [result.name, value_text(result)],
        }

    def _is_chain_rule(self, equation: Equation, role: str) -> bool:
        """Return whether a product is local derivative × tangent or adjoint, and nothing less."""
        row = self.rows.get(equation.primal or "")
        if row is None or len(row.results) != 1 or len(equation.results) != 1:
            return False
        sources = self.sources(row, role)
        if not any(o in sources for o in equation.operands):
            return False
        result = equation.results[0]
        # the product rule adds two whole terms; of other sums no part is a local derivative
        if role == "tangent" and row.primitive == "mul":
            return True
        return bool(self.targets(row, role, result))

    # ---- sentences -------------------------------------------------------------------------------

    def sentence(
        self, equation: Equation, role: str, product: Data | None
    ) -> str:
        """Return what a step does, in a sentence."""
        text = statement(self.program, equation)
        values = list(map(value_text, returned(self.program, equation)))
        if values:
            text += f", which is {', '.join(values)}"
        row = self.rows.get(equation.primal or "")
        if role == "primal":
            sentence = f"Primal: {text}."
        elif equation.path in self.sums:
            sentence = self._accumulation(equation, text)
        elif role == "bookkeeping" or row is None:
            sentence = f"{role.capitalize().replace('_', ' ')}: {text}."
        elif role == "local_derivative":
            share = self._share(equation, statement(self.program, row))
            sentence = f"{share}: {text}."
        else:
            sentence = self._rule(
                equation,
                row,
                role,
                product,
                text,
            )
        bad = [self.name(r) for r in equation.results if is_bad(self.values[r])]
        if bad:
            sentence += f" {', '.join(bad)} holds NaN or inf."
        return sentence

    def _share(self, equation: Equation, line: str) -> str:
        """Return what an equation computes of the local derivative of its row's line."""
        role = "tangent" if self.program.mode == "forward" else "adjoint"
        if self.wanted.isdisjoint(equation.results):
            return f"Computed by the rule of {line}, and not used"
        share = "Needed for the derivative of"
        readers = []
        if equation.results:
            readers = self.read_by.get(equation.results[0], [])
        for reader in readers:
            if role not in reader.roles:
                continue
            if reader.primitive not in ("mul", "dot_general"):
                continue
            if self._is_chain_rule(reader, role):
                return f"Local derivative of {line}"
            if self._passes_all(reader, role):
                share = "A factor of the local derivative of"
        return f"{share} {line}"

    def _passes_all(self, equation: Equation, role: str) -> bool:
        """Return whether all that its row's rule sends on goes through an equation."""
        row = self.rows.get(equation.primal or "")
        if row is None:
            return False
        sources = self.sources(row, role)
        reached = list(sources)
        for value in reached:  # grows while it is walked
            if value not in sources and self.targets(row, role, value):
                return False
            for reader in self.read_by.get(value, []):
                if reader is equation or reader.primal != row.path:
                    continue
                reached += [r for r in reader.results if r not in reached]
        return True

    def _accumulation(self, equation: Equation, text: str) -> str:
        target = self.sums[equation.path]
        total = self.program.adjoints[target]
        sentence = (
            f"Adjoint: {self.name(target)} is used more than once "
            f"({len(self.parts[target])} times), so the contributions to its adjoint are added: "
            f"{text}"
        )
        if self.program.variable(total) == equation.results[0]:
            return f"{sentence}. {self.name(total)} is now complete."
        return f"{sentence}; more is still to come."

    def _rule(
        self,
        equation: Equation,
        row: Equation,
        role: str,
        product: Data | None,
        text: str,
    ) -> str:
        """Return "v3 = sin(v2); adjoint of v2 += cos(v2) · adjoint of v3; in numbers ..."."""
        start = f"{role.capitalize()}: {statement(self.program, row)}; "
        sources = self.sources(row, role)
        carrier = next(
            (o for o in equation.operands if o in sources),
            None,
        )
        if (
            product is not None
            and product["op"] == "·"
            and carrier is not None
            and self._is_chain_rule(equation, role)
        ):
            symbol, factor = product["left"]
            numbers = f"{factor} · {product['right'][1]}"
            return (
                f"{start}{role} of {self._receiver(equation, row, role)} "
                f"{_bracketed(symbol)} · {role} of {self.name(sources[carrier])}; "
                f"in numbers {numbers} = {product['result'][1]}."
            )
        is_last = any(self.targets(row, role, r) for r in equation.results)
        if equation.primitive == "add_any":
            what = "two parts of one rule, added"
        elif is_last and carrier is not None:
            what = "its rule"
        elif is_last:
            what = "the last step of its rule"
        else:
            what = "a step of its rule"
        return f"{start}{what}: {text}."

    def _receiver(
        self,
        equation: Equation,
        row: Equation,
        role: str,
    ) -> str:
        """Return what a product goes into and how: "v2 +=" where other parts are added to it."""
        result = equation.results[0]
        targets = self.targets(row, role, result)
        if role == "tangent":
            sign = "=" if targets else "+="
            return f"{self.name(row.results[0])} {sign}"
        is_sum = any(len(self.parts[target]) > 1 for target in targets)
        sign = "+=" if is_sum else "="
        return f"{self.names(targets)} {sign}"


def _bracketed(text: str) -> str:
    """Return a formula that can stand as a factor: in brackets unless it is one name or call."""
    depth = 0
    for letter in text:
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == " " and depth == 0:
            return f"({text})"
    return text


def _inverse(value: Value) -> str:
    """Return 1 / value as text; its name's text where the value is large."""
    summary = value.summary
    text = f"1 / {value_text(value)}"
    if summary is None or not summary.whole or value.shape:
        return text
    if isinstance(summary.entries, str):  # a complex number
        divisor = complex(summary.entries)
        if divisor == 0:
            return text
        return f"{1 / divisor:.7g}"
    with np.errstate(divide="ignore"):
        return number(float(np.float64(1) / summary.entries))


def with_short_names(program: Program) -> Program:
    """Return a program whose `params['W1']` is called `W1` where nothing else is called so."""
    inputs = {program.values[i].name for i in program.inputs}
    names = short_names([value.name for value in program.values], inputs)
    values = []
    for value, name in zip(program.values, names, strict=True):
        if name != value.name and not value.literal:
            value = replace(value, name=name)
        values.append(value)
    return replace(program, values=tuple(values))
