"""Figures on paper: whole, without controls, as wide as an A4 page."""

from itertools import pairwise

import corpus
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import axe_findings
from playwright.sync_api import expect
from test_ladder_reader import block

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]

MARGIN = "1cm"
A4 = 718  # pixels between the margins


def loss(params, x, y):
    hidden = jnp.tanh(x @ params["W1"] + params["b1"])
    return jnp.mean((hidden @ params["W2"] + params["b2"] - y) ** 2)


def mlp():
    weights = {"W1": np.eye(4, 8), "b1": np.ones(8), "W2": np.eye(8, 3), "b2": np.ones(3)}
    return ok.graph(loss, weights, np.ones((5, 4)), np.ones((5, 3)))


def loop():
    return ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)})


LADDERS = {"block": block, "mlp": mlp, "loop": loop, "listing": lambda: mlp().listing()}
VIEWS = LADDERS | {
    "nodes": lambda: ok.graph(corpus.logistic, 0.2, layout="dag"),
    "jacobian": lambda: ok.jacobian_shapes(lambda x: jnp.sin(x) * x, jnp.ones(3)),
    "gradient": lambda: ok.jacobian_shapes(lambda x: jnp.sum(x**2), jnp.ones(3)),
    "memory": lambda: ok.memory(lambda x: jnp.sum(jnp.sin(x) * x), jnp.ones(3)),
    "cost": lambda: ok.cost(lambda x: jnp.sum(jnp.sin(x)), np.ones(3)),
    "push_pull": lambda: ok.push_pull(lambda p: p * p[0], np.array([1.0, 0.5])),
    "chain": lambda: ok.chain([20, 10, 5, 1]),
    "slider": lambda: ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), frames=3),
    "question": lambda: ok.graph(corpus.logistic, 0.2, ask=True),
    "quiz": lambda: ok.quiz("04"),
}

# what stands where on the sheet, taken down while the page is printed
MEASURE = """root => matchMedia("print").addEventListener("change", ({ matches }) => {
  if (!matches) return;
  const box = (e) => (({ left, right, top, bottom }) => [left, right, top, bottom])(
    e.getBoundingClientRect());
  const all = (e, selector) => [...e.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const texts = ":is(code, .note, .call, .path, .keep, [role=columnheader])";
  window.sheet = {
    wide: root.clientWidth,
    current: all(root, "[aria-current], .now, .peek:not(:empty)").filter(seen).length,
    controls: all(root, "button, input, .bar, .switches, summary").filter(seen)
      .map((e) => e.textContent),
    words: root.innerText,
    rows: all(root, ".item").map((row) => ({
      box: box(row),
      cells: all(row, ":scope > *").filter((e) => seen(e) && e.textContent).map(box),
      texts: all(row, texts).filter(seen).map((e) => ({
        text: e.textContent,
        box: box(e),
        cut: e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0,
      })),
    })),
  };
})"""


@pytest.fixture
def open_view(page, tmp_path):
    """Open a view in a window of a laptop's size, in the middle of its steps."""

    def opened(view, steps=3):
        page.set_viewport_size({"width": 1366, "height": 768})
        page.goto(view.save(tmp_path / "view.html").as_uri())
        expect(page.locator(".okl").last).to_be_visible()
        for _ in range(steps if page.get_by_role("slider", name="step").count() else 0):
            page.locator(".okl .scroll, .okl .pictures").first.press("ArrowRight")
        return page

    return opened


def overlaps(a, b):
    """Whether two boxes (left, right, top, bottom) share more than a line."""
    beside = a[1] <= b[0] + 1 or b[1] <= a[0] + 1
    below = a[3] <= b[2] + 1 or b[3] <= a[2] + 1
    return not (beside or below)


def outside(inner, outer):
    """Whether a box leaves the one that it stands in."""
    left, right, top, bottom = inner
    return (
        left < outer[0] - 1 or right > outer[1] + 1 or top < outer[2] - 1 or bottom > outer[3] + 1
    )


