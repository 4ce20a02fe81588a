"""Write an equation as NumPy code: `@`, `**`, `where`, `x[1:3]`, `sum(x, axis=0)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..program import Equation, Value

Names = Sequence[str]
Operands = Sequence[Value]

LETTERS = "ijklmnopqrstuvwxyzabcdefgh"  # of the axes in an einsum

# primitive -> NumPy's function, or that of SciPy or jax.nn where NumPy has none
FUNCTIONS = {
    "abs": "abs", "acos": "arccos", "acosh": "arccosh", "add": "add", "add_any": "add",
    "and": "logical_and", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh", "bitcast_convert_type": "view",
    "broadcast_in_dim": "broadcast_to", "ceil": "ceil", "clamp": "clip",
    "conv_general_dilated": "conv", "convert_element_type": "astype", 
    "cummax": "maximum.accumulate", "cummin": "minimum.accumulate",
    "cumlogsumexp": "logaddexp.accumulate",
    "custom_jvp_call": "custom_jvp", "custom_vjp_call": "custom_vjp",
    "custom_linear_solve": "solve", "div": "divide", "dot_general": "matmul",
    "dynamic_slice": "slice", "dynamic_update_slice": "update", "empty2": "empty",
    "eq": "equal", "erf_inv": "erfinv", "gather": "take",
    "ge": "greater_equal", "gt": "greater", "integer_pow": "power", "iota": "arange",
    "is_finite": "isfinite", "le": "less_equal", "lgamma": "gammaln", "logistic": "sigmoid",
    "lt": "less", "max": "maximum", "min": "minimum", "mul": "multiply", "ne": "not_equal",
    "neg": "negative", "not": "logical_not", "or": "logical_or", "pow": "power",
    "reduce_and": "all", "reduce_max": "max", "reduce_min": "min", "reduce_or": "any",
    "reduce_prod": "prod", "reduce_sum": "sum", "rem": "fmod", "remat2": "checkpoint",
    "rev": "flip", "rsqrt": "1/sqrt", "scatter": "set", "scatter-add": "add at",
    "scatter-mul": "multiply at",
    "select_n": "where", "shift_left": "left_shift", "shift_right_arithmetic": "right_shift",
    "shift_right_logical": "right_shift", "sub": "subtract",
    "triangular_solve": "solve_triangular", "while": "while_loop", "xor": "logical_xor",
}  # fmt: skip

# primitive -> how it is written: {0} is the first operand, {all} are all of them, {y} is the
# parameter y, {axis} is ", axis=1" where that is not every axis
TEMPLATES = {
    "add": "{0} + {1}", "add_any": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}",
    "div": "{0} / {1}", "pow": "{0} ** {1}", "and": "{0} & {1}",
    "or": "{0} | {1}", "xor": "{0} ^ {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}",
    "shift_left": "{0} << {1}", "shift_right_logical": "{0} >> {1}",
    "shift_right_arithmetic": "{0} >> {1}",
    "neg": "-{0}", "not": "~{0}", "integer_pow": "{0} ** {y}", "square": "{0} ** 2",
    "rsqrt": "1 / sqrt({0})", "one_minus_square": "1 - {0} ** 2", "clamp": "clip({1}, {0}, {2})",
    "convert_element_type": "{0}.astype({new_dtype})",
    "bitcast_convert_type": "{0}.view({new_dtype})", "reshape": "reshape({0}, {new_sizes})",
    "transpose": "transpose({0}, {permutation})", "iota": "indices({shape})[{dimension}]",
    "top_k": "top_k({0}, {k})",
    "split": "split({0}, sizes {sizes}{axis})", "concatenate": "concatenate([{all}]{axis})",
    "stack": "stack([{all}]{axis})",
}  # fmt: skip
UPDATES = {"scatter": "set", "scatter-add": "add", "scatter-mul": "multiply"}
ALONG_AXES = (
    "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or",
    "rev", "sort", "argmax", "argmin", "unstack", "cumsum", "cumprod", "cummax",
    "cummin", "cumlogsumexp",
)  # fmt: skip

# primitives that have the name of the function that was called
NAMED = ("jit", "closed_call", "custom_jvp_call", "custom_vjp_call")


def label(equation: Equation) -> str:
    """Return the name that a reader knows: the library function's where there is one."""
    name = equation.params.get("name")
    if equation.primitive in NAMED and isinstance(name, str):
        return name.strip("_<>").replace("lambda", "function")
    return FUNCTIONS.get(
        equation.primitive,
        equation.primitive,
    )


