"""The nodes and arrows of a small program: which value goes into which, stepped like the ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..program import Program
from ._dag_layout import Spot, place
from ._draw import MARKS, PAD, Canvas, shorten, width_of
from ._figure import Figure, Player, Step
from ._formula import named, statement, value_text
from ._ladder import build_ladder
from ._rows import every
from ._text import ladder_text

MOST_NODES = 80  # beyond this, nobody can follow an arrow through the crossings
GAP_X, GAP_Y, TEXT_ROW, TEXT_ROOM = 36, 64, 18, 40
LEGEND = "A thick arrow, “saved”: its value is a residual, saved for the backward pass."


@dataclass
class Part:
    """A line on a node or on an arrow, and the step at which the player shows it."""

    text: str
    role: str
    step: int | None = None


@dataclass
class Node:
    """An input, a constant, or what one primal equation computes."""

    word: str  # "in", "const", "out": what the shape says, too
    text: str
    row: str  # of the ladder; "" for inputs and constants
    parts: list[Part] = field(
        default_factory=list
    )  # value, tangent or adjoint, residuals

    @property
    def words(self) -> str:
        """Everything about the node, in one line."""
        parts = (
            f"{p.role} {p.text}".removeprefix("bookkeeping ")
            for p in self.parts
        )
        return "; ".join([f"{self.word} {self.text}".strip(), *parts])

    @property
    def lines(self) -> list[tuple[str, Part | None]]:
        """The lines of text on it; the first says what it is."""
        word = f"{self.word}  " if self.word else ""
        lines: list[tuple[str, Part | None]] = [
            (shorten(word + self.text, TEXT_ROOM), None)
        ]
        for part in self.parts:
            lines.append((
                shorten(f"{MARKS[part.role]} {part.text}", TEXT_ROOM),
                part,
            ))
        return lines


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
        self.program = program
        self._ladder = build_ladder(program, "dag")
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self._home: dict[int, int] = {}  # value -> its node
        self._when = {
            r: k for k, e in enumerate(program.equations) for r in e.results
        }
        for k, equation in enumerate(program.equations):
            if "adjoint" in equation.roles:
                self._when |= dict.fromkeys(program.seeds, k)
                break
        self._collect()
        changing = {part.step for node in self.nodes for part in node.parts}
        self._sums = changing - {
            arrow.back.step for arrow in self.arrows if arrow.back
        }
        self.idle = "All values are shown. Step to watch them appear."
        if not program.equations:
            self.idle = "This program has no equations."

    @property
    def title(self) -> str:
        """The function, the mode and the point."""
        return self._ladder.title

    @property
    def finding(self) -> str:  # type: ignore[override]
        """How many equations there are, and what is saved."""
        legend = LEGEND if any(arrow.saved for arrow in self.arrows) else ""
        return f"{self._ladder.summary} {legend}".strip()

    @property
    def notes(self) -> list[str]:  # type: ignore[override]
        """What the program's notes say."""
        return self._ladder.notes

    def steps(self) -> list[Step]:
        """Return the equations in order."""
        return [
            Step(s.words, live=s.live, flops=s.flops)
            for s in self._ladder.steps
        ]

    def player(self) -> Player:
        """Return the group that shares its steps, the first NaN, and the peak."""
        return Player(self._ladder.group, self._ladder.bad, self._ladder.peak)

    def text(self, color: bool = False) -> str:
        """Return the program line by line, and then every node and every arrow."""
        nodes = [f"{'node':12} {node.words}" for node in self.nodes]
        arrows = [self._arrow_text(arrow) for arrow in self.arrows]
        return "\n".join([
            ladder_text(self._ladder, color),
            "",
            *nodes,
            *arrows,
        ])

    def _arrow_text(self, arrow: Arrow) -> str:
        source, target = (
            self.nodes[i].text.split(" = ")[0]
            for i in (arrow.source, arrow.target)
        )
        words = [f"{'arrow':12} {source} → {target}"]
        if arrow.saved:
            words.append("saved for the backward pass")
        if arrow.back:
            words.append(f"sends back {arrow.back.text}")
        return "; ".join(words)

    # ---- from the program to nodes and arrows ----

    def _collect(self) -> None:
        program = self.program
        residuals = {
            row.path: [k.name for k in row.residuals]
            for row in every(self._ladder.rows)
        }
        for value in program.inputs:
            self._add("in", program.values[value].name, [value])
        for row in program.rows:
            self._add_constants(
                o for o in row.operands if not program.values[o].literal
            )
            names = residuals[row.path]
            self._connect(row.path, row.operands, names)
            self._add("", statement(program, row), row.results, row.path)
            if names:
                self.nodes[-1].parts.append(
                    Part(f"saves {', '.join(names)}", "bookkeeping")
                )
        self._add_constants(program.outputs)
        for home in {self._home[value] for value in program.outputs}:
            self.nodes[home].word = f"{self.nodes[home].word} out".strip()

    def _add_constants(self, values: Iterable[int]) -> None:
        """Add the constants among `values`: what no equation computes."""
        for value in dict.fromkeys(values):
            if value not in self._home:
                self._add("const", self.program.values[value].name, [value])

    def _add(
        self, word: str, text: str, results: Iterable[int], row: str = ""
    ) -> None:
        """Add a node with the values of `results`, and their tangents or adjoints."""
        values = self.program.values
        role, suffix, partners = "adjoint", "bar", self.program.adjoints
        if self.program.mode == "forward":
            role, suffix, partners = "tangent", "dot", self.program.tangents
        node = Node(word, text, row)
        for i in results:
            self._home[i] = len(self.nodes)
            node.parts.append(
                Part(value_text(values[i]), "primal", self._when.get(i))
            )
            if i in partners:
                derivative = f"{values[i].name}_{suffix} = {value_text(values[partners[i]])}"
                node.parts.append(
                    Part(derivative, role, self._step_of(partners[i]))
                )
        self.nodes.append(node)

    def _step_of(self, value: int) -> int | None:
        """Return the step that computes a value; one that passes through unchanged is another's."""
        original = getattr(self.program.values[value], "same_as", None)
        return self._when.get(value if original is None else original)

    def _connect(
        self, row: str, operands: Iterable[int], residuals: list[str]
    ) -> None:
        """Add the arrows into the node that comes next."""
        values = self.program.values
        for position, operand in enumerate(operands):
            if operand not in self._home:
                continue
            back = None
            sent = self.program.contributions.get((row, position))
            if sent is not None:
                back = Part(named(values[sent]), "adjoint", self._step_of(sent))
            saved = values[operand].name in residuals
            self.arrows.append(
                Arrow(self._home[operand], len(self.nodes), saved, back)
            )

    # ---- from nodes and arrows to the picture ----

    def pictures(self) -> list[Canvas]:
        """Draw the nodes at the places that fast-sugiyama finds for them."""
        ends = [(arrow.source, arrow.target) for arrow in self.arrows]
        spots, bends = place(ends, len(self.nodes))
        lines = [line for node in self.nodes for line, _ in node.lines]
        width = max([110.0, *(width_of(line) + 24 for line in lines)])
        height = float(
            TEXT_ROW * max([2, *(len(node.lines) for node in self.nodes)]) + 12
        )

        def at(spot: Spot) -> Spot:
            x, y = spot[0] * (width + GAP_X), spot[1] * (height + GAP_Y)
            return PAD + width / 2 + x, PAD + height / 2 + y

        canvas = Canvas(self.title)
        for k, arrow in enumerate(self.arrows):
            aside = 30.0 * ends[:k].count(ends[k])  # x * x has two arrows
            way = [
                at(spots[arrow.source]),
                *map(at, bends[ends[k]]),
                at(spots[arrow.target]),
            ]
            _draw_arrow(canvas, arrow, way, height / 2, aside)
        for index, node in enumerate(self.nodes):
            self._draw_node(
                canvas, index, node, at(spots[index]), width, height
            )
        return [canvas]

    def _lit(self, node: Node) -> list[int]:
        """Return the steps that are about a node: what changes on it, or its equation at work.

        Not the latter where a step only adds up what has come back: that is about another node.
        """
        lit = {part.step for part in node.parts if part.step is not None}
        for k, step in enumerate(self._ladder.steps):
            if node.row and step.row == node.row and k not in self._sums:
                lit.add(k)
        return sorted(lit)

    def _draw_node(
        self,
        canvas: Canvas,
        index: int,
        node: Node,
        spot: Spot,
        width: float,
        height: float,
    ) -> None:
        x, y = spot[0] - width / 2, spot[1] - height / 2
        group = canvas.group(
            "node", data_node=index, data_now=self._lit(node), data_say=""
        )
        given = node.word.startswith(("in", "const"))
        dashes = (
            {"stroke-dasharray": "4 3"} if node.word.startswith("const") else {}
        )
        if "out" in node.word:  # a second line around it
            group.box(x - 4, y - 4, width + 8, height + 8, "primal-line", rx=8)
        corner = height / 2.6 if given else 5
        group.box(
            x, y, width, height, "box primal-line paper", rx=corner, **dashes
        )
        top = spot[1] - TEXT_ROW * len(node.lines) / 2 + 13
        for k, (words, part) in enumerate(node.lines):
            y = top + k * TEXT_ROW
            if part is None:
                group.text(spot[0], y, words, anchor="middle", font_weight=600)
            else:
                group.text(
                    spot[0],
                    y,
                    words,
                    part.role,
                    anchor="middle",
                    data_at=part.step,
                )


