"""Owns who had a run in hand: whoever takes it over writes itself down, and nobody else is written over."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from agent.journal import rows
from agent.journal.tables import hands
from agent.model import Hand, Holder


def take(connection: sa.Connection, holder: Holder, command: str, reason: str, at: datetime) -> None:
    """The run is in the hands of this process from now on, by this command and for this reason."""
    values = {"run_id": holder.run, "command": command, "reason": reason, "at": at, **rows.of_holder(holder)}
    connection.execute(hands.insert().values(values))


def let_go(connection: sa.Connection, run: str, at: datetime, exit_code: int | None = None) -> None:
    """Whoever has the run in hand is done with it; without an exit code the run has not ended."""
    last = sa.select(sa.func.max(hands.c.id)).where(hands.c.run_id == run).scalar_subquery()
    connection.execute(hands.update().where(hands.c.id == last).values(ended_at=at, exit_code=exit_code))


def of(connection: sa.Connection, runs: Sequence[str]) -> dict[str, list[Hand]]:
    """By run, in the order in which they took it."""
    found: dict[str, list[Hand]] = {run: [] for run in runs}
    for row in connection.execute(sa.select(hands).where(hands.c.run_id.in_(runs)).order_by(hands.c.id)).mappings():
        found[row["run_id"]].append(rows.hand(row))
    return found
