"""The tiny JAX stays tiny."""

from pathlib import Path

from olympus_kit.course import _notebook

REPO = Path(__file__).parents[2]
PAGE = REPO / "book/14b_tinyjax.md"
LESSON = REPO / "solutions/14b_tinyjax.md"


def code_cells(path: Path) -> list[str]:
    return [cell.source for cell in _notebook.read(path).cells if cell.cell_type == "code"]


def code_lines(cell: str) -> list[str]:
    return [line for line in cell.splitlines() if line.strip()]


def test_the_whole_page_has_fewer_than_200_lines_of_code_in_short_cells():
    cells = [code_lines(cell) for cell in code_cells(PAGE)]
    assert sum(len(lines) for lines in cells) < 200
    assert all(len(lines) <= 15 for lines in cells)


def test_the_exercises_work_with_the_page_s_own_system():
    lines = {line for cell in code_cells(PAGE) for line in code_lines(cell)}
    setup = code_cells(LESSON)[0]
    own = {"import itertools", "import numpy as np"}
    foreign = [line for line in code_lines(setup) if line not in lines | own]
    assert [line for line in foreign if not line.startswith("from olympus_kit import ")] == []
