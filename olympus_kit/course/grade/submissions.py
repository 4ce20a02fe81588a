"""Find who handed in what: a folder or a zip, as people and learning platforms make them.

Understood are one folder or one file per student, nbgrader's tree (`submitted/STUDENT/NN/`), and
the names that Canvas and Moodle give in their zips. Links are never followed, and a zip is
unpacked within bounds, since both come from students.
"""

import csv
import lzma
import os
import re
import time
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import _notebook as nb
from .answers import defined
from .reader import MOST_BYTES, Reader
from .text import legible

MOST_FILES = 100_000
MOST_ZIPPED = 4 * 2**30  # of all files in a zip
MOST_DEPTH = 8  # folders of a zip in each other
MOST_NAME = 200  # bytes of a file's name in a zip, and of its ending
MOST_ENDING = 10
MOST_TEXT = 300  # of a problem
# what one file of a zip may have; a name that is that of a folder, too
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    UnicodeError,
)
CLASHES = (FileExistsError, NotADirectoryError, IsADirectoryError)
STAMP = "timestamp.txt"  # nbgrader's, beside a notebook
LATEST = 4e9  # seconds since 1970: no file is taken to be later
CANVAS = re.compile(r"([^_]+)(?:_LATE)?_(\d+)_\d+_(.+)")
# the first number: what comes after the mark is a student's own
MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_(?:file|onlinetext)_?(.*)")

Lessons = Mapping[str, Sequence[str]]  # stem -> its questions


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
        words = re.findall(r"\w+", self.name)
        canvas = "".join([*words[-1:], *words[:-1]])  # the family name first
        names = (self.student, self.name, self.email, self.id, canvas)
        return {_folded(name) for name in names if name}


def _folded(name: str) -> str:
    """A name as it is compared: some systems write an accent as a character of its own."""
    return unicodedata.normalize("NFC", name).casefold()


@dataclass(frozen=True)
class Submission:
    """One file of one student. `problem` says why it cannot be graded, where it cannot.

    `number` is what the platform put into the file's name: the owner's, and nobody else's.
    """

    person: Person
    stem: str
    path: str
    submitted: datetime
    notebook: Any = None
    problem: str = ""
    number: str = ""


def read_roster(path: Path) -> list[Person]:
    """The class: a CSV with a column `student`, and if wanted `name`, `email`, `id`."""
    people: dict[str, Person] = {}
    for row in read_table(path, ("student",)):
        columns = ("student", "name", "email", "id")
        person = Person(*[row.get(key, "") for key in columns])
        if not person.student or person.student in people:
            raise UnreadableClass(
                f"{path}: each row needs a `student` of its own; `{person.student}` is none."
            )
        people[person.student] = person
    return list(people.values())


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV that has these columns, without spaces around what stands in them.

    UnreadableClass where it has not, or where a row has more than the first line names.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", skipinitialspace=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableClass(f"{path} can't be read: {error}.") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise UnreadableClass(
            f"{path} needs the columns {', '.join(columns)}; {', '.join(missing)} is missing."
        )
    for number, row in enumerate(rows, 2):
        if None in row:
            raise UnreadableClass(
                f"{path}, row {number} has more fields than the first: put quotes around a comma."
            )
    return [{name: row[name].strip() for name in names} for row in rows]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the regular files of a zip below `folder`, and nothing that leads out of it."""
    try:
        with zipfile.ZipFile(archive) as file:
            members = file.infolist()
            whole = sum(map(_size, members))
            if len(members) > MOST_FILES or whole > MOST_ZIPPED:
                raise UnreadableClass(f"{archive} is too large to unpack.")
            for member in members:
                parts = re.split(r"[/\\]+", member.filename.lstrip("/\\"))
                if ".." in parts:
                    continue
                parts = [*parts[:-1][:MOST_DEPTH], parts[-1]]
                target = folder.joinpath(*map(_short, parts))
                with suppress(*CLASHES):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if member.is_dir():
                        continue
                    target.write_bytes(_content(file, member))
                    with suppress(OverflowError, ValueError):
                        when = time.mktime((*member.date_time, 0, 0, -1))
                        os.utime(target, (when, when))
    except DAMAGES as error:
        raise UnreadableClass(
            f"{archive} can't be unpacked: {error}."
        ) from None


def _content(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """What a member holds (of a link, where it leads); of a damaged one, bytes of no text."""
    try:
        with file.open(member) as source:
            return source.read(_size(member))
    except DAMAGES:
        return b"\xff"


def _size(member: zipfile.ZipInfo) -> int:
    """How much of a member is read: no more than the zip's list says, since a bomb lies there."""
    return min(member.file_size, MOST_BYTES + 1)


