"""The hop of a Client Access server to an Exchange 2003 back-end: plain HTTP as the user, no redirects. domain 1"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from agent.lab.logon import Initiator
from agent.lab.web.message import BadRequest, Request, Response
from agent.lab.web.waiting import pause, within
from agent.lab.world.machine import Machine

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 8 * 1024 * 1024
_SSL_PAGE = re.compile(rb"\b403\.[45]\b")


class HopFailure(StrEnum):
    """Why there is no answer from the back-end."""

    TIMED_OUT = "timed out"
    NOT_RESOLVED = "name not resolved"
    REFUSED = "connection refused"
    NOT_TRUSTED = "certificate not trusted"
    NOT_LOGGED_ON = "logon refused"
    NO_NEGOTIATE = "Negotiate not offered"
    BROKEN = "answer broken"


class HopFailed(Exception):  # noqa: N818 - an outcome of a hop, which becomes an event
    """The hop came to nothing."""

    def __init__(self, failure: HopFailure, detail: str = "") -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail


@dataclass(frozen=True, slots=True)
class HopLimits:
    """Seconds of the machine's clock: for each stage, and for the headers of a Ping. domain 1.5"""

    stage_seconds: float = 120.0
    ping_seconds: float = 3600.0
    hangs_on_ssl: bool = True
    """The switch for domain 1.3 against 1.5: a 403.4 makes the hop hang until it times out, or is relayed at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """The back-end as the proxy addresses it; `trust` makes it https, checked against this context."""

    host: str
    trust: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        """80, or 443 for https."""
        return 443 if self.trust else 80


class Hop:
    """One proxied request over one connection, closed afterwards."""

    def __init__(self, machine: Machine, target: Target, limits: HopLimits) -> None:
        self._machine = machine
        self._target = target
        self._limits = limits

    async def send(self, request: Request, name: str, password: str) -> Response:
        """The back-end's answer to this request as this user; raises HopFailed."""
        try:
            async with within(self._machine.clock, self._limits.stage_seconds):
                reader, writer = await self._connect()
        except TimeoutError as error:
            raise HopFailed(HopFailure.TIMED_OUT, "connect") from error
        try:
            response = await self._log_on(request, Initiator(name, password), reader, writer)
        except TimeoutError as error:
            raise HopFailed(HopFailure.TIMED_OUT, "answer") from error
        except (OSError, EOFError, BadRequest, ValueError) as error:
            raise HopFailed(HopFailure.BROKEN, str(error)) from error
        finally:
            writer.transport.abort()
        if self._limits.hangs_on_ssl and is_ssl_page(response):
            await pause(self._machine.clock, self._limits.stage_seconds)
            raise HopFailed(HopFailure.TIMED_OUT, "SSL required")
        return response

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target.host, self._target.port
        network = self._machine.network
        if network.is_blocked(host, port):
            await pause(self._machine.clock, self._limits.stage_seconds)
            raise TimeoutError
        endpoint = self._machine.resolve(host, port)
        if endpoint is None:
            is_known = network.address_of(host) is not None
            raise HopFailed(HopFailure.REFUSED if is_known else HopFailure.NOT_RESOLVED, host)
        try:
            return await self._open(endpoint)
        except ssl.SSLCertVerificationError as error:
            raise HopFailed(HopFailure.NOT_TRUSTED, error.verify_message) from error
        except OSError as error:
            raise HopFailed(HopFailure.REFUSED, host) from error

    async def _open(self, endpoint: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, endpoint)
            self._machine.network.note_origin(made.getsockname()[1], endpoint[1], self._machine.address)
            trust = self._target.trust
            return await asyncio.open_connection(
                sock=made, limit=MAX_HEAD_BYTES, ssl=trust, server_hostname=self._target.host if trust else None
            )
        except BaseException:
            made.close()
            raise

    async def _log_on(
        self, request: Request, initiator: Initiator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Response:
        """First without credentials, then Negotiate; no other scheme is tried. domain 1.6, 1.7"""
        response = await self._exchange(request, "", reader, writer)
        token: bytes | None = None
        while response.status == 401:
            offer = _negotiate(response)
            if offer is None:
                failure = HopFailure.NOT_LOGGED_ON if token else HopFailure.NO_NEGOTIATE
                raise HopFailed(failure, ", ".join(_offers(response)))
            if token and not offer:
                raise HopFailed(HopFailure.NOT_LOGGED_ON, initiator.name)
            token = initiator.step(offer or None)
            if token is None:
                raise HopFailed(HopFailure.NOT_LOGGED_ON, initiator.name)
            header = f"Negotiate {base64.b64encode(token).decode()}"
            response = await self._exchange(request, header, reader, writer)
        return response

    async def _exchange(
        self, request: Request, authorization: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Response:
        is_ping = "cmd=ping" in request.query.lower()
        seconds = self._limits.ping_seconds if is_ping else self._limits.stage_seconds
        async with within(self._machine.clock, seconds):
            writer.write(_packed(request, authorization))
            await writer.drain()
            return await read_response(reader)


def is_ssl_page(response: Response) -> bool:
    """True for the 403.4 or 403.5 of any language: the number is in the text of the page. domain 2.9"""
    return response.status == 403 and _SSL_PAGE.search(response.body) is not None


async def read_response(reader: asyncio.StreamReader) -> Response:
    """The answer on a client's side, bounded; raises EOFError, OSError or ValueError."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise ValueError("headers too long") from error
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        raise ValueError("not HTTP")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    response = Response(int(status[:3]), headers)
    length = response.header("Content-Length")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise ValueError("no length, or too long")
    response.body = await reader.readexactly(int(length))
    return response


def _packed(request: Request, authorization: str) -> bytes:
    query = f"?{request.query}" if request.query else ""
    lines = [f"{request.method} {request.path}{query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    lines += [f"Content-Length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + request.body


def _offers(response: Response) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "www-authenticate"]


def _negotiate(response: Response) -> bytes | None:
    """The token beside Negotiate, empty for the bare offer, None where it is not offered."""
    for offer in _offers(response):
        scheme, _, token = offer.partition(" ")
        if scheme.lower() == "negotiate":
            with suppress(ValueError):
                return base64.b64decode(token, validate=True)
    return None
