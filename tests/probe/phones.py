"""A fleet of the lab as the probes see it: servers, proxies, and phones with any password."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agent.lab.fleet import Fleet
from agent.model import Auth, Https, Proof, Role, Server
from agent.probe.direct import direct
from agent.probe.endtoend import Asking, end_to_end
from agent.probe.phone import Phone
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate

PATIENCE = 20.0  # of a probe that is to be answered


def now() -> datetime:
    return datetime.now(UTC)


class Sights:
    """What a test asks with."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.ca = fleet.certificates.write(folder / "ca.pem")

    def server(self, name: str = "EX01") -> Server:
        node = self.fleet[name]
        return Server(name, "127.0.0.1", node.machine.fqdn, http_port=node.ports.http, test_user=name)

    def proxy(self, name: str = "CAS01", ca: str | None = None) -> Server:
        node = self.fleet[name]
        https = Https(node.ports.https, str(self.ca) if ca is None else ca)
        return Server(name, "127.0.0.1", node.machine.fqdn, Role.PROXY, https=https)

    def phone(self, name: str = "EX01", password: str | None = None, auth: Auth = Auth.NTLM) -> Phone:
        user = self.fleet.phones[name]
        return Phone(
            Credentials(user.qualified, Secret(user.password if password is None else password)),
            Gate(asks_again=True),
            auth,
        )

    def through(self, phone: Phone | None = None, *, seconds: float = PATIENCE, **proxy: str) -> Proof:
        return end_to_end(self.proxy(**proxy), self.server(), phone or self.phone(), asking(seconds))

    def directly(self, phone: Phone | None = None, *, seconds: float = PATIENCE, **server: object) -> Proof:
        target = replace(self.server(), **server)  # type: ignore[arg-type]  # pass-through
        return direct(target, phone or self.phone(), asking(seconds))


def asking(seconds: float = PATIENCE, marker: str = "easfix-test") -> Asking:
    return Asking(now, time.monotonic, seconds, marker)
