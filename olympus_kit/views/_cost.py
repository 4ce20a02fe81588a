"""`cost`: what functions cost, counted three ways, weighed and timed."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ..program import count
from ._charts import bars_svg
from ._report import (
    Report,
    Table,
    bytes_text,
    listed,
    number_text,
    ratio_text,
    seconds_text,
)
from ._timing import sample, tracked, waited

Entry = tuple[Callable[..., Any], tuple[Any, ...]]
Say = Callable[[float], str]

# record key -> (heading, how its numbers are written), in the tables of a report
GROUPS: dict[str, dict[str, tuple[str, Say]]] = {
    "operations": {
        "equations": ("equations", number_text),
        "flops": ("jaxpr flops", number_text),
        "flops_lowered": ("lowered", number_text),
        "flops_compiled": ("compiled", number_text),
    },
    "functions, traffic": {
        "transcendentals": ("sin, exp, …", number_text),
        "bytes": ("jaxpr bytes", bytes_text),
        "bytes_compiled": ("compiled", bytes_text),
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
    """What several functions cost, each number with its ratio to a baseline."""

    def __init__(
        self,
        functions: Callable[..., Any] | Mapping[str, Callable[..., Any]],
        rows: Sequence[dict[str, Any]],
        baseline: str | None,
        notes: Sequence[str] = (),
    ) -> None:
        self.functions = functions
        self.rows = list(rows)
        self.baseline = baseline or (rows[0]["name"] if rows else "")
        self.notes = [*notes, *_explained(rows)]

    @property
    def title(self) -> str:
        """Which functions are compared."""
        return f"Cost of {listed([row['name'] for row in self.rows]) or 'nothing'}"

    @property
    def summary(self) -> str:  # type: ignore[override]
        """What the numbers mean."""
        return (
            f"Ratios are to {self.baseline}. Jaxpr flops count a sine as one operation; XLA's "
            "two counts, lowered and compiled, leave sines out."
        )

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each function; what was not measured is missing."""
        return [dict(row) for row in self.rows]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return the record of one function, such as `cost["f"]["flops"]`."""
        found = {row["name"]: row for row in self.rows}
        if name not in found:
            raise KeyError(f"no function {name!r} here, only {listed(list(found))}")
        return found[name]

    def tables(self) -> list[Table]:
        """Return operations, memory and, where it was taken, time."""
        base = next((row for row in self.rows if row["name"] == self.baseline), {})
        return [
            Table(
                caption,
                [heading for heading, _ in shown.values()],
                [[row["name"], *(_cell(row, base, k, say) for k, (_, say) in shown.items())]
                 for row in self.rows],
            )
            for caption, group in GROUPS.items()
            if (shown := {k: v for k, v in group.items() if any(k in row for row in self.rows)})
        ]  # fmt: skip

    def svg(self) -> str:
        """Return flops, peak memory and, where taken, time as bars."""
        keys = [k for k in ("flops", "peak", "jitted_seconds") if any(k in r for r in self.rows)]
        groups = []
        for key in keys:
            heading, say = METRICS[key]
            found = [(row["name"], row[key]) for row in self.rows if key in row]
            groups.append((heading, [(name, x, say(x)) for name, x in found]))
        return bars_svg(self, groups)

    def sweep(self, arguments: Any, *, timed: bool = False, **sizes: Any) -> Any:
        """Measure the same functions at many sizes.

        Args:
            arguments: a function of the sizes that returns the arguments, or their shapes as
                text: "n, m n" is a vector of length n, and a matrix with m rows.
            timed: whether to time, too.
            **sizes: for each name a size, or a list of them; every combination is measured.

        Raises:
            ValueError: where no size is given, or a shape names an unknown size.

        ```python
        import olympus
        import olympus.numpy as jnp
        import olympus_kit as ok

        f = lambda x, A: jnp.tanh(A @ x)
        both = {"jacfwd": olympus.jacfwd(f), "jacrev": olympus.jacrev(f)}
        at_10 = ok.cost(both, jnp.ones(10), jnp.ones((10, 10)))
        print(at_10.sweep("n, m n", n=[5, 10, 20], m=10))
        ```
        """
        from ._sweep import sweep

        return sweep(self.functions, arguments, sizes, timed)


def _cell(row: Mapping[str, Any], base: Mapping[str, Any], key: str, say: Say) -> str:
    if key not in row:
        return "–"
    at_least = "≥ " if key == "flops" and not row["exact"] else ""
    ratio = "" if row is base else ratio_text(row[key], base.get(key))
    return f"{at_least}{say(row[key])} {ratio}".strip()


def _explained(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was not measured, and where the three counts disagree by design."""
    notes = [f"{row['name']}: {row['note']}" for row in rows if "note" in row]
    inexact = [row["name"] for row in rows if not row.get("exact", True)]
    if inexact:
        notes.append(f"{listed(inexact)}: a while loop's turns are unknown, and count as one")
    looped = [row["name"] for row in rows if row.get("looped")]
    if looped:
        notes.append(f"{listed(looped)}: XLA counts a loop's body once, whatever its turns")
    return notes