@pytest.mark.parametrize("name", LADDERS)
def test_a_ladder_is_printed_whole(open_view, name):
    view = LADDERS[name]()
    page = open_view(view)
    page.locator(".okl").evaluate(MEASURE)
    margins = dict.fromkeys(("top", "right", "bottom", "left"), MARGIN)
    printed = page.pdf(format="A4", margin=margins)
    assert printed.startswith(b"%PDF")
    sheet = page.evaluate("sheet")
    assert sheet["wide"] <= A4
    rows = sheet["rows"]
    texts = [text for row in rows for text in row["texts"]]
    assert len(texts) > len(rows) > 10
    assert [text["text"] for text in texts if text["cut"]] == []
    for row in rows:
        assert [text["text"] for text in row["texts"] if outside(text["box"], row["box"])] == []
        for k, cell in enumerate(row["cells"]):
            assert not any(overlaps(cell, other) for other in row["cells"][:k])
    assert not any(overlaps(above["box"], below["box"]) for above, below in pairwise(rows))
    # everything at once, and nothing that only a screen can use
    assert sheet["current"] == 0
    assert [text for text in sheet["controls"] if text[:1] not in "▸▾T"] == []
    assert "so far" not in sheet["words"]
    expect(page.locator(".count")).to_have_text(f"step 3 of {len(view.model()['steps'])}")
    expect(page.locator("[aria-current=step]")).to_have_count(1)


def test_paper_has_the_gradient_of_every_input_and_the_number_of_every_row(open_view):
    page = open_view(block())
    gradient = page.locator(".end", has_text="w1_bar = ")
    expect(gradient).to_have_count(0)
    page.locator(".okl").evaluate(MEASURE)
    page.pdf(format="A4")
    rows = [[text["text"] for text in row["texts"]] for row in page.evaluate("sheet.rows")]
    texts = [text for row in rows for text in row]
    for name in ("b1", "embed", "wo", "w2"):
        assert any(text.startswith(f"▲ {name}_bar = ") for text in texts)
    assert not [row for row in rows if "in" in row[0] and "inputs" in row[1]]
    folds = [row[0].strip() for row in rows if row[0].startswith("▸")]
    assert "▸ 1–6" in {fold.partition(" reads")[0] for fold in folds}
    einsum = next(text for text in texts if "einsum" in text)
    assert einsum.count("(") == einsum.count(")") > 0
    expect(gradient).to_have_count(0)  # folded again on the screen


def test_paper_says_which_iteration_the_values_are_of(open_view, page):
    open_view(loop())
    page.get_by_role("button", name="inside scan").click()
    page.get_by_label("iteration").select_option("1")
    page.emulate_media(media="print")
    choice = page.get_by_label("iteration")
    expect(choice).to_be_visible()
    expect(choice).to_have_css("appearance", "none")


def test_the_pass_that_is_opened_is_printed_too(open_view, page):
    open_view(VIEWS["jacobian"](), steps=1)
    page.locator("details.inner summary").first.click()
    ladder = page.locator("details.inner .pane.ladder")
    expect(ladder).to_be_visible()
    page.emulate_media(media="print")
    expect(ladder).to_be_visible()


def test_a_printed_question_does_not_give_its_answer_away(open_view, page):
    open_view(VIEWS["question"]())
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Show me")).to_be_hidden()
    expect(page.get_by_text("9.066086").filter(visible=True)).to_have_count(0)


@pytest.mark.parametrize("name", VIEWS)
def test_no_figure_is_cut_on_paper_and_none_shuts_anyone_out(open_view, page, log, name):
    open_view(VIEWS[name](), steps=1)
    page.locator(".okl details").evaluate_all("all => all.forEach((fold) => (fold.open = true))")
    page.set_viewport_size({"width": A4, "height": 1000})
    page.emulate_media(media="print")
    cut = page.locator(".okl :is(.scroll, .pictures, pre, td, th)").evaluate_all(
        "all => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    )
    assert cut == []
    assert axe_findings(page) == []
    assert log.errors == []
