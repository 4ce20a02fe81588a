"""The pytest plugin that hands MyST notebooks to nbval.

`pytest --nbval exercises/04_reverse.md` collects the notebook as nbval collects an `.ipynb`:
one kernel for the file, one test for each code cell. Without `--nbval` (or `--nbval-lax`), or
without nbval, this module does nothing, and it imports nothing heavy.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._nbval_items import MystFile


def pytest_configure(config: pytest.Config) -> None:
    """Keep the cells of a notebook together where pytest-xdist would deal them out singly."""
    singly = ("load", "worksteal")
    if _wanted(config) and config.getoption("dist", "no") in singly:
        config.option.dist = "loadscope"


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> "MystFile | None":
    """Collect a Markdown file that says of itself that it is a MyST notebook."""
    if not _wanted(parent.config) or file_path.suffix != ".md":
        return None
    from ._nbval_items import MystFile
    from ._notebook import is_notebook

    is_exercise = file_path.with_suffix(
        ".answers"
    ).exists()  # whatever has become of it
    if is_exercise or is_notebook(file_path):
        file: MystFile = MystFile.from_parent(parent, path=file_path)
        return file
    return None


def _wanted(config: pytest.Config) -> bool:
    return any(config.getoption(name, False) for name in ("nbval", "nbval_lax"))
