"""What all tests share."""

import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import jax
import pytest
from hypothesis import settings

from olympus_kit.course._cache import compile_cache

# What one test or one kernel has compiled, no other compiles again, and no later run: most of
# the time of a test that traces goes into compiling the same small programs.
for setting, text in compile_cache().items():
    os.environ[setting] = text  # for the processes that tests start
    is_a_number = text.lstrip("-").isdigit()
    jax.config.update(setting.lower(), int(text) if is_a_number else text)

# A check compiles hundreds of programs of one operation, and runs each of them once or twice: so
# XLA need not optimize them. Only jaxlib 0.10 is known to take the second option; a newer one ends
# the process when it sees it.
FAST_TO_COMPILE = ["--xla_backend_optimization_level=0"]
if version("jaxlib").startswith("0.10."):
    FAST_TO_COMPILE.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FAST_TO_COMPILE]).strip()

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import corpus.py
# a shell that runs the tests in the background has Ctrl-C ignored; some tests send it
signal.signal(signal.SIGINT, signal.default_int_handler)


# `make test` tries the same examples each time, whose programs are compiled already; `make
# test-all` looks for new ones
settings.register_profile("repeatable", derandomize=True, database=None)


def pytest_configure(config):
    """Choose how hypothesis finds its examples, before a test module is read."""
    if config.getoption("markexpr").startswith("not "):
        settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Begin with the lessons, whose tests are long: so no worker is left alone with one of them."""
    items.sort(key=lambda item: item.path.name != "test_lessons.py")


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
    """Say how many tests a missing browser left out."""
    from chrome import NO_BROWSER

    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    if count := sum(NO_BROWSER in reason for reason in skipped):
        terminalreporter.write_line(f"{count} browser tests were left out: {NO_BROWSER}")
