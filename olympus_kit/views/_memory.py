"""`memory`: what a program holds, from when to when, and why the peak is where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from ..program import Equation, Mode, Program, capture, held, lifetimes, walk
from ._charts import NAMES, ROW, WIDTH, _line, _rect, curves_svg
from ._cost import Cost, cost
from ._formula import plural, statement
from ._report import Report, Table, bytes_text, number_text, shortened
from ._svg import INK, MUTED, PAD, ROLES, _finished, _page, _text

MOST = 40  # bars in the picture; the largest values where there are more


class Memory(Report):
    """The life of each value of a program, and the moment when most is held."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lives = lifetimes(program.equations, program.outputs + program.derivatives)
        self.held = held(program.equations, program.outputs + program.derivatives, program.values)
        self.peak = max(self.held, default=0)
        self.at = self.held.index(self.peak) if self.held else 0
        self.kept = {r.value for r in program.residuals if not r.free}
        self.notes = list(program.notes)

    @property
    def title(self) -> str:
        """The function and the mode."""
        return f"Memory of {self.program.name} in {self.program.mode} mode"

    @property
    def summary(self) -> str:  # type: ignore[override]
        """The peak, by name, and what is kept or computed again."""
        names = ", ".join(f"{name} ({bytes_text(n)})" for name, n in self.explained()[:6])
        more = len(self.explained()) - 6
        said = [
            f"The peak is {bytes_text(self.peak)}, at equation {self.at + 1} of {len(self.held)}: "
            f"{names or 'nothing'}{f' and {more} more' if more > 0 else ''}.",
            "Inputs and constants are the caller's and are not counted.",
        ]
        if self.program.mode == "reverse":
            said.insert(1, f"Kept for the way back: {bytes_text(self._kept_bytes())}.")
        if again := self.recomputed():
            work = sum(n for _, n in again)
            said.append(
                f"Computed again on the way back: {plural(len(again), 'equation')}, "
                f"{number_text(work)} operations."
            )
        return " ".join(said)

    def _kept_bytes(self) -> int:
        return sum(self.program.values[v].nbytes for v in self.kept)

    def explained(self) -> list[tuple[str, int]]:
        """Return the name and the bytes of everything held at the peak, the largest first."""
        outputs = self.program.outputs + self.program.derivatives
        found = self._explained(self.program.equations, outputs)
        return sorted(found, key=lambda pair: -pair[1])

    def _explained(
        self, equations: Sequence[Equation], outputs: Sequence[int]
    ) -> list[tuple[str, int]]:
        totals = held(equations, outputs, self.program.values)
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

    def _sized(self, values: Any) -> list[tuple[str, int]]:
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
                "x": self._x(k) + self._wide() / 2,
            }
            for k, (e, held_now) in enumerate(zip(self.program.equations, self.held, strict=True))
        ]

    def _wide(self) -> float:
        return (WIDTH - NAMES - PAD - 80) / max(1, len(self.held))

    def _x(self, k: int) -> float:
        return NAMES + k * self._wide()

    def svg(self) -> str:
        """Return a bar for each value over program order, and below them what is held."""
        page: Any = self  # a page needs a title and a summary alone
        root, y = _page(page), 44.0
        sizes = {life.value: self.program.values[life.value].nbytes for life in self.lives}
        large = sorted(self.lives, key=lambda life: -sizes[life.value])[:MOST]
        for life in sorted(large, key=lambda life: life.start):
            kept = life.value in self.kept
            color, mark = (ROLES["adjoint"][0], "◆ ") if kept else (ROLES["primal"][0], "")
            name = self.program.values[life.value].name
            _text(root, PAD, y + 14, f"{mark}{shortened(name)}", color)
            end = self._x(min(life.end + 1, len(self.held)))
            _rect(root, self._x(life.start), y + 3, end - self._x(life.start), 14, color)
            _text(root, end + 4, y + 14, bytes_text(sizes[life.value]), MUTED, 10)
            y += ROW
        if len(self.lives) > MOST:
            _text(root, PAD, y + 14, f"… {len(self.lives) - MOST} smaller values", MUTED)
            y += ROW
        _text(root, PAD, y + 30, "held at each equation", INK)
        for k, now in enumerate(self.held):
            height = 48 * now / max(1, self.peak)
            color = INK if k == self.at else ROLES["bookkeeping"][0]
            _rect(root, self._x(k), y + 62 - height, max(1.0, self._wide() - 1), height, color)
        _text(root, PAD, y + 50, f"peak {bytes_text(self.peak)}", INK, 11)
        middle = self._x(self.at) + self._wide() / 2
        _line(root, [(middle, 40), (middle, y + 12)], MUTED, "3 3")
        key = "◆ red: kept for the way back · dashes: the peak"
        _text(root, PAD, y + 80, key, MUTED, 11)
        return _finished(root, WIDTH, y + 84)


