"""The lab's logons: pyspnego's own client against the users of a forest."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import spnego
from spnego._ntlm_raw.crypto import ntowfv1

from agent.lab.logon import Acceptor, Initiator, LogonRefused, Secrets, claimed_user
from agent.lab.world.accounts import Accounts, Logon, User


@pytest.fixture
def secrets() -> Iterator[Secrets]:
    accounts = Accounts()
    accounts.add("anna", "a:pass:word", mailbox_server="EX01")
    kept = Secrets(accounts)
    yield kept
    kept.close()


def anna(secrets: Secrets) -> User:
    """The one user of the tests."""
    found = secrets.accounts.find("anna")
    assert found is not None
    return found


def log_on(secrets: Secrets, name: str, password: str, protocol: str = "negotiate") -> Acceptor:
    """Walk a client and an acceptor to the end."""
    # A hash, so that pyspnego does not try Kerberos first.
    credential = spnego.NTLMHash(name, nt_hash=ntowfv1(password).hex())
    client = spnego.client(credential, protocol=protocol)
    acceptor = Acceptor(secrets, protocol)
    token = client.step()
    while token and not acceptor.complete:
        answer = acceptor.step(token)
        token = client.step(answer) if answer and not client.complete else None
    return acceptor


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
@pytest.mark.parametrize("name", [r"LAB\anna", r"lab.example\Anna", "anna@lab.example", "anna"])
def test_every_form_of_a_name_logs_on(secrets: Secrets, name: str, protocol: str) -> None:
    acceptor = log_on(secrets, name, "a:pass:word", protocol)

    assert acceptor.user is anna(secrets) and anna(secrets).logons == 1


def test_raw_ntlm_is_understood_inside_negotiate(secrets: Secrets) -> None:
    client = spnego.client(r"LAB\anna", "a:pass:word", protocol="ntlm")
    acceptor = Acceptor(secrets, "negotiate")
    acceptor.step(client.step(acceptor.step(client.step() or b"")) or b"")

    assert acceptor.complete


def test_wrong_passwords_lock_the_account_out(secrets: Secrets) -> None:
    seen = []
    for _ in range(6):
        with pytest.raises(LogonRefused) as refused:
            log_on(secrets, r"LAB\anna", "wrong")
        seen.append(refused.value.logon)
    with pytest.raises(LogonRefused) as refused:
        log_on(secrets, r"LAB\anna", "a:pass:word")

    assert seen == [Logon.WRONG_PASSWORD] * 5 + [Logon.LOCKED] and refused.value.logon is Logon.LOCKED


def test_a_user_of_another_domain_is_unknown(secrets: Secrets) -> None:
    with pytest.raises(LogonRefused) as refused:
        log_on(secrets, r"OTHER\anna", "a:pass:word")

    assert refused.value.logon is Logon.NO_SUCH_USER


def test_a_changed_password_acts_at_the_next_logon(secrets: Secrets) -> None:
    log_on(secrets, r"LAB\anna", "a:pass:word")
    anna(secrets).password = "another"

    assert log_on(secrets, r"LAB\anna", "another").complete


def test_two_forests_do_not_mix(secrets: Secrets) -> None:
    other = Accounts()
    other.add("anna", "elsewhere")
    theirs = Secrets(other)
    log_on(theirs, r"LAB\anna", "elsewhere")
    with pytest.raises(LogonRefused):
        log_on(secrets, r"LAB\anna", "elsewhere")
    theirs.close()

    assert "NTLM_USER_FILE" not in os.environ


def test_the_file_of_secrets_is_private_and_goes_away() -> None:
    accounts = Accounts()
    accounts.add("anna", "secret")
    kept = Secrets(accounts)
    log_on(kept, "anna", "secret")
    mode, text = kept._path.stat().st_mode & 0o777, kept._path.read_text()
    kept.close()

    assert mode == 0o600 and "secret" not in text and not kept._path.exists()


@pytest.mark.parametrize("token", [b"", b"\x00" * 40, b"NTLMSSP\x00\x03\x00\x00\x00", b"NTLMSSP\x00\x01"])
def test_a_broken_token_is_refused_and_names_nobody(secrets: Secrets, token: bytes) -> None:
    with pytest.raises(LogonRefused):
        Acceptor(secrets).step(token)

    assert claimed_user(token) == ""


def test_an_initiator_and_an_acceptor_understand_each_other(secrets: Secrets) -> None:
    initiator, acceptor = Initiator(r"LAB\anna", "a:pass:word"), Acceptor(secrets)
    token = initiator.step()
    while token and not acceptor.complete:
        token = initiator.step(acceptor.step(token))

    assert acceptor.user is anna(secrets)


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"\xa1\x03\x0a\x01\x02"])
def test_an_initiator_gives_up_on_an_answer_that_makes_no_sense(answer: bytes) -> None:
    initiator = Initiator(r"LAB\anna", "a:pass:word")
    initiator.step()

    assert initiator.step(answer or b"\x00") is None
