"""Write an equation as NumPy code: `@`, `**`, `where`, `x[1:3]`, `sum(x, axis=0)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

from ..program import Equation, Value

# primitive -> NumPy's function, or that of SciPy or jax.nn where NumPy has none
FUNCTIONS = {
    "abs": "abs", "acos": "arccos", "acosh": "arccosh", "add": "add", "add_any": "add",
    "and": "logical_and", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh", "bitcast_convert_type": "view",
    "broadcast_in_dim": "broadcast_to", "ceil": "ceil", "clamp": "clip",
    "conv_general_dilated": "conv", "convert_element_type": "astype", "copy_p": "copy",
    "cummax": "maximum.accumulate", "cummin": "minimum.accumulate",
    "cumlogsumexp": "logaddexp.accumulate",
    "custom_jvp_call": "custom_jvp", "custom_vjp_call": "custom_vjp",
    "custom_linear_solve": "solve", "div": "divide", "dot_general": "matmul",
    "dynamic_slice": "slice", "dynamic_update_slice": "update", "empty2": "empty",
    "eq": "equal", "erf_inv": "erfinv", "expand_dims": "expand_dims", "gather": "take",
    "ge": "greater_equal", "gt": "greater", "integer_pow": "power", "iota": "arange",
    "is_finite": "isfinite", "le": "less_equal", "lgamma": "gammaln", "logistic": "sigmoid",
    "lt": "less", "max": "maximum", "min": "minimum", "mul": "multiply", "ne": "not_equal",
    "neg": "negative", "not": "logical_not", "or": "logical_or", "pow": "power",
    "reduce_and": "all", "reduce_max": "max", "reduce_min": "min", "reduce_or": "any",
    "reduce_prod": "prod", "reduce_sum": "sum", "rem": "remainder", "remat2": "checkpoint",
    "rev": "flip", "rsqrt": "1/sqrt", "scatter": "set", "scatter-add": "add at",
    "scatter_add": "add at", "scatter-mul": "multiply at", "scatter_mul": "multiply at",
    "select_n": "where", "shift_left": "left_shift", "shift_right_arithmetic": "right_shift",
    "shift_right_logical": "right_shift", "sub": "subtract",
    "triangular_solve": "solve_triangular", "while": "while_loop", "xor": "logical_xor",
}  # fmt: skip

# primitive -> how it is written; {0} is the first operand, {y} the parameter y
TEMPLATES = {
    "add": "{0} + {1}", "add_any": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}",
    "div": "{0} / {1}", "pow": "{0} ** {1}", "rem": "{0} % {1}", "and": "{0} & {1}",
    "or": "{0} | {1}", "xor": "{0} ^ {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}",
    "shift_left": "{0} << {1}", "shift_right_logical": "{0} >> {1}",
    "shift_right_arithmetic": "{0} >> {1}",
    "neg": "-{0}", "not": "~{0}", "integer_pow": "{0} ** {y}", "square": "{0} ** 2",
    "rsqrt": "1 / sqrt({0})", "clamp": "clip({1}, {0}, {2})",
    "convert_element_type": "{0}.astype({new_dtype})",
    "bitcast_convert_type": "{0}.view({new_dtype})",
    "cumsum": "cumsum({0}, axis={axis})", "cumprod": "cumprod({0}, axis={axis})",
    "cummax": "maximum.accumulate({0}, axis={axis})",
    "cummin": "minimum.accumulate({0}, axis={axis})",
    "cumlogsumexp": "logaddexp.accumulate({0}, axis={axis})",
    "scatter": "{0}.at[{1}].set({2})", "scatter-add": "{0}.at[{1}].add({2})",
    "scatter_add": "{0}.at[{1}].add({2})", "scatter-mul": "{0}.at[{1}].multiply({2})",
    "scatter_mul": "{0}.at[{1}].multiply({2})", "top_k": "top_k({0}, {k})",
    "unstack": "unstack({0}, axis={axis})",
    "split": "split({0}, sizes {sizes}, axis={axis})",
}  # fmt: skip

CUSTOM_RULES = ("custom_jvp_call", "custom_vjp_call")
CALLS = ("jit", "pjit", "closed_call", "core_call")


def label(equation: Equation) -> str:
    """Return the name that a reader knows: the library function's where there is one."""
    name = equation.params.get("name")
    if equation.primitive in CALLS and isinstance(name, str):
        return name.strip("_<>").replace("lambda", "function")
    inner = equation.bodies[0].equations if equation.bodies else ()
    if equation.primitive in CUSTOM_RULES and len(inner) == 1:
        return label(inner[0])  # jax.nn.relu is a custom_jvp around a jit called relu
    return FUNCTIONS.get(equation.primitive, equation.primitive)


