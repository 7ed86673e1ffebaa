"""One message and its answer, as plainly as HTTP allows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from agent.lab.web.authority import LabAuthority
from agent.transport.exchange import Answer, exchange
from agent.transport.wire import Connection, Line, Lost, Overdue, Oversized

HEAD = b"POST /wsman HTTP/1.1\r\nContent-Length: 2\r\n\r\n"


@dataclass
class Ends:
    """A line, and the socket at its other end; the clock stands still."""

    line: Line
    server: socket.socket
    now: float = 0.0


@pytest.fixture
def ends() -> Iterator[Ends]:
    client, server = socket.socketpair()
    with client, server:
        made = Ends(Line(lambda: made.now), server)
        made.line.connection = SimpleNamespace(sock=client, close=client.close)
        made.line.begin(60)
        yield made


class Waiting(socket.socket):
    """Its answer is there as soon as the question has left: nothing is readable before."""

    answer: bytes
    other: socket.socket

    def sendall(self, data: object, flags: int = 0) -> None:
        self.other.sendall(self.answer)


def talk(ends: Ends, over: socket.socket) -> Answer:
    """One question over this socket."""
    ends.line.connection = SimpleNamespace(sock=over, close=over.close)
    with over:
        return exchange(ends.line, HEAD, b"hi")


def answered(ends: Ends, answer: bytes) -> Answer:
    waiting = Waiting(fileno=ends.line.connection.sock.detach())
    waiting.answer, waiting.other = answer, ends.server
    return talk(ends, waiting)


def ask(ends: Ends, answer: bytes) -> tuple[int, bytes]:
    found = answered(ends, answer)
    return found.status, found.content


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_an_answer_is_read_to_its_end_and_no_further(ends: Ends, answer: bytes, content: bytes) -> None:
    assert ask(ends, answer) == (200, content)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_ends_with_its_headers(ends: Ends, status: str) -> None:
    """The connection, and with it the logon, stands on."""
    found = answered(ends, f"HTTP/1.1 {status}\r\nServer: x\r\n\r\n".encode())

    assert (found.status, found.content) == (int(status[:3]), b"")


def test_a_header_that_came_twice_has_both_values(ends: Ends) -> None:
    """So does a server say which logons it takes."""
    offers = b"WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
    found = answered(ends, b"HTTP/1.1 401 \r\n" + offers + b"Content-Length: 0\r\n\r\n")

    assert found.headers["www-authenticate"] == "Negotiate, NTLM"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 20000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_breaks_the_connection(ends: Ends, answer: bytes) -> None:
    with pytest.raises(ConnectionError):
        ask(ends, answer)


def test_an_answer_that_is_cut_breaks_the_connection(ends: Ends) -> None:
    ends.server.settimeout(5)
    with pytest.raises(ConnectionError, match="middle"):
        _ask_and_close(ends, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")


def test_nothing_is_sent_over_a_connection_that_the_server_closed(ends: Ends) -> None:
    ends.server.close()
    with pytest.raises(Lost, match="had closed"):
        exchange(ends.line, HEAD, b"hi")

    assert ends.line.sent == 0


def test_nothing_is_sent_to_who_speaks_unasked(ends: Ends) -> None:
    """As a mail or SSH server at the wrong port does."""
    ends.server.sendall(b"220 mail.lab.example ready")
    with pytest.raises(Lost, match="unasked"):
        exchange(ends.line, HEAD, b"hi")

    assert ends.line.sent == 0


def test_what_comes_behind_an_answer_answers_nothing(ends: Ends) -> None:
    """It would be taken for the answer to what is asked next."""
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    waiting = Waiting(fileno=ends.line.connection.sock.detach())
    waiting.answer, waiting.other = one + one, ends.server
    connection = Connection(waiting)
    ends.line.connection = connection
    assert exchange(ends.line, HEAD, b"hi").content == b"x"
    with pytest.raises(Lost):
        exchange(ends.line, HEAD, b"hi")


def test_a_second_answer_in_one_tls_record_answers_nothing(ends: Ends) -> None:
    """OpenSSL has taken it off the network already, so nothing is there to be polled."""
    authority = LabAuthority()
    client = ends.line.connection.sock
    with ThreadPoolExecutor(1) as pool:
        accepting = pool.submit(authority.context("ex01").wrap_socket, ends.server, server_side=True)
        over = authority.client_context().wrap_socket(client, server_hostname="ex01")
        server = accepting.result(10)
    with over, server:
        server.sendall(b"one, two")
        assert over.recv(3) == b"one"
        assert over.pending() == 5
        ends.line.connection = Connection(over)
        with pytest.raises(Lost):
            exchange(ends.line, HEAD, b"hi")


def test_an_answer_has_its_limits(ends: Ends) -> None:
    ends.line.largest = 2
    with pytest.raises(Oversized):
        ask(ends, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n0123456789",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    ],
)
def test_what_is_no_size_is_refused(ends: Ends, answer: bytes) -> None:
    with pytest.raises(ValueError):
        ask(ends, answer)


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"More: to come\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
)
def test_an_answer_without_end_is_left_when_its_time_is_over(ends: Ends, begin: bytes, again: bytes) -> None:
    """More of it is there when the time is over, and it came a little at a time."""
    waiting = Dripping(fileno=ends.line.connection.sock.detach())
    waiting.pieces = [begin, *[again] * 80]
    waiting.ends = ends
    with pytest.raises(Overdue, match="did not end"):
        talk(ends, waiting)

    assert len(waiting.pieces) > 5


class Dripping(socket.socket):
    """A second passes with each piece of the answer."""

    pieces: list[bytes]
    ends: Ends

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # type: ignore[override]
        self.ends.now += 1
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def test_nothing_is_sent_after_the_time(ends: Ends) -> None:
    ends.now = 61
    with pytest.raises(Overdue):
        exchange(ends.line, HEAD, b"hi")

    assert ends.line.sent == 0


def _ask_and_close(ends: Ends, answer: bytes) -> None:
    waiting = Waiting(fileno=ends.line.connection.sock.detach())
    waiting.answer, waiting.other = answer, Closing(fileno=ends.server.detach())
    talk(ends, waiting)


class Closing(socket.socket):
    """Says its piece and goes."""

    def sendall(self, data: object, flags: int = 0) -> None:
        super().sendall(data, flags)  # type: ignore[arg-type]  # bytes, as above
        self.close()
