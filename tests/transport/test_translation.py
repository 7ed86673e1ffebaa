"""The table of translations: every fault becomes one of our errors, with the facts that go with it."""

from __future__ import annotations

import itertools
import socket
from types import SimpleNamespace

import pytest
import requests
import urllib3.exceptions
from spnego.exceptions import SpnegoError

from agent import errors
from agent.transport.faults import Fault, Stage, describe
from agent.transport.gate import Blame
from agent.transport.translation import TABLE, blame, translate
from agent.transport.wire import Lost, Overdue, Oversized

OPENING, SENDING, RUNNING = Stage.OPENING, Stage.SENDING, Stage.RUNNING


class GSSError(Exception):
    """As python-gssapi has it: a major and a minor code, the latter without its sign."""

    def __init__(self, minor: int) -> None:
        super().__init__(f"minor {minor}")
        self.maj_code = 851968  # GSS_S_FAILURE
        self.min_code = minor & 0xFFFF_FFFF


class Krb5Error(Exception):
    def __init__(self, code: int) -> None:
        super().__init__("krb5")
        self.err_code = code


def by_gssapi(minor: int) -> Exception:
    return SpnegoError(error_code=13, base_error=GSSError(minor))


def refused() -> Exception:
    inner = urllib3.exceptions.NewConnectionError(None, "Failed")  # type: ignore[arg-type]  # no connection at hand
    inner.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/wsman", inner))  # type: ignore[arg-type]  # as above


def broken() -> Exception:
    return requests.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
    )


@pytest.mark.parametrize(
    ("error", "stage", "kind", "says"),
    [
        (by_gssapi(-1765328360), OPENING, errors.Denied, "refused the password"),
        (by_gssapi(-1765328347), OPENING, errors.Denied, "clocks differ"),
        (by_gssapi(-1765328377), OPENING, errors.Denied, "missing SPN"),
        (by_gssapi(-1765328366), OPENING, errors.Denied, "locked, disabled"),
        (by_gssapi(-1765328370), OPENING, errors.Denied, "RC4"),
        (by_gssapi(-1765328228), OPENING, errors.Denied, "KDC"),
        (by_gssapi(-1765328189), OPENING, errors.Denied, "no valid Kerberos ticket"),
        (by_gssapi(1), OPENING, errors.Denied, "logon failed"),
        (Krb5Error(-1765328360), OPENING, errors.Denied, "refused the password"),
        (Krb5Error(-1765328378), OPENING, errors.Denied, "does not know the user"),
        (refused(), OPENING, errors.Unreachable, "connection refused"),
        (broken(), OPENING, errors.Unreachable, "connection failed"),
        (broken(), SENDING, errors.BrokenOff, "connection broke"),
        (broken(), RUNNING, errors.BrokenOff, "connection broke"),
        (requests.ReadTimeout("slow"), OPENING, errors.Unreachable, "no answer within"),
        (requests.ReadTimeout("slow"), SENDING, errors.TimedOut, "no answer within"),
        (requests.ReadTimeout("slow"), RUNNING, errors.TimedOut, "no answer within"),
        (requests.ConnectTimeout("slow"), OPENING, errors.Unreachable, "no connection within"),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), OPENING, errors.Unsupported, "TLS"),
        (requests.TooManyRedirects("30"), OPENING, errors.BadAnswer, "elsewhere"),
        (socket.gaierror(-2, "Name or service not known"), OPENING, errors.Unreachable, "cannot be resolved"),
        (Lost("it spoke unasked"), OPENING, errors.Unreachable, "no session was opened: it spoke unasked"),
        (Lost("gone"), SENDING, errors.Unreachable, "nothing was sent"),
        (Lost("gone"), RUNNING, errors.BrokenOff, "closed the connection"),
        (Overdue("the time is over"), OPENING, errors.Unreachable, "no session within"),
        (Overdue("the time is over"), RUNNING, errors.TimedOut, "time is over"),
        (Oversized("too large"), RUNNING, errors.BadAnswer, "too large"),
        (ValueError("no XML"), RUNNING, errors.BadAnswer, "no XML"),
        (AttributeError("'NoneType' object has no attribute 'text'"), RUNNING, errors.BadAnswer, "makes no sense"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_translation(
    error: Exception, stage: Stage, kind: type[errors.ServerError], says: str
) -> None:
    ours = translate("EX01", describe(error, stage))

    assert type(ours) is kind
    assert says in ours.message
    assert ours.server == "EX01"


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Fault(OPENING, status=401), errors.Denied),
        (Fault(OPENING, status=403), errors.Denied),
        (Fault(OPENING, status=404), errors.Unsupported),
        (Fault(OPENING, status=503), errors.Unreachable),
        (Fault(OPENING, status=302), errors.Unsupported),
        (Fault(SENDING, status=400), errors.BrokenOff),
        (Fault(SENDING, status=401), errors.BrokenOff),
        (Fault(RUNNING, status=400), errors.BrokenOff),
        (Fault(OPENING, code=5), errors.Denied),
        (Fault(OPENING, code=2150858811), errors.Unsupported),
        (Fault(OPENING, code=2150859173), errors.Busy),
        (Fault(SENDING, code=2150859174), errors.Busy),
        (Fault(SENDING, code=2150858843), errors.Unreachable),
        (Fault(RUNNING, code=2150858843, names=frozenset({"WSManFaultError"})), errors.BrokenOff),
        (Fault(RUNNING, code=995, names=frozenset({"WSManFaultError"})), errors.BrokenOff),
        (Fault(OPENING, code=2150858793), errors.Unreachable),
        (Fault(SENDING, code=2150858793), errors.TimedOut),
    ],
)
def test_what_the_server_says_has_its_translation(facts: Fault, kind: type[errors.ServerError]) -> None:
    assert type(translate("EX01", facts)) is kind


