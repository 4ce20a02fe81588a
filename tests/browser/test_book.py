"""The built book in a browser: quiet, reachable, readable by everyone, at home on any host."""

import re
from collections import Counter

import pytest
from chrome import axe_findings
from justhtml import JustHTML
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# axe does not see that a formula is text: a column's head may well be one.
AXE = {"rules": {"empty-table-header": {"enabled": False}}}
PHONE = {"width": 360, "height": 740}
WHOLE = "downloads/olympus-book.html"
# a short page of each kind; all pages are looked at where tests sweep at length
KINDS = ["index", "404", "start", "exercises-00-start", "glossary", "olympus"]


@pytest.fixture
def site(book, serve):
    """The book's address."""
    return serve(book)


@pytest.fixture
def names(book):
    """The files of all pages."""
    found = sorted(path.name for path in book.glob("*.html"))
    assert "index.html" in found
    assert len(found) > 3
    return found


@pytest.fixture(params=["kinds", pytest.param("all", marks=pytest.mark.sweep)])
def looked_at(request, names):
    """The files of a page of each kind, or of all pages."""
    return names if request.param == "all" else [f"{kind}.html" for kind in KINDS]


def test_pages_are_quiet_and_ask_for_nothing_elsewhere(page, log, site, looked_at):
    for name in looked_at:
        page.goto(site + name, wait_until="networkidle")
        assert page.locator("h1").count() == 1
    assert len(log.requests) > len(looked_at)
    assert log.left(site) == []
    assert log.errors == []


@pytest.mark.parametrize(("scheme", "size"), [("light", None), ("dark", PHONE)])
def test_no_page_shuts_anyone_out(page, site, looked_at, scheme, size):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if size:
        page.set_viewport_size(size)
    found = []
    for name in looked_at:
        page.goto(site + name, wait_until="networkidle")
        found += [f"{name}: {line}" for line in axe_findings(page, AXE)]
    assert found == []


FIGURE = re.compile(r"<(olympus-[\w-]+)[^>]*data-state='[^']*'.*?</\1>", re.DOTALL)


def html_problems(book, name):
    """What is wrong with the HTML of a page."""
    text = (book / name).read_text("utf-8")
    yield from (f"{name}: {error}" for error in JustHTML(text, collect_errors=True).errors)
    ids = Counter(re.findall(r'\sid="([^"]*)"', FIGURE.sub("", text)))
    yield from (f"{name}: {place} is there twice" for place, times in ids.items() if times > 1)


def test_every_page_is_valid_html(book, looked_at):
    assert [problem for name in looked_at for problem in html_problems(book, name)] == []


@pytest.mark.sweep
def test_the_whole_book_is_valid_html(book):
    assert list(html_problems(book, WHOLE)) == []


def test_no_page_is_heavy_without_the_data_of_its_figures(book, names):
    sizes = {name: len(FIGURE.sub("", (book / name).read_text("utf-8")).encode()) for name in names}
    assert {name: size for name, size in sizes.items() if size > 300_000} == {}


def test_the_whole_book_is_one_file(page, log, site, names):
    page.goto(site + WHOLE)
    assert page.locator("article").count() == len(names) - 1  # without that for what is missing
    lost = page.evaluate(
        """[...document.querySelectorAll("a[href^='#']")].map((link) => link.hash.slice(1))
        .filter((id) => !document.getElementById(decodeURIComponent(id)))"""
    )
    assert lost == []
    assert page.locator("main details:not([open])").count() == 0
    assert log.left(site) == []
    assert log.errors == []


def test_chapter_exercises_glossary_and_api_lead_to_each_other(page, site):
    page.goto(site + "reverse.html")
    expect(page.locator("h1")).to_have_text("4 Reverse mode: remember, then go back")
    page.get_by_role("link", name="exercises/04_reverse.md").first.click()
    expect(page.locator("h1")).to_have_text("Exercises: remember, then go back")
    expect(page.locator("#contents [aria-current=page]")).to_have_text(
        "Exercises: remember, then go back"
    )
    hints = page.locator("main details", has_text="Hint")
    expect(hints).not_to_have_count(0)
    expect(page.locator("main details[open]")).to_have_count(0)
    hints.first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main details[open]")).to_have_count(1)
    page.locator("a.bk-term", has_text="backward pass").click()
    page.wait_for_url("**/glossary.html#term-*")
    page.get_by_role("link", name="Chapter 4").first.click()
    page.wait_for_url("**/reverse.html#*")
    page.goto(site + "exercises-00-start.html")
    page.get_by_text("Hint 1").click()
    page.get_by_role("link", name="olympus.grad", exact=True).first.click()
    page.wait_for_url("**/olympus.html#*")


def test_a_screen_reader_meets_landmarks_in_order_and_no_signs(page, site):
    page.goto(site + "exercises-00-start.html")
    tree = page.locator("body").aria_snapshot()
    walk = [
        '- link "Skip to the text"',
        "- banner",
        '- navigation "Contents of the book"',
        '- link "0 Start here"',
        "- main",
        "- article",
        'heading "Start here: your first check" [level=1]',
        "- paragraph: At a glance",
        "- group: Hint 1",
        '- navigation "Previous and next page"',
    ]
    places = [tree.find(part) for part in walk]
    assert places == sorted(places)
    assert -1 not in places, tree


def test_the_page_of_contents_tells_level_minutes_and_what_is_answered(page, site):
    page.goto(site)
    chapter = page.locator("main li", has_text="how one backward pass gives a whole gradient")
    expect(chapter.locator(".bk-facts")).to_contain_text("intermediate")
    expect(chapter.locator(".bk-facts")).to_contain_text("100 min")
    expect(chapter.locator(".bk-answered")).to_have_count(0)
    page.evaluate("localStorage.setItem('olympus-quiz 04_reverse', JSON.stringify({a: 1, b: 2}))")
    page.reload()
    expect(chapter.locator(".bk-answered")).to_have_text(" 2 of 7 answered")
    expect(page.locator("main .bk-facts")).to_have_count(16)
    expect(page.get_by_role("heading", name="Cite this course")).to_be_visible()


