"""Every fault by name really does what its sentence says, as ordinary clients and the truth see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_effects import EFFECTS, eas, has_no_bad_habits, is_right, truth
from fleetlab import FAST, Visitor, eventually, listens
from pypsrp.exceptions import AuthenticationError

from agent.lab.faults import FAULTS, FaultError, On, parse
from agent.lab.fleet import Fleet
from agent.lab.lifting import LIFTS

AT_RUN_TIME = [name for name, fault in FAULTS.items() if not fault.at_start_only]


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    """One server and one proxy, in which faults come and go."""
    with Fleet(1, 1, [], pace=FAST) as fleet:
        yield Visitor(fleet)


def test_every_fault_has_its_effect_shown_here() -> None:
    assert list(EFFECTS) == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_named_at_the_start_has_its_effect(name: str) -> None:
    order, effect = EFFECTS[name]
    with Fleet(1, 1, [order], pace=FAST) as fleet:
        effect(Visitor(fleet))


@pytest.mark.parametrize("name", AT_RUN_TIME)
def test_a_fault_comes_while_running_and_healthy_undoes_it(name: str) -> None:
    with Fleet(1, 1, [], pace=FAST) as fleet:
        order, effect = EFFECTS[name]
        here = Visitor(fleet)
        fleet.fault(order)
        effect(here)
        fleet.fault(f"healthy@{order.partition('@')[2]}")

        assert eventually(lambda: is_right(here))


@pytest.mark.parametrize("name", LIFTS)
def test_a_fault_is_taken_away_alone_and_no_setting_with_it(name: str) -> None:
    with Fleet(1, 1, [], pace=FAST) as fleet:
        order, effect = EFFECTS[name]
        here = Visitor(fleet)
        machine = order.partition("@")[2]
        fleet.fault(order)
        effect(here)
        held = fleet[machine].machine.metabase.memory
        fleet.lift(f"{name}@{machine}")

        assert eventually(lambda: has_no_bad_habits(here))
        assert fleet[machine].machine.metabase.memory == held
        assert truth(here, machine).faults == []
        if not eas(here).flags_memory and not truth(here).services_down:
            assert eventually(lambda: is_right(here))


def test_taking_one_fault_away_leaves_the_others(visitor: Visitor) -> None:
    visitor.fleet.fault("slow=0@EX01")
    visitor.fleet.fault("unreachable@EX01")
    visitor.fleet.lift("unreachable@EX01")

    assert truth(visitor).faults == ["slow=0@EX01"]
    assert listens(visitor.port("EX01", 80))
    visitor.fleet.fault("healthy@EX01")


def test_what_cannot_be_taken_away_alone_says_why(visitor: Visitor) -> None:
    visitor.fleet.fault("require-ssl@EX01")
    with pytest.raises(FaultError, match="slow is not in force on EX01; in force there: require-ssl@EX01"):
        visitor.fleet.lift("slow@EX01")
    with pytest.raises(FaultError, match="healthy@EX01 puts the whole machine right"):
        visitor.fleet.lift("require-ssl@EX01")
    visitor.fleet.fault("healthy@EX01")

    assert is_right(visitor)


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in AT_RUN_TIME])
def test_a_fault_of_how_a_server_is_built_cannot_come_later(name: str, visitor: Visitor) -> None:
    with pytest.raises(FaultError, match="when the lab is started"):
        visitor.fleet.fault(f"{name}@EX01")


def test_healthy_unlocks_an_account_that_wrong_passwords_locked(visitor: Visitor) -> None:
    for _ in range(visitor.fleet.forest.accounts.lockout_threshold):
        with pytest.raises(AuthenticationError):
            visitor.run("EX01", "1", password="wrong")
    locked = visitor.fleet.users()[0]
    with pytest.raises(AuthenticationError):
        visitor.run("EX01", "1")
    visitor.fleet.fault("healthy@EX01")

    assert locked.locked and locked.bad_passwords == 5
    assert visitor.run("EX01", "1") == [1]


def test_faults_on_one_server_leave_the_others_alone() -> None:
    with Fleet(2, 0, ["unreachable@EX01", "require-ssl@EX01"], pace=FAST) as fleet:
        assert not listens(fleet["EX01"].ports.winrm)
        assert Visitor(fleet).probe("EX02").status == 401


def test_faults_add_up_in_any_order() -> None:
    orders = ["reboot-mid-run=600@EX01", "custom-403-redirect@EX01", "second-site@EX01", "require-ssl-128@EX01"]
    with Fleet(1, 0, orders, pace=FAST) as fleet:
        visitor = Visitor(fleet)

        assert visitor.probe("EX01").status == 302
        assert eas(visitor).path.startswith("W3SVC/2/") and eas(visitor).flags_memory == 8 + 256
        assert truth(visitor).reboots == 0


# --- the names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "NAME[=ARG]@SERVER"),
        ("require-ssl", "NAME[=ARG]@SERVER"),
        ("require-ssl@", "NAME[=ARG]@SERVER"),
        ("@EX01", "NAME[=ARG]@SERVER"),
        ("require ssl@EX01", "NAME[=ARG]@SERVER"),
        ("requir-ssl@EX01", "did you mean require-ssl?"),
        ("xyzzy@EX01", "there are: healthy, require-ssl"),
        ("require-ssl=1@EX01", "takes no argument"),
        ("slow=@EX01", "lacks its SECONDS, such as slow=3"),
        ("slow=-1@EX01", "not a number of seconds"),
        ("slow=nan@EX01", "not a number of seconds"),
        ("slow=inf@EX01", "not a number of seconds"),
        ("slow=soon@EX01", "not a number of seconds"),
        ("localised=german@EX01", "not a culture such as de-DE"),
        ("localised=xx-XX@EX01", "there are pages in: en, de"),
    ],
)
def test_what_is_not_a_fault_says_why(text: str, words: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse(text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("require-ssl@EX02", "there is no server EX02; there are: EX01, CAS01"),
        ("require-ssl@CAS01", "a fault of an Exchange 2003 server; CAS01 is a Client Access server"),
        ("block-legacy@EX01", "a fault of a Client Access server"),
        ("stuck-service=SMTP@EX01", "there is no service SMTP; did you mean SMTPSVC?"),
    ],
)
def test_a_fault_that_does_not_fit_is_refused_at_the_start_and_later(text: str, words: str, visitor: Visitor) -> None:
    with pytest.raises(FaultError) as at_start, Fleet(1, 1, [text]):
        pass
    with pytest.raises(FaultError) as later:
        visitor.fleet.fault(text)

    assert words in str(at_start.value)
    assert words in str(later.value)


def test_in_a_large_fleet_the_names_are_told_by_their_kinds() -> None:
    with pytest.raises(FaultError, match=r"there are: EX01 to EX50, CAS01, CAS02$"):
        Fleet(50, 2, ["require-ssl@QQQQQ"])


def test_in_a_large_fleet_an_unknown_server_is_answered_with_the_nearest() -> None:
    with pytest.raises(FaultError, match=r"did you mean EX0?\d"):
        Fleet(50, 2, ["require-ssl@EX051"])


def test_names_are_read_without_regard_to_case_and_shown_as_typed() -> None:
    order = parse(" Slow=2@ex01 ")

    assert (order.fault.name, order.argument, order.server, order.text) == ("slow", "2", "EX01", "slow=2@EX01")
    assert parse("slow@EX01").text == "slow=3@EX01"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_one_sentence_and_a_default_for_its_argument(name: str) -> None:
    fault = FAULTS[name]

    assert fault.sentence.endswith(".") and len(fault.sentence) < 120
    assert bool(fault.argument) == bool(fault.default)
    assert parse(f"{name}@{'CAS01' if fault.on is On.PROXY else 'EX01'}").fault is fault
