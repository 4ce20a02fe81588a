"""The same functions at many sizes: curves, crossovers, and what failed where."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from ._charts import cursor, curves, level_axis
from ._draw import Canvas
from ._figure import Figure, Step, Table
from ._measure import failure
from ._metrics import METRICS, cell
from ._timing import tracked

Sizes = Mapping[str, int]
Rows = Sequence[dict[str, Any]]


class Measured(Protocol):
    """What a measurement at one size returns: a figure that has rows."""

    rows: list[dict[str, Any]]


class Sweep(Figure):
    """Costs over sizes; the first size runs along the axis of the picture."""

    kind = "curves"
    idle = "Step through the sizes: the words say what stands at the line."

    def __init__(
        self,
        measure: Callable[[Sizes], Measured],
        names: Sequence[str],
        points: Sequence[tuple[Sizes, Rows]],
        stopped: Sequence[str] = (),
        metric: str = "flops",
    ) -> None:
        self._measure, self.names, self.points = measure, names, list(points)
        self.metric, self.stopped = metric, stopped
        self.across = names[0]
        self.notes = list(stopped)
        for at, rows in points:
            for row in rows:
                if "note" in row:
                    name = f", {row['name']}" if "name" in row else ""
                    self.notes.append(f"{_words(at)}{name}: {row['note']}")

    def of(self, metric: str) -> Sweep:
        """Return the same sweep drawn for another metric, such as "peak" or "flops_compiled".

        Raises:
            ValueError: for a metric that was not measured.
        """
        known = [
            key
            for key in METRICS
            if any(key in record for record in self.records())
        ]
        if metric not in known:
            raise ValueError(
                f"metric must be one of {', '.join(known)}; got {metric!r}."
            )
        measure = self.__dict__.get("_measure", _nothing)
        return Sweep(measure, self.names, self.points, self.stopped, metric)

    @property
    def title(self) -> str:
        """The metric, and over which sizes."""
        return f"{METRICS[self.metric][0]} over {', '.join(self.names)}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """Where curves cross."""
        return (
            " ".join(f"{c}." for c in self.crossings())
            or "No two curves cross."
        )

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each function at each size; a note where it failed."""
        return [{**at, **row} for at, rows in self.points for row in rows]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Return, for each function and each combination of the further sizes, its points."""
        varied = [
            k
            for k in self.names[1:]
            if len({at[k] for at, _ in self.points}) > 1
        ]
        lines: dict[str, list[tuple[float, float]]] = {}
        for record in self.records():
            if self.metric in record:
                name = ", ".join([
                    record["name"],
                    *(f"{k} = {record[k]}" for k in varied),
                ])
                lines.setdefault(name, []).append((
                    record[self.across],
                    record[self.metric],
                ))
        return lines

    def crossings(self) -> list[str]:
        """Say between which sizes two functions change places, and about where."""
        sentences = []
        for (name, ours), (other, theirs) in itertools.combinations(
            self.curves().items(), 2
        ):
            for low, high, at in _crossings(ours, theirs):
                sentences.append(
                    f"{name} and {other} cross between {self.across} = {low:g} and {high:g}, "
                    f"at about {at:.3g}"
                )
        return sentences

    def tables(self) -> list[Table]:
        """Return a row for each size, a column for each function."""
        names = list(
            dict.fromkeys(r["name"] for r in self.records() if self.metric in r)
        )
        cells = []
        for at, rows in self.points:
            by_name = {row.get("name"): row for row in rows}
            base = by_name.get(names[0], {}) if names else {}
            numbers = [
                cell(by_name.get(name, {}), base, self.metric) for name in names
            ]
            cells.append([_words(at), *numbers])
        return [Table(METRICS[self.metric][0], names, cells)]

    def steps(self) -> list[Step]:
        """Return a step for each size."""
        (table,) = self.tables()
        steps = []
        for k, (where, *cells) in enumerate(table.rows):
            parts = [
                f"{n} {c}" for n, c in zip(table.columns, cells, strict=True)
            ]
            steps.append(Step(f"{where}: {'; '.join(parts)}", row=k))
        return steps

    def pictures(self) -> list[Canvas]:
        """Draw the curves on logarithmic axes, with a cursor for each size."""
        lines = self.curves()
        canvas = curves(self.across, *METRICS[self.metric], lines)
        drawn = [
            x for line in lines.values() for x, y in line if x > 0 and y > 0
        ]
        if not drawn:
            return [canvas]
        axis = level_axis(drawn)  # of what succeeded, as the curves are
        for size in sorted(set(drawn)):
            steps = [
                k
                for k, (at, _) in enumerate(self.points)
                if at[self.across] == size
            ]
            cursor(canvas, axis(size), 26, 250, steps)
        return [canvas]

    def explore(self) -> Any:  # type: ignore[override]
        """Return sliders for JupyterLab that measure at whatever size is chosen."""
        import ipywidgets
        from IPython.display import display

        if "_measure" not in self.__dict__:
            raise RuntimeError(
                "A view from a file has no functions to measure: sweep anew."
            )

        def slider(sizes: set[int]) -> Any:
            low, high = min(sizes), max(sizes)
            return ipywidgets.IntSlider(low, low, high, continuous_update=False)

        def show(**sizes: int) -> None:
            display(self._measure(sizes))  # type: ignore[no-untyped-call]

        sliders = {
            k: slider({at[k] for at, _ in self.points}) for k in self.names
        }
        return ipywidgets.interactive(show, **sliders)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the functions: a file need not be able to hold them."""
        return {
            k: v for k, v in super().__getstate__().items() if k != "_measure"
        }


