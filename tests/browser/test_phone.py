"""Figures in a window of a phone's width: what is cut says so, and no equation breaks in a word."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from test_ladder_reader import block

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]


@pytest.fixture
def show(page, tmp_path):
    """Open a view in a narrow window, with all that it folds."""

    def shown(view):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(view.save(tmp_path / "view.html").as_uri())
        expect(page.locator(".okl").first).to_be_visible()
        page.locator(".okl details").evaluate_all("all => all.forEach((d) => (d.open = true))")
        return page

    return shown


def shadow(box):
    """Return how much the right edge of a box differs from its ground, above the first text."""
    picture = Image.open(io.BytesIO(box.screenshot())).convert("L")
    edge, ground = (picture.getpixel((picture.width - k, 8)) for k in (1, 13))
    return abs(edge - ground)


WIDE = {
    "table": lambda: ok.cost(lambda x: jnp.sum(jnp.sin(x)), np.ones(3)),
    "text": lambda: ok.graph(lambda x: jnp.sum(jnp.sin(x) * x), np.ones(3)),
    "picture": lambda: ok.jacobian_shapes(jnp.cumsum, jnp.linspace(0, 1, 20)),
    "orders": lambda: ok.chain([200, 300, 300, 300, 100, 1]),
}


@pytest.mark.parametrize("look", ["light", "dark", "forced"])
@pytest.mark.parametrize("name", WIDE)
def test_what_goes_on_beside_the_edge_has_a_shadow_there(show, page, name, look):
    if look == "forced":
        page.emulate_media(forced_colors="active")
    else:
        page.emulate_media(color_scheme=look)
    show(WIDE[name]())
    boxes = page.locator(".okl :is(.scroll, .pictures, pre)").all()
    wide = [b for b in boxes if b.evaluate("e => e.scrollWidth > e.clientWidth + 12")]
    assert wide
    for box in wide:
        assert shadow(box) > 40
        box.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
        assert shadow(box) < 20


# the words of an equation that begin in one row of text and end in another
BROKEN = """code => {
  const text = code.lastChild;
  const found = [];
  for (const { index, 0: word } of text.data.matchAll(/\\w+/g)) {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    if (range.getClientRects().length > 1) found.push(word);
  }
  return found;
}"""


def test_equations_break_between_their_words_and_notes_are_whole(show):
    page = show(block())
    lines = page.locator(".line.tall")
    assert lines.count() > 50
    codes = page.locator(".line.tall code:first-child").all()
    assert [word for code in codes for word in code.evaluate(BROKEN)] == []
    cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
    notes = page.locator(".ladder .note")
    expect(notes.filter(has_text=" and ").first).to_be_visible()
    assert notes.evaluate_all(cut) == []
    beyond = """all => all.filter((line) => [...line.children].some((part) =>
      part.getBoundingClientRect().bottom > line.getBoundingClientRect().bottom + 1))
      .map((line) => line.textContent)"""
    assert lines.evaluate_all(beyond) == []
