"""A run tells people what it did, over a real connection; and nobody who does not listen changes how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Stand
from mailbox_service import TOKEN, Mailbox, open_mailbox

from agent.cli import telling
from agent.config import load
from agent.journal import Journal
from agent.lab.layout import CONFIG_FILE
from agent.logs import Redactor
from agent.notify import Message

FAULTS = ("require-ssl@EX01", "healthy@EX02")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as found:
        yield found


@pytest.fixture
def stand(tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.setenv("URL_OF_THE_TEST", mailbox.url)
    settings = {"notify": [{"url_env": "URL_OF_THE_TEST"}], "logs": {"file": "easfix.log", "level": "debug"}}
    with Stand(tmp_path, "fake", FAULTS, servers=2, settings=settings) as found:
        yield found


def test_a_change_is_told_with_what_why_and_where_to_look(stand: Stand, mailbox: Mailbox) -> None:
    answer = stand.easfix("apply", "--yes", "--reason", "phones of Berlin")
    title, lines = mailbox.only()

    assert answer.code == 0
    assert title.endswith("1 changed")
    assert lines[0] == f"run {answer.document['run']}, apply: exit code 0, all as it should be, or all done and proved."
    assert lines[1:4] == ["changed: EX01", "right: EX02", "why: phones of Berlin"]
    assert lines[4].startswith("see: easfix --config ")
    assert lines[4].endswith(f" show {answer.document['run']}")
    assert mailbox.letters[0]["type"] == "info"


def test_a_failure_is_told_with_its_reason(stand: Stand, mailbox: Mailbox) -> None:
    stand.fleet.fault("disk-full@EX01")
    answer = stand.easfix("apply", "--yes")
    _, lines = mailbox.only()

    assert answer.code != 0
    assert lines[1].startswith(f"{answer.state()}: EX01 ({answer.reason()[:20]}")
    assert mailbox.letters[0]["type"] == "warning"


def test_a_run_that_is_stopped_is_told(stand: Stand, mailbox: Mailbox) -> None:
    stand.stop_at = "before clear"
    answer = stand.easfix("apply", "--yes")

    title, _ = mailbox.only()

    assert answer.code == 130
    assert ": stopped" in title


def test_a_run_that_an_error_breaks_off_is_told_once(
    stand: Stand, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(journal: Journal, *asked: object, **how: object) -> object:
        from agent.errors import JournalError

        raise JournalError("the disk is full")

    monkeypatch.setattr(Journal, "run", full)
    answer = stand.easfix("apply", "--yes")
    title, lines = mailbox.only()

    assert answer.code == 4  # what became of the server is for resume to find out
    assert title.endswith("run broke off")
    assert lines[0].endswith("broke off: the disk is full")
    assert " resume " in lines[1]


@pytest.mark.parametrize(
    "arguments", [("check",), ("apply", "--dry-run"), ("verify",), ("apply", "--yes", "--limit", "EX02")]
)
def test_where_nothing_is_done_nobody_is_told(stand: Stand, mailbox: Mailbox, arguments: tuple[str, ...]) -> None:
    stand.easfix(*arguments)

    assert mailbox.letters == []


def test_a_service_that_fails_is_said_and_changes_nothing(stand: Stand, mailbox: Mailbox) -> None:
    mailbox.status = 500
    answer = stand.easfix("apply", "--yes")

    assert (answer.code, answer.state()) == (0, "changed")
    assert "a notification could not be sent: notify[0]: the service answered 500" in answer.err
    assert "notice.unsent" in (stand.home / "easfix.log").read_text(encoding="utf-8")


def test_a_service_that_does_not_answer_holds_nothing_up(
    stand: Stand, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SECONDS", 0.5)
    mailbox.may_answer.clear()
    answer = stand.easfix("apply", "--yes")

    assert (answer.code, answer.state()) == (0, "changed")
    assert "no answer came within 0.5 s" in answer.err


def test_an_address_that_is_not_there_is_said_and_changes_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("URL_OF_THE_TEST")
    answer = stand.easfix("apply", "--yes")

    assert (answer.code, answer.state()) == (0, "changed")
    assert "notify[0].url_env: the environment variable URL_OF_THE_TEST is not set" in answer.err


def test_no_secret_that_is_known_is_told(stand: Stand, mailbox: Mailbox) -> None:
    redactor = Redactor()
    redactor.add("another-secret")
    telling.tell(load(stand.home / CONFIG_FILE), redactor, Message("of another-secret", f"and of {TOKEN}"))

    assert mailbox.only() == ("of ********", ["and of ********"])


def test_many_servers_are_named_up_to_a_number() -> None:
    from agent.model import ServerState
    from agent.outcome import ServerOutcome

    servers = [ServerOutcome(f"EX{number:02}", ServerState.UNREACHABLE, "no route") for number in range(1, 12)]

    assert list(telling.by_state(servers)) == [
        "unreachable: EX01, EX02, EX03, EX04, EX05, EX06, EX07, EX08 and 3 more (no route)"
    ]
