"""Claims about cost, tried in several circumstances, with a verdict that is computed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ._charts import LETTERS
from ._draw import ROW, Canvas
from ._figure import Figure, Table
from ._formula import plural
from ._types import Data

# verdict -> its mark and the class of its colour
MARKS = {
    "holds": ("✓", "tangent"),
    "holds when": ("◐", "primal"),
    "does not hold": ("✗", "adjoint"),
}


Case = tuple[
    str, bool, str
]  # a circumstance, whether the claim held, what was measured


class Claims(Figure):
    """Claims, each tried in several circumstances, and the numbers behind the verdicts.

    ```python
    import olympus_kit as ok

    claims = ok.Claims()
    claims.judge("Squares are positive", {"x = 2": (4 > 0, "4"), "x = 0": (0 > 0, "0")})
    print(claims)  # holds when ✓ x = 2: 4
    ```
    """

    kind = "claims"

    def __init__(self) -> None:
        self.tried: dict[str, list[Case]] = {}

    def judge(self, claim: str, cases: Mapping[str, tuple[Any, str]]) -> str:
        """Record a claim and its cases: {circumstance: (does it hold?, what was measured)}.

        Returns the verdict: "holds", "holds when" or "does not hold".

        Raises:
            ValueError: where there is no case to judge by.
        """
        if not cases:
            raise ValueError(
                f"There is no case to judge {claim!r} by; give at least one."
            )
        self.tried[claim] = [
            (when, bool(holds), m) for when, (holds, m) in cases.items()
        ]
        self._forget()
        return self.verdict(claim)

    def verdict(self, claim: str) -> str:
        """Return "holds" for a claim that held always, "holds when" for sometimes."""
        outcomes = [holds for _, holds, _ in self.tried[claim]]
        if all(outcomes):
            return "holds"
        return "holds when" if any(outcomes) else "does not hold"

    def words(self, claim: str) -> str:
        """Return a claim, its verdict and its cases, a line each."""
        return "\n  ".join([
            claim,
            self.verdict(claim),
            *map(_words, self.tried[claim]),
        ])

    @property
    def title(self) -> str:  # type: ignore[override]
        """How many claims were tried."""
        return f"{plural(len(self.tried), 'claim')} about cost, measured"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How many claims hold."""
        verdicts = [self.verdict(claim) for claim in self.tried]
        always, sometimes, never = (verdicts.count(word) for word in MARKS)
        return f"True in all cases: {always}; in some: {sometimes}; in none: {never}."

    def records(self) -> list[Data]:
        """Return a dict for each case of each claim."""
        return [
            {
                "claim": claim,
                "verdict": self.verdict(claim),
                "when": w,
                "holds": h,
                "measured": m,
            }
            for claim, cases in self.tried.items()
            for w, h, m in cases
        ]

    def tables(self) -> list[Table]:
        """Return a row for each claim, its cases one below another."""
        rows = []
        for claim, cases in self.tried.items():
            verdict = self.verdict(claim)
            measured = "\n".join(map(_words, cases))
            rows.append([claim, f"{MARKS[verdict][0]} {verdict}", measured])
        columns = ["verdict", "measured"]
        return [Table("it is said that", columns, rows, prose=True, open=True)]

    def text(self, color: bool = False) -> str:
        """Return claim by claim; a table with sentences in it would be too wide."""
        return "\n\n".join([
            f"{self.title}\n{self.finding}",
            *map(self.words, self.tried),
        ])

    def model(self) -> Data:
        """Return the record; on a page the table is the picture."""
        return super().model() | {"pictures": []}

    def pictures(self) -> list[Canvas]:
        """Draw the list of claims, with a mark, a word and a colour for each verdict."""
        canvas, y = Canvas(self.title), 0.0
        for claim in self.tried:
            mark, role = MARKS[self.verdict(claim)]
            lines = textwrap.wrap(claim, LETTERS)
            canvas.text(
                0,
                y + 14,
                f"{mark} {self.verdict(claim)}",
                role,
                font_weight=600,
            )
            for k, line in enumerate(lines):
                canvas.text(14, y + 14 + ROW * (k + 1), line)
            y += ROW * (len(lines) + 1.6)
        return [canvas]


def _words(case: Case) -> str:
    when, holds, measured = case
    return f"{'✓' if holds else '✗'} {when}: {measured}"
