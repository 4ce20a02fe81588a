"""What a student calls: `check`, `check_all`, `hint`, `solution`."""

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _progress, _timer
from ._card import Card, show
from ._cut import cut_output
from ._diagnose import judge
from ._diagnosis import say
from ._outcome import MARKS, Outcome, success
from ._spec import Question
from ._store import Entry, find, folders, read_answers
from ._unsolved import Unsolved

_passed: set[str] = set()
_hints_given: dict[str, int] = {}


def check(name: str) -> None:
    """Check your answer to the question `name`, and say what is right or wrong with it.

    The answer is looked up by its name where `check` is called. Passing shows a short message;
    otherwise `NotAttempted` or `NotYet` is raised, with a message in place of a traceback.
    LookupError when no question has that name.

    ```python
    check("dense_vjp")
    ```
    """
    entry = find(name)
    outcome = outcome_of(entry.question, sys._getframe(1).f_globals)
    _note(entry, outcome)
    if outcome.state != "correct":
        raise outcome.error()
    show(success(name, entry.explanation))


def check_all() -> None:
    """Check every question that this notebook asks, and print one line for each.

    Unlike Run All it goes on after a failure.

    ```python
    check_all()
    ```
    """
    namespace = sys._getframe(1).f_globals
    entries = [entry for entry in here() if _asked(entry, namespace)]
    outcomes = [outcome_of(entry.question, namespace) for entry in entries]
    for entry, outcome in zip(entries, outcomes, strict=True):
        _note(entry, outcome)
    print(table(outcomes))


def outcome_of(question: Question, namespace: Mapping[str, Any]) -> Outcome:
    """Judge the answer that `namespace` holds under the question's name."""
    if question.name not in namespace:
        near = difflib.get_close_matches(question.name, list(namespace), n=1, cutoff=0.75)
        known = {"answer": question.name, "near": f" Did you mean `{near[0]}`?" if near else ""}
        return Outcome(question.name, "not attempted", say(question, "missing", known))
    answer = namespace[question.name]
    try:
        if isinstance(answer, Unsolved):
            raise answer
        with _timer.time_limit(_timer.SECONDS), cut_output():
            found = judge(question, answer)
    except _timer.TookTooLong:
        found = say(question, "took-too-long", {"seconds": f"{_timer.SECONDS:g}"})
    except Unsolved:
        return Outcome(question.name, "not attempted", say(question, "unsolved"))
    return Outcome(question.name, "not yet" if found else "correct", found)


def hint(name: str) -> None:
    """Show the next hint for the question `name`: first a nudge, then more.

    ```python
    hint("dense_vjp")
    ```
    """
    hints = find(name).hints
    given = min(_hints_given.get(name, 0) + 1, len(hints))
    _hints_given[name] = given
    more = "" if given < len(hints) else " · the last one"
    show(Card(f"Hint {given} of {len(hints)} for {name}{more}", hints[given - 1]))


def solution(name: str, *, give_up: bool = False) -> None:
    """Show a solution and its explanation, once your answer passes (or with `give_up=True`).

    ```python
    solution("dense_vjp", give_up=True)
    ```
    """
    entry = find(name)
    if give_up or name in _passed or _progress.is_solved(entry.folder, name):
        show(solution_card(entry))
        return
    ask = f'Pass check("{name}") first, or write solution("{name}", give_up=True).'
    show(Card(f"The solution of {name} is still folded away", ask))


def solution_card(entry: Entry) -> Card:
    """The solution and its explanation."""
    body = f"```python\n{entry.solution}\n```\n\n{entry.explanation}"
    return Card(f"A solution of {entry.question.name}", body)


def table(outcomes: list[Outcome]) -> str:
    """One line for each outcome, and how many are correct."""
    width = max((len(o.name) for o in outcomes), default=0)
    lines = [f"{MARKS[o.state]} {o.name:{width}}  {o.state}{_because(o)}" for o in outcomes]
    good = sum(o.state == "correct" for o in outcomes)
    return "\n".join([*lines, f"{good} of {len(outcomes)} correct"])


def _because(outcome: Outcome) -> str:
    return f": {outcome.diagnosis.name}" if outcome.state == "not yet" and outcome.diagnosis else ""


def here() -> list[Entry]:
    """Every question of the nearest folder of exercises."""
    folder = next(folders(), None)
    if folder is None:
        raise LookupError(f"No exercises found in {Path.cwd()} or above it.")
    files = sorted(folder.glob("*.answers"))
    return [find(name, folder) for path in files for name in read_answers(path)["questions"]]


def _asked(entry: Entry, namespace: Mapping[str, Any]) -> bool:
    """Whether this notebook is the one that asks: it holds a name of that lesson."""
    names = read_answers(entry.folder / f"{entry.lesson}.answers")["questions"]
    return any(name in namespace for name in names)


def _note(entry: Entry, outcome: Outcome) -> None:
    """Remember the outcome: in this session, and on disk where the student's notebook lies.

    A page of the book or an author's source may ask the same question; that is nobody's progress.
    """
    if outcome.state == "correct":
        _passed.add(outcome.name)
    if Path.cwd().resolve() == entry.folder:
        _progress.record(entry.folder, outcome.name, outcome.state)
