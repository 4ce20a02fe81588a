"""The views of costs in a browser: what the player marks, keys, tables, phones and the dark."""

import re

import jax
import jax.numpy as jnp
import pytest
from chrome import shut_out
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("x64")]

SIZES = [10, 40, 160]


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float64)


def layer(x, a):
    return jnp.tanh(a @ x)


def waves(x):
    return jnp.sum(jnp.sin(jnp.sin(x)) * x)


def swept():
    both = {"jacfwd": jax.jacfwd(layer), "jacrev": jax.jacrev(layer)}
    return ok.cost(both, shape(3), shape(40, 3)).sweep(n=SIZES)


def judged():
    claims = ok.Claims()
    cases = {"a small one": (True, "18,000 against 18,001"), "a deep one": (False, "2 against 1")}
    claims.judge("Forward over reverse is the best Hessian-vector product", cases)
    return claims


VIEWS = {
    "cost": lambda: ok.cost(waves, shape(8)),
    "sweep": swept,
    "memory": lambda: ok.memory(waves, jnp.ones(10)),
    "tradeoff": lambda: ok.tradeoff(jnp.tanh, shape(10), 16, [1, 4, 16]),
    "stopwatch": lambda: ok.stopwatch({"sin": jnp.sin, "cos": jnp.cos}, jnp.ones(9), rounds=6),
    "traps": lambda: ok.timing_traps(jnp.sin, jnp.ones(9), rounds=2),
    "claims": judged,
}


@pytest.fixture(scope="module")
def views():
    """Every view, measured once."""
    with jax.enable_x64(True):
        return {name: make() for name, make in VIEWS.items()}


@pytest.fixture
def show(page, serve, tmp_path, views):
    """Save a view as a page, and open it."""

    def shown(name):
        views[name].save(tmp_path / "view.html")
        page.goto(serve(tmp_path) + "view.html")
        expect(page.locator(".okl").first).to_be_visible()
        return page

    return shown


def test_the_slider_goes_through_the_sizes(show, views, log):
    page = show("sweep")
    cursor, now = page.locator(".cursor.now"), page.locator("tbody tr.now")
    expect(cursor).to_have_count(0)
    places = []
    page.get_by_role("slider", name="step").focus()
    for n in SIZES:
        page.keyboard.press("ArrowRight")
        row = next(r for r in views["sweep"].records() if r["n"] == n and r["name"] == "jacfwd")
        expect(page.locator(".words")).to_contain_text(f"n = {n}: jacfwd {row['flops']:,}; jacrev")
        expect(now.locator("th")).to_have_text(f"n = {n}")
        expect(cursor).to_have_css("visibility", "visible")
        places.append(cursor.bounding_box()["x"])
    assert places == sorted(set(places))
    expect(page.locator(".finding")).to_contain_text("cross between n = 10 and 160, at about 40")
    assert log.errors == []


def test_the_cursor_stands_on_the_points(show):
    page = show("sweep")
    marks = page.locator("svg text", has_text=re.compile("^■$"))
    page.get_by_role("group", name="the curves: arrow keys").focus()
    for k in range(len(SIZES)):
        page.keyboard.press("ArrowRight")
        at = float(page.locator(".cursor.now").get_attribute("points").split(",")[0])
        assert float(marks.nth(k).get_attribute("x")) == pytest.approx(at, abs=0.1)
    page.keyboard.press("Home")
    expect(page.locator(".cursor.now")).to_have_count(0)
    page.keyboard.press("End")
    expect(page.locator(".count")).to_have_text(f"step {len(SIZES)} of {len(SIZES)}")


def test_memory_is_stepped_from_equation_to_equation(show, views):
    view = views["memory"]
    page = show("memory")
    expect(page.locator(".finding")).to_contain_text("Saved for the backward pass: ")
    said = []
    for _ in view.live_bytes:
        page.get_by_role("button", name="one step on").click()
        said.append(page.locator(".words").text_content())
    assert [("the peak" in words) for words in said] == [k == view.at for k in range(len(said))]
    kept = page.locator("tbody tr", has_text="◆")
    expect(kept).to_have_count(sum(r["residual"] for r in view.records()))
    expect(kept.first).to_contain_text("residual")


@pytest.mark.parametrize("name", VIEWS)
def test_the_text_twin_and_the_tables_hold_every_number(show, views, name):
    page = show(name)
    page.get_by_text("The same as text").click()
    twin = page.locator("details pre").text_content()
    assert twin == views[name].text()
    closed = page.locator("summary", has_text="Table: ")
    assert closed.count() == (name != "claims")  # one click away
    for table, element in zip(views[name].tables(), page.locator("table").all(), strict=True):
        rows = [r.locator("th, td").all_text_contents() for r in element.locator("tbody tr").all()]
        assert rows == [list(row) for row in table.rows]
    assert page.locator("svg text").count() > 2 or name == "claims"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_nobody_is_shut_out(show, page, log, name, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    show(name)
    assert page.locator(".okl").get_attribute("data-dark") == ("" if scheme == "dark" else None)
    assert shut_out(page) == []
    assert log.left(page.url.rsplit("/", 1)[0]) == []
    assert log.errors == []


def test_the_colours_of_the_picture_follow_the_page(show, page):
    colors = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        show("cost")
        fill = "e => getComputedStyle(e).fill"
        colors[scheme] = [
            page.locator(f"svg {what}").first.evaluate(fill) for what in ("text", "circle")
        ]
    assert all(a != b for a, b in zip(colors["light"], colors["dark"], strict=True))


def test_claims_are_one_column_on_a_phone(show, page):
    page.set_viewport_size({"width": 360, "height": 740})
    show("claims")
    scroll = page.locator(".scroll").first
    assert scroll.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    cells = [c.bounding_box()["x"] for c in page.locator("tbody tr > *").all()]
    assert len(set(cells)) == 1
