"""A class from a folder to its tables: every student has a row, whatever was handed in."""

import csv
import json
import shutil
from datetime import UTC, datetime

import pytest
from grading import CUBE, SQUARE, STEM, hand_in, why_no_jail, write_course
from typer.testing import CliRunner

from olympus_kit.course._course import CourseError
from olympus_kit.course.cli import app
from olympus_kit.course.grade import batch as batch_module
from olympus_kit.course.grade import grade
from olympus_kit.course.grade import worker as worker_module
from olympus_kit.course.grade.batch import regrade
from olympus_kit.course.grade.jail import NoJail
from olympus_kit.course.grade.late import Policy
from olympus_kit.course.grade.submissions import Person, UnreadableClass

WRONG = "def square(x):\n    return x + x"
RUDE = 'def cube(x):\n    raise ValueError("half \\ud800, and \\x1b[2J")'
ROSTER = [Person("ann", "Ann Lee", "ann@uni", "11"), Person("zoe", "Zoe Q", "zoe@uni", "12")]


@pytest.fixture(scope="module", autouse=True)
def jail():
    reason = why_no_jail()
    if reason:
        pytest.skip(f"NO JAIL HERE, grading a class is left out: {reason}")
    with pytest.MonkeyPatch.context() as patch:  # one start of the jails serves all tests
        patch.setattr(batch_module, "close_jails", lambda: None)
        yield
    worker_module.close_jails()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class that was graded once: its course, submissions, folder of marks, records."""
    folder = tmp_path_factory.mktemp("class")
    course = write_course(folder)
    handed_in = folder / "handed-in"
    hand_in(handed_in / "ann" / f"{STEM}.md", {"square": SQUARE, "cube": CUBE})
    hand_in(handed_in / "twin" / f"{STEM}.ipynb", {"square": SQUARE, "cube": CUBE})
    hand_in(handed_in / "bob" / f"{STEM}.ipynb", {"square": WRONG, "cube": RUDE})
    hand_in(handed_in / "=cmd" / f"{STEM}.md", {"square": "import os\nos._exit(1)", "cube": CUBE})
    hand_in(handed_in / "empty" / f"{STEM}.md", {})
    (handed_in / "eve").mkdir()
    (handed_in / "eve" / f"{STEM}.ipynb").write_text("<html>")
    records = grade(handed_in, folder / "marks", course=course, roster=ROSTER)
    return folder, course, {record["student"]: record for record in records}


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_student_has_a_row_with_a_status(graded):
    folder, _, records = graded
    statuses = {student: record["status"] for student, record in records.items()}
    assert statuses.pop("eve").startswith("unreadable")
    assert statuses == {
        "ann": "graded",
        "twin": "graded",
        "bob": "graded",
        "=cmd": "graded, an answer was stopped",
        "empty": "nothing answered",
        "zoe": "nothing handed in",
    }
    totals = {row["student"]: row["total"] for row in rows(folder / "marks" / "marks.csv")}
    assert totals == {
        "ann": "2",
        "twin": "2",
        "bob": "0",
        "'=cmd": "1",
        "empty": "0",
        "eve": "0",
        "zoe": "0",
    }


def test_the_gradebooks_of_canvas_and_moodle(graded):
    folder, _, _ = graded
    canvas = rows(folder / "marks" / "canvas.csv")
    assert list(canvas[0])[:4] == ["Student", "ID", "SIS User ID", "SIS Login ID"]
    assert canvas[0]["OLYMPUS"] == "2"
    assert {"Ann Lee": "2", "Zoe Q": "0"}.items() <= {
        r["Student"]: r["OLYMPUS"] for r in canvas
    }.items()
    moodle = {row["Identifier"]: row for row in rows(folder / "marks" / "moodle.csv")}
    assert moodle["Participant 11"]["Grade"] == "2"
    assert moodle["Participant 12"]["Email address"] == "zoe@uni"
    lines = (folder / "marks" / "marks.jsonl").read_text().splitlines()
    whole = json.loads((folder / "marks" / "marks.json").read_text())
    assert [json.loads(line) for line in lines] == whole["students"]
    assert whole["questions"]["cube"]["of"] == 1.0


def test_pages_are_whole_and_escape_what_a_student_wrote(graded):
    folder, _, _ = graded
    pages = sorted((folder / "marks" / "feedback").glob("*.html"))
    assert len(pages) == 7
    bob = (folder / "marks" / "feedback" / "bob.html").read_text()
    assert "square: △ not yet" in bob
    assert "should be" in bob  # the counter-example of the public check
    assert "half \\ud800, and \\x1b[2J" in bob
    summary = (folder / "marks" / "summary.html").read_text()
    assert "7 students" in summary
    assert "Commonest mistakes" in summary
    for page in [bob, summary]:
        assert "<script" not in page
        assert "http" not in page
        assert '<html lang="en">' in page


def test_a_second_run_grades_what_changed_and_nothing_else(graded, monkeypatch):
    folder, course, before = graded
    copy = folder / "copy"
    shutil.copytree(folder / "handed-in", copy)
    hand_in(copy / "bob" / f"{STEM}.ipynb", {"square": SQUARE})
    judged = []
    real = worker_module.grade_job

    def counted(job):
        judged.append(job)
        return real(job)

    monkeypatch.setattr(batch_module, "grade_job", counted)
    after = {r["student"]: r for r in grade(copy, folder / "marks", course=course, roster=ROSTER)}
    assert len(judged) == 1
    assert after["bob"]["total"] == 1
    assert after["ann"]["questions"] == before["ann"]["questions"]
    monkeypatch.setattr(batch_module, "grade_job", lambda job: judged.append(job) or {})
    shutil.copytree(folder / "marks", folder / "longer")
    grade(copy, folder / "longer", course=course, roster=ROSTER, seconds=120.0)
    assert len(judged) == 2  # what was stopped may need more time


def test_points_by_hand_and_lateness_need_no_grading(graded, monkeypatch):
    folder, course, _ = graded
    monkeypatch.setattr(batch_module, "grade_job", None)
    marks = folder / "by-hand"
    shutil.copytree(folder / "marks", marks)
    (marks / "manual.csv").write_text("student,question,points,reason\nann,square,0.5,copied\n")
    policy = Policy(datetime(2020, 1, 1, tzinfo=UTC), extensions={"twin": datetime.now(UTC)})
    records = grade(folder / "handed-in", marks, course=course, roster=ROSTER, policy=policy)
    totals = {record["student"]: record["total"] for record in records}
    assert totals["ann"] == 0.0
    assert totals["twin"] == 2.0
    records = grade(folder / "handed-in", marks, course=course, roster=ROSTER)
    assert {r["student"]: r["total"] for r in records}["ann"] == 1.5
    assert "Points given by hand: 0.5. copied" in (marks / "feedback" / "ann.html").read_text()


def test_one_question_anew_prints_what_would_change(graded):
    folder, course, _ = graded
    marks = folder / "anew"
    grade(folder / "handed-in", marks, course=course)
    path = marks / "marks.json"
    whole = json.loads(path.read_text())
    for student in whole["students"]:
        if student["student"] == "ann":
            student["questions"]["square"] |= {"points": 0.0, "state": "not yet"}
    path.write_text(json.dumps(whole))
    again = lambda **wish: regrade(folder / "handed-in", marks, "square", course=course, **wish)
    written = path.read_text()
    assert again() == ["ann: square 0 -> 1"]
    assert path.read_text() == written
    assert again(write=True) == ["ann: square 0 -> 1"]
    totals = {row["student"]: row["total"] for row in rows(marks / "marks.csv")}
    assert totals["ann"] == "2"
    with pytest.raises(LookupError, match="has not been graded"):
        regrade(folder / "handed-in", marks, "circle", course=course)


def test_anew_changes_one_question_and_nothing_else(graded):
    folder, course, _ = graded
    marks, handed_in = folder / "once-more", folder / "handed-in-once-more"
    shutil.copytree(folder / "handed-in", handed_in)
    when = datetime(2020, 1, 1, tzinfo=UTC)
    policy = Policy(when, penalty=0.0001)
    grade(handed_in, marks, course=course, roster=ROSTER, policy=policy)
    before = json.loads((marks / "marks.json").read_text())
    hand_in(handed_in / "late" / f"{STEM}.md", {"square": SQUARE})
    shutil.rmtree(handed_in / "eve")
    lines = regrade(handed_in, marks, "square", course=course, write=True)
    assert lines == ["late: not graded yet; grade the class anew"]
    assert json.loads((marks / "marks.json").read_text()) == before
    regrade(handed_in, marks, "square", course=course, write=True, sandbox=False)
    assert json.loads((marks / "marks.json").read_text())["sandbox"] is False


def test_marks_do_not_lie_among_what_was_handed_in(graded):
    folder, course, _ = graded
    for out in (folder / "handed-in", folder / "handed-in" / "marks"):
        with pytest.raises(CourseError, match="outside of it"):
            grade(folder / "handed-in", out, course=course)
    assert not (folder / "handed-in" / "marks").exists()


def test_names_that_nobody_has_are_told_before_anything_is_judged(graded, monkeypatch):
    folder, course, _ = graded
    monkeypatch.setattr(batch_module, "grade_job", None)
    marks = folder / "names"
    marks.mkdir()
    soon = datetime(2030, 1, 1, tzinfo=UTC)
    policy = Policy(soon, extensions={"nobody": soon, "ann": soon})
    with pytest.raises(UnreadableClass, match="extensions name nobody,"):
        grade(folder / "handed-in", marks, course=course, policy=policy)
    for row, problem in {
        "max,square,1": r"manual.csv names max,",
        "ann,circle,1": "names the question circle,",
        "ann,square,nan": "not a number of points",
        "ann,square,-1": "not a number of points",
        "ann,square,0,5": "row 2 has more fields",
    }.items():
        (marks / "manual.csv").write_text(f"student,question,points\n{row}\n")
        with pytest.raises(UnreadableClass, match=problem):
            grade(folder / "handed-in", marks, course=course)


def test_marks_do_not_depend_on_order_or_on_how_many_work(graded):
    folder, course, before = graded
    shutil.copytree(folder / "marks" / ".run", folder / "two" / ".run")
    for verdict in (folder / "two" / ".run" / "verdicts").iterdir():
        verdict.unlink()
    records = grade(folder / "handed-in", folder / "two", course=course, roster=ROSTER, jobs=2)
    for record in records:
        assert record["points"] == before[record["student"]]["points"]


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(graded, monkeypatch):
    folder, course, before = graded

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(folder / "handed-in", folder / "stopped", course=course, progress=stop)
    verdicts = folder / "stopped" / ".run" / "verdicts"
    assert len(list(verdicts.iterdir())) == 1
    assert not (folder / "stopped" / "marks.csv").exists()
    judged = []
    real = worker_module.grade_job
    monkeypatch.setattr(batch_module, "grade_job", lambda job: judged.append(job) or real(job))
    records = grade(folder / "handed-in", folder / "stopped", course=course)
    assert len(judged) == 3  # four different submissions, of which one was done
    for record in records:
        assert record["points"] == before[record["student"]]["points"]


def test_grading_fails_closed(graded, monkeypatch):
    folder, course, _ = graded
    breach = ["reads a file outside"]
    monkeypatch.setattr(worker_module, "probe", lambda jail: breach)
    monkeypatch.setattr(worker_module, "_idle", {})  # so that new jails are started
    with pytest.raises(NoJail, match="reads a file outside"):
        grade(folder / "handed-in", folder / "never", course=course)
    assert not (folder / "never" / "marks.csv").exists()


def test_a_defect_or_a_lost_worker_costs_a_status_and_no_row(graded, monkeypatch):
    folder, course, _ = graded

    def lost(job):
        raise ConnectionError("worker is gone")

    monkeypatch.setattr(batch_module, "grade_job", lost)
    records = grade(folder / "handed-in", folder / "lost", course=course)
    assert {"not graded: ConnectionError: worker is gone"} <= {r["status"] for r in records}
    assert len(records) == 6


def test_wrong_inputs_are_told(graded):
    folder, course, _ = graded
    with pytest.raises(CourseError, match="does not exist"):
        grade(folder / "nowhere", folder / "x", course=course)
    (folder / "nobody").mkdir()
    with pytest.raises(CourseError, match="no submissions"):
        grade(folder / "nobody", folder / "x", course=course)
    with pytest.raises(CourseError, match="no marks yet"):
        regrade(folder / "handed-in", folder / "x", "square", course=course)
    with pytest.raises(CourseError, match="no exercise 77"):
        grade(folder / "handed-in", folder / "x", course=course, only="77")


def test_what_is_damaged_is_told(graded):
    folder, course, _ = graded
    marks = folder / "damaged"
    (marks / ".run").mkdir(parents=True)
    (marks / ".run" / "seed").write_text("seven")
    with pytest.raises(CourseError, match="seed is damaged"):
        grade(folder / "handed-in", marks, course=course)
    for text in ("{", "[]", '{"students": []}'):
        (marks / "marks.json").write_text(text)
        with pytest.raises(CourseError, match="json is damaged"):
            regrade(folder / "handed-in", marks, "square", course=course)


def test_the_command(graded, monkeypatch):
    folder, _, _ = graded
    monkeypatch.chdir(folder)
    run = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke
    done = run(app, ["grade", "handed-in", "--out", "marks"])
    assert done.exit_code == 0
    assert "ann    2 of 2  graded" in done.stdout
    machine = run(app, ["grade", "handed-in", "--out", "marks", "--json", "--resume"])
    assert len(json.loads(machine.stdout)) == 6
    wrong = run(app, ["grade", "handed-in", "--out", "nothing", "--resume"])
    assert wrong.exit_code == 2
    assert "no run" in wrong.stderr


def test_without_a_sandbox_everything_says_so(graded):
    folder, course, _ = graded
    only = folder / "one"
    hand_in(only / "ann" / f"{STEM}.md", {"square": SQUARE})
    (record,) = grade(only, folder / "bare", course=course, sandbox=False)
    assert record["sandbox"] is False
    assert record["total"] == 1
    for name in ("marks.csv", "canvas.csv", "moodle.csv", "summary.html", "feedback/ann.html"):
        assert "WITHOUT A SANDBOX" in (folder / "bare" / name).read_text()
