"""The engine alone, on small questions made here."""

import linecache
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus
from olympus_kit.checks import (
    Mistake,
    NotAttempted,
    NotYet,
    Question,
    Unsolved,
    check,
    check_all,
    outcome_of,
    store,
)
from olympus_kit.checks import run as _timer
from olympus_kit.checks.message import catalogue
from olympus_kit.checks.store import decode, encode, find
from olympus_kit.compare import TRANSFORMATIONS

REPO = Path(__file__).parents[2]
A = np.array([[1.0, 2.0, 0.5], [0.0, 1.5, 3.0], [4.0, 0.25, 1.0]])


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    """A busy machine must not turn a right answer into a slow one."""
    monkeypatch.setattr(_timer, "SECONDS", 3600.0)


jacobian = Question(
    name="jacobian",
    returns="J",
    points=({"x": np.array([0.5, -1.0, 2.0])}, {"x": np.array([30.0, 20.0, -10.0])}),
    large_points=(1,),
    reference=lambda x: A * (2 * x),
    predictions={"missing-chain-factor": Mistake(result=lambda x: A + 0 * x)},
    read="book/04_reverse.md",
)
right = lambda x: jnp.asarray(A) * (2 * x)
curve = lambda x: jnp.asarray(A) @ x**2


def found(answer, question=jacobian):
    outcome = outcome_of(question, {question.name: answer})
    return outcome.diagnosis.id if outcome.diagnosis else outcome.state


def remembering(x, seen=[]):  # noqa: B006 - the mistake is the point
    seen.append(1)
    return right(x) if len(seen) <= 2 else 0 * right(x)


def endless(x):
    while True:
        pass


ANSWERS = {
    "correct": right,
    "sign": lambda x: -right(x),
    "factor": lambda x: 0.5 * right(x),
    "transposed": lambda x: right(x).T,
    "all-zero": lambda x: 0 * right(x),
    "unsummed": lambda x: jnp.stack([right(x) * 0.25] * 4),
    "summed-too-much": lambda x: right(x).sum(),
    "missing-chain-factor": lambda x: jnp.asarray(A) + 0 * x,
    "finite-difference": lambda x: jnp.stack(
        [(curve(x + step) - curve(x)) / 1e-5 for step in 1e-5 * jnp.eye(3)], axis=1
    ),
    "pullback-tuple": lambda x: (right(x),),
    "returned-function": lambda x: right,
    "nothing": lambda x: None,
    "part-container": lambda x: [2 * right(x), 1.0],
    "extra-part": lambda x: [right(x), 1.0],
    "list-for-array": lambda x: list(right(x)),
    "shape": lambda x: right(x)[:2],
    "nan": lambda x: right(x).at[0, 1].set(jnp.nan),
    "off": lambda x: right(x).at[0, 1].add(100.0),
    "raised": lambda x: 1 / 0,
    "wrong-arguments": lambda: 1,
    "in-place": lambda x: x.__setitem__(0, 1.0),
    "grad-of-array": lambda x: jax.grad(right)(x),
    "integer-input": lambda x: jax.grad(lambda z: z * 2.0)(3),
    "python-branch": lambda x: jax.jit(lambda z: z if z[0] > 0 else -z)(x),
    "numpy-in-traced": lambda x: jax.jit(lambda z: np.sin(z))(x),
    "while-in-reverse": lambda x: jax.grad(
        lambda z: jax.lax.while_loop(lambda s: s < 9.0, lambda s: s * z, z)
    )(2.0),
    "impure": remembering,
    "not-callable": 3.0,
}


@pytest.mark.parametrize("id_", ANSWERS)
def test_each_answer_meets_its_message(id_):
    assert found(ANSWERS[id_]) == id_


def test_an_endless_loop_is_stopped(monkeypatch):
    monkeypatch.setattr(_timer, "SECONDS", 0.2)
    assert found(endless) == "took-too-long"


def test_a_missing_name_is_told_with_the_nearest_one():
    outcome = outcome_of(jacobian, {"jacobain": right})
    assert outcome.state == "not attempted"
    assert "Did you mean `jacobain`?" in outcome.text()


def test_a_value_can_be_an_answer():
    shapes = Question(name="shapes", returns="shapes", reference=lambda: (3, 2), answer="value")
    assert found((3, 2), shapes) == "correct"
    assert found(Unsolved("shapes"), shapes) == "unsolved"
    assert outcome_of(shapes, {"shapes": (2, 3)}).state == "not yet"


