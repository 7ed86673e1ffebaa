"""Owns calendar files (.ics): which of their events are blackouts, and when those are in the time of the world.

Wherever a calendar leaves a choice, the one that closes longer is taken:
    - STATUS:CANCELLED does not count; TENTATIVE does. TRANSP:TRANSPARENT counts too: Outlook and others write it for
      every all-day event, and a freeze over Christmas must not be lost to that.
    - A day, or a time without a zone, is meant in the calendar's own zone (X-WR-TIMEZONE); without one in the zone of
      every window, from the earliest beginning to the latest end; without windows, anywhere on earth.
    - A time that the clock shows twice, or skips, begins with the earlier and ends with the later of its meanings.
    - An event that has no length blocks nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from agent.window import ics
from agent.window.blackout import Blackout
from agent.window.unusable import Unusable
from agent.window.zones import zone

LARGEST = 2_000_000
"""Bytes. Some thousand events take a second to read; more is not a calendar of freezes."""

ANYWHERE = (ZoneInfo("Etc/GMT-14"), ZoneInfo("Etc/GMT+12"))
"""The first and the last places on earth to see a day; the sign is the wrong way round in the IANA database."""

_MARGIN = timedelta(days=2)
"""The library takes a time without a zone for UTC."""


class Dark(Protocol):
    """Something that knows blackouts: a calendar, or a single one."""

    def between(self, since: datetime, until: datetime) -> tuple[Blackout, ...]:
        """Those that have to do with this time."""


class Calendar:
    """The blackouts of one file; for many threads."""

    def __init__(self, source: str, content: bytes, zones: Sequence[tzinfo]) -> None:
        """`source` is what the file is called in answers; `zones` are those of the windows. Raises `Unusable`."""
        self._source = source
        parts = ics.parsed(content)
        self._zones = [_own_zones(part) or tuple(zones) or ANYWHERE for part in parts]
        self._queries = [_query(part) for part in parts]
        self._years: dict[int, tuple[Blackout, ...]] = {}
        self._lock = threading.Lock()

    def between(self, since: datetime, until: datetime) -> tuple[Blackout, ...]:
        """Its blackouts that have to do with this time, in order."""
        years = range(since.astimezone(UTC).year, until.astimezone(UTC).year + 1)
        found = {dark for year in years for dark in self._of_year(year) if dark.between(since, until)}
        return tuple(sorted(found, key=lambda dark: (dark.begins_at, dark.ends_at, dark.name)))

    def _of_year(self, year: int) -> tuple[Blackout, ...]:
        with self._lock:
            if year not in self._years:
                self._years[year] = tuple(self._expand(year))
            return self._years[year]

    def _expand(self, year: int) -> Iterator[Blackout]:
        begins, ends = datetime(year, 1, 1, tzinfo=UTC) - _MARGIN, datetime(year + 1, 1, 1, tzinfo=UTC) + _MARGIN
        for query, zones in zip(self._queries, self._zones, strict=True):
            for event in query.between(begins, ends):
                start, end = event["DTSTART"].dt, event["DTEND"].dt
                if str(event.get("STATUS", "")).upper() != "CANCELLED" and start != end:
                    begins_at, ends_at = min(ics.instants(start, zones)), max(ics.instants(end, zones))
                    yield Blackout(ics.name(event), begins_at, ends_at, self._source)


def read_calendar(path: Path, zones: Sequence[tzinfo]) -> Calendar:
    """The blackouts of a file; raises `Unusable` where it is not there, cannot be read, or is no calendar."""
    try:
        if not path.is_file():  # a pipe would be waited for
            path.stat()
            raise Unusable(f"{path} is not a file", "name the calendar itself")
        if path.stat().st_size > LARGEST:
            raise Unusable(
                f"{path} has more than {LARGEST:,} bytes",
                "a calendar of blackouts needs few: export one that holds nothing else, or split it",
            )
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", "mend the path, or put the calendar there") from None
    try:
        return Calendar(path.name, content, zones)
    except Unusable as error:
        raise Unusable(f"{path}: {error.message}", error.next_step) from None


def _query(part: Any) -> Any:
    import recurring_ical_events  # slow to import, and not needed where no calendar is configured

    try:
        query = recurring_ical_events.of(part)
        query.between((2000, 1, 1), (2000, 2, 1))  # rules are read when they are first asked
    except ics.FOREIGN as error:
        raise Unusable(f"one of its events cannot be read: {ics.plain(error)}", "mend the event") from None
    return query


def _own_zones(part: Any) -> tuple[tzinfo, ...]:
    own = part.get("X-WR-TIMEZONE")
    return (zone(str(own)),) if own else ()
