"""Asking as a test user: directly and through a proxy, over verified TLS, and never often with a wrong password."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from between import Between, is_password, token
from phones import PATIENCE, Sights, asking

from agent.model import Auth, Https, Probe, Verdict
from agent.probe import Answer
from agent.probe.direct import judge_logon
from agent.probe.endtoend import end_to_end
from agent.probe.phone import Phone, Phones
from agent.probe.talk import Talk
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate

GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"


def test_a_phone_gets_through_and_the_proof_says_to_whom(sights: Sights) -> None:
    proof = sights.through()

    assert (proof.verdict, proof.cause, proof.status) == (GOOD, "", 200)
    assert (proof.origin, proof.target, proof.probe) == ("CAS01", "EX01", Probe.END_TO_END)
    assert proof.evidence == "OPTIONS 6.5.7638.1; FolderSync HTTP 200, Status 1"
    assert proof.latency_ms is not None


@pytest.mark.parametrize("name", ["CAS01", "CAS02"])
def test_both_versions_of_the_proxy_let_it_through(sights: Sights, name: str) -> None:
    assert sights.through(name=name).verdict is GOOD


def test_a_test_user_logs_on_to_the_server_itself(sights: Sights) -> None:
    proof = sights.directly()
    evidence = "MS-Server-ActiveSync: 6.5.7638.1, logged on by NTLM"

    assert (proof.verdict, proof.evidence, proof.probe) == (GOOD, evidence, Probe.LOGON)


@pytest.mark.parametrize(("protocol", "cause"), [("kerberos", "ticket-refused"), ("ntlm", "password-refused")])
def test_a_server_that_refuses_a_ticket_says_nothing_of_the_password(protocol: str, cause: str) -> None:
    found = judge_logon(Answer(401, ("Negotiate",)), protocol)

    assert (found.verdict, found.cause) == (UNKNOWN, cause)


@pytest.mark.parametrize("auth", [Auth.NTLM, Auth.NEGOTIATE])
def test_the_logon_is_ntlm_where_the_name_is_no_principal(sights: Sights, auth: Auth) -> None:
    assert sights.directly(sights.phone(auth=auth)).verdict is GOOD


def test_the_probes_are_found_in_the_log_by_their_marker(sights: Sights) -> None:
    end_to_end(sights.proxy(), sights.server(), sights.phone(), asking(marker="easfix-4711"))
    folder = r"C:\WINDOWS\system32\LogFiles\W3SVC1"
    files = sights.fleet["EX01"].machine.files
    text = "".join(files.read(each.path).decode() for each in files.list(folder))

    assert "easfix-4711 200 0 0" in text


@pytest.mark.parametrize(
    ("fault", "cause", "verdict"),
    [
        ("require-ssl@EX01", "options-503", BAD),
        ("basic-only@EX01", "options-500", BAD),
        ("exchange-vdir-ssl@EX01", "foldersync-500", BAD),
        ("forms-auth@EX01", "foldersync-500", BAD),
        ("block-legacy@CAS01", "options-403", UNKNOWN),
        ("unreachable@CAS01", "proxy-refused", UNKNOWN),
        ("http-bad-wbxml@CAS01", "foldersync-no-wbxml", BAD),
    ],
)
def test_each_fault_shows_in_its_own_way(sights: Sights, fault: str, cause: str, verdict: Verdict) -> None:
    sights.fleet.fault(fault)
    proof = sights.through()

    assert (proof.cause, proof.verdict) == (cause, verdict)


def test_options_alone_is_no_proof(sights: Sights) -> None:
    """KB817379: OPTIONS works, FolderSync does not."""
    sights.fleet.fault("exchange-vdir-ssl@EX01")
    proof = sights.through()

    assert proof.evidence.startswith("OPTIONS 6.5.7638.1; FolderSync HTTP 500")


def test_a_mailbox_on_the_proxys_own_version_is_elsewhere(sights: Sights) -> None:
    sights.fleet.phones["EX01"].mailbox_server = "CAS02"
    proof = sights.through(name="CAS02")

    assert (proof.cause, proof.verdict) == ("mailbox-elsewhere", UNKNOWN)
    assert "14.3" in proof.evidence


# --- the certificate -------------------------------------------------------------------------------------------------


def test_a_certificate_of_an_unknown_authority_is_refused_before_the_password(sights: Sights) -> None:
    counters = sights.fleet["CAS01"].machine.counters
    before = (counters.logons, counters.logon_failures, counters.requests_served)
    proof = sights.through(ca="")

    assert (proof.cause, proof.verdict) == ("proxy-certificate", UNKNOWN)
    assert "self-signed" in proof.evidence or "issuer" in proof.evidence
    assert (counters.logons, counters.logon_failures, counters.requests_served) == before


def test_a_certificate_for_another_name_is_refused(sights: Sights) -> None:
    other = replace(sights.proxy(), fqdn="owa.lab.example")
    proof = end_to_end(other, sights.server(), sights.phone(), asking())

    assert proof.cause == "proxy-certificate"
    assert "owa.lab.example" in proof.evidence


def test_an_authority_that_cannot_be_read_is_said_to_be(sights: Sights) -> None:
    proof = sights.through(ca="/no/such.pem")

    assert (proof.cause, proof.verdict) == ("ca-unreadable", UNKNOWN)


def test_a_port_that_does_not_speak_tls_is_told_as_such(sights: Sights) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=_answer_in_clear, args=(plain,), daemon=True)
        thread.start()
        proxy = replace(sights.proxy(), https=Https(plain.getsockname()[1], str(sights.ca)))
        proof = end_to_end(proxy, sights.server(), sights.phone(), asking())
        thread.join(PATIENCE)

    assert (proof.cause, proof.verdict) == ("proxy-tls", UNKNOWN)


def _answer_in_clear(plain: socket.socket) -> None:
    connection, _ = plain.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(4096)


# --- the password ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_tried_twice_at_most_however_many_are_asked(sights: Sights) -> None:
    phone = sights.phone(password="wrong")
    proofs = [sights.through(phone, name=name) for name in ("CAS01", "CAS02", "CAS01", "CAS02")]
    proofs.append(sights.directly(phone))

    assert [proof.cause for proof in proofs] == ["password-refused"] * 2 + ["password-not-tried"] * 3
    assert {proof.verdict for proof in proofs} == {UNKNOWN}
    assert sights.fleet.phones["EX01"].bad_passwords == 2


def test_a_wrong_password_is_refused_by_the_server_itself(sights: Sights) -> None:
    proof = sights.directly(sights.phone(password="wrong"))

    assert (proof.cause, proof.verdict) == ("password-refused", UNKNOWN)


REFUSING = [
    "401 Unauthorized\r\nWWW-Authenticate: Negotiate",
    "401 Unauthorized\r\nWWW-Authenticate: Negotiate TlRMTVNTUAACAAAA",
    "401 Unauthorized\r\nWWW-Authenticate: Basic",
    "401 Unauthorized",
]


@pytest.mark.parametrize("said", REFUSING)
def test_whatever_a_401_looks_like_the_password_is_tried_twice_at_most(sights: Sights, said: str) -> None:
    phone = sights.phone(password="wrong")
    with answered(sights, f"HTTP/1.1 {said}\r\nContent-Length: 0\r\n\r\n") as (port, tried):
        causes = [sights.directly(phone, http_port=port).cause for _ in range(4)]

    assert len(tried) == 2
    assert causes[2:] == ["password-not-tried"] * 2


@pytest.mark.parametrize("said", ["200 OK", "500 Internal Server Error", "403 Forbidden", "302 Found", "404 Not Found"])
def test_only_activesync_itself_has_accepted_a_password(sights: Sights, said: str) -> None:
    """What stands before it may answer anything to anybody."""
    phone = sights.phone(password="wrong")
    with answered(sights, f"HTTP/1.1 {said}\r\nContent-Length: 0\r\n\r\n") as (port, tried):
        sights.directly(phone, http_port=port)

    assert len(tried) == 1
    assert not phone.gate.is_open


def test_activesync_has_accepted_a_password(sights: Sights) -> None:
    phone = sights.phone()
    sights.directly(phone)

    assert phone.gate.is_open


def test_a_challenge_that_ends_the_connection_has_cost_no_attempt(sights: Sights) -> None:
    """The password never left, so the account is not kept from others."""
    phone = sights.phone()

    def alter(_: int, request: bytes, said: bytes) -> bytes:
        return said.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if token(request) else said

    with Between(sights.server().http_port, alter) as between:
        causes = [sights.directly(phone, http_port=between.port).cause for _ in range(3)]

    assert causes == ["broken-off"] * 3
    assert sights.directly(phone).verdict is GOOD


@contextlib.contextmanager
def answered(sights: Sights, said: str) -> Iterator[tuple[int, list[bytes]]]:
    """A port that answers so to NTLM's third message, and those messages."""
    tried: list[bytes] = []

    def alter(_: int, request: bytes, real: bytes) -> bytes:
        if not is_password(request):
            return real
        tried.append(request)
        return said.encode()

    with Between(sights.server().http_port, alter) as between:
        yield between.port, tried


