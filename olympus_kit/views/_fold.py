"""Fold a long program: library calls under their name, runs of one block into "× 40".

A fold is a row that opens. Closed, it shows what it is as one equation: v9 = log_softmax(v4).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import groupby

from ..program import Equation, Program
from ._formula import plural, short_text, value_text
from ._rows import Line, Row, every, row_number

SHORT = 24  # rows; a program of so many is shown as it is
LONGEST = 48  # rows of a block that is looked for
FEWEST = 4  # repeats that are worth folding
STEPS = 3  # rows of a library's function that stand under its name
Names = dict[
    str, tuple[str, Hashable]
]  # path -> its library's name, and where that is called
MOST_NAMES = 4  # values that the one equation of a fold reads or returns
ENTRY = re.compile(r"^(.*)\[[^\[\]]*\](_bar|_dot)?$")
TRANSFORMS = re.compile(
    r"(?:transpose|jvp|vmap|checkpoint|rematted_computation)\(|\)"
)


def scope_names(scope: str) -> list[str]:
    """Return the names that a library gave to a part of the program, from the outermost in."""
    return [name for name in TRANSFORMS.sub("", scope).split("/") if name]


def folded(
    rows: Sequence[Row],
    program: Program,
) -> list[Row]:
    """Return rows of which named parts and repeated blocks lie under a row that opens."""
    return _Folder(program).folded(rows)


class _Folder:
    """Folds rows, and says what a fold reads and returns."""

    def __init__(
        self,
        program: Program,
    ) -> None:
        self.program = program
        self.equations = {e.path: e for e in program.rows}
        self.read_by: dict[int, list[str]] = {}
        for equation in program.rows:
            for value in equation.operands:
                self.read_by.setdefault(value, []).append(equation.path)
        self.read_at: dict[int, set[int]] = {}
        for step, equation in enumerate(program.equations):
            for value in equation.operands:
                self.read_at.setdefault(value, set()).add(step)
        self.wanted = set(map(program.variable, program.derivatives))

    def folded(
        self,
        rows: Sequence[Row],
    ) -> list[Row]:
        """Return rows with calls under their name; of a long program repeated blocks, too."""
        calls: Names = {path: _call(e) for path, e in self.equations.items()}
        rows = self._named(rows, calls, STEPS)
        if len(rows) <= SHORT:
            return rows
        most = len(self.program.rows) // 2
        return self._repeats(self._scoped(rows, 0, most))

    def _named(
        self,
        rows: Sequence[Row],
        names: Names,
        fewest: int,
    ) -> list[Row]:
        """Return rows of which neighbours of one name, and one place, lie under that name."""
        result = []
        for (name, _), group in groupby(
            rows,
            key=lambda row: names.get(row.path.partition("–")[0], ("", "")),
        ):
            block = list(group)
            if name and len(block) >= fewest:
                calls = _calls(block, fewest)
                result += [self._under(call, name) for call in calls]
            else:
                result += block
        return result

    def _scoped(
        self,
        rows: Sequence[Row],
        depth: int,
        most: int,
    ) -> list[Row]:
        """Return rows of which those in one named scope lie under its name, scope in scope.

        A scope that holds more than `most` equations is not one row: that would hide them all.
        """

        def scope(row: Row) -> str:
            names = scope_names(self.equations[_paths(row)[0]].scope)
            return names[depth] if depth < len(names) else ""

        result = []
        for name, group in groupby(rows, key=scope):
            block = list(group)
            if not name or len(block) < 2:
                result += block
            elif sum(len(_paths(row)) for row in block) > most:
                result += self._scoped(block, depth + 1, most)
            else:
                for call in _calls(block, 2):
                    inside = self._scoped(call, depth + 1, most)
                    # a scope and nothing else: its name says more
                    alone = len(inside) == 1
                    result += inside if alone else [self._under(inside, name)]
        return result

    def _repeats(
        self,
        rows: list[Row],
    ) -> list[Row]:
        """Return rows of which a block that comes again and again stands there once."""
        numbers: dict[Hashable, int] = {}
        kinds = [numbers.setdefault(_kind(row), len(numbers)) for row in rows]
        result = []
        at = 0
        while at < len(rows):
            period, count = _longest_run(kinds, at)
            if count == 0:
                result.append(rows[at])
                at += 1
                continue
            blocks = [
                rows[at + k * period : at + (k + 1) * period]
                for k in range(count)
            ]
            name = _listed([row.label for row in blocks[0]])
            if period == 1:
                inside = [block[0] for block in blocks]
            else:
                inside = [
                    self._under(block, name, f"{k + 1} of {count}")
                    for k, block in enumerate(blocks)
                ]
            result.append(self._under(inside, name, f"× {count}"))
            at += period * count
        return result

    def _under(
        self,
        rows: list[Row],
        name: str,
        times: str = "",
    ) -> Row:
        """Return a row that opens to `rows`."""
        first, last = (
            rows[0].path.partition("–")[0],
            rows[-1].path.rpartition("–")[2],
        )
        path = f"{first}–{last}"
        fold = Row(
            path,
            name,
            row_number(path),
            note=times,
            children=rows,
        )
        fold.fold = True
        fold.origin = rows[0].origin
        if not times:
            fold.primal.append(self._line(rows, name))
        fold.passes = self._derivatives(rows, bool(times))
        return fold

    def _derivatives(
        self,
        rows: Sequence[Row],
        repeats: bool,
    ) -> str:
        """Return how many equations of a fold stand in the last column, and what they hand on."""
        mode = self.program.mode
        if mode == "primal":
            return ""
        column = "tangent" if mode == "forward" else "adjoint"
        inside = {
            line.step
            for row in every(rows)
            for line in getattr(row, column)
            if line.step is not None
        }
        if not inside:
            same = {row.passes for row in rows}
            return same.pop() if len(same) == 1 else ""
        count = plural(len(inside), f"{column} equation")
        if repeats:
            return count
        names = [
            self.program.values[result].name
            for step in sorted(inside)
            for result in self.program.equations[step].results
            if result in self.wanted or self.read_at.get(result, set()) - inside
        ]
        return f"{count}: {_listed(names)}" if names else count

    def _line(
        self,
        rows: Sequence[Row],
        name: str,
    ) -> Line:
        """Return a fold as one equation, from what it reads to what is read of it."""
        equations = [
            self.equations[path] for row in rows for path in _paths(row)
        ]
        inside = {e.path for e in equations}
        results = [r for e in equations for r in e.results]
        operands = sorted(
            {o for e in equations for o in e.operands}.difference(results)
        )
        values = self.program.values
        returned = []
        for result in results:
            outside = any(
                path not in inside for path in self.read_by.get(result, [])
            )
            if outside or result in self.program.outputs:
                returned.append(values[result])
        left = _listed([value.name for value in returned])
        read = [values[o].name for o in operands if not values[o].literal]
        # of several it is not known in which order, and beside which numbers, they were given
        text = f"{name} of {_listed(read)}"
        if len(read) < 2:
            text = f"{name}({_listed(read)})"
        return Line(
            text=f"{left} = {text}" if left else text,
            value=", ".join(map(value_text, returned[:MOST_NAMES])),
            short=", ".join(map(short_text, returned[:1])),
            role="primal",
        )


def _listed(names: Sequence[str]) -> str:
    """Return the first names; entries of one container, such as a layer's, by its name."""
    containers = Counter(_container(name) for name in names)
    shown = []
    for name in names:
        container = _container(name)
        shown.append(container if containers[container] > 1 else name)
    shown = list(dict.fromkeys(shown))
    more = ", …" if len(shown) > MOST_NAMES else ""
    return ", ".join(shown[:MOST_NAMES]) + more


