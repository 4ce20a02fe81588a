"""`cost`: compare the cost of functions: FLOPs, bytes, memory and optionally time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..program import Argnums, precision_of
from ._charts import multiples
from ._derivatives import count_entries, entries
from ._draw import Canvas
from ._explore import explorable
from ._figure import Detail, Figure, Table
from ._format import listed, number_text, times_text
from ._measure import add_seconds, clearer, differences, failure, measured
from ._metrics import GROUPS, cell
from ._predict import ratio_questions
from ._sweep import Sweep, sweep
from ._timing import tracked
from ._types import Data, Function
from ._view import there

COUNTED = "FLOPs in the jaxpr, as multiples of "
LEVELS = (
    "Ratios are to the first function. FLOPs of the jaxpr count a sine as one and multiply a "
    "loop's body by its iterations; XLA's two counts, lowered and compiled, leave sines out."
)


class Cost(Figure):
    """What several functions cost, each number with its ratio to that of the first."""

    kind = "costs"

    def __init__(
        self, rows: Sequence[Data], notes: Sequence[str], about: str = ""
    ) -> None:
        self.rows, self.about = list(rows), about
        self.notes = [*notes, *_explained(rows), LEVELS]
        names = listed([row["name"] for row in rows])
        self.title = f"Cost of {about or names or 'nothing'}"

    @property
    def finding(self) -> str:  # type: ignore[override]
        """What a derivative costs in multiples of f, or which function is the cheapest."""
        if self.about:
            ratios = {row["name"]: self._ratio(row) for row in self.rows}
            words = {"grad": "the gradient", "vjp": "a VJP", "jvp": "a JVP"}
            parts = []
            for name in (self._reverse, "jvp"):
                ratio = ratios.get(name)
                if ratio is not None:
                    parts.append(f"{words[name]} costs {times_text(ratio)} f")
            if parts:
                sentence = " and ".join(parts)
                return f"{sentence[0].upper()}{sentence[1:]}, in FLOPs of the jaxpr."
            return "f takes no FLOPs that are counted, so there is nothing to compare with."
        counted = [row for row in self.rows if "flops" in row]
        if len(counted) < 2:
            return " ".join(
                f"{r['name']}: {number_text(r['flops'])} FLOP{'s' * (r['flops'] != 1)}."
                for r in counted
            )
        counts = {row["name"]: row["flops"] for row in counted}
        cheapest = min(counts, key=counts.__getitem__)
        most_expensive = max(counts, key=counts.__getitem__)
        least, most = counts[cheapest], counts[most_expensive]
        if least == most:
            return f"All take the same number of FLOPs, {number_text(least)}."
        times = f", {times_text(most / least)} as many" if least else ""
        return (
            f"{cheapest} takes the fewest FLOPs, {number_text(least)}; "
            f"{most_expensive} the most, {number_text(most)}{times}."
        )

    def _ratio(self, row: Data) -> float | None:
        base = self.rows[0].get("flops")
        return row["flops"] / base if base and "flops" in row else None

    def records(self) -> list[Data]:
        """Return a dict for each function; what was not measured is missing."""
        return [dict(row) for row in self.rows]

    def __getitem__(self, name: str) -> Data:
        """Return the record of one function, such as `cost["f"]["flops"]`."""
        return {row["name"]: row for row in self.rows}[name]

    def tables(self) -> list[Table]:
        """Return FLOPs, traffic, memory and time: a row for each function."""
        tables = []
        measured = {key for row in self.rows for key in row}
        for caption, group in GROUPS.items():
            keys = [key for key in group if key in measured]
            rows = []
            for row in self.rows:
                cells = [cell(row, self.rows[0], key) for key in keys]
                rows.append([row["name"], *cells])
            if keys:
                headings = [group[key][0] for key in keys]
                tables.append(Table(caption, headings, rows))
        return tables

    def pictures(self) -> list[Canvas]:
        """Draw f, jvp and grad; of functions that were named, all."""
        rows = self.rows
        if self.about:
            chosen = ["f", "jvp", self._reverse]
            rows = [row for row in rows if row["name"] in chosen]
        return [self._chart(rows)] if rows else []

    def details(self) -> list[Detail]:
        """Draw all transforms of a single function."""
        if not self.about:
            return []
        return [Detail("All transforms", (), [self._chart(self.rows)])]

    @property
    def _reverse(self) -> str:
        """The derivative in reverse mode: grad where there is one."""
        names = [row["name"] for row in self.rows]
        return "grad" if "grad" in names else "vjp"

    def _chart(self, rows: Sequence[Data]) -> Canvas:
        lines = []
        for row in rows:
            number = "not measured"
            if "flops" in row:
                number = cell(row, row, "flops")
            lines.append((row["name"], self._ratio(row), number))
        return multiples(f"{COUNTED}{self.rows[0]['name']}", lines)

    def sweep(
        self,
        arguments: Function | None = None,
        *,
        timed: bool = False,
        progress: bool | None = None,
        **sizes: int | Sequence[int],
    ) -> Sweep:
        """Measure the same functions at many sizes.

        Args:
            arguments: a function of the sizes that returns the arguments. By default, the names
                stand for the different sizes in the arguments' shapes, in order: in (10,) and
                (100, 10) the first name is 10, and the second 100.
            timed: whether to time, too.
            progress: whether to show a bar; by default in a terminal.
            **sizes: for each name a size, or a list of them; every combination is measured.

        Raises:
            ValueError: where no size is given, or more names than the shapes have sizes.

        ```python
        import olympus
        import olympus.numpy as jnp
        import olympus_kit as ok

        f = lambda x, A: jnp.tanh(A @ x)
        both = {"jacfwd": olympus.jacfwd(f), "jacrev": olympus.jacrev(f)}
        at_10 = ok.cost(both, jnp.ones(10), jnp.ones((20, 10)))
        print(at_10.sweep(n=[5, 10, 20], m=10))
        ```
        """
        recipe = there(self.recipe, "cost")

        def measure(*args: Any) -> Cost:
            cost: Cost = recipe.again(args=args, timed=timed, progress=False)
            return cost

        return sweep(measure, recipe.values(), arguments, sizes, progress)


def _explained(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was not measured, and where the three counts disagree by design."""
    notes = [f"{row['name']}: {row['note']}" for row in rows if "note" in row]
    if inexact := [row["name"] for row in rows if not row.get("exact", True)]:
        notes.append(
            f"{listed(inexact)}: a while loop's iterations are unknown, and count as one"
        )
    if looped := [row["name"] for row in rows if row.get("looped")]:
        notes.append(
            f"{listed(looped)}: XLA counts a loop's body once, whatever its iterations"
        )
    return notes


