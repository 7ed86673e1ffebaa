"""Owns a run in words: who, when, why, under which plan and approval, and how long everything took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.exits import MEANING, Exit
from agent.model import Hand, Holder, RunRecord, StepRecord, StepState
from agent.outcome import ServerOutcome

WIDTH = 9
"""Of the longest label, and the space behind it."""


def head(run: RunRecord, way_back: str = "") -> Iterator[str]:
    """What a change record begins with, a fact a line; `way_back` is the command that puts the run back, if any."""
    for label, words in _facts(run, way_back):
        if words:
            yield f"{label:<{WIDTH}}{words}"


def span(begun: datetime | None, ended: datetime | None) -> str:
    """From when to when, and how long: the day is said once. Empty where it never began."""
    if begun is None:
        return ""
    if ended is None:
        return f"{stamp(begun)}, not ended"
    until = f"{ended:%H:%M:%S} UTC" if ended.date() == begun.date() else stamp(ended)
    return f"{begun:%Y-%m-%d %H:%M:%S} to {until}, {seconds(ended - begun)}"


def of_server(found: ServerOutcome) -> str:
    """When the work on one server began and ended; with its wave, where there were waves."""
    wave = f"wave {found.wave}, " if found.wave is not None else ""
    return f"{wave}{words}" if (words := span(found.started_at, found.ended_at)) else ""


def of_step(record: StepRecord) -> str:
    """When a step was first intended, and how long it took until it was settled."""
    if not record.attempts:
        return ""
    return f"{record.attempts[0].at:%H:%M:%S} UTC, {seconds(taken(record))}"


def taken(record: StepRecord) -> timedelta:
    """From its first intention to its last move; that it was taken back later is the time of another step."""
    moves = [each.at for each in record.attempts if each.state is not StepState.UNDONE]
    return moves[-1] - moves[0] if moves else timedelta()


def seconds(took: timedelta) -> str:
    """How long, in words: "0.4 s", "3 min 11 s", "1 h 5 min"."""
    total = took.total_seconds()
    if total < 60:
        return f"{total:.1f} s"
    minutes, rest = divmod(round(total), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def stamp(at: datetime) -> str:
    """A moment with its day."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _facts(run: RunRecord, way_back: str) -> Iterator[tuple[str, str]]:
    code = f"exit code {run.exit_code}: {MEANING[Exit(run.exit_code)]}" if run.exit_code is not None else "not ended"
    yield "run", f"{run.id}: {run.command}, {code}"
    yield "who", _who(run.begun_by)
    yield "when", _begun(run.hands[0]) if run.hands[1:] else span(run.started_at, run.ended_at)
    yield "why", run.reason
    for hand in run.hands[1:]:
        yield "then", _then(hand)
    yield "change", run.change
    yield "approval", run.approved_by
    yield "window", _window(run)
    yield "limit", run.threshold
    yield "plan", run.plan_hash
    yield "with", f"easfix {run.version}"
    yield "way back", way_back


def _who(holder: Holder) -> str:
    return f"{holder.user} on {holder.host} (process {holder.pid})"


def _then(hand: Hand) -> str:
    """Somebody who had the run in hand after the one that began it."""
    why = f": {hand.reason}" if hand.reason else ""
    return f"{hand.command} by {_who(hand.holder)}, {_begun(hand)}{why}"


def _begun(hand: Hand) -> str:
    """From when to when somebody had the run in hand, and how that ended."""
    code = f", exit code {hand.exit_code}" if hand.exit_code is not None else ""
    return f"{span(hand.at, hand.ended_at)}{code}"


def _window(run: RunRecord) -> str:
    closes = f"closes {stamp(run.closes_at)}" if run.closes_at else ""
    left = f"{seconds(run.closes_at - run.ended_at)} left" if run.closes_at and run.ended_at else ""
    outside = f"outside of any, because: {run.outside_window}" if run.outside_window else ""
    return ", ".join(part for part in (run.window, closes, left, outside) if part)