def formula(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    """Return the right-hand side of an equation, with the operands called `names`."""
    primitive = equation.primitive
    if primitive == "select_n" and len(names) == 3 and operands[0].dtype == "bool":
        # jax takes the second operand where the condition is false, NumPy where it is true
        return f"where({names[0]}, {names[2]}, {names[1]})"
    if primitive == "convert_element_type" and _is_number(names[0]):
        return f"{equation.params.get('new_dtype')}({names[0]})"
    if primitive in SPECIAL:
        text = SPECIAL[primitive](equation, names, operands)
        if text is not None:
            return text
    if primitive in TEMPLATES and not (primitive.startswith("cum") and _runs_back(equation)):
        try:
            return TEMPLATES[primitive].format(*names, **equation.params)
        except (KeyError, IndexError):  # another version of jax calls its parameter otherwise
            pass
    extra = []
    if equation.trips is not None:
        extra.append(f"{equation.trips:,} iteration{'s' * (equation.trips != 1)}")
    if primitive.startswith("cum") and _runs_back(equation):
        extra += [f"axis={equation.params.get('axis')}", "from the end"]
    name = label(equation)
    if equation.bodies:  # what jax.vjp or jax.jvp make of the function of that name
        if "adjoint" in equation.roles:
            name += ".vjp"
        elif "tangent" in equation.roles:
            name += ".jvp"
    return f"{name}({', '.join([*names, *extra])})"


def _runs_back(equation: Equation) -> bool:
    return equation.params.get("reverse") is True


def matrix_product(
    equation: Equation, names: Sequence[str], operands: Sequence[Value]
) -> tuple[str, str, str] | None:
    """Return a product as "a", "@", "b.T" or "a", "⊗", "b"; None where it is more than that."""
    (left, right), (batch, _) = equation.params["dimension_numbers"]
    ranks = [len(operands[0].shape), len(operands[1].shape)]
    if batch or len(left) > 1 or (len(left) == 0 and ranks != [1, 1]):
        return None
    if not left:
        return names[0], "⊗", names[1]
    first, second = names[0], names[1]
    if left[0] != ranks[0] - 1:
        if ranks[0] != 2:
            return None
        first += ".T"
    if right[0] != max(0, ranks[1] - 2):
        if ranks[1] != 2:
            return None
        second += ".T"
    if ranks[1] > 2:  # NumPy would take the first axes of both for a batch
        return None
    return first, "@", second


# ---- functions whose text needs shapes; None where the general form has to do --------------------


def _product(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str | None:
    parts = matrix_product(equation, names, operands)
    if parts is None:
        return _einsum(equation, names, operands)
    left, operator, right = parts
    return f"{left} @ {right}" if operator == "@" else f"outer({left}, {right})"


def _einsum(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    """Return any product of arrays; jax puts batch axes first, then the other free axes."""
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    letters = iter(ascii_lowercase[8:] + ascii_lowercase[:8])
    first = [next(letters) for _ in operands[0].shape]
    second = [""] * len(operands[1].shape)
    for a, b in [*zip(left, right, strict=True), *zip(left_batch, right_batch, strict=True)]:
        second[b] = first[a]
    second = [letter or next(letters) for letter in second]
    batch = [first[a] for a in left_batch]
    summed = [first[a] for a in left]
    free = [c for c in [*first, *second] if c not in batch and c not in summed]
    subscripts = f"{''.join(first)},{''.join(second)}->{''.join([*batch, *free])}"
    return f"einsum('{subscripts}', {names[0]}, {names[1]})"


def _broadcast(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    shape, axes = _ints(equation, "shape"), _ints(equation, "broadcast_dimensions")
    if not shape or (not operands[0].shape and _is_number(names[0])):
        return f"full({_tuple(shape)}, {names[0]})"
    first = min(axes, default=len(shape))
    index = [":" if axis in axes else "None" for axis in range(first, len(shape))]
    text = f"{names[0]}[{', '.join(index)}]" if "None" in index else names[0]
    if len(operands[0].shape) == len(axes) and _size(operands[0].shape) == _size(shape):
        if first > 0:
            text = f"{names[0]}[{', '.join(['None'] * first + index)}]"
        return text if "None" in text else f"broadcast_to({names[0]}, {_tuple(shape)})"
    return f"broadcast_to({text}, {_tuple(shape)})"


def _reshape(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    return f"reshape({names[0]}, {_tuple(_ints(equation, 'new_sizes'))})"


def _reduce(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axes = _ints(equation, "axes")
    if len(axes) == len(operands[0].shape):
        return f"{label(equation)}({names[0]})"
    axis = str(axes[0]) if len(axes) == 1 else _tuple(axes)
    return f"{label(equation)}({names[0]}, axis={axis})"


def _squeeze(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axes = _ints(equation, "dimensions")
    if not axes:
        return f"{label(equation)}({names[0]})"
    axis = str(axes[0]) if len(axes) == 1 else _tuple(axes)
    return f"{label(equation)}({names[0]}, axis={axis})"


def _transpose(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    order = _ints(equation, "permutation")
    if order == list(range(len(order)))[::-1]:
        return f"{names[0]}.T"
    return f"transpose({names[0]}, {_tuple(order)})"


def _slice(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    starts, limits = _ints(equation, "start_indices"), _ints(equation, "limit_indices")
    shape = operands[0].shape
    strides = _ints(equation, "strides") or [1] * len(shape)
    index = []
    for start, limit, stride, size in zip(starts, limits, strides, shape, strict=True):
        low = str(start) if start else ""
        high = str(limit) if limit != size else ""
        index.append(f"{low}:{high}" + (f":{stride}" if stride != 1 else ""))
    return f"{names[0]}[{', '.join(_without_last_colons(index))}]"


def _dynamic_slice(
    equation: Equation, names: Sequence[str], operands: Sequence[Value]
) -> str | None:
    sizes = _ints(equation, "slice_sizes")
    if len(names) != len(sizes) + 1:
        return None
    index = _window(names[1:], sizes, operands[0].shape)
    return f"{names[0]}[{', '.join(index)}]"


def _dynamic_update(
    equation: Equation, names: Sequence[str], operands: Sequence[Value]
) -> str | None:
    sizes = operands[1].shape
    if len(names) != len(sizes) + 2:
        return None
    index = _window(names[2:], sizes, operands[0].shape)
    return f"{names[0]}.at[{', '.join(index)}].set({names[1]})"


def _window(starts: Sequence[str], sizes: Sequence[int], shape: Sequence[int]) -> list[str]:
    index = []
    for start, size, whole in zip(starts, sizes, shape, strict=True):
        index.append(":" if size == whole else f"{start}:{start}+{size}")
    return _without_last_colons(index)


def _gather(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str | None:
    sizes, shape = _ints(equation, "slice_sizes"), operands[0].shape
    if len(names) != 2 or len(sizes) != len(shape):
        return None
    picked = [k for k, size in enumerate(sizes) if size != shape[k]]
    if len(picked) == 1 and picked[0] > 0:
        return f"take({names[0]}, {names[1]}, axis={picked[0]})"
    return f"{names[0]}[{names[1]}]"


def _concatenate(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axis = equation.params.get("dimension", equation.params.get("axis", 0))
    return f"{label(equation)}([{', '.join(names)}], axis={axis})"


def _arange(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str | None:
    shape = _ints(equation, "shape")
    if len(shape) == 1:
        return f"arange({shape[0]})"
    axis = equation.params.get("dimension", 0)
    return f"indices({_tuple(shape)})[{axis}]" if shape else None


def _flip(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axes = _ints(equation, "dimensions")
    if axes == [0]:
        return f"{names[0]}[::-1]"
    return f"flip({names[0]}, axis={axes[0] if len(axes) == 1 else _tuple(axes)})"


def _pad(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    config = [tuple(map(int, widths)) for widths in equation.params.get("padding_config") or []]
    if any(low < 0 or high < 0 or inner for low, high, inner in config):
        return f"pad({names[0]}, (low, high, between) = {config}, {names[1]})"
    widths = ", ".join(f"({low}, {high})" for low, high, _ in config)
    filling = "" if names[1] in ("0", "0.0") else f", constant_values={names[1]}"
    return f"pad({names[0]}, [{widths}]{filling})"


def _sort(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axis = equation.params.get("dimension", 0)
    axis_text = f", axis={axis}" if len(operands[0].shape) > 1 else ""
    if len(names) == 1:
        return f"sort({names[0]}{axis_text})"
    return f"sort({names[0]}, along with {', '.join(names[1:])}{axis_text})"


def _argument(equation: Equation, names: Sequence[str], operands: Sequence[Value]) -> str:
    axes = _ints(equation, "axes")
    axis_text = f", axis={axes[0]}" if axes and len(operands[0].shape) > 1 else ""
    return f"{label(equation)}({names[0]}{axis_text})"


def _is_number(name: str) -> bool:
    return name[0] in "-0123456789" or name in ("True", "False", "inf", "nan")


def _ints(equation: Equation, name: str) -> list[int]:
    """Return a parameter that is a list of numbers; those of NumPy are stored as text."""
    return [int(x) for x in equation.params.get(name) or []]


def _without_last_colons(index: list[str]) -> list[str]:
    while len(index) > 1 and index[-1] == ":":
        index = index[:-1]
    return index


def _tuple(items: Sequence[Any]) -> str:
    return f"({', '.join(map(str, items))}{',' * (len(items) == 1)})"


def _size(shape: Sequence[int]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


Writer = Callable[[Equation, Sequence[str], Sequence[Value]], str | None]
SPECIAL: dict[str, Writer] = {
    "dot_general": _product,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "reduce_sum": _reduce,
    "reduce_max": _reduce,
    "reduce_min": _reduce,
    "reduce_prod": _reduce,
    "reduce_and": _reduce,
    "reduce_or": _reduce,
    "squeeze": _squeeze,
    "expand_dims": _squeeze,
    "transpose": _transpose,
    "slice": _slice,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update,
    "gather": _gather,
    "concatenate": _concatenate,
    "stack": _concatenate,
    "iota": _arange,
    "rev": _flip,
    "pad": _pad,
    "sort": _sort,
    "argmax": _argument,
    "argmin": _argument,
}
