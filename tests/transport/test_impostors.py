"""Who answers at the address and is not the server: gets no script, no second logon, and no more time than there is."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from visiting import TIMEOUT, Visits, script

from agent import errors
from agent.model import Effect, Winrm
from agent.transport.psrp.posts import Sealed
from agent.transport.wire import Line, Lost, session

ONE = "New-Object -TypeName 'PSObject' -Property @{ N = 1 }"


class Impostor:
    """Answers whatever comes with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self._is_over:
                    return
                self.connections += 1
                if connection.recv(65536):
                    self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        connection.sendall(self._answer)

    def close(self) -> None:
        self._is_over = True
        socket.create_connection(("127.0.0.1", self.port), 5).close()
        self._thread.join(5)
        self._socket.close()


class Endless(Impostor):
    """Goes on with a piece of its answer until the other side hangs up."""

    def __init__(self, begin: bytes, again: bytes) -> None:
        self._again = again
        super().__init__(begin)

    def serve(self, connection: socket.socket) -> None:
        super().serve(connection)
        with suppress(OSError):
            while True:
                connection.sendall(self._again)


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"More: to come\r\n"),
    ],
    ids=["header", "interim", "trailer"],
)
def test_who_never_comes_to_an_end_is_left(visits: Visits, begin: bytes, again: bytes) -> None:
    """Every look at the clock takes a second, so the time for opening a session is soon over."""
    ticks = itertools.count()
    endless = Endless(begin, again)
    try:
        with pytest.raises(errors.Unreachable, match="did not end within the time"):
            visits.to(port=endless.port, connector=visits.connector(monotonic=lambda: float(next(ticks)))).ready()
    finally:
        endless.close()


@pytest.fixture
def impostor(request: pytest.FixtureRequest) -> Iterator[Impostor]:
    made = Impostor(request.param)
    yield made
    made.close()


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


SOAP = answer("200 OK", "Content-Type: application/soap+xml;charset=UTF-8", body=b"<s:Envelope/>")


@pytest.mark.parametrize(
    ("impostor", "kind", "says"),
    [
        (SOAP, errors.BadAnswer, "not encrypted"),
        (answer("200 OK"), errors.BadAnswer, "not encrypted"),
        (answer("302 Found", "Location: http://127.0.0.1:1/", body=b"there"), errors.BadAnswer, "elsewhere"),
        (answer("404 Not Found"), errors.Unsupported, "no WinRM service"),
        (answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), errors.Denied, "but Basic"),
        (answer("401 Unauthorized"), errors.Denied, "none at all"),
        (answer("401 Unauthorized", "WWW-Authenticate: Negotiate"), errors.Denied, "refused the logon"),
        (answer("401 Unauthorized", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM"), errors.Denied, "refused"),
        (answer("401 Unauthorized", "WWW-Authenticate: Negotiate AAAA"), errors.BadAnswer, "no sense"),
        (answer("503 Service Unavailable"), errors.Unreachable, "503"),
        (answer("500 Internal Server Error", body=b"<h1>No</h1>"), errors.Unsupported, "HTTP 500, which is no WinRM"),
        (answer("300 Multiple Choices"), errors.BadAnswer, "elsewhere"),
        (b"SSH-2.0-OpenSSH\r\n", errors.Unreachable, "connection failed"),
        (b"", errors.Unreachable, "connection failed"),
    ],
    indirect=["impostor"],
)
def test_whoever_is_not_the_server_gets_no_script(
    visits: Visits, impostor: Impostor, kind: type[errors.ServerError], says: str
) -> None:
    """An answer in clear above all: only the server could have sealed it."""
    with pytest.raises(kind, match=says) as caught:
        visits.to(port=impostor.port).run(script(ONE), {})

    assert type(caught.value) is kind
    assert impostor.connections <= 2  # the knock, and one for the logon


STRANGE = [MemoryError(), RecursionError("deep"), OverflowError("year"), AssertionError(), UnsupportedAlgorithm("hash")]


@pytest.mark.parametrize("error", STRANGE, ids=lambda error: type(error).__name__)
def test_whatever_a_library_raises_is_that_servers_failure(
    visits: Visits, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An exception that nobody has thought of would end the run of all servers, in the middle of changes."""

    def strange(*_: object) -> bytes:
        raise error

    visit = visits.to()
    with monkeypatch.context() as patch:
        patch.setattr("agent.transport.logon.Logon.begin", strange)
        with pytest.raises(errors.ServerError) as opening:
            visit.run(script(ONE, effect=Effect.WRITE), {})
    visit.ready()
    monkeypatch.setattr("agent.transport.sealing.Sealing.unseal", strange)
    with pytest.raises(errors.ServerError) as running:
        visit.run(script(ONE, effect=Effect.WRITE), {})

    assert opening.value.message
    assert not running.value.untouched


class Insistent:
    """A logon that has one more thing to say after each answer."""

    def begin(self) -> bytes:
        return b"first"

    def follow(self, status: int, offered: str) -> bytes:
        return b"next"


@pytest.mark.parametrize("impostor", [answer("401 Unauthorized", "WWW-Authenticate: Negotiate AAAA")], indirect=True)
def test_a_logon_is_not_carried_on_over_another_connection(impostor: Impostor) -> None:
    """The server that closed the first may have counted the attempt."""
    line = Line(time.monotonic)
    line.begin(TIMEOUT)
    logon: Any = Insistent()
    post = Sealed(line, "127.0.0.1", Winrm(impostor.port), "ex01.lab.example", logon)
    with pytest.raises(Lost):
        post.send(b"<s:Envelope/>")

    assert (impostor.connections, line.sent) == (1, 1)
    post.close()


@pytest.mark.parametrize("impostor", [answer("302 Found", "Location: http://127.0.0.1:1/")], indirect=True)
def test_no_redirect_is_followed(impostor: Impostor) -> None:
    line = Line(time.monotonic)
    line.begin(TIMEOUT)
    opened = session(line, Winrm(), "ex01.lab.example", lambda request: request)  # type: ignore[arg-type]  # no logon
    with pytest.raises(requests.TooManyRedirects):
        opened.post(f"http://127.0.0.1:{impostor.port}/wsman")

    assert impostor.connections == 1
    line.close()
