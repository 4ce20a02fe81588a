"""The views of Jacobians: what they say, and what they refuse."""

import copy
import json
import pickle
import re
import xml.etree.ElementTree as ET

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packed import unpack

import olympus_kit as ok
from olympus_kit.views import _jacobian
from olympus_kit.views._chain import all_orders, measure, written

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def f(x):
    return jnp.stack([x[0] * x[1], jnp.sin(x[2])])


@pytest.fixture
def view(x64):
    return ok.jacobian_shapes(f, jnp.array([1.0, 2.0, 3.0]), mode="forward")


def polar(p):
    return p[0] * jnp.stack([jnp.cos(p[1]), jnp.sin(p[1])])


VIEWS = {
    "jacobian": lambda: ok.jacobian_shapes(f, jnp.array([1.0, 2.0, 3.0])),
    "large": lambda: ok.jacobian_shapes(jnp.sin, jnp.linspace(0, 3, 100)),
    "comparison": lambda: ok.jacobian_shapes(f, jnp.ones(3)).compare(np.ones((2, 3))),
    "chain": lambda: ok.chain([5, 4, 3, 1]),
    "push_pull": lambda: ok.push_pull(polar, jnp.array([1.0, 0.5])),
    "sparsity": lambda: ok.sparsity(lambda x: x[1:] - x[:-1], jnp.ones(9)),
}


