"""When the next tick is due: pure arithmetic over a timetable, and a loop whose clock and waiting are given to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from agent.errors import UsageError
from agent.model import digest

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=31)
COUNTED = 1000
"""Missed ticks are counted up to here; a clock that was decades wrong must not keep anybody waiting."""

SET_BACK = timedelta(minutes=1)
"""A clock that went back by more than this was set; by less, it was only corrected."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOOKBACKS = tuple(timedelta(days=days) for days in (1 / 24, 1, 32, 367, 367 * 9))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tick:
    """One time at which something is to be done, and how many before it nobody was there for."""

    at: datetime
    missed: int = 0  # COUNTED stands for that many or more


class Timetable(Protocol):
    """The instants at which ticks are due, all of them aware and in UTC."""

    @property
    def key(self) -> str:
        """The same text wherever the same instants are meant."""

    @property
    def words(self) -> str:
        """For the operator."""

    @property
    def begins_at_once(self) -> bool:
        """The tick whose time has already begun is taken too when the loop starts."""

    def next(self, after: datetime) -> datetime:
        """The first instant after this one."""

    def latest(self, now: datetime) -> datetime:
        """The last instant that is not after now."""

    def count(self, after: datetime, until: datetime) -> int:
        """How many instants there are after the one and up to the other, COUNTED + 1 at most."""


@dataclass(frozen=True, slots=True)
class Every:
    """Every so often, counted from the beginning of 1970 in UTC: two machines agree without talking."""

    length: timedelta
    begins_at_once: bool = True

    @classmethod
    def of(cls, text: str) -> Every:
        """From "90s", "30m", "4h" or "1d"; raises `UsageError`."""
        found = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
        if found is None:
            raise UsageError(
                f"{text!r} is not a length of time",
                where="--every",
                next_step="Give a whole number and one of s, m, h, d: 90s, 30m, 4h, 1d.",
            )
        length = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
        if not SHORTEST <= length <= LONGEST:
            raise UsageError(f"{text!r} is not from 10s to 31d", where="--every", next_step="For more, use --cron.")
        return cls(length)

    @property
    def key(self) -> str:
        """In seconds, so that 60m and 1h are the same."""
        return f"every {self.length.total_seconds():.0f}s"

    @property
    def words(self) -> str:
        """In the largest unit that leaves no rest."""
        seconds = round(self.length.total_seconds())
        unit = next(name for name in "dhms" if seconds % _UNITS[name] == 0)
        return f"every {seconds // _UNITS[unit]}{unit}"

    def next(self, after: datetime) -> datetime:
        """The first multiple of the length after this instant."""
        return self.latest(after) + self.length

    def latest(self, now: datetime) -> datetime:
        """The last multiple of the length."""
        return _EPOCH + (now - _EPOCH) // self.length * self.length

    def count(self, after: datetime, until: datetime) -> int:
        """The multiples between the two."""
        return min((self.latest(until) - self.latest(after)) // self.length, COUNTED + 1)


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields of cron by the clock of a zone.

    As Debian's cron has it: a fixed time that a night in spring leaves out comes right after the gap, and one that a
    night in autumn has twice comes the first time only; what repeats within the hour or every hour follows real time.
    """

    expression: str
    zone: ZoneInfo
    begins_at_once: bool = False

    @classmethod
    def of(cls, expression: str, zone: str, now: datetime) -> Cron:
        """From the operator's words; raises `UsageError` for what is no such expression, or never comes true."""
        text = " ".join(expression.split())
        if len(text.split()) != 5:
            raise _bad_cron(text, "it needs five fields: minute, hour, day of month, month, day of week")
        try:
            found = cls(text, ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a directory, or a name that is no path
            hint = "Give a name of the IANA database, such as Europe/Berlin."
            raise UsageError(f"there is no time zone {zone!r}", where="--zone", next_step=hint) from None
        try:
            found.next(now)
        except CronSimError as error:
            raise _bad_cron(text, str(error).lower()) from None
        except StopIteration:
            raise _bad_cron(text, "it never comes true") from None
        return found

    @property
    def key(self) -> str:
        """The expression and its zone."""
        return f"cron {self.expression.upper()} {self.zone.key}"

    @property
    def words(self) -> str:
        """As it was written, with the zone."""
        return f"cron {self.expression} ({self.zone.key})"

    def next(self, after: datetime) -> datetime:
        """The first instant after this one."""
        return next(self._after(after))

    def latest(self, now: datetime) -> datetime:
        """The last instant not after now; looked for ever further back, for cron has no way backwards in autumn."""
        for lookback in _LOOKBACKS:
            found = None
            for instant in self._after(now - lookback):
                if instant > now:
                    break
                found = instant
            if found is not None:
                return found
        return now - _LOOKBACKS[-1]  # rarer than anything the calendar has: a leap day comes within nine years

    def count(self, after: datetime, until: datetime) -> int:
        """The instants between the two."""
        found = 0
        for instant in islice(self._after(after), COUNTED + 1):
            if instant > until:
                break
            found += 1
        return found

    def _after(self, moment: datetime) -> Iterator[datetime]:
        """Every instant after this one; in the hour that autumn has twice the library may begin too early."""
        for found in CronSim(self.expression, moment.astimezone(self.zone)):
            if (instant := found.astimezone(UTC)) > moment:
                yield instant


def name_of(key: str, servers: Iterable[str]) -> str:
    """What a schedule is called in the journal: the same on every machine that watches the same servers as often."""
    return f"{key} {digest(sorted(name.casefold() for name in servers))[:12]}"


def missed_words(missed: int) -> str:
    """How many ticks were missed, for the operator; empty for none."""
    if not missed:
        return ""
    count = f"at least {COUNTED}" if missed >= COUNTED else str(missed)
    return f"{count} tick{'s' if missed != 1 else ''} missed"


class Scheduler:
    """Gives the ticks of a timetable as their time comes; never two for the time that nobody was there."""

    def __init__(
        self,
        timetable: Timetable,
        clock: Callable[[], datetime],
        wait: Callable[[float], bool],
        announce: Callable[[datetime], None],
        pulse: float = 1.0,
    ) -> None:
        """`wait(seconds)` is true when there is to be an end; `announce` is told each time that is waited for.

        Waiting is done in pulses, because a machine that sleeps stops the clock that waiting goes by.
        """
        self._timetable = timetable
        self._clock = clock
        self._wait = wait
        self._announce = announce
        self._pulse = pulse

    def ticks(self) -> Iterator[Tick]:
        """Tick after tick, until `wait` says that there is to be an end."""
        now = self._clock()
        last = self._timetable.latest(now) - timedelta(microseconds=1) if self._timetable.begins_at_once else now
        announced: datetime | None = None
        while not self._wait(0):
            now = self._clock()
            if last - now > SET_BACK:
                last = now
            due = self._timetable.next(last)
            if due <= now:
                tick = Tick(self._timetable.latest(now), self._timetable.count(last, now) - 1)
                last = tick.at
                yield tick
                continue
            if due != announced:
                self._announce(due)
                announced = due
            if self._wait(min(self._pulse, (due - now).total_seconds())):
                return


def _bad_cron(text: str, why: str) -> UsageError:
    hint = 'For example "30 2 * * *", at half past two, or "*/15 22-23 * * sat,sun".'
    return UsageError(f"{text!r} is not a cron expression: {why}", where="--cron", next_step=hint)
