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


def known_error(error: BaseException, extra: Sequence[Misconception] = ()) -> str:
    """The id of what an exception shows; "raised" where it is none of the known ones."""
    kinds = {c.__name__ for c in type(error).__mro__}
    for misconception in (*extra, *catalogue().values()):
        for signature in misconception.raised:
            kind, _, text = signature.partition(": ")
            if kind in kinds and text in str(error):
                return misconception.id
    return "raised"
