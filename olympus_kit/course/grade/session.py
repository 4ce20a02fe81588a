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
    ruled_out,
    same_shapes,
)
from .answers import Answers, Cell, parsed
from .exam import PARTS, Exam, Item
from .jail import Jail, Visit
from .remote import RemoteAnswer, Talk
from .text import legible
from .wire import SLOW, Gone

MOST_TEXT = 4000  # characters of one field of a message
AT_JUDGES_POINT = (
    "It passes at the public points and is wrong at a point of the judge, which was drawn for this "
    "grading: it does not hold in general."
)


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
    exam: Exam,
    answers: Answers,
    jails: Jails,
) -> dict[str, dict[str, Any]]:
    """For each question its record: state, points, parts, message."""
    asked = [name for name in exam.items if name not in answers.stubs]
    deadline = time.monotonic() + jails.witness.limits.submission_seconds
    values = Run(
        exam, list(answers.cells), jails.witness, "witness", _ask_witness
    )
    values.all(asked, deadline)
    # what stopped one process would only stop the other
    words = Run(exam, values.cells, jails.examiner, "examiner", _ask_examiner)
    words.all([name for name in asked if name in values.results], deadline)
    codes = [cell.code for cell in answers.cells]
    records = {}
    for name, item in exam.items.items():
        record = {
            "rule": answers.rules.get(name, ""),
            "of": item.most,
            "note": "",
            "seconds": jails.witness.limits.cell_seconds,
            "own_points": item.spread > 0
            or item.entry.question.answer == "value",
        }
        verdict = _verdict(name, item, values, words)
        cells = filter(None, map(parsed, codes))
        refused = ruled_out(item.entry.question, cells)
        if verdict["state"] == "correct" and refused is not None:
            reached = item.reached(refused, shaped=True, right=True)
            outcome = Outcome(name, "not yet", refused)
            verdict = _record(item, "not yet", reached, outcome)
        records[name] = record | verdict
    return records


def _verdict(
    name: str,
    item: Item,
    values: "Run",
    words: "Run",
) -> dict[str, Any]:
    trouble = values.troubles.get(name) or words.troubles.get(name)
    if trouble:
        return _record(item, "stopped", 0) | {"note": trouble}
    reached = values.results.get(name)
    outcome: Outcome | None = words.results.get(name)
    is_open = outcome is None or outcome.state == "not attempted"
    if reached is None or outcome is None or is_open:
        return _record(item, "not attempted", 0)
    heard = reached
    if outcome.state == "not yet":
        # wrong numbers may have the right shape
        says = item.reached(outcome.diagnosis, reached > 0, right=True)
        heard = min(reached, says)
    elif reached == len(PARTS):
        return _record(item, "correct", reached)
    if values.left_out:
        note = f"{values.left_out} The answers were judged without it."
        return _record(item, "stopped", heard, outcome) | {"note": note}
    if outcome.state == "not yet":
        return _record(item, "not yet", heard, outcome)
    return _record(item, "not yet", reached) | {"note": AT_JUDGES_POINT}


def _record(
    item: Item,
    state: str,
    reached: int,
    outcome: Outcome | None = None,
) -> dict[str, Any]:
    parts = item.earned(reached)
    return {
        "state": state,
        "points": sum(parts.values()),
        "parts": parts,
        "outcome": outcome.json() if outcome else None,
    }


# One jail: cells, then questions. Who ends the process is blamed, and the rest gets another one.


