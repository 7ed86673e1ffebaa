"""Windows and blackouts: what is refused when they are read, with its line, and what `check` finds."""

from pathlib import Path

import pytest

from agent.config import WindowEntry, check, load
from agent.errors import ConfigError

WINDOW = """\
servers: [EX01]
windows:
  - name: weekend
    days: [sat, sun]
    opens: "22:00"
    duration_minutes: 240
    zone: Europe/Berlin
"""
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_a_window_is_read_as_it_is_written(path: Path) -> None:
    path.write_text(WINDOW, encoding="utf-8")

    assert load(path).windows == (
        WindowEntry(name="weekend", days=("sat", "sun"), opens="22:00", duration_minutes=240, zone="Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("days", "said"),
    [("[saturday]", "windows.0.days.0: should be 'mon'"), ("[]", "windows.0.days: should not be empty")],
)
def test_a_wrong_day_is_said_once(days: str, said: str, path: Path) -> None:
    path.write_text(WINDOW.replace("[sat, sun]", days), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)

    assert said in str(caught.value)
    assert str(caught.value).count("windows.0.days") == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("Europe/Berlin", "Europe/Berln", 7, "no time zone 'Europe/Berln'"),
        ("Europe/Berlin", "europe/berlin", 7, "no time zone 'europe/berlin'"),
        ("Europe/Berlin", "W. Europe Standard Time", 7, "no time zone"),
        ("Europe/Berlin", "Europe", 7, "no time zone 'Europe'"),
        ("Europe/Berlin", "../../etc/passwd", 7, "no time zone"),
        ("Europe/Berlin", '""', 7, "no time zone ''"),
        ("    zone: Europe/Berlin\n", "", 3, "windows.0.zone"),
        ('"22:00"', "22:00", 5, "must stand in quotes"),
        ('"22:00"', '"24:00"', 5, "windows.0.opens"),
        ("[sat, sun]", "[saturday]", 4, "windows.0.days.0"),
        ("240", "0", 6, "windows.0.duration_minutes"),
        ("240", "10081", 6, "windows.0.duration_minutes"),
        ("weekend", "week end", 3, "windows.0.name"),
        ("weekend", "a,b", 3, "windows.0.name"),
        ("days: [sat, sun]", "rule: FREQ=HOURLY", 4, "windows.0.rule: FREQ=HOURLY would open more than once a day"),
        ("days: [sat, sun]", "rule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 4, "could never open"),
        ("days: [sat, sun]", "days: [sat]\n    rule: FREQ=DAILY", 3, "both days and a rule"),
    ],
)
def test_a_window_that_cannot_be_kept_is_refused_with_its_line(
    old: str, new: str, line: int, says: str, path: Path
) -> None:
    path.write_text(WINDOW.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)

    assert says in caught.value.message
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("EUROPE/BERLIN", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("CEST", "CET"),
        ("Mars/Phobos", "such as Europe/Berlin"),
    ],
)
def test_a_zone_that_there_is_not_says_which_was_meant(written: str, meant: str, path: Path) -> None:
    path.write_text(WINDOW.replace("Europe/Berlin", written), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)

    assert meant in caught.value.next_step


def test_a_name_is_the_name_of_one_window(path: Path) -> None:
    path.write_text(WINDOW + WINDOW.partition("windows:\n")[2].replace("weekend", "Weekend"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Weekend is already the name of windows\.0") as caught:
        load(path)

    assert caught.value.where == f"{path}:8"


def test_a_calendar_may_be_missing_until_it_is_needed_and_is_found_by_the_check(path: Path) -> None:
    path.write_text("servers: [EX01]\nblackouts:\n  - freeze.ics\n", encoding="utf-8")
    assert load(path).blackouts == (str(path.with_name("freeze.ics")),)
    with pytest.raises(ConfigError, match=r"freeze\.ics cannot be read") as caught:
        check(path)

    assert caught.value.where == f"{path}:3"
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not an iCalendar file"),
        ("<html>Please log on</html>", "not an iCalendar file"),
        (CALENDAR.replace("END:VCALENDAR\r\n", ""), "not an iCalendar file"),
        (CALENDAR + " " * 2_000_000, "more than 2,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_calendar_is_found_by_the_check(content: str, says: str, path: Path) -> None:
    path.write_text("servers: [EX01]\nblackouts:\n  - good.ics\n  - freeze.ics\n", encoding="utf-8")
    path.with_name("good.ics").write_text(CALENDAR, encoding="utf-8")
    path.with_name("freeze.ics").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check(path)

    assert says in caught.value.message
    assert caught.value.where == f"{path}:4"
