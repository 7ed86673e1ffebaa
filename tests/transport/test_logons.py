"""Logons over the wire: one attempt, sealed messages, and no secret in any text."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from spnego import ContextReq
from visiting import Visits, script

from agent import errors
from agent.model import Auth
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate
from agent.transport.logon import Logon, Weakened
from agent.transport.sealing import Sealing
from agent.transport.wire import Line

READ = "New-Object -TypeName 'PSObject' -Property @{ Kind = 'x' }"


def failures(visits: Visits) -> int:
    return sum(account.logon_failures for account in visits.fleet.truth())


@pytest.mark.parametrize("auth", [Auth.NTLM, Auth.NEGOTIATE])
def test_each_logon_lets_the_account_in(visits: Visits, auth: Auth) -> None:
    assert visits.to(auth=auth).run(script(READ), {}) == [{"Kind": "x"}]


def test_a_wrong_password_is_tried_once_however_often_one_asks(visits: Visits) -> None:
    before = failures(visits)
    visit = visits.to(connector=visits.connector("wrong"))
    for _ in range(3):
        with pytest.raises(errors.Denied) as caught:
            visit.run(script(READ), {})

    assert failures(visits) - before == 1
    assert "password" in caught.value.next_step


def test_a_wrong_password_meets_two_servers_of_a_fleet_at_most(visits: Visits) -> None:
    before = failures(visits)
    connector = visits.connector("wrong")
    for name in ("EX01", "EX02", "EX03", "EX04"):
        with pytest.raises(errors.Denied):
            visits.to(name, connector=connector).run(script(READ), {})

    assert failures(visits) - before == 2
    assert not visits.fleet.administrator.locked


def test_the_others_go_on_before_the_session_of_the_first_is_open(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first sealed answer the server has shown that the password is right: only it could have sealed it."""
    gates: list[Gate] = []
    is_open: list[bool] = []

    class Seen(Gate):
        def __init__(self) -> None:
            super().__init__()
            gates.append(self)

    seal = Sealing.seal

    def sealed(self: Sealing, message: bytes) -> tuple[str, bytes]:
        is_open.append(gates[0].is_open)
        return seal(self, message)

    monkeypatch.setattr("agent.transport.choose.Gate", Seen)
    monkeypatch.setattr(Sealing, "seal", sealed)
    visits.to().run(script(READ), {})

    assert len(gates) == 1
    assert is_open[:2] == [False, True]


@pytest.mark.parametrize("status", [200, 204])
def test_who_only_says_yes_to_a_logon_has_accepted_nobody(status: int) -> None:
    """A wrong password would go on to the whole fleet."""
    heard: list[str] = []
    credentials = Credentials("LAB\\easfix", Secret("x"))
    logon = Logon(credentials, Auth.NTLM, "ex01", Line(lambda: 0.0), seals=True, accepted=lambda: heard.append("yes"))
    protection = ContextReq.integrity | ContextReq.confidentiality
    logon.context = SimpleNamespace(
        complete=True, negotiated_protocol="ntlm", context_attr=protection, unwrap_winrm=lambda *_: b"message"
    )
    logon.check(status, "", b"")
    with pytest.raises(ValueError):
        Sealing(logon).unseal(b"HTTP/1.1")

    assert heard == []
    assert not logon.is_proved


@pytest.mark.parametrize("missing", [ContextReq.integrity, ContextReq.confidentiality])
def test_a_context_without_protection_is_not_used(missing: ContextReq) -> None:
    """Whichever protocol it is, also Windows' own."""
    logon = Logon(Credentials(), Auth.NEGOTIATE, "ex01", Line(lambda: 0.0), seals=True)
    both = ContextReq.integrity | ContextReq.confidentiality
    logon.context = SimpleNamespace(complete=True, context_attr=both & ~missing)
    with pytest.raises(Weakened):
        logon.check(200, "", b"")