def cost(
    f: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    *args: Any,
    baseline: str | None = None,
    timed: bool = False,
    memory: int | None = None,
    progress: bool | None = None,
) -> Cost:
    """Count, weigh and, if asked, time functions; nothing runs unless it is timed or compared.

    Operations are counted at three levels: in the jaxpr with the turns of loops multiplied, in
    what JAX hands to XLA, and in what XLA compiles. Sources: the walk over the jaxpr, and
    `cost_analysis` and `memory_analysis` of `jax.stages`.

    Args:
        f: {name: function}, functions of the same arguments that compute the same; or one
            function, which is compared with its own derivatives.
        *args: arrays, numbers and containers of them; `olympus.ShapeDtypeStruct` where only
            the shape is known.
        baseline: the name that ratios refer to; the first where None.
        timed: whether to measure seconds, too: eager and compiled, in turns, least of seven.
        memory: bytes that a function may need; what the machine has free where None.
        progress: whether to show a bar; in a terminal where None.

    Raises:
        TypeError: for what is no function, or a single one with nothing to differentiate.
        ValueError: for a baseline that is no name of the comparison.
        MemoryError: where every function would need more than `memory`.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    print(ok.cost(lambda x: jnp.sum(jnp.sin(x) ** 2), jnp.ones(10)))
    ```
    """
    named = isinstance(f, Mapping)
    found = entries(f, args)
    if baseline is not None and baseline not in found:
        raise ValueError(f"baseline must be one of {', '.join(found)}; got {baseline!r}.")
    rows, notes, compiled = [], list[str](), {}
    try:
        for name, (function, arguments) in tracked(list(found.items()), "counting", progress):
            row, compiled[name] = measured(name, function, arguments, memory)
            rows.append(row)
    except KeyboardInterrupt:
        notes.append(f"stopped: {len(rows)} of {len(found)} functions kept")
    runnable = {n: c for n, c in compiled.items() if c is not None}
    if not runnable and rows:
        raise MemoryError("; ".join(f"{row['name']}: {row['note']}" for row in rows))
    if named:
        notes += _differences(runnable, args)
    if timed:
        _time(rows, {n: (found[n], c) for n, c in runnable.items()}, progress)
    return Cost(f, rows, baseline, notes)


def entries(f: Any, args: Sequence[Any]) -> dict[str, Entry]:
    """Return what is to be measured: functions by name, each with its arguments."""
    if callable(f):
        return _derivatives(f, tuple(args))
    if isinstance(f, Mapping) and f and all(map(callable, f.values())):
        return {str(name): (function, tuple(args)) for name, function in f.items()}
    raise TypeError(f"cost takes a function, or {{name: function}}, then arguments; got {f!r}.")


def _derivatives(f: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Entry]:
    """Return f and its derivatives by every argument that holds real numbers.

    Tangents and cotangents are arguments: a constant of ones would be simplified away.
    """
    which = tuple(i for i, a in enumerate(args) if _is_real(a))
    if not which:
        raise TypeError(
            "No argument holds floating-point numbers, so there is nothing to differentiate; "
            "write 2.0 for 2, or pass {name: function} to compare functions as they are."
        )
    out = jax.eval_shape(f, *args)
    count_args = len(args)

    def part(*primals: Any, rest: tuple[Any, ...]) -> Any:
        return f(*_placed(rest, which, primals))

    def jvp(*given: Any) -> Any:
        rest, tangents = given[:count_args], given[count_args:]
        return jax.jvp(lambda *p: part(*p, rest=rest), [rest[i] for i in which], list(tangents))

    def vjp(*given: Any) -> Any:
        rest, u = given[:count_args], given[count_args]
        y, pullback = jax.vjp(lambda *p: part(*p, rest=rest), *(rest[i] for i in which))
        return y, pullback(u)

    def linearized(*given: Any) -> Any:
        rest, tangents = given[:count_args], given[count_args:]
        y, push = jax.linearize(lambda *p: part(*p, rest=rest), *(rest[i] for i in which))
        return y, push(*tangents)

    tangents = tuple(args[i] for i in which)
    found: dict[str, Entry] = {"f": (f, args), "jvp": (jvp, (*args, *tangents))}
    if all(_is_real(leaf) for leaf in jax.tree.leaves(out)):
        found["vjp"] = (vjp, (*args, out))
    if getattr(out, "shape", None) == () and _is_real(out):
        found["grad"] = (jax.grad(f, which), args)
    found["jacfwd"] = (jax.jacfwd(f, which), args)
    found["jacrev"] = (jax.jacrev(f, which), args)
    found["hessian"] = (jax.hessian(f, which), args)
    found["linearize + apply"] = (linearized, (*args, *tangents))
    return found


