"""Turn a lesson's source into what a student gets: notebook, specifications, answers file."""

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from .._files import write_whole
from ..checks._catalogue import catalogue
from ..checks._store import ANSWERS, SPEC, decode, encode, questions, read_answers
from . import _notebook as nb
from ._lesson import BLOCK, AuthoringError, Cell, Exercise, Lesson, read_all
from ._merge import merge

HEADER = (
    '"""The specifications of {stem}.md, released from solutions/{stem}.md: edit them there."""\n'
)
LEAK = 25  # a line of a solution at least this long must not be read in an exercise
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
JUPYTEXT = {
    "default_lexer": "ipython3",
    "text_representation": {"extension": ".md", "format_name": "myst"},
}


@dataclass(frozen=True)
class Released:
    """The three texts of one released exercise."""

    stem: str
    notebook: str
    spec: str
    answers: str


@dataclass
class Report:
    """What a release did, line by line, and whether exercises/ was as it should be."""

    lines: list[str] = field(default_factory=list)
    differs: bool = False


def build(lesson: Lesson) -> Released:
    """The release of one lesson; the same bytes every time."""
    text = nb.write(nb.new(list(_cells(lesson)), _metadata(lesson)))
    spec = HEADER.format(stem=lesson.stem) + "\n" + lesson.spec + "\n"
    _no_leak(lesson, text, spec)
    told = {e.name: _told(e) for e in lesson.exercises}
    answers = {**lesson.front(), "questions": told, "released": text}
    return Released(lesson.stem, text, spec, encode(answers))


def _metadata(lesson: Lesson) -> dict[str, Any]:
    kept = {key: lesson.notebook.metadata[key] for key in ("title", "olympus")}
    return {"jupytext": JUPYTEXT, "kernelspec": KERNEL, **kept}


def _told(exercise: Exercise) -> dict[str, Any]:
    return {
        "hints": exercise.hints,
        "explanation": "\n\n".join(exercise.explanation),
        "solution": exercise.solution(),
        "stub": exercise.stub(),
    }


def _cells(lesson: Lesson) -> Iterator[Any]:
    """The student's cells: stubs for answers, folded hints, nothing that only authors need."""
    hints_so_far = 0
    by_cell = {id(e.answer.raw): e for e in lesson.exercises}
    for cell in lesson.cells:
        roles = nb.tags(cell.raw)
        if "answer" in roles:
            hints_so_far = 0
            yield _with_source(cell.raw, by_cell[id(cell.raw)].stub())
        elif "hint" in roles:
            hints_so_far += 1
            text = _folded(hints_so_far, cell.raw.source.strip())
            yield nbformat.v4.new_markdown_cell(text)  # type: ignore[no-untyped-call]
        elif "setup" in roles or "check" in roles:
            yield _frozen(cell.raw)
        elif not {"explanation", "mutant", "alternative", "spec"} & set(roles):
            yield copy.deepcopy(cell.raw)


def _folded(number: int, text: str) -> str:
    return f"<details>\n<summary>Hint {number} (click to open)</summary>\n\n{text}\n\n</details>"


def _with_source(raw: Any, source: str) -> Any:
    cell = copy.deepcopy(raw)
    cell.source = source
    return cell


def _frozen(raw: Any) -> Any:
    cell = copy.deepcopy(raw)
    cell.metadata["editable"] = cell.metadata["deletable"] = False
    return cell


def _no_leak(lesson: Lesson, *texts: str) -> None:
    for exercise in lesson.exercises:
        for block in BLOCK.finditer(exercise.answer.raw.source):
            lines = [line.strip() for line in block[2].splitlines()]
            told = [line for line in lines if len(line) >= LEAK and any(line in t for t in texts)]
            if told:
                raise exercise.answer.wrong(f"a line of the solution leaks: `{told[0]}`.")


