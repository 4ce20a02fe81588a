"""What the tests of grading share: a small course whose questions need no compiling, and a class.

`square` is the question that attacks are made on; `cube` stands beside it with an honest answer,
which must keep its point whatever its neighbour does.
"""

import copy
import functools
from pathlib import Path

from olympus_kit.checks import ANSWERS, SPEC, encode
from olympus_kit.course import _notebook as nb
from olympus_kit.course.grade.jail import Jail, NoJail
from olympus_kit.course.grade.probe import probe

SETUP = """import numpy as np
import olympus
import olympus.numpy as jnp
from olympus_kit import Unsolved, check, check_all, hint, solution
"""
SPECIFICATION = '''"""Two questions."""

import numpy as np

from olympus_kit.checks import Credit, Question

POINTS = ({"x": 2.0}, {"x": np.array([1.0, -3.0])}, {"x": 40.0})


def reference_of_square(x):
    return np.asarray(x) ** 2


square = Question(
    name="square",
    returns="value",
    points=POINTS,
    large_points=(2,),
    reference=reference_of_square,
    read="book/00_start.md",
    without=("power",),
)
cube = Question(
    name="cube",
    returns="value",
    points=POINTS,
    large_points=(2,),
    reference=lambda x: np.asarray(x) ** 3,
    read="book/00_start.md",
    credits=(
        Credit("shape", 0.25, "a result of the right shape"),
        Credit("value", 0.75, "the right numbers"),
    ),
)
'''
SQUARE = "def square(x):\n    return x * x"
CUBE = "def cube(x):\n    return x * x * x"
SOLUTIONS = {"square": SQUARE, "cube": CUBE}
STEM = "01_powers"


def released():
    """The released notebook."""
    import nbformat.v4 as v4

    setup = v4.new_code_cell(SETUP, metadata={"tags": ["setup"], "name": "setup"})
    cells = [v4.new_markdown_cell("# Powers"), setup]
    for name in SOLUTIONS:
        stub = f'def {name}(x):\n    raise Unsolved("{name}")'
        check = f'check("{name}")'
        cells.append(v4.new_code_cell(stub, metadata={"tags": ["answer"], "name": name}))
        cells.append(v4.new_code_cell(check, metadata={"tags": ["check"], "name": f"{name}-check"}))
    metadata = {
        "jupytext": {"text_representation": {"extension": ".md", "format_name": "myst"}},
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "title": "Powers",
    }
    return nb.new(cells, metadata)


def write_course(folder: Path) -> Path:
    """Write the course into a folder, and return that of its exercises."""
    exercises = folder / "exercises"
    exercises.mkdir(parents=True)
    notebook = nb.write(released())
    (exercises / f"{STEM}.md").write_text(notebook)
    (exercises / f"{STEM}{SPEC}").write_text(SPECIFICATION)
    questions = {}
    for name, code in SOLUTIONS.items():
        stub = f'def {name}(x):\n    raise Unsolved("{name}")'
        questions[name] = {
            "hints": ["Think."],
            "explanation": "So.",
            "solution": code,
            "stub": stub,
            "edits": "",
        }
    answers = {
        "title": "Powers",
        "level": "beginner",
        "prerequisites": [],
        "goals": [],
        "minutes": 5,
        "questions": questions,
        "released": notebook,
    }
    (exercises / f"{STEM}{ANSWERS}").write_text(encode(answers))
    return exercises


def page(codes: dict[str, str]):
    """The released notebook with these answers in it."""
    notebook = copy.deepcopy(released())
    for cell in notebook.cells:
        if "answer" in nb.tags(cell) and nb.name(cell) in codes:
            cell.source = codes[nb.name(cell)]
    return notebook


def hand_in(path: Path, codes: dict[str, str]) -> None:
    """Write a submission, as .md or as .ipynb."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = page(codes)
    path.write_text(nb.write(notebook) if path.suffix == ".md" else nb.as_ipynb(notebook))


@functools.cache
def why_no_jail() -> str:
    """Why this machine gives no jail; empty where it gives one."""
    try:
        with Jail() as jail:
            breaches = probe(jail)
    except NoJail as error:
        why = str(error)
    else:
        why = "; ".join(breaches)
    assert "Error:" not in why  # Python's, inside: no wall is missing
    return why
