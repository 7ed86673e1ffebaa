"""One HTTP request and one response as values, and how they come off and go on the wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

# http.sys on Server 2003: MaxRequestBytes 16,384 for the request line and headers together (KB820129).
MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 4 * 1024 * 1024
_TERMINATOR = b"\r\n\r\n"
# 440 is Exchange's own, of its cookie filter.
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {440: "Login Timeout"}


class BadRequest(Exception):  # noqa: N818 - the name of the status it becomes
    """The bytes are no request http.sys would pass on; `status` and `page` are its own answer."""

    def __init__(self, status: int, page: str) -> None:
        super().__init__(page)
        self.status = status
        self.page = page


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for; `path` is decoded and has no query."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        """The first header of this name, without regard to case; empty when absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def host(self) -> str:
        """The Host header without its port, lower case."""
        return self.header("Host").rpartition("]")[2].partition(":")[0].lower()

    @property
    def keeps_alive(self) -> bool:
        """True when the client wants to send more on this connection."""
        wish = self.header("Connection").lower()
        return "keep-alive" in wish if self.version == "HTTP/1.0" else "close" not in wish


@dataclass(slots=True)
class Response:
    """What goes back; `substatus` and `win32` show only in the W3SVC log, `kernel` answers come from http.sys."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    substatus: int = 0
    win32: int = 0
    close: bool = False
    kernel: bool = False

    def header(self, name: str) -> str:
        """The first header of this name, without regard to case; empty when absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def head(self) -> bytes:
        """Status line and headers, with the empty line that ends them."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, '')}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if self.close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request, or None when the client is done; raises BadRequest."""
    try:
        head = await reader.readuntil(_TERMINATOR)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(400, "Bad Request (Request Header Too Long)") from error
    request = parse_head(head)
    if request.header("Expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(request, reader)
    return Request(request.method, request.path, request.query, request.headers, body, request.version)


def parse_head(head: bytes) -> Request:
    """The request line and headers; raises BadRequest as http.sys words it."""
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400, "Bad Request (Invalid Verb)" if len(words) < 2 else "Bad Request (Invalid URL)")
    headers = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400, "Bad Request (Invalid Header Name)")
        headers.append((name, value.strip()))
    path, _, query = _target(words[1]).partition("?")
    return Request(words[0], unquote(path), query, tuple(headers), b"", words[2])


def _target(target: str) -> str:
    if target.lower().startswith("http://"):
        return "/" + target[7:].partition("/")[2]
    if target != "*" and not target.startswith("/"):
        raise BadRequest(400, "Bad Request (Invalid URL)")
    return target


async def _read_body(request: Request, reader: asyncio.StreamReader) -> bytes:
    if "chunked" in request.header("Transfer-Encoding").lower():
        return await _read_chunks(reader)
    length = request.header("Content-Length") or "0"
    if not length.isdigit():
        raise BadRequest(400, "Bad Request (Invalid Content Length)")
    if int(length) > MAX_BODY_BYTES:
        raise BadRequest(413, "Request Entity Too Large")
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := _chunk_size(await _line(reader)):
        if len(body) + size > MAX_BODY_BYTES:
            raise BadRequest(413, "Request Entity Too Large")
        body += await reader.readexactly(size)
        await _line(reader)
    while await _line(reader):
        pass
    return bytes(body)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError as error:
        raise BadRequest(400, "Bad Request") from error


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise BadRequest(400, "Bad Request") from error
