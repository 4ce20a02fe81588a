"""Where the nodes of a small graph stand, and how arrows go round what lies between."""

from __future__ import annotations

from collections.abc import Sequence

Spot = tuple[float, float]
Pair = tuple[int, int]


def place(
    pairs: Sequence[Pair], count: int
) -> tuple[list[Spot], dict[Pair, list[Spot]]]:
    """Return the places of nodes, in nodes, and the bends of arrows that pass by others.

    The layers are fast-sugiyama's (Sugiyama, Tagawa, Toda 1981). Parts of the program that nothing
    links stand side by side, single nodes last.
    """
    from fast_sugiyama import from_edges

    linked = sorted({node for pair in pairs for node in pair})
    # the library wants nodes numbered without gaps
    number = {node: k for k, node in enumerate(linked)}
    edges = set()
    for source, target in pairs:
        edges.add((number[source], number[target]))
    # of nodes by number, and of bends, which follow after them
    spots = {}
    steps: dict[int, list[int]] = {}  # an arrow goes from bend to bend
    left = 0.0
    layouts = from_edges(
        sorted(edges), dummy_vertices=True, dummy_size=0.4, vertex_spacing=1
    )
    for places, _, high, links in layouts:
        across = [x for _, (x, _) in places]
        first = min(across)
        for name, (x, y) in places:
            spots[int(name)] = (left + x - first, high - y)
        left += max(across) - first + 1
        for start, end in links or ():
            onward = steps.setdefault(int(start), [])
            onward.append(int(end))
    bends = {}
    for k, source in enumerate(linked):
        for target in steps.get(k, ()):
            way = []
            while target >= len(linked):
                way.append(spots[target])
                target = steps[target][0]
            bends[source, linked[target]] = way
    nodes = []
    for node in range(count):
        if node in number:
            nodes.append(spots[number[node]])
        else:  # nothing is linked to it
            nodes.append((left, 0.0))
            left += 1
    return nodes, bends
