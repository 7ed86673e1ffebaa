"""The logon of the probes by Kerberos, at Apache httpd with mod_auth_gssapi and a ticket of a real KDC (MIT).

Apache has a keytab as a Server 2003 has its machine account's key. Where domain and server have no encryption type in
common there are two ways to fail, and both are told apart from a wrong password: the domain gives no ticket at all, or
it gives one that the server cannot read (domain 6.4).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpd import GSSAPI_NEEDED, NAME, NEEDED, SCRIPTED, Httpd, Start
from kdc import REALM, Realm, require
from phones import asking

from agent.decoder import Certainty, conclude
from agent.model import Auth, Probe, Proof, Server, Verdict
from agent.probe.direct import direct
from agent.probe.evidence import Evidence
from agent.probe.phone import Phone
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate

pytestmark = [NEEDED, GSSAPI_NEEDED]

SERVICE, PASSWORD = f"HTTP/{NAME}", "right-horse"
OTHER = "rc4.lab.example"
RULES = f"""  AuthType GSSAPI
  AuthName sync
  GssapiCredStore keytab:{{home}}/http.keytab
  GssapiSSLonly Off
  Require valid-user
{SCRIPTED}"""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    require()
    made = Realm(tmp_path_factory.mktemp("realm"))
    made.kadmin(f'addprinc -pw "{PASSWORD}" {SERVICE}')
    made.add_service_of(f"HTTP/{OTHER}", "arcfour-hmac")
    made.add_user("anna", PASSWORD)
    yield made
    made.close()


Serve = Callable[[str], Httpd]


@pytest.fixture
def serve(realm: Realm, httpd: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Serve:
    """Apache with a keytab whose only key is of this encryption type."""
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'ccache'}")

    def start(encryption: str) -> Httpd:
        made = realm.keytab_of(f"{SERVICE}@{REALM}", PASSWORD, encryption)

        def lay(home: Path) -> None:
            """Where Apache's workers, who are another user, may read it."""
            for source, name in ((made, "http.keytab"), (realm.folder / "krb5.conf", "krb5.conf")):
                shutil.copyfile(source, home / name)
                (home / name).chmod(0o644)

        return httpd(RULES, extra="auth_gssapi", lay=lay, environment={"KRB5_CONFIG": "{home}/krb5.conf"})

    return start


def phone(password: str = PASSWORD) -> Phone:
    return Phone(Credentials(f"anna@{REALM}", Secret(password)), Gate(asks_again=True), Auth.KERBEROS)


def logon(server: Server, password: str = PASSWORD) -> Proof:
    return direct(server, phone(password), asking())


def causes(proof: Proof, server: Server, hop: Proof) -> dict[str, Certainty]:
    """What the decoder makes of it for a proxy that is asked well and whose phones get HTTP 500 (domain 1.6)."""
    asked = replace(hop, origin="CAS01")
    through = replace(asked, probe=Probe.END_TO_END, verdict=Verdict.BAD, cause="options-500", status=500)
    found = conclude(Evidence("CAS01", server, proof.at, proofs=(asked, proof, through)))
    return {each.cause.name: each.certainty for each in found}


def test_negotiate_is_the_good_answer_to_the_question_without_a_logon(serve: Serve) -> None:
    proof = serve("aes256-cts-hmac-sha1-96").hop()

    assert (proof.status, proof.verdict, proof.cause) == (401, Verdict.GOOD, "")
    assert "offers Negotiate" in proof.evidence


def test_a_ticket_lets_the_test_user_in(serve: Serve) -> None:
    proof = logon(serve("aes256-cts-hmac-sha1-96").back_end)

    assert (proof.verdict, proof.cause) == (Verdict.GOOD, "")
    assert proof.evidence == "MS-Server-ActiveSync: 6.5.7638.1, logged on by Kerberos"


def test_a_wrong_password_is_the_domains_answer(serve: Serve) -> None:
    proof = logon(serve("aes256-cts-hmac-sha1-96").back_end, password="wrong")

    assert (proof.verdict, proof.cause) == (Verdict.UNKNOWN, "password-refused")


def test_a_key_of_another_encryption_type_than_the_tickets_is_named(serve: Serve) -> None:
    """The domain gives an AES ticket, as it does for an account it believes to be newer; the server has RC4 only."""
    httpd = serve("arcfour-hmac")
    proof = logon(httpd.back_end)

    assert (proof.verdict, proof.cause) == (Verdict.UNKNOWN, "ticket-refused")
    assert list(causes(proof, httpd.back_end, httpd.hop()).items())[:2] == [
        ("kerberos-encryption", Certainty.LIKELY),
        ("ticket-refused", Certainty.LIKELY),
    ]


def test_a_domain_without_a_common_encryption_type_gives_no_ticket_and_is_named(serve: Serve) -> None:
    httpd = serve("arcfour-hmac")
    server = replace(httpd.back_end, fqdn=OTHER)
    proof = logon(server)

    assert (proof.verdict, proof.cause) == (Verdict.UNKNOWN, "kerberos-encryption")
    assert "no common Kerberos encryption" in proof.evidence
    assert causes(proof, server, httpd.hop()) == {"kerberos-encryption": Certainty.CERTAIN}


def test_no_refusal_of_a_ticket_is_held_against_the_account(serve: Serve) -> None:
    user = phone()
    server = serve("arcfour-hmac").back_end
    found = [direct(server, user, asking()).cause for _ in range(4)]

    assert found == ["ticket-refused"] * 4
