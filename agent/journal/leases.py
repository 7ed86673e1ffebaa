"""One writer per server: who holds it, since when, and whether it is still us."""

from datetime import datetime

import sqlalchemy as sa

from agent.errors import JournalError, Locked
from agent.journal import rows
from agent.journal.tables import leases, servers
from agent.model import Holder

HELD = "is held by"
"""Follows the server's name where somebody else holds it."""


_LEASE = sa.select(leases).where(leases.c.server == sa.bindparam("server"))
_LEASE_TO_WRITE = _LEASE.with_for_update()


def take(connection: sa.Connection, server: str, holder: Holder, now: datetime) -> None:
    """Hold the server for this run; taking it again is nothing new. Raises `Locked`."""
    found = find(connection, server)
    if found is None:
        values = {"server": server.casefold(), "run_id": holder.run, "since": now, **rows.of_holder(holder)}
        connection.execute(leases.insert().values(values))
    elif found[0] != holder:
        raise locked(server, *found)


def check(connection: sa.Connection, server: str, holder: Holder) -> None:
    """The server is held, and by this very process; raises `Locked` when somebody took the run over."""
    found = find(connection, server)
    if found is None:
        raise JournalError(f"run {holder.run} does not hold {server}", where=server, next_step="admit the server first")
    if found[0] != holder:
        raise locked(server, *found)


def find(connection: sa.Connection, server: str, *, is_reading: bool = False) -> tuple[Holder, datetime] | None:
    """Who holds the server and since when; unless only reading, others wait until this transaction ends."""
    query = _LEASE if is_reading else _LEASE_TO_WRITE
    row = connection.execute(query, {"server": server.casefold()}).mappings().one_or_none()
    return (rows.holder(row, row["run_id"]), row["since"]) if row else None


def hand_over(connection: sa.Connection, holder: Holder) -> None:
    """Everything that the run holds belongs to this process from now on; the one before can write no more."""
    connection.execute(leases.update().where(leases.c.run_id == holder.run).values(rows.of_holder(holder)))
    # What was begun by one process and ended by another says nothing about how long a server takes.
    held = (servers.c.run_id == holder.run) & servers.c.is_closed.is_(False)
    connection.execute(servers.update().where(held).values(admitted_at=None))


def release(connection: sa.Connection, server: str, run: str) -> None:
    """Let go of the server."""
    mine = (leases.c.server == server.casefold()) & (leases.c.run_id == run)
    connection.execute(leases.delete().where(mine))


def locked(server: str, holder: Holder, since: datetime) -> Locked:
    """What is said to the one who comes second."""
    return Locked(
        server,
        f"{server} {HELD} {holder} since {since:%Y-%m-%d %H:%M:%S} UTC",
        run=holder.run,
        holder=str(holder),
        since=since,
        next_step=f"wait for it to end; if it died: easfix resume {holder.run}, or easfix rollback {holder.run}",
    )
