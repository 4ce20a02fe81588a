"""The ladder in a browser: folds, iterations, edges, NaN, the listing, thousands of rows."""

import re

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import shut_out
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]

POINT = {"w": 0.5 * np.eye(2), "b": np.ones(2)}


@pytest.fixture
def show(page, tmp_path):
    """Open views as one page, from a file."""

    def shown(*views):
        markup = views[0]._page()
        markup = markup.replace("</main>", "".join(v.html() for v in views[1:]) + "</main>")
        (tmp_path / "view.html").write_text(markup, "utf-8")
        page.goto((tmp_path / "view.html").as_uri())
        expect(page.locator(".okl .line, .okl .item").first).to_be_visible()
        return page

    return shown


def layers(x, count=40):
    for _ in range(count):
        x = jnp.tanh(x @ np.eye(3)) * 2.0
    return x.sum()


def zigzag(x):
    """1,000 equations in an order that has no period, so that nothing folds."""
    for k in np.random.default_rng(0).integers(0, 5, 1000):
        x = (jnp.sin, jnp.cos, jnp.tanh, jnp.arctan, jnp.abs)[k](x)
    return x


def press(page, key, times=1):
    page.locator(".scroll").first.focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_a_fold_shows_the_step_inside_it_and_opens(show):
    page = show(ok.graph(layers, np.ones(3)))
    fold = page.get_by_role("button", name="matmul, tanh, multiply × 40 (40 rows)")
    expect(page.locator(".item .cell.primal")).to_have_count(1)  # the sum after the fold
    press(page, "ArrowDown", 5)
    expect(page.locator(".peek [aria-current=step]")).to_contain_text("v4 = v3 @")
    press(page, "Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    block = page.get_by_role("button", name="matmul, tanh, multiply 2 of 40 (3 rows)")
    expect(block).to_have_attribute("aria-expanded", "false")
    press(page, "Enter")
    expect(block).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".cell.primal [aria-current=step]")).to_contain_text("v4 = v3 @")
    fold.click()
    expect(page.locator(".item .cell.primal")).to_have_count(1)


def places(page):
    """Where the current step is marked: the classes of each cell of the ladder."""
    return page.locator(
        ".item > [role=cell]", has=page.locator("[aria-current=step]")
    ).evaluate_all("all => all.map(cell => cell.className)")


PLACE = {"primal": "first", "local_derivative": "partial", "adjoint": "derivative"}


@pytest.mark.parametrize("width", [760, 1280])
def test_a_closed_fold_is_stepped_in_the_columns_of_its_lines(show, page, width):
    page.set_viewport_size({"width": width, "height": 900})
    view = ok.graph(lambda x: jax.nn.softmax(x)[0] * 2.0, np.ones(3))
    show(view)
    model = view.model()
    (fold,) = [row for row in model["rows"] if row["fold"]]
    inside = {row["path"] for row in fold["children"]}
    steps = model["steps"]
    primal = [k for k, s in enumerate(steps) if s["row"] in inside and s["column"] == "primal"]
    assert len(primal) > 3
    value = page.locator("[data-path]", has=page.get_by_role("button", name="softmax"))
    value = value.locator(".cell.primal .value")
    for k, step in enumerate(steps):
        press(page, "ArrowRight")
        assert places(page) == [PLACE[step["column"]]]
        assert value.is_visible() == (k >= primal[-1])


def test_a_checkpoint_shows_the_steps_inside_it(show):
    def f(x):
        return jax.checkpoint(lambda x: jnp.sin(jnp.sin(x) * x))(x) * 2

    view = ok.graph(f, 0.3)
    page = show(view)
    closed = page.locator("[data-path='0']")
    expect(closed.locator(".first")).to_have_text("3 rows inside checkpoint")
    for step in view.model()["steps"]:
        press(page, "ArrowRight")
        assert places(page) == [PLACE[step["column"]]]
    closed.get_by_role("button").click()
    again = page.locator(".line", has_text="v1.1 = sin(x)").locator(".value")
    expect(again).to_be_visible()  # the backward pass computes it once more
    press(page, "ArrowLeft")
    expect(again).to_be_hidden()


def test_values_in_the_body_of_a_loop_appear_when_the_loop_has_run(show):
    view = ok.graph(corpus.rnn, POINT)
    page = show(view)
    steps = view.model()["steps"]
    (forward,) = [k for k, s in enumerate(steps) if s["words"].startswith("Primal: v4, v5")]
    (backward,) = [k for k, s in enumerate(steps) if "its rule: w_bar, b_bar" in s["words"]]
    page.get_by_role("button", name="inside scan").click()
    inside = page.locator(f"[data-path^='{steps[forward]['row']}.']")
    lines = {column: inside.locator(f".cell.{column} .value").first for column in PLACE}
    for k in range(len(steps)):
        press(page, "ArrowRight")
        seen = {column: line.is_visible() for column, line in lines.items()}
        assert seen == {
            "primal": k >= forward,
            "local_derivative": k >= forward,
            "adjoint": k >= backward,
        }


