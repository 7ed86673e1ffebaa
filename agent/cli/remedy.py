"""Owns clearing drift without an operator: when a tick may, which servers it leaves to a person, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.model import ServerState

if TYPE_CHECKING:
    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.outcome import Outcome

NEVER = "schedule.remediate is never"
NO_WINDOW = "no change window is configured, and by itself easfix changes servers inside a window only"
NOBODY_APPROVES = "approval.require_approval is on: save a plan, have it approved, and apply it"

FOR_A_PERSON: Mapping[ServerState, str] = {
    ServerState.REVERTED: "its flag came back after the last change, so clearing it again would not last",
    ServerState.FAILED: "the last change of it failed, and would be tried again at every tick",
    ServerState.ROLLED_BACK: "the last change of it was put back",
    ServerState.UNKNOWN: "how it stands since the last change of it is not known",
}
"""Last conclusions on record after which a person must look before IIS is restarted again, and why."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What was done about drift: the run where there was one, why not otherwise, and who is left to a person."""

    outcome: Outcome | None = None
    why_not: str = ""
    held_back: Mapping[str, str] = field(default_factory=dict)


def remedy(session: Session, decided: Sequence[Decided], reason: str) -> Remedy:
    """Clear what may be cleared now; only looks where nothing may."""
    pending = [each for each in decided if each.plan.steps]
    if not pending:
        return Remedy()
    why_not = _why_not(session)
    if why_not:
        return Remedy(why_not=why_not)
    held_back = _held_back(session, pending)
    chosen = [each for each in pending if each.plan.server not in held_back]
    if not chosen:
        return Remedy(why_not="a person must look first", held_back=held_back)
    from agent.cli.carryout import carry_out
    from agent.cli.looking import make_plan

    servers = [each.looked.server for each in chosen]
    return Remedy(carry_out(session, servers, make_plan(session, chosen), reason=reason), held_back=held_back)


def _why_not(session: Session) -> str:
    """Why nothing is changed by itself now; empty where something may be."""
    from agent.calendar import windows_of
    from agent.cli.session import now

    config = session.config
    if config.schedule.remediate == "never":
        return NEVER
    if config.approval.require_approval:
        return NOBODY_APPROVES
    if not config.windows:
        return NO_WINDOW
    standing = windows_of(config).at(now())
    return session.stopping() or ("" if standing.is_open else standing.words)


def _held_back(session: Session, pending: Sequence[Decided]) -> dict[str, str]:
    """The servers that easfix does not change again by itself, and why: a restart cuts phones off each time."""
    last = {name.casefold(): (run, state) for run, name, state in session.journal.last_concluded()}
    unproved = {look.server.casefold(): look.run for look in session.journal.looks_open()}
    owed = {debt.server.casefold(): debt.run for debt in session.journal.debts()}
    found = {}
    for each in pending:
        name = each.plan.server
        run, state = last.get(name.casefold(), ("", ServerState.RIGHT))
        if owes := owed.get(name.casefold()):
            found[name] = f"run {owes} has not finished with it: easfix resume {owes}"
        elif state in FOR_A_PERSON:
            found[name] = f"{FOR_A_PERSON[state]}: easfix show {run}"
        elif changed := unproved.get(name.casefold()):
            found[name] = f"run {changed} has changed it, and the second look is still to come"
    return found
