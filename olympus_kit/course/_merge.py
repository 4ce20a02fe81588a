"""Merge a new release into an exercise that a student has worked on. No text is ever lost."""

import copy
from typing import Any

from . import _notebook as nb


def merge(base: Any, mine: Any, new: Any) -> tuple[str, list[str]]:
    """The new release with the student's work in it, as text, and the names of what was kept.

    `base` is the release that the student started from. An answer that was changed since then
    takes the place of the stub of the same name; any other cell that is neither in the old nor in
    the new release is kept behind the cell that it stood behind.
    """
    given = {_key(cell) for cell in (*base.cells, *new.cells)}
    stubs = {
        nb.name(c): i for i, c in enumerate(new.cells) if "answer" in nb.tags(c)
    }
    result = [[copy.deepcopy(cell)] for cell in new.cells]
    kept: list[str] = []
    front: list[Any] = []
    place, filled = -1, set[str]()
    for cell in mine.cells:
        name, key = nb.name(cell), _key(cell)
        place = _place(new, cell, place)
        if key in given or not cell.source.strip():
            continue
        if name in stubs and name not in filled:
            place = stubs[name]
            result[place][0].source = cell.source
            filled.add(name)
        else:
            (result[place] if place >= 0 else front).append(_loose(cell))
        kept.append(
            name
            or f"your cell starting `{cell.source.strip().splitlines()[0][:40]}`"
        )
    if not kept:
        return nb.write(new), []
    cells = front + [cell for group in result for cell in group]
    return nb.write(nb.new(cells, new.metadata)), kept


def _key(cell: Any) -> tuple[str, str, str]:
    return (
        cell.cell_type,
        nb.name(cell),
        "\n".join(x.rstrip() for x in cell.source.splitlines()),
    )


def _place(new: Any, cell: Any, before: int) -> int:
    """Where in the new release this cell stands; where its predecessor stood if nowhere."""
    for index, candidate in enumerate(new.cells):
        if _key(candidate) == _key(cell) or (
            nb.name(cell) and nb.name(cell) == nb.name(candidate)
        ):
            return index
    return before


def _loose(cell: Any) -> Any:
    """The student's own version of a cell, without the name that belongs to the release."""
    own = copy.deepcopy(cell)
    for key in ("name", "editable", "deletable", "tags"):
        own.metadata.pop(key, None)
    return own
