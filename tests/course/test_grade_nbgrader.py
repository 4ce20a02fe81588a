"""What is released can be assigned by nbgrader, and comes back with its names and tags."""

import getpass
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from grading import SOLUTIONS, SQUARE, STEM, hand_in, released

from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade.answers import BY_NAME, find_answers
from olympus_kit.course.grade.submissions import find_submissions

# not among the environment's own packages: it would put its menus into the course's JupyterLab
BESIDE = Path(sys.prefix) / "nbgrader"
pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(
        not BESIDE.is_dir() and importlib.util.find_spec("nbgrader") is None,
        reason="nbgrader is not installed: `.ci/run` does that",
    ),
]


CONFIG = """c = get_config()
c.CourseDirectory.root = {course!r}
c.CourseDirectory.course_id = "olympus"
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
"""


def nbgrader(folder, *words):
    """Run one of nbgrader's commands there, as an instructor or a student types it."""
    beside = {
        "PATH": os.pathsep.join([str(BESIDE / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(BESIDE), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **beside},
    )
    assert done.returncode == 0, done.stderr


def test_a_released_notebook_goes_out_and_comes_back(tmp_path):
    course, exchange, home = tmp_path / "course", tmp_path / "exchange", tmp_path / "home"
    hand_in(course / "source" / "01" / f"{STEM}.ipynb", {})
    exchange.mkdir()
    exchange.chmod(0o777)
    home.mkdir()
    config = CONFIG.format(course=str(course), exchange=str(exchange), cache=str(home / "cache"))
    for folder in (course, home):
        (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    nbgrader(course, "generate_assignment", "01", "--create")
    nbgrader(course, "release_assignment", "01")
    nbgrader(home, "fetch_assignment", "01")
    path = home / "01" / f"{STEM}.ipynb"
    assigned = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    assert nb.same_cells(assigned, released())
    for cell in assigned.cells:
        if nb.name(cell) == "square":
            cell.source = SQUARE
    path.write_text(nbformat.writes(assigned), encoding="utf-8")
    nbgrader(home, "submit", "01")
    nbgrader(course, "collect", "01")
    (one,) = find_submissions(course / "submitted", {STEM: list(SOLUTIONS)})
    assert (one.person.student, one.stem) == (getpass.getuser(), STEM)
    assert one.submitted is not None
    answers = find_answers(one.notebook, released(), list(SOLUTIONS))
    assert answers.rules == dict.fromkeys(SOLUTIONS, BY_NAME)
    assert answers.stubs == ("cube",)
