"""Find who handed in what: a folder or a zip, as people and learning platforms make them.

Understood are one folder or one file per student, nbgrader's tree (`submitted/STUDENT/NN/`), and
the names that Canvas and Moodle give in their zips. Links are never followed, and a zip is
unpacked within bounds, since both come from students.
"""

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import _notebook as nb

NOTEBOOKS = (".md", ".ipynb")
MOST_FILES = 100_000
MOST_BYTES = 8 * 2**20  # of one notebook
MOST_ZIPPED = 4 * 2**30  # of all files in a zip
CANVAS = re.compile(
    r"(?P<student>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)"
)
MOODLE = re.compile(
    r"(?P<student>.+)_(?P<id>\d+)_assignsubmission_file_?(?P<file>.*)"
)


class UnreadableClass(ValueError):
    """The folder, the zip or a table cannot be read; says why."""


@dataclass(frozen=True)
class Person:
    """A student: the key of the row, and what platforms know the student by."""

    student: str
    name: str = ""
    email: str = ""
    id: str = ""

    def names(self) -> set[str]:
        """Everything that may stand for the student in a file's name."""
        words = {self.student, self.name, self.email, self.id, _flat(self.name)}
        return {word.casefold() for word in words if word}


@dataclass(frozen=True)
class Submission:
    """One file of one student. `problem` says why it cannot be graded, where it cannot."""

    person: Person
    stem: str
    path: str
    notebook: Any = None
    submitted: datetime | None = None
    problem: str = ""


def read_roster(path: Path) -> list[Person]:
    """The class: a CSV with a column `student`, and if wanted `name`, `email`, `id`."""
    people = []
    for row in read_table(path, ("student",)):
        fields = {
            key: row.get(key, "").strip()
            for key in ("student", "name", "email", "id")
        }
        people.append(Person(**fields))
    return people


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV that has these columns. UnreadableClass where it has not."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            first = rows[0] if rows else {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableClass(f"{path} can't be read: {error}.") from None
    missing = [column for column in columns if rows and column not in first]
    if missing:
        raise UnreadableClass(
            f"{path} needs the columns {', '.join(columns)}; {', '.join(missing)} is missing."
        )
    return [
        {key: value or "" for key, value in row.items() if key} for row in rows
    ]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the regular files of a zip below `folder`, and nothing that leads out of it."""
    left = MOST_ZIPPED
    try:
        with zipfile.ZipFile(archive) as file:
            for number, member in enumerate(file.infolist()):
                parts = [
                    part for part in re.split(r"[/\\]", member.filename) if part
                ]
                is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
                if member.is_dir() or is_link or ".." in parts or not parts:
                    continue
                left -= member.file_size
                if number >= MOST_FILES or left < 0:
                    raise UnreadableClass(f"{archive} is too large to unpack.")
                if member.file_size > MOST_BYTES:
                    continue
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                # no more than the zip's own list says: a bomb lies about its size
                with file.open(member) as source:
                    target.write_bytes(source.read(member.file_size))
    except (
        OSError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise UnreadableClass(
            f"{archive} can't be unpacked: {error}."
        ) from None


def find_submissions(
    folder: Path,
    lessons: Mapping[str, Sequence[str]],
    roster: Sequence[Person] = (),
) -> list[Submission]:
    """Every student's files, one for each lesson; `lessons` are stems with their questions."""
    known: dict[str, Person] = {}
    for person in roster:
        for word in person.names():
            known[word] = person
    latest: dict[tuple[str, str], Submission] = {}
    strays: dict[str, Submission] = {}
    for path in _files(folder):
        submission = _submission(path, folder, lessons, known)
        if submission is None:
            continue
        key = (submission.person.student, submission.stem)
        if submission.stem == "":
            strays.setdefault(submission.person.student, submission)
        elif key not in latest or _moment(submission) >= _moment(latest[key]):
            latest[key] = submission
    handed_in = {student for student, _ in latest}
    rest = [one for student, one in strays.items() if student not in handed_in]
    every = [*latest.values(), *rest]
    return sorted(every, key=lambda one: (one.person.student, one.stem))


def _moment(submission: Submission) -> float:
    return submission.submitted.timestamp() if submission.submitted else 0.0