def _container(name: str) -> str:
    """Return what an entry is part of: params for params['W'], params_bar for params['W']_bar."""
    return ENTRY.sub(r"\1\2", name)


def _paths(row: Row) -> list[str]:
    """Return the equations of a row, or of the rows of a fold."""
    if not row.fold:
        return [row.path]
    return [path for child in row.children for path in _paths(child)]


def _calls(
    rows: list[Row],
    fewest: int,
) -> list[list[Row]]:
    """Return rows that one place of the code has made as the calls that made them.

    A loop calls from one place again and again, and each call does the same.
    """
    kinds = [(row.label, row.kind) for row in rows]
    for period in range(fewest, len(rows) // 2 + 1):
        if len(rows) % period == 0 and kinds[period:] == kinds[:-period]:
            starts = range(0, len(rows), period)
            return [rows[start : start + period] for start in starts]
    return [rows]


def _call(equation: Equation) -> tuple[str, Hashable]:
    """Return the library's function that an equation came out of, and where it was called."""
    source = equation.source
    if (
        source is None or "jvp(" in equation.scope
    ):  # the rules of an inner derivative
        return "", ""
    name = source.call.removeprefix("rewriting_").strip("_")
    return name, (source.line, source.instruction)


def _longest_run(
    kinds: Sequence[int],
    start: int,
) -> tuple[int, int]:
    """Return period and count of the run that covers most rows from `start`; (0, 0) for none.

    Every period is tried from the start on: as long as a row is of the kind of the row one period
    before, the run goes on. a b a b a b c has the period 2 and the count 3.
    """
    best = (0, 0)
    for period in range(1, min(LONGEST, (len(kinds) - start) // FEWEST) + 1):
        end = start + period
        while end < len(kinds) and kinds[end] == kinds[end - period]:
            end += 1
        count = (end - start) // period
        if count >= FEWEST and count * period > best[0] * best[1]:
            best = (period, count)
    covers_enough = best[0] * best[1] > SHORT // 2
    return best if covers_enough else (0, 0)


def _kind(row: Row) -> Hashable:
    """Return what two rows have in common that do the same to arrays of the same kind."""
    return row.label, row.kind, tuple(_kind(child) for child in row.children)
