"""Turn a lesson's source into what a student gets: notebook, specifications, answers file."""

import ast
import copy
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..checks import (
    ANSWERS,
    SPEC,
    Question,
    catalogue,
    decode,
    edits_of,
    encode,
    pack_edits,
    questions,
    read_answers,
    references,
)
from ..files import write_whole
from . import _notebook as nb
from . import _tryout
from ._course import editing, keep_copy
from ._leak import leaks
from ._lesson import (
    BEGIN,
    END,
    AuthoringError,
    Cell,
    Exercise,
    Lesson,
    read_some,
    say_all,
)
from ._merge import merge

HEADER = (
    '"""The specifications of {stem}.md, released from solutions/{stem}.md: '
    'edit them there."""\n'
)
DIFFERS = "differs from its source; run `olympus release`."
AUTHORS_ONLY = {"explanation", "mutant", "alternative", "spec", "note"}
FOLDED = "<details>\n<summary>Hint {number} (click to open)</summary>\n\n{text}\n\n</details>"
KERNEL = {
    "display_name": "Python 3 (ipykernel)",  # as JupyterLab writes it
    "language": "python",
    "name": "python3",
}
JUPYTEXT = {
    "default_lexer": "ipython3",
    "text_representation": {"extension": ".md", "format_name": "myst"},
}


MOST_ROWS = 40  # results of edits that are kept of one question
MOST_BYTES = (
    16_000  # of a question's packed results; rows are left out until it holds
)
TABLE_VERSION = 2  # of what `EditRow` means; a new one makes every table anew
OF_EDITS = (
    "edits",
    "surviving",
)  # what an answers file holds of them, for each question
JOBS = 2  # lessons whose edits run at a time


@dataclass(frozen=True)
class Released:
    """What becomes of one lesson: two texts, and the answers file's data without the edits."""

    stem: str
    notebook: str
    spec: str
    answers: dict[str, Any]


@dataclass
class Report:
    """What a release did, line by line, and whether exercises/ was as it should be."""

    lines: list[str] = field(default_factory=list)
    edited: list[Path] = field(default_factory=list)
    differs: bool = False

    def keep(self, page: Path, names: list[str]) -> None:
        """Say what of a student's work in a page is kept, where there is some."""
        if names:
            self.edited.append(page)
            self.lines.append(
                f"{page}: edited, kept as it is: {', '.join(names)}"
            )


def build(lesson: Lesson) -> Released:
    """The release of one lesson; the same bytes every time. AuthoringError for all that leaks."""
    cells = [
        (cell, shown)
        for cell in lesson.cells
        if (shown := _shown(cell, lesson)) is not None
    ]
    text = nb.write(nb.new([shown for _, shown in cells], _metadata(lesson)))
    spec = spec_text(lesson)
    hints = "\n".join(
        c.source for cell, c in cells if "hint" in nb.tags(cell.raw)
    )
    public = "\n".join(
        c.source for cell, c in cells if "hint" not in nb.tags(cell.raw)
    )
    mistakes = []
    for exercise in lesson.exercises:
        for piece in leaks(exercise, public + spec, hints):
            mistakes.append(
                exercise.answer.wrong(
                    f"a piece of the solution leaks: `{piece}`. Remove it from text, hints and "
                    "specification, or ask for more than this piece."
                )
            )
    say_all(mistakes)
    answers = {
        **lesson.front(),
        "questions": _questions(lesson),
        "released": text,
        "edits_of": _fingerprint(lesson, spec),
    }
    return Released(lesson.stem, text, spec, answers)


def spec_text(lesson: Lesson) -> str:
    """The file of specifications that stands beside the exercise."""
    return HEADER.format(stem=lesson.stem) + "\n" + lesson.spec + "\n"


def _fingerprint(lesson: Lesson, spec: str) -> str:
    """Of what the results of the edits depend on: setup, solutions, specifications."""
    solutions = [exercise.answer.raw.source for exercise in lesson.exercises]
    text = "\0".join([
        str(TABLE_VERSION),
        lesson.setup(),
        spec,
        *solutions,
    ])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _metadata(lesson: Lesson) -> dict[str, Any]:
    kept = {key: lesson.notebook.metadata[key] for key in ("title", "olympus")}
    return {"jupytext": JUPYTEXT, "kernelspec": KERNEL, **kept}


def _questions(lesson: Lesson) -> dict[str, dict[str, Any]]:
    return {
        exercise.name: {
            "hints": exercise.hints,
            "explanation": exercise.explanation,
            "solution": exercise.solution(),
            "alternatives": exercise.other_ways,
            "stub": exercise.stub(),
        }
        for exercise in lesson.exercises
    }


def with_edits(
    lesson: Lesson,
    released: Released,
    target: Path,
) -> Released:
    """The release with the results of the solutions' single edits.

    They are taken from the exercise's own answers file where nothing has changed since.
    """
    path = target / f"{lesson.stem}{ANSWERS}"
    tables: dict[str, dict[str, Any]] = {}
    if path.exists():
        before = read_answers(path)
        if before.get("edits_of") == released.answers["edits_of"]:
            for name, data in before["questions"].items():
                tables[name] = {key: data[key] for key in OF_EDITS}
    if not tables:
        verify_references(lesson, released.spec)
        tables = edit_tables(lesson, released.spec)
    questions = {}
    for name, data in released.answers["questions"].items():
        questions[name] = {**data, **tables[name]}
    return replace(
        released, answers={**released.answers, "questions": questions}
    )


