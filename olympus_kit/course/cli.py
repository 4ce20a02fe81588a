"""The command line `olympus`: what a notebook's `check` and `hint` do, and what surrounds them."""

import json as json_module
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, track
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..checks import (
    change_state,
    hint_card,
    is_solved,
    solution_card,
    with_next_hint,
)
from ..files import write_whole
from . import _course, _lab, _start
from . import _notebook as nb
from ._course import CourseError, page, pages
from ._lesson import new as write_skeleton
from ._lesson import read_all
from ._release import release as run_release
from ._runner import SECONDS, Checked, check_pages

# jsonschema builds a grammar of addresses when it is imported, which takes longer than all else.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

CODES = (
    "Exit codes: 0 all is well; 1 something is not solved yet, or differs; "
    "2 a wrong command or input, or a page that could not be judged to its end."
)
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Which = Annotated[str, typer.Argument(help="The exercise: 04 or 04_reverse.")]
Some = Annotated[
    str,
    typer.Argument(help="The exercise: 04 or 04_reverse; all where left out."),
]
Name = Annotated[str, typer.Argument(help="The question, such as dense_vjp.")]
Seconds = Annotated[
    float, typer.Option(min=1, help="Stop an exercise after this time.")
]


@app.callback(epilog=CODES)
def main(
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            help="Print no colours; NO_COLOR=1 does the same.",
        ),
    ] = False,
) -> None:
    """Work through the OLYMPUS course: open it, check answers, ask for hints."""
    out.no_color = err.no_color = no_color or out.no_color


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose mistakes end in one plain line and exit code 2."""

    @app.command(
        function.__name__.strip("_"),
        help=function.__doc__,
        epilog=CODES,
    )
    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except typer.Exit:  # a RuntimeError, and no mistake
            raise
        except (
            CourseError,
            LookupError,
            ValueError,
            OSError,
            RuntimeError,
        ) as error:
            _complain(f"olympus: {error}")
            raise typer.Exit(2) from None

    return wrapped


def _complain(text: str) -> None:
    err.print(text, markup=False, highlight=False)


def _tell(json: bool, data: Any, *shown: Any) -> None:
    """Print the data for a script, or what is shown to a person."""
    if json:
        print(json_module.dumps(data, ensure_ascii=False), flush=True)
    for item in () if json else shown:
        out.print(item, markup=False, highlight=False)


@command
def lab(
    port: Annotated[int, typer.Option(help="The port to try first.")] = 8888,
    browser: Annotated[
        bool, typer.Option(help="Open a browser, where there is one.")
    ] = True,
) -> None:
    """Open the course in JupyterLab. Example: `olympus lab --no-browser`."""
    raise typer.Exit(
        _lab.start(
            _course.root(),
            port,
            browser and _lab.has_browser(),
            _complain,
        )
    )


@command
def start(
    folder: Annotated[
        Path, typer.Argument(help="A folder that is not there yet.")
    ],
    json: Json = False,
) -> None:
    """Put the course into a new folder of your own. Example: `olympus start my-course`."""
    _start.start(folder)
    said = f"The course is in {folder}. Open it: cd {folder}; olympus lab"
    _tell(json, {"folder": str(folder)}, said)


@command
def update(json: Json = False) -> None:
    """Bring a new release into your course; your work stays. Example: `olympus update`."""
    report = _start.update(_course.root())
    data = {
        "lines": report.lines,
        "edited": [str(path) for path in report.edited],
    }
    _tell(json, data, *(report.lines or ["All is up to date."]))


@command
def list_(json: Json = False) -> None:
    """List the exercises and your progress. Example: `olympus list --json`."""
    every = pages()
    table = Table("exercise", "title", "level", "minutes", "solved", "")
    for p in every:
        bar = ProgressBar(len(p.names), len(p.solved()), width=10)
        solved = f"{len(p.solved())} of {len(p.names)}"
        row = p.json()
        table.add_row(
            p.stem,
            p.title,
            row["level"],
            str(row["minutes"]),
            solved,
            bar,
        )
    _tell(json, [p.json() for p in every], table)


@command
def check(
    which: Some = "",
    json: Json = False,
    seconds: Seconds = SECONDS,
    jobs: Annotated[
        int, typer.Option(min=1, help="Exercises at a time.")
    ] = os.cpu_count() or 1,
) -> None:
    """Check your answers, each exercise in a process of its own. Example: `olympus check 04`."""
    chosen = [page(which)] if which else pages()
    steps = check_pages(chosen, seconds, jobs)
    quiet = json or not err.is_terminal
    results = list(
        track(
            steps,
            "checking",
            len(chosen),
            console=err,
            disable=quiet,
            transient=True,
        )
    )
    _tell_checked(results, json)
    raise typer.Exit(max(one.code for one in results))


def _tell_checked(results: list[Checked], json: bool) -> None:
    """Print what came of some pages; what kept one from being judged goes to standard error."""
    _tell(
        json,
        {c.page.stem: [o.json() for o in c.outcomes] for c in results},
        *_checked(results),
    )
    for one in results:
        if one.trouble:
            _complain(f"olympus: {one.trouble}")


def _checked(results: list[Checked]) -> Iterator[Text]:
    for one in results:
        yield Text(f"\n{one.page.stem}\n", "bold")
        for outcome in one.outcomes:
            yield Text(
                outcome.text() + "\n",
                "green" if outcome.state == "correct" else "",
            )
    states = [o.state for one in results for o in one.outcomes]
    asked = sum(len(one.page.names) for one in results)
    yield Text(f"{states.count('correct')} of {asked} correct")


@command
def watch(
    which: Some = "", json: Json = False, seconds: Seconds = SECONDS
) -> None:
    """Check an exercise again whenever it is saved. Example: `olympus watch 04`."""
    from watchfiles import watch as changes

    chosen = [page(which)] if which else pages()
    seen = {} if which else {p.stem: p.saved() for p in chosen}
    _complain("Watching; stop with Ctrl-C.")
    with suppress(
        KeyboardInterrupt
    ):  # wherever it comes: while it waits, checks or prints
        # What was saved during a check is seen by its time, so the first round needs no change.
        for _ in chain(
            [None],
            changes(_course.exercises_folder(), yield_on_timeout=True),
        ):
            for at in chosen:
                if (saved := at.saved()) not in (0, seen.get(at.stem)):
                    seen[at.stem] = saved
                    _tell_checked(list(check_pages([at], seconds)), json)


@command
def hint(name: Name, json: Json = False) -> None:
    """Show the next hint for a question. Example: `olympus hint dense_vjp`."""
    entry = _course.entry(name)
    most = len(entry.hints)
    state = change_state(
        entry.folder, name, lambda before: with_next_hint(before, most)
    )
    number = state["hints"]
    data = {
        "question": name,
        "number": number,
        "of": most,
        "hint": entry.hints[number - 1],
    }
    card = hint_card(entry, number)
    _tell(json, data, Text(card.title, "bold"), Markdown(card.body))


@command
def solution(
    name: Name,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Show it unsolved, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Show a solution, once you have solved it. Example: `olympus solution dense_vjp --give-up`."""
    entry = _course.entry(name)
    if not give_up and not is_solved(entry.folder, name):
        _complain(f"{name} is not solved yet. Solve it, or add --give-up.")
        raise typer.Exit(1)
    data = {
        "question": name,
        "solution": entry.solution,
        "explanation": entry.explanation,
    }
    _tell(json, data, Markdown(solution_card(entry).body))


