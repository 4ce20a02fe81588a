"""What specifications are built from: inputs, dense references, laws."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ._spec import Arguments, Law


def wave(shape: tuple[int, ...], phase: float = 0.0, scale: float = 1.0) -> np.ndarray[Any, Any]:
    """Deterministic numbers without a pattern that a wrong answer could share, shape `shape`.

    They are exact in float32, so that both precisions see the same inputs.

    ```python
    wave((2, 3)).shape  # (2, 3)
    ```
    """
    size = int(np.prod(shape, dtype=int))
    raw: np.ndarray[Any, Any] = np.sin(1.7 * np.arange(1, size + 1) ** 1.3 + phase) + 0.1 * np.cos(
        phase
    )
    exact: np.ndarray[Any, Any] = (scale * raw).astype(np.float32).astype(np.float64)
    return exact.reshape(shape)


def dense_pullback(f: Callable[..., Any], args: Sequence[Any], u: Any) -> tuple[Any, ...]:
    """The VJP the slow and safe way: every whole Jacobian, column by column, contracted with u."""
    jacobians = jax.jacfwd(f, argnums=tuple(range(len(args))))(*args)
    return tuple(np.tensordot(u, jacobian, axes=np.ndim(u)) for jacobian in jacobians)


def linear_in(argument: str) -> Law:
    """The law that doubling `argument` doubles every result."""

    def sides(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
        twice = call(**{**arguments, argument: 2 * np.asarray(arguments[argument])})
        return twice, jax.tree.map(lambda part: 2 * part, call(**arguments))

    return Law(f"linear-in-{argument}", f"twice the {argument} gives twice the result", sides)


def adjoint(f: Callable[..., Any], wrt: Sequence[str], cotangent: str) -> Law:
    """The law ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, with J that of `f` for its arguments `wrt`."""

    def sides(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
        primals = tuple(arguments[name] for name in wrt)
        tangents = tuple(wave(np.shape(p), phase=3.0 + i) for i, p in enumerate(primals))
        pushed = jax.jvp(f, primals, tangents)[1]
        back = call(**arguments)
        back = back if isinstance(back, (tuple, list)) else (back,)
        right = sum(np.vdot(b, t) for b, t in zip(back, tangents, strict=True))
        return np.vdot(arguments[cotangent], pushed), right

    return Law("adjoint", "⟨u, J v⟩ = ⟨Jᵀu, v⟩ for every v", sides)


def symmetric() -> Law:
    """The law that the result is a symmetric matrix, as every Hessian is."""

    def sides(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, Any]:
        matrix = call(**arguments)
        return matrix, np.transpose(matrix)

    return Law("symmetric", "a matrix of second derivatives equals its transpose", sides)
