"""A question's specification: plain data, apart from the code that runs it.

Nothing here needs a notebook, and nothing knows the text of a solution: what is right is said by
a dense float64 construction (a whole Jacobian, a formula) or by laws. An author meets four
concepts: `Question`, `Requirement`, `Mistake`, `CostLimit`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

Arguments = Mapping[str, Any]
# the names under which JAX's derivatives are known: for `without`, where a rule is to be written
DERIVATIVES = (
    "grad",
    "value_and_grad",
    "jvp",
    "vjp",
    "jacfwd",
    "jacrev",
    "jacobian",
    "hessian",
    "linearize",
)


class Unsolved(Exception):
    """Stands where an answer is missing: raised by a function, held by a value.

    It is not NotImplementedError, because JAX raises that itself.

    ```python
    def hvp(f, x, v):
        raise Unsolved("hvp")


    shapes = Unsolved("shapes")
    ```
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} has no answer yet: replace this line, then run the check below."


@dataclass(frozen=True)
class Mistake:
    """A mistake that students really make: what it leads to, its message, where to read again.

    - `id`, `name`: for authors and for students.
    - `message`, `example`: may use `{part}`, `{got}`, `{want}`, `{where}` and what was detected.
    - `read`: the page to read again.
    - `raised`: exceptions that show the mistake, as "TypeError: a piece of its text".
    - `result`: what the mistake makes of the arguments, in place of the right result; `part`
      names the one returned part that it changes.
    - `code`: a regular expression that the student's code must hold before the message is shown;
      with "!" in front, one that it must not hold. A message that says what was *written* needs it.
    - `general`: it says what came out and names no mistake; the place of one is looked for then.
    """

    id: str = ""
    name: str = ""
    message: str = ""
    example: str = "{where}, {entry} is {got} in yours; it should be {want}."
    read: str = ""
    raised: Sequence[str] = ()
    result: Callable[..., Any] | None = None
    part: str | None = None
    code: str = ""
    general: bool = False


@dataclass(frozen=True)
class Requirement:
    """What a right answer must keep beside the right numbers. One of two kinds.

    - `holds` gets the answer itself and the arguments of a case. False, an exception or a dict of
      facts for the message means that it does not hold there.
    - `sides` gets the call and the arguments, and returns two numbers that a right answer makes
      equal: a law, which needs no reference. `statement` says it in words.
    """

    id: str
    holds: Callable[[Any, dict[str, Any]], bool | dict[str, str]] | None = None
    statement: str = ""
    sides: Callable[[Callable[..., Any], Arguments], tuple[Any, Any]] | None = (
        None
    )


@dataclass(frozen=True)
class CostLimit:
    """What an answer may cost when it runs on `arguments`; one kind each.

    - `largest`: the most elements that any intermediate array may have; `size` says for what.
    - `calls`: the most calls of a function that is an argument, by the argument's name; of a
      list of functions, each may be called that many times.
    - `mode`: how it must differentiate: "forward", "reverse", "forward-over-reverse", …
    """

    id: str
    arguments: Callable[[], Arguments]
    largest: int | None = None
    size: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    mode: str = ""


@dataclass(frozen=True)
class Credit:
    """Points of a question for one part of a right answer, with the reason for them.

    `part` is "shape" (containers and shapes are right), "value" (so are all numbers), "law" (what
    is required holds, too) or "cost" (within all limits); each stands on those before it.
    """

    part: str
    points: float
    reason: str


@dataclass(frozen=True)
class Case:
    """One call of the answer: a label for messages, the arguments by name, and which point it is.

    `tangents` names the arguments that are tangents or cotangents.
    """

    label: str
    arguments: Arguments
    point: int = 0
    tangents: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Question:
    """What a right answer to one question is, and which wrong answers are foreseen.

    - `returns`: the name of the result, or a tuple of names.
    - `points`: the arguments to try, by name and in order; at least two.
    - `tangents`: functions of a point that give further arguments (tangents, cotangents); none, or
      at least two.
    - `labels`: for messages, what each point is in words; the numbers in it where there are none.
    - `large_points`: which points are large (an index each; at least one).
    - `reference`: the right result, built densely in float64.
    - `shape_of`: for a returned part, the argument whose shape it must have.
    - `predictions`: mistake id -> the mistake with the `result` it leads to; tried in this order.
    - `mistakes`: those of this question alone, with their messages.
    - `requirements`: what must hold beside the right numbers.
    - `cost_limits`: what the answer may cost.
    - `without`: names that the answer's functions must not use, where the question is how one
      writes what they do; its text says so.
    - `answer`: "function", or "value" for an answer that is not a function.
    - `adapt`: makes of the answer what is called with the arguments; the answer itself where None.
    - `call`: how the answer is called, in words, where the arguments' names do not say it.
    - `credits`: the points that grading gives; where there are none, one point for a right answer.

    Raises ValueError when the specification itself is too weak to trust.
    """

    name: str
    returns: str | tuple[str, ...]
    reference: Callable[..., Any]
    points: Sequence[Arguments] = ()
    tangents: Sequence[Callable[[Arguments], Arguments]] = ()
    labels: Sequence[str] = ()
    large_points: Sequence[int] = ()
    shape_of: Mapping[str, str] = field(default_factory=dict)
    requirements: Sequence[Requirement] = ()
    predictions: Mapping[str, Mistake] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()
    cost_limits: Sequence[CostLimit] = ()
    without: Sequence[str] = ()
    read: str = ""
    answer: str = "function"
    adapt: Callable[[Any], Callable[..., Any]] | None = None
    call: str = ""
    rtol: float = 1e-11
    rtol32: float = 3e-5
    credits: Sequence[Credit] = ()

    def __post_init__(self) -> None:
        if self.answer == "value":
            return
        if len(self.points) < 2 or len(self.tangents) == 1:
            raise ValueError(
                f"{self.name}: try at least two points, and two tangents if any."
            )
        places = range(len(self.points))
        if not self.large_points or not all(
            i in places for i in self.large_points
        ):
            raise ValueError(
                f"{self.name}: say in `large_points` which of the points is a large one."
            )

    def cases(self) -> list[Case]:
        """Every point with every tangent."""
        if self.answer == "value":
            return [Case("here", {})]
        cases = []
        for i, point in enumerate(self.points):
            directions = [tangent(point) for tangent in self.tangents] or [{}]
            for j, direction in enumerate(directions):
                label = self._label(i, j, direction)
                arguments = {**point, **direction}
                cases.append(Case(label, arguments, i, tuple(direction)))
        return cases

    def _label(self, point: int, tangent: int, direction: Arguments) -> str:
        if self.labels:
            words = self.labels[point]
        else:
            words = _describe_point(self.points[point])
        if point in self.large_points and "large" not in words:
            words += "; large numbers"
        label = f"At test point {point + 1} ({words})"
        if direction:
            label += f", {' and '.join(direction)} no. {tangent + 1}"
        return label

    @property
    def asked_for(self) -> str:
        """What the question asks for, by name."""
        if isinstance(self.returns, str):
            return self.returns
        return f"a tuple ({', '.join(self.returns)})"

    @property
    def called_as(self) -> str:
        """How the answer is called."""
        if self.call:
            return self.call
        return f"{self.name}({', '.join(self.cases()[0].arguments)})"


