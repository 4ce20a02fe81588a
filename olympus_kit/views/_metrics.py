"""The numbers that are measured of a function, with their headings and units."""

from __future__ import annotations

from ._format import Say, bytes_text, compared, number_text, seconds_text
from ._types import Data

# record key -> (heading, how its numbers are written), in the tables of a report
GROUPS: dict[str, dict[str, tuple[str, Say]]] = {
    "FLOPs": {
        "passes": ("passes", number_text),
        "equations": ("equations", number_text),
        "flops": ("jaxpr FLOPs", number_text),
        "flops_lowered": ("lowered FLOPs", number_text),
        "flops_compiled": ("compiled FLOPs", number_text),
    },
    "functions, traffic": {
        "transcendentals": ("sin, exp, …", number_text),
        "bytes": ("jaxpr bytes", bytes_text),
        "bytes_compiled": ("compiled bytes", bytes_text),
    },
    "memory": {
        "peak": ("jaxpr peak", bytes_text),
        "residual": ("residuals", bytes_text),
        "temp": ("compiled temp", bytes_text),
    },
    "time": {
        "compile_seconds": ("compile", seconds_text),
        "eager_seconds": ("eager", seconds_text),
        "jitted_seconds": ("jitted", seconds_text),
    },
}
METRICS = {
    key: spec for group in GROUPS.values() for key, spec in group.items()
}


def cell(row: Data, base: Data, key: str) -> str:
    """Return a number of a record as text, with its ratio to that of another record."""
    if key not in row:
        return "–"
    at_least = "≥ " if key == "flops" and not row["exact"] else ""
    baseline = None if row is base else base.get(key)
    return at_least + compared(row[key], baseline, METRICS[key][1])