def _draw_arrow(
    canvas: Canvas, arrow: Arrow, way: list[Spot], half: float, aside: float
) -> None:
    back = arrow.back
    lit = [back.step] if back and back.step is not None else []
    group = canvas.group(
        "arrow", data_ends=[arrow.source, arrow.target], data_now=lit
    )
    (x, y), (tip_x, tip_y) = way[0], way[-1]
    points = [
        (x + aside, y + half),
        *way[1:-1],
        (tip_x + aside, tip_y - half - 7),
    ]
    group.path(
        _curve(points), "way muted-line", stroke_width=3 if arrow.saved else 1.3
    )
    group.path(
        f"M{tip_x + aside:.1f},{tip_y - half:.1f}l-5,-9h10z", "head muted"
    )
    labels: list[Part] = [Part("saved", "muted")] if arrow.saved else []
    if back:
        name, value = back.text.split(" = ", 1)
        text = value if len(value) <= 14 else name  # an array has no room here
        labels.append(Part(f"{MARKS['adjoint']} {text}", "adjoint", back.step))
    x = (points[0][0] + points[1][0]) / 2
    for k, label in enumerate(labels):
        y = (
            (points[0][1] + points[1][1]) / 2
            + (k - (len(labels) - 1) / 2) * 13
            + 4
        )
        plate = width_of(label.text, 11) + 6
        group.box(x - plate / 2, y - 10, plate, 13, "paper", data_at=label.step)
        group.text(
            x,
            y,
            label.text,
            label.role,
            size=11,
            anchor="middle",
            data_at=label.step,
        )


def _curve(points: list[Spot]) -> str:
    """Return a path that leaves and enters every point straight downwards."""
    path = "M{:.1f},{:.1f}".format(*points[0])
    for k in range(1, len(points)):
        (x0, y0), (x1, y1) = points[k - 1], points[k]
        middle = (y0 + y1) / 2
        path += (
            f"C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
        )
    return path
