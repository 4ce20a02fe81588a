"""Every view: text, SVG, HTML, JSON, files, the live widget."""

import json
import re
import sys
import xml.etree.ElementTree as ET

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packed import unpack

import olympus_kit as ok
from olympus_kit.views import _formula as formula
from olympus_kit.views._view import STATIC

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")
SHARED = ("common.js", "ask.js", "frames.js", "player.js", "host.js")


@pytest.fixture
def view(x64):
    return ok.graph(corpus.logistic, 0.2)


def state_of(markup):
    return unpack(re.search(r"data-state='([^']*)'", markup)[1])


def every(view):
    """Return all rows of a view's model, those inside others, too."""
    rows = list(view.model()["rows"])
    for row in rows:
        rows += row["children"]
    return rows


def test_the_model_and_the_html_hold_the_same(view):
    assert json.loads(view.json()) == view.model()
    state = state_of(view.html())
    assert state["step"] == -1
    assert state["view"]["text"] == view.text()


def test_html_is_safe_around_hostile_names(x64):
    view = ok.graph(lambda d: d["</script><b>'\""] * 2, {"</script><b>'\"": 1.0})
    markup = view.html()
    assert state_of(markup)["view"]["inputs"] == view.model()["inputs"]
    assert "</script><b>" not in markup
    assert markup.count("<script") == markup.count("</script>") == 1


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_a_script_can_stand_in_a_page(path):
    code = path.read_text("utf-8")
    assert "</" not in code
    assert "<!--" not in code
    assert code.count("export default { render };") == (path.name not in SHARED)


def test_html_fetches_nothing(view):
    addresses = re.findall(r"https?://[\w./]+", view.html() + view.svg())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


def test_without_script_the_picture_remains(view):
    assert "<img alt='logistic, reverse mode with respect to x'" in view.html()
    assert "src='data:image/svg+xml;base64," in view.html()


def test_the_element_is_named_after_its_code(view):
    names = set(re.findall(r"olympus-ladder-[0-9a-f]{8}", view.html()))
    assert len(names) == 1


