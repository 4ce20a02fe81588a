"""`cost`: what functions cost, counted three ways, weighed and timed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..program import Argnums
from ._charts import bars_svg
from ._derivatives import entries
from ._measure import add_seconds, differences, failure, measured
from ._report import (
    Report,
    Say,
    Table,
    bytes_text,
    compared,
    listed,
    number_text,
    seconds_text,
)
from ._timing import tracked

# record key -> (heading, how its numbers are written), in the tables of a report
GROUPS: dict[str, dict[str, tuple[str, Say]]] = {
    "operations": {
        "passes": ("passes", number_text),
        "equations": ("equations", number_text),
        "flops": ("jaxpr flops", number_text),
        "flops_lowered": ("lowered flops", number_text),
        "flops_compiled": ("compiled flops", number_text),
    },
    "functions, traffic": {
        "transcendentals": ("sin, exp, …", number_text),
        "bytes": ("jaxpr bytes", bytes_text),
        "bytes_compiled": ("compiled bytes", bytes_text),
    },
    "memory": {
        "peak": ("jaxpr peak", bytes_text),
        "residual": ("kept", bytes_text),
        "temp": ("compiled temp", bytes_text),
    },
    "time": {
        "compile_seconds": ("compile", seconds_text),
        "eager_seconds": ("eager", seconds_text),
        "jitted_seconds": ("jitted", seconds_text),
    },
}
METRICS = {key: spec for group in GROUPS.values() for key, spec in group.items()}


class Cost(Report):
    """What several functions cost, each number with its ratio to that of the first."""

    def __init__(
        self,
        rows: Sequence[dict[str, Any]],
        notes: Sequence[str],
        again: Callable[..., Cost],
        args: tuple[Any, ...],
    ) -> None:
        self.rows, self.again, self.args = list(rows), again, args
        self.notes = [*notes, *_explained(rows)]
        self.summary = (
            "Ratios are to the first. Jaxpr flops count a sine as one operation; XLA's two "
            "counts, lowered and compiled, leave sines out."
        )

    @property
    def title(self) -> str:
        """Which functions are compared."""
        return f"Cost of {listed([row['name'] for row in self.rows]) or 'nothing'}"

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each function; what was not measured is missing."""
        return [dict(row) for row in self.rows]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return the record of one function, such as `cost["f"]["flops"]`."""
        return {row["name"]: row for row in self.rows}[name]

    def tables(self) -> list[Table]:
        """Return operations, traffic, memory and time: a row for each function."""
        found = []
        for caption, group in GROUPS.items():
            shown = {k: v for k, v in group.items() if any(k in row for row in self.rows)}
            cells = [
                [row["name"], *(cell(row, self.rows[0], key) for key in shown)] for row in self.rows
            ]
            found.append(Table(caption, [heading for heading, _ in shown.values()], cells))
        return [table for table in found if table.columns]

    def svg(self) -> str:
        """Return bars for every number that was measured."""
        groups = [
            (heading, [(row["name"], row.get(key), say(row.get(key, 0))) for row in self.rows])
            for key, (heading, say) in METRICS.items()
            if any(key in row for row in self.rows)
        ]
        return bars_svg(self, groups, across=3)

    def sweep(
        self,
        arguments: Callable[..., Any] | None = None,
        *,
        timed: bool = False,
        progress: bool | None = None,
        **sizes: int | Sequence[int],
    ) -> Any:
        """Measure the same functions at many sizes.

        Args:
            arguments: a function of the sizes that returns the arguments. Where None, the names
                stand for the different sizes in the arguments' shapes, in order: in (10,) and
                (100, 10) the first name is 10, and the second 100.
            timed: whether to time, too.
            progress: whether to show a bar; in a terminal where None.
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
        from ._sweep import sweep

        again = functools.partial(self.again, timed=timed)
        return sweep(again, self.args, arguments, sizes, progress)


def cell(row: Mapping[str, Any], base: Mapping[str, Any], key: str) -> str:
    """Return a number of a record as text, with its ratio to that of another record."""
    if key not in row:
        return "–"
    at_least = "≥ " if key == "flops" and not row["exact"] else ""
    return at_least + compared(row[key], None if row is base else base.get(key), METRICS[key][1])


def _explained(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was not measured, and where the three counts disagree by design."""
    notes = [f"{row['name']}: {row['note']}" for row in rows if "note" in row]
    if inexact := [row["name"] for row in rows if not row.get("exact", True)]:
        notes.append(f"{listed(inexact)}: a while loop's turns are unknown, and count as one")
    if looped := [row["name"] for row in rows if row.get("looped")]:
        notes.append(f"{listed(looped)}: XLA counts a loop's body once, whatever its turns")
    return notes


def cost(
    f: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    *args: Any,
    argnums: Argnums = 0,
    timed: bool = False,
    memory: int | None = None,
    progress: bool | None = None,
) -> Cost:
    """Count, weigh and, if asked, time functions; nothing runs unless it is timed or compared.

    Operations are counted at three levels: in the jaxpr with the turns of loops multiplied, in
    what JAX hands to XLA, and in what XLA compiles. Sources: the walk over the jaxpr, and
    `cost_analysis` and `memory_analysis` of `jax.stages`.

    Args:
        f: {name: function}, functions of the same arguments that compute the same, the first
            being the baseline; or one function, which is compared with its own derivatives.
        *args: arrays, numbers and containers of them; `olympus.ShapeDtypeStruct` where only
            the shape is known.
        argnums: which arguments one function is differentiated by; all that hold real numbers
            where None.
        timed: whether to measure seconds, too: eager and compiled, in turns, least of seven.
        memory: bytes that a function may need; what the machine has where None.
        progress: whether to show a bar; in a terminal where None.

    Raises:
        TypeError: for what is no function, or a single one with nothing to differentiate.
        MemoryError: where no function would fit into `memory`. Where some fail, the others are
            kept, and a note says why; where all do, the first error is raised.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.cost(lambda x: jnp.sum(jnp.sin(x) ** 2), jnp.ones(10)))
    ```
    """
    again = functools.partial(cost, f, argnums=argnums, memory=memory, progress=False)
    found = entries(f, args, argnums)
    rows, notes, runnable, errors = [], list[str](), {}, []
    try:
        for name, entry in tracked(list(found.items()), "counting", progress):
            row: dict[str, Any] = {"name": name, **entry.known}
            try:
                runnable[name] = measured(row, entry, memory)
            except Exception as error:
                row["note"] = failure(error)
                errors.append(error)
            rows.append(row)
    except KeyboardInterrupt:
        notes.append(f"stopped: {len(rows)} of {len(found)} functions kept")
    if errors and not runnable:
        raise errors[0]
    if isinstance(f, Mapping):
        notes += differences(runnable, args)
    if timed:
        notes += add_seconds(rows, found, runnable, progress)
    return Cost(rows, notes, again, args)
