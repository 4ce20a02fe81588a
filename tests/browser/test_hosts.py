"""The places where a view is met besides a page of its own: JupyterLab, and nbconvert's HTML."""

import os
import socket
import subprocess
import sys
import time
from html import escape
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from chrome import chromium
from playwright.sync_api import expect

import olympus_kit as ok

pytestmark = pytest.mark.browser

new = nbformat.v4
CODE = "import olympus_kit as ok\nview = ok.graph(lambda x: x * x, 3.0)\nview"
LIVE = "widget = view.live()\nwidget"
PICTURE = "f, reverse mode with respect to x"


def notebook(path, cells, kernel="python3"):
    """Write a notebook and return it."""
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    book = new.new_notebook(cells=cells, metadata={"kernelspec": spec})
    nbformat.write(book, path)
    return book


@pytest.fixture
def ran():
    """Cells as if they had been run elsewhere: a view is among their outputs."""
    bundle = ok.graph(lambda x: x * x, 3.0)._repr_mimebundle_()
    output = new.new_output("execute_result", bundle, execution_count=1)
    return [new.new_code_cell(CODE, outputs=[output], execution_count=1)]


@pytest.fixture
def explored(ran):
    """The same, with a slider among the outputs: nine points that were computed elsewhere."""
    explorer = ok.graph(lambda x: x * x, 3.0).explore(x=(0.0, 4.0), frames=9)
    output = new.new_output("execute_result", explorer._repr_mimebundle_(), execution_count=2)
    code = "view.explore(x=(0.0, 4.0), frames=9)"
    return [*ran, new.new_code_cell(code, outputs=[output], execution_count=2)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own: the folder that it shows, and its address."""
    chromium()  # do not start for tests that are left out
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    kinds = ("CONFIG", "DATA", "RUNTIME")
    places = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in kinds}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [
        "--IdentityProvider.token=",
        "--ServerApp.port_retries=0",
        f"--notebook-dir={folder}",
    ]
    environment = {**os.environ, **places, "JAX_PLATFORMS": "cpu"}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield folder, wait_for(f"http://127.0.0.1:{port}/", server), environment
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address, server):
    """Return the address once somebody answers there."""
    for _ in range(240):
        assert server.poll() is None, "JupyterLab has ended"
        try:
            urlopen(address + "api", timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.25)
        else:
            return address
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture
def opened(page, lab):
    """Open a notebook of the folder in JupyterLab."""

    def open_(name):
        page.goto(f"{lab[1]}lab/tree/{name}?reset")
        expect(page.locator(".jp-Notebook")).to_be_visible(timeout=60_000)
        return page

    return open_


def test_jupyterlab_runs_it(lab, opened):
    cells = [new.new_code_cell(code) for code in (CODE, LIVE, "print(widget.step)")]
    notebook(lab[0] / "live.ipynb", cells)
    page = opened("live.ipynb")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    run_cells(page, 2)
    views = page.locator(".jp-OutputArea-output .okl")
    expect(views).to_have_count(2, timeout=60_000)
    for k in range(2):  # each carries the other with it
        views.nth(k).get_by_role("button", name="one step on").click()
        expect(views.locator(".count")).to_have_text([f"step {k + 1} of 4"] * 2)
    page.locator(".jp-CodeCell .jp-InputPrompt").last.click()
    run_cells(page, 1)  # Python knows the step of the second
    expect(page.locator(".jp-RenderedText > pre").last).to_have_text("1\n")


EXPLORE = """import jax.numpy as jnp
import olympus_kit as ok
ok.graph(jnp.sin, 0.5).explore(x=(0.0, 1.0), frames=3).live()"""


def test_jupyterlab_lets_python_answer_at_any_point(lab, opened):
    notebook(lab[0] / "explore.ipynb", [new.new_code_cell(EXPLORE)])
    page = opened("explore.ipynb")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    run_cells(page, 1)
    field = page.locator(".jp-OutputArea-output").get_by_role("textbox", name="x, typed")
    expect(field).to_be_visible(timeout=60_000)
    field.fill("0.3")  # none of the three points that were computed before
    field.press("Enter")
    expect(page.locator(".jp-OutputArea-output .place")).to_contain_text("x = 0.3")
    output = page.locator(".jp-OutputArea-output .item.end").last
    expect(output).to_contain_text("= 0.295520")


def run_cells(page, count):
    page.locator(".jp-Notebook").first.focus()
    for _ in range(count):
        page.keyboard.press("Shift+Enter")


def test_jupyterlab_keeps_the_pictures_of_a_notebook_that_it_does_not_trust(lab, opened, explored):
    notebook(lab[0] / "foreign.ipynb", explored)
    page = opened("foreign.ipynb")
    pictures = page.get_by_role("img", name=PICTURE)
    expect(pictures).to_have_count(2)  # the slider's, too, at the point where it stood
    for picture in pictures.all():
        assert picture.evaluate("image => image.naturalWidth") > 300
    assert page.locator(".okl").count() == 0


def test_jupyterlab_steps_and_slides_a_trusted_notebook_without_a_kernel(lab, opened, explored):
    path = lab[0] / "trusted.ipynb"
    notebook(path, explored, kernel="nowhere")
    trust = [sys.executable, "-m", "jupyter", "trust", str(path)]
    subprocess.run(trust, env=lab[2], check=True, capture_output=True)
    page = opened("trusted.ipynb")
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    ladder = page.locator(".okl").first
    ladder.get_by_role("button", name="to the last step").click()
    expect(ladder.locator(".count")).to_have_text("step 4 of 4")
    page.get_by_role("slider", name="x", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_contain_text("x = 3.5")
    expect(page.locator(".item.end").last).to_contain_text("= 12.25")


def test_nbconvert_s_page_can_be_stepped(page, tmp_path, ran):
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(embed_images=True)
    markup, _ = exporter.from_notebook_node(notebook(tmp_path / "x.ipynb", ran))
    (tmp_path / "x.html").write_text(markup, "utf-8")
    page.route("http**", lambda route: route.abort())  # what nbconvert itself asks for
    page.goto((tmp_path / "x.html").as_uri(), wait_until="domcontentloaded")
    page.locator(".okl").get_by_role("button", name="one step on").click()
    expect(page.locator(".okl .count")).to_have_text("step 1 of 4")


@pytest.mark.parametrize("allowed", ["'unsafe-inline'", "'unsafe-inline' 'unsafe-eval'"])
def test_a_host_that_allows_inline_scripts_alone_can_step_it(page, log, tmp_path, allowed):
    """Such as the outputs of VS Code, whose policy is documented: no blobs, nothing fetched."""
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    view = ok.graph(lambda x: x * x, 3.0)
    (tmp_path / "x.html").write_text(view._page().replace("<title>", f"{meta}<title>"), "utf-8")
    page.goto((tmp_path / "x.html").as_uri())
    page.get_by_role("button", name="one step on").click()
    expect(page.locator(".count")).to_have_text("step 1 of 4")
    assert log.errors == []


def test_a_frame_without_an_origin_can_step_it(page, log, tmp_path):
    """Such as the outputs of Colab, each of which is a page in a frame of its own."""
    source = escape(ok.graph(lambda x: x * x, 3.0).html(), quote=True)
    frame = f'<iframe sandbox="allow-scripts" width="900" height="900" srcdoc="{source}"></iframe>'
    (tmp_path / "x.html").write_text(f"<!doctype html>{frame}", "utf-8")
    page.goto((tmp_path / "x.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="one step on").click()
    expect(frame.locator(".count")).to_have_text("step 1 of 4")
    assert log.errors == []
