"""Owns one message and its answer on a connection that stands: HTTP as plainly as WinRM speaks it.

requests, urllib3 and http.client each make objects of every message, which together cost more than sealing and reading
it. Over https they connect, check the certificate and log on; what follows, and all of it over http, is one POST after
the other on the same connection. Errors are those of the socket, and `Lost` where nothing was sent.
"""

from __future__ import annotations

import re
import select
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from socket import MSG_PEEK
from ssl import SSLSocket
from typing import Any

from agent.transport.wire import GRACE, Line, Lost, Oversized, Timely

_LONGEST_LINE = 16 * 1024
_MOST_HEADERS = 100
_PIECE = 65536
_BODILESS = (204, 304)  # RFC 9110 15.3.5 and 15.4.5: they end with their headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of headers are lower-case, and a header that came twice has both values."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def content_type(self) -> str:
        """The header of this name, or nothing."""
        return self.headers.get("content-type", "")


def exchange(line: Line, head: bytes, body: bytes) -> Answer:
    """Send one request, whose `head` ends with an empty line, and read its answer whole, within the line's limits."""
    socket = _open(line)
    remaining = line.remaining
    socket.settimeout(min(line.waits.read, remaining + GRACE))
    line.sent += 1
    socket.sendall(head + body)
    flow = Timely(line, socket)
    with BufferedReader(flow) as reader:
        status, headers = _head(reader)
        content = b"".join(_within(line, _body(reader, headers))) if status not in _BODILESS else b""
        flow.is_over = True
        says_more = bool(reader.peek(1))  # an answer to what nobody has asked yet
    is_endless = status not in _BODILESS and _ends_with_connection(headers)
    if says_more or headers.get("connection", "").lower() == "close" or is_endless:
        line.connection.close()
    return Answer(status, headers, content)


def _open(line: Line) -> Any:
    """The socket; Lost where the server has closed it, or sent what nobody asked for."""
    socket = getattr(line.connection, "sock", None)
    if socket is None:
        raise Lost("the server had closed the connection")
    if _is_readable(socket):
        raise Lost("the server spoke unasked" if _speaks(socket) else "the server had closed the connection")
    return socket


def _is_readable(socket: Any) -> bool:
    if isinstance(socket, SSLSocket) and socket.pending():
        return True  # read from the network, and not by us yet
    if hasattr(select, "poll"):  # select takes no descriptor above 1023, and Windows has no poll
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([socket], [], [], 0)[0])


def _speaks(socket: Any) -> bool:
    """Whether what can be read is more than the end. (Over TLS nobody can look without taking it.)"""
    try:
        return bool(socket.recv(1, MSG_PEEK))
    except (OSError, ValueError):
        return False


def _head(reader: BufferedReader[Any]) -> tuple[int, dict[str, str]]:
    """The status and the headers; an interim answer (RFC 9110 15.2) is passed over."""
    while True:
        words = _line(reader).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise ConnectionError("the answer is no HTTP")
        headers: dict[str, str] = {}
        for name, value in _fields(reader):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value  # RFC 9110 5.3
        if int(words[1]) >= 200:
            return int(words[1]), headers


def _fields(reader: BufferedReader[Any]) -> Iterator[tuple[str, str]]:
    for _ in range(_MOST_HEADERS):
        if not (field := _line(reader)):
            return
        name, colon, value = field.decode("iso-8859-1").partition(":")
        if not colon:
            break
        yield name.strip().lower(), value.strip()
    raise ConnectionError("the answer's headers make no sense")


def _line(reader: BufferedReader[Any]) -> bytes:
    found = reader.readline(_LONGEST_LINE)
    if not found.endswith(b"\n"):
        raise ConnectionResetError("the connection was closed instead of an answer")
    return found.rstrip(b"\r\n")


def _body(reader: BufferedReader[Any], headers: Mapping[str, str]) -> Iterator[bytes]:
    """The body in pieces (RFC 9112 6.3)."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        while size := _size(_line(reader).partition(b";")[0].rstrip(), 16):
            yield from _exactly(reader, size)
            if _line(reader):
                raise ConnectionError("a piece of the answer is longer than it says")
        while _line(reader):
            pass
    elif _ends_with_connection(headers):
        while piece := reader.read1(_PIECE):
            yield piece
    else:
        yield from _exactly(reader, _size(headers["content-length"].encode("ascii"), 10))


_SIZES = {10: re.compile(rb"[0-9]{1,15}"), 16: re.compile(rb"[0-9A-Fa-f]{1,15}")}


def _size(digits: bytes, base: int) -> int:
    """ValueError for what is no size, though Python would take it for a number."""
    if not _SIZES[base].fullmatch(digits):
        raise ValueError(f"an answer cannot have a size of {digits[:20]!r}")
    return int(digits, base)


def _exactly(reader: BufferedReader[Any], size: int) -> Iterator[bytes]:
    while size > 0:
        piece = reader.read1(min(size, _PIECE))
        if not piece:
            raise ConnectionResetError("the connection was closed in the middle of an answer")
        size -= len(piece)
        yield piece


def _ends_with_connection(headers: Mapping[str, str]) -> bool:
    return "content-length" not in headers and "transfer-encoding" not in headers


def _within(line: Line, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, as long as they are few enough."""
    size = 0
    for piece in pieces:
        size += len(piece)
        line.received += len(piece)
        if size > line.largest or line.received > line.most_bytes:
            raise Oversized(f"the answer is larger than {min(size, line.most_bytes):,} bytes")
        yield piece
