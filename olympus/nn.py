"""`olympus.nn` is `jax.nn`, name for name."""

import jax.nn as _jax
from jax.nn import *  # noqa: F403

from ._modules import mirror

__path__: list[str] = []  # so that its submodules can be imported, too
__getattr__, __dir__ = mirror(__name__, _jax)
