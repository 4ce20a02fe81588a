"""The project's own files agree with each other and keep the house rules."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

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


def test_every_dependency_has_a_pinned_constraint():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    wanted = [*PROJECT["dependencies"], *(d for extra in EXTRAS.values() for d in extra)]
    names = {re.split(r"[<>=\[ ]", d)[0].lower().replace("_", "-") for d in wanted}
    assert names <= pinned


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
    scripts = [p for p in tracked() if p.suffix == ".js" and "olympus_kit" in p.parts]
    assert sum(len(text_of(p).splitlines()) for p in scripts) < 1600
    assert max(len(line) for p in scripts for line in text_of(p).splitlines()) <= 170


INSIDE = {"eqns", "invars", "outvars", "constvars", "aval", "source_info", "ctx"}


def test_one_room_looks_into_jaxprs():
    inside = ROOT / "olympus_kit" / "program" / "jaxprs"
    library = [p for folder in ("olympus", "olympus_kit") for p in (ROOT / folder).rglob("*.py")]
    assert any(path.parent == inside for path in library)
    for path in library:
        text = text_of(path)
        used = {n.attr for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}
        looks = used & INSIDE or re.search(r"jax\.(extend|interpreters|_src)", text)
        assert path.parent == inside or not looks, path


def test_make_lists_every_command():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "lab", "test", "book", "bench", "soak", "release"):
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target
