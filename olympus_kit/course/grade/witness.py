"""The process whose values count: it runs a student's cells, then calls answers as the judge asks.

It knows no specification, no reference and no point before the judge sends one, which happens
after the cells have run. What it sends back are values in plain form. It is free to lie; but a
lie earns marks only where it is the right value at inputs that were not known before.
"""

import asyncio
import json
import pickle
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .._judge import CellError, run
from . import plain
from .wire import Channel

MOST_TEXT = 400
MOST_NAMES = 20  # of an exception's classes
Answerer = Callable[[dict[str, Any], bytes], dict[str, Any]]


def serve(end: socket.socket) -> None:
    """Run the cells, then say what answers come to, until the judge has had enough."""
    converse(end, _answer)


def converse(end: socket.socket, answer: Answerer) -> None:
    """Run the cells, then answer one request after another, in one event loop as in a kernel."""
    channel = Channel(end)

    async def talk() -> None:
        namespace: dict[str, Any] = {}
        for number, cell in enumerate(json.loads(channel.receive())):
            namespace = await run([cell])
            channel.send_json({"ran": number})
        while True:
            channel.answer(partial(answer, namespace))

    asyncio.run(talk())


def _answer(namespace: dict[str, Any], request: bytes) -> dict[str, Any]:
    """What one request comes to: a value, or what was raised."""
    try:
        header = pickle.loads(request)  # the judge's own bytes
        with jax.enable_x64(header["x64"]):
            # arrays in it take the precision that is set
            return value_of(namespace, pickle.loads(header["task"]))
    except BaseException as error:
        return {"raised": _error(error)}


def value_of(namespace: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """What a task comes to in this process, as plain data."""
    name = task["name"]
    if name not in namespace:
        return {"missing": True}
    answer = namespace[name]
    if isinstance(answer, CellError):
        raise answer.error
    if task["kind"] == "value":
        if isinstance(answer, BaseException):
            raise answer
        return {"value": plain.encode(answer)}
    if not callable(answer):
        raise TypeError(f"{name} is not a function")
    if task["adapt"] is not None:
        answer = task["adapt"](answer)
    if task["kind"] == "call":
        return {"value": plain.encode(answer(*task["arguments"]))}
    function, container = _array_function(answer, task)
    if task["kind"] == "shapes":
        shapes = jax.eval_shape(function, *task["arrays"])
        pairs = [[str(shape.dtype), list(shape.shape)] for shape in shapes]
        return {"shapes": pairs, "container": plain.encode(container())}
    return {"value": plain.encode(list(function(*task["arrays"])))}


def _array_function(
    answer: Callable[..., Any],
    task: dict[str, Any],
) -> tuple[Callable[..., Any], Callable[[], Any]]:
    """The answer as a function of some of its arguments' arrays; differentiated `order` times.

    Each derivative is a pullback: it takes the cotangents as further arguments and gives those of
    all arguments before. The second function gives the container of the answer's result.
    """
    seen: list[Any] = [None]

    def of_arrays(*arrays: Any) -> Any:
        leaves = list(task["leaves"])
        for place, array in zip(task["places"], arrays, strict=True):
            leaves[place] = array
        container = jax.tree.structure(task["container"])
        results, seen[0] = plain.structure(
            answer(*jax.tree.unflatten(container, leaves))
        )
        return tuple(jnp.asarray(result) for result in results)

    function: Callable[..., Any] = of_arrays
    inputs, outputs = len(task["places"]), task["outputs"]
    for _ in range(task["order"]):
        function = _pullback(function, inputs)
        inputs, outputs = inputs + outputs, inputs
    return function, lambda: seen[0]


def _pullback(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    def pulled(*values: Any) -> Any:
        return jax.vjp(function, *values[:count])[1](tuple(values[count:]))

    return pulled


def _error(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: the names of its classes and its text."""
    try:
        text = str(error)[:MOST_TEXT]
    except BaseException:
        text = ""
    names = [ancestor.__name__[:MOST_TEXT] for ancestor in type(error).__mro__]
    return {"names": names[:MOST_NAMES], "text": text}
