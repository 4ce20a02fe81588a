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
    number = {
        node: k for k, node in enumerate(linked)
    }  # the library wants them without gaps
    edges = sorted({
        (number[source], number[target]) for source, target in pairs
    })
    spots: dict[
        int, Spot
    ] = {}  # of nodes by number, and of bends, which follow after them
    steps: dict[int, list[int]] = {}  # an arrow goes from bend to bend
    left = 0.0
    layouts = from_edges(
        edges, dummy_vertices=True, dummy_size=0.4, vertex_spacing=1
    )
    for places, _, high, links in layouts:
        across = [x for _, (x, _) in places]
        for name, (x, y) in places:
            spots[int(name)] = (left + x - min(across), high - y)
        left += max(across) - min(across) + 1
        for source, target in links or ():
            steps.setdefault(int(source), []).append(int(target))
    bends: dict[Pair, list[Spot]] = {}
    for source in number.values():
        for target in steps.get(source, ()):
            way = []
            while target >= len(linked):
                way.append(spots[target])
                target = steps[target][0]
            bends[linked[source], linked[target]] = way
    alone = [node for node in range(count) if node not in number]
    found = {node: spots[k] for node, k in number.items()}
    found |= {node: (left + k, 0.0) for k, node in enumerate(alone)}
    return [found[node] for node in range(count)], bends
