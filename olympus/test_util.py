"""`olympus.test_util` is `jax.test_util`, name for name."""

import jax.test_util as _jax
from jax.test_util import *  # noqa: F403

from ._modules import mirror

__path__: list[str] = []  # so that its submodules can be imported, too
__getattr__, __dir__ = mirror(__name__, _jax)