def test_edges_lead_to_a_fold_and_from_it(show):
    page = show(ok.graph(lambda x: jax.nn.softmax(x)[0] * 2.0, np.ones(3)))
    fold = page.get_by_role("button", name="softmax")
    closed = page.locator(".edges path").count()
    fold.hover()
    focus = page.locator(".edges .focus")
    starts = focus.evaluate_all("all => new Set(all.map(path => path.getAttribute('d'))).size")
    assert starts == 2  # from x, and to the slice
    fold.click()
    assert page.locator(".edges path").count() > closed


def test_a_loop_s_iteration_can_be_chosen(show):
    xs = jnp.array([0.5, 2.0, 3.0])
    page = show(ok.graph(lambda c: jax.lax.scan(lambda c, a: (c * a, c), c, xs)[0], 2.0))
    page.get_by_role("button", name="inside scan").click()
    line = page.locator(".cell.primal .line").filter(has_text=" * ").first
    seen = []
    for choice in ("0", "1", "2"):
        page.get_by_label("iteration").select_option(choice)
        seen.append(float(line.locator(".value").text_content()))
    assert seen == pytest.approx([1.0, 2.0, 6.0])
    expect(page.get_by_label("iteration")).to_be_focused()


def test_edges_show_what_feeds_a_row_and_what_it_feeds(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    edges = page.locator(".edges path")
    assert edges.count() == 13  # every use of a value, and the output
    page.locator("[data-path='2'] .cell.primal").hover()
    expect(page.locator(".edges .focus")).to_have_count(4)  # rows 1 and 2 feed it; it feeds 4 and 5
    expect(page.locator("[data-path='2'] .path")).to_contain_text("reads 1, 2 feeds 4, 5")
    page.mouse.move(1, 1)
    press(page, "End")
    expect(page.locator(".edges .focus")).to_have_count(0)
    assert (
        page.locator(".edges .adjoint").count() == 2
    )  # the backward pass, from row 3 through 1 to x


def test_the_first_nan_is_one_key_away(show):
    page = show(ok.graph(lambda x: jnp.log(x - 2.0) * x, 2.0))
    press(page, "n")
    words = page.get_by_role("status")
    expect(words).to_contain_text("v2 = log(v1), which is -inf. v2 holds NaN or inf.")
    press(page, "n")
    expect(words).to_contain_text("Adjoint")
    assert page.locator(".line.bad").count() >= 2
    page.get_by_role("button", name="NaN or inf (n)").click()
    expect(words).to_contain_text("v2 = log(v1)")


def test_each_step_shows_its_product(show):
    page = show(ok.graph(lambda x: jnp.sin(x) * 3.0, 0.5))
    press(page, "End")
    terms = page.locator(".product .term .value").all_text_contents()
    left, right, product = map(float, terms)
    assert left == pytest.approx(np.cos(0.5), rel=1e-6)
    assert left * right == pytest.approx(product, rel=1e-6)
    expect(page.locator(".words")).to_contain_text(
        "v1 = sin(x); adjoint of x = cos(x) · adjoint of v1"
    )


def test_the_listing_stands_beside_the_ladder_and_both_show_the_step(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    page.get_by_role("button", name="Listing").click()
    press(page, "ArrowDown", 11)
    current = page.locator("[aria-current=step]")
    expect(current).to_have_count(2)
    assert len(set(current.all_text_contents())) == 1
    page.get_by_role("button", name="Ladder").click()
    expect(page.locator(".pane.ladder")).to_have_count(0)
    page.get_by_role("button", name="Listing").click()  # the last one stays
    expect(page.locator(".pane.listing")).to_have_count(1)


def test_pointing_at_a_line_marks_its_row_in_both_panes(show):
    page = show(ok.graph(corpus.logistic, 0.2))
    page.get_by_role("button", name="Listing").click()
    page.locator(".pane.listing .line", has_text="v9 = v7 * v8").hover()
    expect(page.locator(".pane.listing .linked")).to_have_count(3)  # and two adjoint equations
    expect(page.locator(".pane.ladder .linked")).to_have_count(3)


def test_local_derivatives_have_a_column_where_there_is_room(show, page):
    show(ok.graph(lambda x: jnp.sin(x) * jnp.exp(x), 0.3))
    heads = page.get_by_role("columnheader").all_text_contents()
    assert [h.split()[0] for h in heads] == ["row", "■", "◆", "residuals", "▲"]

    def left(text):
        return page.locator(".line", has_text=text).first.bounding_box()["x"]

    assert left("v1 = sin(x)") < left("c1 = cos(x)") < left("x_bar = x_bar.1")
    page.set_viewport_size({"width": 760, "height": 900})
    expect(page.locator("[data-three]")).to_have_count(0)
    assert left("v1 = sin(x)") == left("c1 = cos(x)") < left("x_bar = x_bar.1")


def test_a_row_of_a_long_program_can_be_named(show):
    view = ok.graph(layers, np.ones(3), 60)
    page = show(view)
    box = page.get_by_role("textbox", name="row")
    box.fill("65")
    box.press("Enter")
    expect(page.locator("[aria-current=step]")).to_contain_text("v65 = tanh(v64)")
    box.fill("9999")
    box.press("Enter")
    expect(page.get_by_role("status")).to_have_text("There is no row 9999.")
    residuals = sum(not r.free for r in view.program.residuals)
    expect(page.locator(".rung .keep").first).to_have_text(f"{residuals} values")


def test_two_views_of_one_program_step_together(show):
    view = ok.graph(corpus.logistic, 0.2)
    page = show(view, view.listing(), ok.graph(corpus.logistic, 0.3))
    page.get_by_role("button", name="one step on").nth(1).click()
    counts = page.locator(".count").all_text_contents()
    assert counts == ["step 1 of 24", "step 1 of 24", "24 steps"]


def test_of_many_rows_only_those_in_sight_are_on_the_page(show):
    page = show(ok.graph(zigzag, 0.3))
    items = page.locator(".canvas .item")
    assert items.count() < 60
    table = page.get_by_role("table")
    assert int(table.get_attribute("aria-rowcount")) > 990
    press(page, "End")
    expect(page.locator("[aria-current=step]")).to_be_in_viewport()
    page.locator(".scroll").evaluate("box => { box.scrollTop = box.scrollHeight }")
    expect(page.locator(".end").last).to_contain_text("seed")
    indices = items.evaluate_all("all => all.map(item => Number(item.ariaRowIndex))")
    assert indices == sorted(indices)
    assert items.count() < 60


def test_a_zero_derivative_is_told_in_the_row_of_its_input(show):
    page = show(ok.graph(lambda x, y: y * 2.0, corpus.X, 2.0))
    expect(page.locator(".end").first).to_contain_text(
        "zero: no derivative flows from x to the output"
    )


def test_on_a_phone_every_value_can_be_read(show, page):
    page.set_viewport_size({"width": 360, "height": 740})
    show(ok.graph(corpus.rnn, POINT))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="inside scan").click()
    line = page.locator(".line", has_text="= tanh(").first
    value = line.locator(".value").text_content()
    line.click()
    words = page.get_by_role("status")
    expect(words).to_contain_text(value)
    assert words.evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_listings_folds_and_loops_shut_nobody_out(show, page, scheme, width):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    show(ok.graph(layers, np.ones(3)), ok.graph(corpus.rnn, POINT))
    page.get_by_role("button", name="Listing").first.click()
    page.get_by_role("button", name="inside scan").click()
    press(page, "End")
    assert shut_out(page) == []


def test_forced_colours_keep_the_current_step_visible(show, page):
    page.emulate_media(forced_colors="active")
    show(ok.graph(corpus.logistic, 0.2))
    press(page, "ArrowDown")
    style = page.locator("[aria-current=step]").evaluate(
        "line => getComputedStyle(line).outlineStyle"
    )
    assert style == "solid"


def test_an_empty_program_says_so(show, log):
    page = show(ok.graph(lambda x: x, 2.0))
    expect(page.get_by_role("status")).to_contain_text("This program has no equations.")
    assert page.get_by_role("button", name="▶ Play").is_disabled()
    assert re.search(r"x_bar = 1\.0", page.locator(".end").first.text_content())
    assert log.errors == []


def test_a_player_stays_below_the_bar_of_the_page_that_it_is_on(show):
    page = show(ok.graph(layers, np.ones(3)), ok.graph(zigzag, 0.3))
    page.add_style_tag(
        content="""
        :root { --olympus-top: 56px }
        #bar { position: fixed; inset: 0 0 auto; height: 56px; z-index: 3; background: white }
        """
    )
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), {id: 'bar'}))")
    page.set_viewport_size({"width": 900, "height": 400})
    dock = page.locator(".dock").first
    page.evaluate("y => scrollTo(0, y)", dock.bounding_box()["y"] + 60)
    assert round(dock.bounding_box()["y"]) == 56
    above = "document.elementFromPoint(innerWidth / 2, 50).id"
    assert page.evaluate(above) == "bar"


def test_a_loop_says_what_goes_into_the_iteration_that_is_chosen(show):
    def loop(x):
        return jax.lax.scan(lambda c, a: (c * a, None), 1.0, x)[0]

    page = show(ok.graph(loop, np.array([2.0, 3.0, 5.0])))
    page.get_by_role("button", name="3 rows inside scan").click()
    entry = page.locator('[data-path="0.0.in"]')
    expect(entry).to_contain_text(re.compile(r"v1\.carry1 = 1\.0, then (v1\.\d)1\.0"))
    expect(entry).to_contain_text(re.compile(r"v1\.\d_bar = v1_bar, then v1\.carry1_bar"))
    page.get_by_label("iteration").select_option("3 of 3")
    expect(entry.locator(".cell.primal")).to_contain_text("6.0")  # 2 times 3
    expect(entry.locator(".cell.adjoint")).to_contain_text("1.0")
