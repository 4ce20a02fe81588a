"""The vocabulary of jaxprs: what is a program, a variable, a literal, and how to rebuild one.

Up to jax 0.10 a `ClosedJaxpr` holds a `Jaxpr` and its constants; from 0.11 on both are one class,
whose `.jaxpr` returns the object itself. Only this module knows the difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import jax
import jax.extend.core as jec
import numpy as np

ONE_CLASS = issubclass(jec.ClosedJaxpr, jec.Jaxpr)
# what a parameter of an equation may be that is a program, or holds some
MAY_HOLD_JAXPRS = (tuple, jec.Jaxpr, jec.ClosedJaxpr)

Variable = jec.Var
REF = "ref "  # how the type of a mutable array begins
Type = tuple[tuple[int, ...], str, int]  # shape, dtype name, size in bytes


def is_inexact(dtype: Any) -> bool:
    """Whether jax differentiates values of this type."""
    return bool(jax.numpy.issubdtype(dtype, jax.numpy.inexact))


def dtype_of(x: Any) -> Any:
    """Return the dtype of an array, a type or a Python number, as jax sees it."""
    if not hasattr(x, "dtype"):
        return jax.dtypes.result_type(x)
    is_extended = jax.numpy.issubdtype(x.dtype, jax.dtypes.extended)
    if is_extended or isinstance(x, jax.Array):
        return x.dtype
    return jax.dtypes.canonicalize_dtype(x.dtype)


def is_jaxpr(value: Any) -> bool:
    """Whether a parameter of an equation is a program."""
    return isinstance(value, (jec.Jaxpr, jec.ClosedJaxpr))


def is_literal(atom: Any) -> bool:
    """Whether an operand is written into the program rather than a variable."""
    return isinstance(atom, jec.Literal)


def is_dropped(var: Any) -> bool:
    """Whether nothing can read a result: jax calls it `_`.

    Its class has a public name from jax 0.10 on only.
    """
    return type(var).__name__ == "DropVar"


def is_closed(jaxpr: Any) -> bool:
    """Whether a program holds the values of its constants."""
    return ONE_CLASS or isinstance(jaxpr, jec.ClosedJaxpr)


def open_jaxpr(jaxpr: Any) -> Any:
    """Return the program without the values of its constants, where jax tells the two apart."""
    if isinstance(jaxpr, jec.ClosedJaxpr):
        return jaxpr.jaxpr
    return jaxpr


def close(jaxpr: Any, consts: Sequence[Any]) -> Any:
    """Return a program whose first inputs are constants of these values."""
    if ONE_CLASS:
        return jaxpr.with_consts(consts)
    count = len(consts)
    variables = jaxpr.invars
    inner = with_interface(jaxpr, variables[count:], jaxpr.outvars)
    inner = inner.replace(constvars=variables[:count])
    return jec.ClosedJaxpr(inner, consts)


def constants(jaxpr: Any) -> list[Any]:
    """Return the values of a program's constants, where it holds them."""
    return list(getattr(jaxpr, "consts", ()))


def map_equations(jaxpr: Any, change: Callable[[int, Any], Any]) -> Any:
    """Return the program, closed if it was, with each equation changed."""
    equations = enumerate(open_jaxpr(jaxpr).eqns)
    return with_equations(
        jaxpr, [change(index, eqn) for index, eqn in equations]
    )


def with_equations(
    jaxpr: Any,
    equations: list[Any],
    invars: Sequence[Any] | None = None,
    outvars: Sequence[Any] | None = None,
) -> Any:
    """Return the program, closed if it was, with other equations; with as many inputs, outputs."""
    inner = open_jaxpr(jaxpr)
    changed = inner.replace(
        eqns=equations,
        invars=list(inner.invars if invars is None else invars),
        outvars=list(inner.outvars if outvars is None else outvars),
    )
    if is_closed(jaxpr) and not ONE_CLASS:
        return jec.ClosedJaxpr(changed, jaxpr.consts)
    return changed


def with_programs(eqn: Any, change: Callable[[Any], Any]) -> Any:
    """Return an equation with the programs in its parameters changed, in their order."""
    params = {}
    for name, value in eqn.params.items():
        if isinstance(value, MAY_HOLD_JAXPRS):
            value = _with_programs(value, change)
        params[name] = value
    return eqn.replace(params=params)


