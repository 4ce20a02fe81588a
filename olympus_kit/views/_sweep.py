"""The same functions at many sizes: curves, crossovers, and what failed where."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from ._charts import COLORS, DASHES, WIDTH, Scale, curves_svg
from ._cost import METRICS, Cost, cost
from ._report import Report, Table, ratio_text
from ._timing import tracked

PLOT_MARKS = "osD^"


class Sweep(Report):
    """Costs over sizes; the first size runs along the axis of the picture."""

    rows_are_steps = True

    def __init__(
        self,
        functions: Any,
        arguments: Any,
        points: Sequence[tuple[dict[str, int], Cost | str]],
        metric: str = "flops",
        notes: Sequence[str] = (),
    ) -> None:
        if metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}.")
        self.functions, self.arguments = functions, arguments
        self.points, self.metric, self.stopped = list(points), metric, list(notes)
        failed = [f"{_words(at)}: {found}" for at, found in points if isinstance(found, str)]
        lost = [
            f"{_words(at)}, {note}"
            for at, found in points
            if isinstance(found, Cost)
            for note in found.notes
            if "would need" in note
        ]
        self.notes = [*notes, *failed, *lost]

    def of(self, metric: str) -> Sweep:
        """Return the same sweep drawn for another metric, such as "peak" or "flops_compiled".

        Raises:
            ValueError: for a metric that is not measured.
        """
        return Sweep(self.functions, self.arguments, self.points, metric, self.stopped)

    @property
    def title(self) -> str:
        """The metric, and over which sizes."""
        sizes = ", ".join(self.points[0][0]) if self.points else "no size"
        return f"{METRICS[self.metric][0]} over {sizes}"

    @property
    def summary(self) -> str:  # type: ignore[override]
        """Where curves cross."""
        crossings = self.crossings()
        return " ".join(f"{c}." for c in crossings) or "No two curves cross."

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each function at each size; a note where it failed."""
        return [
            {**at, **row}
            for at, found in self.points
            for row in ([{"note": found}] if isinstance(found, str) else found.records())
        ]

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Return, for each function and each combination of the further sizes, its points."""
        found: dict[str, list[tuple[float, float]]] = {}
        for record in self.records():
            if self.metric in record:
                first, *rest = ((k, record[k]) for k in self.points[0][0])
                name = ", ".join([record["name"], *(f"{k} = {v}" for k, v in self._varied(rest))])
                found.setdefault(name, []).append((first[1], record[self.metric]))
        return found

    def _varied(self, sizes: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        return [(k, v) for k, v in sizes if len({at[k] for at, _ in self.points}) > 1]

    def crossings(self) -> list[str]:
        """Say between which sizes two functions change places, and about where."""
        across = next(iter(self.points[0][0])) if self.points else ""
        return [
            f"{name} and {other} cross between {across} = {low:g} and {high:g}, at about {at:.3g}"
            for (name, ours), (other, theirs) in itertools.combinations(self.curves().items(), 2)
            for low, high, at in _crossings(ours, theirs)
        ]

    def tables(self) -> list[Table]:
        """Return a row for each size, a column for each function."""
        heading, say = METRICS[self.metric]
        costs = [found for _, found in self.points if isinstance(found, Cost)]
        names = [row["name"] for row in costs[0].rows] if costs else []
        rows = []
        for at, found in self.points:
            cells = {} if isinstance(found, str) else {row["name"]: row for row in found.rows}
            base = cells.get(names[0], {}) if names else {}
            rows.append([
                _words(at),
                *(_cell(cells.get(n, {}), base, self.metric, say) for n in names),
            ])
        return [Table(heading, names, rows)]

    def steps(self) -> list[dict[str, Any]]:
        """Return a step for each size."""
        xs = [p[0] for curve in self.curves().values() for p in curve if min(p) > 0]
        (table,) = self.tables()
        if not xs:
            return []
        scale, found = Scale(xs, 110, WIDTH - 190), []
        for (at, _), row in zip(self.points, table.rows, strict=True):
            said = "; ".join(f"{n} {c}" for n, c in zip(table.columns, row[1:], strict=True))
            found.append({"words": f"{row[0]}: {said}", "x": scale(next(iter(at.values())))})
        return found

    def svg(self) -> str:
        """Return the curves on logarithmic axes."""
        heading, say = METRICS[self.metric]
        across = next(iter(self.points[0][0])) if self.points else ""
        return curves_svg(self, across, heading, self.curves(), say)

    def figure(self, dark: bool = False) -> Any:
        """Return a matplotlib figure, for print or (with `dark`) for a dark page."""
        import matplotlib.pyplot as plt

        paper, ink = ("#0f141a", "#e6edf3") if dark else ("#ffffff", "#1b1f24")
        colors = ["#7db4f0", "#ff8a80", "#6fd08c", "#a3adb8"] if dark else COLORS
        fig, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained", facecolor=paper)
        axes.set_facecolor(paper)
        for k, (name, curve) in enumerate(self.curves().items()):
            style = ("-", "--", ":")[k // 4 % len(DASHES)]
            axes.loglog(
                *zip(*curve, strict=True),
                color=colors[k % 4],
                marker=PLOT_MARKS[k % 4],
                linestyle=style,
                label=name,
            )
        axes.set_xlabel(next(iter(self.points[0][0])), color=ink)
        axes.set_ylabel(METRICS[self.metric][0], color=ink)
        axes.tick_params(which="both", colors=ink)
        axes.spines[:].set_color(ink)
        axes.grid(alpha=0.3)
        axes.legend(facecolor=paper, edgecolor=ink, labelcolor=ink)
        plt.close(fig)  # it is returned: pyplot need not show it a second time
        return fig

    def explore(self) -> Any:
        """Return sliders for JupyterLab that measure at whatever size is chosen."""
        import ipywidgets

        def show(**sizes: int) -> None:
            print(cost(self.functions, *_arguments(self.arguments, sizes)))

        ranges = {
            name: ipywidgets.IntSlider(
                value=min(found), min=min(found), max=max(found), continuous_update=False
            )
            for name in self.points[0][0]
            if (found := [at[name] for at, _ in self.points])
        }
        return ipywidgets.interactive(show, **ranges)


def _cell(row: Mapping[str, Any], base: Mapping[str, Any], metric: str, say: Any) -> str:
    if metric not in row:
        return "–"
    ratio = "" if row is base else ratio_text(row[metric], base.get(metric))
    return f"{say(row[metric])} {ratio}".strip()


def _words(sizes: Mapping[str, int]) -> str:
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


def sweep(functions: Any, arguments: Any, sizes: Mapping[str, Any], timed: bool) -> Sweep:
    """Measure functions at every combination of sizes; what fails is noted, the rest is kept."""
    lists = {k: [v] if isinstance(v, int) else list(v) for k, v in sizes.items()}
    if not lists or not all(lists.values()):
        raise ValueError("sweep needs a size to go through, such as n=[10, 100, 1000].")
    combinations = [
        dict(zip(lists, found, strict=True)) for found in itertools.product(*lists.values())
    ]
    points: list[tuple[dict[str, int], Cost | str]] = []
    notes = []
    try:
        for at in tracked(combinations, "sweeping", None):
            points.append((at, _point(functions, arguments, at, timed)))
    except KeyboardInterrupt:
        notes.append(f"stopped: {len(points)} of {len(combinations)} sizes kept")
    return Sweep(functions, arguments, points, notes=notes)


def _point(functions: Any, arguments: Any, at: Mapping[str, int], timed: bool) -> Cost | str:
    args = _arguments(arguments, at)
    try:
        return cost(functions, *args, timed=timed, progress=False)
    except Exception as error:
        return f"failed, {type(error).__name__}: {str(error).splitlines()[0][:200]}"


def _arguments(arguments: Any, sizes: Mapping[str, int]) -> tuple[Any, ...]:
    """Return the arguments at these sizes: made by a function, or shapes alone."""
    if callable(arguments):
        made = arguments(**sizes)
        return made if isinstance(made, tuple) else (made,)
    return tuple(
        jax.ShapeDtypeStruct(_shape(text, sizes), jax.dtypes.canonicalize_dtype(float))
        for text in arguments.split(",")
    )


def _shape(text: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    unknown = [word for word in text.split() if not word.isdigit() and word not in sizes]
    if unknown:
        raise ValueError(
            f"The shape {text.strip()!r} names {unknown[0]!r}, which is no size of the sweep "
            f"({', '.join(sizes)})."
        )
    return tuple(int(word) if word.isdigit() else sizes[word] for word in text.split())
