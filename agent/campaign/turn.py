"""Owns one server's turn: whether it still comes, what an older run owes it, and then its own course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.campaign.debts import Inherit, settle
from agent.course import Course, Tools
from agent.course.entry import Entry
from agent.journal import Terms
from agent.model import Server, ServerPlan, ServerState


@dataclass(frozen=True, slots=True)
class Turn:
    """Concludes a server one way or another; `plans` are by name, without regard to case."""

    tools: Tools
    plans: Mapping[str, ServerPlan]
    inherit: Inherit | None = None

    def __call__(self, server: Server, terms: Terms) -> None:
        """Take the turn, unless somebody stops the run."""
        entry, plan = Entry(self.tools, server.name), self.plans[server.name.casefold()]
        if by := self.tools.stopping():
            skip(entry, f"{by} before it began")
            return
        if self.inherit is not None:
            settled = settle(self.tools, server, self.inherit)
            if settled.state is not None:
                entry.conclude(settled.state, settled.reason)
                return
        if plan.steps:
            Course(self.tools, server, plan).go(terms)
        else:  # it was in the run for a debt, which has left it in another state than it was planned from
            entry.conclude(ServerState.SKIPPED, "refused: what an older run had left was put back here; plan again")


def skip(entry: Entry, reason: str) -> None:
    """A server whose turn does not come; one that the run began with before keeps what is owed to it."""
    if entry.is_held:
        return
    entry.conclude(ServerState.SKIPPED, reason)
