"""The laws, misconceptions and messages behind `check(...)`.

A student uses `check`, `check_all`, `hint`, `solution` and `Unsolved`. An author writes
specifications with `Question`, `Wrong`, `Law`, `Limit`, `Demand` and `Misconception`.
"""

from ._api import check as check
from ._api import check_all as check_all
from ._api import hint as hint
from ._api import outcome_of as outcome_of
from ._api import solution as solution
from ._laws import adjoint as adjoint
from ._laws import dense_pullback as dense_pullback
from ._laws import linear_in as linear_in
from ._laws import symmetric as symmetric
from ._laws import wave as wave
from ._outcome import CheckFailed as CheckFailed
from ._outcome import NotAttempted as NotAttempted
from ._outcome import NotYet as NotYet
from ._outcome import Outcome as Outcome
from ._spec import Demand as Demand
from ._spec import Law as Law
from ._spec import Limit as Limit
from ._spec import Misconception as Misconception
from ._spec import Question as Question
from ._spec import Wrong as Wrong
from ._unsolved import Unsolved as Unsolved
