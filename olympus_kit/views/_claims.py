"""What is said about costs, tried in several circumstances, with a verdict that is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._charts import ROW, WIDTH
from ._formula import plural
from ._report import Report, Table
from ._svg import INK, MUTED, PAD, ROLES, _finished, _page, _text

MARKS = {
    "holds": ("✓", ROLES["tangent"][0]),
    "holds when": ("◐", ROLES["primal"][0]),
    "does not hold": ("✗", ROLES["adjoint"][0]),
}


Case = tuple[str, bool, str]  # a circumstance, whether the claim held, what was measured


class Claims(Report):
    """Claims, each tried in several circumstances, and the numbers behind the verdicts.

    ```python
    import olympus_kit as ok

    claims = ok.Claims()
    claims.judge("Squares are positive", {"x = 2": (4 > 0, "4"), "x = 0": (0 > 0, "0")})
    print(claims)  # holds when ✓ x = 2: 4
    ```
    """

    summary = "Each verdict is computed from the measurements beside it."

    def __init__(self) -> None:
        self.tried: dict[str, list[Case]] = {}

    def judge(self, said: str, cases: Mapping[str, tuple[Any, str]]) -> str:
        """Record a claim and what was found: {circumstance: (does it hold?, what was measured)}.

        Returns the verdict: "holds", "holds when" or "does not hold".

        Raises:
            ValueError: where there is no case to judge by.
        """
        if not cases:
            raise ValueError(f"There is no case to judge {said!r} by; give at least one.")
        self.tried[said] = [(when, bool(h), m) for when, (h, m) in cases.items()]
        return self.verdict(said)

    def verdict(self, said: str) -> str:
        """Return "holds" for a claim that held always, "holds when" for sometimes."""
        found = [held for _, held, _ in self.tried[said]]
        return "holds" if all(found) else "holds when" if any(found) else "does not hold"

    def told(self, said: str) -> str:
        """Return a claim, its verdict and its cases, a line each."""
        return "\n  ".join([said, self.verdict(said), *map(_words, self.tried[said])])

    @property
    def title(self) -> str:
        """How many claims were tried."""
        return f"{plural(len(self.tried), 'claim')} about cost, measured"

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each case of each claim."""
        return [
            {"claim": said, "verdict": self.verdict(said), "when": w, "holds": h, "measured": m}
            for said, cases in self.tried.items()
            for w, h, m in cases
        ]

    def tables(self) -> list[Table]:
        """Return a row for each claim, its cases one below another."""
        rows = [
            [
                said,
                f"{MARKS[self.verdict(said)][0]} {self.verdict(said)}",
                "\n".join(map(_words, cases)),
            ]
            for said, cases in self.tried.items()
        ]
        return [Table("it is said that", ["verdict", "measured"], rows, prose=True)]

    def text(self, color: bool = False) -> str:
        """Return claim by claim; a table with sentences in it would be too wide."""
        return "\n\n".join([f"{self.title}\n{self.summary}", *map(self.told, self.tried)])

    def svg(self) -> str:
        """Return the list of claims, with a mark, a word and a colour for each verdict."""
        root, y = _page(self), 44.0
        for said in self.tried:
            mark, color = MARKS[self.verdict(said)]
            _text(root, PAD, y + 14, f"{mark} {self.verdict(said)}", color, weight="600")
            _text(root, 150, y + 14, said, INK)
            y += ROW
        _text(root, PAD, y + 14, "✓ holds   ◐ holds when …   ✗ does not hold", MUTED, 11)
        longest = max(map(len, self.tried), default=0)
        return _finished(root, max(WIDTH, 150 + 7.2 * longest + PAD), y + 14)


def _words(case: Case) -> str:
    when, held, measured = case
    return f"{'✓' if held else '✗'} {when}: {measured}"
