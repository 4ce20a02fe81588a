"""JupyterLab, really started: a check in a notebook, seen in a browser, without a network."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from student_edits import answer

REPO = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


@pytest.fixture
def address(student):
    """The address of a JupyterLab on a student's folder; it is stopped afterwards."""
    shutil.copy(REPO / "jupytext.toml", student)
    command = [sys.executable, "-m", "olympus_kit.course.cli", "lab", "--no-browser"]
    env = {**os.environ, "JUPYTERLAB_WORKSPACES_DIR": str(student / ".workspaces")}
    with open(student / "lab.log", "w") as log:
        lab = subprocess.Popen(command, cwd=student, env=env, stdout=log, stderr=log)
    try:
        yield _wait_for_address(student / "lab.log", lab)
    finally:
        lab.terminate()
        lab.wait(timeout=30)


def _wait_for_address(log, lab):
    for _ in range(600):
        told = re.search(r"The course opens at\s+(http\S+)", log.read_text())
        if told and _answers(told[1]):
            return told[1]
        assert lab.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=10).status == 200
    except OSError:
        return False


def _open(browser, address, page):
    """A page of the course in a new window, and the requests that leave the machine."""
    window = browser.new_page(viewport={"width": 1300, "height": 1100})
    foreign = []
    local = ("http://localhost", "http://127.0.0.1", "data:", "blob:")
    window.on("request", lambda r: r.url.startswith(local) or foreign.append(r.url))
    window.goto(re.sub(r"/lab/tree/[^?]*", f"/lab/tree/{page}", address))
    window.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
    window.wait_for_timeout(4_000)  # JupyterLab moves the focus while it restores its layout
    return window, foreign


def _run(window, text):
    """Run the cell that holds `text`, and wait until it has run.

    While JupyterLab still lays out the page it may take the focus away: then press again.
    """
    from playwright.sync_api import Error, expect

    cell = window.locator(".jp-CodeCell", has_text=text).first
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    for _ in range(10):
        with contextlib.suppress(AssertionError, Error):
            cell.locator(".cm-content").click(timeout=5_000)
            window.keyboard.press("Control+Enter")
            expect(prompt).not_to_have_text(before, timeout=5_000)
            break
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)
    return cell


def test_an_exercise_opens_as_a_notebook_and_is_checked_in_place(student, address):
    from playwright.sync_api import expect, sync_playwright

    page = student / "exercises" / "00_start.md"
    answer(page, "slope", "def slope(f, x):\n    return -olympus.grad(f)(x)")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window, foreign = _open(browser, address, "exercises/00_start.md")
        _run(window, "import olympus.numpy")
        answered = _run(window, "def slope")
        answered.scroll_into_view_if_needed()
        checked = _run(window, 'check("slope")')
        output = checked.locator(".jp-OutputArea-output")
        expect(output).to_contain_text("not yet · opposite sign", timeout=90_000)
        expect(output).not_to_contain_text("Traceback")

        answered.locator(".cm-content").click()
        window.keyboard.press("Control+a")
        window.keyboard.insert_text("def slope(f, x):\n    return olympus.grad(f)(x)")
        window.keyboard.press("Control+Enter")
        checked = _run(window, 'check("slope")')
        expect(output).to_contain_text("✓ slope: correct", timeout=90_000)
        window.keyboard.press("Control+s")
        window.wait_for_function("!document.querySelector('.jp-mod-dirty')", timeout=30_000)

        again, more = _open(browser, address, "exercises/00_start.md")
        kept = again.locator(".jp-CodeCell", has_text='check("slope")').first
        expect(kept).to_contain_text("✓ slope: correct", timeout=60_000)
        assert foreign + more == []
        browser.close()
    assert "return olympus.grad(f)(x)" in page.read_text(encoding="utf-8")
    assert "version" not in page.read_text(encoding="utf-8")
