"""The marks as tables: for people, for Canvas, for Moodle, for tools."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ...files import write_whole
from .gradebook import Gradebook

UNSAFE = "GRADED WITHOUT A SANDBOX"
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = (
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Maximum grade",
    "Feedback comments",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_tables(book: Gradebook, out: Path) -> None:
    """Write `marks.csv`, `canvas.csv`, `moodle.csv`, `marks.json` and `marks.jsonl`."""
    records = book.records()
    for name, rows in _tables(book).items():
        write_whole(out / f"{name}.csv", _csv(rows))
    whole = {
        "sandbox": book.sandbox,
        "of": book.most,
        "questions": book.questions,
        "students": records,
        "alike": book.pairs,
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    write_whole(out / "marks.json", text + "\n")
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    write_whole(out / "marks.jsonl", "".join(line + "\n" for line in lines))


def _tables(book: Gradebook) -> dict[str, list[list[Any]]]:
    """The rows of our own table, of Canvas's import and of Moodle's offline worksheet."""
    warning = "" if book.sandbox else f" ({UNSAFE})"
    questions = list(book.questions)
    marks: list[list[Any]] = [
        ["student", *questions, "late_factor", "total", "status"]
    ]
    canvas: list[list[Any]] = [
        [*CANVAS, f"OLYMPUS{warning}"],
        ["    Points Possible", "", "", "", "", book.most],
    ]
    moodle: list[list[Any]] = [[*MOODLE]]
    for row in book.rows:
        student, name, email, number = astuple(row.person)
        total = row.total(questions)
        status = row.status + warning
        points = [row.points(question) for question in questions]
        marks.append([student, *points, row.factor, total, status])
        canvas.append([name or student, number, "", student, "", total])
        key = f"Participant {number}" if number else student
        moodle.append([key, name or student, email, total, book.most, status])
    return {"marks": marks, "canvas": canvas, "moodle": moodle}


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Any) -> str:
    """A number short, and a text that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    return "'" + text if text.startswith(FORMULA) else text
