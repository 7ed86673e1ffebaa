"""Owns carrying out a plan: the run begun, who is left alone concluded, the others led through their waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent import logs
from agent.cli.session import Session

if TYPE_CHECKING:
    from agent.cli.conduct import Permit
    from agent.cli.looking import Decided
    from agent.course import Tools
    from agent.model import Plan, Server, ServerPlan
    from agent.outcome import Outcome

GONE = "refused: the configuration does not name this server any more"


def carry_out(
    session: Session,
    servers: Sequence[Server],
    plan: Plan,
    *,
    reason: str = "",
    permit: Permit | None = None,
    is_old: bool = False,
) -> Outcome:
    """Do what the plan says. One that `is_old` tells nothing about a server that it leaves alone: that is looked at.

    Without a `permit` the run is bound by the configuration.
    """
    from agent.campaign import campaign
    from agent.cli.conduct import Permit, of_plan
    from agent.cli.heirs import Heirs
    from agent.cli.working import begin, conclude, tools
    from agent.model import ServerState

    permit = permit or Permit(of_plan(session, plan), reason)
    last = {name for wave in permit.orders.waves if wave.is_proxy for name in wave.servers}
    servers = [*servers, *(proxy for proxy in session.proxies if proxy.name in last)]
    session.unlock(servers)
    run = begin(session, "apply", plan, servers, permit)
    session.began(run.id)
    if session.playbook.altered:
        logs.get().warning("scripts.altered", detail=session.playbook.altered)
    for name in gone(session, plan):
        run.conclude(name, ServerState.SKIPPED, GONE)
    with session.progress(servers, run.id) as listen:
        kit, heirs = tools(session, run, listen), Heirs(session, listen)
        turns = {name for wave in permit.orders.waves for name in wave.servers}
        others = [server for server in servers if server.name not in turns]
        failed = _leave_alone(session, kit, others, plan, is_old=is_old)
        chosen = [server for server in servers if server.name in turns]
        campaign(kit, chosen, by_name(plan), permit.orders, heirs.inherit, failed).run()
        heirs.end()
    return conclude(session, run, "apply")


def _leave_alone(session: Session, kit: Tools, servers: Sequence[Server], plan: Plan, *, is_old: bool) -> list[str]:
    """Conclude the servers that nothing is done to; gives those of them that count as failed."""
    from agent.cli.looking import decide_all
    from agent.fleet import over
    from agent.notice import Notice

    planned, run = by_name(plan), kit.run

    def work(server: Server) -> str:
        found = planned.get(server.name.casefold())
        if found is None or is_old:
            (now,) = stale(plan, decide_all(session, [server], kit.listen))
            state, why = now.outcome.state, now.outcome.reason
        else:
            state, why = found.state, found.reason
        run.conclude(server.name, state, why)
        kit.listen(Notice(server.name, "server.concluded", message=f"{state}: {why}"))
        return server.name if state.is_failure else ""

    return [name for name in over(servers, work, session.config.run.concurrency) if name]


def by_name(plan: Plan) -> Mapping[str, ServerPlan]:
    """The plan's servers, without regard to case."""
    return {each.server.casefold(): each for each in plan.servers}


def gone(session: Session, plan: Plan) -> list[str]:
    """The plan's servers that the configuration does not name any more."""
    from agent.inventory import back_ends

    known = {each.name.casefold() for each in (*back_ends(session.config), *session.proxies)}
    return [each.server for each in plan.servers if each.server.casefold() not in known]


def stale(plan: Plan, decided: Sequence[Decided]) -> list[Decided]:
    """What the plan would do now: a server that moved since, or that the plan does not know, is refused.

    One that is well by now needs nothing more. What is done to the others, and how, stands in the plan: a setting that
    was changed since it was made changes nothing about it.
    """
    from dataclasses import replace

    from agent.model import ServerState
    from agent.plan import moved

    planned = by_name(plan)
    found = []
    for each in decided:
        before = planned.get(each.plan.server.casefold())
        reason = ""
        if before is None:
            reason = "refused: the plan does not name this server"
        elif each.looked.error is None and (told := moved(before, each.plan)):
            reason = told
        elif each.plan.steps and not before.steps:
            reason = "refused: the plan leaves this server alone, and now it would be changed; plan again"
        if reason:
            changed = replace(each.plan, state=ServerState.SKIPPED, reason=reason, steps=(), impact=None)
            found.append(replace(each, plan=changed))
        elif (
            before is not None
            and before.steps
            and each.plan.fingerprint == before.fingerprint
            and not each.plan.standing
        ):
            as_planned = replace(before, obstacles=each.plan.obstacles, siblings=each.plan.siblings)
            found.append(replace(each, plan=as_planned))
        else:
            found.append(each)
    return found
