"""How windows and blackouts stand at a moment, in figures and in words."""

from datetime import datetime, timedelta

import pytest
from window_nouns import BERLIN, at, blackout, calendar, window

from agent.window import SIGHT, Opening, Windows, words_of_opening

WEEKEND = window("weekend", "22:00", 240, "sat sun")
PATCH_DAY = window("patch-day", "20:00", 360, rule="FREQ=MONTHLY;BYDAY=2TU")
BOTH = Windows((WEEKEND, PATCH_DAY), ())


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-29 00:18", "window weekend closes at 2026-11-29 02:00 Europe/Berlin (01:00 UTC), "
                             "42 minutes are left"),
        ("2026-11-29 00:59", "window weekend closes at 2026-11-29 02:00 Europe/Berlin (01:00 UTC), 1 minute is left"),
        ("2026-11-28 21:00", "window weekend closes at 2026-11-29 02:00 Europe/Berlin (01:00 UTC), 4 hours are left"),
        ("2026-11-28 20:59", "closed: the next opening, of window weekend, is at 2026-11-28 22:00 Europe/Berlin "
                             "(21:00 UTC), in 1 minute"),
        ("2026-11-30 01:00", "closed: the next opening, of window weekend, is at 2026-12-05 22:00 Europe/Berlin "
                             "(21:00 UTC), in 5 days 20 hours"),
        ("2026-12-07 12:00", "closed: the next opening, of window patch-day, is at 2026-12-08 20:00 Europe/Berlin "
                             "(19:00 UTC), in 1 day 7 hours"),
    ],
)  # fmt: skip
def test_an_operator_reads_how_it_stands(now: str, words: str) -> None:
    assert BOTH.at(at(now)).words == words


def test_the_day_in_utc_is_said_where_it_is_another_one() -> None:
    tokyo = Windows((window("tokyo", "00:00", 540, "sat", zone="Asia/Tokyo"),), ())

    assert "at 2026-11-28 00:00 Asia/Tokyo (2026-11-27 15:00 UTC)" in tokyo.at(at("2026-11-26 00:00")).words


def test_an_open_window_is_told_in_figures() -> None:
    standing = BOTH.at(at("2026-11-29 00:18"))

    assert standing.is_open
    assert standing.opening == Opening("weekend", at("2026-11-28 21:00"), at("2026-11-29 01:00"), BERLIN)
    assert (standing.closes_at, standing.next_opens_at) == (at("2026-11-29 01:00"), None)
    assert standing.left(at("2026-11-29 00:18")) == timedelta(minutes=42)
    assert standing.left(at("2026-11-29 02:00")) == timedelta(0)


def test_a_closed_window_is_told_in_figures() -> None:
    standing = BOTH.at(at("2026-11-29 01:00"))

    assert not standing.is_open
    assert (standing.opening, standing.blackout, standing.closes_at) == (None, "", None)
    assert standing.next_opens_at == at("2026-11-29 21:00")
    assert standing.left(at("2026-11-29 01:00")) == timedelta(0)


def test_windows_that_are_one_are_named_together() -> None:
    three = [window(name, opens, 60, "sat") for name, opens in (("a", "20:00"), ("b", "21:00"), ("c", "22:00"))]
    standing = Windows(three, ()).at(at("2026-11-28 19:30"))

    assert standing.closes_at == at("2026-11-28 22:00")
    assert standing.words.startswith("windows a, b and c close at 2026-11-28 23:00")


@pytest.mark.parametrize(
    ("begins", "ends", "now", "is_open", "until"),
    [
        # one that begins later closes the window early
        ("2026-11-28 23:00", "2026-11-29 12:00", "2026-11-28 22:00", True, "2026-11-28 23:00"),
        # one in force; what is left of the window comes after it
        ("2026-11-28 20:00", "2026-11-28 23:00", "2026-11-28 22:00", False, "2026-11-28 23:00"),
        ("2026-11-28 22:00", "2026-11-28 23:00", "2026-11-28 22:00", False, "2026-11-28 23:00"),
        # one within the window, after it
        ("2026-11-28 22:00", "2026-11-28 23:00", "2026-11-28 23:00", True, "2026-11-29 01:00"),
        # one that covers the window
        ("2026-11-28 00:00", "2026-11-29 12:00", "2026-11-28 22:00", False, "2026-11-29 21:00"),
        # one that covers weeks
        ("2026-11-28 00:00", "2026-12-24 00:00", "2026-11-28 22:00", False, "2026-12-26 21:00"),
        # one that touches: its end is not in it, and the window's is not in the window
        ("2026-11-28 12:00", "2026-11-28 21:00", "2026-11-28 21:00", True, "2026-11-29 01:00"),
        ("2026-11-29 01:00", "2026-11-29 12:00", "2026-11-28 21:00", True, "2026-11-29 01:00"),
    ],
)
def test_a_blackout_takes_its_time_out_of_a_window(begins: str, ends: str, now: str, is_open: bool, until: str) -> None:
    standing = Windows((WEEKEND,), (blackout(begins, ends),)).at(at(now))

    assert standing.is_open is is_open
    assert (standing.closes_at if is_open else standing.next_opens_at) == at(until)
    assert standing.blackout == ("" if is_open else "Freeze")


