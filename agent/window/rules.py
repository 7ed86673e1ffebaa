"""Owns the rules of RFC 5545 that name the days on which a window opens; what would be misread is refused.

A rule names days; the time of day, the zone and the duration stand beside it. So FREQ is DAILY, WEEKLY, MONTHLY or
YEARLY. What RFC 5545 would take from DTSTART (the weekday of FREQ=WEEKLY, the day from which every second week is
counted) must be written down: DTSTART:20260103 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA. DTSTART and UNTIL are days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import dropwhile
from typing import TYPE_CHECKING

from agent.printable import printable
from agent.window.unusable import Unusable

if TYPE_CHECKING:
    from dateutil.rrule import rrule

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
EXAMPLE = "write it such as FREQ=MONTHLY;BYDAY=2TU"
EARLIEST = date(1970, 1, 1)
"""Days are counted one by one from DTSTART."""

AT_OPENS = "the time of day stands under opens; the rule names days only"

_RANGES = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
_FITTING = {  # RFC 5545, 3.3.10; dateutil takes others in silence, and does something else
    "BYMONTHDAY": ("DAILY", "MONTHLY", "YEARLY"),
    "BYYEARDAY": ("YEARLY",),
    "BYWEEKNO": ("YEARLY",),
    "BYSETPOS": ("WEEKLY", "MONTHLY", "YEARLY"),
}
_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES)
_NAMING_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY")
_CYCLE = date(9599, 1, 1)
"""The calendar repeats itself after 400 years: what does not happen from here to the end of 9999 never does."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The days of a rule; made by `parse`."""

    text: str
    begins: date | None
    until: date | None
    is_counted_from_its_beginning: bool

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read a rule; raises `Unusable` for what is wrong, would be misread, or can never open."""
        written, begins = _beginning(" ".join(text.upper().split()))
        parts = _parts(written)
        if parts.get("INTERVAL") == "1":  # which is what it is without it
            del parts["INTERVAL"]
        _check(parts, begins)
        until = _day("UNTIL", parts.pop("UNTIL")) if "UNTIL" in parts else None
        plain = ";".join(f"{key}={value}" for key, value in parts.items())
        rule = cls(plain, begins, until, bool({"COUNT", "INTERVAL"} & parts.keys()))
        rule._refuse_never(parts)
        return rule

    def days(self, since: date) -> Iterator[date]:
        """Its days in order, from this one on, without an end where the rule has none."""
        start = date(max(since.year - 1, 1), 1, 1)  # a whole year before: BYSETPOS needs whole weeks
        if self.begins is not None:
            start = self.begins if self.is_counted_from_its_beginning else max(start, self.begins)
        for moment in dropwhile(lambda each: each.date() < since, iter(_rrule(self.text, start))):
            if self.until is not None and moment.date() > self.until:
                return
            yield moment.date()

    def _refuse_never(self, parts: Mapping[str, str]) -> None:
        bare = ";".join(f"{key}={value}" for key, value in parts.items() if key not in ("COUNT", "INTERVAL"))
        if next(iter(_rrule(bare, _CYCLE)), None) is None or next(self.days(self.begins or date.min), None) is None:
            raise Unusable("the rule names no day at all: the window could never open", "mend the rule")


def _beginning(text: str) -> tuple[str, date | None]:
    """The rule, and the day from which it counts."""
    found = re.fullmatch(r"(?:DTSTART(?:;VALUE=DATE)?:(\S+) )?(?:RRULE:)?(\S+)", text)
    if not found:
        raise Unusable(f"{printable(text)!r} is not a rule of RFC 5545", EXAMPLE)
    return found[2], _day("DTSTART", found[1]) if found[1] else None


def _day(key: str, text: str) -> date:
    if not re.fullmatch(r"\d{8}", text):
        raise Unusable(f"{key} must be a day, such as 20261231", AT_OPENS)
    try:
        day = datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        raise Unusable(f"{key} names the day {text}, which there is not", "write year, month and day") from None
    if day < EARLIEST:
        raise Unusable(f"{key} lies before {EARLIEST.year}", "write year, month and day")
    return day


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.rstrip(";").split(";"):
        key, equals, value = part.partition("=")
        if key in parts:
            raise Unusable(f"{key} stands in the rule twice", "keep one")
        if key in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            raise Unusable(f"{key} is a time of day", AT_OPENS)
        if key not in _KNOWN or not equals:
            raise Unusable(f"{printable(part)!r} is no part of a rule that is known here", EXAMPLE)
        parts[key] = value
    return parts


def _check(parts: Mapping[str, str], begins: date | None) -> None:
    frequency = parts.get("FREQ", "")
    if frequency in ("HOURLY", "MINUTELY", "SECONDLY"):
        raise Unusable(f"FREQ={frequency} would open more than once a day", AT_OPENS)
    if frequency not in FREQUENCIES:
        raise Unusable(f"FREQ must be one of {', '.join(FREQUENCIES)}", EXAMPLE)
    for key, value in parts.items():
        if key not in ("FREQ", "UNTIL"):
            _check_value(key, value, frequency)
    _check_numbered_days(parts, frequency)
    _check_beginning(parts, begins, frequency)


def _check_value(key: str, value: str, frequency: str) -> None:
    if frequency not in _FITTING.get(key, FREQUENCIES):
        raise Unusable(f"{key} does not go with FREQ={frequency}", f"it goes with FREQ={_FITTING[key][-1]}")
    if key == "BYDAY":
        good = re.fullmatch(rf"(?:[+-]?\d{{1,2}})?{_WEEKDAY}(?:,(?:[+-]?\d{{1,2}})?{_WEEKDAY})*", value) is not None
    elif key == "WKST":
        good = re.fullmatch(_WEEKDAY, value) is not None
    elif key in ("INTERVAL", "COUNT"):
        good = re.fullmatch(r"[1-9]\d{0,3}", value) is not None
    else:
        sign = "" if key == "BYMONTH" else "[+-]?"
        numbers = value.split(",")
        good = all(re.fullmatch(rf"{sign}\d{{1,3}}", each) and 1 <= abs(int(each)) <= _RANGES[key] for each in numbers)
    if not good:
        raise Unusable(f"{key}={printable(value)} is not what RFC 5545 knows as {key}", EXAMPLE)


def _check_numbered_days(parts: Mapping[str, str], frequency: str) -> None:
    """BYDAY=2TU is the second Tuesday of a month or year; elsewhere the 2 would be ignored in silence."""
    numbers = [int(each) for each in re.findall(r"[+-]?\d+", parts.get("BYDAY", ""))]
    if numbers and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise Unusable(f"BYDAY={parts['BYDAY']} counts weekdays, which a week or a day cannot", "use FREQ=MONTHLY")
    place, most = ("month", 5) if frequency == "MONTHLY" or "BYMONTH" in parts else ("year", 53)
    if any(not 1 <= abs(each) <= most for each in numbers):
        raise Unusable(f"BYDAY={parts['BYDAY']} counts weekdays that no {place} has", EXAMPLE)


def _check_beginning(parts: Mapping[str, str], begins: date | None, frequency: str) -> None:
    """What would have to be taken from a DTSTART that is not there, or that nobody thinks of."""
    if {"COUNT", "UNTIL"} <= parts.keys():
        raise Unusable("has both COUNT and UNTIL", "keep one")
    for key in ("COUNT", "INTERVAL"):
        if key in parts and begins is None:
            raise Unusable(f"{key} needs a day to count from", "begin with it: DTSTART:20260103 RRULE:FREQ=...")
    if frequency != "DAILY" and not any(key in parts for key in _NAMING_DAYS):
        raise Unusable(f"FREQ={frequency} does not say on which day", "add BYDAY or BYMONTHDAY: BYDAY=SA, BYDAY=2TU")
    if "BYWEEKNO" in parts and "BYDAY" not in parts:
        raise Unusable("BYWEEKNO does not say on which day of the week", "add BYDAY, such as BYDAY=SA")


def _rrule(text: str, start: date) -> rrule:
    from dateutil.rrule import rrule, rrulestr  # slow to import, and not needed where no rule is configured

    made = rrulestr(text, dtstart=datetime(start.year, start.month, start.day))
    assert isinstance(made, rrule)
    return made
