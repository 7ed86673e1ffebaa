"""Reading runs back: a fixed number of questions to the database, however many servers a run has."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.journal import rows
from agent.journal.tables import attempts, priors, proofs, runs, servers, steps
from agent.model import Prior, RunRecord, ServerRecord, StepRecord

T = TypeVar("T")


def run(connection: sa.Connection, run_id: str) -> RunRecord | None:
    """One run with everything that is known of it."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one_or_none()
    return rows.run(row, _servers(connection, run_id)) if row else None


def server(connection: sa.Connection, run_id: str, name: str) -> ServerRecord | None:
    """One server of a run with its steps and proofs."""
    return next(iter(_servers(connection, run_id, name)), None)


def history(connection: sa.Connection, limit: int) -> tuple[RunRecord, ...]:
    """The last runs, newest first, with how their servers ended, without steps and proofs."""
    query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    found = connection.execute(query).mappings().all()
    mine = servers.c.run_id.in_([row["id"] for row in found])
    by_run = _grouped(connection, sa.select(servers).where(mine).order_by(servers.c.server), lambda row: row["run_id"])
    return tuple(rows.run(row, [rows.server(each, (), ()) for each in by_run[row["id"]]]) for row in found)


def originals(connection: sa.Connection, run_id: str, server: str) -> tuple[Prior, ...]:
    """What the server was like before the run, in the order in which it was written down."""
    mine = (priors.c.run_id == run_id) & (priors.c.server == server)
    query = sa.select(priors).where(mine).order_by(priors.c.step, priors.c.path, priors.c.name)
    return tuple(rows.prior(row) for row in connection.execute(query).mappings())


def unclosed(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """Every (run, server) that something is owed to."""
    query = sa.select(servers.c.run_id, servers.c.server).where(servers.c.is_closed.is_(False))
    return tuple((row.run_id, row.server) for row in connection.execute(query.order_by(*query.selected_columns)))


def _servers(connection: sa.Connection, run_id: str, name: str | None = None) -> list[ServerRecord]:
    by_server = _steps(connection, run_id, name)
    query = sa.select(proofs).where(_of(proofs, run_id, name)).order_by(proofs.c.id)
    proved = _grouped(connection, query, lambda row: row["server"])
    found = connection.execute(sa.select(servers).where(_of(servers, run_id, name)).order_by(servers.c.server))
    return [
        rows.server(row, by_server[row["server"]], [rows.proof(each) for each in proved[row["server"]]])
        for row in found.mappings()
    ]


def _of(table: sa.Table, run_id: str, name: str | None) -> sa.ColumnElement[bool]:
    """The rows of a run, of one of its servers only where that is named."""
    mine = table.c.run_id == run_id
    return mine if name is None else mine & (table.c.server == name)


def _steps(connection: sa.Connection, run_id: str, name: str | None) -> dict[str, list[StepRecord]]:
    kept = _grouped(connection, sa.select(priors).where(_of(priors, run_id, name)), _by_step)
    query = sa.select(attempts).where(_of(attempts, run_id, name)).order_by(attempts.c.id)
    tried = _grouped(connection, query, _by_step)
    found: dict[str, list[StepRecord]] = defaultdict(list)
    ordered = sa.select(steps).where(_of(steps, run_id, name)).order_by(steps.c.server, steps.c.number)
    for row in connection.execute(ordered).mappings():
        key = (row["server"], row["number"])
        step = rows.step(row, [rows.prior(each) for each in kept[key]], [rows.attempt(each) for each in tried[key]])
        found[row["server"]].append(step)
    return found


def _by_step(row: RowMapping) -> tuple[str, int]:
    return row["server"], row["step"]


def _grouped(
    connection: sa.Connection, query: "sa.Select[tuple[object, ...]]", key: Callable[[RowMapping], T]
) -> dict[T, Sequence[RowMapping]]:
    found: dict[T, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[key(row)].append(row)
    return found  # type: ignore[return-value]  # a defaultdict of lists, read only from here on
