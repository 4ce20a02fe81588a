"""`graph`: the computation of a function and of its derivative, as a ladder."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from ..program import (
    Argnums,
    Mode,
    Program,
    capture,
    in_one_line,
    user_line,
)
from ._dag import MOST_NODES, Dag
from ._draw import page_svg
from ._explore import explorable
from ._formula import plural
from ._ladder import build_ladder
from ._ladder_svg import ladder_picture
from ._predict import line_questions
from ._questions import questions_text
from ._rows import plain
from ._text import ladder_text
from ._types import Data, Function
from ._view import View

MOST_TEXT = 2_000  # steps whose text is stored beside the picture
Layout = Literal["ladder", "listing", "dag"]


class Graph(View):
    """The ladder of a program: one row for each primal equation, its derivative beside it."""

    scripts = ("common.js", "ask.js", "frames.js", "player.js", "ladder.js")

    def __init__(
        self,
        program: Program,
        layout: str = "ladder",
        error: Sequence[str] = (),
    ) -> None:
        self.program = program
        self.error = error  # where f raised: three lines about it
        self._ladder = build_ladder(program, layout, error)
        self.title = self._ladder.title

    def ask(self) -> None:
        """Hold back some lines of the derivative until they are guessed."""
        sentences = [step.words for step in self._ladder.steps]
        self.questions = line_questions(self.program, sentences)
        self._ladder.group = (
            ""  # no other figure of this program shows the answers
        )
        self._forget()

    def listing(self) -> Graph:
        """Return the same program as lines of code in its own order, each role in its colour."""
        return Graph(self.program, "listing", self.error)

    def model(self) -> Data:
        """Return rows, steps and values as plain data."""
        model: Data = plain(self._ladder)
        model["questions"] = [question.data() for question in self.questions]
        if len(self._ladder.steps) > MOST_TEXT:
            left_out = f"the text of its {len(self._ladder.steps):,} steps is left out: print(view)"
            return model | {"text": "", "notes": [*model["notes"], left_out]}
        return model | {"text": self.text()}

    def _embedded(self) -> Data:
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
                line["detail"] = steps[line["step"]]
                del line["detail"]["row"]
        return model

    def text(self, color: bool = False) -> str:
        """Return every equation in program order, with its role and its value."""
        asked, answers = questions_text(self.questions)
        return "\n".join([*asked, ladder_text(self._ladder, color), *answers])

    def svg(self) -> str:
        """Return the ladder as a picture."""
        picture = ladder_picture(self._ladder)
        return page_svg(self.title, self._ladder.summary, [picture])


def _lines(rows: Sequence[Data]) -> Iterator[Data]:
    for row in rows:
        for column in ("primal", "local_derivative", "tangent", "adjoint"):
            yield from row[column]
        yield from _lines(row["children"])


@explorable
def graph(
    f: Function,
    *args: Any,
    mode: Mode = "reverse",
    argnums: Argnums = 0,
    tangents: Sequence[Any] | None = None,
    cotangents: Any = None,
    layout: Layout = "ladder",
    ask: bool = False,
) -> Graph | Dag:
    """Show what jax computes for `f` at `args`, equation by equation.

    Args:
        f: a function of numbers, arrays and containers of them.
        *args: the point at which to look, one value for each parameter of `f`.
        mode: "primal" shows f alone, "forward" the tangents carried along (jvp), "reverse"
            the forward pass and the adjoints of the backward pass (vjp).
        argnums: which arguments to differentiate; the first by default, "all" for all.
        tangents: one for each differentiated argument, of its shape; defaults to ones.
        cotangents: of the shape of the output; defaults to ones.
        layout: "ladder"; "listing", the same as lines of code; or "dag", the nodes and arrows
            of a small program.
        ask: whether the player asks for the next line, at a few steps, before it shows it.

    Returns:
        The view. Where `f` itself raises, say for a shape mismatch, it shows the equations that
        were traced before, and `view.error` the user's line and the error.

    Raises:
        TypeError: for what is not a function, a non-numeric leaf or output, or nothing to
            differentiate.
        ValueError: for an unknown mode or layout, a tangent or cotangent of another shape, or
            where there is nothing to ask.

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
        raise ValueError(
            f"There is no layout {layout!r}: choose one of {known}."
        )
    if ask and (layout == "dag" or mode == "primal"):
        raise ValueError(
            "A ladder or a listing asks, in forward or reverse mode: leave out layout and mode, or "
            "leave out ask."
        )
    try:
        program = capture(
            f,
            *args,
            mode=mode,
            argnums=argnums,
            tangents=tangents,
            cotangents=cotangents,
        )
    except Exception as error:
        partial = _until_it_raises(f, args, argnums, error)
        if partial is None:
            raise
        return Graph(partial, layout, _error_lines(error, partial))
    if layout == "dag":
        nodes = Dag(program)
        if len(nodes.nodes) <= MOST_NODES:
            return nodes
        note = (
            f"This program has {len(nodes.nodes)} nodes. Arrows can be followed up to "
            f"{MOST_NODES}, so here is the ladder."
        )
        return Graph(replace(program, notes=(*program.notes, note)))
    view = Graph(program, layout)
    if ask:
        view.ask()
    return view


def _until_it_raises(
    f: Function,
    args: Sequence[Any],
    argnums: Argnums,
    error: Exception,
) -> Program | None:
    """Return what jax traced of `f` before `error`; None where nothing, or another error came.

    jax.make_jaxpr keeps equations whose results nobody reads, so a function that swallows the
    error and returns nothing has them all. A jitted function that raises is left out as a whole.
    """
    raised = []

    @functools.wraps(f)
    def swallowing(*values: Any) -> tuple[()]:
        try:
            f(*values)
        except Exception as inner:
            raised.append(inner)
        return ()

    try:
        program = capture(swallowing, *args, mode="primal", argnums=argnums)
    except Exception:
        return None
    same_error = bool(raised) and type(raised[-1]) is type(error)
    return program if same_error and program.rows else None


def _error_lines(error: Exception, program: Program) -> list[str]:
    """Return the user's line, what went wrong there, and what the ladder shows instead."""
    line = user_line(error).removeprefix(", in ") or f"In {program.name}"
    message, *more = str(error).split("\n\n")
    # what differs is told below it
    while more and message.rstrip().endswith(":"):
        message = f"{message} {more.pop(0)}"
    message = in_one_line(message)
    count = plural(len(program.rows), "equation")
    return [
        line,
        f"{type(error).__name__}: {message}",
        f"Below, what was traced before it: {count}.",
    ]