@command
def reset_(name: Name, json: Json = False) -> None:
    """Put the empty answer back; a dated copy is kept. Example: `olympus reset dense_vjp`."""
    copy = _course.reset(name)
    said = f"{name} is as at the start. Your page before that: {copy or 'there was none'}"
    _tell(json, {"question": name, "kept": copy and str(copy)}, said)


@command
def next_(json: Json = False) -> None:
    """Name the next question to solve. Example: `olympus next`."""
    left = [
        (p, name) for p in pages() for name in p.names if name not in p.solved()
    ]
    if not left:
        _tell(json, None, "All solved. Well done!")
        return
    at, name = left[0]
    data = {"question": name, "exercise": at.stem, "path": str(at.path)}
    _tell(json, data, f"{name} in {os.path.relpath(at.path)}: {at.title}")


@command
def quiz(
    which: Annotated[
        str, typer.Argument(help="A chapter, such as 04, or a quiz by name.")
    ],
    json: Json = False,
) -> None:
    """Answer a chapter's questions, an empty line skips one. Example: `olympus quiz 04`."""
    from . import _ask

    view = _ask.questions(which)
    _tell(json, view.model()["questions"])
    if json:
        return
    right = _ask.ask(view, _line, lambda text: _tell(False, None, text))
    raise typer.Exit(0 if right == len(view.questions) else 1)


