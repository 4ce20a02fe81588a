"""The nodes and arrows of a small program: which value goes into which, stepped like the ladder."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..program import Program
from ._dag_layout import Spot, place
from ._draw import MARKS, PAD, Canvas, shorten, width_of
from ._figure import Figure, Player, Step
from ._formula import named, short_text, statement, value_text
from ._ladder import build_ladder
from ._rows import every, plain
from ._text import ladder_text
from ._types import Data
from ._words import with_short_names

MOST_NODES = 80  # beyond this, nobody can follow an arrow through the crossings
GAP_X, GAP_Y, TEXT_ROW, TEXT_ROOM = 36, 64, 18, 40
LEGEND = "A thick arrow, “saved”: its value is a residual, saved for the backward pass."


@dataclass
class Part:
    """A line on a node or on an arrow, and the step at which the player shows it."""

    text: str
    role: str
    step: int | None = None
    short: str = ""  # the same with its value in a few characters

    @property
    def marked(self) -> str:
        """Its text, behind the shape of its role; in short where it is long."""
        long = len(self.text) > TEXT_ROOM - 2
        text = self.short if long and self.short else self.text
        return f"{MARKS[self.role]} {text}"


@dataclass
class Node:
    """An input, a constant, or what one primal equation computes."""

    word: str  # "in", "const", "out": what the shape says, too
    text: str
    row: str  # of the ladder; "" for inputs and constants
    # value, tangent or adjoint, residuals
    parts: list[Part] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Everything about the node, in one line."""
        words = [f"{self.word} {self.text}".strip()]
        for part in self.parts:
            role = part.role.removeprefix("bookkeeping")
            words.append(f"{role} {part.text}".strip())
        return "; ".join(words)


@dataclass
class Arrow:
    """Where a value goes into an equation, and what the backward pass sends along it."""

    source: int
    target: int
    saved: bool
    back: Part | None


