"""An answer as the judge holds it: a function whose every call happens in the jail.

The engine of `check` calls it as it calls a student's function. What comes back are plain values;
an exception of the student's comes back as its classes' names and its text. Where a requirement
differentiates the answer, each derivative is one more function in the jail, asked for values at
concrete points: so the judge compares numbers, and never runs what a student wrote.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np

from ...checks import Unsolved
from . import plain, witness
from .wire import SLOW, Channel, Gone
from .witness import MOST_NAMES, MOST_TEXT

MOST_OUTPUTS = 500  # arrays of one result; jax's memory for a program grows with their square

Adapter = Callable[[Any], Callable[..., Any]]


class RemoteError(Exception):
    """Something that an answer raised in the jail."""


class Talk:
    """The conversation with one witness. jax turns what a callback raises into errors of its own,
    so the talk remembers whether the answer raised something, and whether the witness is gone.
    """

    def __init__(self, channel: Channel, seconds: float) -> None:
        self.channel = channel
        self.deadline = time.monotonic() + seconds  # of all calls together
        self.raised = 0
        self.gone: Gone | None = None

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Have something computed. RemoteError and Unsolved come from the answer itself."""
        request = {
            "x64": task["x64"],
            # by value, so that the witness gets the functions it needs and nothing else
            "task": cloudpickle.dumps(task),
        }
        if self.gone is not None:
            raise self.gone
        try:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise Gone(SLOW)
            reply = self.channel.ask(cloudpickle.dumps(request), left)
            return self._checked(reply)
        except Gone as gone:
            self.gone = gone
            raise

    def _checked(self, reply: Any) -> dict[str, Any]:
        if not isinstance(reply, dict):
            raise Gone("sent something that is not a reply")
        if "raised" in reply:
            self.raised += 1
            raise _rebuilt(reply["raised"])
        return reply


class OwnTalk(Talk):
    """The same conversation about functions of this process, with nobody between."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.raised = 0
        self.gone = None

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        with jax.enable_x64(task["x64"]):
            return witness.value_of(self.namespace, task)


def _rebuilt(data: Any) -> Exception:
    """An exception whose class has the names of the one that was raised in the jail."""
    try:
        names = [str(name)[:MOST_TEXT] for name in data["names"][:MOST_NAMES]]
        text = str(data["text"])[:MOST_TEXT]
    except (TypeError, KeyError):
        raise Gone("sent something that is not a reply") from None
    if "Unsolved" in names:
        return Unsolved(text.partition(" ")[0])
    ancestor: type[Exception] = RemoteError
    for name in reversed(names):
        if (
            name not in ("object", "BaseException", "Exception")
            and name.isidentifier()
        ):
            ancestor = type(name, (ancestor,), {})
    return ancestor(text)


class RemoteAnswer:
    """An answer in the jail. It is called with arguments, or differentiated by jax."""

    def __init__(
        self,
        talk: Talk,
        name: str,
        adapt: Adapter | None = None,
    ) -> None:
        self.talk = talk
        self.name = name
        self.adapt = adapt

    def adapted(self, adapt: Adapter) -> "RemoteAnswer":
        """The same answer, used as the question's adapter uses it."""
        return RemoteAnswer(self.talk, self.name, adapt)

    def value(self) -> Any:
        """What stands under the name, where the answer is not a function."""
        return self._decoded(self.talk.ask(self._task("value")))

    def __call__(self, *arguments: Any) -> Any:
        leaves, container = plain.structure(arguments)
        traced = [
            i
            for i, leaf in enumerate(leaves)
            if isinstance(leaf, jax.core.Tracer)
        ]
        if traced:
            return self._differentiable(leaves, container, traced)
        return self._decoded(
            self.talk.ask(self._task("call") | {"arguments": arguments})
        )

    def _task(self, kind: str) -> dict[str, Any]:
        # asked here, since a callback of jax runs in a thread with a setting of its own
        x64 = jnp.result_type(float) == np.float64
        return {
            "kind": kind,
            "name": self.name,
            "adapt": self.adapt,
            "x64": x64,
        }

    def _decoded(self, reply: dict[str, Any]) -> Any:
        if "missing" in reply:
            raise Unsolved(self.name)
        try:
            return plain.decode(reply["value"])
        except (KeyError, ValueError):
            raise Gone("sent something that is not a value") from None

    def _differentiable(
        self,
        leaves: list[Any],
        container: Any,
        traced: list[int],
    ) -> Any:
        fixed = [None if i in traced else leaf for i, leaf in enumerate(leaves)]
        arrays = [leaves[i] for i in traced]
        task = self._task("shapes") | {
            "leaves": fixed,
            "container": container,
            "places": traced,
        }
        shapes, tree = self._shapes(task | {"order": 0, "outputs": 0}, arrays)

        @cache
        def derivative(order: int) -> Callable[..., Any]:
            return self._numbers(
                task | {"order": order, "outputs": len(shapes)}, derivative
            )

        results = derivative(0)(*arrays)
        return jax.tree.map(lambda place: results[place], tree)

    def _shapes(
        self,
        task: dict[str, Any],
        arrays: Sequence[Any],
    ) -> tuple[list[Any], Any]:
        examples = [
            np.ones(np.shape(array), jnp.result_type(array)) for array in arrays
        ]
        reply = self.talk.ask(task | {"arrays": examples})
        try:
            if len(reply["shapes"]) > MOST_OUTPUTS:
                self.talk.gone = Gone(
                    f"returned more than {MOST_OUTPUTS} arrays at once"
                )
                raise self.talk.gone
            shapes = []
            for dtype, shape in reply["shapes"]:
                shapes.append(
                    jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
                )
            return shapes, plain.decode(reply["container"])
        except (KeyError, TypeError, ValueError):
            raise Gone("sent something that is not a shape") from None

    def _numbers(
        self,
        task: dict[str, Any],
        derivative: Callable[[int], Callable[..., Any]],
    ) -> Callable[..., Any]:
        """A function of arrays whose values, and whose pullback's, are computed in the jail."""

        def compute(*arrays: Any) -> Any:
            numbers = [np.asarray(array) for array in arrays]
            reply = self.talk.ask(task | {"kind": "numbers", "arrays": numbers})
            return tuple(np.asarray(value) for value in self._decoded(reply))

        @jax.custom_vjp
        def function(*arrays: Any) -> Any:
            shapes, _ = self._shapes(task, arrays)
            return jax.pure_callback(
                compute, tuple(shapes), *arrays, vmap_method="sequential"
            )

        def forward(*arrays: Any) -> Any:
            return function(*arrays), arrays

        def backward(arrays: Any, cotangents: Any) -> Any:
            return derivative(task["order"] + 1)(*arrays, *cotangents)

        function.defvjp(forward, backward)
        return function
