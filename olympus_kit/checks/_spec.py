"""A question's specification: plain data, apart from the code that runs it.

Nothing here needs a notebook, and nothing knows the text of a solution: what is right is said by
a dense float64 construction (a whole Jacobian, a formula) or by laws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Wrong:
    """The wrong result that a misconception leads to, for one returned part or for all."""

    result: Callable[..., Any]
    part: str | None = None


@dataclass(frozen=True)
class Misconception:
    """A mistake that students really make: its message, and where to read again.

    `message` and `example` may use `{part}`, `{got}`, `{want}`, `{where}` and what the detector
    found out. `raised` lists the exceptions that show it, as "TypeError: a piece of its text".
    """

    id: str
    name: str
    message: str
    example: str = "{where}, {entry} is {got} in yours; it should be {want}."
    read: str = ""
    raised: Sequence[str] = ()


@dataclass(frozen=True)
class Law:
    """Two numbers that any right answer makes equal; needs no reference."""

    id: str
    says: str
    sides: Callable[[Callable[..., Any], Arguments], tuple[Any, Any]]


@dataclass(frozen=True)
class Limit:
    """What an answer may cost when it runs on `arguments`; one kind each.

    - `largest`: the most elements that any intermediate array may have; `size` says for what.
    - `calls`: the most calls of a function that is an argument, by the argument's name; of a
      list of functions, each may be called so often.
    - `mode`: how it must differentiate: "forward", "reverse", "forward-over-reverse", …
    """

    id: str
    arguments: Callable[[], Arguments]
    largest: int | None = None
    size: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    mode: str = ""


@dataclass(frozen=True)
class Demand:
    """What a right number does not show, such as that a function has a rule of its own.

    `kept` gets the answer itself and the arguments of a case. False, an exception or a dict of
    facts for the message means that it is broken there.
    """

    id: str
    kept: Callable[[Any, dict[str, Any]], bool | dict[str, str]]


@dataclass(frozen=True, eq=False)
class Question:
    """What a right answer to one question is, and which wrong answers are known.

    - `returns`: the name of the result, or a tuple of names.
    - `points`: the arguments to try, by name and in order; at least two.
    - `tangents`: functions of a point that give further arguments (tangents, cotangents); none, or
      at least two.
    - `labels`: for messages, what each point is in words; the numbers in it where there are none.
    - `large`: which points are large (an index each; at least one).
    - `reference`: the right result, built densely in float64.
    - `like`: for a returned part, the argument whose shape it must have.
    - `wrong`: misconception id -> the wrong result it leads to; tried in this order.
    - `misconceptions`: those of this question alone.
    - `answer`: "function", or "value" for an answer that is no function.
    - `use`: makes of the answer what is called with the arguments; the answer itself where None.
    - `call`: how the answer is called, in words, where the arguments' names do not say it.
    - `demands`: what must hold beside the right numbers.

    Raises ValueError when the specification itself is too weak to trust.
    """

    name: str
    returns: str | tuple[str, ...]
    reference: Callable[..., Any]
    points: Sequence[Arguments] = ()
    tangents: Sequence[Callable[[Arguments], Arguments]] = ()
    labels: Sequence[str] = ()
    large: Sequence[int] = ()
    like: Mapping[str, str] = field(default_factory=dict)
    laws: Sequence[Law] = ()
    wrong: Mapping[str, Wrong] = field(default_factory=dict)
    misconceptions: Sequence[Misconception] = ()
    limits: Sequence[Limit] = ()
    read: str = ""
    answer: str = "function"
    use: Callable[[Any], Callable[..., Any]] | None = None
    call: str = ""
    demands: Sequence[Demand] = ()
    rtol: float = 1e-11
    rtol32: float = 3e-5

    def __post_init__(self) -> None:
        if self.answer == "value":
            return
        if len(self.points) < 2 or len(self.tangents) == 1:
            raise ValueError(f"{self.name}: try at least two points, and two tangents if any.")
        if not self.large or not all(0 <= i < len(self.points) for i in self.large):
            raise ValueError(f"{self.name}: say in `large` which of the points is a large one.")

    def cases(self) -> list["Case"]:
        """Every point with every tangent."""
        if self.answer == "value":
            return [Case("here", {})]
        return [
            Case(self._label(i, j, extra), {**point, **extra}, i, tuple(extra))
            for i, point in enumerate(self.points)
            for j, extra in enumerate([t(point) for t in self.tangents] or [{}])
        ]

    def _label(self, point: int, tangent: int, extra: Arguments) -> str:
        words = self.labels[point] if self.labels else _describe(self.points[point])
        second = f", {' and '.join(extra)} no. {tangent + 1}" if extra else ""
        large = ", a large one" if point in self.large else ""
        return f"At test point {point + 1} ({words}{large}){second}"


def _describe(point: Arguments) -> str:
    """The numbers of a point, short: `x = 0.2`, or `x of shape (5, 3)`."""
    said = [f"{n} = {v:g}" for n, v in point.items() if isinstance(v, float)]
    arrays = ((n, v) for n, v in point.items() if isinstance(v, np.ndarray))
    return ", ".join([*said, *(f"{n} of shape {v.shape}" for n, v in arrays)])


@dataclass(frozen=True)
class Case:
    """One call of the answer: a label for messages, the arguments by name, and which point it is.

    `tangents` names the arguments that are tangents or cotangents.
    """

    label: str
    arguments: Arguments
    point: int = 0
    tangents: tuple[str, ...] = ()
