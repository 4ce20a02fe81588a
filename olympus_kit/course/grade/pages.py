"""Pages to read: feedback for each student, and a summary for the instructor.

Plain HTML that needs no script and no network, prints well, and says in words what it shows in
colour. All text of a student's, or of a student's process, is escaped.
"""

import hashlib
import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ...checks import MARKS, Outcome, catalogue
from ...files import write_whole
from .gradebook import Gradebook, Row
from .tables import UNSAFE

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fdfdfb; --line: #8894a3; --go: #2e7d4f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --paper: #14181d; --line: #77828f; --go: #7fcf9d }
}
body { font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { border: 1px solid var(--line); padding: .25rem .7rem; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
section { border-left: 4px solid var(--line); padding-left: 1rem; margin: 1.5rem 0 }
section.correct { border-color: var(--go) }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
.warning { border: 2px solid; padding: .5rem 1rem; font-weight: 700 }
.bar { display: inline-block; height: .7em; background: var(--line); vertical-align: baseline }
@media print { body { max-width: none; margin: 0 } section { break-inside: avoid } }
"""
SIGNS = {str(state): sign for state, sign in MARKS.items()} | {"stopped": "✗"}


def write_pages(book: Gradebook, out: Path) -> None:
    """Write `feedback/STUDENT.html` for each student, and `summary.html`."""
    folder = out / "feedback"
    folder.mkdir(exist_ok=True)
    for row in book.rows:
        write_whole(
            folder / f"{page_name(row.person.student)}.html",
            _feedback(book, row),
        )
    write_whole(out / "summary.html", _summary(book))


def page_name(student: str) -> str:
    """A file's name for a student; two students never share one, whatever they are called."""
    plain = re.sub(r"[^\w.-]+", "_", student).strip(".")[:80]
    if plain == student:
        return plain
    return f"{plain}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"


def _page(title: str, body: str, sandbox: bool) -> str:
    warning = "" if sandbox else f'<p class="warning" role="note">{UNSAFE}</p>'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{html.escape(title)}</h1>\n{warning}\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


def _feedback(book: Gradebook, row: Row) -> str:
    total = row.total(list(book.questions))
    pieces = [
        f"<p>{total:g} of {book.most:g} points · {html.escape(row.status)}</p>"
    ]
    if row.factor < 1:
        pieces.append(
            f"<p>Handed in late: {row.factor:.0%} of the points stand.</p>"
        )
    rows = []
    for question, entry in book.questions.items():
        record = row.records.get(question)
        state = record["state"] if record else "not attempted"
        rows.append(
            f'<tr><th scope="row">{html.escape(question)}</th><td>{SIGNS[state]} {state}</td>'
            f'<td class="number">{row.points(question):g}</td>'
            f'<td class="number">{entry["of"]:g}</td></tr>'
        )
    pieces.append(
        '<table><caption>Points</caption><thead><tr><th scope="col">question</th>'
        '<th scope="col">state</th><th scope="col">points</th><th scope="col">of</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )
    for question, entry in book.questions.items():
        if question in row.records:
            pieces.append(_section(question, entry, row))
    return _page(
        f"Feedback for {row.person.name or row.person.student}",
        "".join(pieces),
        book.sandbox,
    )


def _section(question: str, entry: dict[str, Any], row: Row) -> str:
    record = row.records[question]
    state = record["state"]
    lines = [f"<h2>{html.escape(question)}: {SIGNS[state]} {state}</h2>"]
    if record["outcome"]:
        text = Outcome.from_json(record["outcome"]).text()
        lines.append(f"<pre>{html.escape(text)}</pre>")
    if record["note"]:
        lines.append(f"<p>{html.escape(record['note'])}</p>")
    if len(entry["credits"]) > 1:
        items = []
        for credit in entry["credits"]:
            points = record["parts"].get(credit["part"], 0.0)
            reason = html.escape(credit["reason"])
            items.append(
                f"<li>{reason}: {points:g} of {credit['points']:g}</li>"
            )
        lines.append(f"<ul>{''.join(items)}</ul>")
    if question in row.manual:
        by_hand = row.manual[question]
        reason = html.escape(str(by_hand["reason"]))
        lines.append(
            f"<p>Points given by hand: {by_hand['points']:g}. {reason}</p>"
        )
    kind = "correct" if state == "correct" else "other"
    return f'<section class="{kind}">{"".join(lines)}</section>'


def _summary(book: Gradebook) -> str:
    statuses = Counter(row.status for row in book.rows)
    items = "".join(
        f"<li>{count} × {html.escape(s)}</li>"
        for s, count in statuses.most_common()
    )
    body = f"<p>{len(book.rows)} students.</p><ul>{items}</ul>"
    body += _distribution(book) + _misconceptions(book)
    return _page("Summary for the instructor", body, book.sandbox)


def _distribution(book: Gradebook) -> str:
    rows = []
    for question in book.questions:
        states = Counter(
            row.records[question]["state"]
            for row in book.rows
            if question in row.records
        )
        cells = "".join(
            f'<td class="number">{states[state]}</td>' for state in SIGNS
        )
        share = states["correct"] / max(sum(states.values()), 1)
        bar = f'<td>{share:.0%} <span class="bar" style="width: {6 * share:.2f}rem"></span></td>'
        rows.append(
            f'<tr><th scope="row">{html.escape(question)}</th>{cells}{bar}</tr>'
        )
    heads = "".join(
        f'<th scope="col">{sign} {state}</th>' for state, sign in SIGNS.items()
    )
    return (
        f'<table><caption>Questions</caption><thead><tr><th scope="col">question</th>{heads}'
        f'<th scope="col">correct</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _misconceptions(book: Gradebook) -> str:
    """The commonest mistakes. A name is taken from the kit, since a process may say anything."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in book.rows:
        for question, record in row.records.items():
            diagnosis = (record["outcome"] or {}).get("diagnosis")
            if diagnosis:
                known = catalogue().get(diagnosis["id"])
                name = (
                    known.name
                    if known and "{" not in known.name
                    else diagnosis["name"][:80]
                )
                counts[question, name] += 1
    if not counts:
        return "<p>No mistakes were met.</p>"
    rows = []
    for (question, name), count in counts.most_common(20):
        rows.append(
            f'<tr><td class="number">{count}</td><td>{html.escape(question)}</td>'
            f"<td>{html.escape(name)}</td></tr>"
        )
    return (
        "<table><caption>Commonest mistakes: what to teach tomorrow</caption><thead><tr>"
        '<th scope="col">count</th><th scope="col">question</th><th scope="col">mistake</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )
