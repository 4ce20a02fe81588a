"""Write the index of functions: in which sections of the book each name is taught or used.

It is computed from the pages each time the book is built, so it cannot drift from them. A name
counts as taught where the text links it with a role, as in {func}`olympus.jvp`; as used where a
code cell names it. Sections are those that have a label, since only these can be linked to.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course import PREFIX, number_of, read

LABEL = re.compile(r"^\(([a-z0-9-]+)\)=$")
HEADING = re.compile(r"^#{1,4} (?:\d+\. )?(.+)$")
FENCE = re.compile(r"^`{3,}")
CODE = re.compile(r"^```\{code-cell\}")
ROLE = re.compile(r"\{func\}`~?((?:olympus|ok|jnp)[\w.]*)`")
DOTTED = re.compile(r"\b((?:olympus|ok)\.(?:lax\.)?[a-z]\w*)")
IMPORTED = re.compile(r"^from olympus import (.+)$", re.MULTILINE)
MODULES = {"olympus.numpy", "olympus.lax", "olympus.config", "olympus.random", "olympus.tree"}


@dataclass
class Section:
    """A section with a label: its chapter's number, its title, the names in its text and code."""

    page: str
    title: str
    label: str
    taught: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)


def imported(text: str) -> set[str]:
    """Return the names that a page takes from olympus, to use them without a prefix."""
    lists = [names.split(",") for names in IMPORTED.findall(text)]
    return {name.strip() for names in lists for name in names}


def names_in_code(line: str, bare: set[str]) -> set[str]:
    """Return what a line of code names, each with its prefix."""
    names = set(DOTTED.findall(line))
    for word in re.findall(r"(?<![\w.])([a-z]\w*)\(", line):
        if word in bare:
            names.add(f"olympus.{word}")
    return names - MODULES


def sections(path: Path) -> Iterator[Section]:
    """Yield the sections of a page that have a label, with the names in them."""
    text = read(path, str)
    bare = imported(text)
    page = number_of(path.name)
    if path.name.startswith(PREFIX):
        page = f"exercises {number_of(path.name.removeprefix(PREFIX))}"
    label = ""
    section: Section | None = None
    in_code = in_fence = False
    for line in text.splitlines():
        if FENCE.match(line):
            in_code, in_fence = CODE.match(line) is not None, not in_fence
            continue
        heading = None if in_fence else HEADING.match(line)
        if heading is None and not in_fence and LABEL.match(line):
            label = LABEL.sub(r"\1", line)
        if heading:
            if label:
                if section:
                    yield section
                section = Section(page, heading.group(1), label)
            label = ""
        if section and in_code:
            section.used |= names_in_code(line, bare)
        elif section and not in_fence:
            section.taught |= {name.removesuffix("()") for name in ROLE.findall(line)}
    if section:
        yield section


def index(*folders: Path) -> dict[str, list[Section]]:
    """Return for each name the sections to read: those that teach it first, one for each page."""
    places: dict[str, list[Section]] = {}
    paths = [path for folder in folders for path in sorted(folder.glob("*[0-9]*_*.md"))]
    for section in (found for path in paths for found in sections(path)):
        for name in section.taught | section.used:
            places.setdefault(name, []).append(section)
    chosen = {}
    for name in sorted(places):
        best: dict[str, Section] = {}
        for section in places[name]:
            before = best.setdefault(section.page, section)
            if name in section.taught and name not in before.taught:
                best[section.page] = section
        chosen[name] = list(best.values())
    return chosen


def links(name: str, places: list[Section]) -> str:
    """Return links to the sections of a name; those that only use it come in italics."""
    written = []
    for section in places:
        link = f"[{section.page}: {section.title}](#{section.label})"
        written.append(link if name in section.taught else f"*{link}*")
    return " · ".join(written)


def write(folder: Path, known: Container[str], places: dict[str, list[Section]]) -> None:
    """Write the index into the folder; a name that is known leads to its API entry."""
    start = (
        "(where-is-it-taught)=\n# Where is it taught?\n\n"
        "The functions of `olympus` and of the kit, with the sections that explain them and the "
        "exercises that are about them. Sections in italics use a function in their code. One "
        "section for each chapter, with the chapter's number.\n\n"
    )
    entries = []
    for name, sections_of in places.items():
        term = f"{{func}}`{name}`" if name in known else f"`{name}`"
        entries.append(f"{term}\n: {links(name, sections_of)}\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "taught.md").write_text(start + "\n".join(entries), encoding="utf-8")
