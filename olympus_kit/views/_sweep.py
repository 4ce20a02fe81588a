"""The same functions at many sizes: curves, crossovers, and what failed where."""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ._charts import COLORS, DARK_COLORS, across_scale, curves_svg
from ._cost import METRICS, Cost, cell
from ._measure import failure
from ._report import Report, Table
from ._timing import tracked

Sizes = Mapping[str, int]
PLOT_MARKS, PLOT_DASHES = "os^D", ("-", "--", ":")


class Sweep(Report):
    """Costs over sizes; the first size runs along the axis of the picture."""

    def __init__(
        self,
        measure: Callable[[Sizes], Cost],
        names: Sequence[str],
        points: Sequence[tuple[Sizes, Sequence[dict[str, Any]]]],
        stopped: Sequence[str] = (),
    ) -> None:
        self.measure, self.names, self.points, self.metric = measure, names, list(points), "flops"
        self.across = names[0]
        self.notes = [
            *stopped,
            *(
                f"{_words(at)}{', ' * ('name' in row)}{row.get('name', '')}: {row['note']}"
                for at, rows in points
                for row in rows
                if "note" in row
            ),
        ]

    def of(self, metric: str) -> Sweep:
        """Return the same sweep drawn for another metric, such as "peak" or "flops_compiled".

        Raises:
            ValueError: for a metric that was not measured.
        """
        known = [key for key in METRICS if any(key in record for record in self.records())]
        if metric not in known:
            raise ValueError(f"metric must be one of {', '.join(known)}; got {metric!r}.")
        other = copy.copy(self)
        other.metric = metric
        return other

    @property
    def title(self) -> str:
        """The metric, and over which sizes."""
        return f"{METRICS[self.metric][0]} over {', '.join(self.names)}"

    @property
    def summary(self) -> str:  # type: ignore[override]
        """Where curves cross."""
        return " ".join(f"{c}." for c in self.crossings()) or "No two curves cross."

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each function at each size; a note where it failed."""
        return [{**at, **row} for at, rows in self.points for row in rows]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Return, for each function and each combination of the further sizes, its points."""
        varied = [k for k in self.names[1:] if len({at[k] for at, _ in self.points}) > 1]
        found: dict[str, list[tuple[float, float]]] = {}
        for record in self.records():
            if self.metric in record:
                name = ", ".join([record["name"], *(f"{k} = {record[k]}" for k in varied)])
                found.setdefault(name, []).append((record[self.across], record[self.metric]))
        return found

    def crossings(self) -> list[str]:
        """Say between which sizes two functions change places, and about where."""
        return [
            f"{name} and {other} cross between {self.across} = {low:g} and {high:g}, "
            f"at about {at:.3g}"
            for (name, ours), (other, theirs) in itertools.combinations(self.curves().items(), 2)
            for low, high, at in _crossings(ours, theirs)
        ]

    def tables(self) -> list[Table]:
        """Return a row for each size, a column for each function."""
        names = list(dict.fromkeys(r["name"] for r in self.records() if self.metric in r))
        cells = []
        for at, rows in self.points:
            found = {row.get("name"): row for row in rows}
            base = found.get(names[0], {}) if names else {}
            cells.append([_words(at), *(cell(found.get(n, {}), base, self.metric) for n in names)])
        return [Table(METRICS[self.metric][0], names, cells)]

    def steps(self) -> list[dict[str, Any]]:
        """Return a step for each size."""
        (table,) = self.tables()
        x = across_scale([at[self.across] for at, _ in self.points])
        return [
            {
                "words": f"{where}: "
                + "; ".join(f"{n} {c}" for n, c in zip(table.columns, cells, strict=True)),
                "x": x(at[self.across]),
                "row": k,
            }
            for k, ((at, _), (where, *cells)) in enumerate(
                zip(self.points, table.rows, strict=True)
            )
        ]

    def svg(self) -> str:
        """Return the curves on logarithmic axes."""
        return curves_svg(self, self.across, *METRICS[self.metric], self.curves())

    def figure(self, dark: bool = False) -> Any:
        """Return a matplotlib figure, for print or (with `dark`) for a dark page."""
        import matplotlib.pyplot as plt

        paper = dict.fromkeys(("figure.facecolor", "axes.facecolor"), "#0f141a")
        colors = DARK_COLORS if dark else COLORS
        with plt.style.context(["dark_background", paper] if dark else "default"):
            fig, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
            for k, (name, curve) in enumerate(self.curves().items()):
                look = {"color": colors[k % 4], "marker": PLOT_MARKS[k % 4], "label": name}
                axes.loglog(*zip(*curve, strict=True), linestyle=PLOT_DASHES[k // 4 % 3], **look)
            sizes = sorted({at[self.across] for at, _ in self.points})
            axes.set_xticks([], minor=True)
            axes.set_xticks(sizes, map(str, sizes))
            axes.set(xlabel=self.across, ylabel=METRICS[self.metric][0])
            axes.grid(alpha=0.3)
            fig.legend(loc="outside right upper")
        plt.close(fig)  # it is returned: pyplot need not show it a second time
        return fig

    def explore(self) -> Any:
        """Return sliders for JupyterLab that measure at whatever size is chosen."""
        import ipywidgets
        from IPython.display import display

        def slider(found: set[int]) -> Any:
            low, high = min(found), max(found)
            return ipywidgets.IntSlider(low, low, high, continuous_update=False)

        def show(**sizes: int) -> None:
            display(self.measure(sizes))  # type: ignore[no-untyped-call]

        sliders = {k: slider({at[k] for at, _ in self.points}) for k in self.names}
        return ipywidgets.interactive(show, **sliders)


def _words(sizes: Sizes) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _crossings(
    ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]
) -> list[tuple[float, float, float]]:
    """Return where the ratio of two curves passes 1: the sizes around it, and about where."""
    other = dict(theirs)
    logs = [(x, math.log(y / other[x])) for x, y in ours if x in other and y > 0 and other[x] > 0]
    apart = [(x, log) for x, log in logs if log != 0]
    found = []
    for (low, before), (high, after) in itertools.pairwise(apart):
        if before * after < 0:
            ties = [x for x, _ in logs if low < x < high]  # those in between are equal
            share = before / (before - after)
            found.append((low, high, ties[0] if ties else low * (high / low) ** share))
    return found


def sweep(
    again: Callable[..., Cost],
    args: tuple[Any, ...],
    arguments: Callable[..., Any] | None,
    sizes: Mapping[str, Any],
    progress: bool | None,
) -> Sweep:
    """Measure functions at every combination of sizes; what fails is noted, the rest is kept."""
    lists = {k: _sizes(k, v) for k, v in sizes.items()}
    if not lists or not all(lists.values()):
        raise ValueError("sweep needs a size to go through, such as n=[10, 100, 1000].")
    combinations = [
        dict(zip(lists, found, strict=True)) for found in itertools.product(*lists.values())
    ]
    make = arguments or _resized(args, list(lists))

    def measure(at: Sizes) -> Cost:
        made = make(**at)
        return again(*(made if isinstance(made, tuple) else (made,)))

    points: list[tuple[Sizes, Sequence[dict[str, Any]]]] = []
    notes = []
    try:
        for at in tracked(combinations, "sweeping", progress):
            points.append((at, _rows(measure, at)))
    except KeyboardInterrupt:
        notes.append(f"stopped: {len(points)} of {len(combinations)} sizes kept")
    return Sweep(measure, list(lists), points, notes)


def _sizes(name: str, given: Any) -> list[int]:
    every = [given] if np.ndim(given) == 0 else list(given)
    if not all(isinstance(n, (int, np.integer)) for n in every):
        raise TypeError(f"{name} must be a whole number, or several; got {given!r}.")
    return sorted({int(n) for n in every})


def _rows(measure: Callable[[Sizes], Cost], at: Sizes) -> list[dict[str, Any]]:
    try:
        with warnings.catch_warnings():
            # results that differ were warned of when the functions were first compared
            warnings.simplefilter("ignore")
            return measure(at).rows
    except Exception as error:
        return [{"note": failure(error)}]


def _resized(args: tuple[Any, ...], names: Sequence[str]) -> Callable[..., tuple[Any, ...]]:
    """Return a function that gives the arguments' shapes other sizes, by name."""
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(args)]
    found = list(dict.fromkeys(size for shape in shapes for size in shape))
    if len(found) < len(names):
        raise ValueError(
            f"The arguments have the sizes {found}, which are too few for {', '.join(names)}; "
            "make them differ, or give a function that makes the arguments."
        )
    name_of = dict(zip(found, names, strict=False))

    def resized(**sizes: int) -> tuple[Any, ...]:
        def one(leaf: Any) -> Any:
            shape = tuple(sizes.get(name_of.get(n, ""), n) for n in np.shape(leaf))
            return jax.ShapeDtypeStruct(shape, leaf.dtype) if shape else leaf

        return jax.tree.map(one, args)  # type: ignore[no-any-return]

    return resized
