"""Where things stand in the course, as links from the page where a notebook runs.

A link ends in `#cell-id=...`: JupyterLab then goes to that cell, even where it has not drawn it
yet. The server (olympus_server) gives the cells these ids; other hosts open the page.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from olympus_server import LABEL, question_id

from . import store
from .card import Strip

CODE_CELL = re.compile(r"^```\{code-cell\}.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


def link_to_read(place: str) -> str:
    """A place such as book/04_reverse.md#reverse-shape as a link, or as it is without a book."""
    name, _, label = place.partition("#")
    folder = next(store.folders(), None)
    page = folder.parent / name if folder else Path(name)
    if not page.is_file():
        return place
    text = page.read_text(encoding="utf-8")
    heading = HEADING.search(text)
    title = heading[1] if heading else name
    address = _from_here(page)
    for cell in CODE_CELL.split(text) if label else []:
        found = list(LABEL.finditer(cell))
        for match in found:
            if match["label"] == label:
                title = match["title"]
                address += f"#cell-id={found[0]['label']}"
    return f"[{title.replace('$', '')}]({address}) in `{name}`"


def _from_here(path: Path) -> str:
    return Path(os.path.relpath(path, Path.cwd())).as_posix()


def strips(folder: Path) -> Iterator[Strip]:
    """Of each exercise of a course, in order: its questions, and which are solved."""
    progress = store.read_progress(folder)
    for path in sorted(folder.glob(f"*{store.ANSWERS}")):
        answers = store.known_answers(path)
        address = _from_here(path.with_suffix(".md"))
        questions = []
        for name in answers["questions"]:
            solved = bool(progress.get(name, {}).get("solved"))
            place = f"{address}#cell-id={question_id(name)}"
            questions.append((name, solved, place))
        yield Strip(answers["title"], address, tuple(questions))


def next_question(every: list[Strip], name: str) -> str:
    """The first question after this one that is not solved, or else the first, as a link."""
    asked = [question for strip in every for question in strip.questions]
    here = [other for other, _, _ in asked].index(name)
    for other, solved, address in asked[here + 1 :] + asked[:here]:
        if not solved:
            return f"Next: [{other}]({address})"
    return f"That was the last: all {len(asked)} questions are solved."
