"""Owns reading and writing dates and time spans the way .NET does in en-US."""

from __future__ import annotations

import datetime as dt
import re

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import LOCAL

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?)?\s*(Z|[+-]\d{2}:\d{2})?"
)
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?\s*([AaPp][Mm])?)?")
_SPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
# Standard formats of en-US.
STANDARD = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM dd, yyyy",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "f": "dddd, MMMM dd, yyyy h:mm tt",
    "F": "dddd, MMMM dd, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "y": "MMMM, yyyy",
    "Y": "MMMM, yyyy",
}


def _bad(text: str) -> ClrError:
    return ClrError(
        f'Cannot convert value "{text}" to type "System.DateTime". Error: "The string was not recognized as a valid '
        'DateTime. There is an unknown word starting at index 0."',
        "System.Management.Automation.PSInvalidCastException",
        bases=("System.InvalidCastException",),
        inner=ClrError("String was not recognized as a valid DateTime.", "System.FormatException"),
    )


def parse_datetime(text: str) -> dt.datetime:
    """ISO 8601 and m/d/yyyy; other spellings that .NET would read are refused rather than misread."""
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return _iso(found, text)
    if found := _US.fullmatch(text):
        month, day, year, hour, minute, second, fraction, half = found.groups()
        hours = int(hour or 0)
        if half:
            hours = hours % 12 + (12 if half.lower() == "pm" else 0)
        return _build(text, year, month, day, hours, minute, second, fraction)
    if any(char.isdigit() for char in text):
        raise Refused(f'the date "{text}" in a spelling other than ISO 8601 or month/day/year')
    raise _bad(text)


def _iso(found: re.Match[str], text: str) -> dt.datetime:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    when = _build(text, year, month, day, int(hour or 0), minute, second, fraction)
    if zone is None:
        return when
    offset = dt.timedelta(0)
    if zone != "Z":
        offset = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    return (when - offset).replace(tzinfo=LOCAL)  # .NET gives local time for a string with a zone


def _build(
    text: str, year: str, month: str, day: str, hour: int, minute: str | None, second: str | None, fraction: str | None
) -> dt.datetime:
    micro = int((fraction or "0").ljust(7, "0")[:6])
    try:
        return dt.datetime(int(year), int(month), int(day), hour, int(minute or 0), int(second or 0), micro)
    except ValueError:
        raise _bad(text) from None


def parse_timespan(text: str) -> dt.timedelta:
    """`[d.]hh:mm[:ss[.f]]` or whole days."""
    text = text.strip()
    if re.fullmatch(r"-?\d+", text):
        return dt.timedelta(days=int(text))
    found = _SPAN.fullmatch(text)
    if not found or int(found[3]) > 23 or int(found[4]) > 59 or int(found[5] or 0) > 59:
        raise ClrError(
            f'Cannot convert value "{text}" to type "System.TimeSpan". Error: "Input string was not in a correct '
            'format."',
            "System.Management.Automation.PSInvalidCastException",
            bases=("System.InvalidCastException",),
            inner=ClrError("Input string was not in a correct format.", "System.FormatException"),
        )
    sign, days, hours, minutes, seconds, fraction = found.groups()
    span = dt.timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(7, "0")[:6]),
    )
    return -span if sign else span


def format_datetime(when: dt.datetime, pattern: str = "G") -> str:
    """A date by a standard or custom format."""
    if len(pattern) == 1:
        if pattern not in STANDARD:
            raise Refused(f"the date format '{pattern}'")
        pattern = STANDARD[pattern]
    return "".join(_part(match.group(), when) for match in _TOKENS.finditer(pattern))


_TOKENS = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|%?y+|%?M+|%?d+|%?H+|%?h+|%?m+|%?s+|%?f+|%?F+|%?t+|%?z+|%?K|.", re.DOTALL)


def _part(token: str, when: dt.datetime) -> str:
    token = token.removeprefix("%") if len(token) > 1 else token
    if token[0] in "'\"":
        return token[1:-1]
    if token[0] == "\\":
        return token[1:]
    letter, width = token[0], len(token)
    if letter in "dM":
        return _day_or_month(letter, width, when)
    numbers = {"y": when.year, "H": when.hour, "h": (when.hour - 1) % 12 + 1, "m": when.minute, "s": when.second}
    if letter in numbers:
        number = numbers[letter]
        if letter == "y" and width <= 2:
            number %= 100
        return f"{number:0{min(width, 4) if letter == 'y' else min(width, 2)}d}"
    return _fraction_or_zone(letter, width, when, token)


def _day_or_month(letter: str, width: int, when: dt.datetime) -> str:
    if width <= 2:
        return f"{when.day if letter == 'd' else when.month:0{width}d}"
    name = DAYS[when.weekday()] if letter == "d" else MONTHS[when.month - 1]
    return name[:3] if width == 3 else name


def _fraction_or_zone(letter: str, width: int, when: dt.datetime, token: str) -> str:
    digits = f"{when.microsecond:06d}0"
    if letter == "f":
        return digits[:width]
    if letter == "F":
        return digits[:width].rstrip("0")
    if letter == "t":
        return ("AM" if when.hour < 12 else "PM")[:width]
    if letter == "z":
        return {1: "+0", 2: "+00"}.get(width, "+00:00")
    if letter == "K":
        return "" if when.tzinfo is None else "+00:00" if when.tzinfo is LOCAL else "Z"
    return token
