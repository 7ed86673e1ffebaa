"""Rules of RFC 5545: the days they name, and what is refused before it can be misread."""

from datetime import date
from itertools import islice

import pytest

from agent.window import Rule, Unusable


@pytest.mark.parametrize(
    ("rule", "since", "days"),
    [
        ("FREQ=DAILY", "2026-12-30", "2026-12-30 2026-12-31 2027-01-01"),
        ("FREQ=WEEKLY;BYDAY=SA,SU", "2026-11-23", "2026-11-28 2026-11-29 2026-12-05"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2TU", "2026-11-10", "2026-11-10 2026-12-08 2027-01-12"),
        ("freq=monthly;byday=-1fr;", "2026-11-01", "2026-11-27 2026-12-25 2027-01-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-11-01", "2026-12-31 2027-01-31 2027-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-15", "2028-01-31 2028-02-29 2028-03-31"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-10-31", "2026-11-30 2026-12-31 2027-01-29"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1", "2026-01-01", "2026-01-05 2026-01-12 2026-01-19"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2096-03-01", "2104-02-29 2108-02-29 2112-02-29"),
        ("FREQ=YEARLY;BYYEARDAY=-1", "2026-01-01", "2026-12-31 2027-12-31 2028-12-31"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2026-01-01", "2027-01-04 2028-01-03 2029-01-01"),
        ("FREQ=YEARLY;BYDAY=1SU;BYMONTH=1,7", "2026-01-02", "2026-01-04 2026-07-05 2027-01-03"),
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=SA", "2026-11-23", "2026-11-28 2026-12-05 2026-12-12"),
        ("DTSTART:20260103 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "2026-11-15", "2026-11-21 2026-12-05 2026-12-19"),
        ("DTSTART;VALUE=DATE:20260103\nFREQ=WEEKLY;BYDAY=SA", "2025-11-15", "2026-01-03 2026-01-10 2026-01-17"),
        ("DTSTART:20260103 FREQ=DAILY;COUNT=2", "2026-01-01", "2026-01-03 2026-01-04"),
        ("DTSTART:20260103 FREQ=DAILY;COUNT=2", "2026-01-04", "2026-01-04"),
        ("DTSTART:20260103 FREQ=DAILY;COUNT=2", "2026-01-05", ""),
        ("FREQ=DAILY;UNTIL=20260102", "2026-01-01", "2026-01-01 2026-01-02"),
        ("FREQ=DAILY;UNTIL=20260102", "2026-01-03", ""),
    ],
)
def test_a_rule_names_these_days(rule: str, since: str, days: str) -> None:
    found = islice(Rule.parse(rule).days(date.fromisoformat(since)), 3)

    assert [day.isoformat() for day in found] == days.split()


@pytest.mark.parametrize(
    ("rule", "says", "hint"),
    [
        ("", "is not a rule of RFC 5545", "FREQ=MONTHLY"),
        ("every second tuesday", "is not a rule of RFC 5545", "FREQ=MONTHLY"),
        ("tuesdays", "no part of a rule", "FREQ=MONTHLY"),
        ("FREQ=SECONDLY", "more than once a day", "under opens"),
        ("FREQ=MINUTELY;INTERVAL=30", "more than once a day", "under opens"),
        ("FREQ=HOURLY", "more than once a day", "under opens"),
        ("FREQ=FORTNIGHTLY", "FREQ must be one of", "FREQ=MONTHLY"),
        ("BYDAY=SA", "FREQ must be one of", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY", "on which day", "BYDAY"),
        ("FREQ=MONTHLY", "on which day", "BYDAY"),
        ("FREQ=YEARLY;BYMONTH=3", "on which day", "BYDAY"),
        ("FREQ=YEARLY;BYWEEKNO=20", "on which day", "BYDAY"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYMONTHDAY=3", "which day of the week", "BYDAY"),
        ("FREQ=DAILY;BYHOUR=22", "BYHOUR is a time of day", "under opens"),
        ("FREQ=DAILY;BYEASTER=1", "no part of a rule", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "needs a day to count from", "DTSTART:"),
        ("FREQ=DAILY;COUNT=1", "needs a day to count from", "DTSTART:"),
        ("DTSTART:20260103T220000 RRULE:FREQ=DAILY", "DTSTART must be a day", "under opens"),
        ("DTSTART:20260230 RRULE:FREQ=DAILY", "which there is not", "year, month and day"),
        ("FREQ=DAILY;UNTIL=20261231T235959Z", "UNTIL must be a day", "under opens"),
        ("DTSTART:20260103 FREQ=DAILY;COUNT=2;UNTIL=20270101", "both COUNT and UNTIL", "keep one"),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ stands in the rule twice", "keep one"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is not", "FREQ="),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX is not", "FREQ="),
        ("FREQ=WEEKLY;BYDAY=2TU", "counts weekdays", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=0TU", "that no month has", "FREQ="),
        ("FREQ=MONTHLY;BYDAY=53MO", "that no month has", "FREQ="),
        ("FREQ=YEARLY;BYMONTH=2;BYDAY=-6MO", "that no month has", "FREQ="),
        ("FREQ=YEARLY;BYDAY=54MO", "that no year has", "FREQ="),
        ("DTSTART:00010101 FREQ=DAILY;INTERVAL=2", "DTSTART lies before 1970", "year, month and day"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32 is not", "FREQ="),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "does not go with FREQ=WEEKLY", "FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "does not go with FREQ=MONTHLY", "FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYDAY=SA;BYMONTH=-1", "BYMONTH=-1 is not", "FREQ="),
        ("FREQ=WEEKLY;BYDAY=SA;WKST=1", "WKST=1 is not", "FREQ="),
        ("FREQ=DAILY;\x1b[2J", "no part of a rule", "FREQ="),
    ],
)
def test_a_rule_that_would_be_misread_is_refused(rule: str, says: str, hint: str) -> None:
    with pytest.raises(Unusable) as caught:
        Rule.parse(rule)

    assert says in caught.value.message
    assert hint in caught.value.next_step
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=1;BYWEEKNO=30;BYDAY=SA",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
        "DTSTART:20260101 FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "DTSTART:20260106 FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "DTSTART:20260102 FREQ=DAILY;UNTIL=20260101",
    ],
)
def test_a_rule_that_can_never_open_is_refused(rule: str) -> None:
    with pytest.raises(Unusable, match="could never open"):
        Rule.parse(rule)
