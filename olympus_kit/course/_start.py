"""Put the course that came with the kit into a folder of one's own, and keep it up to date."""

import shutil
import tempfile
from pathlib import Path

from ..checks import ANSWERS, SPEC, read_answers, state_folder
from ..files import write_whole
from . import _notebook as nb
from ._course import CourseError, editing, keep_copy
from ._merge import merge
from ._release import Released, Report, bring

# what a course folder consists of, beside what a student adds
WELCOME = "welcome.md"
PARTS = (WELCOME, "book", "exercises", "jupytext.toml")
# what running a checkout leaves between these
LEFTOVERS = shutil.ignore_patterns(".*", "*.ipynb", "__pycache__")


def material() -> Path:
    """Where the course lies: inside an installed kit, or in the checkout that it runs from."""
    inside = Path(__file__).parent / "material"
    return inside if inside.is_dir() else Path(__file__).parents[2]


def start(folder: Path) -> None:
    """Copy the course into a new folder, whole or not at all; CourseError where one exists."""
    if folder.exists():
        raise CourseError(
            f"{folder} exists already, and nothing in it was changed. Choose another name, or "
            f"bring a new release into it: cd {folder}; olympus update"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix=".olympus-"
    ) as part:
        course = Path(part, "course")
        course.mkdir()
        for name in PARTS:
            _copy(material() / name, course / name)
        _remember_pages(course)
        course.rename(folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=LEFTOVERS)
    else:
        shutil.copyfile(source, target)


def update(course: Path) -> Report:
    """Bring the installed release into a course folder; every line of the student's stays.

    Pages are merged cell by cell, and what a page was before is kept as a dated copy.
    """
    report = Report()
    source = material()
    if source.resolve() == course.resolve():
        raise CourseError(
            f"{course} is the kit's own source: `olympus release` brings it up to date."
        )
    built = [
        _released(path) for path in sorted(source.glob(f"exercises/*{ANSWERS}"))
    ]
    bring(built, course / "exercises", report)
    (course / "book").mkdir(exist_ok=True)
    with editing(course / "book"):
        for page in [source / WELCOME, *sorted((source / "book").rglob("*"))]:
            if page.is_file() and not page.name.startswith("."):
                _update_page(page, course / page.relative_to(source), report)
    _remember_pages(course)
    return report


def _released(answers: Path) -> Released:
    """Read what is released of one lesson."""
    stem = answers.name.removesuffix(ANSWERS)
    page, spec = (answers.with_name(stem + end) for end in (".md", SPEC))
    return Released(
        stem,
        page.read_text(encoding="utf-8"),
        spec.read_text(encoding="utf-8"),
        read_answers(answers),
    )


def _update_page(new: Path, page: Path, report: Report) -> None:
    """Bring one file of the book up to date, the student's cells in it kept."""
    text, kept = new.read_text(encoding="utf-8"), list[str]()
    if page.exists():
        if page.read_text(encoding="utf-8") == text:
            return
        if new.suffix == ".md":
            base = _memory(page.parent) / page.name
            fresh, mine = nb.parse(text), nb.read(page)
            before = nb.read(base) if base.exists() else fresh
            text, kept = merge(before, mine, fresh)
            if nb.same_cells(mine, nb.parse(text)):
                return
        keep_copy(page)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(page, text)
    report.lines.append(f"{page}: written")
    report.keep(page, kept)


def _memory(folder: Path) -> Path:
    """The folder that holds the pages of a folder as they were released."""
    return state_folder(folder) / "released"


def _remember_pages(course: Path) -> None:
    """Keep the released pages: what a student changes is seen against them."""
    source = material()
    for page in [source / WELCOME, *(source / "book").glob("*.md")]:
        memory = _memory(course / page.relative_to(source).parent)
        memory.mkdir(exist_ok=True)
        shutil.copyfile(page, memory / page.name)
