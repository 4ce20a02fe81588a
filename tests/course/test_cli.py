"""The command line, as a student and a script use it."""

import json

import nbformat
import pytest
from student_edits import answer
from typer.testing import CliRunner

from olympus_kit.course import _lab
from olympus_kit.course.cli import app

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
        assert f"Example: olympus {name}" in " ".join(done.stdout.replace("│", "").split())


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
    assert "SyntaxError" in done.stdout


def test_an_endless_answer_is_killed(student):
    code = "slope = lambda f, x: olympus.lax.while_loop(lambda s: s > 0, lambda s: s + 1, 1.0)"
    answer(student / "exercises" / "00_start.md", "slope", code)
    done = olympus("check", "00", "--seconds", "8")
    assert done.exit_code == 2
    assert "was stopped" in done.stderr


def test_an_answer_that_prints_does_not_disturb_json(student):
    code = "print('x' * 100_000)\ndef slope(f, x):\n    print('hello')\n    return f(x)"
    answer(student / "exercises" / "00_start.md", "slope", code)
    found = json.loads(olympus("check", "00", "--json").stdout)
    assert found["00_start"][0]["diagnosis"]["id"] == "value-for-derivative"


def test_export_is_a_plain_notebook_and_overwrites_nothing(student):
    assert olympus("export", "04", "--ipynb").exit_code == 0
    notebook = nbformat.read(student / "04_reverse.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert any("check(" in cell.source for cell in notebook.cells)
    again = olympus("export", "04", "--ipynb")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "99"], "No exercise 99. There are: 00_start, "),
        (["hint", "nonsense"], "No question nonsense. There are: slope"),
        (["reset", "nonsense"], "No question nonsense."),
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


def test_doctor_is_data_too(student):
    found = json.loads(olympus("doctor", "--json").stdout)
    assert {"Python", "jax", "jupytext", "kernel python3", "a free port"} <= {
        f["what"] for f in found
    }
    assert all(f["good"] for f in found if f["what"] in ("Python", "jax", "course"))


def test_lab_settings_keep_what_was_there(tmp_path):
    path = tmp_path / "settings" / "overrides.json"
    path.parent.mkdir()
    path.write_text('{"other": {"a": 1}, "@jupyterlab/docmanager-extension:plugin": {"b": 2}}')
    assert _lab.write_settings(path)
    written = json.loads(path.read_text())
    assert written["other"] == {"a": 1}
    manager = written["@jupyterlab/docmanager-extension:plugin"]
    assert manager["b"] == 2
    assert manager["defaultViewers"]["markdown"] == "Jupytext Notebook"
    assert written["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert not _lab.write_settings(path)


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
    (student / "book").mkdir()
    (student / "book" / "index.md").write_text("# x")
    assert _lab.first_page(student) == "book/index.md"


def test_no_display_means_no_browser(monkeypatch):
    monkeypatch.setattr(_lab.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not _lab.has_browser()
