"""`gallery` and `explore`: twelve functions to look at, and any function that can be typed."""

from __future__ import annotations

import ast
import functools
import html
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ._cost import cost
from ._explore import Axis, Explorer
from ._formula import plural
from ._graph import graph
from ._jacobian import jacobian_shapes
from ._types import Function
from ._view import View

MODES = ("reverse", "forward")
KINDS = ("ladder", "jacobian", "cost")
# what a typed function may use beside its own parameters
MODULES = {"jnp": jnp, "lax": jax.lax, "nn": jax.nn}


def logistic_map(x: Any) -> Any:
    """Three rounds of x ↦ 4x(1 − x)."""
    for _ in range(3):
        x = 4 * x * (1 - x)
    return x


def softplus_exactly_written(x: Any) -> Any:
    """The logarithm of 1 + exp(x), as the formula says: it overflows for a large x."""
    return jnp.log(1 + jnp.exp(x))


def softplus_that_never_overflows(x: Any) -> Any:
    """The same, with the exponential of a negative number only."""
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def network(x: Any, W: Any, w: Any) -> Any:
    """Two layers, from two numbers to one."""
    return jnp.dot(w, jnp.tanh(W @ x))


def loop(x: Any) -> Any:
    """Four iterations of a sine, as a scan."""
    return jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=4)[0]


def newton_root(a: Any) -> Any:
    """Four of Newton's steps towards the square root of a."""
    x = a
    for _ in range(4):
        x = 0.5 * (x + a / x)
    return x


@jax.custom_jvp
def round_with_slope(x: Any) -> Any:
    """Round, and pretend that the derivative is 1: a rule of one's own."""
    return jnp.round(x)


