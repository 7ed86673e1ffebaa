"""The beat of a run's process, by the clock that all processes share: who is silent for too long counts as dead."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.errors import Fenced, Locked
from agent.journal import rows
from agent.journal.tables import runs
from agent.model import Holder

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The beat of a process that has left its run."""


def beat(connection: sa.Connection, run: str, now: datetime) -> None:
    """Its process lives."""
    connection.execute(runs.update().where(runs.c.id == run).values(beat_at=now))


def check(run: RowMapping, holder: Holder, fence: timedelta, now: datetime) -> None:
    """The run is still this process's, and its beat is young enough to send anything; raises `Fenced`."""
    other = rows.holder(run, holder.run)
    hint = f"easfix status tells what is owed; easfix resume {holder.run} looks at the servers and goes on"
    if other != holder:
        raise Fenced(f"nothing more is sent: the run was taken over: {other}", next_step=hint)
    if run["beat_at"] is None or now - run["beat_at"] > fence:
        silent = "never" if run["beat_at"] is None else f"{(now - run['beat_at']).total_seconds():.0f} seconds ago"
        limit = f"{fence.total_seconds():.0f} seconds"
        raise Fenced(
            f"nothing more is sent: this process last wrote {silent} that it lives, and after {limit} of silence "
            "another one may be about to take the run over",
            next_step=hint,
        )


def is_stale(run: RowMapping, stale: timedelta, now: datetime) -> bool:
    """No process works on the run any more: it has ended, or its beat is too old. One that never beat is not judged."""
    if run["ended_at"] is not None:
        return True
    return run["beat_at"] is not None and now - run["beat_at"] > stale


def alive(run: RowMapping, now: datetime) -> Locked:
    """What is said to the one who would take over a run that a process works on."""
    holder = rows.holder(run, run["id"])
    ago = "" if run["beat_at"] is None else f", and said so {(now - run['beat_at']).total_seconds():.0f} seconds ago"
    return Locked(
        "",
        f"{holder} is at work{ago}",
        run=run["id"],
        holder=str(holder),
        since=run["started_at"],
        next_step=f"Wait for it to end, or ask it to: easfix stop {run['id']}",
    )
