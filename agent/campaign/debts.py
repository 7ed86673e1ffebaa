"""Owns what an older run left on a server: it is settled by looking, as `resume` does, before anything else is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.course import Tools, course
from agent.errors import Locked
from agent.model import Server, ServerPlan, ServerRecord, ServerState
from agent.outcome import sentences


@dataclass(frozen=True, slots=True)
class Heir:
    """What a run that broke off is gone on with: its own record, and its own plan by server, without regard to case."""

    tools: Tools
    plans: Mapping[str, ServerPlan]


Inherit = Callable[[str], Heir]
"""Takes over the run of this name; raises `Locked` while a process works on it, and says who and what to do."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a debt: how the server stands in this run; `state` of None where its own plan can go on."""

    state: ServerState | None
    reason: str = ""


FREE = Settled(None)


def settle(tools: Tools, server: Server, inherit: Inherit) -> Settled:
    """Finish, or put back, what another run left on the server; the one that cannot be settled says why."""
    held = tools.journal.held_by(server.name)
    if held is None or held[0].run == tools.run.id:
        return FREE
    run = held[0].run
    try:
        heir = inherit(run)
    except Locked:
        return FREE  # admission says who holds it since when
    plan = heir.plans.get(server.name.casefold())
    if plan is not None:
        course(heir.tools, server, plan).go()
        if plan.leads_to and tools.journal.server(run, server.name).is_closed:
            return FREE  # a restart for the servers of that run is none for the servers of this one
    return _judge(run, tools.journal.server(run, server.name))


def _judge(run: str, found: ServerRecord) -> Settled:
    said = f"{found.state or ServerState.UNKNOWN}: {found.reason}"
    if not found.is_closed:
        hint = f"easfix resume {run} goes on with it"
        return Settled(ServerState.SKIPPED, sentences(f"run {run} owes it something still: {said}", hint))
    match found.state:
        case ServerState.CHANGED:
            return Settled(ServerState.RIGHT, f"run {run}, which had broken off here, was finished first: {said}")
        case ServerState.REVERTED:
            return Settled(ServerState.REVERTED, f"run {run}, which had broken off here, was finished first: {said}")
    return FREE
