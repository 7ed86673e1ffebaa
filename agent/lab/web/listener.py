"""One port of one machine: accepts connections while told to, and runs the HTTP conversation on each."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from agent.lab.clock import Clock
from agent.lab.port import LoopbackPort
from agent.lab.web.delivery import BLOCK, deliver
from agent.lab.web.faults import WebFaults
from agent.lab.web.logon import Visitor
from agent.lab.web.message import MAX_HEADER_BYTES, BadRequest, Request, Response, read_request
from agent.lab.web.pages import kernel_page

IDLE_SECONDS = 120.0  # IIS 6 default ConnectionTimeout
MAX_CONNECTIONS = 512  # of one port; one more is closed at once
_HANDSHAKE_SECONDS = 10.0


class Connection:
    """What the server knows of one client connection: where from, over what, who."""

    __slots__ = ("_origin", "port", "secure", "visitor")

    def __init__(self, origin: Callable[[], str], port: int, secure: bool, visitor: Visitor) -> None:
        """`origin` tells the address; it is asked with the first request, when the client has had time to say."""
        self._origin = origin
        self.port = port
        self.secure = secure
        self.visitor = visitor

    @property
    def address(self) -> str:
        """Where the client is, as the log and IPSecurity see it."""
        return self._origin()


class Application(Protocol):
    """What answers behind a port."""

    clock: Clock
    faults: WebFaults

    def connection(self, port: int, secure: bool, source_port: int) -> Connection:
        """A fresh state for a connection that has just come in."""

    def closed(self, port: int, source_port: int) -> None:
        """The connection is over."""

    async def answer(self, request: Request, connection: Connection) -> Response:
        """The response, complete but for its length and date."""

    def finish(self, response: Response) -> None:
        """Add the headers every answer carries."""


class Listener:
    """A world port on a real one; `open` and `close` follow the service, `release` ends it."""

    def __init__(
        self,
        application: Application,
        port: int,
        *,
        host: str = "127.0.0.1",
        real_port: int = 0,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self.port = port
        self._application = application
        self._tls = tls
        self._held = LoopbackPort(host, real_port)
        self._accepting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> tuple[str, int]:
        """The real address that stands for this port."""
        return self._held.host, self._held.number

    @property
    def is_open(self) -> bool:
        """True while connections are to be accepted."""
        return self._accepting is not None

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._open)

    def open(self) -> None:
        """Accept connections."""
        if self._accepting is None:
            before, self._closing = self._closing, None
            self._accepting = asyncio.get_running_loop().create_task(self._accept(before))

    def close(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._closing, self._accepting = self._accepting, None
        self.cut()

    def cut(self) -> None:
        """Break every connection there is."""
        for task in self._open:
            task.cancel()

    async def release(self) -> None:
        """Close, wait for the last conversation and give the port back."""
        self.close()
        ending = [*self._open, *([self._closing] if self._closing else [])]
        if ending:
            await asyncio.wait(ending)
        self._held.release()

    async def _accept(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        listening = self._held.listen()
        try:
            while True:
                await self._accept_one(listening)
        finally:
            # Here, and not in close(): by now the loop has stopped watching the descriptor.
            self._held.refuse()

    async def _accept_one(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            client, address = await loop.sock_accept(listening)
        except OSError:
            # The client was gone again, or the process is out of descriptors: give others time to finish.
            await asyncio.sleep(0.05)
            return
        if len(self._open) >= MAX_CONNECTIONS:
            client.close()
            return
        task = loop.create_task(self._converse(client, address[1]))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _converse(self, client: socket.socket, source_port: int) -> None:
        try:
            with suppress(OSError, EOFError, TimeoutError):
                await self._talk(client, source_port)
        finally:
            self._application.closed(self.port, source_port)

    async def _talk(self, client: socket.socket, source_port: int) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await self._streams(client)
        connection = self._application.connection(self.port, self._tls is not None, source_port)
        try:
            while self._application.faults.silent and await reader.read(BLOCK):
                pass
            while await self._exchange(reader, writer, connection):
                pass
            writer.close()
        except BaseException:
            writer.transport.abort()
            raise

    async def _streams(self, client: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(MAX_HEADER_BYTES, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        context = self._tls() if self._tls else None
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, client, ssl=context, ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> bool:
        """One request and its answer; False when the conversation is over."""
        request: Request | None = None
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                request = await read_request(reader, writer)
            if request is None:
                return False
            response = await self._application.answer(request, connection)
        except BadRequest as refused:
            response = kernel_page(refused.status, refused.page)
        response.close = response.close or request is None or not request.keeps_alive
        self._application.finish(response)
        faults = self._application.faults
        await deliver(response, request is None or request.method != "HEAD", writer, faults, self._application.clock)
        return not response.close