def _line() -> str | None:
    """Return a line that somebody types; None where there are no more."""
    out.print("> ", end="")
    try:
        return input()
    except EOFError:
        return None


@command
def export(
    which: Which,
    to: Annotated[
        Path | None, typer.Option("--to", help="The file to write.")
    ] = None,
    json: Json = False,
) -> None:
    """Write an exercise as .ipynb, for other editors. Example: `olympus export 04`.

    Its checks find the questions wherever the folder `exercises` lies beside it or above it.
    """
    at = page(which)
    target = to or Path(f"{at.stem}.ipynb")
    if target.exists():
        raise CourseError(
            f"{target} exists already: choose another name with --to."
        )
    write_whole(target, nb.as_ipynb(nb.read(at.path)))
    _tell(json, {"written": str(target)}, f"{target} written")


@command
def new(
    name: Annotated[
        str, typer.Argument(help="Number and topic, such as 03b_tides.")
    ],
    sources: Annotated[
        Path, typer.Option(help="The folder of sources.")
    ] = Path("solutions"),
    json: Json = False,
) -> None:
    """Write a lesson that works, to be changed. Example: `olympus new 03b_tides`."""
    path = write_skeleton(sources, name)
    number = name.partition("_")[0]
    said = f"{path} written. Change it, and try it: olympus try {number}"
    _tell(json, {"written": str(path)}, said)


@command
def release(
    which: Some = "",
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; say what differs."),
    ] = False,
    sources: Annotated[
        Path, typer.Option(help="The folder of sources.")
    ] = Path("solutions"),
    target: Annotated[Path, typer.Option(help="The folder to write.")] = Path(
        "exercises"
    ),
    json: Json = False,
) -> None:
    """Write exercises/ from solutions/. Example: `olympus release --check`."""
    report = run_release(sources, target, only=which, check=check)
    _tell(
        json,
        {"differs": report.differs, "lines": report.lines},
        *report.lines,
    )
    raise typer.Exit(1 if check and report.differs else 0)


@command
def try_(
    which: Annotated[
        str, typer.Argument(help="The lesson: 04 or 04_reverse.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every lesson.")] = False,
    edits: Annotated[
        bool, typer.Option("--edits", help="Print every edit.")
    ] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Print every message.")
    ] = False,
    sources: Annotated[
        Path, typer.Option(help="The folder of sources.")
    ] = Path("solutions"),
    json: Json = False,
) -> None:
    """Try a lesson: stub, solution, mutants, alternatives, edits. Example: `olympus try 04`.

    Each answer gets the id of what is said to it, and where that is not what the lesson expects,
    a ✗ and the message as a student reads it. Of single edits of the solution those are printed
    that would pass: each of these asks for a point more, another size, or a law.
    """
    from . import _survey

    if not which and not every:
        raise CourseError("Name a lesson, such as 04, or add --all.")
    lessons, surveys = read_all(sources, which), []
    if not lessons:
        raise CourseError(f"{sources} holds no lesson {which}".rstrip() + ".")
    for lesson in lessons:
        for one in _survey.survey(lesson):
            surveys.append(one)
            _tell(False, None, *([] if json else one.lines(edits, messages)))
    _tell(json, [one.json() for one in surveys])
    surviving = sum(len(one.surviving) for one in surveys)
    wrong = sum(not v.fits for one in surveys for v in one.verdicts)
    if not json:
        _tell(
            False,
            None,
            f"{len(surveys)} questions, {wrong} answers not judged as expected, "
            f"{surviving} edits survive",
        )
    raise typer.Exit(1 if surviving or wrong else 0)