def _short(name: str) -> str:
    """A name that a file system takes: it begins with whose it is, and has its ending."""
    if len(name.encode()) <= MOST_NAME:
        return name
    begin = name.encode()[:MOST_NAME].decode(errors="ignore")
    return begin + Path(name).suffix[:MOST_ENDING]


def find_submissions(
    folder: Path,
    lessons: Lessons,
    roster: Sequence[Person] = (),
) -> list[Submission]:
    """Every student's files, one for each lesson; of two, the later.

    What belongs to no lesson is told where a student has nothing else.
    """
    classes = _classes(roster)
    folder = _class_folder(folder, lessons, roster)
    latest: dict[tuple[str, str, str], Submission] = {}
    with Reader() as reader:
        for path in _files(folder):
            one = _submission(path, folder, lessons, classes, reader)
            _keep(latest, (one.person.student, one.stem, one.number), one)
    handed_in = {student for student, stem, _ in latest if stem}
    numbers = Counter((student, stem) for student, stem, n in latest if n)
    kept: dict[tuple[str, str], Submission] = {}
    for (student, stem, number), one in latest.items():
        if stem and numbers[student, stem] > 1:  # two people of one name
            label = f"{student} {number}".strip()
            one = replace(one, person=Person(label, label, id=number))
        if stem or student not in handed_in:
            _keep(kept, (one.person.student, stem), one)
    return [one for _, one in sorted(kept.items())]


def _class_folder(
    folder: Path,
    lessons: Lessons,
    roster: Sequence[Person],
) -> Path:
    """Where the students' folders lie: below a folder that holds them all, if there is one.

    Whoever packs a folder packs its name, too. One student's folder holds files, or lessons.
    """
    known = set().union(*(person.names() for person in roster))
    numbers = {stem.partition("_")[0] for stem in lessons}
    while True:
        inside = [path for path in _shown(folder) if not path.is_symlink()]
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        parts = list(_shown(inside[0]))
        is_students = any(
            not part.is_dir()
            or part.name in numbers
            or any(stem in part.name for stem in lessons)
            for part in parts
        )
        name = inside[0].name
        # nbgrader's `submitted` says more where it is
        is_known = name == "submitted" or _folded(name) in known
        if is_students or is_known or len(parts) < 2:
            return folder
        folder = inside[0]


