"""`push_pull`: a tangent pushed forward and a covector pulled back, drawn on a deformed grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..program import describe, read_arguments
from ._draw import MARKS, Canvas, width_of
from ._explore import explorable
from ._figure import Detail, Figure
from ._types import Array, Data, Function
from ._view import there

LINES, DOTS = 9, 33  # grid lines in each direction, and points along each line
PANEL, TOP = 300.0, 24.0
CORNER = [PANEL / 2, TOP + PANEL / 2]  # the middle of a panel

Box = tuple[float, float, float, float]  # left, top, right, bottom


class PushPull(Figure):
    """A map between line and plane at a point: Jv and Jᵀu as arrows, on the grid and its image."""

    scripts = ("common.js", "frames.js", "linear.js")
    alone = ("_function",)
    _function: Function | None = None

    def __init__(
        self, f: Function, x: Any, v: Any, u: Any, span: float
    ) -> None:
        self.name = read_arguments(f, (x,), "forward").name
        try:
            point = jax.numpy.asarray(x)
        except (TypeError, ValueError):
            raise TypeError(
                f"x must be one real number or two; got {describe(x)}."
            ) from None
        self.shape = point.shape
        self._function = f
        self.x = np.asarray(point).reshape(-1)
        self.y = np.asarray(self.f(self.x))
        n, m = self.x.size, self.y.size
        is_real = np.isrealobj(self.x) and np.isrealobj(self.y)
        if not is_real or not {n, m} <= {1, 2}:
            raise ValueError(
                f"push_pull draws maps between line and plane: one or two real numbers in, one or "
                f"two out. {self.name} takes {n} and returns {m}; jacobian_shapes shows any shape."
            )
        self.J = np.asarray(jax.jacfwd(self.f)(self.x))
        for what, found in (
            (self.name, self.y),
            (f"The derivative of {self.name}", self.J),
        ):
            if not np.isfinite(found).all():
                raise ValueError(
                    f"{what} is {found} at {self.x}: move x to where it is finite."
                )
        self._check_modes()
        self.v = self._vector("v", v, n, "the input")
        self.u = self._vector("u", u, m, "the output")
        spaces = f"R{_POWER[n]} to R{_POWER[m]}"
        self.title = f"Push forward, pull back: {self.name} from {spaces}"
        ends = np.linspace(-span, span, LINES)
        axes = [self.x[k] + ends for k in range(n)]
        self.x64 = jax.dtypes.canonicalize_dtype(float) == np.float64
        self.lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(
            -1, n
        )
        self.grid = _grid(self.x, span)
        self.images = [np.asarray(jax.vmap(self.f)(line)) for line in self.grid]
        self.frames = self._frames(self.lattice)

    def f(self, point: Any) -> jax.Array:
        """Return f at a point given as a flat vector, as a flat vector."""
        return jax.numpy.asarray(
            there(self._function, "push_pull")(
                jax.numpy.reshape(point, self.shape)
            )
        ).ravel()

    def _check_modes(self) -> None:
        """Refuse a function whose own rule gives each mode another derivative: one map is drawn."""
        try:
            rows = np.asarray(jax.jacrev(self.f)(self.x))
        except (TypeError, ValueError, NotImplementedError):
            return  # no reverse mode, as in a while loop: the map is that of forward mode
        scale = np.abs(self.J).max(initial=0.0) + np.abs(rows).max(initial=0.0)
        if not np.allclose(rows, self.J, rtol=1e-3, atol=1e-3 * scale):
            raise ValueError(
                f"The two modes disagree about {self.name} at {self.x}: jax.jvp has the Jacobian "
                f"{self.J.tolist()}, jax.vjp has {rows.tolist()}. A derivative rule in it is "
                "wrong: mend that first, push_pull draws one map."
            )

    def _vector(self, name: str, values: Any, size: int, what: str) -> Array:
        try:
            vector = (
                np.ones(size)
                if values is None
                else np.asarray(values, float).reshape(-1)
            )
        except (TypeError, ValueError):
            raise TypeError(
                f"{name} must hold real numbers; got {describe(values)}."
            ) from None
        if vector.size != size:
            raise ValueError(
                f"{name} has as many numbers as {what}, {size}; got {vector.size}."
            )
        if not np.isfinite(vector).all():
            raise ValueError(
                f"{name} must hold finite numbers; got {describe(values)}."
            )
        return vector

    def frame(self, point: Sequence[float] | Array) -> Data:
        """Return the point, its image and the Jacobian there."""
        with jax.enable_x64(self.x64):
            return self._frames(np.asarray(point, self.x.dtype)[None])[0]

    def _frames(self, points: Array) -> list[Data]:
        at = jax.numpy.asarray(points)
        parts = zip(
            at,
            jax.vmap(self.f)(at),
            jax.vmap(jax.jacfwd(self.f))(at),
            strict=True,
        )
        return [
            dict(zip(("x", "y", "J"), map(_rounded, part), strict=True))
            for part in parts
        ]

    def live(self) -> Any:
        """Return a widget whose point Python answers at, wherever it is dragged."""
        import traitlets

        widget = super().live()
        point: Any = traitlets.List()
        frame: Any = traitlets.Dict()
        widget.add_traits(
            point=point.tag(sync=True), frame=frame.tag(sync=True)
        )
        widget.frame = self.frame(self.x)
        widget.observe(
            lambda change: setattr(widget, "frame", self.frame(change["new"])),
            "point",
        )
        return widget

    @property
    def finding(self) -> str:  # type: ignore[override]
        """The identity between what is pushed and what is pulled."""
        pushed = float(self.u @ (self.J @ self.v))
        pulled = float((self.u @ self.J) @ self.v)
        return (
            f"⟨u, Jv⟩ = {_short(pushed)} and ⟨Jᵀu, v⟩ = {_short(pulled)}: v pushed forward meets u "
            "as v meets u pulled back."
        )

    def details(self) -> list[Detail]:
        """Return the numbers at the point."""
        Jv, Ju = self.J @ self.v, self.u @ self.J
        lines = [
            f"x = {_short(self.x)}, f(x) = {_short(self.y)}",
            f"J = {_short(self.J)}",
            f"v = {_short(self.v)} is pushed to Jv = {_short(Jv)}",
            f"u = {_short(self.u)} is pulled back to Jᵀu = {_short(Ju)}",
        ]
        return [Detail("Numbers", lines)]

    def model(self) -> Data:
        """Return the pictures, their scales, and the Jacobian at every point of a lattice."""
        return super().model() | {
            "v": self.v.tolist(),
            "u": self.u.tolist(),
            "frames": self.frames,
            "scales": [space.scale() for space in self._spaces()],
        }

    def _spaces(self) -> list[_Space]:
        """Return what is drawn of the input and of the output, at the point."""
        Jv, Ju = self.J @ self.v, self.u @ self.J
        return [
            _Space(
                "input: a straight grid",
                self.grid,
                self.x,
                "x",
                [("v", self.v, True), ("Jᵀu", Ju, False)],
            ),
            _Space(
                "output: the image of the grid",
                self.images,
                self.y,
                "y",
                [("Jv", Jv, False), ("u", self.u, True)],
            ),
        ]

    def pictures(self) -> list[Canvas]:
        """Draw both spaces, at the point."""
        return [space.draw() for space in self._spaces()]


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
    along, across = (
        np.linspace(-span, span, DOTS),
        np.linspace(-span, span, LINES),
    )
    if x.size == 1:
        return [x + along[:, None]]
    lines = [np.stack([np.full(DOTS, a), along], 1) for a in across]
    return [x + line for line in (*lines, *(line[:, ::-1] for line in lines))]


def _plane(points: Any) -> Array:
    """Put points of a line onto the plane's first axis."""
    points = np.atleast_2d(np.asarray(points, float))
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


