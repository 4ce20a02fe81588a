"""The names that others may rely on. To add or to drop one is a decision: edit these lists."""

import inspect

import pytest

import olympus
import olympus_kit
from olympus_kit import checks, program, views

KIT = """
Chain Claims Cost Explorer Graph Jacobian Memory Program PushPull Quiz Sparsity Stopwatch Sweep
Tradeoff Unsolved View capture chain check check_all cost explore gallery graph hint
jacobian_shapes memory progress push_pull quiz segmented solution sparse_jacobian sparsity
stopwatch timing_traps tradeoff
"""

PROGRAM = """
Argnums Arguments Body Count Equation Life Mode Outline Program Residual Source Summary Totals
Value capture check_output count describe dtype_of in_one_line is_inexact largest_made lifetimes
live_bytes outline precision_of read_arguments sparsity_pattern user_line walk
"""

VIEWS = """
Chain Claims Cost Explorer Graph Jacobian Memory PushPull Quiz Sparsity Stopwatch Sweep Tradeoff
View chain cost explore gallery graph jacobian_shapes memory push_pull quiz segmented
sparse_jacobian sparsity statement stopwatch timing_traps tradeoff value_text
"""

# for authors of lessons, and for the course, which releases, judges and shows them
CHECKS = """
ANSWERS Case CheckFailed CostLimit Credit DERIVATIVES Diagnosis EditRow Entry Evidence FOLDER MARKS
Mistake NotAttempted NotYet Outcome Question Requirement SPEC TookTooLong Unsolved adjoint as_real
catalogue change_state check check_all decode dense_pullback digest edits_of encode explain_error
find folders hint hint_card in_precision inputs is_array is_solved judge linear_in observe
outcome_for outcome_of pack_edits progress questions read_answers read_progress record references
remember ruled_out same_shapes same_tree solution solution_card state_folder symmetric test_array
time_limit to_numpy with_next_hint
"""


def names_of(face):
    return {
        name
        for name, thing in vars(face).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }


@pytest.mark.parametrize(("face", "listed"), [(program, PROGRAM), (views, VIEWS), (checks, CHECKS)])
def test_a_package_shows_the_names_that_are_listed(face, listed):
    assert names_of(face) == set(listed.split())


def test_the_kit_shows_the_names_that_are_listed():
    assert set(olympus_kit.__all__) - set(olympus.__all__) == set(KIT.split())
    assert all(hasattr(olympus_kit, name) for name in olympus_kit.__all__)
