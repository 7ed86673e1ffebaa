"""Beats: who is silent for too long sends nothing more, and another one may take the run over."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from journal_nouns import Time, holder, record

from agent.errors import Fenced, Locked, WindowClosed
from agent.journal import Journal, OpenRun, Terms, open_journal
from agent.journal.tables import runs

FENCE = timedelta(seconds=60)
STALE = timedelta(seconds=300)


def age(journal: Journal, run: str, by: timedelta) -> None:
    """Nobody has heard of the run's process for so long."""
    with journal._store.write() as connection:
        at = journal._store.clock(connection) - by
        connection.execute(runs.update().where(runs.c.id == run).values(beat_at=at))


def test_a_run_beats_from_its_beginning(run: OpenRun, journal: Journal) -> None:
    run.check_fence(FENCE)

    assert journal.beat_of("r1") is not None
    assert not journal.is_stale("r1", STALE)


def test_a_process_that_was_silent_for_too_long_sends_nothing(run: OpenRun, journal: Journal) -> None:
    age(journal, "r1", timedelta(seconds=90))

    with pytest.raises(Fenced, match=r"9\d seconds ago.* after 60 seconds of silence") as caught:
        run.check_fence(FENCE)

    assert "easfix resume r1" in caught.value.next_step


def test_a_beat_opens_the_fence_again(run: OpenRun, journal: Journal) -> None:
    age(journal, "r1", timedelta(seconds=90))
    run.beat()
    run.check_fence(FENCE)

    assert not journal.is_stale("r1", FENCE)


def test_a_run_is_stale_later_than_its_process_is_fenced(run: OpenRun, journal: Journal) -> None:
    age(journal, "r1", timedelta(seconds=90))
    assert not journal.is_stale("r1", STALE)

    age(journal, "r1", timedelta(seconds=301))

    assert journal.is_stale("r1", STALE)


def test_a_run_that_has_ended_is_nobodys(run: OpenRun, journal: Journal) -> None:
    run.end(4)

    assert journal.is_stale("r1", STALE)


def test_a_run_that_was_left_is_taken_over_at_once(run: OpenRun, journal: Journal) -> None:
    run.leave()
    journal.resume("r1", holder("r1", 300), stale=STALE)

    assert journal.run("r1").ended_at is None
    assert journal.run("r1").holder.pid == 300


def test_a_process_whose_run_was_taken_over_sends_nothing_and_beats_no_more(run: OpenRun, journal: Journal) -> None:
    heir = journal.resume("r1", holder("r1", 300))
    heir.check_fence(FENCE)

    with pytest.raises(Fenced, match=r"taken over: .*process 300"):
        run.check_fence(FENCE)
    with pytest.raises(Locked, match="process 300"):
        run.beat()


def test_a_run_whose_process_beats_is_not_taken_over_as_stale(run: OpenRun, journal: Journal) -> None:
    with pytest.raises(Locked, match=r"process 100\) is at work, and said so \d+ seconds ago") as caught:
        journal.resume("r1", holder("r1", 300), stale=STALE)
    run.check_fence(FENCE)

    assert "easfix stop r1" in caught.value.next_step
    assert journal.run("r1").holder.pid == 100


def test_of_many_that_take_over_a_stale_run_one_does(
    run: OpenRun, reopen: Callable[[], Journal], journal: Journal
) -> None:
    age(journal, "r1", timedelta(seconds=301))
    journals = [reopen() for _ in range(6)]
    barrier = threading.Barrier(len(journals))

    def race(number: int) -> bool:
        barrier.wait(30)
        try:
            journals[number].resume("r1", holder("r1", 300 + number), stale=STALE)
        except Locked:
            return False
        return True

    with ThreadPoolExecutor(len(journals)) as pool:
        told = list(pool.map(race, range(len(journals))))

    assert told.count(True) == 1
    assert journal.run("r1").holder.pid == 300 + told.index(True)


def test_who_has_looked_at_another_process_does_not_take_over(run: OpenRun, journal: Journal) -> None:
    journal.resume("r1", holder("r1", 300))

    with pytest.raises(Locked, match="process 300"):
        journal.resume("r1", holder("r1", 400), instead_of=holder("r1", 100))


@pytest.fixture(params=[datetime(1999, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)], ids=["behind", "ahead"])
def misled(address: str, request: pytest.FixtureRequest) -> Journal:
    """The journal in a process whose own clock is years off."""
    return open_journal(address, lambda: request.param)


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_process_with_a_wrong_clock_beats_and_is_admitted_by_the_databases(misled: Journal, now: Time) -> None:
    run = misled.begin(record("r1", now()))
    run.admit("EX01", Terms(misled.clock() + timedelta(minutes=10), timedelta(minutes=9)))
    run.check_fence(FENCE)
    with pytest.raises(WindowClosed):
        run.admit("EX02", Terms(misled.clock() + timedelta(minutes=10), timedelta(minutes=11)))
    held = misled.held_by("EX01")
    fresh = misled.is_stale("r1", STALE)
    age(misled, "r1", timedelta(seconds=301))
    stale = misled.is_stale("r1", STALE)
    misled.close()

    assert (fresh, stale) == (False, True)
    assert held is not None
    assert abs(held[1] - datetime.now(UTC)) < timedelta(minutes=10)
