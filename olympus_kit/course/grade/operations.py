"""What a jail may see of JAX's compile cache: single operations, and no program of a lesson's.

The cache of the person who grades holds whatever was compiled under that account, an author's
solution under `jit` and the loops in it included; each is a program that can be loaded and run.
An entry has the name of the function that was compiled, so that those go in that have the name of
an operation of JAX's, hold no function of somebody else's, and have not the name of a question.
"""

import contextlib
import os
import re
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp

ENTRY = re.compile(r"jit_+(.+)-[0-9a-f]{64}-cache")
# operations that hold functions: what is compiled under these names is somebody's own program
HOLDING = {
    *("apply_along_axis", "apply_over_axes", "associative_scan", "cond"),
    *("custom_linear_solve", "custom_root", "fori_loop", "frompyfunc", "map"),
    *("piecewise", "platform_dependent", "reduce", "reduce_window", "scan"),
    *("switch", "ufunc", "vectorize", "while", "while_loop"),
}
OPERATIONS = {*dir(jnp), *dir(jnp.linalg), *dir(jax.lax)} - HOLDING


class Operations:
    """A folder with links to the entries of single operations, which can be shown in a jail."""

    def __init__(
        self,
        cache: Path,
        questions: frozenset[str],
    ) -> None:
        """OSError where there is no cache, or no place beside it."""
        self.cache = cache.resolve(strict=True)
        self.allowed = OPERATIONS - questions
        self.folder = tempfile.TemporaryDirectory(
            prefix="jail-",
            dir=self.cache.parent,  # a link stays on one file system
        )
        self.changed = 0

    def refresh(self) -> None:
        """Take in what has been compiled since."""
        if not self.cache.is_dir():
            return
        before, self.changed = self.changed, self.cache.stat().st_mtime_ns
        if before == self.changed:
            return
        for name in os.listdir(self.cache):
            entry = ENTRY.fullmatch(name)
            if entry and entry[1] in self.allowed:
                with contextlib.suppress(OSError):  # it is there, or gone
                    os.link(self.cache / name, Path(self.folder.name, name))

    def cleanup(self) -> None:
        """Remove the folder."""
        self.folder.cleanup()
