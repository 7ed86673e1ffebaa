"""A run in words: everything that a change record asks for, each fact once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.model import Action, Attempt, Hand, Holder, RunRecord, ServerRecord, ServerState, Step, StepRecord, StepState
from agent.outcome import of_record
from agent.report import text

BEGUN = datetime(2011, 3, 14, 2, 0, 0, tzinfo=UTC)
RUN = RunRecord(
    "r1",
    "apply",
    BEGUN,
    Holder("r1", "jump01", 4711, "anna"),
    "0.1.0",
    reason="phones of the Berlin office",
    change="CHG-4711",
    plan_hash="0123abcd",
    ended_at=BEGUN + timedelta(seconds=191),
    exit_code=0,
)


def test_the_head_says_who_when_why_and_how_to_go_back() -> None:
    assert list(text.head(RUN, "easfix rollback r1")) == [
        "run      r1: apply, exit code 0: all as it should be, or all done and proved",
        "who      anna on jump01 (process 4711)",
        "when     2011-03-14 02:00:00 to 02:03:11 UTC, 3 min 11 s",
        "why      phones of the Berlin office",
        "change   CHG-4711",
        "plan     0123abcd",
        "with     easfix 0.1.0",
        "way back easfix rollback r1",
    ]


def test_whoever_had_the_run_in_hand_afterwards_stands_below_the_one_that_began_it() -> None:
    first = Hand("apply", RUN.holder, BEGUN, RUN.reason, RUN.ended_at, 3)
    died = Hand("resume", replace(RUN.holder, pid=17), BEGUN + timedelta(minutes=5))
    later = BEGUN + timedelta(days=1)
    bob = Holder("r1", "jump02", 99, "bob")
    last = Hand("rollback", bob, later, "phones of Bonn", later + timedelta(seconds=9), 0)
    lines = list(text.head(replace(RUN, holder=bob, ended_at=last.ended_at, hands=(first, died, last))))

    assert lines[1:6] == [
        "who      anna on jump01 (process 4711)",
        "when     2011-03-14 02:00:00 to 02:03:11 UTC, 3 min 11 s, exit code 3",
        "why      phones of the Berlin office",
        "then     resume by anna on jump01 (process 17), 2011-03-14 02:05:00 UTC, not ended",
        "then     rollback by bob on jump02 (process 99), 2011-03-15 02:00:00 to 02:00:09 UTC, 9.0 s, exit code 0: "
        "phones of Bonn",
    ]


def test_window_approval_and_threshold_stand_in_the_head_where_there_were_any() -> None:
    bound = replace(
        RUN,
        window="night",
        closes_at=BEGUN + timedelta(hours=2),
        threshold="stops when the 3rd server has failed",
        approved_by="berta",
    )
    lines = list(text.head(bound))

    assert "approval berta" in lines
    assert "window   night, closes 2011-03-14 04:00:00 UTC, 1 h 56 min left" in lines
    assert "limit    stops when the 3rd server has failed" in lines
    assert not any(line.startswith("way back") for line in lines)


def test_work_outside_a_window_says_why() -> None:
    outside = replace(RUN, outside_window="mail is down anyway")

    assert "window   outside of any, because: mail is down anyway" in list(text.head(outside))


def test_a_run_that_broke_off_has_not_ended() -> None:
    lines = list(text.head(replace(RUN, ended_at=None, exit_code=None)))

    assert lines[0] == "run      r1: apply, not ended"
    assert lines[2] == "when     2011-03-14 02:00:00 UTC, not ended"


@pytest.mark.parametrize(
    ("took", "words"),
    [(0.04, "0.0 s"), (0.4, "0.4 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_a_duration_reads_as_one_would_say_it(took: float, words: str) -> None:
    assert text.seconds(timedelta(seconds=took)) == words


def test_over_midnight_both_days_are_told() -> None:
    late = datetime(2011, 3, 14, 23, 59, 0, tzinfo=UTC)

    assert text.span(late, late + timedelta(minutes=2)) == ("2011-03-14 23:59:00 to 2011-03-15 00:01:00 UTC, 2 min 0 s")


def moved(*moves: tuple[float, StepState]) -> StepRecord:
    attempts = tuple(Attempt(BEGUN + timedelta(seconds=at), state) for at, state in moves)
    return StepRecord(1, Step("restart", Action.RESTART, "restart", "0" * 64), moves[-1][1], attempts=attempts)


def test_a_step_is_told_with_its_time_from_intended_to_done() -> None:
    assert text.of_step(moved((1, StepState.INTENDED), (13.2, StepState.DONE))) == "02:00:01 UTC, 12.2 s"


def test_a_step_that_was_taken_back_later_took_no_longer_for_it() -> None:
    record = moved((1, StepState.INTENDED), (1.5, StepState.DONE), (121, StepState.UNDONE))

    assert text.of_step(record) == "02:00:01 UTC, 0.5 s"


def test_a_second_look_days_later_is_no_work_on_the_server() -> None:
    step = moved((1, StepState.INTENDED), (13, StepState.DONE))
    later = BEGUN + timedelta(days=3)
    server = ServerRecord("EX01", ServerState.CHANGED, "proved", BEGUN, later, steps=(step,), wave=2)

    assert text.of_server(of_record(server)) == "wave 2, 2011-03-14 02:00:00 to 02:00:13 UTC, 13.0 s"
    assert text.of_server(of_record(ServerRecord("EX02", ServerState.SKIPPED, "not begun"))) == ""
