"""Owns one server's turn: whether it still comes, what an older run owes it, and then its own course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.campaign.debts import Inherit, settle
from agent.course import Tools, course
from agent.course.entry import Entry
from agent.journal import HELD, Terms
from agent.model import Server, ServerPlan, ServerState
from agent.outcome import sentences


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
            course(self.tools, server, plan).go(terms)
        else:  # it was in the run for a debt only
            entry.conclude(ServerState.SKIPPED, self._of_debt(server))

    def _of_debt(self, server: Server) -> str:
        """Why nothing is done: the debt is still there, or the server is in another state than it was planned from."""
        held = self.tools.journal.held_by(server.name)
        if held is None:
            return "refused: what an older run had left was put back here; plan again"
        holder, since = held
        said = f"{server.name} {HELD} {holder} since {since:%Y-%m-%d %H:%M:%S} UTC"
        return sentences(said, f"easfix resume {holder.run} goes on with it")


def skip(entry: Entry, reason: str) -> None:
    """A server whose turn does not come; one that the run began with before keeps what is owed to it."""
    if entry.is_held:
        return
    entry.conclude(ServerState.SKIPPED, reason)
