"""Where a user's mailbox is, as a Client Access server reads it from Active Directory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.lab.world.accounts import User
from agent.lab.world.directory import DirectoryObject
from agent.lab.world.errors import WorldError
from agent.lab.world.machine import Machine

_VERSION = re.compile(r"Version (\d+)\.(\d+)")  # domain 7.1
_ADDRESS = "ncacn_ip_tcp:"  # domain 7.2


@dataclass(frozen=True, slots=True)
class Home:
    """The mailbox server: its name, where it is reached, its version such as (6, 5)."""

    server: str
    fqdn: str
    version: tuple[int, int]

    @property
    def is_legacy(self) -> bool:
        """True for Exchange 2003 and older."""
        return self.version[0] < 8


def home_of(machine: Machine, user: User) -> Home | None:
    """The home of the user's mailbox; None for a user without one, or on a server the directory does not know."""
    found = _server(machine, user.mailbox_server) if user.mailbox_server else None
    version = _VERSION.search(str(found.get("serialNumber"))) if found else None
    if found is None or version is None or not user.mailbox_server:
        return None
    addresses = [str(each) for each in found.values("networkAddress")]
    fqdn = next((each[len(_ADDRESS) :] for each in addresses if each.startswith(_ADDRESS)), "")
    fallback = f"{user.mailbox_server.lower()}.{machine.forest.dns}"
    return Home(user.mailbox_server, fqdn or fallback, (int(version[1]), int(version[2])))


def _server(machine: Machine, name: str) -> DirectoryObject | None:
    try:
        return machine.directory.find(machine.forest.server_dn(name))
    except WorldError:
        base = machine.directory.configuration_dn
        found = machine.directory.search(base, f"(&(objectClass=msExchExchangeServer)(cn={name}))")
        return found[0] if found else None
