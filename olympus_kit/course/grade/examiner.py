"""The process that says what a student would see: the kit's own check, at the public points.

Its word gives no marks: a student's code runs beside it and may have changed it. It gives the
message, and it can withhold marks, for what only the answer's own process can tell (how often a
function was called, how an answer differentiates, how large an intermediate array is).
"""

import os
import pickle
import socket
from functools import partial
from pathlib import Path
from typing import Any

from ...checks import find, remember
from .._judge import judge
from .witness import converse


def serve(end: socket.socket) -> None:
    """Run the cells, then check one question after another by itself.

    Cells may write files where they run, so that the course is elsewhere.
    """
    converse(end, partial(_outcome, Path(os.environ["OLYMPUS_COURSE"])))


def _outcome(
    course: Path,
    namespace: dict[str, Any],
    request: bytes,
) -> dict[str, Any]:
    name, references, seconds = pickle.loads(request)  # the judge's own bytes
    if references is not None:  # computed once, for all submissions
        remember(find(name, course).question, references)
    # the judge's own patience, since a machine that grades may be a busy one
    outcome = judge(name, namespace, seconds=seconds, course=course)
    return {"outcome": outcome.json()}
