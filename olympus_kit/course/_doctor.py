"""Look at the machine: versions, kernel, course. Each finding says what to do."""

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from ._course import CourseError, exercises_folder

PROJECT, KERNEL = "olympus-kit", "python3"
LAB = {
    "extra": "lab"
}  # the dependencies of the course, without those for its authors


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and what to do if not."""

    what: str
    good: bool
    seen: str
    advice: str = ""


def examine() -> list[Finding]:
    """Everything that a course needs, in the order in which it needs it."""
    needs = [Requirement(line) for line in requires(PROJECT) or []]
    packages = [
        need
        for need in needs
        if need.marker is None or need.marker.evaluate(LAB)
    ]
    return [_python(), *map(_package, packages), _kernel(), _course()]


def _python() -> Finding:
    advice = "The kit needs Python 3.11 or newer."
    return Finding(
        "Python",
        sys.version_info >= (3, 11),
        platform.python_version(),
        advice,
    )


def _package(need: Requirement) -> Finding:
    try:
        seen = version(need.name)
    except PackageNotFoundError:
        return Finding(need.name, False, "not installed", "Run `make setup`.")
    fits = need.specifier.contains(seen, prereleases=True)
    return Finding(
        need.name,
        fits,
        seen,
        f"The kit needs {need}: run `make setup`.",
    )


def _kernel() -> Finding:
    """A notebook's kernel must be this very environment, or it finds another kit, or none."""
    from jupyter_client.kernelspec import (
        KernelSpecManager,
        NoSuchKernel,
    )

    try:
        seen = KernelSpecManager().get_kernel_spec(KERNEL).argv[0]
    except NoSuchKernel:
        seen = "not found"
    good = (
        seen in ("python", KERNEL)
        or Path(seen).parent == Path(sys.executable).parent
    )
    advice = f"It is not {sys.executable}: start the course with `olympus lab`."
    return Finding(f"kernel {KERNEL}", good, seen, advice)


def _course() -> Finding:
    try:
        return Finding("course", True, str(exercises_folder()))
    except CourseError as error:
        return Finding("course", False, "not found", str(error))
