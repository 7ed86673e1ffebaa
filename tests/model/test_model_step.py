"""The table of a step's life says what the architecture says."""

from itertools import product

import pytest

from agent.model import LIFE, StepState

MOVES = {
    "intended": {"done", "failed", "unknown"},
    "failed": {"intended"},
    "unknown": {"intended", "done", "undone"},
    "done": {"undone"},
    "undone": set(),
}


@pytest.mark.parametrize(("before", "after"), list(product(StepState, StepState)))
def test_a_move_is_possible_exactly_when_the_table_has_it(before: StepState, after: StepState) -> None:
    assert before.may_become(after) is (str(after) in MOVES[str(before)])


def test_every_state_has_its_row() -> None:
    assert set(LIFE) == set(StepState)


def test_only_intended_and_unknown_are_unsettled() -> None:
    unsettled = {state for state in StepState if not state.is_settled}

    assert unsettled == {StepState.INTENDED, StepState.UNKNOWN}
