"""Owns the reading of iCalendar text: whole calendars with whole events, or a refusal that names the event.

The library passes over what it cannot read, which here would be a freeze that does not count. So what decides when an
event is must all be readable, and every event that the text begins must be there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from agent.printable import printable
from agent.window.unusable import Unusable

_ZONES = threading.Lock()
"""The library keeps the zones that calendars define for all of the process."""

FOREIGN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)
"""What the libraries for calendars raise for text that is damaged in one of many ways; OSError for a zone "Europe/"."""

_DECISIVE = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", None)
"""Properties that say when an event is; None is a line of which not even the property can be read."""


def parsed(content: bytes) -> list[Any]:
    """The calendars of a file, mostly one; raises `Unusable`."""
    try:
        text = content.decode("utf-8-sig")
        parts = _components(text)
    except UnicodeDecodeError:
        raise Unusable("it is not UTF-8", "export the calendar as iCalendar (.ics) in UTF-8") from None
    except FOREIGN as error:
        raise _no_calendar(plain(error)) from None
    if not parts or any(part.name != "VCALENDAR" for part in parts):
        raise _no_calendar("no whole VCALENDAR is in it")
    events = [event for part in parts for event in part.walk("VEVENT")]
    if _begun(text, "VCALENDAR") != len(parts) or _begun(text, "VEVENT") != len(events):
        raise Unusable("it is cut off, or one of its events has no end", "export the calendar again")
    for event in events:
        try:
            _check(event)
        except Unusable:
            raise
        except FOREIGN as error:
            raise _refusal(event, f"cannot be read: {plain(error)}") from None
    return list(parts)


def instants(moment: date | datetime, zones: Sequence[tzinfo]) -> Iterator[datetime]:
    """Everything that a day's beginning, or a time, may mean in these zones: twice where the clock shows it twice."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    for each in zones if moment.tzinfo is None else (moment.tzinfo,):
        for fold in (0, 1):
            yield moment.replace(tzinfo=each, fold=fold).astimezone(UTC)


def name(event: Any) -> str:
    """What an event is called."""
    return printable(str(event.get("SUMMARY", "")))[:100] or "without a name"


def plain(error: BaseException) -> str:
    """What a library says, in a line."""
    return printable(str(error))[:120] or type(error).__name__


def _components(text: str) -> Sequence[Any]:
    import icalendar  # slow to import, and not needed where no calendar is configured
    from icalendar.timezone import tzp

    with _ZONES:
        tzp.use_default()  # or a zone of this name that another file has defined would be taken instead
        return icalendar.Calendar.from_ical(text, multiple=True)


def _begun(text: str, kind: str) -> int:
    return len(re.findall(rf"^BEGIN:{kind}[ \t]*\r?$", text, re.MULTILINE | re.IGNORECASE))


def _no_calendar(why: str) -> Unusable:
    return Unusable(f"it is not an iCalendar file: {why}", "export the calendar as iCalendar (.ics)")


def _check(event: Any) -> None:
    """What the libraries would pass over, or never come back from."""
    broken = [key for key, _ in event.errors if key in _DECISIVE]
    if broken:
        raise _refusal(event, f"has no {broken[0]} that can be read" if broken[0] else "has a line that cannot be read")
    if "DTSTART" not in event:
        raise _refusal(event, "has no DTSTART")
    for key in ("DTSTART", "DTEND", "DURATION"):
        if isinstance(event.get(key), list):
            raise _refusal(event, f"has {key} twice")
    for rule in _each(event.get("RRULE")):
        if {str(each).upper() for each in rule.get("FREQ", ())} & {"SECONDLY", "MINUTELY"}:
            raise _refusal(event, "repeats every minute or second")
    _check_ends(event)


def _check_ends(event: Any) -> None:
    for key in ("DTSTART", "DTEND"):
        value = event.get(key)
        zone = value.params.get("TZID") if value is not None else None
        if zone and getattr(value.dt, "tzinfo", None) is None:  # read as if it named none
            raise _refusal(
                event, f"names the time zone {printable(str(zone))!r}, which the calendar does not define before it"
            )
    start, end = event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None
    if not isinstance(start, date):
        raise _refusal(event, "has no DTSTART that can be read")
    if end is not None and type(start) is not type(end):
        raise _refusal(event, "has a day at one end and a time at the other")
    if end is not None and max(instants(end, (UTC,))) < min(instants(start, (UTC,))):
        raise _refusal(event, "ends before it begins")


def _refusal(event: Any, what: str) -> Unusable:
    return Unusable(f'its event "{name(event)}" {what}', "mend the event, and export the calendar again")


def _each(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
