"""Reading runs back: a fixed number of questions to the database, however many servers a run has."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.journal import hands, rows
from agent.journal.tables import attempts, priors, proofs, runs, servers, steps
from agent.model import Action, Prior, RunRecord, ServerRecord, ServerState, StepRecord, StepState

T = TypeVar("T")

RUN = sa.select(runs).where(runs.c.id == sa.bindparam("run"))
"""One run's row; made once, because every note of a step begins with it."""

RUN_TO_WRITE = RUN.with_for_update(key_share=True)
"""The same, held against whoever would take the run over, until the transaction ends."""


def run(connection: sa.Connection, run_id: str) -> RunRecord | None:
    """One run with everything that is known of it."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one_or_none()
    return rows.run(row, _servers(connection, run_id), hands.of(connection, [run_id])[run_id]) if row else None


def server(connection: sa.Connection, run_id: str, name: str) -> ServerRecord | None:
    """One server of a run with its steps and proofs."""
    return next(iter(_servers(connection, run_id, name)), None)


def state(connection: sa.Connection, run_id: str, name: str) -> ServerState | None:
    """How one server of a run stands, without its steps."""
    found = connection.execute(sa.select(servers.c.state).where(_of(servers, run_id, name))).scalar()
    return ServerState(found) if found else None


def history(connection: sa.Connection, limit: int) -> tuple[RunRecord, ...]:
    """The last runs, newest first, with how their servers ended, without steps and proofs."""
    query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    found = connection.execute(query).mappings().all()
    names = [row["id"] for row in found]
    mine, held = servers.c.run_id.in_(names), hands.of(connection, names)
    by_run = _grouped(connection, sa.select(servers).where(mine).order_by(servers.c.server), lambda row: row["run_id"])
    return tuple(
        rows.run(row, [rows.server(each, (), ()) for each in by_run[row["id"]]], held[row["id"]]) for row in found
    )


def originals(connection: sa.Connection, run_id: str, server: str) -> tuple[Prior, ...]:
    """What the server was like before the run, in the order in which it was written down."""
    mine = (priors.c.run_id == run_id) & (priors.c.server == server)
    query = sa.select(priors).where(mine).order_by(priors.c.step, priors.c.path, priors.c.name)
    return tuple(rows.prior(row) for row in connection.execute(query).mappings())


def unclosed(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """Every (run, server) that something is owed to."""
    query = sa.select(servers.c.run_id, servers.c.server).where(servers.c.is_closed.is_(False))
    return tuple((row.run_id, row.server) for row in connection.execute(query.order_by(*query.selected_columns)))


def newer_change(connection: sa.Connection, run_id: str, server: str, *, in_force: bool) -> str | None:
    """The last other run that wrote to the server after this one did; `in_force`: and did not take it back.

    In the order in which the moves were written down, which no clock can upset.
    """
    wrote = (StepState.INTENDED.value, StepState.DONE.value, StepState.UNKNOWN.value)
    query = (
        sa.select(steps.c.run_id, sa.func.max(attempts.c.id).label("last"))
        .join(
            attempts,
            (attempts.c.run_id == steps.c.run_id)
            & (attempts.c.server == steps.c.server)
            & (attempts.c.step == steps.c.number),
        )
        .where(steps.c.action == Action.CLEAR.value, sa.func.lower(steps.c.server) == server.lower())
        .where(attempts.c.state.in_(wrote), steps.c.state != StepState.FAILED.value)
        .group_by(steps.c.run_id)
    )
    if in_force:
        query = query.where((steps.c.state != StepState.UNDONE.value) | (steps.c.run_id == run_id))
    found = {row.run_id: row.last for row in connection.execute(query)}
    mine = found.pop(run_id, None) or _last_move(connection, run_id, server)
    before = _before(connection, run_id) if mine is None else set()
    later = {run: last for run, last in found.items() if run not in before and (mine is None or last > mine)}
    return max(later, key=lambda run: later[run], default=None)


def _last_move(connection: sa.Connection, run_id: str, server: str) -> int | None:
    """The last thing that the run wrote down about a step on the server; None where it came to none."""
    mine = (attempts.c.run_id == run_id) & (sa.func.lower(attempts.c.server) == server.lower())
    found: int | None = connection.execute(sa.select(sa.func.max(attempts.c.id)).where(mine)).scalar()
    return found


def _before(connection: sa.Connection, run_id: str) -> set[str]:
    """The runs that had begun when this one did: all that there is to go by for one that came to no step."""
    began = sa.select(runs.c.started_at).where(runs.c.id == run_id).scalar_subquery()
    return set(connection.execute(sa.select(runs.c.id).where(runs.c.started_at <= began)).scalars())


def last_concluded(connection: sa.Connection) -> tuple[tuple[str, str, ServerState], ...]:
    """Per server, the last run that came to a conclusion about the server itself: (run, server, state)."""
    nothing_said = (ServerState.SKIPPED.value, ServerState.UNREACHABLE.value, ServerState.PENDING.value)
    query = sa.select(servers.c.run_id, servers.c.server, servers.c.state)
    wanted = servers.c.state.is_not(None) & servers.c.state.not_in(nothing_said)
    found: dict[str, tuple[str, str, ServerState]] = {}
    for row in connection.execute(query.where(wanted).order_by(servers.c.ended_at, servers.c.run_id)):
        found[row.server.casefold()] = (row.run_id, row.server, ServerState(row.state))
    return tuple(found[name] for name in sorted(found))


def measured(connection: sa.Connection, last: int) -> tuple[float, ...]:
    """How long the servers took that were changed last, newest first."""
    query = sa.select(servers.c.worked_seconds).where(servers.c.worked_seconds.is_not(None))
    newest = query.order_by(servers.c.admitted_at.desc(), servers.c.run_id, servers.c.server).limit(last)
    return tuple(float(seconds) for seconds in connection.execute(newest).scalars())


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
