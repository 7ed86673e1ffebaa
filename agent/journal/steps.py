"""Writing down a step before and after it is taken; its life is the model's table, and nothing else is possible."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.errors import ImpossibleMove, JournalError
from agent.journal import rows
from agent.journal.tables import attempts, priors, steps
from agent.model import Action, Attempt, Prior, Step, StepState

_STEP = sa.select(steps.c.number, steps.c.state).where(
    steps.c.run_id == sa.bindparam("run"),
    steps.c.server == sa.bindparam("server"),
    steps.c.step_id == sa.bindparam("step"),
)


def note(
    connection: sa.Connection, run: str, server: str, step: Step, attempt: Attempt, originals: Sequence[Prior]
) -> int:
    """Move the step and keep its history; gives its number. Raises `ImpossibleMove`, and then nothing was written."""
    number = _move(connection, run, server, step, attempt.state)
    if originals and attempt.state is not StepState.INTENDED:
        raise JournalError(
            "prior values belong to the intention, before anything is sent", where=f"{server}: {step.id}"
        )
    keep(connection, run, server, number, originals)
    if step.action is Action.CLEAR and attempt.state is StepState.INTENDED:
        _refuse_without_original(connection, run, server, step)
    _append(connection, run, server, number, attempt)
    return number


def keep(connection: sa.Connection, run: str, server: str, number: int, originals: Sequence[Prior]) -> None:
    """Keep the first original of each property; a later one is what we made of it, and is not kept."""
    if not originals:
        return
    mine = (priors.c.run_id == run) & (priors.c.server == server)
    known = {(row.path, row.name) for row in connection.execute(sa.select(priors.c.path, priors.c.name).where(mine))}
    fresh: dict[tuple[str, str], dict[str, object]] = {}
    for prior in originals:
        if (prior.path, prior.name) not in known:
            columns = {"run_id": run, "server": server, "step": number, **rows.of_prior(prior)}
            fresh.setdefault((prior.path, prior.name), columns)
    if fresh:
        connection.execute(priors.insert(), list(fresh.values()))


def unsettled(connection: sa.Connection, run: str, server: str) -> tuple[str, ...]:
    """The steps of which it is not known what they did."""
    open_states = [state.value for state in StepState if not state.is_settled]
    query = sa.select(steps.c.step_id).where(_of(run, server), steps.c.state.in_(open_states)).order_by(steps.c.number)
    return tuple(connection.execute(query).scalars())


def _move(connection: sa.Connection, run: str, server: str, step: Step, after: StepState) -> int:
    row = connection.execute(_STEP, {"run": run, "server": server, "step": step.id}).one_or_none()
    if row is None:
        return _begin(connection, run, server, step, after)
    before = StepState(row.state)
    if not before.may_become(after):
        raise _impossible(server, step, before, after)
    mine = _of(run, server) & (steps.c.number == row.number)
    connection.execute(steps.update().where(mine).values(state=after.value))
    return int(row.number)


def _begin(connection: sa.Connection, run: str, server: str, step: Step, state: StepState) -> int:
    if state is not StepState.INTENDED:
        raise _impossible(server, step, None, state)
    query = sa.select(sa.func.coalesce(sa.func.max(steps.c.number), 0) + 1).where(_of(run, server))
    number = int(connection.execute(query).scalar_one())
    columns = {"run_id": run, "server": server, "number": number, "state": state.value, **rows.of_step(step)}
    connection.execute(steps.insert(), columns)
    return number


def _append(connection: sa.Connection, run: str, server: str, number: int, attempt: Attempt) -> None:
    columns: dict[str, Any] = {"run_id": run, "server": server, "step": number, "at": attempt.at}
    columns |= {"state": attempt.state.value, "message": attempt.message, "error": attempt.error}
    connection.execute(attempts.insert(), columns)


def _refuse_without_original(connection: sa.Connection, run: str, server: str, step: Step) -> None:
    mine = (priors.c.run_id == run) & (priors.c.server == server)
    if step.path:
        mine &= priors.c.path == step.path
    if connection.execute(sa.select(sa.func.count()).select_from(priors).where(mine)).scalar_one() == 0:
        raise JournalError("no original is kept to put back: no save, no write", where=f"{server}: {step.id}")


def _of(run: str, server: str) -> sa.ColumnElement[bool]:
    return (steps.c.run_id == run) & (steps.c.server == server)


def _impossible(server: str, step: Step, before: StepState | None, after: StepState) -> ImpossibleMove:
    return ImpossibleMove(f"a step that is {before or 'new'} cannot become {after}", where=f"{server}: {step.id}")


def at(now: datetime, state: StepState, message: str, error: BaseException | None) -> Attempt:
    """One move, with the error that led to it."""
    said = message or (str(error) if error else "")
    return Attempt(now, state, said, type(error).__name__ if error else "")
