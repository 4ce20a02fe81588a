"""The same functions at many sizes: curves, crossovers, and what failed where."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from ._charts import Point, curves
from ._draw import Canvas
from ._figure import Figure, Step, Table
from ._measure import failure
from ._metrics import METRICS, cell
from ._timing import tracked
from ._types import Data, Function
from ._view import there

Sizes = Mapping[str, int]
Rows = Sequence[Data]


class Measured(Protocol):
    """What a measurement at one size returns: a figure that has rows."""

    rows: list[Data]


Measure = Callable[[Sizes], Measured]


class Sweep(Figure):
    """Costs over sizes; the first size runs along the axis of the picture."""

    kind = "curves"
    idle = "Step through the sizes: the words say what stands at the line."
    alone = ("_measure",)
    _measure: Measure | None = None

    def __init__(
        self,
        measure: Measure | None,
        names: Sequence[str],
        points: Sequence[tuple[Sizes, Rows]],
        stopped: Sequence[str] = (),
        metric: str = "flops",
    ) -> None:
        self._measure, self.names, self.points = measure, names, list(points)
        self.metric, self.stopped = metric, stopped
        self.across = names[0]
        self.title = f"{METRICS[metric][0]} over {', '.join(names)}"
        crossings = [f"{crossing}." for crossing in self.crossings()]
        self.finding = " ".join(crossings) or "No two curves cross."
        self.notes = list(stopped)
        for at, rows in points:
            for row in rows:
                if "note" in row:
                    name = f", {row['name']}" if "name" in row else ""
                    self.notes.append(f"{_words(at)}{name}: {row['note']}")

    def of(
        self,
        metric: str,
    ) -> Sweep:
        """Return the same sweep drawn for another metric, such as "peak" or "flops_compiled".

        Raises:
            ValueError: for a metric that was not measured.
        """
        keys = {key for record in self.records() for key in record}
        known = [key for key in METRICS if key in keys]
        if metric not in known:
            raise ValueError(
                f"metric must be one of {', '.join(known)}; got {metric!r}."
            )
        return Sweep(
            self._measure, self.names, self.points, self.stopped, metric
        )

    def records(self) -> list[Data]:
        """Return a dict for each function at each size; a note where it failed."""
        return [{**at, **row} for at, rows in self.points for row in rows]

    def curves(self) -> dict[str, list[Point]]:
        """Return, for each function and each combination of the further sizes, its points."""
        sizes = {k: {at[k] for at, _ in self.points} for k in self.names[1:]}
        varied = [k for k, several in sizes.items() if len(several) > 1]
        lines: dict[str, list[Point]] = {}
        for record in self.records():
            if self.metric in record:
                words = [record["name"]]
                words += [f"{k} = {record[k]}" for k in varied]
                line = lines.setdefault(", ".join(words), [])
                line.append((record[self.across], record[self.metric]))
        return lines

    def crossings(self) -> list[str]:
        """Say between which sizes two functions change places, and about where."""
        sentences = []
        pairs = itertools.combinations(self.curves().items(), 2)
        for (name, ours), (other, theirs) in pairs:
            for low, high, at in _crossings(ours, dict(theirs)):
                sentences.append(
                    f"{name} and {other} cross between {self.across} = {low:g} and {high:g}, "
                    f"at about {at:.3g}"
                )
        return sentences

    def tables(self) -> list[Table]:
        """Return a row for each size, a column for each function."""
        measured = [r["name"] for r in self.records() if self.metric in r]
        names = list(dict.fromkeys(measured))
        lines = []
        for at, rows in self.points:
            by_name = {row.get("name"): row for row in rows}
            cells = [by_name.get(name, {}) for name in names]
            numbers = [cell(row, cells[0], self.metric) for row in cells]
            lines.append([_words(at), *numbers])
        return [Table(METRICS[self.metric][0], names, lines)]

    def steps(self) -> list[Step]:
        """Return a step for each size."""
        (table,) = self.tables()
        steps = []
        for k, (where, *cells) in enumerate(table.rows):
            pairs = zip(table.columns, cells, strict=True)
            words = "; ".join(map(" ".join, pairs))
            steps.append(Step(f"{where}: {words}", row=k))
        return steps

    def pictures(self) -> list[Canvas]:
        """Draw the curves on logarithmic axes, with a cursor for each size."""
        steps: dict[float, list[int]] = {}
        for k, (at, _) in enumerate(self.points):
            steps.setdefault(at[self.across], []).append(k)
        heading, say = METRICS[self.metric]
        return [curves(self.across, heading, say, self.curves(), steps)]

    def explore(self) -> Any:  # type: ignore[override]
        """Return sliders for JupyterLab that measure at whatever size is chosen."""
        import ipywidgets
        from IPython.display import display

        measure = there(self._measure, "sweep")

        def show(**sizes: int) -> None:
            display(measure(sizes))  # type: ignore[no-untyped-call]

        sliders = {}
        for name in self.names:
            sizes = [at[name] for at, _ in self.points]
            sliders[name] = ipywidgets.IntSlider(
                min(sizes), min(sizes), max(sizes), continuous_update=False
            )
        return ipywidgets.interactive(show, **sliders)


def _words(sizes: Sizes) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _crossings(
    ours: Sequence[Point], theirs: Mapping[float, float]
) -> list[tuple[float, float, float]]:
    """Return where the ratio of two curves passes 1: the sizes around it, and about where."""
    logs = {}
    for x, y in ours:
        if y > 0 and theirs.get(x, 0) > 0:
            logs[x] = math.log(y / theirs[x])
    different = [x for x, log in logs.items() if log != 0]
    crossings = []
    for low, high in itertools.pairwise(different):
        before, after = logs[low], logs[high]
        if before * after < 0:
            # those in between are equal
            ties = [x for x in logs if low < x < high]
            share = before / (before - after)
            ties.append(low * (high / low) ** share)
            crossings.append((low, high, ties[0]))
    return crossings


def sweep(
    again: Callable[..., Measured],
    args: tuple[Any, ...],
    arguments: Function | None,
    sizes: Mapping[str, Any],
    progress: bool | None,
) -> Sweep:
    """Measure functions at every combination of sizes; what fails is noted, the rest is kept."""
    lists = {k: _sizes(k, v) for k, v in sizes.items()}
    if not lists or not all(lists.values()):
        raise ValueError(
            "sweep needs a size to go through, such as n=[10, 100, 1000]."
        )
    numbers = itertools.product(*lists.values())
    combinations = [dict(zip(lists, one, strict=True)) for one in numbers]
    arguments_at = arguments or _resized(args, list(lists))

    def measure(at: Sizes) -> Measured:
        point = arguments_at(**at)
        return again(*(point if isinstance(point, tuple) else (point,)))

    points: list[tuple[Sizes, Rows]] = []
    notes = []
    try:
        for at in tracked(combinations, "sweeping", progress):
            try:
                with warnings.catch_warnings():
                    # results that differ were warned of at the first comparison
                    warnings.simplefilter("ignore")
                    rows: Rows = measure(at).rows
            except Exception as error:
                rows = [{"note": failure(error)}]
            points.append((at, rows))
    except KeyboardInterrupt:
        done = f"{len(points)} of {len(combinations)}"
        notes.append(f"stopped: {done} sizes measured")
    return Sweep(measure, list(lists), points, notes)


def _sizes(
    name: str,
    sizes: Any,
) -> list[int]:
    every = [sizes] if np.ndim(sizes) == 0 else list(sizes)
    if not all(isinstance(n, (int, np.integer)) for n in every):
        raise TypeError(
            f"{name} must be a whole number, or several; got {sizes!r}."
        )
    return sorted({int(n) for n in every})


def _resized(
    args: tuple[Any, ...],
    names: Sequence[str],
) -> Function:
    """Return a function that gives the arguments' shapes other sizes, by name."""
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(args)]
    different = list(dict.fromkeys(size for shape in shapes for size in shape))
    if len(different) < len(names):
        raise ValueError(
            f"The arguments have the sizes {different}, which are too few for {', '.join(names)}; "
            "make them differ, or give a function that makes the arguments."
        )
    name_of = dict(zip(different, names, strict=False))

    def resized(**sizes: int) -> Any:
        def one(leaf: Any) -> Any:
            if not np.ndim(leaf):
                return leaf
            shape = [sizes.get(name_of.get(n, ""), n) for n in leaf.shape]
            return jax.ShapeDtypeStruct(tuple(shape), leaf.dtype)

        return jax.tree.map(one, args)

    return resized
