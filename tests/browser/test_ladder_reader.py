"""The ladder as a reader meets it: on a network, by keyboard, at the turning point, on paper."""

import re
from itertools import pairwise

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import shut_out
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]

WIDTH, LENGTH, WORDS = 8, 5, 11


def layer_norm(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale + shift


def attention(x, p):
    heads = lambda t: t.reshape(2, LENGTH, 2, WIDTH // 2).transpose(0, 2, 1, 3)
    q, k, v = (heads(x @ p[name]) for name in ("wq", "wk", "wv"))
    scores = q @ k.swapaxes(-1, -2) / 2.0
    seen = jnp.tril(jnp.ones((LENGTH, LENGTH), bool))
    out = jax.nn.softmax(jnp.where(seen, scores, -1e9)) @ v
    return out.transpose(0, 2, 1, 3).reshape(2, LENGTH, WIDTH) @ p["wo"]


def block_loss(params, tokens, targets):
    x = params["embed"][tokens] + params["pos"]
    x = x + attention(layer_norm(x, params["g1"], params["s1"]), params)
    h = jax.nn.gelu(layer_norm(x, params["g2"], params["s2"]) @ params["w1"] + params["b1"])
    logits = (x + h @ params["w2"] + params["b2"]) @ params["embed"].T
    scores = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(scores, targets[..., None], axis=-1).mean()


def block():
    """Return the gradient of a transformer block with its loss: more than 150 equations."""
    size = {"embed": (WORDS, WIDTH), "pos": (LENGTH, WIDTH), "w1": (WIDTH, 4 * WIDTH)}
    size |= {"w2": (4 * WIDTH, WIDTH), "b1": (4 * WIDTH,), "b2": (WIDTH,)}
    size |= dict.fromkeys(("wq", "wk", "wv", "wo"), (WIDTH, WIDTH))
    size |= dict.fromkeys(("g1", "g2", "s1", "s2"), (WIDTH,))
    params = {
        name: jnp.cos(jnp.arange(np.prod(shape), dtype=float)).reshape(shape)
        for name, shape in size.items()
    }
    tokens = jnp.arange(2 * LENGTH).reshape(2, LENGTH)
    return ok.graph(block_loss, params, tokens, tokens)


@pytest.fixture
def show(page, tmp_path):
    """Open a view in a window of a laptop's size, on a page that knows what keys reach it."""

    def shown(view):
        page.set_viewport_size({"width": 1366, "height": 768})
        listen = "window.keys = []; document.onkeydown = (event) => keys.push(event.key)"
        markup = view._page().replace("</main>", f"</main><script>{listen}</script>")
        (tmp_path / "view.html").write_text(markup, "utf-8")
        page.goto((tmp_path / "view.html").as_uri())
        expect(page.locator(".okl .item").first).to_be_visible()
        return page

    return shown


CUT = "all => all.filter(code => code.scrollWidth > code.clientWidth + 1).map(c => c.textContent)"


def test_no_equation_of_a_transformer_block_is_cut(show):
    view = block()
    assert len(view.program.equations) > 150
    page = show(view)
    assert page.locator(".title").text_content() == (
        "block_loss, reverse mode with respect to params"
    )
    assert page.locator(".line code:first-child").evaluate_all(CUT) == []
    softmax = page.locator(".line", has_text="softmax(").first
    expect(softmax).to_contain_text("= softmax(")
    names = page.locator(".line code:first-child").all_text_contents()
    assert any("@ wq" in name for name in names)
    assert not any("params[" in name for name in names)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_step_and_its_sentence_are_both_in_view(show):
    page = show(block())
    step = page.get_by_role("button", name="one step on")
    step.click()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[aria-current=step]").first).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)
    expect(step).to_be_in_viewport(ratio=1)


def test_the_eye_is_led_at_the_turning_point(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    step = page.get_by_role("button", name="one step on")
    for _ in range(9):
        step.click()
    expect(page.locator(".turning")).to_have_count(0)
    step.click()
    expect(page.get_by_role("status")).to_contain_text(
        "The backward pass begins, from v9_bar = 1.0: read upwards from here."
    )
    expect(page.locator(".end.seed")).to_contain_text("v9_bar = 1.0")
    expect(page.locator(".end.seed")).to_be_in_viewport()
    step.click()
    expect(page.locator(".end.seed")).to_have_count(0)


@pytest.mark.parametrize("place", ["button", "summary", ".scroll", "slider"])
def test_arrows_step_from_anywhere_in_the_figure_and_do_not_leave_it(show, place):
    page = show(ok.graph(corpus.logistic, 0.2))
    targets = {
        "button": page.get_by_role("button", name="one step on"),
        "summary": page.locator(".okl summary").first,
        ".scroll": page.locator(".okl .scroll"),
        "slider": page.get_by_role("slider", name="step"),
    }
    targets[place].focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert page.locator(".count").text_content() == "step 1 of 24"
    page.keyboard.press("End")
    assert page.locator(".count").text_content() == "step 24 of 24"
    page.keyboard.press("Escape")
    assert page.locator(".count").text_content() == "24 steps"
    assert page.evaluate("keys") == []
    page.keyboard.press("j")  # means nothing here
    assert page.evaluate("keys") == ["j"]


def test_enter_and_space_press_the_button_that_has_the_focus(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    page.get_by_role("button", name="one step on").focus()
    page.keyboard.press("Enter")
    page.keyboard.press(" ")
    assert page.locator(".count").text_content() == "step 2 of 24"
    listing = page.get_by_role("button", name="Listing")
    listing.focus()
    page.keyboard.press("Enter")
    assert listing.get_attribute("aria-pressed") == "true"


def test_play_moves_nothing_in_the_toolbar(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    bar = "all => all.map(b => { const r = b.getBoundingClientRect(); return [r.x, r.width] })"
    buttons = page.locator(".bar button")
    before = buttons.evaluate_all(bar)
    page.get_by_role("button", name="▶ Play").click()
    expect(page.get_by_role("button", name="❚❚ Pause")).to_be_visible()
    assert buttons.evaluate_all(bar) == before
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="▶ Play")).to_be_visible()


def test_arrows_of_a_fold_are_drawn_once(show):
    page = show(ok.graph(lambda x: jax.nn.softmax(x)[0] * jax.nn.softmax(2 * x)[1], np.ones(3)))
    page.get_by_role("button", name="softmax").first.hover()
    paths = page.locator(".edges path").evaluate_all(
        "all => all.map(p => p.getAttribute('class') + p.getAttribute('d'))"
    )
    assert len(paths) == len(set(paths)) > 2


def test_an_error_stands_in_three_lines_above_what_was_traced(show):
    def broken(params, x):
        hidden = jnp.tanh(x @ params["W1"])
        return hidden @ params["W2"]

    view = ok.graph(broken, {"W1": np.ones((3, 4)), "W2": np.ones((5, 2))}, np.ones(3))
    page = show(view)
    lines = page.locator(".error div").all_text_contents()
    assert lines == list(view.error)
    assert 'return hidden @ params["W2"]' in lines[0]
    assert lines[1].startswith("TypeError: ")
    expect(page.locator(".line")).to_have_count(2)
    assert shut_out(page) == []


def test_on_paper_the_figure_is_whole_and_has_no_controls(show, page):
    view = ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)})
    show(view)
    page.get_by_role("button", name="one step on").click()
    page.emulate_media(media="print")
    for control in page.locator(".okl .bar button, .okl .bar input").all():
        expect(control).to_be_hidden()
    box = page.locator(".okl .scroll")
    assert box.evaluate("box => box.scrollHeight <= box.clientHeight + 1")
    assert box.evaluate("box => getComputedStyle(box).overflowY") == "visible"
    items = page.locator(".canvas .item")
    tops = items.evaluate_all(
        "all => all.map(i => { const r = i.getBoundingClientRect(); return [r.top, r.bottom] })"
    )
    assert all(a[1] <= b[0] + 1 for a, b in pairwise(tops))
    assert items.evaluate_all("all => all.every(i => getComputedStyle(i).breakInside == 'avoid')")
    expect(page.locator(".line .value").last).to_be_visible()


def test_an_equation_of_a_loop_shows_one_iteration_until_all_are_asked_for(show):
    page = show(ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)}))
    page.get_by_role("button", name="inside scan").click()
    line = page.locator(".cell.primal .line", has_text="= tanh(")
    value = np.tanh(1.0)
    expect(line.locator(".value")).to_have_text(f"[{value:.7g} {value:.7g}]")
    page.get_by_label("iteration").select_option("all")
    expect(line).to_have_attribute("title", re.compile(r"in each of 3 iterations"))
