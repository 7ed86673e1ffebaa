"""Owns the asking: one unauthenticated OPTIONS over plain HTTP on a bare socket, bounded in bytes and in time.

No library stands between: it would follow redirects, use the environment's proxies, or wait for as long as each byte
comes in time.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

from agent.probe.answer import PATH, Answer, Trouble

MOST_HEAD = 32 * 1024  # bytes of status line and headers
MOST_BODY = 64 * 1024  # bytes of body that are looked at
_PIECE = 8192
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r?\n|$)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)

Headers = list[tuple[str, str]]


class _NoHttp(Exception):  # noqa: N818 - a fact, which becomes a Trouble
    """What came is no answer in HTTP."""


class _Overdue(TimeoutError):  # noqa: N818 - as above
    """The time is over, though bytes may still come."""


def ask(
    address: str,
    port: int,
    host: str,
    monotonic: Callable[[], float],
    *,
    seconds: float = 15.0,
    path: str = PATH,
) -> Answer:
    """Ask the server at this address, by the name `host`, and wait no longer than so many seconds for all of it."""
    request = _request(host, port, path)
    started = monotonic()
    try:
        with socket.create_connection((address, port), timeout=seconds) as connection:
            line = _Line(connection, monotonic, started + seconds)
            line.send(request)
            answer = _read(line)
    except (OSError, _NoHttp) as error:
        answer = _trouble(error)
    return replace(answer, latency_ms=round((monotonic() - started) * 1000, 1))


def _request(host: str, port: int, path: str) -> bytes:
    if re.search(r"[\s\x00-\x1f\x7f]", host + path):
        raise ValueError(f"{host!r} and {path!r} do not make a request")
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    lines = (
        f"OPTIONS {path} HTTP/1.1",
        f"Host: {name}" if port == 80 else f"Host: {name}:{port}",
        "User-Agent: easfix",
        "Content-Length: 0",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _trouble(error: Exception) -> Answer:
    kind = Trouble.BROKEN_OFF
    match error:
        case socket.gaierror():
            kind = Trouble.NAME
        case TimeoutError():
            kind = Trouble.TIMED_OUT
        case ConnectionRefusedError():
            kind = Trouble.REFUSED
        case _NoHttp():
            kind = Trouble.NO_HTTP
    return Answer(trouble=kind, message=str(error))


class _Line:
    """A socket that never waits past the deadline."""

    def __init__(self, connection: socket.socket, monotonic: Callable[[], float], deadline: float) -> None:
        self._connection = connection
        self._monotonic = monotonic
        self._deadline = deadline

    def send(self, text: bytes) -> None:
        self._wait()
        self._connection.sendall(text)

    def pieces(self) -> Iterator[bytes]:
        """What comes, as it comes."""
        while True:
            self._wait()
            piece = self._connection.recv(_PIECE)
            if not piece:
                return
            yield piece

    def _wait(self) -> None:
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise _Overdue("the answer did not end within the time")
        self._connection.settimeout(left)


def _read(line: _Line) -> Answer:
    pieces = line.pieces()
    status, headers, rest = _head(pieces)
    named = dict(reversed(headers))  # the first of its name counts
    return Answer(
        status=status,
        authenticate=tuple(value for name, value in headers if name == "www-authenticate"),
        location=named.get("location", ""),
        server=named.get("server", ""),
        body=_text(_body(pieces, rest, named), named.get("content-type", "")),
    )


def _head(pieces: Iterator[bytes]) -> tuple[int, Headers, bytes]:
    """Status, headers with lower-case names, and what came behind them; interim answers are passed over."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            status, headers = _parse(buffer[:end])
            buffer = buffer[end + 4 :]
            if status >= 200:
                return status, headers, buffer
        if not b"HTTP/1.".startswith(buffer[:7]):
            raise _NoHttp(f"it answered {buffer[:60]!r}")
        if len(buffer) > MOST_HEAD:
            raise _NoHttp(f"more than {MOST_HEAD} bytes of headers")
    if buffer:
        raise _NoHttp(f"the headers do not end: {buffer[:60]!r}")
    raise ConnectionResetError("the connection was closed without an answer")


def _parse(head: bytes) -> tuple[int, Headers]:
    first, *lines = head.split(b"\r\n")
    match = _STATUS.match(first + b"\r\n")
    if not match:
        raise _NoHttp(f"it answered {first[:60]!r}")
    split = (line.decode("latin-1").partition(":") for line in lines)
    return int(match[1]), [(name.strip().lower(), value.strip()) for name, colon, value in split if colon]


def _body(pieces: Iterator[bytes], rest: bytes, named: dict[str, str]) -> bytes:
    """The beginning of the body. However it ends, the status has been understood: a broken body is a short one."""
    length = named.get("content-length", "")
    wanted = min(int(length), MOST_BODY) if length.isascii() and length.isdigit() and len(length) < 16 else MOST_BODY
    try:
        while len(rest) < wanted:
            rest += next(pieces)
    except (OSError, StopIteration):
        pass
    body = rest[:wanted]
    return _unchunked(body) if "chunked" in named.get("transfer-encoding", "").lower() else body


def _unchunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if length <= 0:
            break
        found += body[:length]
        body = body[length + 2 :]
    return found


def _text(body: bytes, content_type: str) -> str:
    declared = _CHARSET.search(content_type) or _CHARSET.search(body[:2048].decode("latin-1"))
    for charset in (declared[1] if declared else "utf-8", "utf-8"):
        try:
            return body.decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("cp1252", "replace")
