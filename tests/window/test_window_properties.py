"""What holds for all windows, blackouts, zones and moments; the openings are counted anew here, the slow way."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from window_nouns import at, ics, window

from agent.window import Blackout, Calendar, Rule, Unusable, Window, Windows

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC")
FIRST, LAST = datetime(2011, 12, 1), datetime(2031, 1, 1)
NEAR_CHANGES = ("2026-03-29 00:00", "2026-10-25 00:00", "2026-12-31 12:00", "2028-02-29 00:00", "2011-12-30 00:00")

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(tzinfo=UTC, microsecond=0)) | st.builds(
    lambda base, minutes: at(base) + timedelta(minutes=minutes),
    st.sampled_from(NEAR_CHANGES),
    st.integers(-2000, 2000),
)
windows = st.lists(
    st.builds(
        Window,
        name=st.sampled_from("abc"),
        opens=st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 59))),
        duration=st.integers(1, 3 * 1440).map(lambda minutes: timedelta(minutes=minutes)),
        zone=zones,
        days=st.frozensets(st.integers(0, 6), max_size=3),
    ),
    max_size=3,
)


def blackouts(now: datetime) -> st.SearchStrategy[list[Blackout]]:
    """Some blackouts around a moment."""
    begins = st.integers(-4 * 1440, 4 * 1440).map(lambda minutes: now + timedelta(minutes=minutes))
    lengths = st.integers(1, 3 * 1440).map(lambda minutes: timedelta(minutes=minutes))
    one = st.builds(lambda start, length: Blackout("x", start, start + length), begins, lengths)
    return st.lists(one, max_size=3)


def is_open(every: list[Window], dark: list[Blackout], moment: datetime) -> bool:
    """The same by counting: some day's opening covers the moment, and no blackout does."""
    if any(each.begins_at <= moment < each.ends_at for each in dark):
        return False
    return not every or any(_covers(each, moment) for each in every)


def _covers(one: Window, moment: datetime) -> bool:
    today = moment.astimezone(one.zone).date()
    for back in range(-2, 9):
        day = today - timedelta(days=back)
        begins = datetime.combine(day, one.opens, one.zone).astimezone(UTC)
        if (not one.days or day.weekday() in one.days) and begins <= moment < begins + one.duration:
            return True
    return False


@settings(deadline=None, max_examples=300)
@given(st.data(), windows, moments)
def test_it_is_open_when_an_opening_covers_the_moment_and_no_blackout_does(
    data: st.DataObject, every: list[Window], now: datetime
) -> None:
    dark = data.draw(blackouts(now))
    standing = Windows(every, dark).at(now)

    assert standing.is_open is is_open(every, dark, now)
    assert bool(standing.blackout) is any(each.covers(now) for each in dark)


@settings(deadline=None, max_examples=200)
@given(st.data(), windows, moments)
def test_it_stays_open_until_it_closes_and_closed_until_it_opens(
    data: st.DataObject, every: list[Window], now: datetime
) -> None:
    dark = data.draw(blackouts(now))
    taken = Windows(every, dark)
    standing = taken.at(now)
    change = standing.closes_at if standing.is_open else standing.next_opens_at
    end = now + timedelta(days=14) if change is None else change
    share = data.draw(st.integers(0, 999))
    between = now + (end - now) * share / 1000

    assert end > now
    assert is_open(every, dark, between) is standing.is_open
    if change is not None:
        assert is_open(every, dark, change) is not standing.is_open
        assert taken.at(change).is_open is not standing.is_open


@settings(deadline=None, max_examples=100)
@given(st.data(), windows, moments)
def test_the_words_agree_with_the_figures(data: st.DataObject, every: list[Window], now: datetime) -> None:
    standing = Windows(every, data.draw(blackouts(now))).at(now)

    assert standing.words.startswith("closed: ") is not standing.is_open
    assert (standing.opening is None) is (not standing.is_open or not every)
    if standing.opening is not None:
        assert standing.opening.covers(now)


@settings(deadline=None, max_examples=100)
@given(windows, moments)
def test_openings_to_come_are_in_order_and_apart(every: list[Window], now: datetime) -> None:
    found = Windows(every, ()).upcoming(now, 4)

    assert all(now < each.opens_at < each.closes_at for each in found)
    assert all(first.closes_at < second.opens_at for first, second in pairwise(found))


PARTS = {
    "INTERVAL": ("1", "2", "52"),
    "COUNT": ("1", "30"),
    "UNTIL": ("20260101", "20300101"),
    "WKST": ("MO", "SU"),
    "BYDAY": ("MO", "2TU", "-1FR", "SA,SU", "5MO", "53MO", "MO,TU,WE,TH,FR"),
    "BYMONTH": ("2", "4,6", "12"),
    "BYMONTHDAY": ("29", "30", "31", "-1", "1,15"),
    "BYYEARDAY": ("366", "1", "-366"),
    "BYWEEKNO": ("1", "53", "-53", "20"),
    "BYSETPOS": ("1", "-1", "366", "5"),
}


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(("", "DTSTART:20260103 ", "DTSTART:20240229 RRULE:")))
def test_a_rule_names_days_in_order_or_is_refused_and_nothing_else(data: st.DataObject, begins: str) -> None:
    keys = data.draw(st.lists(st.sampled_from(sorted(PARTS)), unique=True, max_size=4))
    frequency = data.draw(st.sampled_from(("WEEKLY", "MONTHLY", "YEARLY")))
    text = ";".join([f"FREQ={frequency}", *(f"{key}={data.draw(st.sampled_from(PARTS[key]))}" for key in keys)])
    try:
        rule = Rule.parse(begins + text)
    except Unusable as error:
        assert error.message.isprintable()
        assert error.next_step
    else:
        found = list(islice(rule.days(date(2026, 2, 1)), 5))
        assert found == sorted(set(found))
        assert all(day >= date(2026, 2, 1) for day in found)
        assert found == list(islice(rule.days(found[0]), 5)) if found else True


@settings(deadline=None, max_examples=200)
@given(st.data())
@example(None)
def test_a_damaged_calendar_is_read_or_refused_and_nothing_else(data: st.DataObject | None) -> None:
    content = bytearray(
        ics(
            "DTSTART;TZID=Europe/Berlin:20260601T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE:20260608T080000Z",
            "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSTATUS:CONFIRMED",
        )
    )
    for _ in range(data.draw(st.integers(1, 4)) if data else 0):
        assert data is not None
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 12))] = data.draw(
            st.sampled_from((b"", b"\r\n", b"9", b":", b";", b"=", b"-", b"\x00", b"99999999", b"Z", b"\xff"))
        )
    try:
        taken = Windows((window("all", "00:00", 1440),), (Calendar("f.ics", bytes(content), ()),))
    except Unusable as error:
        assert error.message.isprintable()
    else:
        assert taken.at(at("2026-06-01 08:30")).words