def _files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, in order; hidden ones and links are left out."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries[:MOST_FILES]:
        if path.is_symlink() or path.name.startswith((".", "__MACOSX")):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _submission(
    path: Path,
    folder: Path,
    lessons: Mapping[str, Sequence[str]],
    known: Mapping[str, Person],
) -> Submission | None:
    parts = list(path.relative_to(folder).parts)
    if parts[0] == "submitted" and len(parts) > 1:
        parts = parts[1:]
    if path.name == "timestamp.txt":  # nbgrader's own, read beside the notebook
        return None
    person, file = _owner(parts, lessons)
    person = _lookup(person, known)
    submitted = _time(path)
    shown = "/".join(parts)
    if path.suffix not in NOTEBOOKS:
        return Submission(person, "", shown, None, submitted, "not a notebook")
    try:
        notebook = _read(path)
    except ValueError as error:
        stem = _stem_of_name(file, lessons)
        return Submission(
            person, stem, shown, None, submitted, f"unreadable: {error}"[:300]
        )
    stem = _stem_of_content(notebook, lessons) or _stem_of_name(file, lessons)
    problem = "" if stem else "not a notebook of this course"
    return Submission(person, stem, shown, notebook, submitted, problem)


def _read(path: Path) -> Any:
    """A notebook of either kind. ValueError where it is none."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes")
    try:
        if path.suffix == ".md":
            return nb.read(path)
        import nbformat

        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise ValueError("an empty file")
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        _check_cells(notebook)
        return notebook
    except ValueError:
        raise
    except (
        Exception
    ) as error:  # whatever a library raises at what a student's file holds
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _check_cells(notebook: Any) -> None:
    for cell in notebook.cells:
        if isinstance(cell.get("source"), list):
            cell.source = "".join(cell.source)
        if not isinstance(cell.get("source"), str):
            raise ValueError("a cell without text")
        cell.setdefault("metadata", {})


def _owner(
    parts: list[str], lessons: Mapping[str, Sequence[str]]
) -> tuple[Person, str]:
    """Whose file it is, from its place; and the name that the student gave it."""
    first, last = parts[0], parts[-1]
    moodle = MOODLE.fullmatch(first)
    if moodle:
        file = last if len(parts) > 1 else moodle["file"]
        return Person(
            moodle["student"], name=moodle["student"], id=moodle["id"]
        ), file
    if len(parts) > 1:
        return Person(first), last
    canvas = CANVAS.fullmatch(last)
    if canvas:
        return Person(canvas["student"], id=canvas["id"]), canvas["file"]
    name = Path(last).stem
    for stem in lessons:
        if stem in name:
            name = name.replace(stem, "")
            break
    return Person(name.strip("_- ") or Path(last).stem), last


def _lookup(person: Person, known: Mapping[str, Person]) -> Person:
    for word in person.names():
        if word in known:
            return known[word]
    return person


def _flat(name: str) -> str:
    """A name as Canvas writes it: family name first, letters and digits alone."""
    words = re.findall(r"\w+", name)
    return "".join([*words[-1:], *words[:-1]]).casefold()


def _time(path: Path) -> datetime | None:
    """When it was handed in: nbgrader's `timestamp.txt`, or when the file was last changed."""
    stamp = path.with_name("timestamp.txt")
    if stamp.is_file() and not stamp.is_symlink():
        text = (
            stamp.read_text(errors="replace").strip()[:64].removesuffix(" UTC")
        )
        try:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError:
            pass
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _stem_of_name(file: str, lessons: Mapping[str, Sequence[str]]) -> str:
    for stem in lessons:
        if stem in file:
            return stem
    return ""


def _stem_of_content(
    notebook: Any, lessons: Mapping[str, Sequence[str]]
) -> str:
    """The lesson most of whose questions the notebook names."""
    text = json.dumps([
        [nb.name(cell), str(cell.source)] for cell in notebook.cells
    ])
    best, most = "", 0
    for stem, names in lessons.items():
        share = sum(
            bool(re.search(rf"\b{re.escape(name)}\b", text)) for name in names
        )
        if share > most:
            best, most = stem, share
    return best
