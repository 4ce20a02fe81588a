"""The host of a view: what it leaves on a page that takes the view away, or moves it."""

import jax.numpy as jnp
import numpy as np
import pytest
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]


def waves(x):
    return jnp.sum(jnp.sin(jnp.sin(x)) * x)


VIEWS = {
    "ladder": lambda: ok.graph(waves, jnp.ones(3)),
    "nodes": lambda: ok.graph(waves, jnp.ones(3), layout="dag"),
    "jacobian": lambda: ok.jacobian_shapes(jnp.sin, jnp.ones(3)),
    "memory": lambda: ok.memory(waves, jnp.ones(3)),
    "push_pull": lambda: ok.push_pull(lambda p: p * p[0], np.array([1.0, 0.5])),
    "chain": lambda: ok.chain([20, 10, 5, 1]),
}

# counts what outlives an element: listeners on what is not its own, observers, timers
COUNT = """
window.left = { listeners: new Set(), observers: new Set(), timers: new Set() };
const own = (target) => target instanceof Node && target !== document && target !== document.body;
for (const [name, change] of [["addEventListener", "add"], ["removeEventListener", "delete"]]) {
  const plain = EventTarget.prototype[name];
  EventTarget.prototype[name] = function (...parts) {
    if (!own(this)) left.listeners[change](parts[1]);
    return plain.apply(this, parts);
  };
}
for (const kind of [MutationObserver, ResizeObserver, IntersectionObserver]) {
  const { observe, disconnect } = kind.prototype;
  kind.prototype.observe = function (...parts) {
    left.observers.add(this);
    return observe.apply(this, parts);
  };
  kind.prototype.disconnect = function () {
    left.observers.delete(this);
    return disconnect.apply(this);
  };
}
const { setInterval: start, clearInterval: stop } = window;
window.setInterval = (...parts) => {
  const timer = start(...parts);
  left.timers.add(timer);
  return timer;
};
window.clearInterval = (timer) => {
  left.timers.delete(timer);
  stop(timer);
};
window.counts = () => [left.listeners.size, left.observers.size, left.timers.size];
"""


@pytest.fixture
def show(page, serve, tmp_path):
    """Save a view as a page, and open it with everything counted."""

    def shown(view):
        page.add_init_script(COUNT)
        view.save(tmp_path / "view.html")
        page.goto(serve(tmp_path) + "view.html")
        expect(page.locator(".okl").first).to_be_visible()
        return page

    return shown


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_outlives_a_view_that_is_taken_away(show, log, name):
    page = show(VIEWS[name]())
    play = page.get_by_role("button", name="Play")
    if play.count():
        play.first.click()
        assert page.evaluate("counts()")[2] == 1
    listeners, observers, _ = page.evaluate("counts()")
    assert listeners > 0
    assert observers > 0
    page.evaluate("document.querySelector('[data-state]').remove()")
    assert page.evaluate("counts()") == [0, 0, 0]
    expect(page.locator(".okl")).to_have_count(0)
    assert log.errors == []


@pytest.mark.parametrize("name", ["nodes", "memory"])
def test_a_view_that_is_moved_goes_on_where_it_was(show, log, name):
    page = show(VIEWS[name]())
    for _ in range(2):
        page.get_by_role("button", name="one step on").click()
    move = "document.body.prepend(document.querySelector('[data-state]'))"
    page.evaluate(move)
    expect(page.locator(".okl")).to_have_count(1)
    expect(page.locator(".count")).to_contain_text("step 2 of")
    page.get_by_role("button", name="one step on").click()
    expect(page.locator(".count")).to_contain_text("step 3 of")
    assert log.errors == []


def test_paper_gets_the_whole_figure_and_no_controls(show):
    page = show(VIEWS["memory"]())
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".bar")).to_be_hidden()
    pictures = page.locator(".pictures").first
    assert pictures.evaluate("e => getComputedStyle(e).maxHeight") == "none"
    ink = "e => getComputedStyle(e).fill"
    assert page.locator("svg text.ink").first.evaluate(ink) == "rgb(27, 31, 36)"


def test_forced_colours_replace_every_colour_of_a_picture(show):
    page = show(VIEWS["jacobian"]())
    page.emulate_media(forced_colors="active")
    colours = page.locator("svg text").evaluate_all("es => es.map(e => getComputedStyle(e).fill)")
    system = page.evaluate("getComputedStyle(document.querySelector('main')).color")
    assert set(colours) == {system}