@pytest.mark.parametrize("said", ["503 Service Unavailable", "403 Forbidden", "302 Found", "200 OK"])
def test_a_proxys_error_has_accepted_no_password(sights: Sights, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer, or a stopped application pool, answers before anybody has looked at it."""
    number, _, words = said.partition(" ")
    monkeypatch.setattr(Talk, "put", lambda *_: Answer(int(number), message=words, is_sent=True))
    phone = sights.phone(password="wrong")
    sights.through(phone)

    assert not phone.gate.is_open


def test_an_expired_password_is_refused_like_a_wrong_one(sights: Sights) -> None:
    sights.fleet.phones["EX01"].expired = True

    assert sights.through().cause == "password-refused"


def test_the_password_never_goes_over_plain_http(sights: Sights) -> None:
    """Where only Basic is offered the direct question stays without a logon."""
    sights.fleet.fault("basic-only@EX01")
    before = sights.fleet["EX01"].machine.counters.logons
    proof = sights.directly()

    assert proof.cause == "negotiate-missing"
    assert sights.fleet["EX01"].machine.counters.logons == before


def test_the_password_shows_in_no_proof_and_no_text(sights: Sights) -> None:
    phone = sights.phone()
    password = sights.fleet.phones["EX01"].password
    texts = (repr(phone), repr(sights.through(phone)), repr(sights.directly(phone)))

    assert not [text for text in texts if password in text]


def test_one_account_has_one_gate_and_a_server_without_one_has_no_phone(sights: Sights) -> None:
    asked: list[str] = []

    def logon(server: object) -> tuple[Credentials, Auth]:
        asked.append(str(server))
        return Credentials("LAB\\anna", Secret("x")), Auth.NTLM

    phones = Phones(logon)

    assert phones.of(sights.server("EX01")) is phones.of(sights.server("EX02"))
    assert phones.of(replace(sights.server("EX01"), test_user="")) is None
    assert len(asked) == 2


def test_the_name_of_the_user_is_without_its_domain() -> None:
    names = [Phone(Credentials(user), Gate()).name for user in ("LAB\\anna", "anna@lab.example", "anna")]

    assert names == ["anna"] * 3
