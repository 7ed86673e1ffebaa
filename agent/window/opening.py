"""Owns a change window and its openings: on which days, at what time of which zone, for how long."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.window.rules import Rule
from agent.window.zones import instant

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """Servers may be changed from here (included) to there (not included); times are UTC."""

    name: str  # of the window, or of the windows that overlap or touch here: "weekend, patch-day"
    opens_at: datetime
    closes_at: datetime
    zone: str = "UTC"  # in which its operators think

    def covers(self, moment: datetime) -> bool:
        """The moment lies within."""
        return self.opens_at <= moment < self.closes_at


@dataclass(frozen=True, slots=True)
class Window:
    """When servers may be changed: some days, or those of a rule; from a time of a clock, for as long as really passes.

    Times of the clock that are skipped, or come twice: see `agent.window`.
    """

    name: str
    opens: time
    duration: timedelta
    zone: ZoneInfo
    days: frozenset[int] = frozenset()  # 0 is Monday; every day where none is named
    rule: Rule | None = None  # instead of days

    def openings(self, now: datetime) -> Iterator[Opening]:
        """Its openings in order, from the first one that has not ended; without an end, where the rule has none."""
        since = (now - self.duration).astimezone(self.zone).date() - _DAY  # a day for what the zone's clock may jump
        for day in self.rule.days(since) if self.rule else _weekdays(self.days, since):
            opens_at = instant(day, self.opens, self.zone)
            if opens_at + self.duration > now:
                yield Opening(self.name, opens_at, opens_at + self.duration, self.zone.key)


def unions(windows: Sequence[Window], now: datetime, longest: timedelta) -> Iterator[Opening]:
    """The openings of all windows from now on, with those that overlap or touch made one.

    One that never ends, such as that of a window of 24 hours each day, comes in pieces of about `longest`.
    """
    each = (window.openings(now) for window in windows)
    return _joined(heapq.merge(*each, key=lambda opening: opening.opens_at), now, longest)


def always(now: datetime, piece: timedelta) -> Iterator[Opening]:
    """What is open where there are no windows, in pieces."""
    begins = now.astimezone(UTC)
    while True:
        yield Opening("", begins, begins + piece)
        begins += piece


def _joined(openings: Iterable[Opening], now: datetime, longest: timedelta) -> Iterator[Opening]:
    current: Opening | None = None
    for opening in openings:
        if current is None:
            current = opening
        elif opening.opens_at > current.closes_at or current.closes_at > max(current.opens_at, now) + longest:
            yield current
            current = opening
        else:
            current = _one(current, opening)
    if current is not None:
        yield current


def _one(first: Opening, second: Opening) -> Opening:
    names = [*first.name.split(", "), *second.name.split(", ")]  # a name holds no comma (agent.config)
    closes_at = max(first.closes_at, second.closes_at)
    return replace(first, name=", ".join(dict.fromkeys(names)), closes_at=closes_at)


def _weekdays(wanted: frozenset[int], since: date) -> Iterator[date]:
    day = since
    while True:
        if not wanted or day.weekday() in wanted:
            yield day
        if day == date.max:
            return
        day += _DAY