@pytest.mark.parametrize(
    ("status", "kind", "is_proved"),
    [
        (200, "Application/SOAP+xml;charset=UTF-8", True),
        (200, "text/html", False),
        (200, "", False),
        (500, "application/soap+xml;charset=UTF-8", True),  # a fault of the WinRM service
        (500, "text/html", False),
        (503, "text/html", False),
        (401, "", False),
        (403, "application/soap+xml", False),
    ],
)
def test_over_https_the_service_itself_proves_that_it_took_the_logon(status: int, kind: str, is_proved: bool) -> None:
    logon = Logon(Credentials(), Auth.NTLM, "ex01", Line(lambda: 0.0), seals=False)
    logon.check(status, kind, b"")
    assert not logon.is_proved  # nobody has asked who is there

    logon.context = SimpleNamespace(complete=True, negotiated_protocol="ntlm")
    logon.check(status, kind, b"")
    assert not logon.is_proved  # no password has left

    logon.has_tried = True
    logon.check(status, kind, b"")

    assert logon.is_proved is is_proved


def test_a_locked_account_is_denied_and_tried_once(visits: Visits) -> None:
    visits.fleet.administrator.locked = True
    before = failures(visits)
    with pytest.raises(errors.Denied) as caught:
        visits.to().run(script(READ), {})

    assert failures(visits) - before == 1
    assert "locked" in caught.value.next_step


def test_one_server_that_denies_does_not_stop_the_others(visits: Visits) -> None:
    visits.fleet.fault("auth-denied@EX01")
    connector = visits.connector()
    with pytest.raises(errors.Denied):
        visits.to("EX01", connector=connector).run(script(READ), {})

    assert visits.to("EX02", connector=connector).run(script(READ), {}) == [{"Kind": "x"}]


def test_an_account_without_rights_is_told_so(visits: Visits) -> None:
    visits.fleet.fault("not-admin@EX01")
    with pytest.raises(errors.Denied, match="may not open a session") as caught:
        visits.to().run(script(READ), {})

    assert "administrator" in caught.value.next_step


def test_no_text_that_comes_out_holds_the_password(visits: Visits, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error nor its traceback with its causes, no representation, no log at its most talkative."""
    canary = "canary-5e1f"
    caplog.set_level(logging.DEBUG)
    visit = visits.to(connector=visits.connector(canary))
    with pytest.raises(errors.Denied) as caught:
        visit.run(script(READ), {})
    held = [repr(value) for value in (visit, vars(visit), Credentials("u", Secret(canary)))]
    texts = [str(caught.value), caught.value.next_step, *traceback.format_exception(caught.value), caplog.text, *held]

    assert [text for text in texts if canary in text] == []


def test_the_arguments_of_a_script_are_in_no_log(visits: Visits, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    visits.to().run(script("param([string]$Word)\n" + READ), {"Word": "canary-77"})

    ours = [record for record in caplog.records if not record.name.startswith(("psrpcore", "agent.lab"))]
    assert [record for record in ours if "canary-77" in record.getMessage()] == []


def test_https_is_verified_against_the_given_authority(visits: Visits, tmp_path: Path) -> None:
    port = tls(visits)
    ca = visits.fleet.certificates.write(tmp_path / "ca.pem")
    visit = visits.to(scheme="https", port=port, ca=str(ca))

    assert visit.run(script(READ), {}) == [{"Kind": "x"}]


def test_https_by_an_unknown_authority_is_refused_before_any_logon(visits: Visits) -> None:
    port = tls(visits)
    before = [account.logons + account.logon_failures for account in visits.fleet.truth()]
    with pytest.raises(errors.Unsupported, match="TLS"):
        visits.to(scheme="https", port=port).run(script(READ), {})

    assert [account.logons + account.logon_failures for account in visits.fleet.truth()] == before


def test_https_for_another_name_is_refused(visits: Visits, tmp_path: Path) -> None:
    context = visits.fleet.certificates.context("other.lab.example")
    port = visits.fleet.call(visits.fleet["EX01"].winrm.start_tls(context))
    ca = visits.fleet.certificates.write(tmp_path / "ca.pem")
    with pytest.raises(errors.Unsupported, match="TLS"):
        visits.to(scheme="https", port=port, ca=str(ca)).run(script(READ), {})


def tls(visits: Visits) -> int:
    """Let EX01 listen for HTTPS too."""
    node = visits.fleet["EX01"]
    return visits.fleet.call(node.winrm.start_tls(visits.fleet.certificates.context(node.machine.fqdn)))
