"""HTTP as HTTP.sys reads it: limits, methods, paths."""

from __future__ import annotations

import pytest
from practice import Loop, Practice, exchange, post

from agent.lab.winrm.quotas import Quotas


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(path="/other"), 404),
        (b"GET /wsman HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nHost : x\r\nContent-Length: 0\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /wsman HTTP/9\r\nHost: x\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431),
        (b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413),
    ],
)
def test_a_request_that_is_none_is_answered_with_its_status(lab: Practice, request_bytes: bytes, status: int) -> None:
    with lab.raw() as connection:
        answer, headers, _ = exchange(connection, request_bytes)

    assert answer == status
    assert headers["server"] == ["Microsoft-HTTPAPI/1.0"]


def test_a_connection_serves_one_request_after_the_other(lab: Practice) -> None:
    with lab.raw() as connection:
        answers = [exchange(connection, post())[0] for _ in range(3)]

    assert answers == [401, 401, 401]


def test_a_connection_is_closed_when_the_client_asks(lab: Practice) -> None:
    with lab.raw() as connection:
        exchange(connection, post(Connection="close"))
        rest = connection.recv(1)

    assert rest == b""


def test_a_silent_connection_is_closed(winrm_loop: Loop) -> None:
    lab = Practice(winrm_loop, quotas=Quotas(connection_idle_seconds=0.05))
    try:
        with lab.raw() as connection:
            rest = connection.recv(1)
    finally:
        lab.close()

    assert rest == b""


def test_a_query_and_a_trailing_slash_do_not_matter(lab: Practice) -> None:
    with lab.raw() as connection:
        answers = [exchange(connection, post(path=path))[0] for path in ("/wsman/", "/WSMAN?PSVersion=2.0")]

    assert answers == [401, 401]
