"""The exit codes, and which of several wins."""

from datetime import UTC, datetime
from itertools import combinations

import pytest

from agent import errors, exits
from agent.exits import Exit
from agent.model import ServerState

SAID = (130, 3, 4, 5, 2, 0)


def test_the_table_has_these_codes_and_no_others() -> None:
    assert {int(code) for code in Exit} == {0, 2, 3, 4, 5, 64, 78, 130}
    assert set(exits.MEANING) == set(Exit) == set(exits.ORDER)


@pytest.mark.parametrize(("worse", "better"), list(combinations(SAID, 2)))
def test_the_worst_wins_in_the_order_said(worse: int, better: int) -> None:
    assert exits.worst([Exit(better), Exit(worse), Exit(better)]) == worse


def test_nothing_at_all_is_ok() -> None:
    assert exits.worst([]) is Exit.OK


def test_every_state_of_a_server_has_its_code() -> None:
    assert set(exits.OF_STATE) == set(ServerState)


def test_rolled_back_is_a_failed_apply_and_a_good_rollback() -> None:
    assert exits.of_state(ServerState.ROLLED_BACK) is Exit.FAILED
    assert exits.of_state(ServerState.ROLLED_BACK, is_rollback=True) is Exit.OK


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnknownName("?"), 64),
        (errors.SecretMissing("?"), 78),
        (errors.ImpossibleMove("?"), 78),
        (errors.StalePlan("?"), 5),
        (errors.Interrupted("?"), 130),
        (errors.Unreachable("EX01", "?"), 4),
        (errors.TimedOut("EX01", "?"), 4),
        (errors.ScriptFailed("EX01", "?"), 3),
        (errors.EasfixError("?"), 3),
    ],
)
def test_an_error_that_ends_the_program_has_its_code(error: errors.EasfixError, code: int) -> None:
    assert exits.of_error(error) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.JournalError("?"), 4),
        (errors.ConfigError("?"), 4),
        (errors.Locked("", "?", run="r2", holder="", since=datetime(2026, 5, 6, tzinfo=UTC)), 5),
        (errors.Interrupted("?"), 130),
    ],
)
def test_an_error_that_ends_a_run_never_says_that_nothing_was_begun(error: errors.EasfixError, code: int) -> None:
    error.run_ended = "r1"

    assert exits.of_error(error) == code
