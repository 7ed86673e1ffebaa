"""Ticks: second looks, drift, debts, and the remedy; told once; and never a change outside of what was allowed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import Stand
from mailbox_service import Mailbox, open_mailbox

import agent.cli.looking as looking_module
import agent.cli.session as session_module
import agent.cli.tick as tick_module
import agent.cli.working as working_module
from agent.errors import JournalError
from agent.journal import Journal, open_journal
from agent.model import Holder

FAULTS = ("require-ssl@EX01", "healthy@EX02")
NOW = datetime(2026, 5, 6, 12, 10, tzinfo=UTC)
ALWAYS = {"windows": [{"name": "day", "opens": "00:00", "duration_minutes": 1440, "zone": "UTC"}]}
NIGHT = {"windows": [{"name": "night", "opens": "22:00", "duration_minutes": 120, "zone": "UTC"}]}
AUTO = {"schedule": {"remediate": "auto"}}


class Days:
    """The clock of the command line, put forward by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def pass_by(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    found = Days()
    for module in (session_module, looking_module, working_module):  # those that have the clock by its name
        monkeypatch.setattr(module, "now", lambda: found.now)
    return found


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as found:
        yield found


@pytest.fixture
def stand(tmp_path: Path, mailbox: Mailbox, days: Days, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.setenv("URL_OF_THE_TEST", mailbox.url)
    settings = {"notify": [{"url_env": "URL_OF_THE_TEST"}], "logs": {"file": "easfix.log", "level": "debug"}}
    with Stand(tmp_path, "fake", FAULTS, servers=2, settings=settings) as found:
        yield found


def test_drift_is_found_and_nothing_is_changed(stand: Stand) -> None:
    before = stand.photograph()
    answer = stand.easfix("run", "--once")

    assert (answer.code, answer.state("EX01"), answer.state("EX02")) == (2, "pending", "right")
    assert answer.document["command"] == "run"
    assert answer.document["run"] is None
    assert answer.document["remediation"] == {"why_not": "schedule.remediate is never", "held_back": {}}
    assert stand.photograph() == before


def test_the_same_drift_is_told_once_and_so_is_its_end(stand: Stand, mailbox: Mailbox) -> None:
    stand.easfix("run", "--once")
    title, lines = mailbox.only()

    assert title.endswith(": 1 pending")
    assert any(line.startswith("pending: EX01 (") for line in lines)

    stand.easfix("run", "--once")

    assert len(mailbox.letters) == 1

    stand.easfix("apply", "--yes")
    mailbox.letters.clear()
    stand.easfix("run", "--once")

    assert mailbox.only()[0].endswith(": 1 right again")


def test_where_all_is_well_nobody_is_told(stand: Stand, mailbox: Mailbox) -> None:
    answer = stand.easfix("run", "--once", "--limit", "EX02")

    assert answer.code == 0
    assert mailbox.letters == []


def test_auto_changes_servers_inside_a_window(stand: Stand, mailbox: Mailbox) -> None:
    stand.configure({**ALWAYS, **AUTO})
    answer = stand.easfix("run", "--once", "--every", "30m")

    assert (answer.code, answer.state("EX01"), answer.state("EX02")) == (0, "changed", "right")
    assert stand.directory().flags_memory == 0
    shown = stand.easfix("show", answer.document["run"])
    assert shown.document["record"]["reason"] == "every 30m, tick of 2026-05-06 12:00:00 UTC"
    assert mailbox.only()[0].endswith(": 1 changed")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (AUTO, "no change window is configured"),
        ({**AUTO, **NIGHT}, "closed: the next opening, of window night"),
        ({**AUTO, **ALWAYS, "approval": {"require_approval": True}}, "approval.require_approval is on"),
        (ALWAYS, "schedule.remediate is never"),
    ],
)
def test_where_one_thing_is_missing_nothing_is_changed_and_it_is_said(
    stand: Stand, settings: dict[str, object], why: str
) -> None:
    stand.configure(settings)
    before = stand.photograph()
    answer = stand.easfix("run", "--once")

    assert (answer.code, answer.state()) == (2, "pending")
    assert why in answer.document["remediation"]["why_not"]
    assert stand.photograph() == before


def test_a_second_look_is_taken_when_it_is_due(stand: Stand, days: Days) -> None:
    run = stand.easfix("apply", "--yes").document["run"]
    early = stand.easfix("run", "--once")
    days.pass_by(minutes=21)
    late = stand.easfix("run", "--once")
    again = stand.easfix("run", "--once")

    assert early.document["second_looks"] == again.document["second_looks"] == []
    (look,) = late.document["second_looks"]
    assert (look["run"], look["server"], look["state"]) == (run, "EX01", "changed")
    assert late.code == 0


