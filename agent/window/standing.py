"""Owns the answer to "may servers be changed now?", in figures and in a sentence for an operator at 3 a.m."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.window.blackout import Blackout, Free
from agent.window.opening import Opening

SIGHT = timedelta(days=14)
"""An end that is further away than this does not matter to any server, and is not looked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How windows and blackouts stand at a moment; times are UTC."""

    opening: Opening | None  # None when closed, and where no window is configured
    blackout: str  # name of the one in force; "" for none
    closes_at: datetime | None  # the window's end, or the next blackout; None when closed, or with no end in sight
    next_opens_at: datetime | None  # None when open, or when no opening is in sight
    words: str
    is_open: bool

    def left(self, now: datetime) -> timedelta | None:
        """The time that is left; None for no end in sight, nothing when closed."""
        if not self.is_open:
            return timedelta(0)
        return None if self.closes_at is None else max(self.closes_at - now, timedelta(0))


def has_end(free: Free, now: datetime) -> bool:
    """Its end is in sight."""
    return free.opening.closes_at - now < SIGHT


def words_of_open(free: Free, now: datetime) -> str:
    """A sentence on an opening that lasts."""
    opening, dark = free.opening, free.cut_by
    if not opening.name:
        start = "no window is configured: servers may be changed at any time"
        if dark is None or not has_end(free, now):
            return start
        return f"{start} until {dark.words} at {_clock(opening.closes_at, 'UTC')}, {_are_left(opening.closes_at - now)}"
    name, is_one = _named(opening), ", " not in opening.name
    if not has_end(free, now):
        return f"{name} {'is' if is_one else 'are'} open, with no end within {span(SIGHT)}"
    ends = f"at {_clock(opening.closes_at, opening.zone)}, {_are_left(opening.closes_at - now)}"
    if dark is not None:
        return f"{name} {'is' if is_one else 'are'} closed early by {dark.words} {ends}"
    return f"{name} {'closes' if is_one else 'close'} {ends}"


def words_of_closed(dark: Blackout | None, following: Opening | None, now: datetime) -> str:
    """A sentence on what keeps it closed, and on when it opens."""
    zone = following.zone if following else "UTC"
    start = f"closed: {dark.words} is in force until {_clock(dark.ends_at, zone)}; " if dark else "closed: "
    if following is None:
        return f"{start}no opening is in sight"
    when = f"at {_clock(following.opens_at, zone)}, in {span(following.opens_at - now)}"
    if not following.name:
        return f"{start}servers may be changed again {when}"
    return f"{start}the next opening, of {_named(following)}, is {when}"


def words_of_opening(opening: Opening) -> str:
    """An opening in a line: from when on, and for how long."""
    return f"{opening.name}: {_clock(opening.opens_at, opening.zone)}, for {span(opening.closes_at - opening.opens_at)}"


def span(length: timedelta) -> str:
    """A length of time in the two units that matter: "9 days 3 hours", "42 minutes"."""
    if length < timedelta(minutes=1):
        return "less than a minute"
    minutes = length // timedelta(minutes=1)
    units = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    told = [(count, unit) for unit, count in units]
    first = next(index for index, (count, _) in enumerate(told) if count)
    return " ".join(_counted(count, unit) for count, unit in told[first : first + 2] if count)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _are_left(length: timedelta) -> str:
    words = span(length)
    return f"{words} {'is' if words.startswith(('1 ', 'less')) and words.count(' ') == 1 else 'are'} left"


def _named(opening: Opening) -> str:
    names = opening.name.split(", ")
    return f"window {names[0]}" if len(names) == 1 else f"windows {', '.join(names[:-1])} and {names[-1]}"


def _clock(moment: datetime, zone: str) -> str:
    """The time in the zone, and in UTC; with the day again where it is another one there."""
    here, world = moment.astimezone(ZoneInfo(zone)), moment.astimezone(UTC)
    if zone == "UTC":
        return f"{world:%Y-%m-%d %H:%M} UTC"
    return f"{here:%Y-%m-%d %H:%M} {zone} ({world:{'%H:%M' if here.date() == world.date() else '%Y-%m-%d %H:%M'}} UTC)"