def edit_tables(lesson: Lesson, spec: str) -> dict[str, dict[str, Any]]:
    """Question -> the packed results of its solution's edits, and the edits that survive."""
    tables = {}
    for name, results in try_edits(lesson, spec).items():
        rows = _tryout.table(results, MOST_ROWS)
        while len(pack_edits(rows)) > MOST_BYTES:
            rows.pop()
        surviving = []
        for edit, result in results:
            if result["status"] == "survives":
                surviving.append(f"{edit.before} -> {edit.after}")
        tables[name] = {
            "edits": pack_edits(rows),
            "surviving": surviving,
        }
    return tables


def try_edits(
    lesson: Lesson,
    spec: str,
    diagnose: bool = False,
) -> dict[str, list[tuple[Any, dict[str, Any]]]]:
    """Question -> each single edit of its solution with its result."""
    edits = [
        (e.name, edit)
        for e in lesson.exercises
        for edit in edits_of(*solution_lines(e))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, lesson.stem + SPEC)
        path.write_text(spec, encoding="utf-8")
        task = {
            "setup": lesson.setup(),
            "spec": str(path),
            "solutions": {e.name: e.solution() for e in lesson.exercises},
            "diagnose": diagnose,
        }
        results = _tryout.run_edits(
            task, [(name, edit.code) for name, edit in edits]
        )
    table: dict[str, list[tuple[Any, dict[str, Any]]]] = {
        e.name: [] for e in lesson.exercises
    }
    for (name, edit), result in zip(edits, results, strict=True):
        table[name].append((edit, result))
    return table


def solution_lines(exercise: Exercise) -> tuple[str, set[int]]:
    """The solution's text, and the numbers of the lines that a student writes."""
    lines = []
    editable = set()
    inside = False
    for line in exercise.answer.raw.source.splitlines():
        if BEGIN in line:
            inside = True
        elif END in line:
            inside = False
        else:
            lines.append(line)
            if inside:
                editable.add(len(lines))
    return "\n".join(lines) + "\n", editable


def _shown(cell: Cell, lesson: Lesson) -> Any:
    """A student's cell: a stub for an answer, a folded hint; None for what only authors need."""
    roles, raw = set(nb.tags(cell.raw)), copy.deepcopy(cell.raw)
    exercise = next(
        (e for e in lesson.exercises if cell in (e.answer, *e.parts["hint"])),
        None,
    )
    if exercise and "answer" in roles:
        raw.source = exercise.stub()
    elif exercise:
        number = 1 + exercise.parts["hint"].index(cell)
        return nb.markdown(
            FOLDED.format(number=number, text=cell.raw.source.strip())
        )
    elif roles & {"setup", "check"}:
        raw.metadata["editable"] = raw.metadata["deletable"] = False
    return None if roles & AUTHORS_ONLY else raw


def verify(lesson: Lesson, spec: str) -> dict[str, Question]:
    """The questions: every answer has one, and every mutant a message. AuthoringError otherwise."""
    place = next(
        (c for c in lesson.cells if "spec" in nb.tags(c.raw)),
        lesson.cells[0],
    )
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, lesson.stem + SPEC)
        trial.write_text(spec, encoding="utf-8")
        try:
            known = questions(trial)
        except Exception as error:
            message = (
                f"the specification fails: {type(error).__name__}: {error}"
            )
            raise place.wrong(message) from error
    mistakes = []
    for exercise in lesson.exercises:
        if exercise.name not in known:
            mistakes.append(
                exercise.answer.wrong(
                    "no Question of this name stands in a spec cell: write "
                    f'{exercise.name} = Question(name="{exercise.name}", ...) into one.'
                )
            )
            continue
        question = known[exercise.name]
        if problem := _other_names(exercise, question):
            mistakes.append(exercise.answer.wrong(problem))
        ids = catalogue().keys() | {m.id for m in question.mistakes}
        for id_, mistake in question.predictions.items():
            if id_ not in ids and not mistake.message:
                mistakes.append(
                    place.wrong(
                        f"{exercise.name}: the prediction `{id_}` has no message: give its "
                        "Mistake one, or name a mistake of catalogue.toml."
                    )
                )
        for id_, _, cell in exercise.mutants:
            if id_ not in ids:
                mistakes.append(
                    cell.wrong(
                        f"a mutant without a message: no mistake `{id_}` in catalogue.toml. Add "
                        f"Mistake({id_!r}, ...) to the question's `mistakes`, or name another."
                    )
                )
    say_all(mistakes)
    return known


