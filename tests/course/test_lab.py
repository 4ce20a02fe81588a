"""JupyterLab, really started: a check in a notebook, seen in a browser, without a network."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest
from chrome import chromium
from playwright.sync_api import Error, expect
from student_edits import answer

from olympus_kit.course._lab import free_port
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
    command = [sys.executable, "-m", "olympus_kit.course.cli", "lab", "--no-browser"]
    with _running(course, command) as lab:
        yield _wait(course, lab, lambda: _told(course))


@pytest.fixture
def notebook(course):
    """The address of a Notebook 7 on a student's course; it is stopped afterwards."""
    port = free_port(18888)
    command = [sys.executable, "-m", "notebook", "--no-browser", "--allow-root", f"--port={port}"]
    with _running(course, [*command, "--IdentityProvider.token="]) as server:
        yield _wait(course, server, lambda: f"http://localhost:{port}/notebooks")


@contextmanager
def _running(course, command):
    chromium()  # do not start it for a test that is left out
    env = {**os.environ, "JUPYTERLAB_WORKSPACES_DIR": str(course / ".workspaces")}
    with open(course / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, cwd=course, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its kernels, too; no wait for a polite goodbye
        server.wait()


def _told(course):
    """The address that `olympus lab` tells, once it does."""
    told = re.search(r"The course opens at\s+(http\S+)", (course / "lab.log").read_text())
    return told[1] if told else ""


def _wait(course, server, address):
    """Wait until there is an address, and somebody answers there; return it."""
    for _ in range(600):
        if address() and _answers(address()):
            return address()
        assert server.poll() is None, (course / "lab.log").read_text()
        time.sleep(0.1)
    raise AssertionError((course / "lab.log").read_text())


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=10).status == 200
    except OSError:
        return False


def _open(browser, address, page):
    """A page in a new window of JupyterLab, and the requests that leave the machine."""
    return _look(browser, re.sub(r"/lab/tree/[^?]*", f"/lab/tree/{page}", address))


def _look(browser, address):
    """A new window, and the requests that leave the machine."""
    window = browser.new_page(viewport={"width": 1300, "height": 1100})
    foreign = []
    local = ("http://localhost", "http://127.0.0.1", "data:", "blob:")
    window.on("request", lambda r: r.url.startswith(local) or foreign.append(r.url))
    window.goto(address)
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


def _again(act):
    """Do something that a busy Notebook drops while its kernel is not there."""
    for _ in range(4):
        with suppress(AssertionError):
            return act()
    return act()


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


@pytest.mark.sweep
def test_notebook_7_shows_the_welcome_page_and_checks_an_answer(course, notebook, browser):
    page = course / "exercises" / "00_start.md"
    answer(page, "slope", "def slope(f, x):\n    return -olympus.grad(f)(x)")
    window, foreign = _look(browser, f"{notebook}/welcome.md")
    player = window.locator(".jp-OutputArea-output .okl")

    def run_first_cell():
        _cell(window, "ok.graph").locator(".cm-content").click()
        window.keyboard.press("Shift+Enter")
        expect(player).to_be_visible(timeout=40_000)

    _again(run_first_cell)
    player.get_by_role("button", name="one step on").click()
    expect(player.locator(".count")).to_contain_text("step 1 of")
    window.close()

    window, more = _look(browser, f"{notebook}/exercises/00_start.md")
    output = _cell(window, 'check("slope")').locator(".jp-OutputArea")
    _again(lambda: _run_all(window, output, "not yet · opposite sign"))
    expect(output.get_by_text("not yet · opposite sign")).to_have_count(1)  # one card
    expect(output).not_to_contain_text("Traceback")
    window.close()
    assert foreign + more == []
