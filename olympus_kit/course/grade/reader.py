"""Read what students hand in, in a process with limits: some hundred bytes of YAML may ask for
terabytes. Its cells come out as plain text; nothing else of a notebook is needed.
"""

import json
import math
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .. import _notebook as nb
from .._processes import Processes
from .text import legible
from .wire import Channel, Gone

# -P: where it is started, a student's file may be called like a module
COMMAND = (sys.executable, "-P", "-m", "olympus_kit.course.grade.reader")
MOST_BYTES = 8 * 2**20  # of one notebook
MOST_MEMORY = (
    4 * 2**30
)  # of addresses; numerical libraries reserve more than they use
CPU_SECONDS = 20  # for one notebook
WALL_SECONDS = 200.0  # the same on a machine that is busy
TOO_MUCH = "unreadable: it takes too much time or memory"


class Reader:
    """A process that reads one notebook after the other; a new one where it was lost."""

    def __init__(self) -> None:
        self.processes = Processes()
        self.process: subprocess.Popen[str] | None = None
        self.channel: Channel | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.channel is not None:
            self.channel.end.close()
            self.processes.kill(self.process)
            self.process.wait()
        self.process = self.channel = None

    def read(self, path: Path) -> Any:
        """A notebook of either kind. ValueError says what it is instead."""
        if path.suffix.lower() not in (".md", ".ipynb"):
            raise ValueError("not a notebook")
        channel = self.channel or self._started()
        try:
            order = json.dumps([str(path), CPU_SECONDS])
            channel.send(order.encode(), WALL_SECONDS)
            reply = channel.receive_json(WALL_SECONDS)
        except Gone:
            self.__exit__()
            raise ValueError(TOO_MUCH) from None
        if "problem" in reply:
            raise ValueError(legible(reply["problem"]))
        cells = []
        for kind, source, name in reply["cells"]:
            metadata = {"name": name}
            cells.append(
                SimpleNamespace(
                    cell_type=kind, source=source, metadata=metadata
                )
            )
        return SimpleNamespace(cells=cells)

    def _started(self) -> Channel:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = self.processes.start(
                COMMAND,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self.channel = Channel(ours)
        return self.channel


def main() -> None:
    """Read the notebooks that are named on the socket that is standard input."""
    channel = Channel(socket.socket(fileno=0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    while True:
        path, seconds = json.loads(channel.receive())
        most = math.ceil(time.process_time()) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
        try:
            reply = {"cells": _cells(Path(path))}
        except Exception as error:
            # whatever a library raises at what a student's file holds
            is_plain = isinstance(error, ValueError)
            kind = "" if is_plain else f"{type(error).__name__} "
            reply = {"problem": f"unreadable: {kind}{error}"}
        channel.send_json(reply)


def _cells(path: Path) -> Any:
    """Kind, source and name of each cell."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes")
    text = path.read_text(encoding="utf-8").lstrip(nb.MARK)
    is_text = path.suffix.lower() == ".md"
    notebook = nb.parse(text, path.name) if is_text else _parse_ipynb(text)
    cells = []
    for cell in notebook.cells:
        source = "".join(cell["source"])
        cell.setdefault("metadata", {})
        cells.append((str(cell["cell_type"]), source, nb.name(cell)))
    return cells


def _parse_ipynb(text: str) -> Any:
    import nbformat

    return nbformat.reads(text or "an empty file", as_version=4)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