def test_float32_is_not_wrong_and_float64_stays_inside():
    small = jnp.float32(2.0)

    def in_scan(x):
        step = lambda carry, _: (carry * small, None)
        return jnp.asarray(A) * jax.lax.scan(step, x.astype(jnp.float32), None, length=1)[0]

    assert found(in_scan) == "correct"
    seen = []
    assert found(lambda x: (seen.append(x.dtype), right(x))[1]) == "correct"
    assert np.dtype("float64") in seen
    assert jnp.ones(2).dtype == np.float32
    assert not jax.config.jax_enable_x64


def test_a_nearly_right_float32_constant_is_not_wrong():
    tenth = Question(
        name="tenth",
        returns="y",
        points=({"x": 1.0}, {"x": 300.0}),
        large_points=(1,),
        reference=lambda x: 0.1 * x,
    )
    assert found(lambda x: jnp.float32(0.1) * x, tenth) == "correct"
    assert found(lambda x: 0.1 * x + 1e-3, tenth) != "correct"


def test_a_weak_specification_is_refused():
    with pytest.raises(ValueError, match="at least two points"):
        Question(name="q", returns="y", points=({"x": 1.0},), large_points=(0,), reference=abs)
    with pytest.raises(ValueError, match="which of the points is a large one"):
        Question(name="q", returns="y", points=({"x": 1.0}, {"x": 2.0}), reference=abs)


def test_every_detector_has_a_message_and_every_message_a_name():
    ids = {*TRANSFORMATIONS}
    assert ids <= catalogue().keys()
    assert all(m.name and m.message for m in catalogue().values())


def shell_says(code, tmp_path, monkeypatch):
    """What a real IPython shows for a cell."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from traitlets.config import Config\n"
        "shell = InteractiveShell.instance(config=Config({'HistoryManager': {'enabled': False}}))\n"
        f"shell.run_cell({code!r})\n"
    )
    command = [sys.executable, str(tmp_path / "run.py")]
    env = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO / "book", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


SETUP = "import olympus\nfrom olympus_kit import check, hint, solution, Unsolved\n"


def test_ipython_shows_the_message_and_no_traceback(tmp_path, monkeypatch):
    code = SETUP + "def slope(f, x):\n    return -olympus.grad(f)(x)\ncheck('slope')"
    said = shell_says(code, tmp_path, monkeypatch)
    assert said.startswith("△ slope: not yet · opposite sign")
    assert "Traceback" not in said
    assert len(said.splitlines()) < 16


def test_ipython_shows_success_hints_and_solutions(tmp_path, monkeypatch):
    code = SETUP + (
        "hint('slope')\nhint('slope')\nhint('slope')\nsolution('slope')\n"
        "slope = lambda f, x: olympus.grad(f)(x)\ncheck('slope')\nsolution('slope')"
    )
    said = shell_says(code, tmp_path, monkeypatch)
    positions = [
        said.index("Hint 1 of 2"),
        said.index("Hint 2 of 2"),
        said.index("folded away"),
        said.index("✓ slope: correct"),
        said.index("A solution of slope"),
    ]
    assert positions == sorted(positions)


def test_check_raises_where_it_is_called(monkeypatch):
    monkeypatch.chdir(REPO / "book")
    scope = {"check": check, "slope": Unsolved("slope")}
    with pytest.raises(NotAttempted, match="not attempted"):
        exec("check('slope')", scope)
    with pytest.raises(NotYet, match="opposite sign") as caught:
        exec("import jax\nslope = lambda f, x: -jax.grad(f)(x)\ncheck('slope')", scope)
    assert isinstance(caught.value._render_traceback_(), list)
    with pytest.raises(LookupError, match='Did you mean "slope"'):
        check("slop")


def test_an_answer_that_prints_megabytes_is_cut(capsys):
    def loud(x):
        print("x" * 1_000_000)
        return right(x)

    assert found(loud) == "correct"
    printed = capsys.readouterr().out
    assert len(printed) < 3000
    assert printed.count("cut here") == 1


def test_check_all_goes_on_and_prints_a_table(monkeypatch, capsys):
    monkeypatch.chdir(REPO / "book")
    code = "import jax\nreverse_chain = lambda *a: None\ndense_vjp = Unsolved('dense_vjp')\n"
    exec(code + "check_all()", {"check_all": check_all, "Unsolved": Unsolved})
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"△ reverse_chain +not yet: returned nothing", lines[0])
    assert re.fullmatch(r"○ dense_vjp +not attempted", lines[1])
    assert re.fullmatch(r"0 of \d+ correct", lines[-1])


def test_a_card_is_html_that_asks_for_nothing(monkeypatch):
    from olympus_kit.checks.outcome import success

    bundle = success("q", "Because $x^2$ and `code` & <b>.")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("✓ q: correct")
    assert "http" not in bundle["text/html"]
    assert "<code>code</code> &amp; &lt;b&gt;" in bundle["text/html"]


def test_answers_are_encoded_and_the_same_every_time():
    data = {"questions": {"q": {"solution": "return olympus.grad(f)(x)"}}}
    assert encode(data) == encode(data)
    assert "grad" not in encode(data)
    assert decode(encode(data)) == data
    with pytest.raises(ValueError, match="no questions"):
        decode(encode({}))


def test_a_question_is_found_from_the_book_and_from_a_students_folder(tmp_path):
    assert find("slope", REPO / "book").question.name == "slope"
    assert find("slope", tmp_path).folder == REPO / "exercises"  # the kit's own course


def test_progress_survives_damage_and_remembers_success(tmp_path):
    store.record(tmp_path, "q", "correct")
    store.record(tmp_path, "q", "not yet")
    assert store.read_progress(tmp_path)["q"] == {"state": "not yet", "solved": True}
    (tmp_path / ".olympus" / "progress.json").write_text("{half a fi")
    assert store.read_progress(tmp_path) == {}
    store.record(tmp_path, "r", "correct")
    assert store.is_solved(tmp_path, "r")
    assert (tmp_path / ".olympus" / ".gitignore").read_text() == "*\n"


def test_two_windows_lose_no_progress(tmp_path):
    code = (
        "import sys; from pathlib import Path; from olympus_kit.checks import store\n"
        "for i in range(20): store.record(Path(sys.argv[1]), sys.argv[2] + str(i), 'correct')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen([*command, window]) for window in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    assert len(store.read_progress(tmp_path)) == 40


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / ".olympus").write_text("a file where the folder should be")
    store.record(tmp_path, "q", "correct")
    assert store.read_progress(tmp_path) == {}


AROUND = {
    "reverse_chain": """
