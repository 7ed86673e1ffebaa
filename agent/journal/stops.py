"""The kill switch in the journal: who asked a run to stop, when and why."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.journal.tables import runs

LIFTED: dict[str, object] = {"stop_at": None, "stop_by": "", "stop_why": ""}
"""The columns of a run that nobody asked to stop."""


def ask(connection: sa.Connection, run: str, by: str, why: str, now: datetime) -> bool:
    """Ask the run to stop; the first who asks is kept. False where there is no such run."""
    first = (runs.c.id == run) & runs.c.stop_at.is_(None)
    connection.execute(runs.update().where(first).values(stop_at=now, stop_by=by, stop_why=why))
    return connection.execute(sa.select(runs.c.id).where(runs.c.id == run)).first() is not None


def words(run: RowMapping) -> str:
    """By whom and when the run was asked to stop, and why; empty where nobody did."""
    if run["stop_at"] is None:
        return ""
    why = f" ({run['stop_why']})" if run["stop_why"] else ""
    return f"by {run['stop_by']} at {run['stop_at']:%Y-%m-%d %H:%M:%S} UTC{why}"
