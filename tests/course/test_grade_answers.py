"""Answers and students are found as people hand them in."""

import os
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from grading import CUBE, SQUARE, STEM, hand_in, page, released

from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade import reader
from olympus_kit.course.grade.answers import (
    BY_DEFINITION,
    BY_NAME,
    IN_RAW,
    MOST_CELLS,
    find_answers,
)
from olympus_kit.course.grade.gradebook import read_manual
from olympus_kit.course.grade.late import Policy, moment, read_extensions
from olympus_kit.course.grade.pages import page_name
from olympus_kit.course.grade.reader import MOST_BYTES
from olympus_kit.course.grade.submissions import (
    Person,
    UnreadableClass,
    find_submissions,
    of_lessons,
    read_roster,
    unpack,
)

NAMES = ["square", "cube"]
LESSONS = {STEM: NAMES, "02_other": ["other"]}
WRONG = "def square(x):\n    return 0 * x"


def answers_of(notebook):
    return find_answers(notebook, released(), NAMES)


def code_of(answers, name):
    """The code of the cell that answers a question."""
    return [cell.code for cell in answers.cells if name in cell.answers]


def test_answers_are_found_by_the_names_of_their_cells():
    answers = answers_of(page({"square": SQUARE, "cube": CUBE}))
    assert answers.rules == {"square": BY_NAME, "cube": BY_NAME}
    assert code_of(answers, "square") == [SQUARE]
    assert answers.stubs == ()
    assert not any("check(" in cell.code for cell in answers.cells)


def test_answers_without_names_are_found_by_what_they_define():
    notebook = page({"square": SQUARE, "cube": CUBE})
    notebook.cells.reverse()
    for cell in notebook.cells:
        cell.metadata = {}
    answers = answers_of(notebook)
    assert answers.rules == {"square": BY_DEFINITION, "cube": BY_DEFINITION}
    assert code_of(answers, "cube") == [CUBE]


@pytest.mark.parametrize("kind", ["code", "raw"])
def test_the_last_cell_that_defines_a_name_counts(kind):
    notebook = page({"square": WRONG})
    copy = released().cells[1]
    copy.source, copy.metadata, copy.cell_type = SQUARE, {}, kind
    notebook.cells.append(copy)
    answers = answers_of(notebook)
    assert code_of(answers, "square") == [SQUARE]
    assert answers.rules["square"] == (IN_RAW if kind == "raw" else BY_DEFINITION)
    assert "cube" in answers.stubs


def test_helpers_of_the_student_are_kept_and_released_cells_come_from_the_release():
    notebook = page({"square": "def square(x):\n    return helper(x)"})
    helper = released().cells[1]
    helper.source, helper.metadata = "def helper(x):\n    return x * x", {}
    notebook.cells.insert(2, helper)
    notebook.cells[1].source = "from elsewhere import everything"
    answers = answers_of(notebook)
    codes = [cell.code for cell in answers.cells]
    assert codes[0] == released().cells[1].source
    assert codes.index(helper.source) < codes.index("def square(x):\n    return helper(x)")


@pytest.mark.parametrize(
    "code",
    [
        "square = lambda x: x * x",
        "class square:\n    pass",
        "%time\nsquare, y = 1, 2",
        "if True:\n    def square(x):\n        return x * x",
        "try:\n    square = abs\nexcept NameError:\n    pass",
        "from numpy import square",
        "print(square := abs)",
        "square = (7\n          % 3)",
        "files = !ls\nsquare = abs\nabs?",
        ">>> def square(x):\n...     return x * x",
        "    square = abs",
        "square = '\x0b\x85'",
    ],
)
def test_other_kinds_of_definitions(code):
    assert code_of(answers_of(page({"square": code})), "square") == [code]


def test_a_part_of_an_answer_may_stand_in_another_cell():
    notebook = page({})
    helper = released().cells[1]
    helper.source, helper.metadata = "def other(x):\n    return x", {}
    notebook.cells.append(helper)
    assert set(answers_of(notebook).stubs) == set(NAMES)
    helper.source = "def square(x):\n    return x * x"
    assert answers_of(notebook).stubs == ("cube",)
    notebook.cells[2].source += "\n\ndef part(x):\n    return x"
    stub = notebook.cells[2].source
    reference = released()
    reference.cells[2].source = stub
    helper.source = "def part(x):\n    return 2 * x"
    assert "square" not in find_answers(notebook, reference, NAMES).stubs


