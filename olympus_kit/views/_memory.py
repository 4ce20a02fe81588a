"""`memory`: which values of a program are live when, and why the peak is where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax

from ..program import (
    Argnums,
    Equation,
    Mode,
    Program,
    capture,
    describe,
    lifetimes,
    live_bytes,
    walk,
)
from ._charts import WIDTH, cursor
from ._draw import MARKS, ROW, Canvas, shorten
from ._explore import explorable
from ._figure import Figure, Step, Table
from ._format import NAME_ROOM, bytes_text, listed, number_text
from ._formula import plural, statement
from ._ladder import role_of, title_of
from ._predict import saved_questions
from ._types import Data, Function
from ._words import with_short_names

MOST = 30  # bars in the picture; the largest values where there are more
BAR = 17.0  # from one bar to the next
NAMES, SIZES = 104.0, 62.0  # room beside the bars, for a name and for bytes


class Memory(Figure):
    """The life of each value of a program, and the moment when most is live."""

    kind = "memory"
    idle = "Step through the equations: the words say how much is live."

    def __init__(
        self,
        program: Program,
    ) -> None:
        program = with_short_names(program)
        derivatives = tuple([program.variable(v) for v in program.derivatives])
        self.program, self.outputs = program, program.outputs + derivatives
        self.title = f"Memory of {title_of(program)}"
        self.lives = lifetimes(program.equations, self.outputs)
        self.live_bytes = live_bytes(
            program.equations, self.outputs, program.values
        )
        self.peak = max(self.live_bytes, default=0)
        self.at = self.live_bytes.index(self.peak) if self.live_bytes else 0
        saved = [r for r in program.residuals if not r.free]
        self.residuals = [r.value for r in saved if r.used_by]
        unread = [r.value for r in saved if not r.used_by]
        self.notes = [
            *program.notes,
            "live after an equation is what a later one reads, and what is returned; while the "
            "body of an equation runs, what it reads is live, too",
            "inputs and constants are the caller's and are not counted",
        ]
        if unread:
            self.notes.append(
                f"jax saves what nothing reads, too, which is not counted: "
                f"{self._words(self._sized(unread))}"
            )
        if any(e.primitive == "cond" for e in walk(program.rows)):
            self.notes.append(
                "of the branches of a cond the one that needs most is counted, taken or not"
            )

    @property
    def finding(self) -> str:  # type: ignore[override]
        """The peak, by name, and what is saved or computed again."""
        if not self.live_bytes:
            return "There is no equation, and so nothing is live."
        largest = self._words(self.explained()) or "nothing"
        sentences = [
            f"The peak is {bytes_text(self.peak)}, at equation {self.at + 1} of "
            f"{len(self.live_bytes)}: {largest}."
        ]
        if self.residuals:
            saved = self._words(self._sized(self.residuals))
            sentences.append(f"Saved for the backward pass: {saved}.")
        if again := self.recomputed():
            flops = sum(n for _, n in again)
            sentences.append(
                f"Computed again on the backward pass: {plural(len(again), 'equation')}, "
                f"{number_text(flops)} FLOP{'s' * (flops != 1)}."
            )
        return " ".join(sentences)

    def explained(self) -> list[tuple[str, int]]:
        """Return the name and the bytes of everything live at the peak, the largest first."""
        sizes = self._explained(self.program.equations, self.outputs)
        return sorted(sizes, key=lambda pair: -pair[1])

    def _explained(
        self, equations: Sequence[Equation], outputs: Sequence[int]
    ) -> list[tuple[str, int]]:
        totals = live_bytes(equations, outputs, self.program.values)
        if not totals:
            return []
        k = totals.index(max(totals))
        lives = lifetimes(equations, outputs)
        after = self._sized(
            life.value for life in lives if life.start <= k < life.end
        )
        if sum(n for _, n in after) == totals[k]:
            return after
        before = self._sized(
            life.value for life in lives if life.start < k <= life.end
        )
        own = equations[k]
        stacked = own.results if own.primitive in ("scan", "while") else ()
        inside = []
        for body in sorted(own.bodies, key=lambda body: not body.taken):
            inside.append(self._explained(body.equations, body.outputs))
        # of branches that need as much, the one that was taken
        inner = max(inside, key=lambda sizes: sum(n for _, n in sizes))
        return [*before, *self._sized(stacked), *inner]

    def _sized(
        self,
        values: Iterable[int],
    ) -> list[tuple[str, int]]:
        table = self.program.values
        return [(table[v].name, table[v].nbytes) for v in values]

    def _words(
        self,
        values: Sequence[tuple[str, int]],
    ) -> str:
        """Return names with their bytes, the first few of many."""
        return listed([
            f"{shorten(name, NAME_ROOM)} ({bytes_text(size)})"
            for name, size in values
        ])

    def recomputed(self) -> list[tuple[str, int]]:
        """Return what a checkpoint computes again: each equation's name, and its FLOPs."""
        primitives = {e.path: e.primitive for e in walk(self.program.rows)}
        again = []
        for equation, times in _inside_checkpoints(self.program.equations):
            same = equation.primitive == primitives.get(equation.primal or "")
            if same and "adjoint" not in equation.roles and not equation.bodies:
                again.append((equation.primitive, equation.flops * times))
        return again

    def records(self) -> list[Data]:
        """Return a dict for each value: its bytes, role, first and last equation."""
        records = []
        for life in self.lives:
            value = self.program.values[life.value]
            records.append({
                "name": value.name,
                "bytes": value.nbytes,
                "role": role_of(self.program.equations[life.start]),
                "made": life.start + 1,
                "last_read": min(life.end + 1, len(self.live_bytes)),
                "returned": life.end == len(self.live_bytes),
                "residual": life.value in self.residuals,
            })
        return records

    def tables(self) -> list[Table]:
        """Return the life of each value, in order of birth."""
        rows = []
        for record in self.records():
            name, size, role, made, read, returned, residual = record.values()
            rows.append([
                f"◆ {name}" if residual else name,
                bytes_text(size),
                role.replace("_", " "),
                str(made),
                "returned" if returned else str(read),
                "residual" if residual else "",
            ])
        columns = ["bytes", "role", "made at", "last read", "backward pass"]
        return [Table("values and their lives", columns, rows)]

    def steps(self) -> list[Step]:
        """Return a step for each equation."""
        steps = []
        for k, equation in enumerate(self.program.equations):
            peak = ", the peak" if k == self.at else ""
            live = f"{bytes_text(self.live_bytes[k])} live{peak}"
            steps.append(Step(f"{statement(self.program, equation)}: {live}"))
        return steps

    def _x(
        self,
        k: float,
    ) -> float:
        """Return where the column of equation `k` begins."""
        return NAMES + k * (WIDTH - NAMES - SIZES) / max(
            1, len(self.live_bytes)
        )

    def pictures(self) -> list[Canvas]:
        """Draw a bar for each value over program order, and below them how much is live.

        The bars over the column of an equation are what is counted there.
        """
        if not self.live_bytes:
            return []
        canvas = Canvas(self.title)
        records = self.records()
        large = sorted(records, key=lambda r: -r["bytes"])[:MOST]
        y = 0.0
        for record in sorted(large, key=lambda r: r["made"]):
            self._draw_life(canvas, record, y)
            y += BAR
        more = len(records) - MOST
        if more > 0:
            canvas.text(0, y + 14, f"… {more} smaller values", "muted")
            y += ROW
        bottom = y + 84
        at = self._x(self.at + 0.5)
        dashes = {"stroke_dasharray": "3 3"}
        canvas.line([(at, 0), (at, bottom)], "muted-line", **dashes)
        look: Data = {"anchor": "start", "font_weight": 600}
        aside = 6
        if at > WIDTH / 2:
            look["anchor"], aside = "end", -6
        peak = f"peak {bytes_text(self.peak)}"
        canvas.text(at + aside, y + 20, peak, **look)
        for k, size in enumerate(self.live_bytes):
            height = 52 * size / max(1, self.peak)
            left, right = self._x(k), self._x(k + 1) - 1
            role = "ink" if k == self.at else "bookkeeping"
            canvas.box(left, bottom - height, right - left, height, role)
        canvas.text(0, y + 80, "live bytes", "muted")
        note = "◆ residual, saved for the backward pass"
        canvas.text(0, y + 104, note, "muted", size=11)
        roles = {record["role"] for record in large}
        left = 0.0
        for role in MARKS:
            if role in roles:
                key = f"{MARKS[role]} {role.replace('_', ' ')}"
                canvas.text(left, y + 122, key, role, size=11)
                left += 7 * len(key) + 12
        # the equations of a long program share pixels
        places: dict[int, list[int]] = {}
        for k in range(len(self.live_bytes)):
            places.setdefault(round(self._x(k + 0.5)), []).append(k)
        for x, steps in places.items():
            cursor(canvas, x, 0, bottom, steps)
        return [canvas]

    def _works(
        self,
        k: int,
    ) -> bool:
        """Whether equation `k` needs most while its body runs."""
        return self.live_bytes[k] > self.program.equations[k].live

    def _draw_life(
        self,
        canvas: Canvas,
        record: Data,
        y: float,
    ) -> None:
        name, nbytes, role, made, read, returned, residual = record.values()
        stop = read - 1
        if returned or self._works(stop):
            stop += 1
        start, end = self._x(made - 1), self._x(stop)
        maker = self.program.equations[made - 1]
        if self._works(made - 1) and maker.primitive not in ("scan", "while"):
            start = self._x(made) - 2  # it is there when the body is done
        size = bytes_text(nbytes)
        until = "returned" if returned else f"last read at {read}"
        words = f"{name}: {size}, made at {made}, {until}"
        if residual:
            words += ", a residual"
        bar = canvas.group(data_say=words)
        bar.text(14, y + 14, shorten(name, 12), role)
        bar.box(start, y + 4, end - start, 12, role)
        if residual:
            bar.text(0, y + 14, "◆", role)
            bar.text(start + 3, y + 15, "◆", "paper")
        bar.text(WIDTH, y + 14, size, "muted", size=11, anchor="end")


