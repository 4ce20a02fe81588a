"""The ladder and the listing as pictures that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ._draw import MARKS, ROW, Canvas, shorten, width_of
from ._format import listed
from ._rows import End, Ladder, Line, Row, every, in_order
from ._types import Data

LEFT = 78.0  # of the first column: row numbers and arrows stand before it
# between columns; before the last there is what is saved, and at least so much
GAP, RUNG = 8, 64
MOST_LINES, MOST_ROWS, MOST_ENDS = 240, 120, 40
MOST_ARCS = 30  # rows of a program that has them all
MOST_NAMES = 6  # of what is saved for one row
# characters: of an equation, of a value that makes a column wider, of one in short
TEXT_ROOM, VALUE_ROOM, SHORT_ROOM = 72, 22, 100

T = TypeVar("T")
Cell = tuple[list[Line], str]  # the lines of a row in a column, and a note


def ladder_picture(ladder: Ladder) -> Canvas:
    """Draw a program as its layout says: rows and columns, or lines of code."""
    canvas = Canvas(ladder.title)
    y = 14.0
    for line in ladder.error:
        canvas.text(
            0,
            y,
            shorten(line, 140),
            "adjoint",
        )
        y += ROW
    if ladder.layout == "listing":
        _draw_listing(canvas, ladder, y)
    else:
        _draw_ladder(canvas, ladder, y)
    return canvas


def _draw_listing(canvas: Canvas, ladder: Ladder, y: float) -> None:
    """Draw lines of code, in the program's own order."""
    lines = [line for _, line in in_order(ladder.rows)]
    shown = _shown(lines, MOST_LINES)
    texts = [shorten(line.text, TEXT_ROOM) for line in shown]
    right = width_of(max([40 * " ", *texts], key=len)) + 30
    for line, text in zip(shown, texts, strict=True):
        canvas.text(
            0,
            y,
            f"{MARKS[line.role]} {text}",
            line.role,
        )
        canvas.text(
            right,
            y,
            f"# {_best(line.value, line.short, TEXT_ROOM)}",
            "muted",
        )
        y += ROW
    _draw_more(
        canvas,
        0,
        y,
        len(lines) - len(shown),
        "lines",
    )


def _draw_ladder(canvas: Canvas, ladder: Ladder, y: float) -> None:
    rows = _shown(ladder.rows, MOST_ROWS)
    saved = [width_of(_saved(row), 10) + 16 for row in rows]
    rung = max([RUNG, *saved])
    lefts = [LEFT]
    widths: list[float] = []
    table = []
    for column in ladder.columns:
        cells = [_cell(row, column) for row in rows]
        width = max([230.0, *map(_width, cells)])
        read = "↑ read up" if column == "adjoint" else "↓ read down"
        word = column.replace("_", " ")
        is_last_but_one = len(widths) == len(ladder.columns) - 2
        head = f"{MARKS[column]} {word} {read}"
        canvas.text(
            lefts[-1],
            y,
            head,
            column,
            font_weight=600,
        )
        lefts.append(lefts[-1] + width + (rung if is_last_but_one else GAP))
        widths.append(width)
        table.append(cells)
    lefts.pop()
    y += 12
    # where the arrow from an input or a row begins
    count = len(_shown(ladder.inputs, MOST_ENDS))
    marks = {f"in {k}": y + k * (ROW + 4) + 12 for k in range(count)}
    y = _draw_ends(
        canvas,
        "in",
        ladder.inputs,
        lefts,
        y,
    )
    for row, *cells in zip(rows, *table, strict=True):
        for inside in every([row]):
            marks[inside.path] = y + 13
        _draw_row(
            canvas,
            row,
            cells,
            lefts,
            widths,
            y,
        )
        y += GAP + max(map(_height, cells))
    y = _draw_more(
        canvas,
        0,
        y,
        len(ladder.rows) - len(rows),
        "rows below",
    )
    if len(ladder.rows) <= MOST_ARCS:
        _draw_arcs(canvas, rows, marks)
    _draw_ends(
        canvas,
        "out",
        ladder.outputs,
        lefts,
        y,
    )


