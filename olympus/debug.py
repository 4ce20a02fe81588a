"""`olympus.debug` is `jax.debug`, name for name."""

import jax.debug as _jax
from jax.debug import *  # noqa: F403

from ._modules import mirror

__path__: list[str] = []  # so that its submodules can be imported, too
__getattr__, __dir__ = mirror(__name__, _jax)
