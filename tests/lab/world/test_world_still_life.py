"""Claims about event logs, accounts, the name map, command lines and the text of errors."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.clock import DrivenClock
from agent.lab.world.accounts import Accounts, Logon
from agent.lab.world.command_line import split
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.eventlog import EntryType, EventLogs
from agent.lab.world.network import Network


@pytest.fixture
def logs(clock: DrivenClock) -> EventLogs:
    return EventLogs("EX01", clock, threading.RLock())


@pytest.fixture
def accounts() -> Accounts:
    made = Accounts()
    made.add("phone", "right", mailbox_server="EX01")
    return made


# --- event logs ----------------------------------------------------------------------------------------------------


def test_an_event_keeps_what_was_written_with_its_time_and_machine(logs: EventLogs, clock: DrivenClock) -> None:
    clock.advance(5)
    logs.write(
        "application",
        "MSExchange ActiveSync",
        1034,
        EntryType.WARNING,
        "timed out",
        category="Configuration",
        strings=("ex01",),
    )
    (entry,) = logs.entries("Application")

    assert (entry.log, entry.index, entry.source, entry.event_id, entry.category) == (
        "Application",
        1,
        "MSExchange ActiveSync",
        1034,
        "Configuration",
    )
    assert (entry.time, entry.machine, entry.strings) == (clock.now(), "EX01", ("ex01",))


def test_each_log_counts_its_own_index_even_after_it_is_cleared(logs: EventLogs) -> None:
    logs.write("System", "a", 1, EntryType.INFORMATION, "")
    logs.clear("System")
    logs.write("System", "a", 1, EntryType.INFORMATION, "")
    logs.write("Application", "b", 1, EntryType.INFORMATION, "")

    assert [entry.index for entry in logs.entries("System")] == [2]
    assert [entry.index for entry in logs.entries("Application")] == [1]
    assert logs.written() == 3


def test_an_old_event_is_overwritten_by_new_ones(logs: EventLogs) -> None:
    for number in range(5000):
        logs.write("System", "a", number, EntryType.INFORMATION, "")
    kept = logs.entries("System")

    assert len(kept) < 5000
    assert kept[-1].event_id == 4999


def test_an_unknown_log_is_refused(logs: EventLogs) -> None:
    with pytest.raises(WorldError):
        logs.entries("Nothing")


def test_a_source_belongs_to_the_log_it_was_registered_for_or_first_wrote_to(logs: EventLogs) -> None:
    logs.add_source("easfix", "Application")
    logs.write("System", "IISCTLS", 3202, EntryType.INFORMATION, "")

    assert (logs.log_of("EASFIX"), logs.log_of("iisctls"), logs.log_of("x")) == ("Application", "System", None)


def test_a_listener_hears_each_event(logs: EventLogs) -> None:
    heard: list[int] = []
    logs.listen(lambda entry: heard.append(entry.event_id))
    logs.write("System", "a", 7, EntryType.ERROR, "")

    assert heard == [7]


# --- accounts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["phone", "LAB\\phone", "lab\\PHONE", "phone@lab.example", "lab.example\\phone"])
def test_every_form_of_a_name_is_the_same_user(accounts: Accounts, name: str) -> None:
    assert accounts.check(name, "right") is Logon.GRANTED


@pytest.mark.parametrize("name", ["nobody", "OTHER\\phone", "phone@other.example", ""])
def test_a_name_of_another_domain_is_nobody(accounts: Accounts, name: str) -> None:
    assert accounts.check(name, "right") is Logon.NO_SUCH_USER


def test_five_wrong_passwords_in_a_row_lock_the_user_out_even_for_the_right_one(accounts: Accounts) -> None:
    results = [accounts.check("phone", "wrong") for _ in range(5)]

    assert results == [Logon.WRONG_PASSWORD] * 5
    assert accounts.check("phone", "right") is Logon.LOCKED


def test_a_right_password_in_between_starts_the_count_again(accounts: Accounts) -> None:
    for password in ("wrong", "wrong", "wrong", "wrong", "right", "wrong"):
        accounts.check("phone", password)

    assert accounts.check("phone", "right") is Logon.GRANTED


def test_an_unlocked_user_is_let_in_again(accounts: Accounts) -> None:
    for _ in range(5):
        accounts.check("phone", "wrong")
    user = accounts.find("phone")
    assert user is not None
    accounts.unlock(user)

    assert accounts.check("phone", "right") is Logon.GRANTED


@pytest.mark.parametrize(("flag", "result"), [("expired", Logon.EXPIRED), ("disabled", Logon.DISABLED)])
def test_an_expired_or_disabled_user_is_told_so_only_with_the_right_password(
    accounts: Accounts, flag: str, result: Logon
) -> None:
    setattr(accounts.find("phone"), flag, True)

    assert accounts.check("phone", "wrong") is Logon.WRONG_PASSWORD
    assert accounts.check("phone", "right") is result


def test_the_built_in_administrator_has_a_password_nobody_can_guess() -> None:
    first, second = (Accounts().find("administrator") for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.is_admin
    assert first.password != second.password


# --- network -------------------------------------------------------------------------------------------------------


def test_a_published_port_resolves_to_its_real_endpoint_until_it_is_withdrawn() -> None:
    network = Network()
    network.publish("EX01.lab.example", 80, ("127.0.0.1", 40001))

    assert network.resolve("ex01.LAB.example", 80) == ("127.0.0.1", 40001)
    assert network.resolve("ex01.lab.example", 443) is None
    network.withdraw("ex01.lab.example", 80)
    assert network.resolve("ex01.lab.example", 80) is None


def test_a_blocked_port_can_be_told_from_one_nobody_listens_on() -> None:
    network = Network()
    network.publish("ex01", 80, ("127.0.0.1", 40001))
    network.block("EX01", 80)

    assert network.resolve("ex01", 80) is None
    assert network.is_blocked("ex01", 80)
    network.unblock("ex01", 80)
    assert network.resolve("ex01", 80) == ("127.0.0.1", 40001)


def test_a_name_nobody_has_has_no_address() -> None:
    network = Network()
    network.register("127.0.0.1", "EX01", "ex01.lab.example")

    assert network.address_of("EX01.LAB.EXAMPLE") == "127.0.0.1"
    assert network.address_of("ex99") is None


# --- command lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("iisreset /noforce", ["iisreset", "/noforce"]),
        (r'"C:\Program Files\x.exe"  a', [r"C:\Program Files\x.exe", "a"]),
        (r'net stop "World Wide Web Publishing Service"', ["net", "stop", "World Wide Web Publishing Service"]),
        (r'a "b\"c" d', ["a", 'b"c', "d"]),
        (r'a "b\\" c', ["a", "b\\", "c"]),
        (r"a C:\x\y", ["a", r"C:\x\y"]),
        ('a "" b', ["a", "", "b"]),
        ('a "say ""hi"""', ["a", 'say "hi"']),
        ("  ", []),
    ],
)
def test_a_command_line_is_split_as_windows_does(line: str, words: list[str]) -> None:
    assert split(line) == words


@given(st.lists(st.text(st.characters(exclude_characters='"\\\r\n\t', exclude_categories=["Cs"]), min_size=1)))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    assert split(" ".join(f'"{word}"' for word in words)) == words


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_error_has_a_text_and_a_failing_hresult(kind: ErrorKind) -> None:
    error = WorldError(kind, "thing")

    assert error.hresult & 0x80000000
    assert error.message
    assert "thing" in str(error)


def test_an_error_knows_its_win32_code() -> None:
    assert WorldError(ErrorKind.DEPENDENTS_RUNNING).code == 1051