def formula(
    equation: Equation,
    names: Names,
    operands: Operands,
    suffix: str = "",
) -> str:
    """Return the right-hand side of an equation, with the operands called `names`.

    Args:
        equation: whose results it computes.
        names: of its operands, or numbers.
        operands: the values themselves.
        suffix: behind the name of a function, such as ".vjp".
    """
    primitive = equation.primitive
    if primitive in SPECIAL:
        text = SPECIAL[primitive](
            equation,
            names,
            operands,
        )
        if text:
            return text
    template = TEMPLATES.get(primitive, "")
    if "{0} **" in template and names[0].startswith("-"):
        names = [f"({names[0]})", *names[1:]]
    everything = ", ".join(names)
    axis = ""
    if primitive in ALONG_AXES or "{axis}" in template:
        axis = _axis(equation, operands[0])
    if template:
        fields = {"all": everything, "axis": axis}
        for key, value in equation.params.items():
            fields.setdefault(key, _tuple(value))
        try:
            return template.format(*names, **fields)
        except (KeyError, IndexError):
            pass  # another version of jax calls its parameter otherwise
    name = label(equation) + suffix
    if equation.trips is not None:
        everything += f", {equation.trips:,} iteration"
        if equation.trips != 1:
            everything += "s"
    elif equation.params.get("reverse") is True:  # a cumulated sum from the end
        return f"flip({name}(flip({everything}{axis}){axis}){axis})"
    return f"{name}({everything}{axis})"


def matrix_product(
    equation: Equation, names: Names, operands: Operands
) -> tuple[str, str, str] | None:
    """Return a product as "a", "@", "b.T" or "a", "⊗", "b"; None where it is more than that."""
    (left, right), (batch, _) = equation.params["dimension_numbers"]
    ranks = [len(value.shape) for value in operands]
    if not batch and not left and ranks == [1, 1]:
        return names[0], "⊗", names[1]
    if batch or len(left) != 1 or ranks[1] > 2:
        return None  # NumPy would take the first axes for a batch
    first, second = names
    if left[0] != ranks[0] - 1:
        first += ".T"
    if right[0] != max(0, ranks[1] - 2):
        second += ".T"
    if ".T" in first[-2:] and ranks[0] != 2:
        return None
    return first, "@", second


# ---- functions whose text needs shapes; "" where the general form has to do ---------------------


