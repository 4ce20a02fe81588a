"""`graph`: the computation of a function and of its derivative, as a ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, get_args

from ..program import Argnums, Mode, Program, capture
from ._ladder import build_ladder
from ._svg import ladder_svg, listing_svg
from ._text import ladder_text
from ._view import View

MOST_TEXT = 2_000  # steps whose text is stored beside the picture
Layout = Literal["ladder", "listing", "dag"]


class Graph(View):
    """The ladder of a program: one row for each primal equation, its derivative beside it."""

    scripts = ("common.js", "player.js", "ladder.js")

    def __init__(self, program: Program, layout: str = "ladder") -> None:
        self.program = program
        self._ladder = build_ladder(program, layout)

    def listing(self) -> Graph:
        """Return the same program as lines of code in its own order, each role in its colour."""
        return Graph(self.program, "listing")

    @property
    def title(self) -> str:
        """The function, the mode and the point."""
        return self._ladder.title

    def model(self) -> dict[str, Any]:
        """Return rows, steps and values as plain data."""
        model = self._ladder.as_json()
        if len(self._ladder.steps) > MOST_TEXT:
            left_out = f"the text of its {len(self._ladder.steps):,} steps is left out: print(view)"
            return model | {"text": "", "notes": [*model["notes"], left_out]}
        return model | {"text": self.text()}

    def _embedded(self) -> dict[str, Any]:
        """Return the model with each step inside its line, and counts as differences.

        Deflating sees only the last 32 KiB, and a step repeats the values of its line.
        """
        model = self.model()
        steps = model.pop("steps")
        for number in range(len(steps) - 1, 0, -1):
            for count in ("live", "flops"):
                steps[number][count] -= steps[number - 1][count]
        for line in _lines(model["rows"]):
            if line["step"] is not None:
                line["told"] = steps[line["step"]]
                del line["told"]["row"]
        return model

    def text(self, color: bool = False) -> str:
        """Return every equation in program order, with its role and its value."""
        return ladder_text(self._ladder, color)

    def svg(self) -> str:
        """Return the ladder as a picture."""
        draw = listing_svg if self._ladder.layout == "listing" else ladder_svg
        return draw(self._ladder)


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        for column in ("primal", "local_derivative", "tangent", "adjoint"):
            yield from row[column]
        yield from _lines(row["children"])


def graph(
    f: Callable[..., Any],
    *args: Any,
    mode: Mode = "reverse",
    argnums: Argnums = 0,
    tangents: Sequence[Any] | None = None,
    cotangents: Any = None,
    layout: Layout = "ladder",
) -> Graph:
    """Show what jax computes for `f` at `args`, equation by equation.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point at which to look, one value for each parameter of `f`.
        mode: "primal" shows f alone, "forward" the tangents carried along (jvp), "reverse"
            the forward sweep and the adjoints on the way back (vjp).
        argnums: which arguments to differentiate; the first by default, "all" for all.
        tangents: one for each differentiated argument, of its shape; ones where None.
        cotangents: of the shape of the output; ones where None.
        layout: "ladder"; "listing", the same as lines of code; or "dag", the nodes and arrows
            of a small program.

    Raises:
        TypeError: for what is no function, a leaf that is no number, an output that is none,
            or nothing to differentiate.
        ValueError: for an unknown mode or layout, or a tangent or cotangent of another shape.

    ```python
    import olympus.numpy as jnp
    import olympus_kit as ok

    view = ok.graph(lambda x: jnp.sin(x) * x, 2.0)
    print(view)  # the listing; a notebook shows the ladder, which can be stepped
    view.save("ladder.svg")
    ```
    """
    if layout not in get_args(Layout):
        known = ", ".join(map(repr, get_args(Layout)))
        raise ValueError(f"There is no layout {layout!r}: choose one of {known}.")
    program = capture(
        f, *args, mode=mode, argnums=argnums, tangents=tangents, cotangents=cotangents
    )
    if layout == "dag":
        from ._dag import dag

        return dag(program)
    return Graph(program, layout)
