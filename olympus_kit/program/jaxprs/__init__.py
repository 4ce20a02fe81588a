"""Every touch of jaxpr internals: mark, tap, share, trace, read and run them.

jax promises no stability for what a jaxpr is made of, so nothing outside this folder looks into
one; `tests/unit/test_canary.py` has a test for each behaviour relied on here.
"""

from .basics import REF as REF
from .basics import avals_of as avals_of
from .basics import close as close
from .basics import constants as constants
from .basics import dtype_of as dtype_of
from .basics import function_of as function_of
from .basics import is_inexact as is_inexact
from .basics import open_jaxpr as open_jaxpr
from .basics import output_types as output_types
from .basics import precision_of as precision_of
from .basics import type_of_array as type_of_array
from .basics import with_own_refs as with_own_refs
from .bodies import CALLS as CALLS
from .bodies import refuse_unsupported as refuse_unsupported
from .marks import is_transposed as is_transposed
from .marks import mark as mark
from .marks import marked_path as marked_path
from .notes import count_inside as count_inside
from .notes import with_notes as with_notes
from .reading import Reading as Reading
from .reading import bytes_of as bytes_of
from .reading import input_types as input_types
from .reading import is_plain as is_plain
from .reading import loop_parts as loop_parts
from .reading import read as read
from .reading import read_derivative as read_derivative
from .reading import while_parts as while_parts
from .running import compiled_equations as compiled_equations
from .running import largest_made as largest_made
from .running import run_equation as run_equation
from .sharing import share_rules as share_rules
from .sources import line_of as line_of
from .sources import printable_params as printable_params
from .sources import source_of as source_of
from .taps import OUTPUT as OUTPUT
from .taps import Tap as Tap
from .taps import tap as tap
from .tracing import Traced as Traced
from .tracing import exposing as exposing
from .tracing import partial_in as partial_in
from .tracing import primal_variables as primal_variables
from .tracing import taps_without_flow as taps_without_flow
from .tracing import trace as trace
from .tracing import trace_forward as trace_forward
from .tracing import trace_linear as trace_linear
from .tracing import trace_reverse as trace_reverse
