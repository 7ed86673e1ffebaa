"""A small fleet of the lab, and visits to it by each way in."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.lab.fleet import Fleet
from agent.lab.node import Node
from agent.model import Auth, Effect, Record, Scalar, Script, Server, Way, Winrm
from agent.transport import Transport
from agent.transport.choose import Connector
from agent.transport.credentials import Credentials, Secret
from agent.transport.waits import WAITS, Waits

TIMEOUT = 60.0  # of a script, where the test is not about it

ECHO = """param([string]$Text, [string[]]$Many)
$ErrorActionPreference = 'Stop'
New-Object -TypeName 'PSObject' -Property @{ Kind = 'echo'; Text = $Text; Many = $Many; Length = $Text.Length }
"""


def script(text: str, *, timeout: float = TIMEOUT, effect: Effect = Effect.READ) -> Script:
    """A script of a test."""
    return Script("test", text, effect, hashlib.sha256(text.encode()).hexdigest(), timeout)


class Visits:
    """Makes visits to the machines of a fleet, and closes them."""

    def __init__(self, fleet: Fleet, way: Way) -> None:
        self.fleet = fleet
        self.way = way
        self._open: list[Transport] = []

    @property
    def password(self) -> str:
        return self.fleet.administrator.password

    def server(self, name: str = "EX01", **winrm: Any) -> Server:
        """The server as the configuration would describe it."""
        node = self.fleet[name]
        listener = Winrm(port=node.ports.winrm, auth=Auth.NTLM, way=self.way)
        return Server(name, "127.0.0.1", node.machine.fqdn, winrm=replace(listener, **winrm))

    def connector(
        self,
        password: str | None = None,
        user: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        waits: Waits = WAITS,
    ) -> Connector:
        """A connector for one run; without a password, the right one."""
        name = user or f"LAB\\{self.fleet.administrator.name}"
        credentials = Credentials(name, Secret(self.password if password is None else password))
        return Connector(lambda _: credentials, monotonic, waits)

    def to(self, name: str = "EX01", *, connector: Connector | None = None, **winrm: Any) -> Any:
        """A visit; closed when the test is over."""
        visit = (connector or self.connector())(self.server(name, **winrm))
        self._open.append(visit)
        return visit

    def run(self, text: str, arguments: Mapping[str, Scalar | Sequence[Scalar]] | None = None) -> list[Record]:
        """Run a script in a visit of its own."""
        visit = self.to()
        answer: list[Record] = visit.run(script(text), arguments or {})
        visit.close()
        return answer

    def close(self) -> None:
        for visit in self._open:
            visit.close()


def shells(node: Node) -> int:
    """How many shells are open on a machine."""
    return len(node.winrm.service.shells)


def listens(port: int) -> bool:
    """Somebody accepts on that port; a listener that is closed while we connect resets us."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def eventually(claim: Callable[[], bool]) -> bool:
    """The claim comes true within a minute: the listeners of the lab follow what is set on a thread of their own."""
    end = time.monotonic() + 60
    while not claim():
        if time.monotonic() > end:
            return False
    return True
