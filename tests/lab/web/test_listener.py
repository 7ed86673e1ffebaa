"""HTTP on a socket: well-formed answers to good clients, short ones to bad ones, and every wire fault as named."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest
from looping import DEADLINE, LoopThread

from agent.lab.clock import DrivenClock
from agent.lab.web import delivery
from agent.lab.web.faults import WebFaults
from agent.lab.web.listener import Connection, Listener
from agent.lab.web.logon import Insider
from agent.lab.web.message import MAX_BODY_BYTES, Request, Response
from agent.lab.world.accounts import User


class Echo:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.clock = DrivenClock()
        self.faults = WebFaults()
        self.ended: list[int] = []

    def connection(self, port: int, secure: bool, source_port: int) -> Connection:
        return Connection(lambda: "127.0.0.1", port, secure, Insider(User("anna", "x")))

    def closed(self, port: int, source_port: int) -> None:
        self.ended.append(source_port)

    async def answer(self, request: Request, connection: Connection) -> Response:
        body = f"{request.method} {request.path} {request.query} {len(request.body)}".encode()
        return Response(200, [("Content-Type", "application/vnd.ms-sync.wbxml")], body)

    def finish(self, response: Response) -> None:
        response.headers.insert(0, ("Content-Length", str(len(response.body))))


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def listener(loop: LoopThread, echo: Echo) -> Iterator[Listener]:
    made = Listener(echo, 80)
    loop.call(made.open)
    assert loop.until(lambda: made._held.listening)
    yield made
    loop.run(made.release())


def raw(listener: Listener, sent: bytes, limit: int = 1 << 20) -> bytes:
    """Everything the server says to these bytes, up to the limit, until it closes."""
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(sent)
        got = b""
        try:
            while len(got) < limit and (block := client.recv(65536)):
                got += block
        except ConnectionResetError:
            got += b"<reset>"
        return got


GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_one_connection_carries_many_requests(listener: Listener) -> None:
    client = http.client.HTTPConnection(*listener.endpoint, timeout=DEADLINE)
    seen = []
    for _ in range(3):
        client.request("POST", "/x?y", body=b"abc")
        seen.append(client.getresponse().read())
    client.close()

    assert seen == [b"POST /x y 3"] * 3


def test_a_chunked_body_is_put_together(listener: Listener) -> None:
    client = http.client.HTTPConnection(*listener.endpoint, timeout=DEADLINE)
    client.request("POST", "/x", body=iter([b"abc", b"defg"]), encode_chunked=True)
    answer = client.getresponse().read()
    client.close()

    assert answer == b"POST /x  7"


def test_a_client_that_waits_for_100_is_told_to_go_on(listener: Listener) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(head)
        first = client.recv(100)
        client.sendall(b"ab")

        assert first == b"HTTP/1.1 100 Continue\r\n\r\n" and b"POST /x  2" in client.recv(1000)


def test_head_gets_the_length_and_no_body(listener: Listener) -> None:
    answer = raw(listener, GET.replace(b"GET", b"HEAD"))

    assert b"Content-Length: 15\r\n" in answer and answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 40_000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
    ],
)
def test_what_is_no_request_is_refused_and_cut(listener: Listener, sent: bytes, status: int) -> None:
    answer = raw(listener, sent)

    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"Connection: close" in answer


def test_a_client_that_goes_away_leaves_nothing_behind(listener: Listener, loop: LoopThread) -> None:
    for sent in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"):
        with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
            client.sendall(sent)

    assert loop.until(lambda: listener.connections == 0)


def test_closing_cuts_the_clients_and_refuses_new_ones(listener: Listener, loop: LoopThread) -> None:
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(GET.replace(b"Connection: close\r\n", b""))
        client.recv(1000)
        loop.call(listener.close)
        try:
            ending = client.recv(10)
        except ConnectionResetError:
            ending = b""
    assert ending == b"" and loop.until(lambda: not listener._held.listening)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.endpoint, timeout=DEADLINE)


def test_a_quick_stop_and_start_ends_open_under_the_same_number(listener: Listener, loop: LoopThread) -> None:
    before = listener.endpoint

    def flap() -> None:
        for _ in range(5):
            listener.close()
            listener.open()

    loop.call(flap)
    assert loop.until(lambda: listener._held.listening and listener._closing is None)

    assert raw(listener, GET).startswith(b"HTTP/1.1 200") and listener.endpoint == before


def test_a_slow_server_answers_by_the_machines_clock(listener: Listener, echo: Echo, loop: LoopThread) -> None:
    echo.faults.slow_seconds = 30
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(GET)
        assert loop.until(lambda: echo.clock._agenda.soonest() is not None)
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(DEADLINE)
        echo.clock.advance(30)

        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_silent_server_takes_everything_and_says_nothing(listener: Listener, echo: Echo) -> None:
    echo.faults.silent = True
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(GET * 10)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_an_answer_can_break_off_in_the_middle(listener: Listener, echo: Echo) -> None:
    echo.faults.reset_mid_answer = True
    answer = raw(listener, GET)

    assert answer.startswith(b"HTTP/1.1 200") and b"GET /a b" not in answer


def test_an_answer_can_be_no_http_at_all(listener: Listener, echo: Echo) -> None:
    echo.faults.garbage_answer = True

    assert not raw(listener, GET).startswith(b"HTTP")


def test_a_body_can_be_endless_and_costs_the_server_no_memory(listener: Listener, echo: Echo, loop: LoopThread) -> None:
    echo.faults.endless_body = True
    answer = raw(listener, GET, limit=5_000_000)

    assert len(answer) >= 5_000_000 and loop.until(lambda: listener.connections == 0)


def test_headers_can_be_a_bomb(listener: Listener, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BOMB_HEADERS", 5_000)
    echo.faults.header_bomb = True
    answer = raw(listener, GET, limit=10_000_000)

    assert answer.count(b"X-Pad-") == 5_000


def test_an_answer_can_drip(listener: Listener, echo: Echo, loop: LoopThread) -> None:
    echo.faults.slow_drip = 1.0
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as client:
        client.sendall(GET)
        got = b""
        for _ in range(4):
            got += client.recv(10)
            assert loop.until(lambda: echo.clock._agenda.soonest() is not None)
            echo.clock.advance(1.0)

    assert got == b"HTTP"


def test_wbxml_can_be_broken_and_a_character_set_wrong(listener: Listener, echo: Echo) -> None:
    echo.faults.broken_wbxml = True
    broken = raw(listener, GET)
    echo.faults.clear()
    echo.faults.wrong_charset = True
    wrong = raw(listener, GET)

    assert b"Content-Length: 7\r\n" in broken and broken.endswith(b"\r\n\r\n\x7fET /a ")
    assert b"charset=utf-16" in wrong and wrong.endswith(b"GET /a b c=d 0")


def test_more_clients_than_the_limit_are_turned_away(
    listener: Listener, loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.lab.web.listener.MAX_CONNECTIONS", 2)
    kept = [socket.create_connection(listener.endpoint, timeout=DEADLINE) for _ in range(2)]
    assert loop.until(lambda: listener.connections == 2)
    with socket.create_connection(listener.endpoint, timeout=DEADLINE) as third:
        turned_away = third.recv(1)
    for client in kept:
        client.close()

    assert turned_away == b""
