"""Test one end of the range of JAX: `make test-oldest` and `make test-newest` run this.

    python .ci/end.py oldest        the oldest JAX that pyproject.toml allows, on this Python
    python .ci/end.py newest        the newest, on the newest Python that is found here
    python .ci/end.py oldest --solutions   of the lessons no mutants and no hostile answers
    python .ci/end.py where         "here" where this Python has the newest JAX, else "elsewhere"
    python .ci/end.py newest-python the newest Python here that has the newest JAX, if there is one

Each end has an environment of its own, .venv-oldest or .venv-newest, with the exact versions of
constraints.txt. It is tested with what differs from one JAX to another: the library's tests, laws
and golden files, the lessons' solutions and mutants, and every cell of the book, run once.
Where no Python is new enough for the newest JAX, that is said, and it is no error.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# with the newest releases of flax and lineax that run on it
OLDEST = {"jax": "0.9.0", "jaxlib": "0.9.0", "flax": "0.12.6", "lineax": "0.1.0"}
# the Pythons that have the newest JAX, the newest first
NEWEST_PYTHONS = ("3.14", "3.13", "3.12")
TESTS = [
    "tests/unit",
    "tests/laws",
    "tests/golden",
    "tests/course/test_lessons.py",
]
# what the tests need; models of equinox, flax and others are among them
EXTRAS = "lab,book,dev,models"
# A compiled loop may take a while on a busy machine. All cells of a chapter share one kernel: so a
# chapter stays whole, while other tests go to whichever worker is free.
BOOK = ["--nbval", "--nbval-cell-timeout", "600", "--dist", "loadfile", "book"]


def say(message: str) -> None:
    """Tell whoever waits what is going on."""
    print(message, flush=True)


def works(python: str, version: str) -> bool:
    """Return whether this is a Python of that version which can make environments.

    A shim of pyenv's may lead nowhere, and a system's Python may come without ensurepip.
    """
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def newest_python() -> str | None:
    """Return the newest Python that is found: on the PATH, or among pyenv's versions."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for version in NEWEST_PYTHONS:
        named = [shutil.which(name) for name in (f"python{version}", "python3")]
        patches = sorted(pyenv.glob(f"{version}.*"), key=lambda p: patch_number(p.name))
        kept = [str(folder / "bin" / "python") for folder in reversed(patches)]
        for python in [sys.executable, *filter(None, named), *kept]:
            if works(python, version):
                return python
    return None


def patch_number(version: str) -> int:
    """Return the last number of a version such as 3.13.2, 0 where it is something else."""
    last = version.rpartition(".")[2]
    return int(last) if last.isdigit() else 0


def without(constraints: str, names: Iterable[str]) -> str:
    """Return constraints that leave these packages open."""
    pinned = tuple(f"{name}==" for name in names)
    return "\n".join(line for line in constraints.splitlines() if not line.startswith(pinned))


def environment(name: str, python: str, versions: dict[str, str]) -> Path:
    """Make the environment of one end, or bring it up to date; return its Python."""
    folder = ROOT / f".venv-{name}"
    inside = folder / "bin" / "python"
    constraints = without((ROOT / "constraints.txt").read_text(), versions)
    pins = [f"{package}=={version}" for package, version in versions.items()]
    project = (ROOT / "pyproject.toml").read_text()
    asked = [str(ROOT), python, EXTRAS, *pins, constraints, project]
    wanted = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    done = folder / ".ready"
    if done.exists() and done.read_text() == wanted:
        return inside
    say(f"Setting up {folder.name} with {python}: about two minutes.")
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    exact = folder / "constraints.txt"
    exact.write_text(constraints)
    command = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--constraint", str(exact), "--editable", f"{ROOT}[{EXTRAS}]", *pins]
    subprocess.run(command, check=True)
    done.write_text(wanted)
    return inside


def test(python: Path, *parts: list[str]) -> int:
    """Say which versions are tested, test each part, and return the first status of a failure."""
    code = "import jax, sys; print(f'JAX {jax.__version__} on Python {sys.version.split()[0]}')"
    told = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    say(f"Testing {told.stdout.strip()}")
    command = [str(python), "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal"]
    statuses = [subprocess.run([*command, *part], cwd=ROOT).returncode for part in parts]
    return next((status for status in statuses if status), 0)


def main() -> int:
    """Test the end that was named."""
    name, *options = sys.argv[1:]
    marked = "not (sweep or mutants or hostile)" if "--solutions" in options else "not sweep"
    chosen = ["-m", marked, *TESTS]
    if name == "where":
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        say("here" if version in NEWEST_PYTHONS else "elsewhere")
        return 0
    if name == "newest-python":
        say(newest_python() or "")
        return 0
    if name == "oldest":
        inside = environment(name, sys.executable, OLDEST)
        return test(inside, chosen, BOOK)
    python = newest_python()
    if python is None:
        say(
            "Left out: the newest JAX. It needs Python 3.12, 3.13 or 3.14; none is on the PATH "
            "or among pyenv's versions. Nothing was tested here."
        )
        return 0
    return test(environment(name, python, {}), chosen, BOOK)


if __name__ == "__main__":
    sys.exit(main())
