"""The marks as tables: for people, for Canvas, for Moodle, for tools."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...files import write_whole
from .gradebook import Gradebook

UNSAFE = "GRADED WITHOUT A SANDBOX"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_tables(book: Gradebook, out: Path) -> None:
    """Write `marks.csv`, `canvas.csv`, `moodle.csv`, `marks.json` and `marks.jsonl`."""
    records = book.records()
    write_whole(out / "marks.csv", _csv(_marks(book)))
    write_whole(out / "canvas.csv", _csv(_canvas(book)))
    write_whole(out / "moodle.csv", _csv(_moodle(book)))
    whole = {
        "sandbox": book.sandbox,
        "of": book.most,
        "questions": book.questions,
        "students": records,
    }
    write_whole(
        out / "marks.json",
        json.dumps(whole, indent=1, ensure_ascii=False) + "\n",
    )
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    write_whole(out / "marks.jsonl", "".join(line + "\n" for line in lines))


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


def _marks(book: Gradebook) -> list[list[Any]]:
    questions = list(book.questions)
    table: list[list[Any]] = [
        ["student", *questions, "late_factor", "total", "status"]
    ]
    for row in book.rows:
        points = [row.points(question) for question in questions]
        status = row.status if book.sandbox else f"{row.status} ({UNSAFE})"
        table.append([
            row.person.student,
            *points,
            row.factor,
            row.total(questions),
            status,
        ])
    return table


def _canvas(book: Gradebook) -> list[list[Any]]:
    """The columns that Canvas asks for when a gradebook is imported."""
    title = "OLYMPUS" if book.sandbox else f"OLYMPUS ({UNSAFE})"
    table: list[list[Any]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        ["    Points Possible", "", "", "", "", book.most],
    ]
    for row in book.rows:
        person = row.person
        name = person.name or person.student
        total = row.total(list(book.questions))
        table.append([name, person.id, "", person.student, "", total])
    return table


def _moodle(book: Gradebook) -> list[list[Any]]:
    """The columns of Moodle's offline grading worksheet."""
    table: list[list[Any]] = [
        [
            "Identifier",
            "Full name",
            "Email address",
            "Grade",
            "Maximum grade",
            "Feedback comments",
        ]
    ]
    for row in book.rows:
        person = row.person
        identifier = f"Participant {person.id}" if person.id else person.student
        comment = row.status if book.sandbox else f"{row.status} ({UNSAFE})"
        total = row.total(list(book.questions))
        table.append([
            identifier,
            person.name or person.student,
            person.email,
            total,
            book.most,
            comment,
        ])
    return table
