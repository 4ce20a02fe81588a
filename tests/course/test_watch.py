"""`olympus watch`, really started: a page is saved, and its outcome is there."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
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


def wait_for(path):
    """Wait until there is a file."""
    for _ in range(10 * PATIENCE):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} did not come")


def ended(pid):
    """Whether a process has ended, and is not left to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


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


def test_ctrl_c_ends_it_in_the_midst_of_a_check(student, watch):
    page = student / "exercises" / "00_start.md"
    tell = "import os\nos.mkfifo('begun')\nopen('begun', 'w').write(str(os.getpid()))"
    answer(page, "slope", tell + "\nwhile True:\n    pass")
    watching, *_ = watch("00")
    begun = page.with_name("begun")
    wait_for(begun)
    judge = int(begun.read_text())  # a pipe: to read it is to wait until the answer runs
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=PATIENCE) == 0
    assert ended(judge)  # the process that judges, too


def test_every_page_is_watched_and_told_as_a_line_of_json(student, watch):
    _, out, err = watch("--json")
    until(err, "Watching")
    answer(student / "exercises" / "00_start.md", "slope", RIGHT)
    told = json.loads(out.get(timeout=PATIENCE))
    assert told["00_start"][0]["state"] == "correct"
