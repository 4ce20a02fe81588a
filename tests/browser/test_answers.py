"""Figures that answer back: quizzes, questions, sliders; by mouse, touch and keyboard."""

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

X = (0.0, 1.0)


def pair(v):
    return jnp.stack([v[0] * v[1], jnp.sin(v[2])])


def arguments(n):
    if n == 2:
        raise ValueError("two is too few")
    return jnp.ones(n)


def branching(x):
    return jax.lax.cond(x > 0.5, jnp.log, lambda u: jnp.log(u - 0.2), x)


def doubled(p):
    return p * p[0]


def entry():
    return ok.jacobian_shapes(pair, jnp.ones(3)).explore({"v[1]": (0.0, 4.0)}, frames=5)


def raising():
    view = ok.memory(lambda x: x.sum(), jnp.ones(1))
    return view.explore(arguments=arguments, n=[1, 2, 3])


VIEWS = {
    "quiz": lambda: ok.quiz("04"),
    "ask": lambda: ok.graph(corpus.logistic, 0.2, ask=True),
    "saved": lambda: ok.memory(corpus.logistic, 0.2, ask=True),
    "shape": lambda: ok.jacobian_shapes(pair, jnp.ones(3), ask="shape"),
    "ladder": lambda: ok.graph(corpus.logistic, 0.2).explore(x=X),
    "jacobian": entry,
    "plane": lambda: ok.push_pull(doubled, jnp.ones(2)).explore({"x[0]": [0.5, 1.0, 2.0]}),
    "still plane": lambda: ok.push_pull(doubled, jnp.ones(2)),
    "errors": raising,
    "gallery": ok.gallery,
    "jacobians": lambda: ok.gallery(show="jacobian"),
    "branches": lambda: ok.graph(branching, 0.9).explore(x=X, frames=5),
}


@pytest.fixture(scope="module")
def views():
    """The views that a test asks for, each made once."""
    made = {}

    def view(name):
        if name not in made:
            with jax.enable_x64(True):
                made[name] = VIEWS[name]()
        return made[name]

    return view


@pytest.fixture
def show(page, serve, tmp_path, views):
    """Put views on one page and open it."""
    address = serve(tmp_path)

    def shown(*names):
        body = "".join(views(name).html() for name in names)
        head = "<!doctype html><html lang='en'><meta charset='utf-8'><title>t</title>"
        head += "<meta name='viewport' content='width=device-width'><link rel='icon' href='data:,'>"
        (tmp_path / "page.html").write_text(f"{head}<main><h1>t</h1>{body}</main></html>", "utf-8")
        page.goto(address + "page.html")
        expect(page.locator(".okl").first).to_be_visible()
        return page

    return shown


@pytest.fixture(autouse=True)
def quiet(log):
    """No page complains, and none asks for anything elsewhere."""
    yield
    assert log.errors == []
    assert log.left("http://127.0.0.1") == []


def question(page, number):
    return page.locator(".question").nth(number)


# ---- quizzes ------------------------------------------------------------------------------------


def test_a_wrong_answer_is_explained_and_a_right_one_praised(show):
    page = show("quiz")
    third = question(page, 2)
    third.get_by_role("button", name="the cotangent of x", exact=True).click()
    expect(third.get_by_role("status")).to_contain_text("✗ Not this. It is inside a tuple.")
    expect(third.get_by_role("status")).to_contain_text("Read: “The comma in")
    third.get_by_role("button", name="a tuple with one entry").click()
    expect(third.get_by_role("status")).to_contain_text("✓ Right.")
    expect(third.locator("[aria-pressed=true]")).to_have_count(1)


