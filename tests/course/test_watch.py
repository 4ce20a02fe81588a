"""`olympus watch`, really started: a page is saved, and its outcome is there."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from student_edits import answer

RIGHT = "def slope(f, x):\n    return olympus.grad(f)(x)"
PATIENCE = 300  # seconds; never waited for unless something is broken


@pytest.fixture
def watch(student):
    """Start `olympus watch` with some words; what it says comes in two queues. It is stopped."""
    with ExitStack() as stack:
        yield lambda *words: _start(stack, student, words)


def _start(stack, course, words):
    command = [sys.executable, "-u", "-m", "olympus_kit.course.cli", "watch", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    watching = stack.enter_context(subprocess.Popen(command, cwd=course, **pipes))
    queues = queue.Queue(), queue.Queue()
    for stream, lines in zip((watching.stdout, watching.stderr), queues, strict=True):
        reader = threading.Thread(target=pump, args=(stream, lines))
        reader.start()
        stack.callback(reader.join)
    stack.callback(watching.kill)
    return watching, *queues


def pump(stream, lines):
    for line in stream:
        lines.put(line)


def until(lines, text):
    """Every line up to that which holds `text`."""
    found = []
    while not found or text not in found[-1]:
        found.append(lines.get(timeout=PATIENCE))
    return "".join(found)


def test_a_saved_page_is_checked_again(student, watch):
    page = student / "exercises" / "00_start.md"
    watching, out, err = watch("00")
    assert "slope: not attempted" in until(out, "0 of 1 correct")
    answer(page, "slope", RIGHT.replace("return", "return -"))
    assert "slope: not yet · opposite sign" in until(out, "0 of 1 correct")
    good = page.read_text()
    page.write_text(good + "\n<<<<<<< mine\n")
    until(err, "a merge conflict is left here")  # and it goes on
    fresh = page.with_name("fresh")
    fresh.write_text(good.replace("return -", "return "))
    os.replace(fresh, page)  # as editors save
    assert "slope: correct" in until(out, "1 of 1 correct")
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=PATIENCE) == 0


def test_every_page_is_watched_and_told_as_a_line_of_json(student, watch):
    _, out, err = watch("--json")
    until(err, "Watching")
    answer(student / "exercises" / "00_start.md", "slope", RIGHT)
    told = json.loads(out.get(timeout=PATIENCE))
    assert told["00_start"][0]["state"] == "correct"
