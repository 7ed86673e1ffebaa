"""The journal enforces a step's life, and keeps the first original."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from journal_nouns import CLEAR, ORIGINAL, PATH, RESTART

from agent.errors import ImpossibleMove, JournalError, TimedOut
from agent.journal import Journal, OpenRun
from agent.model import Prior, StepRecord, StepState

ROUTES = {
    None: (),
    StepState.INTENDED: (StepState.INTENDED,),
    StepState.DONE: (StepState.INTENDED, StepState.DONE),
    StepState.FAILED: (StepState.INTENDED, StepState.FAILED),
    StepState.UNKNOWN: (StepState.INTENDED, StepState.UNKNOWN),
    StepState.UNDONE: (StepState.INTENDED, StepState.DONE, StepState.UNDONE),
}
MOVES = [(before, after) for before in ROUTES for after in StepState]


def steps(journal: Journal) -> tuple[StepRecord, ...]:
    return journal.run("r1").servers[0].steps


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_only_the_moves_of_the_table_are_possible(
    run: OpenRun, journal: Journal, before: StepState | None, after: StepState
) -> None:
    for state in ROUTES[before]:
        run.note("EX01", RESTART, state)
    is_possible = after is StepState.INTENDED if before is None else before.may_become(after)

    if is_possible:
        run.note("EX01", RESTART, after)

        assert steps(journal)[0].state is after
    else:
        with pytest.raises(ImpossibleMove, match=f"{before or 'new'} cannot become {after}"):
            run.note("EX01", RESTART, after)

        assert [step.state for step in steps(journal)] == ([before] if before else [])
        assert all(len(step.attempts) == len(ROUTES[before]) for step in steps(journal))


def test_every_move_is_kept_with_its_error(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", RESTART, StepState.UNKNOWN, error=TimedOut("EX01", "no answer in 60 s"))
    run.note("EX01", RESTART, StepState.DONE, message="the marker says exit code 0")

    tried = steps(journal)[0].attempts
    assert [(each.state, each.message, each.error) for each in tried] == [
        (StepState.INTENDED, "", ""),
        (StepState.UNKNOWN, "no answer in 60 s", "TimedOut"),
        (StepState.DONE, "the marker says exit code 0", ""),
    ]
    assert tried[0].at < tried[1].at < tried[2].at


def test_steps_are_numbered_in_the_order_of_their_first_intention(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.FAILED)
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", CLEAR, StepState.INTENDED)

    assert [(step.number, step.step) for step in steps(journal)] == [(1, CLEAR), (2, RESTART)]


def test_the_first_original_is_never_overwritten(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.UNKNOWN)
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[replace(ORIGINAL, value=0, is_explicit=False)])
    other = replace(CLEAR, id="clear again")
    run.note("EX01", other, StepState.INTENDED, originals=[replace(ORIGINAL, value=0), Prior(PATH, "AuthFlags", 6)])

    assert journal.originals("r1", "EX01") == (ORIGINAL, Prior(PATH, "AuthFlags", 6))


def test_of_two_originals_at_once_the_first_counts(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL, replace(ORIGINAL, value=0)])

    assert journal.originals("r1", "EX01") == (ORIGINAL,)


def test_no_save_no_write(run: OpenRun, journal: Journal) -> None:
    elsewhere = replace(ORIGINAL, path="W3SVC/2/ROOT/Microsoft-Server-ActiveSync")

    with pytest.raises(JournalError, match="no save, no write"):
        run.note("EX01", CLEAR, StepState.INTENDED, originals=[elsewhere])

    assert steps(journal) == ()
    assert journal.originals("r1", "EX01") == ()


def test_an_original_that_comes_with_the_outcome_is_too_late(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", RESTART, StepState.INTENDED)

    with pytest.raises(JournalError, match="before anything is sent"):
        run.note("EX01", RESTART, StepState.DONE, originals=[ORIGINAL])

    assert steps(journal)[0].state is StepState.INTENDED


@pytest.mark.parametrize("value", [0, 264, -1, 2**32 - 1, "8", "", True, None, 1.5, ("a", 1, None), "Ä\n'\\"])
def test_an_original_comes_back_as_it_was(run: OpenRun, journal: Journal, value: int | str | None) -> None:
    prior = Prior(PATH, "AccessSSLFlags", value, is_explicit=False, inherited_from="W3SVC/1/ROOT")
    run.note("EX01", RESTART, StepState.INTENDED, originals=[prior])

    kept = journal.originals("r1", "EX01")[0]
    assert kept == prior
    assert type(kept.value) is type(value)


def test_an_original_shows_with_the_step_it_was_saved_for(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", RESTART, StepState.INTENDED, originals=[Prior("service/SMTPSVC", "State", "Running")])

    assert [[prior.path for prior in step.priors] for step in steps(journal)] == [[PATH], ["service/SMTPSVC"]]


def test_servers_and_runs_do_not_mix(run: OpenRun, journal: Journal) -> None:
    run.admit("EX02")
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX02", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX02", RESTART, StepState.INTENDED)

    assert [[step.number for step in server.steps] for server in journal.run("r1").servers] == [[1], [1, 2]]
    assert journal.originals("r1", "EX01") == ()


def test_what_was_noted_is_there_for_the_next_process(run: OpenRun, reopen: Callable[[], Journal]) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])

    assert reopen().originals("r1", "EX01") == (ORIGINAL,)
