"""`pytest --nbval` on MyST notebooks, as a student and an instructor type it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from student_edits import answer

from olympus_kit.course._notebook import as_ipynb, read

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
    command += ["-W", "error"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=600)


def page(folder, *cells, header=HEADER, name="page.md"):
    """Write a notebook of these code cells; an option line goes first in its cell."""
    text = header + "\n\n".join(f"```{{code-cell}}\n{cell}\n```" for cell in cells) + "\n"
    (folder / name).write_text(text, encoding="utf-8")


def failed(done):
    return re.findall(r"^FAILED (\S+)::Cell \d+ \((\S+)\)", done.stdout, re.MULTILINE)


# all of them take minutes; `make test` runs two that share little
FEW = ["00_start", "04_reverse"]
LESSONS = sorted(path.stem for path in (REPO / "solutions").glob("*.md"))


def questions(folder, lessons=LESSONS):
    """Every question of these lessons in a folder of exercises, with its page."""
    from olympus_kit.checks import read_answers

    return {
        (f"{stem}.md", f"{name}-check")
        for stem in lessons
        for name in read_answers(folder / f"{stem}.answers")["questions"]
    }


def test_exercises_fail_on_exactly_the_unsolved_check_cells(student):
    done = nbval(student / "exercises", "--nbval", *[f"{stem}.md" for stem in FEW])
    asked = questions(student / "exercises", FEW)
    assert set(failed(done)) == asked, done.stdout
    assert len(failed(done)) == len(asked) > 0
    assert done.returncode == 1


def test_a_report_has_file_and_line_and_the_short_message(student):
    page = student / "exercises" / "04_reverse.md"
    wrong = "def dense_vjp(x, W, b, u):\n    return u @ W.T, x.T @ u, u"
    answer(page, "dense_vjp", wrong)
    done = nbval(student, "--nbval", "exercises/04_reverse.md")
    line = 1 + page.read_text().splitlines().index('check("dense_vjp")')
    assert f"{page}:{line}: Cell 4 (dense_vjp-check)" in done.stdout
    assert "△ dense_vjp: not yet · the first axis was not summed" in done.stdout
    assert "Traceback" not in done.stdout
    assert {page for page, _ in failed(done)} == {"exercises/04_reverse.md"}
    assert {check for _, check in failed(done)} == {
        check for page, check in questions(student / "exercises") if page == "04_reverse.md"
    }


@pytest.mark.parametrize(
    "lessons", [FEW, pytest.param(LESSONS, marks=pytest.mark.sweep)], ids=["two", "all"]
)
def test_solutions_pass(lessons):
    done = nbval(REPO, "--nbval", *[f"solutions/{stem}.md" for stem in lessons])
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_an_error_of_another_kind_keeps_nbvals_report(tmp_path):
    page(tmp_path, "1 / 0")
    done = nbval(tmp_path, "--nbval", "page.md")
    assert "ZeroDivisionError" in done.stdout
    assert f"{tmp_path / 'page.md'}:13: Cell 0" in done.stdout


def test_nbvals_own_marks_work(tmp_path):
    marks = ":tags: [raises-exception]\n1 / 0", "# NBVAL_SKIP\n1 / 0"
    page(tmp_path, *marks, "print(1)")
    done = nbval(tmp_path, "--nbval-lax", "--nbval-current-env", "page.md")
    assert "2 passed, 1 skipped" in done.stdout


def test_a_page_and_its_export_take_the_same_options(student):
    """Lax, a sanitize file, and a kernel by name: .md as .ipynb, the latter without the plugin."""
    exercises = student / "exercises"
    (exercises / "clean.cfg").write_text("[any]\nregex: 0x[0-9a-f]+\nreplace: ADDRESS\n")
    answer(exercises / "00_start.md", "slope", "def slope(f, x):\n    return olympus.grad(f)(x)")
    (exercises / "00_start.ipynb").write_text(as_ipynb(read(exercises / "00_start.md")))
    options = ["--nbval-sanitize-with", "clean.cfg", "--nbval-kernel-startup-timeout", "90"]
    options += ["--nbval-kernel-name", "python3", "--nbval-cell-timeout", "90"]
    both = [
        nbval(exercises, "--nbval-lax", *options, "00_start.md"),
        nbval(exercises, "--nbval", *options, "-p", "no:olympus_kit", "00_start.ipynb"),
    ]
    for done in both:
        assert "3 passed" in done.stdout, done.stdout
        assert done.returncode == 0


def test_stock_nbval_fails_an_export_on_its_unsolved_check_alone(student):
    exercises = student / "exercises"
    (exercises / "00_start.ipynb").write_text(as_ipynb(read(exercises / "00_start.md")))
    done = nbval(exercises, "--nbval", "-p", "no:olympus_kit", "00_start.ipynb")
    assert "1 failed, 2 passed" in done.stdout
    assert "○ slope: not attempted" in done.stdout


@pytest.mark.parametrize(
    "dist",
    [
        [],
        pytest.param(["--dist", "worksteal"], marks=pytest.mark.sweep),
        pytest.param(["--dist", "loadfile"], marks=pytest.mark.sweep),
    ],
)
def test_cells_of_a_page_stay_together_with_xdist(tmp_path, dist):
    for name in ("one", "two"):
        page(tmp_path, "x = 1", "x += 1", "x += 1", "assert x == 3", name=f"{name}.md")
    done = nbval(tmp_path, "--nbval", "-n", "2", *dist, ".")
    assert "8 passed" in done.stdout, done.stdout


def test_a_kernel_that_died_is_told_at_once(tmp_path):
    page(tmp_path, "x = 1", "import os\nos._exit(1)", "x")
    done = nbval(tmp_path, "--nbval", "--nbval-cell-timeout", "100000", "page.md")
    assert "The kernel died in this cell." in done.stdout
    assert "2 failed, 1 passed" in done.stdout


def test_a_compiled_loop_is_ended_with_its_kernel(tmp_path):
    loop = "import jax\njax.lax.while_loop(lambda s: s > 0, lambda s: s + 1, 1.0)"
    page(tmp_path, "import os\nprint(os.getpid())", loop, "1")
    page(tmp_path, "assert True", name="later.md")
    done = nbval(tmp_path, "--nbval", "--nbval-cell-timeout", "3", "page.md", "later.md")
    assert "Timeout of 3 seconds exceeded" in done.stdout
    assert "1 failed, 2 passed, 1 xfailed" in done.stdout


def test_nbvals_half_hour_is_shorter_unless_somebody_chose(monkeypatch):
    from olympus_kit.course import _nbval_items as items

    seen = []
    for chosen in (2000.0, 7.0):
        config = SimpleNamespace(option=SimpleNamespace(nbval_cell_timeout=chosen))
        monkeypatch.setattr(
            items.IPyNbCell,
            "runtest",
            lambda cell: seen.append(cell.config.option.nbval_cell_timeout),
        )
        cell = object.__new__(items.MystCell)
        cell.config = config
        cell.runtest()
        assert config.option.nbval_cell_timeout == chosen
    assert seen == [items.SECONDS, 7.0]


def test_an_unknown_kernel_is_told_with_what_to_do(tmp_path):
    page(tmp_path, "1", header=HEADER.replace("name: python3", "name: my-own"))
    done = nbval(tmp_path, "--nbval", "page.md")
    assert "No such kernel named my-own: add --nbval-current-env" in done.stdout
    assert "1 passed" in nbval(tmp_path, "--nbval", "--nbval-current-env", "page.md").stdout


def test_fifty_megabytes_of_output_pass(tmp_path):
    page(tmp_path, "for _ in range(50):\n    print('x' * 2**20)", "assert True")
    done = nbval(tmp_path, "--nbval", "page.md")
    assert "2 passed" in done.stdout
    assert len(done.stdout) < 10_000


def test_other_markdown_and_a_broken_notebook(tmp_path):
    (tmp_path / "README.md").write_text("# Not a notebook\n\n```python\n1 / 0\n```\n")
    (tmp_path / "page.md").write_text(HEADER + "<<<<<<< mine\nx\n>>>>>>> theirs\n")
    done = nbval(tmp_path, "--nbval", ".")
    assert "page.md:12: a merge conflict is left here" in done.stdout
    assert "README" not in done.stdout


LOST = {
    "empty": lambda b: b"",
    "UTF-16": lambda b: b.decode().encode("utf-16"),
    "two marks": lambda b: b"\xef\xbb\xbf" * 2 + b,
    "no front matter": lambda b: b.partition(b"---\n\n")[2],
    "a long front matter": lambda b: b.replace(b"title:", b"# " + b"x" * 5000 + b"\ntitle:", 1),
    "as mystmd writes it": lambda b: b.replace(
        b"jupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n",
        b"",
    ),
}


def test_a_page_is_never_passed_over(student):
    """Read or not, with its unsolved question each of these pages fails."""
    before = (student / "exercises" / "00_start.md").read_bytes()
    pages = []
    for how, lose in LOST.items():
        folder = student / how.replace(" ", "_")
        shutil.copytree(student / "exercises", folder)
        lost = lose(before)
        assert lost != before
        (folder / "00_start.md").write_bytes(lost)
        pages.append(f"{folder.name}/00_start.md")
    done = nbval(student, "--nbval", "--continue-on-collection-errors", *pages)
    assert done.returncode == 1, done.stdout
    told = re.findall(r"^(?:FAILED|ERROR) (\S+/00_start\.md)", done.stdout, re.MULTILINE)
    assert set(told) == set(pages), done.stdout


def test_a_magic_that_does_not_exist_fails_its_cell(tmp_path):
    page(tmp_path, "%no_such_magic", "assert True", "%matplotlib inline")
    done = nbval(tmp_path, "--nbval-lax", "page.md")
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "no_such_magic" in done.stdout


def test_plain_pytest_collects_no_notebook(tmp_path):
    page(tmp_path, "1 / 0")
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
    client = SimpleNamespace(execute=lambda *_, **__: None)
    file.kernel = SimpleNamespace(await_reply=None, kc=client)
    if wrong_starts == 3:
        with pytest.raises(RuntimeError):
            file.setup()
    else:
        file.setup()
    assert len(starts) == min(wrong_starts + 1, 3)
