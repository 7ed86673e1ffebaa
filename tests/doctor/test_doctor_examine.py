"""One server, one visit that can only read; what stands in the way of it is told, and nothing is forced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from patients import ABLE, NOON, REALM, by_name, network, proxy, server

from agent import errors
from agent.doctor import Account, Doctor, Grade, Kind
from agent.model import Auth, Effect, Record, RestartMethod, Script, Server
from agent.notice import ignore
from agent.playbook import load
from agent.transport import Arguments

SCRIPT = load().script("doctor")
WELL: list[dict[str, Any]] = [
    {"Kind": "session", "Utc": "2011-03-14T12:00:00.0000000Z", "HostName": "ServerRemoteHost", "PowerShell": "2.0",
     "WinRm": "2.0", "Windows": "5.2", "Administrator": True, "Authentication": "NTLM"},
    {"Kind": "name", "Computer": "EX01", "Fqdn": "ex01.lab.example", "Message": ""},
    {"Kind": "quota", "MaxShellsPerUser": "5", "MaxProcessesPerShell": "15", "MaxMemoryPerShellMB": "150",
     "Message": ""},
    {"Kind": "iis", "State": "Running", "Sites": 1, "Message": ""},
    {"Kind": "iisreset", "IsGood": True, "Said": "", "Message": ""},
    {"Kind": "disk", "FreeMegabytes": 8191, "MetabaseKilobytes": 256, "Message": ""},
    {"Kind": "exchange", "Build": 7638, "Message": ""},
]  # fmt: skip


@dataclass
class Visits:
    """A `Connect` that keeps what was asked; `answer` gives the records, or raises."""

    answer: Callable[[], list[Record]] = lambda: list(WELL)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    def __call__(self, server: Server) -> Visits:
        self.opened += 1
        return self

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append((script.id, dict(arguments)))
        return self.answer()

    def close(self) -> None:
        self.closed += 1


def doctor(connect: Any, **changes: Any) -> Doctor:
    well: dict[str, Any] = {
        "connect": connect,
        "script": SCRIPT,
        "network": network(),
        "abilities": ABLE,
        "account": lambda _: Account("LAB\\easfix", True),
        "restart": RestartMethod.IISRESET,
        "now": lambda: NOON,
        "is_stopping": lambda: False,
        "listen": ignore,
    }
    return Doctor(**{**well, **changes})


def raising(error: Exception) -> Callable[[], list[Record]]:
    def answer() -> list[Record]:
        raise error

    return answer


def test_a_server_is_visited_once_and_told_its_role() -> None:
    visits = Visits()
    found = doctor(visits).examine(server())

    assert (found.kind, found.verdict) == (Kind.BACK_END, Grade.GOOD)
    assert (visits.opened, visits.closed) == (1, 1)
    assert visits.sent == [("doctor", {"Role": "back-end"})]


def test_a_proxy_is_told_its_role() -> None:
    visits = Visits()
    doctor(visits).examine(proxy())

    assert visits.sent == [("doctor", {"Role": "proxy"})]


def test_a_script_that_writes_is_never_sent() -> None:
    visits = Visits()
    found = doctor(visits, script=replace(SCRIPT, effect=Effect.WRITE)).examine(server())

    assert visits.sent == []
    assert found.verdict is not Grade.GOOD


def test_nobody_logs_on_behind_a_closed_port() -> None:
    visits = Visits()
    found = doctor(visits, network=network(p5985=ConnectionRefusedError())).examine(server())

    assert visits.opened == 0
    assert by_name(found.checks)["logon"].verdict == "unknown"


def test_a_script_that_is_not_fit_is_not_sent() -> None:
    visits = Visits()
    found = doctor(visits, script=None).examine(server())

    assert visits.opened == 0
    assert "not fit to be sent" in by_name(found.checks)["clock"].evidence


@pytest.mark.parametrize(
    "error", [errors.Denied("EX01", "no"), errors.TimedOut("EX01", "late"), errors.Unreachable("EX01", "gone")]
)
def test_a_visit_that_failed_is_closed_and_not_repeated(error: errors.ServerError) -> None:
    visits = Visits(raising(error))
    found = doctor(visits).examine(server())

    assert (visits.opened, visits.closed, len(visits.sent)) == (1, 1, 1)
    assert found.verdict is not Grade.GOOD


def test_a_password_that_cannot_be_had_is_told_once() -> None:
    def locked(_: Server) -> Visits:
        raise errors.SecretMissing("the environment variable X is not set", where="credentials.default.password_env")

    found = by_name(doctor(locked).examine(server()).checks)

    assert found["logon"].verdict == "bad"
    assert "credentials.default.password_env" in found["logon"].evidence


def test_an_answer_that_makes_no_sense_is_bad() -> None:
    found = by_name(doctor(Visits(lambda: list(WELL[1:]))).examine(server()).checks)

    assert (found["logon"].verdict, found["script"].verdict) == ("good", "bad")
    assert "session" in found["script"].evidence


def test_what_did_not_stand_in_the_way_after_all_is_a_warning() -> None:
    """The logon itself knows better than what could be foretold of it."""
    no_rc4 = replace(ABLE, kerberos=replace(REALM, permitted=(18, 17)))
    account = Account("easfix@LAB.EXAMPLE", True)
    changes: dict[str, Any] = {"abilities": no_rc4, "account": lambda _: account}
    worked = doctor(Visits(), **changes).examine(server(Auth.KERBEROS))
    failed = doctor(Visits(raising(errors.Denied("EX01", "no"))), **changes).examine(server(Auth.KERBEROS))

    assert by_name(worked.checks)["kerberos-encryption"].verdict == "warn"
    assert by_name(failed.checks)["kerberos-encryption"].verdict == "bad"


def test_without_a_test_user_the_proof_ends_early() -> None:
    found = by_name(doctor(Visits()).examine(server(test_user="")).checks)

    assert found["test-user"].verdict == "warn"


def test_whoever_stops_the_run_stops_it() -> None:
    visits = Visits()

    with pytest.raises(errors.Interrupted):
        doctor(visits, is_stopping=lambda: True).examine(server())
    assert visits.opened == 0