def test_no_page_is_wider_than_a_phone(page, site, looked_at):
    page.set_viewport_size(PHONE)
    wide = []
    for name in looked_at:
        page.goto(site + name, wait_until="networkidle")
        extra = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wide += [f"{name} by {extra} px"] if extra > 0 else []
    assert wide == []


def test_buttons_are_big_enough_for_a_thumb(page, site):
    page.set_viewport_size(PHONE)
    page.goto(site)
    for button in page.locator(".bk-bar :is(a, button)").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44


def test_every_page_is_reached_by_its_next_link(book, names):
    seen = ["index.html"]
    while link := re.search(r'<a [^>]*rel="next"[^>]*>', (book / seen[-1]).read_text("utf-8")):
        seen.append(re.search(r'href="([^"]*)"', link[0])[1])
        assert seen.count(seen[-1]) == 1
    assert sorted([*seen, "404.html"]) == names


def focused(page, expression="e => e.textContent.trim()"):
    """Return something about the element that has the keyboard."""
    return page.evaluate(f"({expression})(document.activeElement)")


def test_the_keyboard_skips_to_the_text(page, site):
    page.goto(site)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the text"
    page.keyboard.press("Enter")
    assert focused(page, "e => e.id") == "main"


def test_the_keyboard_reaches_the_contents(page, site):
    page.goto(site)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(focused(page, "e => e.getAttribute('href') || e.className"))
    assert {"index.html", "start.html", "olympus.html", "bk-find", "bk-icon bk-shade"} <= reached


def test_the_keyboard_searches(page, log, site):
    page.goto(site)
    page.keyboard.press("/")
    assert focused(page, "e => e.id") == "query"
    page.keyboard.type("jacobian")
    page.wait_for_selector("dialog.bk-search .bk-hits a")
    assert "Found on" in page.inner_text("dialog.bk-search .bk-count")
    page.keyboard.press("Enter")
    target = focused(page, "e => e.href")
    assert target.startswith(site)
    page.keyboard.press("Enter")
    page.wait_for_url(target)
    assert "jacobian" in page.inner_text("main").lower()
    assert log.left(site) == []
    assert log.errors == []


def test_the_search_knows_what_it_does_not_know(page, site):
    page.goto(site)
    page.keyboard.press("/")
    page.keyboard.type("xylophone")
    expect(page.locator(".bk-count")).to_have_text("Found nowhere in the book.")
    expect(page.locator(".bk-hits a")).to_have_count(0)
    page.locator("#query").fill("residual")
    expect(page.locator(".bk-hits a").first).to_be_visible()
    titles = page.locator(".bk-hits a").all_inner_texts()
    assert not [title for title in titles if "#" in title]
    page.keyboard.press("ArrowDown")
    expect(page.locator(".bk-hits a").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#query")).to_be_focused()
    page.mouse.click(5, 5)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_search_closes_and_gives_the_focus_back(page, site):
    page.goto(site)
    page.locator(".bk-find").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert focused(page, "e => e.className") == "bk-find"


def test_a_phone_opens_the_contents(page, site):
    page.set_viewport_size(PHONE)
    page.goto(site)
    assert not page.locator("#contents").is_visible()
    page.locator(".bk-menu").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#contents", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("#contents", state="hidden")


def test_the_choice_of_dark_is_kept(page, site):
    page.emulate_media(color_scheme="light")
    page.goto(site)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click(".bk-shade")
    dark = page.evaluate(paper)
    assert dark != light
    page.goto(site + "olympus.html")
    assert page.evaluate(paper) == dark
    assert page.get_attribute(".bk-shade", "aria-pressed") == "true"


def test_the_contents_say_how_much_of_a_chapter_is_answered(page, log, site):
    page.goto(site + "reverse.html")
    notes, forget = page.locator(".bk-answered"), page.locator(".bk-forget")
    expect(notes).to_have_count(0)
    expect(forget).to_be_hidden()
    quiz = page.get_by_role("group", name="Quiz: what a pullback takes and gives")
    wrong = quiz.get_by_role("button", name="the cotangent of x", exact=True)
    wrong.click()
    expect(quiz.get_by_role("link", name="The comma in (x_bar,)")).to_be_visible()
    expect(notes).to_have_text(" 1 of 7 answered")
    page.goto(site + "slopes.html")
    expect(notes).to_have_text(" 1 of 7 answered")
    expect(page.locator("[data-quiz='04_reverse'] .bk-answered")).to_have_count(1)
    forget.click()
    expect(notes).to_have_count(0)
    assert log.left(site) == []
    assert log.errors == []


def test_code_is_copied(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site + "olympus.html")
    block = page.locator(".bk-code").first
    block.hover()
    block.locator(".bk-copy").click()
    page.wait_for_function("document.querySelector('.bk-copy').textContent === 'Copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == block.locator("code").inner_text().rstrip()


def test_a_page_from_a_disk_can_be_read(page, log, book):
    page.goto((book / "olympus.html").as_uri())
    assert page.locator("h1").is_visible()
    assert not page.locator(".bk-find").is_visible()  # browsers load no index from a disk
    page.click("a[href='index.html'] >> nth=0")
    assert page.url == (book / "index.html").as_uri()
    assert log.errors == []
    assert log.left("file:") == []


def test_nothing_is_hidden_from_a_web_host(book):
    assert (book / ".nojekyll").exists()
