"""Which logon will be used, and whether this machine can do it; nobody is asked."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from patients import ABLE, LATER, NOON, REALM, TICKET, by_name, proxy, server, verdicts

from agent.doctor import ability, kerberos
from agent.doctor.ability import Abilities
from agent.doctor.authentication import Way, checks
from agent.doctor.kerberos import Kerberos, Ticket
from agent.model import Auth

PRINCIPAL = "easfix@LAB.EXAMPLE"


def way(auth: Auth, user: str = PRINCIPAL, *, password: bool = True, can: Abilities = ABLE) -> Way:
    return Way(server(auth), user, password, can)


def can(**changes: Any) -> Abilities:
    """An able machine whose Kerberos differs."""
    return replace(ABLE, kerberos=replace(REALM, **changes))


@pytest.mark.parametrize(
    ("auth", "user", "password", "words"),
    [
        (Auth.NTLM, "LAB\\easfix", True, "NTLM as LAB\\easfix"),
        (Auth.NEGOTIATE, "LAB\\easfix", True, "NTLM as LAB\\easfix"),
        (Auth.NEGOTIATE, PRINCIPAL, True, f"Kerberos as {PRINCIPAL}, and NTLM where no ticket can be had"),
        (Auth.KERBEROS, PRINCIPAL, True, f"Kerberos as {PRINCIPAL}"),
    ],
)
def test_the_logon_is_told_as_the_transport_will_do_it(auth: Auth, user: str, password: bool, words: str) -> None:
    found = by_name(checks(way(auth, user, password=password), NOON))["authentication"]

    assert (found.verdict, found.evidence) == ("good", words)


def test_a_ticket_is_enough() -> None:
    assert verdicts(checks(way(Auth.KERBEROS, "", password=False, can=can(ticket=TICKET)), NOON)) == {}


TICKETS: dict[str, Ticket | None] = {
    "no cache": None,
    "no ticket-granting ticket": Ticket(PRINCIPAL, None),
    "over": Ticket(PRINCIPAL, NOON - timedelta(seconds=1)),
    "somebody else's": Ticket("other@LAB.EXAMPLE", LATER),
}


@pytest.mark.parametrize("ticket", TICKETS.values(), ids=TICKETS.keys())
def test_without_a_password_a_good_ticket_of_the_user_is_needed(ticket: Ticket | None) -> None:
    found = by_name(checks(way(Auth.KERBEROS, password=False, can=can(ticket=ticket)), NOON))["authentication"]

    assert found.verdict == "bad"
    assert f"kinit {PRINCIPAL}" in found.mend


def test_kerberos_that_is_not_installed_leaves_ntlm_or_nothing() -> None:
    missing = replace(ABLE, kerberos=Kerberos(missing="easfix[kerberos] is not installed"))
    neither = replace(missing, ntlm_missing="OpenSSL has no RC4")

    assert verdicts(checks(way(Auth.KERBEROS, can=missing), NOON)) == {"authentication": "bad"}
    assert verdicts(checks(way(Auth.NEGOTIATE, can=missing), NOON)) == {"authentication": "warn"}
    assert verdicts(checks(way(Auth.NEGOTIATE, can=neither), NOON)) == {"authentication": "bad"}
    assert verdicts(checks(way(Auth.NTLM, can=missing), NOON)) == {}


def test_ntlm_without_rc4_is_bad() -> None:
    unable = replace(ABLE, ntlm_missing="OpenSSL has no RC4")

    assert verdicts(checks(way(Auth.NTLM, can=unable), NOON)) == {"authentication": "bad"}


def test_a_windows_name_is_none_for_kerberos() -> None:
    found = by_name(checks(way(Auth.KERBEROS, "LAB\\easfix"), NOON))["authentication"]

    assert found.verdict == "bad"
    assert "user@REALM" in found.mend


def test_a_name_without_a_password_cannot_log_on() -> None:
    assert verdicts(checks(way(Auth.NEGOTIATE, "LAB\\easfix", password=False), NOON)) == {"authentication": "bad"}


@pytest.mark.parametrize(
    ("auth", "permitted", "allows", "expected"),
    [
        (Auth.KERBEROS, (18, 23), True, {}),
        (Auth.KERBEROS, (18, 23), False, {"kerberos-encryption": "warn"}),
        (Auth.KERBEROS, (18, 17), True, {"kerberos-encryption": "bad"}),
        (Auth.NEGOTIATE, (18, 17), False, {"kerberos-encryption": "warn"}),
        (Auth.KERBEROS, None, None, {"kerberos-encryption": "warn"}),
        (Auth.NTLM, (18, 17), False, {}),
    ],
)
def test_a_server_2003_needs_rc4(
    auth: Auth, permitted: tuple[int, ...] | None, allows: bool | None, expected: dict[str, str]
) -> None:
    assert verdicts(checks(way(auth, can=can(permitted=permitted, allows_rc4=allows)), NOON)) == expected


def test_a_proxy_does_not_need_rc4() -> None:
    front = Way(proxy(auth=Auth.KERBEROS), PRINCIPAL, True, can(permitted=(18,)))

    assert "kerberos-encryption" not in by_name(checks(front, NOON))


def test_windows_does_it_by_itself() -> None:
    assert verdicts(checks(way(Auth.NEGOTIATE, can=replace(ABLE, is_windows=True)), NOON)) == {}


# --- this machine ----------------------------------------------------------------------------------------------------


def test_this_machine_is_looked_at() -> None:
    found = ability.look()

    assert found.tls.version.startswith("OpenSSL") or found.tls.version.startswith("LibreSSL")
    assert found.tls.lowest.startswith("TLS") or found.tls.lowest.startswith("SSL")
    assert found.ntlm_missing == "" or "OpenSSL" in found.ntlm_missing


def test_an_openssl_without_md5_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What FIPS mode does."""

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr(ability.hashlib, "md5", refuse)

    assert "FIPS" in ability.ntlm_missing()


