"""Owns one machine of a fleet with all that listens for it, and the switches that faults turn."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from agent.lab.fuse import Fuse
from agent.lab.logon import Secrets
from agent.lab.powershell.bindings.shell import program
from agent.lab.pristine import Pristine
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
LOOPBACK = "127.0.0.1"
SETTLING_SECONDS = 30.0
_LOOK = 0.005


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
        self.fuse = Fuse(machine)
        self.injected: list[str] = []  # the faults of now, as one would type them
        self.winrm = WinrmServer(machine, shared.authority, quotas=shared.quotas, faults=self.wire)
        self.web = _web(machine, shared, self.web_faults)
        self.ports = Ports()
        self._accounts = shared.secrets.accounts
        self.since = machine.clock.now()
        self._pristine = Pristine.of(machine)

    @property
    def is_proxy(self) -> bool:
        """True for a Client Access server."""
        return isinstance(self.web, CasServer)

    def make_right(self) -> None:
        """Undo every fault."""
        self.fuse.disarm()
        self.web_faults.clear()
        self.unfilter()
        self._pristine.restore(self.machine)
        for user in self._accounts.users():
            self._accounts.unlock(user)
        good = WireFaults()
        self.wire.set(**{name: getattr(good, name) for name in WireFaults.names()})
        self.machine.set_online(True)
        self.injected.clear()

    def unfilter(self) -> None:
        """No firewall stands before the web server any more."""
        for port in self.web.all_ports():
            for name in (self.machine.fqdn, self.machine.name):
                self.machine.network.unblock(name, port)

    def free_disk(self) -> None:
        """As much room on the disk as when the machine was built."""
        self.machine.files.free_bytes = self._pristine.free_bytes

    # --- ports -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open every port; on the fleet's loop."""
        await self.web.start()
        winrm = await self.winrm.start()
        real = {port: self.web.endpoint(port)[1] for port in self.web.all_ports()}
        self.machine.network.publish(self.machine.fqdn, WINRM, (LOOPBACK, winrm))
        self.ports = Ports(winrm, real.get(HTTP, 0), real.get(HTTPS, 0))

    async def settle(self) -> None:
        """Wait until each port that should answer does and no other; TimeoutError names one that will not."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLING_SECONDS
        while (wrong := await self._unsettled()) is not None:
            if loop.time() > deadline:
                raise TimeoutError(f"port {wrong} of {self.machine.name} is not as it should be")
            await asyncio.sleep(_LOOK)

    async def stop(self) -> None:
        """Close every port."""
        await self.winrm.stop()
        await self.web.stop()

    async def _unsettled(self) -> int | None:
        """The first port of the world that does not do what it should."""
        has_winrm = self.machine.online and self.machine.services.get("WinRM").is_running
        if await _answers(self.ports.winrm) != (has_winrm and not self.wire.unreachable):
            return WINRM
        wanted = self.web.ports() if self.web.is_up else {}
        for port, is_secure in self.web.all_ports().items():
            # A connection to a secure port would cost each machine a certificate; those open and close with the others.
            open_now = port in self.web.open_ports if is_secure else await self._web_answers(port)
            if open_now != (port in wanted):
                return port
        return None

    async def _web_answers(self, port: int) -> bool | None:
        try:
            return await _answers(self.web.endpoint(port)[1])
        except KeyError:
            return None  # a new binding that has no real port yet


async def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, (LOOPBACK, port))
        except OSError:
            return False
    return True


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
