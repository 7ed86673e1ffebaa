"""Owns what is common to the shells of the service: identity, idle time, commands, the process behind them."""

from __future__ import annotations

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.outbox import Outbox
from agent.lab.winrm.quotas import Quotas
from agent.lab.world.accounts import User

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.winrm.logon import Authority
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process


NewEngine = Callable[["Machine", "Process", str], "Engine"]


def new_id() -> str:
    """An id as the service writes it."""
    return str(uuid.uuid4()).upper()


@dataclass(frozen=True, slots=True)
class Host:
    """What a shell needs of its surroundings."""

    machine: Machine
    authority: Authority
    quotas: Quotas
    loop: asyncio.AbstractEventLoop
    new_engine: NewEngine


class Command(ABC):
    """One command or pipeline of a shell."""

    def __init__(self, host: Host) -> None:
        self.id = new_id()
        self.outbox = Outbox(host.loop)

    @abstractmethod
    def send(self, stream: str, content: bytes, *, end: bool) -> None:
        """Take input; WsmanFault for a stream there is not."""

    @abstractmethod
    def interrupt(self) -> None:
        """Ctrl-C: end what runs; its last output stays receivable."""

    def terminate(self) -> None:
        """The client needs no more of it."""
        self.interrupt()
        self.outbox.finish(1)


class Shell(ABC):
    """One shell: a host process on the machine, and commands in it."""

    HOST = ""  # the command line of the host process
    INPUT: tuple[str, ...] = ()
    OUTPUT: tuple[str, ...] = ()

    def __init__(self, host: Host, user: User, resource: str, client: str) -> None:
        self.id = new_id()
        self.host = host
        self.user = user
        self.resource = resource
        self.client = client
        self.outbox = Outbox(host.loop)
        self.commands: dict[str, Command] = {}
        self.process = host.machine.processes.spawn(self.HOST, None, owner=user.qualified)
        self.born = self.used = host.machine.clock.monotonic()
        self.busy = 0  # requests under way
        self.closed = False
        self.died = False  # the host process ran over its memory

    @abstractmethod
    def start(self, command: ET.Element, options: dict[str, str]) -> Command:
        """Start a command from rsp:CommandLine; WsmanFault when it cannot be read."""

    @abstractmethod
    def send(self, stream: str, content: bytes) -> None:
        """Input for the shell itself, not for a command."""

    def check_quota(self) -> None:
        """WsmanFault when one more command would be too many, or the host process is gone."""
        if self.died:
            raise faults.provider_died()
        limit = self.host.quotas.processes_per_shell
        if len(self.commands) >= limit:
            raise faults.too_many_commands(limit)

    def box(self, command_id: str | None) -> Outbox:
        """The outbox of a command or of the shell; WsmanFault when there is none."""
        return self.outbox if command_id is None else self.find(command_id).outbox

    def find(self, command_id: str) -> Command:
        """The command; WsmanFault when the shell does not know it."""
        found = self.commands.get(command_id.upper())
        if found is None:
            raise faults.no_command()
        return found

    def waiting_bytes(self) -> int:
        """Output nobody has received yet."""
        return self.outbox.bytes + sum(command.outbox.bytes for command in list(self.commands.values()))

    def check_memory(self) -> None:
        """Called by writers: over MaxMemoryPerShellMB the host process dies with its children. domain 6.1"""
        if not self.died and self.waiting_bytes() > self.host.quotas.shell_bytes:
            self.died = True
            self.host.machine.processes.kill_tree(self.process)
            for command in list(self.commands.values()):
                command.interrupt()
                command.outbox.finish(1)

    def close(self) -> None:
        """End the host process, its children and every command."""
        if self.closed:
            return
        self.closed = True
        for command in list(self.commands.values()):
            command.terminate()
        self.host.machine.processes.kill_tree(self.process)
        self.outbox.finish(0)