@dataclass
class _Space:
    """A space with its grid, and vectors at a point; what can be dragged has a knob."""

    name: str
    lines: list[Array]
    origin: Array
    handle: str  # of the point; that of an image cannot be dragged
    vectors: Sequence[tuple[str, Array, bool]]

    def __post_init__(self) -> None:
        """Find the scale at which the grid and every arrow lie in the panel."""
        grid = np.concatenate([_plane(line) for line in self.lines])
        self.grid = grid[np.isfinite(grid).all(1)]
        self.ends = [_plane(self.origin + v)[0] for _, v, _ in self.vectors]
        points = np.vstack([self.grid, *self.ends])
        self.middle = (points.max(0) + points.min(0)) / 2
        # beside the outermost there is room for a handle and for a label
        size = max(float(np.ptp(points, axis=0).max()), 1e-9)
        self.factor = PANEL / (size * 1.6)

    def places(self, points: Any) -> Array:
        """Return where points of the space lie in the panel."""
        places: Array = (
            np.array(CORNER)
            + (_plane(points) - self.middle) * [1, -1] * self.factor
        )
        return places

    def scale(self) -> Data:
        """Return the scale for the front-end, which moves the arrows, and where the grid ends."""
        return {
            "middle": self.middle.tolist(),
            "factor": self.factor,
            "corner": CORNER,
            "low": self.grid.min(0).tolist(),
            "high": self.grid.max(0).tolist(),
        }

    def draw(self) -> Canvas:
        """Draw it."""
        canvas = Canvas(self.name)
        canvas.text(0, 14, canvas.name, "muted")
        canvas.box(0.5, TOP, PANEL, PANEL, "paper line-line", rx=6)
        grid = canvas.group("grid")
        for line in self.lines:
            ends = self.places(line)
            shown = [
                (float(a), float(b)) for a, b in ends[np.isfinite(ends).all(1)]
            ]
            if len(shown) > 1:
                grid.line(shown, "line-line")
        start, *tips = self.places([_plane(self.origin)[0], *self.ends])
        # what no label may cover: the point, the arrows, and their ends
        taken = []
        for end in tips:
            taken.append(_around(end, 11))
            for share in np.linspace(0, 1, 16):
                taken.append(_around(start + share * (end - start), 8))
        for (name, _, free), end in zip(self.vectors, tips, strict=True):
            role = "tangent" if name in ("v", "Jv") else "adjoint"
            _draw_arrow(canvas, start, end, name, role, free, taken)
        x, y = map(float, start)
        radius = 7 if self.handle == "x" else 5
        canvas.circle(x, y, radius, "ink", data_handle=self.handle)
        return canvas


