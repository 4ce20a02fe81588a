"""Grade one submission: its cells run in two jails, and the judge makes marks of what comes out.

The witness knows no specification, and its values at the judge's points decide. The examiner runs
the same check that the student ran; it words the message, and may withhold marks for what only
the answer's own process can tell. No word of it gives a mark.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...checks import (
    Diagnosis,
    Outcome,
    Question,
    Unsolved,
    judge,
    observe,
    same_shapes,
)
from .answers import Answers, Cell
from .exam import Exam, Item
from .jail import Jail, Visit
from .remote import RemoteAnswer, Talk
from .wire import Gone

SUBMISSION_SECONDS = 900.0
AT_JUDGES_POINT = (
    "It passes at the public points and is wrong at a point of the judge, which was drawn for this "
    "grading: it does not hold in general."
)


@dataclass
class Verdicts:
    """What became of each question in one jail, and what kept a question from an end."""

    results: dict[str, Any] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)


@dataclass
class Jails:
    """The two jails of one grader."""

    witness: Jail
    examiner: Jail

    def shut(self) -> None:
        """End both for good."""
        self.witness.shut()
        self.examiner.shut()


def grade_answers(
    exam: Exam, answers: Answers, jails: Jails
) -> dict[str, dict[str, Any]]:
    """For each question its record: state, points, parts, message."""
    asked = [name for name in exam.items if name not in answers.stubs]
    deadline = time.monotonic() + SUBMISSION_SECONDS
    first = Run(
        exam, list(answers.cells), jails.witness, "witness", _ask_witness
    )
    values = first.all(asked, deadline)
    # a cell that stopped one process would only stop the other
    rest = [name for name in asked if name in values.results]
    second = Run(exam, first.cells, jails.examiner, "examiner", _hear_examiner)
    words = second.all(rest, deadline)
    records = {}
    for name, item in exam.items.items():
        record: dict[str, Any] = {
            "rule": answers.rules.get(name, ""),
            "of": item.most,
            "note": "",
            "own_points": item.spread > 0
            or item.entry.question.answer == "value",
        }
        if name in asked:
            record |= _verdict(name, item, values, words)
        else:
            record |= _record(name, item, "not attempted", 0, None)
        records[name] = record
    return records


def _verdict(
    name: str, item: Item, values: Verdicts, words: Verdicts
) -> dict[str, Any]:
    trouble = values.troubles.get(name) or words.troubles.get(name)
    if trouble:
        return _record(name, item, "stopped", 0, None) | {"note": trouble}
    outcome = words.results[name]
    reached, own = values.results[name]
    if own == "not attempted" or outcome.state == "not attempted":
        return _record(name, item, "not attempted", 0, None)
    if outcome.state == "correct" and reached == 4:
        return _record(name, item, "correct", 4, None)
    if outcome.state == "correct":
        return _record(name, item, "not yet", reached, None) | {
            "note": AT_JUDGES_POINT
        }
    return _record(
        name,
        item,
        "not yet",
        min(reached, _heard(item, outcome, reached)),
        outcome,
    )


def _heard(item: Item, outcome: Outcome, reached: int) -> int:
    """How far the examiner's word lets an answer come. Wrong numbers may have the right shape."""
    return item.reached(outcome.diagnosis, shaped=reached > 0)


def _record(
    name: str, item: Item, state: str, reached: int, outcome: Outcome | None
) -> dict[str, Any]:
    parts = item.earned(reached)
    return {
        "state": state,
        "points": sum(parts.values()),
        "parts": parts,
        "outcome": outcome.json() if outcome else None,
    }


# One jail: cells, then questions. Who ends the process is blamed, and the rest gets another one.

Asker = Callable[[Visit, Exam, list[str], float], Iterator[tuple[str, Any]]]