def as_lists(data):
    """Data as JSON has it: without tuples."""
    if isinstance(data, dict):
        return {key: as_lists(value) for key, value in data.items()}
    return [as_lists(x) for x in data] if isinstance(data, (list, tuple)) else data


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_data_text_and_a_well_formed_picture(name, tmp_path):
    view = VIEWS[name]()
    assert json.loads(view.json()) == as_lists(view.model())
    root = ET.fromstring(view.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == view.title
    assert root.find(f"{space}desc").text == view.finding
    assert view.text().startswith(view.title)
    for suffix in ("svg", "html", "json", "txt"):
        assert view.save(tmp_path / f"x.{suffix}").stat().st_size > 100
    addresses = re.findall(r"https?://[\w./]+", view.html())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert view.live().view["title"] == view.title


class TestWords:
    def test_text_holds_shapes_entries_and_passes(self, view):
        text = view.text()
        assert "∂²f  2 × 3 × 3  (144 bytes)" in text
        assert "f, 3 → 2 numbers" in text
        assert "columns, as in y = W x: Δy (2 × 1) = J (2 × 3) Δx (3 × 1)" in text
        assert "rows, as in y = x W: Δy (1 × 2) = Δx (1 × 3) Jᵀ (3 × 2)" in text
        assert "block ∂y/∂x: (2,) + (3,) = (2, 3), flattened 2 × 3" in text
        assert re.search(r"^y\[0\] +2\.0 +1\.0 +0\.0$", text, re.M)
        assert "Pass 2 of 3, a JVP: the tangent is 1 at x[1] and 0 elsewhere." in text
        assert "least -0.9899925 in row 1, column 2; greatest 2.0 in row 0, column 0" in text

    @pytest.mark.parametrize(
        ("f", "x", "words"),
        [
            (jnp.sin, 1.0, "One number: the slope."),
            (jnp.sum, np.ones(3), "One row: a gradient."),
            (lambda x: jnp.stack([x, x]), 1.0, "One column: a velocity."),
            (lambda x: jnp.tile(x, 2), np.ones(3), "Tall: .* forward mode is cheaper."),
            (lambda x: x[:2], np.ones(3), "Wide: .* reverse mode is cheaper."),
            (jnp.sin, np.ones(3), "Square: .* neither mode has an edge."),
        ],
    )
    def test_the_shape_is_said_in_words(self, f, x, words):
        assert re.search(words, ok.jacobian_shapes(f, x).finding)

    def test_a_gradient_is_told_from_a_row(self):
        notes = ok.jacobian_shapes(lambda x: jnp.sum(x**2), np.ones((2, 2))).notes
        assert any("a row, 1 × 4; the gradient is the same numbers" in n for n in notes)
        assert any("shape of the input, (2, 2)" in n for n in notes)
        assert any("Nobody forms them" in n for n in notes)

    def test_leaves_without_derivative_are_named(self):
        g = lambda p: {"n": p["k"], "y": p["x"] * p["k"]}
        view = ok.jacobian_shapes(g, {"k": 3, "x": np.ones(2)})
        assert view.notes[1].startswith("left out, having no derivative: k (")
        assert "y['n'] (" in view.notes[1]
        assert view.blocks() == [("∂y['y']/∂x", "(2,) + (2,) = (2, 2)", "2 × 2")]

    def test_differences_stand_beside_the_entries(self, view):
        np.testing.assert_allclose(view.differences, view.matrix, atol=1e-8)
        assert "∂y[0] / ∂x[0] = 2.0 · row 0, column 0 · central difference 2.0" in picture(view)
        broken = jax.custom_jvp(lambda x: x**2)
        broken.defjvps(lambda t, ans, x: 3 * x * t)
        wrong = ok.jacobian_shapes(broken, 1.0)
        assert wrong.matrix == 3.0
        assert abs(wrong.differences - 2.0) < 1e-6
        assert "central differences differ by up to 1.0, as in row 0, column 0" in wrong.notes
        assert any(note.startswith("central differences agree up to") for note in view.notes)

    @pytest.mark.parametrize("f", [jnp.sin, lambda x: 1000 + x**2, lambda x: jnp.cos(x * jnp.pi)])
    def test_what_rounding_makes_of_differences_is_no_disagreement(self, f):
        for x in (np.float32(1.0), np.float64(1.0)):
            assert any("agree up to" in note for note in ok.jacobian_shapes(f, x).notes)

    @pytest.mark.parametrize(
        ("f", "x", "words", "entry"),
        [
            (jnp.linalg.norm, np.zeros(2), "with no entry", "2 of its 2 entries"),
            (lambda x: jnp.sqrt(x) * 0, np.zeros(()), "with no entry", "its entry"),
            (jax.nn.relu, np.array([0.0, 1.0]), "differ by up to 0.5, as in row 0, column 0", ""),
            (
                lambda x: jnp.stack([jnp.linalg.norm(x), x[1]]),
                np.zeros(2),
                "agree up to 0.0, where both are finite: 2 of its 4 entries",
                "2 of its 4 entries",
            ),
        ],
    )
    def test_nothing_agrees_with_nan(self, f, x, words, entry):
        notes = " ".join(ok.jacobian_shapes(f, x).notes)
        assert words in notes
        assert (f"nan or inf: {entry}" in notes) == bool(entry)

    def test_f_need_not_be_defined_beside_the_point(self):
        def repeated(x):
            return sum(x for _ in range(int(x)))  # a Python 0 below 1

        view = ok.jacobian_shapes(repeated, 1.0)
        assert view.matrix == 1.0
        assert view.notes == ["filled in forward mode, by one JVP"]

    @pytest.mark.parametrize(
        ("f", "x", "words"),
        [
            (jnp.sin, 0.0, "the entry is 1.0"),
            (lambda x: x[0] + x[1], np.ones(2), "every entry is 1.0"),
            (jnp.linalg.norm, np.zeros(2), "every entry is nan"),
            (lambda x: x * (3 + 4j), np.ones(2), "greatest modulus 5.0 in row 0, column 0"),
        ],
    )
    def test_extremes_are_said_where_there_are_two(self, f, x, words):
        text = ok.jacobian_shapes(f, x).text()
        assert words in text.splitlines() or words in text
        assert ("least" in text) == ("greatest" in text) == ("greatest" in words)

    def test_the_argument_and_the_result_have_names_of_their_own(self):
        def product(x, y):
            return jnp.stack([x * y, y**2])

        one = ok.jacobian_shapes(product, 2.0, 3.0, argnums=1)
        assert {"∂out/∂y: 2 × 1", "out[0]"} <= set(words_of(picture(one)))
        assert one.tables()[0].caption == "∂out/∂y"
        assert "∂out/∂y = [2.0 6.0]" in one.passes[0][2]
        both = ok.jacobian_shapes(product, 2.0, 3.0, argnums="all", mode="reverse")
        assert "∂out/∂(x, y): 2 × 2" in words_of(picture(both))
        assert "∂out[1]/∂(x, y) = [0.0 6.0]" in both.passes[1][2]
        data = ok.jacobian_shapes(lambda p, y, out: p["y"] * y * out, {"y": 1.0}, 2.0, 3.0)
        assert data.blocks()[0][0] == "∂out_/∂p['y']"

    def test_a_leaf_has_the_name_that_other_views_give_it(self):
        view = ok.jacobian_shapes(lambda p: p["W"] @ p["x"]["v"], {"W": W, "x": {"v": np.ones(3)}})
        assert [name for name, _, _ in view.blocks()] == ["∂y/∂W", "∂y/∂v"]
        assert view.tables()[0].caption == "∂y/∂p"
        assert view.tables()[0].columns[-1] == "v[2]"
        assert "the cotangent is 1 at y[0]" in view.passes[0][2]
        same = ok.jacobian_shapes(lambda p, W: p["W"] * W, {"W": 1.0}, 2.0)
        assert same.blocks()[0][0] == "∂y/∂p['W']"

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (jnp.sin, 1.0),
            (jnp.sum, np.ones(3)),
            (lambda x: jnp.stack([x, x]), 1.0),
            (lambda x: x[:2], np.ones(3)),
            (jnp.sin, np.ones(0)),
        ],
    )
    def test_the_finding_is_one_sentence(self, f, x):
        view = ok.jacobian_shapes(f, x)
        for finding in (view.finding, view.compare(view.matrix + 1.0).finding):
            assert ". " not in finding
        assert view.notes[0].startswith("filled in ")
        assert "0 JVP" not in view.text()
        assert " 1 numbers" not in view.text()

    def test_words_are_wrapped_in_text(self):
        view = ok.jacobian_shapes(
            lambda a_name_of_thirty_letters_or_so: jnp.sin(a_name_of_thirty_letters_or_so),
            np.ones(2),
        )
        words = view.text().split("Pass 1")[1]
        assert max(map(len, words.splitlines())) <= 76

    def test_nan_is_shown_as_such(self):
        view = ok.jacobian_shapes(lambda x: jnp.sqrt(x) * 0, np.array([0.0, 1.0]))
        assert ">nan<" in picture(view)
        assert json.loads(view.json(), parse_constant=pytest.fail)
        assert "nan" in view.text()


SVG = "{http://www.w3.org/2000/svg}"


def picture(view, k=0):
    """Return one of the pictures of a view, as markup."""
    return view.model()["pictures"][k]["svg"]


