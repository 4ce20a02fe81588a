"""The ladder in a browser: stepped by mouse and by keyboard, its numbers those of jax."""

import re
from functools import partial
from itertools import pairwise

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import shut_out
from playwright.sync_api import expect
from test_ladder_reader import block

import olympus_kit as ok

pytestmark = pytest.mark.browser


@pytest.fixture
def show_on(serve, tmp_path):
    """Save a view as a page, and open it in a window."""

    def shown(page, *views):
        markup = views[0]._page()
        if len(views) > 1:
            markup = markup.replace("</main>", "".join(v.html() for v in views[1:]) + "</main>")
        (tmp_path / "view.html").write_text(markup, "utf-8")
        page.goto(serve(tmp_path) + "view.html")
        expect(page.locator(".okl").first).to_be_visible()
        return page

    return shown


@pytest.fixture
def show(page, show_on):
    """Save a view as a page, and open it."""
    return partial(show_on, page)


@pytest.fixture
def touch(browser):
    """A window of the width of a laptop's, on a screen that is touched."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    yield context.new_page()
    context.close()


def count(page):
    return page.locator(".count").first.text_content()


def now(page):
    """The text of the line that is marked as the current step."""
    return page.locator("[aria-current=step] code").first.text_content()


@pytest.mark.usefixtures("x64")
class TestStepping:
    def test_by_mouse(self, show, log):
        page = show(ok.graph(corpus.logistic, 0.2))
        assert count(page) == "24 steps"
        step = page.get_by_role("button", name="one step on")
        for _ in range(10):
            step.click()
        assert count(page) == "step 10 of 24"
        assert "v8_bar = v7 * v9_bar" in now(page)
        assert "Adjoint" in page.get_by_role("status").text_content()
        page.get_by_role("button", name="one step back").click()
        assert "v9 = v7 * v8" in now(page)
        page.get_by_text("v3_bar = v3_bar.1 + v3_bar.2").first.click()
        assert count(page) == "step 19 of 24"
        page.get_by_role("button", name="to the last step").click()
        assert "x_bar = x_bar.1 + x_bar.2" in now(page)
        assert step.is_disabled()
        assert log.errors == []

    def test_by_keyboard(self, show, log):
        page = show(ok.graph(corpus.logistic, 0.2))
        ladder = page.get_by_role("group", name="the ladder")
        ladder.focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        assert count(page) == "step 3 of 24"
        page.keyboard.press("ArrowUp")
        assert "v2 = 1.0 - x" in now(page)
        page.keyboard.press("End")
        assert count(page) == "step 24 of 24"
        page.keyboard.press("Home")
        assert count(page) == "24 steps"
        page.get_by_role("slider", name="step").focus()
        page.keyboard.press("ArrowRight")
        assert count(page) == "step 1 of 24"
        assert log.errors == []

    def test_values_appear_when_they_are_computed(self, show):
        page = show(ok.graph(corpus.logistic, 0.2))
        value = page.locator(".line .value").filter(has_text="9.066086")
        expect(value).to_be_visible()
        page.get_by_role("button", name="one step on").click()
        expect(value).to_be_hidden()
        end = page.locator(".end .adjoint").first
        assert end.text_content() == "▲ x_bar = 9.066086"
        expect(end.locator(".late")).to_be_hidden()
        page.get_by_role("button", name="to the last step").click()
        expect(value.first).to_be_visible()
        expect(end.locator(".late")).to_be_visible()

    def test_play_runs_to_the_end_and_can_be_stopped(self, show):
        page = show(ok.graph(lambda x: x * x, 3.0))
        page.get_by_role("button", name="▶ Play").click()
        expect(page.locator(".count")).to_have_text("step 4 of 4")
        expect(page.get_by_role("button", name="▶ Play")).to_be_visible()

    def test_two_ladders_on_a_page_are_independent(self, show):
        page = show(ok.graph(corpus.logistic, 0.2), ok.graph(lambda x: x * x, 3.0))
        page.get_by_role("button", name="one step on").nth(1).click()
        assert page.locator(".count").all_text_contents() == ["24 steps", "step 1 of 4"]


def test_bodies_open_by_mouse_and_by_keyboard(show):
    page = show(ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)}))
    inside = page.get_by_text("tanh(")
    toggle = page.get_by_role("button", name="inside scan")
    expect(inside.first).to_be_hidden()
    toggle.click()
    expect(inside.first).to_be_visible()
    toggle.press("Enter")
    expect(inside.first).to_be_hidden()
    page.get_by_text("= scan(").first.click()
    page.get_by_role("group", name="the ladder").focus()
    page.keyboard.press("Enter")
    expect(inside.first).to_be_visible()


@pytest.mark.usefixtures("x64")
def test_every_number_is_jax_s_on_a_function_of_this_test(show, log):
    def f(params):
        def turn(c, a):
            c = jnp.tanh(params["w"] * c + a)
            return c, c**2

        last, squares = jax.lax.scan(turn, params["start"], jnp.array([0.5, -0.25]))
        return last * squares.sum()

    point = {"w": 1.25, "start": 0.75}
    page = show(ok.graph(f, point))
    grads = jax.grad(f)(point)

    # the same program, written out without a loop
    c1 = np.tanh(1.25 * 0.75 + 0.5)
    c2 = np.tanh(1.25 * c1 - 0.25)
    ends = [line for line in page.locator(".end code").all_text_contents() if line]
    shown = dict(line.rsplit(" = ", 1) for line in ends)
    numbers = {
        "w": 1.25,
        "start": 0.75,
        "▲ w_bar": grads["w"],
        "▲ start_bar": grads["start"],
    }
    for name, number in numbers.items():
        assert float(shown[name]) == pytest.approx(float(number), rel=1e-6)
    output = [text for name, text in shown.items() if re.fullmatch(r"v\d+", name)]
    assert float(output[0]) == pytest.approx(c2 * (c1**2 + c2**2), rel=1e-6)

    rows = page.locator(".ladder .line")
    texts = rows.all_text_contents()
    scan = next(t for t in texts if "= scan(" in t and "adjoint" not in t)
    found = [float(n) for n in re.findall(r"-?\d+\.\d+", scan.split("iterations)")[1])]
    assert found[:3] == pytest.approx([c2, c1**2, c2**2], rel=1e-6)
    page.get_by_role("button", name="inside scan").click()
    for choice, expected in (("0", c1), ("1", c2)):
        page.get_by_label("iteration").select_option(choice)
        tanh = next(t for t in rows.all_text_contents() if "= tanh(" in t and "primal" in t)
        assert float(tanh.rpartition(")")[2]) == pytest.approx(expected, rel=1e-6)
    assert log.left(page.url.rsplit("/", 1)[0]) == []
    assert log.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
def test_the_ladder_shuts_nobody_out(show, page, scheme, mode):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    show(ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)}, mode=mode))
    assert page.locator(".okl").get_attribute("data-dark") == ("" if scheme == "dark" else None)
    page.get_by_role("button", name="one step on").click()
    assert shut_out(page) == []


def test_a_finger_finds_every_line(touch, show_on):
    show_on(touch, ok.graph(corpus.rnn, {"w": 0.5 * np.eye(2), "b": np.ones(2)}))
    touch.get_by_role("button", name="inside scan").tap()
    touch.get_by_role("button", name="Listing").tap()
    for pane in ("ladder", "listing"):
        lines = touch.locator(f".{pane} .line").all()
        boxes = sorted((line.bounding_box() for line in lines), key=lambda b: (b["x"], b["y"]))
        assert min(box["height"] for box in boxes) >= 44
        for above, below in pairwise(boxes):
            assert above["x"] != below["x"] or above["y"] + above["height"] <= below["y"]


@pytest.mark.usefixtures("x64")
def test_a_listing_is_stepped_like_a_ladder(show):
    page = show(ok.graph(corpus.logistic, 0.2).listing())
    lines = page.locator(".line code:first-child").all_text_contents()
    assert len(lines) == 24
    assert "v8_bar = v7 * v9_bar" in lines[9]
    page.get_by_role("group", name="the listing").focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    assert "v8_bar = v7 * v9_bar" in now(page)


def test_it_works_from_a_file(page, log, tmp_path):
    path = ok.graph(lambda x: x * x, 3.0).save(tmp_path / "x.html")
    page.goto(path.as_uri())
    page.get_by_role("button", name="one step on").click()
    assert count(page) == "step 1 of 4"
    assert log.left("file:") == []


def test_without_script_the_picture_is_left(browser, tmp_path):
    path = ok.graph(lambda x: x * x, 3.0).save(tmp_path / "x.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    picture = page.get_by_role("img", name="f, reverse mode with respect to x")
    assert picture.bounding_box()["width"] > 300
    context.close()


def test_a_phone_can_show_it(show, page):
    page.set_viewport_size({"width": 360, "height": 740})
    show(ok.graph(corpus.logistic, 0.2))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_book_s_ladder_can_be_stepped(page, log, book, serve):
    site = serve(book)
    page.goto(site + "reverse.html")
    name = "ladder: logistic, reverse mode with respect to x"
    view = page.get_by_role("group", name=name).first  # an explorer shows it once more
    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="to the last step").click()
    expect(view.locator("[aria-current=step]")).to_contain_text("9.066086")
    view.get_by_role("group", name="the ladder").focus()
    page.keyboard.press("ArrowUp")
    expect(view.locator(".count")).to_have_text("step 23 of 24")
    assert log.left(site) == []
    assert log.errors == []


@jax.custom_jvp
def log_cosh(x):
    return jnp.logaddexp(x, -x) - jnp.log(2.0)


log_cosh.defjvp(lambda primals, tangents: (log_cosh(*primals), jnp.tanh(*primals) * tangents[0]))


def bent(x):
    return jax.lax.cond(x > 1, lambda x: x**2, lambda x: 2 * x - 1, x)


def doubled(x):
    return jax.lax.while_loop(lambda c: c < 9, lambda c: 2 * c, x)


@pytest.mark.parametrize("width", [390, 720])
def test_no_row_of_a_ladder_lies_over_the_next_one(page, show_on, width):
    """Also where a row opens: the button that opens it is higher than a line."""
    page.set_viewport_size({"width": width, "height": 900})
    forward = ok.graph(doubled, 0.7, mode="forward")
    small = [ok.graph(bent, 3.0), ok.graph(lambda x: log_cosh(x) * x, 1.0), forward]
    shown = show_on(page, *small, block())
    beyond = """ladder => {
      const rows = [...ladder.querySelectorAll(".item:not(.head)")].map((row) => ({
        top: row.getBoundingClientRect().top,
        bottom: Math.max(...[...row.children].map((part) => part.getBoundingClientRect().bottom)),
      })).sort((a, b) => a.top - b.top);
      return rows.slice(1).map((row, k) => rows[k].bottom - row.top);
    }"""
    for k in range(4):
        ladder = shown.locator(".pane.ladder").nth(k)
        expect(ladder.locator(".item.end").first).to_be_visible()
        overlaps = ladder.evaluate(beyond)
        assert len(overlaps) >= 2
        assert max(overlaps) <= 2  # where a line of text has no box around it