def test_shapes_and_numbers_are_typed(show):
    page = show("quiz")
    shape, number = question(page, 0), question(page, 4)
    shape.get_by_role("textbox").fill("5")
    shape.get_by_role("textbox").press("Enter")
    expect(shape.get_by_role("status")).to_contain_text("what comes back")
    shape.get_by_role("textbox").fill("(7,2)")
    shape.get_by_role("button", name="Answer").click()
    expect(shape.get_by_role("status")).to_contain_text("✓ Right.")
    for typed, told in [
        ("six", "Type a number, such as"),
        ("3", "overwritten"),
        ("100", "Two contributions arrive at x"),
        ("6.0", "✓ Right."),
    ]:
        number.get_by_role("textbox").fill(typed)
        number.get_by_role("textbox").press("Enter")
        expect(number.get_by_role("status")).to_contain_text(told)


def test_the_browser_remembers_and_forgets(show):
    page = show("quiz")
    count = page.get_by_role("status").filter(has_text="answered")
    expect(count).to_have_text("0 of 7 answered, 0 right.")
    question(page, 3).get_by_role("button", name="v8_bar = v7 * v9_bar").click()
    question(page, 2).get_by_role("button", name="the Jacobian of f at x").click()
    question(page, 0).get_by_role("textbox").fill("(9,)")
    question(page, 0).get_by_role("textbox").press("Enter")
    expect(count).to_have_text("3 of 7 answered, 1 right.")
    page.reload()
    expect(count).to_have_text("3 of 7 answered, 1 right.")
    expect(question(page, 3).get_by_role("status")).to_contain_text("✓ Right.")
    expect(question(page, 0).get_by_role("textbox")).to_have_value("(9,)")
    expect(question(page, 0).get_by_role("status")).to_contain_text("✗ Not this.")
    page.get_by_role("button", name="Forget my answers").click()
    expect(count).to_have_text("0 of 7 answered, 0 right.")
    assert page.evaluate("localStorage['olympus-quiz 04_reverse']") == "{}"


def test_a_quiz_is_answered_by_keyboard_alone(show):
    page = show("quiz")
    page.keyboard.press("Tab")
    page.keyboard.type("(7, 2)")
    page.keyboard.press("Enter")
    expect(question(page, 0).get_by_role("status")).to_contain_text("✓ Right.")
    for _ in range(4):  # to its button, to the next question and its button, to the third
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(question(page, 2).locator("[aria-pressed=true]")).to_have_count(1)


def test_a_printed_quiz_has_its_answers_and_no_controls(show):
    page = show("quiz")
    page.emulate_media(media="print")
    choices = question(page, 2).locator(".answers button")
    expect(choices).to_have_count(4)
    assert all(choice.is_visible() for choice in choices.all())
    expect(question(page, 0).locator("input")).to_be_hidden()
    expect(page.get_by_role("button", name="Forget my answers")).to_be_hidden()


# ---- questions before a step or a figure --------------------------------------------------------


def test_the_next_line_is_hidden_until_it_is_guessed(show, views):
    page = show("ask")
    first, second = views("ask").questions[:2]
    lines = page.locator(".pane .line")
    hidden = lines.filter(has_text=first.right.text).first.locator("code").first
    expect(hidden).to_have_css("visibility", "hidden")
    expect(page.get_by_role("button", name="one step on")).to_be_disabled()
    wrong = next(c for c in first.choices if not c.right)
    page.get_by_role("button", name=wrong.text, exact=True).click()
    expect(page.locator(".told")).to_contain_text("✗ Not this.")
    expect(hidden).to_have_css("visibility", "hidden")
    page.get_by_role("button", name=first.right.text, exact=True).click()
    expect(page.locator(".count")).to_have_text(f"step {first.step + 1} of 24")
    expect(hidden).to_have_css("visibility", "visible")
    assert second.step == first.step + 1
    right = second.choices.index(second.right) + 1
    page.keyboard.press(str(right))
    expect(page.locator(".count")).to_have_text(f"step {second.step + 1} of 24")


