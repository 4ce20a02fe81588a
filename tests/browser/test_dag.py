"""Nodes and arrows in a browser: stepped by mouse and by keyboard, readable by everybody."""

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import axe_findings
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = pytest.mark.browser


def my_fun(x, y):
    return x * jnp.sin(y) + jnp.cos(x)


@pytest.fixture
def show(page, serve, tmp_path):
    """Save a view as a page, and open it."""

    def shown(*views):
        markup = views[0]._page()
        markup = markup.replace("</main>", "".join(v.html() for v in views[1:]) + "</main>")
        (tmp_path / "view.html").write_text(markup, "utf-8")
        page.goto(serve(tmp_path) + "view.html")
        expect(page.locator(".okl")).to_have_count(len(views))
        return page

    return shown


def dag(f, *args, mode="reverse"):
    return ok.graph(f, *args, argnums="all", mode=mode, layout="dag")


def node(page, text):
    return page.locator(".node").filter(has_text=text)


@pytest.mark.usefixtures("x64")
class TestStepping:
    def test_values_go_down_and_adjoints_come_back(self, show, log):
        page = show(dag(my_fun, 0.5, 0.75))
        partial = jax.grad(my_fun)(0.5, 0.75)
        adjoint = node(page, "in  x").locator("text.adjoint")
        assert float(adjoint.text_content().split(" = ")[1]) == pytest.approx(
            float(partial), rel=1e-6
        )
        step = page.get_by_role("button", name="one step on")
        step.click()
        expect(adjoint).to_be_hidden()
        expect(node(page, "v1 = sin(y)").locator("text.primal")).to_be_visible()
        expect(node(page, "v2 = x * v1").locator("text.primal")).to_be_hidden()
        assert page.locator(".node.now text").first.text_content() == "v1 = sin(y)"
        for _ in range(7):
            step.click()
        assert page.locator(".arrow.now .adjoint").all_text_contents() == ["▲ -0.4794255"]
        page.get_by_role("button", name="to the last step").click()
        expect(adjoint).to_be_visible()
        assert page.locator(".later").count() == 0
        assert log.errors == []

    def test_the_sum_of_two_contributions_is_marked_on_its_own_node(self, show):
        page = show(dag(corpus.logistic, 0.2))
        page.get_by_role("slider", name="step").fill("13")
        expect(page.locator(".words")).to_contain_text("v6_bar = v6_bar.1 + v6_bar.2")
        assert page.locator(".node.now text").first.text_content() == "v6 = v4 * v5"
        assert page.locator("[aria-current=step]").count() == 1

    def test_by_keyboard(self, show):
        page = show(dag(my_fun, 0.5, 0.75))
        page.get_by_role("group", name="the nodes and arrows: arrow keys step").focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".count")).to_have_text("step 1 of 12")
        page.keyboard.press("Tab")  # the first node: x
        focused = page.get_by_role("button", name="in x, primal 0.5")
        expect(focused).to_be_focused()
        assert page.locator(".arrow.near").count() == 2  # x is used twice
        page.keyboard.press("Enter")  # to the step at which x gets its adjoint
        expect(page.locator(".count")).to_have_text("step 11 of 12")
        expect(page.get_by_role("button", name="in x, primal 0.5, adjoint x_bar")).to_be_focused()
        page.keyboard.press("ArrowDown")  # to the node below, not to another step
        expect(page.get_by_role("button", name="v3 = cos(x), primal 0.8775826")).to_be_focused()
        expect(page.locator(".say")).to_contain_text("v3 = cos(x), primal 0.8775826")
        page.keyboard.press("Escape")
        page.keyboard.press("Home")
        expect(page.locator(".count")).to_have_text("12 steps")

    def test_a_click_on_a_node_goes_to_its_next_step(self, show):
        page = show(dag(my_fun, 0.5, 0.75))
        node(page, "v2 = x * v1").click()
        expect(page.locator(".words")).to_contain_text("Primal: v2 = x * v1")
        node(page, "v2 = x * v1").click()
        expect(page.locator(".words")).to_contain_text("v4_bar")

    def test_it_shares_its_step_with_the_ladder_of_the_same_program(self, show):
        page = show(
            dag(corpus.logistic, 0.2), ok.graph(corpus.logistic, 0.2), dag(my_fun, 1.0, 2.0)
        )
        page.get_by_role("button", name="one step on").first.click()
        expect(page.locator(".count").nth(1)).to_have_text("step 1 of 24")
        expect(page.locator(".count").nth(2)).to_have_text("12 steps")


def test_the_first_nan_is_one_key_away(show):
    page = show(dag(lambda x: jnp.log(x - 2.0) * x, 2.0))
    page.locator(".pictures").focus()
    page.keyboard.press("n")
    expect(page.locator(".words")).to_contain_text("v2 holds NaN or inf")
    assert node(page, "v2 = log(v1)").get_attribute("aria-current") == "step"
    assert page.locator(".strip .bad").count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
def test_it_shuts_nobody_out(show, page, scheme, mode):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    show(dag(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)}, mode=mode))
    page.get_by_role("button", name="one step on").click()
    assert axe_findings(page) == []
    for box in [n.bounding_box() for n in page.locator(".node, .okl button").all()]:
        assert min(box["width"], box["height"]) >= 43.9
    assert (
        page.locator(".box").first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
    )
    paper = page.locator(".box").last.evaluate("e => getComputedStyle(e).fill")
    assert paper == ("rgb(15, 20, 26)" if scheme == "dark" else "rgb(255, 255, 255)")


def test_a_phone_can_show_it(show, page):
    page.set_viewport_size({"width": 360, "height": 740})
    show(dag(corpus.logistic, 0.2))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for k in range(0, 24, 5):
        page.get_by_role("slider", name="step").fill(str(k))
        box = page.locator(".node.now").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360  # it was scrolled to


def test_a_program_without_equations(show):
    page = show(dag(lambda x: x, 2.0))
    expect(page.locator(".words")).to_have_text("This program has no equations.")
    assert page.locator(".node").count() == 1


def test_a_hostile_name_stays_text(show, log):
    name = "<img src=x onerror=alert(1)>"
    page = show(dag(lambda d: d[name] * 2, {name: 1.0}))
    assert page.locator(".okl img").count() == 0
    assert name in page.locator(".node").first.text_content()
    assert log.errors == []


def test_on_paper_no_part_of_a_picture_is_cut(show):
    page = show(dag(lambda a, b, c, d: (a, a + b, (a + b) + (c + d)), 1.0, 2.0, 3.0, 4.0))
    page.set_viewport_size({"width": 500, "height": 800})
    page.emulate_media(media="print")
    picture = page.locator(".pictures svg")
    width = picture.evaluate("svg => svg.getBoundingClientRect().width")
    assert 0 < width <= picture.evaluate("svg => svg.parentElement.clientWidth")
    assert width < float(picture.get_attribute("width"))  # it was wider, and is drawn smaller
