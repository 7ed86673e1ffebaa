"""What the web servers of all machines share: ports that follow the service, the log, the headers of every answer."""

from __future__ import annotations

import asyncio
import ntpath
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from email.utils import format_datetime

from agent.lab.logon import Secrets
from agent.lab.web.faults import WebFaults
from agent.lab.web.listener import Connection, Listener
from agent.lab.web.logon import ConnectionLogon
from agent.lab.web.message import Request, Response
from agent.lab.web.w3svclog import LogLine, W3svcLog
from agent.lab.world.machine import Machine

Ports = dict[int, bool]
"""World ports to be open, and whether each speaks TLS."""


class WebServer(ABC):
    """The HTTP side of one machine. `start` and `stop` are called in the loop that serves it."""

    server_header = "Microsoft-IIS/6.0"

    def __init__(self, machine: Machine, secrets: Secrets, *, faults: WebFaults | None = None) -> None:
        self.machine = machine
        self.clock = machine.clock
        self.secrets = secrets
        self.faults = faults or WebFaults()
        self.log = W3svcLog(machine.files, self.server_header.rpartition("/")[2])
        self._listeners: dict[int, Listener] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host = "127.0.0.1"
        machine.on_change(self._changed)

    # --- what a kind of server adds ----------------------------------------------------------------------------

    @abstractmethod
    def ports(self) -> Ports:
        """The ports that should accept connections while the service runs."""

    @abstractmethod
    def all_ports(self) -> Ports:
        """The ports this server has at all, so that each keeps its real number while closed."""

    @abstractmethod
    async def answer(self, request: Request, connection: Connection) -> Response:
        """The response to a request."""

    def tls(self) -> Callable[[], ssl.SSLContext] | None:
        """Where TLS contexts come from; None where the server has no certificate."""
        return None

    # --- up and down -------------------------------------------------------------------------------------------

    async def serve(self, host: str, fixed: dict[int, int]) -> None:
        """Reserve the ports (`fixed`: world port to real port), publish them, open those that should be."""
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._reserve(fixed)
        self.refresh()

    async def stop(self) -> None:
        """Close everything and give the ports back."""
        self._loop = None
        for port, listener in self._listeners.items():
            for name in (self.machine.fqdn, self.machine.name):
                self.machine.network.withdraw(name, port)
            await listener.release()
        self._listeners.clear()

    def endpoint(self, port: int) -> tuple[str, int]:
        """The real address of a world port; KeyError for one this server does not have."""
        return self._listeners[port].endpoint

    @property
    def open_ports(self) -> set[int]:
        """The world ports that accept connections now."""
        return {port for port, listener in self._listeners.items() if listener.is_open}

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return sum(listener.connections for listener in self._listeners.values())

    def refresh(self) -> None:
        """Bring the listening sockets in line with the machine; in the loop's thread."""
        if self._loop is None:
            return
        self._reserve({})
        wanted = self.ports() if self.is_up else {}
        for port, listener in self._listeners.items():
            if port in wanted:
                listener.open()
            else:
                listener.close()

    @property
    def is_up(self) -> bool:
        """True while the machine is on and its W3SVC runs."""
        return self.machine.online and self.machine.services.get("W3SVC").is_running

    def _reserve(self, fixed: dict[int, int]) -> None:
        for port, secure in self.all_ports().items():
            tls = self.tls() if secure else None
            if port in self._listeners or (secure and tls is None):
                continue
            listener = Listener(self, port, host=self._host, real_port=fixed.get(port, 0), tls=tls)
            self._listeners[port] = listener
            for name in (self.machine.fqdn, self.machine.name):
                self.machine.network.publish(name, port, listener.endpoint)

    def _changed(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.refresh)

    # --- every request -----------------------------------------------------------------------------------------

    @property
    def culture(self) -> str:
        """The language of the error pages."""
        return self.faults.language or self.machine.os.culture

    def connection(self, port: int, secure: bool, source_port: int) -> Connection:
        """A fresh connection, from the address of the machine that made it where that is known."""
        network, real = self.machine.network, self.endpoint(port)[1]
        logon = ConnectionLogon(self.secrets, self._count_logon)
        return Connection(lambda: network.origin_of(source_port, real) or "127.0.0.1", port, secure, logon)

    def closed(self, port: int, source_port: int) -> None:
        """The connection is over: its real ports may soon be another's."""
        self.machine.network.forget_origin(source_port, self.endpoint(port)[1])

    def finish(self, response: Response) -> None:
        """Add length, server and date."""
        if not response.header("Content-Length"):
            response.headers.insert(0, ("Content-Length", str(len(response.body))))
        if not response.kernel:
            response.headers += [("Server", self.server_header), ("X-Powered-By", "ASP.NET")]
        response.headers.append(("Date", format_datetime(self.clock.now(), usegmt=True)))

    def note(self, request: Request, connection: Connection, site: int, folder: str, response: Response) -> None:
        """Count the request and write it to the W3SVC log, before the client can have seen the answer."""
        self.machine.counters.count("requests_served")
        line = LogLine(
            self.clock.now(),
            site,
            self.machine.address,
            request.method,
            request.path,
            request.query,
            connection.port,
            connection.visitor.name,
            connection.address,
            request.header("User-Agent"),
            response.status,
            response.substatus,
            response.win32,
        )
        windows = self.machine.os.windows_directory
        self.log.write(ntpath.normpath(folder.replace("%windir%", windows)), line)

    def _count_logon(self, granted: bool) -> None:
        self.machine.counters.logon(granted=granted)
