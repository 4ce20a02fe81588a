"""The command line, as a student and a script use it."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from student_edits import answer
from typer.testing import CliRunner

from olympus_kit.course import _lab, _runner
from olympus_kit.course._course import page
from olympus_kit.course.cli import app

REPO = Path(__file__).parents[2]
RIGHT = "def slope(f, x):\n    return olympus.grad(f)(x)"


def olympus(*words):
    """Run `olympus` with these words."""
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(app, [*words])


def test_every_command_has_help_with_an_example():
    names = [c.name for c in app.registered_commands]
    assert set(names) >= {"lab", "list", "check", "watch", "hint", "solution", "reset", "next"}
    for name in names:
        done = olympus(name, "--help")
        assert done.exit_code == 0
        assert "Exit codes: 0 all is well; 1" in " ".join(done.stdout.split())
        assert f"Example: olympus {name}" in " ".join(done.stdout.replace("│", "").split())


def test_what_a_cell_does_behind_the_answer_changes_no_outcome(student):
    page = student / "exercises" / "00_start.md"
    answer(page, "slope", RIGHT + "\nprint(slop)")
    assert "✓ slope: correct" in olympus("check", "00").stdout
    stub = 'def slope(f, x):\n    raise Unsolved("slope")\n'
    answer(page, "slope", stub + "slope(jnp.sin, 0.5)")
    assert "○ slope: not attempted" in olympus("check", "00").stdout
    answer(page, "slope", "print(slop)\n" + RIGHT)
    assert "△ slope: not yet" in olympus("check", "00").stdout


def test_from_not_attempted_to_solved(student):
    page = student / "exercises" / "00_start.md"
    assert "slope in exercises/00_start.md" in olympus("next").stdout

    first = olympus("check", "00")
    assert first.exit_code == 1
    assert "○ slope: not attempted" in first.stdout

    answer(page, "slope", RIGHT.replace("return", "return -"))
    second = olympus("check", "00_start", "--json")
    assert second.exit_code == 1
    assert json.loads(second.stdout)["00_start"][0]["diagnosis"]["id"] == "sign"

    assert olympus("solution", "slope").exit_code == 1
    answer(page, "slope", RIGHT)
    third = olympus("check", "00")
    assert third.exit_code == 0
    assert "1 of 1 correct" in third.stdout

    assert "olympus.grad(f)(x)" in olympus("solution", "slope").stdout
    assert json.loads(olympus("next", "--json").stdout)["exercise"] != "00_start"
    listed = json.loads(olympus("list", "--json").stdout)
    assert listed[0]["solved"] == ["slope"]
    assert "1 of 1" in olympus("list").stdout


def test_hints_climb_and_the_last_one_stays(student):
    said = [olympus("hint", "dense_vjp").stdout for _ in range(4)]
    assert [text.split(" for")[0] for text in said] == [
        "Hint 1 of 3",
        "Hint 2 of 3",
        "Hint 3 of 3",
        "Hint 3 of 3",
    ]


def test_giving_up_shows_the_solution(student):
    done = olympus("solution", "dense_vjp", "--give-up")
    assert done.exit_code == 0
    assert "u.sum(axis=0)" in done.stdout


def test_reset_keeps_a_dated_copy(student):
    page = student / "exercises" / "00_start.md"
    untouched = page.read_text()
    answer(page, "slope", RIGHT)
    mine = page.read_text()
    for number in (1, 2):  # twice in the same second is no trouble
        assert olympus("reset", "slope").exit_code == 0
        copies = list((page.parent / ".olympus" / "kept").glob("00_start-*.md"))
        assert len(copies) == number
    assert mine in [copy.read_text() for copy in copies]
    assert page.read_text() == untouched


def test_a_cell_that_fails_is_told(student):
    answer(student / "exercises" / "00_start.md", "slope", "def slope(f, x):\n    return (")
    done = olympus("check", "00")
    assert done.exit_code == 1
    words = " ".join(done.stdout.split())
    assert "Python cannot read your cell: SyntaxError: " in words
    assert ", in line 2." in words


def test_an_endless_answer_is_killed(student):
    code = """
