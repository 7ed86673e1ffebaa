"""Owns one machine of a fleet with all that listens for it, and the switches that faults turn."""

from __future__ import annotations

from dataclasses import dataclass

from agent.lab.logon import Secrets
from agent.lab.powershell.bindings.shell import program
from agent.lab.web.authority import LabAuthority
from agent.lab.web.cas import CasServer, CasSettings
from agent.lab.web.faults import WebFaults
from agent.lab.web.hop import HopLimits
from agent.lab.web.iis import IisServer
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.quotas import Quotas
from agent.lab.winrm.server import WinrmServer
from agent.lab.world.machine import Machine

HTTP, HTTPS, WINRM = 80, 443, 5985


@dataclass(frozen=True, slots=True)
class Ports:
    """The real ports on loopback; 0 where the machine has no such service."""

    winrm: int = 0
    http: int = 0
    https: int = 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What the machines of one fleet share on the wire."""

    authority: Authority
    certificates: LabAuthority
    secrets: Secrets
    limits: HopLimits
    quotas: Quotas
    warm_up_seconds: float


class Node:
    """A machine, its WinRM service, its web server, its faults."""

    def __init__(self, machine: Machine, shared: Shared) -> None:
        self.machine = machine
        program.install(machine)
        self.wire = WireFaults()
        self.web_faults = WebFaults()
        self.winrm = WinrmServer(machine, shared.authority, quotas=shared.quotas, faults=self.wire)
        self.web = _web(machine, shared, self.web_faults)
        self.ports = Ports()

    @property
    def is_proxy(self) -> bool:
        """True for a Client Access server."""
        return isinstance(self.web, CasServer)

    async def start(self) -> None:
        """Open every port; on the fleet's loop."""
        await self.web.start()
        winrm = await self.winrm.start()
        real = {port: self.web.endpoint(port)[1] for port in self.web.all_ports()}
        self.machine.network.publish(self.machine.fqdn, WINRM, ("127.0.0.1", winrm))
        self.ports = Ports(winrm, real.get(HTTP, 0), real.get(HTTPS, 0))

    async def stop(self) -> None:
        """Close every port."""
        await self.winrm.stop()
        await self.web.stop()


def _web(machine: Machine, shared: Shared, faults: WebFaults) -> IisServer | CasServer:
    if machine.role.is_2003:
        return IisServer(
            machine,
            shared.secrets,
            authority=shared.certificates,
            faults=faults,
            warm_up_seconds=shared.warm_up_seconds,
        )
    settings = CasSettings(limits=shared.limits)
    return CasServer(machine, shared.secrets, shared.certificates, settings=settings, faults=faults)
