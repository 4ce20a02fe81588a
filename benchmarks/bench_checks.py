"""What a check costs a student who waits for it, and what nbval costs beside plain kernels."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from unittest.mock import patch

import jupytext
from nbclient import NotebookClient

from olympus_kit.checks import find, inputs, outcome_of
from olympus_kit.course import _lesson
from olympus_kit.course._cache import FOLDER, compile_cache

from ._ratio import Ratio, import_seconds, interleaved

REPO = Path(__file__).parents[1]
WARM, FILLED, EMPTY = 0.2, 1.5, 5.0  # seconds that a student may have to wait
CHECK = """
import sys, time
from olympus_kit.checks import find, outcome_of

names = {}
exec(sys.stdin.read(), names)
start = time.perf_counter()
entry = find(sys.argv[1])
outcome = outcome_of(entry.question, names, entry.edits)
print(time.perf_counter() - start)
assert outcome.state == "correct", outcome.text()
"""


def answers() -> dict[str, str]:
    """Return the code of every right answer, with what runs before it, by name."""
    lessons = _lesson.read_all(REPO / "solutions")
    return {e.name: f"{one.setup()}\n{e.solution()}" for one in lessons for e in one.exercises}


def ratios() -> Iterator[Ratio]:
    """Compare with what a student may have to wait, and with floors of this machine."""
    found = answers()
    yield from warm(found)
    yield from fresh(found)
    yield nbval()


def warm(found: dict[str, str]) -> list[Ratio]:
    """Check answers again, each defined anew, as after an edit."""
    seconds, floors = [], []
    for name, code in found.items():
        question = find(name, REPO).question

        def defined(code: str = code) -> dict[str, object]:
            names: dict[str, object] = {}
            exec(code, names)
            return names

        def alone(question=question, defined=defined, name=name) -> None:
            answer = defined()[name]
            if question.answer == "function":
                call = question.adapt(answer) if question.adapt else answer
                for case in question.cases():
                    call(*inputs(case.arguments, "float32").values())

        jobs = [lambda q=question, d=defined: outcome_of(q, d()), alone]
        interleaved(jobs, 1)
        checked, floor = interleaved(jobs, 3)
        seconds.append(checked)
        floors.append(floor)
    return [
        waited("warm check", seconds, WARM),
        Ratio("warm check / the answer alone at the same points", sum(seconds) / sum(floors)),
    ]


def waited(what: str, seconds: list[float], most: float) -> Ratio:
    """The median over the exercises, as a part of the time that a student may have to wait."""
    name = f"{what}: {1000 * median(seconds):.0f} ms (at most {1000 * max(seconds):.0f})"
    return Ratio(f"{name} / {1000 * most:.0f} ms", median(seconds) / most, 1.0)


def fresh(found: dict[str, str]) -> list[Ratio]:
    """Check each answer in a process of its own, twice: with an empty cache, then a filled one."""
    empty, filled = [], []
    for name, code in found.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, **compile_cache(), FOLDER: folder}
            for times in (empty, filled):
                times.append(_one_check(name, code, environment))
    floor = import_seconds("jax")
    return [
        waited("fresh check, cache filled", filled, FILLED),
        waited("fresh check, cache empty", empty, EMPTY),
        Ratio("fresh check, cache filled / import jax", median(filled) / floor),
        Ratio("fresh check, cache empty / import jax", median(empty) / floor),
    ]


def _one_check(name: str, code: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", CHECK, name]
    run = subprocess.run(
        command, input=code, env=environment, cwd=REPO, capture_output=True, text=True, check=True
    )
    return float(run.stdout.splitlines()[-1])


def nbval() -> Ratio:
    """Compare nbval over all solutions with their code, run in one kernel each.

    In seconds of all processors, which a busy machine disturbs less than those of a clock.
    """
    work = lambda: sum(os.times()[:4])  # this process and the children that have ended
    kept = {**compile_cache(), FOLDER: tempfile.mkdtemp()}
    with patch.dict(os.environ, kept):
        plain()  # fills the cache
        ours, floor = interleaved([with_nbval, plain], 2, work)
    shutil.rmtree(kept[FOLDER])
    return Ratio(f"pytest --nbval solutions ({ours:.0f} s) / one kernel each", ours / floor, 1.3)


def plain() -> None:
    """Run the code of every solution."""
    for path in sorted((REPO / "solutions").glob("*.md")):
        client = NotebookClient(jupytext.read(path), resources={"metadata": {"path": REPO}})
        client.execute(stderr=subprocess.DEVNULL)


def with_nbval() -> None:
    """Run them as an instructor does."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    subprocess.run([*command, "solutions"], cwd=REPO, capture_output=True, check=True)
