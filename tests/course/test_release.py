"""Releasing: the same bytes every time, errors that point, and no lost text."""

import shutil
from pathlib import Path

import pytest
from student_edits import answer

from olympus_kit.checks.store import read_answers
from olympus_kit.course import _lesson, _merge, _notebook, _release, _survey

REPO = Path(__file__).parents[2]
SOURCE = (REPO / "solutions" / "00_start.md").read_text(encoding="utf-8")
RIGHT = "def slope(f, x):\n    return olympus.grad(f)(x)"


@pytest.fixture
def course(tmp_path):
    """A course of one lesson, released."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "00_start.md").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "exercises").mkdir()  # its edits were run already
    shutil.copy(REPO / "exercises" / "00_start.answers", tmp_path / "exercises")
    run(tmp_path)
    return tmp_path


def run(course, **options):
    return _release.release(course / "solutions", course / "exercises", **options)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def page(course):
    return course / "exercises" / "00_start.md"


def test_two_releases_are_equal_to_the_byte(course, tmp_path):
    again = tmp_path / "again"
    _release.release(course / "solutions", again)
    assert contents(again) == contents(course / "exercises")
    assert not run(course, check=True).differs


def test_an_exercise_is_jupytexts_fixpoint_without_versions(course):
    text = page(course).read_text(encoding="utf-8")
    assert _notebook.write(_notebook.parse(text)) == text
    assert "version" not in text


def test_an_exercise_has_stubs_frozen_checks_and_folded_hints(course):
    text = page(course).read_text(encoding="utf-8")
    assert 'raise Unsolved("slope")' in text
    assert text.count(":editable: false\n:deletable: false") == 2
    assert text.count("<summary>Hint") == 2
    assert "mistake" not in text
    assert "olympus.grad(f)(x)" not in text


def test_a_value_has_a_stub_of_its_own():
    cell = _notebook.parse(
        SOURCE
        .replace("def slope(f, x):\n", "")
        .replace("    ### BEGIN", "### BEGIN")
        .replace("    ### END", "### END")
        .replace("    return olympus.grad(f)(x)\n### END", "slope = 6.0\n### END")
    ).cells[3]
    exercise = _lesson.Exercise(_lesson.Cell(cell, Path("x.md"), 1, 1))
    assert exercise.stub().strip() == 'slope = Unsolved("slope")'
    assert exercise.solution().strip() == "slope = 6.0"


def without(text, start, end):
    """The text without what lies from `start` up to `end`."""
    head, _, rest = text.partition(start)
    return head + end + rest.partition(end)[2]


MISTAKES = {
    "a solution marker outside an answer cell": lambda s: s.replace(":tags: [answer]\n", ""),
    "an answer needs a block": lambda s: s.replace("### BEGIN SOLUTION", "# begin"),
    "an answer needs a name": lambda s: s.replace(":name: slope\n", ""),
    "needs 1 or more `hint` cells, and has 0": lambda s: s.replace('["hint"]', '["note"]'),
    "needs 1 or more `explanation` cells": lambda s: s.replace('["explanation"]', '["note"]'),
    "needs 1 or more `check` cells": lambda s: s.replace(":tags: [check]\n", ""),
    "needs 5 or more `mutant` cells": lambda s: s.replace(
        '["mutant"]', '["note"]', s.count('["mutant"]') - 4
    ),
    "needs 3 or more `alternative` cells": lambda s: s.replace('["alternative"]', '["note"]', 9),
    "an empty hint": lambda s: without(s, "`olympus.grad` turns", "\n+++"),
    "the name `slope` is taken": lambda s: s.replace(":name: slope-check", ":name: slope"),
    "a mutant without a message: name": lambda s: s.replace(', "mistake": "nothing"', ""),
    'does not check the answer above it: write check("slope")': lambda s: s.replace(
        'check("slope")', 'check("slop")'
    ),
    "the solution takes f, a, and the points and tangents of its Question name f, x": lambda s: (
        s.replace("def slope(f, x)", "def slope(f, a)").replace(
            "grad(f)(x)\n    #", "grad(f)(a)\n    #"
        )
    ),
    "slope: the prediction `nonsense` has no message": lambda s: s.replace(
        "predictions={", 'predictions={"nonsense": Mistake(result=abs), '
    ),
    "no mistake `nonsense`": lambda s: s.replace('"nothing"', '"nonsense"'),
    "a piece of the solution leaks: `olympus.grad(f)(x)`": lambda s: s.replace(
        "# Start here", "Try `olympus.grad( f )(x)`.\n\n# Start here", 1
    ),
    "the solution is not complete Python": lambda s: s.replace(
        "return olympus.grad(f)(x)\n    #", "(\n    #"
    ),
    "the front matter needs": lambda s: s.replace("level: beginner", "depth: 1"),
    "the level is one of": lambda s: s.replace("level: beginner", "level: easy"),
    "no Question of this name": lambda s: s.replace('name="slope"', 'name="slop"'),
    "the specification fails: ValueError": lambda s: s.replace(
        "large_points=(2,)", "large_points=()"
    ),
    "the reference raises: At test point 1 (f(x) = x², x = 3): NameError": lambda s: s.replace(
        "jax.jacfwd(f)(x)", "jax.jacfwd(f)(y)"
    ),
    "text that does not belong to it": lambda s: s + "\n## Question 2\n",
    "no alternative says what is different about it": lambda s: without(
        s, "In forward mode: one JVP", "\n\n```python\ndef slope(f, x):\n    return olympus.jvp"
    ),
    "one fenced block of Python is wanted here; these are 0": lambda s: s.replace(
        "```python\ndef slope(f, x):\n    olympus.grad(f)(x)\n```", "No code."
    ),
    "a `check` cell before any answer": lambda s: s.replace("[setup]", "[check]"),
    "a code cell inside a note": lambda s: s.replace(
        "## Question 1", ":::{note}\n```{code-cell} ipython3\n1\n```\n:::\n\n## Question 1"
    ),
    "a merge conflict": lambda s: s + "\n<<<<<<< HEAD\n",
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_told_with_file_and_line_and_nothing_is_written(course, message):
    before = contents(course / "exercises")
    source = course / "solutions" / "00_start.md"
    broken = MISTAKES[message](SOURCE)
    assert broken != SOURCE
    source.write_text(broken, encoding="utf-8")
    with pytest.raises(ValueError, match=r"00_start\.md:\d+") as caught:
        run(course)
    assert message in str(caught.value)
    assert contents(course / "exercises") == before


def test_all_mistakes_of_all_files_are_told_at_once(course):
    """Whether a file cannot be read, says something wrong, or gives something away."""
    folder = course / "solutions"
    broken = SOURCE.replace('["hint"]', '["hnit"]').replace("level: beginner", "level: easy")
    (folder / "01_a.md").write_text(broken.replace('"slope"', '"a"').replace("slope", "a"))
    (folder / "02_b.md").write_text(
        broken.replace("slope", "b").replace("f(x)", "f( x )") + "\n>>>>>>> x"
    )
    renamed = SOURCE.replace("slope", "c").replace('"nothing"', '"nonsense"')
    (folder / "03_c.md").write_text(renamed.replace("# Start here", "Try `olympus.grad(f)(x)`."))
    with pytest.raises(_lesson.AuthoringError) as caught:
        run(course)
    lines = str(caught.value).splitlines()
    for words in (
        "01_a.md:1: the level is one of",
        "needs 1 or more `hint` cells",
        "a merge conflict is left here",
        "no mistake `nonsense`",
        "a piece of the solution leaks",
    ):
        assert any(words in line for line in lines), words
    assert all(line.count(".md:") == 1 for line in lines)
    assert len(lines) == 5


def test_a_new_lesson_works_and_its_notes_stay_with_the_authors(tmp_path):
    path = _lesson.new(tmp_path / "solutions", "15_tides")
    lesson = _lesson.read(path)
    released = _release.build(lesson)
    _release.verify_references(lesson, released.spec)
    for secret in ("note", "for authors", "mutant", "In forward mode"):
        assert secret not in released.notebook
    assert 'raise Unsolved("first_tides")' in released.notebook
    ways = released.answers["questions"]["first_tides"]["alternatives"]
    assert [words for words, _ in ways] == [
        "In forward mode: the tangent is `x` itself, and one JVP does the rest."
    ]
    for stem, message in {
        "tides": "tides is not the name of a lesson: write two digits",
        "15_moon": "15_tides.md has the number 15: choose another.",
    }.items():
        with pytest.raises(_lesson.AuthoringError, match=message):
            _lesson.new(tmp_path / "solutions", stem)


def test_trying_a_lesson_judges_each_answer_and_each_edit(tmp_path):
    path = _lesson.new(tmp_path, "15_tides")
    text = path.read_text("utf-8")
    path.write_text(text.replace('"mistake": "sign"', '"mistake": "factor"'), "utf-8")
    (survey,) = _survey.survey(_lesson.read(path))
    (unfit,) = [verdict.lines(False) for verdict in survey.verdicts if not verdict.fits]
    assert unfit[0] == "  ✗ mutant 2: sign; expected: factor"
    assert "first_tides: not yet" in unfit[1]  # and what a student reads
    fit = survey.verdicts[0]
    assert fit.lines(False) == ["  ✓ stub: not attempted"]
    assert "first_tides: not attempted" in fit.lines(True)[1]
    assert len(survey.verdicts) == 2 + 5 + 3
    assert survey.surviving == []
    assert len(survey.results) > 5


def test_an_error_points_at_the_line(course):
    source = course / "solutions" / "00_start.md"
    source.write_text(SOURCE.replace('"nothing"', '"nonsense"'), encoding="utf-8")
    line = 1 + next(i for i, x in enumerate(SOURCE.splitlines()) if '"nothing"' in x)
    with pytest.raises(_lesson.AuthoringError) as caught:
        run(course)
    assert f"00_start.md:{line + 2}:" in str(caught.value)


def test_an_edited_exercise_keeps_its_answer_through_a_release(course):
    answer(page(course), "slope", RIGHT)
    changed = SOURCE.replace("## Question 1: the slope", "## Question 1: the very slope")
    (course / "solutions" / "00_start.md").write_text(changed, encoding="utf-8")
    report = run(course)
    assert any("kept as it is: slope" in line for line in report.lines)
    text = page(course).read_text(encoding="utf-8")
    assert RIGHT in text
    assert "the very slope" in text
    assert 'raise Unsolved("slope")' not in text
    again = page(course).read_bytes()
    run(course)
    assert page(course).read_bytes() == again
    assert "RIGHT" not in read_answers(page(course).with_suffix(".answers"))["released"]


def test_own_cells_deleted_cells_and_changed_checks_are_kept_or_put_back(course):
    mine = page(course).read_text(encoding="utf-8")
    mine = mine.replace('check("slope")', 'print("my note")\ncheck("slope")')
    mine = mine.replace("# Start here: your first check\n", "My own heading.\n")
    mine += "\n```{code-cell} ipython3\nmy_own = 1\n```\n"
    page(course).write_text(mine, encoding="utf-8")
    run(course)
    text = page(course).read_text(encoding="utf-8")
    assert all(own in text for own in ('print("my note")', "My own heading.", "my_own = 1"))
    assert ':deletable: false\n\ncheck("slope")' in text
    assert "# Start here: your first check\n" in text


def test_a_removed_question_keeps_the_students_answer(course):
    base = _notebook.read(page(course))
    answer(page(course), "slope", RIGHT)
    mine, new = _notebook.read(page(course)), _notebook.read(page(course))
    new.cells = [c for c in new.cells if not _notebook.name(c).startswith("slope")]
    text, kept = _merge.merge(base, mine, new)
    assert RIGHT in text
    assert kept == ["slope"]


@pytest.mark.parametrize(
    "change", [lambda b: b.replace(b"\n", b"\r\n"), lambda b: b"\xef\xbb\xbf" + b]
)
def test_line_endings_and_marks_of_other_editors_are_no_edit(course, change):
    page(course).write_bytes(change(page(course).read_bytes()))
    assert not run(course, check=True).differs


def test_a_saved_header_is_no_difference(course):
    text = page(course).read_text(encoding="utf-8")
    saved = text.replace("format_name: myst", "format_name: myst\n    format_version: 0.13")
    page(course).write_text(saved.replace("Python 3\n", "Python 3 (ipykernel)\n"), encoding="utf-8")
    assert not run(course, check=True).differs


def test_a_new_title_reaches_the_exercise(course):
    source = course / "solutions" / "00_start.md"
    source.write_text(
        SOURCE.replace("title: '", "title: 'New. ").replace("title: S", "title: New S")
    )
    assert source.read_text() != SOURCE
    assert run(course, check=True).differs
    run(course)
    assert "title: 'New" in page(course).read_text() or "title: New" in page(course).read_text()
    assert not run(course, check=True).differs


def test_one_lesson_is_released_beside_a_broken_one(course):
    (course / "solutions" / "01_broken.md").write_text(SOURCE.replace("[check]", "[cheque]"))
    with pytest.raises(_lesson.AuthoringError, match="01_broken"):
        run(course)
    assert run(course, only="00").lines == []
    assert run(course, only="00_start", check=True).lines == []
    with pytest.raises(_lesson.AuthoringError, match="holds no lesson 02"):
        run(course, only="02")


def test_orphans_and_edits_are_told_by_check(course):
    (course / "exercises" / "99_gone.md").write_text("x")
    answer(page(course), "slope", RIGHT)
    report = run(course, check=True)
    assert report.differs
    assert any("99_gone.md: has no source" in line for line in report.lines)
    assert any("slope" in line for line in report.lines)


def test_a_damaged_answers_file_is_told(course):
    page(course).with_suffix(".answers").write_text("%%% not base64")
    with pytest.raises(ValueError, match=r"00_start\.answers is damaged"):
        run(course)


def test_an_empty_folder_of_sources_is_told(tmp_path):
    (tmp_path / "solutions").mkdir()
    with pytest.raises(_lesson.AuthoringError, match="holds no lesson"):
        _release.release(tmp_path / "solutions", tmp_path / "exercises")
