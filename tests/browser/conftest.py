"""A real browser, folders served to it, and the book, for the tests that look at pages."""

import itertools
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jupytext
import pytest
from chrome import chromium
from filelock import FileLock
from playwright.sync_api import expect

expect.set_options(timeout=60_000)  # a busy machine is slow, and no test asks how fast it is
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Log:
    """What a page asked for, and what it complained about."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def left(self, origin):
        """Return the requests that went elsewhere."""
        near = (origin, "data:", "blob:")
        return [url for url in self.requests if not url.startswith(near)]


@pytest.fixture
def log():
    """What the page of this test asks for and complains about."""
    return Log()


@pytest.fixture
def page(browser, log):
    """A fresh page whose requests and errors are written to `log`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    fresh = context.new_page()
    fresh.on("request", lambda request: log.requests.append(request.url))
    fresh.on("pageerror", lambda error: log.errors.append(str(error)))
    fresh.on("console", lambda m: log.errors.append(m.text) if m.type == "error" else None)
    yield fresh
    context.close()


class Quiet(SimpleHTTPRequestHandler):
    """A file server that does not chat."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Serve folders below sub-paths, as a web host may; return the address of each."""
    root = tmp_path_factory.mktemp("web")
    (root / "some").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    numbers = itertools.count()

    def served(folder):
        name = f"where{next(numbers)}"
        (root / "some" / name).symlink_to(folder, target_is_directory=True)
        return f"http://127.0.0.1:{server.server_port}/some/{name}/"

    yield served
    server.shutdown()
    server.server_close()


EXECUTED = ("00_start.md", "04_reverse.md")  # by `make test`, as pages of a chapter each


@pytest.fixture(scope="session")
def book(request, tmp_path_factory):
    """The folder of the built book. It is built once, even where pytest has many workers.

    To run the cells of all chapters takes minutes: that is left to where tests sweep.
    """
    chromium()  # do not build for tests that are left out
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    sweeps = "not sweep" not in request.config.getoption("markexpr")
    project = REPOSITORY if sweeps else shared / "a book"
    done = shared / "book-is-built"
    with FileLock(shared / "book.lock"):
        if not done.exists():
            if not sweeps:
                copy_project(project)
            command = [sys.executable, str(project / "theme" / "build.py")]
            built = subprocess.run(command, capture_output=True, text=True)
            assert built.returncode == 0, built.stdout + built.stderr
            done.touch()
    return project / "_build" / "html"


def copy_project(folder):
    """Write the project anew, with chapters whose cells are shown and not run."""
    for name in ("book", "exercises", "solutions", "theme", "share"):
        beside = shutil.ignore_patterns("*.ipynb", "__pycache__", ".ipynb_checkpoints")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=beside)
    for file in REPOSITORY.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copy2(file, folder)
    for page in (folder / "book").glob("*.md"):
        notebook = jupytext.read(page)
        if page.name in EXECUTED or not notebook.metadata.get("kernelspec"):
            continue
        for cell in notebook.cells:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "skip-execution"]
        jupytext.write(notebook, page, fmt="md:myst")