def _nothing(sizes: Sizes) -> Measured:
    raise RuntimeError(
        "A view from a file has no functions to measure: sweep anew."
    )


def _words(sizes: Sizes) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _crossings(
    ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]
) -> list[tuple[float, float, float]]:
    """Return where the ratio of two curves passes 1: the sizes around it, and about where."""
    other = dict(theirs)
    logs = [
        (x, math.log(y / other[x]))
        for x, y in ours
        if x in other and y > 0 and other[x] > 0
    ]
    different = [(x, log) for x, log in logs if log != 0]
    crossings = []
    for (low, before), (high, after) in itertools.pairwise(different):
        if before * after < 0:
            ties = [
                x for x, _ in logs if low < x < high
            ]  # those in between are equal
            share = before / (before - after)
            crossings.append((
                low,
                high,
                ties[0] if ties else low * (high / low) ** share,
            ))
    return crossings


def sweep(
    again: Callable[..., Measured],
    args: tuple[Any, ...],
    arguments: Callable[..., Any] | None,
    sizes: Mapping[str, Any],
    progress: bool | None,
) -> Sweep:
    """Measure functions at every combination of sizes; what fails is noted, the rest is kept."""
    lists = {k: _sizes(k, v) for k, v in sizes.items()}
    if not lists or not all(lists.values()):
        raise ValueError(
            "sweep needs a size to go through, such as n=[10, 100, 1000]."
        )
    combinations = [
        dict(zip(lists, numbers, strict=True))
        for numbers in itertools.product(*lists.values())
    ]
    arguments_at = arguments or _resized(args, list(lists))

    def measure(at: Sizes) -> Measured:
        point = arguments_at(**at)
        return again(*(point if isinstance(point, tuple) else (point,)))

    points: list[tuple[Sizes, Rows]] = []
    notes = []
    try:
        for at in tracked(combinations, "sweeping", progress):
            points.append((at, _rows(measure, at)))
    except KeyboardInterrupt:
        notes.append(
            f"stopped: {len(points)} of {len(combinations)} sizes measured"
        )
    return Sweep(measure, list(lists), points, notes)


def _sizes(name: str, sizes: Any) -> list[int]:
    every = [sizes] if np.ndim(sizes) == 0 else list(sizes)
    if not all(isinstance(n, (int, np.integer)) for n in every):
        raise TypeError(
            f"{name} must be a whole number, or several; got {sizes!r}."
        )
    return sorted({int(n) for n in every})


def _rows(measure: Callable[[Sizes], Measured], at: Sizes) -> Rows:
    try:
        with warnings.catch_warnings():
            # results that differ were warned of when the functions were first compared
            warnings.simplefilter("ignore")
            return measure(at).rows
    except Exception as error:
        return [{"note": failure(error)}]


def _resized(
    args: tuple[Any, ...], names: Sequence[str]
) -> Callable[..., tuple[Any, ...]]:
    """Return a function that gives the arguments' shapes other sizes, by name."""
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(args)]
    different = list(dict.fromkeys(size for shape in shapes for size in shape))
    if len(different) < len(names):
        raise ValueError(
            f"The arguments have the sizes {different}, which are too few for {', '.join(names)}; "
            "make them differ, or give a function that makes the arguments."
        )
    name_of = dict(zip(different, names, strict=False))

    def resized(**sizes: int) -> tuple[Any, ...]:
        def one(leaf: Any) -> Any:
            shape = tuple(
                sizes.get(name_of.get(n, ""), n) for n in np.shape(leaf)
            )
            return jax.ShapeDtypeStruct(shape, leaf.dtype) if shape else leaf

        return jax.tree.map(one, args)  # type: ignore[no-any-return]

    return resized