@explorable
def cost(
    f: Function | Mapping[str, Function],
    *args: Any,
    argnums: Argnums = 0,
    timed: bool = False,
    memory: int | None = None,
    progress: bool | None = None,
    ask: bool = False,
) -> Cost:
    """Compare FLOPs, memory and optionally time; nothing runs unless it is timed or compared.

    FLOPs are counted at three levels: in the jaxpr with the iterations of loops multiplied, in
    what JAX hands to XLA, and in what XLA compiles. Sources: the walk over the jaxpr, and
    `cost_analysis` and `memory_analysis` of `jax.stages`.

    Args:
        f: {name: function}, functions of the same arguments that compute the same, the first
            being the baseline; or one function, which is compared with its own derivatives.
        *args: arrays, numbers and containers of them; `olympus.ShapeDtypeStruct` where only
            the shape is known. Whole numbers and flags are held at their values, and so are
            strings and functions.
        argnums: with respect to which arguments one function is differentiated; the first by
            default, "all" for all.
        timed: whether to measure seconds, too: eager and compiled, interleaved, least of nine.
        memory: bytes that a function may need; by default what the machine has.
        progress: whether to show a bar; by default in a terminal.
        ask: whether to ask what a derivative costs, or which function costs the least, before
            anything is shown.

    Raises:
        TypeError: for what is not a function, or a single one with nothing to differentiate.
        ValueError: for an index in `argnums` that no argument has, or where there is nothing to
            ask.
        MemoryError: where no function would fit into `memory`. Where some fail, the others are
            kept, and a note says why; where all do, the first error is raised.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.cost(lambda x: jnp.sum(jnp.sin(x) ** 2), jnp.ones(10)))
    ```
    """
    with precision_of(args):
        try:
            jobs, about = entries(f, args, argnums)
        except Exception as error:
            raise clearer(error, "f") from None
        rows = []
        notes = []
        runs = {}
        errors = []
        try:
            for name, entry in tracked(
                list(jobs.items()), "counting", progress
            ):
                row = {"name": name, **entry.known}
                try:
                    runs[name] = measured(row, entry, memory)
                except Exception as error:
                    errors.append(clearer(error, "f" if about else name))
                    row["note"] = failure(errors[-1])
                rows.append(row)
        except KeyboardInterrupt:
            notes.append(
                f"stopped: {len(rows)} of {len(jobs)} functions measured"
            )
        if errors and not runs:
            raise errors[0]
        if isinstance(f, Mapping):
            notes += differences(runs)
        if timed:
            notes += add_seconds(rows, runs, progress)
    view = Cost(rows, notes, about)
    if ask:
        differentiated: Any = args
        if not isinstance(argnums, str):
            differentiated = [args[i] for i in np.atleast_1d(argnums)]
        size = count_entries(differentiated)
        view.questions = ratio_questions(rows, about, size)
    return view
