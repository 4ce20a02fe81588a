"""Capture a function as a `Program`: its equations, their derivatives, values and residuals."""

from ._arguments import Argnums as Argnums
from ._arguments import Arguments as Arguments
from ._arguments import check_output as check_output
from ._arguments import describe as describe
from ._arguments import read_arguments as read_arguments
from ._capture import capture as capture
from ._count import Count as Count
from ._count import count as count
from ._impure import user_line as user_line
from ._liveness import Life as Life
from ._liveness import lifetimes as lifetimes
from ._liveness import live_bytes as live_bytes
from ._model import Body as Body
from ._model import Equation as Equation
from ._model import Mode as Mode
from ._model import Program as Program
from ._model import Residual as Residual
from ._model import Source as Source
from ._model import Summary as Summary
from ._model import Totals as Totals
from ._model import Value as Value
from ._model import walk as walk
from ._pattern import sparsity_pattern as sparsity_pattern
from .jaxprs import dtype_of as dtype_of
from .jaxprs import is_inexact as is_inexact
