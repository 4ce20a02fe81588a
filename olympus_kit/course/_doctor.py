"""Look at the machine: versions, kernel, settings, ports. Each finding says what to do."""

import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import _lab
from ._course import CourseError, exercises_folder

PACKAGES = ("jax", "jaxlib", "numpy", "jupyterlab", "jupytext", "ipykernel", "nbval")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and what to do if not."""

    what: str
    good: bool
    seen: str
    advice: str = ""

    def json(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Finding]:
    """Everything that a course needs, in the order in which it needs it."""
    return [_python(), *map(_package, PACKAGES), _kernel(), _settings(), _course(), _port()]


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), seen, "The kit needs Python 3.11.")


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "not installed", "Run `make setup`.")


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().find_kernel_specs()
    seen = specs.get("python3", "")
    return Finding("kernel python3", bool(seen), seen or "not found", "Run `make setup`.")


def _settings() -> Finding:
    path = _lab.overrides_file()
    seen = str(path) if path.exists() else "not written yet"
    return Finding(".md opens as a notebook", path.exists(), seen, "Run `olympus lab` once.")


def _course() -> Finding:
    try:
        return Finding("course", True, str(exercises_folder()))
    except CourseError as error:
        return Finding("course", False, "not found", str(error))


def _port() -> Finding:
    port = _lab.free_port(8888)
    return Finding("a free port", port > 0, str(port), "Close another JupyterLab.")
