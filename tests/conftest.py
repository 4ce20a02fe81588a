"""What all tests share."""

import signal
import sys
from pathlib import Path

import jax
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import corpus.py
# a shell that runs the tests in the background has Ctrl-C ignored; some tests send it
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def x64():
    """Run a test in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window."""
    from chrome import FLAGS, chromium
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


def pytest_terminal_summary(terminalreporter):
    """Name how many tests no browser has seen."""
    from chrome import NO_BROWSER

    left_out = [r for r in terminalreporter.getreports("skipped") if NO_BROWSER in str(r.longrepr)]
    if left_out:
        terminalreporter.write_line(f"{len(left_out)} browser tests were left out: {NO_BROWSER}")