def test_a_blackout_is_named_in_the_words() -> None:
    early = Windows((WEEKEND,), (blackout("2026-11-28 23:00", "2026-11-29 12:00", "Year end"),))

    assert early.at(at("2026-11-28 22:00")).words == (
        'window weekend is closed early by blackout "Year end" (freeze.ics) at 2026-11-29 00:00 Europe/Berlin '
        "(2026-11-28 23:00 UTC), 1 hour is left"
    )
    assert early.at(at("2026-11-28 23:30")).words == (
        'closed: blackout "Year end" (freeze.ics) is in force until 2026-11-29 13:00 Europe/Berlin (12:00 UTC); '
        "the next opening, of window weekend, is at 2026-11-29 22:00 Europe/Berlin (21:00 UTC), in 21 hours 30 minutes"
    )


def test_of_two_blackouts_the_one_that_ends_last_is_named() -> None:
    two = (
        blackout("2026-11-28 20:00", "2026-11-28 22:30", "Short"),
        blackout("2026-11-28 21:00", "2026-11-28 23:30", "Long"),
    )
    standing = Windows((WEEKEND,), two).at(at("2026-11-28 22:00"))

    assert (standing.blackout, standing.next_opens_at) == ("Long", at("2026-11-28 23:30"))


def test_without_windows_everything_is_open() -> None:
    none = Windows((), ())
    standing = none.at(at("2026-11-28 22:00"))

    assert (standing.is_open, none.is_bound, standing.opening, standing.left(at("2026-11-28 22:00"))) == (
        True,
        False,
        None,
        None,
    )
    assert standing.words == "no window is configured: servers may be changed at any time"
    assert none.upcoming(at("2026-11-28 22:00"), 3) == ()


def test_without_windows_only_blackouts_close() -> None:
    frozen = Windows((), (blackout("2026-12-20 00:00", "2027-01-07 00:00"),))
    far, near, dark = (frozen.at(at(day)) for day in ("2026-11-28 00:00", "2026-12-19 22:00", "2026-12-24 00:00"))

    assert frozen.is_bound
    assert (far.is_open, far.closes_at) == (True, None)
    assert (near.is_open, near.closes_at, near.opening) == (True, at("2026-12-20 00:00"), None)
    assert near.words.endswith('until blackout "Freeze" (freeze.ics) at 2026-12-20 00:00 UTC, 2 hours are left')
    assert (dark.is_open, dark.blackout, dark.next_opens_at) == (False, "Freeze", at("2027-01-07 00:00"))
    assert dark.words.endswith("servers may be changed again at 2027-01-07 00:00 UTC, in 14 days")


def test_a_window_that_is_never_closed_has_no_end() -> None:
    always = Windows((window("always", "00:00", 1440),), ())
    standing = always.at(at("2026-11-05 12:00"))

    assert (standing.is_open, standing.closes_at) == (True, None)
    assert standing.words == "window always is open, with no end within 14 days"
    assert always.upcoming(at("2026-11-05 12:00"), 3) == ()


def test_a_window_that_is_hardly_ever_closed_has_an_end_when_it_is_near() -> None:
    """24 hours each day: on the day of 25 hours one is left over."""
    now = at("2026-10-20 12:00")
    standing = Windows((window("always", "00:00", 1440),), ()).at(now)

    assert standing.closes_at == at("2026-10-25 22:00")
    assert standing.closes_at - now < SIGHT


def test_what_never_opens_again_is_said_so() -> None:
    past = window("migration", "22:00", 60, rule="FREQ=WEEKLY;BYDAY=SA;UNTIL=20260301")
    dark = calendar("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY")

    assert Windows((past,), ()).at(at("2026-11-28 22:00")).words == "closed: no opening is in sight"
    assert Windows((past,), ()).at(at("2026-02-28 21:30")).is_open
    assert Windows((WEEKEND,), (dark,)).at(at("2026-11-28 22:00")).words.endswith("; no opening is in sight")
    assert Windows((), (dark,)).at(at("2026-11-28 22:00")).next_opens_at is None


def test_an_opening_years_away_is_found() -> None:
    leap = Windows((window("leap", "20:00", 60, rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),), ())

    assert leap.at(at("2096-03-01 00:00")).next_opens_at == at("2104-02-29 19:00")


def test_the_openings_to_come_are_those_that_blackouts_leave() -> None:
    dark = (blackout("2026-11-28 22:00", "2026-11-28 23:00"), blackout("2026-12-05 00:00", "2026-12-06 12:00"))
    found = Windows((WEEKEND,), dark).upcoming(at("2026-11-28 21:30"), 3)

    assert [(each.opens_at, each.closes_at) for each in found] == [
        (at("2026-11-28 23:00"), at("2026-11-29 01:00")),
        (at("2026-11-29 21:00"), at("2026-11-30 01:00")),
        (at("2026-12-06 21:00"), at("2026-12-07 01:00")),
    ]
    assert words_of_opening(found[1]) == ("weekend: 2026-11-29 22:00 Europe/Berlin (21:00 UTC), for 4 hours")


def test_a_time_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="aware"):
        BOTH.at(datetime(2026, 11, 28, 22))
