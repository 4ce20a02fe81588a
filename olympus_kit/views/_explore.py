"""`explore`: a view with a slider for what goes in, with Python behind it or without.

Without Python the slider goes over frames, which are computed when the explorer is made; with it
(`.live()`) Python answers at any point.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from ..program import Program, walk
from ._format import listed
from ._formula import number, plural, size_text, statement
from ._frames import Shot, frame_data
from ._types import Data
from ._view import View, module, pack

P = ParamSpec("P")
V = TypeVar("V", bound=View)
Entry = tuple[int, tuple[int, ...]]  # leaf, index in the leaf

FRAMES = {1: 21, 2: 7}  # for each slider, by how many there are
FEWEST = 3  # frames that a slider keeps, whatever the budget
MOST_FAILING = 3  # points at which f raises that are told


@dataclass(frozen=True)
class Axis:
    """What a slider changes, and the values that it goes through."""

    name: str
    values: tuple[float, ...]
    start: int  # the value at which it stands at first
    labels: tuple[str, ...] = ()  # what is chosen instead of a number

    def thinned(self) -> Axis:
        """Return every other value, the first and about the last of them."""
        return Axis(
            self.name, self.values[::2], self.start // 2, self.labels[::2]
        )

    def at(self, x: float) -> str:
        """Return where the slider stands, in words."""
        if self.labels:
            return self.labels[self.values.index(x)]
        return f"{self.name} = {number(x)}"


@dataclass(frozen=True)
class Recipe:
    """How a view was made, so that it can be made at other points."""

    make: Callable[..., View]
    args: tuple[Any, ...]
    options: Mapping[str, Any]

    def explore(
        self,
        view: View,
        ranges: Mapping[str, Any],
        frames: int | None,
        budget: int,
        arguments: Callable[..., Any] | None,
    ) -> Explorer:
        """Return the explorer of a view; see `View.explore`."""
        if len(ranges) not in FRAMES:
            raise ValueError(
                f"An explorer has one slider or two; got {len(ranges)}: say what to change, as in "
                "explore(x=(0.0, 1.0))."
            )
        if arguments is not None:
            at = functools.partial(
                self._from_arguments, arguments, tuple(ranges)
            )
            starts = dict.fromkeys(ranges, math.nan)
        else:
            names, values = _inputs(self._bound())
            entries = _entries(names, values)
            leaves = jax.tree.leaves(values)
            starts = {}
            for name in ranges:
                if name not in entries:
                    raise ValueError(
                        f"{name!r} does not name a number to change. There are: "
                        f"{listed(list(entries), 8)}."
                    )
                k, index = entries[name]
                starts[name] = np.asarray(leaves[k])[index].item()
            at = functools.partial(self._with_entries, entries, tuple(ranges))
        axes = [
            _axis(name, ranges[name], starts[name], frames, len(ranges))
            for name in ranges
        ]
        return Explorer(view, at, axes, budget)

    # ---- points ----------------------------------------------------------------------------------

    def _bound(self) -> inspect.BoundArguments:
        """Return the arguments that the view was made with; no point asks."""
        bound = inspect.signature(self.make).bind(*self.args, **self.options)
        bound.arguments.pop("ask", None)
        return bound

    def values(self) -> tuple[Any, ...]:
        """Return what the function is called with."""
        values: tuple[Any, ...] = self._bound().arguments.get("args", ())
        return values

    def again(self, **arguments: Any) -> View:
        """Return the view with some of its arguments replaced, by parameter."""
        bound = self._bound()
        bound.arguments.update(arguments)
        return self.make(*bound.args, **bound.kwargs)

    def _with_entries(
        self,
        entries: Mapping[str, Entry],
        names: Sequence[str],
        point: Sequence[float],
    ) -> View:
        """Return the view with some numbers replaced."""
        inputs, values = _inputs(self._bound())
        leaves, tree = jax.tree.flatten(values)
        for name, x in zip(names, point, strict=True):
            k, index = entries[name]
            leaves[k] = _replaced(leaves[k], index, x)
        values = jax.tree.unflatten(tree, leaves)
        if "args" in inspect.signature(self.make).parameters:
            return self.again(args=tuple(values))
        return self.again(**dict(zip(inputs, values, strict=True)))

    def _from_arguments(
        self,
        arguments: Callable[..., Any],
        names: Sequence[str],
        point: Sequence[float],
    ) -> View:
        """Return the view of the arguments that a function makes of the sliders' values."""
        sizes = {}
        for name, x in zip(names, point, strict=True):
            sizes[name] = int(x) if float(x).is_integer() else x
        values = arguments(**sizes)
        return self.again(
            args=values if isinstance(values, tuple) else (values,)
        )


def explorable(make: Callable[P, V]) -> Callable[P, V]:
    """Return a function that makes the same views, and writes down how."""

    @functools.wraps(make)
    def recorded(*args: P.args, **options: P.kwargs) -> V:
        view = make(*args, **options)
        view.recipe = Recipe(recorded, args, options)
        return view

    return recorded


