"""Each view by keyboard alone: what a screen reader is told of each stop, and of each step."""

import corpus
import jax.numpy as jnp
import numpy as np
import pytest
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]


def waves(x):
    return jnp.sum(jnp.sin(x) * x)


PLAYER = ["button one step on", "button to the last step", "button ▶ Play", "slider step"]
VIEWS = {
    "ladder": lambda: ok.graph(corpus.logistic, 0.2),
    "jacobian": lambda: ok.jacobian_shapes(lambda x: jnp.sin(x) * x, jnp.ones(3)),
    "memory": lambda: ok.memory(waves, jnp.ones(3)),
    "cost": lambda: ok.cost(waves, np.ones(3)),
    "push_pull": lambda: ok.push_pull(lambda p: p * p[0], np.array([1.0, 0.5])),
    "chain": lambda: ok.chain([20, 10, 5, 2]),
}
# role and name of each stop of the Tab key
STOPS = {
    "ladder": [*PLAYER, "button Ladder", "button Listing", "group the ladder: arrow keys step"],
    "jacobian": [*PLAYER, "group the Jacobian: arrow keys step", "button ∂y[0] / ∂x[0] = "],
    "memory": [*PLAYER, "group the memory: arrow keys step", "img v1: 24 bytes, made at 1"],
    "cost": ["group the costs: Enter goes to its parts", "img f: 1.00× "],
    "push_pull": [
        *(f"button {name}: drag it, or use the arrow keys" for name in "vxu"),
        *(f"slider {name}[{k}]" for name in "xvu" for k in range(2)),
    ],
    "chain": [
        "slider n, entries of x",
        "slider m, entries after f1",
        "slider d, entries after f2",
        "slider p, entries of the result",
        "group table of orders",
    ],
}


@pytest.fixture
def show(page, tmp_path):
    """Open a view, with the focus before it."""

    def shown(name):
        view = VIEWS[name]()
        page.goto(view.save(tmp_path / "view.html").as_uri())
        expect(page.locator(".okl").first).to_be_visible()
        return view

    return shown


def focused(page):
    """Return role and name of what has the focus, from the accessibility tree."""
    line = page.locator(".okl :focus").aria_snapshot().splitlines()[0]
    role, _, rest = line.removeprefix("- ").strip("'").partition(" ")
    return f"{role} {rest.removeprefix(chr(34)).partition(chr(34))[0]}"


def value(page):
    """Return what is spoken as the value of the slider that has the focus."""
    return page.locator(".okl :focus").get_attribute("aria-valuetext")


@pytest.mark.parametrize("name", VIEWS)
def test_tab_stops_have_roles_and_names(show, page, name):
    show(name)
    seen = []
    for _ in STOPS[name]:
        page.keyboard.press("Tab")
        seen.append(focused(page))
    assert [s[: len(stop)] for s, stop in zip(seen, STOPS[name], strict=True)] == STOPS[name]


@pytest.mark.parametrize("name", ["ladder", "jacobian", "memory"])
def test_each_step_is_announced(show, page, name):
    steps = show(name).model()["steps"]
    for _ in PLAYER:
        page.keyboard.press("Tab")
    assert value(page) == "all steps"
    status = page.locator(".words[role=status]")
    for k, step in enumerate(steps):
        page.keyboard.press("ArrowRight")
        assert value(page) == f"step {k + 1} of {len(steps)}"
        assert " ".join(step["words"].split())[:60] in " ".join(status.text_content().split())
    if name == "ladder":
        expect(page.locator("[aria-current=step]")).to_contain_text("x_bar = x_bar.1 + x_bar.2")


def test_the_parts_of_a_picture_are_announced(show, page):
    show("cost")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for part in ("f", "jvp", "grad"):
        assert focused(page).startswith(f"img {part}: ")
        said = page.get_by_role("status").text_content().split()
        assert ["img", *said] == focused(page).split()
        page.keyboard.press("ArrowDown")


@pytest.mark.parametrize(
    ("name", "key", "before", "after"),
    [
        ("chain", "Home", "n, entries of x = 20", "n, entries of x = 1"),
        ("push_pull", "ArrowRight", "x[0] = 1", "x[0] = 1.25"),
    ],
)
def test_a_slider_says_the_number_that_stands_beside_it(show, page, name, key, before, after):
    show(name)
    sliders = page.get_by_role("slider")
    for k in range(sliders.count()):
        sliders.nth(k).focus()
        label = page.locator("label", has=page.locator(":focus"))
        assert value(page) == f"{focused(page)[7:]} = {label.locator('output').text_content()}"
    sliders.first.focus()
    assert value(page) == before
    finding = page.get_by_role("status").first
    said = finding.text_content()
    page.keyboard.press(key)
    assert value(page) == after
    assert finding.text_content() != said


def test_a_handle_that_is_moved_tells_its_slider(show, page):
    show("push_pull")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.get_by_role("slider", name="v[0]").focus()
    assert value(page) == "v[0] = 1.1"
