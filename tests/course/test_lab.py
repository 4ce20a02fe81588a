"""JupyterLab, really started: a check in a notebook, seen in a browser, without a network."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import pytest
from chrome import chromium
from playwright.sync_api import Error, expect
from student_edits import answer

REPO = Path(__file__).parents[2]
pytestmark = pytest.mark.browser


@pytest.fixture
def address(student):
    """The address of a JupyterLab on a student's folder; it is stopped afterwards."""
    chromium()  # do not start it for a test that is left out
    shutil.copy(REPO / "jupytext.toml", student)
    command = [sys.executable, "-m", "olympus_kit.course.cli", "lab", "--no-browser"]
    env = {**os.environ, "JUPYTERLAB_WORKSPACES_DIR": str(student / ".workspaces")}
    with open(student / "lab.log", "w") as log:
        lab = subprocess.Popen(
            command, cwd=student, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield _wait_for_address(student / "lab.log", lab)
    finally:
        os.killpg(lab.pid, signal.SIGKILL)  # its kernels, too; no wait for a polite goodbye
        lab.wait()


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
    window.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=90_000)
    return window, foreign


def _run_all(window, output, text):
    """Choose Run, Run All Cells in the menu, and wait until `output` says `text`."""
    window.get_by_role("menuitem", name="Run", exact=True).click(timeout=20_000)
    window.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click(timeout=20_000)
    expect(output).to_contain_text(text, timeout=40_000)


def _open_and_run(browser, address, page, text):
    """Open a page and run it until the check says `text`.

    On a busy machine JupyterLab drops what is run before its kernel has answered: then, as a
    person would, open the page again.
    """
    for last in (*[False] * 4, True):
        window, foreign = _open(browser, address, page)
        output = _cell(window, 'check("slope")').locator(".jp-OutputArea")
        try:
            _run_all(window, output, text)
            return window, foreign, output
        except (AssertionError, Error):
            window.close()
            if last:
                raise
    raise AssertionError


def _cell(window, text):
    return window.locator(".jp-CodeCell", has_text=text).first


def test_an_exercise_opens_as_a_notebook_and_is_checked_in_place(student, address, browser):
    page = student / "exercises" / "00_start.md"
    answer(page, "slope", "def slope(f, x):\n    return -olympus.grad(f)(x)")
    said = "not yet · opposite sign"
    window, foreign, output = _open_and_run(browser, address, "exercises/00_start.md", said)
    expect(output).not_to_contain_text("Traceback")

    _cell(window, "def slope").locator(".cm-content").click()
    window.keyboard.press("Control+a")
    window.keyboard.insert_text("def slope(f, x):\n    return olympus.grad(f)(x)")
    _run_all(window, output, "✓ slope: correct")
    window.keyboard.press("Control+s")
    window.wait_for_function("!document.querySelector('.jp-mod-dirty')", timeout=30_000)

    again, more = _open(browser, address, "exercises/00_start.md")
    kept = again.locator(".jp-CodeCell", has_text='check("slope")').first
    expect(kept).to_contain_text("✓ slope: correct", timeout=60_000)
    listed = again.request.get(urljoin(address, "/api/contents/exercises")).json()["content"]
    assert {Path(file["name"]).suffix for file in listed} == {".md", ".ipynb"}
    window.close()
    again.close()
    assert foreign + more == []
    assert "return olympus.grad(f)(x)" in page.read_text(encoding="utf-8")
    assert "version" not in page.read_text(encoding="utf-8")
