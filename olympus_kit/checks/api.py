"""What a student calls: `check`, `check_all`, `hint`, `solution`, `progress`."""

import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from . import places, run, steps, store
from .card import Card, Strip, in_kernel, show
from .evidence import EditRow
from .message import Diagnosis, diagnose, error_text
from .outcome import Outcome, success, table
from .repair import with_place
from .spec import Question, Unsolved
from .store import Entry

_session: dict[
    str, store.State
] = {}  # where nobody's folder holds it: a page of the book


def check(name: str) -> None:
    """Check your answer to the question `name`, and say what is right or wrong with it.

    The answer is looked up by its name where `check` is called. Passing shows a short message;
    otherwise `NotAttempted` or `NotYet` is raised, with a message in place of a traceback.
    LookupError when no question has that name.

    ```python
    check("dense_vjp")
    ```
    """
    entry = store.find(name)
    outcome = outcome_for(entry, sys._getframe(1).f_globals)
    _record(entry, outcome)
    if outcome.state != "correct":
        _show_failure(outcome)
        raise outcome.error()
    remark = outcome.diagnosis.message if outcome.diagnosis else ""
    then = ""
    own: list[Strip] = []
    if _is_students(entry):
        every = list(places.strips(entry.folder))
        own = [strip for strip in every if _asks(strip, name)]
        then = places.next_question(every, name)
    show(success(name, explanation(entry), remark, then, tuple(own)))


def _show_failure(outcome: Outcome) -> None:
    """Show the card and its picture in a notebook; elsewhere the exception says it all."""
    if not in_kernel():
        return
    show(outcome)
    if outcome.diagnosis and outcome.diagnosis.picture is not None:
        show(outcome.diagnosis.picture)


def _asks(strip: Strip, name: str) -> bool:
    return name in [other for other, _, _ in strip.questions]


def check_all() -> None:
    """Check every question that this notebook asks, and print one line for each.

    Unlike Run All it goes on after a failure.

    ```python
    check_all()
    ```
    """
    namespace = sys._getframe(1).f_globals
    outcomes = []
    for entry in _asked(namespace):
        outcome = outcome_for(entry, namespace)
        _record(entry, outcome)
        outcomes.append(outcome)
    print(table(outcomes))


def progress() -> None:
    """Show which questions of the course are solved, with a link to each.

    LookupError where no course is found.

    ```python
    progress()
    ```
    """
    every = tuple(places.strips(_folder()))
    asked = [question for strip in every for question in strip.questions]
    solved = sum(solved for _, solved, _ in asked)
    title = f"Your progress: {solved} of {len(asked)} questions solved"
    show(Card(title, tone="quiet", strips=every))


def hint(name: str) -> None:
    """Show the next hint for the question `name`: first a nudge, then more.

    ```python
    hint("dense_vjp")
    ```
    """
    entry = store.find(name)
    most = len(entry.hints)
    state = _change_state(
        entry, lambda before: store.with_next_hint(before, most)
    )
    show(hint_card(entry, state["hints"]))


def hint_card(entry: Entry, number: int) -> Card:
    """The hint of that number, from 1."""
    title = f"Hint {number} of {len(entry.hints)} for {entry.name}"
    if number == len(entry.hints):
        title += " · the last one"
    return Card(title, entry.hints[number - 1])


def solution(name: str, *, give_up: bool = False) -> None:
    """Show a solution and its explanation, once your answer passes (or with `give_up=True`).

    ```python
    solution("dense_vjp", give_up=True)
    ```
    """
    entry = store.find(name)
    solved = store.is_solved(entry.folder, name) or _session.get(name, {}).get(
        "solved"
    )
    if give_up or solved:
        show(solution_card(entry))
        return
    advice = f'Pass check("{name}") first, or write solution("{name}", give_up=True).'
    show(Card(f"The solution of {name} is still folded away", advice))


def solution_card(entry: Entry) -> Card:
    """The solution and its explanation."""
    body = f"```python\n{entry.solution}\n```\n\n{explanation(entry)}"
    return Card(f"A solution of {entry.name}", body)


