"""The catalogue of misconceptions: data in `catalogue.toml`, looked up by id."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from ._spec import Misconception


@cache
def catalogue() -> dict[str, Misconception]:
    """Every misconception and statement that the kit knows, by id."""
    text = files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {id_: Misconception(id=id_, **entry) for id_, entry in tomllib.loads(text).items()}


def lookup(id_: str, extra: Sequence[Misconception] = ()) -> Misconception:
    """The misconception of that id, from `extra` first; KeyError for one that nobody wrote."""
    return {**catalogue(), **{m.id: m for m in extra}}[id_]
