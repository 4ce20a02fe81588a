"""Grade a class: every submission becomes a row, whatever is in it, and the batch always ends."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ... import checks
from .. import _notebook as nb
from .._course import CourseError
from .._processes import ended_by_signals
from . import cluster
from .answers import find_answers
from .exam import Item
from .gradebook import HANDMADE, Gradebook, Row, read_manual
from .jail import NoJail
from .late import Policy
from .pages import write_pages
from .similarity import similar
from .store import Store, digest_of
from .submissions import (
    Person,
    Submission,
    UnreadableClass,
    find_submissions,
    of_lessons,
    unpack,
)
from .tables import write_tables
from .text import legible
from .worker import SECONDS, Job, close_jails, grade_job

Progress = Callable[[int, int], None]
Verdict = dict[str, dict[str, Any]]  # question -> its record
TICK = 10.0  # seconds between two looks at the cluster
PATIENCE = 30  # looks at a cluster without workers: one that starts, or restarts, has a while
MOST_TEXT = 200  # of a trouble
MOST_SECONDS = 86_400


def grade(
    submissions: Path | str,
    out: Path | str,
    *,
    course: Path | None = None,
    only: str = "",
    roster: Sequence[Person] = (),
    policy: Policy | None = None,
    jobs: int = 1,
    scheduler: str = "",
    sandbox: bool = True,
    seconds: float = SECONDS,
    similarity: bool = False,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Grade a folder or zip of submissions into the folder `out`; one record for each student.

    `course` is the folder of exercises (the nearest one where None), `only` one lesson of it.
    NoJail where this machine gives no sandbox; CourseError or UnreadableClass for a wrong input.

    ```python
    marks = grade("submitted", "marks")
    ```
    """
    _require_apart(Path(submissions), Path(out))
    run = Batch(Path(out), course, only, sandbox, seconds)
    run.read(Path(submissions), roster)
    policy = policy or Policy()
    manual = read_manual(Path(out) / HANDMADE)
    # before hours of judging, that is
    run.require_known(policy, manual, roster)
    run.grade(jobs, scheduler, progress)
    book = run.book(roster)
    if similarity:
        book.pairs = run.pairs()
    _finish(book, Path(out), policy)
    return book.records()