@pytest.fixture
def krb5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Kerberos]:
    """Reads a krb5.conf with this text, and a ticket cache that is not there unless a test makes it."""
    pytest.importorskip("gssapi", reason="needs easfix[kerberos]")
    pytest.importorskip("krb5", reason="needs easfix[kerberos]")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'ccache'}")
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))

    def read(text: str) -> Kerberos:
        (tmp_path / "krb5.conf").write_text(text, encoding="ascii")
        return kerberos.read()

    return read


def test_the_library_itself_tells_the_encryption_types(krb5: Callable[[str], Kerberos], tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("[libdefaults]\npermitted_enctypes = aes256-cts arcfour-hmac\n")
    found = krb5(f"include {tmp_path / 'more.conf'}\n[libdefaults]\ndefault_realm = LAB.EXAMPLE\nallow_rc4 = yes\n")

    assert (found.missing, found.realm, found.files) == ("", "LAB.EXAMPLE", (str(tmp_path / "krb5.conf"),))
    assert (found.permitted, found.permits_rc4, found.allows_rc4) == ((18, 23), True, True)
    assert found.ticket is None


def test_rc4_that_is_not_permitted_is_seen(krb5: Callable[[str], Kerberos]) -> None:
    found = krb5("[libdefaults]\npermitted_enctypes = aes256-cts aes128-cts\n")

    assert (found.permitted, found.permits_rc4, found.allows_rc4) == ((18, 17), False, False)


def test_a_machine_without_a_krb5_conf_is_seen(
    krb5: Callable[[str], Kerberos], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CONFIG", "/nowhere/krb5.conf")

    assert kerberos.read().files == ()


def test_a_broken_krb5_conf_is_told(krb5: Callable[[str], Kerberos]) -> None:
    assert "libkrb5 cannot read" in krb5("[libdefaults\nnonsense\n").missing


def test_the_ticket_of_the_cache_is_found(krb5: Callable[[str], Kerberos], tmp_path: Path) -> None:
    (tmp_path / "ccache").write_bytes(cache("LAB.EXAMPLE", "easfix", int(LATER.timestamp())))
    os.chmod(tmp_path / "ccache", 0o600)  # noqa: PTH101 - the cache, for its owner only
    found = krb5("[libdefaults]\ndefault_realm = LAB.EXAMPLE\n")

    assert found.ticket == Ticket(PRINCIPAL, LATER)


def cache(realm: str, user: str, ends_at: int) -> bytes:
    """A ticket cache of format 4 with one ticket-granting ticket (MIT krb5, "Credential cache file format")."""
    client = name(1, realm, user)
    key, times = struct.pack(">HI", 18, 32) + bytes(32), struct.pack(">4I", ends_at - 60, ends_at - 60, ends_at, 0)
    rest = struct.pack(">BI", 0, 0) + struct.pack(">II", 0, 0) + data(b"ticket") + data(b"")
    return struct.pack(">HH", 0x0504, 0) + client + client + name(2, realm, "krbtgt", realm) + key + times + rest


def name(kind: int, realm: str, *parts: str) -> bytes:
    """A principal."""
    return struct.pack(">II", kind, len(parts)) + b"".join(data(part.encode()) for part in (realm, *parts))


def data(content: bytes) -> bytes:
    """A counted octet string."""
    return struct.pack(">I", len(content)) + content
