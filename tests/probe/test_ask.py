"""The OPTIONS request on a bare socket: what it sends, what it takes from an answer, and what it will not bear."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from loopback import Listener, Ticking
from ports import HeldPort

from agent.probe import Answer, Trouble, ask
from agent.probe.ask import MOST_BODY

Listen = Callable[..., Listener]
UNAUTHORIZED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\nServer: Microsoft-IIS/6.0\r\n"
    b"WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n\r\nhello"
)


def put(listener: Listener, clock: Callable[[], float], seconds: float = 15.0) -> Answer:
    return ask("127.0.0.1", listener.port, "ex01.lab.example", clock, seconds=seconds)


def test_it_asks_for_options_by_the_servers_name_without_a_logon(listen: Listen, still: Ticking) -> None:
    listener = listen(UNAUTHORIZED)

    put(listener, still)

    head = listener.asked[0].decode().lower().split("\r\n")
    assert head[0] == "options /microsoft-server-activesync http/1.1"
    assert f"host: ex01.lab.example:{listener.port}" in head
    assert not [line for line in head if line.startswith(("authorization", "proxy", "cookie"))]


def test_it_reads_status_headers_and_body(listen: Listen, still: Ticking) -> None:
    answer = put(listen(UNAUTHORIZED), still)

    assert (answer.status, answer.authenticate, answer.server) == (401, ("Negotiate", "NTLM"), "Microsoft-IIS/6.0")
    assert answer.body == "hello"
    assert answer.trouble is None


def test_the_latency_is_that_of_the_clock(listen: Listen) -> None:
    answer = put(listen(UNAUTHORIZED), Ticking(0.25))

    assert answer.latency_ms is not None
    assert answer.latency_ms % 250 == 0
    assert answer.latency_ms >= 250


def test_the_environments_proxy_is_not_asked(listen: Listen, still: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    other = listen(b"HTTP/1.1 200 OK\r\n\r\n")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")

    answer = put(listen(UNAUTHORIZED), still)

    assert answer.status == 401
    assert other.asked == []


def test_a_redirect_is_an_answer_and_is_not_followed(listen: Listen, still: Ticking) -> None:
    other = listen(b"HTTP/1.1 200 OK\r\n\r\n")
    answer = put(listen(f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other.port}/\r\n\r\n".encode()), still)

    assert answer.status == 302
    assert answer.location == f"http://127.0.0.1:{other.port}/"
    assert other.asked == []


def test_an_interim_answer_is_passed_over(listen: Listen, still: Ticking) -> None:
    assert put(listen(b"HTTP/1.1 100 Continue\r\n\r\n" + UNAUTHORIZED), still).status == 401


def test_a_body_in_chunks_is_put_together(listen: Listen, still: Ticking) -> None:
    head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert put(listen(head, b"4;x=y\r\n403.\r\n", b"1\r\n4\r\n", b"0\r\n\r\n"), still).body == "403.4"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("charset=Windows-1252", "cp1252"), ("charset=utf-8", "utf-8"), ("charset=shift_jis", "shift_jis")],
)
def test_a_body_is_read_in_the_code_page_its_page_names(
    listen: Listen, still: Ticking, declared: str, codec: str
) -> None:
    word = "安全" if codec == "shift_jis" else "sécurisé"
    page = f'<META HTTP-EQUIV="Content-Type" Content="text/html; {declared}">{word}'.encode(codec)

    assert word in put(listen(b"HTTP/1.1 403 Forbidden\r\n\r\n" + page), still).body


def test_an_unknown_code_page_is_no_reason_to_fail(listen: Listen, still: Ticking) -> None:
    page = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=no-such\r\n\r\n\xe9"

    assert put(listen(page), still).body == "é"


def test_no_more_of_the_body_is_read_than_is_looked_at(listen: Listen, still: Ticking) -> None:
    endless = itertools.chain([b"HTTP/1.1 403 Forbidden\r\n\r\n"], itertools.repeat(b"x" * 4096))

    assert len(put(listen(endless=endless), still).body) == MOST_BODY


def test_endless_headers_are_no_answer(listen: Listen, still: Ticking) -> None:
    endless = itertools.chain([b"HTTP/1.1 401 Unauthorized\r\n"], itertools.repeat(b"X-Bomb: " + b"x" * 4000 + b"\r\n"))

    assert put(listen(endless=endless), still).trouble is Trouble.NO_HTTP


def test_a_header_without_an_end_is_no_answer(listen: Listen, still: Ticking) -> None:
    endless = itertools.chain([b"HTTP/1.1 401 "], itertools.repeat(b"x" * 4096))

    assert put(listen(endless=endless), still).trouble is Trouble.NO_HTTP


def test_headers_that_drip_end_at_the_deadline(listen: Listen) -> None:
    """Each byte comes in time; the clock of the test goes on by a second at each."""
    endless = itertools.chain([b"HTTP/1.1 401 "], itertools.repeat(b"x"))

    assert put(listen(endless=endless), Ticking(1.0), seconds=10.0).trouble is Trouble.TIMED_OUT


def test_a_body_that_drips_does_not_take_the_answer_away(listen: Listen) -> None:
    endless = itertools.chain([b"HTTP/1.1 403 Forbidden\r\n\r\n403.4 "], itertools.repeat(b"x"))

    answer = put(listen(endless=endless), Ticking(1.0), seconds=10.0)

    assert answer.status == 403
    assert answer.body.startswith("403.4")


def test_silence_is_a_time_out(listen: Listen) -> None:
    """The clock stands one tick before the deadline, so that the socket waits for that long and no longer."""
    answer = put(listen(hold=True), Ticking(0.49), seconds=1.0)

    assert answer.trouble is Trouble.TIMED_OUT


def test_a_closed_port_is_refused(still: Ticking) -> None:
    with HeldPort() as closed:
        assert ask("127.0.0.1", closed.number, "ex01", still).trouble is Trouble.REFUSED


def test_a_name_that_does_not_exist_is_told_as_such(still: Ticking) -> None:
    assert ask("no-such-host.invalid", 80, "no-such-host.invalid", still).trouble is Trouble.NAME


def test_a_connection_closed_without_a_word_broke_off(listen: Listen, still: Ticking) -> None:
    assert put(listen(), still).trouble is Trouble.BROKEN_OFF


@pytest.mark.parametrize(
    "junk",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/9.9 hello\r\n\r\n", b"\x00" * 64, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200"],
)
def test_junk_is_no_answer(listen: Listen, still: Ticking, junk: bytes) -> None:
    assert put(listen(junk), still).trouble is Trouble.NO_HTTP


@pytest.mark.parametrize("length", ["-1", "99999999999999999999", "1_0", "٣", "x"])
def test_a_nonsensical_length_is_ignored(listen: Listen, still: Ticking, length: str) -> None:
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n".encode()

    assert put(listen(head + b"403.4"), still).body == "403.4"


@pytest.mark.parametrize("host", ["ex01\r\nX: y", "ex 01", "ex01\x00"])
def test_a_name_cannot_smuggle_in_a_header(still: Ticking, host: str) -> None:
    with pytest.raises(ValueError, match="do not make a request"):
        ask("127.0.0.1", 1, host, still)
