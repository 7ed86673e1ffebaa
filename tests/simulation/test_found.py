"""Plays that once ended badly: each stands for a defect that random plays have found, and stays as small as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from paper import Case
from plays import Play
from theatre import Theatre
from wire import Break

DEAD = Case("EX01", stays_down="SMTPSVC", is_disabled=True)
OURS = Case("EX01")


@pytest.mark.parametrize("dies_at", range(50, 90, 2))
def test_who_takes_a_rollback_over_knows_what_does_not_start(dies_at: int) -> None:
    """The service that would not start was forgotten with the process that had seen it, or with the marker."""
    assert Theatre(Play((DEAD,), dies_at=dies_at)).perform() == []


def test_what_the_run_holds_is_finished_although_the_window_has_closed() -> None:
    """The clock was set, the process fenced itself, and going on with the run met a window that had closed."""
    assert Theatre(Play((OURS, Case("EX04")), closes_after=821.0, jumps_at=82, jump=3600.0)).perform() == []


@pytest.mark.parametrize("dies_at", range(10, 70, 5))
def test_what_the_run_holds_is_finished_although_it_died_just_before_the_end(dies_at: int) -> None:
    assert Theatre(Play((OURS, Case("EX02")), closes_after=70.0, dies_at=dies_at)).perform() == []


def test_a_word_with_its_highest_bit_is_cleared_as_it_is_shown() -> None:
    """COM shows it as a negative number, and a script's [int] takes no other."""
    assert Theatre(Play((Case("EX01", word=8 - 256 * 2**23),))).perform() == []


def test_a_restart_that_a_power_cut_ended_stays_in_doubt_until_it_is_put_back() -> None:
    case = Case("EX01", restart_seconds=900.0, reverts_after=256.75, reboots_at=245.625)

    assert Theatre(Play((case,))).perform() == []


def test_a_closing_that_the_fence_cut_off_is_finished_although_the_flag_came_back() -> None:
    """The process was silent through a long restart; who went on found another's flag, and left the marker behind."""
    case = Case("EX01", is_inherited=True, restart_seconds=100.0, reverts_after=0.0)

    assert Theatre(Play((case,), canary=0, growth=1.0, max_failures=1)).perform() == []


def test_a_second_run_puts_back_what_it_found_and_not_what_the_first_one_did() -> None:
    """Active Directory has made the inherited word an explicit one between the two."""
    cases = (Case("EX01", is_inherited=True, restart_seconds=0.0, reverts_after=2.0), Case("EX02"))

    assert Theatre(Play(cases, canary=0, growth=1.0, max_failures=1, rival_after=4.0)).perform() == []


@pytest.mark.parametrize("at", range(4, 40, 3))
def test_what_another_run_left_stopped_is_not_asked_of_a_run_that_comes_back_later(at: int) -> None:
    """The first was admitted and stopped before it changed anything; what it finds is what runs when it begins."""
    cases = tuple(Case(name, stays_down="SMTPSVC", is_disabled=True) for name in ("EX01", "EX02"))

    assert Theatre(Play(cases, canary=0, growth=1.0, max_failures=1, stops_at=at, rival_after=0.0)).perform() == []


@pytest.mark.parametrize(("when", "at"), [("dies_again_at", 4), ("dies_at", 25), ("dies_at", 52), ("stops_at", 40)])
@pytest.mark.parametrize("rolls_back", [False, True])
def test_what_active_directory_wrote_over_a_broken_off_change_is_owed_no_more(
    when: str, at: int, rolls_back: bool
) -> None:
    """Neither the old value nor ours: no look would ever tell more, so the server is reverted, and let go of."""
    cases = (Case("EX01", is_inherited=True, child=8, restart_seconds=0.0, reverts_after=0.0), Case("EX02"))
    play = replace(Play(cases, canary=0, growth=1.0, max_failures=1, rolls_back=rolls_back), **{when: at})

    assert Theatre(play).perform() == []


def test_a_write_whose_answer_was_lost_is_not_said_to_have_changed_nothing() -> None:
    """Active Directory put the flag back before each look, so the looks saw nothing of what was written."""
    cases = (Case("EX01", is_inherited=False, restart_seconds=0.0, reverts_after=0.0), Case("EX02"))
    lost = Break("EX01", "clear", "after", "timed-out", 1, 2)

    assert Theatre(Play(cases, breaks=(lost,), canary=0, growth=1.0, max_failures=1)).perform() == []


def test_a_restart_that_nobody_saw_ends_well_only_if_its_services_run() -> None:
    """The proxy path is proved by the run that goes on, and the services could not be looked at before."""
    cases = (Case("EX01", stays_down="SMTPSVC", is_disabled=True), Case("EX02"))
    denied = Break("EX01", "restart-status", "before", "denied", 1, 5)

    assert Theatre(Play(cases, breaks=(denied,), canary=0, growth=1.0, max_failures=1)).perform() == []


@pytest.mark.parametrize("at", range(1, 90))
def test_who_sleeps_between_the_fence_and_the_sending_sends_nothing_any_more(at: int) -> None:
    """The other process has finished with the server, so no marker on it tells any more that it was restarted."""
    cases = (Case("EX01"), Case("EX02"))

    assert Theatre(Play(cases, canary=0, growth=1.0, max_failures=1, stalls_at=at)).perform() == []


def test_a_server_that_was_put_back_may_be_changed_by_the_run_after() -> None:
    """The second run came to it long after the first one had put it back, and it was the judge that was wrong."""
    cases = (Case("EX01", is_inherited=False), Case("EX02", is_inherited=False))
    breaks = (
        Break("CAS01", "hop", "before", "unreachable", 1, 1),
        Break("CAS01", "hop", "before", "unreachable", 1, 1),
        Break("EX01", "detect", "before", "unreachable", 1, 1),
        Break("EX02", "restart", "before", "unreachable", 1, 1),
    )
    play = Play(cases, breaks=breaks, canary=0, growth=1.0, max_failures=1, rival_after=2.0, rolls_back=True)

    assert Theatre(play).perform() == []
