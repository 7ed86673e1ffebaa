"""Kerberos with a real KDC on loopback: in with a ticket, sealed; and every way in which it fails."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kdc
import pytest
import requests
import spnego
from practice import DEADLINE, PASSWORD, Loop, Practice, invoke
from pypsrp.exceptions import AuthenticationError
from spnego.exceptions import SpnegoError

from agent.lab.winrm.sealing import KERBEROS, seal, unseal

SERVER = "ex01.lab.example"
TICKET = "Ticket1 pw"
IDENTIFY = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>"
)


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kdc.Realm]:
    kdc.require()
    made = kdc.Realm(tmp_path_factory.mktemp("kdc"))
    made.add_service(f"HTTP/{SERVER}")
    made.add_user("administrator", TICKET)
    made.add_user("stranger", TICKET)
    yield made
    made.close()


@pytest.fixture
def ticketed(realm: kdc.Realm, winrm_loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    practice = Practice(winrm_loop, keytab=realm.keytab)
    yield practice
    practice.close()


def kerberos(lab: Practice, **options: Any) -> Any:
    chosen = {
        "auth": "kerberos",
        "username": "administrator@LAB.EXAMPLE",
        "password": TICKET,
        "negotiate_service": "HTTP",
        "negotiate_hostname_override": SERVER,
    }
    return lab.pool(**{**chosen, **options})


def test_a_ticket_gets_in_and_everything_is_sealed(ticketed: Practice) -> None:
    bodies: list[bytes] = []
    ticketed.scripts["who"] = lambda engine, sink, arguments, input: sink.output(engine.user)
    pool = kerberos(ticketed)
    session = pool.connection.transport._build_session()
    session.hooks["response"].append(lambda answer, **_: bodies.append(answer.content))
    pool.connection.transport.session = session
    with pool:
        output = invoke(pool, "who").output

    assert output == [r"LAB\administrator"]
    assert not any(b"Envelope" in body for body in bodies)
    assert ticketed.user.bad_passwords == 0


def test_a_megabyte_sealed_with_aes_arrives_whole(ticketed: Practice) -> None:
    text = "x" * 1024 * 1024
    ticketed.scripts["much"] = lambda engine, sink, arguments, input: sink.output(text)
    with kerberos(ticketed) as pool:
        output = invoke(pool, "much").output

    assert output == [text]


def test_negotiate_prefers_the_ticket(ticketed: Practice) -> None:
    with kerberos(ticketed, auth="negotiate") as pool:
        context = pool.connection.transport.session.auth.contexts["127.0.0.1"]
        protocol = context.negotiated_protocol

    assert protocol == "kerberos"


def test_ntlm_still_works_beside_kerberos(ticketed: Practice) -> None:
    with ticketed.pool() as pool:
        version = pool.protocol_version

    assert version == "2.1"


def test_a_server_without_a_principal_gets_no_ticket(ticketed: Practice) -> None:
    with pytest.raises(SpnegoError):
        kerberos(ticketed, negotiate_hostname_override="ex02.lab.example").open()

    assert ticketed.machine.counters.logons == 0


def test_negotiate_falls_back_to_ntlm_where_there_is_no_principal(ticketed: Practice) -> None:
    options = {"auth": "negotiate", "username": r"LAB\administrator", "password": PASSWORD}
    with kerberos(ticketed, negotiate_hostname_override="ex02.lab.example", **options) as pool:
        protocol = pool.connection.transport.session.auth.contexts["127.0.0.1"].negotiated_protocol

    assert protocol == "ntlm"


def test_a_clock_ten_minutes_off_refuses_the_ticket_and_not_ntlm(ticketed: Practice) -> None:
    ticketed.faults.set(clock_skew_seconds=600)
    with pytest.raises(AuthenticationError):
        kerberos(ticketed).open()
    with ticketed.pool() as pool:
        version = pool.protocol_version

    assert version == "2.1"


@pytest.mark.parametrize("state", ["locked", "disabled", "expired"])
def test_a_ticket_does_not_help_an_account_that_may_not_log_on(ticketed: Practice, state: str) -> None:
    setattr(ticketed.user, state, True)

    with pytest.raises(AuthenticationError):
        kerberos(ticketed).open()


def test_a_principal_the_forest_does_not_know_is_refused(ticketed: Practice) -> None:
    with pytest.raises(AuthenticationError):
        kerberos(ticketed, username="stranger@LAB.EXAMPLE").open()


def test_a_wrong_password_gets_no_ticket(ticketed: Practice) -> None:
    with pytest.raises(Exception, match="Preauthentication failed"):
        kerberos(ticketed, password="wrong").open()


def test_the_kerberos_scheme_seals_under_its_own_name(ticketed: Practice) -> None:
    """What a Windows client does: `Authorization: Kerberos`, application/HTTP-Kerberos-session-encrypted."""
    context = spnego.client(
        "administrator@LAB.EXAMPLE",
        TICKET,
        hostname=SERVER,
        service="HTTP",
        protocol="kerberos",
        options=spnego.NegotiateOptions.wrapping_winrm,
    )
    with requests.Session() as session:
        token = base64.b64encode(context.step() or b"").decode()
        answer = session.post(ticketed.endpoint, headers={"Authorization": f"Kerberos {token}"}, timeout=DEADLINE)
        scheme, _, reply = answer.headers["WWW-Authenticate"].partition(" ")
        context.step(base64.b64decode(reply))
        header = f'multipart/encrypted;protocol="{KERBEROS}";boundary="Encrypted Boundary"'
        body = seal(context, IDENTIFY, KERBEROS)
        answer = session.post(ticketed.endpoint, data=body, headers={"Content-Type": header}, timeout=DEADLINE)

    assert (scheme, answer.status_code) == ("Kerberos", 200)
    assert KERBEROS in answer.headers["Content-Type"]
    assert b"OS: 5.2.3790 SP: 2.0 Stack: 2.0" in unseal(context, answer.content)


def test_without_a_keytab_a_ticket_is_refused(
    realm: kdc.Realm, winrm_loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {**realm.environment, "KRB5_KTNAME": str(tmp_path / "none")}.items():
        monkeypatch.setenv(name, value)
    lab = Practice(winrm_loop)
    try:
        with pytest.raises(AuthenticationError):
            kerberos(lab).open()
    finally:
        lab.close()