def test_all_questions_can_be_shown_and_then_everything_is(show, views):
    page = show("ask")
    page.keyboard.press("Tab")
    for k in range(len(views("ask").questions)):
        page.get_by_role("button", name="to the last step").click(force=True)
        expect(page.locator(".question")).to_be_visible()
        assert page.locator(".okl").get_attribute("data-asking") == ""
        page.get_by_role("button", name="Show me").click()
        if k == 0:
            expect(page.locator(".words")).to_contain_text("Adjoint: v9 = v7 * v8")
        while page.get_by_role("button", name="one step on").is_enabled():
            page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    expect(page.locator(".count")).to_have_text("24 steps")
    expect(page.locator(".question")).to_be_hidden()
    assert page.locator(".okl").get_attribute("data-asking") is None


@pytest.mark.parametrize("name", ["saved", "shape"])
def test_a_figure_shows_nothing_before_its_question_is_answered(show, views, name):
    page = show(name)
    finding, text = page.locator(".finding"), page.get_by_text("The same as text")
    for asked in views(name).questions:
        expect(finding).to_be_hidden()
        expect(text).to_be_hidden()
        page.get_by_role("button", name=asked.right.text, exact=True).click()
    expect(finding).to_be_visible()
    expect(text).to_be_visible()
    expect(page.locator(".told").last).to_contain_text("✓ Right.")
    expect(page.get_by_role("button", name="Show me")).to_have_count(0)


# ---- sliders ------------------------------------------------------------------------------------


def outputs(page):
    """What the ladder shows as the value and the derivative."""
    value = page.locator(".item.end").last.locator("code").first.inner_text()
    derivative = page.locator(".item.end").first.locator(".derivative code").inner_text()
    return [float(text.partition("= ")[2]) for text in (value, derivative)]


def test_the_slider_shows_what_jax_computes_there(show):
    page = show("ladder")
    slider = page.get_by_role("slider", name="x", exact=True)
    slider.focus()
    for x in (0.25, 0.3, 0.35):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".place")).to_contain_text(f"x = {x} · ")
        shown = outputs(page)
        assert np.allclose(shown, [corpus.logistic(x), jax.grad(corpus.logistic)(x)], rtol=1e-6)
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(page.locator(".place")).to_contain_text("x = 1 · ")
    assert outputs(page) == [0.0, -64.0]


def test_the_step_stays_and_what_changed_is_marked(show):
    page = show("ladder")
    for _ in range(10):
        page.get_by_role("button", name="one step on").click()
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".count")).to_have_text("step 10 of 24")
    expect(page.locator(".place")).to_contain_text("places changed")
    changed = page.locator(".line [data-changed]")
    assert changed.count() > 10
    expect(changed.first).to_have_css("text-decoration-line", "underline")
    expect(page.get_by_role("slider", name="x", exact=True)).to_be_focused()


def test_a_typed_number_goes_to_the_nearest_point_and_says_so(show):
    page = show("ladder")
    field = page.get_by_role("textbox", name="x, typed")
    field.fill("0.33")
    field.press("Enter")
    expect(page.locator(".place")).to_contain_text("x = 0.35 · the nearest point to 0.33")
    expect(field).to_have_value("0.35")
    field.fill("much")
    field.press("Enter")
    expect(page.locator(".place")).to_have_text("x is a number, such as 0.")


def test_a_figure_with_frames_of_its_own_has_no_slider_above_it(show):
    page = show("still plane")
    expect(page.get_by_role("slider", name="x[0]")).to_be_visible()
    expect(page.locator(".place")).to_have_count(0)


