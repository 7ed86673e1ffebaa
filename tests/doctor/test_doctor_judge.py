"""What a server says of itself becomes verdicts, each with evidence and a way to mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from patients import NOON, by_name, proxy, server, verdicts, visited

from agent.doctor import judge
from agent.doctor.answers import Disk, Exchange, Iis, Name, Quota, Reset, Session, read
from agent.errors import BadAnswer
from agent.model import Guard, RestartMethod, Role, Way

IISRESET = RestartMethod.IISRESET
SESSION = Session(NOON, "ServerRemoteHost", "2.0", "2.0", "5.2", True, "NTLM")

CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "all is well": ({}, {}),
    "no administrator": ({"session": replace(SESSION, is_administrator=False)}, {"administrator": "bad"}),
    "the cmd shell": ({"session": replace(SESSION, host="ConsoleHost")}, {"remoting": "warn"}),
    "PowerShell 1.0": ({"session": replace(SESSION, powershell="1.0")}, {"powershell": "bad"}),
    "no WinRM version": ({"session": replace(SESSION, winrm="")}, {"winrm": "bad"}),
    "a newer WinRM": ({"session": replace(SESSION, winrm="3.0", powershell="5.1")}, {}),
    "another server": ({"name": Name("EX02", "ex02.lab.example", "")}, {"identity": "warn"}),
    "no full name": ({"name": Name("EX01", "", "Invalid class")}, {"identity": "warn"}),
    "quotas unread": ({"quota": Quota(None, None, None, "Access is denied.")}, {"quotas": "warn"}),
    "few shells": ({"quota": Quota(2, 15, 150, "")}, {"quotas": "warn"}),
    "one process": ({"quota": Quota(5, 1, 150, "")}, {"quotas": "bad"}),
    "little memory": ({"quota": Quota(5, 15, 80, "")}, {"quotas": "warn"}),
    "no limit on memory": ({"quota": Quota(5, 15, 0, "")}, {}),
    "IISADMIN stopped": ({"iis": Iis("Stopped", 0, "")}, {"adsi": "bad"}),
    "no provider": ({"iis": Iis("Running", 0, "Unknown error (0x80005000)")}, {"adsi": "bad"}),
    "no web site": ({"iis": Iis("Running", 0, "")}, {"adsi": "bad"}),
    "iisreset disabled": ({"reset": Reset(False, "A resource ... is disabled.", "")}, {"iisreset": "bad"}),
    "no iisreset": ({"reset": Reset(False, "", "not recognized")}, {"iisreset": "bad"}),
    "no room": ({"disk": Disk(0, 300, "")}, {"disk": "bad"}),
    "no room for a large metabase": ({"disk": Disk(150, 100_000, "")}, {"disk": "bad"}),
    "little room": ({"disk": Disk(50, 300, "")}, {"disk": "warn"}),
    "no WMI": ({"disk": Disk(0, 0, "Invalid class")}, {"disk": "unknown"}),
    "no Exchange": ({"exchange": Exchange(0, "")}, {"exchange": "bad"}),
    "Service Pack 1": ({"exchange": Exchange(7226, "")}, {"exchange": "bad"}),
    "no registry": ({"exchange": Exchange(0, "Access is denied.")}, {"exchange": "unknown"}),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES.keys())
def test_a_fact_has_its_verdict(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert verdicts(judge.checks(server(), visited(**changes), IISRESET)) == expected


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, "good"), (119, "good"), (121, "warn"), (300, "warn"), (301, "bad"), (9_000_000, "bad")]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_kerberos_allows_clocks_to_differ_by_five_minutes(seconds: int, verdict: str, sign: int) -> None:
    found = judge.clock(NOON + sign * timedelta(seconds=seconds), NOON, NOON)

    assert found.verdict == verdict


def test_a_slow_visit_is_no_difference_of_clocks() -> None:
    """The server looked at its clock at some moment of the visit, nobody knows which."""
    assert judge.clock(NOON + timedelta(minutes=9), NOON, NOON + timedelta(minutes=10)).verdict == "good"


def test_the_clock_says_which_way_it_is_off() -> None:
    ahead = judge.clock(NOON + timedelta(minutes=20), NOON, NOON)
    behind = judge.clock(NOON - timedelta(hours=30), NOON, NOON)

    assert "20 minutes ahead of this machine" in ahead.evidence
    assert "30 hours behind this machine" in behind.evidence


def test_a_proxy_needs_three_shells() -> None:
    few = visited(quota=Quota(2, 15, 150, ""))
    found = verdicts(judge.checks(proxy(), replace(few, answers=replace(few.answers, back_end=None)), IISRESET))

    assert found == {"identity": "warn", "quotas": "bad"}


def test_iisreset_is_not_missed_where_it_is_not_used() -> None:
    disabled = visited(reset=Reset(False, "disabled", ""))

    assert verdicts(judge.checks(server(), disabled, RestartMethod.RECYCLE)) == {"iisreset": "warn"}


def test_an_old_service_pack_that_is_allowed_is_a_warning() -> None:
    allowed = server(allowed=frozenset({Guard.OLD_SERVICE_PACK}))

    assert verdicts(judge.checks(allowed, visited(exchange=Exchange(7226, "")), IISRESET)) == {"exchange": "warn"}


def test_the_cmd_shell_is_right_where_it_is_configured() -> None:
    chosen = server(winrm=replace(server().winrm, way=Way.WINRM))
    there = visited(session=replace(SESSION, host="ConsoleHost"))

    assert verdicts(judge.checks(chosen, there, IISRESET)) == {}


def test_a_visit_makes_exactly_the_checks_it_is_said_to_make() -> None:
    names = set(by_name(judge.checks(server(), visited(), IISRESET)))

    assert names == {"logon", *judge.NAMES, *judge.BACK_END_NAMES}


WELL: list[dict[str, Any]] = [
    {"Kind": "session", "Utc": "2011-03-14T12:00:00.1234567Z", "HostName": "ConsoleHost", "PowerShell": "2.0",
     "WinRm": "2.0", "Windows": "5.2", "Administrator": True, "Authentication": "Kerberos"},
    {"Kind": "name", "Computer": "EX01", "Fqdn": "ex01.lab.example", "Message": ""},
    {"Kind": "quota", "MaxShellsPerUser": "5", "MaxProcessesPerShell": "", "MaxMemoryPerShellMB": None, "Message": ""},
]  # fmt: skip


def test_answers_are_read_with_the_time_to_the_second() -> None:
    found = read("CAS01", Role.PROXY, WELL)

    assert found.session.utc.replace(microsecond=0) == NOON
    assert (found.quota.shells, found.quota.processes, found.quota.megabytes) == (5, None, None)
    assert found.back_end is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Administrator": "yes"}, "Administrator"),
        ({"Utc": "yesterday"}, "Utc"),
        ({"Kind": "other"}, "0 times about session"),
        ({"Kind": "name"}, "0 times about session"),
        ({"HostName": 5}, "HostName"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(BadAnswer, match=word):
        read("CAS01", Role.PROXY, [{**WELL[0], **change}, *WELL[1:]])


def test_a_back_end_that_says_nothing_of_iis_is_refused() -> None:
    with pytest.raises(BadAnswer, match="iis"):
        read("EX01", Role.BACK_END, WELL)