def test_many_cells_of_text_hide_no_answer():
    notebook = page({"square": SQUARE})
    notebook.cells[0:0] = [notebook.cells[0]] * MOST_CELLS
    assert code_of(answers_of(notebook), "square") == [SQUARE]


def test_broken_python_in_a_named_cell_is_still_the_answer():
    answers = answers_of(page({"square": "def square(x:"}))
    assert answers.rules["square"] == BY_NAME
    assert "square" not in answers.stubs


@pytest.mark.parametrize(
    ("place", "student"),
    [
        (f"ann/{STEM}.md", "ann"),
        (f"submitted/ann/01/{STEM}.ipynb", "ann"),
        (f"ann_{STEM}.md", "ann"),
        ("ann.ipynb", "ann"),
        ("ann.IPYNB", "ann"),
        (f"annlee_12345_67890_{STEM}-1.ipynb", "annlee"),
        (f"annlee_LATE_12345_67890_{STEM}.ipynb", "annlee"),
        (f"Ann Lee_12345_assignsubmission_file_/{STEM}.ipynb", "Ann Lee"),
        (f"Ann Lee_12345_assignsubmission_file_{STEM}.ipynb", "Ann Lee"),
        (f"Ann Lee_12345_assignsubmission_onlinetext_/{STEM}.ipynb", "Ann Lee"),
    ],
)
def test_a_student_is_known_from_the_place_of_a_file(tmp_path, place, student):
    hand_in(tmp_path / place, {"square": SQUARE})
    (one,) = find_submissions(tmp_path, LESSONS)
    assert (one.person.student, one.stem, one.problem) == (student, STEM, "")


def test_whoever_packs_a_folder_packs_its_name_too(tmp_path):
    for student in ("ann", "bo"):
        hand_in(tmp_path / "class2026" / student / f"{STEM}.md", {"square": SQUARE})
    (tmp_path / "class2026" / "zoe" / "figures").mkdir(parents=True)
    found = find_submissions(tmp_path, LESSONS)
    assert [one.person.student for one in found] == ["ann", "bo", "zoe"]
    assert [one.problem for one in found] == ["", "", "an empty folder"]
    (known,) = find_submissions(tmp_path, LESSONS, [Person("class2026")])
    assert known.person.student == "class2026"


def test_a_student_s_folders_are_no_class(tmp_path):
    for place in (STEM, "02"):
        hand_in(tmp_path / "ann" / place / f"{STEM}.md", {"square": SQUARE})
    (one,) = find_submissions(tmp_path, LESSONS)
    assert one.person.student == "ann"


def test_a_word_in_the_text_makes_no_other_lesson(tmp_path):
    notebook = page({"square": SQUARE})
    notebook.cells[0].source = "# Powers\n\nthe other, and other_too"
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "work.md").write_text(nb.write(notebook))
    lessons = {STEM: NAMES, "02_other": ["other", "other_too", "the"]}
    (one,) = find_submissions(tmp_path, lessons)
    assert one.stem == STEM


def test_a_roster_says_who_is_who(tmp_path):
    (tmp_path / "class.csv").write_text("student,name,id\nal42,Ann Lee,12345\nbo7,Bo Ek,9\n")
    roster = read_roster(tmp_path / "class.csv")
    folder = tmp_path / "handed-in"
    hand_in(folder / f"leeann_12345_1_{STEM}.ipynb", {"square": SQUARE})
    hand_in(folder / f"Bo Ek_77_assignsubmission_file_/{STEM}.md", {"square": SQUARE})
    assert [one.person.student for one in find_submissions(folder, LESSONS, roster)] == [
        "al42",
        "bo7",
    ]
    (tmp_path / "bad.csv").write_text("who\nann\n")
    with pytest.raises(UnreadableClass, match="student is missing"):
        read_roster(tmp_path / "bad.csv")


def test_the_latest_of_two_files_counts_and_links_are_not_followed(tmp_path):
    hand_in(tmp_path / "ann" / f"{STEM}.md", {"square": WRONG})
    hand_in(tmp_path / "ann" / f"{STEM}-final.md", {"square": SQUARE})
    os.utime(tmp_path / "ann" / f"{STEM}.md", (1e9, 1e9))
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / f"{STEM}.md").symlink_to(tmp_path / "ann" / f"{STEM}.md")
    one, eve = find_submissions(tmp_path, LESSONS)
    assert one.path == f"ann/{STEM}-final.md"
    assert eve.problem == "a link, which is not followed"


