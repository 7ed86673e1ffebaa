"""Kerberos logons against a real KDC: sealed messages, and each way it fails told apart, with one attempt."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from between import Between
from kdc import REALM, Realm, require
from visiting import Visits, script

from agent import errors
from agent.lab.fleet import Fleet
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.server import WinrmServer
from agent.model import Auth, Way
from agent.transport import Transport

READ = "New-Object -TypeName 'PSObject' -Property @{ Kind = 'x' }"
PASSWORD = "right-horse"


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    require()
    made = Realm(tmp_path_factory.mktemp("realm"))
    made.add_service("HTTP/ex01.lab.example")
    made.add_user("easfix", PASSWORD)
    made.add_user("locked", PASSWORD)
    made.kadmin("modprinc -allow_tix locked")
    yield made
    made.close()


@pytest.fixture(scope="module")
def port(fleet: Fleet, realm: Realm) -> Iterator[int]:
    """EX01 once more, with a keytab."""
    authority = Authority(fleet.forest.accounts, keytab=realm.keytab)
    server = WinrmServer(fleet["EX01"].machine, authority, faults=fleet["EX01"].wire)
    yield fleet.call(server.start())
    fleet.call(server.stop())
    authority.close()


class Here:
    """Visits to EX01 by Kerberos."""

    def __init__(self, visits: Visits, port: int) -> None:
        self.visits = visits
        self._port = port

    def to(
        self, user: str = f"easfix@{REALM}", password: str = PASSWORD, auth: Auth = Auth.KERBEROS, **server: Any
    ) -> Transport:
        """A visit."""
        described = replace(self.visits.server("EX01", port=self._port, auth=auth), **server)
        return self.visits.connector(password, user)(described)

    @property
    def failures(self) -> int:
        return self.visits.fleet["EX01"].machine.counters.logon_failures


@pytest.fixture(params=[Way.PSRP, Way.WINRM])
def here(
    fleet: Fleet, realm: Realm, port: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Here:
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    return Here(Visits(fleet, request.param), port)


@pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NEGOTIATE])
def test_a_ticket_lets_the_account_in(here: Here, auth: Auth) -> None:
    visit = here.to(auth=auth)

    assert visit.run(script(READ), {}) == [{"Kind": "x"}]
    visit.close()


def test_a_kerberos_visit_is_a_request_shorter(here: Here) -> None:
    visit: Any = here.to()
    visit.run(script(READ), {})
    visit.close()

    assert 6 <= visit.line.sent <= 10


@pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NEGOTIATE])
def test_a_wrong_password_is_tried_once_with_the_domain_and_never_with_the_server(
    here: Here, realm: Realm, auth: Auth
) -> None:
    before, asked = here.failures, realm.log.count("PREAUTH_FAILED")
    visit = here.to(password="wrong", auth=auth)
    for _ in range(2):
        with pytest.raises(errors.Denied, match="refused the password"):
            visit.run(script(READ), {})

    assert realm.log.count("PREAUTH_FAILED") - asked == 1
    assert here.failures == before


def test_an_unknown_user_is_told_as_such(here: Here) -> None:
    with pytest.raises(errors.Denied, match="does not know the user"):
        here.to(user=f"nobody@{REALM}").run(script(READ), {})


@pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NEGOTIATE])
def test_a_locked_account_is_told_as_such_and_not_tried_by_ntlm(here: Here, auth: Auth) -> None:
    before = here.failures
    with pytest.raises(errors.Denied, match="locked, disabled"):
        here.to(user=f"locked@{REALM}", auth=auth).run(script(READ), {})

    assert here.failures == before


def test_a_missing_spn_is_told_as_such(here: Here) -> None:
    with pytest.raises(errors.Denied, match="missing SPN") as caught:
        here.to(fqdn="ex99.lab.example").run(script(READ), {})

    assert "setspn" in caught.value.next_step


def test_a_server_whose_clock_is_off_refuses_the_ticket_and_the_clocks_are_named(here: Here) -> None:
    here.visits.fleet["EX01"].wire.set(clock_skew_seconds=600.0)
    try:
        with pytest.raises(errors.Denied, match="refused the Kerberos ticket") as caught:
            here.to().run(script(READ), {})
    finally:
        here.visits.fleet["EX01"].wire.set(clock_skew_seconds=0.0)

    assert "clock" in caught.value.next_step


def der(tag: int, content: bytes) -> bytes:
    """An element with a length of up to 255 (X.690 8.1)."""
    long = b"\x81" if len(content) > 127 else b""
    return bytes([tag]) + long + bytes([len(content)]) + content


def krb_error(code: int) -> bytes:
    """A KRB-ERROR as a GSS-API token (RFC 4120 5.9.1, RFC 4121 4.1), which anybody can make."""
    name = der(0x30, der(0x1B, b"HTTP") + der(0x1B, b"ex01.lab.example"))
    fields = (
        der(0xA0, der(2, b"\x05")),  # the version
        der(0xA1, der(2, b"\x1e")),  # KRB-ERROR
        der(0xA4, der(0x18, b"20260506120000Z")),
        der(0xA5, der(2, b"\0")),
        der(0xA6, der(2, bytes([code]))),
        der(0xA9, der(0x1B, REALM.encode())),
        der(0xAA, der(0x30, der(0xA0, der(2, b"\x02")) + der(0xA1, name))),
    )
    oid = bytes.fromhex("06092a864886f712010202")
    return der(0x60, oid + b"\x03\x00" + der(0x7E, der(0x30, b"".join(fields))))


@pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NEGOTIATE])
@pytest.mark.parametrize("code", [6, 18, 23, 24])  # no such user, revoked, expired, wrong password
def test_what_a_server_says_of_the_account_shuts_nobody_out(here: Here, port: int, auth: Auth, code: int) -> None:
    """It only sounds like the domain."""
    said = f"HTTP/1.1 401 x\r\nWWW-Authenticate: Negotiate {base64.b64encode(krb_error(code)).decode()}\r\n"
    said += "Content-Length: 0\r\n\r\n"
    connector = here.visits.connector(PASSWORD, f"easfix@{REALM}")
    with Between(port, lambda *_: said.encode()) as between:
        liar = here.visits.server("EX01", port=between.port, auth=auth)
        with pytest.raises(errors.Denied, match="refused the Kerberos ticket"):
            connector(liar).run(script(READ), {})

    visit = connector(here.visits.server("EX01", port=port, auth=auth))
    assert visit.run(script(READ), {}) == [{"Kind": "x"}]
    visit.close()


def test_a_domain_that_cannot_be_reached_is_told_as_such(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "krb5.conf"
    configuration.write_text(
        f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n[realms]\n{REALM} = {{\n}}\n"
    )
    monkeypatch.setenv("KRB5_CONFIG", str(configuration))

    with pytest.raises(errors.Denied, match="KDC"):
        here.to().run(script(READ), {})


def test_negotiate_goes_on_with_ntlm_where_there_is_no_kdc(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "krb5.conf"
    configuration.write_text(f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n")
    monkeypatch.setenv("KRB5_CONFIG", str(configuration))
    visit = here.to(user=here.visits.fleet.administrator.upn, password=here.visits.password, auth=Auth.NEGOTIATE)

    assert visit.run(script(READ), {}) == [{"Kind": "x"}]
    visit.close()
