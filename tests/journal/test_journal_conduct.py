"""Stops, approvals, ticks and what a run is bound by, as the journal keeps them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from journal_nouns import Time, holder, record

from agent.errors import UnknownName
from agent.journal import Journal, OpenRun
from agent.model import Approval

AT = datetime(2026, 5, 6, 22, 30, tzinfo=UTC)
APPROVAL = Approval("ab", "Berta Boss", "CHG1", AT, "LAB\\berta", "jump02")


def test_nobody_has_asked_a_new_run_to_stop(run: OpenRun, journal: Journal) -> None:
    assert journal.stop_asked("r1") == ""


def test_who_asked_a_run_to_stop_first_is_kept(run: OpenRun, journal: Journal, reopen: Callable[[], Journal]) -> None:
    reopen().ask_stop("r1", "LAB\\berta", "board meeting")
    journal.ask_stop("r1", "LAB\\other", "me too")

    assert journal.stop_asked("r1").startswith("by LAB\\berta at ")
    assert journal.stop_asked("r1").endswith("(board meeting)")


def test_other_runs_go_on(run: OpenRun, journal: Journal, now: Time) -> None:
    journal.begin(record("r2", now()))
    journal.ask_stop("r1", "LAB\\berta")

    assert journal.stop_asked("r2") == ""


def test_a_run_that_is_not_there_cannot_be_asked(journal: Journal) -> None:
    with pytest.raises(UnknownName, match="there is no run r9"):
        journal.ask_stop("r9", "LAB\\berta")
    with pytest.raises(UnknownName, match="there is no run r9"):
        journal.stop_asked("r9")


def test_who_resumes_a_run_lifts_its_stop_unless_told_otherwise(run: OpenRun, journal: Journal) -> None:
    journal.ask_stop("r1", "LAB\\berta")
    journal.resume("r1", holder("r1", 300), lifts_stop=False)
    kept = journal.stop_asked("r1")
    journal.resume("r1", holder("r1", 400))

    assert kept.startswith("by LAB\\berta")
    assert journal.stop_asked("r1") == ""


def test_an_approval_is_kept_with_the_time_of_the_journal(journal: Journal, reopen: Callable[[], Journal]) -> None:
    before = journal.clock()
    kept = journal.approve(APPROVAL)

    assert before <= kept.at <= journal.clock()
    assert kept == replace(APPROVAL, at=kept.at)
    assert reopen().approvals("ab") == (kept,)


def test_the_newest_approval_comes_first_and_another_plan_has_none(journal: Journal) -> None:
    journal.approve(APPROVAL)
    journal.approve(replace(APPROVAL, by="Otto"))

    assert [each.by for each in journal.approvals("ab")] == ["Otto", "Berta Boss"]
    assert journal.approvals("abc") == ()


def test_a_tick_is_claimed_once(journal: Journal, reopen: Callable[[], Journal]) -> None:
    told = [journal.claim_tick("nightly", AT, holder("")), reopen().claim_tick("nightly", AT, holder("", 200))]

    assert told == [True, False]
    assert not journal.claim_tick("nightly", AT, holder(""))
    assert journal.claim_tick("weekly", AT, holder(""))
    assert journal.claim_tick("nightly", AT.replace(hour=23), holder(""))


def test_of_many_schedulers_one_gets_each_tick(reopen: Callable[[], Journal]) -> None:
    journals = [reopen() for _ in range(8)]
    barrier = threading.Barrier(len(journals))

    def race(number: int) -> list[bool]:
        barrier.wait(30)
        ticks = [AT.replace(minute=minute) for minute in range(10)]
        return [journals[number].claim_tick("nightly", at, holder("", number)) for at in ticks]

    with ThreadPoolExecutor(len(journals)) as pool:
        told = list(pool.map(race, range(len(journals))))

    assert [answers.count(True) for answers in zip(*told, strict=True)] == [1] * 10


def test_what_a_run_is_bound_by_is_on_record(journal: Journal, now: Time) -> None:
    bound = replace(
        record("r1", now()),
        window="saturday",
        closes_at=AT,
        outside_window="the director's phone",
        threshold="stops when the 3rd server has failed",
        approved_by="Berta Boss",
    )
    journal.begin(bound, ["EX01", "EX02", "EX03"], waves={"EX01": 0, "EX02": 1})
    found = journal.run("r1")

    assert [each.wave for each in found.servers] == [0, 1, None]
    assert replace(found, servers=(), hands=()) == bound
    assert journal.history()[0].servers == found.servers