@command
def grade(
    submissions: Annotated[
        Path, typer.Argument(help="A folder or zip of submissions.")
    ],
    to: Annotated[
        Path, typer.Option("--out", help="The folder to write.")
    ] = Path("marks"),
    which: Annotated[
        str, typer.Option("--only", help="One exercise, such as 04.")
    ] = "",
    roster: Annotated[
        Path | None, typer.Option(help="Who is who: a CSV.")
    ] = None,
    due: Annotated[
        str, typer.Option(help="When it is due: 2026-12-01T18:00.")
    ] = "",
    grace: Annotated[
        float, typer.Option(help="Minutes that count as in time.")
    ] = 0.0,
    penalty: Annotated[
        float, typer.Option(help="The share that a late day costs.")
    ] = 0.1,
    extensions: Annotated[
        Path | None, typer.Option(help="CSV: student, due.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Submissions at a time.")
    ] = 1,
    scheduler: Annotated[
        str, typer.Option(help="The address of a dask scheduler.")
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run.")
    ] = False,
    regrade: Annotated[
        str, typer.Option(help="Judge this one question anew.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Write what --regrade changes.")
    ] = False,
    similarity: Annotated[
        bool, typer.Option("--similarity", help="Say who is much alike.")
    ] = False,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe-no-sandbox", help="Let submissions do what they want."
        ),
    ] = False,
    seconds: Annotated[
        float, typer.Option(min=1, help="For one cell; twice for an answer.")
    ] = 60.0,
    json: Json = False,
) -> None:
    """Grade a class, each answer in a jail. Example: `olympus grade submitted --out marks`."""
    from .grade import batch, late
    from .grade.submissions import read_roster

    if resume and not to.is_dir():
        raise CourseError(f"There is no run in {to} to go on with.")
    policy = late.Policy(
        due=late.moment(due) if due else None,
        grace=grace,
        penalty=penalty,
        extensions=late.read_extensions(extensions) if extensions else {},
    )
    wish: dict[str, Any] = {
        "roster": read_roster(roster) if roster else [],
        "jobs": jobs,
        "sandbox": not unsafe,
        "seconds": seconds,
    }
    if unsafe:
        _complain(
            "olympus: WITHOUT A SANDBOX, submissions can read and change your files."
        )
    if regrade:
        is_dated = policy.due or policy.extensions
        wish["policy"] = policy if is_dated else None
        lines = batch.regrade(submissions, to, regrade, write=yes, **wish)
        if lines and not yes:
            _complain("Nothing is written yet: add --yes.")
        _tell(
            json,
            {"changes": lines, "written": yes},
            *(lines or ["No mark changes."]),
        )
        return
    with Progress(
        console=err, transient=True, disable=json or not err.is_terminal
    ) as bar:
        task = bar.add_task("grading", total=None)
        wish |= {"only": which, "policy": policy}
        wish |= {"scheduler": scheduler, "similarity": similarity}
        wish["progress"] = lambda done, total: bar.update(
            task, completed=done, total=total
        )
        try:
            records = batch.grade(submissions, to, **wish)
        except KeyboardInterrupt:
            _complain(
                "olympus: stopped. What is graded is kept; go on with --resume."
            )
            raise typer.Exit(130) from None
    _tell(json, records, *_rows(records), f"{to / 'summary.html'} says more")


def _rows(records: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each student."""
    width = max(len(record["student"]) for record in records)
    for record in records:
        total = f"{record['total']:g} of {record['of']:g}"
        yield f"{record['student']:{width}}  {total}  {record['status']}"


if __name__ == "__main__":
    app()
