"""Owns which way in is taken: PowerShell remoting, or the WinRM shell where the server says that it has none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from agent import errors
from agent.model import Record, Scalar, Script, Server, Way
from agent.transport import Transport
from agent.transport.credentials import Credentials
from agent.transport.gate import Gate
from agent.transport.waits import WAITS, Waits


class Connector:
    """Opens visits for a whole run; all visits under one account share one gate. A `Connect`."""

    def __init__(
        self, credentials: Callable[[Server], Credentials], monotonic: Callable[[], float], waits: Waits = WAITS
    ) -> None:
        self._credentials = credentials
        self._monotonic = monotonic
        self._waits = waits
        self._accounts: dict[Credentials, tuple[Credentials, Gate]] = {}
        self._lock = threading.Lock()

    def __call__(self, server: Server) -> Transport:
        """A visit to this server; it connects when the first script is sent."""
        found = self._credentials(server)
        with self._lock:  # the first of equal ones: what was once made of its password is kept with it
            credentials, gate = self._accounts.setdefault(found, (found, Gate()))
        ways = {way: self._maker(way, server, credentials, gate) for way in (Way.PSRP, Way.WINRM)}
        return ways[server.winrm.way]() if server.winrm.way in ways else _Automatic(ways[Way.PSRP], ways[Way.WINRM])

    def _maker(self, way: Way, server: Server, credentials: Credentials, gate: Gate) -> Callable[[], _Visit]:
        def make() -> _Visit:
            # Loaded when first needed: each library takes a quarter of a second.
            import agent.transport.libraries  # noqa: F401 - before anybody else loads them

            if way is Way.PSRP:
                from agent.transport.psrp import PsrpTransport

                return PsrpTransport(server, credentials, self._monotonic, gate, self._waits)
            from agent.transport.winrm import WinrmTransport

            return WinrmTransport(server, credentials, self._monotonic, gate, self._waits)

        return make


class _Visit(Transport, Protocol):
    """A transport that remembers whether the server said that it has no PowerShell remoting."""

    lacks_remoting: bool


class _Automatic:
    """PowerShell remoting until the server says that it has none; nothing was sent by then."""

    def __init__(self, first: Callable[[], _Visit], second: Callable[[], _Visit]) -> None:
        self._transport = first()
        self._second = second

    def run(self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]) -> list[Record]:
        """As the way in that was found; raises a `ServerError`."""
        try:
            return self._transport.run(script, arguments)
        except errors.Unsupported as error:
            self._change(error)
        return self._transport.run(script, arguments)

    def ready(self) -> None:
        """As the way in that was found; raises a `ServerError`."""
        try:
            self._transport.ready()
        except errors.Unsupported as error:
            self._change(error)
            self._transport.ready()

    def close(self) -> None:
        """End the visit."""
        self._transport.close()

    def _change(self, said: errors.Unsupported) -> None:
        """Take the second way in, where the server said that it lacks the first; else raise what it said."""
        if not self._transport.lacks_remoting:
            raise said
        self._transport.close()
        self._transport = self._second()