def _around(place: Array, reach: float) -> Box:
    x, y = map(float, place)
    return x - reach, y - reach, x + reach, y + reach


def _draw_arrow(
    canvas: Canvas,
    start: Array,
    end: Array,
    name: str,
    role: str,
    free: bool,
    taken: list[Box],
) -> None:
    """Draw a vector; a covector is dashed, since it is a row."""
    (a, b), (c, d) = (map(float, start), map(float, end))
    group = canvas.group(
        f"arrow {role}",
        data_handle=name if free else None,
        data_arrow=name,
        # what cannot be dragged does not lie in the way of a handle below it
        pointer_events=None if free else "none",
    )
    dash = {"stroke_dasharray": "6 3"} if role == "adjoint" else {}
    group.path(
        f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}",
        f"shaft {role}-line",
        stroke_width=2.5,
        **dash,
    )
    if free:
        group.path(
            f"M{c - 11:.1f} {d:.1f}a11 11 0 1 0 22 0a11 11 0 1 0 -22 0",
            f"knob {role}-line",
            pointer_events="all",
        )
    angle = math.degrees(math.atan2(d - b, c - a))
    turn = f"translate({c:.1f} {d:.1f}) rotate({angle:.0f})"
    if math.hypot(c - a, d - b) < 1:  # nothing points anywhere
        turn += " scale(0)"
    group.path("M0 0l-12 -6v12z", f"head {role}", transform=turn)
    label = f"{MARKS[role]} {name}"
    x, y = _beside(c, d, width_of(label), taken)
    group.text(x, y, label, f"label {role}", font_weight=600)


def _beside(
    c: float, d: float, width: float, taken: list[Box]
) -> tuple[float, float]:
    """Return where a label stands beside an end and covers nothing, which is taken from then on."""
    for up, left in itertools.product((12, -20, 28, -36, 44), (False, True)):
        x, y = c - 12 - width if left else c + 12, d - up
        box = (x, y - 10, x + width, y + 3)
        if not any(
            box[0] < other[2]
            and other[0] < box[2]
            and box[1] < other[3]
            and other[1] < box[3]
            for other in taken
        ):
            break
    taken.append(box)
    return x, y


@explorable
def push_pull(
    f: Function,
    x: Any,
    v: Any = None,
    u: Any = None,
    span: float = 1.0,
) -> PushPull:
    """Draw how the derivative of `f` at `x` pushes a tangent and pulls a covector back.

    Args:
        f: a function of one argument with one or two real numbers, returning one or two.
        x: the point.
        v: a tangent there, of the size of x; defaults to ones.
        u: a covector at f(x), of the size of f(x); defaults to ones.
        span: how far the grid reaches from x.

    Raises:
        TypeError: as for `graph`.
        ValueError: for other sizes, and where a number is not finite.

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
