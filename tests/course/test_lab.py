"""JupyterLab, really started: a check in a notebook, seen in a browser, without a network."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from chrome import chromium
from playwright.sync_api import Error, expect
from student_edits import answer

from olympus_kit.course._start import start

pytestmark = pytest.mark.browser


@pytest.fixture
def course(tmp_path):
    """A student's course, in a repository of its own: git sees what a page's text became."""
    folder = tmp_path / "course"
    start(folder)
    (folder / ".gitignore").write_text("*.ipynb\n.ipynb_checkpoints/\n.workspaces/\n*.log\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x")
    return folder


def git(folder, *words):
    """Run git there; return what it says."""
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def address(course):
    """The address of a JupyterLab on a student's course; it is stopped afterwards."""
    chromium()  # do not start it for a test that is left out
    command = [sys.executable, "-m", "olympus_kit.course.cli", "lab", "--no-browser"]
    env = {**os.environ, "JUPYTERLAB_WORKSPACES_DIR": str(course / ".workspaces")}
    with open(course / "lab.log", "w") as log:
        lab = subprocess.Popen(
            command, cwd=course, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield _wait_for_address(course / "lab.log", lab)
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


def _clean(window):
    """Whether no open page shows a change that is not saved."""
    return window.locator(".lm-TabBar-tab.jp-mod-dirty").count() == 0


def test_an_exercise_opens_as_a_notebook_and_is_checked_in_place(course, address, browser):
    page = course / "exercises" / "00_start.md"
    answer(page, "slope", "def slope(f, x):\n    return -olympus.grad(f)(x)")
    said = "not yet · opposite sign"
    window, foreign, output = _open_and_run(browser, address, "exercises/00_start.md", said)
    expect(output).not_to_contain_text("Traceback")
    expect(output).to_contain_text("Run All stops here")
    expect(output.get_by_text(said)).to_have_count(1)  # one card

    _cell(window, "def slope").locator(".cm-content").click()
    window.keyboard.press("Control+a")
    window.keyboard.insert_text("def slope(f, x):\n    return olympus.grad(f)(x)")
    _run_all(window, output, "✓ slope: correct")
    window.keyboard.press("Control+s")
    window.wait_for_function("!document.querySelector('.jp-mod-dirty')", timeout=30_000)
    changed = git(course, "diff", "--unified=0").splitlines()[5:]
    assert changed == ['-    raise Unsolved("slope")', "+    return olympus.grad(f)(x)"]

    # the card names the next question, and the link leads to it
    output.get_by_role("link", name="with_row_doubled").first.click()
    expect(_cell(window, 'check("with_row_doubled")')).to_be_visible(timeout=60_000)
    listed = window.locator(".jp-DirListing-itemName")
    expect(listed.filter(has_text="00_start")).to_have_count(1)  # its pair is not listed

    again, more = _open(browser, address, "exercises/00_start.md")
    kept = again.locator(".jp-CodeCell", has_text='check("slope")').first
    expect(kept).to_contain_text("✓ slope: correct", timeout=60_000)
    window.close()
    again.close()
    assert foreign + more == []


def test_the_course_opens_at_its_welcome_page_and_no_page_is_changed_by_opening(
    course, address, browser
):
    assert "/lab/tree/welcome.md?" in address
    window, foreign = _open(browser, address, "welcome.md")
    picture = window.get_by_role("img", name="The ladder of f(x) = x sin x")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 300
    expect(window.locator(".jp-Notebook kbd", has_text="Shift")).to_be_visible()
    window.get_by_role("link", name="Slopes: three ways to a derivative").click()
    panel = window.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(panel.locator(".jp-CodeCell").first).to_be_visible(timeout=60_000)
    idle = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status=idle]"
    window.wait_for_selector(idle, timeout=90_000)
    expect(window.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=90_000)
    window.wait_for_timeout(500)  # what would come, has come
    assert _clean(window)
    # a cell with the tag hide-input is folded
    folded = panel.locator(".jp-CodeCell", has=window.locator(".jp-InputPlaceholder"))
    panel.locator(".jp-CodeCell").first.hover()
    for _ in range(30):
        if folded.count():
            break
        window.mouse.wheel(0, 400)
        window.wait_for_timeout(200)
    expect(folded.first).to_contain_text("import matplotlib.pyplot")
    panel.locator(".jp-Notebook").first.focus()
    window.keyboard.press("Control+s")
    window.wait_for_timeout(1500)
    window.close()
    assert git(course, "status", "--short") == ""
    assert foreign == []
