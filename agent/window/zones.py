"""Owns the names of time zones, with a did-you-mean, and the step from a clock's time to the time of the world."""

import difflib
import zoneinfo
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from agent.printable import printable
from agent.window.unusable import Unusable


def zone(name: str) -> ZoneInfo:
    """The zone of this name of the IANA database; raises `Unusable`."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory, such as Europe
        raise Unusable(f"there is no time zone {printable(name)[:60]!r}", _meant(name)) from None


def instant(day: date, clock: time, where: ZoneInfo) -> datetime:
    """When a clock of the zone shows this, in UTC.

    The first time where it does twice; where it never does, when it would have, had it not been put forward.
    """
    return datetime.combine(day, clock, where).replace(fold=0).astimezone(UTC)


def _meant(name: str) -> str:
    """The zone that was perhaps meant: written otherwise, only the city, or by the name that Windows gives it."""
    known = {each.lower(): each for each in zoneinfo.available_timezones()}
    cities = {each.rpartition("/")[2]: each for each in sorted(known) if "/" in each}
    asked = name.strip().lower().replace(" ", "_")
    if found := _of_windows(name) or known.get(asked) or known.get(cities.get(asked, "")):
        return f"did you mean {found}?"
    near = difflib.get_close_matches(asked, known, n=3, cutoff=0.75)
    if near:
        return f"did you mean {' or '.join(known[each] for each in near)}?"
    return "name a zone of the IANA database, such as Europe/Berlin, or UTC"


def _of_windows(name: str) -> str:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # slow to import, and seldom needed

    found = {key.lower(): value for key, value in WINDOWS_TO_OLSON.items()}.get(name.strip().lower())
    return str(found or "")
