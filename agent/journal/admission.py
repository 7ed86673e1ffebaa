"""Admission: whether a run may begin with a server now, decided in one transaction on the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.errors import Stopped, ThresholdReached, WindowClosed
from agent.journal import leases, stops
from agent.journal.tables import servers
from agent.model import Holder, ServerState


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is bound by when it begins with one more server; nothing, unless given."""

    closes_at: datetime | None = None  # when the window closes
    needs: timedelta = timedelta()  # the time that one server takes, with all that may go wrong
    threshold: int | None = None  # so many failed servers stop the run


def admit(connection: sa.Connection, run: RowMapping, server: str, holder: Holder, terms: Terms, now: datetime) -> None:
    """Hold the server for this run, or raise what speaks against it; what is ours already is always admitted again."""
    found = leases.find(connection, server)
    is_new = found is None or found[0] != holder
    if is_new:
        _refuse(connection, run, terms, now)
        leases.take(connection, server, holder, now)
    _write_down(connection, holder.run, server, now, is_new=is_new)


def failed(connection: sa.Connection, run: str) -> int:
    """How many servers of the run have failed."""
    states = [state.value for state in ServerState if state.is_failure]
    wanted = (servers.c.run_id == run) & servers.c.state.in_(states)
    return int(connection.execute(sa.select(sa.func.count()).select_from(servers).where(wanted)).scalar_one())


def _refuse(connection: sa.Connection, run: RowMapping, terms: Terms, now: datetime) -> None:
    if asked := stops.words(run):
        raise Stopped(f"not begun: the run was asked to stop {asked}", next_step=f"easfix resume {run['id']} goes on")
    if terms.threshold is not None and (count := failed(connection, run["id"])) >= terms.threshold:
        said = "1 server of this run has" if count == 1 else f"{count} servers of this run have"
        raise ThresholdReached(f"not begun: {said} failed, and no more may (max_failures)")
    if terms.closes_at is not None and now + terms.needs > terms.closes_at:
        minutes = max(1, round(terms.needs.total_seconds() / 60))
        needs = f", and one server needs {minutes} minute{'s' if minutes != 1 else ''}" if terms.needs else ""
        is_over = "closed" if now >= terms.closes_at else "closes"
        raise WindowClosed(f"not begun: the change window {is_over} at {terms.closes_at:%Y-%m-%d %H:%M} UTC{needs}")


def _write_down(connection: sa.Connection, run: str, server: str, now: datetime, *, is_new: bool) -> None:
    mine = (servers.c.run_id == run) & (servers.c.server == server)
    skipped = servers.c.state == ServerState.SKIPPED.value  # it waited for its turn, which is now
    values = {
        "is_closed": False,
        "started_at": sa.func.coalesce(servers.c.started_at, now),
        "state": sa.case((skipped, None), else_=servers.c.state),
        "reason": sa.case((skipped, ""), else_=servers.c.reason),
        **({"admitted_at": now} if is_new else {}),
    }
    if not connection.execute(servers.update().where(mine).values(values)).rowcount:
        columns = {"run_id": run, "server": server, "reason": "", "started_at": now, "admitted_at": now}
        connection.execute(servers.insert().values(**columns, is_closed=False))
