"""The project's own files agree with each other and keep the house rules."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def text_of(path):
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def test_environment_yml_has_the_pins_of_pyproject():
    lines = (ROOT / "environment.yml").read_text().splitlines()
    items = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    pins = {i for i in items if re.match(r"[a-z][\w-]*[<>=]", i)}
    expected = {*PROJECT["dependencies"], *EXTRAS["lab"], f"python{PROJECT['requires-python']}"}
    assert pins == expected


def pins():
    """The exact versions of constraints.txt: name, version, and which Pythons it is for."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        yield canonicalize_name(requirement.name), pin.version, requirement.marker


def test_each_python_has_one_version_of_everything():
    for python in ("3.11", "3.12", "3.13", "3.14"):
        environment = {"python_version": python}
        names = [n for n, _, marker in pins() if not marker or marker.evaluate(environment)]
        assert len(names) == len(set(names)), python


def test_the_newest_jax_that_is_allowed_is_the_newest_that_is_pinned(end):
    for name in ("jax", "jaxlib"):
        (allowed,) = [
            Requirement(d) for d in PROJECT["dependencies"] if Requirement(d).name == name
        ]
        versions = sorted(Version(version) for n, version, _ in pins() if n == name)
        (most,) = [s.version for s in allowed.specifier if s.operator == "<="]
        (least,) = [s.version for s in allowed.specifier if s.operator == ">="]
        assert versions[-1] == Version(most)
        assert versions[0] in allowed.specifier
        assert Version(least) == Version(end.OLDEST[name])


def test_every_dependency_has_a_pinned_constraint():
    pinned = {name for name, _, _ in pins()}
    wanted = [*PROJECT["dependencies"], *(d for extra in EXTRAS.values() for d in extra)]
    assert {canonicalize_name(Requirement(d).name) for d in wanted} <= pinned


def test_no_file_names_a_registry_s_host():
    hosts = ["pypi" + ".org", "python" + "hosted", "npm" + "js", "deb." + "debian"]
    for path in tracked():
        text = text_of(path)
        assert not [h for h in hosts if h in text], path


def test_the_package_is_typed_and_licensed():
    assert PROJECT["license"] == "MIT"
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    for package in ("olympus", "olympus_kit"):
        assert (ROOT / package / "py.typed").exists()


def test_only_myst_notebooks_without_outputs_are_kept():
    for path in tracked():
        assert path.suffix != ".ipynb", path
        if path.suffix == ".md" and path.parent.name in ("book", "solutions", "exercises"):
            assert "format_name: myst" in text_of(path), path


def code_lines(path):
    """Count the lines of code: without blank lines, comments and docstrings."""
    text = text_of(path)
    prose = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in prose
        for number, line in enumerate(text.splitlines(), start=1)
    )


def test_scripts_stay_small():
    """Few functions, as ideas are counted in Python: lines may grow where they are short.

    Questions (ask.js) and sliders (frames.js) came with 90.
    """
    scripts = [p for p in tracked() if p.suffix == ".js" and "olympus_kit" in p.parts]
    code = "".join(map(text_of, scripts))
    untyped = re.sub(r"/\*\*.*?\*/", "", code, flags=re.DOTALL)  # types have arrows, too
    assert len(re.findall(r"=>|\bfunction\b", untyped)) <= 425
    assert max(map(len, code.splitlines())) <= 100


INSIDE = {"eqns", "invars", "outvars", "constvars", "aval", "source_info", "ctx"}


def test_one_room_looks_into_jaxprs():
    inside = ROOT / "olympus_kit" / "program" / "jaxprs"
    library = [p for folder in ("olympus", "olympus_kit") for p in (ROOT / folder).rglob("*.py")]
    assert any(path.parent == inside for path in library)
    for path in library:
        text = text_of(path)
        used = {n.attr for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}
        if "import ast\n" in text:
            used.discard("ctx")  # of Python's own syntax tree
        looks = used & INSIDE or re.search(r"jax\.(extend|interpreters|_src)", text)
        assert path.parent == inside or not looks, path


def test_make_lists_every_command():
    makefile = (ROOT / "Makefile").read_text()
    for target in (
        "setup",
        "lab",
        "test",
        "test-all",
        "test-newest",
        "book",
        "bench",
        "soak",
        "release",
    ):
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target


def test_a_benchmark_prints_each_figure_at_once_and_keeps_it(monkeypatch, capsys):
    from benchmarks import __main__ as benchmarks
    from benchmarks._ratio import Ratio

    shown = []

    def measured():
        yield Ratio("one thing / another", 1.5)
        shown.append(capsys.readouterr().out)
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmarks, "BENCHMARKS", {"mine": measured, "later": measured})
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert benchmarks.main() == 130
    assert "one thing / another" in shown[0]
    assert "Not measured, or not to the end: mine, later." in capsys.readouterr().err


@pytest.fixture
def end(monkeypatch):
    """The script that tests the ends of the range of JAX."""
    spec = importlib.util.spec_from_file_location("end", ROOT / ".ci" / "end.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_newest_python_is_found_on_the_path_and_in_pyenv(end, tmp_path, monkeypatch):
    made = []
    for version in ("3.12.9", "3.12.10", "3.13.0", "3.15.1"):
        path = tmp_path / "versions" / version / "bin" / "python"
        path.parent.mkdir(parents=True)
        path.touch()
        made.append(str(path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(end.shutil, "which", lambda name: f"/nowhere/{name}")
    broken = {made[2]}  # as a shim that leads nowhere
    right = lambda python, version: f"/{version}." in python and python not in broken
    monkeypatch.setattr(end, "works", right)
    assert end.newest_python() == made[1]
    broken.clear()
    assert end.newest_python() == made[2]


def test_without_a_new_python_the_newest_end_is_left_out_in_words(end, monkeypatch, capsys):
    monkeypatch.setattr(end, "newest_python", lambda: None)
    monkeypatch.setattr("sys.argv", ["end.py", "newest"])
    assert end.main() == 0
    assert "Left out: the newest JAX. It needs Python 3.12" in capsys.readouterr().out


def test_a_python_that_does_not_start_is_none(end):
    assert end.works(sys.executable, f"{sys.version_info.major}.{sys.version_info.minor}")
    assert not end.works(sys.executable, "2.7")
    assert not end.works("/nowhere/python3.13", "3.13")


def test_the_oldest_jax_takes_every_other_exact_version(end):
    lines = (ROOT / "constraints.txt").read_text()
    left = set(lines.splitlines()) - set(end.without(lines, end.OLDEST).splitlines())
    assert {Requirement(line).name for line in left} == end.OLDEST.keys()