def _describe_point(point: Arguments) -> str:
    """The numbers of a point, short: `x = 0.2`, or `x of shape (5, 3)`."""
    words = []
    for name, value in point.items():
        if isinstance(value, float):
            words.append(f"{name} = {value:g}")
    for name, value in point.items():
        if isinstance(value, np.ndarray) and value.ndim:
            words.append(f"{name} of shape {value.shape}")
        elif isinstance(value, np.ndarray):
            words.append(f"{name} = {float(value):g}")
    return ", ".join(words)


# What specifications are built from: inputs, dense references, laws.


def test_array(
    shape: tuple[int, ...],
    phase: float = 0.0,  # noqa: PT028 - not a test
    scale: float = 1.0,  # noqa: PT028
) -> np.ndarray[Any, Any]:
    """Deterministic numbers without a pattern that a wrong answer could share, shape `shape`.

    They are exact in float32, so that both precisions see the same inputs.

    ```python
    test_array((2, 3)).shape  # (2, 3)
    ```
    """
    size = int(np.prod(shape, dtype=int))
    place = np.arange(1, size + 1)
    raw = np.sin(1.7 * place**1.3 + phase) + 0.1 * np.cos(phase)
    single = (scale * raw).astype(np.float32)
    exact: np.ndarray[Any, Any] = single.astype(np.float64)
    return exact.reshape(shape)


test_array.__test__ = False  # type: ignore[attr-defined]  # pytest: not a test


def dense_pullback(
    f: Callable[..., Any], args: Sequence[Any], u: Any
) -> tuple[Any, ...]:
    """The VJP the slow and safe way: every whole Jacobian, column by column, contracted with u."""
    jacobians = jax.jacfwd(f, argnums=tuple(range(len(args))))(*args)
    return tuple(
        np.tensordot(u, jacobian, axes=np.ndim(u)) for jacobian in jacobians
    )


def linear_in(argument: str) -> Requirement:
    """The law that doubling `argument` doubles every result."""

    def sides(
        call: Callable[..., Any], arguments: Arguments
    ) -> tuple[Any, Any]:
        doubled = {
            **arguments,
            argument: 2 * np.asarray(arguments[argument]),
        }
        twice = jax.tree.map(lambda part: 2 * part, call(**arguments))
        return call(**doubled), twice

    statement = f"twice the {argument} gives twice the result"
    return Requirement(
        f"linear-in-{argument}", statement=statement, sides=sides
    )


def adjoint(
    f: Callable[..., Any], wrt: Sequence[str], cotangent: str
) -> Requirement:
    """The law ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, with J that of `f` with respect to its arguments `wrt`."""

    def sides(
        call: Callable[..., Any], arguments: Arguments
    ) -> tuple[Any, Any]:
        primals = tuple(arguments[name] for name in wrt)
        tangents = tuple(
            test_array(np.shape(p), phase=3.0 + i)
            for i, p in enumerate(primals)
        )
        pushed = jax.jvp(f, primals, tangents)[1]
        pulled = call(**arguments)
        if not isinstance(pulled, (tuple, list)):
            pulled = (pulled,)
        products = [
            np.vdot(b, t) for b, t in zip(pulled, tangents, strict=True)
        ]
        return sum(products), np.vdot(arguments[cotangent], pushed)

    return Requirement(
        "adjoint",
        statement="⟨u, J v⟩ = ⟨Jᵀu, v⟩ for every v",
        sides=sides,
    )


def symmetric() -> Requirement:
    """The law that the result is a symmetric matrix, as every Hessian is."""

    def sides(
        call: Callable[..., Any], arguments: Arguments
    ) -> tuple[Any, Any]:
        matrix = call(**arguments)
        return matrix, np.transpose(matrix)

    statement = "a matrix of second derivatives equals its transpose"
    return Requirement("symmetric", statement=statement, sides=sides)
