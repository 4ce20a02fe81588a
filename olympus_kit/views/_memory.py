"""`memory`: what a program holds, from when to when, and why the peak is where it is."""

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
from ._charts import BAR_TEXT, NAMES, ROW, WIDTH, _line, _rect
from ._formula import plural, statement
from ._report import Report, Table, bytes_text, listed, number_text, shortened
from ._svg import INK, MUTED, PAD, ROLES, _finished, _page, _text

MOST = 40  # bars in the picture; the largest values where there are more


class Memory(Report):
    """The life of each value of a program, and the moment when most is held."""

    def __init__(self, program: Program) -> None:
        derivatives = tuple([program.variable(v) for v in program.derivatives])
        self.program, self.outputs = program, program.outputs + derivatives
        self.lives = lifetimes(program.equations, self.outputs)
        self.held = live_bytes(program.equations, self.outputs, program.values)
        self.peak = max(self.held, default=0)
        self.at = self.held.index(self.peak) if self.held else 0
        self.kept = list(dict.fromkeys(r.value for r in program.residuals if not r.free))
        self.notes = list(program.notes)

    @property
    def title(self) -> str:
        """The function and the mode."""
        return f"Memory of {self.program.name} in {self.program.mode} mode"

    @property
    def summary(self) -> str:  # type: ignore[override]
        """The peak, by name, and what is kept or computed again."""
        if not self.held:
            return "There is no equation, and so nothing is held."
        said = [
            f"The peak is {bytes_text(self.peak)}, at equation {self.at + 1} of {len(self.held)}: "
            f"{_sizes(self.explained()) or 'nothing'}.",
            "Inputs and constants are the caller's and are not counted.",
        ]
        if self.kept:
            said.insert(1, f"Kept for the way back: {_sizes(self._sized(self.kept))}.")
        if again := self.recomputed():
            said.append(
                f"Computed again on the way back: {plural(len(again), 'equation')}, "
                f"{number_text(sum(n for _, n in again))} operations."
            )
        return " ".join(said)

    def explained(self) -> list[tuple[str, int]]:
        """Return the name and the bytes of everything held at the peak, the largest first."""
        found = self._explained(self.program.equations, self.outputs)
        return sorted(found, key=lambda pair: -pair[1])

    def _explained(
        self, equations: Sequence[Equation], outputs: Sequence[int]
    ) -> list[tuple[str, int]]:
        totals = live_bytes(equations, outputs, self.program.values)
        if not totals:
            return []
        k = totals.index(max(totals))
        lives = lifetimes(equations, outputs)
        after = self._sized(life.value for life in lives if life.start <= k < life.end)
        if sum(n for _, n in after) == totals[k]:
            return after
        before = self._sized(life.value for life in lives if life.start < k <= life.end)
        own = equations[k]
        stacked = own.results if own.primitive in ("scan", "while") else ()
        inside = [self._explained(b.equations, b.outputs) for b in own.bodies]
        inner = max(inside, key=lambda found: sum(n for _, n in found))
        return [*before, *self._sized(stacked), *inner]

    def _sized(self, values: Iterable[int]) -> list[tuple[str, int]]:
        return [(self.program.values[v].name, self.program.values[v].nbytes) for v in values]

    def recomputed(self) -> list[tuple[str, int]]:
        """Return what a checkpoint computes again: each equation's name, and its operations."""
        primitives = {e.path: e.primitive for e in walk(self.program.rows)}
        return [
            (e.primitive, e.flops * turns)
            for e, turns in _inside_checkpoints(self.program.equations)
            if e.primitive == primitives.get(e.primal or "")
            and "adjoint" not in e.roles
            and not e.bodies
        ]

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each value: its bytes, its first and last equation, whether kept."""
        return [
            {
                "name": self.program.values[life.value].name,
                "bytes": self.program.values[life.value].nbytes,
                "made": life.start + 1,
                "last_read": min(life.end + 1, len(self.held)),
                "returned": life.end == len(self.held),
                "kept": life.value in self.kept,
            }
            for life in self.lives
        ]

    def tables(self) -> list[Table]:
        """Return the life of each value, in order of birth."""
        rows = [
            [
                f"{'◆ ' if r['kept'] else ''}{r['name']}",
                bytes_text(r["bytes"]),
                str(r["made"]),
                "returned" if r["returned"] else str(r["last_read"]),
                "kept" if r["kept"] else "",
            ]
            for r in self.records()
        ]
        return [Table("value", ["bytes", "made at", "last read", "way back"], rows)]

    def steps(self) -> list[dict[str, Any]]:
        """Return a step for each equation."""
        return [
            {
                "words": f"{statement(self.program, e)}: {bytes_text(held_now)} held"
                + (", the peak" if k == self.at else ""),
                "x": self._x(k + 0.5),
            }
            for k, (e, held_now) in enumerate(zip(self.program.equations, self.held, strict=True))
        ]

    def _x(self, k: float) -> float:
        """Return where equation `k` stands; its bar ends where the next begins."""
        return NAMES + k * (WIDTH - NAMES - PAD - BAR_TEXT) / max(1, len(self.held))

    def svg(self) -> str:
        """Return a bar for each value over program order, and below them what is held."""
        root, y = _page(self), 44.0
        large = sorted(self.records(), key=lambda r: -r["bytes"])[:MOST]
        for r in sorted(large, key=lambda r: r["made"]):
            color, mark = (ROLES["adjoint"][0], "◆ ") if r["kept"] else (ROLES["primal"][0], "")
            _text(root, PAD, y + 14, f"{mark}{shortened(r['name'])}", color)
            start, end = self._x(r["made"] - 1), self._x(r["last_read"])
            _rect(root, start, y + 3, end - start, 14, color)
            size = _text(root, WIDTH - PAD, y + 14, bytes_text(r["bytes"]), MUTED, 11)
            size.set("text-anchor", "end")
            y += ROW
        if len(self.lives) > MOST:
            _text(root, PAD, y + 14, f"… {len(self.lives) - MOST} smaller values", MUTED)
            y += ROW
        _text(root, PAD, y + 30, "held at each equation", INK)
        for k, now in enumerate(self.held):
            height = 48 * now / max(1, self.peak)
            color = INK if k == self.at else ROLES["bookkeeping"][0]
            _rect(root, self._x(k), y + 62 - height, self._x(k + 1) - self._x(k) - 1, height, color)
        _text(root, PAD, y + 50, f"peak {bytes_text(self.peak)}", INK, 11)
        _line(root, [(self._x(self.at + 0.5), 40), (self._x(self.at + 0.5), y + 12)], MUTED, "3 3")
        key = "◆ red: kept for the way back · dashes: the peak"
        _text(root, PAD, y + 80, key, MUTED, 11)
        return _finished(root, WIDTH, y + 84)


def _sizes(values: Sequence[tuple[str, int]]) -> str:
    """Return names with their bytes, the first few of many."""
    return listed([f"{name} ({bytes_text(n)})" for name, n in values], 6)


def _inside_checkpoints(
    equations: Sequence[Equation], turns: int = 1, inside: bool = False
) -> Iterator[tuple[Equation, int]]:
    """Yield the equations that a way back runs inside checkpoints, and how often."""
    for e in equations:
        if inside:
            yield e, turns
        deeper = inside or (e.primitive in ("remat2", "checkpoint") and "adjoint" in e.roles)
        for body in e.bodies:
            inner = turns * (1 if e.trips is None else e.trips)
            yield from _inside_checkpoints(body.equations, inner, deeper)


def memory(
    f: Callable[..., Any],
    *args: Any,
    mode: Mode = "reverse",
    argnums: Argnums = 0,
    checkpoint: bool | Callable[..., bool] = False,
) -> Memory:
    """Show what a program holds at each equation, value by value.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`.
        mode: "primal", "forward" or "reverse".
        argnums: which arguments to differentiate; the first by default, "all" for all.
        checkpoint: True keeps nothing but the inputs and computes the rest again on the way
            back; a policy of `olympus.checkpoint_policies` says what to keep.

    Raises:
        TypeError: for what is no function, a leaf that is no number, nothing to differentiate, or
            a checkpoint that is no policy.
        ValueError: for an unknown mode.

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
    kept = f
    if checkpoint and callable(f):
        kept = jax.checkpoint(f, policy=checkpoint if callable(checkpoint) else None)
        kept.__name__ = getattr(f, "__name__", "f")
    return Memory(capture(kept, *args, mode=mode, argnums=argnums))
