"""What is released can be assigned by nbgrader, and comes back with its names and tags."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from grading import SOLUTIONS, SQUARE, STEM, hand_in, released

from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade.answers import BY_NAME, find_answers
from olympus_kit.course.grade.submissions import find_submissions

NBGRADER = shutil.which("nbgrader") or shutil.which("nbgrader", path=Path(sys.executable).parent)
pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(NBGRADER is None, reason="nbgrader is not installed"),
]


def nbgrader(folder, *words):
    path = os.pathsep.join([str(Path(NBGRADER).parent), os.environ["PATH"]])
    command = [NBGRADER, *words]
    return subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PATH": path})


def test_a_released_notebook_goes_out_and_comes_back(tmp_path):
    hand_in(tmp_path / "source" / "01" / f"{STEM}.ipynb", {})
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    nbgrader(tmp_path, "generate_assignment", "01", "--create")
    path = tmp_path / "release" / "01" / f"{STEM}.ipynb"
    assigned = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    assert nb.same_cells(assigned, released())
    for cell in assigned.cells:
        if nb.name(cell) == "square":
            cell.source = SQUARE
    # nbgrader's collect copies files into this tree, with the time beside them
    folder = tmp_path / "submitted" / "ann" / "01"
    folder.mkdir(parents=True)
    (folder / f"{STEM}.ipynb").write_text(nbformat.writes(assigned))
    (folder / "timestamp.txt").write_text("2026-11-28 09:00:00.0 UTC")
    (one,) = find_submissions(tmp_path / "submitted", {STEM: list(SOLUTIONS)})
    assert (one.person.student, one.stem, one.submitted.hour) == ("ann", STEM, 9)
    answers = find_answers(one.notebook, released(), list(SOLUTIONS))
    assert answers.rules == dict.fromkeys(SOLUTIONS, BY_NAME)
    assert answers.stubs == ("cube",)
