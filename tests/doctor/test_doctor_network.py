"""Names, ports and TLS, each tried once, on a network of the test's own; and the real ways on loopback."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace

import pytest
from patients import MODERN, by_name, network, proxy, server, verdicts
from ports import HeldPort

from agent.doctor import network as looking
from agent.doctor.ability import Tls
from agent.doctor.network import Network
from agent.doctor.ways import real
from agent.model import Auth, Https

FQDN = "ex01.lab.example"
KNOWN = {FQDN: ("192.0.2.1",), "cas01.lab.example": ("192.0.2.1",)}


def test_a_server_in_order_has_nothing_to_mend() -> None:
    assert verdicts(looking.checks(server(), network(KNOWN), MODERN)) == {}
    assert verdicts(looking.checks(proxy(), network(KNOWN), MODERN)) == {}


def test_a_back_end_is_asked_at_winrm_and_http_and_a_proxy_at_winrm_and_https() -> None:
    back_end, front = (by_name(looking.checks(each, network(KNOWN), MODERN)) for each in (server(), proxy()))

    assert {name for name in back_end if name.startswith("port-")} == {"port-winrm", "port-http"}
    assert {name for name in front if name.startswith("port-")} == {"port-winrm", "port-https"}
    assert "https" in front


@pytest.mark.parametrize(
    ("auth", "expected"),
    [(Auth.NTLM, {}), (Auth.KERBEROS, {"name": "warn"}), (Auth.NEGOTIATE, {"name": "warn"})],
)
def test_a_full_name_without_an_address_matters_to_kerberos_only(auth: Auth, expected: dict[str, str]) -> None:
    assert verdicts(looking.checks(server(auth), network(), MODERN)) == expected


def test_a_server_known_by_its_name_alone_must_resolve() -> None:
    assert verdicts(looking.checks(server(address=FQDN), network(), MODERN)) == {"name": "bad"}


def test_an_address_that_is_a_name_must_resolve() -> None:
    assert verdicts(looking.checks(server(address="mail1"), network(KNOWN), MODERN)) == {"address": "bad"}


def test_a_name_and_an_address_that_lead_to_different_places_are_told() -> None:
    assert verdicts(looking.checks(server(), network({FQDN: ("192.0.2.9",)}), MODERN)) == {"name": "warn"}


def test_silence_of_the_name_server_is_not_a_no() -> None:
    def silent(_: str) -> tuple[str, ...]:
        raise TimeoutError

    checks = looking.checks(server(address=FQDN), replace(network(), resolve=silent), MODERN)

    assert verdicts(checks) == {"name": "unknown"}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ConnectionRefusedError(), "refused"),
        (TimeoutError(), "within the time"),
        (socket.gaierror(-2, "x"), "resolve"),
        (OSError(101, "Network is unreachable"), "unreachable"),
    ],
)
@pytest.mark.parametrize(("port", "name"), [("p5985", "port-winrm"), ("p80", "port-http")])
def test_a_port_that_does_not_answer_is_bad(error: OSError, word: str, port: str, name: str) -> None:
    found = by_name(looking.checks(server(), network(KNOWN, **{port: error}), MODERN))

    assert found[name].verdict == "bad"
    assert word in found[name].evidence
    assert looking.is_open(tuple(found.values())) == (name != "port-winrm")


def test_a_closed_https_port_is_told_once() -> None:
    found = by_name(looking.checks(proxy(), network(KNOWN, p443=ConnectionRefusedError()), MODERN))

    assert found["port-https"].verdict == "bad"
    assert "https" not in found


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ssl.SSLError(1, "unsupported protocol"), "TLS 1.2"),
        (ssl.SSLCertVerificationError("self-signed certificate"), "https.ca"),
    ],
)
def test_tls_that_phones_would_not_get_either_is_bad(error: ssl.SSLError, word: str) -> None:
    error.verify_message = "self-signed certificate"  # type: ignore[attr-defined]  # what OpenSSL fills in
    found = by_name(looking.checks(proxy(), network(KNOWN, tls=error), MODERN))["https"]

    assert found.verdict == "bad"
    assert word in found.mend


def test_winrm_over_https_says_what_a_server_2003_lacks() -> None:
    secure = server(winrm=replace(server().winrm, scheme="https", port=5986))
    old = Tls("OpenSSL 1.0.2", ("RC4-SHA", "DES-CBC3-SHA"), "TLSv1")

    assert verdicts(looking.checks(secure, network(KNOWN), MODERN)) == {"openssl": "warn"}
    assert verdicts(looking.checks(secure, network(KNOWN), old)) == {}
    assert "openssl" not in by_name(looking.checks(server(), network(KNOWN), MODERN))


# --- the real ways ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ways() -> Network:
    return real(30.0)


def test_a_real_port_answers_or_refuses(ways: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_one:
        ways.knock("127.0.0.1", open_one.getsockname()[1])
    with HeldPort() as closed, pytest.raises(ConnectionRefusedError):
        ways.knock("127.0.0.1", closed.number)


def test_this_machine_knows_itself(ways: Network) -> None:
    assert "127.0.0.1" in ways.resolve("localhost")


def test_a_name_that_cannot_be_one_has_no_address(ways: Network) -> None:
    assert ways.resolve(f"{'x' * 70}.invalid") == ()


def test_something_that_speaks_no_tls_is_told(ways: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        answering = threading.Thread(target=_answer_plainly, args=(plain,))
        answering.start()
        with pytest.raises(ssl.SSLError):
            ways.shake("127.0.0.1", Https(plain.getsockname()[1]), "localhost")
        answering.join(30)


def _answer_plainly(plain: socket.socket) -> None:
    connection, _ = plain.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