def test_a_stamp_that_a_student_hands_in_says_nothing(tmp_path):
    for folder in ("eve", "submitted/ann/01"):
        hand_in(tmp_path / folder / f"{STEM}.md", {"square": SQUARE})
        (tmp_path / folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC")
    ann, eve = find_submissions(tmp_path, LESSONS)
    assert ann.submitted.year == 2001
    assert eve.submitted.year > 2001


def test_a_lesson_that_is_left_out_takes_nobody_s_place(tmp_path):
    other = page({"square": SQUARE})
    other.cells[0].source = "As `other` of the lesson before, or not."
    for student in ("ann", "bo"):
        (tmp_path / student).mkdir()
        (tmp_path / student / "late.md").write_text(nb.write(other))
    (tmp_path / "ann" / "a.md").write_text("```{code-cell}\nother = 1\n```\n")
    found = find_submissions(tmp_path, LESSONS)
    said = [(one.person.student, one.stem, one.problem) for one in of_lessons(found, {"02_other"})]
    assert said == [("ann", "02_other", ""), ("bo", "", "handed in other lessons")]


def test_nobody_hands_in_for_somebody_else(tmp_path):
    mark = "assignsubmission_file_"
    for owner in ("Bo Ek_10", "Ann Lee_11", "Ann Lee_12", f"Eve_13_{mark}x_10"):
        hand_in(tmp_path / f"{owner}_{mark}{STEM}.md", {"square": SQUARE})
    named = lambda *roster: [
        one.person.student for one in find_submissions(tmp_path, LESSONS, roster)
    ]
    assert named() == ["Ann Lee 11", "Ann Lee 12", "Bo Ek", "Eve"]
    people = [Person("al1", "Ann Lee", id="11"), Person("al2", "Ann Lee", id="12")]
    assert named(*people) == ["Bo Ek", "Eve", "al1", "al2"]
    assert named(Person("al", "Ann Lee")) == ["Bo Ek", "Eve", "al 11", "al 12"]


LAUGHS = "\n".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(12))
BOMB = f"""---
a0: &a0 ha
{LAUGHS}
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
---
"""


def test_what_takes_too_much_to_read_is_told_and_keeps_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "CPU_SECONDS", 4)  # imports take one or two
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("while True: pass")
    hand_in(tmp_path / "zoe" / f"{STEM}.md", {"square": SQUARE})
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / f"{STEM}.md").write_text(BOMB)
    found = find_submissions(tmp_path, LESSONS)
    problems = {one.person.student: one.problem for one in found}
    assert problems == {"eve": reader.TOO_MUCH, "json": "not a notebook", "zoe": ""}


def test_names_that_are_no_text(tmp_path):
    names = [b"\xe9ric", b"\xe8ric", "漢".encode() * 80, b"a\nb", b"\x1b[2J"]
    for name in names:
        hand_in(tmp_path / os.fsdecode(name) / f"{STEM}.md", {"square": SQUARE})
    students = {one.person.student for one in find_submissions(tmp_path, LESSONS)}
    assert len(students) == len(names)
    for student in students:
        (tmp_path / f"{page_name(student)}.html").write_bytes(student.encode())
        assert "\n" not in student


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (f"{STEM}.ipynb", "{", "unreadable"),
        (f"{STEM}.ipynb", "", "unreadable"),
        (f"{STEM}.ipynb", '{"cells": [{}], "nbformat": 4, "nbformat_minor": 5}', "unreadable"),
        (f"{STEM}.ipynb", '{"cells": [{"source": ""}], "nbformat": 4}', "unreadable"),
        (f"{STEM}.md", "<<<<<<< mine\n", "unreadable"),
        ("essay.md", "# About something else\n", "not a notebook of this course"),
        ("essay.pdf", "%PDF", "not a notebook"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, name, content, problem):
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / name).write_text(content)
    (one,) = find_submissions(tmp_path, LESSONS)
    assert one.problem.startswith(problem)


