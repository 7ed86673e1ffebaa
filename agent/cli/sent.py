"""Owns the log of what is sent to servers: each script with its answer, and where in it an error arose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent import logs
from agent.errors import ScriptFailed, ServerError
from agent.model import Record, Script, Server
from agent.transport import Arguments, Connect, Transport


@dataclass(frozen=True, slots=True)
class LoggingConnect:
    """Opens visits that log; a `Connect`. An answer stands in the log at level debug, an error at info."""

    connect: Connect
    monotonic: Callable[[], float]

    def __call__(self, server: Server) -> Transport:
        """Open a visit to this server."""
        return _Visit(self.connect(server), server.name, self.monotonic)


class _Visit:
    """One visit; arguments and answers stay out of the log, which nobody clears of what a server may say."""

    def __init__(self, transport: Transport, server: str, monotonic: Callable[[], float]) -> None:
        self._transport = transport
        self._server = server
        self._monotonic = monotonic

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """As the transport below."""
        log = logs.get().bind(server=self._server, script=script.id)
        log.debug("script.sent", effect=str(script.effect))
        begun = self._monotonic()
        try:
            answer = self._transport.run(script, arguments)
        except ServerError as error:
            position = error.record.position if isinstance(error, ScriptFailed) else ""
            where = {"position": position} if position else {}
            log.info("script.failed", error=type(error).__name__, detail=error.message, **where)
            raise
        log.debug("script.answered", objects=len(answer), seconds=round(self._monotonic() - begun, 3))
        return answer

    def ready(self) -> None:
        """As the transport below."""
        self._transport.ready()

    def close(self) -> None:
        """End the visit below."""
        self._transport.close()
