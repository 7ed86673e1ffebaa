"""A configuration's windows and calendar files, as they are told by `config check` too."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.calendar import windows_of
from agent.cli.main import call
from agent.config import Config, WindowEntry, load
from agent.errors import ConfigError

NOW = datetime(2026, 11, 29, 0, 18, tzinfo=UTC)
TEXT = """\
servers: [EX01]
windows:
  - {name: weekend, days: [sat, sun], opens: "22:00", duration_minutes: 240, zone: Europe/Berlin}
  - {name: patch-day, rule: FREQ=MONTHLY;BYDAY=2TU, opens: "20:00", duration_minutes: 360, zone: America/New_York}
  - {name: old, rule: FREQ=DAILY;UNTIL=20260101, opens: "20:00", duration_minutes: 60, zone: UTC}
blackouts: [freeze.ics]
"""
FREEZE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Lab//Test//EN
BEGIN:VEVENT
UID:1@lab.example
DTSTAMP:20260101T000000Z
SUMMARY:Year end
DTSTART;VALUE=DATE:20261205
DTEND;VALUE=DATE:20261206
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration with three windows and a calendar."""
    tmp_path.joinpath("freeze.ics").write_text(FREEZE, encoding="utf-8")
    found = tmp_path / "config.yaml"
    found.write_text(TEXT, encoding="utf-8")
    return found


def test_the_entries_become_windows(path: Path) -> None:
    windows = windows_of(load(path))

    assert windows.is_bound
    assert windows.at(NOW).closes_at == datetime(2026, 11, 29, 1, tzinfo=UTC)
    assert [each.name for each in windows.upcoming(NOW, 4)] == ["weekend", "weekend", "patch-day", "weekend"]
    assert windows.ended(NOW) == ("old",)


def test_a_day_of_a_calendar_is_that_of_every_window(path: Path) -> None:
    """5 December begins in Berlin and ends in New York: at 05:00 UTC of the 6th."""
    frozen = windows_of(load(path))

    assert frozen.at(datetime(2026, 12, 4, 22, 30, tzinfo=UTC)).blackout == ""
    assert frozen.at(datetime(2026, 12, 4, 23, 0, tzinfo=UTC)).blackout == "Year end"
    assert frozen.at(datetime(2026, 12, 6, 4, 59, tzinfo=UTC)).blackout == "Year end"
    assert frozen.at(datetime(2026, 12, 6, 5, 0, tzinfo=UTC)).blackout == ""


def test_without_windows_and_calendars_nothing_is_bound() -> None:
    windows = windows_of(Config())

    assert not windows.is_bound
    assert windows.at(NOW).is_open


def test_a_calendar_that_is_gone_stops_a_run_with_its_path(path: Path) -> None:
    path.with_name("freeze.ics").unlink()
    with pytest.raises(ConfigError, match=r"freeze\.ics cannot be read") as caught:
        windows_of(load(path))

    assert (caught.value.where, bool(caught.value.next_step)) == ("blackouts", True)


def test_a_configuration_made_by_hand_is_not_trusted() -> None:
    entry = WindowEntry(name="weekend", opens="22:00", duration_minutes=240, zone="Europe/Berln")
    with pytest.raises(ConfigError, match="Europe/Berln") as caught:
        windows_of(Config(windows=(entry,)))

    assert caught.value.where == "window weekend"


@pytest.fixture
def at_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's clock stands."""
    monkeypatch.setattr("agent.cli.session.now", lambda: NOW)


@pytest.mark.usefixtures("at_three")
def test_the_check_says_how_the_windows_stand(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["config", "check", "--config", str(path)])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]

    assert code == 0
    assert lines[-5:] == [
        "now: window weekend closes at 2026-11-29 02:00 Europe/Berlin (01:00 UTC), 42 minutes are left",
        "next: weekend: 2026-11-29 22:00 Europe/Berlin (21:00 UTC), for 4 hours",
        "next: weekend: 2026-12-06 22:00 Europe/Berlin (21:00 UTC), for 4 hours",
        "next: patch-day: 2026-12-08 20:00 America/New_York (2026-12-09 01:00 UTC), for 6 hours",
        "window old opens no more: its rule has come to its end",
    ]


@pytest.mark.usefixtures("at_three")
def test_the_check_says_it_to_programs_too(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["config", "check", "--json", "--config", str(path)])
    found = json.loads(capsys.readouterr().out)["windows"]

    assert code == 0
    assert (found["is_open"], found["closes_at"], found["blackout"]) == (True, "2026-11-29T01:00:00+00:00", None)
    assert [each["opens_at"] for each in found["next"]] == [
        "2026-11-29T21:00:00+00:00",
        "2026-12-06T21:00:00+00:00",
        "2026-12-09T01:00:00+00:00",
    ]
    assert found["ended"] == ["old"]


@pytest.mark.usefixtures("at_three")
def test_the_check_says_that_nothing_is_bound(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("servers: [EX01]\n", encoding="utf-8")
    call(["config", "check", "--config", str(path)])

    assert capsys.readouterr().out.endswith("now: no window is configured: servers may be changed at any time\n")


@pytest.mark.usefixtures("at_three")
@pytest.mark.parametrize(("minutes", "is_said"), [(15, True), (16, False)])
def test_the_check_says_that_windows_are_too_short(
    minutes: int, is_said: bool, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = f"{{name: short, opens: '22:00', duration_minutes: {minutes}, zone: UTC}}"
    path.write_text(f"servers: [EX01]\nwindows: [{window}]\n", encoding="utf-8")
    code = call(["config", "check", "--config", str(path)])

    said = "long enough to begin a server: 16 minutes a server: from defaults" in capsys.readouterr().out
    assert (code, said) == (0, is_said)