import subprocess
beside = subprocess.Popen(["sleep", "1000"])
open("beside.pid", "w").write(str(beside.pid))
slope = lambda f, x: olympus.lax.while_loop(lambda s: s > 0, lambda s: s + 1, 1.0)"""
    answer(student / "exercises" / "00_start.md", "slope", code)
    done = olympus("check", "00", "--seconds", "10")  # time enough to come to the loop
    assert done.exit_code == 2
    assert "was stopped. Not judged: slope." in done.stderr
    beside = Path("/proc", (student / "exercises" / "beside.pid").read_text(), "stat")
    assert not beside.exists() or ") Z " in beside.read_text()  # what it had started has ended, too


def test_ctrl_c_ends_what_is_running(student, monkeypatch):
    """Closing the generator, as an interrupt does, kills the process that judges."""
    answer(student / "exercises" / "00_start.md", "slope", "import time\ntime.sleep(1000)")
    started = []
    popen = _runner.subprocess.Popen

    def start(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        if len(started) == 1:  # the judge; then comes its watcher
            main = threading.main_thread().ident  # where the signal of a keyboard arrives
            threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT]).start()
        return started[-1]

    monkeypatch.setattr(_runner.subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        list(_runner.check_pages([page("00")]))
    assert started[0].wait(timeout=60) == -signal.SIGKILL


def test_colours_can_be_turned_off(student):
    answer(student / "exercises" / "00_start.md", "slope", RIGHT)
    code = "import sys; from olympus_kit.course.cli import app; app(sys.argv[1:])"
    for words, more, plain in (
        (["check", "00"], {}, False),
        (["--no-color", "check", "00"], {}, True),
        (["check", "00"], {"NO_COLOR": "1"}, True),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**os.environ, "FORCE_COLOR": "1", **more},
            capture_output=True,
            text=True,
        )
        assert ("\x1b[32m" not in done.stdout) is plain, done.stdout


def test_every_answer_is_json_too(student):
    for words in (
        ["list"],
        ["hint", "slope"],
        ["solution", "slope", "--give-up"],
        ["next"],
        ["export", "00"],
        ["reset", "slope"],
    ):
        done = olympus(*words, "--json")
        assert done.exit_code == 0
        assert json.loads(done.stdout)
    (student / "mine").mkdir()
    done = olympus(
        "release", "00", "--json", "--sources", str(REPO / "solutions"), "--target", "mine"
    )
    assert json.loads(done.stdout) == {
        "differs": True,
        "lines": [f"{Path('mine') / '00_start.md'}: written"],
    }
    assert len(list((student / "mine").glob("00_start*"))) == 3


def test_an_answer_that_prints_fifty_megabytes_does_not_disturb_json(student):
    code = (
        "import os\nfor n in range(50):\n    os.write(1, b'x' * 2**20)\n    print('x' * 2**20)\n"
        "def slope(f, x):\n    print('hello')\n    return f(x)"
    )
    answer(student / "exercises" / "00_start.md", "slope", code)
    found = json.loads(olympus("check", "00", "--json").stdout)
    assert found["00_start"][0]["diagnosis"]["id"] == "value-for-derivative"


def test_export_is_a_plain_notebook_and_overwrites_nothing(student):
    assert olympus("export", "04").exit_code == 0
    notebook = nbformat.read(student / "04_reverse.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert any("check(" in cell.source for cell in notebook.cells)
    again = olympus("export", "04")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "99"], "No exercise 99. There are: 00_start, "),
        (["hint", "nonsense"], 'There is no question called "nonsense". There are: slope'),
        (["reset", "nonsense"], 'There is no question called "nonsense".'),
    ],
)
def test_an_unknown_name_is_told_with_those_there_are(student, words, said):
    done = olympus(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_page_with_a_conflict_is_told_and_left_alone(student):
    page = student / "exercises" / "00_start.md"
    page.write_text(page.read_text() + "\n<<<<<<< mine\n")
    before = page.read_text()
    assert "merge conflict" in olympus("check", "00").stderr
    assert olympus("reset", "slope").exit_code == 2
    assert page.read_text() == before


def test_lab_takes_a_free_port_works_as_root_and_opens_the_first_page(student):
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert _lab.free_port(taken) > taken
    words = _lab.command(student, 8888, browser=False)
    assert "--ServerApp.port=8888" in words
    assert "--ServerApp.allow_root=True" in words
    assert "--ServerApp.open_browser=False" in words
    assert "--LabApp.default_url=/lab/tree/exercises/00_start.md" in words
    (student / "welcome.md").write_text("# x")
    assert _lab.first_page(student) == "welcome.md"


def test_a_new_lesson_is_written_and_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = olympus("new", "15_tides", "--json")
    assert json.loads(done.stdout) == {"written": "solutions/15_tides.md"}
    again = olympus("new", "15_tides")
    assert again.exit_code == 2
    assert "has the number 15: choose another" in again.stderr


def test_no_display_means_no_browser(monkeypatch):
    monkeypatch.setattr(_lab.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not _lab.has_browser()
