"""Grade a class: every submission becomes a row, whatever is in it, and the batch always ends."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ... import checks
from .._course import CourseError
from .._processes import ended_by_signals
from . import cluster
from .answers import find_answers
from .exam import Item
from .gradebook import HANDMADE, Gradebook, Row, read_manual
from .jail import NoJail
from .late import Policy
from .pages import write_pages
from .store import Store, digest_of
from .submissions import Person, Submission, find_submissions, unpack
from .tables import write_tables
from .worker import SECONDS, Job, close_jails, grade_job

Progress = Callable[[int, int], None]
TICK = 10.0  # seconds between two looks at the cluster
PATIENCE = 30  # looks at a cluster without workers: one that starts, or restarts, has a while


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
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Grade a folder or zip of submissions into the folder `out`; one record for each student.

    `course` is the folder of exercises (the nearest one where None), `only` one lesson of it.
    NoJail where this machine gives no sandbox; CourseError or UnreadableClass for a wrong input.

    ```python
    marks = grade("submitted", "marks")
    ```
    """
    run = Batch(Path(out), course, only, sandbox, seconds)
    with run.read(Path(submissions), roster) as handed_in:
        run.grade(handed_in, jobs, scheduler, progress)
    book = run.book(handed_in, roster)
    finish(book, Path(out), policy or Policy())
    return book.records()


def finish(book: Gradebook, out: Path, policy: Policy) -> None:
    """Take in what was given by hand and what came late, and write everything."""
    book.apply(policy, read_manual(out / HANDMADE))
    write_tables(book, out)
    write_pages(book, out)


class Batch:
    """One grading run: its folder, its lessons, and the verdicts that it has."""

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
        out.mkdir(parents=True, exist_ok=True)
        self.course = folder.resolve()
        self.sandbox = sandbox
        self.seconds = seconds
        self.store = Store(out)
        self.seed = self.store.seed()
        self.lessons = _lessons(self.course, only)
        self.jobs: dict[int, Job] = {}
        self.verdicts: dict[str, dict[str, Any]] = {}
        self.troubles: dict[str, str] = {}

    @contextmanager
    def read(
        self, source: Path, roster: Sequence[Person]
    ) -> Iterator[list[Submission]]:
        """The submissions of a folder or a zip, each with its job."""
        if not source.exists():
            raise CourseError(
                f"{source} does not exist: name the folder or zip of submissions."
            )
        with ExitStack() as stack:
            if source.is_file():
                folder = Path(
                    stack.enter_context(tempfile.TemporaryDirectory())
                )
                unpack(source, folder)
                source = folder
            handed_in = find_submissions(source, self.lessons, roster)
            if not handed_in:
                raise CourseError(f"{source} holds no submissions.")
            for number, one in enumerate(handed_in):
                if not one.problem:
                    self.jobs[number] = self._job(one)
            yield handed_in

    def _job(self, one: Submission) -> Job:
        released = _released(self.course, one.stem)
        answers = find_answers(one.notebook, released, self.lessons[one.stem])
        return Job(
            digest=digest_of(
                answers, self.course, one.stem, self.seed, self.sandbox
            ),
            course=str(self.course),
            stem=one.stem,
            seed=self.seed,
            sandbox=self.sandbox,
            seconds=self.seconds,
            cells=tuple((cell.code, cell.answers) for cell in answers.cells),
            rules=tuple(answers.rules.items()),
            stubs=answers.stubs,
        )

    def grade(
        self,
        handed_in: Sequence[Submission],
        jobs: int,
        scheduler: str,
        progress: Progress | None,
    ) -> None:
        """Judge what is not judged yet; each verdict is kept as soon as it is there."""
        open_jobs: dict[str, Job] = {}
        for job in self.jobs.values():
            verdict = self.store.read(job.digest)
            if verdict is None:
                open_jobs[job.digest] = job
            else:
                self.verdicts[job.digest] = verdict
        self._run(list(open_jobs.values()), jobs, scheduler, progress)

    def _run(
        self,
        open_jobs: list[Job],
        jobs: int,
        scheduler: str,
        progress: Progress | None,
    ) -> None:
        with ended_by_signals(), _crew(jobs, scheduler) as crew:
            futures: dict[Future[Any], Job] = {}
            for job in open_jobs:
                futures[crew.executor.submit(grade_job, job)] = job
            try:
                for count, future in enumerate(self._done(futures, crew), 1):
                    self._take(futures[future], future)
                    if progress is not None:
                        progress(count, len(futures))
            finally:  # after Ctrl-C, too: what is done is kept, and the rest is not begun
                for future in futures:
                    future.cancel()
                if not scheduler:
                    close_jails()

    def _done(
        self, futures: Mapping["Future[Any]", Job], crew: cluster.Crew
    ) -> Iterator["Future[Any]"]:
        """Futures as they end. Where a cluster has lost all its workers, the rest is given up."""
        left = set(futures)
        lonely = 0
        while left and lonely < PATIENCE:
            done, left = wait(left, TICK, FIRST_COMPLETED)
            yield from done
            if done or crew.has_workers():
                lonely = 0
            else:
                lonely += 1
        for future in left:
            self.troubles[futures[future].digest] = (
                "not graded: the cluster has no workers"
            )

    def _take(self, job: Job, future: "Future[Any]") -> None:
        try:
            verdict = future.result()
        except NoJail:
            raise
        except (
            Exception
        ) as error:  # a worker of a cluster was lost, or a defect of the kit
            text = str(error).partition("\n")[0]
            self.troubles[job.digest] = (
                f"not graded: {type(error).__name__}: {text}"[:200]
            )
            return
        self.verdicts[job.digest] = verdict
        self.store.write(job.digest, verdict)

    def book(
        self, handed_in: Sequence[Submission], roster: Sequence[Person]
    ) -> Gradebook:
        """The rows: everybody of the class, and everybody who handed something in."""
        rows = {person.student: Row(person) for person in roster}
        stems = []
        for number, one in enumerate(handed_in):
            row = rows.setdefault(one.person.student, Row(one.person))
            self._enter(row, one, self.jobs.get(number))
            if one.stem and one.stem not in stems:
                stems.append(one.stem)
        questions: dict[str, dict[str, Any]] = {}
        for stem in sorted(stems):
            questions |= question_table(self.course, stem, self.lessons[stem])
        return Gradebook(questions, list(rows.values()), self.sandbox)

    def _enter(self, row: Row, one: Submission, job: Job | None) -> None:
        when = one.submitted.isoformat() if one.submitted else ""
        row.files.append({
            "lesson": one.stem,
            "path": one.path,
            "submitted": when,
        })
        if one.submitted and (
            row.submitted is None or one.submitted > row.submitted
        ):
            row.submitted = one.submitted
        if job is None:
            row.problems.append(one.problem)
            return
        verdict = self.verdicts.get(job.digest)
        if verdict is None:
            row.problems.append(self.troubles.get(job.digest, "not graded"))
        else:
            row.records |= verdict