def explanation(entry: Entry) -> str:
    """Why the solution works, and other ways to the same result."""
    parts = [entry.explanation]
    for difference, code in entry.alternatives:
        parts.append(f"**Another way.** {difference}\n\n```python\n{code}\n```")
    return "\n\n".join(parts)


def outcome_for(
    entry: Entry,
    namespace: Mapping[str, Any],
    seconds: float | None = None,
) -> Outcome:
    """Judge the answer to a released question, and look closely: with all that was released."""
    return outcome_of(
        entry.question,
        namespace,
        entry.edits,
        entry.solution,
        seconds,
        closely=True,
    )


def outcome_of(
    question: Question,
    namespace: Mapping[str, Any],
    edits: Sequence[EditRow] = (),
    solution: str = "",
    seconds: float | None = None,
    closely: bool = False,
) -> Outcome:
    """Judge the answer that `namespace` holds under the question's name.

    It is stopped after `seconds`, or after what a check waits for.

    With the author's `solution`, a right answer that goes around the lesson is told so. `closely`
    looks for the place of a mistake that nothing foresaw, which takes a second or two.
    """
    name = question.name
    seconds = seconds or run.SECONDS
    if name not in namespace:
        near = difflib.get_close_matches(
            name, list(namespace), n=1, cutoff=0.75
        )
        guess = f" Did you mean `{near[0]}`?" if near else ""
        facts = {"answer": name, "near": guess}
        return Outcome(
            name, "not attempted", diagnose(question, "missing", facts)
        )
    answer = namespace[name]
    try:
        with run.time_limit(seconds), run.truncated_output():
            diagnosis = _judge(question, answer, edits)
            if diagnosis is None:
                remark = steps.around_the_lesson(question, answer, solution)
                return Outcome(name, "correct", remark)
            if closely:
                diagnosis = with_place(question, answer, diagnosis)
    except run.TookTooLong:
        jax.clear_caches()  # what was being compiled may stand there half
        diagnosis = diagnose(
            question, "took-too-long", {"seconds": f"{seconds:g}"}
        )
    except Unsolved:
        return Outcome(name, "not attempted", diagnose(question, "unsolved"))
    return Outcome(name, "not yet", diagnosis)


def _judge(
    question: Question, answer: Any, edits: Sequence[EditRow]
) -> Diagnosis | None:
    """The diagnosis; where an answer keeps the check itself from comparing, that is said."""
    try:
        if isinstance(answer, Unsolved):
            raise answer
        return steps.judge(question, answer, edits)
    except (Unsolved, KeyboardInterrupt, run.TookTooLong):
        raise
    except BaseException as error:
        return diagnose(
            question, "not-comparable", {"error": error_text(error)}
        )


def _asked(namespace: Mapping[str, Any]) -> list[Entry]:
    """The questions of every lesson of which this notebook holds a name."""
    folder = _folder()
    entries = []
    for path in sorted(folder.glob(f"*{store.ANSWERS}")):
        names = store.read_answers(path)["questions"]
        if any(name in namespace for name in names):
            entries += [store.find(name, folder) for name in names]
    return entries


def _folder() -> Path:
    folder = next(store.folders(), None)
    if folder is None:
        raise LookupError(f"No exercises found in {Path.cwd()} or above it.")
    return folder


def _is_students(entry: Entry) -> bool:
    """Whether the page that asks is the student's own.

    A page of the book or an author's source may ask the same question; that is nobody's progress.
    """
    return Path.cwd().resolve() == entry.folder


def _record(entry: Entry, outcome: Outcome) -> None:
    _change_state(entry, lambda before: store.with_state(before, outcome.state))


def _change_state(
    entry: Entry, change: Callable[[store.State], store.State]
) -> store.State:
    """Remember what happened: on disk where the student's notebook lies, else in this session."""
    if _is_students(entry):
        return store.change_state(entry.folder, entry.name, change)
    _session[entry.name] = change(_session.get(entry.name, {}))
    return _session[entry.name]