def _inside_checkpoints(
    equations: Sequence[Equation], turns: int = 1, inside: bool = False
) -> Iterator[tuple[Equation, int]]:
    """Yield the equations that a way back runs inside checkpoints, and how often."""
    for e in equations:
        if inside:
            yield e, turns
        deeper = inside or (e.primitive in ("remat2", "checkpoint") and "adjoint" in e.roles)
        for body in e.bodies:
            yield from _inside_checkpoints(
                body.equations, turns * (1 if e.trips is None else e.trips), deeper
            )


def memory(
    f: Callable[..., Any],
    *args: Any,
    mode: Mode = "reverse",
    argnums: int | Sequence[int] | None = None,
    checkpoint: bool | Callable[..., bool] = False,
) -> Memory:
    """Show what a program holds at each equation, value by value.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point, one value for each parameter of `f`.
        mode: "primal", "forward" or "reverse".
        argnums: which arguments to differentiate; all that hold real numbers where None.
        checkpoint: True keeps nothing but the inputs and computes the rest again on the way
            back; a policy of `olympus.checkpoint_policies` says what to keep.

    Raises:
        TypeError: for what is no function, a leaf that is no number, or nothing to differentiate.
        ValueError: for an unknown mode.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.memory(lambda x: jnp.sum(jnp.sin(jnp.sin(x))), jnp.ones(10)))
    ```
    """
    if checkpoint:
        policy = checkpoint if callable(checkpoint) else None
        named = jax.checkpoint(f, policy=policy)
        named.__name__ = getattr(f, "__name__", "f")
        return Memory(capture(named, *args, mode=mode, argnums=argnums))
    return Memory(capture(f, *args, mode=mode, argnums=argnums))


class Tradeoff(Cost):
    """The gradient of a long loop, kept whole or in segments that are computed again."""

    @property
    def title(self) -> str:
        """What is compared."""
        return "The gradient of a loop, cut into segments that are computed again"

    def svg(self) -> str:
        """Return memory over the length of a segment."""
        rows = [row for row in self.rows if "peak" in row]
        curves = {
            heading: [(row["segment"], row[key]) for row in rows if "segment" in row and key in row]
            for key, heading in (("peak", "jaxpr peak"), ("temp", "compiled temp"))
        }
        return curves_svg(self, "turns in a segment", "bytes", curves, bytes_text)


def segmented(step: Callable[[Any], Any], length: int, segment: int) -> Callable[[Any], Any]:
    """Return `length` turns of `step` as a loop over checkpointed segments of `segment` turns.

    Raises:
        ValueError: where `segment` does not divide `length`.
    """
    if segment < 1 or length % segment:
        raise ValueError(f"segment must divide length = {length}; got {segment}.")

    def turns(carry: Any, count: int, body: Callable[[Any], Any]) -> Any:
        return jax.lax.scan(lambda c, _: (body(c), None), carry, None, length=count)[0]

    inner = jax.checkpoint(lambda carry: turns(carry, segment, step))
    return lambda carry: turns(carry, length // segment, inner)


def tradeoff(
    step: Callable[[Any], Any],
    init: Any,
    length: int,
    segments: Sequence[int] | None = None,
    *,
    timed: bool = False,
) -> Tradeoff:
    """Compare the memory of a loop's gradient over the ways to cut it into checkpointed segments.

    A segment keeps only what it starts from, and is run again on the way back: for n turns,
    segments of about √n are best (Griewank 1992, with one level).

    Args:
        step: one turn, from a carry to the next of the same shapes.
        init: the first carry.
        length: how many turns.
        segments: lengths to try, divisors of `length`; the powers of two among them where None.
        timed: whether to time, too.

    Raises:
        ValueError: where a segment does not divide `length`.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.tradeoff(jnp.sin, jnp.ones(1000), 256, [1, 16, 256]))
    ```
    """
    powers = [2**k for k in range(length.bit_length()) if length % 2**k == 0]

    def whole(carry: Any) -> Any:
        return jax.lax.scan(lambda c, _: (step(c), None), carry, None, length=length)[0]

    runs: dict[str, Callable[[Any], Any]] = {"all kept": whole}
    for segment in segments or powers:
        runs[f"segments of {segment}"] = segmented(step, length, segment)

    def total(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return jax.grad(lambda carry: sum(leaf.sum() for leaf in jax.tree.leaves(run(carry))))

    found = cost({name: total(run) for name, run in runs.items()}, init, timed=timed)
    for row, segment in zip(found.rows[1:], segments or powers, strict=False):
        row["segment"] = segment
    return Tradeoff(found.functions, found.rows, None)
