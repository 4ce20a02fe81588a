"""Values as plain data: what may leave the jail, and what the judge makes of it.

Numbers, arrays of numbers, text, and containers of them come out as they are. Anything else is
told by its kind alone, so that no object of a student's ever stands in the judge: nothing that
compares equal to everything, and no array that computes when it is looked at.
"""

import base64
import math
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from ...checks import is_array

MOST_LEAVES = 20_000
MOST_DEPTH = 40
MOST_TEXT = 2000
MOST_ENTRIES = (
    2**22
)  # of an array, where an axis without entries counts as one with an entry
MOST_DTYPE = 4  # characters, as in <c16
KINDS = "?biufc"


class Foreign:
    """Stands in the judge for something that is not plain data; `kind` says what it was."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


class ForeignFunction(Foreign):
    """The same for a function: it can be told, and not called."""

    def __call__(self, *_: object, **__: object) -> Any:
        raise TypeError(
            "a function of the answer's own process cannot be called here"
        )


def encode(value: Any) -> Any:
    """A value as JSON data. ValueError where it is too large or too deep."""
    return _encode(value, MOST_DEPTH, _counter())


def _counter() -> Iterator[int]:
    yield from range(MOST_LEAVES)
    raise ValueError(f"a result of more than {MOST_LEAVES:,} parts")


def _encode(value: Any, depth: int, count: Iterator[int]) -> Any:
    next(count)
    if depth == 0:
        raise ValueError(f"a result that is nested more than {MOST_DEPTH} deep")
    if value is None or isinstance(value, (bool, np.bool_)):
        return {"constant": None if value is None else bool(value)}
    if isinstance(value, str):
        return {"text": str(value)[:MOST_TEXT]}
    if is_array(value):
        return _encode_array(value)
    if isinstance(value, dict):
        items = [
            [str(key), _encode(item, depth - 1, count)]
            for key, item in value.items()
        ]
        return {"dict": items}
    if isinstance(value, (tuple, list)):
        name = "tuple" if isinstance(value, tuple) else "list"
        return {name: [_encode(item, depth - 1, count) for item in value]}
    if callable(value):
        return {"function": True}
    return {"other": type(value).__name__[:MOST_TEXT]}


def _encode_array(value: Any) -> Any:
    array = np.asarray(value)
    if (
        array.dtype.kind not in KINDS
    ):  # such as bfloat16, which NumPy itself does not know
        array = array.astype(np.float32)
    array = array.astype(array.dtype.newbyteorder("<"))
    scalar = isinstance(value, (int, float, complex)) and not isinstance(
        value, np.generic
    )
    return {
        "array": base64.b64encode(
            np.ascontiguousarray(array).tobytes()
        ).decode(),
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "python": scalar,
    }


def decode(data: Any) -> Any:
    """The value that `encode` wrote. ValueError for anything that it did not write.

    All bounds are looked at once more, since the process that should keep them may have changed.
    """
    try:
        return _decode(data, _counter())
    except (
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise ValueError(f"not a plain value: {error}") from None


def _decode(data: Any, count: Iterator[int]) -> Any:
    next(count)
    if "array" in data:
        return _decode_array(data)
    ((name, content),) = data.items()
    if name == "constant" and content in (None, True, False):
        return content
    if name == "text":
        return str(content)[:MOST_TEXT]
    if name == "dict":
        return {str(key): _decode(item, count) for key, item in content}
    if name == "tuple":
        return tuple(_decode(item, count) for item in content)
    if name == "list":
        return [_decode(item, count) for item in content]
    if name == "function":
        return ForeignFunction("a function")
    if name == "other":
        return Foreign(str(content)[:MOST_TEXT])
    raise ValueError(f"not a plain value: {name}")


def _decode_array(data: Any) -> Any:
    dtype = np.dtype(str(data["dtype"])[:MOST_DTYPE])
    shape = tuple(int(length) for length in data["shape"])
    if dtype.kind not in KINDS or min(shape, default=0) < 0:
        raise ValueError("not an array of numbers")
    if math.prod(max(length, 1) for length in shape) > MOST_ENTRIES:
        raise ValueError(f"an array of more than {MOST_ENTRIES:,} entries")
    raw = base64.b64decode(data["array"], validate=True)
    if len(raw) != dtype.itemsize * math.prod(shape):
        raise ValueError("not as many numbers as the shape says")
    array = np.frombuffer(raw, dtype).reshape(shape).copy()
    if data["python"] and not shape:
        return array[()].item()
    return array


def structure(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a tree, and the tree with the place of each leaf in its stead."""
    leaves, container = jax.tree.flatten(tree)
    return leaves, jax.tree.unflatten(container, list(range(len(leaves))))
