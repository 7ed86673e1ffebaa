"""Owns the fence: a process that may have been given up for dead sends nothing that could change a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import Lapsed
from agent.model import Effect, Record, Script
from agent.transport import Arguments, Transport


@dataclass(frozen=True, slots=True)
class Fence:
    """A transport that asks before each write whether this process may still send; what only looks always may.

    It asks when the session stands, because opening one may take long. A process that sleeps between this and the
    sending, as a laptop does, wakes with a session that the server has ended: HTTP.sys does so after 120 s
    without use (its ConnectionTimeout), WinRM 2.0 after 180 s (domain 6.1), and nobody may take over before that:
    stale_seconds is at least so much more than fence_seconds.
    """

    transport: Transport
    check: Callable[[], None]  # raises `Fenced`

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """Send, if the run is still ours; the intention stands on record, so whoever goes on looks first."""
        if script.effect is Effect.READ:
            return self.transport.run(script, arguments)
        try:
            return self._write(script, arguments)
        except Lapsed:
            return self._write(script, arguments)

    def ready(self) -> None:
        """As the transport below."""
        self.transport.ready()

    def close(self) -> None:
        """End the visit."""
        self.transport.close()

    def _write(self, script: Script, arguments: Arguments) -> list[Record]:
        self.transport.ready()
        self.check()
        return self.transport.run(script, arguments)
