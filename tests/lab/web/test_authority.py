"""The lab's authority: certificates that a strict client accepts, for the names they are for."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from agent.lab.web.authority import LabAuthority

AUTHORITY = LabAuthority()


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str:
    """The subject the client saw; raises what the client raises."""
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=name) as secured:
            certificate = secured.getpeercert() or {}
            return str(certificate["subject"][0][0][1])
    finally:
        near.close()
        thread.join(10)


def test_a_client_that_trusts_the_root_accepts_the_machine() -> None:
    server = AUTHORITY.context("cas01.lab.example", "CAS01")

    assert shake_hands(AUTHORITY.client_context(), server, "cas01.lab.example") == "cas01.lab.example"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "cas01"])
def test_the_certificate_is_good_for_loopback_and_the_short_name(name: str) -> None:
    server = AUTHORITY.context("cas01.lab.example", "CAS01")

    assert shake_hands(AUTHORITY.client_context(), server, name) == "cas01.lab.example"


def test_another_name_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="cas02"):
        shake_hands(AUTHORITY.client_context(), AUTHORITY.context("cas01.lab.example"), "cas02.lab.example")


def test_another_root_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(LabAuthority().client_context(), AUTHORITY.context("cas01.lab.example"), "cas01.lab.example")


def test_the_root_can_be_written_for_others_to_trust(tmp_path: Path) -> None:
    path = AUTHORITY.write(tmp_path / "ca.pem")

    assert ssl.create_default_context(cafile=str(path)).cert_store_stats()["x509_ca"] == 1


def test_a_context_is_made_once_for_each_machine() -> None:
    assert AUTHORITY.context("a.lab.example") is AUTHORITY.context("a.lab.example")
