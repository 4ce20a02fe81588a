"""The ladder and the listing as pictures that stand alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from ._rows import Ladder, Line, Row, every, in_order
from ._svg import (
    CHAR,
    INK,
    MUTED,
    PAD,
    ROLES,
    TEXT_ROW,
    VALUE_ROOM,
    _finished,
    _page,
    _short,
    _text,
)

GAP, RUNG = 8, 64
END = TEXT_ROW + 4  # an input or an output
MOST_ROWS, MOST_ENDS = 60, 12
GUTTER = 44  # room for arcs beside the rows
MOST_ARCS = 30  # rows of a program that has them all
TEXT_ROOM = 72

Places = Sequence[float]


@dataclass
class Cell:
    """The lines of one row in one column."""

    lines: Sequence[Line]
    note: str = ""

    @property
    def box(self) -> int:
        if not self.lines:
            return 0
        return TEXT_ROW * len(self.lines) + 6

    @property
    def height(self) -> int:
        if self.note:
            return self.box + TEXT_ROW
        return self.box

    @property
    def width(self) -> float:
        most = len(self.note) + 3
        for line in self.lines:
            text = _short(line.text, TEXT_ROOM)
            most = max(most, len(text) + len(_value(line)) + 6)
        return CHAR * most


def ladder_svg(ladder: Ladder) -> str:
    """Return an SVG with a title and a description, on a background of its own."""
    rows = ladder.rows[:MOST_ROWS]
    cells = [[_cell(row, c) for c in ladder.columns] for row in rows]
    lefts: list[float] = []
    widths: list[float] = []
    x = PAD + 34.0 + GUTTER
    for k in range(len(ladder.columns)):
        width = max([230.0, *(line[k].width for line in cells)])
        lefts.append(x)
        widths.append(width)
        # before the last column there is room for what is saved
        x += width
        x += RUNG if k == len(ladder.columns) - 2 else GAP
    title = CHAR * 0.9 * min(100, len(ladder.title))
    total = max(lefts[-1] + widths[-1] + PAD, title + 2 * PAD)
    root = _page(ladder)
    y = _heading(root, ladder, lefts, _error(root, ladder))
    marks: dict[
        str, float
    ] = {}  # where the arrow from an input or a row begins
    for k in range(MOST_ENDS):
        marks[f"in {k}"] = y + k * END + 12
    y = _ends(root, "in", ladder, lefts, y)
    for row, line in zip(rows, cells, strict=True):
        for inside in every([row]):
            marks[inside.path] = y + 13
        y = _draw_row(root, row, line, lefts, widths, y)
    more = len(ladder.rows) - MOST_ROWS
    if more > 0:
        _text(
            root,
            PAD,
            y + 16,
            f"… {more} more rows below",
            MUTED,
        )
        y += 28
    if len(ladder.rows) <= MOST_ARCS:
        _draw_arcs(root, rows, marks, lefts[0])
    y = _ends(root, "out", ladder, lefts, y)
    return _finished(root, total, y)


def listing_svg(ladder: Ladder) -> str:
    """Return the program as coloured lines of code, in its own order."""
    pairs = in_order(ladder.rows)
    shown = pairs[: 2 * MOST_ROWS]
    more = len(pairs) - len(shown)
    texts = [_short(line.text, TEXT_ROOM) for _, line in shown]
    width = CHAR * max([40, *(len(t) + 4 for t in texts)])
    root = _page(ladder)
    y = 56.0
    for (_, line), text in zip(shown, texts, strict=True):
        color, mark, _ = ROLES[line.role]
        _text(root, PAD, y, f"{mark} {text}", color)
        _text(
            root,
            PAD + width,
            y,
            f"# {_value(line)}",
            MUTED,
        )
        y += TEXT_ROW
    if more:
        _text(root, PAD, y, f"… {more} more lines", MUTED)
    return _finished(
        root,
        PAD + width + CHAR * (VALUE_ROOM + 4),
        y,
    )


def _best(value: str, short: str) -> str:
    """Return a value where it fits, and otherwise its few characters."""
    if len(value) <= VALUE_ROOM:
        return value
    return _short(short)


def _value(line: Line) -> str:
    return _best(line.value, line.short)


def _cell(row: Row, column: str) -> Cell:
    if column == "primal":
        count = len(row.children)
        notes = []
        if count and row.fold:
            notes.append(f"▸ {row.label} ({count} rows)")
        elif count:
            notes.append(f"▸ {count} rows inside")
        if row.note:
            notes.append(row.note)
        return Cell(row.primal, ", ".join(notes))
    lines = list(getattr(row, column))
    if column == "tangent":
        lines = [*row.local_derivative, *lines]
    lines = [line for line in lines if line.step is not None]
    upwards = column == "adjoint"  # so it is read
    lines.sort(key=lambda line: line.step or 0, reverse=upwards)
    if upwards:
        return Cell(lines, row.passes)
    return Cell(lines)


def _error(root: ET.Element, ladder: Ladder) -> float:
    """Write where the function raised; return how far down that goes."""
    color = ROLES["adjoint"][0]
    for k, line in enumerate(ladder.error):
        _text(
            root,
            PAD,
            48 + k * TEXT_ROW,
            _short(line, 140),
            color,
        )
    return float(TEXT_ROW * len(ladder.error))


def _heading(
    root: ET.Element, ladder: Ladder, lefts: Places, down: float
) -> float:
    for column, left in zip(ladder.columns, lefts, strict=True):
        color, mark, word = ROLES[column]
        read = "↓ read down"
        if column == "adjoint":
            read = "↑ read up"
        text = f"{mark} {word} {read}"
        _text(root, left, 54 + down, text, color, weight="600")
    return 66 + down


def _ends(
    root: ET.Element,
    word: str,
    ladder: Ladder,
    lefts: Places,
    y: float,
) -> float:
    ends = ladder.inputs if word == "in" else ladder.outputs
    roles = {"forward": "tangent", "reverse": "adjoint"}
    color, mark, _ = ROLES[roles.get(ladder.mode, "primal")]
    left = lefts[0] + 8
    for end in ends[:MOST_ENDS]:
        own = f"{end['name']} = {_best(end['value'], end['short'])}"
        _text(root, PAD, y + 16, word, MUTED, size=11)
        _text(root, left, y + 16, own, INK)
        if "partner" in end:
            derivative = _best(end["derivative"], end["derivative_short"])
            text = f"{mark} {end['partner']} = {derivative}"
            if end["seed"]:
                text += "  seed"
            if end["zero"]:
                text += f"  {end['zero']}"
            x = max(lefts[-1] + 8, lefts[0] + CHAR * (len(own) + 3))
            _text(root, x, y + 16, text, color, weight="600")
        y += END
    more = len(ends) - MOST_ENDS
    if more > 0:
        _text(
            root,
            left,
            y + 16,
            f"… {more} more",
            MUTED,
        )
        y += END
    return y


def _draw_arcs(
    root: ET.Element, rows: Sequence[Row], marks: dict[str, float], right: float
) -> None:
    """Draw, left of the rows, what feeds each of them; longer arcs reach further out."""
    ends: dict[tuple[float, float], None] = {}  # each once, in this order
    for row in every(rows):
        end = marks[row.path]
        for source in row.reads:
            start = marks.get(source, end)
            if start != end:  # not within a row, nor from what is not drawn
                ends[start, end] = None
    for start, end in ends:
        out = right - min(GUTTER - 6, 8 + (end - start) / 8)
        path = f"M{right - 2:.0f} {start:.0f}C{out:.0f} {start:.0f} "
        path += f"{out:.0f} {end:.0f} {right - 3:.0f} {end:.0f}l-5 -3m5 3l-5 3"
        ET.SubElement(
            root,
            "path",
            d=path,
            fill="none",
            stroke=MUTED,
            opacity="0.6",
        )


def _draw_row(
    root: ET.Element,
    row: Row,
    cells: Sequence[Cell],
    lefts: Places,
    widths: Places,
    y: float,
) -> float:
    height = max(TEXT_ROW + 6, *(c.height for c in cells))
    group = ET.SubElement(root, "g")
    _text(
        group,
        PAD,
        y + 18,
        row.number,
        MUTED,
        size=11,
    )
    for cell, left, width in zip(cells, lefts, widths, strict=True):
        if cell.lines:
            color = ROLES[cell.lines[0].role][0]
            attributes = {
                "x": f"{left:.1f}",
                "y": f"{y:.1f}",
                "width": f"{width:.1f}",
                "height": f"{cell.box}",
                "rx": "5",
                "fill": "none",
            }
            ET.SubElement(group, "rect", attributes, stroke=color)
        for k, line in enumerate(cell.lines):
            _draw_line(
                group,
                line,
                left,
                width,
                y + 17 + k * TEXT_ROW,
            )
        if cell.note:
            at = y + 17 + cell.box
            if cell.lines:
                at -= 2
            _text(
                group,
                left + 8,
                at,
                cell.note,
                MUTED,
                size=11,
            )
    if row.residuals or row.literals:
        ends = []
        for cell, left, width in zip(cells[:-1], lefts, widths, strict=False):
            if cell.lines:
                ends.append(left + width)
        start = max(ends, default=lefts[-1] - RUNG)
        _draw_rung(
            group,
            row,
            start,
            lefts[-1],
            y + 13,
        )
    return y + height + GAP


def _draw_line(
    group: ET.Element, line: Line, left: float, width: float, y: float
) -> None:
    color, mark, _ = ROLES[line.role]
    _text(
        group,
        left + 8,
        y,
        f"{mark} {_short(line.text, TEXT_ROOM)}",
        color,
    )
    value = _text(
        group,
        left + width - 8,
        y,
        _value(line),
        INK,
    )
    value.set("text-anchor", "end")


def _draw_rung(
    group: ET.Element, row: Row, start: float, end: float, y: float
) -> None:
    """Draw what is saved for the backward pass, from the primal to the adjoint of its row."""
    attributes = {
        "x1": f"{start:.1f}",
        "x2": f"{end:.1f}",
        "y1": f"{y}",
        "y2": f"{y}",
    }
    rung = ET.SubElement(group, "line", attributes, stroke=MUTED)
    if row.residuals:
        rung.set("stroke-width", "2")
    else:
        rung.set("stroke-width", "1")
        rung.set("stroke-dasharray", "3 3")
    word = "literal"
    if row.residuals:
        word = _short(", ".join(k.name for k in row.residuals), 9)
    label = _text(
        group,
        (start + end) / 2,
        y - 4,
        word,
        MUTED,
        size=10,
    )
    label.set("text-anchor", "middle")
