"""Where a request lands: sites by binding, keys by path, addresses by IPSecurity; and the log it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from weblab import EAS, PATH, Lab

from agent.lab.web import w3svclog
from agent.lab.web.places import Binding, admits, bindings, parse_binding, place, site_for
from agent.lab.web.w3svclog import LogLine, W3svcLog
from agent.lab.world.build import add_site
from agent.lab.world.schema import IpSecurity

MOMENT = datetime(2011, 3, 14, 2, 0, tzinfo=UTC)


def line(agent: str = "probe", time: datetime = MOMENT) -> LogLine:
    return LogLine(time, 1, "10.0.0.11", "OPTIONS", EAS, "", 80, "", "127.0.0.1", agent, 401, 2, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":80:", Binding(1, "", 80, "", False)),
        ("10.0.0.1:8080:Mail.Example", Binding(1, "10.0.0.1", 8080, "mail.example", False)),
        (":443", Binding(1, "", 443, "", False)),
        ("", None),
        ("::", None),
        (":http:", None),
    ],
)
def test_a_binding_is_address_port_and_host(text: str, expected: Binding | None) -> None:
    assert parse_binding(1, text, False) == expected


def test_a_host_header_wins_over_a_site_without_one(lab: Lab) -> None:
    add_site(lab.ex01, 100, "Mail", bindings=(":80:mail.example",))
    found = bindings(lab.ex01.metabase)

    assert (site_for(found, 80, "mail.example"), site_for(found, 80, "other"), site_for(found, 81, "x")) == (
        100,
        1,
        None,
    )


def test_a_stopped_site_has_no_bindings(lab: Lab) -> None:
    lab.ex01.iis.stop_site("1")

    assert bindings(lab.ex01.metabase) == []


@pytest.mark.parametrize(
    ("path", "reached", "rest"),
    [
        ("/microsoft-server-activesync", PATH, ""),
        (f"{EAS}/default.eas", PATH, "default.eas"),
        ("/", "W3SVC/1/ROOT", ""),
        ("/ExchWeb/bin/auth/x/y", "W3SVC/1/ROOT/ExchWeb/bin/auth", "x/y"),
        ("/nothing/here", "W3SVC/1/ROOT", "nothing/here"),
        ("//Exchange//anna", "W3SVC/1/ROOT/Exchange", "anna"),
    ],
)
def test_a_path_goes_as_deep_as_there_are_keys(lab: Lab, path: str, reached: str, rest: str) -> None:
    where = place(lab.ex01.metabase.memory, 1, path)

    assert (where.path, where.rest) == (reached, rest)


@pytest.mark.parametrize(
    ("rules", "address", "welcome"),
    [
        (IpSecurity(), "127.0.0.1", True),
        (IpSecurity(False), "127.0.0.1", False),
        (IpSecurity(False, ("10.0.0.21, 255.255.255.255",)), "10.0.0.21", True),
        (IpSecurity(False, ("10.0.0.21",)), "10.0.0.22", False),
        (IpSecurity(False, ("10.0.0.0, 255.255.255.0",)), "10.0.0.200", True),
        (IpSecurity(True, (), ("10.0.0.0, 255.255.255.0",)), "10.0.0.200", False),
        (IpSecurity(True, (), ("nonsense", "10.0.0.0, x")), "10.0.0.200", True),
    ],
)
def test_ip_security_lets_in_whom_it_names(rules: IpSecurity, address: str, welcome: bool) -> None:
    assert admits(rules, address) is welcome


def test_each_day_has_its_file(lab: Lab) -> None:
    log = W3svcLog(lab.ex01.files, "6.0")
    log.write(r"C:\WINDOWS\system32\LogFiles", line())
    log.write(r"C:\WINDOWS\system32\LogFiles", line(time=MOMENT + timedelta(days=1)))
    names = [entry.name for entry in lab.ex01.files.list(r"C:\WINDOWS\system32\LogFiles\W3SVC1")]

    assert names == ["ex110314.log", "ex110315.log"]


def test_a_log_goes_on_where_it_was_and_starts_anew_when_deleted(lab: Lab) -> None:
    folder, path = r"C:\WINDOWS\system32\LogFiles", r"C:\WINDOWS\system32\LogFiles\W3SVC1\ex110314.log"
    W3svcLog(lab.ex01.files, "6.0").write(folder, line("first"))
    log = W3svcLog(lab.ex01.files, "6.0")
    log.write(folder, line("second"))
    both = lab.ex01.files.read(path)
    lab.ex01.files.delete(path)
    log.write(folder, line("third"))
    after = lab.ex01.files.read(path)

    assert both.count(b"#Fields") == 1 and b"first" in both and b"second" in both
    assert after.count(b"#Fields") == 1 and b"second" not in after and b"third" in after


def test_a_log_keeps_its_newest_lines_within_the_limit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w3svclog, "MAX_BYTES", 2_000)
    log = W3svcLog(lab.ex01.files, "6.0")
    for count in range(100):
        log.write(r"C:\WINDOWS\system32\LogFiles", line(f"probe-{count}"))
    kept = lab.ex01.files.read(r"C:\WINDOWS\system32\LogFiles\W3SVC1\ex110314.log")

    assert len(kept) <= 2_200 and kept.startswith(b"#Software") and b"probe-99" in kept and b"probe-1 " not in kept


def test_a_directory_that_is_not_logged_leaves_no_line(lab: Lab) -> None:
    client = lab.client(lab.iis())
    lab.ex01.metabase.set(PATH, "DontLog", True)
    client.ask()
    lab.ex01.metabase.set(PATH, "DontLog", False)
    client.ask(User_Agent="seen")

    assert [each[-4] for each in lab.log(lab.ex01)] == ["seen"]


def test_the_log_follows_its_directory(lab: Lab) -> None:
    client = lab.client(lab.iis())
    lab.ex01.metabase.set("W3SVC/1", "LogFileDirectory", r"D:\Logs")
    client.ask()

    assert lab.ex01.files.exists(r"D:\Logs\W3SVC1\ex110314.log")
