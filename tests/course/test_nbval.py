"""`pytest --nbval` on MyST notebooks, as a student and an instructor type it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from student_edits import answer

REPO = Path(__file__).parents[2]
HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


def nbval(where, *options):
    """Run pytest with nbval in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA", *options]
    command += ["--nbval-cell-timeout", "120", "-W", "error"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True)


def failed(done):
    return re.findall(r"^FAILED (\S+)::Cell \d+ \((\S+)\)", done.stdout, re.MULTILINE)


def questions(folder):
    """Every question of a folder of exercises, with its page."""
    from olympus_kit.checks._store import read_answers

    return {
        (f"{path.stem}.md", f"{name}-check")
        for path in folder.glob("*.answers")
        for name in read_answers(path)["questions"]
    }


def test_exercises_fail_on_exactly_the_unsolved_check_cells(student):
    done = nbval(student / "exercises", "--nbval", ".")
    assert set(failed(done)) == questions(student / "exercises"), done.stdout
    assert len(failed(done)) == len(questions(student / "exercises"))
    assert done.returncode == 1


def test_a_report_has_file_and_line_and_the_short_message(student):
    page = student / "exercises" / "04_reverse.md"
    wrong = "def dense_vjp(x, W, b, u):\n    return u @ W.T, x.T @ u, u"
    answer(page, "dense_vjp", wrong)
    done = nbval(student, "--nbval", "exercises/04_reverse.md")
    line = 1 + page.read_text().splitlines().index('check("dense_vjp")')
    assert f"{page}:{line}: Cell 4 (dense_vjp-check)" in done.stdout
    assert "△ dense_vjp: not yet · the batch axis was not summed" in done.stdout
    assert "Traceback" not in done.stdout
    assert set(failed(done)) == {("exercises/04_reverse.md", "reverse_chain-check")} | {
        ("exercises/04_reverse.md", "dense_vjp-check")
    }


def test_solutions_pass():
    done = nbval(REPO, "--nbval", "solutions")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_an_error_of_another_kind_keeps_nbvals_report(tmp_path):
    (tmp_path / "page.md").write_text(HEADER + "```{code-cell}\n1 / 0\n```\n")
    done = nbval(tmp_path, "--nbval", "page.md")
    assert "ZeroDivisionError" in done.stdout
    assert f"{tmp_path / 'page.md'}:13: Cell 0" in done.stdout


def test_nbvals_own_marks_work(tmp_path):
    cells = [
        "```{code-cell}\n:tags: [raises-exception]\n1 / 0\n```",
        "```{code-cell}\n# NBVAL_SKIP\n1 / 0\n```",
        "```{code-cell}\nprint(1)\n```",
    ]
    (tmp_path / "page.md").write_text(HEADER + "\n\n".join(cells) + "\n")
    done = nbval(tmp_path, "--nbval-lax", "--nbval-current-env", "page.md")
    assert "2 passed, 1 skipped" in done.stdout


def test_other_markdown_and_a_broken_notebook(tmp_path):
    (tmp_path / "README.md").write_text("# Not a notebook\n\n```python\n1 / 0\n```\n")
    (tmp_path / "page.md").write_text(HEADER + "<<<<<<< mine\nx\n>>>>>>> theirs\n")
    done = nbval(tmp_path, "--nbval", ".")
    assert "page.md:12: a merge conflict is left here" in done.stdout
    assert "README" not in done.stdout


def test_plain_pytest_collects_no_notebook(tmp_path):
    (tmp_path / "page.md").write_text(HEADER + "```{code-cell}\n1 / 0\n```\n")
    done = nbval(tmp_path, ".")
    assert "no tests ran" in done.stdout


def test_the_plugin_does_no_harm_without_nbval(tmp_path):
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert True\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:nbval", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in done.stdout


def test_the_plugin_imports_nothing_heavy():
    code = (
        "import sys; import olympus_kit.course.nbval_myst; import json;"
        "print(json.dumps([m for m in ('jupytext', 'nbval', 'typer') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("wrong_starts", [1, 3])
def test_a_lost_kernel_is_started_again(monkeypatch, wrong_starts):
    from nbval.plugin import IPyNbFile

    from olympus_kit.course._nbval_items import MystFile

    starts = []

    def setup(_):
        starts.append(1)
        if len(starts) <= wrong_starts:
            raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(IPyNbFile, "setup", setup)
    file = object.__new__(MystFile)
    if wrong_starts == 3:
        with pytest.raises(RuntimeError):
            file.setup()
    else:
        file.setup()
    assert len(starts) == min(wrong_starts + 1, 3)
