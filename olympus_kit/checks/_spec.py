"""A question's specification: plain data, apart from the code that runs it.

Nothing here needs a notebook, and nothing knows the text of a solution: what is right is said by
a dense float64 construction (a whole Jacobian, a formula) or by laws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
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
    found out.
    """

    id: str
    name: str
    message: str
    example: str = "{where}, {entry} is {got} in yours; it should be {want}."
    read: str = ""


@dataclass(frozen=True)
class Law:
    """Two numbers that any right answer makes equal; needs no reference."""

    id: str
    says: str
    sides: Callable[[Callable[..., Any], Arguments], tuple[Any, Any]]


@dataclass(frozen=True)
class Limit:
    """The most elements that any intermediate may have when the answer runs on `arguments`."""

    id: str
    arguments: Callable[[], Arguments]
    largest: int
    size: str


@dataclass(frozen=True)
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
    rtol: float = 1e-9
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
            Case(self._label(i, j, extra), {**point, **extra})
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
    """One call of the answer: a label for messages, and the arguments by name."""

    label: str
    arguments: Arguments


def wave(shape: tuple[int, ...], phase: float = 0.0, scale: float = 1.0) -> np.ndarray[Any, Any]:
    """Deterministic numbers without a pattern that a wrong answer could share, shape `shape`.

    They are exact in float32, so that both precisions see the same inputs.

    ```python
    wave((2, 3)).shape  # (2, 3)
    ```
    """
    size = int(np.prod(shape, dtype=int))
    raw: np.ndarray[Any, Any] = np.sin(1.7 * np.arange(1, size + 1) ** 1.3 + phase) + 0.1 * np.cos(
        phase
    )
    exact: np.ndarray[Any, Any] = (scale * raw).astype(np.float32).astype(np.float64)
    return exact.reshape(shape)


def dense_pullback(f: Callable[..., Any], args: Sequence[Any], u: Any) -> tuple[Any, ...]:
    """The VJP the slow and safe way: every whole Jacobian, column by column, contracted with u."""
    jacobians = jax.jacfwd(f, argnums=tuple(range(len(args))))(*args)
    return tuple(np.tensordot(u, jacobian, axes=np.ndim(u)) for jacobian in jacobians)


def linear_in(argument: str) -> Law:
    """The law that doubling `argument` doubles every result."""

    def sides(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
        twice = call(**{**arguments, argument: 2 * np.asarray(arguments[argument])})
        return twice, jax.tree.map(lambda part: 2 * part, call(**arguments))

    return Law(f"linear-in-{argument}", f"twice the {argument} gives twice the result", sides)


def adjoint(f: Callable[..., Any], wrt: Sequence[str], cotangent: str) -> Law:
    """The law ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, with J that of `f` for its arguments `wrt`."""

    def sides(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
        primals = tuple(arguments[name] for name in wrt)
        tangents = tuple(wave(np.shape(p), phase=3.0 + i) for i, p in enumerate(primals))
        pushed = jax.jvp(f, primals, tangents)[1]
        back = call(**arguments)
        right = sum(np.vdot(b, t) for b, t in zip(back, tangents, strict=True))
        return np.vdot(arguments[cotangent], pushed), right

    return Law("adjoint", "⟨u, J v⟩ = ⟨Jᵀu, v⟩ for every v", sides)