def _other_names(exercise: Exercise, question: Question) -> str:
    """What is wrong where the points name other arguments than the solution takes, or nothing.

    Messages name the arguments as the points do. An answer that is adapted before it is called
    may take others.
    """
    if question.answer == "value" or question.adapt:
        return ""
    try:
        statements = ast.parse(exercise.solution()).body
    except SyntaxError:
        return ""  # the search for leaks says so
    wanted = list(question.cases()[0].arguments)
    for node in statements:
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name:
            taken = [argument.arg for argument in node.args.args]
            if taken[: len(wanted)] != wanted:
                return (
                    f"the solution takes {', '.join(taken)}, and the points and tangents of its "
                    f"Question name {', '.join(wanted)}: use the same names, in one order."
                )
    return ""


def verify_references(lesson: Lesson, spec: str) -> None:
    """Evaluate the right result at every point. AuthoringError where a reference raises."""
    known = verify(lesson, spec)
    mistakes = []
    for exercise in lesson.exercises:
        question = known[exercise.name]
        pairs = zip(question.cases(), references(question), strict=True)
        for case, right in pairs:
            if isinstance(right, Exception):
                mistakes.append(
                    exercise.answer.wrong(
                        f"the reference raises: {case.label}: "
                        f"{type(right).__name__}: {right}"
                    )
                )
    say_all(mistakes)


def release(
    sources: Path, target: Path, *, only: str = "", check: bool = False
) -> Report:
    """Release the lessons of `sources` into `target`; with `check`, only say what differs.

    `only` names one lesson (04 or 04_reverse). A student's edits in `target` survive: they are
    merged by cell name, and the report says so. AuthoringError for a mistake in a source and
    NotANotebook for an exercise that can't be read; nothing is written then.
    """
    lessons, mistakes = read_some(sources, only)
    if not lessons and not mistakes:
        raise AuthoringError(
            f"{sources} holds no lesson {only}".rstrip()
            + ": there is nothing to release."
        )
    built: list[Released] = []
    for lesson in lessons:
        try:
            verify(lesson, spec_text(lesson))
        except AuthoringError as error:
            mistakes.append(error)
        try:
            built.append(build(lesson))
        except AuthoringError as error:
            mistakes.append(error)
    say_all(mistakes)
    report = Report()
    if check:
        _stale(built, target, report, check)
    else:
        target.mkdir(exist_ok=True)
        with ThreadPoolExecutor(JOBS) as pool:
            built = list(
                pool.map(with_edits, lessons, built, [target] * len(built))
            )
        bring(built, target, report)
    if not only:
        _orphans(built, target, report)
    return report


def bring(built: list[Released], target: Path, report: Report) -> None:
    """Write releases into a folder of exercises, the student's work in it kept."""
    with editing(target):
        for path, text in _stale(built, target, report, False):
            if path in report.edited:
                keep_copy(path)
            write_whole(path, text)


def _stale(
    built: list[Released], target: Path, report: Report, check: bool
) -> list[tuple[Path, str]]:
    """The files of exercises that are not as they should be, with what belongs in them."""
    stale: list[tuple[Path, str]] = []
    for new in built:
        page, spec, answers = (
            target / (new.stem + end) for end in (".md", SPEC, ANSWERS)
        )
        text, kept = _merged(new, page, answers)
        files = {
            page: text,
            spec: new.spec,
            answers: encode(new.answers),
        }
        report.keep(page, kept)
        if late := not all(_holds(path, text) for path, text in files.items()):
            report.lines.append(f"{page}: {DIFFERS if check else 'written'}")
            stale += files.items()
        report.differs |= bool(kept or late)
    return stale


def _merged(new: Released, page: Path, answers: Path) -> tuple[str, list[str]]:
    if not page.exists():
        return new.notebook, []
    fresh, mine = nb.parse(new.notebook), nb.read(page)
    base = (
        nb.parse(read_answers(answers)["released"])
        if answers.exists()
        else fresh
    )
    return merge(base, mine, fresh)


def _holds(path: Path, text: str) -> bool:
    """Whether a file holds this text; of a page, only the cells count, not how they were saved."""
    if not path.exists():
        return False
    if path.suffix == ".md":
        return nb.same_cells(nb.read(path), nb.parse(text))
    if path.suffix == ANSWERS:
        return _without_edits(read_answers(path)) == _without_edits(
            decode(text)
        )
    return path.read_text(encoding="utf-8") == text


def _without_edits(answers: dict[str, Any]) -> dict[str, Any]:
    """Answers without the results of edits, whose last digits depend on the machine.

    Whether they are those of this lesson is said by "edits_of".
    """
    questions = {}
    for name, data in answers["questions"].items():
        questions[name] = {
            key: value for key, value in data.items() if key not in OF_EDITS
        }
    return {**answers, "questions": questions}


def _orphans(built: list[Released], target: Path, report: Report) -> None:
    """Name files of exercises that no source stands behind; they may be a student's, so stay."""
    known = {r.stem + end for r in built for end in (".md", SPEC, ANSWERS)}
    for path in sorted(target.glob("*")):
        if (
            path.name.endswith((".md", SPEC, ANSWERS))
            and path.name not in known
        ):
            report.differs = True
            report.lines.append(
                f"{path}: has no source in solutions/; remove it."
            )
