"""The views: a program as text, SVG, HTML and widget."""

from ._chain import Chain as Chain
from ._chain import chain as chain
from ._claims import Claims as Claims
from ._cost import Cost as Cost
from ._cost import cost as cost
from ._formula import statement as statement
from ._formula import value_text as value_text
from ._graph import Graph as Graph
from ._graph import graph as graph
from ._jacobian import Jacobian as Jacobian
from ._jacobian import jacobian_shapes as jacobian_shapes
from ._memory import Memory as Memory
from ._memory import memory as memory
from ._pushpull import PushPull as PushPull
from ._pushpull import push_pull as push_pull
from ._sparse import Sparsity as Sparsity
from ._sparse import sparse_jacobian as sparse_jacobian
from ._sparse import sparsity as sparsity
from ._sweep import Sweep as Sweep
from ._timing import Stopwatch as Stopwatch
from ._timing import stopwatch as stopwatch
from ._timing import timing_traps as timing_traps
from ._tradeoff import Tradeoff as Tradeoff
from ._tradeoff import segmented as segmented
from ._tradeoff import tradeoff as tradeoff
from ._view import View as View
