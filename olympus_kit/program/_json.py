"""A program as JSON, and back.

Schema 1 keeps rows short, so that ten thousand equations fit into a page: lists instead of
objects, each text once in a table, and what can be told from the place is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ._model import Body, Equation, Program, Residual, Source, Summary, Value

SCHEMA = 1
ROLES = ("primal", "local_derivative", "tangent", "adjoint", "bookkeeping")
LINKS = ("tangents", "adjoints")
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
PLAIN = ("inputs", "consts", "outputs", "seeds", "derivatives", "notes")


class _Table:
    """Texts and small values, each kept once."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, item: Any) -> int:
        """Return the number of an item."""
        key = json.dumps(item, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.items)
            self.items.append(item)
        return self._places[key]


def dump(program: Program, values: bool) -> str:
    """Return a program as JSON."""
    table = _Table()
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "mode": program.mode,
        "name": program.name,
        "values": [_value(v, table, values) for v in program.values],
        "equations": [_equation(e, i, table) for i, e in enumerate(program.equations)],
        "rows": [_equation(e, i, table) for i, e in enumerate(program.rows)],
        "contributions": [[p, j, v] for (p, j), v in program.contributions.items()],
        "residuals": [[r.value, r.made_by, r.used_by, int(r.free)] for r in program.residuals],
        **{name: list(getattr(program, name)) for name in PLAIN},
        **{name: list(getattr(program, name).items()) for name in LINKS},
    }
    if values:
        data |= {n: _leaves(getattr(program, n)) for n in ("out", "out_tangent", "in_cotangents")}
    data["table"] = table.items
    try:
        return json.dumps(data, separators=(",", ":"), allow_nan=False)
    except ValueError:  # JSON has no such numbers: they are written as text
        return json.dumps(_mapped(data, _as_text), separators=(",", ":"))