def regrade(
    submissions: Path | str,
    out: Path | str,
    question: str,
    *,
    write: bool = False,
    course: Path | None = None,
    roster: Sequence[Person] = (),
    policy: Policy | None = None,
    jobs: int = 1,
    sandbox: bool = True,
    seconds: float = SECONDS,
) -> list[str]:
    """Judge one question anew for everybody, and say in words what changes; write it if asked to.

    All else in the marks stays as it is: other questions, rows, and what was late where `policy` is
    None. LookupError where no such question has been graded.
    """
    marks = Path(out) / "marks.json"
    if not marks.exists():
        raise CourseError(f"{out} holds no marks yet: grade the class first.")
    try:
        book = Gradebook.of(json.loads(marks.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        raise CourseError(
            f"{marks} is damaged: grade the class anew."
        ) from None
    if question not in book.questions:
        raise LookupError(
            f"{question} has not been graded. These have: {', '.join(book.questions)}."
        )
    run = Batch(Path(out), course, "", sandbox, seconds)
    run.read(Path(submissions), roster)
    stem = book.questions[question]["lesson"]
    open_jobs = {
        job.digest: job for job in run.jobs.values() if job.stem == stem
    }
    run.judge(list(open_jobs.values()), jobs)
    rows = {row.person.student: row for row in book.rows}
    lines = []
    for number, job in run.jobs.items():
        student = run.handed_in[number].person.student
        if job.stem != stem:
            continue
        if student not in rows or question not in rows[student].records:
            lines.append(f"{student}: not graded yet; grade the class anew")
        elif job.digest not in run.verdicts:
            lines.append(f"{student}: {run.troubles[job.digest]}")
        else:
            row, was = rows[student], rows[student].points(question)
            row.records[question] = run.verdicts[job.digest][question]
            if row.points(question) != was:
                now = row.points(question)
                lines.append(f"{student}: {question} {was:g} -> {now:g}")
    if write:
        for digest in open_jobs:
            run.keep(digest, question)
        book.sandbox = book.sandbox and sandbox
        _finish(book, Path(out), policy)
    return lines


def _require_apart(
    submissions: Path,
    out: Path,
) -> None:
    """CourseError where the marks would lie among what was handed in, as if a student's."""
    if out.resolve().is_relative_to(submissions.resolve()):
        raise CourseError(
            f"{out} lies in {submissions}: write the marks to a folder outside of it, with --out."
        )


def _finish(book: Gradebook, out: Path, policy: Policy | None) -> None:
    """Take in what was given by hand and what came late, and write everything."""
    book.apply(policy, read_manual(out / HANDMADE))
    write_tables(book, out)
    write_pages(book, out)


class Batch:
    """One grading run: its folder, its lessons, what was handed in, and the verdicts so far."""

    def __init__(
        self,
        out: Path,
        course: Path | None,
        only: str,
        sandbox: bool,
        seconds: float = SECONDS,
    ) -> None:
        folder = course or next(checks.folders(), None)
        if folder is None:
            raise CourseError(
                "No course here: go to the folder that holds `exercises`."
            )
        if not 0 < seconds < MOST_SECONDS:
            raise CourseError(
                f"A cell may take from 1 to {MOST_SECONDS:,} seconds; {seconds} is not one of "
                "these."
            )
        out.mkdir(parents=True, exist_ok=True)
        self.course = folder.resolve()
        self.sandbox = sandbox
        self.seconds = seconds
        self.store = Store(out)
        self.seed = self.store.seed()
        self.every = _lessons(self.course)
        self.lessons = {
            stem: names
            for stem, names in self.every.items()
            if only in ("", stem, stem.partition("_")[0])
        }
        if not self.lessons:
            raise CourseError(f"{self.course} holds no exercise {only}.")
        self.handed_in: list[Submission] = []
        self.jobs: dict[int, Job] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.troubles: dict[str, str] = {}

    def read(self, source: Path, roster: Sequence[Person]) -> None:
        """Find the submissions of a folder or a zip, and make a job of each."""
        if not source.exists():
            raise CourseError(
                f"{source} does not exist: name the folder or zip of submissions."
            )
        with tempfile.TemporaryDirectory() as folder:
            if source.is_file():
                unpack(source, Path(folder))
            place = Path(folder) if source.is_file() else source
            # by all lessons: one that is left out may speak of questions of another
            found = find_submissions(place, self.every, roster)
        self.handed_in = of_lessons(found, self.lessons)
        if not self.handed_in:
            raise CourseError(f"{source} holds no submissions.")
        for number, one in enumerate(self.handed_in):
            if not one.problem:
                self.jobs[number] = self._job(one)

    def require_known(
        self,
        policy: Policy,
        manual: Mapping[str, Mapping[str, Any]],
        roster: Sequence[Person],
    ) -> None:
        """UnreadableClass where extensions or points by hand name what is not there."""
        people = [*roster, *[one.person for one in self.handed_in]]
        students = {person.student for person in people}
        asked = set().union(*self.every.values())
        given = set().union(*manual.values())
        for unknown, what in (
            (policy.extensions.keys() - students, "The extensions name"),
            (manual.keys() - students, f"{HANDMADE} names"),
            (given - asked, f"{HANDMADE} names the question"),
        ):
            if unknown:
                names = ", ".join(sorted(unknown))
                raise UnreadableClass(f"{what} {names}, and there is none.")

    def _job(self, one: Submission) -> Job:
        released = self._released(one.stem)
        answers = find_answers(one.notebook, released, self.lessons[one.stem])
        return Job(
            digest=digest_of(
                answers, self.course, one.stem, self.seed, self.sandbox
            ),
            course=self.course,
            stem=one.stem,
            seed=self.seed,
            sandbox=self.sandbox,
            seconds=self.seconds,
            answers=answers,
        )

    def _released(self, stem: str) -> Any:
        answers = checks.read_answers(self.course / f"{stem}{checks.ANSWERS}")
        return nb.parse(answers["released"], stem)

    def grade(
        self,
        jobs: int,
        scheduler: str,
        progress: Progress | None,
    ) -> None:
        """Judge what is not judged yet; each verdict is kept as soon as it is there."""
        open_jobs: dict[str, Job] = {}
        for job in self.jobs.values():
            verdict = self.store.read(job.digest)
            if verdict is None or self._has_more_time(verdict):
                open_jobs[job.digest] = job
            else:
                self.verdicts[job.digest] = verdict

        def done(digest: str, count: int) -> None:
            if digest in self.verdicts:
                self.store.write(digest, self.verdicts[digest])
            if progress is not None:
                progress(count, len(open_jobs))

        self.judge(list(open_jobs.values()), jobs, scheduler, done)

    def _has_more_time(self, verdict: Verdict) -> bool:
        """Whether an answer was stopped that may take longer now."""
        return any(
            record["state"] == "stopped" and record["seconds"] < self.seconds
            for record in verdict.values()
        )

    def judge(
        self,
        open_jobs: list[Job],
        jobs: int,
        scheduler: str = "",
        done: Callable[[str, int], None] = lambda digest, count: None,
    ) -> None:
        """Have jobs done by threads or by a cluster; after each, tell which, and how many."""
        with ended_by_signals(), _crew(jobs, scheduler) as crew:
            futures: dict[Future[Any], Job] = {}
            for job in open_jobs:
                futures[crew.executor.submit(grade_job, job)] = job
            try:
                for count, future in enumerate(self._ended(futures, crew), 1):
                    digest = futures[future].digest
                    self._take(digest, future)
                    done(digest, count)
            finally:  # after Ctrl-C, too: what is done is kept, and the rest is not begun
                for future in futures:
                    future.cancel()
                close_jails()

    def _ended(
        self,
        futures: Mapping["Future[Any]", Job],
        crew: cluster.Crew,
    ) -> Iterator["Future[Any]"]:
        """Futures as they end. Where a cluster has lost all its workers, the rest is given up."""
        left = set(futures)
        lonely = 0
        while left and lonely < PATIENCE:
            ended, left = wait(left, TICK, FIRST_COMPLETED)
            yield from ended
            lonely = 0 if ended or crew.has_workers() else lonely + 1
        for future in left:
            digest = futures[future].digest
            self.troubles[digest] = "not graded: the cluster has no workers"

    def _take(self, digest: str, future: "Future[Any]") -> None:
        try:
            self.verdicts[digest] = future.result()
        except NoJail:
            raise
        except Exception as error:
            # a worker of a cluster was lost, or a defect of the kit
            text = f"{type(error).__name__}: {error}".partition("\n")[0]
            self.troubles[digest] = legible(f"not graded: {text}"[:MOST_TEXT])

    def keep(self, digest: str, question: str) -> None:
        """Keep what is new of one question, beside what was kept of the others."""
        verdict = self.verdicts.get(digest, {})
        kept = self.store.read(digest) or verdict
        if question in verdict:
            self.store.write(digest, kept | {question: verdict[question]})

    def book(self, roster: Sequence[Person]) -> Gradebook:
        """The rows: everybody of the class, and everybody who handed something in."""
        rows = {person.student: Row(person) for person in roster}
        for number, one in enumerate(self.handed_in):
            row = rows.setdefault(one.person.student, Row(one.person))
            row.enter(one)
            if number not in self.jobs:
                row.problems.append(one.problem)
                continue
            digest = self.jobs[number].digest
            if digest in self.verdicts:
                row.records |= self.verdicts[digest]
            else:
                row.problems.append(self.troubles.get(digest, "not graded"))
        questions = {}
        for stem in sorted({one.stem for one in self.handed_in if one.stem}):
            for name in self.lessons[stem]:
                questions[name] = _entry(self.course, stem, name)
        return Gradebook(questions, list(rows.values()), self.sandbox)

    def pairs(self) -> list[dict[str, Any]]:
        """The pairs of submissions to a lesson that are much alike."""
        codes: dict[str, dict[str, str]] = {}
        for number, job in self.jobs.items():
            student = self.handed_in[number].person.student
            cells = [cell.code for cell in job.answers.cells]
            codes.setdefault(job.stem, {})[student] = "\n".join(cells)
        pairs = []
        for stem, texts in codes.items():
            cells = [cell.source for cell in self._released(stem).cells]
            for pair in similar(texts, "\n".join(cells)):
                pairs.append({"lesson": stem, **pair})
        return pairs


def _entry(course: Path, stem: str, name: str) -> dict[str, Any]:
    """What the gradebook says of a question: its lesson, and its points."""
    question = checks.find(name, course).question
    item = Item(checks.find(name, course), question)
    credits = [asdict(credit) for credit in item.credits]
    return {"lesson": stem, "of": item.most, "credits": credits}


def _lessons(course: Path) -> Mapping[str, list[str]]:
    lessons = {}
    for path in sorted(course.glob(f"*{checks.ANSWERS}")):
        stem = path.name.removesuffix(checks.ANSWERS)
        lessons[stem] = list(checks.read_answers(path)["questions"])
    return lessons


@contextmanager
def _crew(jobs: int, scheduler: str) -> Iterator[cluster.Crew]:
    """The threads of this process, or the workers of a cluster."""
    if scheduler:
        with cluster.connect(scheduler) as crew:
            yield crew
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        yield cluster.Crew(pool, lambda: True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