def test_a_zip_leads_nowhere(tmp_path):
    archive = tmp_path / "class.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo(f"ann/{STEM}.md", (2026, 11, 28, 12, 0, 0))
        file.writestr(info, nb.write(page({"square": SQUARE})))
        file.writestr("max/all.ipynb", "0" * (MOST_BYTES + 1))
        file.writestr(f"zoe/{'deep/' * 2000}{'long' * 100}.md", "no notebook")
        file.writestr("bo/hurt.md", "hurt")
        file.writestr("bo", "a name that is a folder's, too")
        file.writestr("../outside.md", "out")
        link = zipfile.ZipInfo("eve/link.md")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    archive.write_bytes(archive.read_bytes().replace(b"hurt.mdhurt", b"hurt.mdhurl"))
    folder = tmp_path / "unpacked"
    folder.mkdir()
    unpack(archive, folder)
    assert not (tmp_path / "outside.md").exists()
    assert not (folder / "eve" / "link.md").is_symlink()
    found = find_submissions(folder, LESSONS)
    problems = {one.person.student: one.problem for one in found}
    assert problems.pop("bo").startswith("unreadable: 'utf-8' codec")
    assert found[0].submitted == datetime(2026, 11, 28, 12).astimezone()
    assert problems == {
        "ann": "",
        "eve": "not a notebook of this course",
        "zoe": "not a notebook of this course",
        "max": f"unreadable: larger than {MOST_BYTES:,} bytes",
    }
    (tmp_path / "bad.zip").write_text("no zip")
    with pytest.raises(UnreadableClass, match="can't be unpacked"):
        unpack(tmp_path / "bad.zip", folder)


def test_late_points(tmp_path):
    due = moment("2026-12-01T18:00")
    policy = Policy(due, grace=15, penalty=0.1, extensions={"bo": due + timedelta(days=2)})
    after = lambda **time: due + timedelta(**time)
    assert policy.factor("ann", after(minutes=15)) == 1.0
    assert policy.factor("ann", after(minutes=16)) == pytest.approx(0.9)
    assert policy.factor("ann", after(hours=25)) == pytest.approx(0.8)
    assert policy.factor("ann", after(days=30)) == 0.0
    assert policy.factor("bo", after(days=2)) == 1.0
    assert policy.factor("ann", None) == 1.0
    assert moment("2026-12-01T19:00+01:00") == due
    (tmp_path / "later.csv").write_text("student,due\nbo,2026-12-03T18:00\n")
    assert read_extensions(tmp_path / "later.csv") == {"bo": datetime(2026, 12, 3, 18, tzinfo=UTC)}
    with pytest.raises(UnreadableClass, match="not a time"):
        moment("tomorrow")


@pytest.mark.parametrize("wrong", [{"penalty": -0.5}, {"penalty": float("nan")}, {"grace": 1e300}])
def test_a_policy_is_one_that_can_be(wrong):
    with pytest.raises(UnreadableClass, match="is none"):
        Policy(**wrong)


def test_a_table_without_its_columns_or_with_two_of_a_name_is_told(tmp_path):
    path = tmp_path / "class.csv"
    for text, problem in {
        "": "student is missing",
        "ann,square": "student is missing",
        "student,id\nann,1\nann,2": "`ann` is none",
        "student\n \n": "`` is none",
    }.items():
        path.write_text(text)
        with pytest.raises(UnreadableClass, match=problem):
            read_roster(path)
    path.write_text("student , id\n ann , 1\n")
    assert read_roster(path) == [Person("ann", id="1")]


def test_points_by_hand_are_read(tmp_path):
    path = tmp_path / "manual.csv"
    assert read_manual(path) == {}
    path.write_text("student,question,points,reason\nann,square,0.5,a good idea\n")
    assert read_manual(path) == {"ann": {"square": {"points": 0.5, "reason": "a good idea"}}}
    path.write_text("student,question,points\nann,square,many\n")
    with pytest.raises(UnreadableClass, match="not a number of points"):
        read_manual(path)


def test_no_two_students_share_a_page():
    names = ["ann", "../ann", "a/nn", "a nn", "Ann Lee", "", "..", "été", page_name("a nn")]
    pages = {page_name(name) for name in names}
    assert len(pages) == len(names)
    assert not any("/" in name or name.startswith(".") for name in pages)


def test_a_person_is_known_by_every_column():
    person = Person("al42", "Ann Lee", "ann@uni", "123")
    assert {"al42", "ann lee", "ann@uni", "123", "leeann"} <= person.names()
    assert Person("e\u0301").names() == Person("\u00e9").names()