class Dag(Figure):
    """A program as nodes and arrows, with values, tangents or adjoints on the nodes."""

    kind = "nodes and arrows"

    def __init__(self, program: Program) -> None:
        self.program = program = with_short_names(program)
        self._ladder = ladder = build_ladder(program, "dag")
        self.title, self.notes = ladder.title, ladder.notes
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self._home: dict[int, int] = {}  # value -> its node
        self._when: dict[int, int] = {}
        for k, equation in enumerate(program.equations):
            self._when |= dict.fromkeys(equation.results, k)
        if ladder.backward is not None:
            self._when |= dict.fromkeys(program.seeds, ladder.backward)
        self._collect()
        self.finding = ladder.summary
        if any(arrow.saved for arrow in self.arrows):
            self.finding += f" {LEGEND}"
        self.idle = "All values are shown. Step to watch them appear."
        if not program.equations:
            self.idle = "This program has no equations."

    def steps(self) -> list[Step]:
        """Return the equations in order."""
        return [
            Step(s.words, live=s.live, flops=s.flops)
            for s in self._ladder.steps
        ]

    def player(self) -> Player:
        """Return the group that shares its steps, the first NaN, and the peak."""
        return Player(self._ladder.group, self._ladder.bad, self._ladder.peak)

    def model(self) -> Data:
        """Return the record, and the values and derivatives of inputs and outputs."""
        ladder = self._ladder
        ends = {"inputs": ladder.inputs, "outputs": ladder.outputs}
        return super().model() | {word: plain(e) for word, e in ends.items()}

    def text(self, color: bool = False) -> str:
        """Return the program line by line, and then every node and every arrow."""
        lines = [ladder_text(self._ladder, color), ""]
        for node in self.nodes:
            lines.append(f"{'node':12} {node.words}")
        for arrow in self.arrows:
            source = self.nodes[arrow.source].text.partition(" = ")[0]
            target = self.nodes[arrow.target].text.partition(" = ")[0]
            words = f"{'arrow':12} {source} → {target}"
            if arrow.saved:
                words += "; saved for the backward pass"
            if arrow.back:
                words += f"; sends back {arrow.back.text}"
            lines.append(words)
        return "\n".join(lines)

    # ---- from the program to nodes and arrows ----

    def _collect(self) -> None:
        program, values = self.program, self.program.values
        rungs = {row.path: row.residuals for row in every(self._ladder.rows)}
        for value in program.inputs:
            self._add("in", values[value].name, [value])
        for row in program.rows:
            operands = [o for o in row.operands if not values[o].literal]
            self._add_constants(operands)
            names = [rung.name for rung in rungs[row.path]]
            for position, operand in enumerate(row.operands):
                if operand in self._home:
                    saved = values[operand].name in names
                    back = self._sent(row.path, position)
                    source, target = self._home[operand], len(self.nodes)
                    self.arrows.append(
                        Arrow(
                            source,
                            target,
                            saved,
                            back,
                        )
                    )
            node = self._add(
                "",
                statement(program, row),
                row.results,
                row.path,
            )
            if names:
                words = f"saves {', '.join(names)}"
                node.parts.append(Part(words, "bookkeeping"))
        self._add_constants(program.outputs)
        for home in {self._home[value] for value in program.outputs}:
            node = self.nodes[home]
            node.word = f"{node.word} out".strip()

    def _add_constants(self, values: Iterable[int]) -> None:
        """Add the constants among `values`: what no equation computes."""
        for value in values:
            if value not in self._home:
                self._add("const", self.program.values[value].name, [value])

    def _add(
        self, word: str, text: str, results: Iterable[int], row: str = ""
    ) -> Node:
        """Add a node with the values of `results`, and their tangents or adjoints."""
        values = self.program.values
        role, suffix, partners = "adjoint", "bar", self.program.adjoints
        if self.program.mode == "forward":
            role, suffix, partners = "tangent", "dot", self.program.tangents
        node = Node(word, text, row)
        for i in results:
            self._home[i] = len(self.nodes)
            step = self._when.get(i)
            text, short = value_text(values[i]), short_text(values[i])
            node.parts.append(Part(text, "primal", step, short))
            if i in partners:
                partner = values[partners[i]]
                name = f"{values[i].name}_{suffix}"
                text = f"{name} = {value_text(partner)}"
                short = f"{name} = {short_text(partner)}"
                step = self._step_of(partners[i])
                node.parts.append(Part(text, role, step, short))
        self.nodes.append(node)
        return node

    def _step_of(self, value: int) -> int | None:
        """Return the step that computes a value; one that passes through unchanged is another's."""
        return self._when.get(self.program.variable(value))

    def _sent(self, row: str, position: int) -> Part | None:
        """Return what the backward pass sends to an operand of a row."""
        value = self.program.contributions.get((row, position))
        if value is None:
            return None
        text = named(self.program.values[value])
        return Part(text, "adjoint", self._step_of(value))

    # ---- from nodes and arrows to the picture ----

    def pictures(self) -> list[Canvas]:
        """Draw the nodes at the places that fast-sugiyama finds for them."""
        ends = [(arrow.source, arrow.target) for arrow in self.arrows]
        spots, bends = place(ends, len(self.nodes))
        lines = [lines_on(node) for node in self.nodes]
        longest = max((text for part in lines for text in part), key=len)
        rows = max(2, *map(len, lines))
        width = max(110.0, width_of(longest) + 24)
        height = TEXT_ROW * rows + 12.0

        def at(spot: Spot) -> Spot:
            x, y = spot[0] * (width + GAP_X), spot[1] * (height + GAP_Y)
            return PAD + width / 2 + x, PAD + height / 2 + y

        canvas = Canvas(self.title)
        for k, arrow in enumerate(self.arrows):
            # x * x has two arrows: words of the first stand left of it, of the second right
            before, together = ends[:k].count(ends[k]), ends.count(ends[k])
            aside = 30.0 * before - 15.0 * (together - 1)
            side = (1 if before else -1) if together > 1 else 0
            way = [spots[arrow.source], *bends[ends[k]], spots[arrow.target]]
            _draw_arrow(
                canvas,
                arrow,
                [*map(at, way)],
                height / 2,
                aside,
                side,
            )
        for k, node in enumerate(self.nodes):
            lit = self._lit(node)
            group = canvas.group(
                "node",
                data_node=k,
                data_now=lit,
                data_say="",
            )
            _draw_node(
                group,
                node,
                lines[k],
                at(spots[k]),
                width,
                height,
            )
        return [canvas]

    def _lit(self, node: Node) -> list[int]:
        """Return the steps that are about a node: what changes on it, or its equation at work.

        Not the latter where a step only adds up what has come back: that is about another node.
        """
        sent = {arrow.back.step for arrow in self.arrows if arrow.back}
        lit = {part.step for part in node.parts}
        sums = {p.step for other in self.nodes for p in other.parts} - sent
        for k, step in enumerate(self._ladder.steps):
            if node.row and step.row == node.row and k not in sums:
                lit.add(k)
        return sorted(k for k in lit if k is not None)


