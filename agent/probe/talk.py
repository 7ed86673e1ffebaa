"""Owns the talk: questions and answers in HTTP by turns over one connection, bounded in bytes and in time.

No library stands between: it would follow redirects, use the environment's proxies, or wait for as long as each byte
comes in time.
"""

from __future__ import annotations

import codecs
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from agent.printable import harmless, printable
from agent.probe.answer import Answer, Trouble
from agent.probe.connecting import Deadline, Place, connect

MOST_HEAD = 32 * 1024  # bytes of status line and headers
MOST_BODY = 64 * 1024  # bytes of body that are looked at
USER_AGENT = "easfix"
_PIECE = 8192
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |\r?\n|$)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
_CODECS = re.compile(r"utf-(?:8|16.*)|cp\d+|iso8859-\d+|iso2022_jp|shift_jis|gb.+|big5|euc_.+|koi8-r|ascii|tis-620")
"""The character sets that pages come in, as Python names them; it also has some that run code over what they read."""

_UNFIT = re.compile(r"[\x00-\x1f\x7f]")


class NoHttp(Exception):  # noqa: N818 - a fact, which becomes a Trouble
    """What came is no answer in HTTP."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request; `headers` beside Host and Content-Length, which the talk adds."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = (("User-Agent", USER_AGENT),)
    body: bytes = b""

    def having(self, *headers: tuple[str, str]) -> Question:
        """The same question with further headers."""
        return replace(self, headers=(*self.headers, *headers))


class Talk:
    """One talk with one place. It connects with the first question, and anew after an answer that closed it."""

    def __init__(self, place: Place, monotonic: Callable[[], float], seconds: float) -> None:
        self._place = place
        self._monotonic = monotonic
        self._deadline = Deadline(monotonic, seconds)
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """The next question will use the connection of the last one."""
        return self._socket is not None

    def put(self, question: Question) -> Answer:
        """The answer, or the trouble in its place; no later than the deadline of the whole talk."""
        started = self._monotonic()
        sent = 0
        flow = _Flow(self._deadline)
        try:
            request = packed(question, self._place)
            self._socket = self._socket or connect(self._place, self._deadline)
            self._socket.settimeout(self._deadline.left)
            self._socket.sendall(request)
            sent = len(request)
            answer, is_reusable = _read(flow.pieces(self._socket), question.method)
        except (OSError, NoHttp) as error:
            answer, is_reusable = _trouble(error), False
        if not is_reusable:
            self.close()
        took = round((self._monotonic() - started) * 1000, 1)
        return replace(answer, latency_ms=took, received=flow.received, is_sent=sent > 0)

    def close(self) -> None:
        """Drop the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def packed(question: Question, place: Place) -> bytes:
    """The request as it travels; ValueError for a name or a header that would make another one of it."""
    if re.search(r"[\s\x00-\x1f\x7f]", question.method + place.host + question.path):
        raise ValueError(f"{place.host!r} and {question.path!r} do not make a request")
    if any(_UNFIT.search(name + value) for name, value in question.headers):
        raise ValueError("a header holds a control character")
    name = place.host if place.host.isascii() else place.host.encode("idna").decode("ascii")
    usual = 80 if place.trust is None else 443
    lines = (
        f"{question.method} {question.path} HTTP/1.1",
        f"Host: {name}" if place.port == usual else f"Host: {name}:{place.port}",
        *(f"{name}: {value}" for name, value in question.headers),
        f"Content-Length: {len(question.body)}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1", "replace") + question.body


