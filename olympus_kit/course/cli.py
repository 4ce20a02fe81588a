"""The command line `olympus`: what a notebook's `check` and `hint` do, and what surrounds them.

Exit codes: 0 all is well, 1 something is not solved or differs, 2 a wrong command or input.
"""

import json as json_module
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from ._course import CourseError, Page, next_hint, page, page_of, pages, reset, root

app = typer.Typer(
    help="Work through the OLYMPUS course: open it, check answers, ask for hints.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)
MARKS = {"correct": "✓", "not yet": "△", "not attempted": "○"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Which = Annotated[str, typer.Argument(help="The exercise: 04 or 04_reverse.")]
Name = Annotated[str, typer.Argument(help="The question, such as dense_vjp.")]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose mistakes end in one plain line and exit code 2."""

    @app.command(function.__name__.strip("_"), help=function.__doc__)
    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except (CourseError, LookupError, ValueError, OSError) as error:
            err.print(f"olympus: {error}", markup=False, highlight=False)
            raise typer.Exit(2) from None

    return wrapped


@command
def lab(
    port: Annotated[int, typer.Option(help="The port to try first.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser, where there is one.")] = True,
) -> None:
    """Open the course in JupyterLab. Example: `olympus lab --no-browser`."""
    from . import _lab

    tell = lambda text: err.print(text, markup=False, highlight=False)
    raise typer.Exit(_lab.start(root(), port, browser and _lab.has_browser(), tell))


@command
def list_(json: Json = False) -> None:
    """List the exercises and your progress. Example: `olympus list --json`."""
    every = pages()
    if json:
        _print_json([p.json() for p in every])
        return
    table = Table("exercise", "title", "level", "minutes", "solved")
    for p in every:
        solved = f"{len(p.solved())} of {len(p.names)}"
        table.add_row(p.stem, p.told["title"], p.told["level"], str(p.told["minutes"]), solved)
    out.print(table)


@command
def check(
    which: Annotated[str, typer.Argument(help="04 or 04_reverse; all where left out.")] = "",
    json: Json = False,
    seconds: Annotated[float, typer.Option(help="Stop an exercise after this time.")] = 120.0,
) -> None:
    """Check your answers, each exercise in a process of its own. Example: `olympus check 04`."""
    from ._runner import check_page

    chosen = [page(which)] if which else pages()
    outcomes = {p.stem: check_page(p, seconds) for p in chosen}
    if json:
        _print_json({stem: [o.json() for o in found] for stem, found in outcomes.items()})
    else:
        _print_outcomes(outcomes)
    every = [o for found in outcomes.values() for o in found]
    raise typer.Exit(0 if all(o.state == "correct" for o in every) else 1)


def _print_outcomes(outcomes: dict[str, Any]) -> None:
    for stem, found in outcomes.items():
        out.print(f"\n[bold]{stem}[/bold]")
        for outcome in found:
            out.print(outcome.text() + "\n", style=_style(outcome), markup=False, highlight=False)
    every = [o.state for found in outcomes.values() for o in found]
    out.print(f"{every.count('correct')} of {len(every)} correct", highlight=False)


def _style(outcome: Any) -> str:
    return "green" if outcome.state == "correct" else ""


@command
def watch(which: Which) -> None:
    """Check an exercise again whenever it is saved. Example: `olympus watch 04`."""
    from watchfiles import watch as changes

    from ._runner import check_page

    at = page(which)

    def show() -> None:
        _print_outcomes({at.stem: check_page(at)})

    show()
    out.print("Watching; stop with Ctrl-C.")
    for changed in changes(at.path.parent, raise_interrupt=False):
        if any(Path(name).name == at.path.name for _, name in changed):
            show()


@command
def hint(name: Name) -> None:
    """Show the next hint for a question. Example: `olympus hint dense_vjp`."""
    number, hints = next_hint(name)
    out.print(f"[bold]Hint {number} of {len(hints)} for {name}[/bold]")
    out.print(Markdown(hints[number - 1]))


@command
def solution(
    name: Name,
    give_up: Annotated[bool, typer.Option("--give-up", help="Show it unsolved, too.")] = False,
) -> None:
    """Show a solution, once you have solved it. Example: `olympus solution dense_vjp --give-up`."""
    at = page_of(name)
    if not give_up and name not in at.solved():
        err.print(f"{name} is not solved yet. Solve it, or add --give-up.")
        raise typer.Exit(1)
    told = at.told["questions"][name]
    out.print(Markdown(f"```python\n{told['solution']}\n```\n\n{told['explanation']}"))


@command
def reset_(name: Name) -> None:
    """Put the empty answer back; a dated copy is kept. Example: `olympus reset dense_vjp`."""
    copy = reset(name, datetime.now().strftime("%Y-%m-%d-%H%M%S"))
    out.print(f"{name} is as at the start. Your page before that: {copy}", highlight=False)


@command
def next_() -> None:
    """Name the next question to solve. Example: `olympus next`."""
    for p in pages():
        left = [name for name in p.names if name not in p.solved()]
        if left:
            out.print(f"{left[0]} in {_near(p)}: {p.told['title']}", highlight=False)
            return
    out.print("All solved. Well done!")


def _near(at: Page) -> Path:
    here = Path.cwd()
    return at.path.relative_to(here) if at.path.is_relative_to(here) else at.path


@command
def export(
    which: Which,
    ipynb: Annotated[bool, typer.Option("--ipynb", help="As a Jupyter notebook.")] = True,
    to: Annotated[Path | None, typer.Option("--to", help="The file to write.")] = None,
) -> None:
    """Write an exercise as .ipynb, for other editors. Example: `olympus export 04 --ipynb`."""
    import jupytext

    from .._files import write_whole
    from . import _notebook as nb

    at = page(which)
    target = to or Path(f"{at.stem}.ipynb")
    if target.exists():
        raise CourseError(f"{target} exists already: choose another name with --to.")
    write_whole(target, jupytext.writes(nb.read(at.path), fmt="ipynb"))
    out.print(f"{target} written", highlight=False)


@command
def release(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say what differs.")
    ] = False,
    sources: Annotated[Path, typer.Option(help="The folder of sources.")] = Path("solutions"),
    target: Annotated[Path, typer.Option(help="The folder to write.")] = Path("exercises"),
) -> None:
    """Write exercises/ from solutions/. Example: `olympus release --check`."""
    from ._release import release as run

    report = run(sources, target, check=check)
    for line in report.lines:
        out.print(line, markup=False, highlight=False)
    raise typer.Exit(1 if check and report.differs else 0)


@command
def doctor(json: Json = False) -> None:
    """Look at versions, kernel, settings and ports. Example: `olympus doctor`."""
    from ._doctor import examine

    findings = examine()
    if json:
        _print_json([f.json() for f in findings])
    else:
        table = Table("", "what", "seen", "what to do")
        for f in findings:
            table.add_row("✓" if f.good else "△", f.what, f.seen, "" if f.good else f.advice)
        out.print(table)
    raise typer.Exit(0 if all(f.good for f in findings) else 1)


def _print_json(data: Any) -> None:
    print(json_module.dumps(data, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    app()
