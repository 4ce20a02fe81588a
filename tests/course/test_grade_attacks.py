"""Attacks on the marks, each with the answer that it forges: none earns what it does not deserve.

Each file of `attacks/` is the cell of `square`; none of them squares. Beside it stands an honest
`cube`, which must keep its point. Limits are on processor time, so that a busy machine fails none.
"""

import re
from pathlib import Path

import nbformat
import pytest
from grading import CUBE, SQUARE, STEM, page, why_no_jail, write_course

from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade.answers import find_answers
from olympus_kit.course.grade.exam import exam
from olympus_kit.course.grade.jail import Jail, Limits
from olympus_kit.course.grade.probe import probe
from olympus_kit.course.grade.session import Jails, grade_answers

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.txt"))
LIMITS = Limits(cpu_seconds=3, memory_bytes=2**30, scratch_bytes=32 * 2**20)
LONG = ("endless_cell", "endless_python", "read_specification", "wide_result")
# their second run would meet what the first left
TWICE = ("shared_memory", "scratch_letter", "folder_letter", "limits_of_first")


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    """Grade answers to the two questions, by the same two jails for all tests."""
    reason = why_no_jail()
    if reason:
        pytest.skip(f"NO JAIL HERE, the attacks are left out: {reason}")
    course = write_course(tmp_path_factory.mktemp("course"))
    lesson = exam(course, STEM, 20261128)
    jails = Jails(Jail(None, LIMITS), Jail(course, LIMITS))

    def grade(codes, helper=""):
        notebook = nb.parse(nb.write(page(codes)))
        if helper:
            notebook.cells.insert(2, nbformat.v4.new_code_cell(helper))
        answers = find_answers(notebook, lesson.released, list(lesson.items))
        return grade_answers(lesson, answers, jails)

    grade.jails = jails
    yield grade
    jails.shut()


def test_there_are_many_attacks():
    assert len(ATTACKS) >= 30


def test_honest_answers_get_full_marks(grader):
    records = grader({"square": SQUARE, "cube": CUBE})
    assert {name: record["points"] for name, record in records.items()} == {
        "square": 1.0,
        "cube": 1.0,
    }
    assert all(record["own_points"] for record in records.values())


def test_an_honest_answer_may_write_files_where_it_runs(grader):
    code = 'import os\nos.mkdir("data")\nos.chdir("data")\nopen("a", "w").close()\n'
    assert grader({"square": code + SQUARE})["square"]["points"] == 1


def marked(path):
    """The attack as a parameter; what takes long is left to the long run of the tests."""
    marks = [pytest.mark.sweep] if path.stem in LONG else []
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("attack", [marked(path) for path in ATTACKS])
def test_an_attack_earns_nothing_and_harms_nobody(grader, attack):
    code = attack.read_text(encoding="utf-8")
    for _ in range(2 if attack.stem in TWICE else 1):
        records = grader({"square": code, "cube": CUBE})
        assert records["square"]["points"] == 0, records["square"]
        assert records["cube"]["points"] == 1, records["cube"]


def test_the_jail_holds_after_all_attacks(grader):
    assert probe(grader.jails.witness) == []
    assert probe(grader.jails.examiner) == []


def test_the_message_shows_no_input_of_the_judge(grader):
    attack = (Path(__file__).parent / "attacks" / "public_points.txt").read_text(encoding="utf-8")
    record = grader({"square": attack})["square"]
    assert "at a point of the judge" in record["note"]
    assert record["outcome"] is None
    assert not re.search(r"\d", record["note"])


def test_the_message_is_the_student_s_with_the_place_of_the_mistake(grader):
    record = grader({"cube": "def cube(x):\n    y = x * x\n    return y + x"})["cube"]
    message = record["outcome"]["diagnosis"]["message"]
    assert "look at `y + x`: another operation belongs there" in message


def test_a_cell_of_helpers_that_does_not_end_is_told(grader):
    helper = "def twice(x):\n    return 2 * x\n\nwhile True:\n    pass"
    wrong = "def square(x):\n    return twice(x) * x / 2"
    records = grader({"square": wrong, "cube": CUBE}, helper)
    assert records["cube"]["state"] == "correct"
    assert records["square"]["state"] == "stopped"
    assert records["square"]["note"].startswith("A cell of helpers")
    assert "NameError" in records["square"]["outcome"]["diagnosis"]["message"]


def test_what_the_text_rules_out_is_seen_in_every_cell(grader):
    helper = "raised = np.power\nsame = lambda x: x * x\nexpected = np.power(3.0, 2)"
    fair = grader({"square": "def square(x):\n    return same(x)"}, helper)["square"]
    assert fair["state"] == "correct"
    for code in ("return raised(x, 2)", "return same(x) + 0 * raised(x, 2)"):
        record = grader({"square": f"%%time\ndef square(x):\n    {code}"}, helper)["square"]
        assert record["points"] == 0
        assert "come from `power`" in record["outcome"]["diagnosis"]["message"]


def test_part_of_the_points_for_the_right_shape(grader):
    wrong = grader({"cube": "def cube(x):\n    return x * x + 1"})["cube"]
    assert wrong["points"] == 0.25
    assert wrong["parts"] == {"shape": 0.25, "value": 0.0}
    flat = grader({"cube": "def cube(x):\n    return np.sum(x)"})["cube"]
    assert flat["points"] == 0.0
