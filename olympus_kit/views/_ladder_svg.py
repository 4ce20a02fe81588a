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
GUTTER, MOST_ARCS = (
    44,
    30,
)  # room for arcs beside the rows; rows of a program that has them all
TEXT_ROOM = 72


@dataclass
class Cell:
    """The lines of one row in one column."""

    lines: Sequence[Line]
    note: str = ""

    @property
    def box(self) -> int:
        return TEXT_ROW * len(self.lines) + 6 if self.lines else 0

    @property
    def height(self) -> int:
        return self.box + (TEXT_ROW if self.note else 0)

    @property
    def width(self) -> float:
        texts = [
            len(_short(line.text, TEXT_ROOM)) + len(_value(line)) + 6
            for line in self.lines
        ]
        return CHAR * max([*texts, len(self.note) + 3], default=0)


def ladder_svg(ladder: Ladder) -> str:
    """Return an SVG with a title and a description, on a background of its own."""
    rows = ladder.rows[:MOST_ROWS]
    cells = [[_cell(row, c) for c in ladder.columns] for row in rows]
    widths = [
        max([230.0, *(line[i].width for line in cells)])
        for i in range(len(ladder.columns))
    ]
    lefts = [PAD + 34.0 + GUTTER]
    for width in widths[:-1]:
        room = RUNG if len(lefts) == len(widths) - 1 else GAP
        lefts.append(lefts[-1] + width + room)
    total = max(
        lefts[-1] + widths[-1] + PAD,
        CHAR * 0.9 * min(100, len(ladder.title)) + 2 * PAD,
    )
    root = _page(ladder)
    y = _heading(root, ladder, lefts, _error(root, ladder))
    marks: dict[str, float] = {
        f"in {k}": y + k * END + 12 for k in range(MOST_ENDS)
    }
    y = _ends(root, "in", ladder, lefts, y)
    for row, line in zip(rows, cells, strict=True):
        marks |= dict.fromkeys((inside.path for inside in every([row])), y + 13)
        y = _draw_row(root, row, line, lefts, widths, y)
    if len(ladder.rows) > MOST_ROWS:
        _text(
            root,
            PAD,
            y + 16,
            f"… {len(ladder.rows) - MOST_ROWS} more rows below",
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
    texts = [_short(line.text, TEXT_ROOM) for _, line in shown]
    width = CHAR * max([40, *(len(t) + 4 for t in texts)])
    root = _page(ladder)
    y = 56.0
    for (_, line), text in zip(shown, texts, strict=True):
        color, mark, _ = ROLES[line.role]
        _text(root, PAD, y, f"{mark} {text}", color)
        _text(root, PAD + width, y, f"# {_value(line)}", MUTED)
        y += TEXT_ROW
    if len(pairs) > len(shown):
        _text(root, PAD, y, f"… {len(pairs) - len(shown)} more lines", MUTED)
    return _finished(root, PAD + width + CHAR * (VALUE_ROOM + 4), y)


def _best(value: str, short: str) -> str:
    """Return a value where it fits, and otherwise its few characters."""
    return value if len(value) <= VALUE_ROOM else _short(short)


def _value(line: Line) -> str:
    return _best(line.value, line.short)


def _cell(row: Row, column: str) -> Cell:
    if column == "primal":
        count = len(row.children)
        what = (
            f"▸ {row.label} ({count} rows)"
            if row.fold
            else f"▸ {count} rows inside"
        )
        inside = what if count else ""
        return Cell(row.primal, ", ".join(n for n in (inside, row.note) if n))
    before = row.local_derivative if column == "tangent" else ()
    lines = [
        line
        for line in (*before, *getattr(row, column))
        if line.step is not None
    ]
    lines.sort(
        key=lambda line: line.step or 0, reverse=column == "adjoint"
    )  # it is read upwards
    return Cell(lines, row.passes if column == "adjoint" else "")


def _error(root: ET.Element, ladder: Ladder) -> float:
    """Write where the function raised; return how far down that goes."""
    for k, line in enumerate(ladder.error):
        _text(
            root, PAD, 48 + k * TEXT_ROW, _short(line, 140), ROLES["adjoint"][0]
        )
    return float(TEXT_ROW * len(ladder.error))


def _heading(
    root: ET.Element, ladder: Ladder, lefts: Sequence[float], down: float
) -> float:
    for column, left in zip(ladder.columns, lefts, strict=True):
        color, mark, word = ROLES[column]
        read = "↑ read up" if column == "adjoint" else "↓ read down"
        _text(
            root, left, 54 + down, f"{mark} {word} {read}", color, weight="600"
        )
    return 66 + down


def _ends(
    root: ET.Element,
    word: str,
    ladder: Ladder,
    lefts: Sequence[float],
    y: float,
) -> float:
    ends = ladder.inputs if word == "in" else ladder.outputs
    role = {"forward": "tangent", "reverse": "adjoint"}.get(
        ladder.mode, "primal"
    )
    for end in ends[:MOST_ENDS]:
        own = f"{end['name']} = {_best(end['value'], end['short'])}"
        _text(root, PAD, y + 16, word, MUTED, size=11)
        _text(root, lefts[0] + 8, y + 16, own, INK)
        if "partner" in end:
            color, mark, _ = ROLES[role]
            derivative = _best(end["derivative"], end["derivative_short"])
            text = f"{mark} {end['partner']} = {derivative}"
            text += "  seed" * end["seed"] + f"  {end['zero']}" * bool(
                end["zero"]
            )
            x = max(lefts[-1] + 8, lefts[0] + CHAR * (len(own) + 3))
            _text(root, x, y + 16, text, color, weight="600")
        y += END
    if len(ends) > MOST_ENDS:
        _text(
            root, lefts[0] + 8, y + 16, f"… {len(ends) - MOST_ENDS} more", MUTED
        )
        y += END
    return y


def _draw_arcs(
    root: ET.Element, rows: Sequence[Row], marks: dict[str, float], right: float
) -> None:
    """Draw, left of the rows, what feeds each of them; longer arcs reach further out."""
    ends = [
        (marks[p], marks[row.path])
        for row in every(rows)
        for p in row.reads
        if p in marks
    ]
    for start, end in dict.fromkeys(
        pair for pair in ends if pair[0] != pair[1]
    ):
        out = min(GUTTER - 6, 8 + (end - start) / 8)
        path = f"M{right - 2:.0f} {start:.0f}C{right - out:.0f} {start:.0f} "
        path += f"{right - out:.0f} {end:.0f} {right - 3:.0f} {end:.0f}l-5 -3m5 3l-5 3"
        ET.SubElement(
            root, "path", d=path, fill="none", stroke=MUTED, opacity="0.6"
        )


def _draw_row(
    root: ET.Element,
    row: Row,
    cells: Sequence[Cell],
    lefts: Sequence[float],
    widths: Sequence[float],
    y: float,
) -> float:
    height = max(TEXT_ROW + 6, *(c.height for c in cells))
    group = ET.SubElement(root, "g")
    _text(group, PAD, y + 18, row.number, MUTED, size=11)
    for cell, left, width in zip(cells, lefts, widths, strict=True):
        if cell.lines:
            color = ROLES[cell.lines[0].role][0]
            attributes = {
                "x": f"{left:.1f}",
                "y": f"{y:.1f}",
                "width": f"{width:.1f}",
            }
            attributes |= {"height": f"{cell.box}", "rx": "5", "fill": "none"}
            ET.SubElement(group, "rect", attributes, stroke=color)
        for k, line in enumerate(cell.lines):
            _draw_line(group, line, left, width, y + 17 + k * TEXT_ROW)
        if cell.note:
            at = y + 17 + cell.box - (2 if cell.lines else 0)
            _text(group, left + 8, at, cell.note, MUTED, size=11)
    if row.residuals or row.literals:
        ends = [
            x + w
            for cell, x, w in zip(cells[:-1], lefts, widths, strict=False)
            if cell.lines
        ]
        _draw_rung(
            group, row, max(ends, default=lefts[-1] - RUNG), lefts[-1], y + 13
        )
    return y + height + GAP


def _draw_line(
    group: ET.Element, line: Line, left: float, width: float, y: float
) -> None:
    color, mark, _ = ROLES[line.role]
    _text(group, left + 8, y, f"{mark} {_short(line.text, TEXT_ROOM)}", color)
    value = _text(group, left + width - 8, y, _value(line), INK)
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
    rung.set("stroke-width", "2" if row.residuals else "1")
    if not row.residuals:
        rung.set("stroke-dasharray", "3 3")
    names = ", ".join(k.name for k in row.residuals)
    word = _short(names, 9) if row.residuals else "literal"
    label = _text(group, (start + end) / 2, y - 4, word, MUTED, size=10)
    label.set("text-anchor", "middle")
