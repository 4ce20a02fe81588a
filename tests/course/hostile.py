"""Answers that no author thinks of: whatever they do, a check ends in an outcome."""

import decimal
import functools
import types
import warnings

import jax
import jax.numpy as jnp
import numpy as np


class Unequal:
    """Raises whatever it is compared with."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("never compare me")


class NoArray:
    """Raises when NumPy or JAX asks for an array."""

    dtype = np.dtype(float)
    shape = ()

    def __array__(self, *_, **__):
        raise RuntimeError("never an array")

    def __jax_array__(self):
        raise RuntimeError("never an array")


class Closed:
    """Raises at every question."""

    def __getattribute__(self, name):
        raise RuntimeError("ask nothing")

    def __call__(self, *_):
        raise RuntimeError("call nothing")


class Unspeakable(Exception):
    """An error that cannot be printed."""

    def __str__(self):
        raise RuntimeError("say nothing")


class Leaves(BaseException):
    """Is caught by no `except Exception`."""


class Number(float):
    """A number that cannot be used."""

    def __float__(self):
        raise RuntimeError("no number")

    def __eq__(self, other):
        raise RuntimeError("no number")

    __hash__ = float.__hash__


def raiser(kind, *arguments):
    def answer(*_):
        raise kind(*arguments)  # each time another one: a traceback grows with each raise

    return answer


def counting(*_):
    """A generator function, where a function was asked for."""
    yield 1.0
    yield 2.0


def mutating(*arguments):
    """Empties what it gets."""
    for argument in arguments:
        for name in ("clear", "pop", "reverse"):
            if isinstance(argument, (list, dict)) and hasattr(argument, name):
                getattr(argument, name)()
    return arguments


def warning(*_):
    warnings.warn("look at me", stacklevel=1)
    return 1.0


def nested(depth):
    value = 1.0
    for _ in range(depth):
        value = (value,)
    return value


HOSTILE = {
    "text": lambda *_: "3.0",
    "bytes": lambda *_: b"3",
    "a text array": lambda *_: np.array(["a", "b"]),
    "an object array": lambda *_: np.array([object(), None], dtype=object),
    "a date": lambda *_: np.datetime64("2026-01-01"),
    "a ragged list": lambda *_: [[1.0], [1.0, 2.0]],
    "none in a tuple": lambda *_: (None, None),
    "a generator": counting,
    "a generator expression": lambda *_: (x for x in (1.0, 2.0)),
    "raises in eq": lambda *_: Unequal(),
    "a tuple that raises in eq": lambda *_: (Unequal(), Unequal(), Unequal()),
    "raises in array": lambda *_: NoArray(),
    "raises at every question": lambda *_: Closed(),
    "is itself closed": Closed(),
    "a number that cannot be used": lambda *_: Number(1.0),
    "a huge whole number": lambda *_: 10**400,
    "a decimal": lambda *_: decimal.Decimal("0.1"),
    "a set": lambda *_: {1.0, 2.0},
    "a dict of mixed keys": lambda *_: {1: 1.0, "x": 2.0, (): 3.0},
    "a range": lambda *_: range(3),
    "deeply nested": lambda *_: nested(200),
    "an empty array": lambda *_: jnp.zeros((0, 3)),
    "a masked array": lambda *_: np.ma.masked_array([1.0, 2.0], [True, False]),
    "a class": dict,
    "a module": types,
    "its own arguments": mutating,
    "an error that cannot be printed": raiser(Unspeakable),
    "an error that nobody catches": raiser(Leaves),
    "leaves": raiser(SystemExit, 3),
    "stops an iteration": raiser(StopIteration),
    "warns": warning,
    "a key": lambda *_: jax.random.key(0),
    "a partial function": functools.partial(np.add, 1.0),
    "text instead of a function": "slope",
    "nothing instead of a function": None,
}


def at_the_second_call(answer):
    """Ones at first, so that only a second look can see it."""
    calls = []

    def later(*arguments):
        calls.append(1)
        return answer(*arguments) if len(calls) > 1 else 1.0

    return later


def as_an_object(value):
    array = np.empty((), dtype=object)
    array[()] = value
    return array


DELIVERIES = {
    "in a tuple": lambda answer: lambda *a: (answer(*a), answer(*a)),
    "in a list of three": lambda answer: lambda *a: [answer(*a), 1.0, answer(*a)],
    "in a dict": lambda answer: lambda *a: {"w": answer(*a), "b": 1.0},
    "in an object array": lambda answer: lambda *a: as_an_object(answer(*a)),
    "at the second call": at_the_second_call,
    "under jit": lambda answer: lambda *a: jax.jit(answer)(*a),
}


def many():
    """Return more than 200 hostile answers: those above, alone and delivered in other ways."""
    answers = dict(HOSTILE)
    for what, answer in HOSTILE.items():
        if type(answer) is types.FunctionType:  # an object may refuse to tell its class
            for how, deliver in DELIVERIES.items():
                answers[f"{what}, {how}"] = deliver(answer)
    return answers
