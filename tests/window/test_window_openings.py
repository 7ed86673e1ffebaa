"""When windows open and close: midnight, the nights the clock is changed, leap days, the end of the year."""

from itertools import islice

import pytest
from window_nouns import at, window

from agent.window import SIGHT, Opening, Window
from agent.window.opening import unions

WEEKEND = window("weekend", "22:00", 240, "sat sun")


def openings(windows: list[Window], now: str, count: int = 2) -> list[str]:
    """The next openings of windows as "name from to", in UTC."""
    return [_told(each) for each in islice(unions(windows, at(now), SIGHT), count)]


def _told(opening: Opening) -> str:
    return f"{opening.name} {opening.opens_at:%Y-%m-%d %H:%M} {opening.closes_at:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("one", "now", "expected"),
    [
        (WEEKEND, "2026-11-27 12:00", "weekend 2026-11-28 21:00 11-29 01:00"),
        (WEEKEND, "2026-11-29 00:30", "weekend 2026-11-28 21:00 11-29 01:00"),  # past midnight of the zone
        (WEEKEND, "2026-11-29 01:00", "weekend 2026-11-29 21:00 11-30 01:00"),  # its end is not in it
        (WEEKEND, "2026-07-04 19:59", "weekend 2026-07-04 20:00 07-05 00:00"),  # summer time
        # the hour from 02:00 to 03:00 is left out: 02:30 is what would have been 02:30, 03:30 by the new clock
        (window("gap", "02:30", 60), "2026-03-29 00:00", "gap 2026-03-29 01:30 03-29 02:30"),
        # a window over that hour lasts as long as it says
        (window("over", "01:00", 240), "2026-03-29 00:00", "over 2026-03-29 00:00 03-29 04:00"),
        # the hour from 02:00 to 03:00 comes twice: 02:30 is the first
        (window("fold", "02:30", 60), "2026-10-25 00:00", "fold 2026-10-25 00:30 10-25 01:30"),
        (window("over", "01:00", 240), "2026-10-24 23:00", "over 2026-10-24 23:00 10-25 03:00"),
        # open in the second of the two hours as well: it opened in the first, and two hours have not passed
        (window("long", "02:30", 120), "2026-10-25 01:59", "long 2026-10-25 00:30 10-25 02:30"),
        (window("leap", "20:00", 60, rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), "2026-03-01 00:00",
         "leap 2028-02-29 19:00 02-29 20:00"),
        (window("new-year", "23:00", 180, rule="FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31"), "2027-01-01 00:30",
         "new-year 2026-12-31 22:00 01-01 01:00"),
        (window("week", "00:00", 6 * 1440, "mon"), "2026-11-28 22:00", "week 2026-11-22 23:00 11-28 23:00"),
        (window("auckland", "22:00", 60, "sat", zone="Pacific/Auckland"), "2026-11-28 09:30",
         "auckland 2026-11-28 09:00 11-28 10:00"),
        # Samoa left out the whole of 30 December 2011
        (window("samoa", "10:00", 60, "fri", zone="Pacific/Apia"), "2011-12-29 00:00",
         "samoa 2011-12-30 20:00 12-30 21:00"),
        (window("samoa", "10:00", 60, "fri", zone="Pacific/Apia"), "2011-12-30 20:30",
         "samoa 2011-12-30 20:00 12-30 21:00"),
    ],
)  # fmt: skip
def test_a_window_opens_by_its_clock_and_lasts_as_long_as_really_passes(one: Window, now: str, expected: str) -> None:
    assert openings([one], now, 1) == [expected]


@pytest.mark.parametrize(
    ("windows", "now", "expected"),
    [
        # overlapping: one, to the later end
        ([window("a", "20:00", 120, "sat"), window("b", "21:00", 180, "sat")], "2026-11-27 00:00",
         "a, b 2026-11-28 19:00 11-28 23:00"),
        # touching: one
        ([window("a", "20:00", 60, "sat"), window("b", "21:00", 60, "sat")], "2026-11-27 00:00",
         "a, b 2026-11-28 19:00 11-28 21:00"),
        # one within the other
        ([window("a", "20:00", 300, "sat"), window("b", "21:00", 60, "sat")], "2026-11-27 00:00",
         "a, b 2026-11-28 19:00 11-29 00:00"),
        # a minute between them: two
        ([window("a", "20:00", 59, "sat"), window("b", "21:00", 60, "sat")], "2026-11-27 00:00",
         "a 2026-11-28 19:00 11-28 19:59"),
        # in zones of their own, at the same moment
        ([window("a", "20:00", 60, "sat"), window("b", "20:00", 60, "sat", zone="UTC")], "2026-11-27 00:00",
         "a, b 2026-11-28 19:00 11-28 21:00"),
    ],
)  # fmt: skip
def test_windows_that_overlap_or_touch_are_one(windows: list[Window], now: str, expected: str) -> None:
    assert openings(windows, now, 1) == [expected]
    assert openings(windows[::-1], now, 1)[0].endswith(expected.partition(" 2026")[2])


def test_a_day_of_25_hours_has_an_hour_outside_a_window_of_24() -> None:
    found = openings([window("always", "00:00", 1440)], "2026-10-25 12:00")

    assert found[0].endswith("10-25 22:00")  # 23:00 by the clock: 24 hours after midnight
    assert found[1].startswith("always 2026-10-25 23:00")


def test_a_window_that_never_ends_comes_in_pieces() -> None:
    (first,) = islice(unions([window("always", "00:00", 1440)], at("2026-11-05 12:00"), SIGHT), 1)

    assert first.closes_at - at("2026-11-05 12:00") > SIGHT