@dataclass
class Run:
    """The runs of one submission in one jail, until every question has an end."""

    exam: Exam
    cells: list[Cell]
    jail: Jail
    role: str
    ask: Asker

    def all(self, names: list[str], deadline: float) -> Verdicts:
        """Every question's result, or what kept it from one."""
        verdicts = Verdicts()
        left = list(names)
        while left:
            if time.monotonic() > deadline:
                for name in left:
                    verdicts.troubles[name] = (
                        "The submission as a whole took too long."
                    )
                break
            blamed = self._once(self.cells, left, verdicts, deadline)
            if isinstance(blamed, int):
                self.cells[blamed] = Cell("")
            left = [
                name
                for name in left
                if name not in verdicts.results
                and name not in verdicts.troubles
            ]
        return verdicts

    def _once(
        self,
        cells: list[Cell],
        names: list[str],
        verdicts: Verdicts,
        deadline: float,
    ) -> int | str:
        """One process. Return the cell or the question that ended it; empty where all is done."""
        blamed: int | str = ""
        why = ""
        with self.jail.visit(self.role) as visit:
            try:
                code = []
                for cell in cells:
                    first = cell.answers[0] if cell.answers else ""
                    code.append([first, cell.code])
                task = {"cells": code, "names": names}
                visit.channel.send(
                    json.dumps(task).encode(), self.jail.limits.cell_seconds
                )
                blamed = 0
                seconds = self.jail.limits.cell_seconds
                for number in _progress(visit, len(cells), seconds, deadline):
                    blamed = number
                blamed = names[0]
                for name, result in self.ask(
                    visit, self.exam, names, self.jail.limits.question_seconds
                ):
                    verdicts.results[name] = result
                    following = names.index(name) + 1
                    blamed = names[following] if following < len(names) else ""
                return ""
            except Gone as gone:
                why = str(gone)
        where = cells[blamed].answers if isinstance(blamed, int) else (blamed,)
        for name in where:
            if name in names and name not in verdicts.results:
                verdicts.troubles[name] = _why(
                    why, visit.end, isinstance(blamed, int)
                )
        return blamed


def _why(said: str, seen: str, in_cell: bool) -> str:
    place = "Its cell" if in_cell else "The answer"
    if seen:
        return f"{place} was stopped: it {seen}."
    if said == "ended":
        return f"{place} ended its process."
    return f"{place} {said}, and was stopped."


def _progress(
    visit: Visit, count: int, seconds: float, deadline: float
) -> Iterator[int]:
    """The numbers of the cells as they begin, until all have run.

    Each number comes once and in order: a process that sends others, or the same for ever, is one
    whose cell has taken over the conversation.
    """
    for number in range(count + 1):
        left = min(seconds, max(deadline - time.monotonic(), 1.0))
        word = visit.channel.receive_json(left)
        if word == {"ready": True}:
            return
        if word != {"cell": number} or number == count:
            raise Gone("sent something that is no word of the witness")
        yield number


def _ask_witness(
    visit: Visit, exam: Exam, names: list[str], seconds: float
) -> Iterator[tuple[str, Any]]:
    """For each question how many parts its answer has, and the state that the values show."""
    for name in names:
        talk = Talk(visit.channel, seconds)
        item = exam.items[name]
        reached = _reached(RemoteAnswer(talk, name), item)
        if talk.gone is not None:
            raise talk.gone
        yield name, reached


def _reached(remote: RemoteAnswer, item: Item) -> tuple[int, str]:
    question = item.asked
    assert question is not None
    try:
        answer: Any = remote.value() if question.answer == "value" else remote
        diagnosis = judge(question, answer, costs=False)
        shaped = diagnosis is not None and _is_shaped(question, answer)
    except Unsolved:
        return 0, "not attempted"
    except Exception:
        return 0, "not yet"
    return item.reached(
        diagnosis, shaped
    ), "correct" if diagnosis is None else "not yet"


def _is_shaped(question: Question, answer: Any) -> bool:
    """Whether every result has the right container and shapes."""
    call = answer
    if question.answer == "value":
        call = lambda: answer
    elif question.adapt is not None:
        call = question.adapt(answer)
    return same_shapes(observe(question, call))


def _hear_examiner(
    visit: Visit, exam: Exam, names: list[str], seconds: float
) -> Iterator[tuple[str, Any]]:
    """What the kit's own check says of each question. Its text is a student's process's."""
    for name in names:
        word = visit.channel.receive_json(seconds)
        try:
            outcome = _outcome(name, word["outcome"])
        except (KeyError, TypeError, AttributeError):
            raise Gone("sent something that is no outcome") from None
        yield name, outcome


def _outcome(name: str, data: dict[str, Any]) -> Outcome:
    """An outcome of plain, bounded text, whatever came."""
    state = str(data["state"])
    if state == "correct":
        return Outcome(name, "correct")
    if state == "not attempted":
        return Outcome(name, "not attempted")
    fields = {
        key: str(value)[:4000] for key, value in data["diagnosis"].items()
    }
    return Outcome(name, "not yet", Diagnosis(**fields))