def reverse_chain(x, functions, vjps):
    def whole(x):
        for function in functions:
            x = function(x)
        return x
    return olympus.value_and_grad(whole)(x)
""",
    "tree_scan": """
def tree_scan(op, xs):
    return olympus.lax.associative_scan(op, xs)
""",
    "slope": """
def slope(f, x):
    return olympus.grad(f)(x)
""",
}


def test_what_the_text_rules_out_is_not_yet_an_answer():
    entry = find("divide", REPO)
    answer = """
def divide(a, a_dot, b, b_dot):
    return olympus.jvp(jnp.divide, (a, b), (a_dot, b_dot))
"""
    beside = f"{entry.solution}\nolympus.jvp(jnp.divide, (1.0, 2.0), (1.0, 2.0))\n"
    for code, said in ((answer, "ready-made"), (beside, "correct")):
        names = {"olympus": olympus, "jnp": jnp}
        file = f"<divide, {said}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        exec(compile(code, file, "exec"), names)
        outcome = outcome_of(entry.question, names, entry.edits, entry.solution)
        assert outcome.said == said
        assert ("they come from `jvp`" in " ".join(outcome.text().split())) == (code is answer)


@pytest.mark.parametrize("name", AROUND)
def test_a_right_answer_that_goes_around_the_lesson_counts_and_is_told(name):
    entry = find(name, REPO)
    names = {"olympus": olympus, "jnp": jnp}
    for code, around in ((entry.solution, False), (AROUND[name], name != "slope")):
        file = f"<cell of {name}, {around}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        exec(compile(code, file, "exec"), names)
        outcome = outcome_of(entry.question, names, entry.edits, entry.solution)
        assert outcome.state == "correct"
        assert (outcome.diagnosis is not None) == around
        assert ("around the lesson" in str(outcome.json())) == around
        if around:
            assert "Your numbers are right, and the answer counts." in outcome.text()