def _shown(items: Sequence[T], most: int) -> Sequence[T]:
    """Return all items; of far too many the first, so that a picture never lacks the last few."""
    return items if len(items) <= most else items[: most // 2]


def _best(value: str, short: str, room: float = VALUE_ROOM) -> str:
    """Return a value where it fits into so many characters, and otherwise in short."""
    if len(value) <= max(room, VALUE_ROOM):
        return value
    return shorten(short, SHORT_ROOM)


def _saved(row: Row) -> str:
    """Return the names of what is saved for the backward pass of a row."""
    return listed([rung.name for rung in row.residuals], MOST_NAMES)


def _cell(row: Row, column: str) -> Cell:
    if column == "primal":
        notes = [row.note] if row.note else []
        count = len(row.children)
        if count and row.fold:
            notes.insert(0, f"▸ {row.label} ({count} rows)")
        elif count:
            notes.insert(0, f"▸ {count} rows inside")
        return row.primal, ", ".join(notes)
    lines = list(getattr(row, column))
    if column == "tangent":
        lines = row.local_derivative + lines
    lines = [line for line in lines if line.step is not None]
    lines.sort(key=lambda line: line.step or 0)
    if column == "tangent":
        return lines, row.passes
    if column != "adjoint":
        return lines, ""
    return lines[::-1], row.passes  # so it is read


def _width(cell: Cell) -> float:
    lines, note = cell
    texts = [f"   {note}"]
    for line in lines:
        value = _best(line.value, line.short)
        texts.append(f"{shorten(line.text, TEXT_ROOM)}{value}      ")
    return width_of(max(texts, key=len))


def _height(cell: Cell) -> float:
    lines, note = cell
    return ROW * max(1, len(lines) + bool(note)) + 6


def _draw_more(
    canvas: Canvas, x: float, y: float, count: int, what: str
) -> float:
    """Say that so many are left out, where any are; return where the next may begin."""
    if count <= 0:
        return y
    canvas.text(
        x,
        y + 16,
        f"… {count} more {what}".strip(),
        "muted",
    )
    return y + ROW + 4


def _draw_ends(
    canvas: Canvas,
    word: str,
    ends: Sequence[End],
    lefts: Sequence[float],
    y: float,
) -> float:
    left = lefts[0] + 8
    shown = _shown(ends, MOST_ENDS)
    for end in shown:
        own = f"{end.name} = {end.value}"
        if end.partner and left + width_of(own) > lefts[-1]:
            own = f"{end.name} = {_best(end.value, end.short)}"
        canvas.text(
            0,
            y + 16,
            word,
            "muted",
            size=11,
        )
        canvas.text(left, y + 16, own)
        if end.partner:
            text = f"{MARKS[end.role]} {end.partner} = {end.derivative}"
            if end.seed:
                text += "  seed"
            x = max(lefts[-1] + 8, left + width_of(own) + 14)
            words = f"{text}  {end.zero}".rstrip()
            canvas.text(
                x,
                y + 16,
                words,
                end.role,
                font_weight=600,
            )
        y += ROW + 4
    return _draw_more(
        canvas,
        left,
        y,
        len(ends) - len(shown),
        "",
    )


def _draw_arcs(
    canvas: Canvas, rows: Sequence[Row], marks: dict[str, float]
) -> None:
    """Draw, left of the rows, what feeds each of them; longer arcs reach further out."""
    ends = {}  # each once, in this order
    for row in every(rows):
        end = marks[row.path]
        for source in row.reads:
            start = marks.get(source, end)
            if start != end:  # not within a row, nor from what is not drawn
                ends[start, end] = min(38, 8 + (end - start) / 8)
    right = LEFT - 2
    for (start, end), out in ends.items():
        path = f"M{right} {start:.0f}C{LEFT - out:.0f} {start:.0f} "
        path += (
            f"{LEFT - out:.0f} {end:.0f} {right - 1} {end:.0f}l-5 -3m5 3l-5 3"
        )
        canvas.path(path, "muted-line", opacity=0.6)


def _draw_row(
    canvas: Canvas,
    row: Row,
    cells: Sequence[Cell],
    lefts: Sequence[float],
    widths: Sequence[float],
    y: float,
) -> None:
    canvas.text(
        0,
        y + 18,
        row.number,
        "muted",
        size=11,
    )
    start, end = lefts[0] + widths[0], lefts[-1]
    for (lines, note), left, width in zip(
        cells,
        lefts,
        widths,
        strict=True,
    ):
        at = y + 17
        if lines:
            role = f"{lines[0].role}-line"
            canvas.box(
                left,
                y,
                width,
                ROW * len(lines) + 6,
                role,
                rx=5,
            )
            if left < end:
                start = left + width
        for line in lines:
            text = f"{MARKS[line.role]} {shorten(line.text, TEXT_ROOM)}"
            room = (width - 16) / width_of(" ") - len(text) - 2
            value = _best(line.value, line.short, room)
            canvas.text(
                left + 8,
                at,
                text,
                line.role,
            )
            canvas.text(
                left + width - 8,
                at,
                value,
                anchor="end",
            )
            at += ROW
        canvas.text(
            left + 8,
            at + 2,
            note,
            "muted",
            size=11,
        )
    # what is saved for the backward pass, from the primal to the adjoint
    look: Data = {"stroke_width": 2}
    word = _saved(row)
    if row.literals and not word:
        word, look = "literal", {"stroke_dasharray": "3 3"}
    if word:
        middle = (start + end) / 2
        canvas.line([(start, y + 13), (end, y + 13)], "muted-line", **look)
        canvas.text(
            middle,
            y + 9,
            word,
            "muted",
            size=10,
            anchor="middle",
        )
