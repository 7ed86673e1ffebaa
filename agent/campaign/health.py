"""Owns the look between two waves: what was changed is still so, and the mail services that ran before run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.course import Tools
from agent.course.entry import Entry
from agent.detect import look
from agent.errors import ServerError, told_by
from agent.model import Finding, Server, ServerPlan, ServerState, Verdict
from agent.outcome import came_back, sentences
from agent.transport import ReadOnly
from agent.verify import Summary, sum_up

PROVED = "changed and proved, but not well when the next wave was to begin"


@dataclass(frozen=True, slots=True)
class Health:
    """Looks at a changed server again, and concludes anew where it is not well; holds nothing that can write."""

    tools: Tools
    plans: Mapping[str, ServerPlan]

    def __call__(self, server: Server) -> None:
        """Look; a server that was not changed is left alone, and a proxy, which has just been proved."""
        entry = Entry(self.tools, server.name)
        if entry.state is not ServerState.CHANGED or self.plans[server.name.casefold()].leads_to:
            return
        try:
            with told_by(server.name):
                stopped, flags = self._see(server)
        except ServerError as error:
            self._doubt(entry, error.message)
            return
        if flags.verdict is Verdict.BAD:
            entry.conclude(ServerState.REVERTED, came_back(flags.words))
        elif stopped:
            said = f"{PROVED}: ran before and does not run now: {stopped}"
            entry.conclude(ServerState.FAILED, sentences(said, f"start by hand: {stopped}"))
        elif flags.verdict is Verdict.UNKNOWN:
            self._doubt(entry, flags.words)

    def _see(self, server: Server) -> tuple[str, Summary]:
        """The services that ran before and do not run now, and what the flags read."""
        tools = self.tools
        changes = [each for each in self.plans[server.name.casefold()].changes if each.is_needed]
        transport = tools.connect(server)
        try:
            reading = ReadOnly(transport, server.name)
            proofs = tools.verifier.flags(server, reading, changes)
            now = tools.questioner.ask(lambda: look(server, reading, tools.scripts["detect"], tools.now()))
        finally:
            transport.close()
        tools.run.proved(server.name, proofs)
        before = tools.journal.findings(tools.run.id, server.name)
        return ", ".join(_stopped(before[0], now)) if before else "", sum_up(proofs)

    def _doubt(self, entry: Entry, why: str) -> None:
        hint = f"easfix verify {self.tools.run.id} looks again"
        entry.conclude(ServerState.UNKNOWN, sentences(f"{PROVED}: {why}", hint))


def _stopped(before: Finding, now: Finding) -> list[str]:
    running = {each.name for each in now.services if each.is_running}
    return [each.name for each in before.services if each.is_running and each.name not in running]
