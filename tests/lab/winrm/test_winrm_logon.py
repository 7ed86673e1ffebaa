"""Who gets in: NTLM over Negotiate, sealed, and nothing else over HTTP."""

from __future__ import annotations

import base64
import struct
import uuid

import pytest
import requests
import spnego
from practice import PASSWORD, Practice, exchange, invoke, post
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError

SOAP = "application/soap+xml;charset=UTF-8"
IDENTIFY = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>"
)
CREATE = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">
<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Create</a:Action>
<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>
<w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI></s:Header>
<s:Body><r:Shell xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"/></s:Body></s:Envelope>""".encode()


@pytest.mark.parametrize(
    "name",
    [
        r"LAB\administrator",
        r"lab\ADMINISTRATOR",
        "administrator",
        "administrator@lab.example",
        r"lab.example\administrator",
    ],
)
def test_every_form_of_a_users_name_gets_in(lab: Practice, name: str) -> None:
    with lab.pool(username=name) as pool:
        version = pool.protocol_version

    assert version == "2.1"


@pytest.mark.parametrize("name", ["nobody", r"OTHER\administrator", "administrator@other.example"])
def test_an_unknown_user_is_refused(lab: Practice, name: str) -> None:
    with pytest.raises(AuthenticationError):
        lab.pool(username=name).open()

    assert lab.machine.counters.logon_failures == 1
    assert lab.user.bad_passwords == 0


def test_a_wrong_password_is_refused_and_counted(lab: Practice) -> None:
    with pytest.raises(AuthenticationError):
        lab.pool(password="wrong").open()

    assert lab.user.bad_passwords == 1
    assert lab.machine.counters.logons == 0


def test_pywinrm_says_the_credentials_are_invalid(lab: Practice) -> None:
    with pytest.raises(InvalidCredentialsError):
        lab.session(password="wrong").run_cmd("ver")

    assert lab.user.bad_passwords == 1


def test_five_wrong_passwords_lock_the_account_against_the_right_one(lab: Practice) -> None:
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            lab.pool(password="wrong").open()

    assert lab.user.locked
    with pytest.raises(AuthenticationError):
        lab.pool().open()


@pytest.mark.parametrize("state", ["locked", "expired", "disabled"])
def test_an_account_that_may_not_log_on_is_refused(lab: Practice, state: str) -> None:
    setattr(lab.user, state, True)

    with pytest.raises(AuthenticationError):
        lab.pool().open()


def test_a_changed_password_counts_at_once(lab: Practice) -> None:
    lab.user.password = "new"
    with lab.pool(password="new") as pool:
        version = pool.protocol_version

    assert version == "2.1"
    with pytest.raises(AuthenticationError):
        lab.pool(password=PASSWORD).open()


def test_a_stranger_is_challenged_with_negotiate_and_kerberos_only(lab: Practice) -> None:
    with lab.raw() as connection:
        status, headers, body = exchange(connection, post(CREATE, Content_Type=SOAP))

    assert (status, body) == (401, b"")
    assert headers["www-authenticate"] == ["Negotiate", "Kerberos"]


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic " + base64.b64encode(f"administrator:{PASSWORD}".encode()).decode(),
        "NTLM TlRMTVNTUAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "Negotiate",
        "Negotiate !!!",
        "Negotiate " + base64.b64encode(b"garbage" * 9).decode(),
        "Kerberos " + base64.b64encode(b"garbage" * 9).decode(),
    ],
)
def test_other_ways_to_log_on_are_refused(lab: Practice, authorization: str) -> None:
    with lab.raw() as connection:
        status, headers, _ = exchange(connection, post(CREATE, Authorization=authorization, Content_Type=SOAP))

    assert status == 401
    assert headers["www-authenticate"] == ["Negotiate", "Kerberos"]


def test_a_plain_request_after_a_good_logon_is_a_fault(lab: Practice) -> None:
    wsman = lab.wsman(encryption="never")

    with pytest.raises(Exception) as caught:
        wsman.get_server_config()
    assert getattr(caught.value, "code", None) == 5
    assert len(lab.server.service.shells) == 0


def test_pywinrm_without_message_encryption_is_refused(lab: Practice) -> None:
    session = lab.session(message_encryption="never")

    with pytest.raises(Exception) as caught:
        session.run_cmd("ver")
    assert "500" in str(caught.value) or "Unencrypted" in str(caught.value)


