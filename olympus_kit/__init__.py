"""The kit: everything of `olympus`, and what the course adds to it.

```python
import olympus_kit as ok

ok.graph(lambda x: 4 * x * (1 - x), 0.2)  # the ladder of a program, to be stepped
ok.check("slope")  # check an exercise's answer
```

The views and the checks load when they are first asked for, so that importing the kit costs
little more than importing jax.
"""

import importlib
from typing import TYPE_CHECKING

import olympus as _olympus
from olympus._modules import no_such_name as _no_such_name

if TYPE_CHECKING:
    from olympus import *  # noqa: F403

    from .checks import Unsolved as Unsolved
    from .checks import check as check
    from .checks import check_all as check_all
    from .checks import hint as hint
    from .checks import progress as progress
    from .checks import solution as solution
    from .program import Program as Program
    from .program import capture as capture
    from .views import Chain as Chain
    from .views import Claims as Claims
    from .views import Cost as Cost
    from .views import Explorer as Explorer
    from .views import Graph as Graph
    from .views import Jacobian as Jacobian
    from .views import Memory as Memory
    from .views import PushPull as PushPull
    from .views import Quiz as Quiz
    from .views import Sparsity as Sparsity
    from .views import Stopwatch as Stopwatch
    from .views import Sweep as Sweep
    from .views import Tradeoff as Tradeoff
    from .views import View as View
    from .views import chain as chain
    from .views import cost as cost
    from .views import explore as explore
    from .views import gallery as gallery
    from .views import graph as graph
    from .views import jacobian_shapes as jacobian_shapes
    from .views import memory as memory
    from .views import push_pull as push_pull
    from .views import quiz as quiz
    from .views import segmented as segmented
    from .views import sparse_jacobian as sparse_jacobian
    from .views import sparsity as sparsity
    from .views import stopwatch as stopwatch
    from .views import timing_traps as timing_traps
    from .views import tradeoff as tradeoff

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(
        ["Unsolved", "check", "check_all", "hint", "progress", "solution"],
        "checks",
    ),
    **dict.fromkeys(["Program", "capture"], "program"),
    **dict.fromkeys(["Graph", "View", "graph"], "views"),
    **dict.fromkeys(
        ["Chain", "Jacobian", "PushPull", "Sparsity", "chain"], "views"
    ),
    **dict.fromkeys(
        ["jacobian_shapes", "push_pull", "sparse_jacobian", "sparsity"], "views"
    ),
    **dict.fromkeys(
        ["Claims", "Cost", "Memory", "Stopwatch", "Sweep", "Tradeoff", "cost"],
        "views",
    ),
    **dict.fromkeys(
        ["memory", "segmented", "stopwatch", "timing_traps", "tradeoff"],
        "views",
    ),
    **dict.fromkeys(
        ["Explorer", "Quiz", "explore", "gallery", "quiz"], "views"
    ),
}

__all__ = sorted([*_olympus.__all__, *_HOME])


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(
            importlib.import_module(f".{_HOME[name]}", __name__), name
        )
    if name in _olympus.__all__:
        return getattr(_olympus, name)
    raise _no_such_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return list(__all__)
