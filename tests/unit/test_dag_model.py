"""Nodes and arrows: who feeds whom, what comes back along each arrow, and where all is drawn."""

import re
import xml.etree.ElementTree as ET

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok
from olympus_kit.views import Graph
from olympus_kit.views._dag import MOST_NODES, Dag, lines_on
from olympus_kit.views._dag_layout import place

pytestmark = pytest.mark.usefixtures("x64")
SVG = "{http://www.w3.org/2000/svg}"


def my_fun(x, y):
    return x * jnp.sin(y) + jnp.cos(x)


def drawn(f, *args, mode="reverse"):
    return ok.graph(f, *args, argnums="all", mode=mode, layout="dag")


def groups(view, role):
    """Return the groups of one class on the picture."""
    (picture,) = view.model()["pictures"]
    root = ET.fromstring(picture["svg"])
    return [g for g in root.iter(f"{SVG}g") if g.get("class") == role]


def boxes(view):
    """Return the left, top, width and height of each node's box; no two of them overlap."""
    found = []
    for group in groups(view, "node"):
        box = group.findall(f"{SVG}rect")[-1]
        x, y, width, height = (float(box.get(k)) for k in ("x", "y", "width", "height"))
        assert not any(abs(x - u) < width and abs(y - v) < height for u, v, *_ in found)
        found.append((x, y, width, height))
    assert len(found) == len(view.nodes)
    return found


def several_parts(seed):
    """Return a function whose inputs go unlinked ways, and numbers for it.

    Each way has values that are read again after others were computed.
    """
    random = np.random.default_rng(seed)
    parts = random.integers(3, 6)
    choices = random.integers(0, 99, size=(parts, random.integers(0, 5), 2))

    def f(*args):
        outputs = []
        for x, picks in zip(args, choices, strict=True):
            ways = [x]
            for one, other in picks:
                ways.append(jnp.sin(ways[-1]) * ways[one % len(ways)] + ways[other % len(ways)])
            outputs.append(ways[-1])
        return outputs

    return f, random.uniform(0.1, 1.0, parts).tolist()


def name(view, index):
    return view.nodes[index].text.split(" = ")[0]


def arrows(view):
    return [(name(view, a.source), name(view, a.target)) for a in view.arrows]


def number(text):
    return float(text.rsplit(" = ", 1)[-1])


def test_a_value_has_an_arrow_to_each_of_its_uses():
    view = drawn(my_fun, 0.5, 0.75)
    texts = [node.text for node in view.nodes]
    assert texts == ["x", "y", "v1 = sin(y)", "v2 = x * v1", "v3 = cos(x)", "v4 = v2 + v3"]
    assert [node.word for node in view.nodes] == ["in", "in", "", "", "", "out"]
    expected = [("y", "v1"), ("x", "v2"), ("v1", "v2"), ("x", "v3"), ("v2", "v4"), ("v3", "v4")]
    assert arrows(view) == expected


@pytest.mark.parametrize("point", [(0.5, 0.75), (-2.0, 1.25)])
def test_the_numbers_on_the_nodes_are_those_of_jax(point):
    grads = jax.grad(my_fun, argnums=(0, 1))(*point)
    back = drawn(my_fun, *point)
    for node, at, grad in zip(back.nodes, point, grads, strict=False):
        assert [p.role for p in node.parts] == ["primal", "adjoint"]
        assert number(node.parts[0].text) == at
        assert number(node.parts[1].text) == pytest.approx(float(grad), rel=1e-6)
    out = drawn(my_fun, *point, mode="forward").nodes[-1]
    value, tangent = jax.jvp(my_fun, point, (1.0, 1.0))
    assert number(out.parts[0].text) == pytest.approx(float(value), rel=1e-6)
    assert out.parts[1].text.startswith("v4_dot = ")
    assert number(out.parts[1].text) == pytest.approx(float(tangent), rel=1e-6)


@pytest.mark.parametrize("f", [my_fun, lambda x, y: x * x * y + jnp.tanh(x) / y])
@pytest.mark.parametrize("point", [(0.5, 0.75), (-2.0, 1.25)])
def test_what_comes_back_along_the_arrows_adds_up_to_the_adjoint(f, point):
    view = drawn(f, *point)
    for index, node in enumerate(view.nodes):
        sent = [number(a.back.text) for a in view.arrows if a.source == index and a.back]
        if sent:
            assert sum(sent) == pytest.approx(number(node.parts[1].text), rel=1e-5, abs=1e-6)


