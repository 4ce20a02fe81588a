"""`olympus.tree` is `jax.tree`, name for name."""

import jax.tree as _jax
from jax.tree import *  # noqa: F403

from ._modules import mirror

__path__: list[str] = []  # so that its submodules can be imported, too
__getattr__, __dir__ = mirror(__name__, _jax)