def test_where_a_function_raises_the_last_picture_stays(show):
    page = show("errors")
    finding = page.locator(".finding").inner_text()
    page.get_by_role("slider", name="n", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_contain_text("✗ n = 2: ValueError: two is too few")
    expect(page.locator(".finding")).to_have_text(finding)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_contain_text("n = 3")
    expect(page.locator(".finding")).not_to_have_text(finding)


def test_branches_and_nan_are_said(show):
    page = show("branches")
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("Home")
    expect(page.locator(".place")).to_contain_text("program 1 of 2 · ⚠ NaN or inf")
    page.keyboard.press("End")
    expect(page.locator(".place")).to_contain_text("program 2 of 2")
    expect(page.locator(".place")).not_to_contain_text("NaN")


def test_a_row_that_was_opened_stays_open_at_the_next_point(show):
    page = show("branches")
    opener = page.locator("button[aria-expanded]").first
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("End")
    expect(page.locator(".place")).to_contain_text("x = 1")
    expect(opener).to_have_attribute("aria-expanded", "true")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_the_entry_that_changes_is_the_one_that_is_marked(show):
    page = show("jacobian")
    page.get_by_role("slider", name="v[1]", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Table: ∂y/∂v").click()
    cells = page.locator("td[data-changed]")
    expect(cells).to_have_count(1)
    expect(cells).to_have_text("2.0")


def test_a_function_is_chosen_from_the_gallery(show):
    page = show("gallery")
    expect(page.locator(".place")).to_contain_text("the logistic map")
    page.get_by_role("combobox", name="function").select_option("where, with a NaN")
    expect(page.locator(".place")).to_contain_text("where, with a NaN · ⚠ NaN or inf")
    expect(page.locator(".title")).to_contain_text("root_or_zero, reverse mode")
    page.get_by_role("combobox", name="function").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".title")).to_contain_text("branch, reverse mode")


def test_what_is_chosen_in_one_gallery_is_shown_in_all(show):
    page = show("gallery", "jacobians")
    lists = page.get_by_role("combobox", name="function")
    lists.last.select_option("a scan of four sines")
    expect(page.locator(".place")).to_contain_text(["a scan of four sines"] * 2)
    expect(page.locator(".title").first).to_contain_text("loop, reverse mode")
    assert lists.first.evaluate("list => list.selectedOptions[0].label") == "a scan of four sines"


@pytest.mark.parametrize("name", ["jacobian", "plane"])
def test_a_finger_moves_the_slider(browser, serve, tmp_path, views, name):
    views(name).save(tmp_path / "view.html")
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(serve(tmp_path) + "view.html")
    slider = page.get_by_role("slider").first
    expect(slider).to_be_visible()
    before = page.locator(".place").inner_text()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    expect(page.locator(".place")).not_to_have_text(before)
    context.close()


# ---- all of them --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(show, page, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 800})
    show("quiz", "ask", "saved", "ladder", "branches")
    question(page, 2).get_by_role("button").first.click()
    page.get_by_role("slider", name="x", exact=True).first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-changed]").first).to_be_attached()
    assert shut_out(page) == []


def test_three_explorers_are_small(views):
    import gzip

    body = "".join(views(name).html() for name in ("ladder", "jacobian", "branches"))
    front = set(re.findall(r"<script>.*?</script>", body, re.DOTALL))
    alone = re.sub(r"<script>.*?</script>", "", body, flags=re.DOTALL) + "".join(front)
    assert len(gzip.compress(alone.encode())) < 400_000


# counts what a page does by itself
COUNT = """
window.ticks = 0;
for (const name of ["setInterval", "setTimeout", "requestAnimationFrame"]) {
  const plain = window[name];
  window[name] = (...parts) => { ticks += 1; return plain(...parts); };
}
"""


def test_an_explorer_left_alone_does_nothing(show, page):
    page.add_init_script(COUNT)
    show("ladder", "jacobian")
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place").first).to_contain_text("x = 0.25")
    before = page.evaluate("ticks")
    page.wait_for_timeout(500)
    assert page.evaluate("ticks") == before


def test_nothing_outlives_an_explorer_that_is_taken_away(show):
    page = show("ladder")
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("document.querySelector('[data-state]').remove()")
    expect(page.locator(".okl")).to_have_count(0)
