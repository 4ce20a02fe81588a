"""What a cold build of the book costs beside running its cells."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ._ratio import Ratio

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ("book", "exercises", "theme", "myst.yml", "CITATION.cff")


def build_seconds(project: Path) -> float:
    """Return how long a build takes."""
    started = time.perf_counter()
    command = [sys.executable, str(project / "theme" / "build.py")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def ratios() -> Iterator[Ratio]:
    """Build a copy twice: the second time every cell's output is there, so cells are the rest."""
    with TemporaryDirectory() as folder:
        for name in PARTS:
            source, target = REPOSITORY / name, Path(folder, name)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)
        cold, warm = build_seconds(Path(folder)), build_seconds(Path(folder))
    yield Ratio("cold build of the book / running its cells", cold / (cold - warm), 1.5)
