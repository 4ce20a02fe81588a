"""The views of Jacobians in a browser: filled, explored, dragged; the numbers are jax's."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chrome import axe_findings, shut_out
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]

X = np.array([1.0, 2.0, 3.0])


def f(x):
    return jnp.stack([x[0] * x[1], jnp.sin(x[2])])


def polar(p):
    return p[0] * jnp.stack([jnp.cos(p[1]), jnp.sin(p[1])])


def layer(p):
    return {"y": p["W"] @ p["x"], "size": jnp.sum(p["x"])}


VIEWS = {
    "jacobian": lambda: ok.jacobian_shapes(f, X, mode="forward"),
    "tiles": lambda: ok.jacobian_shapes(jnp.sin, jnp.linspace(0, 3, 100)),
    "comparison": lambda: ok.jacobian_shapes(f, X).compare(np.ones((2, 3))),
    "chain": lambda: ok.chain([20, 10, 5, 1]),
    "blocks": lambda: ok.jacobian_shapes(
        lambda p: {"y": p["W"] @ p["x"]}, {"W": np.ones((2, 3)), "x": X}
    ),
    "push_pull": lambda: ok.push_pull(polar, np.array([1.0, 0.5])),
    "gradient": lambda: ok.jacobian_shapes(
        lambda p: jnp.sum((p["W"] @ X + p["b"]) ** 2), {"W": np.ones((2, 3)), "b": np.ones(2)}
    ),
    "sparsity": lambda: ok.sparsity(lambda x: x[1:] - x[:-1], jnp.ones(9)),
}


@pytest.fixture
def show(page, serve, tmp_path):
    """Save a view as a page, and open it."""

    def shown(view):
        view.save(tmp_path / "view.html")
        page.goto(serve(tmp_path) + "view.html")
        expect(page.locator(".okl").first).to_be_visible()
        return page

    return shown


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def cells(page):
    """The entries of the picture."""
    return page.locator(".pictures .cell")


def test_each_step_fills_one_column(show, log):
    page = show(VIEWS["jacobian"]())
    filled = page.locator(".pictures g:not(.later) > .cell")
    expect(filled).to_have_count(6)
    step = page.get_by_role("button", name="one step on")
    for count in (2, 4, 6):
        step.click()
        expect(filled).to_have_count(count)
    seed = page.locator(".pictures .cursor.now")
    expect(seed).to_have_text("▶ 1")
    box, name = (e.bounding_box() for e in (seed, page.locator("text", has_text="[2]").first))
    assert box["x"] + box["width"] == pytest.approx(name["x"] + name["width"], abs=2)
    expect(page.locator(".words")).to_contain_text("Pass 3 of 3, a JVP: the tangent is 1 at x[2]")
    page.get_by_role("button", name="one step back").click()
    expect(filled).to_have_count(4)
    assert log.errors == []


def test_reverse_mode_fills_rows(show):
    page = show(ok.jacobian_shapes(f, X, mode="reverse"))
    page.get_by_role("button", name="one step on").click()
    expect(page.locator(".pictures g.later > .cell")).to_have_count(3)
    expect(page.locator(".pictures .cursor.now")).to_have_text("▲ 1")


def test_entries_are_jax_s_and_can_be_reached_by_keyboard(show):
    page = show(VIEWS["jacobian"]())
    J = jax.jacfwd(f)(X)
    says = [numbers(c.get_attribute("data-say").split(" = ")[1])[0] for c in cells(page).all()]
    np.testing.assert_allclose(np.sort(says), np.sort(np.ravel(J)), atol=1e-6)
    page.get_by_role("group", name="the Jacobian: arrow keys").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".count")).to_have_text("step 1 of 3")
    page.keyboard.press("Home")  # what is not filled yet cannot be reached
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    entry = "∂y[1] / ∂x[2] = -0.9899925 · row 1, column 2 · central difference"
    expect(page.locator(".say")).to_contain_text(entry)
    expect(page.get_by_role("button", name=entry)).to_be_focused()
    expect(page.locator(".count")).to_have_text("3 steps")
    page.keyboard.press("Enter")  # to the pass that fills it
    expect(page.locator(".count")).to_have_text("step 3 of 3")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".count")).to_have_text("step 2 of 3")
    page.locator("[data-say*='∂y[0] / ∂x[1]']").hover()
    expect(page.locator(".say")).to_contain_text("∂y[0] / ∂x[1] = 1.0")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_pass_opens_as_a_ladder_that_steps(show, log, mode):
    page = show(ok.jacobian_shapes(f, X, mode=mode))
    link = page.get_by_text("The equations of this pass, one by one")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="one step on").click()
    link.click()
    ladder = page.locator("details.inner .okl")
    expect(ladder.locator(".title")).to_contain_text(f"f, {mode} mode with respect to x")
    ladder.get_by_role("button", name="one step on").click()
    expect(ladder.locator(".count")).to_contain_text("step 1 of")
    page.get_by_role("button", name="one step on").first.click()
    expect(page.locator("details.inner .count")).not_to_contain_text("step 1 of")
    page.get_by_role("button", name="one step back").first.click()
    expect(page.locator("details.inner .count")).to_contain_text("step 1 of")
    assert axe_findings(page) == []
    assert log.errors == []


def test_tiles_say_their_range(show):
    page = show(VIEWS["tiles"]())
    assert cells(page).count() == 25 * 25
    page.locator("[data-say^='rows 0–3, columns 0–3']").hover()
    expect(page.locator(".say")).to_contain_text("rows 0–3, columns 0–3: entries from 0.0 to 1.0")


def test_wrong_entries_carry_a_mark_and_the_guess(show):
    page = show(VIEWS["comparison"]())
    wrong = page.locator(".pictures text.adjoint", has_text="✗")
    expect(wrong).to_have_count(5)
    expect(wrong.first).to_have_text("✗ 1.0")


def test_the_groups_of_a_pattern_are_stepped(show):
    page = show(VIEWS["sparsity"]())
    page.get_by_role("button", name="one step on").click()
    assert 4 <= page.locator(".pictures .cursor.now").count() <= 5
    expect(page.locator(".words")).to_contain_text("Pass 1 of 2")


def test_a_gradient_is_drawn_leaf_by_leaf(show):
    page = show(VIEWS["gradient"]())
    for name, count in (("∂y/∂W (2 × 3)", 6), ("∂y/∂b (2)", 2)):
        leaf = page.get_by_role("group", name=name)
        expect(leaf.locator(".cell")).to_have_count(count)


@pytest.mark.parametrize(("label", "place"), [("n, entries of x", 0), ("d, entries after f2", 2)])
def test_sizes_on_sliders_cost_what_python_counts(show, label, place):
    page = show(VIEWS["chain"]())
    slider = page.get_by_role("slider", name=label)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    sizes = [20, 10, 5, 1]
    sizes[place] = int(slider.locator("xpath=..").locator("output").text_content())
    assert sizes[place] > [20, 10, 5, 1][place]
    rows = ok.chain(sizes).rows
    found = [
        [int(x.replace(",", "")) for x in row.locator("td").all_text_contents()[:2]]
        for row in page.locator("tbody tr").all()
    ]
    assert found == [list(row[2:4]) for row in rows]
    expect(page.locator(".title")).to_have_text(ok.chain(sizes).title)
    expect(page.locator(".finding")).to_contain_text(f"{rows[0][2]:,}")


def test_sliders_move_the_point_and_the_vectors(show, log):
    page = show(VIEWS["push_pull"]())
    said = page.locator("p.note[role=status]")
    for name, presses in (("x[0]", 2), ("v[1]", 3), ("u[0]", 4)):
        page.get_by_role("slider", name=name).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
    text = said.text_content()
    assert numbers(text)[:2] == pytest.approx([1.5, 0.5])
    J = np.asarray(jax.jacfwd(polar)(jnp.array([1.5, 0.5])))
    expected = np.array([1.4, 1.0]) @ J @ np.array([1.0, 1.3])
    products = re.findall(r"⟩ = (-?[\d.]+)", page.locator(".finding").text_content())
    assert [float(p) for p in products] == pytest.approx([expected] * 2, abs=2e-3)
    assert log.errors == []


def test_a_map_that_is_not_finite_everywhere_is_drawn(show, log):
    page = show(ok.push_pull(jnp.log, 0.5))
    page.get_by_role("slider", name="x[0]").focus()
    page.keyboard.press("Home")
    expect(page.locator("p.note[role=status]")).to_contain_text("f(x) = [NaN]")
    assert "NaN" not in page.locator(".pictures").inner_html()
    assert log.errors == []


def test_arrows_can_be_dragged(show, page):
    show(VIEWS["push_pull"]())
    before = page.locator("p.note[role=status]").text_content()
    box = page.locator("svg [data-handle=v] .knob").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.up()
    after = page.locator("p.note[role=status]").text_content()
    assert numbers(before)[:2] == numbers(after)[:2]
    assert before != after


def test_handles_are_moved_by_keyboard(show, log):
    page = show(VIEWS["push_pull"]())
    before = page.locator("[data-arrow=Jv] .shaft").get_attribute("d")
    page.get_by_role("button", name="v: drag it, or use the arrow keys").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    values = [page.get_by_role("slider", name=f"v[{k}]").input_value() for k in (0, 1)]
    assert [float(v) for v in values] == pytest.approx([1.1, 1.2])
    assert page.locator("[data-arrow=Jv] .shaft").get_attribute("d") != before
    page.get_by_role("button", name="x: drag it, or use the arrow keys").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("p.note[role=status]")).to_contain_text("x = [0.75, 0.5]")
    for label in page.locator("[data-arrow] text").all():
        box, panel = label.bounding_box(), label.locator("xpath=ancestor::*[name()='svg']")
        outer = panel.bounding_box()
        assert outer["x"] <= box["x"]
        assert box["x"] + box["width"] <= outer["x"] + outer["width"]
    assert log.errors == []


LIVE = """async ([source, state]) => {
  const listeners = {};
  const model = {
    get: (key) => state[key],
    set: (key, value) => { state[key] = value; },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    off: () => {},
    async save_changes() {
      if (!state.point) return;
      state.frame = await answer(state.point);
      for (const listener of listeners["change:frame"]) listener();
    },
  };
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: front } = await import(address);
  front.render({ model, el: document.body });
}"""


def show_live(page, widget, **state):
    """Run the module of a live widget as anywidget does."""
    page.evaluate(LIVE, [widget._esm, {"view": widget.view, "step": -1, **state}])
    expect(page.locator(".okl").first).to_be_visible()


def test_the_live_point_goes_wherever_it_is_dragged(page, log):
    widget = ok.push_pull(polar, np.array([1.0, 0.5])).live()

    def answer(point):
        widget.point = point
        return widget.frame

    page.expose_function("answer", answer)
    show_live(page, widget, frame=widget.frame)
    box = page.locator("svg [data-handle=x]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 33, box["y"] - 20, steps=3)
    page.mouse.up()
    said = page.locator("p.note[role=status]")
    expect(said).not_to_contain_text("x = [1, 0.5]")
    point = [float(f"{x:.4g}") for x in widget.point]
    expect(said).to_contain_text("x = [{}, {}]".format(*point))
    lattice = [frame["x"] for frame in widget.view["frames"]]
    assert all(np.abs(np.subtract(x, point)).max() > 1e-3 for x in lattice)
    J = np.asarray(jax.jacfwd(polar)(jnp.array(widget.point)))
    shown = numbers(re.search(r"J = (\[\[.*?\]\])", said.text_content())[1])
    np.testing.assert_allclose(np.reshape(shown, (2, 2)), J, rtol=1e-3, atol=1e-3)
    assert log.errors == []


def test_a_pass_opens_as_a_ladder_in_a_live_widget(page, log):
    show_live(page, VIEWS["jacobian"]().live())
    page.get_by_role("button", name="one step on").click()
    page.get_by_text("The equations of this pass, one by one").click()
    expect(page.locator("details.inner .okl .title")).to_contain_text("f, forward mode")
    assert log.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_nobody_is_shut_out(show, page, log, name, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    show(VIEWS[name]())
    assert page.locator(".okl").get_attribute("data-dark") == ("" if scheme == "dark" else None)
    assert shut_out(page) == []
    assert log.left(page.url.rsplit("/", 1)[0]) == []
    assert log.errors == []
