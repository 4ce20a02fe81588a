"""What a figure asks before it shows: the next line, a shape, a ratio, what is saved.

Each wrong answer is made from a mistake that people make, and what is said to it is checked against
the program: a line that would give the same numbers is not offered as a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..program import Equation, Program
from ._format import bytes_text, listed, number_text, times_text
from ._formula import operand, statement, value_text
from ._jacobian_passes import Leaf
from ._questions import Choice, Question, shuffle
from ._words import Words, with_short_names

MOST_LINES = 5  # that a ladder asks for
MOST_CHOICES = 4
MOST_BLOCKS = 3  # of a Jacobian
MOST_NAMES = 12  # of residuals that are listed in an answer
APART = 0.05  # closer ratios than this part of them are not offered beside each other


def line_questions(
    program: Program, sentences: Sequence[str]
) -> list[Question]:
    """Return questions for the next line of a derivative program, in the order of its steps.

    Args:
        program: in mode "forward" or "reverse".
        sentences: what the player says at each step.

    Raises:
        ValueError: where no line has two wrong ones beside it.
    """
    lines = _Lines(with_short_names(program))
    questions = []
    for step in range(1, len(program.equations)):
        question = lines.question(step, sentences[step])
        if question is not None:
            questions.append(question)
    if not questions:
        raise ValueError(
            f"There is no line to ask for in {program.name}, in {program.mode} mode. Asking needs "
            "a product or a sum in the derivative, with something after it."
        )
    return _varied(questions, [e.primitive for e in program.equations])


def _varied(
    questions: list[Question], primitives: Sequence[str]
) -> list[Question]:
    """Return a few questions: the first of each kind of step, then the earliest of the rest."""
    first: dict[str, Question] = {}
    for question in questions:
        assert question.step is not None
        first.setdefault(primitives[question.step], question)
    rest = [
        question for question in questions if question not in first.values()
    ]
    chosen = [*first.values(), *rest][:MOST_LINES]
    return [question for question in questions if question in chosen]


class _Lines:
    """The lines of a derivative program, with wrong ones beside each."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.words = Words(program)
        self.texts = [statement(program, e) for e in program.equations]
        self.made_at = {
            r: k for k, e in enumerate(program.equations) for r in e.results
        }

    def question(self, step: int, sentence: str) -> Question | None:
        """Return a question for the line of a step; None where too few wrong ones are known."""
        equation = self.program.equations[step]
        if equation.roles.isdisjoint({"tangent", "adjoint"}) or equation.bodies:
            return None
        if len(equation.results) != 1:
            return None
        wrong = {**self._mistakes(equation), **self._too_early(step)}
        wrong.pop(self.texts[step], None)
        if len(wrong) < 2:
            return None
        return _choice_question(
            f"line {step + 1}",
            "Which line comes next?",
            (self.texts[step], sentence),
            wrong,
            kind="line",
            step=step,
        )

    def _mistakes(self, equation: Equation) -> dict[str, str]:
        """Return wrong lines for an equation, each with what is wrong with it."""
        name = self.words.name
        carriers = [o for o in equation.operands if o in self.words.carriers]
        factors = [o for o in equation.operands if o not in self.words.carriers]
        left = name(equation.results[0])
        if equation.primitive == "add_any" and len(set(carriers)) == 2:
            return self._sum_mistakes(
                left, name(carriers[0]), name(carriers[1])
            )
        if len(carriers) != 1:
            return {}
        carrier = name(carriers[0])
        if equation.primitive == "neg":
            why = f"The minus sign is lost: this step changes the sign of `{carrier}`."
            return {f"{left} = {carrier}": why}
        if equation.primitive == "mul" and len(factors) == 1:
            return self._product_mistakes(equation, carriers[0], factors[0])
        return {}

    def _sum_mistakes(self, left: str, one: str, other: str) -> dict[str, str]:
        return {
            f"{left} = {other}": (
                f"`{one}` is overwritten. Both are parts of the same derivative, and parts are "
                "added."
            ),
            f"{left} = {one} * {other}": (
                "Parts that come along different paths are added. Only the factors along one path "
                "are multiplied."
            ),
        }

    def _product_mistakes(
        self, equation: Equation, carrier: int, factor: int
    ) -> dict[str, str]:
        values = self.program.values
        left, moved = values[equation.results[0]], values[carrier]
        right = operand(values[factor])
        mistakes = {}
        if value_text(left) != value_text(moved):
            mistakes[f"{left.name} = {moved.name}"] = (
                f"The factor `{right}` is missing: `{moved.name}` is multiplied by it."
            )
        row = self.words.rows.get(equation.primal or "")
        for other in row.operands if row else ():
            same_shape = values[other].shape == values[factor].shape
            if not same_shape or value_text(values[other]) == value_text(
                values[factor]
            ):
                continue
            pair = {carrier: moved.name, factor: operand(values[other])}
            text = " * ".join(pair[o] for o in equation.operands)
            why = f"`{operand(values[other])}` is the wrong factor: it is `{right}` here."
            if row is not None and row.primitive == "mul":
                why += " In a product, each factor is multiplied by the derivative of the *other*."
            mistakes[f"{left.name} = {text}"] = why
        return mistakes

    def _too_early(self, step: int) -> dict[str, str]:
        """Return a line of the derivative that comes later, and what it still waits for."""
        for later in range(step + 1, len(self.texts)):
            equation = self.program.equations[later]
            if equation.roles.isdisjoint({"tangent", "adjoint"}):
                continue
            for value in equation.operands:
                if self.made_at.get(value, -1) >= step:
                    name = self.words.name(value)
                    why = f"This line comes later: it reads `{name}`, which is not computed yet."
                    return {self.texts[later]: why}
        return {}


