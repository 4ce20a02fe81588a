"""Run edits of solutions in a process of its own, which is ended where an edit does not end.

The parent (`run_edits`) hands over JSON and reads one line a result; the child (`main`) runs each
edit at the question's points. An edit in an endless compiled loop cannot be stopped from within, so
the parent kills the child then, and starts another one with the edits that are left.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import checks
from ..checks import Case, EditRow, Evidence, Question
from ._cache import compile_cache
from ._processes import Processes

COMMAND = (sys.executable, "-m", "olympus_kit.course._tryout")
SECONDS = 10.0  # of processor time that one edit may take
PATIENCE = 240.0  # seconds without a result after which the child is ended
SEEDS = 50  # other points at which an edit that agreed is tried
SPREAD = 0.3  # how far those are from the question's own points
LARGEST = 1e38  # numbers beyond it do not fit into the table

Result = dict[str, Any]  # "status", and of a wrong edit "rows", "id"


def run_edits(
    task: dict[str, Any], codes: Sequence[tuple[str, str]]
) -> list[Result]:
    """The result of each edit (question's name, code), in order.

    `task` holds "setup" (code that runs before), "spec" (a path), "solutions" (by question), and
    "diagnose" (whether to say which message each edit would get without the table); "seconds" of
    processor time for each edit may differ from `SECONDS`.
    """
    results: list[Result] = []
    while len(results) < len(codes):
        rest = list(codes[len(results) :])
        results += _run_some({**task, "codes": rest})
        if len(results) < len(codes):
            results.append({"status": "endless"})
    return results


def _run_some(task: dict[str, Any]) -> list[Result]:
    """Results up to the first edit that does not end, or takes its process with it."""
    results: list[Result] = []
    processes = Processes()
    process = processes.start(
        COMMAND,
        env={**os.environ, **compile_cache()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdin is not None
    assert process.stdout is not None
    reader = threading.Thread(
        target=_pump, args=(process.stdout, lines), daemon=True
    )
    reader.start()
    try:
        process.stdin.write(json.dumps(task))
        process.stdin.close()
        while len(results) < len(task["codes"]):
            line = lines.get(timeout=PATIENCE)
            if not line:
                break
            results.append(json.loads(line))
    except (queue.Empty, BrokenPipeError):
        pass
    finally:
        processes.kill_all()
        process.wait()
        reader.join()
        process.stdout.close()
    return results


def _pump(stream: Any, lines: "queue.Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


# The child.


def main() -> None:
    """Run the edits on standard input; one result a line, on what was standard output."""
    task = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        asked = checks.questions(Path(task["spec"]))
        setup: dict[str, Any] = {"__name__": "__main__"}
        exec(task["setup"], setup)
        for name, code in task["codes"]:
            result = _result(asked[name], setup, task, code)
            print(json.dumps(result), file=out, flush=True)


def _answer(setup: dict[str, Any], code: str, name: str) -> Any:
    names = dict(setup)
    exec(compile(code, f"<edit of {name}>", "exec"), names)
    return names[name]


def _result(
    question: Question,
    setup: dict[str, Any],
    task: dict[str, Any],
    code: str,
) -> Result:
    try:
        with checks.time_limit(task.get("seconds", SECONDS)):
            answer = _answer(setup, code, question.name)
            call = question.adapt(answer) if question.adapt else answer
            evidence = checks.in_precision(
                question, _giving_up(call), "float64"
            )
            if evidence.errors:
                return {"status": "raises"}
            if not evidence.right:
                result: Result = {
                    "status": "wrong",
                    "rows": _rows(evidence),
                }
                if task.get("diagnose"):
                    diagnosis = checks.judge(question, answer)
                    result["id"] = diagnosis.id if diagnosis else ""
                return result
            diagnosis = checks.judge(question, answer)
            if diagnosis:
                return {"status": "caught", "id": diagnosis.id}
            solution = _answer(
                setup, task["solutions"][question.name], question.name
            )
            right = question.adapt(solution) if question.adapt else solution
    except checks.TookTooLong:
        return {"status": "endless"}
    except BaseException:
        return {"status": "raises"}
    return {
        "status": "equivalent"
        if _is_equivalent(question, call, right)
        else "survives"
    }


def _giving_up(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, which after one error does not run again: of that edit nothing is kept."""
    errors: list[BaseException] = []

    def attempt(*arguments: Any) -> Any:
        if errors:
            raise errors[0]
        try:
            return call(*arguments)
        except BaseException as error:
            errors.append(error)
            raise

    return attempt


def _rows(
    evidence: Evidence,
) -> list[tuple[str, list[list[int]], list[list[float]]]]:
    """Of each wrong array: its name, its shapes and its digests, one for each case."""
    rows = []
    for parts in evidence.wrong_series():
        shapes, numbers = [], []
        for part in parts:
            if not part.is_numeric:
                break
            got = checks.as_real(part.got)
            digest, _ = checks.digest(got)
            if not np.all(
                np.abs(digest) < LARGEST
            ):  # not a number, or infinite
                break
            shapes.append(list(got.shape))
            numbers.append([float(f"{value:.8g}") for value in digest])
        if len(shapes) == len(evidence.trials):
            rows.append((parts[0].name, shapes, numbers))
    return rows


# An edit that agreed at the question's points: does it agree everywhere?


def _is_equivalent(question: Question, call: Any, right: Any) -> bool:
    """Whether an edit agrees with the solution at other points and sizes, under jvp and vjp."""
    try:
        with checks.time_limit(4 * SECONDS):
            for case in _other_cases(question):
                if not _agrees(question, call, right, case):
                    return False
    except checks.TookTooLong:
        pass  # whatever was compared agreed
    return True


def _other_cases(question: Question) -> Iterator[Case]:
    """The question's cases moved, with one row more, and with one row fewer."""
    dice = np.random.default_rng(0)
    cases = question.cases()
    for case in cases:
        for longer in (1, -1):
            yield replace(case, arguments=_resized(case.arguments, longer))
    for number in range(SEEDS):
        case = cases[number % len(cases)]
        moved = jax.tree.map(
            lambda leaf: _moved(leaf, dice), dict(case.arguments)
        )
        yield replace(case, arguments=moved)


def _is_real(leaf: Any) -> bool:
    return (
        isinstance(leaf, (float, np.ndarray))
        and np.asarray(leaf).dtype.kind == "f"
    )


def _moved(leaf: Any, dice: np.random.Generator) -> Any:
    if not _is_real(leaf):
        return leaf
    array = np.asarray(leaf)
    noise = dice.standard_normal(array.shape)
    moved = array * (1 + SPREAD * noise) + SPREAD * dice.standard_normal(
        array.shape
    )
    return float(moved) if isinstance(leaf, float) else moved


def _resized(arguments: Any, longer: int) -> dict[str, Any]:
    """Each axis of length n > 1 becomes one of length n + longer, the same in every argument."""

    def resize(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        for axis, length in enumerate(leaf.shape):
            if length > 1:
                leaf = np.take(leaf, np.arange(length + longer) % length, axis)
        return leaf

    return {
        name: jax.tree.map(resize, value) for name, value in arguments.items()
    }


def _agrees(question: Question, call: Any, right: Any, case: Case) -> bool:
    """Whether two answers give the same at a point, and the same derivatives there.

    Where the solution itself fails, the point says nothing.
    """
    with jax.enable_x64(True):
        fresh = checks.inputs(case.arguments, "float64")
        places = [name for name, value in fresh.items() if _is_jax_real(value)]

        def of_reals(answer: Any) -> Any:
            def run(*values: Any) -> Any:
                arguments = fresh | dict(zip(places, values, strict=True))
                return answer(*arguments.values())

            return run

        values = [fresh[name] for name in places]
        ones = [jax.numpy.ones_like(value) for value in values]
        want = _attempt(lambda: of_reals(right)(*values))
        if want is None:
            return True
        got = _attempt(lambda: of_reals(call)(*values))
        if got is None or not checks.same_tree(got, want, 10 * question.rtol):
            return False
        slope = (
            _attempt(lambda: jax.jvp(of_reals(right), values, ones)[1])
            if values
            else None
        )
        if slope is None:
            return True
        other = _attempt(lambda: jax.jvp(of_reals(call), values, ones)[1])
        return other is not None and checks.same_tree(
            other, slope, 1e3 * question.rtol
        )


def _is_jax_real(value: Any) -> bool:
    return isinstance(value, jax.Array) and value.dtype.kind == "f"


def _attempt(compute: Any) -> Any:
    with contextlib.suppress(Exception):
        return checks.to_numpy(compute())
    return None


# What the release keeps.


def table(results: Sequence[tuple[Any, Result]], most: int) -> list[EditRow]:
    """The rows of one question: equal results once, the most telling edit first, at most `most`."""
    rows: list[EditRow] = []
    seen: set[str] = set()
    for edit, result in results:
        if result["status"] != "wrong":
            continue
        for part, shapes, numbers in result["rows"]:
            key = json.dumps([
                part,
                shapes,
                [[f"{x:.6g}" for x in xs] for xs in numbers],
            ])
            if key not in seen and len(rows) < most:
                seen.add(key)
                rows.append(EditRow(edit.id, edit.facts, part, shapes, numbers))
    return rows


if __name__ == "__main__":
    main()