def question_table(
    course: Path, stem: str, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What the gradebook says of each question of a lesson: its lesson, and its points."""
    table = {}
    for name in names:
        item = Item(checks.find(name, course))
        credits = []
        for credit in item.credits:
            credits.append({
                "part": credit.part,
                "points": credit.points,
                "reason": credit.reason,
            })
        table[name] = {"lesson": stem, "of": item.most, "credits": credits}
    return table


def _lessons(course: Path, only: str) -> Mapping[str, list[str]]:
    lessons = {}
    for path in sorted(course.glob(f"*{checks.ANSWERS}")):
        stem = path.name.removesuffix(checks.ANSWERS)
        if only in ("", stem, stem.partition("_")[0]):
            lessons[stem] = list(checks.read_answers(path)["questions"])
    if not lessons:
        raise CourseError(f"{course} holds no exercise {only}.")
    return lessons


def _released(course: Path, stem: str) -> Any:
    from .. import _notebook as nb

    return nb.parse(
        checks.read_answers(course / f"{stem}{checks.ANSWERS}")["released"],
        stem,
    )


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


# One question anew.


def regrade(
    submissions: Path | str,
    out: Path | str,
    question: str,
    *,
    course: Path | None = None,
    only: str = "",
    roster: Sequence[Person] = (),
    jobs: int = 1,
    sandbox: bool = True,
    seconds: float = SECONDS,
) -> tuple[Gradebook, list[str]]:
    """Judge one question anew for everybody; the gradebook, and what would change in words.

    Nothing is written but verdicts of jobs that had none. LookupError where no such question has
    been graded.
    """
    before = json.loads((Path(out) / "marks.json").read_text(encoding="utf-8"))
    if question not in before["questions"]:
        raise LookupError(
            f"{question} has not been graded. These have: {', '.join(before['questions'])}."
        )
    run = Batch(Path(out), course, only, sandbox, seconds)
    with run.read(Path(submissions), roster) as handed_in:
        stem = before["questions"][question]["lesson"]
        fresh = {
            number: job
            for number, job in run.jobs.items()
            if handed_in[number].stem == stem
        }
        run._run(
            list({job.digest: job for job in fresh.values()}.values()),
            jobs,
            "",
            None,
        )
    anew = run.verdicts
    run.verdicts = {}
    book = run.book(handed_in, roster)
    lines = []
    old_rows = {record["student"]: record for record in before["students"]}
    for row in book.rows:
        old = old_rows.get(row.person.student)
        row.records = dict(old["questions"]) if old else {}
        row.problems = []
        for number, one in enumerate(handed_in):
            if one.person.student == row.person.student and number in fresh:
                was = row.points(question)
                row.records[question] = anew[fresh[number].digest][question]
                now = row.points(question)
                if was != now:
                    lines.append(
                        f"{row.person.student}: {question} {was:g} -> {now:g}"
                    )
            elif one.person.student == row.person.student and one.problem:
                row.problems.append(one.problem)
    return book, lines