def test_arrows_whose_value_is_a_residual_are_marked():
    view = drawn(my_fun, 0.5, 0.75)
    kept = [pair for pair, a in zip(arrows(view), view.arrows, strict=True) if a.saved]
    assert kept == [("x", "v2"), ("v1", "v2")]
    saves = [p.text for node in view.nodes for p in node.parts if p.role == "bookkeeping"]
    assert saves == ["saves c1", "saves x, v1", "saves c2"]
    assert not any(a.saved for a in drawn(my_fun, 0.5, 0.75, mode="forward").arrows)


def test_parts_appear_at_the_step_that_computes_them():
    view = drawn(my_fun, 0.5, 0.75)
    for node in view.nodes:
        for part in node.parts:
            if part.step is not None and part.text != "v4_bar = 1.0":
                value = part.text.rsplit(" = ", 1)[-1]
                assert value in view.model()["steps"][part.step]["words"]
    seed = next(p for p in view.nodes[-1].parts if p.role == "adjoint")
    assert view.model()["steps"][seed.step]["words"].startswith("Adjoint")  # the first of them
    assert view.nodes[0].parts[0].step is None  # an input is there from the start


def test_a_value_used_twice_by_one_equation_has_two_arrows_apart():
    view = drawn(lambda x: x * x, 3.0)
    assert arrows(view) == [("x", "v1"), ("x", "v1")]
    ways = [g.find(f"{SVG}path").get("d") for g in groups(view, "arrow")]
    assert len(ways) == len(set(ways)) == 2


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("of", corpus.CORPUS)
def test_every_program_of_the_corpus(of, mode):
    f, args = corpus.CORPUS[of]
    view = drawn(f, *args, mode=mode)
    root = ET.fromstring(view.svg())
    assert root.find(f"{SVG}title").text == view.title
    nodes = groups(view, "node")
    places = boxes(view)
    text = view.text()
    for node, group in zip(view.nodes, nodes, strict=True):
        assert group.find(f"{SVG}text").text == lines_on(node)[0]
        assert node.words in text
        assert all(part.text in node.words for part in node.parts)
    for arrow in view.arrows:
        assert places[arrow.source][1] < places[arrow.target][1]  # arrows lead downwards
    (picture,) = view.model()["pictures"]
    wide, high = map(float, ET.fromstring(picture["svg"]).get("viewBox").split()[2:])
    assert max(x + w for x, _, w, _ in places) <= wide
    assert max(y + h for _, y, _, h in places) <= high


@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
@pytest.mark.parametrize("seed", range(8))
def test_programs_of_several_parts(seed, mode):
    f, args = several_parts(seed)
    view = drawn(f, *args, mode=mode)
    places = boxes(view)
    lines = [group.find(f"{SVG}path").get("d") for group in groups(view, "arrow")]
    for arrow, line in zip(view.arrows, lines, strict=True):
        numbers = [float(text) for text in re.findall(r"[-\d.]+", line)]
        left, top, width, height = places[arrow.source]
        assert left < numbers[0] < left + width
        assert numbers[1] == pytest.approx(top + height, abs=0.2)
        left, top, width, height = places[arrow.target]
        assert left < numbers[-2] < left + width
        assert 0 < top - numbers[-1] < 10


@pytest.mark.parametrize("seed", range(40))
def test_every_arrow_goes_layer_by_layer_round_the_nodes(seed):
    random = np.random.default_rng(seed)
    pairs, count = [], 0
    for size in random.integers(1, 8, size=random.integers(1, 7)):
        for k in range(1, size):
            sources = random.choice(k, size=random.integers(1, min(k, 3) + 1), replace=False)
            pairs += [(count + int(j), count + k) for j in sources]
        count += int(size)
    spots, bends = place(pairs, count)
    assert set(bends) == set(pairs)
    ways = [[spots[a], *bends[a, b], spots[b]] for a, b in pairs]
    for way in ways:
        heights = [y for _, y in way]
        assert heights == [heights[0] + k for k in range(len(way))]
    turns = [bend for way in ways for bend in way[1:-1]]
    assert len({*turns, *spots}) == len(turns) + count
    for i, (x, y) in enumerate(spots):
        assert all(abs(x - u) > 0.999 for u, v in spots[:i] if v == y)
        assert all(abs(x - u) > 0.5 for u, v in turns if v == y)  # beside the box