@round_with_slope.defjvp
def _slope_of_one(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    return round_with_slope(*primals), tangents[0]


def root_or_zero(x: Any) -> Any:
    """The root of x, and 0 where there is none: its derivative at 0 is NaN."""
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


def branch(x: Any) -> Any:
    """One of two functions, chosen while the program runs."""
    return jax.lax.cond(x > 0, jnp.sin, jnp.tanh, x)


GALLERY: dict[str, tuple[Function, tuple[Any, ...]]] = {
    "the logistic map": (logistic_map, (0.2,)),
    "x sin y + cos x": (lambda x, y: x * jnp.sin(y) + jnp.cos(x), (0.5, 0.75)),
    "softplus, as its formula": (softplus_exactly_written, (1.0,)),
    "softplus, by logaddexp": (lambda x: jnp.logaddexp(x, 0.0), (1.0,)),
    "softplus, without overflow": (softplus_that_never_overflows, (1.0,)),
    "softplus, by jax.nn": (jax.nn.softplus, (1.0,)),
    "a network of two layers": (
        network,
        ([0.5, -1.0], [[1.0, 2.0], [0.0, -1.0]], [1.0, 0.5]),
    ),
    "a scan of four sines": (loop, (1.0,)),
    "Newton's square root": (newton_root, (2.0,)),
    "a rule of one's own": (round_with_slope, (1.3,)),
    "where, with a NaN": (root_or_zero, (0.0,)),
    "a branch": (branch, (0.5,)),
}


def shown(
    kind: str, f: Function, args: Sequence[Any], mode: str, argnums: Any
) -> View:
    """Return a function's ladder, Jacobian or cost."""
    if kind == "cost":
        return cost(f, *args, argnums=argnums, progress=False)
    figure: Callable[..., View] = graph if kind == "ladder" else jacobian_shapes
    return figure(f, *args, mode=mode, argnums=argnums)


def gallery(mode: str = "reverse", show: str = "ladder") -> Explorer:
    """Return a figure of twelve functions, one of which can be chosen at a time.

    Galleries on one page follow each other: what is chosen in one is shown in all.

    Args:
        mode: "reverse" or "forward".
        show: "ladder", "jacobian" or "cost".

    Raises:
        ValueError: for another mode or figure.

    ```python
    import olympus_kit as ok

    ok.gallery()
    ```
    """
    for name, given, known in (("mode", mode, MODES), ("show", show, KINDS)):
        if given not in known:
            raise ValueError(
                f"{name} must be one of {', '.join(known)}; got {given!r}."
            )
    names = list(GALLERY)

    def at(point: Sequence[float]) -> View:
        f, args = GALLERY[names[int(point[0])]]
        arrays = [jnp.asarray(x) for x in args]
        return shown(show, f, arrays, mode, 0)

    axis = Axis("function", tuple(range(len(names))), 0, tuple(names))
    return Explorer(at([0]), functools.partial(at), [axis], budget=200_000)


def typed_function(text: str) -> tuple[Function, list[str]]:
    """Return the function of a line such as "x * jnp.sin(y)", and the names of its parameters.

    Names that are not of a module are parameters, in the order in which they appear.

    Raises:
        ValueError: for what is not one expression, or has no parameter.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(
            f"Type one expression, such as x * jnp.sin(y); Python says: {error.msg}."
        ) from None
    bound = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    names.sort(key=lambda name: (name.lineno, name.col_offset))
    parameters = list(
        dict.fromkeys(n.id for n in names if n.id not in {*MODULES, *bound})
    )
    if not parameters:
        raise ValueError(
            "There is no parameter: name what moves, such as x in jnp.sin(x)."
        )
    code = f"lambda {', '.join(parameters)}: ({text.strip()})"
    function: Function = eval(code, {"__builtins__": {}, **MODULES})
    function.__name__ = "f"
    return function, parameters


def typed_point(text: str, parameters: Sequence[str]) -> list[Any]:
    """Return a point such as "0.5, [1.0, 2.0]": a number or a list of them for each parameter.

    Raises:
        ValueError: for something else, or another number of them.
    """
    try:
        values = ast.literal_eval(f"[{text}]")
        arrays = [jnp.asarray(x, float) for x in values]
    except (SyntaxError, ValueError, TypeError):
        raise ValueError(
            f"Type a number, or a list of them, for each parameter, such as 0.5, [1.0, 2.0]; "
            f"got {text!r}."
        ) from None
    if len(arrays) != len(parameters):
        raise ValueError(
            f"f has {plural(len(parameters), 'parameter')} ({', '.join(parameters)}), and the "
            f"point has {plural(len(arrays), 'value')}."
        )
    return arrays


def typed_views(text: str, point: str, mode: str) -> list[View]:
    """Return ladder, Jacobian and cost of a typed function at a typed point."""
    f, parameters = typed_function(text)
    args = typed_point(point, parameters)
    every = tuple(range(len(args)))
    return [shown(kind, f, args, mode, every) for kind in KINDS]


def explore(
    text: str = "x * jnp.sin(y)",
    point: str = "0.5, 0.75",
    mode: str = "reverse",
) -> Any:
    """Return fields for a function, a point and a mode, and ladder, Jacobian and cost of it.

    It needs Python behind it, in JupyterLab; `gallery` needs none. What cannot be shown is told
    in a message, and the last good pictures stay.

    Args:
        text: one expression of its parameters, with `jnp`, `lax` and `nn`.
        point: a number, or a list of them, for each parameter.
        mode: "reverse" or "forward".

    Raises:
        ValueError: where this first function cannot be shown.

    ```python
    import olympus_kit as ok

    ok.explore("jnp.sum(jnp.tanh(x) ** 2)", "[0.1, 0.2]")
    ```
    """
    import ipywidgets

    fields = [
        ipywidgets.Text(text, description="f =", continuous_update=False),
        ipywidgets.Text(point, description="at", continuous_update=False),
        ipywidgets.Dropdown(options=MODES, value=mode, description="mode"),
    ]
    message = ipywidgets.HTML()
    places = [ipywidgets.VBox() for _ in range(3)]

    def show(views: Sequence[View]) -> None:
        for place, view in zip(places, views, strict=True):
            place.children = (view.live(),)

    def update(change: Any) -> None:
        try:
            show(typed_views(*(field.value for field in fields)))
        except Exception as error:
            lines = str(error).splitlines() or [type(error).__name__]
            message.value = f"<p role='status'>✗ {html.escape(lines[0])}</p>"
        else:
            message.value = ""

    show(typed_views(text, point, mode))
    for field in fields:
        field.observe(update, "value")
    return ipywidgets.VBox([ipywidgets.HBox(fields), message, *places])
