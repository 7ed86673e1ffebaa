"""One writer per server, and the one who took over is it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from journal_nouns import CLEAR, ORIGINAL, RESTART, Time, holder, record

from agent.errors import JournalError, Locked, UnknownName
from agent.journal import Journal, OpenRun
from agent.model import Holder, ServerState, StepState


@pytest.fixture
def second(reopen: Callable[[], Journal], run: OpenRun, now: Time) -> OpenRun:
    """Another run, of another process."""
    return reopen().begin(record("r2", now(), pid=200))


@pytest.mark.parametrize("name", ["EX01", "ex01"])
def test_a_second_run_is_refused_with_who_holds_it_since_when(second: OpenRun, journal: Journal, name: str) -> None:
    with pytest.raises(Locked) as caught:
        second.admit(name)

    held = journal.held_by("EX01")
    assert held is not None
    assert caught.value.run == "r1"
    assert caught.value.since == held[1]
    for said in ("r1", "LAB\\admin", "jump01", "100", f"{held[1]:%H:%M:%S}"):
        assert said in caught.value.message
    assert "easfix resume r1" in caught.value.next_step


def test_other_servers_are_free(second: OpenRun, journal: Journal) -> None:
    second.admit("EX02")

    held = journal.held_by("EX02")
    assert held is not None
    assert held[0] == holder("r2", 200)


def test_the_same_run_is_admitted_again(run: OpenRun, journal: Journal) -> None:
    before = journal.held_by("EX01")
    run.admit("EX01")

    assert journal.held_by("EX01") == before


def test_the_end_of_a_run_lets_go_of_nothing(run: OpenRun, second: OpenRun) -> None:
    run.conclude("EX01", ServerState.UNKNOWN, "it broke off")
    run.end(4)

    with pytest.raises(Locked):
        second.admit("EX01")


def test_a_closed_server_is_free(run: OpenRun, second: OpenRun, journal: Journal) -> None:
    run.close("EX01")
    assert journal.held_by("EX01") is None

    second.admit("EX01")

    held = journal.held_by("EX01")
    assert held is not None
    assert held[0].run == "r2"


@pytest.mark.parametrize("state", [StepState.INTENDED, StepState.UNKNOWN])
def test_a_server_with_an_open_question_cannot_be_closed(run: OpenRun, journal: Journal, state: StepState) -> None:
    run.note("EX01", RESTART, StepState.INTENDED)
    if state is not StepState.INTENDED:
        run.note("EX01", RESTART, state)

    with pytest.raises(JournalError, match="not settled yet: restart"):
        run.close("EX01")

    assert journal.unclosed() == (("r1", "EX01"),)
    assert journal.held_by("EX01") is not None


def test_a_server_whose_steps_are_settled_can_be_closed(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.DONE)
    run.note("EX01", CLEAR, StepState.UNDONE)
    run.note("EX01", RESTART, StepState.INTENDED)
    run.note("EX01", RESTART, StepState.FAILED)
    run.close("EX01")

    assert journal.unclosed() == ()
    assert journal.run("r1").servers[0].is_closed


def test_nothing_is_noted_about_a_server_that_is_not_held(run: OpenRun, journal: Journal) -> None:
    with pytest.raises(JournalError, match="does not hold EX02"):
        run.note("EX02", RESTART, StepState.INTENDED)

    run.close("EX01")
    with pytest.raises(JournalError, match="does not hold EX01"):
        run.note("EX01", RESTART, StepState.INTENDED)

    assert journal.run("r1").servers[0].steps == ()


def test_who_resumes_a_run_gets_its_servers_and_its_predecessor_loses_them(
    run: OpenRun, reopen: Callable[[], Journal], journal: Journal
) -> None:
    run.note("EX01", RESTART, StepState.INTENDED)
    heir = reopen().resume("r1", holder("r1", 300))
    heir.note("EX01", RESTART, StepState.UNKNOWN)

    for write in (
        lambda: run.note("EX01", RESTART, StepState.DONE),
        lambda: run.admit("EX02"),
        lambda: run.conclude("EX01", ServerState.CHANGED, "done"),
        lambda: run.close("EX01"),
        lambda: run.end(0),
    ):
        with pytest.raises(Locked, match="process 300"):
            write()

    assert journal.run("r1").servers[0].steps[0].state is StepState.UNKNOWN
    assert journal.held_by("EX01") is not None


def test_a_resumed_run_has_not_ended(run: OpenRun, journal: Journal) -> None:
    run.end(3)
    journal.resume("r1", holder("r1", 300))

    record = journal.run("r1")
    assert (record.ended_at, record.exit_code, record.holder.pid) == (None, None, 300)


def test_who_had_a_run_in_hand_is_never_written_over(run: OpenRun, reopen: Callable[[], Journal]) -> None:
    """The one that began it, one that died with it, and one that put it back."""
    run.end(3)
    journal = reopen()
    journal.resume("r1", holder("r1", 300))
    last = journal.resume("r1", Holder("r1", "jump02", 400, "LAB\\bob"), command="rollback", reason="phones of Berlin")
    last.end(0)
    record = journal.run("r1")

    assert [(each.command, each.holder.user, each.holder.pid, each.exit_code) for each in record.hands] == [
        ("apply", "LAB\\admin", 100, 3),
        ("resume", "LAB\\admin", 300, None),
        ("rollback", "LAB\\bob", 400, 0),
    ]
    assert [each.ended_at is None for each in record.hands] == [False, True, False]
    assert [each.reason for each in record.hands] == ["phones", "", "phones of Berlin"]
    assert (record.begun_by.pid, record.holder.pid) == (100, 400)
    assert journal.history(1)[0].hands == record.hands


def test_who_leaves_a_run_has_not_ended_it(run: OpenRun, journal: Journal) -> None:
    run.leave()
    (hand,) = journal.run("r1").hands

    assert hand.ended_at is not None
    assert hand.exit_code is None


def test_a_run_that_is_not_there_cannot_be_resumed(journal: Journal) -> None:
    with pytest.raises(UnknownName, match="there is no run r9"):
        journal.resume("r9", holder("r9"))


def test_of_many_runs_at_the_same_moment_one_gets_the_server(reopen: Callable[[], Journal], now: Time) -> None:
    """Each from a process of its own, as far as the database can tell."""
    runs = [reopen().begin(record(f"r{number}", now(), pid=number)) for number in range(8)]
    barrier = threading.Barrier(len(runs))

    def race(run: OpenRun) -> str | None:
        barrier.wait(30)
        try:
            run.admit("EX01")
        except Locked as error:
            return error.run
        return None

    with ThreadPoolExecutor(len(runs)) as pool:
        told = list(pool.map(race, runs))

    winner = f"r{told.index(None)}"
    assert sorted(name for name in told if name) == [winner] * 7


def test_what_was_chosen_stands_on_record_until_its_turn(journal: Journal, now: Time) -> None:
    begun = journal.begin(record("r9", now(), pid=900), ["EX01", "EX02"], "its turn has not come yet")
    begun.admit("EX02")
    waiting, working = journal.run("r9").servers

    assert (waiting.state, waiting.reason, waiting.is_closed) == (
        ServerState.SKIPPED,
        "its turn has not come yet",
        True,
    )
    assert (working.state, working.reason, working.is_closed) == (None, "", False)
    assert working.started_at is not None
