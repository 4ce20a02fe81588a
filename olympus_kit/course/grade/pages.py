"""Pages to read: feedback for each student, and a summary for the instructor.

Plain HTML that needs no script and no network, prints well, and says in words what it shows in
colour. All text of a student's, or of a student's process, is escaped.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...checks import MARKS, Outcome, catalogue
from ...files import write_whole
from .gradebook import Gradebook
from .tables import UNSAFE

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {str(state): sign for state, sign in MARKS.items()} | {"stopped": "✗"}
HASHED = re.compile("-[0-9a-f]{8}$")  # what a name of several gets
MOST_MISTAKES = 20  # that the summary shows


def write_pages(book: Gradebook, out: Path) -> None:
    """Write `feedback/STUDENT.html` for each student, and `summary.html`."""
    paper = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    paper.filters["short"] = lambda number: f"{number:g}"
    paper.filters["text"] = lambda data: Outcome.from_json(data).text()
    paper.globals |= {"book": book, "signs": SIGNS, "unsafe": UNSAFE}
    folder = out / "feedback"
    folder.mkdir(exist_ok=True)
    feedback = paper.get_template("feedback.html")
    for row in book.rows:
        path = folder / f"{page_name(row.person.student)}.html"
        write_whole(path, feedback.render(row=row))
    summary = paper.get_template("summary.html").render(
        statuses=Counter(row.status for row in book.rows).most_common(),
        questions={name: _states(book, name) for name in book.questions},
        mistakes=_mistakes(book).most_common(MOST_MISTAKES),
        pairs=book.pairs,
    )
    write_whole(out / "summary.html", summary)


def page_name(student: str) -> str:
    """A file's name for a student; two students never share one, whatever they are called."""
    plain = re.sub(r"[^\w.-]+", "_", student).strip(".")
    short = plain.encode()[:80].decode(errors="ignore")
    if short == student and not HASHED.search(student):
        return short
    return f"{short}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"


def _states(book: Gradebook, question: str) -> Counter[str]:
    records = [row.records.get(question) for row in book.rows]
    return Counter(record["state"] for record in records if record)


def _mistakes(book: Gradebook) -> Counter[tuple[str, str]]:
    """How often each mistake was met. Its name is the kit's, since a process may say anything."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in book.rows:
        for question, record in row.records.items():
            diagnosis = (record["outcome"] or {}).get("diagnosis")
            if diagnosis:
                counts[question, _name_of(diagnosis)] += 1
    return counts


def _name_of(diagnosis: dict[str, Any]) -> str:
    known = catalogue().get(diagnosis["id"])
    if known and "{" not in known.name:
        return known.name
    return str(diagnosis["name"])[:80]
