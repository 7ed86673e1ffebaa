"""Owns one server's entry in the record of a run: what it says, and what is written to it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.course.tools import Tools
from agent.model import Finding, Prior, ServerRecord, ServerState
from agent.notice import Notice
from agent.rollback import owed


class Entry:
    """One server of a run, as the journal has it; listeners hear of what is concluded."""

    def __init__(self, tools: Tools, server: str) -> None:
        self.server = server
        self._tools = tools

    @property
    def record(self) -> ServerRecord:
        """What is on record now."""
        return self._tools.journal.server(self._tools.run.id, self.server)

    @property
    def state(self) -> ServerState | None:
        """How it stands, as concluded last; None where nothing is."""
        return self._tools.journal.state(self._tools.run.id, self.server)

    @property
    def originals(self) -> Sequence[Prior]:
        """What was there before the run."""
        return self._tools.journal.originals(self._tools.run.id, self.server)

    @property
    def finding(self) -> Finding | None:
        """What the run saw first, before it wrote anything."""
        return next(iter(self._tools.journal.findings(self._tools.run.id, self.server)), None)

    @property
    def is_owing(self) -> bool:
        """Something that the run wrote could be put back."""
        return bool(owed(self.record.steps, self.originals))

    @property
    def is_held(self) -> bool:
        """The run has begun with the server, and is not finished with it."""
        return not self.record.is_closed

    @property
    def resume_hint(self) -> str:
        """What goes on from here."""
        return f"easfix resume {self._tools.run.id} looks again and goes on from there."

    def conclude(self, state: ServerState, reason: str, outage: float | None = None) -> None:
        """Say how it stands and why."""
        self._tools.run.conclude(self.server, state, reason, outage_seconds=outage)
        self.tell("server.concluded", f"{state}: {reason}")

    def close(self) -> None:
        """Nothing is owed to the server any more."""
        self._tools.run.close(self.server)

    def close_if_settled(self) -> None:
        """Let go of the server, unless somebody has to look at it first."""
        if self.record.is_settled:
            self.close()

    def tell(self, event: str, message: str = "") -> None:
        """For whoever listens."""
        self._tools.listen(Notice(self.server, event, message=message))
