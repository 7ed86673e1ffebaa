"""When ticks are due: aligned, in summer and winter time, none piled up, and no waiting that cannot be ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UsageError
from agent.schedule import COUNTED, Cron, Every, Scheduler, Tick, Timetable, missed_words, name_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 6, 12, 10, 30, 5, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant in UTC: "2026-05-06 12:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(expression: str, zone: str = "Europe/Berlin") -> Cron:
    return Cron.of(expression, zone, NOW)


def upcoming(timetable: Timetable, after: datetime, number: int) -> list[str]:
    found = []
    for _ in range(number):
        after = timetable.next(after)
        found.append(f"{after:%m-%d %H:%M}")
    return found


class World:
    """A clock that only waiting moves, or what happens while somebody waits."""

    def __init__(self, now: datetime, until: datetime) -> None:
        self.now, self.until = now, until
        self.waits: list[float] = []
        self.announced: list[datetime] = []
        self.during: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
            self.now += timedelta(seconds=seconds)
            self.during()
        return self.now >= self.until

    def ticks(self, timetable: Timetable, pulse: float = 60.0) -> list[Tick]:
        return list(Scheduler(timetable, lambda: self.now, self.wait, self.announced.append, pulse).ticks())


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("90s", 90, "every 90s"),
        ("30m", 1800, "every 30m"),
        ("60m", 3600, "every 1h"),
        ("4h", 14400, "every 4h"),
        ("1d", 86400, "every 1d"),
        (" 1d ", 86400, "every 1d"),
    ],
)
def test_a_length_is_read(text: str, seconds: int, words: str) -> None:
    found = Every.of(text)

    assert (found.length.total_seconds(), found.words) == (seconds, words)


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-5m", "1.5h", "30 m", "1h30m", "half an hour", "0s", "9s", "32d", "9" * 30 + "d", "٣m"]
)
def test_what_is_no_length_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Every.of(text)

    assert caught.value.where == "--every"
    assert "30m" in caught.value.next_step or "--cron" in caught.value.next_step


def test_the_same_length_has_one_key_however_it_is_written() -> None:
    assert Every.of("60m").key == Every.of("1h").key != Every.of("61m").key


def test_every_is_aligned_so_that_two_machines_agree() -> None:
    every = Every.of("30m")

    assert every.latest(NOW) == at("2026-05-06 12:00")
    assert every.next(NOW) == at("2026-05-06 12:30")
    assert every.next(at("2026-05-06 12:30")) == at("2026-05-06 13:00")
    assert every.latest(at("2026-05-06 12:30")) == at("2026-05-06 12:30")


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "needs five fields"),
        ("* * * *", "needs five fields"),
        ("0 0 2 * * *", "needs five fields"),
        ("@daily", "needs five fields"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("* * 32 * *", "bad day-of-month"),
        ("* * * FOO *", "bad month"),
        ("* * * * 8", "bad day-of-week"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 0 1 1 MON#6", "bad day-of-week"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_the_field(expression: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        cron(expression)

    assert caught.value.where == "--cron"


@pytest.mark.parametrize("zone", ["Europe/Berln", "", "../etc/passwd", "/etc/localtime", "Europe", "x\0y"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        cron("0 2 * * *", zone)


def test_a_fixed_time_goes_by_the_clock_on_the_wall() -> None:
    """Two o'clock in Berlin is 01:00 UTC in winter and 00:00 UTC in summer."""
    found = upcoming(cron("0 2 * * *"), at("2026-10-23 12:00"), 4)

    assert found == ["10-24 00:00", "10-25 00:00", "10-26 01:00", "10-27 01:00"]


def test_a_time_that_spring_leaves_out_comes_right_after_the_gap() -> None:
    """On 29 March 2026 there is no half past two in Berlin: 01:00 UTC is three o'clock there."""
    found = upcoming(cron("30 2 * * *"), at("2026-03-28 00:00"), 3)

    assert found == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_a_time_that_autumn_has_twice_comes_once() -> None:
    """On 25 October 2026 it is half past two in Berlin at 00:30 and at 01:30 UTC."""
    found = upcoming(cron("30 2 * * *"), at("2026-10-24 12:00"), 2)

    assert found == ["10-25 00:30", "10-26 01:30"]


@pytest.mark.parametrize("asked_at", ["2026-10-25 00:31", "2026-10-25 01:05", "2026-10-25 01:29", "2026-10-25 01:45"])
def test_in_the_second_of_the_two_hours_the_first_is_over(asked_at: str) -> None:
    timetable = cron("30 2 * * *")

    assert timetable.next(at(asked_at)) == at("2026-10-26 01:30")
    assert timetable.latest(at(asked_at)) == at("2026-10-25 00:30")


def test_what_repeats_follows_real_time_through_both_nights() -> None:
    half_hours = cron("*/30 * * * *")

    assert upcoming(half_hours, at("2026-10-25 00:00"), 4) == [
        "10-25 00:30",
        "10-25 01:00",
        "10-25 01:30",
        "10-25 02:00",
    ]
    assert upcoming(half_hours, at("2026-03-29 00:15"), 4) == [
        "03-29 00:30",
        "03-29 01:00",
        "03-29 01:30",
        "03-29 02:00",
    ]


def test_the_latest_of_a_rare_expression_is_found() -> None:
    assert cron("0 0 29 2 *", "UTC").latest(NOW) == at("2024-02-29 00:00")


EXPRESSIONS = ["*/20 * * * *", "30 2 * * *", "15 */4 * * *", "0 2 * * sun", "59 23 L * *"]