def _shown(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not _is_hidden(path.name):
            yield path


def _keep(
    latest: dict[Any, Submission],
    key: Any,
    one: Submission,
) -> None:
    """Of two that stand for the same, the later."""
    if key not in latest or one.submitted >= latest[key].submitted:
        latest[key] = one


def of_lessons(
    found: Sequence[Submission],
    lessons: Lessons,
) -> list[Submission]:
    """What belongs to some lessons alone; who has handed in others has a row that says so."""
    here = {one.person for one in found if one.stem in lessons}
    kept = []
    for one in found:
        if one.stem and one.stem not in lessons:
            one = replace(one, stem="", problem="handed in other lessons")
        if one.stem or one.person not in here:
            kept.append(one)
    return kept


def _classes(roster: Sequence[Person]) -> list[dict[str, set[Person]]]:
    """The people by what is theirs alone, and by their names, which others may have as well."""
    by_key: dict[str, set[Person]] = {}
    by_name: dict[str, set[Person]] = {}
    for person in roster:
        for name in person.names():
            by_name.setdefault(name, set()).add(person)
        for key in {person.student, person.id, person.email} - {""}:
            by_key.setdefault(_folded(key), set()).add(person)
    return [by_key, by_name]


def _known(person: Person, classes: list[dict[str, set[Person]]]) -> Person:
    """Who of the class it is; where several could be meant, nobody's row is touched."""
    for people in classes:
        fits = [people.get(name, set()) for name in person.names()]
        found = set().union(*fits)
        if len(found) == 1:
            return found.pop()
    return person


def _files(folder: Path) -> Iterator[Path]:
    """The files and links below a folder, in order, and students' folders without any.

    Hidden ones are left out.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        found = False
        for name in [*folders, *sorted(files)[:MOST_FILES]]:
            path = Path(place, name)
            is_shown = path.is_symlink() or path.is_file()
            if is_shown and name != STAMP and not _is_hidden(name):
                found = True
                yield path
        is_empty = not found and not folders
        if is_empty and Path(place) != folder:
            yield Path(place)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _submission(
    path: Path,
    folder: Path,
    lessons: Lessons,
    classes: list[dict[str, set[Person]]],
    reader: Reader,
) -> Submission:
    parts = [
        legible(part).replace("\n", r"\n")
        for part in path.relative_to(folder).parts
    ]
    is_nbgrader = "submitted" in (folder.name, parts[0])
    if parts[0] == "submitted":
        parts = parts[1:]
    owner, file = _owner(parts, lessons)
    person = _known(owner, classes)
    notebook, problem = None, ""
    stem = next((stem for stem in lessons if stem in file), "")
    if path.is_dir():
        stem = ""
    try:
        if path.is_symlink():
            raise ValueError("a link, which is not followed")
        if path.is_dir():
            raise ValueError("an empty folder")
        notebook = reader.read(path)
    except ValueError as error:
        problem = str(error)[:MOST_TEXT]
    else:
        stem = _stem_of(notebook, lessons, stem)
        problem = "" if stem else "not a notebook of this course"
    shown = "/".join(parts)
    when = _time(path, is_nbgrader)
    return Submission(person, stem, shown, when, notebook, problem, owner.id)


def _owner(parts: list[str], lessons: Lessons) -> tuple[Person, str]:
    """Whose file it is, from its place; and the name that the student gave it."""
    first, last = parts[0], parts[-1]
    if moodle := MOODLE.fullmatch(first):
        name, number, file = moodle.groups()
        return Person(name, name, id=number), file or last
    if len(parts) > 1:
        return Person(first), last
    if canvas := CANVAS.fullmatch(last):
        student, number, file = canvas.groups()
        return Person(student, id=number), file
    name = Path(last).stem
    for stem in lessons:
        name = name.replace(stem, "")
    return Person(name.strip("_- ") or Path(last).stem), last


def _time(path: Path, is_nbgrader: bool) -> datetime:
    """When it was handed in: nbgrader's stamp, or when the file was last changed.

    Elsewhere a stamp is one of the files that the student has handed in, and says nothing.
    """
    stamp = path.with_name(STAMP)
    with suppress(OSError, ValueError):
        if is_nbgrader and stamp.is_file() and not stamp.is_symlink():
            text = stamp.read_text()[:64].strip()
            before, _, zone = text.rpartition(" ")
            if not zone.isalpha():
                before, zone = text, "UTC"
            moment = datetime.fromisoformat(before)
            if zone in time.tzname:  # this machine's
                return moment.astimezone()
            if zone == "UTC":  # of others nobody knows the hours
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    changed = min(path.lstat().st_mtime, LATEST)
    return datetime.fromtimestamp(changed, UTC)


def _stem_of(
    notebook: Any,
    lessons: Lessons,
    named: str,
) -> str:
    """The lesson whose questions the notebook answers: that of its file's name, or the most.

    Where no cell has the name of a question or defines it, the words in the text tell.
    """
    own: set[str] = set()
    words: set[str] = set()
    for cell in notebook.cells:
        own |= {nb.name(cell)}
        if cell.cell_type != "markdown":
            own |= defined(cell.source)
        words |= set(re.findall(r"\w+", cell.source))
    for found in (own, words):
        shares = {
            stem: len(found.intersection(names))
            for stem, names in lessons.items()
        }
        if shares.get(named):
            return named
        best = max(lessons, key=lambda stem: shares[stem])
        if shares[best]:
            return best
    return named
