"""What every table of costs can do: text, CSV, Markdown, a data frame, and a picture."""

from __future__ import annotations

import csv
import io
import textwrap
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ._formula import size_text
from ._view import View

Say = Callable[[float], str]  # how a number is written

WIDTH = 76
NAME_ROOM = 26


@dataclass(frozen=True)
class Table:
    """Cells that are text already; the first of each row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    prose: bool = False  # cells are sentences, which lie to the left; a newline starts another


class Report(View):
    """Measured numbers: the records themselves, tables of them for a reader, and a picture."""

    scripts = ("common.js", "player.js", "cost.js")
    summary: str = ""
    notes: Sequence[str] = ()

    @abstractmethod
    def records(self) -> list[dict[str, Any]]:
        """Return the plain numbers, a dict for each row: flops, bytes, seconds."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Return what a reader sees, as text in cells."""

    def steps(self) -> list[dict[str, Any]]:
        """Return what a player steps through: words, where its mark stands, and a row, if any."""
        return []

    def model(self) -> dict[str, Any]:
        """Return records, tables, steps and the picture as plain data."""
        return {
            "title": self.title,
            "summary": self.summary,
            "notes": list(self.notes),
            "tables": [asdict(t) for t in self.tables()],
            "records": self.records(),
            "steps": self.steps(),
            "svg": self.svg(),
            "text": self.text(),
        }

    def text(self, color: bool = False) -> str:
        """Return the tables as aligned text."""
        lines = [self.title, *textwrap.wrap(self.summary, WIDTH)]
        for note in self.notes:
            lines += textwrap.wrap(f"note: {note}", WIDTH)
        return "\n".join([*lines, *(f"\n{aligned(table)}" for table in self.tables())])

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(_markdown(table) for table in self.tables()) + "\n"

    def csv(self) -> str:
        """Return the records as comma-separated values, exact numbers, no units."""
        records = self.records()
        columns = list(dict.fromkeys(key for record in records for key in record))
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return out.getvalue()

    def to_pandas(self) -> Any:
        """Return the records as a pandas data frame.

        Raises:
            ModuleNotFoundError: where pandas is not installed; the kit does not need it.
        """
        try:
            import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
        except ModuleNotFoundError as error:
            error.add_note("pip install pandas, or use csv(), markdown() or records().")
            raise
        return pandas.DataFrame(self.records())

    def _writers(self) -> dict[str, Callable[[], str]]:
        return super()._writers() | {".csv": self.csv, ".md": self.markdown}


def aligned(table: Table) -> str:
    """Return a table in columns of equal width, numbers to the right."""
    rows = [[shortened(table.caption), *table.columns], *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    )


def _markdown(table: Table) -> str:
    rows = [[table.caption, *table.columns], ["---", *["---:"] * len(table.columns)], *table.rows]
    clean = [[cell.replace("|", "/").replace("\n", "<br>") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in clean)


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names in a row, the first few of many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def shortened(name: str) -> str:
    """Return a name that fits its column."""
    return name if len(name) <= NAME_ROOM else f"{name[: NAME_ROOM - 1]}…"


def number_text(x: float) -> str:
    """Return a count: exact up to seven digits, four significant ones above."""
    if abs(x) < 10_000_000:
        return f"{x:,.0f}"
    for unit in ("M", "G", "T"):
        x /= 1000 if unit != "M" else 1_000_000
        if abs(x) < 1000:
            break
    return f"{x:,.4g} {unit}"


def seconds_text(x: float) -> str:
    """Return a time with a unit that suits it."""
    scales = ((1.0, "s"), (1e3, "ms"), (1e6, "µs"))
    factor, unit = next((s for s in scales if x * s[0] >= 1), scales[-1])
    return f"{x * factor:.3g} {unit}"


def bytes_text(x: float) -> str:
    """Return bytes in powers of 1024."""
    return size_text(int(x))


def compared(x: float, base: float | None, say: Say) -> str:
    """Return a number, and behind it how many times the baseline it is: "200 (2.00×)"."""
    if not base:  # there is none, or it is zero
        return say(x)
    ratio = x / base
    digits = ".2f" if 0.01 <= ratio < 100 or not x else ",.0f" if ratio > 1 else ".1g"
    return f"{say(x)} ({ratio:{digits}}×)"