@given(
    expression=st.sampled_from(EXPRESSIONS),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_latest_and_next_enclose_now_without_a_gap(expression: str, now: datetime) -> None:
    timetable = cron(expression)
    latest, following = timetable.latest(now), timetable.next(now)

    assert latest <= now < following
    assert timetable.next(latest) == following
    assert timetable.count(latest, following) == 1
    assert latest.tzinfo is following.tzinfo is UTC


@given(
    seconds=st.integers(10, 86_400 * 31),
    now=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_every_encloses_now_without_a_gap(seconds: int, now: datetime) -> None:
    every = Every(timedelta(seconds=seconds))

    assert every.latest(now) <= now < every.next(now)
    assert every.next(every.latest(now)) == every.next(now)
    assert every.count(every.latest(now), every.next(now)) == 1


def test_every_begins_at_once_with_the_tick_that_is_due() -> None:
    found = World(NOW, at("2026-05-06 13:10")).ticks(Every.of("30m"))

    assert found == [Tick(at(f"2026-05-06 {clock}")) for clock in ("12:00", "12:30", "13:00")]


def test_cron_waits_for_its_time_after_a_start() -> None:
    """A supervisor that starts it at noon must not have last night's work done now."""
    world = World(NOW, at("2026-05-07 12:00"))

    assert world.ticks(cron("0 2 * * *"), pulse=600) == [Tick(at("2026-05-07 00:00"))]
    assert world.announced == [at("2026-05-07 00:00"), at("2026-05-08 00:00")]


@pytest.mark.parametrize("timetable", [Every.of("30m"), cron("*/30 * * * *")])
def test_six_hours_asleep_are_one_tick_that_knows_how_many_were_missed(timetable: Timetable) -> None:
    world = World(at("2026-05-06 12:01"), at("2026-05-06 19:10"))
    slept = iter([True])

    def sleep() -> None:
        if world.now > at("2026-05-06 12:45") and next(slept, False):
            world.now += timedelta(hours=6)

    world.during = sleep
    found = world.ticks(timetable)

    assert found[-3:] == [
        Tick(at("2026-05-06 12:30")),
        Tick(at("2026-05-06 18:30"), missed=11),
        Tick(at("2026-05-06 19:00")),
    ]


def test_a_tick_that_lasts_longer_than_the_pause_is_followed_by_one() -> None:
    world = World(at("2026-05-06 12:01"), at("2026-05-06 14:10"))
    found = []
    for tick in Scheduler(Every.of("30m"), lambda: world.now, world.wait, world.announced.append, 60).ticks():
        found.append(tick)
        if tick.at == at("2026-05-06 12:30"):
            world.now += timedelta(minutes=80)  # the work of this one

    assert found[1:] == [
        Tick(at("2026-05-06 12:30")),
        Tick(at("2026-05-06 13:30"), missed=1),
        Tick(at("2026-05-06 14:00")),
    ]


def test_a_clock_that_was_wrong_by_decades_keeps_nobody_waiting() -> None:
    world = World(at("1970-01-02 00:00"), at("2026-05-06 12:03"))

    def corrected() -> None:
        world.now = max(world.now, at("2026-05-06 12:00") + timedelta(seconds=30))

    world.during = corrected
    found = world.ticks(cron("* * * * *"))

    assert found[0] == Tick(at("2026-05-06 12:00"), missed=COUNTED)
    assert missed_words(found[0].missed) == "at least 1000 ticks missed"


def test_a_clock_that_is_set_back_does_not_silence_the_schedule() -> None:
    world = World(at("2036-01-01 00:00"), at("2036-01-01 02:00"))
    found = []
    for tick in Scheduler(Every.of("30m"), lambda: world.now, world.wait, world.announced.append, 60).ticks():
        found.append(tick)
        if len(found) == 2:
            world.now = at("2026-05-06 12:01")
        if len(found) == 4:
            world.until = world.now

    assert [each.at for each in found[2:]] == [at("2026-05-06 12:30"), at("2026-05-06 13:00")]


def test_a_clock_that_is_corrected_by_a_second_repeats_no_tick() -> None:
    world = World(at("2026-05-06 12:00"), at("2026-05-06 12:40"))
    found = []
    for tick in Scheduler(Every.of("30m"), lambda: world.now, world.wait, world.announced.append, 60).ticks():
        found.append(tick.at)
        world.now -= timedelta(seconds=1)

    assert found == [at("2026-05-06 12:00"), at("2026-05-06 12:30")]


def test_waiting_is_done_in_pulses_and_never_past_the_tick() -> None:
    world = World(NOW, at("2026-05-06 12:31"))
    world.ticks(Every.of("30m"), pulse=45)

    assert max(world.waits) == 45
    assert world.announced == [at("2026-05-06 12:30"), at("2026-05-06 13:00")]


def test_an_end_that_was_asked_for_before_begins_nothing() -> None:
    assert World(NOW, NOW).ticks(Every.of("30m")) == []


def test_a_schedule_has_one_name_on_every_machine() -> None:
    every, daily = Every.of("60m").key, cron("0 2 * * SUN").key

    assert name_of(every, ["EX01", "ex02"]) == name_of(Every.of("1h").key, ["EX02", "ex01"])
    assert name_of(every, ["EX01"]) != name_of(every, ["EX02"])
    assert name_of(every, ["EX01"]) != name_of(daily, ["EX01"])
    assert name_of(daily, ["EX01"]) == name_of(cron("0  2 * * sun").key, ["EX01"])


@pytest.mark.parametrize(
    ("missed", "words"), [(0, ""), (1, "1 tick missed"), (11, "11 ticks missed"), (1000, "at least 1000 ticks missed")]
)
def test_missed_ticks_are_said_in_words(missed: int, words: str) -> None:
    assert missed_words(missed) == words
