"""Calendar files: which events are blackouts and when, and what is refused before a freeze can be lost."""

import os
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from window_nouns import at, calendar, ics

from agent.window import Calendar, Unusable, read_calendar

CUSTOM = """\
BEGIN:VTIMEZONE
TZID:Head Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0530
TZOFFSETTO:+0530
END:STANDARD
END:VTIMEZONE"""


def told(found: Calendar, since: str = "2026-01-01 00:00", until: str = "2026-12-31 00:00") -> list[str]:
    """The blackouts as "from to", in UTC."""
    every = found.between(at(since), at(until))
    return [f"{dark.begins_at:%m-%d %H:%M} {dark.ends_at:%m-%d %H:%M}" for dark in every]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        # days: of the zone of the window
        ("DTSTART;VALUE=DATE:20260624\nDTEND;VALUE=DATE:20260627", ["06-23 22:00 06-26 22:00"]),
        ("DTSTART;VALUE=DATE:20260624", ["06-23 22:00 06-24 22:00"]),
        # a time without a zone, in the zone of the window too
        ("DTSTART:20260624T100000\nDURATION:PT2H", ["06-24 08:00 06-24 10:00"]),
        ("DTSTART:20260624T100000Z\nDTEND:20260624T120000Z", ["06-24 10:00 06-24 12:00"]),
        ("DTSTART;TZID=America/New_York:20260624T100000\nDURATION:P1D", ["06-24 14:00 06-25 14:00"]),
        # as Outlook writes it
        ("DTSTART;TZID=W. Europe Standard Time:20260624T100000\nDURATION:PT2H", ["06-24 08:00 06-24 10:00"]),
        # no length
        ("DTSTART:20260624T100000Z", []),
        ("DTSTART:20260624T100000Z\nDTEND:20260624T100000Z", []),
        # who is free, and who is not sure
        ("DTSTART;VALUE=DATE:20260624\nTRANSP:TRANSPARENT", ["06-23 22:00 06-24 22:00"]),
        ("DTSTART;VALUE=DATE:20260624\nSTATUS:TENTATIVE", ["06-23 22:00 06-24 22:00"]),
        ("DTSTART;VALUE=DATE:20260624\nSTATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:20260624\nSTATUS:cancelled", []),
        # recurring, also over the change of the clock
        ("DTSTART;TZID=Europe/Berlin:20260327T200000\nDURATION:PT2H\nRRULE:FREQ=DAILY;COUNT=3",
         ["03-27 19:00 03-27 21:00", "03-28 19:00 03-28 21:00", "03-29 18:00 03-29 20:00"]),
        ("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:20201224\nDTEND;VALUE=DATE:20201227\nRRULE:FREQ=YEARLY", ["12-23 23:00 12-26 23:00"]),
        ("DTSTART;TZID=Europe/Berlin:20260601T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3\n"
         "EXDATE;TZID=Europe/Berlin:20260608T100000", ["06-01 08:00 06-01 09:00", "06-15 08:00 06-15 09:00"]),
        ("DTSTART;VALUE=DATE:20260601\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE;VALUE=DATE:20260608",
         ["05-31 22:00 06-01 22:00", "06-14 22:00 06-15 22:00"]),
        ("DTSTART:20260601T100000Z\nDURATION:PT1H\nRDATE:20260701T100000Z",
         ["06-01 10:00 06-01 11:00", "07-01 10:00 07-01 11:00"]),
        # the hour that comes twice: from its first beginning, to its second end
        ("DTSTART;TZID=Europe/Berlin:20261025T023000\nDTEND;TZID=Europe/Berlin:20261025T024500",
         ["10-25 00:30 10-25 01:45"]),
        # the hour that there is not: from the earlier meaning, to the later
        ("DTSTART;TZID=Europe/Berlin:20260329T021500\nDTEND;TZID=Europe/Berlin:20260329T023000",
         ["03-29 00:15 03-29 01:30"]),
        # a day of 25 hours
        ("DTSTART;VALUE=DATE:20261025", ["10-24 22:00 10-25 23:00"]),
    ],
)  # fmt: skip
def test_an_event_is_a_blackout_from_then_to_then(event: str, expected: list[str]) -> None:
    assert told(calendar(event)) == expected


