"""The browser that the tests use: Chromium from the machine.

Set CHROMIUM to its path where it has another name. Without one the tests for a browser are left
out, and the summary says how many; with OLYMPUS_REQUIRE_BROWSER=1 they fail instead.
"""

import os
import shutil

import pytest

NO_BROWSER = "no Chromium: install it, or set CHROMIUM to its path"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium():
    """Return the path of Chromium; skip, or fail where a browser is required."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, names):
        if found := shutil.which(name):
            return found
    if os.environ.get("OLYMPUS_REQUIRE_BROWSER") == "1":
        pytest.fail(NO_BROWSER)
    return pytest.skip(NO_BROWSER)


def axe_findings(page, options=None):
    """Return what axe finds wrong on a page: one line for each rule and place."""
    from axe_playwright_python.sync_playwright import Axe

    # on a long page most of the time would go into telling what is right
    options = {"resultTypes": ["violations"], **(options or {})}
    violations = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {n['target']} {n['html'][:120]}" for v in violations for n in v["nodes"]]


CONTROLS = ":is(.okl button, .okl summary, .okl input, .okl select):visible"


def shut_out(page):
    """Return what keeps somebody from using the views of a page: findings, as text."""
    sizes = [
        (control, control.bounding_box()["height"]) for control in page.locator(CONTROLS).all()
    ]
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        *axe_findings(page),
        *(f"{control} is {height} px high" for control, height in sizes if height < 44),
        *[f"the page is {beyond} px wider than the window"] * (beyond > 0),
    ]
