"""Owns the listeners of one machine's WinRM service: up while the machine and the service are."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from agent.lab.port import LoopbackPort
from agent.lab.powershell.bindings import wsman
from agent.lab.powershell.bindings.shell.program import install as install_powershell
from agent.lab.powershell.engine import Engine
from agent.lab.winrm.cmd.program import cmd
from agent.lab.winrm.config import winrs
from agent.lab.winrm.connection import Connection
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.outbox import on_loop
from agent.lab.winrm.quotas import Quotas
from agent.lab.winrm.service import Service
from agent.lab.winrm.shell import Host, NewEngine

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

_BACKLOG = 128


class _Listener:
    """One port, HTTP or HTTPS."""

    def __init__(self, port: LoopbackPort, context: ssl.SSLContext | None) -> None:
        self.port = port
        self.context = context
        self.server: asyncio.Server | None = None


class WinrmServer:
    """The WinRM 2.0 service of one machine on loopback; `start` and `stop` run on the event loop."""

    def __init__(
        self,
        machine: Machine,
        authority: Authority,
        *,
        quotas: Quotas | None = None,
        faults: WireFaults | None = None,
        new_engine: NewEngine = Engine,
    ) -> None:
        """`authority` is shared by the fleet; `faults` may be changed while running."""
        self._new_engine = new_engine
        install_powershell(machine)
        machine.programs.setdefault("cmd", cmd)
        self.machine = machine
        self.authority = authority
        self.quotas = quotas or Quotas()
        wsman.publish(machine, winrs(self.quotas))
        self.faults = faults or WireFaults()
        self._listeners: list[_Listener] = []
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._service: Service | None = None
        self._switching: asyncio.Task[None] | None = None
        self._boot = machine.os.last_boot
        self._stopped = False

    @property
    def service(self) -> Service:
        """The service behind the listeners; only once started."""
        assert self._service is not None
        return self._service

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for HTTP; the port."""
        if self._service is None:
            self._loop = asyncio.get_running_loop()
            around = Host(self.machine, self.authority, self.quotas, self._loop, self._new_engine)
            self._service = Service(around, self.faults)
            self.machine.on_change(self._poke)
            self.faults.on_change(self._poke)
        return await self._add(LoopbackPort(host, port), None)

    async def start_tls(self, context: ssl.SSLContext, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for HTTPS too, after `start`; the port. Which TLS versions: the context's matter. domain 6.2"""
        return await self._add(LoopbackPort(host, port), context)

    async def stop(self) -> None:
        """Close everything: listeners, connections, shells and what runs in them."""
        self._stopped = True
        if self._switching is not None:
            await self._switching
        for listener in self._listeners:
            self._close(listener)
            listener.port.release()
        self._abort()
        if self._service is not None:
            self._service.shells.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _add(self, port: LoopbackPort, context: ssl.SSLContext | None) -> int:
        self._listeners.append(_Listener(port, context))
        await self._switch()
        return port.number

    # --- up and down -------------------------------------------------------------------------------------------

    @property
    def _is_up(self) -> bool:
        """The machine runs and so does its WinRM service."""
        return self.machine.online and self.machine.services.get("WinRM").is_running

    def _poke(self) -> None:
        """Something changed, in any thread, with locks held: look again on the loop."""
        if self._loop is not None and not self._stopped:
            on_loop(self._loop, self._look)

    def _look(self) -> None:
        if self._boot != self.machine.os.last_boot:
            # Down and up again before anybody looked: what ran before is gone all the same.
            self._boot = self.machine.os.last_boot
            self._abort()
            self.service.shells.clear()
        if not self._stopped and (self._switching is None or self._switching.done()) and self._is_wrong():
            self._switching = asyncio.ensure_future(self._switch())

    def _is_wrong(self) -> bool:
        wanted = self._is_up and not self.faults.unreachable
        return any((listener.server is not None) != wanted for listener in self._listeners)

    async def _switch(self) -> None:
        while self._is_wrong():
            if self._is_up and not self.faults.unreachable:
                for listener in self._listeners:
                    await self._open(listener)
            else:
                for listener in self._listeners:
                    self._close(listener)
                self._abort()
        if not self._is_up:
            self.service.shells.clear()

    async def _open(self, listener: _Listener) -> None:
        if listener.server is None:
            # A copy: asyncio closes what it is given, and the port keeps its own.
            socket = listener.port.listen().dup()
            listener.server = await asyncio.start_server(
                self._serve, sock=socket, ssl=listener.context, limit=self.quotas.header_bytes, backlog=_BACKLOG
            )

    def _close(self, listener: _Listener) -> None:
        if listener.server is not None:
            listener.server.close()
            listener.server = None
            listener.port.refuse()

    def _abort(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    # --- connections -------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self.service, self.authority, self.faults, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(connection)
        self._tasks.add(task)
        try:
            await connection.run()
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        finally:
            self._connections.discard(connection)
            self._tasks.discard(task)
            writer.close()