def test_one_of_a_series_can_be_moved_and_another_be_cancelled() -> None:
    series = "UID:s\nDTSTART:20260601T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3"
    moved = "UID:s\nRECURRENCE-ID:20260608T100000Z\nDTSTART:20260609T120000Z\nDURATION:PT3H"
    cancelled = "UID:s\nRECURRENCE-ID:20260615T100000Z\nDTSTART:20260615T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED"

    assert told(calendar(series, moved, cancelled)) == ["06-01 10:00 06-01 11:00", "06-09 12:00 06-09 15:00"]


def test_a_blackout_lasts_over_the_end_of_the_year_and_is_told_once() -> None:
    found = calendar("DTSTART;VALUE=DATE:20261220\nDTEND;VALUE=DATE:20270107")

    assert told(found, "2026-01-01 00:00", "2028-01-01 00:00") == ["12-19 23:00 01-06 23:00"]
    assert told(found, "2027-01-01 00:00", "2027-01-02 00:00") == ["12-19 23:00 01-06 23:00"]


def test_a_day_at_the_end_of_the_year_counts_in_the_other_year_too() -> None:
    """New Year's Eve of New York is over at 05:00 UTC; New Year's Day of Berlin begins at 23:00 UTC the day before."""
    eve = calendar("DTSTART;VALUE=DATE:20261231", zones=[ZoneInfo("America/New_York")])
    day = calendar("DTSTART;VALUE=DATE:20270101")

    assert told(eve, "2027-01-01 02:00", "2027-01-01 03:00") == ["12-31 05:00 01-01 05:00"]
    assert told(day, "2026-12-31 23:10", "2026-12-31 23:20") == ["12-31 23:00 01-01 23:00"]


@pytest.mark.parametrize(
    ("zones", "head", "expected"),
    [
        (("Europe/Berlin",), "", "06-23 22:00 06-24 22:00"),
        # windows of several zones: the day of each
        (("Europe/Berlin", "America/New_York"), "", "06-23 22:00 06-25 04:00"),
        # the calendar's own zone goes before theirs
        (("Europe/Berlin",), "X-WR-TIMEZONE:America/New_York", "06-24 04:00 06-25 04:00"),
        # no window, no zone: the day as it lasts anywhere on earth
        ((), "", "06-23 10:00 06-25 12:00"),
    ],
)
def test_a_day_without_a_zone_is_closed_as_long_as_it_may_be_meant(
    zones: tuple[str, ...], head: str, expected: str
) -> None:
    found = calendar("DTSTART;VALUE=DATE:20260624", head=head, zones=[ZoneInfo(zone) for zone in zones])

    assert told(found) == [expected]


def test_a_zone_that_the_calendar_defines_itself_counts() -> None:
    found = calendar("DTSTART;TZID=Head Office:20260624T100000\nDURATION:PT2H", head=CUSTOM)

    assert told(found) == ["06-24 04:30 06-24 06:30"]


def test_a_zone_is_that_of_the_calendar_which_defines_it() -> None:
    """Outlook calls every zone of its own making "Customized Time Zone"."""
    event = "DTSTART;TZID=Head Office:20260624T100000\nDURATION:PT2H"
    other = calendar(event, head=CUSTOM.replace("+0530", "-0300"))

    assert told(other) == ["06-24 13:00 06-24 15:00"]
    assert told(calendar(event, head=CUSTOM)) == ["06-24 04:30 06-24 06:30"]


def test_a_file_of_several_calendars_is_all_of_them() -> None:
    content = ics("DTSTART:20260601T100000Z\nDURATION:PT1H") + ics("DTSTART:20260701T100000Z\nDURATION:PT1H")

    assert told(Calendar("f.ics", content, ())) == ["06-01 10:00 06-01 11:00", "07-01 10:00 07-01 11:00"]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\r\n", b"\n"),
        lambda content: content + b"\r\n\r\n",
    ],
)
def test_what_editors_do_to_a_file_does_not_matter(change: object) -> None:
    assert callable(change)
    content = change(ics("DTSTART:20260601T100000Z\nDURATION:PT1H"))

    assert told(Calendar("f.ics", content, ())) == ["06-01 10:00 06-01 11:00"]


