"""Who stands between easfix and a server: he gets no password tried more often, no script, and no word of his believed.

What he can always do is to keep the two from each other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from between import RESET, Between, is_password, is_sealed, token, with_token
from spnego._ntlm_raw.messages import Challenge, NegotiateFlags
from visiting import Visits, script, shells

from agent import errors
from agent.model import Effect
from agent.transport.gate import Blame, Gate
from agent.transport.waits import Waits

SERVERS = ("EX01", "EX02", "EX03", "EX04")
ONE = "New-Object -TypeName 'PSObject' -Property @{ N = 1 }"
ALTER = Callable[[int, bytes, bytes], bytes]

SOAP = "Content-Type: application/soap+xml;charset=UTF-8"


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def fault(code: int) -> bytes:
    """A fault of WS-Management as a WinRM service words it, but in clear."""
    return answer(
        "500 Internal Server Error",
        SOAP,
        body=(
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>'
            "<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>no</s:Text></s:Reason><s:Detail>"
            f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{code}"/>'
            "</s:Detail></s:Fault></s:Body></s:Envelope>"
        ).encode(),
    )


ACCESS_DENIED, NO_SHELL, NO_REMOTING, QUOTA = 5, 2150858843, 2150858752, 2150859173


def instead(of: Callable[[bytes], bool], with_this: bytes) -> ALTER:
    """Answer such requests in the server's place, once they have reached it."""
    return lambda _number, request, said: with_this if of(request) else said


@contextmanager
def in_between(visits: Visits, alter: ALTER, names: tuple[str, ...] = SERVERS) -> Iterator[dict[str, Between]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(Between(visits.fleet[name].ports.winrm, alter)) for name in names}


def failures(visits: Visits) -> int:
    return sum(account.logon_failures for account in visits.fleet.truth())


def ask_everybody(visits: Visits, alter: ALTER, password: str) -> tuple[int, list[errors.ServerError]]:
    """How many wrong logons the domain saw, each server asked three times as a patient caller would."""
    before, raised = failures(visits), []
    connector = visits.connector(password, waits=Waits(connect=5, operation=1, read=2))
    with in_between(visits, alter) as found:
        for name in SERVERS:
            visit = visits.to(name, connector=connector, port=found[name].port)
            for _ in range(3):
                with pytest.raises(errors.ServerError) as caught:
                    visit.run(script(ONE), {})
            raised.append(caught.value)
            visit.close()
    return failures(visits) - before, raised