def verify(lesson: Lesson, spec: Path) -> None:
    """Every answer has a specification, and every mutant a message. AuthoringError otherwise."""
    try:
        known = questions(spec)
    except Exception as error:
        place = next((c for c in lesson.cells if "spec" in nb.tags(c.raw)), lesson.cells[0])
        message = f"the specification fails: {type(error).__name__}: {error}"
        raise place.wrong(message) from error
    for exercise in lesson.exercises:
        if exercise.name not in known:
            raise exercise.answer.wrong("no Question of this name stands in a spec cell.")
        own = {m.id for m in known[exercise.name].misconceptions}
        for id_, _, cell in exercise.mutants:
            _has_message(cell, id_, own | catalogue().keys())


def _has_message(cell: Cell, id_: str, known: set[str]) -> None:
    if id_ not in known:
        raise cell.wrong(f"a mutant without a message: no misconception has the id `{id_}`.")


def release(sources: Path, target: Path, *, check: bool = False) -> Report:
    """Release every lesson of `sources` into `target`; with `check`, only say what differs.

    A student's edits in `target` survive: they are merged by cell name, and the report says so.
    AuthoringError for a mistake in a source; nothing is written then.
    """
    lessons = read_all(sources)
    if not lessons:
        raise AuthoringError(f"{sources} holds no lessons: there is nothing to release.")
    built = [build(lesson) for lesson in lessons]
    report = Report()
    if not check:
        target.mkdir(exist_ok=True)
    for lesson, released in zip(lessons, built, strict=True):
        _specs_hold(lesson, released)
        _one(released, target, report, check)
    _orphans(built, target, report)
    return report


def _specs_hold(lesson: Lesson, released: Released) -> None:
    """Try the new specification before anything of the exercise is touched."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, released.stem + SPEC)
        trial.write_text(released.spec, encoding="utf-8")
        verify(lesson, trial)


def _one(new: Released, target: Path, report: Report, check: bool) -> None:
    page = target / f"{new.stem}.md"
    text, kept = _merged(new, page)
    if kept:
        report.differs = True
        report.lines.append(f"{page}: edited, kept as it is: {', '.join(kept)}")
    if _is_current(new, target) and not (kept and not check):
        return
    if check:
        report.differs = True
        report.lines.append(f"{page}: differs from its source; run `olympus release`.")
        return
    write_whole(page, text)
    write_whole(target / f"{new.stem}{SPEC}", new.spec)
    write_whole(target / f"{new.stem}{ANSWERS}", new.answers)
    report.lines.append(f"{page}: written")


def _merged(new: Released, page: Path) -> tuple[str, list[str]]:
    if not page.exists():
        return new.notebook, []
    fresh, mine = nb.parse(new.notebook), nb.read(page)
    answers = page.with_name(new.stem + ANSWERS)
    base = nb.parse(read_answers(answers)["released"]) if answers.exists() else fresh
    return merge(base, mine, fresh)


def _is_current(new: Released, target: Path) -> bool:
    page, spec, answers = (target / (new.stem + end) for end in (".md", SPEC, ANSWERS))
    if not (page.exists() and spec.exists() and answers.exists()):
        return False
    if spec.read_text(encoding="utf-8") != new.spec:
        return False
    old, now = read_answers(answers), decode(new.answers)
    base = nb.parse(old.pop("released"))
    now.pop("released")
    return (
        encode(old) == encode(now)
        and nb.same_cells(base, nb.parse(new.notebook))
        and _intact(page, new)
    )


def _intact(page: Path, new: Released) -> bool:
    """The page holds the released cells, beside what a student may have added."""
    _, kept = _merged(new, page)
    return bool(kept) or nb.same_cells(nb.read(page), nb.parse(new.notebook))


def _orphans(built: list[Released], target: Path, report: Report) -> None:
    """Name files of exercises that no source stands behind; they may be a student's, so stay."""
    known = {r.stem + end for r in built for end in (".md", SPEC, ANSWERS)}
    for path in sorted(target.glob("*")):
        if path.name.endswith((".md", SPEC, ANSWERS)) and path.name not in known:
            report.differs = True
            report.lines.append(f"{path}: has no source in solutions/; remove it.")
