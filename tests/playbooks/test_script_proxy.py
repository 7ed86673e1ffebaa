"""hop.ps1 and events.ps1, which are sent to a Client Access server and only read there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from scripted import Server

from agent.lab.clock import DrivenClock
from agent.lab.world.build import client_access
from agent.lab.world.eventlog import EntryType
from agent.lab.world.forest import Forest

TARGET = "ex01.lab.example"
SOURCE = "MSExchange ActiveSync"
FORBIDDEN = "<title>The page must be viewed over a secure channel</title>" + "x" * 5000


class Mailbox(BaseHTTPRequestHandler):
    """Answers as a test says, and keeps what was asked."""

    status, headers_sent, body = 401, [("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM")], ""
    asked: list[tuple[str, str, dict[str, str]]]

    def do_OPTIONS(self) -> None:
        self.asked.append((self.command, self.path, dict(self.headers.items())))
        self.send_response(self.status)
        for name, value in self.headers_sent:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(params=[2007, 2010])
def proxy(request: pytest.FixtureRequest) -> Server:
    """A Client Access server of either version."""
    clock = DrivenClock(auto=True)
    forest = Forest(clock)
    forest.add_user("administrator", "correct horse", is_admin=True)
    return Server(client_access("CAS01", forest, request.param), forest, clock)


@pytest.fixture
def mailbox(proxy: Server) -> Iterator[type[Mailbox]]:
    """The mailbox server's port 80, as the proxy sees it."""
    handler = type("Answer", (Mailbox,), {"asked": []})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    proxy.forest.network.register("127.0.0.1", TARGET)
    proxy.forest.network.publish(TARGET, 80, ("127.0.0.1", listener.server_port))
    yield handler
    listener.shutdown()
    listener.server_close()
    thread.join(30)


def test_the_hop_is_asked_as_the_proxy_would_and_without_a_logon(proxy: Server, mailbox: type[Mailbox]) -> None:
    answer = proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10)
    [(method, path, headers)] = mailbox.asked

    assert (method, path) == ("OPTIONS", "/Microsoft-Server-ActiveSync")
    assert headers["Host"] == TARGET
    assert "Authorization" not in headers
    assert (answer["Status"], answer["Failure"]) == (401, "")
    assert answer["Authenticate"] == ["Negotiate", "NTLM"]
    assert answer["Computer"] == "CAS01"
    assert 0 <= answer["Milliseconds"] < 10_000


def test_the_hop_carries_the_marker_it_is_given(proxy: Server, mailbox: type[Mailbox]) -> None:
    proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10)
    proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10, Marker="easfix-0c1d2e")

    assert [headers["User-Agent"] for _, _, headers in mailbox.asked] == ["easfix", "easfix-0c1d2e"]


def test_a_directory_that_requires_ssl_shows_by_status_and_page(proxy: Server, mailbox: type[Mailbox]) -> None:
    mailbox.status, mailbox.headers_sent, mailbox.body = 403, [], FORBIDDEN
    answer = proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10)

    assert (answer["Status"], answer["Authenticate"]) == (403, [])
    assert answer["Body"].startswith("<title>The page must be viewed over a secure channel")
    assert len(answer["Body"]) == 2048


def test_a_redirect_is_told_and_not_followed(proxy: Server, mailbox: type[Mailbox]) -> None:
    mailbox.status, mailbox.headers_sent = 302, [("Location", "https://elsewhere/")]
    answer = proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10)

    assert (answer["Status"], answer["Location"], len(mailbox.asked)) == (302, "https://elsewhere/", 1)


def test_a_port_that_refuses_is_an_answer(proxy: Server) -> None:
    proxy.forest.network.register("127.0.0.1", TARGET)
    answer = proxy.one("hop", Fqdn=TARGET, TimeoutSeconds=10)

    assert (answer["Status"], answer["Failure"]) == (None, "ConnectFailure")
    assert answer["Message"] != ""


def test_a_name_that_nobody_has_is_an_answer(proxy: Server) -> None:
    answer = proxy.one("hop", Fqdn="nobody.lab.example", TimeoutSeconds=10)

    assert (answer["Status"], answer["Failure"]) == (None, "NameResolutionFailure")


def test_another_port_can_be_asked(proxy: Server, mailbox: type[Mailbox]) -> None:
    endpoint = proxy.forest.network.resolve(TARGET, 80)
    assert endpoint is not None
    proxy.forest.network.publish(TARGET, 8080, endpoint)
    proxy.forest.network.withdraw(TARGET, 80)

    assert proxy.one("hop", Fqdn=TARGET, Port=8080, TimeoutSeconds=10)["Status"] == 401


def warn(proxy: Server, event: int, host: str = TARGET) -> None:
    proxy.machine.logs.write(
        "Application", SOURCE, event, EntryType.WARNING, f"about {host}", category="Configuration", strings=(host,)
    )


def test_the_proxys_events_are_listed_newest_first(proxy: Server) -> None:
    warn(proxy, 1034, "ex01.lab.example")
    proxy.clock.advance(60)
    warn(proxy, 1036, "ex02.lab.example")
    log, *events = proxy.run("events", SecondsAgo=3600)

    assert (log["Kind"], log["Computer"], log["Count"]) == ("log", "CAS01", 2)
    assert [(each["Id"], each["Host"], each["Type"]) for each in events] == [
        (1036, "ex02.lab.example", "Warning"),
        (1034, "ex01.lab.example", "Warning"),
    ]


def test_older_events_others_and_other_sources_are_left_out(proxy: Server) -> None:
    warn(proxy, 1034)
    proxy.clock.advance(7200)
    warn(proxy, 1008)
    proxy.machine.logs.write("Application", "Another", 1034, EntryType.WARNING, "no", strings=("x",))
    [log] = proxy.run("events", SecondsAgo=3600)

    assert log["Count"] == 0


def test_which_events_are_wanted_can_be_said(proxy: Server) -> None:
    warn(proxy, 1034)
    warn(proxy, 1036)
    _, *events = proxy.run("events", SecondsAgo=3600, Id=[1036])

    assert [each["Id"] for each in events] == [1036]


def test_a_log_without_any_event_is_an_answer_not_an_error(proxy: Server) -> None:
    [log] = proxy.run("events", SecondsAgo=3600)

    assert (log["Kind"], log["Count"]) == ("log", 0)