def shape_questions(
    outputs: Sequence[Leaf], inputs: Sequence[Leaf]
) -> list[Question]:
    """Return questions for the shapes of the blocks of a Jacobian, those with the most axes."""
    questions = [_shape_question(y, x) for y in outputs for x in inputs]
    questions.sort(key=lambda question: -question.right.text.count(","))
    return questions[:MOST_BLOCKS]


def _shape_question(y: Leaf, x: Leaf) -> Question:
    out = y.shape
    right = str(out + x.shape)
    wrong = {
        str(
            x.shape + out
        ): "The axes of the *output* come first: rows before columns.",
        str((y.size, x.size)): (
            "That is the block as a matrix. JAX leaves all axes as they are."
        ),
        str(out): (
            f"That is the shape of the output `{y.name}`. Each entry of it has a derivative for "
            f"each entry of `{x.name}`."
        ),
        str(x.shape): (
            f"That is the shape of the input `{x.name}`. There is a derivative for each "
            f"entry of `{y.name}`, too."
        ),
    }
    wrong.pop(right, None)
    return _choice_question(
        f"shape of ∂{y.name}/∂{x.name}",
        f"`{y.name}` has the shape {out}, and `{x.name}` the shape {x.shape}. What is the "
        f"shape of the derivative of `{y.name}` with respect to `{x.name}`?",
        (right, f"Output and then input: {out} + {x.shape}."),
        wrong,
    )


def ratio_questions(
    rows: Sequence[Mapping[str, Any]], about: str, size: int
) -> list[Question]:
    """Return a question for what a derivative costs, or which function is the cheapest.

    Args:
        rows: name and FLOPs of each function.
        about: the function that the others are derivatives of; empty for functions by name.
        size: how many numbers it is differentiated with respect to.

    Raises:
        ValueError: where too few functions have FLOPs to compare.
    """
    flops = {row["name"]: row["flops"] for row in rows if row.get("flops")}
    question = _times_question(flops, size) if about else _least_question(flops)
    if question is None:
        raise ValueError(
            "There is nothing to ask for: too few FLOPs to compare."
        )
    return [question]


