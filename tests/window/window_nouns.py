"""The nouns of the window tests: moments, windows, calendars, each in a line."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from agent.window import Blackout, Calendar, Rule, Window

BERLIN = "Europe/Berlin"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def at(text: str) -> datetime:
    """A moment, in UTC: "2026-03-29 01:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(name: str, opens: str, minutes: int, days: str = "", rule: str = "", zone: str = BERLIN) -> Window:
    """A window: window("weekend", "22:00", 240, "sat sun")."""
    wanted = frozenset(DAYS.index(day) for day in days.split())
    rules = Rule.parse(rule) if rule else None
    return Window(name, time.fromisoformat(opens), timedelta(minutes=minutes), ZoneInfo(zone), wanted, rules)


def blackout(begins: str, ends: str, name: str = "Freeze") -> Blackout:
    """A single blackout, in UTC."""
    return Blackout(name, at(begins), at(ends), "freeze.ics")


def ics(*events: str, head: str = "") -> bytes:
    """A calendar file; an event is its lines, without BEGIN, UID, SUMMARY and END."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Lab//Test//EN", *head.splitlines()]
    for number, event in enumerate(events):
        own = event.splitlines()
        uid = [] if any(line.startswith("UID:") for line in own) else [f"UID:{number}@lab.example"]
        lines += ["BEGIN:VEVENT", *uid, f"SUMMARY:Event {number}", "DTSTAMP:20260101T000000Z", *own, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def calendar(*events: str, head: str = "", zones: Sequence[tzinfo] = (ZoneInfo(BERLIN),)) -> Calendar:
    """A calendar of these events."""
    return Calendar("freeze.ics", ics(*events, head=head), zones)
