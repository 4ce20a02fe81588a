"""Nodes and arrows as a picture: fast-sugiyama finds their places, this module draws them."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._ladder import Ladder
from ._svg import CHAR, INK, MUTED, PAD, PAPER, ROLES, _finished, _page, _short, _text

if TYPE_CHECKING:
    from ._dag import Arrow, Node, Part

GAP_X, GAP_Y, TEXT_ROW, TEXT_ROOM, TOP = 36, 64, 18, 40, 82
LEGEND = "A thick arrow, “kept”: its value is kept for the way back."
Spot = tuple[float, float]
Pair = tuple[int, int]


def place(pairs: Sequence[Pair], count: int) -> tuple[list[Spot], dict[Pair, list[Spot]]]:
    """Return the places of nodes, in nodes, and the bends of arrows that pass by others.

    Parts of the program that nothing links stand side by side, single nodes last.
    """
    from fast_sugiyama import from_edges

    linked = sorted({node for pair in pairs for node in pair})
    number = {node: k for k, node in enumerate(linked)}  # the library wants them without gaps
    edges = sorted({(number[s], number[t]) for s, t in pairs})
    found: dict[int, Spot] = {}
    links: dict[int, list[int]] = {}
    left = 0.0
    for places, _, high, steps in from_edges(
        edges, dummy_vertices=True, dummy_size=0.4, vertex_spacing=1
    ):
        first, last = min(x for _, (x, _) in places), max(x for _, (x, _) in places)
        found |= {int(n): (left + x - first, high - y) for n, (x, y) in places}
        left += last - first + 1
        for source, target in steps or ():
            links.setdefault(int(source), []).append(int(target))
    alone = [node for node in range(count) if node not in number]
    spots = {node: found[k] for node, k in number.items()}
    spots |= {node: (left + k, 0.0) for k, node in enumerate(alone)}
    bends = {
        (linked[source], linked[way[-1]]): [found[k] for k in way[:-1]]
        for source in number.values()
        for way in _ways(links, source, len(linked))
    }
    return [spots[node] for node in range(count)], bends


def _ways(links: dict[int, list[int]], source: int, count: int) -> list[list[int]]:
    """Return the bends and the end of each arrow from `source`: bends are numbered from `count`."""
    ways = [[target] for target in links.get(source, ())]
    for way in ways:
        while way[-1] >= count:
            way.append(links[way[-1]][0])
    return ways


def legend(arrows: Sequence[Arrow]) -> str:
    """Return what a thick arrow means, where there is one."""
    return LEGEND if any(a.kept for a in arrows) else ""


def dag_svg(
    ladder: Ladder, nodes: Sequence[Node], arrows: Sequence[Arrow], framed: bool = True
) -> str:
    """Return an SVG whose parts carry the steps at which the player shows them.

    It stands alone where it is `framed`; otherwise a page says the title and the summary.
    """
    top = TOP if framed else PAD
    spots, bends = place([(a.source, a.target) for a in arrows], len(nodes))
    width = max([110.0, *(CHAR * len(t) + 24 for n in nodes for t, _ in _lines(n))])
    height = float(TEXT_ROW * max([2, *(len(_lines(n)) for n in nodes)]) + 12)

    def at(spot: Spot) -> Spot:
        x, y = spot[0] * (width + GAP_X), spot[1] * (height + GAP_Y)
        return PAD + width / 2 + x, top + height / 2 + y

    root = _page(ladder)
    if framed:
        _text(root, PAD, 46, ladder.summary, MUTED, size=11)
        _text(root, PAD, 64, legend(arrows), MUTED, size=11)
    else:
        root[2:] = []  # neither background nor title
    drawn: list[Pair] = []
    for arrow in arrows:
        pair = (arrow.source, arrow.target)
        aside = 30.0 * drawn.count(pair)  # x * x has two arrows
        way = [at(spots[pair[0]]), *map(at, bends[pair]), at(spots[pair[1]])]
        _draw_arrow(root, arrow, way, height / 2, aside)
        drawn.append(pair)
    for index, (node, spot) in enumerate(zip(nodes, spots, strict=True)):
        _draw_node(root, node, index, at(spot), width, height)
    ends = [at(s) for s in (*spots, *(b for way in bends.values() for b in way))]
    words = CHAR * max(len(ladder.title) * 1.25, len(ladder.summary) * 0.92) + PAD
    right = max([words if framed else 0.0, *(x + width / 2 for x, _ in ends)])
    return _finished(root, right + PAD, max([top, *(y + height / 2 for _, y in ends)]))


def _lines(node: Node) -> list[tuple[str, Part | None]]:
    """Return the lines of text of a node; the first says what it is."""
    word = f"{node.word}  " if node.word else ""
    marked = ((f"{ROLES[p.role][1]} {p.text}", p) for p in node.parts)
    return [(_short(t, TEXT_ROOM), p) for t, p in ((word + node.text, None), *marked)]


def _draw_node(
    root: ET.Element, node: Node, index: int, spot: Spot, width: float, height: float
) -> None:
    x, y = spot[0] - width / 2, spot[1] - height / 2
    group = ET.SubElement(root, "g", {"class": "node", "data-node": f"{index}"})
    group.set("data-row", node.row)
    ET.SubElement(group, "title").text = node.words
    given = node.word.startswith(("in", "const"))
    box = _box(group, x, y, width, height, height / 2.6 if given else 5)
    if node.word.startswith("const"):
        box.set("stroke-dasharray", "4 3")
    if "out" in node.word:  # a second line around it
        rim = _box(group, x - 4, y - 4, width + 8, height + 8, 8)
        rim.attrib |= {"fill": "none", "class": "rim"}
    lines = _lines(node)
    top = spot[1] - TEXT_ROW * len(lines) / 2 + 13
    for k, (text, part) in enumerate(lines):
        fill = ROLES[part.role][0] if part else INK
        weight = "" if part else "600"
        line = _text(group, spot[0], top + k * TEXT_ROW, text, fill, weight=weight)
        line.set("text-anchor", "middle")
        _mark(line, part.role if part else "ink", part.step if part else None)


def _box(
    group: ET.Element, x: float, y: float, width: float, height: float, round_: float
) -> ET.Element:
    size = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    size |= {"rx": f"{round_:.1f}", "class": "box"}
    return ET.SubElement(group, "rect", size, fill=PAPER, stroke=ROLES["primal"][0])


def _draw_arrow(
    root: ET.Element, arrow: Arrow, way: Sequence[Spot], half: float, aside: float
) -> None:
    group = ET.SubElement(root, "g", {"class": "arrow kept" if arrow.kept else "arrow"})
    group.set("data-from", f"{arrow.source}")
    group.set("data-to", f"{arrow.target}")
    (x, y), (tip_x, tip_y) = way[0], way[-1]
    points = [(x + aside, y + half), *way[1:-1], (tip_x + aside, tip_y - half - 7)]
    drawn = {"d": _curve(points), "class": "way", "stroke-width": "3" if arrow.kept else "1.3"}
    ET.SubElement(group, "path", drawn, fill="none", stroke=MUTED)
    head = f"M{tip_x + aside:.1f},{tip_y - half:.1f}l-5,-9h10z"
    ET.SubElement(group, "path", {"d": head, "class": "head"}, fill=MUTED)
    labels: list[tuple[str, str, int | None]] = [("kept", "muted", None)] if arrow.kept else []
    if arrow.back:
        name, value = arrow.back.text.split(" = ", 1)
        text = value if len(value) <= 14 else name  # an array has no room here
        labels.append((f"{ROLES['adjoint'][1]} {text}", "adjoint", arrow.back.step))
    (x0, y0), (x1, y1) = points[:2]
    for k, (word, role, step) in enumerate(labels):
        y = (y0 + y1) / 2 + (k - (len(labels) - 1) / 2) * 13 + 4
        fill = ROLES[role][0] if role in ROLES else MUTED
        half_width = len(word) * 3.4 + 3
        plate = {"x": f"{(x0 + x1) / 2 - half_width:.1f}", "y": f"{y - 10:.1f}"}
        plate |= {"width": f"{2 * half_width:.1f}", "height": "13"}
        _mark(ET.SubElement(group, "rect", plate, fill=PAPER), "plate", step)
        label = _text(group, (x0 + x1) / 2, y, word, fill, size=11)
        label.set("text-anchor", "middle")
        _mark(label, role, step)


def _curve(points: Sequence[Spot]) -> str:
    """Return a path that leaves and enters every point straight downwards."""
    path = "M{:.1f},{:.1f}".format(*points[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    return path


def _mark(element: ET.Element, role: str, step: int | None) -> None:
    """Tell the front-end the role, which has a colour, and when to show the element."""
    element.set("class", role)
    if step is not None:
        element.set("data-late", f"{step}")