def _times_question(flops: Mapping[str, float], size: int) -> Question | None:
    reverse = "grad" if "grad" in flops else "vjp"
    if "f" not in flops or reverse not in flops:
        return None
    what = {"grad": "its gradient", "vjp": "a vector–Jacobian product"}[reverse]
    ratio = flops[reverse] / flops["f"]
    wrong = {
        1.0: "That is the forward pass alone. The backward pass has work of its own.",
        float(
            size
        ): f"That would be one pass for each of {size:,} inputs. The backward pass gives "
        "all of them at once.",
        ratio
        - 1: "That leaves out the forward pass: f itself has to be computed as well.",
        ratio * 2: "That is twice as much as was counted.",
    }
    taken = [ratio]
    apart = {}
    for value, why in wrong.items():
        near = any(abs(value - other) <= APART * other for other in taken)
        if value >= 1 and not near:
            taken.append(value)
            apart[times_text(value)] = why
    return _choice_question(
        "ratio",
        f"How many times the FLOPs of f does {what} take, counted in the jaxpr?",
        (times_text(ratio), "That is what was counted."),
        apart,
    )


def _least_question(flops: Mapping[str, float]) -> Question | None:
    if len(flops) < 2 or list(flops.values()).count(min(flops.values())) > 1:
        return None
    least = min(flops, key=lambda name: flops[name])
    choices = []
    for name, count in flops.items():
        why = f"`{name}` takes {number_text(count)} FLOPs"
        if name != least:
            why += f", and `{least}` {number_text(flops[least])}"
        choices.append(Choice(name, f"{why}.", name == least))
    return Question("fewest", "Which of them takes the fewest FLOPs?", choices)


def saved_questions(program: Program) -> list[Question]:
    """Return a question for the values that a backward pass needs again.

    Raises:
        ValueError: where nothing is saved, or too much to be listed.
    """
    values = program.values
    saved = list(
        dict.fromkeys(r.value for r in program.residuals if not r.free)
    )
    if not 1 <= len(saved) <= MOST_NAMES:
        raise ValueError(
            f"There is nothing to ask for: {len(saved)} values are saved for the backward pass, "
            f"and asking takes 1 to {MOST_NAMES}."
        )
    computed = [r for e in program.rows for r in e.results]
    guesses = [
        [*program.inputs, *computed],
        computed,
        list(program.inputs),
        [*saved, *[v for v in computed if v not in saved][-1:]],
        saved[1:],
    ]
    right = _saved_answer(program, saved, saved)
    wrong: dict[str, str] = {}
    for guess in guesses:
        if guess and set(guess) != set(saved):
            text, why = _saved_answer(program, guess, saved)
            wrong.setdefault(text, why)
    wrong.pop(right[0], None)
    total = sum(values[v].nbytes for v in saved)
    ask = (
        f"The backward pass of {program.name} needs {bytes_text(total)} of values again. "
        "Which are they?"
    )
    return [_choice_question("saved", ask, right, wrong)]


def _choice_question(
    name: str,
    ask: str,
    right: tuple[str, str],
    wrong: Mapping[str, str],
    **more: Any,
) -> Question:
    """Return a question with its right answer and the first few of the wrong ones.

    Args:
        name: of the question.
        ask: what is asked.
        right: the right answer, and what is said to it.
        wrong: the others, each with what is said to it.
        **more: further fields of the question.
    """
    choices = [Choice(*right, right=True)]
    for text, why in list(wrong.items())[: MOST_CHOICES - 1]:
        choices.append(Choice(text, why))
    return Question(name, ask, shuffle(name, choices), **more)


def _saved_answer(
    program: Program, guess: Sequence[int], saved: Sequence[int]
) -> tuple[str, str]:
    names = [program.values[v].name for v in sorted(guess)]
    missing = [v for v in saved if v not in guess]
    extra = [v for v in guess if v not in saved]
    reasons = []
    if missing:
        reasons.append(_reader(program, missing[0]))
    if extra:
        name = program.values[extra[0]].name
        reasons.append(f"Nothing in the backward pass reads `{name}`.")
    if not reasons:
        reasons = [_reader(program, v) for v in saved[:2]]
    return listed(names, MOST_NAMES), " ".join(reasons)


def _reader(program: Program, value: int) -> str:
    """Return which equation of the backward pass reads a value."""
    residual = next(r for r in program.residuals if r.value == value)
    equations = {e.path: e for e in program.equations}
    line = statement(program, equations[residual.used_by[0]])
    return f"`{program.values[value].name}` is read by `{line}`."