@dataclass
class Run:
    """The runs of one submission in one jail, until every question has a result or a trouble."""

    exam: Exam
    cells: list[Cell]
    jail: Jail
    role: str
    ask: Callable[[Visit, Item, float], Any]
    results: dict[str, Any] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    # what became of a cell that answers nothing and did not end
    left_out: str = ""

    def all(
        self,
        names: list[str],
        deadline: float,
    ) -> None:
        """Ask every question."""
        left = list(names)
        while left:
            again = ""
            if time.monotonic() > deadline:
                text = "The submission as a whole took too long."
                self.troubles |= dict.fromkeys(left, text)
            else:
                again = self._once(left, deadline)
            done = self.results.keys() | self.troubles.keys()
            left = [name for name in left if name not in done]
            left.sort(key=lambda name: name != again)

    def _once(
        self,
        names: list[str],
        deadline: float,
    ) -> str:
        """One process, as far as it comes; the question, if any, to be asked first in another."""
        at: int | str = 0  # the cell that runs, or the question that is asked
        with self.jail.visit(self.role) as visit:
            try:
                for number in self._run_cells(visit, deadline):
                    at = number
                for at in names:
                    visit.sweep()
                    seconds = self.jail.limits.question_seconds
                    item = self.exam.items[at]
                    self.results[at] = self.ask(visit, item, seconds)
                return ""
            except Gone as gone:
                said = str(gone)
        if isinstance(at, str):
            if at != names[0] and said != SLOW:
                return at  # a thread of an answer before it may have done that
            self.troubles[at] = f"The answer {_end(said, visit.end)}"
            return ""
        answered = self.cells[at].answers
        for name in set(answered) & set(names):
            self.troubles[name] = f"Its cell {_end(said, visit.end)}"
        if not answered:
            self.left_out = f"A cell of helpers {_end(said, visit.end)}"
        self.cells[at] = Cell("")
        return ""

    def _run_cells(
        self,
        visit: Visit,
        deadline: float,
    ) -> Iterator[int]:
        """The numbers of the cells as they begin, until all have run.

        Each number comes once and in order: a process that sends others, or the same for ever, is
        one whose cell has taken over the conversation.
        """
        code = []
        for cell in self.cells:
            name = cell.answers[0] if cell.answers else ""
            code.append([name, cell.code])
        seconds = self.jail.limits.cell_seconds
        visit.channel.send(json.dumps(code).encode(), seconds)
        for number in range(len(code)):
            yield number
            left = min(seconds, max(deadline - time.monotonic(), 1.0))
            if visit.channel.receive_json(left) != {"ran": number}:
                raise Gone("sent something that is not a word of the witness")


def _end(said: str, seen: str) -> str:
    if seen:
        return f"was stopped: it {seen}."
    if said == "ended":
        return "ended its process."
    return f"{said}, and was stopped."


def _ask_witness(
    visit: Visit,
    item: Item,
    seconds: float,
) -> int | None:
    """How many parts the answer has by its values; None where nothing is answered."""
    talk = Talk(visit.channel, seconds)
    reached = _reached(RemoteAnswer(talk, item.entry.question.name), item)
    if talk.gone is not None:
        raise talk.gone
    return reached


def _reached(remote: RemoteAnswer, item: Item) -> int | None:
    question = item.asked
    try:
        answer: Any = remote.value() if question.answer == "value" else remote
        diagnosis = judge(question, answer, costs=False)
        if diagnosis is None:
            return len(PARTS)
        found = observe(question, _call_of(question, answer))
        return item.reached(diagnosis, same_shapes(found), found.right)
    except Unsolved:
        return None
    except Exception:
        return 0


def _call_of(question: Question, answer: Any) -> Callable[..., Any]:
    """What is called with the arguments of a case."""
    if question.answer == "value":
        return lambda: answer
    return question.adapt(answer) if question.adapt else answer


def _ask_examiner(
    visit: Visit,
    item: Item,
    seconds: float,
) -> Outcome:
    """What the kit's own check says. Its text is a student's process's: plain and bounded."""
    word = visit.channel.ask(item.public(seconds), seconds)
    name = item.entry.question.name
    try:
        state = str(word["outcome"]["state"])
        if state in ("correct", "not attempted"):
            return Outcome(name, state)  # type: ignore[arg-type]
        fields = {}
        for key, value in word["outcome"]["diagnosis"].items():
            fields[key] = legible(str(value)[:MOST_TEXT])
        return Outcome(name, "not yet", Diagnosis(**fields))
    except (KeyError, TypeError, AttributeError):
        raise Gone("sent something that is not an outcome") from None
