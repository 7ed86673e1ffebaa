"""The command `history`: the runs on record, newest first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from agent.model import Hand, RunRecord


@click.command("history")
@click.option("--count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many runs.")
@globals_
def command(options: Options, count: int) -> int:
    """List the runs on record, newest first, with how their servers ended.

    \b
    easfix history
    easfix history --count 100 --json
    """
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.errors import NoJournal
    from agent.outcome import Outcome

    with Session(options) as session:
        nowhere = ""
        try:
            runs = session.record.history(count)
        except NoJournal as error:
            runs, nowhere = (), f" (there is no journal at {error.where})"
        if options.json:
            return show(Outcome("history", (), extra={"runs": [document(each) for each in runs]}), options)
        for each in runs:
            print(_line(each))
        if not runs:
            print(f"No run is on record yet{nowhere}.")
        return 0


def document(run: RunRecord) -> dict[str, Any]:
    """What is known of a run as a whole, as plain values."""
    return {
        "run": run.id,
        "command": run.command,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "exit_code": run.exit_code,
        "by": run.begun_by.user,
        "host": run.begun_by.host,
        "reason": run.reason,
        "change": run.change,
        "plan_hash": run.plan_hash,
        "version": run.version,
        "approved_by": run.approved_by,
        "window": run.window,
        "closes_at": run.closes_at.isoformat() if run.closes_at else None,
        "outside_window": run.outside_window,
        "threshold": run.threshold,
        "states": _states(run),
        "hands": [_hand(each) for each in run.hands],
    }


def _hand(hand: Hand) -> dict[str, Any]:
    """Who had the run in hand, as plain values."""
    return {
        "command": hand.command,
        "by": hand.holder.user,
        "host": hand.holder.host,
        "pid": hand.holder.pid,
        "reason": hand.reason,
        "started_at": hand.at.isoformat(),
        "ended_at": hand.ended_at.isoformat() if hand.ended_at else None,
        "exit_code": hand.exit_code,
    }


def _line(run: RunRecord) -> str:
    ended = f"exit code {run.exit_code}" if run.exit_code is not None else "not ended"
    states = ", ".join(f"{count} {state}" for state, count in _states(run).items())
    ticket = f"  {run.change}" if run.change else ""
    then = "".join(f"; {each.command} by {each.holder.user} {each.at:%Y-%m-%d %H:%M}" for each in run.hands[1:])
    by = f"by {run.begun_by.user}"
    return f"{run.id}  {run.started_at:%Y-%m-%d %H:%M} UTC  {run.command}  {ended}  {states}  {by}{ticket}{then}"


def _states(run: RunRecord) -> dict[str, int]:
    return dict(Counter(str(each.state or "unknown") for each in run.servers))
