"""Second looks that a later change of the same server has made pointless."""

from datetime import datetime

import sqlalchemy as sa

from agent.journal.tables import second_looks


def supersede(connection: sa.Connection, server: str, now: datetime, *, keep: str = "") -> None:
    """Close every open second look at the server, except that of the run `keep`."""
    mine = (sa.func.lower(second_looks.c.server) == server.lower()) & second_looks.c.taken_at.is_(None)
    older = mine & (second_looks.c.run_id != keep)
    connection.execute(second_looks.update().where(older).values(taken_at=now))