def test_parts_that_nothing_links_stand_side_by_side():
    spots, _ = place([(0, 1), (3, 4), (3, 5)], 6)
    assert len(set(spots)) == 6
    assert spots[0][0] < min(spots[3][0], spots[4][0])
    assert spots[2][0] > max(spots[i][0] for i in (0, 1, 3, 4, 5))  # the single one comes last
    assert [spots[i][1] for i in (0, 3, 2)] == [0, 0, 0]


def test_a_long_arrow_goes_round_what_lies_between():
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3)]
    spots, bends = place(pairs, 4)
    assert [y for _, y in bends[0, 3]] == [1, 2]
    assert all(point not in spots for point in bends[0, 3])
    assert bends[0, 1] == []


def test_the_same_program_is_drawn_the_same_way():
    f, args = corpus.CORPUS["mlp"]
    assert drawn(f, *args).svg() == drawn(f, *args).svg()


def test_a_large_program_is_shown_as_a_ladder_and_says_so():
    def f(x, turns):
        for _ in range(turns):
            x = jnp.sin(x)
        return x

    largest = drawn(lambda x: f(x, MOST_NODES - 1), 1.0)
    assert isinstance(largest, Dag)
    assert len(largest.nodes) == MOST_NODES
    larger = drawn(lambda x: f(x, MOST_NODES), 1.0)
    assert type(larger) is Graph
    assert f"has {MOST_NODES + 1} nodes" in larger.text()
    assert larger.model()["layout"] == "ladder"


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: x, ["in out"]),
        (lambda x: jnp.float32(3.0), ["in", "const out"]),
        (lambda x: (x, x, 2.0 * x), ["in out", "out"]),
    ],
)
def test_programs_with_hardly_any_equations(f, words):
    view = drawn(f, 2.0)
    assert [node.word for node in view.nodes] == words
    ET.fromstring(view.svg())


def test_an_input_that_does_not_matter_stands_alone_with_adjoint_zero():
    view = drawn(lambda x, y: y * 2, 1.0, 3.0)
    assert all(a.source != 0 and a.target != 0 for a in view.arrows)
    assert "0.0" in view.nodes[0].parts[-1].text


def test_names_are_short_as_in_the_ladder_and_never_cut_before_the_value_is():
    def f(params, x):
        return jnp.sum(jnp.tanh(x @ params["a_long_name"]["W1"]) @ params["W2"])

    params = {"a_long_name": {"W1": np.eye(4, 8) - 1 / 3}, "W2": np.ones(8)}
    view = ok.graph(f, params, np.ones(4) / 7, layout="dag")
    assert [node.text for node in view.nodes[:3]] == ["W2", "W1", "x"]
    assert lines_on(view.nodes[1])[2] == "▲ W1_bar = float64[4,8], 0.138 to 0.143"
    saved = {name(view, a.source) for a in view.arrows if a.saved}
    assert saved == {"x", "W2", "v2"}
    both = {k: {"W": np.linspace(0.1234, 0.5678, 20)} for k in "xy"}
    long = drawn(lambda d: jnp.sum(jnp.sin(d["x"]["W"]) + jnp.sin(d["y"]["W"])), both)
    assert "d['x']['W']_bar = float64[20], 0.843 to 0.992" in long.text()
    assert "d['x']['W']_bar = [20] 0.843 to 0.992" in lines_on(long.nodes[0])[2]


def test_hostile_names_are_escaped():
    view = drawn(lambda d: d["</script><b>&"] * 2, {"</script><b>&": 1.0})
    assert "</script>" not in view.svg()
    assert any("</script><b>&" in (e.text or "") for e in ET.fromstring(view.svg()).iter())


def test_huge_arrays_are_said_in_short():
    view = drawn(lambda x: jnp.sum(x * 2), np.ones(10**6))
    assert len(view.svg()) < 10_000
    assert max(len(t) for t in re.findall(r">([^<]*)</text>", view.svg())) < 120
