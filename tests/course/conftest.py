"""What the course's tests share: a student's copy of the course."""

import shutil
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import student_edits.py


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder: the exercises alone, without sources; the working folder."""
    pristine = shutil.ignore_patterns(".*", "*.ipynb")
    shutil.copytree(REPO / "exercises", tmp_path / "exercises", ignore=pristine)
    monkeypatch.chdir(tmp_path)
    return tmp_path
