"""Link each primal value to its tangent, or to its adjoint and the parts that it is summed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ._jaxprs import RawBody


@dataclass
class Links:
    """Which values of a derivative program belong to which primal values."""

    tangents: dict[int, int] = field(default_factory=dict)
    adjoints: dict[int, int] = field(default_factory=dict)
    contributions: dict[tuple[str, int], int] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)  # primal value -> what is added


def reverse_links(
    primal: RawBody,
    body: RawBody,
    uses: Sequence[tuple[str, int]],
    found: Sequence[int | None],
) -> Links:
    """Return the links of a reverse program, from what each use of a value contributed."""
    links = Links()
    operands = {e.path: e.operands for e in primal.equations} | {"out": primal.outputs}
    for (path, position), part in zip(uses, found, strict=True):
        if part is not None:
            links.contributions[path, position] = part
            links.parts.setdefault(operands[path][position], []).append(part)
    order = {r: k for k, e in enumerate(body.equations) for r in e.results}
    sums = _sums(body)
    for value, parts in links.parts.items():
        parts.sort(key=lambda part: order.get(part, -1))
        links.adjoints[value] = _total(parts, sums)
    return links


def _sums(body: RawBody) -> dict[int, list[tuple[int, set[int]]]]:
    """Return, for each value, the sums that it is an operand of: (result, all operands)."""
    sums: dict[int, list[tuple[int, set[int]]]] = {}
    for equation in body.equations:
        if equation.primitive == "add_any":
            for o in equation.operands:
                sums.setdefault(o, []).append((equation.results[0], set(equation.operands)))
    return sums


def _total(parts: Sequence[int], sums: dict[int, list[tuple[int, set[int]]]]) -> int:
    """Return the value that all parts were added up to."""
    known, total, queue = set(parts), parts[-1], list(parts)
    while queue:
        for result, operands in sums.get(queue.pop(), ()):
            if operands <= known and result not in known:
                known.add(result)
                queue.append(result)
                total = result
    return total
