"""A figure: one record from which text, picture, page, JSON and widget are made."""

from __future__ import annotations

import csv
import io
import textwrap
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from ._draw import Canvas, page_svg, shorten
from ._format import NAME_ROOM, aligned
from ._questions import questions_text
from ._text import notes_text
from ._types import Data
from ._view import View

WIDTH = 76  # of a line of text


@dataclass(frozen=True)
class Table:
    """Cells that are text already; the first of each row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    prose: bool = False  # cells are sentences, which lie to the left; a newline starts another
    open: bool = False  # whether a page shows it at once


@dataclass(frozen=True)
class Detail:
    """What a page shows on request: sentences and pictures below a heading."""

    heading: str
    lines: Sequence[str] = ()
    pictures: Sequence[Canvas] = ()


@dataclass
class Step:
    """What the player says at a step, and the row of the first table that it is about."""

    words: str
    row: int | None = None
    live: int = 0  # bytes, for the meters of a program
    flops: int = 0


@dataclass
class Player:
    """What the player shows beside the steps of a program."""

    group: str = ""  # figures of the same program on one page share their step
    bad: Sequence[int] = ()  # the steps at which NaN or inf first appears
    peak: int | None = None  # bytes, where live memory and FLOPs are shown


class Figure(View):
    """A title, a finding (one sentence with the number that matters), a picture, and the rest.

    A view computes these and draws the picture once, on canvases; what text, a page or a file
    makes of them is decided here.
    """

    scripts: tuple[str, ...] = (
        "common.js",
        "ask.js",
        "frames.js",
        "player.js",
        "figure.js",
    )
    finding: str = ""
    notes: Sequence[str] = ()
    kind = "figure"  # what a screen reader calls the picture
    idle = ""  # what is said before the first step

    @abstractmethod
    def pictures(self) -> Sequence[Canvas]:
        """Return what is drawn, the most important first."""

    @cached_property
    def _canvases(self) -> Sequence[Canvas]:
        """The pictures, drawn once for the record and for the SVG that stands in for it."""
        return self.pictures()

    def steps(self) -> list[Step]:
        """Return what a player steps through."""
        return []

    def tables(self) -> list[Table]:
        """Return the numbers as text in cells."""
        return []

    def details(self) -> list[Detail]:
        """Return what is shown on request."""
        return []

    def records(self) -> list[Data]:
        """Return the plain numbers, a dict for each row: FLOPs, bytes, seconds."""
        return []

    def player(self) -> Player:
        """Return what the player shows beside the steps."""
        return Player()

    def model(self) -> Data:
        """Return the whole record as plain data, with the pictures as SVG."""
        details = [
            {
                "heading": d.heading,
                "lines": list(d.lines),
                "pictures": drawn(d.pictures),
            }
            for d in self.details()
        ]
        return {
            "title": self.title,
            "finding": self.finding,
            "kind": self.kind,
            "idle": self.idle,
            "notes": list(self.notes),
            "pictures": drawn(self._canvases),
            "steps": [asdict(step) for step in self.steps()],
            "player": asdict(self.player()),
            "details": details,
            "tables": [asdict(table) for table in self.tables()],
            "records": self.records(),
            "questions": [question.data() for question in self.questions],
            "text": self.text(),
        }

    def point_model(self) -> Data:
        """Return the record as one of many points of an explorer."""
        return self.model()

    def text(self, color: bool = False) -> str:
        """Return everything that the picture shows."""
        asked, answered = questions_text(self.questions)
        lines = [self.title, *asked, *textwrap.wrap(self.finding, WIDTH)]
        lines += notes_text(self.notes, WIDTH)
        for detail in self.details():
            lines += ["", *detail.lines] if detail.lines else []
        for table in self.tables():
            short = shorten(table.caption, NAME_ROOM)
            lines += ["", *aligned([[short, *table.columns], *table.rows])]
        lines += answered
        return "\n".join(lines)

    def svg(self) -> str:
        """Return the picture as an SVG that stands alone."""
        return page_svg(self.title, self.finding, self._canvases)

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(_markdown(table) for table in self.tables()) + "\n"

    def csv(self) -> str:
        """Return the records as comma-separated values, exact numbers, no units."""
        records = self.records()
        columns = list(
            dict.fromkeys(key for record in records for key in record)
        )
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return out.getvalue()

    def _writers(self) -> dict[str, Callable[[], str | bytes]]:
        writers = super()._writers()
        if self.records():
            writers |= {".csv": self.csv, ".md": self.markdown}
        return writers


def drawn(pictures: Sequence[Canvas]) -> list[Data]:
    """Return pictures as plain data."""
    return [
        {"name": picture.name, "svg": picture.svg()} for picture in pictures
    ]


def _markdown(table: Table) -> str:
    rows = [
        [table.caption, *table.columns],
        ["---", *["---:"] * len(table.columns)],
        *table.rows,
    ]
    lines = []
    for row in rows:
        cells = [cell.replace("|", "\\|").replace("\n", "<br>") for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