def test_nothing_is_called_untouched_that_the_server_may_have_run() -> None:
    """Whatever goes wrong once the server has the script, only looking again settles it."""
    statuses = (None, 200, 302, 400, 401, 403, 404, 500, 503)
    codes = (None, 5, 995, 2150858752, 2150858793, 2150858811, 2150858824, 2150858843, 2150859173, 2150859174)
    names = (
        set(),
        {"SpnegoError"},
        {"NoKerberos"},
        {"NoNegotiate"},
        {"Lost"},
        {"Overdue"},
        {"ReadTimeout"},
        {"RequestException"},
        {"WSManFaultError"},
        {"Incomplete"},
    )
    for status, code, named, logon in itertools.product(statuses, codes, names, (None, -1765328360)):
        ours = translate("EX01", Fault(RUNNING, frozenset(named), "text", status, code, logon))

        assert not ours.untouched, f"{status} {code} {named} became {type(ours).__name__}"


@pytest.mark.parametrize("stage", Stage)
def test_every_fault_fits_a_row(stage: Stage) -> None:
    ours = translate("EX01", Fault(stage))

    assert type(ours) is errors.BadAnswer


def test_a_text_with_braces_is_only_text() -> None:
    ours = translate("EX01", describe(ValueError("{text} {0} {password}"), RUNNING))

    assert "{text} {0} {password}" in ours.message


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Fault(OPENING, status=401), Blame.PERHAPS),
        (Fault(OPENING, logon_code=-1765328360), Blame.CERTAINLY),
        (Fault(OPENING, logon_code=-1765328366), Blame.CERTAINLY),
        (Fault(OPENING, logon_code=-1765328347), Blame.NONE),
        (Fault(OPENING, code=5), Blame.NONE),
        (Fault(OPENING, names=frozenset({"ConnectTimeout"})), Blame.NONE),
    ],
)
def test_the_account_is_blamed_only_for_what_is_about_the_account(facts: Fault, expected: Blame) -> None:
    assert blame(facts) is expected


def test_every_denial_says_what_to_do_next() -> None:
    for row in TABLE:
        if row.error in (errors.Denied, errors.Unsupported):
            assert row.next_step, row.message


def test_the_chain_of_causes_may_bite_its_tail() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first

    assert {"ValueError", "KeyError"} <= describe(first, RUNNING).names


def test_a_code_of_windows_is_read_with_its_sign() -> None:
    error = OSError("denied")
    error.winerror = 0x8009030C  # type: ignore[attr-defined]  # SEC_E_LOGON_DENIED, which Windows itself gives negative

    assert blame(describe(error, OPENING)) is Blame.CERTAINLY
    assert SimpleNamespace(winerror=-2146893044).winerror == 0x8009030C - (1 << 32)


def test_the_words_of_a_fault_are_one_line_that_does_nothing_to_a_terminal() -> None:
    ours = translate("EX01", describe(ValueError("a\x1b[2Jb\nEX99 right\u202e"), RUNNING))

    assert ours.message.endswith("a [2Jb EX99 right")
