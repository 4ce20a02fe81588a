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

    nodes = [(0.0, 0.0)] * count
    bends = {}
    left = 0.0
    for part in _parts(pairs, count):
        # the library wants nodes numbered without gaps, and the parts one by one: of several at
        # once, it gives a bend the number of another node or bend
        number = {node: k for k, node in enumerate(part)}
        edges = {(number[a], number[b]) for a, b in pairs if a in number}
        if not edges:  # a single node
            nodes[part[0]] = (left, 0.0)
            left += 1
            continue
        ((places, _, high, links),) = from_edges(
            sorted(edges), dummy_vertices=True, dummy_size=0.4, vertex_spacing=1
        )
        # of nodes by number, and of bends, which follow after them
        spots = {}
        across = [x for _, (x, _) in places]
        first = min(across)
        for name, (x, y) in places:
            spots[int(name)] = (left + x - first, high - y)
        left += max(across) - first + 1
        steps: dict[int, list[int]] = {}  # an arrow goes from bend to bend
        for start, end in links or ():
            onward = steps.setdefault(int(start), [])
            onward.append(int(end))
        for k, source in enumerate(part):
            nodes[source] = spots[k]
            for target in steps.get(k, ()):
                way = []
                while target >= len(part):
                    way.append(spots[target])
                    target = steps[target][0]
                bends[source, part[target]] = way
    return nodes, bends


def _parts(
    pairs: Sequence[Pair],
    count: int,
) -> list[list[int]]:
    """Return the nodes that arrows link with each other, part by part; single nodes last."""
    firsts = list(range(count))  # of each node, the first of its part
    for pair in pairs:
        first, other = sorted(firsts[node] for node in pair)
        firsts = [first if k == other else k for k in firsts]
    parts: dict[int, list[int]] = {}
    for node, first in enumerate(firsts):
        parts.setdefault(first, []).append(node)
    return sorted(parts.values(), key=lambda part: len(part) == 1)
