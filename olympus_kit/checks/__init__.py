"""The laws, mistakes and messages behind `check(...)`.

A student uses `check`, `check_all`, `hint`, `solution`, `progress` and `Unsolved`. An author writes
specifications with `Question`, `Requirement`, `Mistake` and `CostLimit`.
"""

from .api import check as check
from .api import check_all as check_all
from .api import hint as hint
from .api import hint_card as hint_card
from .api import outcome_of as outcome_of
from .api import progress as progress
from .api import solution as solution
from .api import solution_card as solution_card
from .evidence import EditRow as EditRow
from .evidence import Evidence as Evidence
from .evidence import as_real as as_real
from .evidence import digest as digest
from .evidence import in_precision as in_precision
from .evidence import observe as observe
from .evidence import same_shapes as same_shapes
from .evidence import same_tree as same_tree
from .message import Diagnosis as Diagnosis
from .message import catalogue as catalogue
from .mistakes import pack_edits as pack_edits
from .outcome import MARKS as MARKS
from .outcome import CheckFailed as CheckFailed
from .outcome import NotAttempted as NotAttempted
from .outcome import NotYet as NotYet
from .outcome import Outcome as Outcome
from .run import TookTooLong as TookTooLong
from .run import inputs as inputs
from .run import is_array as is_array
from .run import references as references
from .run import remember as remember
from .run import time_limit as time_limit
from .run import to_numpy as to_numpy
from .spec import Case as Case
from .spec import CostLimit as CostLimit
from .spec import Credit as Credit
from .spec import Mistake as Mistake
from .spec import Question as Question
from .spec import Requirement as Requirement
from .spec import Unsolved as Unsolved
from .spec import adjoint as adjoint
from .spec import dense_pullback as dense_pullback
from .spec import linear_in as linear_in
from .spec import symmetric as symmetric
from .spec import test_array as test_array
from .steps import explain_error as explain_error
from .steps import judge as judge
from .store import ANSWERS as ANSWERS
from .store import FOLDER as FOLDER
from .store import SPEC as SPEC
from .store import Entry as Entry
from .store import change_state as change_state
from .store import decode as decode
from .store import encode as encode
from .store import find as find
from .store import folders as folders
from .store import is_solved as is_solved
from .store import questions as questions
from .store import read_answers as read_answers
from .store import read_progress as read_progress
from .store import record as record
from .store import state_folder as state_folder
from .store import with_next_hint as with_next_hint
