"""The nodes and arrows of a small program: which value goes into which, stepped like the ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..program import Program
from ._dag_svg import dag_svg, legend
from ._formula import named, statement, value_text
from ._graph import Graph
from ._rows import every

MOST_NODES = 80  # beyond this, arrows cross so often that nobody can follow one


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
    row: str  # of the ladder; "" for what is given
    parts: list[Part] = field(default_factory=list)  # value, tangent or adjoint, what it keeps

    @property
    def words(self) -> str:
        """Everything about the node, in one line."""
        parts = (f"{p.role} {p.text}".removeprefix("bookkeeping ") for p in self.parts)
        return "; ".join([f"{self.word} {self.text}".strip(), *parts])


@dataclass
class Arrow:
    """The way of a value into an equation, and what the way back sends along it."""

    source: int
    target: int
    kept: bool
    back: Part | None


def dag(program: Program) -> Graph:
    """Return the nodes and arrows of a small program, and the ladder of a larger one."""
    view = Dag(program)
    if len(view.nodes) <= MOST_NODES:
        return view
    note = (
        f"This program has {len(view.nodes)} nodes. Arrows can be followed up to {MOST_NODES}, "
        "so here is the ladder."
    )
    return Graph(replace(program, notes=(*program.notes, note)))


class Dag(Graph):
    """A program as nodes and arrows, with values, tangents or adjoints on the nodes."""

    scripts = ("common.js", "player.js", "dag.js")

    def __init__(self, program: Program) -> None:
        super().__init__(program, "dag")
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self._home: dict[int, int] = {}  # value -> its node
        self._when = {r: k for k, e in enumerate(program.equations) for r in e.results}
        back = (k for k, e in enumerate(program.equations) if "adjoint" in e.roles)
        if (start := next(back, None)) is not None:
            self._when |= dict.fromkeys(program.seeds, start)
        self._collect()

    def model(self) -> dict[str, Any]:
        """Return the picture, the steps and the text as plain data."""
        ladder = self._ladder.as_json()
        picture = dag_svg(self._ladder, self.nodes, self.arrows, framed=False)
        drawn = {"picture": picture, "legend": legend(self.arrows), "text": self.text()}
        return {k: v for k, v in ladder.items() if k not in ("rows", "columns")} | drawn

    def _embedded(self) -> dict[str, Any]:
        return self.model()

    def text(self, color: bool = False) -> str:
        """Return the program line by line, and then every node and every arrow."""
        nodes = [f"{'node':12} {node.words}" for node in self.nodes]
        return "\n".join([super().text(color), "", *nodes, *map(self._arrow_text, self.arrows)])

    def svg(self) -> str:
        """Return nodes and arrows as a picture."""
        return dag_svg(self._ladder, self.nodes, self.arrows)

    def _arrow_text(self, arrow: Arrow) -> str:
        source, target = (self.nodes[i].text.split(" = ")[0] for i in (arrow.source, arrow.target))
        kept = ["kept for the way back"] if arrow.kept else []
        back = [f"sends back {arrow.back.text}"] if arrow.back else []
        return f"{'arrow':12} {source} → {target}" + "".join(f"; {s}" for s in kept + back)

    def _collect(self) -> None:
        program = self.program
        kept = {row.path: [k.name for k in row.residuals] for row in every(self._ladder.rows)}
        for value in program.inputs:
            self._add("in", program.values[value].name, [value])
        for row in program.rows:
            self._give(o for o in row.operands if not program.values[o].literal)
            names = kept[row.path]
            self._connect(row.path, row.operands, names)
            self._add("", statement(program, row), row.results, row.path)
            if names:
                self.nodes[-1].parts.append(Part(f"keeps {', '.join(names)}", "bookkeeping"))
        self._give(program.outputs)
        for home in {self._home[value] for value in program.outputs}:
            self.nodes[home].word = f"{self.nodes[home].word} out".strip()

    def _give(self, values: Iterable[int]) -> None:
        """Add the constants among `values`: what no equation computes."""
        for value in dict.fromkeys(values):
            if value not in self._home:
                self._add("const", self.program.values[value].name, [value])

    def _add(self, word: str, text: str, results: Iterable[int], row: str = "") -> None:
        """Add a node with the values of `results`, and their tangents or adjoints."""
        forward, values = self.program.mode == "forward", self.program.values
        role, suffix = ("tangent", "dot") if forward else ("adjoint", "bar")
        partners = self.program.tangents if forward else self.program.adjoints
        node = Node(word, text, row)
        for i in results:
            self._home[i] = len(self.nodes)
            node.parts.append(Part(value_text(values[i]), "primal", self._when.get(i)))
            if i in partners:
                derivative = f"{values[i].name}_{suffix} = {value_text(values[partners[i]])}"
                node.parts.append(Part(derivative, role, self._when.get(partners[i])))
        self.nodes.append(node)

    def _connect(self, row: str, operands: Iterable[int], kept: list[str]) -> None:
        """Add the arrows into the node that comes next."""
        values = self.program.values
        for position, operand in enumerate(operands):
            if operand in self._home:
                sent = self.program.contributions.get((row, position))
                back = None
                if sent is not None:
                    back = Part(named(values[sent]), "adjoint", self._when.get(sent))
                source, name = self._home[operand], values[operand].name
                self.arrows.append(Arrow(source, len(self.nodes), name in kept, back))
