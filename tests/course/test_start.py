"""The course as the wheel carries it: put into a folder, opened, brought up to date."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from student_edits import answer

from olympus_kit.course import _start
from olympus_kit.course._course import CourseError

REPO = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    _start.start(tmp_path / "mine" / "course")
    return tmp_path / "mine" / "course"


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A release of the course that a test may change."""
    folder = tmp_path / "release"
    folder.mkdir()
    for name in _start.PARTS:
        _start._copy(REPO / name, folder / name)
    monkeypatch.setattr(_start, "material", lambda: folder)
    return folder


def test_a_course_holds_every_page_and_no_solutions(course):
    names = sorted(path.name for path in course.iterdir())
    assert names == [".olympus", "book", "exercises", "jupytext.toml", "welcome.md"]
    for part in ("book", "exercises"):
        there = {path.name for path in (REPO / part).glob("*.md")}
        assert {path.name for path in (course / part).glob("*.md")} == there


def test_the_welcome_page_leads_to_every_page_in_order():
    text = (REPO / "welcome.md").read_text("utf-8")
    rows = re.findall(r"^\| \d+b? \| (.*) \| (.*) \|$", text, re.MULTILINE)
    for part, column in (("book", 0), ("exercises", 1)):
        linked = [page for row in rows for page in re.findall(rf"\(({part}/\S+)\)", row[column])]
        there = sorted((REPO / part).glob("[0-9]*.md"))
        assert linked == [f"{part}/{path.name}" for path in there]
    for chapter, exercises in rows:  # side by side
        number = re.search(r"book/(\d+)", chapter)[1]
        assert set(re.findall(r"exercises/(\d+)", exercises)) == {number}


def test_the_picture_of_the_welcome_page_is_what_its_cell_draws():
    import olympus.numpy as jnp
    import olympus_kit as ok

    def f(x):
        return x * jnp.sin(x)

    picture = (REPO / "book" / "welcome.svg").read_text("utf-8")
    assert picture == ok.graph(f, 2.0, mode="reverse").svg()
    text = (REPO / "welcome.md").read_text("utf-8")
    assert text.index("book/welcome.svg") < text.index("```{code-cell}")
    assert 'ok.graph(f, 2.0, mode="reverse")' in text


def test_a_folder_that_exists_is_left_alone(course):
    page = course / "exercises" / "00_start.md"
    page.write_text("mine")
    with pytest.raises(CourseError, match="exists already, and nothing in it was changed"):
        _start.start(course)
    assert page.read_text() == "mine"


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_start, "PARTS", ("book", "nowhere"))
    with pytest.raises(OSError, match="nowhere"):
        _start.start(tmp_path / "course")
    assert list(tmp_path.iterdir()) == []


def test_an_update_keeps_every_line_of_the_student_s(release, tmp_path):
    course = tmp_path / "course"
    _start.start(course)
    exercise, chapter = course / "exercises" / "00_start.md", course / "book" / "00_start.md"
    answer(exercise, "slope", "def slope(f, x):\n    return 42.0  # mine")
    before = chapter.read_text()
    chapter.write_text(before + "\n```{code-cell} ipython3\nmine = 1\n```\n")
    new = release / "book" / "00_start.md"
    new.write_text(new.read_text() + "\nA paragraph that is new.\n")
    welcome = course / "welcome.md"
    welcome.write_text(welcome.read_text() + "\n```{code-cell} ipython3\nhello = 1\n```\n")
    first = release / "welcome.md"
    first.write_text(first.read_text().replace("# Welcome to", "# Welcome again to"))
    report = _start.update(course)
    assert report.edited == [exercise, welcome, chapter]
    assert "hello = 1" in welcome.read_text()
    assert "# Welcome again to" in welcome.read_text()
    assert "# Welcome to" not in welcome.read_text()
    for text in ("mine = 1", "A paragraph that is new."):
        assert text in chapter.read_text()
    assert "return 42.0  # mine" in exercise.read_text()
    (kept,) = (course / "book" / ".olympus" / "kept").iterdir()
    assert "mine = 1" in kept.read_text()
    assert "is new" not in kept.read_text()
    # and once more: nothing is left to do, nothing comes twice
    assert not [line for line in _start.update(course).lines if line.endswith("written")]
    assert chapter.read_text().count("mine = 1") == 1


def test_the_kit_s_own_source_is_not_updated():
    with pytest.raises(CourseError, match="the kit's own source"):
        _start.update(REPO)


def test_the_course_is_taken_from_a_wheel_outside_the_repository(tmp_path):
    """The wheel alone: a new environment, a folder of the student's, a check."""
    source = tmp_path / "source"
    packages = ("olympus", "olympus_kit", "olympus_server", "share")
    names = (*packages, "pyproject.toml", "README.md", "LICENSE", *_start.PARTS)
    source.mkdir()
    for name in names:
        _start._copy(REPO / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "-w", tmp_path, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        members = archive.namelist()
    assert "olympus_kit/py.typed" in members
    shipped = {name.partition(".data/data/")[2]: name for name in members if ".data/" in name}
    assert sorted(shipped) == [
        "etc/jupyter/jupyter_server_config.d/olympus-kit.json",
        "share/jupyter/lab/settings/overrides.d/olympus-kit.json",
    ]
    assert not [name for name in members if "solutions" in name or "/.olympus/" in name]

    # the environment's own packages, and behind them those that this one has
    venv.create(tmp_path / "env")
    lib = next((tmp_path / "env" / "lib").glob("python*")) / "site-packages"
    (lib / "rest.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [*pip, "install", "-q", "--no-deps", "--target", lib, wheel]
    subprocess.run(install, check=True, capture_output=True)
    python = tmp_path / "env" / "bin" / "python"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def olympus(*words, cwd=tmp_path):
        command = [python, "-m", "olympus_kit.course.cli", *words]
        run = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    assert olympus("start", "course") == (
        0,
        "The course is in course. Open it: cd course; olympus lab\n",
    )
    course = tmp_path / "course"
    shutil.rmtree(source)
    answer(course / "exercises" / "00_start.md", "slope", "slope = olympus.grad")
    code, said = olympus("check", "00_start", cwd=course)
    assert "slope" in said
    assert "Traceback" not in said
    assert code == 1, said  # the other questions are not attempted
    code, said = olympus("update", cwd=course)
    assert code == 0
    assert said.endswith("00_start.md: edited, kept as it is: slope\n")
