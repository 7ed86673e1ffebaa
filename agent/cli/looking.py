"""Owns looking at the chosen servers and deciding, which check, plan and apply have in common; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.cli.session import Session, now
from agent.outcome import Outcome, ServerOutcome, of_error, of_plan, state_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.fleet import Looked
    from agent.model import Plan, Server, ServerPlan
    from agent.notice import Listen


@dataclass(frozen=True, slots=True)
class Decided:
    """A look at a server and what is to be done about it."""

    looked: Looked
    plan: ServerPlan

    @property
    def outcome(self) -> ServerOutcome:
        """For showing."""
        if self.looked.error is not None:
            return of_error(self.plan.server, self.looked.error)
        return of_plan(self.plan, self.looked.finding)


def decide_all(session: Session, servers: Sequence[Server], listen: Listen) -> list[Decided]:
    """Look at every server and decide, about one while others are still being looked at."""
    from dataclasses import replace

    from agent.errors import ServerError, told_by
    from agent.fleet import over

    looker = session.looker(listen)

    def decided(server: Server) -> Decided:
        looked = looker.one(server)
        try:
            with told_by(server.name):
                return Decided(looked, _decide(session, looked))
        except ServerError as error:
            failed = replace(looked, finding=None, error=error)
            return Decided(failed, _decide(session, failed))

    return over(servers, decided, session.config.run.concurrency)


def make_plan(session: Session, decided: Sequence[Decided]) -> Plan:
    """All decisions under one hash."""
    from importlib.metadata import version

    from agent.model import Plan

    plans = tuple(each.plan for each in decided)
    every = (*plans, *_proxies(session, decided))
    return Plan(session.playbook.id, version("easfix"), now(), every, session.playbook.hashes)


def _proxies(session: Session, decided: Sequence[Decided]) -> tuple[ServerPlan, ...]:
    from agent.plan import restarts

    if not session.config.run.restart_proxies:
        return ()
    servers = [each.looked.server for each in decided]
    return restarts([each.plan for each in decided], servers, session.playbook.scripts, session.restart)


def answer(
    session: Session, command: str, decided: Sequence[Decided], proxies: Sequence[ServerPlan] = (), **extra: object
) -> Outcome:
    """The answer of a command that only looked; `proxies` are those on which IIS would be restarted."""
    servers = (*(each.outcome for each in decided), *map(of_plan, proxies))
    return Outcome(command, servers, codes=session.codes, extra=dict(extra))


def _decide(session: Session, looked: Looked) -> ServerPlan:
    from agent.model import ServerPlan
    from agent.plan import decide

    if looked.error is not None:
        return ServerPlan(looked.server.name, state_of(looked.error), words_of(looked.error))
    assert looked.finding is not None  # a look comes to one or the other
    return decide(looked.server, looked.finding, session.playbook.one_by_one, session.restart)
