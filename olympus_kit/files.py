"""Write files so that nobody ever sees half of one."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

FRESH_MODE = 0o666  # of a file that is new, less what the umask takes away


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: to a temporary file beside it, then renamed.

    What the file was stays: its mode, its owner and group where the system allows that, and a
    symbolic link, whose target is written. The line endings of a text are written as they are.
    """
    target = Path(os.path.realpath(path))
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.name[:100]}.",
        suffix=".part",
        dir=target.parent,
    )
    part = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(
                content.encode() if isinstance(content, str) else content
            )
            file.flush()
            os.fsync(
                file.fileno()
            )  # a full disk says so here, before anything is replaced
        _take_over(target, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def copy_whole(source: Path, target: Path) -> Path:
    """Copy a file to the byte, whole or not at all; `target` must not exist."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(source.read_bytes())
        part.chmod(stat.S_IMODE(source.stat().st_mode))
        os.link(part, target)  # unlike a rename, it never replaces a file
    finally:
        part.unlink(missing_ok=True)
    return target


def _take_over(target: Path, part: Path) -> None:
    """Give a new file the mode, owner and group of the one that it replaces."""
    try:
        old = target.stat()
    except FileNotFoundError:
        part.chmod(FRESH_MODE & ~_umask())
        return
    if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (
        os.geteuid(),
        os.getegid(),
    ):
        with contextlib.suppress(OSError):
            os.chown(part, old.st_uid, old.st_gid)
    part.chmod(stat.S_IMODE(old.st_mode))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
