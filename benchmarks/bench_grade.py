"""What a mark costs: grading against nbval on the same notebook, and against its own floor.

One submission is measured in processor time, that of all processes together, since waiting for a
busy machine is no cost of ours.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from olympus_kit.course import _lesson
from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade import grade
from olympus_kit.course.grade.answers import find_answers
from olympus_kit.course.grade.exam import exam
from olympus_kit.course.grade.jail import Jail
from olympus_kit.course.grade.probe import probe
from olympus_kit.course.grade.session import Jails, grade_answers

from ._ratio import Ratio, interleaved

REPO = Path(__file__).parents[1]
COURSE = REPO / "exercises"
STEM = "04_reverse"
CLASS = 8  # submissions of the run with two workers


def ratios() -> Iterator[Ratio]:
    """Compare one submission with nbval and with an empty visit, and two workers with one."""
    page = solved(0)
    lesson = exam(COURSE, STEM, 1)
    answers = find_answers(page, lesson.released, list(lesson.items))
    jails = Jails(Jail(None), Jail(COURSE))
    with tempfile.TemporaryDirectory(dir=REPO) as folder:
        path = Path(folder, f"{STEM}.md")
        path.write_text(nb.write(page), encoding="utf-8")
        judged = lambda: check_marks(grade_answers(lesson, answers, jails))
        empty = lambda: visits(jails)
        ours, theirs, floor = interleaved(
            [judged, lambda: nbval(path), empty], 3, processor_seconds
        )
    jails.shut()
    yield Ratio(f"grade {STEM} ({ours:.1f} s) / nbval ({theirs:.1f} s)", ours / theirs, 0.1)
    yield Ratio(f"grade {STEM} ({ours:.1f} s) / two forks from the zygotes", ours / floor)
    yield workers()


def processor_seconds() -> float:
    """Return what this process and all that it started have used, those that ended included."""
    ticks = 0
    left = [os.getpid()]
    while left:
        place = Path("/proc", str(left.pop()))
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
        for thread in (place / "task").iterdir():
            left += map(int, (thread / "children").read_text().split())
    return ticks / os.sysconf("SC_CLK_TCK")


def solved(number: int) -> Any:
    """Return the page with all solutions; each number makes another submission of it."""
    lesson = _lesson.read(REPO / "solutions" / f"{STEM}.md")
    codes = {exercise.name: exercise.solution() for exercise in lesson.exercises}
    page = nb.read(COURSE / f"{STEM}.md")
    for cell in page.cells:
        if nb.name(cell) in codes:
            cell.source = f"{codes[nb.name(cell)]}\n# {number}"
    return page


def check_marks(records: dict[str, dict[str, object]]) -> None:
    """Stop where a solution has not got all its points: then there is nothing to measure."""
    for name, record in records.items():
        if record["points"] != record["of"]:
            raise AssertionError(f"{name}: {record}")


def visits(jails: Jails) -> None:
    """Fork a child in either jail, and talk to it."""
    for jail in (jails.witness, jails.examiner):
        if probe(jail):
            raise AssertionError("the jail does not hold")


def nbval(path: Path) -> None:
    """Run the page as an instructor did before."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", str(path)]
    subprocess.run(command, cwd=path.parent, capture_output=True, check=True, env={**os.environ})


def workers() -> Ratio:
    """Compare a class with one worker and with two."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(CLASS):
            path = folder / "handed-in" / f"s{number}" / f"{STEM}.md"
            path.parent.mkdir(parents=True)
            path.write_text(nb.write(solved(number)), encoding="utf-8")
        runs = iter(range(100))

        def graded(jobs: int) -> None:
            grade(folder / "handed-in", folder / f"run{next(runs)}", course=COURSE, jobs=jobs)

        one, two = interleaved([lambda: graded(1), lambda: graded(2)], 1)
    return Ratio(f"{CLASS} submissions, two workers ({two:.0f} s) / one", two / one, 1 / 1.7)
