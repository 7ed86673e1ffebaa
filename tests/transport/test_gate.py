"""The brake on logons: a wrong password meets two servers at most, a right one all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from agent import errors
from agent.transport.gate import Blame, Gate

DEADLINE = 10.0


def refuse(gate: Gate, server: str, blame: Blame = Blame.PERHAPS) -> None:
    with pytest.raises(errors.Denied), gate.logon(server) as attempt:
        attempt.blame = blame
        raise errors.Denied(server, "refused")


def accept(gate: Gate, server: str) -> None:
    with gate.logon(server) as attempt:
        attempt.is_accepted = True


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_after_two_refusals_no_further_server_is_asked() -> None:
    gate = Gate()
    refuse(gate, "EX01")
    refuse(gate, "EX02")

    with pytest.raises(errors.Denied, match="EX01 and EX02"), gate.logon("EX03"):
        pytest.fail("the server was asked")


def test_one_refusal_by_the_domain_is_enough() -> None:
    gate = Gate()
    refuse(gate, "EX01", Blame.CERTAINLY)

    with pytest.raises(errors.Denied, match="EX01"), gate.logon("EX02"):
        pytest.fail("the server was asked")


def test_a_refusal_by_one_server_does_not_keep_the_account_from_another() -> None:
    gate = Gate()
    refuse(gate, "EX01")
    accept(gate, "EX02")

    assert gate.is_open


def test_once_accepted_refusals_are_of_single_servers() -> None:
    gate = Gate()
    accept(gate, "EX01")
    for number in range(5):
        refuse(gate, f"EX1{number}")
    accept(gate, "EX99")

    assert gate.is_open


def test_a_domain_that_changes_its_mind_shuts_the_gate_again() -> None:
    """The account was locked in the middle of a run."""
    gate = Gate()
    accept(gate, "EX01")
    refuse(gate, "EX02", Blame.CERTAINLY)

    with pytest.raises(errors.Denied), gate.logon("EX03"):
        pytest.fail("the server was asked")


def test_an_error_that_is_not_about_the_account_costs_nothing() -> None:
    gate = Gate()
    for number in range(5):
        with pytest.raises(errors.Unreachable), gate.logon(f"EX0{number}"):
            raise errors.Unreachable("x", "down")
    accept(gate, "EX09")

    assert gate.is_open


def test_a_server_that_took_the_logon_and_refused_the_session_accepted_the_account() -> None:
    gate = Gate()
    with pytest.raises(errors.Denied), gate.logon("EX01") as attempt:
        attempt.is_accepted = True
        raise errors.Denied("EX01", "no administrator")

    assert gate.is_open


def test_a_logon_that_nobody_proved_lets_nobody_in() -> None:
    """It did not fail; but nothing shows either that it was the server who said so."""
    gate = Gate()
    with gate.logon("EX01"):
        pass

    assert not gate.is_open


def test_a_server_that_failed_twice_is_named_once() -> None:
    gate = Gate(asks_again=True)
    refuse(gate, "EX01")
    refuse(gate, "EX01")

    with pytest.raises(errors.Denied, match=r"because EX01 refused"), gate.logon("EX02"):
        pytest.fail("the server was asked")


def test_who_waits_goes_on_as_soon_as_the_account_is_accepted() -> None:
    """On an old server a session takes seconds to open after that."""
    gate = Gate(most=1)
    is_in = threading.Event()

    def visit() -> None:
        with gate.logon("EX02"):
            is_in.set()

    with gate.logon("EX01"):
        thread = in_thread(visit)
        gate.accept()
        assert is_in.wait(DEADLINE)
    thread.join(DEADLINE)


def test_no_more_than_two_are_tried_at_once_until_one_is_accepted() -> None:
    gate = Gate()
    inside, let_go = threading.Semaphore(0), threading.Event()
    counted = []

    def visit(name: str) -> None:
        with gate.logon(name) as attempt:
            attempt.is_accepted = True
            counted.append(name)
            inside.release()
            assert let_go.wait(DEADLINE)

    threads = [in_thread(lambda name=name: visit(name)) for name in ("A", "B", "C", "D")]
    assert inside.acquire(timeout=DEADLINE)
    assert inside.acquire(timeout=DEADLINE)
    first_two = len(counted)
    let_go.set()
    for thread in threads:
        thread.join(DEADLINE)

    assert first_two == 2
    assert len(counted) == 4


def test_one_server_alone_keeps_nobody_else_out() -> None:
    """However often it is visited: it is not asked again, so nothing more is counted."""
    gate = Gate()
    refuse(gate, "EX01")
    for _ in range(3):
        with pytest.raises(errors.Denied, match="not asked again"), gate.logon("EX01"):
            pytest.fail("the server was asked")
    accept(gate, "EX02")
    accept(gate, "EX01")


def test_who_may_be_asked_again_is_counted_again() -> None:
    gate = Gate(asks_again=True)
    refuse(gate, "EX01")
    refuse(gate, "EX01")

    with pytest.raises(errors.Denied, match="EX01 refused"), gate.logon("EX02"):
        pytest.fail("the server was asked")
