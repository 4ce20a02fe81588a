"""Frames: the same view at many points, stored once and then only what differs.

A page without Python can go only where Python has been before. The models of the views at all
points are plain data of the same form, so the first is stored whole, with the places at which any
other differs from it, and of every point only what stands there. Where the form itself changes (a
branch, a loop of another length), the first model of the new form is stored whole, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._types import Data

LONG = 120  # characters from which a text is cut into pieces, most of which stay the same
PIECE = re.compile(r"(?<=[>\n])")  # a picture at its tags, a text at its lines

Path = tuple[str | int, ...]


@dataclass
class Shot:
    """What is known at one point: the model of a view there, or the error that came instead."""

    model: Data | None = None
    error: str = ""
    bad: bool = False  # whether NaN or inf is in it
    program: int = 0  # which of the programs along the range it is


@dataclass
class _Form:
    """A model that is stored whole, and the shots that have its form."""

    number: int
    template: dict[Path, Any]
    view: Any
    differing: dict[Path, None] = field(default_factory=dict)


def frame_data(shots: Sequence[Shot]) -> Data:
    """Return shots as plain data: forms, and for each shot its form and what differs there."""
    forms: dict[tuple[Path, ...], _Form] = {}
    leaves: list[dict[Path, Any]] = []
    for shot in shots:
        flat: dict[Path, Any] = {}
        if shot.model is not None:
            view = in_pieces(shot.model)
            flat = dict(leaves_of(view))
            new = _Form(len(forms), flat, view)
            form = forms.setdefault(tuple(flat), new)
            for path, leaf in flat.items():
                if not _same(leaf, form.template[path]):
                    form.differing[path] = None
        leaves.append(flat)
    frames: list[Data] = []
    for shot, flat in zip(shots, leaves, strict=True):
        if shot.model is None:
            frames.append({"error": shot.error})
            continue
        form = forms[tuple(flat)]
        frames.append({
            "form": form.number,
            "values": [flat[path] for path in form.differing],
            "bad": shot.bad,
            "program": shot.program,
        })
    return {
        "frames": frames,
        "forms": [
            {
                "view": form.view,
                "paths": [list(path) for path in form.differing],
            }
            for form in forms.values()
        ],
    }


def in_pieces(data: Any) -> Any:
    """Return plain data with each long text as a list of pieces behind the key "pieces"."""
    if isinstance(data, str) and len(data) > LONG:
        return {"pieces": PIECE.split(data)}
    if isinstance(data, dict):
        return {key: in_pieces(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [in_pieces(item) for item in data]
    return data


def leaves_of(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield everything that is neither a list nor a dict, with its place; empty ones, too."""
    if isinstance(data, dict) and data:
        for key, item in data.items():
            yield from leaves_of(item, (*path, key))
    elif isinstance(data, list) and data:
        for key, item in enumerate(data):
            yield from leaves_of(item, (*path, key))
    else:
        yield path, data


def _same(one: Any, other: Any) -> bool:
    """Return whether two leaves are equal: NaN equals NaN, and 1 is not True."""
    both_nan = one != one and other != other
    return type(one) is type(other) and (one == other or both_nan)