def _product(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return a product of arrays; jax puts batch axes first, then the other free axes."""
    parts = matrix_product(equation, names, operands)
    if parts is not None:
        if parts[1] == "⊗":
            return f"outer({parts[0]}, {parts[2]})"
        return " ".join(parts)
    summed, batch = equation.params["dimension_numbers"]
    rank = len(operands[0].shape)
    first = list(LETTERS[:rank])
    second = list(LETTERS[rank : rank + len(operands[1].shape)])
    shared = []  # by both operands: axes that are summed over, and of a batch
    result = ""
    for (left, right), is_batch in ((summed, False), (batch, True)):
        for a, b in zip(left, right, strict=True):
            second[b] = first[a]
            shared.append(first[a])
            if is_batch:
                result += first[a]
    for letter in first + second:
        if letter not in shared:
            result += letter
    subscripts = f"{''.join(first)},{''.join(second)}->{result}"
    return f"einsum('{subscripts}', {', '.join(names)})"


def _broadcast(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return x[:, None], broadcast_to(x, (2, 3)), or both; full((2, 3), 0.0) for a number."""
    shape = _ints(equation, "shape")
    axes = _ints(equation, "broadcast_dimensions")
    text, whole = names[0], operands[0].shape
    if not shape or (not whole and _is_number(text)):
        return f"full({_tuple(shape)}, {text})"
    is_larger = math.prod(whole) != math.prod(shape)
    first = 0
    if is_larger:  # NumPy adds axes in front itself
        first = min(axes, default=len(shape))
    index = []
    for axis in range(first, len(shape)):
        index.append(":" if axis in axes else "None")
    if "None" in index:
        text += f"[{', '.join(index)}]"
    if is_larger:
        return f"broadcast_to({text}, {_tuple(shape)})"
    return text


def _slice(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    starts = _ints(equation, "start_indices")
    limits = _ints(equation, "limit_indices")
    strides = _ints(equation, "strides")
    index = []
    for axis, size in enumerate(operands[0].shape):
        text = ":"
        if starts[axis]:
            text = f"{starts[axis]}:"
        if limits[axis] != size:
            text += str(limits[axis])
        if strides and strides[axis] != 1:
            text += f":{strides[axis]}"
        index.append(text)
    return f"{names[0]}[{_index(index)}]"


def _window(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return x[i:i+3], or x.at[i:i+3].set(update)."""
    writes = equation.primitive == "dynamic_update_slice"
    sizes = operands[1].shape if writes else _ints(equation, "slice_sizes")
    starts = names[1 + writes :]
    index = []
    for start, size, whole in zip(
        starts, sizes, operands[0].shape, strict=True
    ):
        if size == whole:
            index.append(":")
        else:
            index.append(f"{start}:{start}+{size}")
    text = _index(index)
    if writes:
        return f"{names[0]}.at[{text}].set({names[1]})"
    return f"{names[0]}[{text}]"


def _gather(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    keys = "start_index_map", "collapsed_slice_dims", "offset_dims"
    index = _places(equation, names[1], operands[1], keys)
    if not index:
        return f"entries({names[0]}, at={names[1]})"
    return f"{names[0]}[{index}]"


def _scatter(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return x.at[i].add(y)."""
    keys = (
        "scatter_dims_to_operand_dims",
        "inserted_window_dims",
        "update_window_dims",
    )
    index = _places(equation, names[1], operands[1], keys)
    change = UPDATES[equation.primitive]
    return (
        f"{names[0]}.at[{index or 'entries ' + names[1]}].{change}({names[2]})"
    )


def _places(
    equation: Equation,
    name: str,
    indices: Value,
    keys: Sequence[str],
) -> str:
    """Return an index of arrays as NumPy takes it; "" where it would put axes in other places.

    Args:
        equation: a gather or a scatter.
        name: of the indices; jax has those of one entry along their last axis.
        indices: the array itself.
        keys: of the axes that they pick from, of those that are gone in the result, and of where
            the others stand in it.
    """
    numbers = equation.params["dimension_numbers"]
    axes, dropped, kept = ([int(x) for x in numbers[key]] for key in keys)
    *places, length = indices.shape or (1,)
    first = axes[0] if length == 1 and axes else 0
    picked = range(first, first + len(places))
    others = set(range(len(places) + len(kept))).difference(picked)
    if (
        numbers.get("operand_batching_dims")
        or axes != list(range(first, first + length))
        or axes != dropped
        or kept != sorted(others)
    ):
        return ""
    if length > 1:
        return f"tuple({name}.T)" if len(places) == 1 else ""
    entry = ", ".join([*[":"] * len(places), "0"])
    return ", ".join([*[":"] * first, f"{name}[{entry}]"])


def _pad(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    array, filling = names
    config = []
    for numbers in equation.params.get("padding_config") or []:
        config.append(tuple(map(int, numbers)))
    widths = [(low, high) for low, high, _ in config]
    counts = [count for pair in widths for count in pair]
    least, most = min(counts, default=0), max(counts, default=0)
    if least < 0 < most or any(between for _, _, between in config):
        # neither NumPy's function can do it nor an index
        return f"pad({array}, (low, high, between) = {config}, {filling})"
    if least < 0:
        index = [f"{-low or ''}:{high or ''}" for low, high in widths]
        return f"{array}[{_index(index)}]"
    if filling in ("0", "0.0"):
        return f"pad({array}, {widths})"
    return f"pad({array}, {widths}, constant_values={filling})"


def _where(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return where(c, a, b): jax takes its second operand where the condition is false."""
    if len(names) != 3 or operands[0].dtype != "bool":
        return f"choose({names[0]}, [{', '.join(names[1:])}])"
    return f"where({names[0]}, {names[2]}, {names[1]})"


def _transpose(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    order = _ints(equation, "permutation")
    if order == sorted(order, reverse=True):
        return f"{names[0]}.T"
    return ""


def _triangular(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return SciPy's solve_triangular(a, b), with what differs from its defaults."""
    params, flags = equation.params, ""
    if params.get("transpose_a"):
        flags += f", trans='{'C' if params.get('conjugate_a') else 'T'}'"
    for name in ("lower", "unit_diagonal"):
        if params.get(name):
            flags += f", {name}=True"
    if not params.get("left_side"):
        return ""
    return f"solve_triangular({names[0]}, {names[1]}{flags})"


def _quotient(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return a quotient of integers, of which jax drops the part behind the point."""
    if "int" in operands[0].dtype:
        return f"trunc({names[0]} / {names[1]})"
    return ""


def _squeeze(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    """Return x[0]: an axis of one entry goes."""
    dropped = _ints(equation, "dimensions")
    index = [
        "0" if axis in dropped else ":"
        for axis in range(len(operands[0].shape))
    ]
    return f"{names[0]}[{_index(index)}]" if index else ""


def _astype(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    if _is_number(names[0]):
        return f"{equation.params.get('new_dtype')}({names[0]})"
    return ""


def _arange(
    equation: Equation,
    names: Names,
    operands: Operands,
) -> str:
    shape = _ints(equation, "shape")
    if len(shape) == 1:
        return f"arange({shape[0]})"
    return ""


def _axis(equation: Equation, operand: Value) -> str:
    """Return ", axis=1", and "" for all axes."""
    axes = []
    for name in ("axes", "dimensions", "dimension", "axis"):
        value = equation.params.get(name)
        if isinstance(value, int):
            axes.append(value)
        else:
            axes += map(int, value or ())
    if axes == list(range(len(operand.shape))):
        return ""
    if len(axes) == 1:
        return f", axis={axes[0]}"
    return f", axis={_tuple(axes)}"


def _is_number(name: str) -> bool:
    return name[0] in "-0123456789" or name in ("True", "False", "inf", "nan")


def _ints(equation: Equation, name: str) -> list[int]:
    """Return a parameter that is a list of numbers; those of NumPy are stored as text."""
    return [int(x) for x in equation.params.get(name) or []]


def _index(index: list[str]) -> str:
    """Return an index without the colons at its end."""
    while len(index) > 1 and index[-1] == ":":
        index = index[:-1]
    return ", ".join(index)


def _tuple(items: Any) -> str:
    """Return a list as NumPy's functions take it; anything else as it is."""
    if not isinstance(items, (list, tuple)):
        return str(items)
    text = ", ".join(map(str, items))
    if len(items) == 1:
        text += ","
    return f"({text})"


Writer = Callable[[Equation, Names, Operands], str]
SPECIAL: dict[str, Writer] = {
    "dot_general": _product, "broadcast_in_dim": _broadcast, "slice": _slice,
    "dynamic_slice": _window, "dynamic_update_slice": _window, "gather": _gather, "pad": _pad,
    "select_n": _where, "transpose": _transpose, "convert_element_type": _astype,
    "iota": _arange, "div": _quotient, "squeeze": _squeeze,
    "triangular_solve": _triangular, **dict.fromkeys(UPDATES, _scatter),
}  # fmt: skip
