"""Owns what of a server's times can be reckoned with; the rest would end in an error far from where it came in."""

from __future__ import annotations

from datetime import datetime


def is_sane(moment: datetime) -> bool:
    """Far enough from the ends of the calendar for every time zone, and for whatever is added to it."""
    return 1900 <= moment.year <= 2900


def duration(value: object) -> float | None:
    """A time that something took, in the unit in which it was told; None for what no clock of a server measures."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else None