@pytest.mark.parametrize("name", corpus.CORPUS)
def test_every_picture_is_well_formed_and_has_a_text_twin(name, x64):
    f, args = corpus.CORPUS[name]
    view = ok.graph(f, *args, argnums="all")
    root = ET.fromstring(view.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == view.title
    assert root.find(f"{space}desc").text
    text = view.text()
    lines = [line for row in every(view) for line in (*row["primal"], *row["adjoint"])]
    for line in lines:
        if line["step"] is not None:
            assert line["text"] in text
            assert line["value"] in text


def test_steps_are_the_equations_in_order(view):
    steps = view.model()["steps"]
    assert len(steps) == 24
    assert [s["column"] for s in steps] == ["primal"] * 9 + ["adjoint"] * 15
    assert steps[-1]["words"].startswith("Adjoint: x is used more than once (2 times)")
    assert [s["flops"] for s in steps] == list(range(1, 25))


def test_the_rungs_hold_the_residuals(view):
    rows = view.model()["rows"]
    names = {row["number"]: [rung["name"] for rung in row["residuals"]] for row in rows}
    assert names["9"] == ["v7", "v8"]
    assert names["8"] == []
    assert rows[0]["literals"] == ["4.0"]


def test_a_row_without_an_adjoint_equation_says_so(x64):
    rows = ok.graph(lambda x, y: (x + y) * 3.0, 1.0, 2.0, argnums="all").model()["rows"]
    assert rows[0]["passes"] == "v1_bar passes unchanged to x and y"


def test_forward_mode_interleaves(x64):
    columns = [s["column"] for s in ok.graph(corpus.logistic, 0.2, mode="forward").model()["steps"]]
    assert columns[:4] == ["primal", "tangent", "primal", "tangent"]


def test_a_listing_is_the_same_program_line_by_line(view):
    listing = view.listing()
    assert listing.model() == view.model() | {"layout": "listing"}
    assert listing.text() == view.text()
    texts = [e.text for e in ET.fromstring(listing.svg()).iter() if e.text and e.text[0] in "■▲"]
    assert texts[0] == "■ v1 = 4.0 * x"
    assert texts[9] == "▲ v8_bar = v7 * v9_bar"
    assert len(texts) == 24


def test_library_names_come_first():
    rows = ok.graph(lambda x: jax.nn.relu(x) + jax.nn.softplus(x), jnp.ones(2)).model()["rows"]
    assert [r["label"] for r in rows[:2]] == ["relu", "softplus"]
    assert rows[1]["children"]


def test_text_in_colour_says_the_same(view):
    plain = re.sub(r"\x1b\[\d+m", "", view.text(color=True))
    assert plain == view.text()
    assert str(view) == view.text()


def test_a_notebook_gets_text_and_html(view):
    bundle = view._repr_mimebundle_()
    assert bundle["text/plain"] == view.text()
    assert bundle["text/html"] == view.html()
    long = ok.graph(lambda x: sum(x * k for k in range(2, 90)), 1.0)._repr_mimebundle_()
    assert long["text/plain"].endswith("more lines: print(view) shows them all")


@pytest.mark.parametrize("suffix", ["svg", "html", "json", "txt", "SVG"])
def test_save(view, suffix, tmp_path):
    path = view.save(tmp_path / f"x.{suffix}")
    text = path.read_text("utf-8")
    assert "v6_bar" in (state_of(text)["view"]["text"] if suffix == "html" else text)
    assert [p.name for p in tmp_path.iterdir()] == [f"x.{suffix}"]


def test_save_refuses_what_it_cannot_write(view, tmp_path):
    suffixes = r"\.svg, \.png, \.pdf, \.html, \.json, \.txt"
    with pytest.raises(ValueError, match=f"must end in {suffixes}"):
        view.save(tmp_path / "x.bmp")
    with pytest.raises(FileNotFoundError, match="make it first"):
        view.save(tmp_path / "nowhere" / "x.svg")
    (tmp_path / "x.svg").write_text("old")
    view.svg = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        view.save(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text() == "old"


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-1.")])
def test_a_picture_is_saved_without_a_browser(view, suffix, start, tmp_path):
    pytest.importorskip("typst")
    for shown in (view, ok.cost(jnp.sin, 1.0), ok.jacobian_shapes(jnp.sin, jnp.ones(2))):
        content = shown.save(tmp_path / f"x.{suffix}").read_bytes()
        assert content.startswith(start)
    if suffix == "png":
        from PIL import Image

        wide = float(ET.fromstring(shown.svg()).get("width"))
        with Image.open(tmp_path / "x.png") as drawn:
            assert drawn.width == pytest.approx(2 * wide, abs=2)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_without_typst_the_message_says_what_to_install(view, suffix, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install typst.*or save as \.svg"):
        view.save(tmp_path / f"x.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_an_svg_alone_needs_no_style_and_shows_no_cursor(view):
    """Inkscape and office programs read colours from attributes, and know no steps."""
    root = ET.fromstring(view.svg())
    assert [e.tag for e in root.iter() if e.tag.endswith("style")] == []
    classes = [e.get("class") for e in root.iter() if e.get("class")]
    assert not [words for words in classes if "cursor" in words]
    drawn = ("rect", "text", "polyline", "circle")
    shapes = [e for e in root.iter() if e.tag.rpartition("}")[2] in drawn]
    assert shapes
    assert all(e.get("fill") for e in shapes)


def test_the_page_has_one_stylesheet_of_colours(view):
    """The palette stands in one place; a page gets it for light, dark, print, forced colours."""
    from olympus_kit.views._draw import PALETTE, page_colors

    for light, dark in PALETTE.values():
        assert page_colors().count(light) >= 2  # on the screen and on paper
        assert dark in page_colors()
    assert page_colors() in view.html()
    assert "/*COLORS*/" not in view.html()
    own = "".join(path.read_text("utf-8") for path in STATIC.iterdir() if path.name != "ladder.js")
    assert not re.findall(r"#[0-9a-f]{6}\b", own)


def test_json_has_null_for_what_is_not_a_number(view):
    view.model = lambda: {"a": [np.nan, -np.inf, 1.0], "b": (0.5,)}
    parsed = json.loads(view.json(), parse_constant=pytest.fail)
    assert parsed == {"a": [None, None, 1.0], "b": [0.5]}


def test_a_page_opens_at_a_step(view):
    assert state_of(view.html(3))["step"] == 3
    assert state_of(view.html())["step"] == -1


def test_a_second_display_makes_nothing_anew(view):
    first = view._repr_mimebundle_()
    view.model = view.svg = view.text = lambda: 1 / 0
    assert view._repr_mimebundle_() == first


def test_live_is_a_widget_over_the_same_front_end(view):
    widget = view.live()
    assert widget.view == view.model()
    assert widget.step == -1
    assert "export default { render }" in widget._esm
    other = view.live()
    other.step = 3
    assert widget.step == -1


def test_every_equation_of_a_dict_and_a_scan_is_shown_as_jax_computes_it(x64):
    def f(params):
        def turn(c, a):
            return c * params["a"] + a, c

        last, _ = jax.lax.scan(turn, 0.5, jnp.array([1.0, 2.0]))
        return last * params["b"]

    point = {"a": 3.0, "b": 2.0}
    view = ok.graph(f, point)
    grads = jax.grad(f)(point)
    assert f"output           v4 = {float(f(point))}" in view.text()
    ends = {e["partner"]: e["derivative"] for e in view.model()["inputs"]}
    assert ends == {f"{name}_bar": str(float(g)) for name, g in grads.items()}


@pytest.mark.parametrize(
    ("x", "text"),
    [(1.0, "1.0"), (0.1, "0.1"), (1e-9, "1e-09"), (1 / 3, "0.3333333"), (np.nan, "nan"),
     (np.inf, "inf"), (3, "3"), (True, "True"), (123456789.0, "1.234568e+08")],
)  # fmt: skip
def test_numbers_are_short(x, text):
    assert formula.number(x) == text


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 bytes"), (1, "1 byte"), (2048, "2 KiB"), (5 * 2**20, "5 MiB")]
)
def test_sizes_have_units(n, text):
    assert formula.size_text(n) == text