def test_a_calendar_without_events_blocks_nothing() -> None:
    assert told(calendar()) == []


GOOD = "DTSTART:20260601T100000Z\nDTEND:20260601T110000Z"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an iCalendar file"),
        (b"<html><body>Please log on</body></html>", "not an iCalendar file"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8"),
        (ics(GOOD).decode().encode("utf-16"), "not UTF-8"),
        (ics(GOOD, GOOD)[:-60], "not an iCalendar file"),
        (ics(GOOD) + ics(GOOD)[:-60], "cut off"),
        (ics(GOOD).replace(b"END:VEVENT\r\n", b""), "not an iCalendar file"),
        (ics("DTSTART:next tuesday"), '"Event 0" has no DTSTART that can be read'),
        (ics(GOOD + "\nDTSTART:20260602T100000Z"), '"Event 0" has DTSTART twice'),
        (ics("DTSTART:PT1H"), '"Event 0" has no DTSTART that can be read'),
        (ics("DTSTART:99991231T235959Z\nDURATION:P9D"), "cannot be read"),
        (ics("DTSTART;TZID=Europe/:20260601T100000\nDURATION:PT1H"), "not an iCalendar file"),
        (ics("SEQUENCE:1"), '"Event 0" has no DTSTART'),
        (ics(GOOD.replace("20260601T110000Z", "later")), "has no DTEND that can be read"),
        (ics(GOOD.replace("DTEND:", "DTEND")), "has a line that cannot be read"),
        (ics(GOOD + "\nRRULE:FREQ=SOMETIMES"), "has no RRULE that can be read"),
        (ics(GOOD + "\nRRULE:FREQ=SECONDLY"), "repeats every minute or second"),
        (ics(GOOD + "\nRRULE:FREQ=MINUTELY;COUNT=3"), "repeats every minute or second"),
        (ics(GOOD + "\nEXDATE:soon"), "has no EXDATE that can be read"),
        (ics("DTSTART:20260601T100000Z\nDTEND:20260601T090000Z"), "ends before it begins"),
        (ics("DTSTART:20260601T100000Z\nDTEND;VALUE=DATE:20260602"), "a day at one end and a time at the other"),
        (ics("DTSTART;TZID=Head Office:20260601T100000\nDURATION:PT1H"), "the time zone 'Head Office'"),
        (ics(GOOD, head="X-WR-TIMEZONE:Europe/Berln"), "no time zone 'Europe/Berln'"),
        (ics(GOOD, head="CALSCALE:HEBREW"), "cannot be read"),
    ],
)
def test_a_calendar_that_cannot_be_wholly_read_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(Unusable) as caught:
        Calendar("freeze.ics", content, ())

    assert says in caught.value.message
    assert caught.value.next_step
    assert caught.value.message.isprintable()


def test_a_file_is_refused_with_its_path(tmp_path: Path) -> None:
    big, pipe, shut = tmp_path / "big.ics", tmp_path / "pipe.ics", tmp_path / "html.ics"
    big.write_bytes(b" " * 10_000_000)
    shut.write_bytes(b"<html>")
    os.mkfifo(pipe)
    cases = {
        tmp_path / "none.ics": "cannot be read: No such file",
        tmp_path: "is not a file",
        pipe: "is not a file",
        big: "more than 2,000,000 bytes",
        shut: "not an iCalendar file",
    }
    for path, says in cases.items():
        with pytest.raises(Unusable) as caught:
            read_calendar(path, ())

        assert str(path) in caught.value.message
        assert says in caught.value.message


def test_many_threads_may_ask_one_calendar() -> None:
    found = calendar("DTSTART;VALUE=DATE:20201224\nRRULE:FREQ=YEARLY")
    answers: list[list[str]] = []
    threads = [threading.Thread(target=lambda: answers.append(told(found))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [["12-23 23:00 12-24 23:00"]] * 8


def test_a_name_cannot_act_upon_the_terminal() -> None:
    (dark,) = Calendar("f.ics", ics(GOOD).replace(b"SUMMARY:Event 0", b"SUMMARY:a\\nb \x1b[2Jc"), ()).between(
        at("2026-06-01 00:00"), at("2026-06-02 00:00")
    )

    assert dark.name == "a b  [2Jc"