def _placed(rest: tuple[Any, ...], which: Sequence[int], chosen: Sequence[Any]) -> list[Any]:
    full = list(rest)
    for index, value in zip(which, chosen, strict=True):
        full[index] = value
    return full


def _is_real(tree: Any) -> bool:
    leaves = jax.tree.leaves(tree)
    dtypes = [leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf) for leaf in leaves]
    return bool(leaves) and all(np.issubdtype(dtype, np.floating) for dtype in dtypes)


def measured(
    name: str, f: Callable[..., Any], args: Sequence[Any], memory: int | None
) -> tuple[dict[str, Any], Any]:
    """Return the record of one function, and the function compiled; None where it would not fit."""
    traced = jax.jit(lambda *xs: f(*xs)).trace(*args)
    counted = count(traced.jaxpr)
    row = {"name": name, **vars(counted)}
    ends = sum(_nbytes(leaf) for leaf in jax.tree.leaves((list(args), traced.out_info)))
    limit = free_memory() if memory is None else memory
    if counted.peak + ends > limit:
        needed, free = bytes_text(counted.peak + ends), bytes_text(limit)
        return row | {"note": f"would need about {needed}, and {free} are free: not compiled"}, None
    lowered = traced.lower()
    start = time.perf_counter()
    compiled = lowered.compile()
    row["compile_seconds"] = time.perf_counter() - start
    before, after = lowered.cost_analysis() or {}, compiled.cost_analysis() or {}
    row["flops_lowered"] = int(before.get("flops", 0))
    row["flops_compiled"] = int(after.get("flops", 0))
    row["bytes_compiled"] = int(after.get("bytes accessed", 0))
    row["temp"] = int(compiled.memory_analysis().temp_size_in_bytes)
    return row, compiled


def _nbytes(leaf: Any) -> int:
    dtype = getattr(leaf, "dtype", np.dtype(np.float64))
    size: int = math.prod(np.shape(leaf)) * getattr(dtype, "itemsize", 8)
    return size


def free_memory() -> int:
    """Return the bytes that the machine has free, as far as the system says."""
    try:
        return int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 2**63 - 1  # this system does not say


def _differences(compiled: Mapping[str, Any], args: Sequence[Any]) -> list[str]:
    """Run each function once; warn of those whose result is not that of the first."""
    if any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(list(args))):
        return []
    results = {name: function(*args) for name, function in compiled.items()}
    first, *rest = results or [""]
    notes = []
    for name in rest:
        if not _same(results[first], results[name]):
            shapes = [jax.tree.map(np.shape, results[n]) for n in (name, first)]
            how = (
                f"shape {shapes[0]}, not {shapes[1]}" if shapes[0] != shapes[1] else "other numbers"
            )
            notes.append(f"{name} does not return what {first} returns ({how})")
            warnings.warn(f"{notes[-1]}: their costs are not of the same work.", stacklevel=3)
    return notes


def _same(a: Any, b: Any) -> bool:
    pairs, tree = jax.tree.flatten(a)
    others, other_tree = jax.tree.flatten(b)
    if str(tree) != str(other_tree):
        return False
    for x, y in zip(pairs, others, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        if x.shape != y.shape:
            return False
        loose = math.sqrt(np.finfo(x.dtype).eps) if x.dtype.kind in "fc" else 0
        if not np.allclose(x, y, rtol=loose, atol=loose, equal_nan=True):
            return False
    return True


def _time(rows: Sequence[dict[str, Any]], found: Mapping[str, Any], progress: bool | None) -> None:
    jobs = {}
    for name, ((function, args), compiled) in found.items():
        concrete = jax.tree.map(_concrete, args)
        jobs[f"eager {name}"] = waited(function, concrete)
        jobs[f"jitted {name}"] = waited(compiled, concrete)
    times = sample(jobs, 7, progress=progress)
    for row in rows:
        for how in ("eager", "jitted"):
            if seconds := times.get(f"{how} {row['name']}"):
                row[f"{how}_seconds"] = min(seconds)


def _concrete(leaf: Any) -> Any:
    """Return numbers for what is only a shape: harmless ones, of both signs."""
    if not isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    return np.sin(1.0 + np.arange(math.prod(leaf.shape))).reshape(leaf.shape).astype(leaf.dtype)
