"""What one function costs: counted before it is compiled, weighed by XLA, timed where asked."""

from __future__ import annotations

import math
import os
import re
import textwrap
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..program import count, user_line
from ._derivatives import Entry
from ._format import bytes_text
from ._timing import sample, waited
from ._types import Data, Function

ROUNDS = 9
# what jax raises where Python asks for a number that a trace does not have
NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
# of an error of jax's, after the name of the function
WITHOUT_VALUES = (
    "asks Python for a number that is not there while jax traces it. Use olympus.numpy (jnp.sin "
    "for np.sin or math.sin), leave out float(...), and write jnp.where or lax.cond for an `if`."
)
NO_NUMBER = re.compile(r"returned a value of type <class '([\w.]+)'>")


@dataclass(frozen=True)
class Run:
    """A compiled function, and what it was compiled from."""

    compiled: Function
    entry: Entry
    out: Any  # the shapes of its result


def measured(row: Data, entry: Entry, memory: int | None) -> Run:
    """Write what a function costs into its row, as far as it gets, and return it compiled.

    Raises:
        MemoryError: where it would need more than `memory`; it is not compiled then.
    """
    traced, entry = _traced(entry)
    row.update(vars(count(traced.jaxpr)))
    needed = row["peak"]
    for leaf in jax.tree.leaves((entry.args, traced.out_info)):
        dtype = getattr(leaf, "dtype", np.dtype(float))
        needed += math.prod(np.shape(leaf)) * dtype.itemsize
    limit = machine_memory() if memory is None else memory
    if needed > limit:
        raise MemoryError(
            f"it would need about {bytes_text(needed)}, and there are {bytes_text(limit)}"
        )
    lowered = traced.lower()
    start = time.perf_counter()
    compiled = lowered.compile()
    row["compile_seconds"] = time.perf_counter() - start
    before = lowered.cost_analysis() or {}
    after = compiled.cost_analysis() or {}
    row["flops_lowered"] = int(before.get("flops", 0))
    row["flops_compiled"] = int(after.get("flops", 0))
    row["bytes_compiled"] = int(after.get("bytes accessed", 0))
    row["temp"] = int(compiled.memory_analysis().temp_size_in_bytes)
    return Run(compiled, entry, traced.out_info)


def _traced(entry: Entry) -> tuple[Any, Entry]:
    """Return a traced function, with its integers held where it cannot be traced otherwise."""
    try:
        traced = jax.jit(lambda *xs: entry.function(*xs)).trace(*entry.args)
    except Exception as error:
        if entry.instead is None:
            raise
        try:
            return _traced(entry.instead)
        except Exception:
            raise error from None  # it was not the integers
    return traced, entry


def failure(error: Exception) -> str:
    """Return an error as a note, in one line."""
    line = (str(error).splitlines() or [""])[0]
    # what jax then advises, an argument of its own functions, is none of the kit's
    line = line.partition(" For holomorphic differentiation, pass ")[0]
    words = textwrap.shorten(line, 300, placeholder=" …")
    return f"failed, {type(error).__name__}: {words}"


def clearer(error: Exception, name: str) -> Exception:
    """Return an error about the function that was given, where jax's names those of the kit."""
    if isinstance(error, NEEDS_VALUES):
        line = user_line(error).removeprefix(", ")
        return TypeError(
            f"{name} {WITHOUT_VALUES}{f' It asks {line}.' if line else ''}"
        )
    if isinstance(error, TypeError) and (kind := NO_NUMBER.search(str(error))):
        return TypeError(
            f"{name} returned a value of type {kind[1]}; it must return a number, an array, or a "
            "container (tuple, list, dict) of them."
        )
    return error


def machine_memory() -> int:
    """Return the bytes of memory that the machine has, as far as the system says."""
    try:
        return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 2**63 - 1


def differences(runs: Mapping[str, Run]) -> list[str]:
    """Warn of functions whose result is not that of the first.

    Numbers are compared by running each once; where an argument is only a shape, shapes are.
    """
    results = {}
    for name, run in runs.items():
        leaves = jax.tree.leaves(run.entry.args)
        shapes = any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)
        results[name] = run.out if shapes else run.compiled(*run.entry.args)
    first, *rest = results or [""]
    notes = []
    for name in rest:
        if how := _difference(results[first], results[name]):
            notes.append(f"{name} does not return what {first} returns ({how})")
            warnings.warn(
                f"{notes[-1]}: their costs are not of the same work.",
                stacklevel=3,
            )
    return notes


def _difference(first: Any, other: Any) -> str:
    for word, read in (("shape ", np.shape), ("", lambda x: str(x.dtype))):
        expected, got = jax.tree.map(read, first), jax.tree.map(read, other)
        if expected != got:
            return f"{word}{got}, not {expected}"
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(other), strict=True)
    return "" if all(_close(x, y) for x, y in pairs) else "other numbers"


def _close(x: Any, y: Any) -> bool:
    if isinstance(x, jax.ShapeDtypeStruct):
        return True
    exact = not jnp.issubdtype(x.dtype, jnp.inexact)
    loose = 0.0 if exact else float(jnp.finfo(x.dtype).eps) ** 0.5  # type: ignore[no-untyped-call]
    return bool(jnp.allclose(x, y, rtol=loose, atol=loose, equal_nan=True))


def add_seconds(
    rows: Sequence[Data],
    runs: Mapping[str, Run],
    progress: bool | None,
) -> list[str]:
    """Time what was compiled, eager and jitted, interleaved; return a note where it was stopped."""
    jobs = {}
    for name, run in runs.items():
        args = jax.tree.map(_concrete, run.entry.args)
        jobs[f"eager {name}"] = waited(run.entry.function, args)
        jobs[f"jitted {name}"] = waited(run.compiled, args)
    times = sample(jobs, ROUNDS, progress=progress)
    for row in rows:
        for how in ("eager", "jitted"):
            if seconds := times.get(f"{how} {row['name']}"):
                row[f"{how}_seconds"] = min(seconds)
    complete = min(map(len, times.values()))
    return [f"stopped: {complete} of {ROUNDS} rounds timed"] * (
        complete < ROUNDS
    )


def _concrete(leaf: Any) -> Any:
    """Return numbers for what is only a shape: harmless ones, of both signs."""
    if not isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    return (
        np
        .sin(1.0 + np.arange(math.prod(leaf.shape)))
        .reshape(leaf.shape)
        .astype(leaf.dtype)
    )