def test_an_envelope_in_the_clear_never_leaves_the_machine(lab: Practice) -> None:
    bodies: list[bytes] = []
    lab.scripts["secret"] = lambda engine, sink, arguments, input: sink.output("open sesame")
    pool = lab.pool()
    session = pool.connection.transport._build_session()
    session.hooks["response"].append(lambda answer, **_: bodies.append(answer.content + (answer.request.body or b"")))
    pool.connection.transport.session = session
    with pool:
        invoke(pool, "secret")

    assert len(bodies) > 6
    assert not any(b"Envelope" in body or b"sesame" in body for body in bodies)


def test_a_body_sealed_with_the_key_of_another_connection_is_a_bad_request(lab: Practice) -> None:
    """What pypsrp meets when the server closed the connection: it logs on anew, and the old body is unreadable."""
    pool = lab.pool()
    pool.open()
    pool.connection.transport.session.close()

    with pytest.raises(WinRMTransportError) as caught:
        invoke(pool, "anything")
    assert caught.value.code == 400


def test_a_changed_bit_in_a_sealed_body_is_a_bad_request(lab: Practice) -> None:
    wsman = lab.wsman()
    wsman.get_server_config()
    content_type, body = wsman.transport.encryption.wrap_message(IDENTIFY)
    broken = body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]
    header = f'{content_type};protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
    answer = wsman.transport.session.post(lab.endpoint, data=broken, headers={"Content-Type": header})

    assert answer.status_code == 400


def test_a_stranger_may_ask_who_is_there_and_learns_no_version(lab: Practice) -> None:
    with lab.raw() as connection:
        status, _, body = exchange(connection, post(IDENTIFY, WSMANIDENTIFY="unauthenticated", Content_Type=SOAP))

    assert status == 200
    assert b"OS: 0.0.0 SP: 0.0 Stack: 2.0" in body
    assert b"Microsoft Corporation" in body


def test_the_identify_header_opens_nothing_else(lab: Practice) -> None:
    with lab.raw() as connection:
        status, _, _ = exchange(connection, post(CREATE, WSMANIDENTIFY="unauthenticated", Content_Type=SOAP))

    assert status == 401


def test_a_user_who_logged_on_learns_the_version(lab: Practice) -> None:
    wsman = lab.wsman()
    answer = wsman.transport.send(IDENTIFY)

    assert b"OS: 5.2.3790 SP: 2.0 Stack: 2.0" in answer


def test_a_second_logon_on_a_connection_replaces_the_first(lab: Practice) -> None:
    lab.forest.accounts.add("other", "pw", is_admin=True)
    with requests.Session() as session:
        for user, password in ((r"LAB\administrator", PASSWORD), (r"LAB\other", "pw")):
            _log_on(session, lab.endpoint, user, password)

    assert [lab.forest.accounts.find(name).logons for name in ("administrator", "other")] == [1, 1]  # type: ignore[union-attr]


def _log_on(session: requests.Session, endpoint: str, user: str, password: str) -> None:
    context = spnego.client(user, password, hostname="127.0.0.1", protocol="ntlm")
    token = context.step()
    while token is not None:
        header = {"Authorization": "Negotiate " + base64.b64encode(token).decode()}
        answer = session.post(endpoint, headers=header)
        challenge = answer.headers.get("WWW-Authenticate", "").partition(" ")[2]
        token = context.step(base64.b64decode(challenge)) if challenge and not context.complete else None
    assert answer.status_code == 200


def test_two_forests_in_one_process_keep_their_users_apart(lab: Practice) -> None:
    other = Practice(lab.loop)
    other.user.password = "another"
    try:
        with lab.pool() as here, other.pool(password="another") as there:
            versions = (here.protocol_version, there.protocol_version)
        with pytest.raises(AuthenticationError):
            other.pool(password=PASSWORD).open()
    finally:
        other.close()

    assert versions == ("2.1", "2.1")


def test_the_frame_of_an_answer_is_what_windows_sends(lab: Practice) -> None:
    wsman: WSMan = lab.wsman()
    frames: list[requests.Response] = []
    session = wsman.transport._build_session()
    session.hooks["response"].append(lambda answer, **_: frames.append(answer))
    wsman.transport.session = session
    wsman.get_server_config()
    answer = frames[-1]
    head, _, sealed = answer.content.partition(b"\tContent-Type: application/octet-stream\r\n")

    assert answer.headers["Content-Type"] == (
        'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
    )
    assert head.startswith(
        b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
    )
    assert struct.unpack("<i", sealed[:4]) == (16,)
    assert sealed.endswith(b"--Encrypted Boundary--\r\n")
