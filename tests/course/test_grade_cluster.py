"""A class graded by a dask cluster: the marks are the same, and a lost worker loses none."""

import os
import shutil
import signal

import pytest
from grading import CUBE, SQUARE, STEM, hand_in, why_no_jail, write_course

from olympus_kit.course.grade import batch as batch_module
from olympus_kit.course.grade import grade

distributed = pytest.importorskip("distributed")
SECONDS = 15.0  # of the clock, before an answer that never ends is stopped
pytestmark = [
    pytest.mark.sweep,
    pytest.mark.filterwarnings("ignore"),  # dask's own
]


def test_one_crash_in_thirty_one_that_never_ends_one_worker_killed_are_thirty_rows(tmp_path):
    reason = why_no_jail()
    if reason:
        pytest.skip(f"NO JAIL HERE, grading on a cluster is left out: {reason}")
    course = write_course(tmp_path)
    handed_in = tmp_path / "handed-in"
    for number in range(28):
        cube = CUBE if number % 3 else f"def cube(x):\n    return x * {number}"
        codes = {"square": SQUARE + f"  # {number}", "cube": cube}
        hand_in(handed_in / f"s{number}" / f"{STEM}.md", codes)
    crash = {"square": "import os\nos.kill(0, 9)", "cube": CUBE}
    hand_in(handed_in / "crash" / f"{STEM}.md", crash)
    endless = {"square": "def square(x):\n    while True:\n        pass", "cube": CUBE}
    hand_in(handed_in / "endless" / f"{STEM}.md", endless)
    alone = grade(handed_in, tmp_path / "alone", course=course, seconds=SECONDS)
    assert len(alone) == 30
    expected = {record["student"]: record["points"] for record in alone}
    assert expected["s1"] == {"square": 1.0, "cube": 1.0}
    assert expected["s3"] == {"square": 1.0, "cube": 0.25}
    assert expected["crash"] == expected["endless"] == {"square": 0.0, "cube": 1.0}
    few = tmp_path / "few"
    for student in ("s1", "s3", "crash", "endless"):
        shutil.copytree(handed_in / student, few / student)
    for workers, folder in ((1, few), (2, handed_in), (4, few)):
        with distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            victims = [worker.pid for worker in cluster.workers.values()][1:2]

            def kill_one(done, total, victims=victims):
                while victims:
                    os.kill(victims.pop(), signal.SIGKILL)

            records = grade(
                folder,
                tmp_path / f"cluster{workers}",
                course=course,
                scheduler=cluster.scheduler_address,
                seconds=SECONDS,
                progress=kill_one,
            )
        marks = {record["student"]: record["points"] for record in records}
        assert set(marks) == {path.name for path in folder.iterdir()}
        assert marks == {student: expected[student] for student in marks}


def test_a_cluster_without_workers_is_given_up(tmp_path, monkeypatch):
    course = write_course(tmp_path)
    hand_in(tmp_path / "handed-in" / "ann" / f"{STEM}.md", {"square": SQUARE})
    monkeypatch.setattr(batch_module, "TICK", 0.1)
    monkeypatch.setattr(batch_module, "PATIENCE", 3)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        (record,) = grade(
            tmp_path / "handed-in",
            tmp_path / "marks",
            course=course,
            scheduler=cluster.scheduler_address,
        )
    assert record["status"] == "not graded: the cluster has no workers"