def test_a_flag_that_came_back_is_told_and_left_to_a_person(stand: Stand, days: Days, mailbox: Mailbox) -> None:
    stand.easfix("apply", "--yes")
    stand.fleet.fault("require-ssl@EX01")
    days.pass_by(minutes=21)
    stand.configure({**ALWAYS, **AUTO})
    mailbox.letters.clear()
    resets = stand.truth().iisresets
    answer = stand.easfix("run", "--once")

    assert (answer.code, answer.state()) == (4, "reverted")
    assert "its flag came back" in answer.document["remediation"]["held_back"]["EX01"]
    assert stand.truth().iisresets == resets
    assert mailbox.only()[0].endswith(": 1 reverted")

    stand.easfix("run", "--once")

    assert stand.truth().iisresets == resets


def test_a_change_that_is_not_proved_for_good_is_not_repeated(stand: Stand, days: Days) -> None:
    """The flag is back before the second look: a tick a minute later must not restart IIS again."""
    stand.configure({**ALWAYS, **AUTO})
    first = stand.easfix("run", "--once").document["run"]
    stand.fleet.fault("require-ssl@EX01")
    days.pass_by(minutes=1)
    answer = stand.easfix("run", "--once")

    assert answer.state() == "pending"
    assert first in answer.document["remediation"]["held_back"]["EX01"]


def test_a_change_that_failed_is_not_tried_again_at_every_tick(stand: Stand) -> None:
    stand.configure({**ALWAYS, **AUTO})
    stand.fleet.fault("disk-full@EX01")
    first = stand.easfix("run", "--once")
    second = stand.easfix("run", "--once")

    assert first.state() == "failed"
    assert second.document["run"] is None
    assert "the last change of it failed" in second.document["remediation"]["held_back"]["EX01"]


def test_two_schedulers_do_not_take_the_same_tick(stand: Stand, days: Days) -> None:
    first = stand.easfix("run", "--once", "--every", "30m")
    second = stand.easfix("run", "--once", "--every", "1800s")
    days.pass_by(minutes=30)
    third = stand.easfix("run", "--once", "--every", "30m")

    assert first.document["schedule"]["is_ours"]
    assert second.document["schedule"] == {
        "words": "every 30m",
        "at": "2026-05-06T12:00:00+00:00",
        "missed": 0,
        "is_ours": False,
    }
    assert (second.code, second.document["servers"]) == (0, [])
    assert third.document["schedule"]["is_ours"]


def test_a_tick_without_a_timetable_is_always_taken(stand: Stand) -> None:
    assert stand.easfix("run", "--once").document["schedule"]["is_ours"]
    assert stand.easfix("run", "--once").document["schedule"]["is_ours"]


def test_a_server_that_cannot_be_reached_is_told_and_stops_nothing(stand: Stand, mailbox: Mailbox) -> None:
    stand.fleet.fault("unreachable@EX02")
    answer = stand.easfix("run", "--once")

    assert (answer.code, answer.state("EX01"), answer.state("EX02")) == (4, "pending", "unreachable")
    assert mailbox.only()[0].endswith(": 1 pending, 1 unreachable")


def test_a_second_look_that_cannot_be_taken_is_said_and_stops_nothing(stand: Stand, days: Days) -> None:
    run = stand.easfix("apply", "--yes").document["run"]
    days.pass_by(minutes=21)
    living = Holder(run, socket.gethostname(), os.getppid(), "somebody")
    journal = open_journal(str(stand.home / "journal.db"), lambda: days.now)
    journal.resume(run, living)  # as if that process went on with the run
    journal.close()
    answer = stand.easfix("run", "--once")
    (look,) = answer.document["second_looks"]

    assert (look["server"], look["state"]) == ("EX01", "not taken")
    assert run in look["reason"]
    assert (answer.code, answer.state("EX02")) == (4, "right")


def test_a_server_that_a_living_run_works_on_is_not_judged(stand: Stand, days: Days, mailbox: Mailbox) -> None:
    stand.stop_at = "before clear"
    run = stand.easfix("apply", "--yes").document["run"]
    stand.stop_at = ""
    living = Holder(run, socket.gethostname(), os.getppid(), "somebody")
    journal = open_journal(str(stand.home / "journal.db"), lambda: days.now)
    journal.resume(run, living)  # as if that process went on with the run
    journal.close()
    mailbox.letters.clear()
    answer = stand.easfix("run", "--once")

    assert answer.document["at_work"] == [{"server": "EX01", "run": run}]
    assert [each["name"] for each in answer.document["servers"]] == ["EX02"]
    assert (answer.code, mailbox.letters) == (0, [])


