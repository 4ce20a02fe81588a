"""Capture a function as a `Program`: its equations, their derivatives, values and residuals."""

from ._capture import capture as capture
from ._count import Count as Count
from ._count import count as count
from ._liveness import Life as Life
from ._liveness import held as held
from ._liveness import lifetimes as lifetimes
from ._model import Body as Body
from ._model import Equation as Equation
from ._model import Mode as Mode
from ._model import Program as Program
from ._model import Residual as Residual
from ._model import Source as Source
from ._model import Summary as Summary
from ._model import Value as Value
from ._model import walk as walk
from ._pattern import sparsity_pattern as sparsity_pattern
