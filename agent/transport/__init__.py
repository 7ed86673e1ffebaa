"""What a way in to a server must be able to do, and the one that cannot write."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from agent import errors
from agent.model import Effect, Record, Scalar, Script, Server

Arguments = Mapping[str, Scalar | Sequence[Scalar]]
"""Bound to the parameters of the script by name."""


class Transport(Protocol):
    """One visit to one server; used by one thread, and thrown away after any error."""

    def ready(self) -> None:
        """Open the session where none stands, so that what is sent next leaves at once; raises a `ServerError`."""
        ...

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """Send the script once and return the objects it answered with; raises a `ServerError`."""
        ...

    def close(self) -> None:
        """End the visit; never raises because the server is gone."""
        ...


class Connect(Protocol):
    """Opens a visit to a server; raises a `ServerError`."""

    def __call__(self, server: Server) -> Transport:
        """Open a visit to this server."""
        ...


class ReadOnly:
    """A transport that lacks the ability to write: this, not a flag, is what a dry run is."""

    __slots__ = ("_server", "_transport")

    def __init__(self, transport: Transport, server: str = "") -> None:
        self._transport = transport
        self._server = server

    def ready(self) -> None:
        """As the transport below."""
        self._transport.ready()

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """As the transport below, for scripts that only read."""
        if script.effect is not Effect.READ:
            raise errors.WriteRefused(
                self._server, f"{script.id} writes, and this visit may only read; it was not sent"
            )
        return self._transport.run(script, arguments)

    def close(self) -> None:
        """End the visit below."""
        self._transport.close()