def _inputs(bound: inspect.BoundArguments) -> tuple[list[str], list[Any]]:
    """Return the names and the values of what goes into the function of a view."""
    arguments = bound.arguments
    if "args" in bound.signature.parameters:
        f = arguments["f"]
        if isinstance(f, Mapping):
            f = next(iter(f.values()))
        values = list(arguments.get("args", ()))
        return _names(f, len(values)), values
    inputs = {}
    for name, value in arguments.items():
        if not callable(value) and name != "span":
            inputs[name] = value
    return list(inputs), list(inputs.values())


def _entries(names: Sequence[str], values: list[Any]) -> dict[str, Entry]:
    """Return every number that goes in, by its name."""
    entries: dict[str, Entry] = {}
    paths, _ = jax.tree_util.tree_flatten_with_path(values)
    for k, ((place, *path), leaf) in enumerate(paths):
        if isinstance(leaf, (str, jax.ShapeDtypeStruct)):
            continue
        label = names[place.idx] + jax.tree_util.keystr(tuple(path))
        for index in np.ndindex(*np.shape(leaf)):
            name = label
            if index:
                name += f"[{', '.join(map(str, index))}]"
            entries[name] = (k, index)
    return entries


def _names(f: Any, count: int) -> list[str]:
    """Return the names of a function's parameters, as far as they can be known."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for k in range(count):
        plain = k < len(parameters) and parameters[k].kind not in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )
        names.append(parameters[k].name if plain else f"arg{k}")
    return names


def _replaced(leaf: Any, index: tuple[int, ...], value: float) -> Any:
    """Return a leaf with one number replaced, of the type that it had."""
    if isinstance(leaf, (int, float)) and not isinstance(leaf, bool):
        return type(leaf)(value)
    array = np.array(leaf)
    array[index] = value
    return jax.numpy.asarray(array)


def _axis(
    name: str, given: Any, now: float, frames: int | None, count: int
) -> Axis:
    """Return the values of a slider; each has fewer points where there are `count` of them.

    Raises:
        ValueError: for what is neither a range from a smaller to a larger number nor a list.
    """
    if isinstance(given, list):
        values = given
    else:
        points = FRAMES[count] if frames is None else frames
        # a size is a whole number, and what `arguments` is given may be one
        whole = isinstance(now, int) or np.isnan(now)
        values = _spread(name, given, points, whole)
    finite = all(
        isinstance(x, (int, float)) and math.isfinite(x) for x in values
    )
    if len(values) < 2 or not finite or len(set(values)) < len(values):
        raise ValueError(
            f"The values of {name} must be at least two different finite numbers; got {given!r}."
        )
    distances = [abs(x - now) for x in values]
    start = 0 if np.isnan(now) else distances.index(min(distances))
    return Axis(name, tuple(values), start)


def _spread(name: str, given: Any, count: int, whole: bool) -> list[float]:
    """Return points from one end of a range to the other; whole numbers between two such ends."""
    try:
        low, high = given
        is_range = math.isfinite(low) and math.isfinite(high) and low < high
    except (TypeError, ValueError):
        is_range = False
    if not is_range:
        raise ValueError(
            f"The range of {name} must be a pair of numbers, from the smaller to the larger, as "
            f"(0.0, 1.0), or a list of values; got {given!r}."
        )
    if count < 2:
        raise ValueError(
            f"frames is a number of points, at least 2; got {count}."
        )
    if whole and isinstance(low, int) and isinstance(high, int):
        return sorted({
            round(low + (high - low) * k / (count - 1)) for k in range(count)
        })
    return [
        float(f"{low + (high - low) * k / (count - 1):.12g}")
        for k in range(count)
    ]


class Explorer(View):
    """A view at many points: sliders say where, and the front-end of the view shows it there."""

    def __init__(
        self,
        view: View,
        at: functools.partial[View],
        axes: list[Axis],
        budget: int,
    ) -> None:
        self.view, self.at, self.axes, self.budget = view, at, axes, budget
        self.scripts = view.scripts
        self._programs: dict[str, int] = {}
        points = self.points
        self._shots = {point: self._shot(point) for point in points}
        errors = [shot.error for shot in self._shots.values()]
        if all(errors):
            raise ValueError(
                f"At none of {len(points)} points is there anything to show. At the first: "
                f"{errors[0]}"
            )
        self._data = self._fitting()

    def _shot(self, point: Sequence[float]) -> Shot:
        """Return what there is at a point; an error is shown, not raised."""
        try:
            view = self.at(point)
            model = view.point_model()
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            return Shot(error=f"{type(error).__name__}: {lines[0]}")
        program = self._programs.setdefault(
            signature(view), len(self._programs)
        )
        return Shot(model, bad=is_bad(view), program=program)

    def _fitting(self) -> Data:
        """Return the frames as plain data, as many as the budget allows."""
        while True:
            data = frame_data([self._shots[point] for point in self.points])
            size = len(pack(data))
            longest = max(len(axis.values) for axis in self.axes)
            if size <= self.budget or longest <= FEWEST:
                self.size = size
                return data
            self.axes = [axis.thinned() for axis in self.axes]

    @property
    def points(self) -> list[tuple[float, ...]]:
        """The points of the frames, in their order: the last slider changes fastest."""
        return list(product(*(axis.values for axis in self.axes)))

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is shown, and what can be changed."""
        ranges = []
        for axis in self.axes:
            low, high = number(axis.values[0]), number(axis.values[-1])
            ranges.append(f"{axis.name} from {low} to {high}")
            if axis.labels:
                return f"A gallery of {len(axis.labels)} functions"
        return f"{self.view.title}; {' and '.join(ranges)}"

    @property
    def notes(self) -> list[str]:
        """How many points there are, where the program changes, where there is nothing."""
        count = plural(len(self.points), "point")
        notes = [
            f"{count}, {size_text(self.size)} of at most {size_text(self.budget)}"
        ]
        notes += self._changes()
        failing = []
        for point in self.points:
            error = self._shots[point].error
            if error:
                failing.append(f"{self._at(point)}: {error}")
        notes += failing[:MOST_FAILING]
        more = len(failing) - MOST_FAILING
        if more > 0:
            notes.append(f"and {more} more")
        return notes

    def _at(self, point: Sequence[float]) -> str:
        pairs = zip(self.axes, point, strict=True)
        return ", ".join(axis.at(x) for axis, x in pairs)

    def _changes(self) -> list[str]:
        """Say between which points of a single slider the program itself changes.

        Of other sizes every program is another one, since its shapes are written in it.
        """
        if self.at.func.__name__ == "_from_arguments" or self.axes[0].labels:
            return []
        working = {}  # point -> its program
        for point in self.points:
            shot = self._shots[point]
            if not shot.error:
                working[point] = shot.program
        changes = []
        for one, other in pairwise(working):
            if working[one] != working[other]:
                changes.append(
                    f"the program itself changes between {self._at(one)} and {self._at(other)}"
                )
        if changes and len(self.axes) > 1:
            many = len(set(working.values()))
            return [f"{many} different programs lie in this range"]
        return changes

    def model(self) -> Data:
        """Return sliders, frames and notes as plain data."""
        programs = {s.program for s in self._shots.values() if not s.error}
        chosen = bool(self.axes[0].labels)  # all are different programs then
        return {
            "title": self.title,
            "axes": [asdict(axis) for axis in self.axes],
            "notes": self.notes,
            "programs": 1 if chosen else len(programs),
            **self._data,
        }

    def text(self, color: bool = False) -> str:
        """Return the view as it stands at first, and one line for each point."""
        lines = [self.title, *(f"note: {note}" for note in self.notes), ""]
        lines += [f"{self._at(point)}: {line}" for point, line in self._lines()]
        return "\n".join([*lines, "", self.view.text(color)])

    def _lines(self) -> Iterator[tuple[tuple[float, ...], str]]:
        for point in self.points:
            shot = self._shots[point]
            bad = "NaN or inf; " if shot.bad else ""
            yield point, shot.error or bad + summary(shot.model or {})

    def svg(self) -> str:
        """Return the picture at the first point."""
        return self.view.svg()

    def live(self) -> Any:
        """Return a widget over the same front-end, in which Python answers at any point."""
        from ._widget import widget

        live = widget(self.model() | {"live": True}, module(self.scripts))

        def answer(change: Any) -> None:
            asked = change["new"]
            shot = self._shot(asked["values"])
            reply = {"serial": asked["serial"], "error": shot.error}
            if shot.model is not None:
                reply |= {
                    "view": shot.model,
                    "bad": shot.bad,
                    "program": shot.program,
                }
            change["owner"].answer = reply

        live.observe(answer, "point")
        return live


def summary(model: Mapping[str, Any]) -> str:
    """Return what a view found at a point in one line: values and derivatives, or its finding."""
    if "outputs" not in model:
        return str(model["finding"])
    ends = [*model["outputs"], *model["inputs"]]
    words = []
    for end in ends:
        words.append(f"{end['name']} = {end['value']}")
        if end["partner"]:  # an input that is not differentiated has none
            words.append(f"{end['partner']} = {end['derivative']}")
    return ", ".join(words)


def signature(view: View) -> str:
    """Return what makes a program another one: its lines, and the branches that were taken."""
    program = getattr(view, "program", None)
    if not isinstance(program, Program):
        return ""
    lines = []
    for equation in walk(program.equations):
        taken = [body.taken for body in equation.bodies]
        lines.append(f"{statement(program, equation)} {taken}")
    return "\n".join(lines)


def is_bad(view: View) -> bool:
    """Return whether NaN or inf is in a view."""
    program = getattr(view, "program", None)
    if isinstance(program, Program):
        return bool(program.first_bad)
    matrix = getattr(view, "matrix", None)
    return matrix is not None and not bool(np.isfinite(matrix).all())
