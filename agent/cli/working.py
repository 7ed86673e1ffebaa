"""Owns carrying out a run: the record begun, every server's course, the answer read back from the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.cli.session import Session, now
from agent.cli.takeover import refuse_living, take_over
from agent.cli.telling import tell_of_run
from agent.errors import ConfigError, EmptySelection, UnknownName
from agent.outcome import WAITING, Outcome, of_record

if TYPE_CHECKING:
    from agent.cli.conduct import Permit
    from agent.course import Tools
    from agent.journal import OpenRun
    from agent.model import Plan, RunRecord, Server, ServerPlan
    from agent.notice import Listen

__all__ = [
    "begin",
    "chosen",
    "conclude",
    "end",
    "known",
    "plan_of",
    "refuse_living",
    "take_over",
    "tools",
]


def begin(session: Session, command: str, plan: Plan, chosen: Sequence[Server], permit: Permit) -> OpenRun:
    """Write down that a run begins, with the plan it carries out, the servers chosen for it, and what binds it."""
    from agent import planfile
    from agent.model import RunRecord

    name = session.new_run()
    session.journal.save_plan(plan.hash, planfile.dump(plan))
    orders = permit.orders
    opening = orders.windows.at(now()).opening
    record = RunRecord(
        name,
        command,
        now(),
        session.holder(name),
        version("easfix"),
        permit.reason,
        permit.change,
        plan_hash=plan.hash,
        window=opening.name if opening else "",
        closes_at=opening.closes_at if opening else None,
        outside_window=orders.outside_window,
        threshold=orders.threshold.words,
        approved_by=permit.approved_by,
    )
    waves = {server: wave.number for wave in orders.waves for server in wave.servers}
    return session.journal.begin(record, [server.name for server in chosen], WAITING, waves)


def tools(session: Session, run: OpenRun, listen: Listen) -> Tools:
    """What every server of the run is worked on with."""
    from agent.course import Tools
    from agent.inventory import back_ends
    from agent.restart import Limits

    config = session.config
    fence = timedelta(seconds=config.schedule.fence_seconds)
    session.open(run)
    return Tools(
        journal=session.journal,
        run=run,
        connect=session.connect,
        scripts=session.playbook.scripts,
        questioner=session.questioner("retry"),
        waiter=session.waiter,
        verifier=session.verifier(),
        limits=Limits(config.restart.timeout_seconds, int(config.restart.deadline_seconds)),
        puts_back=config.run.on_failure == "rollback",
        second_look=session.second_look,
        now=now,
        stopping=session.stopping,
        listen=listen,
        servers={server.name.casefold(): server for server in back_ends(config)},
        fence=lambda: run.check_fence(fence),
    )


def conclude(
    session: Session, run: OpenRun, command: str, names: Sequence[str] | None = None, *, is_left: bool = False
) -> Outcome:
    """Read the answer back from the record, of all servers or of these, and end the run.

    One that broke off does not end while other servers of it are left: it `is_left` to whoever resumes it.
    """
    record = session.journal.run(run.id)
    servers = tuple(of_record(each) for each in record.servers if names is None or each.name in names)
    if is_left:
        leave(session, run)
    else:
        end(session, run, command)
    extra: dict[str, object] = {"journal": session.journal.where, "plan_hash": record.plan_hash}
    outcome = Outcome(command, servers, run.id, session.codes, extra)
    tell_of_run(session, outcome, record.reason)
    return outcome


def end(session: Session, run: OpenRun, command: str) -> None:
    """The run is over; its exit code is that of all its servers, whichever of them the command was about."""
    servers = tuple(of_record(each) for each in session.journal.run(run.id).servers)
    run.end(int(Outcome(command, servers, run.id, session.codes).exit_code))
    session.beats.end(run.id)


def leave(session: Session, run: OpenRun) -> None:
    """The run has not ended, and this process is out of it."""
    session.beats.end(run.id)  # no beat of this process may come after it has left
    run.leave()


def plan_of(session: Session, record: RunRecord) -> dict[str, ServerPlan]:
    """The plan that a run carries out, by server, without regard to case."""
    from agent import planfile

    document = session.journal.plan(record.plan_hash)
    return {each.server.casefold(): each for each in planfile.load(document, f"plan {record.plan_hash[:12]}").servers}


def known(session: Session, names: Sequence[str]) -> list[Server]:
    """The servers of these names as the configuration has them now; ConfigError where one is gone."""
    from agent.inventory import back_ends

    every = {server.name.casefold(): server for server in (*back_ends(session.config), *session.proxies)}
    gone = [name for name in names if name.casefold() not in every]
    if gone:
        raise ConfigError(
            f"the configuration does not name {', '.join(gone)}, which this run has worked on",
            where=str(session.path),
            next_step="Put the server back into the configuration, or leave it out with --limit.",
        )
    return [every[name.casefold()] for name in names]


def chosen(record: RunRecord, limit: Sequence[str]) -> list[str]:
    """The names of the run's servers that the operator means; UnknownName for one that the run does not have."""
    from agent.config import nearest

    names = [each.name for each in record.servers]
    if not limit:
        return names
    wanted = {name.strip().casefold() for text in limit for name in text.split(",") if name.strip()}
    if not wanted:
        raise EmptySelection("no server is left to work on", next_step="look at --limit; empty is not all")
    for name in sorted(wanted - {each.casefold() for each in names}):
        meant = nearest(name, names)
        hint = f"Did you mean {' or '.join(meant)}?" if meant else f"It has: {', '.join(names)}."
        raise UnknownName(f"run {record.id} has no server {name}", meant=meant, next_step=hint)
    return [name for name in names if name.casefold() in wanted]
