"""Owns HTTP/1.1 on an asyncio stream, as far as HTTP.sys and WinRM use it: keep-alive, limits, no chunks."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass, field
from email.utils import formatdate

from agent.lab.winrm.quotas import Quotas

SERVER = "Microsoft-HTTPAPI/1.0"  # HTTP.sys of Server 2003
# What a sealed envelope may be longer than a plain one: MIME lines, signature.
SEALING_BYTES = 4096

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "",  # WinRM sends an empty reason
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


class BadRequest(Exception):  # noqa: N818 - a verdict on the request, answered and then closed
    """The request cannot be read on; answer with `status` and close."""

    def __init__(self, status: int) -> None:
        super().__init__(REASONS[status])
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, empty when absent."""
        return self.headers.get(name.lower(), "")

    @property
    def closes(self) -> bool:
        """True when the client asked to close after the answer."""
        return self.header("connection").lower() == "close"


@dataclass(slots=True)
class HttpAnswer:
    """One answer; `body` is already sealed where it must be."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    close: bool = False
    cut: bool = False  # wire fault: send half of it, then reset

    def pack(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, '')}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Server: {SERVER}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Date: {_date(int(time.time()))}"] + ["Connection: close"] * self.close
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + self.body


@functools.lru_cache(maxsize=2)
def _date(second: int) -> str:
    """The date of an answer; many are given within one second."""
    return formatdate(second, usegmt=True)


async def read_request(reader: asyncio.StreamReader, quotas: Quotas) -> HttpRequest | None:
    """The next request, None at the end of the connection; BadRequest where a limit or the syntax is broken."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431) from None
    if len(head) > quotas.header_bytes:
        raise BadRequest(431)
    method, path, headers = _parse_head(head)
    try:
        body = await reader.readexactly(_body_length(method, headers, quotas))
    except asyncio.IncompleteReadError:
        return None
    return HttpRequest(method, path, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400)
        headers[name.lower()] = value.strip()
    if "host" not in headers:
        raise BadRequest(400)
    return words[0], words[1], headers


def _body_length(method: str, headers: dict[str, str], quotas: Quotas) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    text = headers.get("content-length", "")
    if not text:
        if method == "POST":
            raise BadRequest(411)
        return 0
    if not text.isascii() or not text.isdigit():
        raise BadRequest(400)
    if int(text) > quotas.envelope_bytes + SEALING_BYTES:
        # MaxEnvelopeSize: a client reports it as ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS 2150859025.
        raise BadRequest(413)
    return int(text)
