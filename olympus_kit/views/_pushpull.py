"""`push_pull`: a tangent pushed forward and a covector pulled back, drawn on a deformed grid."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..program import describe, read_arguments
from ._formula import number
from ._jacobian_passes import Array
from ._svg import CHAR, INK, LINE, MUTED, PAD, ROLES, _finished, _page, _text
from ._view import View

LINES, DOTS = 9, 33  # grid lines in each direction, and points along each line
PANEL = 300.0


class PushPull(View):
    """A map between line and plane at a point: Jv and Jᵀu as arrows, on the grid and its image."""

    scripts = ("common.js", "linear.js")

    def __init__(self, f: Callable[..., Any], x: Any, v: Any, u: Any, span: float) -> None:
        self.name = read_arguments(f, (x,), "forward").name
        try:
            point = jax.numpy.asarray(x)
        except (TypeError, ValueError):
            raise TypeError(f"x must be one real number or two; got {describe(x)}.") from None
        self.shape = point.shape
        self.given = f
        self.x = np.asarray(point).reshape(-1)
        self.y = np.asarray(self.f(self.x))
        n, m = self.x.size, self.y.size
        if not (1 <= n <= 2 and 1 <= m <= 2 and np.isrealobj(self.x) and np.isrealobj(self.y)):
            raise ValueError(
                f"push_pull draws maps between line and plane: one or two real numbers in, one or "
                f"two out. {self.name} takes {n} and returns {m}; jacobian_shapes shows any shape."
            )
        self.J = np.asarray(jax.jacfwd(self.f)(self.x))
        for what, found in ((self.name, self.y), (f"The derivative of {self.name}", self.J)):
            if not np.isfinite(found).all():
                raise ValueError(f"{what} is {found} at {self.x}: move x to where it is finite.")
        self.v = self._vector("v", v, n, "the input")
        self.u = self._vector("u", u, m, "the output")
        ends = np.linspace(-span, span, LINES)
        axes = [self.x[k] + ends for k in range(n)]
        self.lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, n)
        self.grid = _grid(self.x, span)
        self.images = [np.asarray(jax.vmap(self.f)(line)) for line in self.grid]

    def f(self, point: Any) -> jax.Array:
        """Return f at a point given as a flat vector, as a flat vector."""
        return jax.numpy.asarray(self.given(jax.numpy.reshape(point, self.shape))).ravel()

    def _vector(self, name: str, given: Any, size: int, what: str) -> Array:
        try:
            vector = np.ones(size) if given is None else np.asarray(given, float).reshape(-1)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must hold real numbers; got {describe(given)}.") from None
        if vector.size != size:
            raise ValueError(f"{name} has as many numbers as {what}, {size}; got {vector.size}.")
        return vector

    def frame(self, point: Sequence[float] | Array) -> dict[str, Any]:
        """Return the point, its image and the Jacobian there."""
        return self._frames(np.asarray(point, self.x.dtype)[None])[0]

    def _frames(self, points: Array) -> list[dict[str, Any]]:
        at = jax.numpy.asarray(points)
        parts = zip(at, jax.vmap(self.f)(at), jax.vmap(jax.jacfwd(self.f))(at), strict=True)
        return [dict(zip(("x", "y", "J"), map(_rounded, part), strict=True)) for part in parts]

    def live(self) -> Any:
        """Return a widget whose point Python answers at, wherever it is dragged."""
        import traitlets

        widget = super().live()
        traits: dict[str, Any] = {"point": traitlets.List(), "frame": traitlets.Dict()}
        widget.add_traits(**{name: trait.tag(sync=True) for name, trait in traits.items()})
        widget.frame = self.frame(self.x)
        widget.observe(lambda change: setattr(widget, "frame", self.frame(change["new"])), "point")
        return widget

    @property
    def title(self) -> str:
        """The function and its two spaces."""
        n, m = self.x.size, len(self.u)
        return f"Push forward, pull back: {self.name} from R{_POWER[n]} to R{_POWER[m]}"

    @property
    def summary(self) -> str:
        """The numbers at the point, and the identity between them."""
        Jv, Ju = self.J @ self.v, self.u @ self.J
        return (
            f"At x = {_short(self.x)}: J = {_short(self.J)}. v = {_short(self.v)} is pushed to "
            f"Jv = {_short(Jv)}; u = {_short(self.u)} is pulled back to Jᵀu = {_short(Ju)}. "
            f"⟨u, Jv⟩ = {number(float(self.u @ Jv))} = ⟨Jᵀu, v⟩ = {number(float(Ju @ self.v))}."
        )

    def model(self) -> dict[str, Any]:
        """Return the grid, its image, and the Jacobian at every point of a lattice."""
        return {
            "kind": "push and pull",
            "title": self.title,
            "summary": self.summary,
            "v": self.v.tolist(),
            "u": self.u.tolist(),
            "frames": self._frames(self.lattice),
            "grid": [_rounded(line) for line in self.grid],
            "images": [_rounded(line) for line in self.images],
            "text": self.text(),
        }

    def text(self, color: bool = False) -> str:
        """Return the numbers."""
        return f"{self.title}\n" + self.summary.replace(". ", ".\n").replace(": J", ":\nJ")

    def svg(self) -> str:
        """Return both spaces side by side, at the point."""
        root = _page(self)
        sides = [
            ("input", self.grid, self.x, (self.v, "v"), (self.u @ self.J, "Jᵀu")),
            ("output", self.images, self.y, (self.J @ self.v, "Jv"), (self.u, "u")),
        ]
        for k, (word, lines, origin, tangent, covector) in enumerate(sides):
            left = PAD + k * (PANEL + 40)
            _text(root, left, 56, word, MUTED)
            to = _scale(lines, left, 66)
            for line in lines:
                ends = to(line)
                points = " ".join(f"{a:.1f},{b:.1f}" for a, b in ends[np.isfinite(ends).all(1)])
                ET.SubElement(root, "polyline", points=points, fill="none", stroke=LINE)
            for role, (vector, name) in (("tangent", tangent), ("adjoint", covector)):
                _arrow(root, to, origin, vector, name, role)
        y = 66 + PANEL
        for words in self.text().splitlines()[1:]:
            y += 20
            _text(root, PAD, y, words, INK)
        return _finished(root, 2 * PANEL + 40 + 2 * PAD + 20 * CHAR, y)


_POWER = {1: "", 2: "²"}


def _rounded(values: Any) -> Any:
    """Return plain numbers, None for what is not finite: JSON knows no NaN."""
    if np.ndim(values):
        return [_rounded(x) for x in np.asarray(values)]
    return float(f"{float(values):.6g}") if np.isfinite(values) else None


def _short(values: Any) -> str:
    if np.ndim(values) == 0:
        return f"{float(values):.4g}"
    return f"[{', '.join(_short(x) for x in values)}]"


def _grid(x: Array, span: float) -> list[Array]:
    """Return the lines of a grid around x, each as points along it; for one input, one line."""
    along, across = np.linspace(-span, span, DOTS), np.linspace(-span, span, LINES)
    if x.size == 1:
        return [x + along[:, None]]
    lines = [np.stack([np.full(DOTS, a), along], 1) for a in across]
    return [x + line for line in (*lines, *(line[:, ::-1] for line in lines))]


def _scale(lines: list[Array], left: float, top: float) -> Callable[[Any], Array]:
    """Return the map from a space of one or two dimensions to a panel; what is not finite, out."""
    flat = np.concatenate([_plane(line) for line in lines])
    flat = flat[np.isfinite(flat).all(1)]
    middle = (flat.max(0) + flat.min(0)) / 2
    size = max(float(np.ptp(flat, axis=0).max()), 1e-9) * 1.8
    corner = np.array([left, top]) + PANEL / 2
    return lambda p: corner + (_plane(p) - middle) * [1, -1] * PANEL / size


def _plane(points: Any) -> Array:
    """Put points of a line onto the plane's first axis."""
    points = np.atleast_2d(np.asarray(points, float))
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _arrow(root: ET.Element, to: Any, origin: Array, vector: Array, name: str, role: str) -> None:
    """Draw a vector; a covector is dashed, since it is a row."""
    (a, b), (c, d) = to(origin)[0], to(origin + vector)[0]
    color, mark, _ = ROLES[role]
    ends = {"x1": f"{a:.1f}", "y1": f"{b:.1f}", "x2": f"{c:.1f}", "y2": f"{d:.1f}"}
    line = ET.SubElement(root, "line", ends, stroke=color)
    line.set("stroke-width", "2.5")
    if role == "adjoint":
        line.set("stroke-dasharray", "6 3")
    ET.SubElement(root, "circle", cx=ends["x2"], cy=ends["y2"], r="4", fill=color)
    _text(root, c + 6, d - 4, f"{mark} {name}", color, weight="600")


def push_pull(
    f: Callable[..., Any], x: Any, v: Any = None, u: Any = None, span: float = 1.0
) -> PushPull:
    """Draw how the derivative of `f` at `x` pushes a tangent and pulls a covector back.

    Args:
        f: a function of one argument with one or two real numbers, returning one or two.
        x: the point.
        v: a tangent there, of the size of x; ones where None.
        u: a covector at f(x), of the size of f(x); ones where None.
        span: how far the grid reaches from x.

    Raises:
        TypeError: as for `graph`.
        ValueError: for other sizes.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    polar = lambda p: p[0] * jnp.array([jnp.cos(p[1]), jnp.sin(p[1])])
    view = ok.push_pull(polar, jnp.array([1.0, 0.5]), v=[0.5, 0.5])
    view.live()  # drag the point and the arrows; jax answers
    ```
    """
    if not span > 0:
        raise ValueError(f"span must be a positive number; got {span!r}.")
    return PushPull(f, x, v, u, float(span))
