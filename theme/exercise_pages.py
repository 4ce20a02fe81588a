"""Make the exercises pages of the site: each question, its stub and its folded hints.

They are read from `exercises/`, which holds no solutions, and nothing in them is run: a check
belongs to a kernel of the reader's own.
"""

import re
from pathlib import Path
from typing import Any

import jupytext
from course import PREFIX, front_matter, number_of, read

HINT = re.compile(
    r"<details>\s*<summary>(.+?)(?: \(click to open\))?</summary>\s*(.*?)\s*</details>", re.DOTALL
)
HEAD = re.compile(r"\A# .*\n*(?:\*\*Level:.*\n*)?")  # is in the box at the head already
QUESTION = re.compile(r"^## Question (\d+)", re.MULTILINE)  # gets a label, to be linked to
CHAPTER = re.compile(r"chapter (\d+[a-z]?): ")
BESIDE = re.compile(r"\]\(\.\./book/")
NAME = re.compile(r"(?<![`{}])`((?:olympus|ok|jnp)(?:\.\w+)+)`(?!`)")
FENCE = re.compile(r"^(`{3,}).*?^\1", re.DOTALL | re.MULTILINE)


def with_roles(text: str, known: set[str]) -> str:
    """Return text in which a public name that stands as code leads to its API entry."""

    def role(match: re.Match[str]) -> str:
        return f"{{func}}`{match.group(1)}`" if match.group(1) in known else match.group(0)

    parts, start = [], 0
    for fence in FENCE.finditer(text):
        parts += [NAME.sub(role, text[start : fence.start()]), fence.group(0)]
        start = fence.end()
    return "".join([*parts, NAME.sub(role, text[start:])])


def prose(text: str, known: set[str]) -> str:
    """Return a cell of text as MyST for the site: hints folded, links from where the page lies."""
    hinted = HINT.sub(r"::::{dropdown} \1\n\2\n::::", text)
    return with_roles(BESIDE.sub("](../../book/", hinted), known)


def chapters(book: Path) -> dict[str, str]:
    """Return the files of the chapters by their numbers."""
    return {number_of(path.name): path.name for path in sorted(book.glob("[0-9]*.md"))}


def needed(prerequisite: str, files: dict[str, str]) -> str:
    """Return what has to be known first; a chapter is a link."""
    found = CHAPTER.match(prerequisite)
    if found and found.group(1) in files:
        return f"[{prerequisite}](../../book/{files[found.group(1)]})"
    return prerequisite


def glance(front: dict[str, Any], files: dict[str, str]) -> str:
    """Return the box at the head of the page: what the exercises train, and what they need."""
    told = front.get("olympus") or {}
    goals = ";\n".join(f"- {goal}" for goal in told.get("goals", []))
    needs = ", ".join(needed(text, files) for text in told.get("prerequisites", []))
    return (
        f":::{{note}} At a glance\n**You will be able to**\n\n{goals}.\n\n"
        f"**Level:** {told.get('level')} · **You need:** {needs} · "
        f"**Time:** {told.get('minutes')} minutes\n:::\n"
    )


def page(source: Path, files: dict[str, str], known: set[str]) -> str:
    """Return the exercises of one file as a page of the site."""
    front = read(source, front_matter)
    label = f"exercises-{source.stem.replace('_', '-')}"
    parts = [f"# {front.get('title', source.stem)}\n", glance(front, files)]
    for cell in jupytext.read(source).cells:
        if cell.cell_type == "markdown":
            text = HEAD.sub("", cell.source)
            labelled = QUESTION.sub(rf"({label}-\1)=\n\n\g<0>", text)
            parts.append(prose(labelled, known))
        elif "check" not in cell.metadata.get("tags", []):  # a check needs a kernel
            parts.append(f"````{{code-block}} python\n{cell.source}\n````\n")
    return "\n\n".join(parts)


def write(project: Path, out: Path, known: set[str]) -> None:
    """Write a page for each file of exercises; an unchanged one keeps its date."""
    out.mkdir(parents=True, exist_ok=True)
    files = chapters(project / "book")
    for source in sorted((project / "exercises").glob("*.md")):
        text = page(source, files, known)
        target = out / f"{PREFIX}{source.name}"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
