"""Single edits of a solution: made, run in a child that may die, and packed."""

import ast
from pathlib import Path

import pytest

from olympus_kit.checks import edits
from olympus_kit.checks.message import catalogue
from olympus_kit.course import _lesson, _release, _survey, _tryout

REPO = Path(__file__).parents[2]
LESSON = _lesson.read(REPO / "solutions" / "00_start.md")
SPEC = str(REPO / "exercises" / "00_start.spec.py")
TASK = {
    "setup": LESSON.setup(),
    "spec": SPEC,
    "solutions": {e.name: e.solution() for e in LESSON.exercises},
    "seconds": 1.0,
}


def edits_of(body, given="def q(x, n):"):
    """The edits of a small solution."""
    cell = _lesson.Cell(LESSON.exercises[0].answer.raw.copy(), LESSON.path, 1, 1)
    cell.raw.source = f"{given}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION\n"
    return edits.edits_of(*_release.solution_lines(_lesson.Exercise(cell)))


EXAMPLES = {
    "edit-term": ("    return x + n", "return x"),
    "edit-factor": ("    return x * n", "return n"),
    "edit-negation": ("    return f(-x)", "return f(x)"),
    "edit-sign": ("    return f(x * n)", "return f(-(x * n))"),
    "edit-operator": ("    return x - n", "return x + n"),
    "edit-operands": ("    return x / n", "return n / x"),
    "edit-comparison": ("    return f(x < n)", "return f(x <= n)"),
    "edit-constant": ("    return x + 2", "return x + 3"),
    "edit-index": ("    return x[1]", "return x[2]"),
    "edit-part": ("    return jax.jvp(f, x, n)[1]", "return jax.jvp(f, x, n)[0]"),
    "edit-slice": ("    return x[1:]", "return x"),
    "edit-axis": ("    return f(x, axis=0)", "return f(x, axis=1)"),
    "edit-default": ("    return f(x, axis=0)", "return f(x)"),
    "edit-transpose": ("    return x.T", "return x"),
    "edit-function": ("    return jnp.sin(x)", "return jnp.cos(x)"),
    "edit-call": ("    return jnp.sin(x)", "return x"),
    "edit-arguments": ("    return f(x, n)", "return f(n, x)"),
    "edit-name": ("    return x @ x", "return n @ x"),
    "edit-iterations": ("    for _ in range(n):\n        x = f(x)\n    return x", "range(n - 1)"),
    "edit-accumulation": ("    x += n\n    return x", "x = n"),
    "edit-statement": ("    x = f(x)\n    return x", "pass"),
    "edit-return": (
        "    for _ in range(n):\n        x = f(x)\n    return x",
        "x = f(x)\n        return x",
    ),
}


@pytest.mark.parametrize("id_", EXAMPLES)
def test_an_edit_changes_one_place(id_):
    body, changed = EXAMPLES[id_]
    codes = [edit.code for edit in edits_of(body) if edit.id == id_]
    assert any(changed in code for code in codes), codes


def test_every_kind_of_edit_has_an_example_a_rank_and_a_message():
    assert set(edits.RANK) == EXAMPLES.keys()
    assert {id_ for id_ in catalogue() if id_.startswith("edit-")} == EXAMPLES.keys()


def test_only_what_a_student_writes_is_edited():
    given = "def helper(a):\n    return a + 1\n\n\ndef q(x, n):"
    found = edits_of("    return helper(x) * n", given)
    assert found
    for edit in found:
        assert "return a + 1" in edit.code
        assert ast.parse(edit.code)
    assert len({edit.code for edit in found}) == len(found)


def test_a_left_out_part_is_named_by_the_question_s_arguments_alone():
    found = [
        edit
        for edit in edits_of("    y = f(x)\n    return y * 2 + n * y")
        if edit.id == "edit-term"
    ]
    assert {edit.facts["names"] for edit in found} == {"", " (the one with n)"}


def test_edits_that_hang_die_or_print_do_not_disturb_the_others():
    right = "def slope(f, x):\n    print('loud')\n    return olympus.grad(f)(x)"
    codes = [
        "def slope(f, x):\n    return -olympus.grad(f)(x)",
        "def slope(f, x):\n    while True:\n        pass",
        "def slope(f, x):\n    import os\n    os._exit(3)",
        "def slope(f, x):\n    return 1 / 0",
        right,
    ]
    results = _tryout.run_edits(TASK, [("slope", code) for code in codes])
    statuses = [result["status"] for result in results]
    assert statuses == ["wrong", "endless", "endless", "raises", "equivalent"]
    part, shapes, numbers = results[0]["rows"][0]
    assert part == "slope"
    assert shapes[0] == []
    assert len(shapes) == len(numbers) >= 2


def test_an_answer_that_is_right_at_the_points_alone_survives():
    """It differs elsewhere: the question would need one more point."""
    code = (
        "def slope(f, x):\n"
        "    known = jnp.isclose(x, jnp.round(x, 3))\n"
        "    return olympus.grad(f)(x) + jnp.where(known, 0.0, 1.0)"
    )
    result = _tryout.run_edits(TASK, [("slope", code)])[0]
    assert result["status"] == "survives"


def test_equal_results_are_kept_once_and_the_table_is_bounded():
    results = []
    for number in (1.0, 1.0, 2.0, 3.0):
        edit = edits.Edit("edit-term", {"names": ""}, "", 1, "", "")
        results.append((edit, {"status": "wrong", "rows": [("y", [[]], [[number]])]}))
    results.append((edit, {"status": "raises"}))
    assert [row.numbers for row in _tryout.table(results, 10)] == [[[1.0]], [[2.0]], [[3.0]]]
    assert len(_tryout.table(results, 2)) == 2


def test_a_survey_counts_what_becomes_of_every_edit():
    (one,) = _survey.survey(LESSON)
    assert sum(one.counts().values()) == len(
        edits.edits_of(*_release.solution_lines(LESSON.exercises[0]))
    )
    assert one.surviving == []
    name, *lines = one.lines(each=False, messages=False)
    assert name == "slope"
    assert [line for line in lines if line.startswith("  4 edits: ")]
    assert {row["status"] for row in one.json()["edits"]} <= {"wrong", "raises"}


def test_the_fingerprint_sees_what_the_results_depend_on():
    spec = _release.build(LESSON).spec
    first = _release.build(LESSON).answers["edits_of"]
    assert _release.build(LESSON).answers["edits_of"] == first
    assert _release._fingerprint(LESSON, spec + "# a point more\n") != first
