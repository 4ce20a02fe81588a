"""Grade a class: answers run in a jail, and a judge that runs no student's code gives the marks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .batch import grade as grade


def __getattr__(name: str) -> Any:
    """Load the judge at first use: the jail imports this package, and not the judge."""
    if name == "grade":
        from .batch import grade

        return grade
    raise AttributeError(name)
