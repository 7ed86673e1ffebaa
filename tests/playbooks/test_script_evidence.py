"""proxy, addresses, eas-events and weblog: what a server's own settings and logs say about the path; only read."""

from __future__ import annotations

import pytest
from scripted import EAS, Server

from agent.lab import settings
from agent.lab.clock import DrivenClock
from agent.lab.world.build import client_access
from agent.lab.world.eventlog import EntryType
from agent.lab.world.forest import Forest

FOLDER = r"C:\WINDOWS\system32\LogFiles\W3SVC1"
FIELDS = (
    "#Fields: date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status"
)


@pytest.fixture(params=[2007, 2010])
def proxy(request: pytest.FixtureRequest) -> Server:
    """A Client Access server of either version."""
    clock = DrivenClock(auto=True)
    forest = Forest(clock)
    forest.add_user("administrator", "correct horse", is_admin=True)
    return Server(client_access("CAS01", forest, request.param, address="198.18.0.9"), forest, clock)


def log(server: Server, *lines: str, fields: str = FIELDS) -> str:
    """Put lines into the log of today; its path."""
    path = rf"{FOLDER}\ex{server.clock.now():%y%m%d}.log"
    text = "\r\n".join(("#Software: Microsoft Internet Information Services 6.0", fields, *lines, ""))
    server.machine.files.mkdir(FOLDER)
    server.machine.files.write(path, text.encode())
    return path


def line(marker: str, status: str = "403 4 5") -> str:
    stem = "/Microsoft-Server-ActiveSync"
    return f"2009-06-01 09:30:00 W3SVC1 10.0.0.1 OPTIONS {stem} - 80 - 198.18.0.9 {marker} {status}"


def test_a_proxy_that_blocks_legacy_mailboxes_says_so(proxy: Server) -> None:
    before = proxy.one("proxy")
    settings.block_legacy(proxy.machine)
    after = proxy.one("proxy")

    assert (before["BlocksLegacy"], after["BlocksLegacy"]) == (False, True)
    assert after["ConfigFile"].endswith(r"\ClientAccess\Sync\web.config")
    assert after["Message"] == ""


def test_a_proxy_tells_its_addresses_and_its_web_service(proxy: Server) -> None:
    proxy.forest.network.register("198.18.0.9", "cas01")
    running = proxy.one("proxy")
    settings.down(proxy.machine, "W3SVC")

    assert running["Addresses"] == ["198.18.0.9"]
    assert (running["WebService"], proxy.one("proxy")["WebService"]) == ("Running", "Stopped")


def test_a_proxy_without_the_file_leaves_the_question_open(proxy: Server) -> None:
    proxy.machine.files.delete(proxy.one("proxy")["ConfigFile"])
    answer = proxy.one("proxy")

    assert (answer["BlocksLegacy"], answer["ConfigFile"]) == (None, "")
    assert "no web.config" in answer["Message"]


def test_a_directory_admits_everybody_unless_it_says_otherwise(server: Server) -> None:
    assert server.one("addresses") == {
        "Kind": "addresses",
        "Path": EAS,
        "GrantByDefault": True,
        "Granted": [],
        "Denied": [],
    }


def test_a_directory_tells_whom_it_admits(server: Server) -> None:
    settings.address_refused(server.machine)
    answer = server.one("addresses")

    assert (answer["GrantByDefault"], answer["Granted"]) == (False, [settings.ELSEWHERE])


def test_a_server_without_the_directory_has_no_answer(server: Server) -> None:
    settings.no_eas_vdir(server.machine)

    assert server.run("addresses") == []
    assert server.run("weblog", Marker="easfix-1") == []


def test_events_of_activesync_are_listed_and_others_are_not(server: Server) -> None:
    logs = server.machine.logs
    logs.write("Application", "Another", 3029, EntryType.ERROR, "no")
    logs.write("Application", "Server ActiveSync", 3029, EntryType.ERROR, "SSL", strings=("EX01", "Exchange"))
    counted, *events = server.run("eas-events")

    assert counted["Count"] == 1
    assert [(each["Id"], each["Text"], each["Type"]) for each in events] == [(3029, "EX01 Exchange", "Error")]


def test_old_events_are_left_out_and_many_are_cut(server: Server) -> None:
    for _ in range(3):
        server.machine.logs.write("Application", "Server ActiveSync", 3005, EntryType.ERROR, "x")
    recent = server.run("eas-events", Most=2)
    server.clock.advance(7200)

    assert (recent[0]["Count"], len(recent)) == (3, 3)
    assert server.one("eas-events")["Count"] == 0


def test_lines_are_found_by_their_marker_with_the_sub_status(server: Server) -> None:
    log(server, line("easfix-1"), line("MSFT-PPC/5.1"), line("easfix-2", "401 2 2148074254"))
    [found] = server.of_kind("line", "weblog", Marker="easfix-1")

    assert (found["Status"], found["SubStatus"], found["Win32"]) == ("403", "4", "5")
    assert found["Agent"] == "easfix-1"
    assert (found["Client"], found["Method"], found["At"]) == ("198.18.0.9", "OPTIONS", "2009-06-01 09:30:00")


def test_a_field_that_is_not_logged_is_empty(server: Server) -> None:
    log(server, "2009-06-01 easfix-1 403", fields="#Fields: date cs(User-Agent) sc-status")
    [found] = server.of_kind("line", "weblog", Marker="easfix-1")

    assert (found["Status"], found["SubStatus"], found["Client"]) == ("403", "", "")


def test_only_the_last_lines_are_told(server: Server) -> None:
    log(server, *(line("easfix-1", f"{status} 0 0") for status in range(401, 411)))
    found = server.of_kind("line", "weblog", Marker="easfix-1", Most=2)

    assert [each["Status"] for each in found] == ["409", "410"]


def test_a_log_that_is_not_there_or_too_large_is_said_to_be(server: Server) -> None:
    missing = server.one("weblog", Marker="easfix-1")
    log(server, line("easfix-1"))
    large = server.one("weblog", Marker="easfix-1", MostMegabytes=0)

    assert "no such file" in missing["Message"]
    assert "larger than 0 MB" in large["Message"]
