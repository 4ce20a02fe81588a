"""Every chapter: its parts, short cells, no answer to an exercise, words before abbreviations."""

import re
from functools import cache
from pathlib import Path

import pytest

from olympus_kit.course import _lesson, _notebook
from olympus_kit.course._leak import TOKEN, leaks

REPO = Path(__file__).parents[2]
CHAPTERS = sorted(REPO.glob("book/[0-9][0-9]_*.md"))
LESSONS = _lesson.read_all(REPO / "solutions")
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
SHOWN = {"slope"}  # chapter 0 walks through this question, to show what a check is


EVERYBODYS = 12  # a piece with no more words and signs, such as jnp.sum(x**2), is everybody's


@cache
def code_cells(path: Path) -> list:
    return [cell for cell in _notebook.read(path).cells if cell.cell_type == "code"]


@pytest.mark.parametrize(
    "exercise", [e for lesson in LESSONS for e in lesson.exercises], ids=lambda e: e.name
)
def test_no_chapter_prints_the_answer_to_an_exercise(exercise):
    if exercise.name in SHOWN:
        pytest.skip("shown on purpose")
    for path in CHAPTERS:
        code = "\n".join(cell.source for cell in code_cells(path))
        pieces = leaks(exercise, code, "")
        assert [p for p in pieces if len(TOKEN.findall(p)) > EVERYBODYS] == [], path.name


@each_chapter
def test_a_visible_cell_has_fifteen_lines_or_fewer(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        hidden = "hide-input" in cell.metadata.get("tags", [])
        assert hidden or len(lines) <= 15, f"{path.name}:\n{cell.source}"


@each_chapter
def test_a_chapter_has_all_its_parts(path):
    text = path.read_text(encoding="utf-8")
    for part in ("At a glance", "Check yourself", "## Summary", "## Further reading"):
        assert part in text, f"{path.name} has no {part!r}"
    assert f"exercises/{path.name}" in text, f"{path.name} does not name its exercises"
    assert f"book/{path.name}" in (REPO / "solutions" / path.name).read_text(encoding="utf-8")


@each_chapter
def test_a_chapter_spells_an_abbreviation_out_when_it_first_uses_it(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    words = {
        "JVP": r"Jacobian.vector\s+product",
        "VJP": r"vector.Jacobian\s+product",
        "HVP": r"Hessian.vector\s+product",
        "MJP": r"matrix.Jacobian\s+product",
        "FLOPs": r"floating-point\s+operations",
    }
    for short, long in words.items():
        use = re.search(rf"\b{short}s?\b", text)
        spelt = re.search(long, text, re.IGNORECASE)
        if use:
            assert spelt, f"{path.name} never spells {short} out"
            assert spelt.start() <= use.start() + 100, f"{path.name}: {short}"
