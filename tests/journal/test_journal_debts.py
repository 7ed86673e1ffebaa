"""What is owed to a server, in one word for each way in which a run can break off."""

from collections.abc import Callable

import pytest
from journal_nouns import CLEAR, ORIGINAL, RESTART, Time, record

from agent.journal import Journal, OpenRun
from agent.model import DebtKind, ServerState, StepState


def cleared(run: OpenRun) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.DONE)


def restarted(run: OpenRun) -> None:
    cleared(run)
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", RESTART, StepState.DONE)


def clearing(run: OpenRun) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])


def restarting(run: OpenRun) -> None:
    cleared(run)
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", RESTART, StepState.UNKNOWN)


def refused_the_restart(run: OpenRun) -> None:
    cleared(run)
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", RESTART, StepState.FAILED)


def stopped(run: OpenRun) -> None:
    cleared(run)
    run.conclude("EX01", ServerState.UNKNOWN, "stopped by the operator between steps")


def proved(run: OpenRun) -> None:
    restarted(run)
    run.conclude("EX01", ServerState.CHANGED, "proved")


def put_back(run: OpenRun) -> None:
    cleared(run)
    run.note("EX01", CLEAR, StepState.UNDONE)


def admitted(run: OpenRun) -> None:
    pass


def nothing_known(run: OpenRun) -> None:
    run.conclude("EX01", ServerState.UNKNOWN, "the connection broke")


@pytest.mark.parametrize(
    ("story", "kind", "says"),
    [
        (admitted, DebtKind.NOT_SETTLED, "still held"),
        (nothing_known, DebtKind.UNKNOWN, "not known how it stands"),
        (clearing, DebtKind.UNKNOWN, CLEAR.id),
        (cleared, DebtKind.CHANGED_NOT_RESTARTED, "no restart of IIS"),
        (stopped, DebtKind.CHANGED_NOT_RESTARTED, "no restart of IIS"),
        (refused_the_restart, DebtKind.CHANGED_NOT_RESTARTED, "no restart of IIS"),
        (restarting, DebtKind.UNKNOWN, "restart"),
        (restarted, DebtKind.RESTARTED_NOT_PROVED, "not proved"),
        (proved, DebtKind.NOT_SETTLED, "still held"),
        (put_back, DebtKind.NOT_SETTLED, "still held"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_debt_says_how_far_the_work_has_come(
    run: OpenRun, journal: Journal, story: Callable[[OpenRun], None], kind: DebtKind, says: str
) -> None:
    story(run)
    (debt,) = journal.debts()

    assert (debt.run, debt.server, debt.kind) == ("r1", "EX01", kind)
    assert says in debt.words


def test_a_debt_is_owed_since_something_was_last_written(run: OpenRun, journal: Journal) -> None:
    admitted_at = journal.run("r1").servers[0].started_at
    (before,) = journal.debts()
    cleared(run)
    (after,) = journal.debts()

    assert before.since == admitted_at
    assert after.since == journal.run("r1").servers[0].steps[0].attempts[-1].at


def test_a_closed_server_is_owed_nothing(run: OpenRun, journal: Journal, now: Time) -> None:
    restarted(run)
    run.close("EX01")
    journal.begin(record("r2", now()), ["EX02"])

    assert journal.debts() == ()