def boxes(markup):
    """Return width and height of the boxes that have a muted line."""
    return [
        (float(box.get("width")), float(box.get("height")))
        for box in ET.fromstring(markup).iter(f"{SVG}rect")
        if "muted-line" in box.get("class")
    ]


def words_of(markup):
    return [text.text for text in ET.fromstring(markup).iter(f"{SVG}text")]


def overlaps(markup):
    """Return pairs of texts that cover each other."""
    places = []
    for text in ET.fromstring(markup).iter(f"{SVG}text"):
        size = float(text.get("font-size", 12))
        x, y, width = float(text.get("x")), float(text.get("y")), 0.6 * size * len(text.text)
        x -= {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
        places.append((x, y - 0.75 * size, x + width, y + 0.2 * size, text.text))
    return [
        (a[4], b[4])
        for k, a in enumerate(places)
        for b in places[:k]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


class TestShapes:
    @pytest.fixture
    def view(self, x64):
        g = lambda p: {"a": p["W"] @ p["x"], "b": jnp.sum(p["x"])}
        return ok.jacobian_shapes(g, {"W": np.ones((2, 3)), "x": np.ones(3)})

    def test_boxes_are_to_scale(self, view):
        """Inputs have 9 entries and outputs 3; lines part their leaves."""
        folded = view.model()["details"][0]["pictures"]
        x, y = boxes(picture(view, 1))
        (dy, J, dx), (dy_row, dx_row, JT) = (boxes(p["svg"]) for p in folded)
        assert x[1] == dx[1] == J[0] == dx_row[0] == JT[1]
        assert y[1] == dy[1] == J[1] == dy_row[0] == JT[0]
        assert J[0] / J[1] == pytest.approx(3, abs=0.01)

    def test_every_leaf_is_named(self, view):
        words = words_of(picture(view, 1))
        assert {"W[2, 3]", "x[3]", "a[2]", "b", "9×1", "3×1"} <= set(words)

    def test_many_leaves_are_counted(self):
        view = ok.jacobian_shapes(lambda *x: jnp.stack(x), *np.ones(9), argnums="all")
        assert "… 3 more" in view.svg()

    def test_the_table_comes_first_and_no_label_covers_another(self, view):
        table = picture(view)
        assert {"W", "[1, 2]", "y['a'][0]"} <= set(words_of(table))
        long = {"a_very_long_name_of_a_parameter": 1.0, "another_one": 2.0, "c": np.ones(3)}
        other = ok.jacobian_shapes(lambda p: jnp.stack(jax.tree.leaves(p)[:2]), long)
        for shown in (view, other, view.compare(np.ones((3, 9))), *(make() for make in SHOWN)):
            for drawn in shown.model()["pictures"]:
                assert overlaps(drawn["svg"]) == []


SHOWN = [
    lambda: ok.jacobian_shapes(loss, WEIGHTS),
    lambda: ok.jacobian_shapes(loss, WEIGHTS, mode="forward"),
    lambda: ok.jacobian_shapes(f, jnp.array([1.0, 2.0, 3.0]), mode="forward"),
    lambda: ok.sparsity(lambda x: x[1:] - x[:-1], jnp.ones(9)),
    lambda: ok.cost(f, jnp.ones(3)),
    lambda: ok.memory(lambda x: jnp.sum(jnp.sin(x) * x), jnp.ones(3)),
    lambda: ok.chain([20, 30, 40, 5, 1]),
]
WEIGHTS = {"W1": W, "b": np.array([0.5, -1.0]), "scale": 2.0, "T": np.ones((2, 2, 3))}


def loss(p):
    return p["scale"] * jnp.sum((p["W1"] @ jnp.arange(3.0) + p["b"]) ** 2) + jnp.prod(p["T"])


class TestGradient:
    def test_each_leaf_is_drawn_in_its_own_shape(self):
        view = ok.jacobian_shapes(loss, WEIGHTS)
        assert view.title == "The gradient of loss with respect to p: 21 numbers"
        grads = jax.grad(loss)(WEIGHTS)
        names = [p["name"] for p in view.model()["pictures"]]
        shapes = ["T   (2 × 2 × 3)", "W1   (2 × 3)", "b   (2)", "scale   (a number)"]
        assert names == [f"∂y/∂{shape}" for shape in shapes]
        drawn = zip(view.model()["pictures"], jax.tree.leaves(grads), strict=True)
        for shown, grad in drawn:
            root = ET.fromstring(shown["svg"])
            cells = [e.get("data-say") for e in root.iter() if e.get("data-say")]
            numbers = [float(cell.rsplit(" = ")[1]) for cell in cells]
            np.testing.assert_allclose(numbers, np.ravel(grad), rtol=1e-6)

    def test_its_scale_is_written(self):
        view = ok.jacobian_shapes(loss, WEIGHTS)
        grad = jax.grad(loss)(WEIGHTS)["W1"]
        assert f"{float(grad.min())} to {float(grad.max())}" in words_of(picture(view, 1))

    def test_forward_mode_fills_entry_after_entry(self):
        view = ok.jacobian_shapes(loss, WEIGHTS, mode="forward")
        steps = [
            int(e.get("data-at"))
            for p in view.model()["pictures"]
            for e in ET.fromstring(p["svg"]).iter()
            if e.get("data-at")
        ]
        assert steps == list(range(21))

    def test_a_large_leaf_is_tiled_with_its_true_extremes(self):
        big = np.zeros((70, 100)) + np.linspace(-1, 3, 100)
        view = ok.jacobian_shapes(lambda w: jnp.sum(w**2), big)
        root = ET.fromstring(picture(view))
        says = [e.get("data-say") for e in root.iter() if e.get("data-say")]
        assert len(says) == 24 * 25
        assert says[0].endswith("from -2.0 to -1.757576")
        assert "-2.0 to 6.0" in words_of(picture(view))

    def test_a_kernel_is_shown_by_its_own_indices(self):
        kernel = np.sin(np.arange(54.0)).reshape(3, 2, 3, 3)
        view = ok.jacobian_shapes(lambda p: jnp.sum(p["k"] ** 2) + p["b"], {"b": 1.0, "k": kernel})
        rows = [f"[{i}, {j}, {k}, :]" for i in range(3) for j in range(2) for k in range(3)]
        assert [word for word in words_of(picture(view, 1)) if ":]" in word] == rows
        _, table = view.tables()
        assert [row[0] for row in table.rows] == rows
        np.testing.assert_allclose(
            [[float(cell) for cell in row[1:]] for row in table.rows],
            2 * kernel.reshape(18, 3),
            rtol=1e-6,
        )

    def test_a_tile_begins_at_an_index_of_its_leaf(self):
        kernel = np.ones((8, 4, 3, 3))
        markup = picture(ok.jacobian_shapes(lambda k: jnp.sum(k**2), kernel))
        assert "from k[7, 3, 0, 2] on: entries from 2.0 to 2.0" in markup


def test_negative_tiles_are_cut_by_a_bar():
    """The sign of a tile needs no colour: a bar is cut out of what is below zero."""
    view = ok.jacobian_shapes(jnp.sin, jnp.linspace(0, 6, 100))
    kinds = {}
    for element in ET.fromstring(picture(view)).iter():
        role = (element.get("class") or "").split()
        if role[:1] == ["cell"] and role[1] in ("plus", "minus"):
            kinds.setdefault(role[1], set()).add(element.tag.removeprefix(SVG))
    assert kinds == {"plus": {"rect"}, "minus": {"path"}}


class TestShowing:
    def test_nothing_is_traced_when_a_view_is_shown_again(self):
        calls = []

        def counted(x):
            calls.append(None)
            return jnp.sin(x)

        view = ok.jacobian_shapes(counted, jnp.ones(3))
        view._repr_mimebundle_()
        before = len(calls)
        assert view._repr_mimebundle_() == view._repr_mimebundle_()
        view.model(), view.json(), view.svg(), view.text(), view.html(2), view.live()
        assert len(calls) == before

    @pytest.mark.parametrize("name", VIEWS)
    def test_a_copy_is_the_same_view(self, name):
        view = VIEWS[name]()
        for other in (copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
            assert other.text() == view.text()
            assert other.html() == view.html()

    def test_a_view_is_shown_in_its_own_precision(self):
        view = ok.jacobian_shapes(f, jnp.array([1.0, 2.0, 3.0]))
        with jax.enable_x64(False):
            assert "Pass 1 of 2" in view.text()
            assert "data-state" in view.html()
            assert view.ladder(0).program.values[0].dtype == "float64"

    def test_a_verdict_is_there_after_the_view_was_printed(self):
        view = ok.jacobian_shapes(f, jnp.ones(3))
        view.text(), view.html()
        compared = view.compare(np.ones((2, 3)))
        for twin in (compared.text(), compared.model()["text"], compared.model()["finding"]):
            assert "Your guess is wrong in" in twin
        assert "Your guess" not in view.text()

    def test_eight_bit_floats_are_numbers(self):
        x = jnp.array([1.0, 2.0], jnp.float8_e4m3fn)
        view = ok.jacobian_shapes(lambda x: x.astype(jnp.float32) ** 2, x)
        expected = jax.jacfwd(lambda x: x.astype(jnp.float32) ** 2)(x)
        np.testing.assert_array_equal(view.matrix, np.asarray(expected, np.float32))
        assert view.html()

    def test_the_bar_of_a_long_run_is_not_printed_where_output_is_piped(self, capsys):
        ok.jacobian_shapes(jnp.sin, jnp.ones(60), batched=False)
        assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_page_holds_the_ladder_of_every_pass(mode):
    view = ok.jacobian_shapes(f, jnp.array([1.0, 2.0, 3.0]), mode=mode)
    markup = view.html()
    ladders = unpack(re.search(r"data-state='([^']*)'", markup)[1])["view"]["inner"]
    assert len(ladders["states"]) == view.count
    for k, state in enumerate(ladders["states"]):
        assert unpack(state)["view"]["title"] == view.ladder(k).title
        assert f", {mode} mode with respect to" in view.ladder(k).title
    assert f'TAG = "{ladders["tag"]}"' in markup
    assert f'TAG = "{ladders["tag"]}"' in view.live()._esm


def test_a_large_page_holds_no_ladders():
    markup = ok.jacobian_shapes(jnp.sin, jnp.ones(50)).html()
    assert markup.count("<script>") == 1


class TestLarge:
    def test_beyond_the_budget_only_tiles_are_kept(self):
        x = jnp.linspace(0.0, 1.0, 200).at[150].set(40.0)
        view = ok.jacobian_shapes(lambda x: x**2, x, budget=10_000)
        assert view.tiles.grid == (29, 29)
        assert view.tiles.extremes["greatest"] == (80.0, 150, 150)
        assert view.tiles.high[150 // 7, 150 // 7] == 80.0
        assert view.tiles.zeros == 200 * 200 - 199
        assert "312 KiB in all: there are tiles" in view.text()
        with pytest.raises(ValueError, match=r"more than the budget of 9\.77 KiB"):
            _ = view.matrix

    def test_passes_can_be_interrupted_between_chunks(self, monkeypatch):
        seen = []

        def impatient(starts, *args):
            for start in starts:
                if len(seen) == 2:
                    raise KeyboardInterrupt
                seen.append(start)
                yield start

        monkeypatch.setattr(_jacobian, "tracked", impatient)
        with pytest.raises(KeyboardInterrupt):
            ok.jacobian_shapes(jnp.sin, jnp.ones(100), budget=10_000)
        assert len(seen) == 2

    def test_too_large_says_how_large_and_what_to_do(self):
        with pytest.raises(ValueError, match=r"100,000 × 100,000: 75 GiB.*sparse_jacobian"):
            ok.jacobian_shapes(jnp.sin, jnp.ones(100_000))


class TestCompare:
    J = np.array([[1.0, 2.0, 0.5], [4.0, 5.0, -1.0], [0.3, 7.0, 2.0]])

    @pytest.fixture
    def view(self, x64):
        return ok.jacobian_shapes(lambda x: self.J @ x, np.ones(3))

    @pytest.mark.parametrize(
        ("guess", "words"),
        [
            (lambda J: J.T, "transposed"),
            (lambda J: -J, "the negative"),
            (lambda J: np.tile(J.sum(0), (3, 1)), "column sums"),
            (lambda J: np.tile(J.sum(1), (3, 1)).T, "row sums"),
            (lambda J: np.diag(np.diag(J)), "diagonal alone"),
            (lambda J: 2 * J, "constant factor is missing: yours is 2.0 times"),
            (lambda J: J * [1, 2, 3], "each column lacks a factor"),
            (lambda J: J * [[1], [2], [3]], "each row lacks a factor"),
            (lambda J: J + 1e-4, "finite differences"),
        ],
    )
    def test_a_mistake_is_named(self, view, guess, words):
        compared = view.compare(guess(self.J))
        assert words in compared.verdict
        assert not compared.right
        np.testing.assert_array_equal(compared.wrong, ~np.isclose(guess(self.J), self.J))

    def test_a_factor_is_named_only_where_the_numbers_settle_it(self, x64):
        x = jnp.array([0.1, 0.2, 0.3])
        row = ok.jacobian_shapes(lambda x: jnp.tanh(x).sum(), x)
        diagonal = ok.jacobian_shapes(lambda x: x**2, x)
        for view, guess in (
            (row, np.array([9.0, -4.0, 0.01])),
            (diagonal, np.diag([0.2, 0.4, 9.0])),
            (diagonal, np.where(diagonal.matrix, np.inf, 0)),
        ):
            assert "factor" not in view.compare(guess).verdict
        close = diagonal.compare(diagonal.matrix * 1.00002).verdict
        assert "finite differences, or a rounded number" in close

    def test_a_matrix_may_be_typed_as_lists(self, view):
        assert view.compare(self.J.tolist()).right

    def test_an_unknown_mistake_is_only_marked(self, view):
        guess = self.J.copy()
        guess[1, 2] = 9.0
        verdict = "Your guess is wrong in 1 of 9 entries, first in row 1, column 2: "
        assert view.compare(guess).verdict == verdict + "yours 9.0, right -1.0."
        compared = view.compare(guess)
        assert compared.finding == compared.verdict
        assert view.finding in compared.notes
        assert compared.text().count("✗") == 1
        assert "-1.0 ✗\N{NO-BREAK SPACE}yours\N{NO-BREAK SPACE}9.0" in compared.text()
        assert "✗ 9.0" in words_of(picture(compared))

    def test_a_right_guess_is_right_as_matrix_and_as_blocks(self, view):
        assert view.compare(self.J).right
        g = lambda p, x: {"a": p["w"] @ x, "b": jnp.sum(x)}
        args = ({"w": W}, np.ones(3))
        blocks = jax.jacobian(g, argnums=(0, 1))(*args)
        compared = ok.jacobian_shapes(g, *args, argnums="all").compare(blocks)
        assert compared.right
        assert "right in all 27 entries" in compared.verdict

    @pytest.mark.parametrize(
        ("guess", "words"),
        [
            (W.T, r"the shape \(3, 2\); the Jacobian has \(2, 3\). .*transposed"),
            (W.sum(0), "like column sums, as from a VJP of ones"),
            (W.sum(1), "like row sums, as from a JVP of ones"),
            (np.diag(W), "like its diagonal alone"),
            (np.ones(7), r"the shape \(7,\); the Jacobian has \(2, 3\)\.$"),
            ([], "no array at all"),
        ],
    )
    def test_a_guess_of_another_shape_is_no_error(self, guess, words):
        compared = ok.jacobian_shapes(lambda x: W @ x, np.ones(3)).compare(guess)
        assert re.search(words, compared.verdict)
        assert not compared.right

    def test_a_guess_without_numbers_is_refused(self, view):
        with pytest.raises(TypeError, match="A guess holds numbers"):
            view.compare("W")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ok.jacobian_shapes(3.0), TypeError, "Expected a function first"),
        (lambda: ok.jacobian_shapes(jnp.sin, 3), TypeError, "write 3.0 for 3"),
        (lambda: ok.jacobian_shapes(lambda x: "no", 1.0), TypeError, "must return a number"),
        (
            lambda: ok.jacobian_shapes(jnp.argmax, np.ones(3)),
            TypeError,
            "no real or complex number",
        ),
        (lambda: ok.jacobian_shapes(jnp.sin, 1.0, mode="both"), ValueError, "mode must be one of"),
        (lambda: ok.jacobian_shapes(jnp.sin, 1.0, batched=2), ValueError, "batched is True, False"),
        (lambda: ok.jacobian_shapes(jnp.sin, 1.0, budget=0), ValueError, "number of bytes"),
        (lambda: ok.jacobian_shapes(jnp.sin, 1.0, argnums=2), ValueError, "names argument 2"),
        (lambda: ok.jacobian_shapes(jnp.sin, 1 + 1j), TypeError, "pass holomorphic=True"),
        (
            lambda: ok.jacobian_shapes(jnp.abs, 1 + 1j, mode="forward"),
            TypeError,
            "complex inputs, so forward mode would need",
        ),
        (lambda: ok.jacobian_shapes(jnp.sin, 1.0).ladder(1), IndexError, "There is no pass 1"),
        (lambda: ok.chain(jnp.sin, jnp.cos), TypeError, "needs the point"),
        (lambda: ok.chain(jnp.sin, 3.0, x=1.0), TypeError, "takes functions"),
        (lambda: ok.chain([3, 4]), ValueError, "2 to 8 functions"),
        (lambda: ok.chain([3, 0, 1]), ValueError, "from 1 up"),
        (lambda: ok.chain([2] * 12), ValueError, "2 to 8 functions"),
        (lambda: ok.push_pull(jnp.sin, np.ones(3)), ValueError, "takes 3 and returns 3"),
        (lambda: ok.push_pull(jnp.sin, {"a": 1.0}), TypeError, "one real number or two; got {'a'"),
        (lambda: ok.push_pull(jnp.sin, 1.0, v=[1, 2]), ValueError, "as many numbers as the input"),
        (lambda: ok.push_pull(jnp.log, -1.0), ValueError, "move x to where it is finite"),
        (lambda: ok.push_pull(jnp.sqrt, 0.0), ValueError, "The derivative of sqrt is .*inf"),
        (lambda: ok.push_pull(jnp.sin, 1.0, v="ab"), TypeError, "v must hold real numbers"),
        (lambda: ok.push_pull(jnp.sin, 1.0, v=[np.nan]), ValueError, "v must hold finite numbers"),
        (lambda: ok.push_pull(jnp.sin, 1.0, span=0), ValueError, "positive number"),
    ],
)
def test_bad_input_says_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_error_of_jax_s_points_to_the_other_mode():
    halve = lambda x: jax.lax.while_loop(lambda c: c[0] > 1, lambda c: c / 2, x)
    with pytest.raises(ValueError, match="Reverse-mode") as caught:
        ok.jacobian_shapes(halve, np.array([9.0, 4.0]), mode="reverse")
    assert any("mode='forward'" in note for note in caught.value.__notes__)
    for f in (np.sin, lambda x: jnp.sin(float(x))):
        with pytest.raises(TypeError) as caught:
            ok.jacobian_shapes(lambda x, f=f: f(x), 1.0)
        assert "jnp.sin for np.sin" in caught.value.__notes__[-1]
        assert "mode=" not in caught.value.__notes__[-1]
    assert ok.jacobian_shapes(halve, np.array([9.0, 4.0])).matrix[0, 0] == 1 / 16


class TestChain:
    @pytest.mark.parametrize(("n", "m", "d"), [(2000, 300, 300), (30, 40, 7), (9, 900, 3)])
    def test_operations_are_those_that_xla_counts(self, n, m, d):
        shapes = [jax.ShapeDtypeStruct(s, float) for s in ((1, d), (d, m), (m, n))]
        orders = {
            "(J3 J2) J1": lambda c, b, a: (c @ b) @ a,
            "J3 (J2 J1)": lambda c, b, a: c @ (b @ a),
        }
        view = ok.chain([n, m, d, 1])
        assert {row["order"] for row in view.model()["rows"]} == set(orders)
        for order, _, flops, _ in view.rows:
            lowered = jax.jit(orders[written(order)]).lower(*shapes)
            assert flops == lowered.compile().cost_analysis()["flops"]

    def test_the_known_numbers(self):
        view = ok.chain([(2000,), (20, 15), 300, ()])
        assert view.finding.startswith(
            "Reverse mode takes 1,380,000, forward mode takes 361,200,000 FLOPs (262× as many)"
        )
        assert view.title == "A chain of 3 functions: n = 2000 → m = 300 → d = 300 → 1"
        assert view.labels()[-1] == "entries of the result"
        assert ok.chain([3, 4, 5]).labels()[-1] == "d, entries of the result"
        assert ok.chain([3, 4, 5]).title.endswith("→ d = 5")
        assert ok.chain([1, 1, 1]).finding.startswith("Both modes take 2 FLOPs")

    def test_the_picture_is_what_the_page_shows(self):
        """The Jacobians to scale and the orders in a table; both modes, where there are many."""
        view = ok.chain([5, 4, 3, 2, 9, 1])
        words = words_of(picture(view))
        assert words[:5] == ["J5: 1×9", "J4: 9×2", "J3: 2×3", "J2: 3×4", "J1: 4×5"]
        assert boxes(picture(view))[0] == (92.0, 8.0)
        lines = [word.split("  ") for word in words[6:-1]]
        assert [line[0].strip() for line in lines[:12]] == [written(r[0]) for r in view.rows[:12]]
        modes = [line for line in words[6:] if "mode" in line]
        assert len(modes) == 2
        assert words[-1] == f"… {14 - len(lines)} more order{'s' * (len(lines) != 13)}"

    def test_orders_are_all_there_and_the_best_comes_first(self):
        view = ok.chain([3, 7, 2, 9, 4])
        assert [len(all_orders(0, k)) for k in range(1, 7)] == [1, 1, 2, 5, 14, 42]
        assert len(view.rows) == 5
        assert view.rows[0][2] == min(row[2] for row in view.rows)
        matrices = [np.ones((b, a)) for a, b in zip(view.sizes, view.sizes[1:], strict=False)]
        _, info = np.einsum_path("ed,dc,cb,ba->ea", *matrices[::-1], optimize="optimal")
        best = float(re.search(r"Optimized FLOP count: +([\d.e+]+)", info)[1])
        assert abs(view.rows[0][2] - best) / best < 0.02  # numpy rounds and adds 1 per product

    def test_reverse_mode_remembers_every_point(self):
        flops, held = measure(((2, 1), 0), [10, 20, 30, 1])
        assert flops == 2 * (1 * 30 * 20) + 2 * (1 * 20 * 10)
        assert held == 10 + 20 + 30 + 20  # three points, and the first row that comes back
        _, held = measure((2, (1, 0)), [1, 20, 30, 1])
        assert held == 30 + 30 + 1  # the column so far, the last point, and the result

    def test_functions_give_the_sizes(self):
        view = ok.chain(lambda x: W @ x, jnp.sin, jnp.sum, x=np.ones(3))
        assert view.sizes == [3, 2, 2, 1]
        assert view.names == ["f1", "sin", "sum"]
        with pytest.raises(TypeError) as caught:
            ok.chain(jnp.sin, lambda x: W @ x, x=np.ones(2))
        assert any("function 2 of the chain" in note for note in caught.value.__notes__)


PUSHED = {
    "product": (lambda p: p[0] * p[1], np.array([1.0, 2.0])),
    "curve": (lambda t: jnp.stack([jnp.sin(t), t**2]), 1.0),
    "swapped": (lambda p: p * p[::-1], np.array([1.0, 0.5])),
    "small": (lambda p: p * 0.01, np.array([1.0, 2.0])),
    "large": (lambda p: p * 100, np.array([1.0, 2.0])),
    "identity": (lambda p: p, np.array([1.0, 2.0])),
    "line": (lambda x: x**3, 2.0),
    "flat": (lambda x: x**2, 0.0),
}


class TestPushPull:
    @pytest.mark.parametrize("name", PUSHED)
    def test_every_arrow_lies_in_its_panel_with_its_label(self, name):
        for drawn in ok.push_pull(*PUSHED[name]).model()["pictures"]:
            root = ET.fromstring(drawn["svg"])
            heads = [e for e in root.iter() if (e.get("class") or "").startswith("head")]
            assert len(heads) == 2
            for head in heads:
                x, y = map(float, re.findall(r"-?[\d.]+", head.get("transform"))[:2])
                assert 12 <= x <= 288
                assert 24 + 12 <= y <= 324 - 12
            labels = [t for t in root.iter(f"{SVG}text") if t.get("class") != "muted"]
            for label in labels:
                x, y = float(label.get("x")), float(label.get("y"))
                assert 0 <= x <= 300 - 0.6 * 12 * len(label.text)
                assert 24 + 12 <= y <= 324 - 3
            assert overlaps(drawn["svg"]) == []

    def test_a_handle_can_be_taken_where_an_arrow_lies_over_it(self):
        for drawn in ok.push_pull(*PUSHED["identity"]).model()["pictures"]:
            for arrow in ET.fromstring(drawn["svg"]).iter():
                if arrow.get("data-arrow"):
                    free = arrow.get("data-handle") is not None
                    assert arrow.get("pointer-events") == (None if free else "none")
                    assert len(arrow.findall(f"{SVG}path[@pointer-events='all']")) == free

    def test_what_is_null_points_nowhere(self):
        markup = picture(ok.push_pull(*PUSHED["flat"]), 1)
        assert markup.count("scale(0)") == 1

    def test_the_front_end_is_told_the_scale_and_where_the_grid_ends(self):
        scales = ok.push_pull(*PUSHED["product"]).model()["scales"]
        assert (scales[0]["low"], scales[0]["high"]) == ([0.0, 1.0], [2.0, 3.0])
        # the grid and x + Jᵀu = (3, 3) lie in the panel
        assert scales[0]["middle"] == [1.5, 2.0]
        assert scales[0]["factor"] == pytest.approx(300 / (3 * 1.6))

    @pytest.mark.parametrize("x", [[1.0, 0.5], [2.0, -1.0]])
    @pytest.mark.parametrize("v", [[1.0, 0.0], [0.3, -2.0]])
    def test_both_products_are_jax_s(self, x, v):
        u = [0.7, -0.2]
        view = ok.push_pull(polar, np.array(x), v=v, u=u)
        pushed = jax.jvp(polar, (jnp.array(x),), (jnp.array(v),))[1]
        pulled = jax.vjp(polar, jnp.array(x))[1](jnp.array(u))[0]
        J = np.array(view.frame(x)["J"])
        np.testing.assert_allclose(J @ v, pushed, rtol=1e-4)
        np.testing.assert_allclose(np.array(u) @ J, pulled, rtol=1e-4, atol=1e-5)
        numbers = re.findall(r"⟩ = (-?[\d.e-]+)", view.finding)
        assert float(numbers[0]) == pytest.approx(float(np.vdot(u, pushed)), abs=1e-3)
        assert numbers[0] == numbers[1].rstrip(":")

    def test_frames_are_the_values_on_the_lattice(self):
        view = ok.push_pull(polar, np.array([1.0, 0.5]))
        frames = view.model()["frames"]
        assert len(frames) == 81
        for frame in (frames[3], frames[70]):
            expected = jax.jacfwd(polar)(jnp.array(frame["x"]))
            np.testing.assert_allclose(frame["J"], expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        ("f", "x", "shape"),
        [
            (jnp.sin, 0.5, (1, 1)),
            (lambda t: jnp.stack([jnp.cos(t), jnp.sin(t)]), 0.5, (2, 1)),
            (lambda p: p[0] * p[1], np.array([1.0, 2.0]), (1, 2)),
        ],
    )
    def test_lines_are_drawn_too(self, f, x, shape):
        view = ok.push_pull(f, x)
        assert np.shape(view.frame(view.x)["J"]) == shape
        assert "<polyline" in view.svg()

    def test_what_is_not_finite_is_left_out(self):
        view = ok.push_pull(jnp.log, 0.5)  # its grid reaches to -0.5
        assert json.loads(view.json(), parse_constant=pytest.fail)
        assert view.model()["frames"][0]["y"] == [None]
        assert "nan" not in view.svg()
        assert view.live().frame["J"] == [[2.0]]

    def test_the_live_point_is_answered_by_jax(self):
        widget = ok.push_pull(polar, np.array([1.0, 0.5])).live()
        widget.point = [2.0, 0.0]
        assert widget.frame == {"x": [2.0, 0.0], "y": [2.0, 0.0], "J": [[1.0, 0.0], [0.0, 2.0]]}


def tridiagonal(x):
    padded = jnp.pad(x, 1)
    return jnp.sin(padded[:-2]) - 2 * x**2 + padded[2:] * x


class TestSparse:
    def test_the_groups_share_no_row_and_cover_the_pattern(self):
        view = ok.sparsity(tridiagonal, jnp.ones(50))
        dense = np.asarray(jax.jacfwd(tridiagonal)(jnp.linspace(0.1, 1, 50))) != 0
        pattern = np.zeros((50, 50), bool)
        pattern[view.rows, view.columns] = True
        assert (dense <= pattern).all()
        assert view.passes == len(view.groups) == 3
        assert sorted(np.concatenate(view.groups)) == list(range(50))
        for group in view.groups:
            assert pattern[:, group].sum(axis=1).max() <= 1
        assert "3 JVPs in place of 50 fill it: 16.7× fewer" in view.finding

    def test_each_entry_of_a_small_pattern_names_its_pass(self):
        view = ok.sparsity(tridiagonal, jnp.ones(6))
        cells = view._cells()
        for k, group in enumerate(view.groups):
            for row in cells:
                assert {row[j] for j in group} <= {"", str(k + 1)}
        assert sum(cell != "" for row in cells for cell in row) == len(view.rows) == 16

    @pytest.mark.parametrize(("reach", "passes"), [((0, 1), 5), ((1, 1), 9)])
    def test_a_stencil_on_a_grid_takes_as_many_groups_as_it_has_points(self, reach, passes):
        steps = range(-1, 2)
        star = [(i, j) for i in steps for j in steps if abs(i) + abs(j) <= sum(reach)]

        def stencil(u):
            wide = jnp.pad(u, 1)
            return sum(wide[1 + i : 9 + i, 1 + j : 9 + j] for i, j in star)

        assert ok.sparsity(stencil, jnp.ones((8, 8))).passes == passes

    def test_rows_are_grouped_where_that_is_cheaper(self):
        view = ok.sparsity(lambda x: jnp.stack([x[:3].sum(), x[3:].sum()]), jnp.ones(6))
        assert view.mode == "reverse"
        assert view.passes == 1

    @pytest.mark.parametrize("f", [lambda x: x[:0], lambda x: 0 * x])
    def test_nothing_to_fill_takes_no_pass(self, f):
        view = ok.sparsity(f, jnp.ones(3))
        assert view.passes == 0
        assert "no pass in place of" in view.finding
        assert json.loads(view.json())["steps"] == []
        assert view.html()

    @pytest.mark.parametrize("phase", [0.0, 2.0])
    def test_the_sparse_jacobian_is_the_dense_one(self, phase):
        x = jnp.sin(jnp.arange(40.0) + phase)
        found = ok.sparse_jacobian(tridiagonal, jnp.zeros(40))(x)
        assert found.nse == 3 * 40 - 2
        np.testing.assert_allclose(found.todense(), jax.jacfwd(tridiagonal)(x), atol=1e-14)


def test_push_pull_refuses_a_rule_whose_modes_disagree():
    @jax.custom_jvp
    def ramp(x):
        return jnp.sin(x)

    @ramp.defjvp
    def without_tangent(primals, tangents):  # its pullback is 0 everywhere
        return ramp(*primals), jnp.cos(*primals)

    with pytest.raises(ValueError, match="The two modes disagree about ramp"):
        ok.push_pull(ramp, 0.3)
