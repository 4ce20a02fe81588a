"""One function beside its derivatives: what `cost` compares where it is given a single one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from ..program import Argnums


@dataclass(frozen=True)
class Entry:
    """A function that is to be measured, its arguments, and what is known of it beforehand."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    known: dict[str, int] = field(default_factory=dict)


def entries(f: Any, args: tuple[Any, ...], argnums: Argnums) -> dict[str, Entry]:
    """Return what is to be measured, by name."""
    if callable(f):
        return _derivatives(f, args, argnums)
    if isinstance(f, Mapping) and f and all(map(callable, f.values())):
        return {str(name): Entry(function, args) for name, function in f.items()}
    raise TypeError(f"cost takes a function, or {{name: function}}, then arguments; got {f!r}.")


def _derivatives(
    f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums
) -> dict[str, Entry]:
    """Return f and its derivatives, each with its number of passes: JVPs, VJPs or both.

    Tangents and cotangents are arguments: a constant of ones would be simplified away.
    """
    which = _chosen(args, argnums)
    out = jax.eval_shape(f, *args)
    tangents = tuple(args[i] for i in which)
    n, m = _entries_of(tangents), _entries_of(out)

    def alone(args: Sequence[Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return f as a function of what it is differentiated by, and where."""

        def g(*xs: Any) -> Any:
            return f(*(dict(enumerate(args)) | dict(zip(which, xs, strict=True))).values())

        return g, tuple(args[i] for i in which)

    def jvp(args: Any, tangents: Any) -> Any:
        return jax.jvp(*alone(args), tangents)

    def vjp(args: Any, cotangent: Any) -> Any:
        g, xs = alone(args)
        y, pullback = jax.vjp(g, *xs)
        return y, pullback(cotangent)

    def linearized(args: Any, tangents: Any) -> Any:
        g, xs = alone(args)
        y, push = jax.linearize(g, *xs)
        return y, push(*tangents)

    found = {
        "f": Entry(f, args),
        "jvp": Entry(jvp, (args, tangents), {"passes": 1}),
        "vjp": Entry(vjp, (args, out), {"passes": 1}),
        "grad": Entry(jax.grad(f, which), args, {"passes": 1}),
        "jacfwd": Entry(jax.jacfwd(f, which), args, {"passes": n}),
        "jacrev": Entry(jax.jacrev(f, which), args, {"passes": m}),
        "hessian": Entry(jax.hessian(f, which), args, {"passes": n * m}),
        "linearize + apply": Entry(linearized, (args, tangents), {"passes": 1}),
    }
    if getattr(out, "shape", None) != ():
        del found["grad"]  # it is for functions with one number as result
    return found


def _chosen(args: Sequence[Any], argnums: Argnums) -> tuple[int, ...]:
    if argnums == "all":
        which = tuple(i for i, a in enumerate(args) if _is_real(a))
    else:
        which = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not any(_is_real(args[i]) for i in which):
        raise TypeError(
            "No argument is of real floating-point numbers, so there is nothing to differentiate; "
            "write 2.0 for 2, or pass {name: function} to compare functions as they are."
        )
    return which


def _is_real(tree: Any) -> bool:
    leaves = jax.tree.leaves(tree)
    return bool(leaves) and all(jnp.issubdtype(jnp.result_type(x), jnp.floating) for x in leaves)


def _entries_of(tree: Any) -> int:
    return sum(math.prod(jnp.shape(leaf)) for leaf in jax.tree.leaves(tree))