def test_a_window_that_passed_with_work_left_is_told_once(stand: Stand, days: Days, mailbox: Mailbox) -> None:
    stand.configure(NIGHT)
    stand.easfix("run", "--once")
    mailbox.letters.clear()
    days.pass_by(hours=11)  # 23:10, the window is open
    stand.easfix("run", "--once")

    assert mailbox.letters == []

    days.pass_by(hours=2)
    stand.easfix("run", "--once")
    title, lines = mailbox.only()

    assert title.endswith(": window night passed with work left")
    assert "left by the window: EX01" in lines

    stand.easfix("run", "--once")

    assert len(mailbox.letters) == 1


def test_a_window_between_two_ticks_has_passed_too(stand: Stand, days: Days, mailbox: Mailbox) -> None:
    stand.configure(NIGHT)
    stand.easfix("run", "--once")
    mailbox.letters.clear()
    days.pass_by(days=1)
    stand.easfix("run", "--once")

    assert mailbox.only()[0].endswith(": window night passed with work left")


def test_a_window_that_passed_with_nothing_left_is_not_told(stand: Stand, days: Days, mailbox: Mailbox) -> None:
    stand.configure(NIGHT)
    stand.easfix("run", "--once", "--limit", "EX02")
    days.pass_by(days=1)
    stand.easfix("run", "--once", "--limit", "EX02")

    assert mailbox.letters == []


def test_a_tick_that_fails_is_told_once_and_so_is_its_end(
    stand: Stand, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(journal: Journal, *asked: object) -> object:
        raise JournalError("the database is gone", where="journal.db")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "looks_due", gone)
        answers = [stand.easfix("run", "--once", "--limit", "EX02") for _ in range(2)]

    assert [each.code for each in answers] == [78, 78]
    assert answers[0].document["error"]["message"] == "the database is gone"
    title, lines = mailbox.only()
    assert title.endswith(": a tick failed")
    assert lines[0] == "once: the tick came to nothing: journal.db: the database is gone"
    events = [json.loads(line) for line in (stand.home / "easfix.log").read_text(encoding="utf-8").splitlines()]
    assert [each["detail"] for each in events if each["event"] == "tick.failed"] == [
        "journal.db: the database is gone"
    ] * 2

    stand.easfix("run", "--once", "--limit", "EX02")

    assert mailbox.letters[-1]["title"].endswith(": ticks work again")


def test_a_tick_that_fails_after_its_run_is_told_as_well(
    stand: Stand, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.configure({**ALWAYS, **AUTO})

    def gone(session: object) -> object:
        raise JournalError("the database is gone")

    monkeypatch.setattr(tick_module, "_debts", gone)
    stand.easfix("run", "--once")
    titles = [each["title"].partition(": ")[2] for each in mailbox.letters]

    assert titles == ["1 changed", "a tick failed"]


def test_a_run_that_breaks_off_within_a_tick_is_told_once(
    stand: Stand, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.configure({**ALWAYS, **AUTO})

    def gone(*asked: object, **how: object) -> object:
        raise JournalError("the database is gone")

    monkeypatch.setattr(working_module, "end", gone)
    stand.easfix("run", "--once")
    titles = [each["title"].partition(": ")[2] for each in mailbox.letters]

    assert titles == ["run broke off"]


def test_a_stop_within_a_tick_ends_it_with_130(stand: Stand) -> None:
    stand.configure({**ALWAYS, **AUTO})
    stand.stop_at = "before clear"
    answer = stand.easfix("run", "--once")

    assert answer.code == 130
    assert answer.document["run"]


def test_what_is_owed_is_listed(stand: Stand, mailbox: Mailbox) -> None:
    stand.stop_at = "before clear"
    run = stand.easfix("apply", "--yes").document["run"]
    stand.stop_at = ""
    mailbox.letters.clear()
    answer = stand.easfix("run", "--once")
    debts = answer.document["debts"]

    (debt,) = debts
    assert (debt["run"], debt["server"], debt["kind"]) == (run, "EX01", "changed_not_restarted")
    assert answer.code == 4
    assert mailbox.only()[0].endswith(": 1 owed")


def test_a_person_reads_one_line(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    from agent.cli.main import call
    from agent.lab.layout import CONFIG_FILE

    with stand.sessions():
        code = call(["--config", str(stand.home / CONFIG_FILE), "-q", "run", "--once", "--every", "30m"])
    out = capsys.readouterr().out

    assert code == 2
    assert out == (
        "2026-05-06 12:00:00 UTC  every 30m: 1 right; 1 pending (EX01)."
        " Exit code 2: changes are pending (check, plan, --dry-run).\n"
    )