def _with_programs(value: Any, change: Callable[[Any], Any]) -> Any:
    if is_jaxpr(value):
        return change(value)
    if isinstance(value, tuple) and any(is_jaxpr(part) for part in value):
        parts = [_with_programs(part, change) for part in value]
        # a NamedTuple (linalg.solve has one) must stay what it is
        return (
            type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        )
    return value


def with_interface(
    jaxpr: Any,
    invars: Sequence[Any],
    outvars: Sequence[Any],
) -> Any:
    """Return a program without constants, with other inputs and outputs.

    jax holds a name for each input and output, so these must be as many.
    """
    names = jaxpr.debug_info._replace(
        arg_names=("",) * len(invars),
        result_paths=("",) * len(outvars),
    )
    return jaxpr.replace(
        constvars=[],
        invars=list(invars),
        outvars=list(outvars),
        debug_info=names,
    )


def program_of(
    equations: Iterable[Any],
    invars: Sequence[Any],
    outvars: Sequence[Any],
    effects: Any = (),
) -> Any:
    """Return a program without constants made of equations."""
    template = _empty_jaxpr().replace(
        eqns=list(equations),
        effects=frozenset(effects),
    )
    return with_interface(template, invars, outvars)


@cache
def _empty_jaxpr() -> Any:
    return open_jaxpr(jax.make_jaxpr(lambda: ())())


def function_of(jaxpr: Any) -> Callable[..., list[Any]]:
    """Return a program without constants, or one that holds them, as a function."""
    if not is_closed(jaxpr):
        jaxpr = jec.ClosedJaxpr(jaxpr, ())
    return jec.jaxpr_as_fun(jaxpr)  # type: ignore[no-any-return]


def is_ref(atom: Any) -> bool:
    """Whether a variable or what is traced is a mutable array (`jax.new_ref`)."""
    return hasattr(getattr(atom, "aval", None), "inner_aval")


def with_own_refs(arrays: Sequence[Any]) -> list[Any]:
    """Return the arrays, each mutable one replaced by a new one that holds the same numbers."""
    own: dict[int, Any] = {}
    for array in arrays:
        if isinstance(array, jax.Ref) and id(array) not in own:
            own[id(array)] = jax.new_ref(array[...])
    return [own.get(id(array), array) for array in arrays]


def type_of(atom: Any) -> Type:
    """Return shape, dtype name and size in bytes of a variable or a literal."""
    aval = atom.aval
    prefix = ""
    if is_ref(atom):
        # what the mutable array holds
        aval = aval.inner_aval
        prefix = "ref "
    # a token has neither shape nor dtype
    shape = tuple(getattr(aval, "shape", ()))
    name, itemsize = _dtype_name(getattr(aval, "dtype", None))
    return shape, prefix + name, itemsize * math.prod(shape)


def type_of_array(array: Any) -> Type:
    """Return shape, dtype name and size in bytes of an array or a Python number."""
    name, itemsize = _dtype_name(dtype_of(array))
    return np.shape(array), name, itemsize * int(np.size(array))


@cache
def _dtype_name(dtype: Any) -> tuple[str, int]:
    return str(dtype), getattr(dtype, "itemsize", 0)


def variables_of(jaxpr: Any) -> list[Any]:
    """Return all variables of a program: inputs, constants, results; bodies left out."""
    inner = open_jaxpr(jaxpr)
    variables = [*inner.invars, *inner.constvars]
    for eqn in inner.eqns:
        variables.extend(eqn.outvars)
    return variables


def avals_of(jaxpr: Any) -> list[Any]:
    """Return shape and dtype of each variable of a program, as jax writes them down."""
    return [variable.aval for variable in variables_of(jaxpr)]


WIDE = ("float64", "complex128", "int64", "uint64")


def precision_of(values: Any) -> AbstractContextManager[Any]:
    """Return the context in which what is made for arrays, or for types of them, keeps 64 bits.

    Such an array may come from where jax had these switched on. jax computes with it all the
    same, while the seeds of its derivative would be made with 32 bits. jax makes NumPy's arrays
    its own first.
    """
    is_on = jax.dtypes.canonicalize_dtype(np.float64) == np.float64
    for value in jax.tree.leaves(values):
        dtype, _ = _dtype_name(getattr(value, "dtype", None))
        is_own = not isinstance(value, (np.ndarray, np.generic))
        if is_own and not is_on and dtype in WIDE:
            return jax.enable_x64(True)  # type: ignore[no-any-return]
    return nullcontext()


def output_types(closed: Any) -> list[Any]:
    """Return the type of each output, which has a shape and a dtype."""
    return list(closed.out_avals)
