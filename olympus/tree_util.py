"""`olympus.tree_util` is `jax.tree_util`, name for name."""

import jax.tree_util as _jax
from jax.tree_util import *  # noqa: F403

from ._modules import mirror

__path__: list[str] = []  # so that its submodules can be imported, too
__getattr__, __dir__ = mirror(__name__, _jax)