def lines_on(node: Node) -> list[str]:
    """Return the lines of text on a node; the first says what it is."""
    lines = [f"{node.word}  {node.text}".strip()]
    lines += [part.marked for part in node.parts]
    return [shorten(line, TEXT_ROOM) for line in lines]


def _draw_node(
    group: Canvas,
    node: Node,
    lines: list[str],
    spot: Spot,
    width: float,
    height: float,
) -> None:
    middle, y = spot
    left, top = middle - width / 2, y - height / 2
    look: Data = {"rx": 5.0}
    if node.word.startswith(("in", "const")):
        look["rx"] = height / 2.6
    if node.word.startswith("const"):
        look |= {"stroke-dasharray": "4 3"}
    if "out" in node.word:  # a second line around it
        group.box(
            left - 4,
            top - 4,
            width + 8,
            height + 8,
            "primal-line",
            rx=8,
        )
    group.box(
        left,
        top,
        width,
        height,
        "box primal-line paper",
        **look,
    )
    y += 13 - TEXT_ROW * len(lines) / 2
    title, *others = lines
    group.text(
        middle,
        y,
        title,
        anchor="middle",
        font_weight=600,
    )
    for part, words in zip(node.parts, others, strict=True):
        y += TEXT_ROW
        group.text(
            middle,
            y,
            words,
            part.role,
            anchor="middle",
            data_at=part.step,
        )


def _draw_arrow(
    canvas: Canvas,
    arrow: Arrow,
    way: list[Spot],
    half: float,
    aside: float,
    side: int,
) -> None:
    back = arrow.back
    lit = [back.step] if back and back.step is not None else []
    ends = [arrow.source, arrow.target]
    group = canvas.group("arrow", data_ends=ends, data_now=lit)
    (x, y), *bends, (tip_x, tip) = way
    start = (x + aside, y + half)
    tip_x, tip = tip_x + aside, tip - half
    points = [start, *bends, (tip_x, tip - 7)]
    width = 3 if arrow.saved else 1.3
    group.path(_curve(points), "way muted-line", stroke_width=width)
    group.path(f"M{tip_x:.1f},{tip:.1f}l-5,-9h10z", "head muted")
    labels = [Part("saved", "muted")] if arrow.saved else []
    if back:
        name, _, value = back.text.partition(" = ")
        text = value if len(value) <= 14 else name  # an array has no room here
        labels.append(Part(Part(text, "adjoint").marked, "adjoint", back.step))
    x, y = ((a + b) / 2 for a, b in zip(*points[:2], strict=True))
    y += 4 - 13 * (len(labels) - 1) / 2
    for label in labels:
        plate = width_of(label.text, 11) + 6
        middle = max(plate / 2, x + side * (plate / 2 + 4))
        group.box(
            middle - plate / 2,
            y - 10,
            plate,
            13,
            "paper",
            data_at=label.step,
        )
        group.text(
            middle,
            y,
            label.text,
            label.role,
            11,
            "middle",
            data_at=label.step,
        )
        y += 13


def _curve(points: list[Spot]) -> str:
    """Return a path that leaves and enters every point straight downwards."""
    path = "M{:.1f},{:.1f}".format(*points[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (y0 + y1) / 2
        path += (
            f"C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
        )
    return path
