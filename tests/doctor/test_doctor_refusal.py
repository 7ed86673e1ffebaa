"""A visit that failed speaks to one check; the others could not be made, and nothing is made up for them."""

from __future__ import annotations

import pytest
from patients import by_name, proxy, server

from agent import errors
from agent.doctor import judge, refusal
from agent.transport.faults import Fault, Stage
from agent.transport.translation import translate

FAULTS: dict[str, tuple[Fault, str, str]] = {
    "the password": (Fault(Stage.OPENING, logon_code=-1765328360), "logon", "bad"),
    "a 401": (Fault(Stage.OPENING, status=401), "logon", "bad"),
    "no administrator": (Fault(Stage.OPENING, code=5), "administrator", "bad"),
    "no remoting": (Fault(Stage.OPENING, code=2150858811), "remoting", "bad"),
    "the clock": (Fault(Stage.OPENING, logon_code=-1765328347), "clock", "bad"),
    "the clock, by SSPI": (Fault(Stage.OPENING, logon_code=-2146893020), "clock", "bad"),
    "encryption types": (Fault(Stage.OPENING, logon_code=-1765328370), "kerberos-encryption", "bad"),
    "not WinRM": (Fault(Stage.OPENING, status=404), "logon", "bad"),
    "the shell quota": (Fault(Stage.OPENING, code=2150859173, text="quota"), "logon", "unknown"),
    "TLS": (Fault(Stage.OPENING, frozenset({"SSLError"})), "logon", "bad"),
    "a break": (Fault(Stage.RUNNING, frozenset({"OSError"}), "reset"), "script", "unknown"),
    "no end": (Fault(Stage.RUNNING, frozenset({"Overdue"}), "the time is over"), "script", "unknown"),
}


@pytest.mark.parametrize(("fault", "name", "verdict"), FAULTS.values(), ids=FAULTS.keys())
def test_a_failure_speaks_to_its_check(fault: Fault, name: str, verdict: str) -> None:
    error = translate("EX01", fault)
    error.__cause__ = OSError("from the wire")
    found = by_name(refusal.checks(server(), error))

    assert (found[name].verdict, found[name].evidence) == (verdict, error.message)
    assert {"logon", *judge.NAMES, *judge.BACK_END_NAMES} <= set(found)


def test_a_server_that_the_gate_kept_us_from_is_not_blamed() -> None:
    """Its refusal comes without a cause: nothing was asked."""
    found = by_name(refusal.checks(server(), errors.Denied("EX02", "not asked, because ...", "Check the password.")))

    assert found["logon"].verdict == "unknown"


def test_who_may_log_on_but_not_work_has_logged_on() -> None:
    found = by_name(refusal.checks(server(), translate("EX01", Fault(Stage.OPENING, code=5))))

    assert (found["logon"].verdict, found["administrator"].verdict) == ("good", "bad")


def test_a_script_that_failed_was_sent_over_a_session() -> None:
    found = by_name(refusal.checks(server(), errors.ScriptFailed("EX01", "doctor: no such thing", "Look.")))

    assert (found["logon"].verdict, found["script"].verdict) == ("good", "bad")
    assert "script did not answer" in found["clock"].evidence


def test_a_proxy_is_not_missed_for_what_only_a_back_end_has() -> None:
    found = by_name(refusal.not_visited(proxy(), "the WinRM port does not answer"))

    assert set(found) == {"logon", *judge.NAMES}
    assert {check.verdict for check in found.values()} == {"unknown"}
