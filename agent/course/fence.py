"""Owns the fence: a process that may have been given up for dead sends nothing that could change a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.model import Effect, Record, Script
from agent.transport import Arguments, Transport


@dataclass(frozen=True, slots=True)
class Fence:
    """A transport that asks before each write whether this process may still send; what only looks always may."""

    transport: Transport
    check: Callable[[], None]  # raises `Fenced`

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """Send, if the run is still ours; the intention stands on record, so whoever goes on looks first."""
        if script.effect is Effect.WRITE:
            self.check()
        return self.transport.run(script, arguments)

    def close(self) -> None:
        """End the visit."""
        self.transport.close()