def _inside_checkpoints(
    equations: Sequence[Equation], times: int = 1, inside: bool = False
) -> Iterator[tuple[Equation, int]]:
    """Yield the equations that a backward pass runs inside checkpoints, and how many times."""
    for equation in equations:
        if inside:
            yield equation, times
        checkpoint = (
            equation.primitive in ("remat2", "checkpoint")
            and "adjoint" in equation.roles
        )
        for body in equation.bodies:
            inner = times * (1 if equation.trips is None else equation.trips)
            yield from _inside_checkpoints(
                body.equations, inner, inside or checkpoint
            )


@explorable
def memory(
    f: Function,
    *args: Any,
    mode: Mode = "reverse",
    argnums: Argnums = 0,
    checkpoint: bool | Callable[..., bool] = False,
    ask: bool = False,
) -> Memory:
    """Show what is live at each equation of a program, value by value.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`.
        mode: "primal", "forward" or "reverse".
        argnums: which arguments to differentiate; the first by default, "all" for all.
        checkpoint: True saves nothing but the inputs and computes the rest again on the backward
            pass; a policy of `olympus.checkpoint_policies` says what to save.
        ask: whether to ask for the residuals before anything is shown.

    Raises:
        TypeError: for what is not a function, a non-numeric leaf, nothing to differentiate, or
            a checkpoint that is not a policy.
        ValueError: for an unknown mode, or where there is nothing to ask.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.memory(lambda x: jnp.sum(jnp.sin(jnp.sin(x))), jnp.ones(10)))
    ```
    """
    if not (isinstance(checkpoint, bool) or callable(checkpoint)):
        raise TypeError(
            "checkpoint is True, False or a policy of olympus.checkpoint_policies; got "
            f"{describe(checkpoint)}."
        )
    run = f
    if checkpoint and callable(f):
        run = jax.checkpoint(
            f, policy=checkpoint if callable(checkpoint) else None
        )
        run.__name__ = getattr(f, "__name__", "f")
    view = Memory(capture(run, *args, mode=mode, argnums=argnums))
    if ask:
        view.questions = saved_questions(view.program)
    return view