def _mapped(item: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(item, dict):
        return {key: _mapped(value, leaf) for key, value in item.items()}
    return [_mapped(x, leaf) for x in item] if isinstance(item, (list, tuple)) else leaf(item)


def _as_text(x: Any) -> Any:
    return json.dumps(x) if isinstance(x, float) and not math.isfinite(x) else x


def _as_number(x: Any) -> Any:
    return float(x) if isinstance(x, str) and x in NOT_FINITE else x


def _value(value: Value, table: _Table, values: bool) -> list[Any]:
    kind = table.place([list(value.shape), value.dtype, value.nbytes])
    s = value.summary
    row: list[Any] = [value.name, kind, int(value.literal)]
    if values and s is not None:
        row += [s.entries, int(s.whole), s.minimum, s.maximum, s.mean, s.nans, s.infs, s.iterations]
    return row


def _equation(e: Equation, index: int, table: _Table) -> list[Any]:
    """Write an equation; its path is left out where it is its place, its row where it is 0."""
    source = e.source and [*vars(e.source).values()]
    roles = [ROLES.index(r) for r in sorted(e.roles)]
    about = table.place([e.primitive, dict(e.params), roles, source, e.scope, e.trips])
    last = e.path.rpartition(".")[2]
    row: list[Any] = [about, e.primal, e.operands, e.results, e.flops, e.bytes, e.live]
    if e.bodies or last != str(index):
        row.append([_body(b, table) for b in e.bodies])
    if last != str(index):
        row.append(e.path)
    return row


def _body(body: Body, table: _Table) -> list[Any]:
    equations = [_equation(e, i, table) for i, e in enumerate(body.equations)]
    return [body.name, body.inputs, body.outputs, int(body.taken), equations]


def _leaves(tree: Any) -> list[Any] | None:
    if tree is None:
        return None
    paths, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [[jax.tree_util.keystr(path), *_array(leaf)] for path, leaf in paths]


def _array(leaf: Any) -> list[Any]:
    if hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    array = np.asarray(leaf)
    dtype = array.dtype.name if array.dtype != jax.dtypes.float0 else "float0"
    if dtype == "float0":
        return [dtype, list(array.shape), []]
    if array.dtype.kind == "c":
        flat = np.stack([array.real.ravel(), array.imag.ravel()], -1).ravel()
        return [dtype, list(array.shape), flat.tolist()]
    wide = array if array.dtype.kind in "biuf" else array.astype(np.float32)
    return [dtype, list(array.shape), wide.ravel().tolist()]


def load(text: str) -> Program:
    """Return the program that `dump` wrote."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise ValueError(
            f"Expected a program of schema {SCHEMA}, as Program.to_json writes it; got {found!r}."
        )
    if any(f'"{x}"' in text for x in NOT_FINITE):
        data = _mapped(data, _as_number)
    table = data["table"]
    rest: dict[str, Any] = {
        **{name: tuple(data[name]) for name in PLAIN},
        **{name: dict(data[name]) for name in LINKS},
        **{n: _read_leaves(data.get(n)) for n in ("out", "out_tangent", "in_cotangents")},
    }
    return Program(
        mode=data["mode"],
        name=data["name"],
        equations=_read_equations(data["equations"], table, ""),
        rows=_read_equations(data["rows"], table, ""),
        values=tuple(_read_value(i, row, table) for i, row in enumerate(data["values"])),
        contributions={(p, j): v for p, j, v in data["contributions"]},
        residuals=tuple(Residual(v, m, tuple(u), bool(f)) for v, m, u, f in data["residuals"]),
        **rest,
    )


def _read_value(index: int, row: Sequence[Any], table: Sequence[Any]) -> Value:
    name, kind, literal, *rest = row
    shape, dtype, nbytes = table[kind]
    summary = None
    if rest:
        entries, whole, *numbers = rest
        summary = Summary(entries, bool(whole), *numbers)
    return Value(index, name, tuple(shape), dtype, bool(literal), nbytes, summary)


def _read_equations(
    rows: Sequence[Sequence[Any]], table: Sequence[Any], prefix: str
) -> tuple[Equation, ...]:
    return tuple(_read_equation(r, table, f"{prefix}{i}") for i, r in enumerate(rows))


def _read_equation(row: Sequence[Any], table: Sequence[Any], path: str) -> Equation:
    about, primal, operands, results, flops, nbytes, live, *rest = row
    primitive, params, roles, source, scope, trips = table[about]
    path = rest[1] if len(rest) > 1 else path
    bodies = rest[0] if rest else []
    return Equation(
        path=path,
        primitive=primitive,
        params=params,
        roles=frozenset(ROLES[r] for r in roles),
        primal=primal,
        operands=tuple(operands),
        results=tuple(results),
        bodies=tuple(_read_body(b, table, f"{path}.{k}.") for k, b in enumerate(bodies)),
        flops=flops,
        bytes=nbytes,
        trips=trips,
        live=live,
        source=source and Source(*source),
        scope=scope,
    )


def _read_body(row: Sequence[Any], table: Sequence[Any], prefix: str) -> Body:
    name, inputs, outputs, taken, equations = row
    inside = _read_equations(equations, table, prefix)
    return Body(name, tuple(inputs), tuple(outputs), inside, bool(taken))


def _read_leaves(leaves: Sequence[Any] | None) -> dict[str, Any] | None:
    if leaves is None:
        return None
    return {path: _read_array(dtype, shape, flat) for path, dtype, shape, flat in leaves}


def _read_array(dtype: str, shape: Sequence[int], flat: Sequence[Any]) -> np.ndarray[Any, Any]:
    if dtype == "float0":
        return np.zeros(shape, jax.dtypes.float0)
    if dtype.startswith("complex"):
        return np.array(flat, np.float64).view(np.complex128).astype(dtype).reshape(shape)
    return np.array(flat, jax.numpy.dtype(dtype)).reshape(shape)