@pytest.mark.parametrize(
    "said",
    [
        answer("401 Unauthorized"),
        answer("401 Unauthorized", "WWW-Authenticate: Kerberos"),
        answer("401 Unauthorized", "WWW-Authenticate: Negotiate"),
        answer("403 Forbidden"),
        answer("404 Not Found"),
        answer("500 Internal Server Error"),
        answer("503 Service Unavailable"),
        answer("302 Found", "Location: /wsman"),
        answer("300 Multiple Choices"),
        answer("200 OK", SOAP, body=b"<s:Envelope/>"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nab",
        b"220 mail.lab.example ready\r\nConnection: close\r\n",
        RESET,
        fault(ACCESS_DENIED),
        fault(NO_REMOTING),
    ],
)
def test_a_wrong_password_is_tried_twice_at_most_whatever_answers_it(visits: Visits, said: bytes) -> None:
    """The server has counted it, and its answer does not arrive."""
    count, raised = ask_everybody(visits, instead(is_password, said), "wrong")

    assert count == 2
    assert not visits.fleet.administrator.locked
    assert all(error.untouched or isinstance(error, errors.BadAnswer) for error in raised)
    assert ["EX01 and EX02 refused the same account, or left" in error.message for error in raised] == [
        False,
        False,
        True,
        True,
    ]


def test_a_right_password_that_nobody_confirms_is_told_so(visits: Visits) -> None:
    _, raised = ask_everybody(visits, instead(is_password, RESET), visits.password)

    assert type(raised[0]) is errors.Denied
    assert "nobody has said whether it is right" in raised[0].message
    assert "not tried again" in raised[0].next_step
    assert "--skip" in raised[2].next_step


@pytest.mark.parametrize("said", [fault(ACCESS_DENIED), fault(NO_REMOTING)])
def test_a_fault_before_any_logon_lets_nobody_in(visits: Visits, said: bytes) -> None:
    told: list[bytes] = []

    def once(_number: int, _request: bytes, real: bytes) -> bytes:
        told.append(real)
        return said if len(told) == 1 else real

    count, raised = ask_everybody(visits, once, "wrong")

    assert count == 2
    assert "not asked" in raised[-1].message


def test_one_server_that_breaks_the_logon_does_not_keep_the_others_out(visits: Visits) -> None:
    connector = visits.connector()
    with in_between(visits, instead(is_password, RESET), ("EX01",)) as found, pytest.raises(errors.Denied):
        visits.to("EX01", connector=connector, port=found["EX01"].port).run(script(ONE), {})

    assert visits.to("EX02", connector=connector).run(script(ONE), {}) == [{"N": 1}]


def test_who_is_known_to_be_right_may_try_again(visits: Visits) -> None:
    """A connection that broke in a logon says nothing of a password that another server has accepted."""
    connector = visits.connector()
    visits.to("EX02", connector=connector).run(script(ONE), {})
    broken: list[bool] = []

    def once(_: int, request: bytes, said: bytes) -> bytes:
        if not is_password(request) or broken:
            return said
        broken.append(True)
        return RESET

    with in_between(visits, once, ("EX01",)) as found:
        visit = visits.to("EX01", connector=connector, port=found["EX01"].port)
        with pytest.raises(errors.Unreachable):
            visit.run(script(ONE), {})
        assert visit.run(script(ONE), {}) == [{"N": 1}]
        visit.close()


NOISE = b"".join(
    (
        b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=32\r\n--Encrypted Boundary\r\n",
        b"\tContent-Type: application/octet-stream\r\n",
        struct.pack("<i", 16) + b"\1\0\0\0" + bytes(12) + b"x" * 32 + b"--Encrypted Boundary--\r\n",
    )
)
KIND = 'Content-Type: multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted"'


def weaken(request: bytes, said: bytes, *flags: NegotiateFlags) -> bytes:
    """The server's challenge without these flags."""
    if token(said)[8:12] != struct.pack("<I", 2):
        return said
    challenge = Challenge.unpack(token(said))
    left = challenge.flags
    for flag in flags:
        left &= ~flag
    changed = bytearray(token(said))
    changed[20:24] = struct.pack("<I", left)
    return with_token(said, bytes(changed))


WEAKER = [
    (NegotiateFlags.sign,),
    (NegotiateFlags.seal,),
    (NegotiateFlags.sign, NegotiateFlags.seal),
    (NegotiateFlags.extended_session_security,),
    (NegotiateFlags.key_128,),
    (NegotiateFlags.key_exch,),
]


@pytest.mark.parametrize("flags", WEAKER, ids=lambda flags: "-".join(flag.name for flag in flags))
def test_a_logon_that_was_weakened_is_not_gone_on_with(visits: Visits, flags: tuple[NegotiateFlags, ...]) -> None:
    """Whoever takes a flag out of the challenge could sign, or change, what follows."""
    before = failures(visits)
    with in_between(visits, lambda _, request, said: weaken(request, said, *flags), ("EX01",)) as found:
        visit = visits.to(port=found["EX01"].port)
        with pytest.raises(errors.BadAnswer, match="does not protect"):
            visit.run(script(ONE), {})
        visit.close()

        assert not any(is_password(request) for request in found["EX01"].requests)
    assert failures(visits) == before


def test_noise_that_looks_sealed_lets_nobody_in(visits: Visits) -> None:
    def alter(_: int, request: bytes, said: bytes) -> bytes:
        if is_password(request) or is_sealed(request):
            return answer("200 OK", KIND, body=NOISE)
        return said

    count, _ = ask_everybody(visits, alter, "wrong")

    assert count == 2


@pytest.mark.parametrize(
    "said",
    [
        answer("400 Bad Request"),
        answer("401 Unauthorized", "WWW-Authenticate: Negotiate"),
        answer("503 Service Unavailable"),
        answer("302 Found", "Location: /wsman"),
        answer("300 Multiple Choices"),
        answer("200 OK", SOAP, body=b"<s:Envelope/>"),
        fault(NO_SHELL),
        fault(QUOTA),
        fault(ACCESS_DENIED),
        RESET,
    ],
)
def test_nobody_elses_word_says_that_a_script_did_not_run(visits: Visits, said: bytes) -> None:
    """From the script on, every answer comes from somebody else; the script runs all the same."""
    altering: list[bool] = []

    def alter(_: int, request: bytes, real: bytes) -> bytes:
        return said if altering else real

    with in_between(visits, alter, ("EX01",)) as found:
        visit = visits.to(port=found["EX01"].port)
        visit.ready()
        altering.append(True)
        with pytest.raises(errors.ServerError) as caught:
            visit.run(script(ONE, effect=Effect.WRITE), {})
        visit.close()

    assert not caught.value.untouched


def test_nobody_elses_word_changes_the_way_in(automatic: Visits) -> None:
    """A second way would be a second logon, and the weaker of the two."""
    before = failures(automatic)
    with in_between(automatic, instead(is_password, fault(NO_REMOTING)), ("EX01",)) as found:
        visit = automatic.to(connector=automatic.connector("wrong"), port=found["EX01"].port)
        with pytest.raises(errors.ServerError):
            visit.run(script(ONE), {})
        visit.close()

    assert failures(automatic) - before == 1


def far_future(_: int, request: bytes, said: bytes) -> bytes:
    """A challenge with a time that no calendar of Python's has: MsvAvTimestamp ([MS-NLMP] 2.2.2.1)."""
    changed = token(said)
    at = changed.find(struct.pack("<HH", 7, 8))
    return said if at < 0 else with_token(said, changed[: at + 4] + b"\xff" * 7 + b"\x7f" + changed[at + 12 :])


def test_a_challenge_from_another_age_is_that_servers_nonsense(visits: Visits) -> None:
    with in_between(visits, far_future, ("EX01",)) as found:
        visit = visits.to(port=found["EX01"].port)
        with pytest.raises(errors.BadAnswer, match="makes no sense"):
            visit.run(script(ONE), {})
        visit.close()


def test_an_opening_that_breaks_leaves_no_shell_behind(psrp: Visits) -> None:
    """A user may have five (domain 6.1)."""
    before, seals = shells(psrp.fleet["EX03"]), []

    def alter(_: int, request: bytes, said: bytes) -> bytes:
        seals.extend([True] * is_sealed(request))
        return answer("500 Internal Server Error") if len(seals) == 2 else said

    with in_between(psrp, alter, ("EX03",)) as found:
        visit = psrp.to("EX03", port=found["EX03"].port)
        with pytest.raises(errors.ServerError):
            visit.run(script(ONE), {})
        visit.close()

    assert len(seals) > 2
    assert shells(psrp.fleet["EX03"]) == before


def reframe(said: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The answer with its frame changed, where it has one."""
    if b"multipart/encrypted" not in said:
        return said
    head, blank, body = change(said).partition(b"\r\n\r\n")
    return re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), head) + blank + body


FRAMES = {
    "space": lambda said: said.replace(b"--Encrypted", b"-- Encrypted"),
    "case": lambda said: said.replace(b"\tContent-Type: application/octet", b"content-type: Application/octet"),
    "kind": lambda said: said.replace(b"multipart/encrypted;", b"Multipart/Encrypted ; "),
    "end": lambda said: said.removesuffix(b"\r\n"),
    "padded": lambda said: re.sub(rb"Length=(\d+)", lambda found: b"Length=%d" % (int(found[1]) + 1), said),
}


@pytest.mark.parametrize("change", FRAMES.values(), ids=FRAMES)
def test_a_frame_is_read_however_a_service_writes_it(visits: Visits, change: Callable[[bytes], bytes]) -> None:
    """What is in it is sealed, so the frame itself needs no strictness."""
    seen: list[bool] = []

    def alter(_: int, request: bytes, said: bytes) -> bytes:
        changed = reframe(said, change)
        seen.append(changed != said)
        return changed

    with in_between(visits, alter, ("EX01",)) as found:
        visit = visits.to(port=found["EX01"].port)
        assert visit.run(script(ONE), {}) == [{"N": 1}]
        visit.close()

    assert any(seen)


def test_no_shell_is_buried_with_a_password_that_the_domain_refuses_by_now(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account was locked in the middle of a run: each new connection would be one more bad logon."""
    gates: list[Gate] = []

    class Seen(Gate):
        def __init__(self) -> None:
            super().__init__()
            gates.append(self)

    monkeypatch.setattr("agent.transport.choose.Gate", Seen)
    breaking: list[bool] = []

    def alter(_: int, request: bytes, said: bytes) -> bytes:
        """What is said breaks off; whoever logs on anew would get as far as the password."""
        return RESET if breaking and is_sealed(request) else said

    with in_between(visits, alter, ("EX01",)) as found:
        visit = visits.to(port=found["EX01"].port)
        visit.ready()
        with gates[0].logon("EX02") as attempt:
            attempt.blame = Blame.CERTAINLY
        breaking.append(True)
        with pytest.raises(errors.ServerError):
            visit.run(script(ONE), {})
        visit.close()

        assert sum(is_password(request) for request in found["EX01"].requests) == 1