class _Flow:
    """What comes over a socket, as it comes, and never after the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.received = 0

    def pieces(self, connection: socket.socket) -> Iterator[bytes]:
        while True:
            connection.settimeout(self._deadline.left)
            piece = connection.recv(_PIECE)
            if not piece:
                return
            self.received += len(piece)
            yield piece


def _trouble(error: Exception) -> Answer:
    kind = Trouble.BROKEN_OFF
    match error:
        case socket.gaierror():
            kind = Trouble.NAME
        case ssl.SSLCertVerificationError():
            return Answer(trouble=Trouble.CERTIFICATE, message=error.verify_message)
        case TimeoutError():
            kind = Trouble.TIMED_OUT
        case ssl.SSLError():
            kind = Trouble.TLS
        case ConnectionRefusedError():
            kind = Trouble.REFUSED
        case NoHttp():
            kind = Trouble.NO_HTTP
    return Answer(trouble=kind, message=printable(str(error)))


def _read(pieces: Iterator[bytes], method: str) -> tuple[Answer, bool]:
    """The answer, and whether the connection may be used for another question."""
    status, is_kept, headers, rest = _head(pieces)
    named = dict(reversed(headers))  # the first of its name counts
    has_body = method != "HEAD" and status not in (204, 304)
    content, is_whole, is_cut = _body(pieces, rest, named) if has_body else (b"", True, False)
    says = named.get("connection", "").lower()
    answer = Answer(
        status=status,
        authenticate=tuple(value for name, value in headers if name == "www-authenticate"),
        location=named.get("location", ""),
        server=named.get("server", ""),
        body=_text(content, named.get("content-type", "")),
        headers=tuple(headers),
        content=content,
        is_cut=is_cut,
    )
    return answer, is_whole and "close" not in says and (is_kept or "keep-alive" in says)


def _head(pieces: Iterator[bytes]) -> tuple[int, bool, list[tuple[str, str]], bytes]:
    """Status, HTTP/1.1, headers with lower-case names, and what came behind; interim answers are passed over."""
    buffer, seen = b"", 0  # interim answers count too: somebody may send nothing else
    for piece in pieces:
        buffer += piece
        seen += len(piece)
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            status, is_kept, headers = _parse(buffer[:end])
            buffer = buffer[end + 4 :]
            if status >= 200:
                return status, is_kept, headers, buffer
        if not b"HTTP/1.".startswith(buffer[:7]):
            raise NoHttp(f"it answered {buffer[:60]!r}")
        if seen > MOST_HEAD:
            raise NoHttp(f"more than {MOST_HEAD} bytes of headers")
    if buffer:
        raise NoHttp(f"the headers do not end: {buffer[:60]!r}")
    raise ConnectionResetError("the connection was closed without an answer")


def _parse(head: bytes) -> tuple[int, bool, list[tuple[str, str]]]:
    first, *lines = head.split(b"\r\n")
    match = _STATUS.match(first + b"\r\n")
    if not match:
        raise NoHttp(f"it answered {first[:60]!r}")
    split = (line.decode("latin-1").partition(":") for line in lines)
    return (
        int(match[2]),
        match[1] == b"1",
        [(name.strip().lower(), harmless(text.strip())) for name, colon, text in split if colon],
    )


def _body(pieces: Iterator[bytes], rest: bytes, named: dict[str, str]) -> tuple[bytes, bool, bool]:
    """The beginning of the body, whether it is all of it, and whether it was too long to be read on.

    However it ends, the status has been understood: a broken body is a short one.
    """
    length = named.get("content-length", "")
    is_chunked = "chunked" in named.get("transfer-encoding", "").lower()
    is_told = length.isascii() and length.isdigit() and len(length) < 16 and not is_chunked
    wanted = min(int(length), MOST_BODY) if is_told else MOST_BODY
    try:
        while len(rest) < wanted and not (is_chunked and _is_last(rest)):
            rest += next(pieces)
    except (OSError, StopIteration):
        pass
    body = rest[:wanted]
    is_whole = (is_told and len(body) == int(length)) or (is_chunked and _is_last(rest))
    is_cut = not is_whole and len(rest) >= MOST_BODY
    return (_unchunked(body) if is_chunked else body), is_whole, is_cut


def _is_last(body: bytes) -> bool:
    """Chunks end with one of no length; trailers, which nobody sends here, would be the start of the next answer."""
    return body.endswith(b"0\r\n\r\n") and (len(body) == 5 or body[-7:-5] == b"\r\n")


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
            found = codecs.lookup(charset)
            if _CODECS.fullmatch(found.name):
                return harmless(found.decode(body)[0])
        except (LookupError, UnicodeError):
            continue
    return harmless(body.decode("cp1252", "replace"))
